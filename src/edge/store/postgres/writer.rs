//! Records what a listener receives.
//!
//! One task inserts deliveries, as many together as arrive while the last ones are committed. None
//! is answered before its commit. If a batch fails, each of its deliveries is tried alone, so that
//! one that the database refuses does not affect the others. If the connection is lost meanwhile,
//! nobody knows whether the batch was stored: it is refused, and the provider sends it again.

use super::insertion::{self, NewRow};
use super::link::StoreLink;
use super::partitions;
use super::queue::GroupMember;
use super::session::PostgresSession;
use super::unverified::make_room;
use crate::edge::postgres::store_error;
use crate::edge::store::unverified_space::{Admission, SpaceTaken, SpaceWanted};
use crate::edge::store::{Closed, Insertion, NewDelivery, WriteResult, WriterOptions};
use crate::model::error::Result;
use crate::model::stored::{AnswerState, Attempt, CaptureId};
use crate::world::PostgresStore;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// Most deliveries in the queue; beyond that, senders wait for their responses.
const QUEUE: usize = 1_024;
/// Most deliveries in one commit.
const MAX_BATCH: usize = 64;
/// Bytes of bodies after which a commit takes no more deliveries.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// The same for unverified deliveries, which anybody can send, and for which others wait.
const MAX_UNVERIFIED_BATCH_BYTES: usize = 512 << 10;
/// Longest pause in which deliveries gather while they come from several senders.
const GATHERING_PAUSE: Duration = Duration::from_millis(2);
/// Pause between two notifications.
const NOTIFY_PAUSE: Duration = Duration::from_millis(10);
/// Longest time of a notification.
const NOTIFY_LIMIT: Duration = Duration::from_secs(1);
/// Longest time of one commit, apart from its bodies. A server that takes longer is considered lost.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);
/// Slowest connection that is not considered lost, in bytes per second.
const MIN_SPEED: usize = 1 << 20;

/// A handle of the task that writes, which ends with the last handle.
#[derive(Clone)]
pub(in crate::edge) struct PostgresWriter {
    queue: mpsc::Sender<InsertJob>,
    /// The connection for everything else, which must not delay new deliveries.
    pub(super) link: Arc<Mutex<StoreLink>>,
    /// The part of a member of a forwarding group.
    pub(super) member: Arc<GroupMember>,
}

struct InsertJob {
    delivery: NewDelivery,
    done: oneshot::Sender<WriteResult<Insertion>>,
}

impl InsertJob {
    /// Returns the size of the body.
    fn bytes(&self) -> usize {
        self.delivery.received.delivery.request.body.len()
    }
}

impl PostgresWriter {
    /// Connects and starts the task.
    pub fn start(store: &PostgresStore, options: &WriterOptions) -> Result<(Self, Closed)> {
        let runtime = Handle::current();
        let link = runtime.block_on(StoreLink::open(store))?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (open, closed) = std::sync::mpsc::channel();
        let (stored, shared) = (Arc::new(Notify::new()), Arc::new(Mutex::new(StoreLink::unopened(store))));
        let announcing = runtime.spawn(announce(Arc::clone(&shared), Arc::clone(&stored)));
        let task =
            WriterTask { link, stored, listener: options.listener.clone(), refused_limit: options.refused_limit };
        let making_partitions = runtime.spawn(partitions::keep_ahead(store.clone()));
        runtime.spawn(async move {
            // Dropped after the connection.
            let _open = open;
            task.run(jobs).await;
            making_partitions.abort();
            announcing.abort();
        });
        Ok((Self { queue, link: shared, member: Arc::new(GroupMember::new()?) }, closed))
    }

    /// Records a delivery. When this returns, the server has it on disk.
    pub async fn insert(&self, delivery: NewDelivery) -> WriteResult<Insertion> {
        let ended = |_| "the store's task has ended".to_owned();
        let (done, result) = oneshot::channel();
        self.queue.send(InsertJob { delivery, done }).await.map_err(|_| ended(()))?;
        result.await.map_err(|_| ended(()))?
    }
}

impl PostgresWriter {
    /// Records the answer that the provider got from the app.
    pub async fn record_answer(&self, delivery: CaptureId, answer: AnswerState, attempt: Attempt) -> WriteResult<()> {
        let mut link = self.link.lock().await;
        let session = link.session().await?;
        match timeout(COMMIT_LIMIT, session.record_answer(delivery, answer, &attempt)).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => {
                link.lose(timed_out(COMMIT_LIMIT));
                Err(timed_out(COMMIT_LIMIT))
            }
        }
    }
}

