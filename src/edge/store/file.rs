//! The store's files as the system knows them, to see when one was removed or replaced.

use std::path::{Path, PathBuf};

/// The write-ahead log of a database.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// What tells one file from another of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    /// `None`: there is no file of this name.
    ///
    /// Asks for nothing but the number. Linux remembers when a file's times were asked for, and gives it a new time at the next write
    /// (multigrain timestamps), so that every sync of a log whose times are looked at has its inode to write too: half as long again.
    #[cfg(target_os = "linux")]
    pub fn of(path: &Path) -> Option<Self> {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
        match statx(CWD, path, AtFlags::empty(), StatxFlags::INO) {
            Ok(found) => Some(Self(makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino)),
            // An old kernel, or a sandbox that does not know the call.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => Self::with_times(path),
            Err(_) => None,
        }
    }

    /// `None`: there is no file of this name.
    #[cfg(all(unix, not(target_os = "linux")))]
    pub fn of(path: &Path) -> Option<Self> {
        Self::with_times(path)
    }

    #[cfg(unix)]
    fn with_times(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self(metadata.dev(), metadata.ino()))
    }

    /// An open file can't be removed there, so that any file of the name is the one.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> Option<Self> {
        path.exists().then_some(Self(0, 0))
    }
}
