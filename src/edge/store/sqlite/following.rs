//! Follows the store: which deliveries are newer than a place, and when to look again.
//!
//! A cursor is the number of the last delivery. Numbers grow in the order of the commits, since a
//! writer takes them while it holds the lock, and none is given twice.

use super::file::{FileId, FoundFile};
use super::filter::{Order, Selection};
use super::{opening, rows};
use crate::model::error::{Error, Result};
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::stored::{DeliverySummary, Query};
use rusqlite::Connection;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between two looks at the file.
const INTERVAL: Duration = Duration::from_millis(50);

/// Notices that the file was changed by another connection, or is no longer the one that is open.
pub(super) struct ChangeWatch {
    path: PathBuf,
    file: Option<FileId>,
    /// SQLite's counter of commits by other connections. `None`: not looked at so far.
    version: Option<i64>,
}

impl ChangeWatch {
    pub fn new(path: PathBuf) -> Self {
        Self { file: FoundFile::at(&path).map(|found| found.id), path, version: None }
    }

    pub fn is_in_place(&self) -> bool {
        FoundFile::at(&self.path).map(|found| found.id) == self.file
    }

    /// Waits for a change since the last call that returned true, at most this long. Returns true if
    /// there was one.
    pub fn wait(&mut self, connection: &Connection, timeout: Duration) -> rusqlite::Result<bool> {
        let end = Instant::now() + timeout;
        loop {
            let version = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
            let left = end.saturating_duration_since(Instant::now());
            let is_changed = self.version.replace(version) != Some(version) || !self.is_in_place();
            if is_changed || left.is_zero() {
                return Ok(is_changed);
            }
            std::thread::sleep(INTERVAL.min(left));
        }
    }
}

/// Returns the newest deliveries that match, and the place after everything in the store.
pub(super) fn list_newest(connection: &Connection, query: &Query) -> rusqlite::Result<DeliveryPage> {
    let end = last_number(connection)?;
    let mut deliveries = select(connection, query, (0, end), Order::NewestFirst)?;
    deliveries.reverse();
    Ok(DeliveryPage { deliveries, cursor: StoreCursor(end.to_string()) })
}

/// Returns the deliveries that match and come after a place. `None`: it is not a place in this
/// store.
pub(super) fn list_after(
    connection: &Connection,
    watch: &ChangeWatch,
    query: &Query,
    after: &StoreCursor,
) -> Result<Option<DeliveryPage>> {
    let after = if *after == StoreCursor::default() {
        Some(0)
    } else {
        after.0.parse::<i64>().ok().filter(|after| *after >= 0)
    };
    let after = after.ok_or_else(|| Error::failed("this is no place in the store"))?;
    if !watch.is_in_place() {
        return Ok(None);
    }
    let page = || {
        let end = last_number(connection)?;
        Ok((select(connection, query, (after, end), Order::OldestFirst)?, end))
    };
    let (deliveries, end) = page().map_err(opening::cannot_use)?;
    let is_full = query.limit.is_some_and(|limit| deliveries.len() as u64 >= limit);
    let last = deliveries.last().filter(|_| is_full).map_or(end, |last| last.id.0);
    Ok((after <= end).then(|| DeliveryPage { deliveries, cursor: StoreCursor(last.to_string()) }))
}

