//! Walks through JSON of any length, one value at a time.

use super::super::text::Text;
use super::MAX_ROW;
use crate::model::temporary_file::TemporaryFile;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};

pub(super) struct Scanner {
    input: BufReader<Box<dyn TemporaryFile>>,
    start: u64,
    pub(super) line: u64,
}

/// JSON that breaks the grammar, or ends too early.
#[derive(Debug)]
pub(super) enum ScanError {
    Io(io::Error),
    Invalid(&'static str),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Scan<T> = Result<T, ScanError>;

const TRUNCATED: ScanError = ScanError::Invalid("the JSON ends here although a bracket or a quote is open");

impl Scanner {
    pub(super) fn new(Text { file, start }: Text) -> io::Result<Self> {
        let mut scanner = Self { input: BufReader::with_capacity(64 * 1024, file), start, line: 1 };
        scanner.rewind()?;
        Ok(scanner)
    }

    pub(super) fn into_text(self) -> Text {
        Text { file: self.input.into_inner(), start: self.start }
    }

    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.line = 1;
        self.input.seek(SeekFrom::Start(self.start)).map(drop)
    }

    fn peek_byte(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn take_byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek_byte()?;
        if let Some(byte) = byte {
            self.input.consume(1);
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    /// Returns the next byte that is not white space, without reading it.
    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        while let Some(byte) = self.peek_byte()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.take_byte()?;
        }
        Ok(None)
    }

    /// Reads this byte after white space.
    pub(super) fn expect(&mut self, expected: u8, fault: &'static str) -> Scan<()> {
        match self.peek()? {
            Some(byte) if byte == expected => self.take_byte().map(drop).map_err(ScanError::from),
            Some(_) => Err(ScanError::Invalid(fault)),
            None => Err(TRUNCATED),
        }
    }

    /// Reads this byte after white space if it is next.
    pub(super) fn take_if(&mut self, expected: u8) -> Scan<bool> {
        let is_next = self.peek()? == Some(expected);
        if is_next {
            self.take_byte()?;
        }
        Ok(is_next)
    }

    /// Reads a name and its colon.
    pub(super) fn name(&mut self) -> Scan<String> {
        let mut json = Vec::new();
        if self.peek()? != Some(b'"') {
            return Err(ScanError::Invalid("a name in quotes is missing in a JSON object"));
        }
        self.value(Some(&mut json))?;
        self.expect(b':', "a colon is missing in a JSON object")?;
        serde_json::from_slice(&json).map_err(|_| ScanError::Invalid("a name in a JSON object is not valid"))
    }

    /// Reads a value and keeps its text. Returns `false` if it is longer than a row may be; then only
    /// a part is kept.
    pub(super) fn value(&mut self, kept: Option<&mut Vec<u8>>) -> Scan<bool> {
        let mut kept = Kept { bytes: kept, is_whole: true };
        match self.peek()?.ok_or(TRUNCATED)? {
            b'"' | b'{' | b'[' => {
                let (mut depth, mut in_string, mut is_escaped) = (0_u32, false, false);
                let has_ended = self.scan(&mut kept, |byte| {
                    match byte {
                        _ if is_escaped => is_escaped = false,
                        b'\\' if in_string => is_escaped = true,
                        b'"' => in_string = !in_string,
                        b'{' | b'[' if !in_string => depth += 1,
                        b'}' | b']' if !in_string => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 && !in_string { Step::Last } else { Step::Inside }
                })?;
                if has_ended { Ok(kept.is_whole) } else { Err(TRUNCATED) }
            }
            _ => {
                let mut length = 0;
                self.scan(&mut kept, |byte| match byte {
                    b',' | b':' | b'}' | b']' => Step::Outside,
                    byte if byte.is_ascii_whitespace() => Step::Outside,
                    _ => {
                        length += 1;
                        Step::Inside
                    }
                })?;
                if length == 0 { Err(ScanError::Invalid("a value is missing in the JSON")) } else { Ok(kept.is_whole) }
            }
        }
    }

    /// Reads bytes until `step` finds the end. Returns `false` if the file ends first.
    fn scan(&mut self, kept: &mut Kept<'_>, mut step: impl FnMut(u8) -> Step) -> io::Result<bool> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let end = buffer.iter().enumerate().find_map(|(index, byte)| match step(*byte) {
                Step::Inside => None,
                Step::Last => Some(index + 1),
                Step::Outside => Some(index),
            });
            let read = end.unwrap_or(buffer.len());
            self.line += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
            kept.add(&buffer[..read]);
            self.input.consume(read);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

/// The place of a byte relative to a value.
enum Step {
    Inside,
    /// It is the value's last byte.
    Last,
    /// It follows the value.
    Outside,
}

struct Kept<'k> {
    bytes: Option<&'k mut Vec<u8>>,
    is_whole: bool,
}

impl Kept<'_> {
    fn add(&mut self, bytes: &[u8]) {
        if let Some(kept) = self.bytes.as_deref_mut().filter(|_| self.is_whole) {
            kept.extend_from_slice(bytes);
            self.is_whole = kept.len() <= MAX_ROW;
        }
    }
}
