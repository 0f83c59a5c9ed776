//! Captured requests, read from files that whtool, a proxy, a browser or a person saved.
//!
//! Everything here works on bytes that are already in memory: whoever calls opens the files, `recognise`s the form, and
//! picks the reader. One broken request does not hide the others, and whatever a reader had to guess about a request goes
//! with it as a `Note`. Signatures are not looked at.

mod body;
mod har;
mod lines;
mod note;
mod raw;
pub mod request_json;

pub use har::read_har;
pub use lines::{JsonLines, count_lines, read_json_lines};
pub use note::Note;
pub use raw::{RawRequests, read_raw};

use crate::capture::request_json::RequestJsonError;
use crate::model::delivery::Delivery;
use crate::model::message::{HeaderError, Request};
use crate::model::timestamp::Timestamp;
use std::fmt;

/// How the requests in a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureFormat {
    /// Raw HTTP requests, one after the other, also as `curl -v` shows them: `read_raw`.
    Raw,
    /// One JSON object a line, as `listen --json` writes them: `read_lines`.
    Lines,
    /// An HTTP archive, as browsers and proxies export it: `read_har`.
    Har,
}

/// Tells the form from the first bytes of a file; 64 KiB are plenty. `None`: no form that is known here.
pub fn detect_format(start: &[u8]) -> Option<CaptureFormat> {
    let start = without_bom(start).trim_ascii_start();
    if start.first() != Some(&b'{') {
        return raw::is_start(start).then_some(CaptureFormat::Raw);
    }
    Some(if first_key(start).as_deref() == Some("log") { CaptureFormat::Har } else { CaptureFormat::Lines })
}

/// The first key of the object that starts here, also when the rest of the object is cut off.
fn first_key(start: &[u8]) -> Option<String> {
    let after_brace = start.strip_prefix(b"{")?.trim_ascii_start();
    let mut values = serde_json::Deserializer::from_slice(after_brace).into_iter::<String>();
    values.next()?.ok()
}

/// A text may start with a byte order mark, which is no part of it.
fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// One request from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The request, and when it arrived if the file says so.
    pub delivery: Delivery,
    /// Where in the file it stands.
    pub location: Location,
    /// What the reader had to guess or found odd, in the order it was found.
    pub notes: Vec<Note>,
}

impl Capture {
    fn new(location: Location, request: Request, arrived: Option<Timestamp>, notes: Vec<Note>) -> Self {
        Self { delivery: Delivery { request, peer: None, arrived }, location, notes }
    }
}

/// Where in a file a request stands, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The line of an NDJSON file, empty lines counted.
    Line(u64),
    /// The request in a file of raw ones.
    Request(u64),
    /// The entry of an HTTP archive.
    Entry(u64),
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(out, "line {number}"),
            Self::Request(number) => write!(out, "request {number}"),
            Self::Entry(number) => write!(out, "entry {number}"),
        }
    }
}

/// A request that can't be had from a file. The texts may hold what strangers wrote.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The line or entry is not JSON, or JSON of another shape.
    #[error("{place} can't be read")]
    Json {
        /// Where it stands.
        place: Location,
        /// What is wrong with it.
        source: JsonError,
    },
    /// The line ends before its JSON does: it was cut off, or one object spans several lines.
    #[error("{0} ends in the middle of a JSON value (each line must hold a whole one, as `jq -c` writes it)")]
    Unfinished(Location),
    /// The line has neither a request nor a schema that says what else it is.
    #[error("{0} has no `request`")]
    NoRequest(Location),
    /// The JSON says something that no request can have.
    #[error("{place} is not a request")]
    Request {
        /// Where it stands.
        place: Location,
        /// What is wrong with it.
        source: RequestJsonError,
    },
    /// The line where a raw request should start does not start one.
    #[error("{place} starts with `{line}`, which is not a request line")]
    RequestLine {
        /// Where it stands.
        place: Location,
        /// The line, or its first part.
        line: String,
    },
    /// A header line of a raw request can't be read.
    #[error("{place} has a broken header")]
    Header {
        /// Where it stands.
        place: Location,
        /// What is wrong with it.
        source: HeaderError,
    },
    /// The archive says that there was a body, and does not have its bytes.
    #[error("the body of {0} is not in the file")]
    BodyNotInFile(Location),
    /// The file is not an HTTP archive.
    #[error("the file is not a readable HTTP archive (HAR)")]
    Har(#[source] serde_json::Error),
}

/// What is wrong with a JSON text that is a part of a file. The parser counts lines and columns within the part, which would be
/// read as the file's: only the column in a line of the file is kept.
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

    /// The column of the fault in the line of its place, in bytes from 1. `None`: it is not in a line of its own.
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

/// A POST to `/` with this body and these headers, each written `Name: value`, as flags give them. A body that does not have
/// the length that a `Content-Length` among them says has a note.
pub fn from_parts(body: Vec<u8>, headers: &[String]) -> Result<Capture, HeaderError> {
    let mut request = Request::post("/", body);
    for header in headers {
        let (name, value) = header.split_once(':').ok_or_else(|| HeaderError::NoColon(header.clone()))?;
        request.headers.push(name, value.trim_matches([' ', '\t']).as_bytes())?;
    }
    let notes = Vec::from_iter(note::length_differs(&request, None));
    Ok(Capture::new(Location::Request(1), request, None, notes))
}

/// A moment that a file gives as RFC 3339; when it is not one, a note says so.
fn read_arrived(text: Option<&str>, notes: &mut Vec<Note>) -> Option<Timestamp> {
    let text = text?;
    let moment = text.parse().ok();
    if moment.is_none() {
        notes.push(Note::InvalidTime(text.to_owned()));
    }
    moment
}

#[cfg(test)]
mod tests;
