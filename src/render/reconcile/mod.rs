//! Shows the results of `whtool reconcile` as text, JSON and CSV: one row or record per reference,
//! and the totals. Reports in files are in `html` and `junit`, five lines for a chat in `summary`.

mod html;
mod junit;
mod summary;
mod words;

use super::json::line;
use super::paint::Paint;
use super::text::count;
use crate::model::mask::mask_secrets;
use crate::model::money::Money;
use crate::model::sanitize::truncate;
use crate::model::stored::ReferenceMatch;
use crate::model::width::pad_right;
use crate::provider::record::Record;
use crate::provider::{self, Provider};
use crate::reconcile::known::KnownLine;
use crate::reconcile::period::{ReportPeriod, zone_name};
use crate::reconcile::{Acceptance, Class, KnownDifferences, Order, ReconciledReference, ReplayEvent, Totals};
use serde_json::{Value, json};

pub use html::{html, is_html_report};
pub use junit::{is_junit_report, junit};
pub use summary::short_summary;

/// Longest reference and longest sentence shown, in columns.
const MAX_REFERENCE: usize = 32;
const MAX_SENTENCE: usize = 200;

/// Tells a complete run from one that stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    Partial,
}

/// Facts about a run that belong to its totals.
#[derive(Clone, Copy)]
pub struct RunNotes<'r> {
    pub completeness: Completeness,
    /// The time in which references were counted. `None`: always.
    pub period: Option<&'r ReportPeriod>,
    pub known: &'r KnownDifferences,
}

/// Formats the row of a reference, with its findings on the lines below.
pub fn row(reconciled: &ReconciledReference, paint: Paint) -> String {
    let class = reconciled.assessment.class();
    let status = reconciled.record.as_ref().map(|record| truncate(&record.status, 18)).unwrap_or_default();
    let money = reconciled.money().map(|money| truncate(&money.to_string(), 60)).unwrap_or_default();
    let reference = truncate(&mask_secrets(&reconciled.order.reference), MAX_REFERENCE);
    let reference = paint.strong(&pad_right(&reference, 20));
    let label = if reconciled.acceptance.is_accepted() {
        paint.faint(&format!("{:<19}", class.label()))
    } else {
        label(class, paint)
    };
    let line = format!("{label}  {reference}  {}  {}", pad_right(&status, 9), paint.number(&money));
    let mut row = line.trim_end().to_owned() + "\n";
    for finding in reconciled.assessment.findings.iter().filter(|finding| !finding.reason.is_empty()) {
        let also = if finding.class == class { String::new() } else { format!("also {}: ", finding.class.label()) };
        row.push_str(&format!("    {also}{}\n", truncate(&mask_secrets(&finding.reason), MAX_SENTENCE)));
    }
    if let Some(note) = acceptance_note(&reconciled.acceptance) {
        row.push_str(&format!("    {}\n", truncate(&mask_secrets(&note), MAX_SENTENCE)));
    }
    row
}

/// Says that a difference is accepted, or that it was accepted with other facts.
fn acceptance_note(acceptance: &Acceptance) -> Option<String> {
    match acceptance {
        Acceptance::Counted => None,
        Acceptance::Accepted(note) if note.is_empty() => Some("accepted".to_owned()),
        Acceptance::Accepted(note) => Some(format!("accepted: {note}")),
        Acceptance::Changed(reason) => Some(reason.clone()),
    }
}

/// Formats the advice below the first row of a class; empty if there is none.
pub fn advice(advice: &str, paint: Paint) -> String {
    if advice.is_empty() { String::new() } else { format!("    {}\n", paint.faint(advice)) }
}

fn label(class: Class, paint: Paint) -> String {
    let label = format!("{:<19}", class.label());
    match class {
        Class::SettledAgreed => paint.good(&label),
        Class::StillOpen => paint.warn(&label),
        _ => paint.bad(&label),
    }
}

