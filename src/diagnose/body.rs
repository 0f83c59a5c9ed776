//! Variants of the received body that may have been signed, each with the cause that explains it.
//!
//! Bodies can be large, so a variant is built only when its turn comes, and its cost is paid first.

use super::budget::{Exhausted, HashAllowance};
use super::cause::Cause;
use super::kinds::body as kinds;
use crate::json::{Document, Language, SERIALIZERS, Serializer};
use std::borrow::Cow;
use std::cell::OnceCell;

const BOM: &[u8] = b"\xef\xbb\xbf";
/// Variants of bodies up to this length are cached: each is tried with several keys and prefixes.
const MAX_CACHED: usize = 64 * 1024;
/// The cost of parsing or writing JSON, as a multiple of hashing it.
const JSON_COST: usize = 8;

/// The received body and the variants that may have been signed in its place.
pub(super) struct BodyVariants<'b> {
    received: &'b [u8],
    document: OnceCell<Option<Document<'b>>>,
    changes: Vec<BodyChange>,
    built: Vec<OnceCell<Option<Vec<u8>>>>,
}

/// A way in which the signed body may differ from the received one.
#[derive(Clone)]
enum BodyChange {
    WithoutEnd(&'static [u8]),
    WithEnd(&'static [u8]),
    ToCrlf,
    ToLf,
    WithoutBom,
    WithBom,
    Trimmed,
    /// Written by the serializer of this index.
    Reserialized(usize),
    FromLatin1,
    ToLatin1,
    EncodedTwice,
    ToUtf16,
    ToUtf16WithBom,
    /// A `?` for every character beyond ASCII.
    ToAscii,
    /// As decoders write it, with U+FFFD for invalid UTF-8.
    Lossy,
    Printed(PrintedBytes),
    /// The text inside a JSON string.
    Unwrapped,
    /// The body as a JSON string.
    Wrapped,
    Empty,
    Constant(&'static ConstantBody),
}

/// A text that buggy code signs in place of the payload.
#[derive(Debug, PartialEq, Eq)]
struct ConstantBody {
    text: &'static str,
    /// The language whose programs sign it. `None`: several do.
    language: Option<Language>,
}

/// A way to print bytes as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PrintedBytes {
    /// `b'…'`
    Python,
    /// `{"type":"Buffer","data":[…]}`
    Node,
    /// `[123 34 …]`
    Go,
}

impl PrintedBytes {
    fn cause(self) -> Cause {
        let (by, language) = match self {
            Self::Python => ("Python's b'…'", Language::Python),
            Self::Node => ("JSON.stringify of a Buffer", Language::JavaScript),
            Self::Go => ("Go's %v of a byte slice", Language::Go),
        };
        Cause::new(&kinds::PRINTED).with("by", by).in_language(Some(language))
    }
}

static CONSTANTS: [ConstantBody; 6] = [
    ConstantBody { text: "[object Object]", language: Some(Language::JavaScript) },
    ConstantBody { text: "undefined", language: Some(Language::JavaScript) },
    ConstantBody { text: "null", language: None },
    ConstantBody { text: "None", language: Some(Language::Python) },
    ConstantBody { text: "{}", language: None },
    ConstantBody { text: "Array", language: Some(Language::Php) },
];

/// The number of changes at the start of the list that are about a newline: the likeliest of all.
const NEWLINE_CHANGES: usize = 4;

impl<'b> BodyVariants<'b> {
    pub(super) fn new(received: &'b [u8]) -> Self {
        let mut changes = vec![
            BodyChange::WithoutEnd(b"\n"),
            BodyChange::WithoutEnd(b"\r\n"),
            BodyChange::WithEnd(b"\n"),
            BodyChange::WithEnd(b"\r\n"),
            BodyChange::WithoutBom,
            BodyChange::WithBom,
            BodyChange::Trimmed,
            BodyChange::ToCrlf,
            BodyChange::ToLf,
        ];
        changes.push(BodyChange::Empty);
        changes.extend(CONSTANTS.iter().map(BodyChange::Constant));
        changes.extend((0..SERIALIZERS.len()).map(BodyChange::Reserialized));
        changes.extend([BodyChange::FromLatin1, BodyChange::ToLatin1, BodyChange::EncodedTwice]);
        changes.extend([BodyChange::ToUtf16, BodyChange::ToUtf16WithBom, BodyChange::ToAscii, BodyChange::Lossy]);
        changes.extend([PrintedBytes::Python, PrintedBytes::Node, PrintedBytes::Go].map(BodyChange::Printed));
        changes.extend([BodyChange::Unwrapped, BodyChange::Wrapped]);
        let built = changes.iter().map(|_| OnceCell::new()).collect();
        Self { received, document: OnceCell::new(), changes, built }
    }

    pub(super) fn received(&self) -> &'b [u8] {
        self.received
    }

    /// Lists the indices of the variants, the likeliest first; `None` stands for the received body.
    pub(super) fn indices(&self) -> impl Iterator<Item = Option<usize>> + use<> {
        let rest = NEWLINE_CHANGES..self.changes.len();
        (0..NEWLINE_CHANGES).map(Some).chain([None]).chain(rest.map(Some))
    }

    /// Builds a variant. `Ok(None)`: the change does not apply to this body, or changes nothing.
    pub(super) fn build(
        &self,
        index: usize,
        allowance: &mut HashAllowance,
    ) -> Result<Option<Cow<'_, [u8]>>, Exhausted> {
        if let Some(built) = self.built[index].get() {
            return Ok(built.as_deref().map(Cow::Borrowed));
        }
        let change = &self.changes[index];
        if !allowance.spend(change.cost() * self.received.len()) {
            return Err(Exhausted);
        }
        let built = self.apply(change).filter(|built| **built != *self.received);
        if self.received.len() > MAX_CACHED {
            return Ok(built);
        }
        let cached = self.built[index].get_or_init(|| built.map(Cow::into_owned));
        Ok(cached.as_deref().map(Cow::Borrowed))
    }

