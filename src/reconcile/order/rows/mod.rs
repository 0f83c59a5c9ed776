//! The rows of a list as cells, whatever its format.
//!
//! Formats whose rows are cells in the order of a header (`delimited`, `boxed`, `fixed`, `matrix`)
//! share the rules in `table`. In the others each row has its own names (`json`, `vertical`).

pub(super) mod boxed;
pub(super) mod delimited;
pub(super) mod fixed;
pub(super) mod json;
mod lines;
pub(super) mod matrix;
mod members;
mod scanner;
mod splitter;
pub(super) mod table;
mod values;
pub(super) mod vertical;

use super::BadLine;
pub(super) use lines::Lines;
pub(super) use members::{Members, value_text};
pub(super) use splitter::Dialect;
use std::io;
pub(super) use values::{JsonLayout, find_arrays};

/// Longest row that is read, in bytes.
pub(super) const MAX_ROW: usize = 1024 * 1024;

/// One entry of a list: a row, or something that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Row,
    Bad(BadLine),
    /// The rest of the list can't be read.
    Broken(BadLine),
    Skipped(SkippedLine),
}

impl Entry {
    pub(super) fn bad(line: u64, reason: impl Into<String>) -> Self {
        Self::Bad(BadLine { line, reason: reason.into() })
    }

    pub(super) fn broken(line: u64, reason: impl Into<String>) -> Self {
        Self::Broken(BadLine { line, reason: reason.into() })
    }

    pub(super) fn skipped(line: u64, kind: SkippedKind) -> Self {
        Self::Skipped(SkippedLine { line, kind })
    }
}

/// A line that is not an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SkippedLine {
    pub(super) line: u64,
    pub(super) kind: SkippedKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SkippedKind {
    /// A line above the header.
    Title,
    /// A line `# …` in a list of references.
    Comment,
    /// A row whose cells are all empty.
    Empty,
    RepeatedHeader,
    /// The types of the columns.
    Types,
    /// A row that adds up the others.
    Total,
    /// A line of text below the table.
    Footer,
    /// The last record of `whtool reconcile --json`.
    WhtoolTotals,
}

impl SkippedKind {
    /// Describes one or several lines of this kind.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Title => "above the header",
            Self::Comment => "comment",
            Self::Empty => "without values",
            Self::RepeatedHeader => "repeated header",
            Self::Types => "types of the columns",
            Self::Total => "total",
            Self::Footer => "text below the table",
            Self::WhtoolTotals => "totals of whtool",
        }
    }
}

/// The cells of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// The line on which it starts, from 1.
    pub(super) line: u64,
    text: String,
    /// For each cell the end of its text, and whether it is a number of the format itself.
    cells: Vec<(usize, bool)>,
}

impl Row {
    pub(super) fn clear(&mut self, line: u64) {
        self.line = line;
        self.text.clear();
        self.cells.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns the text of a cell; empty if there is no such cell.
    pub(super) fn cell(&self, index: usize) -> &str {
        let Some((end, _)) = self.cells.get(index) else { return "" };
        let start = if index == 0 { 0 } else { self.cells[index - 1].0 };
        &self.text[start..*end]
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.cell(index))
    }

    /// Returns true for a number of JSON or of a workbook, whose decimal mark is a point.
    pub(super) fn is_number(&self, index: usize) -> bool {
        self.cells.get(index).is_some_and(|(_, is_number)| *is_number)
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.end_cell(false);
    }

    pub(super) fn push_number(&mut self, text: &str) {
        self.text.push_str(text);
        self.end_cell(true);
    }

    /// Adds text to the cell that was not ended yet.
    pub(super) fn extend(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn end_cell(&mut self, is_number: bool) {
        self.cells.push((self.text.len(), is_number));
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.cells.truncate(length);
        self.text.truncate(self.cells.last().map_or(0, |(end, _)| *end));
    }
}

/// A source of rows whose cells have no names yet.
pub(super) trait CellRows: Send {
    fn rewind(&mut self) -> io::Result<()>;
    /// Reads the next row. Lines without any text are no rows.
    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>>;
    /// Returns true if empty cells at the end of a row are left out.
    fn omits_empty_cells(&self) -> bool {
        false
    }
    /// Returns other dialects in which the same lines may be regular.
    fn other_dialects(&self) -> Vec<Dialect> {
        Vec::new()
    }
    fn dialect(&self) -> Option<Dialect> {
        None
    }
    fn set_dialect(&mut self, _dialect: Dialect) {}
}

/// A source of rows with named columns.
pub(super) trait NamedRows: Send {
    fn rewind(&mut self) -> io::Result<()>;
    /// Reads the next row, with its cells in the order of `header`.
    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>>;
    /// Returns the names of the columns. More may follow with further rows.
    fn header(&self) -> &[String];
    /// Returns false for a list with one reference per line.
    fn has_header(&self) -> bool {
        true
    }
    fn cell_rows(&mut self) -> Option<&mut dyn CellRows> {
        None
    }
}
