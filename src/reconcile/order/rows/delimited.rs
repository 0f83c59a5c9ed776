//! Reads delimited lists: CSV and its relatives, and lists with one reference per line.
//!
//! A stray quote would join the rows after it into one cell, so a row that breaks a rule is
//! reported as a bad line and reading continues on the line after its first.

use super::lines::TextLine;
use super::splitter::{Dialect, SplitState};
use super::{CellRows, Entry, Lines, MAX_ROW, Row};
use std::io;

/// Most lines of one row.
const MAX_LINES: usize = 100;

pub(in super::super) struct DelimitedRows {
    lines: Lines,
    pub(in super::super) dialect: Dialect,
}

impl DelimitedRows {
    pub(in super::super) fn new(lines: Lines, dialect: Dialect) -> Self {
        Self { lines, dialect }
    }

    pub(in super::super) fn into_lines(self) -> Lines {
        self.lines
    }

    /// Reads the other lines of a row whose first line ends inside of quotes.
    fn read_rest(&mut self, first: &str, row: &mut Row) -> io::Result<Entry> {
        let (mut rest, mut length): (Vec<TextLine>, usize) = (Vec::new(), first.len());
        let mut reason = "a quote is not closed";
        while let Some(line) = self.lines.next_line()? {
            let text = line.text.clone().unwrap_or_default();
            length += text.len() + 1;
            let is_too_long = line.text.is_none() || length > MAX_ROW || rest.len() + 1 >= MAX_LINES;
            rest.push(line);
            if is_too_long {
                reason = "a quote is not closed within 100 lines or 1 MiB";
                break;
            }
            row.extend("\n");
            match self.dialect.split(&text, true, row) {
                SplitState::Quoted => {}
                SplitState::TextAfterQuote => {
                    reason = "text follows a closing quote";
                    break;
                }
                SplitState::Complete if self.hides_a_row(first, &rest, row.len()) => {
                    reason = "a cell with quotes contains another row; is a quote missing?";
                    break;
                }
                SplitState::Complete => return Ok(Entry::Row),
            }
        }
        self.lines.put_back(rest);
        Ok(Entry::bad(row.line, reason))
    }

    /// Returns true if a line inside of quotes looks like a row of its own: it has as many cells as
    /// the first line and as the whole row, and one with digits has the same shape.
    fn hides_a_row(&self, first: &str, rest: &[TextLine], cells: usize) -> bool {
        let Some(delimiter) = self.dialect.delimiter else { return !rest.is_empty() };
        let first: Vec<&str> = first.split(delimiter).collect();
        first.len() == cells
            && rest.iter().filter_map(|line| line.text.as_deref()).any(|line| {
                let other: Vec<&str> = line.split(delimiter).collect();
                let is_alike = |(one, two): (&&str, &&str)| has_same_shape(one, two);
                other.len() == cells && first.iter().zip(&other).any(is_alike)
            })
    }
}

/// Compares two texts with digits, such as `pi_1` and `pi_27`, by their kinds of characters.
fn has_same_shape(one: &str, two: &str) -> bool {
    let shape = |text: &str| {
        let kinds = text.trim_matches([' ', '"']).chars().map(|letter| match letter {
            letter if letter.is_alphanumeric() => 'a',
            other => other,
        });
        let mut shape: Vec<char> = kinds.collect();
        shape.dedup();
        shape
    };
    let has_digit = |text: &str| text.contains(|letter: char| letter.is_ascii_digit());
    has_digit(one) && has_digit(two) && !one.trim().contains(' ') && shape(one) == shape(two)
}

impl CellRows for DelimitedRows {
    fn rewind(&mut self) -> io::Result<()> {
        self.lines.rewind()
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>> {
        while let Some(TextLine { number, text }) = self.lines.next_line()? {
            row.clear(number);
            let Some(text) = text else { return Ok(Some(Entry::bad(number, TextLine::UNREADABLE))) };
            if text.trim().is_empty() {
                continue;
            }
            return Ok(Some(match self.dialect.split(&text, false, row) {
                SplitState::Complete => Entry::Row,
                SplitState::TextAfterQuote => Entry::bad(number, "text follows a closing quote"),
                SplitState::Quoted => self.read_rest(&text, row)?,
            }));
        }
        Ok(None)
    }

    fn other_dialects(&self) -> Vec<Dialect> {
        let Dialect { delimiter, quote, .. } = self.dialect;
        let escaped = Dialect { has_escapes: true, ..self.dialect };
        let unquoted = Dialect { quote: None, ..self.dialect };
        // Tools that separate by tabs or bars often do not know quotes.
        let is_unquoted = matches!(delimiter, Some('\t' | '|')) && quote.is_some();
        [Some(escaped), is_unquoted.then_some(unquoted)].into_iter().flatten().collect()
    }

    fn dialect(&self) -> Option<Dialect> {
        Some(self.dialect)
    }

    fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }
}
