//! The writer: one thread that records what a listener receives. Orders that wait together are committed together, so that many
//! deliveries share one sync; nobody is told that something is recorded before that commit is done.

use super::{rows, schema};
use crate::delivery::Received;
use crate::error::Result;
use crate::kept::{Attempt, Id};
use crate::world::Keep;
use rusqlite::{Connection, TransactionBehavior};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use tokio::sync::{Notify, mpsc, oneshot};

/// How many orders may wait; beyond it senders wait for their answers.
const WAITING: usize = 1024;
/// How many orders share a commit at most.
const TOGETHER: usize = 512;

/// A way to the writer's thread, for many.
#[derive(Clone)]
pub(in crate::edge) struct Writer {
    orders: mpsc::Sender<Order>,
    forgets: bool,
}

/// A delivery to be recorded.
pub(in crate::edge) struct Append {
    pub received: Arc<Received>,
    pub answered: u16,
    /// Where it is to be forwarded.
    pub forwards: Vec<String>,
    /// What was tried already.
    pub attempt: Option<Attempt>,
    /// Told after the commit, when there is something to forward.
    pub wake: Arc<Notify>,
}

/// Something to be done in the database. Each brings the way on which its outcome goes back.
enum Order {
    Append(Append, oneshot::Sender<Outcome<Id>>),
    /// Anything else, on the open transaction; it sends its own outcome after the commit.
    Task(Task, oneshot::Sender<Outcome<()>>),
}

/// What is done within a transaction.
type Task = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

/// Why something is not recorded, in words.
type Outcome<T> = std::result::Result<T, String>;

impl Writer {
    /// Opens the store and starts its thread, which ends with the last `Writer`.
    pub fn start(keep: &Keep) -> Result<Self> {
        let (path, connection) = match keep {
            Keep::File(path) => (Some(path.clone()), schema::open(path)?),
            Keep::Memory => (None, schema::in_memory()?),
        };
        let (orders, waiting) = mpsc::channel(WAITING);
        thread::spawn(move || Desk::new(path, connection).work(waiting));
        Ok(Self { orders, forgets: matches!(keep, Keep::Memory) })
    }

    /// Whether deliveries are kept only until they are sent on.
    pub fn forgets(&self) -> bool {
        self.forgets
    }

    /// Records a delivery; when this returns its id, it is on disk.
    pub async fn append(&self, append: Append) -> Outcome<Id> {
        self.order(|done| Order::Append(append, done)).await
    }

