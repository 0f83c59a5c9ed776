//! Folders and files: who may read them, and whether the store is whole.

use super::{Finding, Grade};
use crate::command::Session;
use crate::command::shared::captures::StoreArgs;
use crate::command::shared::{loaded_settings, registry};
use crate::model::error::Result;
use crate::render::text::{byte_size, count};
use std::path::Path;

const FILES: &str = "files";
const STORE: &str = "store";

/// What whtool keeps in its data folder.
const KEPT: [&str; 4] = ["local-test-seed", registry::FILE, registry::OLD_FILE, "captures.db"];

/// Bits of others than the owner.
const OTHERS: u32 = 0o077;
/// Bits by which others may write.
const OTHERS_WRITE: u32 = 0o022;

/// Looks at whtool's folders, what is in them, and the store.
pub(super) fn look(store: &StoreArgs, session: &Session<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match session.world.data_dir() {
        Err(error) => findings.push(Finding::of_error(FILES, "data folder", &error)),
        Ok(folder) => {
            findings.extend(data_folder(&folder, session));
            for name in KEPT {
                findings.extend(private(name, &folder.join(name), OTHERS, session));
            }
        }
    }
    if let Ok(folder) = session.world.config_dir() {
        findings.extend(private("settings", &folder.join(loaded_settings::USER_FILE), OTHERS_WRITE, session));
    }
    if let Err(error) = registry::read(session) {
        findings.push(Finding::of_error(FILES, registry::FILE, &error));
    }
    findings.push(health(store, session).unwrap_or_else(|error| Finding::of_error(STORE, "captures", &error)));
    findings
}

/// Whether whtool can keep anything in its folder, and nobody else gets at it.
fn data_folder(folder: &Path, session: &Session<'_>) -> Vec<Finding> {
    let subject = "data folder";
    let mode = private(subject, folder, OTHERS, session);
    let Err(error) = session.world.check_writable(folder) else {
        return vec![mode.unwrap_or_else(|| without_mode(subject, folder, session))];
    };
    let what = format!("nothing can be written in {}: {error}", folder.display());
    let unwritable =
        Finding::new(FILES, Grade::Bad, subject, what).hint("make it yours, or name another place: WHTOOL_HOME=FOLDER");
    [unwritable].into_iter().chain(mode.filter(|mode| mode.grade == Grade::Bad)).collect()
}

/// A folder that is not there, or has no permission bits here: then what is in it tells that it is there.
fn without_mode(subject: &str, folder: &Path, session: &Session<'_>) -> Finding {
    let shown = folder.display().to_string();
    if KEPT.iter().any(|name| session.world.file_exists(&folder.join(name))) {
        Finding::new(FILES, Grade::Good, subject, shown)
    } else {
        Finding::new(FILES, Grade::Note, subject, format!("{shown} is made when it is needed"))
    }
}

/// A file or folder that others may not have these bits of. `None`: it is not there, or has no bits here.
fn private(subject: &str, path: &Path, forbidden: u32, session: &Session<'_>) -> Option<Finding> {
    let mode = session.world.file_mode(path)?;
    let shown = format!("{}, mode {mode:04o}", path.display());
    Some(if mode & forbidden == 0 {
        Finding::new(FILES, Grade::Good, subject, shown)
    } else {
        let who = if forbidden == OTHERS { "other users can reach it" } else { "other users can change it" };
        let right = mode & !forbidden;
        let hint = format!("chmod {right:o} {}", path.display());
        Finding::new(FILES, Grade::Bad, subject, format!("{shown}: {who}")).hint(hint)
    })
}

fn health(args: &StoreArgs, session: &Session<'_>) -> Result<Finding> {
    let path = args.path(session)?;
    let subject = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !session.world.file_exists(&path) {
        return Ok(Finding::new(STORE, Grade::Note, subject, "nothing was received yet"));
    }
    let health = args.open(session)?.check_health()?;
    if let Some(first) = health.damage.first() {
        let what = format!("damaged: {first}");
        return Ok(Finding::new(STORE, Grade::Bad, subject, what)
            .hint("`whtool events export` what can be read, then move it away with its -wal and -shm"));
    }
    let what = format!("whole: {}, {}", count(health.deliveries, "delivery"), byte_size(health.bytes));
    Ok(Finding::new(STORE, Grade::Good, subject, what))
}
