//! Summaries of captures in blocks of consecutive numbers, so that queries skip most of a large store.
//!
//! An index of all captures by name or type would slow down each insert: names are random, so each
//! would change a page of its own. A summary is written for many captures at once, in order, while
//! nothing else waits. `until` is the first capture without one; from there on, queries read the
//! captures themselves.

use super::filter::type_condition;
use super::pruning::pause_for_writers;
use super::rows::{self, micros, text};
use crate::model::stored::{HourlyCount, Query};
use crate::model::timestamp::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior, params, params_from_iter};
use std::time::Instant;

/// Captures of a block. The trigger in `schema` has this number, too.
const BLOCK: i64 = 1_024;

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// Numbers between two captures below which reading those in between is faster than skipping them.
const GAP: i64 = 16;

/// An inclusive range of numbers.
pub(super) type Range = (i64, i64);

/// Returns the first capture that has no summary.
pub(super) fn until(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT until FROM main.summarized")?.query_row([], |row| row.get(0))
}

/// Returns the next full block without a summary.
fn next_block(connection: &Connection) -> rusqlite::Result<Option<Range>> {
    let sql = "SELECT (SELECT min(id) FROM main.deliveries WHERE id >= until), (SELECT max(id) FROM main.deliveries)
               FROM main.summarized";
    let ends = connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)): (Option<i64>, Option<i64>) = ends else { return Ok(None) };
    let end = (first / BLOCK).saturating_add(1).saturating_mul(BLOCK);
    Ok((last >= end).then_some((first, end)))
}

/// Returns true if `add_block` has something to do.
pub(super) fn has_full_block(connection: &Connection) -> rusqlite::Result<bool> {
    next_block(connection).map(|block| block.is_some())
}

/// Adds the summary of the next block. Returns false if the newest captures do not fill one.
pub(super) fn add_block(connection: &Connection) -> rusqlite::Result<bool> {
    let Some((first, end)) = next_block(connection)? else { return Ok(false) };
    summarize(connection, (first, end - 1))?;
    connection.prepare_cached("UPDATE main.summarized SET until = ?1")?.execute([end])?;
    Ok(true)
}

/// Adds the summaries of all full blocks, with pauses for a listener.
pub(super) fn add_all(connection: &Connection) -> rusqlite::Result<()> {
    loop {
        let started = Instant::now();
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        let has_more = add_block(&transaction)?;
        transaction.commit()?;
        if !has_more {
            return Ok(());
        }
        pause_for_writers(started.elapsed());
    }
}

/// Adds captures to the summaries of their block.
fn summarize(connection: &Connection, (first, last): Range) -> rusqlite::Result<()> {
    let names = format!(
        "INSERT INTO main.names
         SELECT id / {BLOCK}, substr(event_id, 1, 128), id FROM main.deliveries
         WHERE id BETWEEN ?1 AND ?2 AND event_id IS NOT NULL
         UNION SELECT id / {BLOCK}, substr(subject, 1, 128), id FROM main.deliveries
         WHERE id BETWEEN ?1 AND ?2 AND subject IS NOT NULL"
    );
    connection.prepare_cached(&names)?.execute([first, last])?;
    let counts = format!(
        "INSERT INTO main.counts
         SELECT id / {BLOCK}, arrived / {HOUR}, verdict, coalesce(provider, 0), coalesce(kind, 0), count(*)
         FROM main.deliveries WHERE id BETWEEN ?1 AND ?2 GROUP BY 1, 2, 3, 4, 5"
    );
    connection.prepare_cached(&counts)?.execute([first, last]).map(drop)
}

