//! A store in a PostgreSQL database, which several listeners and users share.
//!
//! `schema` has the tables and their versions, `session` is a connection, `reading` serves commands:
//! `filter` translates queries, `following` finds new deliveries, `pruning` removes old deliveries, `attempts` records results, `state`
//! keeps what `whtool watch` remembers, `copying` reads and writes whole captures, and `health`
//! measures. `writer` commits what a listener receives. `text`, `params` and `rows` convert values.

mod attempts;
mod copying;
mod filter;
mod following;
mod health;
mod lock;
mod params;
mod pruning;
mod reading;
mod rows;
mod schema;
mod session;
mod state;
mod text;
mod writer;

pub(super) use lock::lock;
pub(super) use reading::{exists, open, prepare};
pub(in crate::edge) use schema::creation_script;
pub(super) use writer::PostgresWriter;

use crate::model::error::Error;
use crate::world::PostgresStore;

fn unsupported(store: &PostgresStore) -> Error {
    Error::failed(format!("can't open the store {}", store.url)).because("PostgreSQL is not supported yet")
}
