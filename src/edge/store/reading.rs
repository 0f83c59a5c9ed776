//! The store as commands see it: lists, single deliveries, counts, pruning, attempts.

use super::rows::{self, micros, text};
use super::schema;
use crate::error::{Error, Result};
use crate::kept::{Attempt, Count, Entry, Id, Kept, Query};
use crate::timestamp::Timestamp;
use crate::world::Store;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::path::Path;

/// A store that a command has opened.
pub(in crate::edge) struct Opened {
    connection: Connection,
}

/// Opens the store in this file.
pub(in crate::edge) fn open(path: &Path) -> Result<Opened> {
    Ok(Opened { connection: schema::open(path)? })
}

fn failed(error: rusqlite::Error) -> Error {
    Error::failed("the store can't be read or written").because(error)
}

/// The condition and its parameters.
fn condition(query: &Query) -> (String, Vec<Value>) {
    let mut terms = vec!["1".to_owned()];
    let mut values = Vec::new();
    let mut term = |sql: &str, value: Value| {
        values.push(value);
        terms.push(sql.replace('#', &format!("?{}", values.len())));
    };
    if let Some(provider) = &query.provider {
        term("d.provider = #", text(provider));
    }
    if let Some(verdict) = &query.verdict {
        term("d.verdict = #", text(verdict));
    }
    if let Some(since) = query.since {
        term("d.arrived >= #", Value::Integer(micros(since)));
    }
    if let Some(until) = query.until {
        term("d.arrived < #", Value::Integer(micros(until)));
    }
    if let Some(reference) = &query.reference {
        term("# IN (d.event_id, d.subject)", text(reference));
    }
    if let Some(grep) = &query.grep {
        let sql = "EXISTS (SELECT 1 FROM contents c WHERE c.seq = d.seq AND instr(c.body, #) > 0)";
        term(sql, Value::Blob(grep.as_bytes().to_vec()));
    }
    let globs: Vec<_> = query
        .kinds
        .iter()
        .map(|glob| {
            values.push(text(glob));
            format!("d.kind GLOB ?{}", values.len())
        })
        .collect();
    if !globs.is_empty() {
        terms.push(format!("({})", globs.join(" OR ")));
    }
    if query.failed {
        terms.push(
            "(d.verdict <> 'verified' OR d.answered NOT BETWEEN 200 AND 299 OR d.app NOT BETWEEN 200 AND 299)"
                .to_owned(),
        );
    }
    (terms.join(" AND "), values)
}

impl Store for Opened {
    fn list(&mut self, query: &Query) -> Result<Vec<Entry>> {
        let (condition, mut values) = condition(query);
        values.push(Value::Integer(query.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(-1))));
        let sql = format!(
            "SELECT {} FROM deliveries d WHERE {condition} ORDER BY d.seq DESC LIMIT ?{}",
            rows::ENTRY,
            values.len()
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let entries = statement.query_map(params_from_iter(values), rows::entry).map_err(failed)?;
        let mut entries = entries.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        entries.reverse();
        Ok(entries)
    }

    fn beginning_with(&mut self, prefix: &str) -> Result<Vec<Id>> {
        let sql = "SELECT id FROM deliveries WHERE substr(id, 1, length(?1)) = ?1 ORDER BY seq LIMIT 3";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let ids = statement.query_map([prefix], |row| row.get(0)).map_err(failed)?;
        ids.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn whole(&mut self, id: &str) -> Result<Option<Kept>> {
        let sql = format!("SELECT {} FROM deliveries d WHERE d.id = ?1", rows::ENTRY);
        let entry = self.connection.query_row(&sql, [id], rows::entry).optional().map_err(failed)?;
        let Some(entry) = entry else { return Ok(None) };
        let sql = "SELECT c.method, c.target, c.headers, c.body FROM contents c \
                   JOIN deliveries d ON d.seq = c.seq WHERE d.id = ?1";
        let request = self.connection.query_row(sql, [id], rows::request).map_err(failed)?;
        let sql = "SELECT a.at, a.url, a.took, a.status, a.said, a.failure FROM attempts a \
                   JOIN deliveries d ON d.seq = a.delivery WHERE d.id = ?1 ORDER BY a.seq";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let attempts = statement.query_map([id], rows::attempt).map_err(failed)?;
        let attempts = attempts.collect::<rusqlite::Result<_>>().map_err(failed)?;
        Ok(Some(Kept { entry, request, attempts }))
    }

    fn counts(&mut self, query: &Query) -> Result<Vec<Count>> {
        let (condition, values) = condition(query);
        let sql = format!(
            "SELECT d.provider, d.kind, d.verdict, d.arrived / 3600000000 AS hour, count(*) FROM deliveries d \
             WHERE {condition} GROUP BY d.provider, d.kind, d.verdict, hour ORDER BY hour"
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let count = |row: &rusqlite::Row<'_>| {
            let hour = Timestamp::from_second(row.get::<_, i64>(3)? * 3_600).unwrap_or(Timestamp::UNIX_EPOCH);
            Ok(Count {
                provider: row.get(0)?,
                kind: row.get(1)?,
                verdict: row.get(2)?,
                hour,
                deliveries: row.get::<_, i64>(4)?.unsigned_abs(),
            })
        };
        let counts = statement.query_map(params_from_iter(values), count).map_err(failed)?;
        counts.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn prune(&mut self, before: Timestamp) -> Result<u64> {
        let transaction = self.connection.transaction().map_err(failed)?;
        let old = "SELECT seq FROM deliveries WHERE arrived < ?1";
        for table in ["forwards", "attempts"] {
            let sql = format!("DELETE FROM {table} WHERE delivery IN ({old})");
            transaction.execute(&sql, [micros(before)]).map_err(failed)?;
        }
        transaction.execute(&format!("DELETE FROM contents WHERE seq IN ({old})"), [micros(before)]).map_err(failed)?;
        let gone =
            transaction.execute("DELETE FROM deliveries WHERE arrived < ?1", [micros(before)]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(gone as u64)
    }

    fn add_attempt(&mut self, id: &str, attempt: &Attempt) -> Result<()> {
        let transaction = self.connection.transaction().map_err(failed)?;
        let place = "SELECT seq FROM deliveries WHERE id = ?1";
        let delivery: Option<i64> = transaction.query_row(place, [id], |row| row.get(0)).optional().map_err(failed)?;
        if let Some(delivery) = delivery {
            rows::insert_attempt(&transaction, delivery, attempt).map_err(failed)?;
            if (200..300).contains(&attempt.status()) {
                let sql = "UPDATE forwards SET state = 'done' WHERE delivery = ?1 AND url = ?2 AND state = 'pending'";
                transaction.execute(sql, params![delivery, attempt.url]).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    fn recent_keys(&mut self, most: u64) -> Result<Vec<(String, String, Id)>> {
        let sql = "SELECT provider, key, id FROM deliveries WHERE verdict = 'verified' AND key IS NOT NULL \
                   ORDER BY seq DESC LIMIT ?1";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let keys = statement.query_map([most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(failed)?;
        let mut keys = keys.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        keys.reverse();
        Ok(keys)
    }
}