/// Jobs that were taken from the queue.
#[derive(Default)]
struct WaitingJobs {
    verified: VecDeque<InsertJob>,
    unverified: VecDeque<InsertJob>,
}

impl WaitingJobs {
    fn len(&self) -> usize {
        self.verified.len() + self.unverified.len()
    }

    fn push(&mut self, job: InsertJob) {
        let is_verified = job.delivery.received.verdict.is_verified();
        if is_verified { self.verified.push_back(job) } else { self.unverified.push_back(job) }
    }

    /// Takes what is in the queue, and waits while there is nothing to do; then also, for this long,
    /// until there are as many jobs as expected. Returns false once the queue is closed and empty.
    async fn take_from(&mut self, queue: &mut mpsc::Receiver<InsertJob>, (expected, pause): (usize, Duration)) -> bool {
        if self.len() == 0 {
            let Some(first) = queue.recv().await else { return false };
            self.push(first);
        }
        while self.len() < QUEUE
            && let Ok(job) = queue.try_recv()
        {
            self.push(job);
        }
        let end = Instant::now() + pause;
        while self.len() < expected.min(MAX_BATCH)
            && let Ok(Some(job)) = timeout_at(end, queue.recv()).await
        {
            self.push(job);
        }
        true
    }
}

/// Takes the jobs of one commit.
fn take_batch(jobs: &mut VecDeque<InsertJob>, max_bytes: usize) -> Vec<InsertJob> {
    let (mut bytes, mut batch) = (0, Vec::new());
    while batch.len() < MAX_BATCH
        && bytes < max_bytes
        && let Some(job) = jobs.pop_front()
    {
        bytes += job.bytes();
        batch.push(job);
    }
    batch
}

/// A failed attempt to store a batch.
enum BatchError {
    /// Nothing of it was stored. Its deliveries may be tried alone.
    Refused(String),
    /// Nothing more can be stored now, and perhaps this batch was.
    Unavailable(String),
}

/// Results of the deliveries of a batch.
type BatchResult = std::result::Result<Vec<WriteResult<Insertion>>, BatchError>;

struct WriterTask {
    link: StoreLink,
    /// Notified after each commit.
    stored: Arc<Notify>,
    listener: String,
    refused_limit: u64,
}

impl WriterTask {
    async fn run(mut self, mut queue: mpsc::Receiver<InsertJob>) {
        let mut expected = (0, Duration::ZERO);
        let mut waiting = WaitingJobs::default();
        while waiting.take_from(&mut queue, expected).await {
            let verified = take_batch(&mut waiting.verified, MAX_BATCH_BYTES);
            let unverified = take_batch(&mut waiting.unverified, MAX_UNVERIFIED_BATCH_BYTES);
            let (answered, start) = (verified.len() + unverified.len(), Instant::now());
            self.store(verified).await;
            self.store(unverified).await;
            // Each sender that got an answer sends again soon, and the others wait already. Waiting for all
            // pays while it takes less time than another commit.
            let pause = (start.elapsed() / 2).min(GATHERING_PAUSE);
            expected = (answered + waiting.len() + queue.len(), pause);
        }
    }

    /// Stores deliveries together, or, if that fails, one by one, and answers them.
    async fn store(&mut self, jobs: Vec<InsertJob>) {
        if jobs.is_empty() {
            return;
        }
        match self.try_store(&jobs).await {
            Err(BatchError::Refused(_)) if jobs.len() > 1 => {
                for job in jobs {
                    let result = self.try_store(std::slice::from_ref(&job)).await;
                    self.finish(vec![job], result);
                }
            }
            result => self.finish(jobs, result),
        }
    }

    fn finish(&self, jobs: Vec<InsertJob>, result: BatchResult) {
        if result.is_ok() {
            self.stored.notify_one();
        }
        finish(jobs, result);
    }

    async fn try_store(&mut self, jobs: &[InsertJob]) -> BatchResult {
        let session = self.link.session().await.map_err(BatchError::Unavailable)?;
        let place = session.place().to_owned();
        let storing = async {
            let admissions = admit(session, &self.listener, self.refused_limit, jobs).await?;
            let rows: Vec<_> =
                jobs.iter().zip(&admissions).filter_map(|(job, admission)| new_row(job, admission)).collect();
            let numbers =
                if rows.is_empty() { Vec::new() } else { insertion::insert(session, &self.listener, &rows).await? };
            Ok((admissions, numbers))
        };
        let bytes: usize = jobs.iter().map(InsertJob::bytes).sum();
        let limit = COMMIT_LIMIT + Duration::from_secs((bytes / MIN_SPEED) as u64);
        let failure = match timeout(limit, storing).await {
            Ok(Ok((admissions, numbers))) => return self.results(&place, admissions, numbers),
            Ok(Err(error)) => failure(&place, &error),
            Err(_) => BatchError::Unavailable(timed_out(limit)),
        };
        if let BatchError::Unavailable(reason) = &failure {
            self.link.lose(reason.clone());
        }
        Err(failure)
    }

