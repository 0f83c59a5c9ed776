//! Reads and changes the registry file.

use crate::command::Session;
use crate::model::error::{Error, Result};
use crate::settings::registry::{Registry, RegistryError};
use crate::world::World;
use std::path::{Path, PathBuf};

/// Name of the registry file in the data folder.
pub(in crate::command) const FILE: &str = "registry.json";
/// Name it had before. A file of this name is read if there is no `FILE`, and replaced by it on the
/// next write.
pub(in crate::command) const OLD_FILE: &str = "ledger.json";

/// Returns the path that the registry is written to.
pub(in crate::command) fn path(session: &Session<'_>) -> Result<PathBuf> {
    Ok(session.world.data_dir()?.join(FILE))
}

/// Reads the file's bytes. `None`: there is no registry yet.
pub(in crate::command) fn read_bytes(session: &Session<'_>) -> Result<Option<Vec<u8>>> {
    Ok(load(session.world)?.1)
}

pub(in crate::command) fn read(session: &Session<'_>) -> Result<Registry> {
    read_from(session.world)
}

/// Reads the registry without a session, for shell completion.
pub(in crate::command) fn read_from(world: &dyn World) -> Result<Registry> {
    let (path, bytes) = load(world)?;
    parse(&path, bytes.as_deref())
}

fn load(world: &dyn World) -> Result<(PathBuf, Option<Vec<u8>>)> {
    let folder = world.data_dir()?;
    let path = folder.join(FILE);
    match world.read_secret_file(&path)? {
        Some(bytes) => Ok((path, Some(bytes))),
        None => load_old(&folder, world),
    }
}

fn load_old(folder: &Path, world: &dyn World) -> Result<(PathBuf, Option<Vec<u8>>)> {
    let path = folder.join(OLD_FILE);
    let bytes = world.read_secret_file(&path)?;
    Ok((path, bytes))
}

/// Changes the registry; it is synced to disk when this returns. Returns the result of `change`,
/// whose error leaves the file unchanged.
pub(in crate::command) fn update<T>(
    session: &Session<'_>,
    change: impl FnOnce(&mut Registry) -> Result<T>,
) -> Result<T> {
    let (world, folder) = (session.world, session.world.data_dir()?);
    let path = folder.join(FILE);
    let (old_path, old_bytes) = load_old(&folder, world)?;
    let (mut change, mut result, mut is_old) = (Some(change), None, false);
    world.update_secret_file(&path, &mut |bytes| {
        let mut registry = match bytes {
            Some(bytes) => parse(&path, Some(&bytes))?,
            None => {
                is_old = old_bytes.is_some();
                parse(&old_path, old_bytes.as_deref())?
            }
        };
        let change = change.take().expect("update_secret_file calls this once");
        result = Some(change(&mut registry)?);
        Ok(registry.to_bytes())
    })?;
    if is_old && let Err(error) = world.remove_secret_file(&old_path) {
        session.print_error(&error);
    }
    Ok(result.expect("update_secret_file called the closure"))
}

fn parse(path: &Path, bytes: Option<&[u8]>) -> Result<Registry> {
    Registry::parse(bytes).map_err(|error| {
        let hint = match error {
            RegistryError::Damaged(_) => "repair the file, or move it away; it contains signing secrets",
            RegistryError::UnsupportedSchema(_) => "update whtool",
        };
        Error::failed(format!("can't read {}", path.display())).because(error).hint(hint)
    })
}
