//! Describes the input of a run, so that `--resume` refuses the journal of another one.

use super::super::{Session, cannot_read};
use super::Reconcile;
use crate::command::shared::captures::When;
use crate::command::shared::reconciling::JournalOptions;
use crate::model::error::{Error, Result};
use crate::reconcile::period::zone_name;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Everything that decides which references are looked up. The encoding is part of the journal's
/// format: a change needs a new schema version.
#[derive(Serialize)]
struct JournalInput<'a> {
    references: &'a [String],
    /// The SHA-256 of the list in hex.
    list: Option<String>,
    /// The `--column` flags, such as `reference=payment_id`.
    columns: Vec<String>,
    decimal: bool,
    open: bool,
    /// Milliseconds before the start of the run, or a time in RFC 3339.
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    provider: Option<&'static str>,
}

/// Returns milliseconds before the start of the run, or a time.
fn show(when: When) -> String {
    match when {
        When::Ago(span) => span.as_millis().to_string(),
        When::At(time) => time.to_string(),
        When::Local(time) => time.to_string(),
        When::DaysAgo(days) => format!("{days} days ago"),
    }
}

/// Returns the journal from `--resume`.
pub(super) fn journal_options(args: &Reconcile, session: &Session<'_>) -> Result<Option<JournalOptions>> {
    let Some(path) = args.resume.clone() else { return Ok(None) };
    let input = JournalInput {
        references: &args.references,
        list: args.from.as_deref().map(|path| list_digest(path, session)).transpose()?,
        columns: args.column.iter().map(|arg| format!("{}={}", arg.column.code(), arg.name)).collect(),
        decimal: args.decimal,
        open: args.open,
        since: args.period.since.map(show),
        until: args.period.until.map(show),
        day: args.period.day.map(|day| format!("{day:?}")),
        zone: args.period.zone.as_ref().map(zone_name),
        provider: args.provider.map(|provider| provider.name()),
    };
    let input = serde_json::to_value(input).expect("the input has text keys");
    Ok(Some(JournalOptions { path, input }))
}

fn list_digest(path: &Path, session: &Session<'_>) -> Result<String> {
    if path == Path::new("-") {
        return Err(Error::usage("--resume can't be used with standard input").hint("save the list to a file first"));
    }
    let (mut file, mut buffer, mut digest) = (session.open(path)?, vec![0; 64 * 1024], Sha256::new());
    loop {
        let length = file.read(&mut buffer).map_err(|error| cannot_read(path, error))?;
        if length == 0 {
            return Ok(hex::encode(digest.finalize()));
        }
        digest.update(&buffer[..length]);
    }
}
