//! Reads raw HTTP requests, one after the other, as people and proxies save them.
//!
//! The reader is lenient: lines of a head may end with LF alone (they become CRLF, as on the wire),
//! the version may be any or none, the target may be a whole URL, pseudo-headers of HTTP/2 may
//! replace the request line, and the lines may have the marks of `curl -v`. `body` decides where a
//! body ends.

use super::note::{ContentLength, content_length};
use super::request_json::{is_method, is_target};
use super::start_line::{is_next_request_start, is_request_start, read_pseudo_header, read_request_line, split_line};
use super::{Capture, CaptureError, Location, body, without_bom};
use crate::model::message::{HeaderError, Headers, Request};
use std::borrow::Cow;

/// Reads the requests in a file of raw ones. Reading stops at one that is broken, because its end
/// is unknown.
pub fn read_raw(file: &[u8]) -> RawRequests<'_> {
    let text = without_bom(file).trim_ascii_start();
    let (text, is_curl) = match strip_curl_marks(text) {
        Some(plain) => (Cow::Owned(plain), true),
        None => (strip_line_dots(text).map_or(Cow::Borrowed(text), Cow::Owned), false),
    };
    RawRequests { text, at: 0, number: 1, is_curl }
}

/// Iterates over the requests in a file: see [`read_raw`].
#[derive(Clone, Debug)]
pub struct RawRequests<'a> {
    text: Cow<'a, [u8]>,
    /// Offset of the next request.
    at: usize,
    number: u64,
    /// The text is the output of `curl -v`, which does not show bodies.
    is_curl: bool,
}

impl RawRequests<'_> {
    /// Returns the offset of the next request.
    pub(super) fn position(&self) -> usize {
        self.at
    }
}

impl Iterator for RawRequests<'_> {
    type Item = Result<Capture, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.text.get(self.at..)?.trim_ascii_start();
        if text.is_empty() {
            return None;
        }
        let outcome = read_request(text, Location::Request(self.number));
        self.number += 1;
        self.at = match &outcome {
            Ok((_, rest)) => self.text.len() - rest.len(),
            Err(_) => self.text.len(),
        };
        let outcome = outcome.map(|(capture, _)| capture);
        Some(match outcome {
            Ok(capture) if self.is_curl && lacks_body(&capture.delivery.request) => {
                Err(CaptureError::CurlWithoutBody(capture.location))
            }
            outcome => outcome,
        })
    }
}

/// Checks whether the headers announce a body that is not there.
fn lacks_body(request: &Request) -> bool {
    let is_announced = match content_length(&request.headers) {
        ContentLength::Bytes(declared) => declared > 0,
        _ => request.headers.get("transfer-encoding").is_some(),
    };
    is_announced && request.body.is_empty()
}

/// Reads one request. Returns it and the text after it.
fn read_request(text: &[u8], location: Location) -> Result<(Capture, &[u8]), CaptureError> {
    let (mut request, rest) = read_head(text, location)?;
    let mut notes = Vec::new();
    let (body, rest) = body::read(&request.headers, rest, &mut notes);
    request.body = body;
    Ok((Capture::new(location, request, None, notes), rest))
}

/// Reads a head up to its empty line. Returns it and the text after it.
fn read_head(text: &[u8], location: Location) -> Result<(Request, &[u8]), CaptureError> {
    let (first, after_first) = split_line(text);
    let not_a_request = || CaptureError::RequestLine { location, line: excerpt(first) };
    let (mut method, mut target, mut rest) = match read_request_line(first) {
        Some(line) => (Some(line.method), Some(line.target), after_first),
        None if read_pseudo_header(first).is_some() => (None, None, text),
        None => return Err(not_a_request()),
    };
    let mut block = Vec::new();
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        match read_pseudo_header(line) {
            Some((":method", value)) => method = method.or_else(|| is_method(value).then(|| value.to_owned())),
            Some((":path", value)) => target = target.or_else(|| is_target(value).then(|| value.to_owned())),
            Some(_) => {}
            None if line.is_empty() => break,
            None => {
                block.extend_from_slice(line);
                block.extend_from_slice(b"\r\n");
            }
        }
    }
    let (Some(method), Some(target)) = (method, target) else { return Err(not_a_request()) };
    let headers = read_headers(block).map_err(|source| CaptureError::Header { location, source })?;
    Ok((Request { method, target, headers, body: Vec::new() }, rest))
}

/// Reads the header lines. Refuses values that could not have been on the wire.
fn read_headers(block: Vec<u8>) -> Result<Headers, HeaderError> {
    let headers = Headers::read(block)?;
    let broken = headers.iter().find(|(_, value)| value.iter().any(|byte| matches!(byte, b'\r' | 0)));
    let broken = broken.map(|(name, _)| HeaderError::Value(name.to_owned()));
    broken.map_or(Ok(headers), Err)
}

/// Checks whether a raw request, or the output of `curl -v`, starts here. The text may be cut off
/// at its end.
pub(super) fn is_start(text: &[u8]) -> bool {
    let plain = strip_curl_marks(text);
    is_request_start(plain.as_deref().unwrap_or(text).trim_ascii_start())
}

/// Returns the output of `curl -v` without its marks, remarks and responses. `None`: this is no
/// such output.
fn strip_curl_marks(text: &[u8]) -> Option<Vec<u8>> {
    let starts_with_mark = text.starts_with(b"> ") || text.starts_with(b"* ");
    let is_sent = |line: &[u8]| line.strip_prefix(b"> ").is_some_and(is_next_request_start);
    if !starts_with_mark && !text.split(|&byte| byte == b'\n').take(200).any(is_sent) {
        return None;
    }
    // An answer may be printed before the first mark.
    let (mut plain, mut in_response) = (Vec::new(), !starts_with_mark);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match line {
            [b'>', b' ', sent @ ..] => {
                plain.extend_from_slice(sent);
                in_response = false;
            }
            [b'>', b'\r' | b'\n', ..] => plain.extend_from_slice(b"\r\n"),
            [b'<', b' ' | b'\r' | b'\n', ..] => in_response = true,
            [b'*', b' ', ..] => {}
            [b'{' | b'}', b' ', b'[', ..] if line.trim_ascii_end().ends_with(b" bytes data]") => {}
            _ if in_response => {}
            _ => plain.extend_from_slice(line),
        }
    }
    Some(plain)
}

/// Returns the output of `ngrep -W byline` with the dots that it prints for a CR removed from the
/// lines of heads. `None`: this is no such output.
fn strip_line_dots(text: &[u8]) -> Option<Vec<u8>> {
    let is_dotted = |line: &[u8]| {
        line.ends_with(b".") && memchr::memmem::find(line, b" HTTP/1.").is_some_and(|at| at + 10 == line.len())
    };
    if !is_dotted(split_line(text).0) {
        return None;
    }
    let (mut plain, mut in_head) = (Vec::with_capacity(text.len()), false);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let bare = split_line(line).0;
        in_head |= is_dotted(bare);
        match bare.strip_suffix(b".").filter(|_| in_head) {
            Some(shown) => {
                plain.extend_from_slice(shown);
                plain.extend_from_slice(b"\r\n");
                in_head = !shown.is_empty();
            }
            None => plain.extend_from_slice(line),
        }
    }
    Some(plain)
}

/// Returns the first characters of a line, for an error message.
fn excerpt(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().take(60).collect()
}
