//! Checks the permissions of whtool's folders and files, and the integrity of the store.

use super::{DoctorFinding, Severity};
use crate::command::Session;
use crate::command::shared::store_args::StoreArgs;
use crate::command::shared::{loaded_settings, registry};
use crate::model::error::Result;
use crate::model::stored::StoreFact;
use crate::render::text::{byte_size, count};
use crate::world::{MIN_FREE, MIN_FREE_FOR_BODIES};
use std::path::Path;

const FILES: &str = "files";
const STORE: &str = "store";

/// The files in the data folder.
const DATA_FILES: [&str; 4] = ["local-test-seed", registry::FILE, registry::OLD_FILE, "captures.db"];

/// Permission bits of all users but the owner.
const OTHERS: u32 = 0o077;
/// Permission bits that let other users write.
const OTHERS_WRITE: u32 = 0o022;

pub(super) fn check(store: &StoreArgs, session: &Session<'_>) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    match session.world.data_dir() {
        Err(error) => findings.push(DoctorFinding::from_error(FILES, "data directory", &error)),
        Ok(folder) => {
            findings.extend(check_data_folder(&folder, session));
            for name in DATA_FILES {
                findings.extend(check_mode(name, &folder.join(name), OTHERS, session));
            }
        }
    }
    if let Ok(folder) = session.world.config_dir() {
        findings.extend(check_mode("settings", &folder.join(loaded_settings::USER_FILE), OTHERS_WRITE, session));
    }
    if let Err(error) = registry::read(session) {
        findings.push(DoctorFinding::from_error(FILES, registry::FILE, &error));
    }
    let location = store.location(session).ok();
    findings.extend(location.and_then(|location| check_free_space(location.path()?, session)));
    let unusable = |error| vec![DoctorFinding::from_error(STORE, "captures", &error)];
    findings.extend(health(store, session).unwrap_or_else(unusable));
    findings
}

/// Checks that the data folder is writable, and private.
fn check_data_folder(folder: &Path, session: &Session<'_>) -> Vec<DoctorFinding> {
    let subject = "data directory";
    let mode = check_mode(subject, folder, OTHERS, session);
    let Err(error) = session.world.check_writable(folder) else {
        return vec![mode.unwrap_or_else(|| without_mode(subject, folder, session))];
    };
    let message = format!("can't write to {}: {error}", folder.display());
    let unwritable = DoctorFinding::new(FILES, Severity::Problem, subject, message)
        .hint("change its owner, or use another directory: WHTOOL_HOME=DIR");
    [unwritable].into_iter().chain(mode.filter(|mode| mode.severity == Severity::Problem)).collect()
}

/// Describes a data folder without permission bits: it does not exist, or this is Windows. Then its
/// files show that it exists.
fn without_mode(subject: &str, folder: &Path, session: &Session<'_>) -> DoctorFinding {
    let shown = folder.display().to_string();
    if DATA_FILES.iter().any(|name| session.world.file_exists(&folder.join(name))) {
        DoctorFinding::new(FILES, Severity::Ok, subject, shown)
    } else {
        DoctorFinding::new(FILES, Severity::Note, subject, format!("{shown} will be created when needed"))
    }
}

/// Checks that other users don't have these permission bits. `None` if the file does not exist, or
/// on Windows.
fn check_mode(subject: &str, path: &Path, forbidden: u32, session: &Session<'_>) -> Option<DoctorFinding> {
    let mode = session.world.file_mode(path)?;
    let shown = format!("{}, mode {mode:04o}", path.display());
    Some(if mode & forbidden == 0 {
        DoctorFinding::new(FILES, Severity::Ok, subject, shown)
    } else {
        let who = if forbidden == OTHERS { "other users can access it" } else { "other users can change it" };
        let correct = mode & !forbidden;
        let hint = format!("chmod {correct:o} {}", path.display());
        DoctorFinding::new(FILES, Severity::Problem, subject, format!("{shown}: {who}")).hint(hint)
    })
}

/// Reports a file system on which the listener stores less, or nothing.
fn check_free_space(store: &Path, session: &Session<'_>) -> Option<DoctorFinding> {
    let folder = store.parent()?;
    let free = session.world.free_space(folder)?;
    let message = format!("{} free in {}", byte_size(free), folder.display());
    let (severity, message) = match free {
        0..MIN_FREE => (Severity::Problem, format!("the disk is full: {message}")),
        MIN_FREE..MIN_FREE_FOR_BODIES => {
            (Severity::Note, format!("{message}: bodies of refused requests are not stored"))
        }
        _ => return None,
    };
    let hint = "free space on this disk; `whtool events prune --older-than 7d --yes` removes old captures";
    Some(DoctorFinding::new(STORE, severity, "disk", message).hint(hint))
}

fn health(args: &StoreArgs, session: &Session<'_>) -> Result<Vec<DoctorFinding>> {
    let location = args.location(session)?;
    let subject = match location.path() {
        Some(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        None => "captures".to_owned(),
    };
    let Some(mut store) = args.open_if_exists(session)? else {
        return Ok(vec![DoctorFinding::new(STORE, Severity::Note, subject, "nothing was captured yet")]);
    };
    let health = store.check_health()?;
    if let Some(first) = health.damage.iter().flatten().next() {
        let message = format!("damaged: {first}");
        return Ok(vec![DoctorFinding::new(STORE, Severity::Problem, subject, message).hint(
            "save what can be read with `whtool events export`, then move the file, its -wal and its -shm away",
        )]);
    }
    let intact = if health.damage.is_some() { "intact: " } else { "" };
    let message = format!("{intact}{}, {}", count(health.deliveries, "delivery"), byte_size(health.bytes));
    let mut findings = vec![DoctorFinding::new(STORE, Severity::Ok, subject, message)];
    findings.extend(health.facts.into_iter().map(|StoreFact { subject, message, advice }| match advice {
        None => DoctorFinding::new(STORE, Severity::Ok, subject, message),
        Some(advice) => DoctorFinding::new(STORE, Severity::Problem, subject, message).hint(advice),
    }));
    Ok(findings)
}
