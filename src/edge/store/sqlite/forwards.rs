//! The queue of deliveries to forward: what is pending, what is due, and the results of attempts.
//!
//! Each query concerns one URL and reads only as many rows as it returns. A delivery that must wait
//! for an earlier one about the same object is parked (due never) until that one is done.

use super::rows::{self, micros};
use super::writer::SqliteWriter;
use crate::edge::store::{DueDeliveries, DueDelivery, DueQuery, EntryState};
use crate::model::stored::{Attempt, CaptureId, OpenQueue, QueueState, QueuedForward, ResumedDeliveries};
use crate::model::timestamp::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

/// Due time of parked entries.
const NEVER: i64 = i64::MAX;

/// Most candidates that are read at once if only the oldest per object is due.
const CANDIDATES_PER_READ: usize = 256;

/// Selects the next due entries for a URL, and whether an earlier one about the same object is
/// pending.
const CANDIDATES: &str = "
    SELECT f.id, ?5 AND EXISTS (SELECT 1 FROM forwards e INDEXED BY forwards_object WHERE e.state = 'pending'
                                 AND e.object = f.object AND e.url = f.url AND e.id < f.id)
    FROM forwards f INDEXED BY forwards_due
    WHERE f.state = 'pending' AND f.url = ?1 AND f.due <= ?2 AND f.id NOT IN (SELECT value FROM json_each(?3))
    ORDER BY f.due, f.id LIMIT ?4";

/// Selects a queue entry with its request.
const LOAD_DUE: &str = "
    SELECT c.method, c.target, c.headers, c.body, f.id, f.delivery, f.url, f.tries, d.arrived
    FROM forwards f JOIN deliveries d ON d.id = f.delivery JOIN contents c ON c.delivery = f.delivery WHERE f.id = ?1";

/// Counts the pending entries for a URL.
pub(super) fn count_pending(connection: &Connection, url: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM forwards INDEXED BY forwards_due WHERE state = 'pending' AND url = ?1";
    Ok(connection.query_row(sql, [url], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// Reads the queues with pending entries, ordered by URL.
pub(super) fn open_queues(connection: &Connection) -> rusqlite::Result<Vec<OpenQueue>> {
    let sql = "SELECT f.url, count(*), min(d.arrived) FROM forwards f JOIN deliveries d ON d.id = f.delivery
               WHERE f.state = 'pending' GROUP BY f.url ORDER BY f.url";
    let mut statement = connection.prepare_cached(sql)?;
    let queues = statement.query_map([], |row| {
        let waiting = row.get::<_, i64>(1)?.unsigned_abs();
        Ok(OpenQueue { url: row.get(0)?, waiting, oldest: rows::from_micros(row.get(2)?) })
    })?;
    queues.collect()
}

/// Loads the queue entries of a delivery.
pub(super) fn load_queue(connection: &Connection, delivery: i64) -> rusqlite::Result<Vec<QueuedForward>> {
    let sql = "SELECT url, tries, state, due FROM forwards WHERE delivery = ?1 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let queue = statement.query_map([delivery], |row| {
        let state: String = row.get(2)?;
        let state = match (state.as_str(), row.get(3)?) {
            ("done", _) => QueueState::Delivered,
            ("refused", _) => QueueState::Refused,
            ("given up", _) => QueueState::GivenUp,
            (_, NEVER) => QueueState::Blocked,
            (_, due) => QueueState::Waiting(rows::from_micros(due)),
        };
        Ok(QueuedForward { url: row.get(0)?, state, tries: row.get(1)? })
    })?;
    queue.collect()
}

impl SqliteWriter {
    /// Resumes the entries for these URLs, those given up included, unless they arrived before
    /// `oldest`. None is due after `latest` then.
    pub async fn resume(
        &self,
        urls: &[String],
        oldest: Timestamp,
        latest: Timestamp,
    ) -> Result<ResumedDeliveries, String> {
        let urls = urls.to_vec();
        self.transact(move |connection| {
            let mut resumed = ResumedDeliveries::default();
            for url in urls {
                resumed.too_old += resume(connection, &url, oldest, latest)?;
                resumed.pending += count_pending(connection, &url)?;
            }
            Ok(resumed)
        })
        .await
    }

    /// Makes the waiting entries for these URLs due earlier, after the clock was set back.
    pub async fn set_back(&self, urls: &[String], by: SignedDuration) -> Result<(), String> {
        let urls = urls.to_vec();
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.transact(move |connection| {
            let sql =
                "UPDATE forwards SET due = due - ?2 WHERE state = 'pending' AND url = ?1 AND due > ?2 AND due <> ?3";
            urls.iter().try_for_each(|url| connection.execute(sql, params![url, micros, NEVER]).map(drop))
        })
        .await
    }

    /// Queues a delivery for these URLs, due at once and with all retries. Returns false if it is not
    /// in the store.
    pub async fn requeue(&self, CaptureId(delivery): CaptureId, urls: Vec<String>) -> Result<bool, String> {
        self.transact(move |connection| {
            let object = "SELECT coalesce(subject, event_id, cast(id AS TEXT)) FROM deliveries WHERE id = ?1";
            let object: Option<String> = connection.query_row(object, [delivery], |row| row.get(0)).optional()?;
            let Some(object) = object else { return Ok(false) };
            for url in urls {
                let restart =
                    "UPDATE forwards SET state = 'pending', tries = 0, due = 0 WHERE delivery = ?1 AND url = ?2";
                if connection.execute(restart, params![delivery, url])? == 0 {
                    insert_forward(connection, delivery, &url, &object, 0)?;
                }
            }
            Ok(true)
        })
        .await
    }

    /// Returns the due deliveries and reserves them.
    pub async fn due(&self, query: DueQuery) -> Result<DueDeliveries, String> {
        self.transact(move |connection| reserve_due(connection, &query)).await
    }

    /// Records an attempt and the new state of its queue entry.
    pub async fn record_attempt(
        &self,
        due: &DueDelivery,
        attempt: Attempt,
        state: EntryState,
        retry_at: Option<Timestamp>,
    ) -> Result<(), String> {
        let is_in_memory = self.is_in_memory();
        let &DueDelivery { queue_row, id: CaptureId(delivery), .. } = due;
        self.transact(move |connection| {
            let is_over = state != EntryState::Retry;
            if !(is_in_memory && is_over) {
                rows::insert_attempt(connection, delivery, &attempt)?;
                let due = retry_at.map_or(0, micros);
                connection
                    .prepare_cached("UPDATE forwards SET state = ?2, tries = tries + 1, due = ?3 WHERE id = ?1")?
                    .execute(params![queue_row, state.as_str(), due])?;
            }
            if is_over {
                let object = load_object(connection, queue_row)?;
                if is_in_memory {
                    remove_forwarded(connection, queue_row, delivery)?;
                }
                object.map_or(Ok(()), |(object, url)| unpark_next(connection, &object, &url))?;
            }
            Ok(())
        })
        .await
    }
}

/// Adds a delivery to the queue for a URL.
pub(super) fn insert_forward(
    connection: &Connection,
    delivery: i64,
    url: &str,
    object: &str,
    due: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO forwards (delivery, url, object, due) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![delivery, url, object, due])
        .map(drop)
}

