//! Removes old deliveries: whole months by dropping their partitions, the rest in small
//! transactions.

use super::params::Params;
use super::rows::Columns;
use super::session::PostgresSession;
use super::text::MAX_INDEXED;
use crate::model::error::Result;
use crate::model::stored::{PrunePlan, Undelivered};
use crate::model::timestamp::Timestamp;
use std::time::Duration;
use tokio_postgres::types::Type;

/// True if the delivery `d` is still to be forwarded.
const PENDING: &str = "EXISTS (SELECT FROM whtool.forwards f \
     WHERE (f.inbox, f.seq, f.arrived) = (d.inbox, d.seq, d.arrived) AND f.state = 'pending')";

/// Deliveries that are removed in one transaction.
const BATCH: i64 = 1_000;

/// Attempts to lock a month, each of at most half a second, before its rows are removed one by one.
const LOCK_ATTEMPTS: u32 = 5;

/// Result of `drop_month` if others use the tables.
const BUSY: i64 = -1;

/// Pause between them, in which waiting writers go on.
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// Selects the deliveries `d` to remove.
fn condition(inbox: &str, before: Timestamp, undelivered: Undelivered, params: &mut Params) -> String {
    let old = format!("d.inbox = {} AND d.arrived < {}", params.add_text(inbox), params.add_time(before));
    match undelivered {
        Undelivered::Keep => format!("{old} AND NOT {PENDING}"),
        Undelivered::Remove => old,
    }
}

impl PostgresSession {
    pub(super) async fn plan_pruning(&self, before: Timestamp, undelivered: Undelivered) -> Result<PrunePlan> {
        let mut params = Params::default();
        let condition = condition(self.inbox(), before, undelivered, &mut params);
        let sql = format!(
            "SELECT count(*), min(d.arrived), max(d.arrived), coalesce(sum(d.size), 0)::bigint \
             FROM whtool.deliveries d WHERE {condition}"
        );
        let rows = self.query(&sql, &params).await?;
        let mut plan = PrunePlan::default();
        if let Some(row) = rows.first() {
            let mut row = Columns::new(row);
            plan = PrunePlan {
                deliveries: row.read_count()?,
                oldest: row.read()?,
                newest: row.read()?,
                bytes: row.read_count()?,
                undelivered: 0,
            };
        }
        if undelivered == Undelivered::Keep {
            let mut params = Params::default();
            let old = self::condition(self.inbox(), before, Undelivered::Remove, &mut params);
            let sql = format!("SELECT count(*) FROM whtool.deliveries d WHERE {old} AND {PENDING}");
            plan.undelivered = self.read_one::<i64>(&sql, &params).await?.unwrap_or_default().unsigned_abs();
        }
        Ok(plan)
    }

    /// Removes old deliveries and returns their number.
    pub(super) async fn remove_old(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<u64> {
        let mut removed = 0;
        for month in self.whole_months(before).await? {
            removed += self.drop_month(&month, undelivered).await?;
        }
        loop {
            let batch = self.remove_batch(before, undelivered).await?;
            removed += batch;
            if batch == 0 {
                return Ok(removed);
            }
        }
    }

    /// Returns the first days of the months that ended before this time.
    async fn whole_months(&self, before: Timestamp) -> Result<Vec<String>> {
        let mut params = Params::default();
        let before = params.add_time(before);
        let sql = format!(
            "SELECT day::text FROM (
                 SELECT to_date(substr(c.relname, 12), 'YYYY_MM') AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'whtool.deliveries'::regclass AND c.relname ~ '^deliveries_\\d{{4}}_\\d\\d$'
             ) AS months WHERE (day + interval '1 month') AT TIME ZONE 'UTC' <= {before} ORDER BY day"
        );
        let rows = self.query(&sql, &params).await?;
        rows.iter().map(|row| Columns::new(row).read_text()).collect()
    }

    /// Drops a month if it holds nothing else. Returns the number of its deliveries, or 0.
    async fn drop_month(&mut self, month: &str, undelivered: Undelivered) -> Result<u64> {
        let mut params = Params::default();
        let values = [
            params.add_text(month),
            params.add_text(self.inbox()),
            params.add(undelivered == Undelivered::Remove, Type::BOOL),
        ];
        let sql = format!("SELECT whtool.drop_month({}::text::date, {}, {})", values[0], values[1], values[2]);
        for _ in 0..LOCK_ATTEMPTS {
            let transaction = self.begin_write().await?;
            let rows = transaction.query(&sql, &params).await?;
            let dropped: Option<i64> = rows.first().map_or(Ok(None), |row| Columns::new(row).read())?;
            transaction.commit().await?;
            match dropped {
                Some(BUSY) => tokio::time::sleep(LOCK_PAUSE).await,
                dropped => return Ok(dropped.unwrap_or_default().unsigned_abs()),
            }
        }
        Ok(0)
    }

    /// Removes the next old deliveries with everything about them.
    async fn remove_batch(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<u64> {
        let inbox = self.inbox().to_owned();
        let mut params = Params::default();
        let condition = condition(&inbox, before, undelivered, &mut params);
        let limit = params.add_number(BATCH);
        let of = |table: &str| {
            format!(
                "{table}_gone AS (DELETE FROM whtool.{table} t USING old \
                 WHERE (t.inbox, t.seq, t.arrived) = ($1, old.seq, old.arrived))"
            )
        };
        let others = ["contents", "attempts", "forwards"].map(of).join(", ");
        let sql = format!(
            "WITH old AS MATERIALIZED (SELECT d.seq, d.arrived, d.event_id, d.subject FROM whtool.deliveries d WHERE {condition} \
                 ORDER BY d.seq LIMIT {limit} FOR UPDATE), {others},
             -- By the names, of which there is an index, cut as `text::prefix` cuts them.
             names_gone AS (DELETE FROM whtool.names t USING (
                     SELECT left(event_id, {MAX_INDEXED}) AS name, seq, arrived FROM old
                     UNION SELECT left(subject, {MAX_INDEXED}), seq, arrived FROM old
                 ) AS named WHERE (t.inbox, t.name, t.seq, t.arrived) = ($1, named.name, named.seq, named.arrived)),
             gone AS (DELETE FROM whtool.deliveries t USING old WHERE (t.inbox, t.seq, t.arrived) = ($1, old.seq, old.arrived)
                 RETURNING t.head_bytes, t.body_bytes),
             space AS (INSERT INTO whtool.unverified_space AS s (inbox, listener, head_bytes, body_bytes)
                 SELECT $1, 'prune', -sum(head_bytes), -sum(body_bytes) FROM gone HAVING sum(head_bytes) > 0
                 ON CONFLICT (inbox, listener) DO UPDATE SET head_bytes = s.head_bytes + excluded.head_bytes,
                     body_bytes = s.body_bytes + excluded.body_bytes)
             SELECT count(*) FROM gone"
        );
        let transaction = self.begin_write().await?;
        let rows = transaction.query(&sql, &params).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| Columns::new(row).read())?;
        transaction.commit().await?;
        Ok(count.unsigned_abs())
    }
}
