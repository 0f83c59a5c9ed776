//! Files that are written whole or not at all.

use crate::error::{Error, Result};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file in place of one that may be there: whoever reads it meanwhile sees the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    written(path, bytes).map_err(|error| Error::failed(format!("can't write {}", path.display())).because(error))
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(usual()).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The permissions of a file that holds no secrets; the process's mask is taken off.
#[cfg(unix)]
fn usual() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_folder_that_is_not_there_is_a_clear_error() {
        let error = replace(Path::new("/no/such/folder/report"), b"x").unwrap_err();
        assert_eq!(error.what, "can't write /no/such/folder/report");
    }
}
