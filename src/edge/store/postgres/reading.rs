//! Implements `Store`, which commands use, on one connection.

use super::filter::condition;
use super::loading::{PAGE, split_by_bytes};
use super::params::Params;
use super::rows::{Columns, SUMMARY_COLUMNS};
use super::schema;
use super::session::PostgresSession;
use super::text::{encode, prefix};
use crate::edge::runtime::block_on;
use crate::model::error::{Error, Result};
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::money::Money;
use crate::model::stored::{
    AmountTotal, Attempt, CaptureId, CopiedCapture, DeliverySummary, HourlyCount, OpenQueue, PrunePlan, Query,
    RecentEvent, ReferenceMatch, StateRow, StoreHealth, StoredCapture, Undelivered,
};
use crate::model::timestamp::Timestamp;
use crate::world::{MissingStore, PostgresStore, SchemaChange, Store};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::{Instant, timeout};
use tokio_postgres::types::Type;
use url::Url;

/// A store opened by a command. Its connection makes progress only during a call.
pub(in crate::edge) struct PostgresReader {
    runtime: Runtime,
    session: PostgresSession,
    /// The time at which `wait_for_change` last returned true.
    last_look: Option<Instant>,
}

/// Opens the store, which must exist.
pub(in crate::edge::store) fn open(store: &PostgresStore) -> Result<Box<dyn Store>> {
    let runtime = new_runtime()?;
    let session = run_blocking(&runtime, || PostgresSession::open(store))?;
    Ok(Box::new(PostgresReader { runtime, session, last_look: None }))
}

/// Creates the tables of a store, or upgrades those of an older version.
pub(in crate::edge::store) fn prepare(store: &PostgresStore, missing: MissingStore) -> Result<SchemaChange> {
    run_blocking(&new_runtime()?, || async {
        let mut session = PostgresSession::connect(store).await?;
        schema::create_or_upgrade(&mut session, missing).await
    })
}

/// Builds a runtime for one connection.
pub(super) fn new_runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::failed("can't connect to PostgreSQL").because(error))
}

/// Runs a future to its end on a thread of its own: the caller may be within another runtime, such as
/// that of a command that sends what it reads.
pub(super) fn run_blocking<T: Send, F: Future<Output = T>>(runtime: &Runtime, start: impl FnOnce() -> F + Send) -> T {
    let (mut start, mut result) = (Some(start), None);
    run_on_thread(&mut || result = start.take().map(|start| block_on(runtime, start())));
    result.expect("a thread that has ended has a result")
}

