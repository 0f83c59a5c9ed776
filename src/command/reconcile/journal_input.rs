//! Describes the input of a run, so that `--resume` refuses the journal of another one.

use super::Reconcile;
use super::spooled_list::SpooledList;
use crate::command::shared::captures::When;
use crate::command::shared::reconciling::JournalOptions;
use crate::reconcile::period::zone_name;
use serde::Serialize;

/// Everything that decides which references are looked up. The encoding is part of the journal's
/// format: a change needs a new schema version.
#[derive(Serialize)]
struct JournalInput<'a> {
    references: &'a [String],
    /// The SHA-256 of the list in hex.
    list: Option<String>,
    /// Flags that decide how the list is read, such as `--column reference=payment_id`.
    columns: Vec<String>,
    decimal: bool,
    /// The `--status` flags. They decide which orders are open.
    status: Vec<String>,
    open: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    all: bool,
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
pub(super) fn journal_options(args: &Reconcile, list: Option<&SpooledList>) -> Option<JournalOptions> {
    let path = args.resume.clone()?;
    let input = JournalInput {
        references: &args.references,
        list: list.map(|list| list.spool.digest().to_owned()),
        columns: args.list.journal_input(),
        decimal: args.list.decimal,
        status: args
            .status
            .iter()
            .map(|arg| format!("{}={}", arg.word, arg.meaning.map_or("", |state| state.code())))
            .collect(),
        open: args.open,
        all: args.all,
        since: args.period.since.map(show),
        until: args.period.until.map(show),
        day: args.period.day.map(|day| format!("{day:?}")),
        zone: args.period.zone.as_ref().map(zone_name),
        provider: args.provider.map(|provider| provider.name()),
    };
    let input = serde_json::to_value(input).expect("the input has text keys");
    Some(JournalOptions { path, input })
}
