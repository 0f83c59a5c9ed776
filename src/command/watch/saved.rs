//! Keeps the state of a watch in the store, and other watches out of it.

use super::Watch;
use crate::command::Session;
use crate::model::error::{Error, Result};
use crate::reconcile::watch::{DeliveryKey, WatchState};
use crate::world::{AppendFile, Store};
use std::io::ErrorKind;
use std::path::PathBuf;

/// The store of a watch, locked against other watches.
pub(super) struct WatchStore<'a> {
    args: &'a Watch,
    session: &'a Session<'a>,
    store: Box<dyn Store>,
    /// Held as long as the watch runs. The system releases it if the process is killed.
    _lock: Box<dyn AppendFile + 'a>,
}

/// Kind and key of the row that changes whenever something is reported.
const NUMBER: (&str, &str) = ("number", "next");

impl<'a> WatchStore<'a> {
    /// Locks and opens the store, creating it if there is none, and loads the state.
    pub(super) fn open(args: &'a Watch, session: &'a Session<'a>) -> Result<(Self, WatchState)> {
        let location = args.store.location(session)?;
        let mut store = args.store.open(session)?;
        let path = location.path().ok_or_else(|| Error::usage(format!("a watch can't use {location} yet")))?;
        let lock_path = lock_path(path.to_owned());
        let lock = session.world.append(&lock_path).map_err(|error| match error.kind() {
            ErrorKind::ResourceBusy => Error::failed(format!("another whtool watch uses {}", path.display()))
                .hint("stop it, or use another store with --store"),
            _ => Error::failed(format!("can't lock {}", lock_path.display())).because(error),
        })?;
        let rows = store.state_rows(&WatchState::KINDS)?;
        let state = WatchState::load(rows).map_err(|error| {
            Error::failed(format!("can't continue the watch of {}", path.display()))
                .because(error)
                .hint("update whtool, or use another store with --store")
        })?;
        Ok((Self { args, session, store, _lock: lock }, state))
    }

    /// Writes what has changed. When this returns, it is on disk.
    pub(super) fn save(&mut self, state: &mut WatchState) -> Result<()> {
        let rows = state.take_unsaved();
        if rows.is_empty() { Ok(()) } else { self.store.write_state(&rows) }
    }

    /// Opens the store again, and checks that it still is the one with this state: in another one,
    /// the deliveries that were made would be missing.
    pub(super) fn check(&mut self, state: &WatchState) -> Result<()> {
        let replaced = || {
            Error::failed("the store was removed or replaced while the watch was running")
                .because("the deliveries that were made are not in it")
                .hint("restore it before the next start, so that nothing is delivered twice")
        };
        let mut store = self.args.store.open_if_exists(self.session)?.ok_or_else(replaced)?;
        let found = store.state_row(NUMBER.0, NUMBER.1)?;
        if found != state.saved_number() {
            return Err(replaced());
        }
        self.store = store;
        Ok(())
    }

    /// Reads the body of a delivery that was made before.
    pub(super) fn body(&mut self, key: &DeliveryKey) -> Result<Option<Vec<u8>>> {
        let (kind, key) = key.body_row();
        self.store.state_row(kind, &key)
    }
}

/// Names the lock beside the store.
fn lock_path(store: PathBuf) -> PathBuf {
    let mut name = store.into_os_string();
    name.push(".watch-lock");
    PathBuf::from(name)
}
