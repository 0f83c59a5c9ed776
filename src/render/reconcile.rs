//! What came of reconciling, for people and programs: a row or a record for each reference, and what they come to.

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
use crate::reconcile::{Class, Order, ReconciledReference, Totals};
use serde_json::{Value, json};

/// The widest that a reference is shown in a row, and that a sentence below it is.
const REFERENCE: usize = 32;
const SENTENCE: usize = 200;

/// Whether everything was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Yes.
    Complete,
    /// No: it ended before.
    Partial,
}

/// A row, and below it what is to be said of it.
pub fn row(reconciled: &ReconciledReference, paint: Paint) -> String {
    let class = reconciled.assessment.class();
    let status = reconciled.record.as_ref().map(|record| truncate(&record.status, 18)).unwrap_or_default();
    let money = reconciled.money().map(|money| truncate(&money.to_string(), 60)).unwrap_or_default();
    let reference = paint.strong(&pad_right(&truncate(&mask_secrets(&reconciled.order.reference), REFERENCE), 20));
    let line =
        format!("{}  {reference}  {}  {}", painted(class, 19, paint), pad_right(&status, 9), paint.number(&money));
    let mut row = line.trim_end().to_owned() + "\n";
    for finding in reconciled.assessment.findings.iter().filter(|finding| !finding.why.is_empty()) {
        let also = if finding.class == class { String::new() } else { format!("also {}: ", finding.class.label()) };
        row.push_str(&format!("    {also}{}\n", truncate(&mask_secrets(&finding.why), SENTENCE)));
    }
    row
}

/// What to do about a class, below its first row; empty: nothing.
pub fn advice(advice: &str, paint: Paint) -> String {
    if advice.is_empty() { String::new() } else { format!("    {}\n", paint.faint(advice)) }
}

fn painted(class: Class, width: usize, paint: Paint) -> String {
    let words = format!("{:<width$}", class.label());
    match class {
        Class::SettledAgreed => paint.good(&words),
        Class::StillOpen => paint.warn(&words),
        _ => paint.bad(&words),
    }
}

/// What all of it comes to, in lines.
pub fn summary(totals: &Totals, completeness: Completeness, paint: Paint) -> String {
    let classes: Vec<_> = totals.classes().map(|(class, count)| format!("{count} {}", class.label())).collect();
    let mut text = paint.strong(&count(totals.references(), "reference"));
    if !classes.is_empty() {
        text.push_str(&format!(": {}", classes.join(", ")));
    }
    text.push('\n');
    for (class, references, money) in totals.money() {
        let money = truncate(&money.to_string(), 80);
        text.push_str(&format!("  {}  {references:>7}  {}\n", painted(class, 19, paint), paint.number(&money)));
    }
    if totals.bad_lines > 0 {
        text.push_str(&format!("  {}\n", paint.bad(&format!("{} could not be read", count(totals.bad_lines, "line")))));
    }
    if completeness == Completeness::Partial {
        text.push_str(&format!("  {}\n", paint.bad("partial: it ended before everything was asked")));
    }
    text
}

/// `whtool.reconciled/1`: what is to be said of a reference.
pub fn record(reconciled: &ReconciledReference) -> Vec<u8> {
    let class = reconciled.assessment.class();
    let findings = reconciled.assessment.findings.iter();
    let findings: Vec<_> = findings.map(|one| json!({"class": one.class.code(), "why": one.why})).collect();
    line(&json!({
        "schema": "whtool.reconciled/1",
        "reference": reconciled.order.reference,
        "provider": reconciled.provider.name(),
        "class": class.code(),
        "difference": class.is_difference(),
        "findings": findings,
        "advice": class.advice(),
        "record": reconciled.record.as_ref().map(recorded),
        "order": ordered(&reconciled.order),
        "webhooks": reconciled.webhooks.as_ref().map(|told| told.iter().map(webhook).collect::<Vec<_>>()),
    }))
}

fn purse(money: &Money) -> Value {
    json!({"minor": money.minor.to_string(), "currency": money.currency})
}

fn recorded(record: &Record) -> Value {
    json!({
        "reference": record.reference, "merchantReference": record.merchant_reference, "object": record.object,
        "status": record.status, "state": record.parsed_status.state.code(), "money": record.money.as_ref().map(purse),
        "amountIs": match record.amount {
            crate::provider::record::AmountKind::Same => "amount",
            crate::provider::record::AmountKind::Charged => "charge",
        },
        "created": record.created.map(|time| time.to_string()), "changed": record.changed.map(|time| time.to_string()),
    })
}

fn ordered(order: &Order) -> Value {
    json!({
        "line": Some(order.line).filter(|line| *line > 0), "status": order.status,
        "minor": order.minor.map(|minor| minor.to_string()), "currency": order.currency,
    })
}

fn webhook(ReferenceMatch { summary: entry, key }: &ReferenceMatch) -> Value {
    json!({
        "id": entry.id, "arrived": entry.arrived.to_string(), "type": entry.kind, "status": entry.status, "key": key,
        "verdict": entry.verdict, "answered": entry.answer.code(), "app": entry.app.code(), "money": entry.money.as_ref().map(purse),
    })
}

/// `whtool.reconciliation/1`: what all of it comes to, the last line.
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

/// `whtool.rebuilt/1`: an event made of the provider's record, for `replay --from`.
pub fn rebuilt(reconciled: &ReconciledReference, event: &Value) -> Vec<u8> {
    line(&json!({
        "schema": REBUILT, "provider": reconciled.provider.name(), "reference": reconciled.order.reference,
        "body": event.to_string(),
    }))
}

/// Whose event a line of `rebuilt` is, about what, and its bytes. `None`: the line is something else.
pub fn read_rebuilt(line: &str) -> Option<(&'static dyn Provider, String, Vec<u8>)> {
    let record: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| record.get(name)?.as_str();
    text("schema").filter(|schema| *schema == REBUILT)?;
    Some((provider::by_name(text("provider")?)?, text("reference")?.to_owned(), text("body")?.as_bytes().to_vec()))
}

/// The header of the table that spreadsheets read.
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

/// A row of that table, without control characters and without anything that a spreadsheet would calculate.
pub fn csv_row(reconciled: &ReconciledReference) -> [String; 14] {
    let record = reconciled.record.as_ref();
    let money = record.and_then(|record| record.money.as_ref());
    let order = &reconciled.order;
    let why: Vec<_> = reconciled.assessment.findings.iter().map(|finding| finding.why.as_str()).collect();
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
        reconciled.webhooks.as_ref().map(|told| told.len().to_string()),
        record.and_then(|record| record.changed).map(|time| time.to_string()),
        Some(why.join("; ")),
    ];
    cells.map(|cell| inert(&crate::model::sanitize::escape_unsafe(&cell.unwrap_or_default())))
}

/// The text of a cell; an apostrophe before it keeps spreadsheets from taking it for a formula. Numbers are what they are.
fn inert(text: &str) -> String {
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
    fn a_cell_is_never_a_formula_and_a_number_stays_one() {
        for text in ["=HYPERLINK(\"http://x\")", "+1+1", "-1+cmd|x", "@SUM(A1)", "-"] {
            assert_eq!(inert(text), format!("'{text}"));
        }
        for text in ["-100", "100", "PLS-1", "", "a=b"] {
            assert_eq!(inert(text), text);
        }
    }
}
