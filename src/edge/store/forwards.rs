//! The queue to the developer's app: what is pending, what is due, how an attempt went.
//!
//! Each question looks at one URL and at no more deliveries than it hands out, however many wait. One that must wait for an
//! earlier one about the same object is parked: due never, until that one is over.

use super::names::Names;
use super::rows::{self, micros};
use super::writer::StoreWriter;
use crate::model::message::Request;
use crate::model::stored::{Attempt, Id};
use crate::model::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// What is asked of the queue.
pub(in crate::edge) struct Selection {
    pub now: Timestamp,
    /// URLs that may be asked now, each with at most so many deliveries.
    pub urls: Vec<(String, usize)>,
    /// Places that are under way already.
    pub without: Vec<i64>,
    /// For how long what is handed out is this process' alone, in microseconds.
    pub lease: i64,
    /// Whether only the oldest for each object is due.
    pub per_object: bool,
}

/// A delivery that is due at a URL.
pub(in crate::edge) struct Due {
    /// Its place in the queue.
    pub place: i64,
    /// The delivery's place in the store.
    pub delivery: i64,
    pub id: Id,
    pub url: String,
    /// How often it was tried.
    pub tries: u32,
    pub request: Request,
}

/// What was found.
pub(in crate::edge) struct Found {
    pub due: Vec<Due>,
    /// When the next one will be due.
    pub next_due: Option<Timestamp>,
}

/// What becomes of a pending delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum Verdict {
    Taken,
    /// The app will have none of it.
    Refused,
    /// It was tried often enough for now.
    GivenUp,
    Again,
}

impl Verdict {
    fn state(self) -> &'static str {
        match self {
            Self::Taken => "done",
            Self::Refused => "refused",
            Self::GivenUp => "given up",
            Self::Again => "pending",
        }
    }
}

/// When what is parked is due.
const NEVER: i64 = i64::MAX;

/// How many are looked at in one go when only the oldest for each object is due.
const LOOKED_AT: usize = 256;

/// The next that are due for a URL, and whether an earlier one about the same object is pending.
const CANDIDATES: &str = "
    SELECT f.seq, ?5 AND EXISTS (SELECT 1 FROM forwards e INDEXED BY forwards_object WHERE e.state = 'pending'
                                 AND e.object = f.object AND e.url = f.url AND e.seq < f.seq)
    FROM forwards f INDEXED BY forwards_due
    WHERE f.state = 'pending' AND f.url = ?1 AND f.due <= ?2 AND f.seq NOT IN (SELECT value FROM json_each(?3))
    ORDER BY f.due, f.seq LIMIT ?4";

/// One of them, whole.
const WHOLE: &str = "
    SELECT c.method, c.target, c.headers, c.body, f.seq, f.delivery, d.id, f.url, f.tries
    FROM forwards f JOIN deliveries d ON d.seq = f.delivery JOIN contents c ON c.seq = f.delivery WHERE f.seq = ?1";

