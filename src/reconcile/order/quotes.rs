//! A table's bytes on their way to its reader, watched for a quote that is opened and never closed.
//!
//! Such a quote would take the rest of the list for one cell, and all the orders in it would be lost without a word. What is written in
//! quotes may have line breaks; hardly ever has it many.

use std::io::{self, Read};

/// At most so many lines and bytes are in quotes.
const MOST_LINES: u64 = 100;
const MOST_BYTES: u64 = 1024 * 1024;

/// A reader of a table that fails at such a quote.
pub(super) struct Watched<R> {
    input: R,
    delimiter: u8,
    place: Place,
    /// The line that is being read, from 1.
    line: u64,
    /// What was read since the last quote was opened.
    open: Opened,
    /// A quote stays open too long: all that was read of it is handed out first.
    has_failed: bool,
}

/// Where in a table a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    CellStart,
    Comment,
    Cell,
    Quoted,
    /// Behind a quote within quotes: it ends them, or is the first of two that mean one.
    Quote,
}

#[derive(Clone, Copy, Default)]
struct Opened {
    line: u64,
    bytes: u64,
}

/// A quote that is not closed.
#[derive(Debug, thiserror::Error)]
#[error("a quote is opened in line {line}, and not closed {until}")]
struct StrayQuote {
    /// The line, from 1.
    line: u64,
    /// Where it was given up.
    until: &'static str,
}

impl<R: Read> Watched<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self { input, delimiter, place: Place::LineStart, line: 1, open: Opened::default(), has_failed: false }
    }

    fn step(&mut self, byte: u8) {
        let is_end = matches!(byte, b'\n' | b'\r');
        self.place = match (self.place, byte) {
            (Place::Quoted, b'"') => Place::Quote,
            (Place::Quoted, _) | (Place::Quote, b'"') => Place::Quoted,
            (Place::LineStart, b'#') => Place::Comment,
            (Place::LineStart | Place::CellStart, b'"') => {
                self.open = Opened { line: self.line, bytes: 0 };
                Place::Quoted
            }
            _ if is_end => Place::LineStart,
            (Place::Comment, _) => Place::Comment,
            _ if byte == self.delimiter => Place::CellStart,
            _ => Place::Cell,
        };
        self.line += u64::from(byte == b'\n');
        self.open.bytes += 1;
        let is_long = self.line - self.open.line > MOST_LINES || self.open.bytes > MOST_BYTES;
        self.has_failed |= self.place == Place::Quoted && is_long;
    }

    fn stray(&self, until: &'static str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, StrayQuote { line: self.open.line, until })
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.has_failed {
            return Err(self.stray("within 100 lines or a mebibyte"));
        }
        let length = self.input.read(buffer)?;
        if length == 0 && !buffer.is_empty() && self.place == Place::Quoted {
            return Err(self.stray("before the end"));
        }
        buffer.iter().take(length).for_each(|&byte| self.step(byte));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let mut read = String::new();
        let outcome = Watched::new(text.as_bytes(), b',').read_to_string(&mut read);
        outcome.map(|_| read).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_well_written_passes_as_it_is() {
        let cells = [
            "a,\"b\"\n",
            "\"a\nb\",c\r\n",
            "\"a \"\"b\"\" c\",d",
            "5\" pipe,x\n",
            "# it's a \"comment\n1,2\n",
            "\"\",\"\"",
            "a, \"b\n",
        ];
        for text in cells {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        let long = format!("\"{}\",x\n", "a\n".repeat(99));
        assert_eq!(read(&long), Ok(long.clone()));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_told_by_its_line() {
        let end = |line| Err(format!("a quote is opened in line {line}, and not closed before the end"));
        assert_eq!(read("a,b\n1,\"2\n3,4\n"), end(2));
        assert_eq!(read("\"a"), end(1));
        assert_eq!(read("a\n\"b\"\"\n"), end(2));
        let long =
            |line| Err(format!("a quote is opened in line {line}, and not closed within 100 lines or a mebibyte"));
        assert_eq!(read(&format!("a\nb\n\"{}", "c\n".repeat(50_000))), long(3));
        assert_eq!(read(&format!("\"{}", "c".repeat(3 << 20))), long(1));
    }
}
