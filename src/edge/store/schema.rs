//! Opens and checks the database file, and creates its tables.
//!
//! A file that is not a store, has another version or is damaged is refused and left unchanged.

use super::super::secret_file::{check_mode, create_private_folder};
use crate::model::error::{Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::{Duration, Instant};

/// `wht1` in the file header marks a store of whtool.
const APPLICATION: i64 = 0x7768_7431;

/// Schema version, stored in the file header. A file of another version is refused.
const VERSION: i64 = 1;

/// `contents` is apart from `deliveries`, so that lists do not read bodies. `answered` is 0 while a
/// delivery is not answered; `app` and `attempts.status` are 0 if the app gave no answer. Times are
/// microseconds since 1970.
const SCHEMA: &str = "
    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY,
        arrived INTEGER NOT NULL,
        peer TEXT,
        provider TEXT,
        verdict TEXT NOT NULL,
        secret TEXT,
        is_test INTEGER NOT NULL DEFAULT 0,
        kind TEXT,
        event_id TEXT,
        subject TEXT,
        status TEXT,
        minor TEXT,
        currency TEXT,
        key TEXT,
        answered INTEGER NOT NULL,
        app INTEGER,
        size INTEGER NOT NULL
    ) STRICT;
    -- The lowest id that was never assigned. It stays when deliveries are pruned: no id names two captures.
    CREATE TABLE next_id (next INTEGER NOT NULL) STRICT;
    INSERT INTO next_id VALUES (1);
    CREATE TABLE contents (
        delivery INTEGER PRIMARY KEY,
        method TEXT NOT NULL,
        target TEXT NOT NULL,
        headers BLOB NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        delivery INTEGER NOT NULL,
        at INTEGER NOT NULL,
        url TEXT NOT NULL,
        took INTEGER NOT NULL,
        status INTEGER NOT NULL,
        said BLOB NOT NULL,
        failure TEXT
    ) STRICT;
    CREATE INDEX attempts_of ON attempts (delivery);
    CREATE TABLE forwards (
        id INTEGER PRIMARY KEY,
        delivery INTEGER NOT NULL,
        url TEXT NOT NULL,
        object TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        due INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'
    ) STRICT;
    -- One index per state and URL, so that entries for one URL do not slow down queries for another.
    CREATE INDEX forwards_due ON forwards (url, due) WHERE state = 'pending';
    CREATE INDEX forwards_given_up ON forwards (url) WHERE state = 'given up';
    CREATE INDEX forwards_object ON forwards (object, url, id) WHERE state = 'pending';
    CREATE INDEX forwards_of ON forwards (delivery);
";

/// Time that a process waits for another one that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Opens a store, and creates it if there is none.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let failed = |error: rusqlite::Error| cannot_open(path, error);
    let file = create_private(path).and_then(|file| file.metadata()).map_err(|error| {
        let error = Error::failed(format!("can't open the store {}", path.display())).because(error.kind().to_string());
        error.hint("pass another file with --store, or --no-store")
    })?;
    let mut connection = connect(path).map_err(failed)?;
    check(&connection, path)?;
    // Captures contain tokens and names. Checked last: a file that is not a store needs no other
    // mode.
    check_mode(&file, path, "600")?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(failed)?;
    if pages == 0 {
        // Allows pruning to return pages in small steps. It must be set before the first table.
        connection.pragma_update(None, "auto_vacuum", "incremental").map_err(failed)?;
    }
    enable_write_ahead_log(&connection).map_err(failed)?;
    create_schema(&mut connection).map_err(failed)?;
    Ok(connection)
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
    Ok(connection)
}

/// Creates a store in memory.
pub(super) fn in_memory() -> Result<Connection> {
    let failed = |error: rusqlite::Error| Error::failed("can't create a store in memory").because(error);
    let mut connection = Connection::open_in_memory().map_err(failed)?;
    create_schema(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// Creates an empty file with mode 0600; SQLite gives its companions the same mode.
fn create_private(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        create_private_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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

/// Refuses files that are not stores of this version.
fn check(connection: &Connection, path: &Path) -> Result<()> {
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
    if version != VERSION && application == APPLICATION {
        return Err(Error::failed(format!("{} was written by another version of whtool", path.display()))
            .because(format!("its schema has version {version}, and this whtool reads version {VERSION}"))
            .hint("move the file away to start a new store, or pass another one with --store"));
    }
    Ok(())
}

/// Creates the tables of a new store. The version is read under the lock, so that of two processes
/// only one creates them.
fn create_schema(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

fn cannot_open(path: &Path, error: rusqlite::Error) -> Error {
    let failed = Error::failed(format!("can't open the store {}", path.display()));
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::failed(format!("{} is not a whtool store", path.display()))
            .because("it is not a database, or it is damaged; it was not changed")
            .hint("pass another file with --store"),
        Some(ErrorCode::DatabaseCorrupt) => failed
            .because("it is damaged; it was not changed")
            .hint("move it and its -wal and -shm files away to start a new store"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => failed
            .because("another process has locked it")
            .hint("close the other process, or pass another file with --store"),
        _ => failed.because(error),
    }
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
        drop(open(&path).unwrap());
        drop(open(&path).unwrap());
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
        drop(open(&path).unwrap());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = open(&path).unwrap_err();
        assert_eq!(error.hint, Some(format!("chmod 600 {}", path.display())));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644, "the mode is reported, not changed");
    }

    #[test]
    fn every_commit_is_synced() {
        let folder = folder();
        let connection = open(&folder.path().join("s.db")).unwrap();
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
    fn a_store_of_another_version_is_refused_and_left_alone() {
        for version in [0, 2, 99] {
            let folder = folder();
            let path = folder.path().join("s.db");
            let connection = open(&path).unwrap();
            connection.pragma_update(None, "user_version", version).unwrap();
            drop(connection);
            let before = std::fs::read(&path).unwrap();
            let error = open(&path).unwrap_err();
            assert!(error.message.contains("another version of whtool"), "{error}");
            assert!(error.cause().unwrap().contains(&format!("version {version}, and this whtool reads version 1")));
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
    }

    #[test]
    fn a_damaged_store_is_refused_and_left_alone() {
        let folder = folder();
        let path = folder.path().join("s.db");
        drop(open(&path).unwrap());
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
