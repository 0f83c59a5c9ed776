//! A store in an SQLite database, to which every delivery is synced before it is acknowledged.
//!
//! `opening` opens the file, `schema` has its tables, `rows` converts values, `reading` serves
//! commands, `loading` whole captures, `filter` selects deliveries, with `summaries` of many at once,
//! `totals` adds up amounts, `following` returns new deliveries, `references` finds
//! them by reference, `pruning` removes old ones, `state` keeps what `whtool watch` remembers,
//! `forwards` is the queue to the app, and `writer` is the thread that commits what a listener
//! receives: `jobs` is its queue, `unverified` limits what strangers send, `watched` and `log_check`
//! check that a commit is on disk.

mod copying;
mod file;
mod filter;
mod following;
mod forwards;
mod jobs;
mod loading;
mod lock;
mod log_check;
mod opening;
mod pruning;
mod reading;
mod references;
mod rows;
mod schema;
mod state;
mod summaries;
#[cfg(test)]
mod tests;
mod totals;
mod unverified;
mod watched;
mod writer;

pub(in crate::edge) use file::free_space;
pub(super) use lock::lock;
pub(super) use opening::{exists, prepare};
pub(super) use reading::open;
pub(super) use writer::SqliteWriter;
