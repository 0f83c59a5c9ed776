//! A store in a PostgreSQL database, which several listeners and users share.
//!
//! `schema` has the tables and their versions, `session` is a connection, `reading` serves commands:
//! `filter` translates queries, `following` returns new deliveries, `pruning` removes old ones,
//! `attempts` records results, `state`
//! keeps what `whtool watch` remembers, `copying` reads and writes whole captures, and `health`
//! measures. `writer` commits what a listener receives, on a `link` that reconnects: `insertion` calls
//! the statement, `unverified` limits what strangers send, `durability` checks the server, and
//! `partitions` looks ahead.
//! `queue` and `leases` share the work of forwarding. `text`, `params` and `rows` convert values.

mod attempts;
mod copying;
mod durability;
mod filter;
mod following;
mod health;
mod insertion;
mod leases;
mod link;
mod loading;
mod lock;
mod params;
mod partitions;
mod pruning;
mod queue;
mod reading;
mod rows;
mod schema;
mod session;
mod state;
mod text;
mod unverified;
mod writer;

pub(super) use lock::lock;
pub(super) use reading::{open, prepare};
pub(in crate::edge) use schema::creation_script;
pub(super) use writer::PostgresWriter;
