//! Where the body of a raw request ends, and what follows it.
//!
//! `Transfer-Encoding: chunked` is heeded when the body really is in chunks, then `Content-Length`; without either the rest of
//! the file is the body. What does not add up becomes a note.

use super::note::{ContentLength, Note, content_length, length};
use super::raw::{is_next_start, split_line};
use crate::model::message::Headers;

/// Reads the body that follows a head: the body, and what follows it.
pub(super) fn read<'a>(headers: &Headers, text: &'a [u8], notes: &mut Vec<Note>) -> (Vec<u8>, &'a [u8]) {
    if is_chunked(headers) {
        if let Some((body, rest)) = decode_chunks(text) {
            let rest = after_body(length(&body), rest, notes);
            return (body, rest);
        }
        notes.push(Note::NotChunked);
    }
    match content_length(headers) {
        ContentLength::Bytes(announced) => by_length(announced, text, notes),
        ContentLength::Absent => without_length(text, notes),
        ContentLength::Unreadable => {
            notes.push(Note::InvalidLength);
            without_length(text, notes)
        }
    }
}

/// The next `announced` bytes, or as many as there are.
fn by_length<'a>(announced: u64, text: &'a [u8], notes: &mut Vec<Note>) -> (Vec<u8>, &'a [u8]) {
    let split = usize::try_from(announced).ok().and_then(|count| text.split_at_checked(count));
    let Some((body, rest)) = split else {
        notes.push(Note::Truncated { announced, present: length(text) });
        return (text.to_vec(), b"");
    };
    (body.to_vec(), after_body(announced, rest, notes))
}

/// The rest of the file, unless another request follows at once or nothing but blank does.
fn without_length<'a>(text: &'a [u8], notes: &mut Vec<Note>) -> (Vec<u8>, &'a [u8]) {
    let start = text.trim_ascii_start();
    if start.is_empty() || is_next_start(start) {
        return (Vec::new(), after_body(0, text, notes));
    }
    notes.push(Note::NoLength(length(text)));
    (text.to_vec(), b"")
}

/// What follows a body of this length: another request, or nothing that is one.
fn after_body<'a>(announced: u64, rest: &'a [u8], notes: &mut Vec<Note>) -> &'a [u8] {
    let start = rest.trim_ascii_start();
    if is_next_start(start) {
        return start;
    }
    if !start.is_empty() {
        notes.push(Note::BytesBeyondLength { announced, present: announced.saturating_add(length(rest)) });
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

/// Decodes a whole series of chunks: the body, and what follows. `None`: it is not one, or it is cut off.
fn decode_chunks(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    // Nothing is copied before it is known that these are chunks.
    let mut found = Vec::new();
    loop {
        let (line, rest) = split_line(text);
        let size = usize::try_from(chunk_size(line)?).ok()?;
        if size == 0 {
            return Some((found.concat(), after_trailers(rest)));
        }
        // The chunk ends the way its size line does: CRLF, or LF where the whole file was saved so.
        let line_end = text.get(line.len()..text.len() - rest.len())?;
        let (chunk, rest) = rest.split_at_checked(size)?;
        found.push(chunk);
        text = rest.strip_prefix(line_end)?;
    }
}

/// Reads the size from a chunk's first line, such as `1a` or `1a;extension=x` (RFC 9112, section 7.1).
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    is_number.then(|| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).flatten()
}

/// What follows the trailer fields and the empty line after the last chunk.
fn after_trailers(mut text: &[u8]) -> &[u8] {
    loop {
        let (line, rest) = split_line(text);
        if line.is_empty() {
            return rest;
        }
        if is_next_start(text) || !line.contains(&b':') {
            return text;
        }
        text = rest;
    }
}
