//! Reads captures written as one JSON object per line (NDJSON), as `listen --json`, `events export`
//! and many logs do.
//!
//! The reader works on a chunk of whole lines, so that several threads can share a large file. The
//! request inside a line of whtool is read in `request_json`, any other in `object`.

use super::object::{Numbering, Scanner};
use super::{Capture, CaptureError, JsonError, Location, Resources, read_arrived, without_bom};
use crate::capture::request_json::RequestFields;
use crate::json::text::Text;
use crate::json::{Document, first_value_end};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::VecDeque;

/// The program that wrote the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineOrigin {
    /// whtool: every line counts, and one that cannot be read is an error.
    Whtool,
    /// Another program: lines without a webhook are skipped.
    Other,
}

impl LineOrigin {
    /// Detects the origin by the first line.
    pub fn detect(start: &[u8]) -> Self {
        let line = without_bom(start).trim_ascii_start().split(|&byte| byte == b'\n').next().unwrap_or_default();
        let is_own =
            memchr::memmem::find(line, b"\"whtool.").is_some() || parse(line).is_ok_and(|line| line.request.is_some());
        if is_own { Self::Whtool } else { Self::Other }
    }
}

/// Checks whether a text holds one JSON object per line: the first line is one, and there is another
/// or it is one of whtool.
pub fn is_json_lines(start: &[u8]) -> bool {
    let start = without_bom(start).trim_ascii_start();
    let end = memchr::memchr(b'\n', start).unwrap_or(start.len());
    let (line, rest) = start.split_at(end);
    let is_object = line.first() == Some(&b'{')
        && first_value_end(line).is_ok_and(|end| line.get(end..).unwrap_or_default().trim_ascii().is_empty());
    is_object && (!rest.trim_ascii().is_empty() || LineOrigin::detect(line) == LineOrigin::Whtool)
}

/// Reads the captures of whtool in a chunk of whole lines: see [`read_lines`].
pub fn read_json_lines(chunk: &[u8], first_line: u64) -> JsonLines<'_> {
    read_lines(chunk, first_line, LineOrigin::Whtool)
}

/// Reads the captures in a chunk of whole lines; `first_line` is the number of the first one in its
/// file (from 1). Skips empty lines, and lines of whtool with a `schema` but no `request`.
pub fn read_lines(chunk: &[u8], first_line: u64, origin: LineOrigin) -> JsonLines<'_> {
    let rest = if first_line == 1 { without_bom(chunk) } else { chunk };
    JsonLines { rest, number: first_line, origin, waiting: VecDeque::new(), skipped: 0 }
}

/// Counts the line ends of a chunk, to number the next chunk before this one is read.
pub fn count_lines(chunk: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', chunk).fold(0, |count, _| count + 1)
}

/// Iterates over the captures in a chunk of lines: see [`read_lines`].
#[derive(Debug)]
pub struct JsonLines<'a> {
    rest: &'a [u8],
    number: u64,
    origin: LineOrigin,
    /// Further requests of the last line.
    waiting: VecDeque<Result<Capture, CaptureError>>,
    skipped: u64,
}

impl JsonLines<'_> {
    /// Returns the number of the next line; at the end, the first one of the following chunk.
    pub fn next_line(&self) -> u64 {
        self.number
    }

    /// Returns the number of lines and requests so far that are no webhooks.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Reads a line that is not a record of whtool.
    fn read_other(&mut self, line: &[u8], location: Location) -> Option<Result<Capture, CaptureError>> {
        let document = match Document::parse(line.trim_ascii()) {
            Ok(document) => document,
            Err(_) if self.origin == LineOrigin::Other && line.trim_ascii_start().first() != Some(&b'{') => {
                self.skipped += 1;
                return None;
            }
            Err(error) if error.offset >= line.trim_ascii().len() => {
                return Some(Err(CaptureError::Unfinished(location)));
            }
            Err(error) => {
                let leading = line.len() - line.trim_ascii_start().len();
                let source = JsonError { reason: error.kind.to_string(), column: leading + error.offset + 1 };
                return Some(Err(CaptureError::Json { location, source }));
            }
        };
        let mut scanner = Scanner::new(Numbering::At(location), line.len(), &Resources::NONE);
        scanner.scan_document(&document, 0);
        if scanner.requests.is_empty() && self.origin == LineOrigin::Whtool {
            return Some(Err(CaptureError::NoRequest(location)));
        }
        let is_lenient = self.origin == LineOrigin::Other;
        let total = scanner.requests.len().max(1);
        let mut found: VecDeque<_> = scanner
            .requests
            .into_iter()
            .filter(|found| found.is_webhook || !is_lenient)
            .map(|found| found.outcome)
            .collect();
        self.skipped += (total - found.len()) as u64;
        let first = found.pop_front();
        self.waiting = found;
        first
    }
}

impl Iterator for JsonLines<'_> {
    type Item = Result<Capture, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(waiting) = self.waiting.pop_front() {
            return Some(waiting);
        }
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at(end);
            let location = Location::Line(self.number);
            self.rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.number += 1;
            let outcome = match read_record(line, location) {
                Ok(outcome) => outcome,
                Err(OtherLine) => self.read_other(line, location),
            };
            if outcome.is_some() {
                return outcome;
            }
        }
        None
    }
}

/// The fields of a line that matter here; other fields are ignored.
#[derive(Deserialize)]
struct CaptureLine<'a> {
    schema: Option<IgnoredAny>,
    #[serde(borrow)]
    arrived: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<RequestFields<'a>>,
}

/// The line is not a record of whtool.
struct OtherLine;

/// Reads one line as a record of whtool. `None`: it is empty, or another record.
fn read_record(line: &[u8], location: Location) -> Result<Option<Result<Capture, CaptureError>>, OtherLine> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let line = parse(line).map_err(|_| OtherLine)?;
    let Some(record) = line.request else {
        return if line.schema.is_some() { Ok(None) } else { Err(OtherLine) };
    };
    let request = match record.into_request() {
        Ok(request) => request,
        Err(source) => return Ok(Some(Err(CaptureError::Request { location, source }))),
    };
    let mut notes = Vec::new();
    let arrived = read_arrived(line.arrived.as_ref().map(|text| text.0.as_ref()), &mut notes);
    Ok(Some(Ok(Capture::new(location, request, arrived, notes))))
}

/// Parses a line. Checking UTF-8 once for the whole line is much faster than for each string; only
/// invalid lines take the slow way.
fn parse(line: &[u8]) -> serde_json::Result<CaptureLine<'_>> {
    match std::str::from_utf8(line) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(line),
    }
}