    fn apply(&self, change: &BodyChange) -> Option<Cow<'_, [u8]>> {
        let here = self.received;
        let text = || std::str::from_utf8(here).ok();
        Some(match change {
            BodyChange::WithoutEnd(end) => here.strip_suffix(*end)?.into(),
            BodyChange::WithEnd(end) => [here, end].concat().into(),
            BodyChange::ToCrlf if here.contains(&b'\n') => with_cr(&without_cr(here)).into(),
            BodyChange::ToLf if here.contains(&b'\n') => without_cr(here).into(),
            BodyChange::ToCrlf | BodyChange::ToLf => return None,
            BodyChange::WithoutBom => here.strip_prefix(BOM)?.into(),
            BodyChange::WithBom => [BOM, here].concat().into(),
            BodyChange::Trimmed => here.trim_ascii().into(),
            BodyChange::Reserialized(index) => SERIALIZERS[*index].write(self.document()?).into(),
            BodyChange::FromLatin1 if text().is_none() => latin1_to_utf8(here).into(),
            BodyChange::EncodedTwice if text().is_some_and(|text| !text.is_ascii()) => latin1_to_utf8(here).into(),
            BodyChange::FromLatin1 | BodyChange::EncodedTwice => return None,
            BodyChange::ToLatin1 => {
                let text = text().filter(|text| !text.is_ascii())?;
                text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect::<Option<Vec<_>>>()?.into()
            }
            BodyChange::ToUtf16 => text()?.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().into(),
            BodyChange::ToUtf16WithBom => {
                let units = [0xfeff].into_iter().chain(text()?.encode_utf16());
                units.flat_map(u16::to_be_bytes).collect::<Vec<_>>().into()
            }
            BodyChange::ToAscii => {
                let units = text().filter(|text| !text.is_ascii())?.encode_utf16();
                units
                    .map(|unit| u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(b'?'))
                    .collect::<Vec<_>>()
                    .into()
            }
            BodyChange::Lossy if text().is_none() => String::from_utf8_lossy(here).into_owned().into_bytes().into(),
            BodyChange::Lossy => return None,
            BodyChange::Printed(PrintedBytes::Python) => python_bytes(here).into(),
            BodyChange::Printed(PrintedBytes::Node) => {
                [b"{\"type\":\"Buffer\",\"data\":[", &decimal_bytes(here, b',')[..], b"]}"].concat().into()
            }
            BodyChange::Printed(PrintedBytes::Go) => [b"[", &decimal_bytes(here, b' ')[..], b"]"].concat().into(),
            BodyChange::Unwrapped => serde_json::from_slice::<String>(here).ok()?.into_bytes().into(),
            BodyChange::Wrapped => serde_json::to_vec(text()?).ok()?.into(),
            BodyChange::Empty => b"".into(),
            BodyChange::Constant(constant) => constant.text.as_bytes().into(),
        })
    }

    fn document(&self) -> Option<&Document<'b>> {
        self.document.get_or_init(|| Document::parse(self.received).ok()).as_ref()
    }

    /// Returns the cause that explains why the user's code hashed this variant. The writer of the
    /// received body does not matter then.
    pub(super) fn digest_cause(&self, index: usize) -> Cause {
        match &self.changes[index] {
            BodyChange::Reserialized(index) => reserialized(&SERIALIZERS[*index], None),
            _ => self.cause(index),
        }
    }

    /// Returns the cause that explains why this variant was signed.
    pub(super) fn cause(&self, index: usize) -> Cause {
        let encoding = |signed: &'static str| Cause::new(&kinds::ENCODING).with("signed", signed);
        match &self.changes[index] {
            BodyChange::WithoutEnd(_) => Cause::new(&kinds::NEWLINE_ADDED),
            BodyChange::WithEnd(_) => Cause::new(&kinds::NEWLINE_LOST),
            BodyChange::ToCrlf => Cause::new(&kinds::LINE_ENDS).with("signed", "CRLF"),
            BodyChange::ToLf => Cause::new(&kinds::LINE_ENDS).with("signed", "LF"),
            BodyChange::WithoutBom => Cause::new(&kinds::BOM_ADDED),
            BodyChange::WithBom => Cause::new(&kinds::BOM_LOST),
            BodyChange::Trimmed => Cause::new(&kinds::WHITESPACE),
            BodyChange::Reserialized(index) => reserialized(&SERIALIZERS[*index], self.serializer()),
            BodyChange::FromLatin1 => encoding("UTF-8"),
            BodyChange::ToLatin1 => encoding("Latin-1, or UTF-8 that was read as Latin-1"),
            BodyChange::EncodedTwice => encoding("UTF-8 encoded twice"),
            BodyChange::ToUtf16 => encoding("UTF-16"),
            BodyChange::ToUtf16WithBom => encoding("UTF-16 with a byte order mark"),
            BodyChange::ToAscii => encoding("ASCII, with `?` for every other character"),
            BodyChange::Lossy => encoding("UTF-8, with U+FFFD for invalid bytes"),
            BodyChange::Printed(by) => by.cause(),
            BodyChange::Unwrapped => Cause::new(&kinds::DOUBLE_ENCODED).with("signed", "the text inside the string"),
            BodyChange::Wrapped => Cause::new(&kinds::DOUBLE_ENCODED).with("signed", "the body as a JSON string"),
            BodyChange::Empty => Cause::new(&kinds::EMPTY_SIGNED),
            BodyChange::Constant(ConstantBody { text: "{}", .. }) if self.received.is_empty() => {
                Cause::new(&kinds::EMPTY_HERE)
            }
            BodyChange::Constant(ConstantBody { text, language }) => {
                Cause::new(&kinds::NOT_THE_PAYLOAD).with("text", *text).in_language(*language)
            }
        }
    }

    /// Finds a serializer that writes exactly the received body.
    fn serializer(&self) -> Option<&'static Serializer> {
        let document = self.document()?;
        SERIALIZERS.iter().find(|serializer| serializer.write(document) == self.received)
    }
}

