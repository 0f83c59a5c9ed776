//! A store that is open for writing, and the checks that what it has committed is on disk.
//!
//! Users, scripts and backup programs remove, replace and truncate files while a listener runs. A
//! commit to such a file is worthless although SQLite reports success, so after each one the files
//! must be in place, the log must be whole, and another connection must find the last delivery.

use super::file::{FileId, FoundFile, free_space, index_path, log_path};
use super::log_check::LogCheck;
use super::{opening, schema};
use crate::model::error::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OptionalExtension};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Capacity of the cache of prepared statements: more than there are.
const STATEMENTS: usize = 64;

/// Number of pages in the log from which it is copied into the database.
const CHECKPOINT_PAGES: u64 = 1000;

pub(super) struct WatchedStore {
    /// Closed before the writing connection, which copies the log when it is closed.
    files: Option<WatchedFiles>,
    pub connection: Connection,
    /// Pages in the log after the last commit, which SQLite reports. 0: it wrote nothing.
    log_pages: Arc<AtomicU64>,
}

/// The files of a store, to notice when one of them is changed by another program.
struct WatchedFiles {
    /// The path that the user named, perhaps a symbolic link.
    named: PathBuf,
    path: PathBuf,
    log_path: PathBuf,
    index_path: PathBuf,
    reader: Connection,
    file: Option<FileId>,
    /// `None`: there was none so far.
    log: Option<FileId>,
    index: Option<FileId>,
    log_check: LogCheck,
    /// The sizes that were found last.
    sizes: Sizes,
}

/// Bytes of the files of a store.
#[derive(Clone, Copy, Default)]
struct Sizes {
    file: u64,
    log: u64,
}

impl WatchedStore {
    pub fn open(named: &Path) -> Result<Self> {
        let (path, connection) = opening::open(named)?;
        let reader = opening::connect(&path).map_err(unreadable)?;
        let files = WatchedFiles {
            named: named.to_owned(),
            file: FoundFile::at(&path).map(|found| found.id),
            log: None,
            index: None,
            log_path: log_path(&path),
            index_path: index_path(&path),
            path,
            reader,
            log_check: LogCheck::default(),
            sizes: Sizes::default(),
        };
        let mut store = Self::new(connection, Some(files)).map_err(unreadable)?;
        store.open_companions().map_err(unreadable)?;
        Ok(store)
    }

    /// Opens the log and its index before they are needed: later, there may be no descriptor left.
    fn open_companions(&mut self) -> rusqlite::Result<()> {
        self.last_row()?;
        let Some(files) = &mut self.files else { return Ok(()) };
        files.has_delivery(None)?;
        files.are_in_place();
        // If it fails, it is tried again after the first commit.
        let _ = files.log_check.prepare(&files.log_path);
        Ok(())
    }

    pub fn in_memory() -> Result<Self> {
        Self::new(schema::in_memory().map_err(unreadable)?, None).map_err(unreadable)
    }

