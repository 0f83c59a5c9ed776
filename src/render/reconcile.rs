//! Shows the results of `whtool reconcile` as text, JSON and CSV: one row or record per reference,
//! and the totals.

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
use crate::reconcile::{Class, Order, ReconciledReference, ReplayEvent, Totals};
use serde_json::{Value, json};

/// Longest reference and longest sentence shown, in columns.
const MAX_REFERENCE: usize = 32;
const MAX_SENTENCE: usize = 200;

/// Tells a complete run from one that stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    Partial,
}

/// Formats the row of a reference, with its findings on the lines below.
pub fn row(reconciled: &ReconciledReference, paint: Paint) -> String {
    let class = reconciled.assessment.class();
    let status = reconciled.record.as_ref().map(|record| truncate(&record.status, 18)).unwrap_or_default();
    let money = reconciled.money().map(|money| truncate(&money.to_string(), 60)).unwrap_or_default();
    let reference = truncate(&mask_secrets(&reconciled.order.reference), MAX_REFERENCE);
    let reference = paint.strong(&pad_right(&reference, 20));
    let line = format!("{}  {reference}  {}  {}", label(class, paint), pad_right(&status, 9), paint.number(&money));
    let mut row = line.trim_end().to_owned() + "\n";
    for finding in reconciled.assessment.findings.iter().filter(|finding| !finding.reason.is_empty()) {
        let also = if finding.class == class { String::new() } else { format!("also {}: ", finding.class.label()) };
        row.push_str(&format!("    {also}{}\n", truncate(&mask_secrets(&finding.reason), MAX_SENTENCE)));
    }
    row
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

pub fn summary(totals: &Totals, completeness: Completeness, paint: Paint) -> String {
    let classes: Vec<_> = totals.classes().map(|(class, count)| format!("{count} {}", class.label())).collect();
    let mut text = paint.strong(&count(totals.references(), "reference"));
    if !classes.is_empty() {
        text.push_str(&format!(": {}", classes.join(", ")));
    }
    text.push('\n');
    for (class, references, money) in totals.money() {
        let money = truncate(&money.to_string(), 80);
        text.push_str(&format!("  {}  {references:>7}  {}\n", label(class, paint), paint.number(&money)));
    }
    if totals.bad_lines > 0 {
        let unreadable = format!("{} could not be read", count(totals.bad_lines, "line"));
        text.push_str(&format!("  {}\n", paint.bad(&unreadable)));
    }
    if completeness == Completeness::Partial {
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
        "difference": class.is_difference(),
        "findings": findings,
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
pub fn totals(totals: &Totals, completeness: Completeness) -> Vec<u8> {
    let classes: serde_json::Map<_, _> =
        Class::ALL.iter().rev().map(|class| (class.code().to_owned(), totals.count(*class).into())).collect();
    let money = totals.money().map(|(class, references, money)| {
        json!({"currency": money.currency, "class": class.code(), "references": references, "minor": money.minor.to_string()})
    });
    line(&json!({
        "schema": "whtool.reconciliation/1", "references": totals.references(), "classes": classes,
        "money": money.collect::<Vec<_>>(), "badLines": totals.bad_lines, "partial": completeness == Completeness::Partial,
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

pub const CSV_HEADER: [&str; 14] = [
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
];

/// Formats a CSV row, without control characters and without anything a spreadsheet would evaluate.
pub fn csv_row(reconciled: &ReconciledReference) -> [String; 14] {
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
