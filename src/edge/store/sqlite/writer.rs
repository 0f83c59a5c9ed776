//! Records what a listener receives, on one thread.
//!
//! Jobs that wait together are committed together, so many deliveries share one sync. No job is
//! answered before its commit. If a commit fails, each of its jobs is tried alone, so that one bad
//! delivery does not refuse the others. Unverified deliveries come after the others, a few at a time.
//!
//! The log is copied into the database on this thread, too, after the jobs are answered. A thread
//! of its own for that was slower: under load it never found a moment in which the log could start
//! over, and syncing a file that grows costs more than overwriting one.

use super::forwards;
use super::jobs::{JobResult, QUEUE, WaitingJobs, WriteJob, WriteTask, recv_timeout};
use super::rows;
use super::summaries;
use super::unverified::{self, Space};
use super::watched::WatchedStore;
use crate::edge::store::unverified_space::{Admission, SpaceTaken, SpaceWanted};
use crate::edge::store::{Closed, Insertion, NewDelivery, WriteResult};
use crate::model::error::{Error, Result};
use crate::model::stored::{AnswerState, Attempt, CaptureId};
use rusqlite::{Connection, ErrorCode, params};
use std::path::{Path, PathBuf};
use std::task::Poll;
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Most jobs that a commit waits for. A commit costs as much as twenty deliveries do otherwise, so
/// waiting for more saves little.
const WORTH_WAITING_FOR: usize = 24;

/// Time without a job after which stored captures are summarized.
const IDLE: Duration = Duration::from_millis(100);

/// A handle of the writer thread, which ends with the last handle.
#[derive(Clone)]
pub(in crate::edge) struct SqliteWriter {
    queue: mpsc::Sender<WriteJob>,
    is_in_memory: bool,
}

impl SqliteWriter {
    /// Opens the file, or a store in memory, and starts the writer thread. Unverified captures may
    /// take `refused_limit` bytes.
    pub fn start(path: Option<&Path>, refused_limit: u64) -> Result<(Self, Closed)> {
        let store = path.map_or_else(WatchedStore::in_memory, WatchedStore::open)?;
        let path = path.map(Path::to_owned);
        let is_in_memory = path.is_none();
        let writer = WriterThread {
            path,
            store: Some(store),
            refused_limit,
            next_row: 1,
            last_recorded: 0,
            note: None,
            may_summarize: true,
        };
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (open, closed) = std::sync::mpsc::channel();
        let started = thread::Builder::new().name("store".to_owned()).spawn(move || {
            // Dropped after the store is closed.
            let _open = open;
            writer.run(jobs);
        });
        started.map_err(|error| Error::failed("can't start the store's thread").because(error))?;
        Ok((Self { queue, is_in_memory }, closed))
    }

    /// Returns true if deliveries are stored only until they are forwarded.
    pub fn is_in_memory(&self) -> bool {
        self.is_in_memory
    }

    /// Records a delivery. When this returns, it is on disk.
    pub async fn insert(&self, delivery: NewDelivery) -> WriteResult<Insertion> {
        self.submit(|done| WriteJob::Insert(delivery, done)).await
    }

    /// Records the answer that the provider got from the app.
    pub async fn record_answer(
        &self,
        CaptureId(row): CaptureId,
        answer: AnswerState,
        attempt: Attempt,
    ) -> WriteResult<()> {
        self.transact(move |connection| {
            let sql = "UPDATE deliveries SET answered = ?2 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute(params![row, answer.code()])?;
            rows::insert_attempt(connection, row, &attempt)
        })
        .await
    }

    /// Runs a task within a transaction. When this returns, its changes are on disk.
    pub(super) async fn transact<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> WriteResult<T> {
        let (found, result) = std::sync::mpsc::channel();
        let task: WriteTask = Box::new(move |connection| {
            let value = task(connection)?;
            // Fails if the caller no longer waits for the result.
            let _ = found.send(value);
            Ok(())
        });
        self.submit(|done| WriteJob::Task(Some(task), done)).await?;
        result.try_recv().map_err(|_| "the store gave no result".to_owned())
    }

    async fn submit<T>(&self, job: impl FnOnce(oneshot::Sender<WriteResult<T>>) -> WriteJob) -> WriteResult<T> {
        let ended = || "the store's thread has ended".to_owned();
        let (done, result) = oneshot::channel();
        self.queue.send(job(done)).await.map_err(|_| ended())?;
        result.await.map_err(|_| ended())?
    }
}

struct WriterThread {
    /// `None`: in memory.
    path: Option<PathBuf>,
    /// `None`: it has to be opened again.
    store: Option<WatchedStore>,
    refused_limit: u64,
    /// Row number of the next delivery.
    next_row: i64,
    /// The last row that was acknowledged.
    last_recorded: i64,
    /// Told with the next delivery.
    note: Option<String>,
    /// False once no block of captures is without a summary.
    may_summarize: bool,
}

