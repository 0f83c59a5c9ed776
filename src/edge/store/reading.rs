//! The store as commands see it: lists, single deliveries, counts, pruning, attempts.

use super::filter::{condition, most};
use super::names::Names;
use super::rows;
use super::{about, forwards, health, pruning, schema};
use crate::model::error::{Error, Result};
use crate::model::money::Money;
use crate::model::stored::{
    AmountTotal, Attempt, DeliverySummary, HourlyCount, ID_LENGTH, Id, PrunePlan, Query, ReferenceMatch, StoreHealth,
    StoredDelivery, Undelivered,
};
use crate::model::timestamp::Timestamp;
use crate::world::Store;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params_from_iter};
use std::collections::BTreeMap;
use std::path::Path;
use url::Url;

/// A store that a command has opened.
pub(in crate::edge) struct Opened {
    connection: Connection,
    names: Names,
}

/// Opens the store in this file.
pub(in crate::edge) fn open(path: &Path) -> Result<Opened> {
    let connection = schema::open(path)?;
    let names = Names::of(&connection).map_err(failed)?;
    Ok(Opened { connection, names })
}

/// How many ids are read at once while visiting.
const PAGE: u32 = 256;

fn failed(error: rusqlite::Error) -> Error {
    let failed = Error::failed("the store can't be read or written");
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => failed
            .because("it is damaged; it was left as it is")
            .hint("move it away, with its -wal and -shm, and start anew"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            failed.because("another process holds it").hint("try again, or see who has it open")
        }
        _ => failed.because(error),
    }
}

/// How many ids of one beginning are looked for.
const ENOUGH: usize = 3;

/// The place of the delivery of this id.
fn place_of(connection: &Connection, names: Names, id: &str) -> rusqlite::Result<Option<i64>> {
    if id.len() == ID_LENGTH
        && let Some(places) = names.places(id)
        && connection
            .prepare_cached("SELECT 1 FROM deliveries WHERE seq = ?1 AND id IS NULL")?
            .exists([places.first])?
    {
        return Ok(Some(places.first));
    }
    connection.prepare_cached("SELECT seq FROM deliveries WHERE id = ?1")?.query_row([id], |row| row.get(0)).optional()
}

impl Opened {
    fn place_of(&self, id: &str) -> rusqlite::Result<Option<i64>> {
        place_of(&self.connection, self.names, id)
    }

    /// The first few kept ids that begin like this.
    fn named(&self, beginning: &str) -> rusqlite::Result<Vec<Id>> {
        // The range is what the index of ids is for; all their letters come before `~`.
        let sql = "SELECT id FROM deliveries WHERE id BETWEEN ?1 AND ?1 || '~' AND substr(id, 1, length(?1)) = ?1 \
                   ORDER BY seq LIMIT 3";
        let mut statement = self.connection.prepare(sql)?;
        statement.query_map([beginning], |row| row.get(0))?.collect()
    }

    /// The first few computed ids that begin like this.
    fn computed(&self, beginning: &str) -> rusqlite::Result<Vec<Id>> {
        let Some(places) = self.names.places(beginning) else { return Ok(Vec::new()) };
        let ends = "SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM deliveries WHERE id IS NULL";
        let (lowest, highest): (i64, i64) =
            self.connection.query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut there = self.connection.prepare("SELECT 1 FROM deliveries WHERE seq = ?1 AND id IS NULL")?;
        let mut found = Vec::new();
        let mut place = places.from(lowest);
        while place <= highest && found.len() < ENOUGH {
            if there.exists([place])? {
                found.push(self.names.id(place));
            }
            place = place.saturating_add(places.step);
        }
        Ok(found)
    }

