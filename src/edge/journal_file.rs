//! Opens journals: files that grow at the end, readable only by their owner, written by one process
//! at a time. Nothing is buffered, so that a process that is killed loses nothing.

use super::files::NOT_REGULAR;
use crate::world::AppendFile;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A locked file, positioned at its end. Dropping it releases the lock.
pub(super) struct LockedFile(File);

/// Opens and locks a file, creating it and its folder if they do not exist.
pub(super) fn open(path: &Path) -> io::Result<LockedFile> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, NOT_REGULAR));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    lock(&file)?;
    file.seek(SeekFrom::End(0))?;
    Ok(LockedFile(file))
}

/// Locks the file where the file system can; elsewhere two writers are not noticed.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another whtool process is writing to it"))
        }
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(()),
    }
}

impl Write for LockedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl AppendFile for LockedFile {
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.0.seek(SeekFrom::Start(0))?;
        Ok(Box::new(&self.0))
    }

    fn line_at(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        self.0.seek(SeekFrom::Start(offset))?;
        let mut line = Vec::new();
        BufReader::new(&self.0).read_until(b'\n', &mut line)?;
        self.0.seek(SeekFrom::End(0))?;
        Ok(line)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)?;
        self.0.seek(SeekFrom::End(0)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_continues_after_the_kept_part_of_a_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/f");
        let write = |length, text: &str| {
            let mut file = open(&path).unwrap();
            file.truncate(length).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.sync().unwrap();
            fs::read_to_string(&path).unwrap()
        };
        assert_eq!(write(0, "one\ntw"), "one\ntw");
        assert_eq!(write(4, "two\n"), "one\ntwo\n");
        assert_eq!(write(0, "new"), "new");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_second_writer_is_refused_until_the_first_one_closes_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "held").unwrap();
        let mut first = open(&path).unwrap();
        assert_eq!(open(&path).err().map(|error| error.kind()), Some(io::ErrorKind::ResourceBusy));
        assert_eq!(first.line_at(2).unwrap(), b"ld");
        let mut text = String::new();
        first.contents().unwrap().read_to_string(&mut text).unwrap();
        first.truncate(text.len() as u64).unwrap();
        first.write_all(b" on").unwrap();
        first.sync().unwrap();
        drop(first);
        assert!(open(&path).is_ok());
        assert_eq!(fs::read_to_string(&path).unwrap(), "held on");
    }
}