enum CommitError {
    /// Nothing of the batch is in the store.
    Failed(String),
    /// Another program has changed the files. It is not known what they hold.
    Unknown(String),
}

impl WriterThread {
    /// Takes one job, waits for those of other senders, and commits them together, until there is no
    /// handle left.
    fn run(mut self, mut queue: mpsc::Receiver<WriteJob>) {
        let mut expected = 0;
        let mut waiting = WaitingJobs::default();
        while waiting.take_from(&mut queue, expected, |queue| self.next_job(queue)) {
            let batch = waiting.next_batch();
            let answered = batch.len();
            self.process(batch);
            // Each sender that got an answer sends again soon, and the others wait already.
            expected = (answered + queue.len()).min(WORTH_WAITING_FOR);
            if let Some(store) = &self.store {
                store.checkpoint_if_due();
            }
        }
    }

    /// Waits for a job. If none comes for a while, stored captures are summarized, block by block.
    fn next_job(&mut self, queue: &mut mpsc::Receiver<WriteJob>) -> Option<WriteJob> {
        while self.may_summarize {
            if let Poll::Ready(job) = recv_timeout(queue, IDLE) {
                return job;
            }
            self.may_summarize = self.add_summary();
        }
        queue.blocking_recv()
    }

    /// Summarizes the next block of captures in a file. Returns false if there is none.
    fn add_summary(&mut self) -> bool {
        let has_full_block = |store: &mut WatchedStore| {
            store.is_in_place() && summaries::has_full_block(&store.connection).unwrap_or(false)
        };
        if self.path.is_none() || !self.store.as_mut().is_some_and(has_full_block) {
            return false;
        }
        let task: WriteTask = Box::new(|connection| summaries::add_block(connection).map(drop));
        let (done, mut result) = oneshot::channel();
        self.process(vec![WriteJob::Task(Some(task), done)]);
        if let Some(store) = &self.store {
            store.checkpoint_if_due();
        }
        // After a failure, it is tried again after the next delivery.
        matches!(result.try_recv(), Ok(Ok(())))
    }

    /// Commits jobs together, or, if that fails, one by one, and answers them.
    fn process(&mut self, mut jobs: Vec<WriteJob>) {
        let results = match self.commit(&mut jobs) {
            Ok(results) => results,
            Err(CommitError::Failed(_)) if jobs.len() > 1 => {
                return jobs.into_iter().for_each(|job| self.process(vec![job]));
            }
            Err(error) => jobs.iter().map(|_| JobResult::Refused(error.message().to_owned())).collect(),
        };
        jobs.into_iter().zip(results).for_each(|(job, result)| job.finish(result));
    }

    /// Runs all jobs in one transaction.
    fn commit(&mut self, jobs: &mut [WriteJob]) -> std::result::Result<Vec<JobResult>, CommitError> {
        self.open_if_needed().map_err(CommitError::Failed)?;
        let Some(store) = &mut self.store else { return Err(CommitError::Failed("the store is closed".to_owned())) };
        let space = store.measure().map(|(log, free)| Space { limit: self.refused_limit, free, log });
        let mut results = run_transaction(store, &mut self.next_row, space, jobs);
        if let Err(error) = &results
            && error.sqlite_error_code() == Some(ErrorCode::DiskFull)
            && store.empty_log().is_ok()
        {
            // The log gave its space back.
            results = run_transaction(store, &mut self.next_row, space, jobs);
        }
        let mut results = results.map_err(|error| CommitError::Failed(message(error)))?;
        let is_inserted =
            |result: &&mut JobResult| matches!(result, JobResult::Inserted(Insertion { id: Some(_), .. }));
        let last = results.iter_mut().rfind(is_inserted);
        let row = last.as_ref().and_then(|last| if let JobResult::Inserted(one) = last { one.id } else { None });
        if let Err(reason) = store.check_commit(row.map(|row| row.0)) {
            if store.is_in_place()
                && let Some(store) = self.store.take()
            {
                store.abandon();
            }
            return Err(CommitError::Unknown(reason));
        }
        self.last_recorded = row.map_or(self.last_recorded, |row| row.0);
        self.may_summarize |= row.is_some();
        if let (Some(JobResult::Inserted(last)), Some(note)) = (last, self.note.take()) {
            last.note = Some(note);
        }
        Ok(results)
    }

    /// Opens the store again if one of its files was removed or replaced, and notes what is gone.
    fn open_if_needed(&mut self) -> WriteResult<()> {
        if self.store.as_mut().is_some_and(WatchedStore::is_in_place) {
            return Ok(());
        }
        self.store.take().map_or(Ok(()), WatchedStore::close)?;
        let Some(path) = &self.path else { return Err("the store is closed".to_owned()) };
        let store = WatchedStore::open(path).map_err(|error| error.to_string())?;
        let last = store.last_row().map_err(message)?;
        if last < self.last_recorded {
            let (first, last) = (last + 1, self.last_recorded);
            self.note = Some(format!(
                "another program has changed the store: captures {first} to {last}, which were stored, are gone"
            ));
        }
        self.store = Some(store);
        Ok(())
    }
}

