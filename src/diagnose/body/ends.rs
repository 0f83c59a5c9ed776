//! Changes at the edges of a body, of its line ends and of its whitespace, and constants.

use super::change::BodyChange;
use super::text;
use crate::diagnose::kinds::body as kinds;
use crate::json::Language;

const BOM: &[u8] = b"\xef\xbb\xbf";
const KEEP_SPACE: &str = "look for code that reformats whitespace";

/// Newlines at the end, the likeliest changes of all.
pub(super) static NEWLINES: [BodyChange; 4] = [
    BodyChange::new(&kinds::NEWLINE_ADDED, "", |body| body.bytes.strip_suffix(b"\n").map(<[u8]>::to_vec)),
    BodyChange::new(&kinds::NEWLINE_ADDED, "", |body| body.bytes.strip_suffix(b"\r\n").map(<[u8]>::to_vec)),
    BodyChange::new(&kinds::NEWLINE_LOST, "", |body| Some([body.bytes, b"\n"].concat())),
    BodyChange::new(&kinds::NEWLINE_LOST, "", |body| Some([body.bytes, b"\r\n"].concat())),
];

/// Changes of the edges, and of line ends.
pub(super) static ENDS: &[BodyChange] = &[
    BodyChange::new(&kinds::BOM_ADDED, "", |body| body.bytes.strip_prefix(BOM).map(<[u8]>::to_vec)),
    BodyChange::new(&kinds::BOM_LOST, "", |body| Some([BOM, body.bytes].concat())),
    BodyChange::new(&kinds::NUL_ADDED, "", |body| {
        let end = body.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        (end < body.bytes.len()).then(|| body.bytes[..end].to_vec())
    }),
    BodyChange::new(&kinds::WHITESPACE, "", |body| Some(body.bytes.trim_ascii().to_vec())),
    BodyChange::new(&kinds::LINE_ENDS, "CRLF", |body| {
        body.bytes.contains(&b'\n').then(|| with_cr(&without_cr(body.bytes)))
    }),
    BodyChange::new(&kinds::LINE_ENDS, "LF", |body| body.bytes.contains(&b'\n').then(|| without_cr(body.bytes))),
    BodyChange::new(&kinds::SPACES, "the body without its newlines", |body| {
        body.bytes.contains(&b'\n').then(|| body.bytes.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect())
    })
    .fix("look for an editor or terminal that wraps lines; curl -d strips newlines, --data-binary does not"),
    BodyChange::new(&kinds::TYPOGRAPHY, "", |body| text::undo_typography(body.text()?)),
    BodyChange::new(&kinds::TERMINAL_CODES, "", |body| text::strip_terminal_codes(body.bytes)),
    BodyChange::new(&kinds::BRACKETS_LOST, "", |body| with_closing_brackets(body.bytes)),
    BodyChange::new(&kinds::EMPTY_SIGNED, "", |_| Some(Vec::new())),
];

/// Rarer changes of whitespace.
pub(super) static WHITESPACE: &[BodyChange] = &[
    BodyChange::new(&kinds::SPACES, "the body with a NUL at the end", |body| Some([body.bytes, b"\0"].concat()))
        .rare()
        .fix("hash as many bytes as were received, without the NUL that ends a C string"),
    BodyChange::new(&kinds::SPACES, "the body with a blank at the end", |body| Some([body.bytes, b" "].concat()))
        .rare()
        .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body with two newlines at the end", |body| {
        Some([body.bytes, b"\n\n"].concat())
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body with a blank for each tab", |body| {
        text::replace(body.bytes, b"\t", b" ")
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body with four blanks for each tab", |body| {
        text::replace(body.bytes, b"\t", b"    ")
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body with two blanks for each tab", |body| {
        text::replace(body.bytes, b"\t", b"  ")
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body with a tab for each four blanks", |body| {
        text::replace(body.bytes, b"    ", b"\t")
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body with a tab for each two blanks", |body| {
        text::replace(body.bytes, b"  ", b"\t")
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body with one blank for each run of whitespace", |body| {
        Some(text::collapse_whitespace(body.bytes, b" "))
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body without any whitespace, inside strings too", |body| {
        Some(text::collapse_whitespace(body.bytes, b""))
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body without its blanks, inside strings too", |body| {
        text::replace(body.bytes, b" ", b"")
    })
    .rare()
    .fix(KEEP_SPACE),
    BodyChange::new(&kinds::SPACES, "the body with CR line endings", |body| {
        body.bytes.contains(&b'\n').then(|| text::replace(&without_cr(body.bytes), b"\n", b"\r"))?
    })
    .rare()
    .fix(KEEP_SPACE),
];

