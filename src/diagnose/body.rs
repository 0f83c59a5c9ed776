//! What may have been the body when it was signed, each with the cause that would explain it.
//!
//! Bodies can be large, so each is made only when its turn comes, and what making it costs is charged first.

use super::Cause;
use super::search::Effort;
use crate::json::{Document, SERIALIZERS};
use std::borrow::Cow;
use std::cell::OnceCell;

const BOM: &[u8] = b"\xef\xbb\xbf";
/// Bodies up to this length are kept when they were made, since they are tried with other changes too.
const KEPT: usize = 64 * 1024;
/// Parsing JSON costs some eight times as much as hashing it, and so does writing it.
const JSON: usize = 8;

/// Every body that may have been signed. The first is the one that is here.
pub(super) struct Bodies<'b> {
    here: &'b [u8],
    document: OnceCell<Option<Document<'b>>>,
    changes: Vec<Change>,
    made: Vec<OnceCell<Option<Vec<u8>>>>,
}

/// A way in which the signed body may differ from this one.
#[derive(Clone)]
enum Change {
    /// Bytes taken from the end.
    Without(&'static [u8]),
    /// Bytes added at the end.
    With(&'static [u8]),
    ToCrlf,
    ToLf,
    BomAway,
    BomAdded,
    Trimmed,
    /// The serializer at this place.
    Rewritten(usize),
    FromLatin1,
    ToLatin1,
    EncodedTwice,
    ToUtf16,
    ToUtf16WithMark,
    /// A `?` for every letter beyond ASCII.
    ToAscii,
    /// U+FFFD for what is no UTF-8.
    Lossy,
    /// `b'…'`, as Python prints bytes.
    PythonBytes,
    /// `{"type":"Buffer","data":[…]}`, as Node writes a Buffer.
    NodeBuffer,
    /// `[123 34 …]`, as Go prints bytes.
    GoBytes,
    /// The text inside a JSON string.
    Unwrapped,
    /// The body as a JSON string.
    Wrapped,
    /// Something else altogether.
    Word(&'static str),
}

/// How many of the changes are line breaks at the end: the likeliest of all.
const LINE_BREAKS: usize = 4;

impl<'b> Bodies<'b> {
    pub(super) fn of(here: &'b [u8]) -> Self {
        let mut changes = vec![
            Change::Without(b"\n"),
            Change::Without(b"\r\n"),
            Change::With(b"\n"),
            Change::With(b"\r\n"),
            Change::BomAway,
            Change::BomAdded,
            Change::Trimmed,
            Change::ToCrlf,
            Change::ToLf,
        ];
        let words = ["", "[object Object]", "undefined", "null", "None", "{}", "Array"];
        changes.extend(words.map(Change::Word));
        changes.extend((0..SERIALIZERS.len()).map(Change::Rewritten));
        changes.extend([Change::FromLatin1, Change::ToLatin1, Change::EncodedTwice, Change::ToUtf16]);
        changes.extend([Change::ToUtf16WithMark, Change::ToAscii, Change::Lossy]);
        changes.extend([Change::PythonBytes, Change::NodeBuffer, Change::GoBytes]);
        changes.extend([Change::Unwrapped, Change::Wrapped]);
        let made = changes.iter().map(|_| OnceCell::new()).collect();
        Self { here, document: OnceCell::new(), changes, made }
    }

    /// The body that is here.
    pub(super) fn here(&self) -> &'b [u8] {
        self.here
    }

    /// The places of the changed bodies, the likeliest first; `None` among them is the body that is here.
    pub(super) fn order(&self) -> impl Iterator<Item = Option<usize>> + use<> {
        let rest = LINE_BREAKS..self.changes.len();
        (0..LINE_BREAKS).map(Some).chain([None]).chain(rest.map(Some))
    }

    /// The body at this place. `Ok(None)`: the change does not apply. `Err`: the effort does not allow it.
    pub(super) fn make(&self, place: usize, effort: &mut Effort) -> Result<Option<Cow<'_, [u8]>>, Spent> {
        if let Some(made) = self.made[place].get() {
            return Ok(made.as_deref().map(Cow::Borrowed));
        }
        let change = &self.changes[place];
        if !effort.spend(change.cost() * self.here.len()) {
            return Err(Spent);
        }
        let made = self.changed(change).filter(|made| **made != *self.here);
        if self.here.len() > KEPT {
            return Ok(made);
        }
        let kept = self.made[place].get_or_init(|| made.map(Cow::into_owned));
        Ok(kept.as_deref().map(Cow::Borrowed))
    }

    fn changed(&self, change: &Change) -> Option<Cow<'_, [u8]>> {
        let here = self.here;
        let text = || std::str::from_utf8(here).ok();
        Some(match change {
            Change::Without(end) => here.strip_suffix(*end)?.into(),
            Change::With(end) => [here, end].concat().into(),
            Change::ToCrlf if here.contains(&b'\n') => with_cr(&without_cr(here)).into(),
            Change::ToLf if here.contains(&b'\n') => without_cr(here).into(),
            Change::ToCrlf | Change::ToLf => return None,
            Change::BomAway => here.strip_prefix(BOM)?.into(),
            Change::BomAdded => [BOM, here].concat().into(),
            Change::Trimmed => here.trim_ascii().into(),
            Change::Rewritten(place) => SERIALIZERS[*place].write(self.document()?).into(),
            Change::FromLatin1 if text().is_none() => as_latin1(here).into(),
            Change::EncodedTwice if text().is_some_and(|text| !text.is_ascii()) => as_latin1(here).into(),
            Change::FromLatin1 | Change::EncodedTwice => return None,
            Change::ToLatin1 => {
                let text = text().filter(|text| !text.is_ascii())?;
                text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect::<Option<Vec<_>>>()?.into()
            }
            Change::ToUtf16 => text()?.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().into(),
            Change::ToUtf16WithMark => {
                let units = [0xfeff].into_iter().chain(text()?.encode_utf16());
                units.flat_map(u16::to_be_bytes).collect::<Vec<_>>().into()
            }
            Change::ToAscii => {
                let units = text().filter(|text| !text.is_ascii())?.encode_utf16();
                units
                    .map(|unit| u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(b'?'))
                    .collect::<Vec<_>>()
                    .into()
            }
            Change::Lossy if text().is_none() => String::from_utf8_lossy(here).into_owned().into_bytes().into(),
            Change::Lossy => return None,
            Change::PythonBytes => python_bytes(here).into(),
            Change::NodeBuffer => [b"{\"type\":\"Buffer\",\"data\":[", &numbers(here, b',')[..], b"]}"].concat().into(),
            Change::GoBytes => [b"[", &numbers(here, b' ')[..], b"]"].concat().into(),
            Change::Unwrapped => serde_json::from_slice::<String>(here).ok()?.into_bytes().into(),
            Change::Wrapped => serde_json::to_vec(text()?).ok()?.into(),
            Change::Word(word) => word.as_bytes().into(),
        })
    }

