//! Reads lists of orders: whatever a shop, a database or a spreadsheet exports.
//!
//! A list is spooled (`spool`), decoded (`text`, `workbook`) and its format is detected (`format`).
//! `rows` has one reader per format. All rows are surveyed (`survey`) before the first is used, so
//! that columns and notations are decided for the whole list (`plan`). A row that can't be read is
//! reported with its line, and reading continues after it: no row is lost without being named.

mod amount;
mod cell;
pub mod columns;
mod date;
mod format;
mod json_layout;
mod plan;
mod reference;
mod refused;
mod rows;
mod spool;
mod survey;
mod text;
mod workbook;

use crate::model::sanitize::truncate;
use crate::model::timestamp::Timestamp;
pub use amount::AmountFormat;
use columns::ColumnNames;
use jiff::tz::TimeZone;
use plan::{NoOrder, Plan};
use rows::{Entry, NamedRows, Row, SkippedKind};
pub use spool::{CreateFile, Spool, SpoolWriter};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// The user's side of a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The line in the list, from 1; 0 if the order is not from a list.
    pub line: u64,
    /// The reference that is looked up.
    pub reference: String,
    pub status: Option<String>,
    /// The amount in minor units.
    pub minor: Option<i128>,
    pub currency: Option<String>,
    /// The shop's own number of the order.
    pub own_id: Option<String>,
    pub created: Option<Timestamp>,
    /// The other columns of the list, name and text, in their order.
    pub extra: Vec<(Arc<str>, String)>,
    /// Sentences about cells that could not be read and were not compared. Untrusted text.
    pub problems: Vec<String>,
}

impl Order {
    /// Creates an order of which only the reference is known.
    pub fn for_reference(reference: impl Into<String>) -> Self {
        Self { reference: reference.into(), ..Self::default() }
    }
}

/// A line that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line in the list, from 1.
    pub line: u64,
    /// A sentence that may contain untrusted text.
    pub reason: String,
}

/// The reason why a whole list can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Input(#[from] io::Error),
    #[error("it is empty")]
    Empty,
    #[error("it has no orders")]
    NoOrders,
    #[error("no column looks like the reference; the header is {0}")]
    NoReference(String),
    /// A column from `--column` is missing.
    #[error("there is no column `{0}`; the header is {1}")]
    NoColumn(String, String),
    #[error("there is no sheet `{0}`; the workbook has {1}")]
    NoSheet(String, String),
    /// Another format, and advice or "".
    #[error("it is {0}, not a list of orders")]
    Refused(&'static str, &'static str),
    #[error("it is not a list of references: {0}")]
    NotReferences(String),
    #[error("the {0} is damaged: {1}")]
    Damaged(&'static str, String),
    #[error("line {0}: {1}")]
    Broken(u64, String),
    #[error("{reason}")]
    AmbiguousAmounts { reason: String, hint: &'static str },
}

/// The user's settings for a list.
#[derive(Clone, Debug)]
pub struct ListOptions {
    pub columns: ColumnNames,
    pub amounts: AmountFormat,
    /// The sheet of a workbook. `None`: the first one with rows.
    pub sheet: Option<String>,
    /// The zone of times that have none.
    pub zone: TimeZone,
    pub missing_reference: MissingReference,
}

/// The meaning of a row without a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingReference {
    BadLine,
    /// The order's own number is looked for instead, as in the provider's own list.
    OwnNumber,
}

/// Most lines that are named in one note.
const MAX_NAMED: usize = 10;
/// Longest part of a list in a message, in columns.
const MAX_EXCERPT: usize = 200;

fn excerpt(text: &str) -> String {
    truncate(text, MAX_EXCERPT)
}

/// Iterates over the orders in a list.
pub struct OrderReader {
    rows: Box<dyn NamedRows>,
    plan: Plan,
    row: Row,
    counts: ListCounts,
    notes: Vec<String>,
    problems: Vec<String>,
}

/// Numbers of orders and other lines in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListCounts {
    pub orders: u64,
    /// Lines that can't be read.
    pub bad: u64,
    /// Lines that are no orders, such as totals.
    pub skipped: u64,
    /// Amounts and dates that can't be read.
    pub problems: u64,
}

impl ListCounts {
    /// Counts the rows that are orders or should be.
    pub fn rows(&self) -> u64 {
        self.orders + self.bad
    }
}

