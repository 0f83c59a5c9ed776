//! Files that hold secrets: mode 0600, in a folder of mode 0700. Wider modes are refused, not mended: whoever widened
//! them should know, and what was readable may have been read.

use crate::model::error::{Error, Result};
use crate::world::FileChange;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Reads a file of secrets; `None`: there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |error: io::Error| out_of_reach(format!("can't read {}", path.display()), error);
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // Asked of the open file, not of its name: nobody can swap it in between.
    refuse_if_open_to_others(&file.metadata().map_err(failed)?, path, "600")?;
    let folder = folder_of(path);
    refuse_if_open_to_others(&fs::metadata(folder).map_err(failed)?, folder, "700")?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// Writes a new file of secrets, on disk when this returns. `false`: there is one already, and it was left alone.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<bool> {
    let failed = |error: io::Error| out_of_reach(format!("can't write {}", path.display()), error);
    let folder = folder_of(path);
    create_private_folder(folder).map_err(failed)?;
    refuse_if_open_to_others(&fs::metadata(folder).map_err(failed)?, folder, "700")?;
    // Temporary files are made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(failed(error.error)),
    }
    sync_folder(folder).map_err(failed)?;
    Ok(true)
}

/// Makes a file of secrets anew, on disk when this returns. Others that do so wait for their turn.
pub(super) fn update(path: &Path, change: &mut FileChange<'_>) -> Result<()> {
    let failed = |error: io::Error| out_of_reach(format!("can't write {}", path.display()), error);
    let folder = folder_of(path);
    create_private_folder(folder).map_err(failed)?;
    // The lock is a file of its own: the other one is replaced.
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(lock).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let bytes = change(read(path)?)?;
    refuse_if_open_to_others(&fs::metadata(folder).map_err(failed)?, folder, "700")?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(&bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder).map_err(failed)
}

/// Removes a file of secrets; none is no error.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::failed(format!("can't remove {}", path.display())).because(error))
        }
        _ => Ok(()),
    }
}

/// An error of the system's; where the place is the trouble, another one helps.
fn out_of_reach(what: String, error: io::Error) -> Error {
    use io::ErrorKind::{AlreadyExists, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    // `AlreadyExists`: a file stands where a folder should be.
    let is_place =
        matches!(error.kind(), AlreadyExists | NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem);
    let failed = Error::failed(what).because(error);
    if is_place { failed.hint("set WHTOOL_HOME to a folder that you can write to") } else { failed }
}

/// The folder a file lies in; a bare name lies in the current one.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The permission bits of a file or folder.
#[cfg(unix)]
pub(super) fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o7777)
}

/// Here a user's folders are closed to others by their access lists.
#[cfg(not(unix))]
pub(super) fn mode(_path: &Path) -> Option<u32> {
    None
}

/// Refuses a file that others may read or change.
#[cfg(unix)]
pub(super) fn refuse_if_open_to_others(metadata: &fs::Metadata, path: &Path, mode: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Error::failed(format!("{path} can be read or changed by other users, and holds secrets"))
        .hint(format!("chmod {mode} {path}")))
}

#[cfg(unix)]
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        // Another whtool was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Here a user's folders are closed to others by their access lists.
#[cfg(not(unix))]
pub(super) fn refuse_if_open_to_others(_metadata: &fs::Metadata, _path: &Path, _mode: &str) -> Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Folders can't be synced here; the file itself was.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
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
    fn a_place_that_can_not_be_written_is_told_with_how_to_take_another() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Not even root can write below a file.
        let below = file.path().join("data").join("seed");
        for error in [read(&below).unwrap_err(), create(&below, b"x").unwrap_err()] {
            assert!(error.hint.as_ref().is_some_and(|hint| hint.contains("WHTOOL_HOME")), "{error:?}");
        }
    }

    #[test]
    fn a_new_file_is_for_its_owner_only_and_so_is_its_folder() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("deep/whtool/secret");
        assert!(create(&path, b"whsec\0\n").unwrap());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"whsec\0\n"[..]));
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("whtool/secret");
        assert!(create(&path, b"first").unwrap());
        assert!(!create(&path, b"second").unwrap());
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"first"[..]));
        assert_eq!(fs::read_dir(folder_of(&path)).unwrap().count(), 1, "no temporary file stays behind");
    }

    #[test]
    fn of_many_who_create_it_at_once_one_succeeds() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("whtool/secret");
        let created = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| create(&path, b"x").unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|&created| created).count()
        });
        assert_eq!(created, 1);
    }

    #[test]
    fn updates_take_turns_and_none_is_lost() {
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
    fn an_update_that_fails_leaves_the_file_as_it_is() {
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
    fn no_file_is_no_error() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(read(&home.path().join("none/secret")), Ok(None));
    }

    #[test]
    fn a_file_or_folder_open_to_others_is_refused_with_advice() {
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
