//! Opens the database file, and tells apart the reasons why that is impossible.
//!
//! A file that is not a store, is damaged, or was written by a newer whtool is refused and left
//! unchanged. The file is never opened apart from SQLite: closing a second descriptor would release
//! the locks that this process holds on it (`fcntl` locks belong to the process).

use super::file::log_path;
use super::schema::{self, APPLICATION, VERSION};
use super::summaries;
use crate::edge::environment;
use crate::edge::secret_file::{check_mode, create_private_folder};
use crate::model::error::{Error, Result};
use crate::world::{MissingStore, SchemaChange};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time that a process waits for another one that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Size to which the log is cut when it starts over.
const LOG_SIZE: i64 = 16 << 20;

/// Opens a store, and creates it if there is none. Returns the path of the file itself, which SQLite
/// uses for its companions, in place of a symbolic link to it.
pub(super) fn open(path: &Path) -> Result<(PathBuf, Connection)> {
    let failed = |error: rusqlite::Error| cannot_open(path, error);
    let metadata = match find(path)? {
        Some(metadata) => metadata,
        None => create_private(path).map_err(|error| inaccessible(path, &error))?,
    };
    let resolved = fs::canonicalize(path).map_err(|error| inaccessible(path, &error))?;
    let mut connection = connect(&resolved).map_err(failed)?;
    check_contents(&connection, path, metadata.len())?;
    // Captures contain tokens and names. Checked after the contents: a file that is not a store
    // needs no other mode.
    check_mode(&metadata, path, "600")?;
    check_own_folder(&resolved)?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(failed)?;
    if pages == 0 {
        // Allows pruning to return pages in small steps. It must be set before the first table.
        connection.pragma_update(None, "auto_vacuum", "incremental").map_err(failed)?;
    }
    enable_write_ahead_log(&connection).map_err(failed)?;
    schema::create_or_upgrade(&mut connection).map_err(failed)?;
    Ok((resolved, connection))
}

/// Creates the store, or upgrades that of an older version.
pub(in crate::edge::store) fn prepare(path: &Path, missing: MissingStore) -> Result<SchemaChange> {
    let before = match (find(path)?, missing) {
        (None, MissingStore::Refuse) => return Err(Error::failed(format!("no store at {}", path.display()))),
        (None, MissingStore::Create) => None,
        (Some(_), _) => {
            let connection = connect(path).map_err(|error| cannot_open(path, error))?;
            let version = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
            Some(version.map_err(|error| cannot_open(path, error))?)
        }
    };
    let (_, connection) = open(path)?;
    summaries::add_all(&connection).map_err(cannot_use)?;
    Ok(match before {
        None | Some(0) => SchemaChange::Created,
        Some(VERSION) => SchemaChange::UpToDate,
        Some(older) => SchemaChange::Upgraded { from: older.to_string(), to: VERSION.to_string() },
    })
}

/// Returns true if there is a store to open. An error: there is something that can't be one, or
/// nobody may look.
pub(in crate::edge::store) fn exists(path: &Path) -> Result<bool> {
    find(path).map(|found| found.is_some())
}

/// Opens another connection to an existing store.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "full")?;
    // On macOS a plain sync leaves the bytes in the cache of the drive. Elsewhere this does
    // nothing.
    connection.pragma_update(None, "fullfsync", "on")?;
    connection.query_row(&format!("PRAGMA journal_size_limit = {LOG_SIZE}"), [], |_| Ok(()))?;
    Ok(connection)
}

/// Looks for the file. `None`: there is none. A symbolic link to nothing is an error: the disk with
/// the store may not be mounted.
fn find(path: &Path) -> Result<Option<Metadata>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return match path.ancestors().find(|part| part.is_symlink() && !part.exists()) {
                None => Ok(None),
                Some(link) => Err(cannot_open_file(path)
                    .because(format!("{} is a symbolic link to something that does not exist", link.display()))
                    .hint("mount the disk with the store, or pass another file with --store")),
            };
        }
        Err(error) => return Err(inaccessible(path, &error)),
    };
    if metadata.is_dir() {
        return Err(cannot_open_file(path).because("it is a directory").hint("pass a file with --store"));
    }
    if !metadata.is_file() {
        // Opening a FIFO would wait for somebody who writes to it.
        let reason = "it is not a regular file, but a device, socket or named pipe";
        return Err(cannot_open_file(path).because(reason).hint("pass a file with --store"));
    }
    check_access(path).map_err(|error| inaccessible(path, &error))?;
    Ok(Some(metadata))
}