/// How many wait for a URL.
pub(super) fn waiting(connection: &Connection, url: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM forwards INDEXED BY forwards_due WHERE state = 'pending' AND url = ?1";
    Ok(connection.query_row(sql, [url], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

impl StoreWriter {
    /// Takes up what was left from before for these URLs, also what was tried too often then; says how many wait now.
    pub async fn take_up(&self, urls: &[String]) -> Result<u64, String> {
        let urls = urls.to_vec();
        self.transact(move |connection, _| {
            let mut pending = 0;
            for url in urls {
                take_up(connection, &url)?;
                pending += waiting(connection, &url)?;
            }
            Ok(pending)
        })
        .await
    }

    /// What is due.
    pub async fn due(&self, selection: Selection) -> Result<Found, String> {
        self.transact(move |connection, names| find(connection, names, &selection)).await
    }

    /// Records an attempt, and what becomes of the delivery.
    pub async fn attempted(
        &self,
        place: i64,
        delivery: i64,
        attempt: Attempt,
        verdict: Verdict,
        again: Option<Timestamp>,
    ) -> Result<(), String> {
        let forgets = self.is_in_memory();
        self.transact(move |connection, _| {
            let is_over = verdict != Verdict::Again;
            if !(forgets && is_over) {
                rows::insert_attempt(connection, delivery, &attempt)?;
                let due = again.map_or(0, micros);
                connection
                    .prepare_cached("UPDATE forwards SET state = ?2, tries = tries + 1, due = ?3 WHERE seq = ?1")?
                    .execute(params![place, verdict.state(), due])?;
            }
            if is_over {
                let object = object_of(connection, place)?;
                if forgets {
                    forget(connection, place, delivery)?;
                }
                object.map_or(Ok(()), |(object, url)| unpark_next(connection, &object, &url))?;
            }
            Ok(())
        })
        .await
    }
}

/// A list as JSON.
fn list<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned())
}

fn take_up(connection: &Connection, url: &str) -> rusqlite::Result<()> {
    let again = "UPDATE forwards SET state = 'pending', tries = 0, due = 0 WHERE state = 'given up' AND url = ?1";
    connection.execute(again, [url])?;
    // Those that they waited for may be gone, pruned or sent by hand.
    let unpark = "UPDATE forwards SET due = 0 WHERE state = 'pending' AND url = ?1 AND due = ?2";
    connection.execute(unpark, params![url, NEVER]).map(drop)
}

fn find(connection: &Connection, names: Names, selection: &Selection) -> rusqlite::Result<Found> {
    let mut found = Found { due: Vec::new(), next_due: None };
    for (url, most) in &selection.urls {
        let (places, more) = places_due(connection, selection, url, *most)?;
        for place in places {
            // Another process on the same store must not send it too; if this one dies, it is due again when the lease ends.
            let lease = "UPDATE forwards SET due = ?2 WHERE seq = ?1";
            let until = micros(selection.now).saturating_add(selection.lease);
            connection.prepare_cached(lease)?.execute(params![place, until])?;
            found.due.extend(whole(connection, names, place)?);
        }
        let next = if more { Some(selection.now) } else { next_due(connection, selection.now, url)? };
        found.next_due = [found.next_due, next].into_iter().flatten().min();
    }
    Ok(found)
}

/// The places of those that are due for a URL, and whether there are more that were not looked at. Those that have to wait
/// for another are parked.
fn places_due(
    connection: &Connection,
    selection: &Selection,
    url: &str,
    most: usize,
) -> rusqlite::Result<(Vec<i64>, bool)> {
    let looked_at = if selection.per_object { most.max(LOOKED_AT) } else { most };
    let (without, limit) = (list(&selection.without), i64::try_from(looked_at).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(CANDIDATES)?;
    let candidates: Vec<(i64, bool)> = statement
        .query_map(params![url, micros(selection.now), without, limit, selection.per_object], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut places = Vec::new();
    for &(place, waits) in &candidates {
        if waits {
            let park = "UPDATE forwards SET due = ?2 WHERE seq = ?1";
            connection.prepare_cached(park)?.execute(params![place, NEVER])?;
        } else if places.len() < most {
            places.push(place);
        }
    }
    let more = candidates.len() == looked_at && places.len() < most;
    Ok((places, more))
}

/// The delivery at this place of the queue, unless it was pruned.
fn whole(connection: &Connection, names: Names, place: i64) -> rusqlite::Result<Option<Due>> {
    let mut statement = connection.prepare_cached(WHOLE)?;
    let due = statement.query_row([place], |row| {
        let delivery = row.get(5)?;
        Ok(Due {
            request: rows::request(row)?,
            place: row.get(4)?,
            delivery,
            id: row.get::<_, Option<Id>>(6)?.unwrap_or_else(|| names.id(delivery)),
            url: row.get(7)?,
            tries: row.get(8)?,
        })
    });
    due.optional()
}

/// When the next one will be due for a URL.
fn next_due(connection: &Connection, now: Timestamp, url: &str) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT min(due) FROM forwards INDEXED BY forwards_due WHERE state = 'pending' AND url = ?1 AND due > ?2";
    let next: Option<i64> = connection.prepare_cached(sql)?.query_row(params![url, micros(now)], |row| row.get(0))?;
    Ok(next.and_then(|due| Timestamp::from_microsecond(due).ok()))
}

/// What a pending delivery is about, and its URL.
fn object_of(connection: &Connection, place: i64) -> rusqlite::Result<Option<(String, String)>> {
    let mut statement = connection.prepare_cached("SELECT object, url FROM forwards WHERE seq = ?1")?;
    statement.query_row([place], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// What comes next about this object is due, if it was parked.
fn unpark_next(connection: &Connection, object: &str, url: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE forwards SET due = 0 WHERE due = ?3 AND seq = (
                   SELECT min(seq) FROM forwards INDEXED BY forwards_object
                   WHERE state = 'pending' AND object = ?1 AND url = ?2)";
    connection.prepare_cached(sql)?.execute(params![object, url, NEVER]).map(drop)
}

/// What was to be sent to this URL was taken there, though not from the queue. A route without a path of its own was given
/// that of the delivery.
pub(super) fn taken_otherwise(connection: &Connection, delivery: i64, url: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE forwards SET state = 'done' WHERE delivery = ?1 AND state IN ('pending', 'given up', 'refused')
               AND substr(?2, 1, length(rtrim(url, '/'))) = rtrim(url, '/') RETURNING object, url";
    let mut statement = connection.prepare_cached(sql)?;
    let over = statement.query_map(params![delivery, url], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let over: Vec<(String, String)> = over.collect::<rusqlite::Result<_>>()?;
    over.iter().try_for_each(|(object, url)| unpark_next(connection, object, url))
}

/// Removes what was kept in memory only until it was sent on.
fn forget(connection: &Connection, place: i64, delivery: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM forwards WHERE seq = ?1", [place])?;
    let waits = "SELECT count(*) FROM forwards WHERE delivery = ?1";
    if connection.query_row(waits, [delivery], |row| row.get::<_, i64>(0))? == 0 {
        connection.execute("DELETE FROM attempts WHERE delivery = ?1", [delivery])?;
        connection.execute("DELETE FROM contents WHERE seq = ?1", [delivery])?;
        connection.execute("DELETE FROM deliveries WHERE seq = ?1", [delivery])?;
    }
    Ok(())
}
