//! What may have been the body when it was signed, each with the cause that would explain it.

use super::Cause;
use super::candidate::Candidate;
use super::search::Effort;
use crate::json::{Document, SERIALIZERS};
use std::collections::HashSet;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Every body that may have been signed, the likeliest first; the first is the one that is here. Each is there once.
pub(super) fn bodies<'b>(body: &'b [u8], effort: &mut Effort) -> Vec<Candidate<'b>> {
    let mut found = vec![Candidate::right(body)];
    if !effort.spend(COPYING * body.len()) {
        return found;
    }
    found.extend(line_breaks(body));
    found.extend(reserialized(body, effort));
    found.extend(marks_and_blanks(body));
    found.extend(encodings(body));
    found.extend(not_the_payload(body));
    let mut seen = HashSet::new();
    let fresh: Vec<bool> = found.iter().map(|candidate| seen.insert(&candidate.bytes)).collect();
    let mut fresh = fresh.into_iter();
    found.retain(|_| fresh.next().unwrap_or(false));
    found
}

fn line_breaks(body: &[u8]) -> Vec<Candidate<'_>> {
    let mut found = Vec::new();
    for end in [&b"\r\n"[..], b"\n"] {
        if let Some(shorter) = body.strip_suffix(end) {
            found.push(Candidate::new(shorter, Cause::BodyNewlineAdded));
        }
    }
    for end in [&b"\n"[..], b"\r\n"] {
        found.push(Candidate::new([body, end].concat(), Cause::BodyNewlineLost));
    }
    if body.contains(&b'\n') {
        let unix = without_cr(body);
        found.push(Candidate::new(with_cr(&unix), Cause::BodyLineEnds { signed: "CRLF" }));
        found.push(Candidate::new(unix, Cause::BodyLineEnds { signed: "LF" }));
    }
    found
}

fn without_cr(body: &[u8]) -> Vec<u8> {
    let next = body.iter().skip(1).map(Some).chain([None]);
    body.iter()
        .zip(next)
        .filter(|(byte, next)| !(**byte == b'\r' && *next == Some(&b'\n')))
        .map(|(byte, _)| *byte)
        .collect()
}

fn with_cr(unix: &[u8]) -> Vec<u8> {
    unix.iter().flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] }).collect()
}

/// What some things cost, each in times of hashing as many bytes: the candidates that are copies with a small change, all together;
/// looking for keys in it; reading JSON; writing it.
const COPYING: usize = 4;
pub(super) const LOOKING: usize = 4;
const READING: usize = 16;
const WRITING: usize = 8;

/// The part of the effort that may go into writing JSON, in quarters: the rest is for hashing what was written.
const WRITING_QUARTERS: u64 = 3;

/// The same JSON as well-known programs write it, as many as its part of the effort allows. A serializer that writes it just as it is here
/// names who wrote this copy.
fn reserialized(body: &[u8], effort: &mut Effort) -> Vec<Candidate<'static>> {
    let mut part = Effort(effort.0 / 4 * WRITING_QUARTERS);
    effort.0 -= part.0;
    let candidates = written(body, &mut part);
    effort.0 += part.0;
    candidates
}

fn written(body: &[u8], effort: &mut Effort) -> Vec<Candidate<'static>> {
    if !effort.spend(READING * body.len()) {
        return Vec::new();
    }
    let Ok(document) = Document::parse(body) else { return Vec::new() };
    let written: Vec<_> = SERIALIZERS
        .iter()
        .take_while(|_| effort.spend(WRITING * body.len()))
        .map(|serializer| (serializer.name, serializer.write(&document)))
        .collect();
    let here = written.iter().find(|(_, bytes)| bytes == body).map(|(name, _)| *name);
    written.into_iter().map(|(signed, bytes)| Candidate::new(bytes, Cause::BodyReserialized { signed, here })).collect()
}

