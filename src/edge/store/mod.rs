//! The store: every delivery is durable in it before it is acknowledged.
//!
//! `sqlite` keeps it in a file or in memory, `postgres` in a database that a team shares. `writer`
//! records what a listener receives in either of them, and `queue` has the values of its forwarding
//! queue.

mod attempt_columns;
mod postgres;
mod queue;
mod sqlite;
mod unverified_space;
mod writer;

pub(in crate::edge) use postgres::creation_script;
pub(in crate::edge) use queue::{DueDeliveries, DueDelivery, DueQuery, EntryState, NewEntries};
pub(in crate::edge) use sqlite::free_space;
pub(in crate::edge) use writer::{Closed, Insertion, NewDelivery, StoreWriter, WriteResult, WriterOptions};

use crate::model::error::{Error, Result};
use crate::world::{MissingStore, SchemaChange, Store, StoreLocation, StoreLock};

/// Opens a store. A file is created if there is none.
pub(in crate::edge) fn open(location: &StoreLocation) -> Result<Box<dyn Store>> {
    match location {
        StoreLocation::File(path) => Ok(Box::new(sqlite::open(path)?)),
        StoreLocation::Memory => Err(in_memory()),
        StoreLocation::Postgres(store) => postgres::open(store),
    }
}

/// Returns true if there is a store to open; whether a database has one is found when it is opened. An
/// error: there is something that can't be one, or nobody may look.
pub(in crate::edge) fn exists(location: &StoreLocation) -> Result<bool> {
    match location {
        StoreLocation::File(path) => sqlite::exists(path),
        StoreLocation::Memory => Err(in_memory()),
        StoreLocation::Postgres(_) => Ok(true),
    }
}

/// Creates the tables of a store, or upgrades those of an older version.
pub(in crate::edge) fn prepare(location: &StoreLocation, missing: MissingStore) -> Result<SchemaChange> {
    match location {
        StoreLocation::File(path) => sqlite::prepare(path, missing),
        StoreLocation::Memory => Err(in_memory()),
        StoreLocation::Postgres(store) => postgres::prepare(store, missing),
    }
}

/// Locks a store for a purpose. `None`: another process has the lock.
pub(in crate::edge) fn lock(location: &StoreLocation, purpose: &str) -> Result<Option<Box<dyn StoreLock>>> {
    match location {
        StoreLocation::File(path) => sqlite::lock(path, purpose),
        StoreLocation::Memory => Err(in_memory()),
        StoreLocation::Postgres(store) => postgres::lock(store, purpose),
    }
}

fn in_memory() -> Error {
    Error::failed("a store in memory belongs to its listener alone")
}
