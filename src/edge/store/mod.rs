//! The store: every delivery is durable in it before it is acknowledged.
//!
//! `sqlite` keeps it in a file or in memory, `postgres` in a database that a team shares. `writer`
//! records what a listener receives in either of them, and `queue` has the values of its forwarding
//! queue.

mod postgres;
mod queue;
mod sqlite;
mod writer;

pub(in crate::edge) use queue::{DueDeliveries, DueDelivery, DueQuery, EntryState};
pub(in crate::edge) use sqlite::free_space;
pub(in crate::edge) use writer::{Closed, Insertion, NewDelivery, StoreWriter, WriteResult};

use crate::model::error::{Error, Result};
use crate::world::{Store, StoreLocation};

/// Opens a store. A file is created if there is none.
pub(in crate::edge) fn open(location: &StoreLocation) -> Result<Box<dyn Store>> {
    match location {
        StoreLocation::File(path) => Ok(Box::new(sqlite::open(path)?)),
        StoreLocation::Memory => Err(in_memory()),
        StoreLocation::Postgres(store) => postgres::open(store),
    }
}

/// Returns true if there is a store to open. An error: there is something that can't be one, or
/// nobody may look.
pub(in crate::edge) fn exists(location: &StoreLocation) -> Result<bool> {
    match location {
        StoreLocation::File(path) => sqlite::exists(path),
        StoreLocation::Memory => Err(in_memory()),
        StoreLocation::Postgres(store) => postgres::exists(store),
    }
}

fn in_memory() -> Error {
    Error::failed("a store in memory belongs to its listener alone")
}
