//! Reads `.http` and `.rest` files of editors, and headers with a body but without a request line.
//!
//! In such a file, `###` separates requests, `#` and `//` start comments, `@name = value` sets a
//! variable and `{{name}}` uses it.

use super::candidate::{Candidate, is_signature};
use super::note::{self, Note};
use super::request_json::{is_method, is_target};
use super::start_line::{origin_form, read_request_line, split_line};
use super::{Capture, CaptureError, Location, Resources};
use crate::model::message::{HeaderError, Headers, Request};
use std::collections::BTreeMap;

/// Checks whether this is a file of an editor: a separator, comment or variable before a request, or
/// a variable in a request line.
pub(super) fn is_http_file(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let has_mark = text.lines().any(|line| line.starts_with("###") || read_variable(line).is_some());
    let is_commented = text.trim_start().starts_with(['#', '/']);
    let sections = text.split("\n###").enumerate();
    // The rest of a separator is the title of its request.
    let mut lines = sections.flat_map(|(index, section)| section.lines().skip(usize::from(index > 0)));
    let first = lines.find(|line| !is_skipped(line));
    first.is_some_and(|line| read_line(line).is_some_and(|_| has_mark || is_commented || line.contains("{{")))
}

/// Reads the requests of such a file.
pub(super) fn read(text: &[u8], resources: &Resources<'_>) -> Vec<Candidate> {
    let text = String::from_utf8_lossy(text);
    let variables: BTreeMap<&str, &str> = text.lines().filter_map(read_variable).collect();
    let mut found = Vec::new();
    let mut section = String::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with("###") {
            section.push_str(line);
        }
        if line.starts_with("###") || lines.peek().is_none() {
            let location = Location::Request(found.len() as u64 + 1);
            if let Some(outcome) = read_section(&section, &variables, resources, location) {
                found.push(Candidate { outcome, is_webhook: true });
            }
            section.clear();
        }
    }
    found
}

/// Reads `@name = value`.
fn read_variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim().strip_prefix('@')?.split_once('=')?;
    let name = name.trim();
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    is_name.then(|| (name, value.trim()))
}

/// Checks whether a line before the request is none of it.
fn is_skipped(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line.starts_with("//") || read_variable(line).is_some()
}

/// Reads `POST https://host/path`, with or without a version; a URL alone is a GET.
fn read_line(line: &str) -> Option<(String, String)> {
    if let Some(line) = read_request_line(line.as_bytes()) {
        return Some((line.method, line.target));
    }
    let (method, url) = line.trim().split_once(' ').unwrap_or(("GET", line.trim()));
    let url = url.trim().split(" HTTP/").next()?.trim();
    let is_url = ["http://", "https://", "{{", "/"].iter().any(|start| url.starts_with(start));
    let is_request = is_url && is_method(method) && method.bytes().all(|byte| byte.is_ascii_uppercase());
    is_request.then(|| (method.to_owned(), url.to_owned()))
}

fn read_section(
    section: &str,
    variables: &BTreeMap<&str, &str>,
    resources: &Resources<'_>,
    location: Location,
) -> Option<Result<Capture, CaptureError>> {
    let mut notes = Vec::new();
    let section = substitute(section, variables, &mut notes);
    let mut rest = section.as_str();
    let first = loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        if line.trim_start().starts_with("< {%") {
            rest = rest.split_once("%}").map_or("", |(_, after)| after);
        } else if !is_skipped(line) {
            break line;
        } else if rest.is_empty() {
            return None;
        }
    };
    let (method, mut target) = read_line(first)?;
    let mut headers = Headers::new();
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() {
            break;
        }
        let is_query =
            headers.is_empty() && line.starts_with([' ', '\t']) && line.trim_start().starts_with(['?', '&', '/']);
        match line.split_once(':') {
            _ if is_query => target.push_str(line.trim()),
            _ if line.starts_with('#') || line.starts_with("//") => {}
            Some((name, value)) if headers.push(name.trim(), value.trim().as_bytes()).is_ok() => {}
            _ => notes.push(Note::HeaderSkipped(line.split(':').next().unwrap_or(line).to_owned())),
        }
    }
    let body = match read_body(rest, resources, location)? {
        Ok(body) => body,
        Err(error) => return Some(Err(error)),
    };
    let target = origin_form(&target).unwrap_or_else(|| path_of_template(&target));
    let target = if is_target(&target) { target } else { target.replace(' ', "%20") };
    let request = Request { method, target, headers, body };
    notes.extend(note::length_differs(&request, None));
    Some(Ok(Capture::new(location, request, None, notes)))
}

