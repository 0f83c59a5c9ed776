//! Keeps entries in a temporary file. The last ones are in memory, so that few of them need no file.

use super::order::CreateFile;
use crate::model::temporary_file::TemporaryFile;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Entries are written to the file once they have this many bytes.
const BUFFER_SIZE: usize = 64 * 1024;

/// Entries that are found by their position.
pub struct EntryFile<'a> {
    create: Box<CreateFile<'a>>,
    /// `None`: nothing was written yet.
    file: Option<Box<dyn TemporaryFile>>,
    /// Length of the file in bytes.
    written: u64,
    /// Entries that are not in the file yet, each after its length.
    buffer: Vec<u8>,
}

impl<'a> EntryFile<'a> {
    pub fn new(create: impl Fn() -> io::Result<Box<dyn TemporaryFile>> + 'a) -> Self {
        Self { create: Box::new(create), file: None, written: 0, buffer: Vec::new() }
    }

    /// Adds an entry and returns its position, which is greater than all earlier ones.
    pub fn add(&mut self, entry: &[u8]) -> io::Result<u64> {
        let length = u32::try_from(entry.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let position = self.written + self.buffer.len() as u64;
        self.buffer.extend(length.to_le_bytes());
        self.buffer.extend(entry);
        if self.buffer.len() >= BUFFER_SIZE {
            self.flush()?;
        }
        Ok(position)
    }

    /// Reads the entry at a position that `add` returned.
    pub fn read(&mut self, position: u64) -> io::Result<Vec<u8>> {
        if let Some(start) = position.checked_sub(self.written) {
            let start = usize::try_from(start).map_err(io::Error::other)?;
            return read_entry(&mut self.buffer.get(start..).unwrap_or_default());
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(position))?;
        // One call reads most entries with their length.
        let mut start = [0; 1_024];
        let length = file.read(&mut start)?;
        read_entry(&mut start[..length].chain(file))
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some((self.create)()?);
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(self.written))?;
        file.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn read_entry(source: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    source.read_exact(&mut length)?;
    let mut entry = vec![0; u32::from_le_bytes(length) as usize];
    source.read_exact(&mut entry)?;
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::io::Cursor;

    #[test]
    fn entries_are_read_from_memory_and_from_the_file() {
        let files = Cell::new(0);
        let mut entries = EntryFile::new(|| {
            files.set(files.get() + 1);
            Ok(Box::new(Cursor::new(Vec::new())))
        });
        let text = |number: usize| vec![b'a' + (number % 26) as u8; number % 3_000];
        let positions: Vec<_> = (0..500).map(|number| entries.add(&text(number)).unwrap()).collect();
        assert!(positions.is_sorted_by(|one, next| one < next));
        for (number, position) in positions.iter().enumerate().rev() {
            assert_eq!(entries.read(*position).unwrap(), text(number), "{number}");
        }
        // What is added after reading goes to the end.
        let last = entries.add(b"last").unwrap();
        entries.flush().unwrap();
        assert_eq!(
            (entries.read(last).unwrap().as_slice(), entries.read(positions[499]).unwrap()),
            (&b"last"[..], text(499))
        );
        assert_eq!(files.get(), 1);
    }

    #[test]
    fn few_entries_need_no_file_and_one_that_fails_is_an_error() {
        let mut entries = EntryFile::new(|| Err(io::ErrorKind::StorageFull.into()));
        let position = entries.add(b"small").unwrap();
        assert_eq!(entries.read(position).unwrap(), b"small");
        assert_eq!(entries.add(&[0; BUFFER_SIZE]).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
