//! Shows the results of `whtool reconcile`: one row or record per reference, and the totals. This file
//! writes text, `json` and `csv` what programs read, and `replay_list` the events for `replay`. Reports
//! in files are in `html` and `junit`, five lines for a chat in `summary`.

mod csv;
mod html;
mod json;
mod junit;
mod replay_list;
mod summary;
pub(super) mod words;

use super::paint::Paint;
use super::text::count;
use crate::model::mask::mask_secrets;
use crate::model::money::Money;
use crate::model::sanitize::truncate;
use crate::model::width::pad_right;
use crate::reconcile::compare::UNCAPTURED_NOTE;
use crate::reconcile::period::ReportPeriod;
use crate::reconcile::{Acceptance, Class, KnownDifferences, ReconciledReference, ReplayEvent, Totals};

pub use csv::{CsvTable, is_csv_report};
pub use html::{html, html_body, is_html_report};
pub use json::{record, totals};
pub use junit::{is_junit_report, junit};
pub use replay_list::{is_replay_list, read_rebuilt, replay_line};
pub use summary::short_summary;

/// Longest reference and longest sentence shown, in columns.
const MAX_REFERENCE: usize = 32;
const MAX_SENTENCE: usize = 200;

/// Returns the word for a missed event in JSON and CSV.
fn replay_word(event: &ReplayEvent) -> &'static str {
    match event {
        ReplayEvent::Captured(_) => "captured",
        ReplayEvent::Rebuilt(_) => "rebuilt",
    }
}

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
    let own_id = reconciled.order.own_id.as_ref();
    let own_id = own_id.map(|id| format!("  order {}", truncate(&mask_secrets(id), MAX_REFERENCE)));
    let money = format!("{}{}", paint.number(&money), own_id.unwrap_or_default());
    let line = format!("{label}  {reference}  {}  {money}", pad_right(&status, 9));
    let mut row = line.trim_end().to_owned() + "\n";
    for finding in reconciled.assessment.findings.iter().filter(|finding| !finding.reason.is_empty()) {
        let also = if finding.class == class { String::new() } else { format!("also {}: ", finding.class.label()) };
        row.push_str(&format!("    {also}{}\n", truncate(&mask_secrets(&finding.reason), MAX_SENTENCE)));
    }
    // What agrees without a webhook is only counted in the summary.
    for note in reconciled.assessment.notes.iter().filter(|note| *note != UNCAPTURED_NOTE) {
        row.push_str(&format!("    note: {}\n", truncate(&mask_secrets(note), MAX_SENTENCE)));
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
    for (currency, fees) in totals.fees() {
        let money = |minor| truncate(&Money { minor, currency: currency.to_owned() }.to_string(), 80);
        let (fee, net) = (paint.number(&money(fees.fee)), paint.number(&money(fees.net)));
        text.push_str(&format!("  {:<19}  {:>7}  {fee}, net {net}\n", "fees", fees.references));
    }
    if let Some(period) = notes.period {
        let undated = match totals.undated {
            0 => String::new(),
            undated => format!(", {undated} without a time counted"),
        };
        let outside = format!("{} outside not counted", totals.outside);
        text.push_str(&format!("  created {}: {outside}{undated}\n", period.describe()));
    }
    if totals.uncaptured > 0 {
        let uncaptured =
            format!("{} without a captured webhook of the outcome", count(totals.uncaptured, "agreeing order"));
        text.push_str(&format!("  {}\n", paint.faint(&uncaptured)));
    }
    if totals.incomplete > 0 {
        let incomplete = format!("{} not compared in full", count(totals.incomplete, "order"));
        text.push_str(&format!("  {}\n", paint.bad(&incomplete)));
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
