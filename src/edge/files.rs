//! The user's own files: changed whole or not at all.

use crate::model::error::{Error, Result};
use crate::world::{FileChange, FileVisibility};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Makes a file anew out of what it holds. A link stays a link: what it leads to is changed.
pub(super) fn update(path: &Path, change: &mut FileChange<'_>) -> Result<FileVisibility> {
    let failed = |error: io::Error| Error::failed(format!("can't write {}", path.display())).because(error);
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let bytes = change(old)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Temporary files are made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    if let Ok(metadata) = fs::metadata(path) {
        file.as_file().set_permissions(metadata.permissions()).map_err(failed)?;
    }
    file.write_all(&bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    let file = file.persist(path).map_err(|error| failed(error.error))?;
    Ok(reach(&file.metadata().map_err(failed)?))
}

#[cfg(unix)]
fn reach(metadata: &fs::Metadata) -> FileVisibility {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o044 == 0 { FileVisibility::OwnerOnly } else { FileVisibility::Shared }
}

/// Here a user's files are closed to others by their access lists.
#[cfg(not(unix))]
fn reach(_metadata: &fs::Metadata) -> FileVisibility {
    FileVisibility::OwnerOnly
}

/// Writes a file in place of one that may be there, in a folder that is made when it is not: whoever reads it meanwhile sees the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    written(path, bytes).map_err(|error| Error::failed(format!("can't write {}", path.display())).because(error))
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = usual(tempfile::Builder::new()).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Tries whether files can be made in a folder, or in the nearest one above it that is there, by making one that has no name.
pub(super) fn try_folder(folder: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| fs::metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let there = folder.ancestors().find(|folder| !is_missing(folder)).unwrap_or(folder);
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    tempfile::tempfile_in(there).map(drop)
}

/// With the permissions of a file that holds no secrets; the process's mask is taken off.
#[cfg(unix)]
fn usual<'a, 'b>(mut builder: tempfile::Builder<'a, 'b>) -> tempfile::Builder<'a, 'b> {
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Here permissions are the folder's.
#[cfg(not(unix))]
fn usual<'a, 'b>(builder: tempfile::Builder<'a, 'b>) -> tempfile::Builder<'a, 'b> {
    builder
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_is_for_its_owner_and_an_old_one_keeps_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".env");
        assert_eq!(update(&path, &mut |old| Ok(old.unwrap_or(b"new".to_vec()))), Ok(FileVisibility::OwnerOnly));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(update(&path, &mut |_| Ok(b"changed".to_vec())), Ok(FileVisibility::Shared));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read(&path).unwrap(), b"changed");
    }

    #[test]
    fn a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        update(&link, &mut |_| Ok(b"new".to_vec())).unwrap();
        assert_eq!((fs::read(&real).unwrap(), link.is_symlink()), (b"new".to_vec(), true));
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_tried_without_a_trace_and_also_before_it_is_there() {
        let home = tempfile::tempdir().unwrap();
        try_folder(home.path()).unwrap();
        try_folder(&home.path().join("not/yet/there")).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(try_folder(&file).is_err() && try_folder(&file.join("below")).is_err());
    }

    #[test]
    fn a_folder_is_made_and_one_that_cannot_be_is_a_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("man1/page.1");
        replace(&path, b"x").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
        let below_a_file = path.join("report");
        let error = replace(&below_a_file, b"x").unwrap_err();
        assert_eq!(error.what, format!("can't write {}", below_a_file.display()));
    }
}
