//! Loads whole captures.

use super::{forwards, rows};
use crate::model::stored::StoredCapture;
use rusqlite::{CachedStatement, Connection, OptionalExtension};

/// Loads captures by number, with statements that are prepared once.
pub(super) struct CaptureLoader<'c> {
    connection: &'c Connection,
    capture: CachedStatement<'c>,
    attempts: CachedStatement<'c>,
}

/// The tables that have rows about captures.
#[derive(Clone, Copy)]
pub(super) struct RelatedRows {
    attempts: bool,
    forwards: bool,
}

impl RelatedRows {
    /// They may all have some.
    pub const ANY: Self = Self { attempts: true, forwards: true };

    /// Finds out for captures with these numbers.
    pub fn find(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<Self> {
        let sql = "SELECT EXISTS (SELECT 1 FROM attempts WHERE delivery BETWEEN ?1 AND ?2),
                       EXISTS (SELECT 1 FROM forwards WHERE delivery BETWEEN ?1 AND ?2)";
        let read = |row: &rusqlite::Row<'_>| Ok(Self { attempts: row.get(0)?, forwards: row.get(1)? });
        connection.prepare_cached(sql)?.query_row([first, last], read)
    }
}

impl<'c> CaptureLoader<'c> {
    pub fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let sql = format!(
            "SELECT {}, c.method, c.target, c.headers, c.body FROM deliveries d JOIN contents c ON c.delivery = d.id
             WHERE d.id = ?1",
            rows::SUMMARY_COLUMNS
        );
        let attempts = "SELECT a.at, a.url, a.took, a.status, a.said, a.failure FROM attempts a
                        WHERE a.delivery = ?1 ORDER BY a.id";
        let (capture, attempts) = (connection.prepare_cached(&sql)?, connection.prepare_cached(attempts)?);
        Ok(Self { connection, capture, attempts })
    }

    /// Loads the delivery in this row. `None`: it was pruned.
    pub fn load(&mut self, row: i64, related: RelatedRows) -> rusqlite::Result<Option<StoredCapture>> {
        let read = |row: &rusqlite::Row<'_>| Ok((rows::summary(row)?, rows::request(row, rows::SUMMARY_LENGTH)?));
        let Some((summary, request)) = self.capture.query_row([row], read).optional()? else { return Ok(None) };
        let attempts = match related.attempts {
            true => self.attempts.query_map([row], rows::attempt)?.collect::<rusqlite::Result<_>>()?,
            false => Vec::new(),
        };
        let queue = if related.forwards { forwards::load_queue(self.connection, row)? } else { Vec::new() };
        Ok(Some(StoredCapture::new(summary, request, attempts, queue)))
    }
}
