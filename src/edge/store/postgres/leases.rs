//! Leases the rows of a group's queue, and records what came of them.
//!
//! A lease is the time until which a row is not due. Its holder extends it while it lives, and gives
//! it back when it stops; after a holder that died, the row is due again.

use super::attempts::{DeliveryKey, insert_attempt};
use super::params::Params;
use super::queue::{GroupQueue, encoded};
use super::rows::{Columns, REQUEST_COLUMNS};
use crate::edge::clock;
use crate::edge::store::queue::{DueDeliveries, DueDelivery, DueQuery, EntryState};
use crate::model::error::Result;
use crate::model::stored::{Attempt, CaptureId};
use crate::model::timestamp::{SignedDuration, Timestamp};
use std::collections::HashMap;
use tokio_postgres::types::Type;

/// Time of a lease. Its holder extends it three times in this time.
pub(super) const LEASE: &str = "interval '60 seconds'";

impl GroupQueue<'_> {
    pub async fn lease_due(&self, query: &DueQuery) -> Result<DueDeliveries> {
        let mut due = Vec::new();
        for (url, most) in &query.urls {
            let leased = self.lease_rows(query, url, *most).await?;
            due.extend(self.load(url, leased).await?);
        }
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let urls: Vec<String> = query.urls.iter().map(|(url, _)| url.clone()).collect();
        let urls = params.add(encoded(&urls), Type::TEXT_ARRAY);
        let sql = format!(
            "SELECT (extract(epoch FROM min(due) - now()) * 1000000)::int8 FROM whtool.forwards \
             WHERE inbox = {inbox} AND grp = {group} AND url = ANY({urls}) AND state = 'pending' \
             AND due > now() AND due < now() + interval '1 second'"
        );
        let micros = self.session.read_one::<Option<i64>>(&sql, &params).await?.flatten();
        let next_due = micros.and_then(|micros| query.now.checked_add(SignedDuration::from_micros(micros.max(0))).ok());
        Ok(DueDeliveries { due, next_due })
    }

    /// Leases the next rows that are due at a URL. A delivery waits until the first attempt of an
    /// earlier one about the same object is over, or, if the queue is ordered, until the earlier one
    /// is delivered or given up.
    async fn lease_rows(&self, query: &DueQuery, url: &str, most: usize) -> Result<Vec<LeasedRow>> {
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let (url, holder) = (params.add_text(url), params.add_text(self.holder));
        let in_flight = params.add(query.in_flight.clone(), Type::INT8_ARRAY);
        let most = params.add_number(i64::try_from(most).unwrap_or(i64::MAX));
        let must_wait = if query.per_object { "" } else { "AND e.tries = 0" };
        let sql = format!(
            "WITH next AS (
                 SELECT f.inbox, f.seq, f.grp, f.url, f.arrived FROM whtool.forwards f
                 WHERE f.inbox = {inbox} AND f.grp = {group} AND f.url = {url} AND f.state = 'pending'
                     AND f.due <= now() AND f.id <> ALL ({in_flight}) AND NOT EXISTS (
                         SELECT FROM whtool.forwards e
                         WHERE e.inbox = {inbox} AND e.grp = {group} AND e.url = {url} AND e.state = 'pending'
                             AND e.object = f.object AND e.id < f.id {must_wait})
                 ORDER BY f.due, f.id LIMIT {most} FOR UPDATE SKIP LOCKED
             )
             UPDATE whtool.forwards f SET due = now() + {LEASE}, holder = {holder} FROM next
             WHERE (f.inbox, f.seq, f.grp, f.url, f.arrived) =
                 (next.inbox, next.seq, next.grp, next.url, next.arrived)
             RETURNING f.id, f.seq, f.arrived, f.tries"
        );
        let rows = self.session.query(&sql, &params).await?;
        let mut leased = rows.iter().map(LeasedRow::read).collect::<Result<Vec<_>>>()?;
        leased.sort_by_key(|row| row.id);
        Ok(leased)
    }

    /// Loads the requests of leased rows. Those that were pruned are left out.
    async fn load(&self, url: &str, leased: Vec<LeasedRow>) -> Result<Vec<DueDelivery>> {
        if leased.is_empty() {
            return Ok(Vec::new());
        }
        let mut params = Params::default();
        let inbox = params.add_text(&self.names.inbox);
        let seqs: Vec<i64> = leased.iter().map(|row| row.seq).collect();
        let seqs = params.add(seqs, Type::INT8_ARRAY);
        let sql = format!(
            "SELECT c.seq, {REQUEST_COLUMNS} FROM whtool.contents c WHERE c.inbox = {inbox} AND c.seq = ANY({seqs})"
        );
        let mut requests = HashMap::new();
        for row in &self.session.query(&sql, &params).await? {
            let mut row = Columns::new(row);
            requests.insert(row.read::<i64>()?, row.read_request()?);
        }
        let due = leased.into_iter().filter_map(|row| {
            let request = requests.remove(&row.seq)?;
            let LeasedRow { id, seq, arrived, tries } = row;
            Some(DueDelivery { queue_row: id, id: CaptureId(seq), url: url.to_owned(), arrived, tries, request })
        });
        Ok(due.collect())
    }

    pub async fn record_attempt(
        &mut self,
        due: &DueDelivery,
        attempt: &Attempt,
        state: EntryState,
        retry_at: Option<Timestamp>,
    ) -> Result<()> {
        let transaction = self.session.begin().await?;
        if let Some(key) = DeliveryKey::lock(&transaction, &self.names.inbox, due.id).await? {
            insert_attempt(&transaction, &key, &self.names.group, attempt).await?;
            let mut params = Params::default();
            let key = key.add_to(&mut params);
            let [_, group] = self.names.add_to(&mut params);
            let (url, holder) = (params.add_text(&due.url), params.add_text(self.holder));
            let state_value = params.add_text(state.as_str());
            let pause = retry_at.map_or(SignedDuration::ZERO, |at| at.duration_since(clock::now()));
            let pause = params.add_number(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX).max(0));
            // After its lease, another member may have sent it, too. Then only success counts.
            let sql = format!(
                "UPDATE whtool.forwards SET state = {state_value}, tries = tries + 1, holder = NULL, \
                 due = now() + {pause} * interval '1 microsecond' \
                 WHERE (inbox, seq, arrived) = {key} AND grp = {group} AND url = {url} \
                 AND state <> 'done' AND (holder = {holder} OR {state_value} = 'done')"
            );
            transaction.query(&sql, &params).await?;
        }
        transaction.commit().await
    }

    /// Changes the leases that this process has.
    pub async fn set_leases(&self, change: &str) -> Result<()> {
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let holder = params.add_text(self.holder);
        let sql = format!(
            "UPDATE whtool.forwards SET {change} \
             WHERE inbox = {inbox} AND grp = {group} AND state = 'pending' AND holder = {holder}"
        );
        self.session.query(&sql, &params).await.map(drop)
    }
}

/// A row that this process has leased.
struct LeasedRow {
    id: i64,
    seq: i64,
    arrived: Timestamp,
    tries: u32,
}

impl LeasedRow {
    fn read(row: &tokio_postgres::Row) -> Result<Self> {
        let mut row = Columns::new(row);
        let (id, seq, arrived, tries): (_, _, _, i32) = (row.read()?, row.read()?, row.read()?, row.read()?);
        Ok(Self { id, seq, arrived, tries: tries.unsigned_abs() })
    }
}
