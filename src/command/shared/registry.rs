//! The ledger's file, for the commands that read or change it.

use crate::command::Session;
use crate::model::error::{Error, Result};
use crate::settings::registry::{Ledger, Unreadable};
use crate::world::World;
use std::path::{Path, PathBuf};

/// Where it is.
pub(in crate::command) fn path(session: &Session<'_>) -> Result<PathBuf> {
    path_in(session.world)
}

fn path_in(world: &dyn World) -> Result<PathBuf> {
    Ok(world.data_dir()?.join("ledger.json"))
}

/// Its bytes, if it is there.
pub(in crate::command) fn bytes(session: &Session<'_>) -> Result<Option<Vec<u8>>> {
    session.world.read_secret_file(&path(session)?)
}

/// Reads it.
pub(in crate::command) fn read(session: &Session<'_>) -> Result<Ledger> {
    read_in(session.world)
}

/// Reads it where there is no session: for completions.
pub(in crate::command) fn read_in(world: &dyn World) -> Result<Ledger> {
    let path = path_in(world)?;
    let bytes = world.read_secret_file(&path)?;
    Ledger::read(bytes.as_deref()).map_err(|error| unreadable(&path, &error))
}

/// Changes it: on disk when this returns. What `change` returns is handed on; its error leaves all as it was.
pub(in crate::command) fn update<T>(session: &Session<'_>, change: impl FnOnce(&mut Ledger) -> Result<T>) -> Result<T> {
    let path = path(session)?;
    let (mut change, mut outcome) = (Some(change), None);
    session.world.update_secret_file(&path, &mut |bytes| {
        let mut ledger = Ledger::read(bytes.as_deref()).map_err(|error| unreadable(&path, &error))?;
        let change = change.take().expect("a file is changed once");
        outcome = Some(change(&mut ledger)?);
        Ok(ledger.to_bytes())
    })?;
    Ok(outcome.expect("the change was made"))
}

fn unreadable(path: &Path, error: &Unreadable) -> Error {
    let failed = Error::failed(format!("can't use the ledger {}", path.display())).because(error);
    match error {
        Unreadable::Damaged(_) => failed.hint("it was left as it is: mend it, or move it away (it holds secrets)"),
        Unreadable::Foreign(_) => failed.hint("update whtool"),
    }
}
