//! Brings what stands in the write-ahead log into the database, on a thread of its own, so that nobody who waits for a commit
//! waits for that too.
//!
//! The log starts over only when all of it was brought over at a moment at which nobody writes; under load this thread never
//! meets one. So it does the bulk, and tells the writer, which does the short rest between two commits.

use super::schema;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// How much is written before the log is brought over, in bytes.
const BULK: usize = 4 << 20;

/// How many pages may stand in the log before the writer helps.
const LONG: i64 = 4_000;

/// The writer's side. When it is dropped the thread has ended, so that the writer is the last who closes the database.
pub(super) struct Checkpoints {
    /// Rings the thread. `None` only while this is dropped.
    bell: Option<SyncSender<()>>,
    /// `None` only while this is dropped.
    thread: Option<JoinHandle<()>>,
    /// Whether the log is long, and all but a rest of it brought over.
    is_for_writer: Arc<AtomicBool>,
    /// What was written since the bell was rung, in bytes.
    written: usize,
}

impl Checkpoints {
    /// Takes over from the writer's own connection, which no longer brings anything over by itself. `None`: it goes on doing so,
    /// since no other can be opened.
    pub fn of(path: &Path, writer: &Connection) -> Option<Self> {
        let connection = schema::another(path).ok()?;
        writer.pragma_update(None, "wal_autocheckpoint", 0).ok()?;
        let ((bell, rings), is_for_writer) = (sync_channel(1), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&is_for_writer);
        let started = thread::Builder::new().name("checkpoint".to_owned()).spawn(move || {
            work(connection, &rings, &told);
        });
        let Ok(thread) = started else {
            // SQLite's own default.
            let _ = writer.pragma_update(None, "wal_autocheckpoint", 1_000);
            return None;
        };
        Some(Self { bell: Some(bell), thread: Some(thread), is_for_writer, written: 0 })
    }

    /// So many bytes were committed.
    pub fn committed(&mut self, bytes: usize, writer: &Connection) {
        self.written += bytes;
        if self.written >= BULK {
            self.written = 0;
            // It was rung already when this fails.
            let _ = self.bell.as_ref().map(|bell| bell.try_send(()));
        }
        if self.is_for_writer.load(Ordering::Relaxed) {
            self.is_for_writer.store(false, Ordering::Relaxed);
            // A reader may be in the way; then the log grows until the next time.
            let _ = pages_in_log(writer);
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.bell.take());
        // A panic there is no worse than a log that stays.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn work(connection: Connection, rings: &Receiver<()>, is_for_writer: &AtomicBool) {
    while rings.recv().is_ok() {
        is_for_writer.store(pages_in_log(&connection).is_ok_and(|pages| pages >= LONG), Ordering::Relaxed);
    }
}

/// Brings over what can be, and says how many pages the log has.
fn pages_in_log(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |row| row.get(1))
}
