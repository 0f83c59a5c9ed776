//! Implements `Store`, which commands use: lists, captures, counts, pruning, attempts, health.

use super::filter::{Order, Selection};
use super::following::{self, ChangeWatch};
use super::loading::{CaptureLoader, RelatedRows};
use super::opening::cannot_use as failed;
use super::references::ReferenceSearch;
use super::rows;
use super::{copying, forwards, opening, pruning, state, summaries, totals};
use crate::model::error::Result;
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::stored::{
    AmountTotal, Attempt, CaptureId, CopiedCapture, DeliverySummary, HourlyCount, OpenQueue, PrunePlan, Query,
    RecentEvent, ReferenceMatch, StateRow, StoreHealth, StoredCapture, Undelivered,
};
use crate::model::timestamp::Timestamp;
use crate::world::Store;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use std::time::Duration;
use url::Url;

/// A store opened by a command.
pub(in crate::edge::store) struct SqliteStore {
    connection: Connection,
    watch: ChangeWatch,
    references: ReferenceSearch,
}

pub(in crate::edge::store) fn open(path: &Path) -> Result<SqliteStore> {
    let (path, connection) = opening::open(path)?;
    Ok(SqliteStore { connection, watch: ChangeWatch::new(path), references: ReferenceSearch::default() })
}

/// Most rows that `for_each` reads at once.
const PAGE: u64 = 256;

/// Most rows that `for_each_summary` reads at once.
const SUMMARIES_PAGE: u64 = 1_024;

/// Most captures that `copies_after` reads at once.
const MAX_COPIES: u32 = 4_096;

/// Most blocks that are summarized with a page of copies, which fills fewer.
const MAX_BLOCKS: u32 = 8;

/// Bytes of bodies after which no more captures are read at once.
const PAGE_BYTES: u64 = 4 << 20;

/// Most faults that `check_health` reports.
const MAX_FAULTS: u32 = 5;

impl SqliteStore {
    /// Loads the next captures of a selection, at most a few MiB of them, and removes them from it.
    /// `None`: there are no more.
    fn load_page(
        &self,
        selection: &mut Selection,
        loader: &mut CaptureLoader<'_>,
    ) -> rusqlite::Result<Option<Vec<StoredCapture>>> {
        // One transaction locks the file once for all statements.
        let state = self.connection.unchecked_transaction()?;
        let mut page: Vec<(i64, i64)> = Vec::new();
        selection.for_each(&state, "d.id, d.size", (Order::OldestFirst, Some(PAGE)), |row| {
            page.push((row.get(0)?, row.get(1)?));
            Ok(())
        })?;
        let (mut captures, mut bytes) = (Vec::new(), 0);
        let (Some((first, _)), Some((last, _))) = (page.first(), page.last()) else { return Ok(None) };
        let related = RelatedRows::find(&state, *first, *last)?;
        for (row, size) in page {
            captures.extend(loader.load(row, related)?);
            selection.skip_to(row);
            bytes += size.unsigned_abs();
            if bytes > PAGE_BYTES {
                break;
            }
        }
        state.commit()?;
        Ok(Some(captures))
    }

    /// Selects the deliveries that match and are there now.
    fn select(&self, query: &Query) -> rusqlite::Result<Selection> {
        let state = self.connection.unchecked_transaction()?;
        let mut selection = Selection::newest(&state, query)?;
        let newest = "SELECT coalesce(max(id), 0) FROM deliveries";
        let newest: i64 = state.query_row(newest, [], |row| row.get(0))?;
        selection.end_at(newest);
        state.commit()?;
        Ok(selection)
    }
}

impl Store for SqliteStore {
    fn list_newest(&mut self, query: &Query) -> Result<DeliveryPage> {
        following::list_newest(&self.connection, query).map_err(failed)
    }

    fn for_each_summary(&mut self, query: &Query, each: &mut dyn FnMut(DeliverySummary) -> Result<()>) -> Result<()> {
        let mut selection = self.select(query).map_err(failed)?;
        let mut read_page = || -> rusqlite::Result<Vec<DeliverySummary>> {
            let mut page = Vec::new();
            let first = (Order::OldestFirst, Some(SUMMARIES_PAGE));
            selection.for_each(&self.connection, rows::SUMMARY_COLUMNS, first, |row| {
                page.push(rows::summary(row)?);
                Ok(())
            })?;
            page.last().inspect(|last| selection.skip_to(last.id.0));
            Ok(page)
        };
        loop {
            let page = read_page().map_err(failed)?;
            if page.is_empty() {
                return Ok(());
            }
            page.into_iter().try_for_each(&mut *each)?;
        }
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
        let load = || CaptureLoader::new(&self.connection)?.load(id.0, RelatedRows::ANY);
        load().map_err(failed)
    }

    fn for_each(&mut self, query: &Query, each: &mut dyn FnMut(StoredCapture) -> Result<()>) -> Result<()> {
        let mut selection = self.select(query).map_err(failed)?;
        let mut loader = CaptureLoader::new(&self.connection).map_err(failed)?;
        // Reads page by page: an open read would keep the listener's log from shrinking.
        while let Some(page) = self.load_page(&mut selection, &mut loader).map_err(failed)? {
            page.into_iter().try_for_each(&mut *each)?;
        }
        Ok(())
    }

    fn count_by_hour(&mut self, query: &Query) -> Result<Vec<HourlyCount>> {
        totals::count_by_hour(&self.connection, query).map_err(failed)
    }

    fn sum_amounts(&mut self, query: &Query) -> Result<Vec<AmountTotal>> {
        totals::sum_amounts(&self.connection, query).map_err(failed)
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
        self.references.find(&self.connection, reference).map_err(failed)
    }

    fn copies_after(&mut self, after: i64) -> Result<Vec<CopiedCapture>> {
        let (mut copies, mut bytes) = (Vec::new(), 0);
        let sql = "SELECT id, key, size FROM deliveries WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()));
        let page: Vec<(i64, Option<String>, u64)> =
            statement.query_map(params![after, MAX_COPIES], read).and_then(Iterator::collect).map_err(failed)?;
        let mut loader = CaptureLoader::new(&self.connection).map_err(failed)?;
        for (row, key, size) in page {
            // `None` if it was pruned meanwhile.
            copies.extend(
                loader.load(row, RelatedRows::ANY).map_err(failed)?.map(|capture| CopiedCapture { capture, key }),
            );
            bytes += size;
            if bytes > PAGE_BYTES {
                break;
            }
        }
        Ok(copies)
    }

    fn insert_copies(&mut self, copies: &[CopiedCapture]) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let insert = |copies: &[CopiedCapture]| {
            copies.iter().try_for_each(|copy| copying::insert(&transaction, copy))?;
            (0..MAX_BLOCKS).try_for_each(|_| summaries::add_block(&transaction).map(drop))
        };
        insert(copies).map_err(failed)?;
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