/// A buffer of this size may be mostly empty.
const MAX_PADDED: usize = 4096;

macro_rules! lengths {
    ($($length:literal)*) => {
        /// Buffers of fixed size: the start of the body, and the body with NULs up to that size.
        pub(super) static BUFFERS: &[BodyChange] = &[$(
            BodyChange::new(&kinds::BUFFER, concat!("the first ", $length, " bytes of the body"), |body| {
                body.bytes.get(..$length).map(<[u8]>::to_vec)
            })
            .rare(),
            BodyChange::new(&kinds::BUFFER, concat!("the body with NULs up to ", $length, " bytes"), |body| {
                let count = $length - body.bytes.len().min($length);
                let is_likely = count > 0 && $length <= MAX_PADDED.max(4 * body.bytes.len());
                is_likely.then(|| [body.bytes, &vec![0; count]].concat())
            })
            .rare()
        ),*];
    };
}

lengths! { 16 32 64 100 128 200 255 256 500 512 1000 1024 2000 2048 4096 8192 10000 16384 32768 65535 65536 100000 102400 1048576 }

macro_rules! constants {
    ($(($text:literal, $language:expr),)*) => {
        /// Texts that buggy code signs in place of the payload.
        pub(super) static CONSTANTS: &[BodyChange] = &[$(constant($text, $language, |_| Some($text.into()))),*];
    };
}

const fn constant(
    text: &'static str,
    language: Option<Language>,
    apply: fn(&super::change::BodySource<'_>) -> Option<Vec<u8>>,
) -> BodyChange {
    let change = BodyChange::new(&kinds::NOT_THE_PAYLOAD, text, apply).rare();
    match language {
        Some(language) => change.language(language),
        None => change,
    }
}

/// What JavaScript makes of an object in a text, and of no object.
pub(super) static OBJECT: [BodyChange; 2] = [
    BodyChange::new(&kinds::NOT_THE_PAYLOAD, "{}", |_| Some("{}".into())),
    BodyChange::new(&kinds::NOT_THE_PAYLOAD, "[object Object]", |_| Some("[object Object]".into()))
        .language(Language::JavaScript),
];

constants! {
    ("undefined", Some(Language::JavaScript)),
    ("null", None),
    ("None", Some(Language::Python)),
    ("Array", Some(Language::Php)),
    ("[]", None),
    ("\"\"", None),
    ("false", None),
    ("true", None),
    ("NaN", Some(Language::JavaScript)),
    ("nil", Some(Language::Ruby)),
    ("<nil>", Some(Language::Go)),
    ("map[]", Some(Language::Go)),
    ("b''", Some(Language::Python)),
    ("ImmutableMultiDict([])", Some(Language::Python)),
    ("<QueryDict: {}>", Some(Language::Python)),
    ("[object Promise]", Some(Language::JavaScript)),
    ("[object Buffer]", Some(Language::JavaScript)),
    ("[object ArrayBuffer]", Some(Language::JavaScript)),
    ("[object ReadableStream]", Some(Language::JavaScript)),
    ("[object Blob]", Some(Language::JavaScript)),
    ("[object FormData]", Some(Language::JavaScript)),
    ("[object Map]", Some(Language::JavaScript)),
    ("\"[object Object]\"", Some(Language::JavaScript)),
    ("System.Byte[]", Some(Language::CSharp)),
    ("System.Object", Some(Language::CSharp)),
    ("System.IO.MemoryStream", Some(Language::CSharp)),
    ("System.Text.Json.JsonDocument", Some(Language::CSharp)),
    ("System.Collections.Generic.Dictionary`2[System.String,System.Object]", Some(Language::CSharp)),
    ("System.Collections.Hashtable", None),
}

/// Closes the brackets and the string that are open at the end. `None`: there are none.
fn with_closing_brackets(body: &[u8]) -> Option<Vec<u8>> {
    let (mut open, mut is_string, mut is_escaped) = (Vec::new(), false, false);
    if !body.starts_with(b"{") && !body.starts_with(b"[") {
        return None;
    }
    for &byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' if !is_string => open.push(b'}'),
            b'[' if !is_string => open.push(b']'),
            b'}' | b']' if !is_string => _ = open.pop(),
            _ => {}
        }
    }
    open.reverse();
    let quote: &[u8] = if is_string { b"\"" } else { b"" };
    (!open.is_empty() && open.len() < 16).then(|| [body, quote, &open].concat())
}

pub(super) fn without_cr(body: &[u8]) -> Vec<u8> {
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