/// Serializes a list for `json_each`.
fn to_json<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned())
}

/// Resumes the entries for a URL, and returns the number of those that are too old for it.
fn resume(connection: &Connection, url: &str, oldest: Timestamp, latest: Timestamp) -> rusqlite::Result<u64> {
    let oldest = micros(oldest);
    let is_young = "EXISTS (SELECT 1 FROM deliveries d WHERE d.id = delivery AND d.arrived >= ?2)";
    let restart = format!(
        "UPDATE forwards SET state = 'pending', tries = 0, due = 0 WHERE state = 'given up' AND url = ?1 AND {is_young}"
    );
    connection.execute(&restart, params![url, oldest])?;
    let give_up =
        format!("UPDATE forwards SET state = 'given up' WHERE state = 'pending' AND url = ?1 AND NOT {is_young}");
    connection.execute(&give_up, params![url, oldest])?;
    // The entries that parked ones waited for may have been pruned, or delivered by `replay`. Others
    // are due later than any pause if the clock was set back.
    let unpark = "UPDATE forwards SET due = 0 WHERE state = 'pending' AND url = ?1 AND due > ?2";
    connection.execute(unpark, params![url, micros(latest)])?;
    let given_up = "SELECT count(*) FROM forwards WHERE state = 'given up' AND url = ?1";
    Ok(connection.query_row(given_up, [url], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn reserve_due(connection: &Connection, query: &DueQuery) -> rusqlite::Result<DueDeliveries> {
    let mut found = DueDeliveries { due: Vec::new(), next_due: None };
    for (url, most) in &query.urls {
        let (rows, more) = find_due_rows(connection, query, url, *most)?;
        for row in rows {
            // Keeps other processes from sending it. If this one dies, it is due again when the
            // lease ends.
            let lease = "UPDATE forwards SET due = ?2 WHERE id = ?1";
            let until = micros(query.now).saturating_add(query.lease);
            connection.prepare_cached(lease)?.execute(params![row, until])?;
            found.due.extend(load_due(connection, row)?);
        }
        let next = if more { Some(query.now) } else { next_due(connection, query.now, url)? };
        found.next_due = [found.next_due, next].into_iter().flatten().min();
    }
    Ok(found)
}

/// Returns the due entries for a URL, and true if there are more candidates. Parks those that must
/// wait for an earlier one.
fn find_due_rows(
    connection: &Connection,
    query: &DueQuery,
    url: &str,
    most: usize,
) -> rusqlite::Result<(Vec<i64>, bool)> {
    let limit = if query.per_object { most.max(CANDIDATES_PER_READ) } else { most };
    let (in_flight, sql_limit) = (to_json(&query.in_flight), i64::try_from(limit).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(CANDIDATES)?;
    let candidates: Vec<(i64, bool)> = statement
        .query_map(params![url, micros(query.now), in_flight, sql_limit, query.per_object], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut due = Vec::new();
    for &(row, must_wait) in &candidates {
        if must_wait {
            let park = "UPDATE forwards SET due = ?2 WHERE id = ?1";
            connection.prepare_cached(park)?.execute(params![row, NEVER])?;
        } else if due.len() < most {
            due.push(row);
        }
    }
    let more = candidates.len() == limit && due.len() < most;
    Ok((due, more))
}

/// Loads the delivery of a queue entry. `None`: it was pruned.
fn load_due(connection: &Connection, queue_row: i64) -> rusqlite::Result<Option<DueDelivery>> {
    let mut statement = connection.prepare_cached(LOAD_DUE)?;
    let due = statement.query_row([queue_row], |row| {
        Ok(DueDelivery {
            request: rows::request(row, 0)?,
            queue_row: row.get(4)?,
            id: CaptureId(row.get(5)?),
            url: row.get(6)?,
            tries: row.get(7)?,
            arrived: rows::from_micros(row.get(8)?),
        })
    });
    due.optional()
}

/// Returns the time at which the next entry for a URL is due.
fn next_due(connection: &Connection, now: Timestamp, url: &str) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT min(due) FROM forwards INDEXED BY forwards_due WHERE state = 'pending' AND url = ?1 AND due > ?2";
    let next: Option<i64> = connection.prepare_cached(sql)?.query_row(params![url, micros(now)], |row| row.get(0))?;
    Ok(next.and_then(|due| Timestamp::from_microsecond(due).ok()))
}

/// Returns the object and URL of an entry.
fn load_object(connection: &Connection, queue_row: i64) -> rusqlite::Result<Option<(String, String)>> {
    let mut statement = connection.prepare_cached("SELECT object, url FROM forwards WHERE id = ?1")?;
    statement.query_row([queue_row], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// Makes the next entry about this object due, if it is parked.
fn unpark_next(connection: &Connection, object: &str, url: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE forwards SET due = 0 WHERE due = ?3 AND id = (
                   SELECT min(id) FROM forwards INDEXED BY forwards_object
                   WHERE state = 'pending' AND object = ?1 AND url = ?2)";
    connection.prepare_cached(sql)?.execute(params![object, url, NEVER]).map(drop)
}

/// Marks entries as done that `replay` has delivered. The URL of an entry without a path was sent
/// with the path of the delivery.
pub(super) fn mark_delivered(connection: &Connection, delivery: i64, url: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE forwards SET state = 'done' WHERE delivery = ?1 AND state IN ('pending', 'given up', 'refused')
               AND substr(?2, 1, length(rtrim(url, '/'))) = rtrim(url, '/') RETURNING object, url";
    let mut statement = connection.prepare_cached(sql)?;
    let delivered = statement.query_map(params![delivery, url], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let delivered: Vec<(String, String)> = delivered.collect::<rusqlite::Result<_>>()?;
    delivered.iter().try_for_each(|(object, url)| unpark_next(connection, object, url))
}

/// Removes a delivery of an in-memory store once it is forwarded everywhere.
fn remove_forwarded(connection: &Connection, queue_row: i64, delivery: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM forwards WHERE id = ?1", [queue_row])?;
    let remaining = "SELECT count(*) FROM forwards WHERE delivery = ?1";
    if connection.query_row(remaining, [delivery], |row| row.get::<_, i64>(0))? == 0 {
        connection.execute("DELETE FROM attempts WHERE delivery = ?1", [delivery])?;
        connection.execute("DELETE FROM contents WHERE delivery = ?1", [delivery])?;
        connection.execute("DELETE FROM deliveries WHERE id = ?1", [delivery])?;
    }
    Ok(())
}