    /// Does something in the database; when this returns what it found, what it changed is on disk.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Outcome<T> {
        let (found, answer) = std::sync::mpsc::channel();
        let task: Task = Box::new(move |connection| {
            let value = question(connection)?;
            // Nobody waits any more: then nobody needs the answer.
            let _ = found.send(value);
            Ok(())
        });
        self.order(|done| Order::Task(task, done)).await?;
        answer.try_recv().map_err(|_| "the store gave no answer".to_owned())
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<Outcome<T>>) -> Order) -> Outcome<T> {
        let gone = || "the store's thread has ended".to_owned();
        let (done, outcome) = oneshot::channel();
        self.orders.send(order(done)).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

/// The thread's own.
struct Desk {
    /// `None`: in memory.
    path: Option<PathBuf>,
    connection: Connection,
    /// Which file was opened, to see when another or none is in its place.
    file: Option<FileId>,
    /// Its write-ahead log. `None`: there was none so far.
    log: Option<FileId>,
}

/// An order that was carried out, and waits for the commit.
enum Done {
    Append(oneshot::Sender<Outcome<Id>>, Id, Option<Arc<Notify>>),
    /// It failed by itself, and was told so.
    Refused,
    Task(oneshot::Sender<Outcome<()>>),
}

impl Done {
    /// Nobody waits for the outcome when the client has gone; that is as it should be.
    fn tell(self, outcome: &Outcome<()>) {
        match self {
            Self::Append(done, id, wake) => {
                drop(done.send(outcome.clone().map(|()| id)));
                // Also when the client has gone and nobody waits: what is recorded is to be sent on.
                wake.filter(|_| outcome.is_ok()).inspect(|wake| wake.notify_one());
            }
            Self::Refused => {}
            Self::Task(done) => drop(done.send(outcome.clone())),
        }
    }
}

impl Desk {
    fn new(path: Option<PathBuf>, connection: Connection) -> Self {
        let file = path.as_deref().and_then(FileId::of);
        Self { path, connection, file, log: None }
    }

    fn work(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut together = Vec::with_capacity(TOGETHER);
        while let Some(first) = orders.blocking_recv() {
            together.push(first);
            while together.len() < TOGETHER
                && let Ok(next) = orders.try_recv()
            {
                together.push(next);
            }
            self.commit(&mut together);
        }
    }

    /// Carries orders out in one transaction. All of them are recorded, or none.
    fn commit(&mut self, orders: &mut Vec<Order>) {
        let mut done = Vec::with_capacity(orders.len());
        let outcome = self.ready().and_then(|()| {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
            let mut waiting = std::mem::take(orders).into_iter();
            while let Some(order) = waiting.next() {
                match carry_out(order, &transaction) {
                    Ok(carried_out) => done.push(carried_out),
                    Err(reason) => {
                        orders.extend(waiting);
                        return Err(reason);
                    }
                }
            }
            transaction.commit().map_err(told)
        });
        // What was written to a file that was removed meanwhile is lost with it.
        let outcome = outcome.and_then(|()| if self.is_in_place() { Ok(()) } else { Err(GONE.to_owned()) });
        done.into_iter().for_each(|done| done.tell(&outcome));
        if let Err(reason) = &outcome {
            orders.drain(..).for_each(|order| order.refuse(reason));
        }
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
        *self = Self::new(Some(path), opened);
        Ok(())
    }
}

/// Why a commit does not count.
const GONE: &str = "the store's file was removed while it was written to";

/// The write-ahead log of a database.
fn log_of(path: &std::path::Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

impl Order {
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

fn carry_out(order: Order, connection: &Connection) -> Outcome<Done> {
    match order {
        Order::Append(append, done) => match insert(&append, connection) {
            Ok(id) => Ok(Done::Append(done, id, Some(append.wake).filter(|_| !append.forwards.is_empty()))),
            Err(error) => {
                let reason = error.to_string();
                // It is the first of those that are refused with the whole transaction.
                drop(done.send(Err(reason.clone())));
                Err(reason)
            }
        },
        // A question that can't be answered is no reason to refuse deliveries.
        Order::Task(task, done) => match task(connection) {
            Ok(()) => Ok(Done::Task(done)),
            Err(error) => {
                drop(done.send(Err(error.to_string())));
                Ok(Done::Refused)
            }
        },
    }
}

fn insert(append: &Append, connection: &Connection) -> rusqlite::Result<Id> {
    let id = rows::new_id();
    let received = &append.received;
    let delivery = rows::insert(connection, &id, received, append.answered)?;
    if let Some(attempt) = &append.attempt {
        rows::insert_attempt(connection, delivery, attempt)?;
    }
    let due = received.delivery.arrived.map_or(0, rows::micros);
    for url in &append.forwards {
        let object = received.event.subject.as_deref().or(received.event.id.as_deref()).unwrap_or(&id);
        connection
            .prepare_cached("INSERT INTO forwards (delivery, url, object, due) VALUES (?1, ?2, ?3, ?4)")?
            .execute(rusqlite::params![delivery, url, object, due])?;
    }
    Ok(id)
}

/// What tells one file from another of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &std::path::Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self(metadata.dev(), metadata.ino()))
    }

    /// An open file can't be removed there, so that any file of the name is the one.
    #[cfg(not(unix))]
    fn of(path: &std::path::Path) -> Option<Self> {
        path.exists().then_some(Self(0, 0))
    }
}
