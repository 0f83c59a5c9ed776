//! Finds the end of a raw request's body, and decodes chunks.
//!
//! `Transfer-Encoding: chunked` counts if the body is a whole series of chunks, then
//! `Content-Length`; without either, the rest of the file is the body. Each contradiction becomes a
//! note.

use super::note::{ContentLength, Note, content_length, length};
use super::start_line::{is_next_request_start, split_line};
use crate::json::first_value_end;
use crate::model::message::Headers;

/// Reads the body that follows a head. Returns it and the text after it.
pub(super) fn read<'a>(headers: &Headers, text: &'a [u8], notes: &mut Vec<Note>) -> (Vec<u8>, &'a [u8]) {
    if is_chunked(headers) {
        if let Some((body, rest)) = decode_chunks(text) {
            let rest = after_body(length(&body), rest, notes);
            return (body, rest);
        }
        notes.push(Note::NotChunked);
    }
    match content_length(headers) {
        ContentLength::Bytes(declared) => take_declared(declared, text, notes),
        ContentLength::Absent => take_rest(text, notes),
        ContentLength::Invalid => {
            notes.push(Note::InvalidLength);
            take_rest(text, notes)
        }
    }
}

/// Takes the next `declared` bytes, or all if there are fewer. If the body is JSON of another length,
/// as a tool that prints it indented makes it, all of the JSON is taken.
fn take_declared<'a>(declared: u64, text: &'a [u8], notes: &mut Vec<Note>) -> (Vec<u8>, &'a [u8]) {
    if let Some((body, rest)) = json_of_other_length(declared, text) {
        notes.push(Note::LengthDiffers { declared, actual: length(body) });
        return (body.to_vec(), next_request(rest));
    }
    let split = usize::try_from(declared).ok().and_then(|count| text.split_at_checked(count));
    let Some((body, rest)) = split else {
        notes.push(Note::Truncated { declared, actual: length(text) });
        return (text.to_vec(), b"");
    };
    (body.to_vec(), after_body(declared, rest, notes))
}

/// Splits off a JSON body that does not have the declared length, although nothing but an answer or
/// another request follows it. `None`: it has, or there is no such body.
fn json_of_other_length(declared: u64, text: &[u8]) -> Option<(&[u8], &[u8])> {
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let (body, rest) = text.split_at_checked(first_value_end(text).ok()?)?;
    let after = rest.trim_ascii_start();
    let follows = is_answer_start(after) || is_next_request_start(after);
    // JSON on one line that ends at the file's end is left alone: its length was counted wrongly.
    let is_cut = length(body) > declared && (follows || (after.is_empty() && body.contains(&b'\n')));
    let runs_on = length(body) + length(rest) - length(after) < declared && follows;
    (is_cut || runs_on).then_some((body, after))
}

/// Checks whether an answer starts here.
fn is_answer_start(text: &[u8]) -> bool {
    let (line, _) = split_line(text);
    line.starts_with(b"HTTP/") && line.split(|&byte| byte == b' ').nth(1).is_some_and(|status| status.len() == 3)
}

/// Skips answers up to the next request; empty if there is none.
fn next_request(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while !rest.is_empty() {
        if is_next_request_start(rest) {
            return rest;
        }
        rest = split_line(rest).1;
    }
    b""
}

/// Takes the rest of the file, unless it is blank or starts with another request. An answer in the
/// file ends the body.
fn take_rest<'a>(text: &'a [u8], notes: &mut Vec<Note>) -> (Vec<u8>, &'a [u8]) {
    let start = text.trim_ascii_start();
    if start.is_empty() || is_next_request_start(start) {
        return (Vec::new(), after_body(0, text, notes));
    }
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if is_answer_start(rest) {
            let body = text.get(..at).unwrap_or_default().trim_ascii_end();
            if !body.is_empty() {
                notes.push(Note::NoLength(length(body)));
            }
            return (body.to_vec(), next_request(rest));
        }
        at = text.len() - split_line(rest).1.len();
    }
    notes.push(Note::NoLength(length(text)));
    (text.to_vec(), b"")
}

/// Returns the next request after a body of `declared` bytes; empty if there is none.
fn after_body<'a>(declared: u64, rest: &'a [u8], notes: &mut Vec<Note>) -> &'a [u8] {
    let start = rest.trim_ascii_start();
    if is_next_request_start(start) {
        return start;
    }
    if is_answer_start(start) {
        return next_request(start);
    }
    if !start.is_empty() {
        notes.push(Note::BytesBeyondLength { declared, actual: declared.saturating_add(length(rest)) });
        return next_request(start);
    } else if !rest.is_empty() {
        notes.push(Note::TrailingBytes(length(rest)));
    }
    b""
}

fn is_chunked(headers: &Headers) -> bool {
    headers.all("transfer-encoding").last().is_some_and(|value| {
        let last = value.rsplit(|&byte| byte == b',').next().unwrap_or_default();
        last.trim_ascii().eq_ignore_ascii_case(b"chunked")
    })
}

/// Decodes a series of chunks. Returns the body and the text after it. `None`: it is not a series
/// of chunks, or is cut off.
fn decode_chunks(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    // Copied only once the whole series is known to be chunks.
    let mut chunks = Vec::new();
    loop {
        let (line, rest) = split_line(text);
        let size = usize::try_from(chunk_size(line)?).ok()?;
        if size == 0 {
            return Some((chunks.concat(), after_trailers(rest)));
        }
        // A chunk ends like its size line: CRLF, or LF if the file was saved that way.
        let line_end = text.get(line.len()..text.len() - rest.len())?;
        let (chunk, rest) = rest.split_at_checked(size)?;
        chunks.push(chunk);
        text = rest.strip_prefix(line_end)?;
    }
}

/// Reads the size from a chunk's first line, such as `1a` or `1a;extension=x` (RFC 9112, section
/// 7.1).
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    is_number.then(|| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).flatten()
}

/// Skips the trailer fields and the empty line after the last chunk.
fn after_trailers(mut text: &[u8]) -> &[u8] {
    loop {
        let (line, rest) = split_line(text);
        if line.is_empty() {
            return rest;
        }
        if is_next_request_start(text) || !line.contains(&b':') {
            return text;
        }
        text = rest;
    }
}
