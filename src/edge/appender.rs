//! Files that grow at their end: journals and lists. Only their owner may read them, and one process at a time writes them.

use crate::world::Appending;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A file being written at its end, some kilobytes at a time. The lock on it ends with it.
pub(super) struct Appender(BufWriter<File>);

/// Opens it, made with its folder when it is not there, and locks it.
pub(super) fn open(path: &Path) -> io::Result<Appender> {
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
    Ok(Appender(BufWriter::new(file)))
}

/// Where files can't be locked, two that write one are not told apart.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another whtool is writing it"))
        }
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(()),
    }
}

impl Write for Appender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Appending for Appender {
    fn held(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.0.seek(SeekFrom::Start(0))?;
        Ok(Box::new(self.0.get_ref()))
    }

    fn cut(&mut self, keep: u64) -> io::Result<()> {
        self.0.flush()?;
        self.0.get_ref().set_len(keep)?;
        self.0.seek(SeekFrom::End(0)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.0.get_ref().sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_after_what_is_kept_and_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/f");
        let write = |keep, text: &str| {
            let mut file = open(&path).unwrap();
            file.cut(keep).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.sync().unwrap();
            fs::read_to_string(&path).unwrap()
        };
        assert_eq!(write(0, "one\ntw"), "one\ntw");
        assert_eq!(write(4, "two\n"), "one\ntwo\n");
        assert_eq!(write(0, "anew"), "anew");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn it_is_one_writers_at_a_time_who_reads_it_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "held").unwrap();
        let mut first = open(&path).unwrap();
        assert_eq!(open(&path).err().map(|error| error.kind()), Some(io::ErrorKind::ResourceBusy));
        let mut text = String::new();
        first.held().unwrap().read_to_string(&mut text).unwrap();
        first.cut(text.len() as u64).unwrap();
        first.write_all(b" on").unwrap();
        first.sync().unwrap();
        drop(first);
        assert!(open(&path).is_ok());
        assert_eq!(fs::read_to_string(&path).unwrap(), "held on");
    }
}
