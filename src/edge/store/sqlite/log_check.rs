//! Checks that the write-ahead log on disk holds what SQLite has written to it.
//!
//! SQLite finds the frames of the log through an index in memory. If another program truncates or
//! overwrites the log, SQLite goes on writing behind the gap, and the next process that opens the
//! store finds nothing. So the frames of each commit are read back, and their checksums, which
//! continue those of all frames before, are verified.
//! <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>

use super::file::{FileId, FoundFile};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Bytes that are read at once, unless a frame is larger.
const READ: usize = 64 << 10;

type Checksum = [u32; 2];

/// The part of a log that was verified.
#[derive(Default)]
pub(super) struct LogCheck {
    /// Kept open: under a flood of connections there may be no descriptor for opening it.
    file: Option<(FileId, File)>,
    header: Option<LogHeader>,
    /// Number of verified frames.
    frames: u64,
    /// Checksum before the last verified frame, which is read again each time.
    before_last: Checksum,
    /// Kept, since a new buffer for each commit costs more than its checksums.
    buffer: Vec<u8>,
}

/// The store after a commit, according to its last frame.
pub(super) struct LoggedStore {
    pub pages: u64,
    pub page_size: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct LogHeader {
    bytes: [u8; LOG_HEADER],
    page: usize,
    is_big_endian: bool,
}

impl LogHeader {
    /// Reads a header. `None`: it is not one, or its checksum is wrong.
    fn parse(bytes: [u8; LOG_HEADER]) -> Option<Self> {
        let is_big_endian = match number(&bytes, 0) {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return None,
        };
        let page = usize::try_from(number(&bytes, 8)).ok().filter(|page| (512..=65_536).contains(page))?;
        let header = Self { bytes, page, is_big_endian };
        (header.sum([0, 0], &bytes[..24]) == header.checksum()).then_some(header)
    }

    fn checksum(&self) -> Checksum {
        [number(&self.bytes, 24), number(&self.bytes, 28)]
    }

    /// Continues a checksum over bytes, whose number is a multiple of eight.
    fn sum(&self, start: Checksum, bytes: &[u8]) -> Checksum {
        let word =
            |bytes: &[u8; 4]| if self.is_big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
        let (pairs, _) = bytes.as_chunks::<8>();
        pairs.iter().fold(start, |[one, two], pair| {
            let (words, _) = pair.as_chunks::<4>();
            let one = one.wrapping_add(word(&words[0])).wrapping_add(two);
            [one, two.wrapping_add(word(&words[1])).wrapping_add(one)]
        })
    }

    /// Verifies a frame that follows this checksum, and returns its own. `None`: it is not whole.
    fn verify(&self, before: Checksum, frame: &[u8]) -> Option<Checksum> {
        let (head, page) = frame.split_at(FRAME_HEADER);
        let sum = self.sum(self.sum(before, &head[..8]), page);
        (head[8..16] == self.bytes[16..24] && sum == [number(head, 16), number(head, 20)]).then_some(sum)
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl LogCheck {
    /// Opens the log at this path, if it is not open already, before it is needed.
    pub(super) fn prepare(&mut self, path: &Path) -> io::Result<()> {
        self.file = Some(self.take_file(path, FoundFile::at(path).map(|found| found.id))?);
        Ok(())
    }

    fn take_file(&mut self, path: &Path, id: Option<FileId>) -> io::Result<(FileId, File)> {
        let id = id.ok_or(io::ErrorKind::NotFound)?;
        self.file.take().filter(|(open, _)| *open == id).map_or_else(|| Ok((id, File::open(path)?)), Ok)
    }

    /// Verifies the first `frames` frames of the log at this path: those that were not verified yet,
    /// and the last one that was. `None`: they are not what SQLite has written.
    pub(super) fn verify(&mut self, path: &Path, id: Option<FileId>, frames: u64) -> io::Result<Option<LoggedStore>> {
        let (id, file) = self.take_file(path, id)?;
        let result = self.verify_file(&file, frames);
        self.file = Some((id, file));
        result
    }

    fn verify_file(&mut self, mut file: &File, frames: u64) -> io::Result<Option<LoggedStore>> {
        file.rewind()?;
        let mut bytes = [0; LOG_HEADER];
        if file.read_exact(&mut bytes).is_err() {
            return Ok(None);
        }
        let Some(header) = LogHeader::parse(bytes) else { return Ok(None) };
        if self.header != Some(header) {
            // SQLite has started the log over.
            (self.header, self.frames, self.before_last) = (Some(header), 0, header.checksum());
        }
        if frames < self.frames {
            return Ok(None);
        }
        let first = self.frames.saturating_sub(1);
        let size = FRAME_HEADER + header.page;
        file.seek(SeekFrom::Start(LOG_HEADER as u64 + first * size as u64))?;
        let several = (READ / size).max(1);
        self.buffer.resize(several * size, 0);
        let (mut sum, mut pages) = (self.before_last, 0);
        let mut left = frames - first;
        while left > 0 {
            let count = usize::try_from(left).map_or(several, |left| left.min(several));
            let bytes = &mut self.buffer[..count * size];
            match file.read_exact(bytes) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                read => read?,
            }
            for frame in bytes.chunks_exact(size) {
                self.before_last = sum;
                let Some(next) = header.verify(sum, frame) else { return Ok(None) };
                sum = next;
                pages = number(frame, 4);
            }
            left -= count as u64;
        }
        self.frames = frames;
        Ok(Some(LoggedStore { pages: u64::from(pages), page_size: header.page as u64 }))
    }
}
