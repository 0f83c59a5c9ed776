//! Loads whole captures, page by page.

use super::filter::condition;
use super::params::Params;
use super::rows::{Columns, REQUEST_COLUMNS, SUMMARY_COLUMNS};
use super::session::PostgresSession;
use crate::model::error::Result;
use crate::model::stored::{Query, StoredCapture};
use crate::model::timestamp::Timestamp;
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// Rows of a page.
pub(super) const PAGE: i64 = 512;

/// Bytes of bodies after which no more captures are loaded at once.
const PART_BYTES: u64 = 4 << 20;

/// The key of a stored delivery, and the length of its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredRow {
    pub id: i64,
    arrived: Timestamp,
    size: u64,
}

impl PostgresSession {
    /// Returns the rows of the next deliveries that match, oldest first.
    pub(super) async fn next_rows(&self, query: &Query, after: i64, end: i64, limit: i64) -> Result<Vec<StoredRow>> {
        let mut params = Params::default();
        let condition = condition(self.inbox(), query, &mut params);
        let (after, end, limit) = (params.add_number(after), params.add_number(end), params.add_number(limit));
        let sql = format!(
            "SELECT d.seq, d.arrived, d.size FROM whtool.deliveries d \
             WHERE {condition} AND d.seq > {after} AND d.seq <= {end} ORDER BY d.seq LIMIT {limit}"
        );
        let rows = self.read(&sql, &params).await?;
        let read =
            |mut row: Columns<'_>| Ok(StoredRow { id: row.read()?, arrived: row.read()?, size: row.read_count()? });
        rows.iter().map(Columns::new).map(read).collect()
    }

    /// Loads captures, oldest first. Those that were pruned meanwhile are left out.
    pub(super) async fn load_all(&self, rows: &[StoredRow]) -> Result<Vec<StoredCapture>> {
        let mut params = Params::default();
        let Some(condition) = self.condition_of(rows, &mut params) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {SUMMARY_COLUMNS}, {REQUEST_COLUMNS} FROM whtool.deliveries d \
             JOIN whtool.contents c USING (inbox, seq, arrived) WHERE {condition} ORDER BY seq"
        );
        let captures = self.read(&sql, &params).await?;
        let sql = format!(
            "SELECT seq, at, url, took, status, said, failure FROM whtool.attempts WHERE {condition} ORDER BY seq, id"
        );
        let mut attempts: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for row in &self.read(&sql, &params).await? {
            let mut row = Columns::new(row);
            attempts.entry(row.read()?).or_default().push(row.read_attempt()?);
        }
        let sql = format!(
            "SELECT seq, url, tries, state, due = 'infinity', nullif(due, 'infinity') FROM whtool.forwards \
             WHERE {condition} ORDER BY seq, id"
        );
        let mut queue: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for row in &self.read(&sql, &params).await? {
            let mut row = Columns::new(row);
            queue.entry(row.read()?).or_default().push(row.read_queued()?);
        }
        let captures = captures.iter().map(|row| {
            let mut row = Columns::new(row);
            let summary = row.read_summary()?;
            let id = summary.id.0;
            let (attempts, queue) = (attempts.remove(&id), queue.remove(&id));
            Ok(StoredCapture::new(
                summary,
                row.read_request()?,
                attempts.unwrap_or_default(),
                queue.unwrap_or_default(),
            ))
        });
        captures.collect()
    }

    /// Returns the condition for the data of these deliveries. Their ranges save the server the
    /// partitions of other months, and plans for many processes. `None`: there are none.
    pub(super) fn condition_of(&self, rows: &[StoredRow], params: &mut Params) -> Option<String> {
        let (first, last) = (rows.first()?.id, rows.last()?.id);
        let arrived = || rows.iter().map(|row| row.arrived);
        let (oldest, newest) = (arrived().min()?, arrived().max()?);
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let (inbox, ids) = (params.add_text(self.inbox()), params.add(ids, Type::INT8_ARRAY));
        let (first, last) = (params.add_number(first), params.add_number(last));
        let (oldest, newest) = (params.add_time(oldest), params.add_time(newest));
        Some(format!(
            "inbox = {inbox} AND seq = ANY({ids}) AND seq BETWEEN {first} AND {last} \
             AND arrived BETWEEN {oldest} AND {newest}"
        ))
    }
}

/// Splits a page into parts whose bodies take a few MiB together.
pub(super) fn split_by_bytes(page: &[StoredRow]) -> impl Iterator<Item = &[StoredRow]> {
    let mut rest = page;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&StoredRow| {
            let is_first = bytes == 0;
            bytes += row.size.max(1);
            is_first || bytes <= PART_BYTES
        };
        let (part, others) = rest.split_at(rest.iter().take_while(fits).count());
        rest = others;
        (!part.is_empty()).then_some(part)
    })
}
