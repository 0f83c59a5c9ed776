//! Reads CSV, and refuses a quote that is never closed.
//!
//! To the csv crate such a quote is one long cell, so every row after it would silently disappear.
//! Quoted cells may contain line breaks, but rarely many: a row with more than 100, or longer than
//! 1 MiB, is an error too.

use super::super::columns::{ColumnNames, ListColumn};
use super::{ListError, MAX_LINE};
use csv::ByteRecord;
use std::io::{self, Read};

const MAX_LINE_BREAKS: usize = 100;
/// The csv crate reads ahead by less than the difference to 1 MiB.
const MAX_ROW: u64 = MAX_LINE + 64 * 1024;

/// The delimiter and columns from the first line of a table.
pub(super) struct Header {
    delimiter: u8,
    columns: ColumnIndexes,
}

pub(super) struct ColumnIndexes {
    pub(super) reference: usize,
    pub(super) status: Option<usize>,
    pub(super) amount: Option<usize>,
    pub(super) currency: Option<usize>,
}

/// Parses the first line. `None` if it is not a header but a single reference.
pub(super) fn parse_header(line: &str, columns: &ColumnNames) -> Result<Option<Header>, ListError> {
    let found = b",;\t|".iter().copied().find(|delimiter| line.as_bytes().contains(delimiter));
    let delimiter = found.unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(line.as_bytes());
    let names: Vec<String> = match reader.records().next() {
        Some(Ok(record)) => record.iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let headers: Vec<&str> = names.iter().map(String::as_str).collect();
    let index =
        |column| columns.find(column, &headers).map_err(|missing| ListError::NoColumn(missing, headers.join(", ")));
    let Some(reference) = index(ListColumn::Reference)? else {
        return if found.is_some() { Err(ListError::NoReference(headers.join(", "))) } else { Ok(None) };
    };
    let (status, amount) = (index(ListColumn::Status)?, index(ListColumn::Amount)?);
    let columns = ColumnIndexes { reference, status, amount, currency: index(ListColumn::Currency)? };
    Ok(Some(Header { delimiter, columns }))
}

/// The rows of a table after its header.
pub(super) struct Table<R> {
    reader: csv::Reader<TableInput<R>>,
    pub(super) columns: ColumnIndexes,
    has_read_header: bool,
    /// Set after an error: the rest of the table may be part of the row that failed.
    has_failed: bool,
}

impl<R: Read> Table<R> {
    pub(super) fn new(input: R, header: Header) -> Self {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).delimiter(header.delimiter).flexible(true).comment(Some(b'#'));
        let reader =
            builder.from_reader(TableInput { input, length: 0, row_start: 0, is_crlf: false, has_ended: false });
        Self { reader, columns: header.columns, has_read_header: false, has_failed: false }
    }

    /// Returns the next row and the line on which it starts.
    pub(super) fn next_row(&mut self) -> io::Result<Option<(u64, ByteRecord)>> {
        if self.has_failed {
            return Ok(None);
        }
        let is_first = !std::mem::replace(&mut self.has_read_header, true);
        let row = if is_first { self.read_row().and_then(|_header| self.read_row()) } else { self.read_row() };
        self.has_failed = row.is_err();
        row
    }

    fn read_row(&mut self) -> io::Result<Option<(u64, ByteRecord)>> {
        let row_start = self.reader.position().byte();
        self.reader.get_mut().row_start = row_start;
        let mut row = ByteRecord::new();
        let outcome = self.reader.read_byte_record(&mut row);
        let (input, end) = (self.reader.get_ref(), self.reader.position());
        let unclosed = |line| Err(io::Error::new(io::ErrorKind::InvalidData, UnclosedRow { line }));
        if input.is_row_too_long() {
            return unclosed(row.position().map_or(0, csv::Position::line));
        }
        if !outcome? {
            return Ok(None);
        }
        // The position in the row is before the comments and empty lines in front of it, so that
        // its line is counted from its end. A complete row ends with the first of the two line
        // breaks that `TableInput` adds, if not before. Of CRLF, only the CR is read by then.
        let line_breaks = row.as_slice().iter().filter(|byte| **byte == b'\n').count();
        let unread = if input.has_ended { input.length - end.byte() } else { u64::MAX };
        let ends_with_lf = unread > 0 && (!input.is_crlf || unread == 1);
        let line = end.line() - line_breaks as u64 - u64::from(ends_with_lf);
        if unread == 0 || line_breaks > MAX_LINE_BREAKS {
            return unclosed(line);
        }
        Ok(Some((line, row)))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the row in line {line} does not end within 100 lines or 1 MiB; is a quote not closed?")]
struct UnclosedRow {
    line: u64,
}

/// Passes the bytes of a table on to the csv crate, up to 1 MiB after the start of a row, and adds
/// two line breaks at the end. Only a row with an unclosed quote consumes both of them.
struct TableInput<R> {
    input: R,
    /// Bytes passed on so far.
    length: u64,
    row_start: u64,
    /// Set if the first line ends with CRLF.
    is_crlf: bool,
    has_ended: bool,
}

impl<R> TableInput<R> {
    fn is_row_too_long(&self) -> bool {
        self.length.saturating_sub(self.row_start) > MAX_ROW
    }
}

impl<R: Read> Read for TableInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_row_too_long() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut length = self.input.read(buffer)?;
        if self.length == 0 {
            let first_break = buffer.iter().take(length).position(|byte| *byte == b'\n');
            self.is_crlf = first_break.is_some_and(|index| index > 0 && buffer[index - 1] == b'\r');
        }
        if length == 0 && !self.has_ended {
            self.has_ended = true;
            length = b"\n\n".as_slice().read(buffer)?;
        }
        self.length += length as u64;
        Ok(length)
    }
}
