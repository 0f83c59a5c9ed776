//! The store: an SQLite database in which every delivery is kept before it is acknowledged.
//!
//! `schema` opens the file, `rows` says how values stand in it, `reading` is what commands do with it, `pruning` how old
//! deliveries go, and `writer` is the one thread through which a listener records, many deliveries with one sync.

mod pruning;
mod reading;
mod rows;
mod schema;
mod writer;

pub(in crate::edge) use reading::open;
pub(in crate::edge) use writer::{Append, Writer};