/// Runs jobs in one transaction, which is undone if one fails badly.
fn run_transaction(
    store: &WatchedStore,
    next_row: &mut i64,
    space: Option<Space>,
    jobs: &mut [WriteJob],
) -> rusqlite::Result<Vec<JobResult>> {
    let connection = &store.connection;
    store.expect_commit();
    let results = try_transaction(connection, next_row, space, jobs);
    if results.is_err() && !connection.is_autocommit() {
        // If this fails, the next BEGIN fails too, and its jobs are refused.
        let _ = connection.execute_batch("ROLLBACK");
    }
    results
}

fn try_transaction(
    connection: &Connection,
    next_row: &mut i64,
    space: Option<Space>,
    jobs: &mut [WriteJob],
) -> rusqlite::Result<Vec<JobResult>> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let sql = "SELECT max(next, 1 + (SELECT coalesce(max(id), 0) FROM deliveries)) FROM next_id";
    let next: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    *next_row = (*next_row).max(next);
    let results = jobs.iter_mut().map(|job| match job {
        WriteJob::Insert(delivery, _) => {
            let row = *next_row;
            *next_row += 1;
            try_insert(delivery, row, space, connection)
        }
        WriteJob::Task(task, _) => try_task(task.take(), connection).map(JobResult::TaskDone),
    });
    let results = results.collect::<rusqlite::Result<_>>()?;
    execute(connection, "COMMIT")?;
    Ok(results)
}

impl CommitError {
    fn message(&self) -> &str {
        match self {
            Self::Failed(message) | Self::Unknown(message) => message,
        }
    }
}

fn message(error: rusqlite::Error) -> String {
    error.to_string()
}

/// Executes a statement without parameters, prepared once.
fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Runs a task. If it fails, its changes are undone and the rest of the batch is not affected.
fn try_task(task: Option<WriteTask>, connection: &Connection) -> rusqlite::Result<WriteResult<()>> {
    let Some(task) = task else { return Ok(Err("the store could not be written".to_owned())) };
    execute(connection, "SAVEPOINT task")?;
    let result = task(connection);
    match result {
        // A serious error has rolled the whole transaction back.
        Err(error) if connection.is_autocommit() => return Err(error),
        Err(_) => execute(connection, "ROLLBACK TO task")?,
        Ok(()) => {}
    }
    execute(connection, "RELEASE task")?;
    Ok(result.map_err(message))
}

/// Inserts a delivery. If it fails, its rows are removed and the rest of the batch is not affected.
fn try_insert(
    delivery: &NewDelivery,
    row: i64,
    space: Option<Space>,
    connection: &Connection,
) -> rusqlite::Result<JobResult> {
    match insert(delivery, row, space, connection) {
        Ok(result) => Ok(result),
        Err(error) if connection.is_autocommit() => Err(error),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => Err(error),
        Err(error) => {
            unverified::remove(connection, row)?;
            Ok(JobResult::Refused(error.to_string()))
        }
    }
}

fn insert(
    delivery: &NewDelivery,
    row: i64,
    space: Option<Space>,
    connection: &Connection,
) -> rusqlite::Result<JobResult> {
    let received = &delivery.received;
    let request = &received.delivery.request;
    if space.is_some_and(|space| space.free.is_some_and(|free| free < unverified::RESERVE)) {
        return Ok(JobResult::Refused("the disk is full: less than 8 MiB are free".to_owned()));
    }
    let admission = match space.filter(|_| !received.verdict.is_verified()) {
        None => Admission::Stored(SpaceTaken::default(), None),
        Some(space) => {
            let wanted = SpaceWanted::of(request);
            unverified::make_room(connection, space, wanted)?.admit(delivery, wanted)
        }
    };
    let (taken, note) = match admission {
        Admission::Stored(taken, note) => (taken, note),
        Admission::NotStored(note) => return Ok(JobResult::Inserted(Insertion { id: None, note: Some(note) })),
        Admission::Refused(reason) => return Ok(JobResult::Refused(reason)),
    };
    rows::insert(connection, row, received, delivery.answer, &taken)?;
    let due = received.delivery.arrived.map_or(0, rows::micros);
    for url in &delivery.forwards {
        let object = received.event.subject.clone().or_else(|| received.event.id.clone());
        let object = object.unwrap_or_else(|| row.to_string());
        forwards::insert_forward(connection, row, url, &object, due)?;
    }
    Ok(JobResult::Inserted(Insertion { id: Some(CaptureId(row)), note }))
}
