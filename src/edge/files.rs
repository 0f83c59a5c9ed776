//! Atomic writes: a reader sees the old content or the new, never a part.
//!
//! Files that hold secrets add checks of their own in `secret_file`.

use crate::model::error::{Error, Result};
use crate::world::{FileChange, FileVisibility, IsOwnOutput};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

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
    content: &mut dyn Read,
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
    io::copy(content, &mut file)?;
    file.as_file().sync_all()?;
    let renamed = match if_exists {
        IfExists::Replace => replace(file, path),
        IfExists::Keep => file.persist_noclobber(path).map(drop).map_err(|error| error.error),
    };
    match renamed {
        Ok(()) => sync_folder(folder).map(|()| true),
        Err(error) if if_exists == IfExists::Keep && error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(windows))]
fn replace(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Renames as POSIX does, which `persist` does not: a process that reads the old file keeps it, and
/// does not make this one fail.
#[cfg(windows)]
fn replace(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    let (_, temporary) = file.keep().map_err(|error| error.error)?;
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// Longest file that `read_small` reads, in bytes.
const SMALL_FILE: u64 = 1 << 20;

/// Reads a regular file. Others, such as pipes, could block.
pub(super) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(SMALL_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces the content of a file. A symbolic link stays one: its target is changed.
pub(super) fn update(path: &Path, change: &mut FileChange<'_>) -> Result<FileVisibility> {
    let failed = |error: io::Error| Error::failed(format!("can't write {}", path.display())).because(error);
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let read = |metadata: fs::Metadata| match metadata.is_file() {
        true => fs::read(path),
        // Reading could wait, or never end.
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, NOT_REGULAR)),
    };
    let old = match fs::metadata(path).and_then(read) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let bytes = change(old)?;
    let permissions = match fs::metadata(path) {
        Ok(metadata) => Permissions::CopyOf(metadata.permissions()),
        Err(_) => Permissions::OwnerOnly,
    };
    write_atomically(path, &mut &bytes[..], permissions, IfExists::Replace).map_err(failed)?;
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

/// Returns true if both paths lead to one existing file, through links of any kind.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) {
        use std::os::unix::fs::MetadataExt;
        return (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// The thing that is in the place of an output file.
enum OutputTarget {
    Nothing,
    /// A file that may be replaced, at the end of all symbolic links.
    Replaceable(PathBuf, fs::Permissions),
    /// A device or pipe.
    Stream,
}

/// Bytes of an existing file by which an earlier output is recognized.
const OUTPUT_START: u64 = 4096;

impl OutputTarget {
    /// Looks at what is in the place of an output file. An error: it must not be replaced.
    fn find(path: &Path, is_own: &IsOwnOutput<'_>) -> Result<Self> {
        let refused = |reason: &str| Err(cannot_write(path).because(reason).hint("choose another name"));
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot_write(path).because(error)),
            Err(_) if path.is_symlink() => return refused("it is a symbolic link to a file that does not exist"),
            Err(_) => return Ok(Self::Nothing),
        };
        if metadata.is_dir() {
            return refused("it is a directory");
        }
        if is_stream(&metadata) {
            return Ok(Self::Stream);
        }
        if !metadata.is_file() {
            return refused(NOT_REGULAR);
        }
        let failed = |error: io::Error| cannot_write(path).because(error);
        let mut start = Vec::new();
        fs::File::open(path).and_then(|file| file.take(OUTPUT_START).read_to_end(&mut start)).map_err(failed)?;
        if !start.is_empty() && !is_own(&start) {
            return Err(already_exists(path).because("it is not an earlier output of this command"));
        }
        Ok(Self::Replaceable(fs::canonicalize(path).map_err(failed)?, metadata.permissions()))
    }
}

/// The reason why a device, a socket or a folder can't be used.
pub(super) const NOT_REGULAR: &str = "it is not a regular file";

fn cannot_write(path: &Path) -> Error {
    Error::failed(format!("can't write {}", path.display()))
}

fn already_exists(path: &Path) -> Error {
    Error::failed(format!("{} already exists", path.display())).hint("choose another name, or remove the file")
}

/// Checks that an output file may be written, as far as that can be known before.
pub(super) fn check_output(path: &Path, is_own: &IsOwnOutput<'_>) -> Result<()> {
    OutputTarget::find(path, is_own).map(drop)
}

/// Writes an output file. Only an empty file and an earlier output of the same command are
/// replaced; a device or a pipe with a reader is written to.
pub(super) fn write_output(
    path: &Path,
    content: &mut dyn Read,
    visibility: FileVisibility,
    is_own: &IsOwnOutput<'_>,
) -> Result<()> {
    let new = || match visibility {
        FileVisibility::OwnerOnly => Permissions::OwnerOnly,
        FileVisibility::Shared => Permissions::Default,
    };
    let written = match OutputTarget::find(path, is_own)? {
        OutputTarget::Nothing => fs::create_dir_all(parent_folder(path))
            .and_then(|()| write_atomically(path, content, new(), IfExists::Keep)),
        OutputTarget::Replaceable(path, mode) => {
            write_atomically(&path, content, Permissions::CopyOf(mode), IfExists::Replace)
        }
        OutputTarget::Stream => write_stream(path, content).map(|()| true),
    };
    match written {
        Ok(true) => Ok(()),
        // It was created in the meantime.
        Ok(false) => Err(already_exists(path)),
        Err(error) => Err(cannot_write(path).because(error)),
    }
}

#[cfg(unix)]
fn is_stream(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_char_device() || metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_stream(_metadata: &fs::Metadata) -> bool {
    false
}

/// Writes to a device or pipe. A pipe without a reader is an error; opening it would wait for one.
fn write_stream(path: &Path, content: &mut dyn Read) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let mut stream = options.open(path)?;
    #[cfg(unix)]
    rustix::fs::fcntl_setfl(&stream, rustix::fs::OFlags::empty())?;
    io::copy(content, &mut stream).map(drop)
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

    fn write(path: &Path, mut bytes: &[u8]) -> Result<()> {
        write_output(path, &mut bytes, FileVisibility::Shared, &|start| start.starts_with(b"own "))
    }

    #[test]
    fn an_earlier_output_is_replaced_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        for text in [&b"own 1"[..], b"own 2", b"", b"own 3"] {
            write(&path, text).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_no_earlier_output_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        let (link, hard_link) = (folder.path().join("link"), folder.path().join("hard"));
        fs::write(&notes, "my notes").unwrap();
        symlink(&notes, &link).unwrap();
        fs::hard_link(&notes, &hard_link).unwrap();
        for path in [&notes, &link, &hard_link] {
            let error = write(path, b"own").unwrap_err();
            assert_eq!(error.message, format!("{} already exists", path.display()));
            assert!(check_output(path, &|_| false).is_err());
        }
        assert_eq!((fs::read(&notes).unwrap(), link.is_symlink()), (b"my notes".to_vec(), true));
        let dangling = folder.path().join("dangling");
        symlink(folder.path().join("nothing"), &dangling).unwrap();
        for (path, reason) in [(dangling.as_path(), "symbolic link"), (folder.path(), "directory")] {
            let error = write(path, b"own").unwrap_err();
            assert!(error.cause().unwrap().contains(reason), "{error:?}");
        }
        assert!(dangling.is_symlink());
    }

    #[test]
    fn devices_and_pipes_are_written_to_and_never_read_or_replaced() {
        use std::os::unix::fs::FileTypeExt;
        write(Path::new("/dev/null"), b"x").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        if Path::new("/dev/full").exists() {
            assert!(write(Path::new("/dev/full"), b"x").is_err());
            assert!(update(Path::new("/dev/full"), &mut |_| Ok(Vec::new())).is_err(), "it would be read for ever");
        }
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(write(&pipe, b"x").is_err(), "nothing reads it");
        assert!(update(&pipe, &mut |_| Ok(Vec::new())).is_err());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        let text = vec![b'x'; 1 << 20];
        // The reader opens it at some time.
        while write(&pipe, &text).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(reader.join().unwrap(), text);
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
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
