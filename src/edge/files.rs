//! Atomic writes: a reader sees the old content or the new, never a part.
//!
//! Files that hold secrets add checks of their own in `secret_file`.

use crate::model::error::{Error, Result};
use crate::world::{FileChange, FileVisibility};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

pub(super) enum Permissions {
    /// 0600.
    OwnerOnly,
    /// 0666 less the process's umask.
    Default,
    CopyOf(fs::Permissions),
}

#[derive(PartialEq, Eq)]
pub(super) enum IfExists {
    Replace,
    Keep,
}

/// Writes a file next to `path`, syncs it, and renames it to `path`. Returns `false` if the file
/// exists and is to be kept.
pub(super) fn write_atomically(
    path: &Path,
    bytes: &[u8],
    permissions: Permissions,
    if_exists: IfExists,
) -> io::Result<bool> {
    let folder = parent_folder(path);
    let mut builder = tempfile::Builder::new();
    if matches!(permissions, Permissions::Default) {
        allow_umask(&mut builder);
    }
    let mut file = builder.tempfile_in(folder)?;
    if let Permissions::CopyOf(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let renamed = match if_exists {
        IfExists::Replace => file.persist(path),
        IfExists::Keep => file.persist_noclobber(path),
    };
    match renamed {
        Ok(_) => sync_folder(folder).map(|()| true),
        Err(error) if if_exists == IfExists::Keep && error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Replaces the content of a file. A symbolic link stays one: its target is changed.
pub(super) fn update(path: &Path, change: &mut FileChange<'_>) -> Result<FileVisibility> {
    let failed = |error: io::Error| Error::failed(format!("can't write {}", path.display())).because(error);
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let bytes = change(old)?;
    let permissions = match fs::metadata(path) {
        Ok(metadata) => Permissions::CopyOf(metadata.permissions()),
        Err(_) => Permissions::OwnerOnly,
    };
    write_atomically(path, &bytes, permissions, IfExists::Replace).map_err(failed)?;
    Ok(visibility(&fs::metadata(path).map_err(failed)?))
}

#[cfg(unix)]
fn visibility(metadata: &fs::Metadata) -> FileVisibility {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o044 == 0 { FileVisibility::OwnerOnly } else { FileVisibility::Shared }
}

/// On other systems access lists keep users out of each other's folders.
#[cfg(not(unix))]
fn visibility(_metadata: &fs::Metadata) -> FileVisibility {
    FileVisibility::OwnerOnly
}

/// Writes a file that holds nothing secret, creating its folder if necessary.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(parent_folder(path))
        .and_then(|()| write_atomically(path, bytes, Permissions::Default, IfExists::Replace))
        .map(|_| ())
        .map_err(|error| Error::failed(format!("can't write {}", path.display())).because(error))
}

/// Checks that files can be created in a folder, or in its nearest existing ancestor, by creating
/// an unnamed one.
pub(super) fn check_writable(folder: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| fs::metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let existing = folder.ancestors().find(|folder| !is_missing(folder)).unwrap_or(folder);
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    tempfile::tempfile_in(existing).map(drop)
}

/// Returns the folder of a file; the working directory for a bare name.
pub(super) fn parent_folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn allow_umask(builder: &mut tempfile::Builder<'_, '_>) {
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
}

#[cfg(not(unix))]
fn allow_umask(_builder: &mut tempfile::Builder<'_, '_>) {}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Other systems cannot sync folders.
#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_has_mode_0600_and_an_existing_one_keeps_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".env");
        assert_eq!(update(&path, &mut |old| Ok(old.unwrap_or(b"new".to_vec()))), Ok(FileVisibility::OwnerOnly));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(update(&path, &mut |_| Ok(b"changed".to_vec())), Ok(FileVisibility::Shared));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read(&path).unwrap(), b"changed");
    }

    #[test]
    fn updating_a_symbolic_link_changes_its_target() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        update(&link, &mut |_| Ok(b"new".to_vec())).unwrap();
        assert_eq!((fs::read(&real).unwrap(), link.is_symlink()), (b"new".to_vec(), true));
    }

    #[test]
    fn replacing_a_file_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn checking_a_folder_leaves_nothing_behind_and_works_before_it_exists() {
        let home = tempfile::tempdir().unwrap();
        check_writable(home.path()).unwrap();
        check_writable(&home.path().join("not/yet/there")).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(check_writable(&file).is_err() && check_writable(&file.join("below")).is_err());
    }

    #[test]
    fn missing_folders_are_created_and_a_file_in_their_place_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("man1/page.1");
        write(&path, b"x").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
        let below_a_file = path.join("report");
        let error = write(&below_a_file, b"x").unwrap_err();
        assert_eq!(error.message, format!("can't write {}", below_a_file.display()));
    }
}
