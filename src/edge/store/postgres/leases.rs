//! Leases the rows of a group's queue, and records what came of them.
//!
//! A lease is the time until which a row is not due. Its holder extends it while it lives, and gives
//! it back when it stops; after a holder that died, the row is due again.

use super::attempts::worst_answer;
use super::params::{Params, stored_time};
use super::queue::{GroupQueue, encoded};
use super::rows::{Columns, REQUEST_COLUMNS};
use super::text::encode;
use crate::edge::store::attempt_columns::AttemptColumns;
use crate::edge::store::queue::{DueDeliveries, DueDelivery, DueQuery, EntryState};
use crate::model::error::Result;
use crate::model::stored::{Attempt, CaptureId};
use crate::model::timestamp::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;

/// Time of a lease. Its holder extends it three times in this time.
pub(super) const LEASE: &str = "interval '60 seconds'";

impl GroupQueue<'_> {
    pub async fn lease_due(&self, query: &DueQuery) -> Result<DueDeliveries> {
        let mut due = Vec::new();
        for (url, most) in &query.urls {
            due.extend(self.lease_rows(query, url, *most).await?);
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

    /// Leases the next rows that are due at a URL, and loads their requests. A delivery waits until
    /// the first attempt of an earlier one about the same object is over, or, if the queue is
    /// ordered, until the earlier one is delivered or given up.
    async fn lease_rows(&self, query: &DueQuery, url: &str, most: usize) -> Result<Vec<DueDelivery>> {
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let (url_value, holder) = (params.add_text(url), params.add_text(self.holder));
        let in_flight = params.add(query.in_flight.clone(), Type::INT8_ARRAY);
        let most = params.add_number(i64::try_from(most).unwrap_or(i64::MAX));
        let must_wait = if query.per_object { "" } else { "AND e.tries = 0" };
        let sql = format!(
            "WITH next AS (
                 SELECT f.inbox, f.seq, f.grp, f.url, f.arrived FROM whtool.forwards f
                 WHERE f.inbox = {inbox} AND f.grp = {group} AND f.url = {url_value} AND f.state = 'pending'
                     AND f.due <= now() AND f.id <> ALL ({in_flight}) AND NOT EXISTS (
                         SELECT FROM whtool.forwards e
                         WHERE e.inbox = {inbox} AND e.grp = {group} AND e.url = {url_value} AND e.state = 'pending'
                             AND e.object = f.object AND e.id < f.id {must_wait})
                 ORDER BY f.due, f.id LIMIT {most} FOR UPDATE SKIP LOCKED
             ), leased AS (
                 UPDATE whtool.forwards f SET due = now() + {LEASE}, holder = {holder} FROM next
                 WHERE (f.inbox, f.seq, f.grp, f.url, f.arrived) =
                     (next.inbox, next.seq, next.grp, next.url, next.arrived)
                 RETURNING f.id, f.inbox, f.seq, f.arrived, f.tries
             )
             SELECT l.id, l.seq, l.arrived, l.tries, {REQUEST_COLUMNS}
             FROM leased l JOIN whtool.contents c USING (inbox, seq, arrived) ORDER BY l.id"
        );
        let read = |row| {
            let mut row = Columns::new(row);
            let (queue_row, id, arrived, tries): (_, _, _, i32) = (row.read()?, row.read()?, row.read()?, row.read()?);
            Ok(DueDelivery {
                queue_row,
                id: CaptureId(id),
                url: url.to_owned(),
                arrived,
                tries: tries.unsigned_abs(),
                request: row.read_request()?,
            })
        };
        self.session.query(&sql, &params).await?.iter().map(read).collect()
    }

    /// Records results in one transaction. Its statements are sent together, so that it takes the
    /// time of one.
    pub async fn record(&self, results: &[AttemptResult]) -> Result<()> {
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let holder = params.add_text(self.holder);
        let column = |read: fn(&AttemptResult) -> i64| results.iter().map(read).collect::<Vec<_>>();
        let times = |read: fn(&AttemptResult) -> Timestamp| results.iter().map(read).collect::<Vec<_>>();
        let texts = |read: fn(&AttemptResult) -> &str| {
            results.iter().map(|result| encode(read(result)).into_owned()).collect::<Vec<_>>()
        };
        let note = |result: &AttemptResult| result.columns.note.as_deref().map(|note| encode(note).into_owned());
        let arrays = [
            params.add(column(|result| result.seq), Type::INT8_ARRAY),
            params.add(times(|result| result.arrived), Type::TIMESTAMPTZ_ARRAY),
            params.add(times(|result| result.at), Type::TIMESTAMPTZ_ARRAY),
            params.add(texts(|result| &result.queue_url), Type::TEXT_ARRAY),
            params.add(texts(|result| &result.url), Type::TEXT_ARRAY),
            params.add(column(|result| result.took), Type::INT8_ARRAY),
            params.add(column(|result| result.columns.status.into()), Type::INT8_ARRAY),
            params.add(results.iter().map(|result| result.columns.said.clone()).collect::<Vec<_>>(), Type::BYTEA_ARRAY),
            params.add(results.iter().map(note).collect::<Vec<_>>(), Type::TEXT_ARRAY),
            params.add(texts(|result| result.state), Type::TEXT_ARRAY),
            params.add(column(|result| result.pause), Type::INT8_ARRAY),
        ];
        let results = format!(
            "unnest({}) AS r (seq, arrived, at, queue_url, url, took, status, said, note, state, pause)",
            arrays.join(", ")
        );
        let of_result = "(d.inbox, d.seq, d.arrived)";
        // Of two attempts at once, the second must see the first.
        let lock = format!(
            "SELECT 1 FROM whtool.deliveries d WHERE {of_result} IN (SELECT {inbox}, r.seq, r.arrived FROM {results}) \
             ORDER BY d.seq FOR UPDATE"
        );
        let insert = format!(
            "INSERT INTO whtool.attempts (inbox, seq, arrived, at, grp, url, took, status, said, failure) \
             SELECT {inbox}, r.seq, r.arrived, r.at, {group}, r.url, r.took, r.status, r.said, r.note \
             FROM {results} JOIN whtool.deliveries d ON {of_result} = ({inbox}, r.seq, r.arrived)"
        );
        // After its lease, another member may have sent it, too. Then only success counts.
        let queue = format!(
            "UPDATE whtool.forwards f SET state = r.state, tries = f.tries + 1, holder = NULL, \
             due = now() + r.pause * interval '1 microsecond' FROM {results} \
             WHERE (f.inbox, f.seq, f.arrived, f.grp, f.url) = ({inbox}, r.seq, r.arrived, {group}, r.queue_url) \
             AND f.state <> 'done' AND (f.holder = {holder} OR r.state = 'done')"
        );
        let app = format!(
            "UPDATE whtool.deliveries d SET app = {} FROM (SELECT DISTINCT r.seq, r.arrived FROM {results}) AS k \
             WHERE {of_result} = ({inbox}, k.seq, k.arrived)",
            worst_answer(of_result)
        );
        let session = &*self.session;
        let (begun, locked, inserted, queued, app, committed) = tokio::join!(
            session.run("BEGIN"),
            session.query(&lock, &params),
            session.query(&insert, &params),
            session.query(&queue, &params),
            session.query(&app, &params),
            session.run("COMMIT"),
        );
        // After an error, the commit undoes everything without one of its own.
        begun.and(locked).and(inserted).and(queued).and(app).map(drop).and(committed)
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

/// The result of an attempt to send a leased row.
pub(super) struct AttemptResult {
    seq: i64,
    arrived: Timestamp,
    /// URL of the queue.
    queue_url: String,
    /// URL that was sent to.
    url: String,
    at: Timestamp,
    /// Microseconds.
    took: i64,
    columns: AttemptColumns,
    state: &'static str,
    /// Microseconds until the next attempt.
    pause: i64,
}

impl AttemptResult {
    pub fn new(due: &DueDelivery, attempt: &Attempt, state: EntryState, pause: SignedDuration) -> Self {
        Self {
            seq: due.id.0,
            arrived: due.arrived,
            queue_url: due.url.clone(),
            url: attempt.url.clone(),
            at: stored_time(attempt.at),
            took: i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX),
            columns: AttemptColumns::new(attempt),
            state: state.as_str(),
            pause: i64::try_from(pause.as_micros()).unwrap_or(i64::MAX).max(0),
        }
    }
}