/// Names the serializer of the signed body and the one of the received body, `here`, whose language
/// is that of the code at fault.
fn reserialized(signed: &'static Serializer, here: Option<&'static Serializer>) -> Cause {
    let words = here.map(|here| format!(", but this body looks like {}", here.name)).unwrap_or_default();
    let language = here.unwrap_or(signed).language;
    Cause::new(&kinds::RESERIALIZED).with("signed", signed.name).with("here", words).in_language(language)
}

impl BodyChange {
    /// The cost of building the variant, as a multiple of hashing the body.
    fn cost(&self) -> usize {
        match self {
            Self::WithoutEnd(_) | Self::WithoutBom | Self::Trimmed | Self::Empty | Self::Constant(_) => 0,
            Self::Reserialized(_) | Self::Unwrapped | Self::Wrapped => JSON_COST,
            Self::Printed(PrintedBytes::Node | PrintedBytes::Go) => JSON_COST,
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
    let mut text = Vec::with_capacity(unix.len() + 64);
    for &byte in unix {
        if byte == b'\n' {
            text.push(b'\r');
        }
        text.push(byte);
    }
    text
}

/// Writes the bytes as decimal numbers.
fn decimal_bytes(body: &[u8], separator: u8) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len() * 4);
    for (index, byte) in body.iter().enumerate() {
        if index > 0 {
            text.push(separator);
        }
        text.extend(byte.to_string().into_bytes());
    }
    text
}

/// Writes bytes as Python does: in double quotes if only single quotes are inside.
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

/// Reads each byte as a character of Latin-1, and writes UTF-8.
fn latin1_to_utf8(body: &[u8]) -> Vec<u8> {
    body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the cause of the first change that leads from the received to the signed body.
    fn cause(received: &[u8], signed: &[u8]) -> Option<&'static str> {
        let bodies = BodyVariants::new(received);
        let mut allowance = HashAllowance::INTERACTIVE;
        bodies.indices().flatten().find_map(|index| {
            let built = bodies.build(index, &mut allowance).ok()??;
            (*built == *signed).then(|| bodies.cause(index).code())
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
    fn a_variant_that_the_allowance_does_not_cover_is_not_built() {
        let received = vec![b'['; 100_000];
        let bodies = BodyVariants::new(&received);
        let mut allowance = HashAllowance(1_000);
        let is_json = |index: &usize| bodies.changes[*index].cost() == JSON_COST;
        let reserialized = bodies.indices().flatten().find(is_json).unwrap();
        assert!(bodies.build(reserialized, &mut allowance).is_err());
    }
}
