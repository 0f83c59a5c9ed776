//! The queue of a forwarding group: which deliveries it has to send to each of its URLs.
//!
//! A group has a place in the store for each URL, and a row for each delivery before that place.
//! Whichever member looks first adds the rows for new deliveries and moves the place, in one
//! transaction. `leases` hands the rows to the members. All times are the server's.

use super::attempts::DeliveryKey;
use super::following::{NewDeliveries, POLL, Place, ServerState};
use super::leases::{AttemptResult, LEASE};
use super::params::Params;
use super::rows::Columns;
use super::session::{PostgresSession, StoreTransaction};
use super::text::{encode, prefix};
use super::writer::PostgresWriter;
use crate::edge::clock;
use crate::edge::store::WriteResult;
use crate::edge::store::queue::{DueDeliveries, DueDelivery, DueQuery, EntryState, NewEntries};
use crate::model::error::{Error, Result};
use crate::model::follow::StoreCursor;
use crate::model::stored::{AnswerState, Attempt, CaptureId, DeliverySummary, Query, ResumedDeliveries};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::model::verdict::VerdictCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use tokio_postgres::types::Type;

/// Most deliveries that are queued in one transaction.
const PAGE: u64 = 500;

/// Longest time for one operation. A server that does not answer must not stop the forwarder.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The part of a listener that is a member of a forwarding group.
pub(super) struct GroupMember {
    /// Names this process in the rows that it has leased.
    holder: String,
    /// Results that wait to be recorded together.
    results: Mutex<Vec<WaitingResult>>,
    /// Notified by the server when there is something new.
    news: Mutex<Arc<Notify>>,
}

/// A result, and the caller that waits until it is recorded.
struct WaitingResult {
    result: AttemptResult,
    done: oneshot::Sender<WriteResult<()>>,
}

impl GroupMember {
    pub fn new() -> Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| Error::failed("there are no random bytes").because(error))?;
        Ok(Self { holder: hex::encode(random), results: Mutex::default(), news: Mutex::default() })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PostgresWriter {
    /// Runs an operation on the queue.
    async fn with_queue<T>(&self, operation: impl AsyncFnOnce(&mut GroupQueue<'_>) -> Result<T>) -> WriteResult<T> {
        let mut link = self.link.lock().await;
        let session = link.session().await?;
        session.listen().await;
        *lock(&self.member.news) = session.notifications();
        let names = GroupNames { inbox: session.inbox().to_owned(), group: session.group().to_owned() };
        let mut queue = GroupQueue { session, names, holder: &self.member.holder };
        match timeout(TIME_LIMIT, operation(&mut queue)).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => {
                let reason = format!("the store did not answer within {} s", TIME_LIMIT.as_secs());
                link.lose(reason.clone());
                Err(reason)
            }
        }
    }

    pub async fn join_group(&self, urls: &[String]) -> WriteResult<()> {
        self.with_queue(async |queue| queue.join(urls).await).await
    }

    pub async fn queue_new(&self, entries: &NewEntries) -> WriteResult<bool> {
        self.with_queue(async |queue| {
            let mut has_more = false;
            for url in &entries.urls {
                has_more |= queue.queue_new(url, entries).await?;
            }
            Ok(has_more)
        })
        .await
    }

    /// Waits for a notification, or a second.
    pub async fn wait_for_work(&self) {
        let news = Arc::clone(&lock(&self.member.news));
        // Both end the wait.
        let _ = timeout(POLL, news.notified()).await;
    }

    pub async fn resume(
        &self,
        urls: &[String],
        oldest: Timestamp,
        latest: Timestamp,
    ) -> WriteResult<ResumedDeliveries> {
        self.with_queue(async |queue| queue.resume(urls, oldest, latest).await).await
    }

    pub async fn requeue(&self, delivery: CaptureId, urls: Vec<String>) -> WriteResult<bool> {
        self.with_queue(async |queue| queue.requeue(delivery, &urls).await).await
    }

    pub async fn due(&self, query: DueQuery) -> WriteResult<DueDeliveries> {
        self.with_queue(async |queue| queue.lease_due(&query).await).await
    }

    /// Records a result, together with those of other attempts that wait meanwhile.
    pub async fn record_attempt(
        &self,
        due: &DueDelivery,
        attempt: Attempt,
        state: EntryState,
        retry_at: Option<Timestamp>,
    ) -> WriteResult<()> {
        let pause = retry_at.map_or(SignedDuration::ZERO, |at| at.duration_since(clock::now()));
        let result = AttemptResult::new(due, &attempt, state, pause);
        let (done, mut recorded) = oneshot::channel();
        lock(&self.member.results).push(WaitingResult { result, done });
        let all = self
            .with_queue(async |queue| {
                // Another caller may have recorded it while this one waited for the connection.
                let waiting = std::mem::take(&mut *lock(&self.member.results));
                if waiting.is_empty() {
                    return Ok(());
                }
                let (results, callers): (Vec<_>, Vec<_>) =
                    waiting.into_iter().map(|waiting| (waiting.result, waiting.done)).unzip();
                let recorded = queue.record(&results).await;
                let outcome = recorded.as_ref().copied().map_err(ToString::to_string);
                // Fails if the caller no longer waits.
                callers.into_iter().for_each(|caller| drop(caller.send(outcome.clone())));
                recorded
            })
            .await;
        match (recorded.try_recv(), all) {
            (Ok(outcome), _) => outcome,
            (Err(_), failed) => {
                // It is tried again, with a new result.
                lock(&self.member.results).retain(|waiting| !waiting.done.is_closed());
                Err(failed.err().unwrap_or_else(|| "the result was not recorded".to_owned()))
            }
        }
    }

    pub async fn extend_leases(&self) -> WriteResult<()> {
        self.with_queue(async |queue| queue.set_leases(&format!("due = now() + {LEASE}")).await).await
    }

    pub async fn release_leases(&self) -> WriteResult<()> {
        self.with_queue(async |queue| queue.set_leases("due = now(), holder = NULL").await).await
    }
}

