//! Records what a listener receives, on one thread.
//!
//! Jobs that wait together are committed together, so many deliveries share one sync. No job is
//! answered before its commit. If a commit fails, each of its jobs is tried alone, so that one bad
//! delivery does not refuse the others.
//!
//! SQLite copies its log into the database within a commit, once the log has 1,000 pages. A thread
//! of its own for that was slower: under load it never found a moment in which the log could start
//! over, and syncing a file that grows costs more than overwriting one.

use super::file::{FileId, log_path};
use super::{rows, schema};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::{Error, Result};
use crate::model::stored::{AnswerState, Attempt, CaptureId};
use crate::world::StoreLocation;
use rusqlite::{Connection, params};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};

/// Most jobs in the queue; beyond that, senders wait for their responses.
const QUEUE: usize = 1024;
/// Capacity of the cache of prepared statements: more than there are.
const STATEMENTS: usize = 64;
/// Most jobs in one commit.
const MAX_BATCH: usize = 512;
/// Pause in which jobs gather while they come from several senders. The first job would otherwise
/// be committed alone, and a commit costs as much as twenty deliveries do otherwise.
const GATHERING_PAUSE: Duration = Duration::from_micros(300);

/// Disconnects when the store is closed. Nothing is ever sent on it.
pub(in crate::edge) type Closed = std::sync::mpsc::Receiver<()>;

/// A handle of the writer thread, which ends with the last handle.
#[derive(Clone)]
pub(in crate::edge) struct StoreWriter {
    queue: mpsc::Sender<WriteJob>,
    is_in_memory: bool,
}

/// A delivery to be recorded.
pub(in crate::edge) struct NewDelivery {
    pub received: Arc<AnalyzedDelivery>,
    pub answer: AnswerState,
    /// URLs that it is queued for.
    pub forwards: Vec<String>,
    /// Notified after the commit if there is something to forward.
    pub wake: Arc<Notify>,
}

/// One unit of work, with the channel for its result.
enum WriteJob {
    Insert(NewDelivery, oneshot::Sender<WriteResult<CaptureId>>),
    /// Any other work within the transaction. `None`: it was tried, and its commit failed.
    Task(Option<WriteTask>, oneshot::Sender<WriteResult<()>>),
}

type WriteTask = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

/// The error is a message for the user.
type WriteResult<T> = std::result::Result<T, String>;

impl StoreWriter {
    /// Opens the store and starts the writer thread.
    pub fn start(location: &StoreLocation) -> Result<(Self, Closed)> {
        let (path, connection) = match location {
            StoreLocation::File(path) => (Some(path.clone()), schema::open(path)?),
            StoreLocation::Memory => (None, schema::in_memory()?),
        };
        let writer = WriterThread::new(path, connection);
        let writer = writer.map_err(|error| Error::failed("can't read the store").because(error))?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (open, closed) = std::sync::mpsc::channel();
        let started = thread::Builder::new().name("store".to_owned()).spawn(move || {
            // Dropped after the store is closed.
            let _open = open;
            writer.run(jobs);
        });
        started.map_err(|error| Error::failed("can't start the store's thread").because(error))?;
        Ok((Self { queue, is_in_memory: matches!(location, StoreLocation::Memory) }, closed))
    }

    /// Returns true if deliveries are stored only until they are forwarded.
    pub fn is_in_memory(&self) -> bool {
        self.is_in_memory
    }

    /// Records a delivery. When this returns, it is on disk.
    pub async fn insert(&self, delivery: NewDelivery) -> WriteResult<CaptureId> {
        self.submit(|done| WriteJob::Insert(delivery, done)).await
    }

    /// Records the answer that the provider got from the app.
    pub async fn record_answer(&self, row: i64, answer: AnswerState, attempt: Attempt) -> WriteResult<()> {
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
    connection: Connection,
    /// Row number of the next delivery.
    next_row: i64,
    /// Identity of the file that was opened, to notice when it is removed or replaced.
    file: Option<FileId>,
    /// Identity of its write-ahead log. `None`: there was none so far.
    log: Option<FileId>,
}

/// Result of a job whose batch was committed or refused.
enum JobResult {
    Inserted(CaptureId),
    Refused(String),
    TaskDone(WriteResult<()>),
}

enum CommitError {
    /// Nothing of the batch is in the store.
    Failed(String),
    /// The file was removed while it was written to. What is in the store is unknown.
    FileRemoved,
}

impl WriterThread {
    fn new(path: Option<PathBuf>, connection: Connection) -> rusqlite::Result<Self> {
        let file = path.as_deref().and_then(FileId::of);
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self { path, connection, next_row: 1, file, log: None })
    }

