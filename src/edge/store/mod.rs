//! The store: an SQLite database in which every delivery is kept before it is acknowledged.
//!
//! `schema` opens the file, `rows` says how values stand in it, `names` what deliveries are called, `reading` is what commands do
//! with it, `about` how references are found, `pruning` how old deliveries go, `health` whether all of it can be read, `forwards` is
//! the queue to the app, and `writer` is the one thread through which a listener records, many deliveries with one sync.

mod about;
mod file;
mod filter;
mod forwards;
mod health;
mod names;
mod pruning;
mod reading;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

pub(in crate::edge) use forwards::{Due, Selection, Verdict};
pub(in crate::edge) use reading::open;
pub(in crate::edge) use writer::{Closed, NewDelivery, RecordedDelivery, StoreWriter};