/// Returns the number of the last delivery, also if it was pruned.
fn last_number(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT max(next - 1, (SELECT coalesce(max(id), 0) FROM main.deliveries)) FROM main.next_id";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// Selects the first deliveries in this order with numbers after the first one, up to the second.
fn select(
    connection: &Connection,
    query: &Query,
    (after, end): (i64, i64),
    order: Order,
) -> rusqlite::Result<Vec<DeliverySummary>> {
    let mut found = Vec::new();
    // One state of the store: a summary may replace the captures that it is about.
    let state = connection.unchecked_transaction()?;
    Selection::new(&state, query, (after.saturating_add(1), end))?.for_each(
        &state,
        rows::SUMMARY_COLUMNS,
        (order, query.limit),
        |row| {
            found.push(rows::summary(row)?);
            Ok(())
        },
    )?;
    state.commit()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timestamp::Timestamp;
    use rusqlite::params;

    /// Creates a store in a file, with deliveries that arrived so many microseconds after 1970.
    fn store(deliveries: i64) -> (tempfile::TempDir, Connection, ChangeWatch) {
        let folder = tempfile::tempdir().unwrap();
        let (path, connection) = opening::open(&folder.path().join("s.db")).unwrap();
        (1..=deliveries).for_each(|id| add(&connection, id));
        let watch = ChangeWatch::new(path);
        (folder, connection, watch)
    }

    fn add(connection: &Connection, id: i64) {
        let sql = "INSERT INTO deliveries (id, arrived, verdict, answered, size) VALUES (?1, ?1, 'verified', 200, 1)";
        connection.execute(sql, params![id]).unwrap();
    }

    fn ids(page: &DeliveryPage) -> Vec<i64> {
        page.deliveries.iter().map(|delivery| delivery.id.0).collect()
    }

    fn pages_of(limit: u64) -> Query {
        Query { limit: Some(limit), ..Query::default() }
    }

    #[test]
    fn pages_from_the_start_are_consecutive_and_end_with_an_empty_one() {
        let (_folder, store, watch) = store(5);
        let mut after = StoreCursor::default();
        for expected in [vec![1, 2], vec![3, 4], vec![5], vec![]] {
            let page = list_after(&store, &watch, &pages_of(2), &after).unwrap().unwrap();
            assert_eq!(ids(&page), expected);
            after = page.cursor;
        }
        let late = Query { since: Some(Timestamp::from_microsecond(4).unwrap()), ..Query::default() };
        assert_eq!(ids(&list_after(&store, &watch, &late, &StoreCursor::default()).unwrap().unwrap()), [4, 5]);
    }

    #[test]
    fn what_comes_after_the_newest_is_returned_once_even_if_those_were_pruned() {
        let (_folder, store, watch) = store(3);
        let newest = list_newest(&store, &pages_of(2)).unwrap();
        assert_eq!(ids(&newest), [2, 3]);
        store.execute("DELETE FROM deliveries", []).unwrap();
        let next = list_after(&store, &watch, &Query::default(), &newest.cursor).unwrap().unwrap();
        assert!(next.deliveries.is_empty());
        add(&store, 4);
        let next = list_after(&store, &watch, &Query::default(), &next.cursor).unwrap().unwrap();
        assert_eq!(ids(&next), [4]);
        assert!(list_after(&store, &watch, &Query::default(), &next.cursor).unwrap().unwrap().deliveries.is_empty());
    }

    #[test]
    fn a_place_after_the_end_or_in_a_removed_file_is_in_another_store() {
        let (folder, store, watch) = store(3);
        let after = |place: &str| list_after(&store, &watch, &Query::default(), &StoreCursor(place.to_owned()));
        assert!(after("3").unwrap().is_some() && after("4").unwrap().is_none());
        assert!(after("x").is_err());
        std::fs::remove_file(folder.path().join("s.db")).unwrap();
        assert!(after("3").unwrap().is_none());
    }

    #[test]
    fn a_wait_ends_with_a_commit_of_another_connection_that_came_before_it() {
        let (folder, store, mut watch) = store(0);
        assert!(watch.wait(&store, Duration::from_secs(60)).unwrap());
        assert!(!watch.wait(&store, Duration::ZERO).unwrap());
        add(&opening::connect(&folder.path().join("s.db")).unwrap(), 1);
        assert!(watch.wait(&store, Duration::from_secs(60)).unwrap());
        assert!(!watch.wait(&store, Duration::ZERO).unwrap());
    }
}