    fn document(&self) -> Option<&Document<'b>> {
        self.document.get_or_init(|| Document::parse(self.here).ok()).as_ref()
    }

    /// Why the body at this place would have been the signed one.
    pub(super) fn cause(&self, place: usize) -> Cause {
        match &self.changes[place] {
            Change::Without(_) => Cause::BodyNewlineAdded,
            Change::With(_) => Cause::BodyNewlineLost,
            Change::ToCrlf => Cause::BodyLineEnds { signed: "CRLF" },
            Change::ToLf => Cause::BodyLineEnds { signed: "LF" },
            Change::BomAway => Cause::BodyBom { signed: "without" },
            Change::BomAdded => Cause::BodyBom { signed: "with" },
            Change::Trimmed => Cause::BodyWhitespace,
            Change::Rewritten(place) => {
                Cause::BodyReserialized { signed: SERIALIZERS[*place].name, here: self.writer() }
            }
            Change::FromLatin1 => Cause::BodyEncoding { signed: "UTF-8" },
            Change::ToLatin1 => Cause::BodyEncoding { signed: "Latin-1, or UTF-8 that was read as Latin-1" },
            Change::EncodedTwice => Cause::BodyEncoding { signed: "UTF-8 encoded twice" },
            Change::ToUtf16 => Cause::BodyEncoding { signed: "UTF-16" },
            Change::ToUtf16WithMark => Cause::BodyEncoding { signed: "UTF-16 with a byte order mark" },
            Change::ToAscii => Cause::BodyEncoding { signed: "ASCII, with `?` for every other letter" },
            Change::Lossy => Cause::BodyEncoding { signed: "UTF-8, with U+FFFD for what could not be decoded" },
            Change::PythonBytes => Cause::BodyPrinted { by: "Python's b'…'" },
            Change::NodeBuffer => Cause::BodyPrinted { by: "JSON.stringify of a Buffer" },
            Change::GoBytes => Cause::BodyPrinted { by: "Go's %v of a byte slice" },
            Change::Unwrapped => Cause::BodyDoubleEncoded { signed: "what is inside the string" },
            Change::Wrapped => Cause::BodyDoubleEncoded { signed: "the body as a JSON string" },
            Change::Word("") => Cause::BodyEmptySigned,
            Change::Word("{}") if self.here.is_empty() => Cause::BodyEmptyHere,
            Change::Word(signed) => Cause::BodyNotThePayload { signed },
        }
    }

    /// Who writes JSON just as it is written here.
    fn writer(&self) -> Option<&'static str> {
        let document = self.document()?;
        SERIALIZERS.iter().find(|serializer| serializer.write(document) == self.here).map(|serializer| serializer.name)
    }
}

