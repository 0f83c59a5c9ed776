//! The store: an SQLite database to which every delivery is synced before it is acknowledged.
//!
//! `schema` opens the file, `rows` converts values, `reading` serves commands, `filter` translates
//! queries, `references` finds deliveries by reference, `pruning` removes old ones, `forwards` is
//! the queue to the app, and `writer` is the thread that commits what a listener receives.

mod file;
mod filter;
mod forwards;
mod pruning;
mod reading;
mod references;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

pub(in crate::edge) use forwards::{DueDelivery, DueQuery, EntryState};
pub(in crate::edge) use reading::open;
pub(in crate::edge) use writer::{Closed, NewDelivery, StoreWriter};
