//! A store in a PostgreSQL database, which several listeners and users share.

mod writer;

pub(super) use writer::PostgresWriter;

use crate::model::error::{Error, Result};
use crate::world::{PostgresStore, Store};

pub(super) fn open(store: &PostgresStore) -> Result<Box<dyn Store>> {
    Err(unsupported(store))
}

pub(super) fn exists(store: &PostgresStore) -> Result<bool> {
    Err(unsupported(store))
}

fn unsupported(store: &PostgresStore) -> Error {
    Error::failed(format!("can't open the store {}", store.url)).because("PostgreSQL is not supported yet")
}
