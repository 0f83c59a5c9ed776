//! The lists of orders that people have: references one a line, CSV with a header, or NDJSON; told apart by their first line.
//!
//! They are read line by line, however long they are. A line that can't be read is named by its number, and the next one is
//! read all the same. What stands in a line is read in `cells`; `quotes` keeps watch over those of a table.

mod quotes;
mod raw_order;

use super::columns::{ColumnNames, ListColumn};
use csv::ByteRecord;
use quotes::Watched;
use raw_order::{RawOrder, parse_object, parse_order, parse_row};
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

/// What the user knows of something that a provider is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Where it stands in the list, from 1; 0 when it comes from somewhere else.
    pub line: u64,
    /// What it is looked up by.
    pub reference: String,
    /// The status that the order has.
    pub status: Option<String>,
    /// The amount, in minor units.
    pub minor: Option<i128>,
    /// The currency.
    pub currency: Option<String>,
}

impl Order {
    /// A reference of which nothing else is known.
    pub fn for_reference(reference: impl Into<String>) -> Self {
        Self { line: 0, reference: reference.into(), status: None, minor: None, currency: None }
    }
}

/// A line that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it; may hold strangers' text.
    pub why: String,
}

/// A list that can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file gives out.
    #[error(transparent)]
    Input(#[from] io::Error),
    /// There is a header, and no column in it is known to hold references.
    #[error("no column is known to hold the reference; the first line has {0}")]
    NoReference(String),
    /// A column that was named is not there.
    #[error("there is no column `{0}`; the first line has {1}")]
    NoColumn(String, String),
}

/// How amounts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountFormat {
    /// In whole minor units: `10000`.
    MinorUnits,
    /// In units with up to two decimals: `100.00`.
    Decimal,
}

/// The longest line that is read.
const LONGEST: u64 = 1024 * 1024;

type Input<'r> = BufReader<Chain<Cursor<Vec<u8>>, BufReader<Box<dyn Read + Send + 'r>>>>;

/// The orders in a list, one after the other.
pub struct OrderReader<'r> {
    form: OrderFormat<'r>,
    units: AmountFormat,
    /// The table can't be read on.
    has_ended: bool,
}

enum OrderFormat<'r> {
    /// References, one a line.
    Plain(TextLines<'r>),
    /// JSON objects, one a line.
    Json(TextLines<'r>, ColumnNames),
    Table(Box<csv::Reader<Watched<Input<'r>>>>, ColumnIndexes),
}

/// The places of the columns in a table.
struct ColumnIndexes {
    reference: usize,
    status: Option<usize>,
    amount: Option<usize>,
    currency: Option<usize>,
}

impl<'r> OrderReader<'r> {
    /// Looks at the first line that is not empty, and reads on from there.
    pub fn new(
        input: Box<dyn Read + Send + 'r>,
        columns: &ColumnNames,
        units: AmountFormat,
    ) -> Result<Self, ListError> {
        let mut input = BufReader::new(input);
        let (mut start, mut first) = (Vec::new(), String::new());
        loop {
            let from = start.len();
            if !first.is_empty() || input.by_ref().take(LONGEST).read_until(b'\n', &mut start)? == 0 {
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
        let table = if first.starts_with('{') { None } else { header(&first, columns)? };
        let is_json = first.starts_with('{');
        let input = BufReader::new(Cursor::new(start).chain(input));
        let form = match table {
            Some((delimiter, places)) => {
                let mut builder = csv::ReaderBuilder::new();
                builder.delimiter(delimiter).flexible(true).comment(Some(b'#')).trim(csv::Trim::All);
                OrderFormat::Table(Box::new(builder.from_reader(Watched::new(input, delimiter))), places)
            }
            None if is_json => OrderFormat::Json(TextLines { input, number: 0 }, columns.clone()),
            None => OrderFormat::Plain(TextLines { input, number: 0 }),
        };
        Ok(Self { form, units, has_ended: false })
    }
}

/// The delimiter and the places of the columns, when the first line is a header.
fn header(line: &str, columns: &ColumnNames) -> Result<Option<(u8, ColumnIndexes)>, ListError> {
    let delimiter = b",;\t|".iter().copied().find(|delimiter| line.as_bytes().contains(delimiter));
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).delimiter(delimiter.unwrap_or(b',')).from_reader(line.as_bytes());
    let names: Vec<String> = match reader.records().next() {
        Some(Ok(record)) => record.iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let headers: Vec<&str> = names.iter().map(String::as_str).collect();
    let place =
        |column| columns.find(column, &headers).map_err(|missing| ListError::NoColumn(missing, headers.join(", ")));
    match (place(ListColumn::Reference)?, delimiter) {
        (Some(reference), _) => {
            let (status, amount) = (place(ListColumn::Status)?, place(ListColumn::Amount)?);
            let places = ColumnIndexes { reference, status, amount, currency: place(ListColumn::Currency)? };
            Ok(Some((delimiter.unwrap_or(b','), places)))
        }
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ListError::NoReference(headers.join(", "))),
    }
}

impl Iterator for OrderReader<'_> {
    type Item = io::Result<Result<Order, BadLine>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { form, units, has_ended } = self;
        let units = *units;
        match form {
            OrderFormat::Plain(lines) => lines
                .next_line()
                .transpose()
                .map(|line| line.map(|(line, text)| parse_order(line, text.and_then(RawOrder::from_reference), units))),
            OrderFormat::Json(lines, columns) => lines.next_line().transpose().map(|line| {
                line.map(|(line, text)| parse_order(line, text.and_then(|text| parse_object(&text, columns)), units))
            }),
            OrderFormat::Table(reader, places) => {
                if *has_ended {
                    return None;
                }
                let mut record = ByteRecord::new();
                match reader.read_byte_record(&mut record) {
                    Ok(false) => None,
                    Ok(true) => {
                        let line = record.position().map_or(0, csv::Position::line);
                        Some(Ok(parse_order(line, parse_row(&record, places), units)))
                    }
                    Err(error) => {
                        // What follows in the table can't be told apart from it.
                        *has_ended = true;
                        Some(Err(error.into()))
                    }
                }
            }
        }
    }
}

/// The lines of a list, without those that are empty or a comment.
struct TextLines<'r> {
    input: Input<'r>,
    number: u64,
}

/// A line's number, and its text or what is wrong with it.
type Line = (u64, Result<String, String>);

impl TextLines<'_> {
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut line = Vec::new();
            if self.input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if line.len() as u64 == LONGEST && line.last() != Some(&b'\n') {
                self.input.skip_until(b'\n')?;
                return Ok(Some((self.number, Err("it is longer than a mebibyte".to_owned()))));
            }
            let text = String::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned());
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
