//! Keeps the state of a watch in the store, and other watches out of it.

use super::Watch;
use crate::command::Session;
use crate::model::error::{Error, Result};
use crate::reconcile::watch::{DeliveryKey, WatchState};
use crate::world::{Store, StoreLocation, StoreLock};

/// The store of a watch, locked against other watches.
pub(super) struct WatchStore<'a> {
    args: &'a Watch,
    session: &'a Session<'a>,
    store: Box<dyn Store>,
    /// Held as long as the watch runs. The system releases it if the process is killed.
    lock: Box<dyn StoreLock + 'a>,
}

/// Kind and key of the row that changes whenever something is reported.
const NUMBER: (&str, &str) = ("number", "next");

impl<'a> WatchStore<'a> {
    /// Locks and opens the store, creating it if there is none, and loads the state.
    pub(super) fn open(args: &'a Watch, session: &'a Session<'a>) -> Result<(Self, WatchState)> {
        let location = args.store.location(session)?;
        let mut store = args.store.open(session)?;
        let locked = session.world.lock_store(&location, "watch")?;
        let lock = locked.ok_or_else(|| in_use(&location))?;
        let rows = store.state_rows(&WatchState::KINDS)?;
        let state = WatchState::load(rows).map_err(|error| {
            Error::failed(format!("can't continue the watch of {location}"))
                .because(error)
                .hint("update whtool, or use another store with --store")
        })?;
        Ok((Self { args, session, store, lock }, state))
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
        if !self.lock.renew()? {
            return Err(in_use(&self.args.store.location(self.session)?));
        }
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

fn in_use(location: &StoreLocation) -> Error {
    Error::failed(format!("another whtool watch uses {location}")).hint("stop it, or use another store with --store")
}
