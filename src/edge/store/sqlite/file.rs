//! Identifies the store's files, to notice when one is removed or replaced.

use std::path::{Path, PathBuf};

/// Returns the path of a database's write-ahead log.
pub(super) fn log_path(path: &Path) -> PathBuf {
    companion(path, "-wal")
}

/// Returns the path of the index of a database's log, which the processes share.
pub(super) fn index_path(path: &Path) -> PathBuf {
    companion(path, "-shm")
}

fn companion(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Returns the bytes that this process may still write to the file system. `None`: unknown.
#[cfg(unix)]
pub(in crate::edge) fn free_space(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
pub(in crate::edge) fn free_space(_folder: &Path) -> Option<u64> {
    None
}

/// Identity of a file: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

/// A file as it was found at a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundFile {
    pub id: FileId,
    pub size: u64,
}

impl FoundFile {
    /// Looks at the file at this path. `None`: there is none.
    #[cfg(target_os = "linux")]
    pub fn at(path: &Path) -> Option<Self> {
        use rustix::fs::makedev;
        let Some(found) = status(path) else { return Self::with_times(path) };
        found.ok().map(|found| Self {
            id: FileId(makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino),
            size: found.stx_size,
        })
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    pub fn at(path: &Path) -> Option<Self> {
        Self::with_times(path)
    }

    #[cfg(unix)]
    fn with_times(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(path).ok()?;
        Some(Self { id: FileId(found.dev(), found.ino()), size: found.len() })
    }

    /// Other systems do not remove open files, so any file of this name is the same one.
    #[cfg(not(unix))]
    pub fn at(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self { id: FileId(0, 0), size: found.len() })
    }
}

/// Requests only number and size of a file. After a query for its times, Linux gives a file a new
/// time at the next write (multigrain timestamps), and then each sync of the log also writes the
/// inode, which takes half as long again. `None`: an old kernel, or a sandbox that does not know the
/// call.
#[cfg(target_os = "linux")]
fn status(path: &Path) -> Option<rustix::io::Result<rustix::fs::Statx>> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    match statx(CWD, path, AtFlags::empty(), StatxFlags::INO | StatxFlags::SIZE) {
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => None,
        found => Some(found),
    }
}