/// Checks that this user may read and write the file.
#[cfg(unix)]
fn check_access(path: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    access(path, Access::READ_OK | Access::WRITE_OK).map_err(io::Error::from)
}

#[cfg(not(unix))]
fn check_access(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates an empty file with mode 0600; SQLite gives its companions the same mode.
fn create_private(path: &Path) -> io::Result<Metadata> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        create_private_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let metadata = options.open(path)?.metadata()?;
    crate::edge::files::sync_folder(crate::edge::files::parent_folder(path))?;
    Ok(metadata)
}

/// Refuses whtool's own data folder if other users can read or change it. Other folders are the
/// user's.
fn check_own_folder(path: &Path) -> Result<()> {
    let Ok(own) = environment::data_dir().and_then(|folder| Ok(fs::canonicalize(folder)?)) else { return Ok(()) };
    let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&own));
    for folder in folders {
        let metadata = fs::metadata(folder).map_err(|error| inaccessible(folder, &error))?;
        check_mode(&metadata, folder, "700")?;
    }
    Ok(())
}

/// Turns on the write-ahead log. SQLite does not wait here for another process that opens the file,
/// so this retries.
fn enable_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let end = Instant::now() + BUSY;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(2));
            }
            outcome => return outcome,
        }
    }
}

/// Refuses files that are not stores, or not whole. `length` is the file's, read before.
fn check_contents(connection: &Connection, path: &Path, length: u64) -> Result<()> {
    let failed = |error: rusqlite::Error| cannot_open(path, error);
    // Reads one state of the file, which another process may be creating right now.
    let state = connection.unchecked_transaction().map_err(failed)?;
    let number = |name| state.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables = "SELECT count(*) FROM sqlite_schema";
    let objects: i64 = state.query_row(tables, [], |row| row.get(0)).map_err(failed)?;
    let (application, version) = (number("application_id").map_err(failed)?, number("user_version").map_err(failed)?);
    if application != APPLICATION && (application != 0 || objects > 0) {
        return Err(Error::failed(format!("{} is not a whtool store", path.display()))
            .because("it is a database of another program")
            .hint("pass another file with --store"));
    }
    if application == APPLICATION && version > VERSION {
        return Err(Error::failed(format!("{} was written by a newer version of whtool", path.display()))
            .because(format!("its schema has version {version}, and this whtool reads up to version {VERSION}"))
            .hint("update whtool, or pass another file with --store"));
    }
    if application == APPLICATION && version < 1 {
        return Err(damaged(cannot_open_file(path), "its version is missing"));
    }
    let size = number("page_count").map_err(failed)?.saturating_mul(number("page_size").map_err(failed)?);
    let has_log = fs::metadata(log_path(&fs::canonicalize(path).unwrap_or_default())).is_ok_and(|log| log.len() > 0);
    // Another process may have changed its size since.
    let length = length.max(fs::metadata(path).map_or(0, |now| now.len()));
    if !has_log && length < size.unsigned_abs() {
        return Err(damaged(cannot_open_file(path), &format!("it was cut off: {length} of {size} bytes are left")));
    }
    Ok(())
}

fn cannot_open_file(path: &Path) -> Error {
    Error::failed(format!("can't open the store {}", path.display()))
}

/// Describes an error of the file system.
fn inaccessible(path: &Path, error: &io::Error) -> Error {
    let failed = cannot_open_file(path);
    match error.kind() {
        ErrorKind::PermissionDenied => failed
            .because("permission denied: this user may not read and write it")
            .hint("run whtool as the owner of the file, or pass another file with --store"),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => failed
            .because("a file is in the place of one of its folders")
            .hint("pass another file with --store, or set WHTOOL_HOME"),
        ErrorKind::ReadOnlyFilesystem => failed
            .because("the file system is read-only")
            .hint("pass another file with --store, or --no-store to `listen`"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => full(failed),
        _ => failed.because(error.kind().to_string()).hint("pass another file with --store, or --no-store to `listen`"),
    }
}

fn cannot_open(path: &Path, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::failed(format!("{} is not a whtool store", path.display()))
            .because("it is not a database, or it is damaged; it was not changed")
            .hint("pass another file with --store"),
        _ => describe(cannot_open_file(path), error),
    }
}

/// Describes an error of a store that is open.
pub(super) fn cannot_use(error: rusqlite::Error) -> Error {
    describe(Error::failed("can't read or write the store"), error)
}

