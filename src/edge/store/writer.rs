//! The writer: one thread that records what a listener receives. Orders that wait together are committed together, so that many
//! deliveries share one sync; nobody is told that something is recorded before that commit is done. Where one of them can't be
//! recorded, each is tried by itself, so that none is refused for another.

use super::bell::{Bell, Cord};
use super::checkpoint::Checkpoints;
use super::file::{FileId, log_of};
use super::names::Names;
use super::{rows, schema};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::{Error, Result};
use crate::model::stored::{AnswerState, Attempt, Id};
use crate::world::StoreLocation;
use rusqlite::{Connection, params};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use tokio::sync::{Notify, mpsc, oneshot};

/// How many orders may wait; beyond it senders wait for their answers.
const WAITING: usize = 1024;
/// How many statements stay ready: all that are used.
const STATEMENTS: usize = 64;
/// How many orders share a commit at most.
const TOGETHER: usize = 512;

/// Hears when a store is closed: it is never told anything else.
pub(in crate::edge) type Closed = std::sync::mpsc::Receiver<()>;

/// A way to the writer's thread, for many.
#[derive(Clone)]
pub(in crate::edge) struct Writer {
    /// Dropped before the bell, which is rung when the last is dropped.
    orders: mpsc::Sender<Order>,
    bell: Arc<Bell>,
    forgets: bool,
}

/// A delivery to be recorded.
pub(in crate::edge) struct Append {
    pub received: Arc<AnalyzedDelivery>,
    pub answer: AnswerState,
    /// Where it is to be forwarded.
    pub forwards: Vec<String>,
    /// Told after the commit, when there is something to forward.
    pub wake: Arc<Notify>,
}

/// Where a delivery is recorded.
#[derive(Clone, Debug)]
pub(in crate::edge) struct Recorded {
    /// Its place in the store.
    pub place: i64,
    pub id: Id,
}

/// Something to be done in the database. Each brings the way on which its outcome goes back.
enum Order {
    Append(Append, oneshot::Sender<Outcome<Recorded>>),
    /// Anything else, on the open transaction; it sends its own outcome after the commit. `None`: it was tried.
    Task(Option<Task>, oneshot::Sender<Outcome<()>>),
}

/// What is done within a transaction.
type Task = Box<dyn FnOnce(&Connection, Names) -> rusqlite::Result<()> + Send>;

/// Why something is not recorded, in words.
type Outcome<T> = std::result::Result<T, String>;

impl Writer {
    /// Opens the store and starts its thread, which ends with the last `Writer`. When it has closed the store, the receiver
    /// hears of it, since nobody is left to tell. Orders come from tasks of the runtime that this is called in.
    pub fn start(keep: &StoreLocation) -> Result<(Self, Closed)> {
        let (path, connection) = match keep {
            StoreLocation::File(path) => (Some(path.clone()), schema::open(path)?),
            StoreLocation::Memory => (None, schema::in_memory()?),
        };
        let (orders, waiting) = mpsc::channel(WAITING);
        let desk = Desk::new(path, connection).map_err(|error| Error::failed("can't read the store").because(error))?;
        let (open, closed) = std::sync::mpsc::channel();
        let (outcomes, told) = mpsc::unbounded_channel();
        let cord = Arc::new(Cord::default());
        let pulled = Arc::clone(&cord);
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || {
            let _until_it_is_closed = open;
            desk.work(waiting, &outcomes, &pulled);
        });
        let thread = thread.map_err(|error| Error::failed("can't start the store's thread").because(error))?;
        tokio::spawn(herald(told));
        let bell = Arc::new(Bell::of(thread.thread().clone(), cord));
        Ok((Self { orders, bell, forgets: matches!(keep, StoreLocation::Memory) }, closed))
    }

    /// Whether deliveries are kept only until they are sent on.
    pub fn forgets(&self) -> bool {
        self.forgets
    }

    /// Records a delivery; when this returns, it is on disk.
    pub async fn append(&self, append: Append) -> Outcome<Recorded> {
        self.order(|done| Order::Append(append, done)).await
    }

    /// Records what a delivery was answered, and by whom.
    pub async fn answered(&self, delivery: i64, answer: AnswerState, attempt: Attempt) -> Outcome<()> {
        self.ask(move |connection, _| {
            let sql = "UPDATE deliveries SET answered = ?2 WHERE seq = ?1";
            connection.prepare_cached(sql)?.execute(params![delivery, answer.code()])?;
            rows::insert_attempt(connection, delivery, &attempt)
        })
        .await
    }

    /// Does something in the database; when this returns what it found, what it changed is on disk.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection, Names) -> rusqlite::Result<T> + Send + 'static,
    ) -> Outcome<T> {
        let (found, answer) = std::sync::mpsc::channel();
        let task: Task = Box::new(move |connection, names| {
            let value = question(connection, names)?;
            // Nobody waits any more: then nobody needs the answer.
            let _ = found.send(value);
            Ok(())
        });
        self.order(|done| Order::Task(Some(task), done)).await?;
        answer.try_recv().map_err(|_| "the store gave no answer".to_owned())
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<Outcome<T>>) -> Order) -> Outcome<T> {
        let gone = || "the store's thread has ended".to_owned();
        let (done, outcome) = oneshot::channel();
        self.orders.send(order(done)).await.map_err(|_| gone())?;
        self.bell.pull();
        outcome.await.map_err(|_| gone())?
    }
}