fn marks_and_blanks(body: &[u8]) -> Vec<Candidate<'_>> {
    let mut found = match body.strip_prefix(BOM) {
        Some(bare) => vec![Candidate::new(bare, Cause::BodyBom { signed: "without" })],
        None => vec![Candidate::new([BOM, body].concat(), Cause::BodyBom { signed: "with" })],
    };
    found.push(Candidate::new(body.trim_ascii(), Cause::BodyWhitespace));
    found
}

/// The text as other encodings would have it.
fn encodings(body: &[u8]) -> Vec<Candidate<'static>> {
    let mut found = Vec::new();
    let Ok(text) = std::str::from_utf8(body) else {
        let from_latin1: String = body.iter().map(|&byte| char::from(byte)).collect();
        found.push(Candidate::new(from_latin1.into_bytes(), Cause::BodyEncoding { signed: "UTF-8" }));
        return found;
    };
    if !text.is_ascii() {
        let latin1: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
        if let Some(latin1) = latin1 {
            let signed =
                if std::str::from_utf8(&latin1).is_ok() { "UTF-8, and was read as Latin-1" } else { "Latin-1" };
            found.push(Candidate::new(latin1, Cause::BodyEncoding { signed }));
        }
        let twice: String = body.iter().map(|&byte| char::from(byte)).collect();
        found.push(Candidate::new(twice.into_bytes(), Cause::BodyEncoding { signed: "UTF-8 encoded twice" }));
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    found.push(Candidate::new(utf16, Cause::BodyEncoding { signed: "UTF-16" }));
    if let Ok(inner) = serde_json::from_str::<String>(text) {
        found
            .push(Candidate::new(inner.into_bytes(), Cause::BodyDoubleEncoded { signed: "what is inside the string" }));
    }
    if let Ok(outer) = serde_json::to_string(text) {
        found
            .push(Candidate::new(outer.into_bytes(), Cause::BodyDoubleEncoded { signed: "the body as a JSON string" }));
    }
    found
}

/// What code signs that took something else for the body.
fn not_the_payload(body: &[u8]) -> Vec<Candidate<'static>> {
    let mut found = vec![Candidate::new(&b""[..], Cause::BodyEmptySigned)];
    if body.is_empty() {
        found.push(Candidate::new(&b"{}"[..], Cause::BodyEmptyHere));
    }
    let words = ["[object Object]", "undefined", "null", "None", "{}", "Array"];
    found.extend(words.map(|signed| Candidate::new(signed.as_bytes(), Cause::BodyNotThePayload { signed })));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causes(body: &[u8], signed: &[u8]) -> Vec<&'static str> {
        let found = bodies(body, &mut Effort::THOROUGH.clone());
        let matching = found.iter().filter(|candidate| *candidate.bytes == *signed);
        matching.filter_map(|candidate| candidate.cause.as_ref().map(Cause::code)).collect()
    }

    #[test]
    fn each_change_is_undone_once() {
        assert_eq!(causes(b"{}\n", b"{}"), ["body_newline_added"]);
        assert_eq!(causes(b"{}\r\n", b"{}"), ["body_newline_added"]);
        assert_eq!(causes(b"{}", b"{}\n"), ["body_newline_lost"]);
        assert_eq!(causes(b"a\nb", b"a\r\nb"), ["body_line_ends"]);
        assert_eq!(causes(b"a\r\nb", b"a\nb"), ["body_line_ends"]);
        assert_eq!(causes(b"\xef\xbb\xbf{}", b"{}"), ["body_bom"]);
        assert_eq!(causes(b"{}", b"\xef\xbb\xbf{}"), ["body_bom"]);
        assert_eq!(causes(b"{\"a\": 1}", b"{\"a\":1}"), ["body_reserialized"]);
        assert_eq!(causes(b"{}", b""), ["body_empty_signed"]);
        assert_eq!(causes(b"{}", b"[object Object]"), ["body_not_the_payload"]);
        assert_eq!(causes("\"é\"".as_bytes(), b"\"\xe9\""), ["body_encoding"]);
        assert_eq!(causes(br#""{\"a\":1}""#, br#"{"a":1}"#), ["body_double_encoded"]);
    }
}
