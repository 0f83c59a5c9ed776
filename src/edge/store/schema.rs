//! The database file: opened, told from other files, migrated.
//!
//! A file that is not ours, or of a later whtool, or damaged, is refused and left as it is.

use super::super::secret_file::{check_mode, create_private_folder};
use crate::model::error::{Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::{Duration, Instant};

/// `wht1`, in the file's head: this is a database of ours.
const APPLICATION: i64 = 0x7768_7431;

/// Each takes the schema one version further; the number of those that were applied is the file's version.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        arrived INTEGER NOT NULL,
        peer TEXT,
        provider TEXT,
        verdict TEXT NOT NULL,
        secret TEXT,
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
    CREATE TABLE contents (
        seq INTEGER PRIMARY KEY,
        method TEXT NOT NULL,
        target TEXT NOT NULL,
        headers BLOB NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE attempts (
        seq INTEGER PRIMARY KEY,
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
        seq INTEGER PRIMARY KEY,
        delivery INTEGER NOT NULL,
        url TEXT NOT NULL,
        object TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        due INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'
    ) STRICT;
    CREATE INDEX forwards_due ON forwards (due) WHERE state = 'pending';
    CREATE INDEX forwards_object ON forwards (object, seq) WHERE state = 'pending';
    CREATE INDEX forwards_of ON forwards (delivery);
", "
    -- Ids are computed from places by these numbers (`names`); only deliveries from before have one that is kept.
    CREATE TABLE numbering (factor INTEGER NOT NULL, summand INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;
    INSERT INTO numbering SELECT random(), random(), 1 + coalesce(max(seq), 0) FROM deliveries;
    CREATE TABLE arrivals (
        seq INTEGER PRIMARY KEY,
        id TEXT,
        arrived INTEGER NOT NULL,
        peer TEXT,
        provider TEXT,
        verdict TEXT NOT NULL,
        secret TEXT,
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
    INSERT INTO arrivals SELECT seq, id, arrived, peer, provider, verdict, secret, kind, event_id, subject, status, minor,
        currency, key, answered, app, size FROM deliveries;
    DROP TABLE deliveries;
    ALTER TABLE arrivals RENAME TO deliveries;
    CREATE UNIQUE INDEX deliveries_id ON deliveries (id) WHERE id IS NOT NULL;
    -- What the app said last is the worst that any URL said last.
    UPDATE deliveries SET app = (
        SELECT status FROM (SELECT status, max(seq) AS last FROM attempts WHERE delivery = deliveries.seq GROUP BY url)
        ORDER BY status BETWEEN 200 AND 299, last DESC LIMIT 1
    ) WHERE seq IN (SELECT delivery FROM attempts);
    -- What an app refused is told from what was given up after many tries, which has a new chance after a restart.
    UPDATE forwards SET state = 'refused' WHERE state = 'given up' AND (
        SELECT status BETWEEN 100 AND 499 AND status NOT IN (408, 425, 429) FROM attempts a
        WHERE a.delivery = forwards.delivery AND substr(a.url, 1, length(rtrim(forwards.url, '/'))) = rtrim(forwards.url, '/')
        ORDER BY seq DESC LIMIT 1
    );
    -- For each URL by itself, so that what waits for one costs nothing when another is asked about.
    DROP INDEX forwards_due;
    CREATE INDEX forwards_due ON forwards (url, due) WHERE state = 'pending';
    CREATE INDEX forwards_given_up ON forwards (url) WHERE state = 'given up';
    DROP INDEX forwards_object;
    CREATE INDEX forwards_object ON forwards (object, url, seq) WHERE state = 'pending';
"];

/// How long one process waits for another that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Opens a store, made or brought up to date where that is needed.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let failed = |error: rusqlite::Error| cannot_open(path, error);
    let file = create_private(path).and_then(|file| file.metadata()).map_err(|error| {
        let error = Error::failed(format!("can't open the store {}", path.display())).because(error.kind().to_string());
        error.hint("--store FILE takes another, --no-store keeps nothing")
    })?;
    let mut connection = another(path).map_err(failed)?;
    check(&connection, path)?;
    // What was received holds tokens and names. What is no store is told so, and not how to change its mode.
    check_mode(&file, path, "600")?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(failed)?;
    if pages == 0 {
        // Pages that pruning frees can be given back bit by bit, while a listener records. A file has this from the start.
        connection.pragma_update(None, "auto_vacuum", "incremental").map_err(failed)?;
    }
    use_log(&connection).map_err(failed)?;
    migrate(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// Another connection to a store that is open already.
pub(super) fn another(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "full")?;
    // On macOS a sync leaves the bytes in the drive's own cache unless this asks for more; elsewhere it changes nothing.
    connection.pragma_update(None, "fullfsync", "on")?;
    Ok(connection)
}

/// Makes a store as an older whtool made it.
#[cfg(test)]
pub(super) fn open_as_of(path: &Path, version: usize) {
    drop(create_private(path).unwrap());
    let connection = Connection::open(path).unwrap();
    MIGRATIONS[..version].iter().for_each(|migration| connection.execute_batch(migration).unwrap());
    connection.pragma_update(None, "application_id", APPLICATION).unwrap();
    connection.pragma_update(None, "user_version", version as i64).unwrap();
}

/// A store that is gone with the process.
pub(super) fn in_memory() -> Result<Connection> {
    let failed = |error: rusqlite::Error| Error::failed("can't make a store in memory").because(error);
    let mut connection = Connection::open_in_memory().map_err(failed)?;
    migrate(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// Makes an empty file for its owner only; SQLite gives its companions the same mode.
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

/// Turns the write-ahead log on. SQLite does not wait here for another that opens the file at the same time, so this does.
fn use_log(connection: &Connection) -> rusqlite::Result<()> {
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

/// Whether this is a store of ours that this whtool understands.
fn check(connection: &Connection, path: &Path) -> Result<()> {
    let failed = |error: rusqlite::Error| cannot_open(path, error);
    // All is read of one state of the file, which another may be making into a store just now.
    let state = connection.unchecked_transaction().map_err(failed)?;
    let number = |name| state.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables = "SELECT count(*) FROM sqlite_schema";
    let objects: i64 = state.query_row(tables, [], |row| row.get(0)).map_err(failed)?;
    let (application, version) = (number("application_id").map_err(failed)?, number("user_version").map_err(failed)?);
    if application != APPLICATION && (application != 0 || objects > 0) {
        return Err(Error::failed(format!("{} is not a store of whtool", path.display()))
            .because("it is another program's database")
            .hint("name another file with --store"));
    }
    if version > MIGRATIONS.len() as i64 {
        return Err(Error::failed(format!("{} was written by a newer whtool", path.display()))
            .because(format!("its version is {version}, and this whtool knows {}", MIGRATIONS.len()))
            .hint("update whtool, or name another file with --store"));
    }
    Ok(())
}

/// Brings the schema up to date. Two processes that do it at the same time do it once: the version is read under the lock.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let applied = usize::try_from(version).unwrap_or(MIGRATIONS.len());
    if applied < MIGRATIONS.len() {
        for migration in &MIGRATIONS[applied..] {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    }
    transaction.commit()
}

fn cannot_open(path: &Path, error: rusqlite::Error) -> Error {
    let failed = Error::failed(format!("can't open the store {}", path.display()));
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::failed(format!("{} is not a store of whtool", path.display()))
            .because("it is no database, or a damaged one; it was left as it is")
            .hint("name another file with --store"),
        Some(ErrorCode::DatabaseCorrupt) => failed
            .because("it is damaged; it was left as it is")
            .hint("move it away, with its -wal and -shm, and start anew"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            failed.because("another process holds it").hint("see who has it open, or name another file with --store")
        }
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
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644, "whoever widened it should know");
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
    fn what_is_not_ours_is_refused_and_left_alone() {
        let folder = folder();
        let (foreign, text) = (folder.path().join("foreign.db"), folder.path().join("text"));
        for path in [&foreign, &text] {
            create_private(path).unwrap();
        }
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        std::fs::write(&text, "this is a letter, and not a database at all; it is long enough to be one".repeat(20))
            .unwrap();
        for path in [foreign, text] {
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
            let before = std::fs::read(&path).unwrap();
            let error = open(&path).unwrap_err();
            assert!(error.message.contains("is not a store of whtool"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
    }

    #[test]
    fn a_newer_store_is_refused() {
        let folder = folder();
        let path = folder.path().join("s.db");
        open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(open(&path).unwrap_err().message.contains("newer whtool"));
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
    fn two_that_open_a_new_store_at_once_both_get_it() {
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
