//! Writes a CSV table of results for spreadsheets, without control characters and without anything a
//! spreadsheet would evaluate.

use crate::model::money::format_decimal;
use crate::model::sanitize::escape_unsafe;
use crate::reconcile::{Acceptance, Class, ReconciledReference};
use std::sync::Arc;

/// The columns of whtool. New ones are added at the end.
const COLUMNS: [&str; 25] = [
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
    "own_id",
    "amount",
    "order_amount",
    "created",
    "age_seconds",
    "unrecognized_status",
    "notes",
    "replay",
    "fee",
    "net",
];

/// A table with the columns of whtool, and after them the other columns of the list.
pub struct CsvTable {
    extra: Vec<Arc<str>>,
}

impl CsvTable {
    pub fn new(extra: Vec<Arc<str>>) -> Self {
        Self { extra }
    }

    /// Names the columns. One of the list that is called like one of whtool gets the prefix `list_`.
    pub fn header(&self) -> Vec<String> {
        let mut names: Vec<String> = COLUMNS.iter().map(|&name| name.to_owned()).collect();
        for name in &self.extra {
            let mut name = clean(name);
            while names.contains(&name) {
                name.insert_str(0, "list_");
            }
            names.push(name);
        }
        names
    }

    pub fn row(&self, reconciled: &ReconciledReference) -> Vec<String> {
        let record = reconciled.record.as_ref();
        let money = record.and_then(|record| record.money.as_ref());
        let (order, assessment) = (&reconciled.order, &reconciled.assessment);
        let reasons: Vec<_> = assessment.findings.iter().map(|finding| finding.reason.as_str()).collect();
        let cells = [
            Some(order.line).filter(|line| *line > 0).map(|line| line.to_string()),
            Some(order.reference.clone()),
            Some(reconciled.provider.name().to_owned()),
            Some(assessment.class().code().to_owned()),
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
            order.own_id.clone(),
            money.map(|money| format_decimal(money.minor)),
            order.minor.map(format_decimal),
            reconciled.created().map(|time| time.to_string()),
            reconciled.age().map(|age| age.as_secs().to_string()),
            assessment.unrecognized_status.clone(),
            Some(assessment.notes.join("; ")),
            reconciled.replay.as_ref().map(|event| super::replay_word(event).to_owned()),
            record.and_then(|record| record.fees).map(|fees| format_decimal(fees.fee)),
            record.and_then(|record| record.fees).map(|fees| format_decimal(fees.net)),
        ];
        let own = cells.map(|cell| clean(&cell.unwrap_or_default()));
        own.into_iter().chain(self.extra_cells(reconciled)).collect()
    }

    /// Returns a row about something that could not be compared: a line of the list, or the rest of the
    /// run.
    pub fn incomplete_row(&self, line: u64, reason: &str) -> Vec<String> {
        let mut cells = vec![String::new(); COLUMNS.len() + self.extra.len()];
        let named = [
            ("line", if line > 0 { line.to_string() } else { String::new() }),
            ("class", Class::CouldNotTell.code().to_owned()),
            ("why", clean(reason)),
        ];
        for (name, text) in named {
            if let Some(at) = COLUMNS.iter().position(|column| *column == name) {
                cells[at] = text;
            }
        }
        cells
    }

    /// Returns the cells of the list's other columns. The n-th column of a name gets the n-th cell of it.
    fn extra_cells(&self, reconciled: &ReconciledReference) -> impl Iterator<Item = String> {
        let extra = &reconciled.order.extra;
        self.extra.iter().enumerate().map(move |(index, name)| {
            let before = self.extra[..index].iter().filter(|other| *other == name).count();
            let cell = extra.iter().filter(|(other, _)| other == name).nth(before);
            cell.map(|(_, text)| clean(text)).unwrap_or_default()
        })
    }
}

/// Recognizes a table by its first bytes.
pub fn is_csv_report(start: &[u8]) -> bool {
    start.starts_with(COLUMNS[..4].join(",").as_bytes())
}

fn clean(text: &str) -> String {
    escape_formula(&escape_unsafe(text))
}

/// Puts an apostrophe before text that a spreadsheet would take for a formula. Numbers stay as they
/// are.
fn escape_formula(text: &str) -> String {
    let is_number = || {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        [whole, part].iter().all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if text.starts_with(['=', '+', '-', '@']) && !is_number() { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_numbers_stay_numbers() {
        for text in ["=HYPERLINK(\"http://x\")", "+1+1", "-1+cmd|x", "@SUM(A1)", "-", "-1.", "-.5", "-1.2.3"] {
            assert_eq!(escape_formula(text), format!("'{text}"));
        }
        for text in ["-100", "-1.50", "100", "PLS-1", "", "a=b"] {
            assert_eq!(escape_formula(text), text);
        }
    }
}