    fn new(mut connection: Connection, files: Option<WatchedFiles>) -> rusqlite::Result<Self> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let log_pages = Arc::new(AtomicU64::new(0));
        let pages = Arc::clone(&log_pages);
        // In place of SQLite's own hook, which copies the log within the commit.
        connection.wal_hook(Some(move |_: &mut Wal, count: std::ffi::c_int| {
            pages.store(u64::from(count.unsigned_abs()), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { files, connection, log_pages })
    }

    /// Returns the bytes of the log when the files were last found in place, and the free bytes of
    /// the file system. `None`: in memory.
    pub fn measure(&self) -> Option<(u64, Option<u64>)> {
        let files = self.files.as_ref()?;
        Some((files.sizes.log, free_space(crate::edge::files::parent_folder(&files.path))))
    }

    /// Returns true if the opened files are still in place. Log and index appear with the first
    /// access.
    pub fn is_in_place(&mut self) -> bool {
        self.files.as_mut().is_none_or(WatchedFiles::are_in_place)
    }

    /// Prepares for `check_commit`.
    pub fn expect_commit(&self) {
        self.log_pages.store(0, Ordering::Relaxed);
    }

    /// Checks that the last commit is on disk, with the delivery in this row if there is one. The
    /// error says what another program has changed.
    pub fn check_commit(&mut self, row: Option<i64>) -> std::result::Result<(), String> {
        let Some(files) = &mut self.files else { return Ok(()) };
        if !files.are_in_place() {
            return Err("one of the store's files was removed or replaced while it was written to".to_owned());
        }
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages > 0 {
            let cannot_read = |error| format!("can't read the store's log: {error}");
            let Some(logged) = files.log_check.verify(&files.log_path, files.log, pages).map_err(cannot_read)? else {
                return Err("another program has changed the store's log (-wal); what it held is lost".to_owned());
            };
            // SQLite takes an empty file for a new store and ignores its log.
            let Sizes { file, log } = files.sizes;
            if file < logged.page_size || file / logged.page_size + log / logged.page_size < logged.pages {
                return Err("another program has cut off the store".to_owned());
            }
        }
        let is_there = files
            .has_delivery(row)
            .map_err(|error| format!("another program has changed the store, which can't be read any more: {error}"))?;
        if row.is_some() && !is_there {
            return Err("another program has changed the store: it lost a delivery at once".to_owned());
        }
        Ok(())
    }

    /// Copies the log into the database once it is long enough. SQLite starts it over after that.
    pub fn checkpoint_if_due(&self) {
        if self.log_pages.load(Ordering::Relaxed) >= CHECKPOINT_PAGES {
            // If it fails, nothing is lost, and it is tried again after the next commit.
            let _ = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    }

    /// Copies the whole log and empties it.
    pub fn empty_log(&self) -> std::result::Result<(), String> {
        let busy: i64 = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(|error| error.to_string())?;
        if busy == 0 { Ok(()) } else { Err("another process has been reading the store for too long".to_owned()) }
    }

    /// Closes a store whose files are not in place any more. If only the log is gone, the open one
    /// is copied into the database first.
    pub fn close(mut self) -> std::result::Result<(), String> {
        let saved = if self.files.as_mut().is_some_and(WatchedFiles::can_save_log) { self.save_log() } else { Ok(()) };
        self.abandon();
        saved
    }

    fn save_log(&mut self) -> std::result::Result<(), String> {
        self.empty_log()?;
        let Some(files) = &self.files else { return Ok(()) };
        if FoundFile::at(&files.log_path).is_some_and(|found| Some(found.id) != files.log) {
            // SQLite would copy what it finds in there over newer pages.
            let mut aside = files.log_path.clone().into_os_string();
            aside.push(".replaced");
            std::fs::rename(&files.log_path, aside).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Closes the store without copying its log, which may not belong to it.
    pub fn abandon(self) {
        let connections = self.files.iter().map(|files| &files.reader).chain([&self.connection]);
        connections.for_each(|connection| {
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        });
    }

    /// Returns the highest id in the store.
    pub fn last_row(&self) -> rusqlite::Result<i64> {
        let last = "SELECT max(id) FROM deliveries";
        Ok(self.connection.query_row(last, [], |row| row.get::<_, Option<i64>>(0)).optional()?.flatten().unwrap_or(0))
    }
}

impl WatchedFiles {
    fn are_in_place(&mut self) -> bool {
        let (log, index) = (FoundFile::at(&self.log_path), FoundFile::at(&self.index_path));
        let (log_id, index_id) = (log.map(|found| found.id), index.map(|found| found.id));
        (self.log, self.index) = (self.log.or(log_id), self.index.or(index_id));
        self.sizes.log = log.map_or(0, |found| found.size);
        self.is_file_in_place() && log_id == self.log && index_id == self.index
    }

    /// Returns true if there is a delivery in this row, as another process would find it.
    fn has_delivery(&self, row: Option<i64>) -> rusqlite::Result<bool> {
        // Without the plus, SQLite plans the statement again for each value.
        let sql = "SELECT EXISTS (SELECT 1 FROM deliveries d JOIN contents c ON c.delivery = d.id WHERE d.id = +?1)";
        self.reader.prepare_cached(sql)?.query_row([row], |row| row.get(0))
    }

    fn is_file_in_place(&mut self) -> bool {
        let found = FoundFile::at(&self.path);
        self.sizes.file = found.map_or(0, |found| found.size);
        let is_same = |found: Option<FoundFile>| found.is_some_and(|found| Some(found.id) == self.file);
        is_same(found) && (self.named == self.path || is_same(FoundFile::at(&self.named)))
    }

    /// Returns true if only the log and perhaps its index are gone. With another index, another
    /// process may have written to the log since.
    fn can_save_log(&mut self) -> bool {
        let index = FoundFile::at(&self.index_path).map(|found| found.id);
        self.is_file_in_place() && (index.is_none() || index == self.index)
    }
}

fn unreadable(error: rusqlite::Error) -> Error {
    opening::describe(Error::failed("can't read the store"), error)
}