/// Returns the ranges within these bounds in which all captures are that match, oldest first.
pub(super) fn ranges(connection: &Connection, query: &Query, (first, last): Range) -> rusqlite::Result<Vec<Range>> {
    let is_narrow = last.saturating_sub(first) < BLOCK;
    let mut ranges = match &query.reference {
        _ if is_narrow => return Ok(vec![(first, last)]),
        Some(reference) => named(connection, reference, (first, last))?,
        None => match count_condition(query) {
            Some(condition) => blocks(connection, condition)?,
            None => return Ok(vec![(first, last)]),
        },
    };
    ranges.sort_unstable();
    ranges.push((until(connection)?, i64::MAX));
    let mut merged: Vec<Range> = Vec::new();
    for (from, to) in ranges {
        let (from, to) = (from.max(first), to.min(last));
        match merged.last_mut() {
            _ if from > to => {}
            Some(before) if from <= before.1.saturating_add(GAP) => before.1 = before.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    Ok(merged)
}

/// Returns the summarized captures with this event id or subject. Long names may share what is
/// compared.
fn named(connection: &Connection, reference: &str, (first, last): Range) -> rusqlite::Result<Vec<Range>> {
    let sql = "WITH RECURSIVE block (number) AS (
                   SELECT min(block) FROM main.names
                   UNION ALL SELECT (SELECT min(block) FROM main.names WHERE block > number) FROM block
                   WHERE number IS NOT NULL
               )
               SELECT n.delivery FROM block CROSS JOIN main.names n
               ON n.block = block.number AND n.name = substr(?1, 1, 128)
               WHERE n.delivery BETWEEN ?2 AND ?3 AND n.delivery < (SELECT until FROM main.summarized)";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![reference, first, last], |row| Ok((row.get(0)?, row.get(0)?)))?;
    found.collect()
}

/// Returns the summarized blocks with captures for which this condition on `counts` is true.
fn blocks(connection: &Connection, (condition, values): (String, Vec<Value>)) -> rusqlite::Result<Vec<Range>> {
    let sql = format!("SELECT DISTINCT c.block FROM main.counts c WHERE {condition} ORDER BY c.block");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(params_from_iter(values), |row| {
        let block: i64 = row.get(0)?;
        Ok((block.saturating_mul(BLOCK), block.saturating_mul(BLOCK).saturating_add(BLOCK - 1)))
    })?;
    found.collect()
}

/// Translates what summaries know of a query to a condition on `counts`. `None`: it is about nothing
/// that they know.
fn count_condition(query: &Query) -> Option<(String, Vec<Value>)> {
    let (mut terms, mut values) = (Vec::new(), Vec::new());
    let mut term = |sql: &str, value: Value| {
        values.push(value);
        terms.push(format!("{sql} ?{}", values.len()));
    };
    if let Some(provider) = &query.provider {
        term("c.provider =", text(provider));
    }
    if let Some(verdict) = query.verdict {
        term("c.verdict =", text(verdict.as_str()));
    }
    if let Some(since) = query.since {
        term("c.hour >=", Value::Integer(micros(since) / HOUR));
    }
    if let Some(until) = query.until {
        term("c.hour <=", Value::Integer(micros(until) / HOUR));
    }
    terms.extend(type_condition(query, "nullif(c.kind, 0)", &mut values));
    (!terms.is_empty()).then(|| (terms.join(" AND "), values))
}

/// Counts the summarized captures that match. `None`: the query is about more than summaries know.
pub(super) fn count_by_hour(connection: &Connection, query: &Query) -> rusqlite::Result<Option<Vec<HourlyCount>>> {
    let known = Query {
        provider: query.provider.clone(),
        kinds: query.kinds.clone(),
        verdict: query.verdict,
        ..Query::default()
    };
    if *query != known {
        return Ok(None);
    }
    let (condition, values) = count_condition(query).unwrap_or_else(|| ("1".to_owned(), Vec::new()));
    let sql = format!(
        "SELECT nullif(c.provider, 0), nullif(c.kind, 0), c.verdict, c.hour, sum(c.deliveries) FROM main.counts c
         WHERE {condition} GROUP BY c.hour, c.verdict, c.provider, c.kind"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let counts = statement.query_map(params_from_iter(values), hourly_count)?;
    counts.collect::<rusqlite::Result<_>>().map(Some)
}

/// Reads provider, kind, verdict, hour since 1970 and the number of deliveries.
pub(super) fn hourly_count(row: &rusqlite::Row<'_>) -> rusqlite::Result<HourlyCount> {
    let hour = Timestamp::from_second(row.get::<_, i64>(3)?.saturating_mul(3_600)).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(HourlyCount {
        provider: row.get(0)?,
        kind: row.get(1)?,
        verdict: rows::verdict(row, 2)?,
        hour,
        deliveries: row.get::<_, i64>(4)?.unsigned_abs(),
    })
}
