//! Captures written one JSON object a line (NDJSON), as `listen --json` and `events export` write them.
//!
//! A reader works on a chunk of whole lines, so that a large file can be read piece by piece and by several threads. The
//! request inside a line is read in `record`.

use super::{Capture, CaptureError, JsonError, Location, read_arrived, without_bom};
use crate::capture::request_json::RequestFields;
use crate::json::text::Text;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Reads the captures in a chunk of whole lines, of which the first has the number `first_line` in its file (from 1). Empty
/// lines, and lines with a `schema` and no `request`, are passed over.
pub fn read_json_lines(chunk: &[u8], first_line: u64) -> JsonLines<'_> {
    let rest = if first_line == 1 { without_bom(chunk) } else { chunk };
    JsonLines { rest, number: first_line }
}

/// How many line ends a chunk has: by so much the number of the first line in the next chunk is higher. For callers that hand
/// out chunks before they are read.
pub fn count_lines(chunk: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', chunk).fold(0, |count, _| count + 1)
}

/// The captures in a chunk of lines: see `read_lines`.
#[derive(Clone, Debug)]
pub struct JsonLines<'a> {
    rest: &'a [u8],
    number: u64,
}

impl JsonLines<'_> {
    /// The number of the line that is read next: after the last one, what the following chunk starts with.
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
            let place = Location::Line(self.number);
            self.rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.number += 1;
            if let Some(outcome) = read_line(line, place).transpose() {
                return Some(outcome);
            }
        }
        None
    }
}

/// A line that may be a capture. What else is in it is the store's and the renderers'.
#[derive(Deserialize)]
struct CaptureLine<'a> {
    schema: Option<IgnoredAny>,
    #[serde(borrow)]
    arrived: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<RequestFields<'a>>,
}

/// One line: a capture, or `None` where there is none to be had.
fn read_line(line: &[u8], place: Location) -> Result<Option<Capture>, CaptureError> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let line: CaptureLine = parse(line).map_err(|error| match error.is_eof() {
        true => CaptureError::Unfinished(place),
        false => CaptureError::Json { place, source: JsonError::in_line(error) },
    })?;
    let Some(record) = line.request else {
        return if line.schema.is_some() { Ok(None) } else { Err(CaptureError::NoRequest(place)) };
    };
    let request = record.into_request().map_err(|source| CaptureError::Request { place, source })?;
    let mut notes = Vec::new();
    let arrived = read_arrived(line.arrived.as_ref().map(|text| text.0.as_ref()), &mut notes);
    Ok(Some(Capture::new(place, request, arrived, notes)))
}

/// Parses a line. Text is known to be UTF-8 as a whole much faster than string by string; only where it is not, the slow way
/// is taken, which knows the place.
fn parse(line: &[u8]) -> serde_json::Result<CaptureLine<'_>> {
    match std::str::from_utf8(line) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(line),
    }
}