/// The queue, on its connection.
pub(super) struct GroupQueue<'q> {
    pub session: &'q mut PostgresSession,
    pub names: GroupNames,
    /// Names this process in the rows that it has leased.
    pub holder: &'q str,
}

/// The names of a group and its inbox.
pub(super) struct GroupNames {
    pub inbox: String,
    pub group: String,
}

impl GroupNames {
    /// Adds inbox and group to the parameters, and returns their placeholders.
    pub fn add_to(&self, params: &mut Params) -> [String; 2] {
        [params.add_text(&self.inbox), params.add_text(&self.group)]
    }
}

impl GroupQueue<'_> {
    async fn join(&self, urls: &[String]) -> Result<()> {
        let place = ServerState::read(self.session).await?.place();
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let (urls, cursor) = (params.add(encoded(urls), Type::TEXT_ARRAY), params.add_text(&place.to_cursor().0));
        let sql = format!(
            "INSERT INTO whtool.groups (inbox, name, url, cursor) SELECT {inbox}, {group}, url, {cursor} \
             FROM unnest({urls}) AS url ON CONFLICT DO NOTHING"
        );
        self.session.query(&sql, &params).await.map(drop)
    }

    /// Queues the next deliveries for a URL. Returns true if there are more.
    async fn queue_new(&mut self, url: &str, entries: &NewEntries) -> Result<bool> {
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let url_value = params.add_text(url);
        let place =
            format!("SELECT cursor FROM whtool.groups WHERE inbox = {inbox} AND name = {group} AND url = {url_value}");
        let Some(before) = self.session.read_one::<String>(&place, &params).await? else {
            self.join(&[url.to_owned()]).await?;
            return Ok(false);
        };
        let query = Query {
            verdict: Some(VerdictCode::Verified),
            since: Some(entries.oldest),
            limit: Some(PAGE),
            ..Query::default()
        };
        let place_before = Place::parse(&StoreCursor(before.clone()))?;
        let Some(new) = self.session.read_after(&query, &place_before).await? else {
            return Err(Error::failed("the database was set back to an earlier time"));
        };
        let NewDeliveries { deliveries, next, has_more } = new;
        if deliveries.is_empty() && !next.is_far_after(&place_before) {
            return Ok(false);
        }
        let wanted: Vec<_> = deliveries.iter().filter(|delivery| is_queued(delivery, url, entries)).collect();
        let is_ours = self.move_place(url, before, &next, &wanted).await?;
        Ok(has_more || !is_ours)
    }

    /// Moves the place of a URL and queues the deliveries before it, in this order. Returns false,
    /// and does nothing, if another member has moved the place.
    async fn move_place(
        &self,
        url: &str,
        before: String,
        next: &Place,
        deliveries: &[&DeliverySummary],
    ) -> Result<bool> {
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let (url, before) = (params.add_text(url), params.add(before, Type::TEXT));
        let next = params.add(next.to_cursor().0, Type::TEXT);
        let object = |delivery: &&DeliverySummary| {
            let object = delivery.subject.as_ref().or(delivery.event_id.as_ref());
            object.map_or_else(|| delivery.id.to_string(), |object| prefix(object))
        };
        let columns = [
            params.add(deliveries.iter().map(|delivery| delivery.id.0).collect::<Vec<_>>(), Type::INT8_ARRAY),
            params.add(deliveries.iter().map(|delivery| delivery.arrived).collect::<Vec<_>>(), Type::TIMESTAMPTZ_ARRAY),
            params.add(deliveries.iter().map(object).collect::<Vec<_>>(), Type::TEXT_ARRAY),
        ];
        // The app of --passthrough has its row already.
        let sql = format!(
            "WITH moved AS (
                 UPDATE whtool.groups SET cursor = {next}
                 WHERE inbox = {inbox} AND name = {group} AND url = {url} AND cursor = {before} RETURNING 1
             ), queued AS (
                 INSERT INTO whtool.forwards (inbox, seq, arrived, grp, url, object, due)
                 SELECT {inbox}, seq, arrived, {group}, {url}, object, now()
                 FROM unnest({}) WITH ORDINALITY AS new (seq, arrived, object, position)
                 WHERE EXISTS (SELECT FROM moved) ORDER BY position ON CONFLICT DO NOTHING
             ) SELECT count(*) FROM moved",
            columns.join(", ")
        );
        Ok(self.session.read_one::<i64>(&sql, &params).await?.unwrap_or_default() > 0)
    }

    async fn resume(&mut self, urls: &[String], oldest: Timestamp, latest: Timestamp) -> Result<ResumedDeliveries> {
        let mut params = Params::default();
        let [inbox, group] = self.names.add_to(&mut params);
        let urls = params.add(encoded(urls), Type::TEXT_ARRAY);
        let of_group = format!("inbox = {inbox} AND grp = {group} AND url = ANY({urls})");
        let oldest = params.add_time(oldest);
        let longest = i64::try_from(latest.duration_since(clock::now()).as_micros()).unwrap_or(i64::MAX);
        let longest = params.add_number(longest);
        // One statement, so that all of it sees the same rows. Rows that another member is sending
        // are left alone. One that is due later than any pause waits for a clock that was set back.
        let sql = format!(
            "WITH changed AS (
                 UPDATE whtool.forwards SET
                     state = CASE WHEN arrived >= {oldest} THEN 'pending' ELSE 'given up' END,
                     tries = CASE WHEN state = 'given up' THEN 0 ELSE tries END, due = now()
                 WHERE {of_group} AND (
                     state = 'given up' AND arrived >= {oldest}
                     OR state = 'pending' AND holder IS NULL AND arrived < {oldest}
                     OR state = 'pending' AND due > now() + {longest} * interval '1 microsecond' + {LEASE})
             )
             SELECT count(*) FILTER (WHERE arrived >= {oldest} OR holder IS NOT NULL),
                 count(*) FILTER (WHERE arrived < {oldest} AND holder IS NULL)
             FROM whtool.forwards WHERE {of_group} AND state IN ('pending', 'given up')"
        );
        let rows = self.session.query(&sql, &params).await?;
        let count = |row| {
            let mut row = Columns::new(row);
            Ok(ResumedDeliveries { pending: row.read_count()?, too_old: row.read_count()? })
        };
        rows.first().map_or(Ok(ResumedDeliveries::default()), count)
    }

    async fn requeue(&mut self, delivery: CaptureId, urls: &[String]) -> Result<bool> {
        let transaction = self.session.begin().await?;
        let Some(key) = DeliveryKey::lock(&transaction, &self.names.inbox, delivery).await? else { return Ok(false) };
        let mut params = Params::default();
        let key = key.add_to(&mut params);
        let [_, group] = self.names.add_to(&mut params);
        let urls = params.add(encoded(urls), Type::TEXT_ARRAY);
        // A row that another member is sending is left alone.
        let sql = format!(
            "INSERT INTO whtool.forwards (inbox, seq, arrived, grp, url, object, due) \
             SELECT d.inbox, d.seq, d.arrived, {group}, url, left(coalesce(d.subject, d.event_id, d.seq::text), 128), now() \
             FROM whtool.deliveries d, unnest({urls}) AS url WHERE (d.inbox, d.seq, d.arrived) = {key} \
             ON CONFLICT (inbox, seq, grp, url, arrived) DO UPDATE SET state = 'pending', tries = 0, due = now() \
             WHERE whtool.forwards.holder IS NULL"
        );
        transaction.query(&sql, &params).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Encodes texts for the database.
pub(super) fn encoded(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| encode(text).into_owned()).collect()
}

/// Returns true if a verified delivery is forwarded to a URL. One that `--answer` refused is not.
fn is_queued(delivery: &DeliverySummary, url: &str, entries: &NewEntries) -> bool {
    let is_refused = !matches!(delivery.answer, AnswerState::Pending) && !delivery.answer.is_success();
    !is_refused && (entries.route)(delivery.kind.as_deref()).iter().any(|route| route.as_str() == url)
}

/// Marks the rows of a group as done that `replay` has delivered. The URL of a row without a path
/// was sent with the path of the delivery.
pub(super) async fn mark_delivered(
    transaction: &StoreTransaction<'_>,
    key: &DeliveryKey,
    group: &str,
    url: &str,
) -> Result<()> {
    let mut params = Params::default();
    let key = key.add_to(&mut params);
    let (group, url) = (params.add_text(group), params.add_text(url));
    let sql = format!(
        "UPDATE whtool.forwards SET state = 'done', holder = NULL WHERE (inbox, seq, arrived) = {key} \
         AND grp = {group} AND state <> 'done' AND starts_with({url}, rtrim(url, '/'))"
    );
    transaction.query(&sql, &params).await.map(drop)
}