/// The thread's own.
struct Desk {
    /// `None`: in memory.
    path: Option<PathBuf>,
    /// Dropped before the connection. `None`: SQLite brings the log into the database by itself.
    checkpoints: Option<Checkpoints>,
    connection: Connection,
    names: Names,
    /// The place after the last that was given.
    next: i64,
    /// Which file was opened, to see when another or none is in its place.
    file: Option<FileId>,
    /// Its write-ahead log. `None`: there was none so far.
    log: Option<FileId>,
}

/// How an order was carried out.
enum Done {
    Recorded(Recorded),
    Refused(String),
    Told(Outcome<()>),
}

/// Orders that were committed or refused together.
type Batch = Vec<(Order, Done)>;

/// Why a batch was not committed.
enum Undone {
    /// Nothing of it is in the store.
    Failed(String),
    /// Nobody knows what is.
    Gone,
}

impl Desk {
    fn new(path: Option<PathBuf>, connection: Connection) -> rusqlite::Result<Self> {
        let file = path.as_deref().and_then(FileId::of);
        let names = Names::of(&connection)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let checkpoints = path.as_deref().and_then(|path| Checkpoints::of(path, &connection));
        Ok(Self { path, connection, names, next: 1, checkpoints, file, log: None })
    }

    fn work(mut self, mut orders: mpsc::Receiver<Order>, outcomes: &mpsc::UnboundedSender<Batch>, cord: &Cord) {
        while !(orders.is_closed() && orders.is_empty()) {
            // The bell may ring while nobody waits for it: then this does not wait. Once too often does no harm. When nobody can
            // order any more, nobody rings either, and the last ring may have been forgotten below.
            if !orders.is_closed() {
                thread::park();
            }
            let mut is_full = true;
            while is_full {
                let together: Vec<_> = std::iter::from_fn(|| orders.try_recv().ok()).take(TOGETHER).collect();
                is_full = together.len() == TOGETHER;
                self.work_off(together, outcomes);
            }
            // Those who were told just now may have more to order: what came meanwhile waits for them.
            if !orders.is_empty() {
                cord.pull_anew();
            }
        }
    }

    /// Carries orders out together, or where that fails one by one.
    fn work_off(&mut self, mut orders: Vec<Order>, outcomes: &mpsc::UnboundedSender<Batch>) {
        if orders.is_empty() {
            return;
        }
        let done = match self.commit(&mut orders) {
            Ok(done) => done,
            Err(Undone::Failed(_)) if orders.len() > 1 => {
                return orders.into_iter().for_each(|order| self.work_off(vec![order], outcomes));
            }
            Err(undone) => orders.iter().map(|_| Done::Refused(undone.reason().to_owned())).collect(),
        };
        let bytes = orders.iter().map(Order::size).sum();
        // Nobody waits any more when this fails.
        let _ = outcomes.send(orders.into_iter().zip(done).collect());
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.committed(bytes, &self.connection);
        }
    }

    /// Carries orders out in one transaction: all of them, or none.
    fn commit(&mut self, orders: &mut [Order]) -> std::result::Result<Vec<Done>, Undone> {
        let done = self.ready().and_then(|()| self.carry_out(orders).map_err(told));
        if done.is_err() && !self.connection.is_autocommit() {
            // Where this fails the transaction is over as well: it can't be begun anew, and everything is refused.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        let done = done.map_err(Undone::Failed)?;
        // What was written to a file that was removed meanwhile is lost with it.
        if self.is_in_place() { Ok(done) } else { Err(Undone::Gone) }
    }

    fn carry_out(&mut self, orders: &mut [Order]) -> rusqlite::Result<Vec<Done>> {
        run(&self.connection, "BEGIN IMMEDIATE")?;
        let sql = "SELECT max(next, 1 + (SELECT coalesce(max(seq), 0) FROM deliveries)) FROM numbering";
        let next: i64 = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        self.next = self.next.max(next);
        let done = orders.iter_mut().map(|order| match order {
            Order::Append(append, _) => {
                let place = self.next;
                self.next += 1;
                try_to_insert(append, place, self.names, &self.connection)
            }
            Order::Task(task, _) => try_out(task.take(), self.names, &self.connection).map(Done::Told),
        });
        let done = done.collect::<rusqlite::Result<_>>()?;
        run(&self.connection, "COMMIT")?;
        Ok(done)
    }

    /// Whether the files that were opened are still the ones of their names. The write-ahead log comes with the first commit.
    fn is_in_place(&mut self) -> bool {
        let Some(path) = &self.path else { return true };
        let log = FileId::of(&log_of(path));
        self.log = self.log.or(log);
        self.file.is_some() && FileId::of(path) == self.file && log == self.log
    }

    /// Opens the store anew when a file of it was removed or replaced. What stands in a removed log is brought into the database
    /// first, where that is still there.
    fn ready(&mut self) -> Outcome<()> {
        if self.is_in_place() {
            return Ok(());
        }
        let Some(path) = self.path.clone() else { return Ok(()) };
        if FileId::of(&path) == self.file {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(told)?;
        }
        let opened = schema::open(&path).map_err(|error| error.to_string())?;
        *self = Self::new(Some(path), opened).map_err(told)?;
        Ok(())
    }
}

