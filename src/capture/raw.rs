//! Raw HTTP requests in a file, one after the other, as people and proxies save them.
//!
//! Read leniently: lines of a head may end with LF alone (they become CRLF, which is what was on the wire), the version may
//! be any or none, the target may be a whole URL, the pseudo-headers of HTTP/2 may stand for the request line, and `curl -v`
//! may have put its marks before the lines. Where a body ends is decided in `body`.

use super::{Capture, CaptureError, Location, body, without_bom};
use crate::capture::request_json::{is_method, is_target};
use crate::model::message::{HeaderError, Headers, Request};
use std::borrow::Cow;

/// Reads the requests in a file of raw ones. After one that can't be read nothing more is read: where it ends is unknown.
pub fn read_raw(file: &[u8]) -> RawRequests<'_> {
    let text = without_bom(file).trim_ascii_start();
    RawRequests { text: strip_curl_marks(text).map_or(Cow::Borrowed(text), Cow::Owned), at: 0, number: 1 }
}

/// The requests in a file: see `read_raw`.
#[derive(Clone, Debug)]
pub struct RawRequests<'a> {
    text: Cow<'a, [u8]>,
    /// Where the next request starts; what lies before it was read.
    at: usize,
    number: u64,
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
        Some(outcome.map(|(capture, _)| capture))
    }
}

/// One request, and what follows it.
fn read_request(text: &[u8], place: Location) -> Result<(Capture, &[u8]), CaptureError> {
    let (mut request, rest) = read_head(text, place)?;
    let mut notes = Vec::new();
    let (body, rest) = body::read(&request.headers, rest, &mut notes);
    request.body = body;
    Ok((Capture::new(place, request, None, notes), rest))
}

/// The head up to its empty line, and what follows it.
fn read_head(text: &[u8], place: Location) -> Result<(Request, &[u8]), CaptureError> {
    let (first, after_first) = split_line(text);
    let not_a_request = || CaptureError::RequestLine { place, line: excerpt(first) };
    let (mut method, mut target, mut rest) = match request_line(first) {
        Some(line) => (Some(line.method), Some(line.target), after_first),
        None if pseudo_header(first).is_some() => (None, None, text),
        None => return Err(not_a_request()),
    };
    let mut block = Vec::new();
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        match pseudo_header(line) {
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
    let headers = read_headers(block).map_err(|source| CaptureError::Header { place, source })?;
    Ok((Request { method, target, headers, body: Vec::new() }, rest))
}

/// The header lines. What could not have been in a value on the wire is refused here too.
fn read_headers(block: Vec<u8>) -> Result<Headers, HeaderError> {
    let headers = Headers::read(block)?;
    let broken = headers.iter().find(|(_, value)| value.iter().any(|byte| matches!(byte, b'\r' | 0)));
    let broken = broken.map(|(name, _)| HeaderError::Value(name.to_owned()));
    broken.map_or(Ok(headers), Err)
}

/// Whether a raw request, or what `curl -v` makes of one, starts here. The text may be cut off at its end.
pub(super) fn is_start(text: &[u8]) -> bool {
    let plain = strip_curl_marks(text);
    let (line, _) = split_line(plain.as_deref().unwrap_or(text).trim_ascii_start());
    request_line(line).is_some() || pseudo_header(line).is_some()
}

/// Whether another request starts here, told more strictly than at the start of a file: this may also be a body.
pub(super) fn is_next_start(text: &[u8]) -> bool {
    let (line, _) = split_line(text);
    request_line(line).is_some_and(|line| line.has_version) || pseudo_header(line).is_some()
}

/// A line without its end, CRLF or LF, and what follows it.
pub(super) fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let (line, rest) = text.split_at(end);
    (line.strip_suffix(b"\r").unwrap_or(line), rest.strip_prefix(b"\n").unwrap_or(rest))
}

struct RequestLine {
    method: String,
    target: String,
    has_version: bool,
}

/// Reads `POST /path HTTP/1.1`. Without a version only a method in capitals counts, so that prose is not taken for a request.
fn request_line(line: &[u8]) -> Option<RequestLine> {
    let (method, rest) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let (target, version) = rest.trim().rsplit_once(' ').unwrap_or((rest.trim(), ""));
    let has_version = version.starts_with("HTTP/");
    let is_known = is_method(method) && (has_version || method.bytes().all(|byte| byte.is_ascii_uppercase()));
    if !is_known || (!has_version && !version.is_empty()) {
        return None;
    }
    let target = origin_form(target.trim()).filter(|target| is_target(target))?;
    Some(RequestLine { method: method.to_owned(), target, has_version })
}

/// Path and query of a target, which may be a whole URL. They are kept as they are written. `None`: it is neither.
pub(super) fn origin_form(target: &str) -> Option<String> {
    if target.starts_with('/') || target == "*" {
        return Some(target.to_owned());
    }
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let path = rest.find(['/', '?', '#']).map_or("", |at| rest.split_at(at).1);
    let path = path.split_once('#').map_or(path, |(path, _fragment)| path);
    Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

/// Reads `:path: /x`, as dumps of HTTP/2 have it: the name with its first colon, and the value.
fn pseudo_header(line: &[u8]) -> Option<(&str, &str)> {
    let line = std::str::from_utf8(line).ok().filter(|line| line.starts_with(':'))?;
    let (name, value) = line.split_at(1 + line.get(1..)?.find(':')?);
    [":method", ":path", ":scheme", ":authority", ":protocol"]
        .contains(&name)
        .then(|| (name, value.trim_start_matches(':').trim()))
}

/// What `curl -v` shows, without its marks, its remarks and the answers. `None`: this is no such text.
fn strip_curl_marks(text: &[u8]) -> Option<Vec<u8>> {
    if !text.starts_with(b"> ") && !text.starts_with(b"* ") {
        return None;
    }
    let mut plain = Vec::new();
    let mut in_answer = false;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match line {
            [b'>', b' ', sent @ ..] => {
                plain.extend_from_slice(sent);
                in_answer = false;
            }
            [b'>', b'\r' | b'\n', ..] => plain.extend_from_slice(b"\r\n"),
            [b'<', b' ' | b'\r' | b'\n', ..] => in_answer = true,
            [b'*', b' ', ..] => {}
            [b'{' | b'}', b' ', b'[', ..] if line.trim_ascii_end().ends_with(b" bytes data]") => {}
            _ if in_answer => {}
            _ => plain.extend_from_slice(line),
        }
    }
    Some(plain)
}

/// The first characters of a line, for an error message.
fn excerpt(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().take(60).collect()
}
