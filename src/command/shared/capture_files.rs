//! Reads files with captured requests, and describes those that have none.

use crate::capture::{self, CaptureFile, Resources, UnreadableFile};
use crate::command::Session;
use crate::model::error::Error;
use crate::render::text;
use std::path::{Component, Path};

/// Reads every webhook of a file.
pub(in crate::command) fn read_file(
    bytes: &[u8],
    name: &Path,
    session: &Session<'_>,
) -> Result<CaptureFile, UnreadableFile> {
    // Only files beside the capture or below: a capture from elsewhere must not name any file.
    let folder = name.parent().unwrap_or(Path::new(""));
    let load = |resource: &str| {
        let path = Path::new(resource);
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let read = |path: &Path| session.world.file_exists(path).then(|| session.read(path).ok()).flatten();
        is_inside.then(|| read(&folder.join(path)).or_else(|| read(path))).flatten()
    };
    capture::read_file(bytes, &Resources(&load))
}

/// Describes a file from which no request can be read.
pub(in crate::command) fn unreadable(name: &Path, file: &UnreadableFile) -> Error {
    let name = display_name(name);
    let advice = file.advice_for(&name);
    let failed = Error::failed(format!("no request in {name}")).because(file.reason.clone().into_owned());
    if advice.is_empty() { failed } else { failed.hint(advice) }
}

/// Describes a file whose requests are no webhooks.
pub(in crate::command) fn no_webhook(name: &Path, skipped: u64) -> Error {
    let reason = match skipped {
        1 => "the request in it has neither a signature nor a payload of a known provider".to_owned(),
        count => {
            format!("none of the {count} requests or lines in it has a signature or a payload of a known provider")
        }
    };
    Error::failed(format!("no webhook in {}", display_name(name)))
        .because(reason)
        .hint("to verify one of them anyway, save it alone")
}

/// Says how many requests of a file were skipped.
pub(in crate::command) fn skipped(count: u64) -> String {
    let requests = text::count(count, "other request");
    format!("skipped {requests}: no signature and no payload of a known provider")
}

fn display_name(name: &Path) -> String {
    if name == Path::new("-") { "standard input".to_owned() } else { name.display().to_string() }
}
