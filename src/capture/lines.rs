//! Reads captures written as one JSON object per line (NDJSON), as `listen --json` and `events
//! export` do.
//!
//! The reader works on a chunk of whole lines, so that several threads can share a large file. The
//! request inside a line is read in `request_json`.

use super::{Capture, CaptureError, JsonError, Location, read_arrived, without_bom};
use crate::capture::request_json::RequestFields;
use crate::json::text::Text;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Reads the captures in a chunk of whole lines; `first_line` is the number of the first one in its
/// file (from 1). Skips empty lines, and lines with a `schema` but no `request`.
pub fn read_json_lines(chunk: &[u8], first_line: u64) -> JsonLines<'_> {
    let rest = if first_line == 1 { without_bom(chunk) } else { chunk };
    JsonLines { rest, number: first_line }
}

/// Counts the line ends of a chunk, to number the next chunk before this one is read.
pub fn count_lines(chunk: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', chunk).fold(0, |count, _| count + 1)
}

/// Iterates over the captures in a chunk of lines: see [`read_json_lines`].
#[derive(Clone, Debug)]
pub struct JsonLines<'a> {
    rest: &'a [u8],
    number: u64,
}

impl JsonLines<'_> {
    /// Returns the number of the next line; at the end, the first one of the following chunk.
    pub fn next_line(&self) -> u64 {
        self.number
    }
}

impl Iterator for JsonLines<'_> {
    type Item = Result<Capture, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at(end);
            let location = Location::Line(self.number);
            self.rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.number += 1;
            if let Some(outcome) = read_line(line, location).transpose() {
                return Some(outcome);
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

/// Reads one line. `None`: there is no capture in it.
fn read_line(line: &[u8], location: Location) -> Result<Option<Capture>, CaptureError> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let line: CaptureLine = parse(line).map_err(|error| match error.is_eof() {
        true => CaptureError::Unfinished(location),
        false => CaptureError::Json { location, source: JsonError::in_line(error) },
    })?;
    let Some(record) = line.request else {
        return if line.schema.is_some() { Ok(None) } else { Err(CaptureError::NoRequest(location)) };
    };
    let request = record.into_request().map_err(|source| CaptureError::Request { location, source })?;
    let mut notes = Vec::new();
    let arrived = read_arrived(line.arrived.as_ref().map(|text| text.0.as_ref()), &mut notes);
    Ok(Some(Capture::new(location, request, arrived, notes)))
}

/// Parses a line. Checking UTF-8 once for the whole line is much faster than for each string; only
/// invalid lines take the slow way, which knows the column of the error.
fn parse(line: &[u8]) -> serde_json::Result<CaptureLine<'_>> {
    match std::str::from_utf8(line) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(line),
    }
}