    /// The delivery at this place.
    fn at(&self, place: i64) -> rusqlite::Result<Option<StoredDelivery>> {
        let sql = format!("SELECT {} FROM deliveries d WHERE d.seq = ?1", rows::ENTRY);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let Some(entry) = statement.query_row([place], |row| rows::entry(row, self.names)).optional()? else {
            return Ok(None);
        };
        let sql = "SELECT c.method, c.target, c.headers, c.body FROM contents c WHERE c.seq = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        // It may have been pruned since.
        let Some(request) = statement.query_row([place], rows::request).optional()? else { return Ok(None) };
        let sql = "SELECT a.at, a.url, a.took, a.status, a.said, a.failure FROM attempts a \
                   WHERE a.delivery = ?1 ORDER BY a.seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let attempts = statement.query_map([place], rows::attempt)?.collect::<rusqlite::Result<_>>()?;
        Ok(Some(StoredDelivery { summary: entry, request, attempts }))
    }

    /// The condition and its parameters, the limit included: what is older than the last of the newest is left out.
    fn condition(&self, query: &Query) -> Result<(String, Vec<Value>)> {
        let (condition, values) = condition(query);
        if query.limit.is_none() {
            return Ok((condition, values));
        }
        let sql = format!(
            "SELECT coalesce(min(seq), 0) FROM \
             (SELECT d.seq FROM deliveries d WHERE {condition} ORDER BY d.seq DESC LIMIT ?{})",
            values.len() + 1
        );
        let with_limit = values.iter().cloned().chain([most(query)]);
        let oldest: i64 =
            self.connection.query_row(&sql, params_from_iter(with_limit), |row| row.get(0)).map_err(failed)?;
        Ok((format!("{condition} AND d.seq >= {oldest}"), values))
    }
}