impl Undone {
    fn reason(&self) -> &str {
        match self {
            Self::Failed(reason) => reason,
            Self::Gone => GONE,
        }
    }
}

/// Tells those who wait. A task of their own runtime does it, so that the writer's thread wakes that once a batch and not once an order.
async fn herald(mut outcomes: mpsc::UnboundedReceiver<Batch>) {
    while let Some(batch) = outcomes.recv().await {
        batch.into_iter().for_each(|(order, done)| order.tell(done));
    }
}

/// Why a commit does not count.
const GONE: &str = "the store's file was removed while it was written to";

impl Order {
    /// Nobody waits for the outcome when the client has gone; that is as it should be.
    fn tell(self, done: Done) {
        match (self, done) {
            (Self::Append(append, told), Done::Recorded(recorded)) => {
                drop(told.send(Ok(recorded)));
                // Also when the client has gone and nobody waits: what is recorded is to be sent on.
                if !append.forwards.is_empty() {
                    append.wake.notify_one();
                }
            }
            (Self::Task(_, told), Done::Told(outcome)) => drop(told.send(outcome)),
            (order, Done::Refused(reason)) => order.refuse(&reason),
            (order, _) => order.refuse("the store mixed its orders up"),
        }
    }

    /// About how many bytes it takes in the store.
    fn size(&self) -> usize {
        let row = 512;
        match self {
            Self::Append(append, _) => {
                let request = &append.received.delivery.request;
                request.body.len() + request.headers.as_bytes().len() + row
            }
            Self::Task(..) => row,
        }
    }

    fn refuse(self, reason: &str) {
        match self {
            Self::Append(_, done) => drop(done.send(Err(reason.to_owned()))),
            Self::Task(_, done) => drop(done.send(Err(reason.to_owned()))),
        }
    }
}

fn told(error: rusqlite::Error) -> String {
    error.to_string()
}

/// A statement without parameters, made ready once.
fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// A question that can't be answered is no reason to refuse deliveries: it leaves nothing behind, and is told so.
fn try_out(task: Option<Task>, names: Names, connection: &Connection) -> rusqlite::Result<Outcome<()>> {
    let Some(task) = task else { return Ok(Err("the store could not be written".to_owned())) };
    run(connection, "SAVEPOINT task")?;
    let outcome = task(connection, names);
    match outcome {
        // Grave errors end the whole transaction.
        Err(error) if connection.is_autocommit() => return Err(error),
        Err(_) => run(connection, "ROLLBACK TO task")?,
        Ok(()) => {}
    }
    run(connection, "RELEASE task")?;
    Ok(outcome.map_err(told))
}

/// One that can't be recorded leaves nothing behind, and those beside it are.
fn try_to_insert(append: &Append, place: i64, names: Names, connection: &Connection) -> rusqlite::Result<Done> {
    let Err(error) = insert(append, place, names, connection) else {
        return Ok(Done::Recorded(Recorded { place, id: names.id(place) }));
    };
    if connection.is_autocommit() {
        return Err(error);
    }
    for sql in [
        "DELETE FROM forwards WHERE delivery = ?1",
        "DELETE FROM contents WHERE seq = ?1",
        "DELETE FROM deliveries WHERE seq = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([place])?;
    }
    Ok(Done::Refused(error.to_string()))
}

fn insert(append: &Append, place: i64, names: Names, connection: &Connection) -> rusqlite::Result<()> {
    let received = &append.received;
    rows::insert(connection, place, received, append.answer)?;
    let due = received.delivery.arrived.map_or(0, rows::micros);
    for url in &append.forwards {
        let object = received.event.subject.clone().or_else(|| received.event.id.clone());
        let object = object.unwrap_or_else(|| names.id(place));
        connection
            .prepare_cached("INSERT INTO forwards (delivery, url, object, due) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![place, url, object, due])?;
    }
    Ok(())
}
