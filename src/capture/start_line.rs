//! Recognizes the first line of a raw request: `POST /path HTTP/1.1`, or a pseudo-header of HTTP/2.

use super::request_json::{is_method, is_target};

/// The parts of a request line.
pub(super) struct RequestLine {
    pub method: String,
    pub target: String,
    has_version: bool,
}

/// Reads `POST /path HTTP/1.1`. Without a version the method must be in capitals, so that prose is
/// not taken for a request.
pub(super) fn read_request_line(line: &[u8]) -> Option<RequestLine> {
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

/// Reads `:path: /x`, as dumps of HTTP/2 have it: the name with its first colon, and the value.
pub(super) fn read_pseudo_header(line: &[u8]) -> Option<(&str, &str)> {
    let line = std::str::from_utf8(line).ok().filter(|line| line.starts_with(':'))?;
    let (name, value) = line.split_at(1 + line.get(1..)?.find(':')?);
    [":method", ":path", ":scheme", ":authority", ":protocol"]
        .contains(&name)
        .then(|| (name, value.trim_start_matches(':').trim()))
}

/// Checks whether a request starts at the beginning of a file, which may be cut off at its end.
pub(super) fn is_request_start(text: &[u8]) -> bool {
    let (line, _) = split_line(text);
    read_request_line(line).is_some() || read_pseudo_header(line).is_some()
}

/// Checks whether another request starts here. Stricter than at the start of a file, because this
/// may also be a body.
pub(super) fn is_next_request_start(text: &[u8]) -> bool {
    let (line, _) = split_line(text);
    read_request_line(line).is_some_and(|line| line.has_version) || read_pseudo_header(line).is_some()
}

/// Finds a request line with a version at the start of a line.
pub(super) fn first_request(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    while !rest.is_empty() {
        if is_next_request_start(rest) {
            return Some(rest);
        }
        rest = split_line(rest).1;
    }
    None
}

/// Splits off the first line, without its CRLF or LF.
pub(super) fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let (line, rest) = text.split_at(end);
    (line.strip_suffix(b"\r").unwrap_or(line), rest.strip_prefix(b"\n").unwrap_or(rest))
}

/// Returns path and query of a target, which may be a whole URL, as they are written. `None`: it is
/// neither.
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