impl Store for Opened {
    fn list(&mut self, query: &Query) -> Result<Vec<DeliverySummary>> {
        let (condition, mut values) = condition(query);
        values.push(most(query));
        let sql = format!(
            "SELECT {} FROM deliveries d WHERE {condition} ORDER BY d.seq DESC LIMIT ?{}",
            rows::ENTRY,
            values.len()
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let entry = |row: &rusqlite::Row<'_>| rows::entry(row, self.names);
        let entries = statement.query_map(params_from_iter(values), entry).map_err(failed)?;
        let mut entries = entries.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        entries.reverse();
        Ok(entries)
    }

    fn beginning_with(&mut self, prefix: &str) -> Result<Vec<Id>> {
        let mut found = self.named(prefix).map_err(failed)?;
        found.extend(self.computed(prefix).map_err(failed)?);
        found.truncate(ENOUGH);
        Ok(found)
    }

    fn load(&mut self, id: &str) -> Result<Option<StoredDelivery>> {
        match self.place_of(id).map_err(failed)? {
            Some(place) => self.at(place).map_err(failed),
            None => Ok(None),
        }
    }

    fn for_each(&mut self, query: &Query, each: &mut dyn FnMut(StoredDelivery) -> Result<()>) -> Result<()> {
        let (condition, values) = self.condition(query)?;
        let end = "SELECT coalesce(max(seq), 0) FROM deliveries";
        let end: i64 = self.connection.query_row(end, [], |row| row.get(0)).map_err(failed)?;
        let mut after = 0;
        // Page by page, so that no read stays open while the caller writes: that would keep the listener's log from shrinking.
        loop {
            let sql = format!(
                "SELECT d.seq FROM deliveries d WHERE {condition} AND d.seq > {after} AND d.seq <= {end} \
                 ORDER BY d.seq LIMIT {PAGE}"
            );
            let mut statement = self.connection.prepare(&sql).map_err(failed)?;
            let page = statement
                .query_map(params_from_iter(&values), |row| row.get::<_, i64>(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
                .map_err(failed)?;
            drop(statement);
            let Some(last) = page.last() else { return Ok(()) };
            after = *last;
            for place in page {
                // What was pruned meanwhile is no longer there.
                self.at(place).map_err(failed)?.map_or(Ok(()), &mut *each)?;
            }
        }
    }

    fn count_by_hour(&mut self, query: &Query) -> Result<Vec<HourlyCount>> {
        let (condition, values) = self.condition(query)?;
        let sql = format!(
            "SELECT d.provider, d.kind, d.verdict, d.arrived / 3600000000 AS hour, count(*) FROM deliveries d \
             WHERE {condition} GROUP BY d.provider, d.kind, d.verdict, hour ORDER BY hour"
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let count = |row: &rusqlite::Row<'_>| {
            let hour = Timestamp::from_second(row.get::<_, i64>(3)? * 3_600).unwrap_or(Timestamp::UNIX_EPOCH);
            Ok(HourlyCount {
                provider: row.get(0)?,
                kind: row.get(1)?,
                verdict: rows::verdict(row, 2)?,
                hour,
                deliveries: row.get::<_, i64>(4)?.unsigned_abs(),
            })
        };
        let counts = statement.query_map(params_from_iter(values), count).map_err(failed)?;
        counts.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn sum_amounts(&mut self, query: &Query) -> Result<Vec<AmountTotal>> {
        let (condition, values) = self.condition(query)?;
        // Of the deliveries of one event the first counts: SQLite takes the bare columns from the row of min().
        let sql = format!(
            "SELECT d.provider, d.kind, d.currency, d.minor, min(d.seq) FROM deliveries d \
             WHERE {condition} AND d.verdict = 'verified' AND d.minor IS NOT NULL \
             GROUP BY d.provider, coalesce(d.key, d.seq)"
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
        let mut sums = BTreeMap::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let amount = rows::amount(row).map_err(failed)?;
            let (events, minor) = sums.entry(amount.0).or_insert((0_u64, 0_i128));
            (*events, *minor) = (*events + 1, minor.saturating_add(amount.1));
        }
        let sum = |((provider, kind, currency), (events, minor))| AmountTotal {
            provider,
            kind,
            events,
            money: Money { minor, currency },
        };
        Ok(sums.into_iter().map(sum).collect())
    }

    fn plan_prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<PrunePlan> {
        pruning::prunable(&self.connection, before, undelivered).map_err(failed)
    }

    fn prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<u64> {
        pruning::prune(&mut self.connection, before, undelivered).map_err(failed)
    }

    fn add_attempt(&mut self, id: &str, attempt: &Attempt) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        if let Some(delivery) = place_of(&transaction, self.names, id).map_err(failed)? {
            rows::insert_attempt(&transaction, delivery, attempt).map_err(failed)?;
            if attempt.is_success() {
                forwards::taken_otherwise(&transaction, delivery, &attempt.url).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    fn find_by_reference(&mut self, reference: &str) -> Result<Vec<ReferenceMatch>> {
        about::about(&self.connection, self.names, reference).map_err(failed)
    }

    fn list_after(&mut self, since: Option<Timestamp>, after: i64, most: u32) -> Result<(Vec<DeliverySummary>, i64)> {
        about::page(&self.connection, self.names, since, after, most).map_err(failed)
    }

    fn check_health(&mut self) -> Result<StoreHealth> {
        health::health(&self.connection).map_err(failed)
    }

    fn count_pending(&mut self, urls: &[Url]) -> Result<u64> {
        let count = |url: &Url| forwards::waiting(&self.connection, url.as_str()).map_err(failed);
        urls.iter().map(count).sum()
    }

    fn recent_event_keys(&mut self, most: u64) -> Result<Vec<(String, String, Id)>> {
        let sql = "SELECT provider, key, id, seq FROM deliveries WHERE verdict = 'verified' AND key IS NOT NULL \
                   ORDER BY seq DESC LIMIT ?1";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let key = |row: &rusqlite::Row<'_>| {
            let id: Option<Id> = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, id.map_or_else(|| row.get(3).map(|place| self.names.id(place)), Ok)?))
        };
        let keys = statement.query_map([most], key).map_err(failed)?;
        let mut keys = keys.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        keys.reverse();
        Ok(keys)
    }
}