pub fn summary(totals: &Totals, notes: &RunNotes<'_>, paint: Paint) -> String {
    let mut classes: Vec<_> = totals.classes().map(|(class, count)| format!("{count} {}", class.label())).collect();
    if totals.accepted() > 0 {
        classes.push(format!("{} accepted", totals.accepted()));
    }
    let mut text = paint.strong(&count(totals.references(), "reference"));
    if !classes.is_empty() {
        text.push_str(&format!(": {}", classes.join(", ")));
    }
    text.push('\n');
    for (class, references, money) in totals.money() {
        let money = truncate(&money.to_string(), 80);
        text.push_str(&format!("  {}  {references:>7}  {}\n", label(class, paint), paint.number(&money)));
    }
    for (references, money) in totals.accepted_sums() {
        let (label, money) = (paint.faint(&format!("{:<19}", "accepted")), truncate(&money.to_string(), 80));
        text.push_str(&format!("  {label}  {references:>7}  {}\n", paint.number(&money)));
    }
    if let Some(period) = notes.period {
        let undated = match totals.undated {
            0 => String::new(),
            undated => format!(", {undated} without a time counted"),
        };
        let outside = format!("{} outside not counted", totals.outside);
        text.push_str(&format!("  created {}: {outside}{undated}\n", period.describe()));
    }
    if totals.bad_lines > 0 {
        let unreadable = format!("{} could not be read", count(totals.bad_lines, "line"));
        text.push_str(&format!("  {}\n", paint.bad(&unreadable)));
    }
    if notes.completeness == Completeness::Partial {
        text.push_str(&format!("  {}\n", paint.bad("partial: the run stopped before every reference was looked up")));
    }
    text
}

/// Writes the `whtool.reconciled/1` record of a reference.
pub fn record(reconciled: &ReconciledReference) -> Vec<u8> {
    let class = reconciled.assessment.class();
    let findings = reconciled.assessment.findings.iter();
    let findings: Vec<_> =
        findings.map(|finding| json!({"class": finding.class.code(), "why": finding.reason})).collect();
    line(&json!({
        "schema": "whtool.reconciled/1",
        "reference": reconciled.order.reference,
        "provider": reconciled.provider.name(),
        "class": class.code(),
        "difference": class.is_difference() && !reconciled.acceptance.is_accepted(),
        "findings": findings,
        "accepted": match &reconciled.acceptance {
            Acceptance::Accepted(note) => json!({"note": note}),
            Acceptance::Counted | Acceptance::Changed(_) => Value::Null,
        },
        "acceptedBefore": match &reconciled.acceptance {
            Acceptance::Changed(reason) => Some(reason),
            Acceptance::Counted | Acceptance::Accepted(_) => None,
        },
        "advice": class.advice(),
        "record": reconciled.record.as_ref().map(record_json),
        "order": order_json(&reconciled.order),
        "webhooks": reconciled.webhooks.as_ref().map(|found| found.iter().map(webhook_json).collect::<Vec<_>>()),
    }))
}

fn money_json(money: &Money) -> Value {
    json!({"minor": money.minor.to_string(), "currency": money.currency})
}

fn record_json(record: &Record) -> Value {
    json!({
        "reference": record.reference, "merchantReference": record.merchant_reference, "object": record.object,
        "status": record.status, "state": record.parsed_status.state.code(), "money": record.money.as_ref().map(money_json),
        "amountIs": match record.amount {
            crate::provider::record::AmountKind::Same => "amount",
            crate::provider::record::AmountKind::Charged => "charge",
        },
        "created": record.created.map(|time| time.to_string()), "changed": record.changed.map(|time| time.to_string()),
    })
}

fn order_json(order: &Order) -> Value {
    json!({
        "line": Some(order.line).filter(|line| *line > 0), "status": order.status,
        "minor": order.minor.map(|minor| minor.to_string()), "currency": order.currency,
    })
}

fn webhook_json(ReferenceMatch { summary, key }: &ReferenceMatch) -> Value {
    json!({
        "id": summary.id, "arrived": summary.arrived.to_string(), "type": summary.kind, "status": summary.status, "key": key,
        "verdict": summary.verdict, "answered": summary.answer.code(), "app": summary.app.code(), "money": summary.money.as_ref().map(money_json),
    })
}

/// Writes the `whtool.reconciliation/1` record, the last line of JSON output.
pub fn totals(totals: &Totals, notes: &RunNotes<'_>) -> Vec<u8> {
    let classes: serde_json::Map<_, _> =
        Class::ALL.iter().rev().map(|class| (class.code().to_owned(), totals.count(*class).into())).collect();
    let sum = |(class, references, money): (Class, u64, Money)| json!({"currency": money.currency, "class": class.code(), "references": references, "minor": money.minor.to_string()});
    let lines = |lines: Vec<&KnownLine>| lines.into_iter().map(ToString::to_string).collect::<Vec<_>>();
    line(&json!({
        "schema": "whtool.reconciliation/1", "references": totals.references(), "classes": classes,
        "money": totals.money().map(sum).collect::<Vec<_>>(), "badLines": totals.bad_lines,
        "accepted": {
            "references": totals.accepted(), "money": totals.accepted_money().map(sum).collect::<Vec<_>>(),
            "gone": lines(notes.known.gone()), "notCompared": lines(notes.known.not_compared()),
        },
        "period": notes.period.map(|period| json!({
            "since": period.since.map(|time| time.to_string()), "until": period.until.map(|time| time.to_string()),
            "zone": zone_name(&period.zone), "by": "created", "outside": totals.outside, "undated": totals.undated,
        })),
        "partial": notes.completeness == Completeness::Partial,
    }))
}

