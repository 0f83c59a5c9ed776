//! Records what a listener receives, and the state of its queue to the app.

use super::postgres::PostgresWriter;
use super::queue::{DueDeliveries, DueDelivery, DueQuery, EntryState, NewEntries};
use super::sqlite::SqliteWriter;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::Result;
use crate::model::stored::{AnswerState, Attempt, CaptureId, ResumedDeliveries};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::world::StoreLocation;
use std::sync::Arc;
use tokio::sync::Notify;

/// Disconnects when the store is closed. Nothing is ever sent on it.
pub(in crate::edge) type Closed = std::sync::mpsc::Receiver<()>;

/// The error is a message for the user.
pub(in crate::edge) type WriteResult<T> = std::result::Result<T, String>;

/// A delivery to be recorded.
pub(in crate::edge) struct NewDelivery {
    pub received: Arc<AnalyzedDelivery>,
    pub answer: AnswerState,
    /// URLs that it is queued for. In a store that is shared, `queue_new` queues it.
    pub forwards: Vec<String>,
    /// URL of the app that gets it directly and answers it.
    pub passed_to: Option<String>,
    /// Notified after the commit if there is something to forward.
    pub wake: Arc<Notify>,
}

/// The result of recording a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::edge) struct Insertion {
    /// `None`: it was refused, and there was no room for it.
    pub id: Option<CaptureId>,
    /// A fact about the store that the user should know.
    pub note: Option<String>,
}

pub(in crate::edge) struct WriterOptions {
    /// Most bytes that unverified captures may take.
    pub refused_limit: u64,
    /// Names the listener among all that write to a store: `user@host:port`.
    pub listener: String,
}

/// A handle of the writer of a listener's store, which ends with the last handle.
#[derive(Clone)]
pub(in crate::edge) enum StoreWriter {
    Sqlite(SqliteWriter),
    Postgres(PostgresWriter),
}

/// Calls a method of the writer that this one stands for.
macro_rules! dispatch {
    ($self:ident, $writer:ident => $call:expr) => {
        match $self {
            Self::Sqlite($writer) => $call,
            Self::Postgres($writer) => $call,
        }
    };
}

impl StoreWriter {
    /// Opens the store and starts its writer. Must be called within the runtime.
    pub fn start(location: &StoreLocation, options: &WriterOptions) -> Result<(Self, Closed)> {
        let sqlite = |path| {
            SqliteWriter::start(path, options.refused_limit).map(|(writer, closed)| (Self::Sqlite(writer), closed))
        };
        match location {
            StoreLocation::File(path) => sqlite(Some(path.as_path())),
            StoreLocation::Memory => sqlite(None),
            StoreLocation::Postgres(store) => {
                let (writer, closed) = PostgresWriter::start(store, options)?;
                Ok((Self::Postgres(writer), closed))
            }
        }
    }

    /// Returns true if deliveries are stored only until they are forwarded.
    pub fn is_in_memory(&self) -> bool {
        matches!(self, Self::Sqlite(writer) if writer.is_in_memory())
    }

    /// Returns true if other listeners record deliveries in the same store, which are forwarded, too.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Records a delivery. When this returns, it is durable.
    pub async fn insert(&self, delivery: NewDelivery) -> WriteResult<Insertion> {
        dispatch!(self, writer => writer.insert(delivery).await)
    }

    /// Records the answer that the provider got from the app.
    pub async fn record_answer(&self, delivery: CaptureId, answer: AnswerState, attempt: Attempt) -> WriteResult<()> {
        dispatch!(self, writer => writer.record_answer(delivery, answer, attempt).await)
    }

    /// Joins the forwarding group of the store. New URLs of the group get what is received from now
    /// on.
    pub async fn join_group(&self, urls: &[String]) -> WriteResult<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(writer) => writer.join_group(urls).await,
        }
    }

    /// Queues the deliveries that any listener has received since the last call, if the store is
    /// shared; otherwise `insert` has queued them. Returns true if there are more.
    pub async fn queue_new(&self, entries: &NewEntries) -> WriteResult<bool> {
        match self {
            Self::Sqlite(_) => Ok(false),
            Self::Postgres(writer) => writer.queue_new(entries).await,
        }
    }

    /// Waits until another process may have changed the queue.
    pub async fn wait_for_work(&self) {
        match self {
            Self::Sqlite(_) => std::future::pending().await,
            Self::Postgres(writer) => writer.wait_for_work().await,
        }
    }

    /// Keeps the entries that this process is sending from others for longer. SQLite reserves them
    /// for the whole time of an attempt.
    pub async fn extend_leases(&self) -> WriteResult<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(writer) => writer.extend_leases().await,
        }
    }

    /// Gives back the entries that this process has reserved, at its end.
    pub async fn release_leases(&self) -> WriteResult<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(writer) => writer.release_leases().await,
        }
    }

    /// Resumes the entries for these URLs, those given up included, unless they arrived before
    /// `oldest`. None is due after `latest` then.
    pub async fn resume(
        &self,
        urls: &[String],
        oldest: Timestamp,
        latest: Timestamp,
    ) -> WriteResult<ResumedDeliveries> {
        dispatch!(self, writer => writer.resume(urls, oldest, latest).await)
    }

    /// Makes the waiting entries for these URLs due earlier, after the clock was set back. In
    /// PostgreSQL they follow the server's clock.
    pub async fn set_back(&self, urls: &[String], by: SignedDuration) -> WriteResult<()> {
        match self {
            Self::Sqlite(writer) => writer.set_back(urls, by).await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Queues a delivery for these URLs, due at once and with all retries. Returns false if it is not
    /// in the store.
    pub async fn requeue(&self, delivery: CaptureId, urls: Vec<String>) -> WriteResult<bool> {
        dispatch!(self, writer => writer.requeue(delivery, urls).await)
    }

    /// Returns the due deliveries and reserves them.
    pub async fn due(&self, query: DueQuery) -> WriteResult<DueDeliveries> {
        dispatch!(self, writer => writer.due(query).await)
    }

    /// Records an attempt and the new state of its queue entry.
    pub async fn record_attempt(
        &self,
        due: &DueDelivery,
        attempt: Attempt,
        state: EntryState,
        retry_at: Option<Timestamp>,
    ) -> WriteResult<()> {
        dispatch!(self, writer => writer.record_attempt(due, attempt, state, retry_at).await)
    }
}
