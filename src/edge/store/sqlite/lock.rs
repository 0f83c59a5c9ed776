//! Locks a store by a file beside it.

use super::super::super::journal_file::{self, LockedFile};
use crate::model::error::{Error, Result};
use crate::world::StoreLock;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The system releases the lock if the process is killed.
struct FileLock {
    _file: LockedFile,
}

impl StoreLock for FileLock {
    fn renew(&mut self) -> Result<bool> {
        Ok(true)
    }
}

/// Locks the store. `None`: another process has the lock.
pub(in crate::edge::store) fn lock(store: &Path, purpose: &str) -> Result<Option<Box<dyn StoreLock>>> {
    let mut name = store.as_os_str().to_owned();
    name.push(format!(".{purpose}-lock"));
    let path = PathBuf::from(name);
    match journal_file::open(&path) {
        Ok(file) => Ok(Some(Box::new(FileLock { _file: file }))),
        Err(error) if error.kind() == ErrorKind::ResourceBusy => Ok(None),
        Err(error) => Err(Error::failed(format!("can't lock {}", path.display())).because(error)),
    }
}
