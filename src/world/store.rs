//! Access to the store of received deliveries.

use super::PostgresUrl;
use crate::model::error::Result;
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::stored::{
    AmountTotal, Attempt, CaptureId, CopiedCapture, DeliverySummary, HourlyCount, OpenQueue, PrunePlan, Query,
    RecentEvent, ReferenceMatch, StateRow, StoreHealth, StoredCapture, Undelivered,
};
use crate::model::timestamp::Timestamp;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Free space below which the bodies of unverified captures are not stored, in bytes.
pub const MIN_FREE_FOR_BODIES: u64 = 64 << 20;

/// Free space below which unverified captures are not stored at all, in bytes.
pub const MIN_FREE: u64 = 16 << 20;

/// The place of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// A database file, synced before a delivery is acknowledged.
    File(PathBuf),
    /// Memory, for as long as the listener runs.
    Memory,
    /// A database that a team shares.
    Postgres(PostgresStore),
}

/// Inbox of a PostgreSQL store if none is named.
pub const DEFAULT_INBOX: &str = "default";

/// An inbox in a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresStore {
    pub url: PostgresUrl,
    /// Separates streams of deliveries in one database, such as those of several CI runs.
    pub inbox: String,
    /// Forwarding group. Its members share the work; other groups get their own copy.
    pub group: String,
}

impl StoreLocation {
    /// Returns the path of the file. `None`: it is none.
    pub fn path(&self) -> Option<&Path> {
        if let Self::File(path) = self { Some(path) } else { None }
    }
}

/// Formats it for messages, without a password.
impl fmt::Display for StoreLocation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(out),
            Self::Memory => out.write_str("memory"),
            Self::Postgres(PostgresStore { url, inbox, .. }) if inbox == DEFAULT_INBOX => url.fmt(out),
            Self::Postgres(PostgresStore { url, inbox, .. }) => write!(out, "{url} (inbox {inbox})"),
        }
    }
}

/// Treatment of a missing store by `prepare_store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingStore {
    Create,
    Refuse,
}

/// The result of `prepare_store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaChange {
    Created,
    Upgraded { from: String, to: String },
    UpToDate,
}

/// Keeps other processes from the same use of a store until it is dropped.
pub trait StoreLock {
    /// Checks that the lock is still held, and takes it again if the server was away. Returns false
    /// if another process has it.
    fn renew(&mut self) -> Result<bool>;
}

/// The store of received deliveries. Several processes may have it open at once.
pub trait Store {
    /// Returns the deliveries that match, newest last.
    fn list(&mut self, query: &Query) -> Result<Vec<DeliverySummary>> {
        Ok(self.list_newest(query)?.deliveries)
    }
    /// Returns the deliveries that match, newest last, and the place after everything that is in the
    /// store, to follow it from there.
    fn list_newest(&mut self, query: &Query) -> Result<DeliveryPage>;
    /// Calls `each` with every delivery that matches, newest last. Memory does not grow with their
    /// number. The query has no limit.
    fn for_each_summary(&mut self, query: &Query, each: &mut dyn FnMut(DeliverySummary) -> Result<()>) -> Result<()>;
    /// Returns the first `limit` deliveries that match and became visible after this place, in that
    /// order, and the place to continue from. Fewer than `limit`: there are no more at present.
    /// `None`: the store was replaced or set back since, so the place means nothing in it.
    fn list_after(&mut self, query: &Query, after: &StoreCursor) -> Result<Option<DeliveryPage>>;
    /// Waits until there may be deliveries that `list_after` has not returned, at most this long.
    /// Returns true if there may be some; the first call does so at once.
    fn wait_for_change(&mut self, timeout: Duration) -> Result<bool>;
    /// Returns false if another store is in the place of this one, or none.
    fn is_in_place(&mut self) -> bool;
    /// Loads a capture with its attempts. `None`: none has this id.
    fn load(&mut self, id: CaptureId) -> Result<Option<StoredCapture>>;
    /// Calls `each` with every delivery that matches, newest last. Memory does not grow with their
    /// number. Deliveries that arrive meanwhile are left out.
    fn for_each(&mut self, query: &Query, each: &mut dyn FnMut(StoredCapture) -> Result<()>) -> Result<()>;
    /// Counts the deliveries that match by provider, type, verdict and hour, oldest hour first.
    fn count_by_hour(&mut self, query: &Query) -> Result<Vec<HourlyCount>>;
    /// Adds up the verified events that match, by provider, type and currency.
    fn sum_amounts(&mut self, query: &Query) -> Result<Vec<AmountTotal>>;
    /// Returns the scope of `prune` without removing anything.
    fn plan_prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<PrunePlan>;
    /// Removes the deliveries that arrived before this time, returns their number, and returns free
    /// pages to the file system. A listener can record meanwhile.
    fn prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<u64>;
    /// Adds an attempt to a delivery. If it succeeded, the delivery is no longer queued for that
    /// URL.
    fn add_attempt(&mut self, id: CaptureId, attempt: &Attempt) -> Result<()>;
    /// Returns the queues in which deliveries are still to be forwarded, ordered by URL.
    fn open_queues(&mut self) -> Result<Vec<OpenQueue>>;
    /// Counts the deliveries that are queued for these URLs.
    fn count_pending(&mut self, urls: &[Url]) -> Result<u64>;
    /// Returns the deliveries with this event id, reference or subject, oldest first. Many calls in a
    /// row are fast.
    fn find_by_reference(&mut self, reference: &str) -> Result<Vec<ReferenceMatch>>;
    /// Measures the store, and finds what is wrong with it.
    fn check_health(&mut self) -> Result<StoreHealth>;
    /// Returns the next captures after this number, oldest first, for another store. Empty: there are
    /// no more.
    fn copies_after(&mut self, after: i64) -> Result<Vec<CopiedCapture>>;
    /// Inserts captures of another store under their numbers, all or none. They are not forwarded.
    fn insert_copies(&mut self, copies: &[CopiedCapture]) -> Result<()>;
    /// Returns all rows that commands keep as their state.
    fn all_state(&mut self) -> Result<Vec<StateRow>>;
    /// Returns the rows of these kinds that a command keeps as its state.
    fn state_rows(&mut self, kinds: &[&str]) -> Result<Vec<StateRow>>;
    /// Returns the value of one row of a state. `None`: there is no such row.
    fn state_row(&mut self, kind: &str, key: &str) -> Result<Option<Vec<u8>>>;
    /// Writes and removes rows of a state, all or none. When this returns, they are on disk.
    fn write_state(&mut self, rows: &[StateRow]) -> Result<()>;
    /// Returns the latest verified events, newest last.
    fn recent_events(&mut self, limit: u64) -> Result<Vec<RecentEvent>>;
}