/// The effort does not allow it.
pub(super) struct Spent;

impl Change {
    /// What making the body costs, as a multiple of hashing it.
    fn cost(&self) -> usize {
        match self {
            Self::Without(_) | Self::BomAway | Self::Trimmed | Self::Word(_) => 0,
            Self::Rewritten(_) | Self::Unwrapped | Self::Wrapped | Self::NodeBuffer | Self::GoBytes => JSON,
            _ => 2,
        }
    }
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
    let mut long = Vec::with_capacity(unix.len() + 64);
    for &byte in unix {
        if byte == b'\n' {
            long.push(b'\r');
        }
        long.push(byte);
    }
    long
}

/// The bytes as decimal numbers.
fn numbers(body: &[u8], between: u8) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len() * 4);
    for (place, byte) in body.iter().enumerate() {
        if place > 0 {
            text.push(between);
        }
        text.extend(byte.to_string().into_bytes());
    }
    text
}

/// As Python prints bytes: in double quotes when there are only single ones inside.
fn python_bytes(body: &[u8]) -> Vec<u8> {
    let quote = if body.contains(&b'\'') && !body.contains(&b'"') { b'"' } else { b'\'' };
    let mut text = vec![b'b', quote];
    for &byte in body {
        match byte {
            b'\\' => text.extend(b"\\\\"),
            b'\n' => text.extend(b"\\n"),
            b'\r' => text.extend(b"\\r"),
            b'\t' => text.extend(b"\\t"),
            _ if byte == quote => text.extend([b'\\', byte]),
            0x20..0x7f => text.push(byte),
            _ => text.extend(format!("\\x{byte:02x}").into_bytes()),
        }
    }
    text.push(quote);
    text
}

/// Each byte as a letter of its own.
fn as_latin1(body: &[u8]) -> Vec<u8> {
    body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cause of the first change that leads from `here` to `signed`.
    fn cause(here: &[u8], signed: &[u8]) -> Option<&'static str> {
        let bodies = Bodies::of(here);
        let mut effort = Effort::PATIENT;
        bodies.order().flatten().find_map(|place| {
            let made = bodies.make(place, &mut effort).ok()??;
            (*made == *signed).then(|| bodies.cause(place).code())
        })
    }

    #[test]
    fn each_change_is_undone() {
        assert_eq!(cause(b"{}\n", b"{}"), Some("body_newline_added"));
        assert_eq!(cause(b"{}\r\n", b"{}"), Some("body_newline_added"));
        assert_eq!(cause(b"{}", b"{}\n"), Some("body_newline_lost"));
        assert_eq!(cause(b"a\nb", b"a\r\nb"), Some("body_line_ends"));
        assert_eq!(cause(b"a\r\nb", b"a\nb"), Some("body_line_ends"));
        assert_eq!(cause(b"\xef\xbb\xbf{}", b"{}"), Some("body_bom"));
        assert_eq!(cause(b"{}", b"\xef\xbb\xbf{}"), Some("body_bom"));
        assert_eq!(cause(b"{\"a\": 1}", b"{\"a\":1}"), Some("body_reserialized"));
        assert_eq!(cause(b"{\"a\":1}", b""), Some("body_empty_signed"));
        assert_eq!(cause(b"{\"a\":1}", b"[object Object]"), Some("body_not_the_payload"));
        assert_eq!(cause(b"", b"{}"), Some("body_empty_here"));
        assert_eq!(cause("\"é\"".as_bytes(), b"\"\xe9\""), Some("body_encoding"));
        assert_eq!(cause(br#""{\"a\":1}""#, br#"{"a":1}"#), Some("body_double_encoded"));
        assert_eq!(cause(b"x", b"y"), None);
    }

    #[test]
    fn nothing_is_made_that_the_effort_does_not_allow() {
        let here = vec![b'['; 100_000];
        let bodies = Bodies::of(&here);
        let mut effort = Effort(1_000);
        let rewritten = bodies.order().flatten().find(|&place| bodies.changes[place].cost() == JSON).unwrap();
        assert!(bodies.make(rewritten, &mut effort).is_err());
    }
}