fn run_on_thread(run: &mut (dyn FnMut() + Send)) {
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// Longest time for a page of new deliveries. A follower must be able to stop.
const FOLLOW_LIMIT: Duration = Duration::from_secs(5);

impl PostgresReader {
    /// Runs an operation, on a new connection if the server has closed the last one.
    fn run<T: Send>(&mut self, operation: impl AsyncFnOnce(&mut PostgresSession) -> Result<T> + Send) -> Result<T> {
        let Self { runtime, session, .. } = self;
        run_blocking(runtime, || async {
            session.reconnect_if_closed().await?;
            operation(session).await
        })
    }
}

impl PostgresSession {
    async fn count_queued(&self, urls: &[Url]) -> Result<u64> {
        let mut params = Params::default();
        let (inbox, group) = (params.add_text(self.inbox()), params.add_text(self.group()));
        let urls: Vec<String> = urls.iter().map(|url| encode(url.as_str()).into_owned()).collect();
        let urls = params.add(urls, Type::TEXT_ARRAY);
        let sql = format!(
            "SELECT count(*) FROM whtool.forwards WHERE inbox = {inbox} AND grp = {group} AND url = ANY({urls}) AND state = 'pending'"
        );
        Ok(self.read_one::<i64>(&sql, &params).await?.unwrap_or_default().unsigned_abs())
    }

    async fn read_open_queues(&self) -> Result<Vec<OpenQueue>> {
        let mut params = Params::default();
        let inbox = params.add_text(self.inbox());
        let sql = format!(
            "SELECT url, count(*), min(arrived) FROM whtool.forwards WHERE inbox = {inbox} AND state = 'pending' \
             GROUP BY url ORDER BY url"
        );
        let read = |row: &tokio_postgres::Row| {
            let mut row = Columns::new(row);
            Ok(OpenQueue { url: row.read_text()?, waiting: row.read_count()?, oldest: row.read()? })
        };
        self.query(&sql, &params).await?.iter().map(read).collect()
    }

    /// Replaces the limit of a query by a lower bound of the number.
    async fn without_limit(&self, query: &Query) -> Result<Query> {
        let Some(limit) = query.limit else { return Ok(query.clone()) };
        let mut params = Params::default();
        let condition = condition(self.inbox(), query, &mut params);
        let limit = params.add_number(i64::try_from(limit).unwrap_or(i64::MAX));
        let sql = format!(
            "SELECT coalesce(min(seq), 0) FROM \
             (SELECT d.seq FROM whtool.deliveries d WHERE {condition} ORDER BY d.seq DESC LIMIT {limit}) AS newest"
        );
        let oldest: i64 = self.read_one(&sql, &params).await?.unwrap_or_default();
        let (first, last) = query.ids.clone().map_or((i64::MIN, i64::MAX), std::ops::RangeInclusive::into_inner);
        Ok(Query { ids: Some(first.max(oldest)..=last), limit: None, ..query.clone() })
    }

    /// Returns the first column of the first row.
    pub(super) async fn read_one<T>(&self, sql: &str, params: &Params) -> Result<Option<T>>
    where
        T: for<'r> tokio_postgres::types::FromSql<'r>,
    {
        self.query(sql, params).await?.first().map(|row| Columns::new(row).read()).transpose()
    }

    async fn newest(&self) -> Result<i64> {
        let mut params = Params::default();
        let sql = format!("SELECT max(seq) FROM whtool.deliveries WHERE inbox = {}", params.add_text(self.inbox()));
        Ok(self.read_one::<Option<i64>>(&sql, &params).await?.flatten().unwrap_or_default())
    }

    async fn count_hours(&self, query: &Query) -> Result<Vec<HourlyCount>> {
        let mut params = Params::default();
        let condition = condition(self.inbox(), &self.without_limit(query).await?, &mut params);
        let sql = format!(
            "SELECT d.provider, d.kind, d.verdict, date_bin('1 hour', d.arrived, '0001-01-01Z') AS hour, count(*) \
             FROM whtool.deliveries d WHERE {condition} GROUP BY d.provider, d.kind, d.verdict, hour \
             ORDER BY hour, d.provider NULLS FIRST, d.kind NULLS FIRST, d.verdict"
        );
        let count = |mut row: Columns<'_>| {
            Ok(HourlyCount {
                provider: row.read_text_if_any()?,
                kind: row.read_text_if_any()?,
                verdict: row.read_verdict()?,
                hour: row.read()?,
                deliveries: row.read_count()?,
            })
        };
        self.read(&sql, &params).await?.iter().map(Columns::new).map(count).collect()
    }

    async fn sum_money(&self, query: &Query) -> Result<Vec<AmountTotal>> {
        let mut params = Params::default();
        let condition = condition(self.inbox(), &self.without_limit(query).await?, &mut params);
        // Of the deliveries of one event the first counts.
        let sql = format!(
            "SELECT provider, kind, coalesce(currency, '') AS currency, count(*), sum(minor)::text FROM (
                 SELECT DISTINCT ON (d.provider, d.key, CASE WHEN d.key IS NULL THEN d.seq END)
                     d.provider, d.kind, d.currency, d.minor FROM whtool.deliveries d
                 WHERE {condition} AND d.verdict = 'verified' AND d.minor IS NOT NULL
                 ORDER BY d.provider, d.key, CASE WHEN d.key IS NULL THEN d.seq END, d.seq
             ) AS events GROUP BY 1, 2, 3 ORDER BY provider NULLS FIRST, kind NULLS FIRST, 3"
        );
        let total = |mut row: Columns<'_>| {
            let (provider, kind) = (row.read_text_if_any()?, row.read_text_if_any()?);
            let (currency, events) = (row.read_text()?, row.read_count()?);
            let minor = row.read_text()?;
            let limit = if minor.starts_with('-') { i128::MIN } else { i128::MAX };
            let money = Money { minor: minor.parse().unwrap_or(limit), currency };
            Ok(AmountTotal { provider, kind, events, money })
        };
        self.read(&sql, &params).await?.iter().map(Columns::new).map(total).collect()
    }

    async fn find_reference(&self, reference: &str) -> Result<Vec<ReferenceMatch>> {
        let mut params = Params::default();
        let (inbox, name) = (params.add_text(self.inbox()), params.add(prefix(reference), Type::TEXT));
        let whole = params.add_text(reference);
        let sql = format!(
            "SELECT {SUMMARY_COLUMNS}, d.key FROM whtool.names n \
             JOIN whtool.deliveries d ON (d.inbox, d.seq, d.arrived) = (n.inbox, n.seq, n.arrived) \
             WHERE n.inbox = {inbox} AND n.name = {name} AND {whole} IN (d.event_id, d.subject) ORDER BY d.seq"
        );
        let read =
            |mut row: Columns<'_>| Ok(ReferenceMatch { summary: row.read_summary()?, key: row.read_text_if_any()? });
        let rows = self.read(&sql, &params).await?;
        let mut found = rows.iter().map(Columns::new).map(read).collect::<Result<Vec<_>>>()?;
        // Two long names may share the part that is indexed.
        found.dedup_by_key(|found| found.summary.id);
        Ok(found)
    }

    async fn recent(&self, limit: u64) -> Result<Vec<RecentEvent>> {
        let mut params = Params::default();
        let inbox = params.add_text(self.inbox());
        let limit = params.add_number(i64::try_from(limit).unwrap_or(i64::MAX));
        let sql = format!(
            "SELECT seq, provider, key, subject, status, minor::text, currency FROM whtool.deliveries \
             WHERE inbox = {inbox} AND verdict = 'verified' AND provider IS NOT NULL AND key IS NOT NULL \
             ORDER BY seq DESC LIMIT {limit}"
        );
        let rows = self.read(&sql, &params).await?;
        rows.iter().rev().map(|row| Columns::new(row).read_recent_event()).collect()
    }
}

