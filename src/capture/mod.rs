//! Reads captured requests from files that whtool, a proxy, a browser or a person saved.
//!
//! The readers work on bytes in memory: the caller opens the file and calls [`read_file`], which
//! detects the format by the content. Only large files of JSON lines are read in chunks, with
//! [`read_lines`]. A broken request does not hide the others, and every assumption a reader made goes
//! with the request as a [`Note`]. Signatures are verified in `webhook`.

mod body;
mod burp;
mod candidate;
mod curl;
mod dump;
mod encoding;
mod format;
mod free_text;
mod http_file;
mod lines;
mod literal;
mod log;
mod mitmproxy;
mod note;
mod object;
mod packet;
mod pcap;
mod raw;
pub(crate) mod request_json;
mod shell;
mod start_line;
mod table;
mod tcp;
mod unreadable;
mod zip;

pub use encoding::is_encoded;
pub use format::{CaptureFile, CaptureFormat, detect_format, read_file};
pub use lines::{JsonLines, LineOrigin, count_lines, is_json_lines, read_json_lines, read_lines};
pub use note::Note;
pub use object::FoundPayload;
pub use raw::{RawRequests, read_raw};
pub use unreadable::UnreadableFile;

use crate::capture::request_json::RequestJsonError;
use crate::model::delivery::Delivery;
use crate::model::message::{HeaderError, Request};
use crate::model::timestamp::Timestamp;
use std::fmt;

/// Files that a capture refers to, such as the one in `curl -d @payload.json`.
pub struct Resources<'a>(pub &'a dyn Fn(&str) -> Option<Vec<u8>>);

impl Resources<'_> {
    /// No files at all.
    pub const NONE: Resources<'static> = Resources(&|_| None);

    fn load(&self, name: &str) -> Option<Vec<u8>> {
        (self.0)(name)
    }
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
    /// The line is not JSON.
    #[error("{location}: invalid JSON")]
    Json { location: Location, source: JsonError },
    /// The line ends before its JSON does.
    #[error("{0}: the JSON is cut off")]
    Unfinished(Location),
    /// The line has neither a request nor a schema of another record.
    #[error("{0}: no request in it")]
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
    /// The file shows that there was a body, but does not contain it.
    #[error("{0}: the file does not contain the body")]
    BodyNotInFile(Location),
    /// `curl -v` shows the headers only.
    #[error("{0}: `curl -v` does not show the body")]
    CurlWithoutBody(Location),
    /// The file is a bundle for support, in which parts of the body are masked.
    #[error("{0}: parts of the body are masked in it")]
    MaskedBody(Location),
    /// The body is in a file that the capture names.
    #[error("{location}: the body is in `{name}`, which can't be read from here")]
    FileOfBody { location: Location, name: String },
}

impl CaptureError {
    /// Returns advice on how to get the missing part.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::BodyNotInFile(_) => {
                Some("save the raw body, and: whtool verify --body FILE --header 'Name: value' --header …")
            }
            Self::CurlWithoutBody(_) => {
                Some("run curl with `--trace request.txt` instead of -v, or verify its command line")
            }
            Self::MaskedBody(_) => Some("verify the capture itself, such as: whtool verify 42"),
            Self::FileOfBody { .. } => {
                Some("run whtool in the folder of that file; only files in that folder are read")
            }
            _ => None,
        }
    }
}

/// A syntax error in a line of JSON.
#[derive(Debug, PartialEq, Eq)]
pub struct JsonError {
    reason: String,
    /// The column within the line, in bytes from 1.
    column: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (column {})", self.reason, self.column)
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
