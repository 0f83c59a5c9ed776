//! Implements `Store`, which commands use: lists, captures, counts, pruning, attempts, health.

use super::filter::{condition, limit};
use super::following::{self, ChangeWatch};
use super::opening::cannot_use as failed;
use super::rows;
use super::{copying, forwards, opening, pruning, references, state};
use crate::model::error::Result;
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::money::Money;
use crate::model::stored::{
    AmountTotal, Attempt, CaptureId, CopiedCapture, HourlyCount, OpenQueue, PrunePlan, Query, RecentEvent,
    ReferenceMatch, StateRow, StoreHealth, StoredCapture, Undelivered,
};
use crate::model::timestamp::Timestamp;
use crate::world::Store;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params, params_from_iter};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// A store opened by a command.
pub(in crate::edge::store) struct SqliteStore {
    connection: Connection,
    watch: ChangeWatch,
}

pub(in crate::edge::store) fn open(path: &Path) -> Result<SqliteStore> {
    let (path, connection) = opening::open(path)?;
    Ok(SqliteStore { connection, watch: ChangeWatch::new(path) })
}

/// Most rows that `for_each` reads at once.
const PAGE: u32 = 256;

/// Most captures that `copies_after` reads at once.
const MAX_COPIES: u32 = 4_096;

/// Bytes of bodies after which `copies_after` reads no more at once.
const PAGE_BYTES: u64 = 4 << 20;

/// Most faults that `check_health` reports.
const MAX_FAULTS: u32 = 5;

impl SqliteStore {
    /// Loads the delivery in this row.
    fn load_row(&self, row: i64) -> rusqlite::Result<Option<StoredCapture>> {
        let sql = format!("SELECT {} FROM deliveries d WHERE d.id = ?1", rows::SUMMARY_COLUMNS);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let Some(summary) = statement.query_row([row], rows::summary).optional()? else {
            return Ok(None);
        };
        let sql = "SELECT c.method, c.target, c.headers, c.body FROM contents c WHERE c.delivery = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        // `None` if it was pruned meanwhile.
        let Some(request) = statement.query_row([row], rows::request).optional()? else { return Ok(None) };
        let sql = "SELECT a.at, a.url, a.took, a.status, a.said, a.failure FROM attempts a \
                   WHERE a.delivery = ?1 ORDER BY a.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let attempts = statement.query_map([row], rows::attempt)?.collect::<rusqlite::Result<_>>()?;
        let queue = forwards::load_queue(&self.connection, row)?;
        Ok(Some(StoredCapture::new(summary, request, attempts, queue)))
    }

    /// Returns the condition and its parameters. A limit becomes a lower bound of the row.
    fn condition(&self, query: &Query) -> Result<(String, Vec<Value>)> {
        let (condition, values) = condition(query);
        if query.limit.is_none() {
            return Ok((condition, values));
        }
        let sql = format!(
            "SELECT coalesce(min(id), 0) FROM \
             (SELECT d.id FROM deliveries d WHERE {condition} ORDER BY d.id DESC LIMIT ?{})",
            values.len() + 1
        );
        let with_limit = values.iter().cloned().chain([limit(query)]);
        let oldest: i64 =
            self.connection.query_row(&sql, params_from_iter(with_limit), |row| row.get(0)).map_err(failed)?;
        Ok((format!("{condition} AND d.id >= {oldest}"), values))
    }
}

impl Store for SqliteStore {
    fn list_newest(&mut self, query: &Query) -> Result<DeliveryPage> {
        following::list_newest(&self.connection, query).map_err(failed)
    }

    fn list_after(&mut self, query: &Query, after: &StoreCursor) -> Result<Option<DeliveryPage>> {
        following::list_after(&self.connection, &self.watch, query, after)
    }

    fn wait_for_change(&mut self, timeout: Duration) -> Result<bool> {
        self.watch.wait(&self.connection, timeout).map_err(failed)
    }

    fn is_in_place(&mut self) -> bool {
        self.watch.is_in_place()
    }

    fn load(&mut self, id: CaptureId) -> Result<Option<StoredCapture>> {
        self.load_row(id.0).map_err(failed)
    }