impl Store for PostgresReader {
    fn list_newest(&mut self, query: &Query) -> Result<DeliveryPage> {
        self.run(async |session| session.list_newest(query).await)
    }

    fn for_each_summary(&mut self, query: &Query, each: &mut dyn FnMut(DeliverySummary) -> Result<()>) -> Result<()> {
        let mut listing = self.run(async |session| session.start_listing(query).await)?;
        loop {
            let page = self.run(async |session| session.next_listed(&mut listing).await)?;
            let Some(page) = page else { return Ok(()) };
            page.into_iter().try_for_each(&mut *each)?;
        }
    }

    fn list_after(&mut self, query: &Query, after: &StoreCursor) -> Result<Option<DeliveryPage>> {
        self.run(async |session| match timeout(FOLLOW_LIMIT, session.list_after(query, after)).await {
            Ok(page) => page,
            Err(_) => {
                session.cancel().await;
                let limit = FOLLOW_LIMIT.as_secs();
                Err(Error::failed(format!("the store did not answer within {limit} s"))
                    .because("another program may have locked its tables"))
            }
        })
    }

    fn wait_for_change(&mut self, longest: Duration) -> Result<bool> {
        let mut last_look = self.last_look;
        let is_changed = self.run(async |session| Ok(session.wait_for_change(&mut last_look, longest).await))?;
        self.last_look = last_look;
        Ok(is_changed)
    }

    fn is_in_place(&mut self) -> bool {
        true
    }

    fn load(&mut self, id: CaptureId) -> Result<Option<StoredCapture>> {
        let query = Query { ids: Some(id.0..=id.0), ..Query::default() };
        self.run(async |session| {
            let found = session.next_rows(&query, i64::MIN, i64::MAX, 1).await?;
            Ok(session.load_all(&found).await?.pop())
        })
    }

    fn for_each(&mut self, query: &Query, each: &mut dyn FnMut(StoredCapture) -> Result<()>) -> Result<()> {
        let (query, end) = self.run(async |session| {
            let end = session.newest().await?;
            Ok((session.without_limit(query).await?, end))
        })?;
        let mut after = 0;
        loop {
            let page = self.run(async |session| session.next_rows(&query, after, end, PAGE).await)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for part in split_by_bytes(&page) {
                // `each` is called while no connection is waited for: it may use the network itself.
                self.run(async |session| session.load_all(part).await)?.into_iter().try_for_each(&mut *each)?;
            }
        }
    }

    fn count_by_hour(&mut self, query: &Query) -> Result<Vec<HourlyCount>> {
        self.run(async |session| session.count_hours(query).await)
    }

    fn sum_amounts(&mut self, query: &Query) -> Result<Vec<AmountTotal>> {
        self.run(async |session| session.sum_money(query).await)
    }

    fn plan_prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<PrunePlan> {
        self.run(async |session| session.plan_pruning(before, undelivered).await)
    }

    fn prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<u64> {
        self.run(async |session| session.remove_old(before, undelivered).await)
    }

    fn add_attempt(&mut self, id: CaptureId, attempt: &Attempt) -> Result<()> {
        self.run(async |session| session.add_attempt(id, attempt).await)
    }

    fn find_by_reference(&mut self, reference: &str) -> Result<Vec<ReferenceMatch>> {
        self.run(async |session| session.find_reference(reference).await)
    }

    fn check_health(&mut self) -> Result<StoreHealth> {
        self.run(async |session| session.check_health().await)
    }

    fn open_queues(&mut self) -> Result<Vec<OpenQueue>> {
        self.run(async |session| session.read_open_queues().await)
    }

    fn count_pending(&mut self, urls: &[Url]) -> Result<u64> {
        self.run(async |session| session.count_queued(urls).await)
    }

    fn copies_after(&mut self, after: i64) -> Result<Vec<CopiedCapture>> {
        self.run(async |session| session.read_copies(after).await)
    }

    fn insert_copies(&mut self, copies: &[CopiedCapture]) -> Result<()> {
        self.run(async |session| session.write_copies(copies).await)
    }

    fn all_state(&mut self) -> Result<Vec<StateRow>> {
        self.run(async |session| session.read_all_state().await)
    }

    fn state_rows(&mut self, kinds: &[&str]) -> Result<Vec<StateRow>> {
        self.run(async |session| session.read_state(kinds).await)
    }

    fn state_row(&mut self, kind: &str, key: &str) -> Result<Option<Vec<u8>>> {
        self.run(async |session| session.read_state_row(kind, key).await)
    }

    fn write_state(&mut self, rows: &[StateRow]) -> Result<()> {
        self.run(async |session| session.write_state_rows(rows).await)
    }

    fn recent_events(&mut self, limit: u64) -> Result<Vec<RecentEvent>> {
        self.run(async |session| session.recent(limit).await)
    }
}
