//! Files that hold secrets: mode 0600, in a folder of mode 0700.
//!
//! Wider modes are refused, not corrected: whoever widened them should know, and the secret may
//! have been read already.

use super::files::{IfExists, Permissions, parent_folder, write_atomically};
use crate::model::error::{Error, Result};
use crate::world::FileChange;
use std::fs;
use std::io;
use std::path::Path;

/// Reads a secret file. `None`: it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |error: io::Error| access_error(format!("can't read {}", path.display()), error);
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // The open file is checked, not its name, which could be swapped in between.
    check_mode(&file.metadata().map_err(failed)?, path, "600")?;
    let folder = parent_folder(path);
    check_mode(&fs::metadata(folder).map_err(failed)?, folder, "700")?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// Creates a secret file and syncs it. Returns `false`, and changes nothing, if it exists.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<bool> {
    let failed = |error: io::Error| access_error(format!("can't write {}", path.display()), error);
    let folder = parent_folder(path);
    create_private_folder(folder).map_err(failed)?;
    check_mode(&fs::metadata(folder).map_err(failed)?, folder, "700")?;
    write_atomically(path, &mut &*bytes, Permissions::OwnerOnly, IfExists::Keep).map_err(failed)
}

/// Creates a file of zeros and syncs it. It is filled by `fill`.
pub(super) fn reserve(path: &Path, length: usize) -> Result<()> {
    if create(path, &vec![0; length])? {
        return Ok(());
    }
    Err(Error::failed(format!("can't write {}", path.display())).because("it already exists"))
}

/// Writes the content of a reserved file in place, where its space is, and syncs it.
pub(super) fn fill(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: io::Error| access_error(format!("can't write {}", path.display()), error);
    let mut file = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
    io::Write::write_all(&mut file, bytes).map_err(failed)?;
    file.set_len(bytes.len() as u64).and_then(|()| file.sync_all()).map_err(failed)
}

/// Replaces the content of a secret file and syncs it, holding a lock against other processes.
pub(super) fn update(path: &Path, change: &mut FileChange<'_>) -> Result<()> {
    let failed = |error: io::Error| access_error(format!("can't write {}", path.display()), error);
    let folder = parent_folder(path);
    create_private_folder(folder).map_err(failed)?;
    // The file itself is replaced, so it cannot carry the lock.
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(lock).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let bytes = change(read(path)?)?;
    check_mode(&fs::metadata(folder).map_err(failed)?, folder, "700")?;
    write_atomically(path, &mut &bytes[..], Permissions::OwnerOnly, IfExists::Replace).map_err(failed).map(|_| ())
}

/// Removes a secret file. A missing one is not an error.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::failed(format!("can't remove {}", path.display())).because(error))
        }
        _ => Ok(()),
    }
}

/// Adds a hint about WHTOOL_HOME where another folder would help.
fn access_error(what: String, error: io::Error) -> Error {
    use io::ErrorKind::{AlreadyExists, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    // `AlreadyExists`: a file is in the place of a folder.
    let depends_on_folder =
        matches!(error.kind(), AlreadyExists | NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem);
    let failed = Error::failed(what).because(error);
    if depends_on_folder { failed.hint("set WHTOOL_HOME to a directory that you can write to") } else { failed }
}

/// Returns the permission bits of a file or folder. `None`: it does not exist.
#[cfg(unix)]
pub(super) fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
pub(super) fn mode(_path: &Path) -> Option<u32> {
    None
}

/// Refuses a file or folder that other users can read or change.
#[cfg(unix)]
pub(super) fn check_mode(metadata: &fs::Metadata, path: &Path, mode: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Error::failed(format!("{path} holds secrets, but other users can read or change it"))
        .hint(format!("chmod {mode} {path}")))
}

/// On other systems access lists keep users out of each other's folders.
#[cfg(not(unix))]
pub(super) fn check_mode(_metadata: &fs::Metadata, _path: &Path, _mode: &str) -> Result<()> {
    Ok(())
}

/// Creates a folder and the missing ones above with mode 0700, and syncs them.
#[cfg(unix)]
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    let parent = parent_folder(folder);
    // The XDG specification asks for 0700 for missing folders above, too.
    create_private_folder(parent)?;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        created => created.and_then(|()| super::files::sync_folder(parent)),
    }
}

#[cfg(not(unix))]
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn an_unwritable_folder_is_an_error_with_a_hint() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Not even root can write below a file.
        let below = file.path().join("data").join("seed");
        for error in [read(&below).unwrap_err(), create(&below, b"x").unwrap_err()] {
            assert!(error.hint.as_ref().is_some_and(|hint| hint.contains("WHTOOL_HOME")), "{error:?}");
        }
    }

    #[test]
    fn a_new_file_has_mode_0600_and_its_folder_0700() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("deep/whtool/secret");
        assert!(create(&path, b"whsec\0\n").unwrap());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"whsec\0\n"[..]));
    }

    #[test]
    fn a_reserved_file_is_filled_in_place() {
        use std::os::unix::fs::MetadataExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("whtool/answer");
        reserve(&path, 65_536).unwrap();
        let before = fs::metadata(&path).unwrap();
        assert!(before.len() == 65_536 && before.blocks() >= 128 && mode(&path) == 0o600);
        fill(&path, b"{}").unwrap();
        assert_eq!(
            (read(&path).unwrap().as_deref(), fs::metadata(&path).unwrap().ino()),
            (Some(&b"{}"[..]), before.ino())
        );
        assert!(reserve(&path, 1).is_err());
    }

    #[test]
    fn creating_an_existing_file_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("whtool/secret");
        assert!(create(&path, b"first").unwrap());
        assert!(!create(&path, b"second").unwrap());
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"first"[..]));
        assert_eq!(fs::read_dir(parent_folder(&path)).unwrap().count(), 1, "a temporary file was left");
    }

    #[test]
    fn of_concurrent_creates_exactly_one_succeeds() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("whtool/secret");
        let created = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| create(&path, b"x").unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|&created| created).count()
        });
        assert_eq!(created, 1);
    }

    #[test]
    fn concurrent_updates_do_not_lose_each_other() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("whtool/registry");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        update(&path, &mut |old| Ok([old.unwrap_or_default(), b"x".to_vec()].concat())).unwrap();
                    }
                });
            }
        });
        assert_eq!(read(&path).unwrap().map(|bytes| bytes.len()), Some(80));
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn a_failed_update_leaves_the_file_unchanged() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("whtool/registry");
        create(&path, b"old").unwrap();
        assert!(update(&path, &mut |_| Err(Error::failed("no"))).is_err());
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"old"[..]));
        set_mode(&path, 0o644);
        assert!(update(&path, &mut |_| Ok(b"new".to_vec())).is_err());
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }

    #[test]
    fn a_missing_file_is_not_an_error() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(read(&home.path().join("none/secret")), Ok(None));
    }

    #[test]
    fn a_file_or_folder_that_others_can_read_is_refused_with_a_chmod_hint() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("whtool");
        let path = folder.join("secret");
        create(&path, b"x").unwrap();
        set_mode(&path, 0o640);
        let advice = read(&path).unwrap_err().hint.unwrap();
        assert_eq!(advice, format!("chmod 600 {}", path.display()));
        set_mode(&path, 0o600);
        set_mode(&folder, 0o755);
        let advice = read(&path).unwrap_err().hint.unwrap();
        assert_eq!(advice, format!("chmod 700 {}", folder.display()));
        assert!(create(&folder.join("other"), b"x").is_err());
    }
}
