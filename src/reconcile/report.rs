//! Everything that a written report shows: facts about the run, totals, and rows.
//!
//! Rows are bounded, in number and in length, so that a report of a million references stays a page
//! that a browser opens. Totals always include everything; the complete list is in the CSV.

use super::known::{Acceptance, difference};
use super::period::{ReportPeriod, reference_time};
use super::{Class, ReconciledReference, ReferenceFinding, Totals};
use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Maximum number of rows of a class that counts.
pub const MAX_DIFFERENCES: usize = 5_000;
/// Maximum number of rows of each other kind: matched, open, accepted.
pub const MAX_OTHER_ROWS: usize = 500;
/// Longest text in a row, in characters.
const MAX_TEXT: usize = 200;

/// Mode of a provider's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiMode {
    Live,
    Test,
}

/// An API that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedApi {
    /// The provider's name in prose.
    pub title: &'static str,
    pub host: String,
    pub mode: ApiMode,
}

/// Facts about a run that are not in its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFacts {
    pub started: Timestamp,
    pub finished: Timestamp,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    /// The source of the references, such as `orders.csv`. Untrusted text.
    pub source: String,
    pub apis: Vec<ComparedApi>,
    pub period: Option<ReportPeriod>,
    /// The reason why the run stopped early. `None`: it is complete.
    pub stopped: Option<String>,
    /// The file with the complete list.
    pub csv: Option<String>,
}

/// Accepted differences at the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownSummary {
    /// Lines of accepted differences that are gone.
    pub gone: Vec<String>,
    /// Number of accepted differences whose reference was not compared.
    pub not_compared: u64,
}

/// A reference in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    pub class: Class,
    pub acceptance: Acceptance,
    /// The line in the list; 0 if it is from no list.
    pub line: u64,
    pub reference: String,
    pub own_id: Option<String>,
    /// The provider's name in prose.
    pub provider: &'static str,
    /// Creation of the record, or else the date of the order.
    pub time: Option<Timestamp>,
    pub order_status: Option<String>,
    pub order_money: Option<Money>,
    pub record_status: Option<String>,
    pub record_money: Option<Money>,
    /// The order's amount less the record's, in minor units.
    pub difference: Option<i128>,
    pub findings: Vec<ReferenceFinding>,
    /// Facts that are no findings, as sentences.
    pub notes: Vec<String>,
}

impl ReportRow {
    pub fn new(reconciled: &ReconciledReference) -> Self {
        let (order, record) = (&reconciled.order, reconciled.record.as_ref());
        let currency = || order.currency.as_deref().map(clip).unwrap_or_default();
        let recorded = record.and_then(|record| record.money.as_ref());
        let findings = reconciled.assessment.findings.iter();
        Self {
            class: reconciled.assessment.class(),
            acceptance: match &reconciled.acceptance {
                Acceptance::Counted => Acceptance::Counted,
                Acceptance::Accepted(note) => Acceptance::Accepted(clip(note)),
                Acceptance::Changed(reason) => Acceptance::Changed(clip(reason)),
            },
            line: order.line,
            reference: clip(&order.reference),
            own_id: order.own_id.as_deref().map(clip),
            provider: reconciled.provider.title(),
            time: reference_time(reconciled),
            order_status: order.status.as_deref().map(clip),
            order_money: order.minor.map(|minor| Money { minor, currency: currency() }),
            record_status: record.map(|record| clip(&record.status)),
            record_money: recorded.map(|money| Money { minor: money.minor, currency: clip(&money.currency) }),
            difference: difference(reconciled),
            findings: findings
                .map(|finding| ReferenceFinding { class: finding.class, reason: clip(&finding.reason) })
                .collect(),
            notes: reconciled.assessment.notes.iter().map(|note| clip(note)).collect(),
        }
    }
}

/// Cuts a text at a length that fits a row.
fn clip(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// A section of a report, in the order of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportSection {
    /// References of one class that are not accepted.
    Class(Class),
    Accepted,
}

impl ReportSection {
    /// Returns true if its references need attention.
    pub fn counts(self) -> bool {
        matches!(self, Self::Class(class) if class.is_difference() || class == Class::CouldNotTell)
    }
}

/// Collects the rows of a report, up to the limits.
#[derive(Default)]
pub struct ReportRows(BTreeMap<ReportSection, Vec<ReportRow>>);

impl ReportRows {
    pub fn add(&mut self, reconciled: &ReconciledReference) {
        let class = reconciled.assessment.class();
        let section =
            if reconciled.acceptance.is_accepted() { ReportSection::Accepted } else { ReportSection::Class(class) };
        let rows = self.0.entry(section).or_default();
        let limit = if section.counts() { MAX_DIFFERENCES } else { MAX_OTHER_ROWS };
        if rows.len() < limit {
            rows.push(ReportRow::new(reconciled));
        }
    }
}

/// A finished run, for a report in a file.
pub struct ReconcileReport {
    pub facts: RunFacts,
    pub totals: Totals,
    pub known: KnownSummary,
    rows: ReportRows,
}

impl ReconcileReport {
    pub fn new(facts: RunFacts, totals: Totals, known: KnownSummary, rows: ReportRows) -> Self {
        Self { facts, totals, known, rows }
    }

    /// Lists the sections with their rows and the number of all references in them.
    pub fn sections(&self) -> impl Iterator<Item = (ReportSection, &[ReportRow], u64)> {
        self.rows.0.iter().map(|(section, rows)| {
            let count = match section {
                ReportSection::Class(class) => self.totals.count(*class),
                ReportSection::Accepted => self.totals.accepted(),
            };
            (*section, rows.as_slice(), count)
        })
    }

    /// Counts the references with a difference that is not accepted.
    pub fn differences(&self) -> u64 {
        self.totals.classes().filter(|(class, _)| class.is_difference()).map(|(_, count)| count).sum()
    }

    /// Counts the references that could not be compared.
    pub fn inconclusive(&self) -> u64 {
        self.totals.count(Class::CouldNotTell)
    }

    /// Lists what makes the report incomplete, as sentences; empty if it is complete.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if let Some(reason) = &self.facts.stopped {
            missing.push(format!("the run stopped early: {reason}"));
        }
        if self.totals.bad_lines > 0 {
            missing.push(format!("{} of the list could not be read", number_of(self.totals.bad_lines, "line")));
        }
        if self.inconclusive() > 0 {
            missing.push(format!("{} could not be compared", number_of(self.inconclusive(), "transaction")));
        }
        if self.totals.incomplete > 0 && self.inconclusive() == 0 {
            missing.push(format!("{} not compared in full", number_of(self.totals.incomplete, "order")));
        }
        if missing.is_empty() && self.totals.references() + self.totals.outside == 0 {
            missing.push("nothing was compared".to_owned());
        }
        missing
    }
}

fn number_of(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
