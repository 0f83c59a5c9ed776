//! Identifies the store's files, to notice when one is removed or replaced.

use std::path::{Path, PathBuf};

/// Returns the path of a database's write-ahead log.
pub(super) fn log_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Identity of a file: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    /// Identifies the file at this path. `None`: there is none.
    ///
    /// Requests only the inode number. After a query for its times, Linux gives a file a new time
    /// at the next write (multigrain timestamps), and then each sync of the log also writes the
    /// inode, which takes half as long again.
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

    /// Other systems do not remove open files, so any file of this name is the same one.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> Option<Self> {
        path.exists().then_some(Self(0, 0))
    }
}
