//! Removes old deliveries in small transactions with pauses, so that a listener waits milliseconds,
//! and returns the freed pages to the file system.

use super::rows::{from_micros, micros};
use super::unverified;
use crate::model::stored::{PrunePlan, Undelivered};
use crate::model::timestamp::Timestamp;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::time::{Duration, Instant};

/// True if the delivery `d` is still to be forwarded.
const PENDING: &str = "EXISTS (SELECT 1 FROM forwards f WHERE f.delivery = d.id AND f.state = 'pending')";

/// Selects the deliveries to remove; `?1` is the time.
fn condition(undelivered: Undelivered) -> String {
    match undelivered {
        Undelivered::Keep => format!("d.arrived < ?1 AND NOT {PENDING}"),
        Undelivered::Remove => "d.arrived < ?1".to_owned(),
    }
}

pub(super) fn plan(
    connection: &Connection,
    before: Timestamp,
    undelivered: Undelivered,
) -> rusqlite::Result<PrunePlan> {
    let sql = format!(
        "SELECT count(*), min(d.arrived), max(d.arrived), coalesce(sum(d.size), 0) FROM deliveries d WHERE {}",
        condition(undelivered)
    );
    let plan = connection.query_row(&sql, [micros(before)], |row| {
        Ok(PrunePlan {
            deliveries: row.get::<_, i64>(0)?.unsigned_abs(),
            oldest: row.get::<_, Option<i64>>(1)?.map(from_micros),
            newest: row.get::<_, Option<i64>>(2)?.map(from_micros),
            bytes: row.get::<_, i64>(3)?.unsigned_abs(),
            undelivered: 0,
        })
    })?;
    if undelivered == Undelivered::Remove {
        return Ok(plan);
    }
    let sql = format!("SELECT count(*) FROM deliveries d WHERE d.arrived < ?1 AND {PENDING}");
    let pending: i64 = connection.query_row(&sql, [micros(before)], |row| row.get(0))?;
    Ok(PrunePlan { undelivered: pending.unsigned_abs(), ..plan })
}

/// Removes old deliveries and returns their number. On a full disk it takes the smallest steps and
/// returns space after each, since every step needs some for itself.
pub(super) fn prune(connection: &mut Connection, before: Timestamp, undelivered: Undelivered) -> rusqlite::Result<u64> {
    let (mut removed, mut after) = (0, 0);
    let mut step = Step::LARGE;
    loop {
        let started = Instant::now();
        let batch = match remove_batch(connection, (after, step.deliveries), before, undelivered) {
            Err(error) if is_full(&error) && step != Step::SMALL => {
                step = Step::SMALL;
                empty_log(connection);
                continue;
            }
            batch => batch?,
        };
        let Some(last) = batch.last() else { break };
        (removed, after) = (removed + batch.len() as u64, *last);
        if step == Step::SMALL {
            free_pages(connection, step)?;
            empty_log(connection);
        }
        pause_for_writers(started.elapsed());
    }
    match free_pages(connection, step) {
        Err(error) if is_full(&error) && step != Step::SMALL => {
            empty_log(connection);
            free_pages(connection, Step::SMALL)?;
        }
        freed => freed?,
    }
    empty_log(connection);
    Ok(removed)
}

/// The work of one transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Step {
    deliveries: u32,
    /// Free pages to return.
    pages: u32,
}

impl Step {
    const LARGE: Self = Self { deliveries: 256, pages: 256 };
    const SMALL: Self = Self { deliveries: 1, pages: 16 };
}

fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Copies the log into the database, and returns its space and that of removed pages. If another
/// process reads the store just now, they return it later.
fn empty_log(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// Removes the next few deliveries and returns their ids.
fn remove_batch(
    connection: &mut Connection,
    (after, limit): (i64, u32),
    before: Timestamp,
    undelivered: Undelivered,
) -> rusqlite::Result<Vec<i64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = format!(
        "SELECT d.id FROM deliveries d WHERE d.id > ?2 AND {} ORDER BY d.id LIMIT {limit}",
        condition(undelivered)
    );
    let batch: Vec<i64> = transaction
        .prepare_cached(&sql)?
        .query_map([micros(before), after], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    batch.iter().try_for_each(|&delivery| unverified::remove(&transaction, delivery))?;
    transaction.commit()?;
    Ok(batch)
}

/// Returns free pages to the file system. Without `auto_vacuum` it does nothing; new deliveries
/// reuse the pages.
fn free_pages(connection: &mut Connection, step: Step) -> rusqlite::Result<()> {
    let mut free = u64::MAX;
    loop {
        let started = Instant::now();
        let now_free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if now_free == 0 || now_free.unsigned_abs() >= free {
            return Ok(());
        }
        free = now_free.unsigned_abs();
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({})", step.pages))?;
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        drop(steps);
        drop(vacuum);
        pause_for_writers(started.elapsed());
    }
}

/// Pauses as long as the last transaction took, from 2 to 100 ms. SQLite has no queue of writers: a
/// waiting one polls every few milliseconds and must find the file unlocked.
pub(super) fn pause_for_writers(busy: Duration) {
    std::thread::sleep(busy.clamp(Duration::from_millis(2), Duration::from_millis(100)));
}