    /// Puts the results of a batch together.
    fn results(&mut self, place: &str, admissions: Vec<Admission>, numbers: Vec<Option<CaptureId>>) -> BatchResult {
        if numbers.iter().any(Option::is_none) {
            // The check at the next connection says why, if it is a setting.
            let reason = format!("the database did not keep a delivery: {place}");
            self.link.lose(reason.clone());
            return Err(BatchError::Unavailable(reason));
        }
        let mut numbers = numbers.into_iter();
        let results = admissions.into_iter().map(|admission| match admission {
            Admission::Stored(_, note) => Ok(Insertion { id: numbers.next().flatten(), note }),
            Admission::NotStored(note) => Ok(Insertion { id: None, note: Some(note) }),
            Admission::Refused(reason) => Err(reason),
        });
        Ok(results.collect())
    }
}

fn timed_out(limit: Duration) -> String {
    format!("the store did not answer within {} s", limit.as_secs())
}

/// Decides what is stored of each delivery.
async fn admit(
    session: &PostgresSession,
    listener: &str,
    limit: u64,
    jobs: &[InsertJob],
) -> std::result::Result<Vec<Admission>, tokio_postgres::Error> {
    let is_unverified = |job: &&InsertJob| !job.delivery.received.verdict.is_verified();
    let wanted: Vec<_> =
        jobs.iter().filter(is_unverified).map(|job| SpaceWanted::of(&job.delivery.received.delivery.request)).collect();
    let rooms = if wanted.is_empty() { Vec::new() } else { make_room(session, listener, limit, &wanted).await? };
    let mut rooms = rooms.into_iter().zip(wanted);
    let admissions = jobs.iter().map(|job| match is_unverified(&job).then(|| rooms.next()).flatten() {
        Some((room, wanted)) => room.admit(&job.delivery, wanted),
        None => Admission::Stored(SpaceTaken::default(), None),
    });
    Ok(admissions.collect())
}

fn new_row<'r>(job: &'r InsertJob, admission: &'r Admission) -> Option<NewRow<'r>> {
    let Admission::Stored(taken, _) = admission else { return None };
    Some(NewRow {
        received: &job.delivery.received,
        answer: job.delivery.answer,
        passed_to: job.delivery.passed_to.as_deref(),
        taken,
    })
}

/// Decides what an error says about the batch and the connection.
fn failure(place: &str, error: &tokio_postgres::Error) -> BatchError {
    let reason = store_error(place, error).to_string();
    let Some(code) = error.code() else { return BatchError::Unavailable(reason) };
    // Classes: 08 connection, 25 transaction state such as read-only, 53 resources such as the disk, 57 the operator
    // has intervened, 58 the system has failed.
    let concerns_all = ["08", "25", "53", "57", "58"].iter().any(|class| code.code().starts_with(class));
    if concerns_all { BatchError::Unavailable(reason) } else { BatchError::Refused(reason) }
}

/// Notifies other processes of new deliveries. In the commits themselves this would cost most of the
/// throughput. Without it, they look once a second.
async fn announce(link: Arc<Mutex<StoreLink>>, stored: Arc<Notify>) {
    loop {
        stored.notified().await;
        let mut link = link.lock().await;
        let Ok(session) = link.session().await else { continue };
        if timeout(NOTIFY_LIMIT, session.notify()).await.is_err() {
            link.lose(timed_out(NOTIFY_LIMIT));
        }
        drop(link);
        tokio::time::sleep(NOTIFY_PAUSE).await;
    }
}

/// Answers jobs. The client may have disconnected.
fn finish(jobs: Vec<InsertJob>, result: BatchResult) {
    let results = match result {
        Ok(results) => results,
        Err(BatchError::Refused(reason) | BatchError::Unavailable(reason)) => {
            jobs.iter().map(|_| Err(reason.clone())).collect()
        }
    };
    for (InsertJob { delivery, done }, result) in jobs.into_iter().zip(results) {
        let is_new = result.as_ref().is_ok_and(|insertion| insertion.id.is_some());
        drop(done.send(result));
        if is_new && delivery.received.verdict.is_verified() {
            delivery.wake.notify_one();
        }
    }
}