/// Adds the reason and the next step of an error of SQLite.
pub(super) fn describe(failed: Error, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(failed, "it is damaged"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            failed.because("another process has locked it").hint("try again, or close the other process")
        }
        Some(ErrorCode::DiskFull) => full(failed),
        Some(ErrorCode::ReadOnly) => failed
            .because("it can't be written: it is read-only, or on a read-only file system")
            .hint("check the permissions of the file and its folder; SQLite writes files next to it"),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => failed
            .because(format!("{error}; SQLite also creates files next to it"))
            .hint("check that you may write in its folder, and that it is not on a read-only file system"),
        // The index is created first, and SQLite does not say why it can't be.
        Some(ErrorCode::SystemIoFailure) if extended_code(&error) == Some(ffi::SQLITE_IOERR_SHMSIZE) => full(failed),
        Some(ErrorCode::SystemIoFailure) => {
            failed.because(error).hint("check the disk: the system could not read or write the file")
        }
        _ => failed.because(error),
    }
}

fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

fn damaged(failed: Error, reason: &str) -> Error {
    failed
        .because(format!("{reason}; it was not changed"))
        .hint("move it and its -wal and -shm files away to start a new store")
}

fn full(failed: Error) -> Error {
    failed.because("the disk is full").hint(
        "`whtool events prune --older-than 7d --yes`, which needs 1 MiB itself: if that fails, too, remove other \
             files from this disk",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_new_store_is_for_its_owner_only_and_opens_again() {
        let folder = folder();
        let path = folder.path().join("s.db");
        drop(open(&path).unwrap().1);
        drop(open(&path).unwrap().1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_store_that_others_can_read_is_refused_with_advice() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let path = folder.path().join("s.db");
        drop(open(&path).unwrap().1);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = open(&path).unwrap_err();
        assert_eq!(error.hint, Some(format!("chmod 600 {}", path.display())));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644, "the mode is reported, not changed");
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_to_nothing_is_no_new_store() {
        let folder = folder();
        let (link, disk) = (folder.path().join("s.db"), folder.path().join("disk"));
        std::os::unix::fs::symlink(folder.path().join("unmounted/s.db"), &link).unwrap();
        std::os::unix::fs::symlink(folder.path().join("unmounted"), &disk).unwrap();
        for path in [link, disk.join("s.db")] {
            for error in [exists(&path).unwrap_err(), open(&path).map(drop).unwrap_err()] {
                assert!(error.cause().unwrap().contains("is a symbolic link to something"), "{error:?}");
            }
        }
    }

    #[test]
    fn every_commit_is_synced() {
        let folder = folder();
        let (_, connection) = open(&folder.path().join("s.db")).unwrap();
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!((number("synchronous"), number("fullfsync"), mode.as_str()), (2, 1, "wal"));
    }

    #[test]
    fn a_file_of_another_program_is_refused_and_left_alone() {
        let folder = folder();
        let (foreign, text) = (folder.path().join("foreign.db"), folder.path().join("text"));
        for path in [&foreign, &text] {
            create_private(path).unwrap();
        }
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        std::fs::write(&text, "this is plain text and not a database, but it is long enough to be one".repeat(20))
            .unwrap();
        for path in [foreign, text] {
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
            let before = std::fs::read(&path).unwrap();
            let error = open(&path).unwrap_err();
            assert!(error.message.contains("is not a whtool store"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
    }

    #[test]
    fn a_store_of_a_newer_version_or_of_none_is_refused_and_left_alone() {
        for (version, message, cause) in [
            (99, "was written by a newer version of whtool", "version 99, and this whtool reads up to version 3"),
            (0, "can't open the store", "its version is missing"),
        ] {
            let folder = folder();
            let path = folder.path().join("s.db");
            let (_, connection) = open(&path).unwrap();
            connection.pragma_update(None, "user_version", version).unwrap();
            drop(connection);
            let before = std::fs::read(&path).unwrap();
            let error = open(&path).unwrap_err();
            assert!(error.message.contains(message) && error.cause().unwrap().contains(cause), "{error:?}");
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
    }

    #[test]
    fn a_damaged_store_is_refused_and_left_alone() {
        let folder = folder();
        let path = folder.path().join("s.db");
        drop(open(&path).unwrap().1);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100..].fill(0xaa);
        std::fs::write(&path, &bytes).unwrap();
        assert!(open(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn processes_that_create_a_store_at_once_all_open_it() {
        let folder = folder();
        let path = folder.path().join("s.db");
        std::thread::scope(|scope| {
            let openings: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path).map(drop))).collect();
            for opening in openings {
                opening.join().unwrap().unwrap();
            }
        });
    }
}