    /// Takes one job, waits for others if there are several senders, and commits them together,
    /// until there is no handle left.
    fn run(mut self, mut queue: mpsc::Receiver<WriteJob>) {
        let mut last_batch = 0;
        while let Some(first) = queue.blocking_recv() {
            if last_batch > 1 {
                thread::sleep(GATHERING_PAUSE);
            }
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && let Ok(job) = queue.try_recv()
            {
                batch.push(job);
            }
            last_batch = batch.len();
            self.process(batch);
        }
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
        let results = self.reopen_if_replaced().and_then(|()| self.run_transaction(jobs).map_err(message));
        if results.is_err() && !self.connection.is_autocommit() {
            // If this fails, the next BEGIN fails too, and its jobs are refused.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        let results = results.map_err(CommitError::Failed)?;
        // What was written to a removed file is lost.
        if self.is_in_place() { Ok(results) } else { Err(CommitError::FileRemoved) }
    }

    fn run_transaction(&mut self, jobs: &mut [WriteJob]) -> rusqlite::Result<Vec<JobResult>> {
        execute(&self.connection, "BEGIN IMMEDIATE")?;
        let sql = "SELECT max(next, 1 + (SELECT coalesce(max(id), 0) FROM deliveries)) FROM next_id";
        let next: i64 = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        self.next_row = self.next_row.max(next);
        let results = jobs.iter_mut().map(|job| match job {
            WriteJob::Insert(delivery, _) => {
                let row = self.next_row;
                self.next_row += 1;
                try_insert(delivery, row, &self.connection)
            }
            WriteJob::Task(task, _) => try_task(task.take(), &self.connection).map(JobResult::TaskDone),
        });
        let results = results.collect::<rusqlite::Result<_>>()?;
        execute(&self.connection, "COMMIT")?;
        Ok(results)
    }

    /// Returns true if the opened files are still in place. The log appears with the first commit.
    fn is_in_place(&mut self) -> bool {
        let Some(path) = &self.path else { return true };
        let log = FileId::of(&log_path(path));
        self.log = self.log.or(log);
        self.file.is_some() && FileId::of(path) == self.file && log == self.log
    }

    /// Opens the store again if one of its files was removed or replaced. If only the log was, its
    /// content is first copied into the database.
    fn reopen_if_replaced(&mut self) -> WriteResult<()> {
        if self.is_in_place() {
            return Ok(());
        }
        let Some(path) = self.path.clone() else { return Ok(()) };
        if FileId::of(&path) == self.file {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(message)?;
        }
        let opened = schema::open(&path).map_err(|error| error.to_string())?;
        *self = Self::new(Some(path), opened).map_err(message)?;
        Ok(())
    }
}

impl CommitError {
    fn message(&self) -> &str {
        match self {
            Self::Failed(message) => message,
            Self::FileRemoved => "the store's file was removed while it was written to",
        }
    }
}

impl WriteJob {
    /// Sends the result. It is dropped if the client has disconnected.
    fn finish(self, result: JobResult) {
        match (self, result) {
            (Self::Insert(delivery, done), JobResult::Inserted(recorded)) => {
                drop(done.send(Ok(recorded)));
                // A recorded delivery is forwarded even if the client has disconnected.
                if !delivery.forwards.is_empty() {
                    delivery.wake.notify_one();
                }
            }
            (Self::Task(_, done), JobResult::TaskDone(result)) => drop(done.send(result)),
            (job, JobResult::Refused(message)) => job.refuse(&message),
            (job, _) => job.refuse("the store mixed up its results"),
        }
    }

    fn refuse(self, message: &str) {
        match self {
            Self::Insert(_, done) => drop(done.send(Err(message.to_owned()))),
            Self::Task(_, done) => drop(done.send(Err(message.to_owned()))),
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
fn try_insert(delivery: &NewDelivery, row: i64, connection: &Connection) -> rusqlite::Result<JobResult> {
    let Err(error) = insert(delivery, row, connection) else {
        return Ok(JobResult::Inserted(CaptureId(row)));
    };
    if connection.is_autocommit() {
        return Err(error);
    }
    for sql in [
        "DELETE FROM forwards WHERE delivery = ?1",
        "DELETE FROM contents WHERE delivery = ?1",
        "DELETE FROM deliveries WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([row])?;
    }
    Ok(JobResult::Refused(error.to_string()))
}

fn insert(delivery: &NewDelivery, row: i64, connection: &Connection) -> rusqlite::Result<()> {
    let received = &delivery.received;
    rows::insert(connection, row, received, delivery.answer)?;
    let due = received.delivery.arrived.map_or(0, rows::micros);
    for url in &delivery.forwards {
        let object = received.event.subject.clone().or_else(|| received.event.id.clone());
        let object = object.unwrap_or_else(|| row.to_string());
        connection
            .prepare_cached("INSERT INTO forwards (delivery, url, object, due) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![row, url, object, due])?;
    }
    Ok(())
}
