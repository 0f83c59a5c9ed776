//! Files that grow at their end: journals and lists. Only their owner may read them.

use crate::world::Appending;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// A file being written at its end, some kilobytes at a time.
pub(super) struct Appender(BufWriter<File>);

/// Opens it, made when it is not there, and cuts off what follows the bytes to keep.
pub(super) fn open(path: &Path, keep: u64) -> io::Result<Appender> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.set_len(keep)?;
    file.seek(SeekFrom::End(0))?;
    Ok(Appender(BufWriter::new(file)))
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
        let path = folder.path().join("f");
        let write = |keep, text: &str| {
            let mut file = open(&path, keep).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.sync().unwrap();
            std::fs::read_to_string(&path).unwrap()
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
}