/// Returns the path after `{{host}}`.
fn path_of_template(target: &str) -> String {
    let path = target.split_once("}}").map_or("", |(_, path)| path);
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// Replaces `{{name}}`; what is not set in the file stays and becomes a note.
fn substitute(section: &str, variables: &BTreeMap<&str, &str>, notes: &mut Vec<Note>) -> String {
    let (mut out, mut rest) = (String::with_capacity(section.len()), section);
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let inner = after
            .split_once("}}")
            .filter(|(name, _)| !name.is_empty() && name.len() <= 100 && !name.contains(['\n', '"', '{']));
        let Some((name, tail)) = inner else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        match variables.get(name.trim()) {
            Some(value) => out.push_str(value),
            None => {
                let note = Note::UnresolvedVariable(name.trim().to_owned());
                if !notes.contains(&note) {
                    notes.push(note);
                }
                out.push_str(&format!("{{{{{name}}}}}"));
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Reads the body up to a script or a reference to an answer. Editors do not send the empty lines at
/// its end. `None`: never.
fn read_body(text: &str, resources: &Resources<'_>, location: Location) -> Option<Result<Vec<u8>, CaptureError>> {
    let is_end = |line: &str| line.starts_with("> ") || line.starts_with(">{%") || line.starts_with("<> ");
    let mut end = 0;
    for line in text.split_inclusive('\n').take_while(|line| !is_end(line)) {
        end += line.len();
    }
    let body = text.get(..end).unwrap_or_default().trim_end_matches(['\n', '\r']);
    let file = body
        .strip_prefix("<@")
        .or_else(|| body.strip_prefix('<'))
        .filter(|name| name.starts_with(' ') && !name.contains('\n'));
    Some(match file.map(str::trim) {
        Some(name) => {
            let missing = || CaptureError::FileOfBody { location, name: name.to_owned() };
            resources.load(name).ok_or_else(missing)
        }
        None => Ok(body.as_bytes().to_vec()),
    })
}

/// Header names that a file of header lines has, apart from those of a signature.
const COMMON_HEADERS: &[&str] = &[
    "host",
    "content-type",
    "content-length",
    "user-agent",
    "accept",
    "accept-encoding",
    "connection",
    "x-forwarded-for",
];

/// Checks whether a text starts with header lines, one of which is well known or a signature.
pub(super) fn is_header_block(text: &[u8]) -> bool {
    let (mut rest, mut is_known) = (text, false);
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = header_line(line) else { return false };
        is_known |= is_signature(name, value) || COMMON_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name));
    }
    is_known
}

fn header_line(line: &[u8]) -> Option<(&str, &[u8])> {
    let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
    let name = std::str::from_utf8(name).ok().filter(|name| is_method(name))?;
    Some((name, value.get(1..)?.trim_ascii()))
}

/// Reads header lines, an empty line and the body, which is the rest of the file. `None`: there is
/// no body.
pub(super) fn read_header_block(text: &[u8]) -> Option<Result<Capture, CaptureError>> {
    let mut block = Vec::new();
    let mut rest = text;
    loop {
        let (line, after) = split_line(rest);
        rest = after;
        if line.is_empty() {
            break;
        }
        block.extend_from_slice(line);
        block.extend_from_slice(b"\r\n");
    }
    if rest.trim_ascii().is_empty() {
        return None;
    }
    let location = Location::Request(1);
    let invalid = |source: HeaderError| CaptureError::Header { location, source };
    Some(Headers::read(block).map_err(invalid).map(|headers| {
        let mut notes = Vec::new();
        let (body, _) = super::body::read(&headers, rest, &mut notes);
        let request = Request { method: "POST".to_owned(), target: "/".to_owned(), headers, body };
        Capture::new(location, request, None, notes)
    }))
}
