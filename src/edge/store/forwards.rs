//! The queue to the developer's app: what is pending, what is due, how an attempt went.

use super::rows::{self, micros};
use super::writer::Writer;
use crate::kept::{Attempt, Id};
use crate::message::Request;
use crate::timestamp::Timestamp;
use rusqlite::{Connection, params};

/// What is asked of the queue.
pub(in crate::edge) struct Selection {
    pub now: Timestamp,
    /// At most so many.
    pub most: usize,
    /// Places that are under way already.
    pub without: Vec<i64>,
    /// URLs that may be asked now.
    pub urls: Vec<String>,
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
    pub object: String,
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
    GivenUp,
    Again,
}

impl Verdict {
    fn state(self) -> &'static str {
        match self {
            Self::Taken => "done",
            Self::GivenUp => "given up",
            Self::Again => "pending",
        }
    }
}

/// The oldest that are due. Lists come as JSON, since SQL knows no list parameters.
const DUE: &str = "
    SELECT c.method, c.target, c.headers, c.body, f.seq, f.delivery, d.id, f.url, f.object, f.tries
    FROM forwards f JOIN deliveries d ON d.seq = f.delivery JOIN contents c ON c.seq = f.delivery
    WHERE f.state = 'pending' AND f.due <= ?1
      AND f.seq NOT IN (SELECT value FROM json_each(?2)) AND f.url IN (SELECT value FROM json_each(?3))
      AND NOT (?4 AND EXISTS (SELECT 1 FROM forwards e WHERE e.state = 'pending' AND e.object = f.object
                              AND e.url = f.url AND e.seq < f.seq))
    ORDER BY f.due, f.seq LIMIT ?5";

impl Writer {
    /// How many are pending for these URLs.
    pub async fn pending(&self, urls: &[String]) -> Result<u64, String> {
        let sql = "SELECT count(*) FROM forwards WHERE state = 'pending' AND url IN (SELECT value FROM json_each(?1))";
        let urls = list(urls);
        self.ask(move |connection| connection.query_row(sql, [urls], |row| row.get::<_, i64>(0)))
            .await
            .map(i64::unsigned_abs)
    }

    /// What is due.
    pub async fn due(&self, selection: Selection) -> Result<Found, String> {
        self.ask(move |connection| find(connection, &selection)).await
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
        let forgets = self.forgets();
        self.ask(move |connection| {
            if forgets && verdict != Verdict::Again {
                return forget(connection, place, delivery);
            }
            rows::insert_attempt(connection, delivery, &attempt)?;
            let due = again.map_or(0, micros);
            connection
                .prepare_cached("UPDATE forwards SET state = ?2, tries = tries + 1, due = ?3 WHERE seq = ?1")?
                .execute(params![place, verdict.state(), due])
                .map(drop)
        })
        .await
    }
}

/// A list as JSON.
fn list<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned())
}

fn find(connection: &Connection, selection: &Selection) -> rusqlite::Result<Found> {
    let now = micros(selection.now);
    let (without, urls) = (list(&selection.without), list(&selection.urls));
    let most = i64::try_from(selection.most).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(DUE)?;
    let due = statement.query_map(params![now, without, urls, selection.per_object, most], |row| {
        Ok(Due {
            request: rows::request(row)?,
            place: row.get(4)?,
            delivery: row.get(5)?,
            id: row.get(6)?,
            url: row.get(7)?,
            object: row.get(8)?,
            tries: row.get(9)?,
        })
    })?;
    let due = due.collect::<rusqlite::Result<Vec<_>>>()?;
    // Another process on the same store must not send it too; if this one dies, it is due again when the lease ends.
    for due in &due {
        let lease = "UPDATE forwards SET due = ?2 WHERE seq = ?1";
        connection.prepare_cached(lease)?.execute(params![due.place, now.saturating_add(selection.lease)])?;
    }
    let next = "SELECT min(due) FROM forwards WHERE state = 'pending' AND due > ?1
                AND url IN (SELECT value FROM json_each(?2))";
    let next: Option<i64> = connection.prepare_cached(next)?.query_row(params![now, urls], |row| row.get(0))?;
    Ok(Found { due, next_due: next.and_then(|due| Timestamp::from_microsecond(due).ok()) })
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
