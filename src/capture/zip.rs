//! Reads the members of a ZIP archive: Fiddler's sessions (`.saz`), zipped HAR files, and others.

use super::encoding::MAX_DECOMPRESSED;
use super::unreadable::UnreadableFile;
use flate2::read::DeflateDecoder;
use std::io::Read;

/// The largest number of members that are read.
const MAX_MEMBERS: usize = 10_000;

/// A file in an archive.
pub(super) struct ZipMember {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Reads all members, in the order of their names: Fiddler numbers them. Members that are encrypted
/// or compressed in another way are an error.
pub(super) fn read(file: &[u8]) -> Result<Vec<ZipMember>, UnreadableFile> {
    let damaged =
        || UnreadableFile::new("it is a ZIP archive, but damaged or cut off", "copy the file again, in binary mode");
    let mut members = Vec::new();
    let mut left = MAX_DECOMPRESSED;
    let mut at = directory_start(file).ok_or_else(damaged)?;
    while file.get(at..at + 4) == Some(b"PK\x01\x02") && members.len() < MAX_MEMBERS {
        let entry = DirectoryEntry::read(file, at).ok_or_else(damaged)?;
        at = entry.end;
        if entry.name.ends_with('/') {
            continue;
        }
        if entry.is_encrypted || !matches!(entry.method, 0 | 8) {
            return Err(UnreadableFile::new(
                "it is a ZIP archive that is encrypted or compressed in an unusual way",
                "unpack it, and name the file inside",
            ));
        }
        let data = entry.data(file).ok_or_else(damaged)?;
        let mut bytes = Vec::new();
        let read = match entry.method {
            0 => data.take(left + 1).read_to_end(&mut bytes),
            _ => DeflateDecoder::new(data).take(left + 1).read_to_end(&mut bytes),
        };
        read.map_err(|_| damaged())?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            UnreadableFile::new("it decompresses to more than 256 MiB", "unpack it, and name the file inside")
        })?;
        members.push(ZipMember { name: entry.name, bytes });
    }
    members.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(members)
}

/// Finds the central directory by the record at the end of the file.
fn directory_start(file: &[u8]) -> Option<usize> {
    let end = memchr::memmem::rfind(file, b"PK\x05\x06")?;
    usize::try_from(long(file, end + 16)?).ok()
}

struct DirectoryEntry {
    name: String,
    is_encrypted: bool,
    method: u16,
    size: usize,
    local_header: usize,
    /// Offset of the next entry.
    end: usize,
}

impl DirectoryEntry {
    fn read(file: &[u8], at: usize) -> Option<Self> {
        let lengths = [28, 30, 32].map(|offset| short(file, at + offset).map(usize::from));
        let [name_length, extra, comment] = [lengths[0]?, lengths[1]?, lengths[2]?];
        let name = file.get(at + 46..at + 46 + name_length)?;
        Some(Self {
            name: String::from_utf8_lossy(name).into_owned(),
            is_encrypted: short(file, at + 8)? & 1 != 0,
            method: short(file, at + 10)?,
            size: long(file, at + 20)? as usize,
            local_header: long(file, at + 42)? as usize,
            end: at + 46 + name_length + extra + comment,
        })
    }

    /// Returns the data, which follows a second header with lengths of its own.
    fn data<'f>(&self, file: &'f [u8]) -> Option<&'f [u8]> {
        let at = self.local_header;
        let start =
            at.checked_add(30)? + usize::from(short(file, at.checked_add(26)?)?) + usize::from(short(file, at + 28)?);
        file.get(start..start.checked_add(self.size)?)
    }
}

fn short(file: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(file.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn long(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(file.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
