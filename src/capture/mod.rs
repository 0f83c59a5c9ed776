//! Reads captured requests from files that whtool, a proxy, a browser or a person saved.
//!
//! The readers work on bytes in memory: the caller opens the file, calls [`detect_format`] and
//! picks the reader. A broken request does not hide the others, and every assumption a reader made
//! goes with the request as a [`Note`]. Signatures are verified in `webhook`.

mod body;
mod har;
mod lines;
mod note;
mod raw;
pub(crate) mod request_json;
mod start_line;

pub use har::read_har;
pub use lines::{JsonLines, count_lines, read_json_lines};
pub use note::Note;
pub use raw::{RawRequests, read_raw};

use crate::capture::request_json::RequestJsonError;
use crate::model::delivery::Delivery;
use crate::model::message::{HeaderError, Request};
use crate::model::timestamp::Timestamp;
use std::fmt;

/// A format of captured requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureFormat {
    /// Raw HTTP requests, one after the other, or the output of `curl -v`: [`read_raw`].
    Raw,
    /// One JSON object per line, as `listen --json` writes them: [`read_json_lines`].
    Lines,
    /// An HTTP archive, as browsers and proxies export it: [`read_har`].
    Har,
}

/// Detects the format from the first bytes of a file; 64 KiB are plenty. `None`: unknown format.
pub fn detect_format(start: &[u8]) -> Option<CaptureFormat> {
    let start = without_bom(start).trim_ascii_start();
    if start.first() != Some(&b'{') {
        return raw::is_start(start).then_some(CaptureFormat::Raw);
    }
    Some(if first_key(start).as_deref() == Some("log") { CaptureFormat::Har } else { CaptureFormat::Lines })
}

/// Reads the first key of the object that starts here. The rest of the object may be cut off.
fn first_key(start: &[u8]) -> Option<String> {
    let after_brace = start.strip_prefix(b"{")?.trim_ascii_start();
    let mut values = serde_json::Deserializer::from_slice(after_brace).into_iter::<String>();
    values.next()?.ok()
}

/// Strips a byte order mark.
fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// One request from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The request, with its time of arrival if the file has one.
    pub delivery: Delivery,
    pub location: Location,
    /// Assumptions and contradictions, in the order they were found.
    pub notes: Vec<Note>,
}

impl Capture {
    fn new(location: Location, request: Request, arrived: Option<Timestamp>, notes: Vec<Note>) -> Self {
        Self { delivery: Delivery { request, peer: None, arrived }, location, notes }
    }
}

/// The position of a request in its file, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// A line of an NDJSON file; empty lines count.
    Line(u64),
    /// A request in a file of raw ones.
    Request(u64),
    /// An entry of an HTTP archive.
    Entry(u64),
    /// A capture in the store, by its number.
    Stored(u64),
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(out, "line {number}"),
            Self::Request(number) => write!(out, "request {number}"),
            Self::Entry(number) => write!(out, "entry {number}"),
            Self::Stored(number) => write!(out, "capture {number}"),
        }
    }
}

/// An error in reading a captured request. The texts may contain untrusted text.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The line or entry is not JSON, or not of the expected shape.
    #[error("{location}: invalid JSON")]
    Json { location: Location, source: JsonError },
    /// The line ends before its JSON does: it was truncated, or the object spans several lines.
    #[error("{0}: incomplete JSON (one object per line is expected; `jq -c` writes that)")]
    Unfinished(Location),
    /// The line has neither a request nor a schema of another record.
    #[error("{0}: no `request` field")]
    NoRequest(Location),
    /// The JSON describes something that cannot be an HTTP request.
    #[error("{location}: not a valid request")]
    Request { location: Location, source: RequestJsonError },
    /// The first line of a raw request is not a request line.
    #[error("{location}: expected a request line such as `POST /path HTTP/1.1`, found `{line}`")]
    RequestLine { location: Location, line: String },
    /// A header line of a raw request is invalid.
    #[error("{location}: invalid header")]
    Header { location: Location, source: HeaderError },
    /// The archive shows that there was a body, but does not contain it.
    #[error("{0}: the file does not contain the body")]
    BodyNotInFile(Location),
    /// The file is not an HTTP archive.
    #[error("not a valid HTTP archive (HAR)")]
    Har(#[source] serde_json::Error),
}

/// A syntax error in JSON that is part of a file. The parser counts lines and columns within that
/// part, which would be misread as the file's, so only the column within a line of the file is
/// kept.
#[derive(Debug)]
pub struct JsonError {
    source: serde_json::Error,
    column: Option<usize>,
}

impl JsonError {
    fn in_line(source: serde_json::Error) -> Self {
        let column = Some(source.column());
        Self { source, column }
    }

    fn in_entry(source: serde_json::Error) -> Self {
        Self { source, column: None }
    }

    /// The column within the line, in bytes from 1. `None`: the JSON is not on a line of its own.
    pub fn column(&self) -> Option<usize> {
        self.column
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.source.to_string();
        let position = format!(" at line {} column {}", self.source.line(), self.source.column());
        out.write_str(text.strip_suffix(&position).unwrap_or(&text))?;
        self.column.map_or(Ok(()), |column| write!(out, " (column {column})"))
    }
}

impl std::error::Error for JsonError {}

/// Builds a POST to `/` from this body and headers, each written `Name: value`. Adds a note if a
/// `Content-Length` among them does not fit the body.
pub fn from_parts(body: Vec<u8>, headers: &[String]) -> Result<Capture, HeaderError> {
    let mut request = Request::post("/", body);
    for header in headers {
        let (name, value) = header.split_once(':').ok_or_else(|| HeaderError::NoColon(header.clone()))?;
        request.headers.push(name, value.trim_matches([' ', '\t']).as_bytes())?;
    }
    let notes = Vec::from_iter(note::length_differs(&request, None));
    Ok(Capture::new(Location::Request(1), request, None, notes))
}

/// Parses a time of arrival (RFC 3339). Adds a note if it is invalid.
fn read_arrived(text: Option<&str>, notes: &mut Vec<Note>) -> Option<Timestamp> {
    let text = text?;
    let time = text.parse().ok();
    if time.is_none() {
        notes.push(Note::InvalidTime(text.to_owned()));
    }
    time
}

#[cfg(test)]
mod tests;