impl OrderReader {
    /// Detects the format of a list, and reads it once to decide what its columns mean.
    pub fn new(spool: Spool, options: &ListOptions, create: &CreateFile<'_>) -> Result<Self, ListError> {
        if spool.length() == 0 {
            return Err(ListError::Empty);
        }
        let mut notes = Vec::new();
        let mut options = options.clone();
        let mut rows = format::open(spool, &mut options, create, &mut notes)?;
        let survey = survey::survey(&mut *rows, &options.columns)?;
        if survey.rows + survey.irregular == 0 {
            return Err(ListError::NoOrders);
        }
        let plan = Plan::new(rows.header(), rows.has_header(), &survey, &options, &mut notes)?;
        let (row, counts, problems) = (Row::default(), ListCounts::default(), Vec::new());
        let mut reader = Self { rows, plan, row, counts, notes, problems };
        reader.check_rows()?;
        Ok(reader)
    }

    /// Reads all rows once, to count what becomes of them.
    fn check_rows(&mut self) -> Result<(), ListError> {
        let mut skipped: BTreeMap<SkippedKind, Vec<u64>> = BTreeMap::new();
        let (mut first_bad, mut problems) = (None, Vec::new());
        while let Some(entry) = self.next_entry()? {
            match entry {
                ListEntry::Order(order) => {
                    self.counts.orders += 1;
                    for problem in order.problems {
                        self.counts.problems += 1;
                        if problems.len() < MAX_NAMED {
                            problems.push(format!("line {} of the list: {problem}", order.line));
                        }
                    }
                }
                ListEntry::Bad(bad) => {
                    self.counts.bad += 1;
                    first_bad.get_or_insert(bad);
                }
                ListEntry::Skipped(line, kind) => {
                    self.counts.skipped += 1;
                    skipped.entry(kind).or_default().push(line);
                }
            }
        }
        self.rows.rewind()?;
        let ListCounts { orders, bad, .. } = self.counts;
        let titles = skipped.get(&SkippedKind::Title).map_or(0, Vec::len) as u64;
        if !self.rows.has_header() && bad + titles > orders && bad > 0 {
            let BadLine { line, reason } = first_bad.unwrap_or(BadLine { line: 0, reason: String::new() });
            return Err(ListError::NotReferences(format!("line {line}: {reason}")));
        }
        if orders + bad == 0 {
            return Err(ListError::NoOrders);
        }
        self.notes.extend(skipped.iter().map(|(kind, lines)| skipped_note(*kind, lines)));
        let more = self.counts.problems.saturating_sub(problems.len() as u64);
        self.problems = problems;
        if more > 0 {
            self.problems.push(format!("{more} more cells of the list could not be read"));
        }
        Ok(())
    }

    /// Returns sentences about what was decided and what was skipped. Untrusted text, escaped.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns sentences about cells that can't be read. Untrusted text.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Returns the names of the columns that have no meaning here, in their order.
    pub fn extra_columns(&self) -> Vec<Arc<str>> {
        self.plan.extra_columns()
    }

    pub fn counts(&self) -> &ListCounts {
        &self.counts
    }

    fn next_entry(&mut self) -> io::Result<Option<ListEntry>> {
        let Some(entry) = self.rows.next_row(&mut self.row)? else { return Ok(None) };
        let line = self.row.line;
        Ok(Some(match entry {
            Entry::Row => match self.plan.order(&self.row) {
                Ok(order) => ListEntry::Order(Box::new(order)),
                Err(NoOrder::Bad(reason)) => ListEntry::Bad(BadLine { line, reason }),
                Err(NoOrder::Skipped(kind)) => ListEntry::Skipped(line, kind),
            },
            Entry::Bad(bad) | Entry::Broken(bad) => ListEntry::Bad(bad),
            Entry::Skipped(skipped) => ListEntry::Skipped(skipped.line, skipped.kind),
        }))
    }
}

enum ListEntry {
    Order(Box<Order>),
    Bad(BadLine),
    Skipped(u64, SkippedKind),
}

fn skipped_note(kind: SkippedKind, lines: &[u64]) -> String {
    let named: Vec<String> = lines.iter().take(MAX_NAMED).map(u64::to_string).collect();
    let more = match lines.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let word = if lines.len() == 1 { "line" } else { "lines" };
    format!("skipped {word} {}{more} of the list: {}", named.join(", "), kind.description())
}

impl Iterator for OrderReader {
    type Item = io::Result<Result<Order, BadLine>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            return match self.next_entry().transpose()? {
                Ok(ListEntry::Order(order)) => Some(Ok(Ok(*order))),
                Ok(ListEntry::Bad(bad)) => Some(Ok(Err(bad))),
                Ok(ListEntry::Skipped(..)) => continue,
                Err(error) => Some(Err(error)),
            };
        }
    }
}

#[cfg(test)]
mod tests;