    fn for_each(&mut self, query: &Query, each: &mut dyn FnMut(StoredCapture) -> Result<()>) -> Result<()> {
        let (condition, values) = self.condition(query)?;
        let end = "SELECT coalesce(max(id), 0) FROM deliveries";
        let end: i64 = self.connection.query_row(end, [], |row| row.get(0)).map_err(failed)?;
        let mut after = 0;
        // Reads page by page: an open read would keep the listener's log from shrinking.
        loop {
            let sql = format!(
                "SELECT d.id FROM deliveries d WHERE {condition} AND d.id > {after} AND d.id <= {end} \
                 ORDER BY d.id LIMIT {PAGE}"
            );
            let mut statement = self.connection.prepare(&sql).map_err(failed)?;
            let page = statement
                .query_map(params_from_iter(&values), |row| row.get::<_, i64>(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
                .map_err(failed)?;
            drop(statement);
            let Some(last) = page.last() else { return Ok(()) };
            after = *last;
            for row in page {
                // `None` if it was pruned meanwhile.
                self.load_row(row).map_err(failed)?.map_or(Ok(()), &mut *each)?;
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
        // Of the deliveries of one event the first counts: SQLite takes the bare columns from the
        // row of min().
        let sql = format!(
            "SELECT d.provider, d.kind, d.currency, d.minor, min(d.id) FROM deliveries d \
             WHERE {condition} AND d.verdict = 'verified' AND d.minor IS NOT NULL \
             GROUP BY d.provider, coalesce(d.key, d.id)"
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
        let mut sums = BTreeMap::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let (group, minor_units) = rows::amount(row).map_err(failed)?;
            let (events, minor) = sums.entry(group).or_insert((0_u64, 0_i128));
            (*events, *minor) = (*events + 1, minor.saturating_add(minor_units));
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
        pruning::plan(&self.connection, before, undelivered).map_err(failed)
    }

    fn prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<u64> {
        pruning::prune(&mut self.connection, before, undelivered).map_err(failed)
    }

    fn add_attempt(&mut self, id: CaptureId, attempt: &Attempt) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let sql = "SELECT 1 FROM deliveries WHERE id = ?1";
        if transaction.prepare_cached(sql).and_then(|mut row| row.exists([id.0])).map_err(failed)? {
            rows::insert_attempt(&transaction, id.0, attempt).map_err(failed)?;
            if attempt.is_success() {
                forwards::mark_delivered(&transaction, id.0, &attempt.url).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    fn find_by_reference(&mut self, reference: &str) -> Result<Vec<ReferenceMatch>> {
        references::find_by_reference(&self.connection, reference).map_err(failed)
    }

    fn copies_after(&mut self, after: i64) -> Result<Vec<CopiedCapture>> {
        let (mut copies, mut bytes) = (Vec::new(), 0);
        let sql = "SELECT id, key, size FROM deliveries WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()));
        let page: Vec<(i64, Option<String>, u64)> =
            statement.query_map(params![after, MAX_COPIES], read).and_then(Iterator::collect).map_err(failed)?;
        for (row, key, size) in page {
            // `None` if it was pruned meanwhile.
            copies.extend(self.load_row(row).map_err(failed)?.map(|capture| CopiedCapture { capture, key }));
            bytes += size;
            if bytes > PAGE_BYTES {
                break;
            }
        }
        Ok(copies)
    }

    fn insert_copies(&mut self, copies: &[CopiedCapture]) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        copies.iter().try_for_each(|copy| copying::insert(&transaction, copy)).map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    fn all_state(&mut self) -> Result<Vec<StateRow>> {
        state::all(&self.connection).map_err(failed)
    }

    fn check_health(&mut self) -> Result<StoreHealth> {
        check_health(&self.connection).map_err(failed)
    }

    fn open_queues(&mut self) -> Result<Vec<OpenQueue>> {
        forwards::open_queues(&self.connection).map_err(failed)
    }

    fn count_pending(&mut self, urls: &[Url]) -> Result<u64> {
        let count = |url: &Url| forwards::count_pending(&self.connection, url.as_str()).map_err(failed);
        urls.iter().map(count).sum()
    }

    fn state_rows(&mut self, kinds: &[&str]) -> Result<Vec<StateRow>> {
        state::rows(&self.connection, kinds).map_err(failed)
    }

    fn state_row(&mut self, kind: &str, key: &str) -> Result<Option<Vec<u8>>> {
        state::row(&self.connection, kind, key).map_err(failed)
    }

    fn write_state(&mut self, rows: &[StateRow]) -> Result<()> {
        state::write(&mut self.connection, rows).map_err(failed)
    }

    fn recent_events(&mut self, limit: u64) -> Result<Vec<RecentEvent>> {
        let sql = "SELECT id, provider, key, subject, status, minor, currency FROM deliveries \
                   WHERE verdict = 'verified' AND provider IS NOT NULL AND key IS NOT NULL ORDER BY id DESC LIMIT ?1";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = statement.query_map([limit], rows::recent_event).map_err(failed)?;
        let mut events = events.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        events.reverse();
        Ok(events)
    }
}

/// Reads every page. Does not compare indexes with tables, which takes far longer.
fn check_health(connection: &Connection) -> rusqlite::Result<StoreHealth> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let bytes = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({MAX_FAULTS})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let deliveries = number("SELECT count(*) FROM deliveries")?;
    Ok(StoreHealth {
        deliveries: u64::try_from(deliveries).unwrap_or(0),
        bytes: u64::try_from(bytes).unwrap_or(0),
        damage: Some(lines.into_iter().filter(|line| line != "ok").collect()),
        facts: Vec::new(),
    })
}
