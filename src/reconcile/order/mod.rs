//! Reads lists of orders: one reference per line, CSV with a header, or NDJSON. The first line
//! decides which.
//!
//! Lists are streamed. A line that can't be read is reported with its number, and reading continues
//! after it. `table` reads CSV, and `raw_order` turns the text of a line into an order.

mod raw_order;
mod table;

use super::columns::ColumnNames;
use crate::model::timestamp::Timestamp;
use raw_order::{RawOrder, parse_object, parse_order, parse_row};
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::sync::Arc;
use table::Table;

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
    #[error("no column looks like the reference; the header is {0}")]
    NoReference(String),
    /// A column from `--column` is missing.
    #[error("there is no column `{0}`; the header is {1}")]
    NoColumn(String, String),
}

/// The notation of amounts in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountFormat {
    /// Whole minor units: `10000`.
    MinorUnits,
    /// Major units with up to two decimals: `100.00`.
    Decimal,
}

/// Longest line that is read, in bytes.
const MAX_LINE: u64 = 1024 * 1024;

type Input<'r> = BufReader<Chain<Cursor<Vec<u8>>, BufReader<Box<dyn Read + Send + 'r>>>>;

/// Iterates over the orders in a list.
pub struct OrderReader<'r> {
    format: ListFormat<'r>,
    amounts: AmountFormat,
}

enum ListFormat<'r> {
    /// One reference per line.
    Plain(TextLines<'r>),
    /// One JSON object per line.
    Json(TextLines<'r>, ColumnNames),
    Table(Box<Table<Input<'r>>>),
}

impl<'r> OrderReader<'r> {
    /// Detects the format from the first line that is neither empty nor a comment.
    pub fn new(
        input: Box<dyn Read + Send + 'r>,
        columns: &ColumnNames,
        amounts: AmountFormat,
    ) -> Result<Self, ListError> {
        let mut input = BufReader::new(input);
        let (mut start, mut first) = (Vec::new(), String::new());
        loop {
            let from = start.len();
            if !first.is_empty() || input.by_ref().take(MAX_LINE).read_until(b'\n', &mut start)? == 0 {
                break;
            }
            let line = start.get(from..).unwrap_or_default();
            let line = if from == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
            if !line.starts_with(b"#") {
                first = String::from_utf8_lossy(line).trim().to_owned();
            }
        }
        if start.starts_with(b"\xef\xbb\xbf") {
            start.drain(..3);
        }
        let is_json = first.starts_with('{');
        let header = if is_json { None } else { table::parse_header(&first, columns)? };
        let input = BufReader::new(Cursor::new(start).chain(input));
        let format = match header {
            Some(header) => ListFormat::Table(Box::new(Table::new(input, header))),
            None if is_json => ListFormat::Json(TextLines { input, number: 0 }, columns.clone()),
            None => ListFormat::Plain(TextLines { input, number: 0 }),
        };
        Ok(Self { format, amounts })
    }

    /// Reads the text of the next order and its line number.
    fn next_raw(&mut self) -> io::Result<Option<(u64, Result<RawOrder, String>)>> {
        Ok(match &mut self.format {
            ListFormat::Plain(lines) => {
                lines.next_line()?.map(|(line, text)| (line, text.map(RawOrder::from_reference)))
            }
            ListFormat::Json(lines, columns) => {
                lines.next_line()?.map(|(line, text)| (line, text.and_then(|text| parse_object(&text, columns))))
            }
            ListFormat::Table(table) => table.next_row()?.map(|(line, row)| (line, parse_row(&row, &table.columns))),
        })
    }
}

impl Iterator for OrderReader<'_> {
    type Item = io::Result<Result<Order, BadLine>>;

    fn next(&mut self) -> Option<Self::Item> {
        let amounts = self.amounts;
        let raw = self.next_raw().transpose()?;
        Some(raw.map(|(line, raw)| {
            raw.and_then(|raw| parse_order(line, raw, amounts)).map_err(|reason| BadLine { line, reason })
        }))
    }
}

/// Reads lines, skipping empty ones and comments.
struct TextLines<'r> {
    input: Input<'r>,
    number: u64,
}

impl TextLines<'_> {
    /// Returns the number of the next line, and its text or the reason why it can't be read.
    fn next_line(&mut self) -> io::Result<Option<(u64, Result<String, String>)>> {
        loop {
            let mut line = Vec::new();
            if self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if line.len() as u64 == MAX_LINE && line.last() != Some(&b'\n') {
                self.input.skip_until(b'\n')?;
                return Ok(Some((self.number, Err("longer than 1 MiB".to_owned()))));
            }
            let text = String::from_utf8(line).map_err(|_| "not UTF-8".to_owned());
            let text = text.map(|text| text.trim().to_owned());
            if text.as_ref().is_ok_and(|text| text.is_empty() || text.starts_with('#')) {
                continue;
            }
            return Ok(Some((self.number, text)));
        }
    }
}

#[cfg(test)]
mod tests;