const REBUILT: &str = "whtool.rebuilt/1";

/// Writes the line of a replay list: the number of a capture, or a `whtool.rebuilt/1` record with an
/// event made from the provider's record. `None` if the app missed nothing.
pub fn replay_line(reconciled: &ReconciledReference) -> Option<Vec<u8>> {
    Some(match reconciled.replay.as_ref()? {
        ReplayEvent::Captured(id) => format!("{id}\n").into_bytes(),
        ReplayEvent::Rebuilt(event) => line(&json!({
            "schema": REBUILT, "provider": reconciled.provider.name(), "reference": reconciled.order.reference,
            "body": event.to_string(),
        })),
    })
}

/// Recognizes a replay list, by its first lines: numbers of captures, and `rebuilt` records.
pub fn is_replay_list(start: &[u8]) -> bool {
    let Some(end) = start.iter().rposition(|byte| *byte == b'\n') else { return false };
    let is_entry = |line: &str| line.parse::<u64>().is_ok() || read_rebuilt(line).is_some();
    std::str::from_utf8(&start[..end]).is_ok_and(|lines| lines.split('\n').all(is_entry))
}

/// Reads a `whtool.rebuilt/1` record: provider, reference and body. `None` if the line is something
/// else.
pub fn read_rebuilt(line: &str) -> Option<(&'static dyn Provider, String, Vec<u8>)> {
    let record: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| record.get(name)?.as_str();
    text("schema").filter(|schema| *schema == REBUILT)?;
    Some((provider::by_name(text("provider")?)?, text("reference")?.to_owned(), text("body")?.as_bytes().to_vec()))
}

pub const CSV_HEADER: [&str; 15] = [
    "line",
    "reference",
    "provider",
    "class",
    "status",
    "state",
    "minor",
    "currency",
    "order_status",
    "order_minor",
    "order_currency",
    "webhooks",
    "changed",
    "why",
    "accepted",
];

/// Formats a CSV row, without control characters and without anything a spreadsheet would evaluate.
pub fn csv_row(reconciled: &ReconciledReference) -> [String; 15] {
    let record = reconciled.record.as_ref();
    let money = record.and_then(|record| record.money.as_ref());
    let order = &reconciled.order;
    let reasons: Vec<_> = reconciled.assessment.findings.iter().map(|finding| finding.reason.as_str()).collect();
    let cells = [
        Some(order.line).filter(|line| *line > 0).map(|line| line.to_string()),
        Some(order.reference.clone()),
        Some(reconciled.provider.name().to_owned()),
        Some(reconciled.assessment.class().code().to_owned()),
        record.map(|record| record.status.clone()),
        record.map(|record| record.parsed_status.state.code().to_owned()),
        money.map(|money| money.minor.to_string()),
        money.map(|money| money.currency.clone()),
        order.status.clone(),
        order.minor.map(|minor| minor.to_string()),
        order.currency.clone(),
        reconciled.webhooks.as_ref().map(|found| found.len().to_string()),
        record.and_then(|record| record.changed).map(|time| time.to_string()),
        Some(reasons.join("; ")),
        match &reconciled.acceptance {
            Acceptance::Accepted(note) if note.is_empty() => Some("yes".to_owned()),
            Acceptance::Accepted(note) => Some(note.clone()),
            Acceptance::Counted | Acceptance::Changed(_) => None,
        },
    ];
    cells.map(|cell| escape_formula(&crate::model::sanitize::escape_unsafe(&cell.unwrap_or_default())))
}

/// Puts an apostrophe before text that a spreadsheet would take for a formula. Numbers stay as they
/// are.
fn escape_formula(text: &str) -> String {
    let is_number = || {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if text.starts_with(['=', '+', '-', '@']) && !is_number() { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_numbers_stay_numbers() {
        for text in ["=HYPERLINK(\"http://x\")", "+1+1", "-1+cmd|x", "@SUM(A1)", "-"] {
            assert_eq!(escape_formula(text), format!("'{text}"));
        }
        for text in ["-100", "100", "PLS-1", "", "a=b"] {
            assert_eq!(escape_formula(text), text);
        }
    }
}
