//! What code, shells and env files make of a secret before they sign with it.
//!
//! Each row changes a secret in one way. The rows that are not rare are combined with other
//! mistakes; the rare ones are tried alone first.

use super::parts::decode_lenient_base64;
use super::text::{encode_entities, expand_to_nothing, is_printable, unescape};
use crate::diagnose::cause::CauseKind;
use crate::diagnose::kinds::key as kinds;
use crate::provider::path_segment;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::borrow::Cow;
use url::form_urlencoded::byte_serialize;

/// A secret as we have it.
pub(super) struct Source<'a> {
    pub bytes: &'a [u8],
    /// The prefix of the provider's secrets; empty if there is none.
    pub prefix: &'static str,
    /// The environment variable that usually holds it.
    pub variable: &'static str,
}

impl Source<'_> {
    /// Returns the secret without its prefix. `None`: it has none.
    fn bare(&self) -> Option<&[u8]> {
        self.bytes.strip_prefix(self.prefix.as_bytes()).filter(|_| !self.prefix.is_empty())
    }

    /// Returns the secret, and the secret without its prefix with words that say so.
    fn texts(&self) -> impl Iterator<Item = (&[u8], &'static str)> {
        let bare = self.bare().map(|bare| (bare, ", without its prefix"));
        [(self.bytes, "")].into_iter().chain(bare)
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes).ok()
    }
}

/// A key, and the text that stands for `{part}` in the words of its cause.
type Form = (Vec<u8>, Cow<'static, str>);

pub(super) struct FormRow {
    pub kind: &'static CauseKind,
    /// Too rare to be combined with other mistakes at first.
    pub is_rare: bool,
    pub make: fn(&Source<'_>) -> Vec<Form>,
}

const fn usual(kind: &'static CauseKind, make: fn(&Source<'_>) -> Vec<Form>) -> FormRow {
    FormRow { kind, is_rare: false, make }
}

const fn rare(kind: &'static CauseKind, make: fn(&Source<'_>) -> Vec<Form>) -> FormRow {
    FormRow { kind, is_rare: true, make }
}

/// The ways in which a key may differ from our copy of the secret, the likeliest first.
pub(super) static FORMS: &[FormRow] = &[
    usual(&kinds::WHITESPACE_LOST, with_whitespace),
    usual(&kinds::CUT_SHORT, without_last_character),
    usual(&kinds::PREFIX_DROPPED, without_prefix),
    usual(&kinds::PREFIX_LOST, with_prefix),
    usual(&kinds::USED_WITH_QUOTES, in_quotes),
    usual(&kinds::CUT_AT_HASH, before_hash),
    usual(&kinds::DECODED, decoded_bytes),
    usual(&kinds::EXPANDED, without_variables),
    usual(&kinds::DOLLAR_DOUBLED, with_single_dollars),
    usual(&kinds::FORM_DECODED, with_plus_for_blanks),
    usual(&kinds::PADDING_LOST, with_padding),
    rare(&kinds::CUT_AT, before_special),
    rare(&kinds::CHARACTERS_LOST, without_special),
    rare(&kinds::CHANGED, with_replacements),
    rare(&kinds::CASE, in_other_case),
    rare(&kinds::USED_ENCODED, encoded),
    rare(&kinds::HASHED, hashed),
    rare(&kinds::USED_IN_UTF16, in_utf16),
    rare(&kinds::PADDED, padded),
    rare(&kinds::WRAPPED, wrapped),
    rare(&kinds::USED_IN_CONTAINER, in_container),
    rare(&kinds::FIRST_CHARACTERS, first_characters),
    rare(&kinds::LAST_CHARACTERS, last_characters),
];

fn form(bytes: impl Into<Vec<u8>>, part: impl Into<Cow<'static, str>>) -> Form {
    (bytes.into(), part.into())
}

fn with_whitespace(source: &Source<'_>) -> Vec<Form> {
    let tails = [("a newline", "\n"), ("CRLF", "\r\n"), ("a space", " "), ("a carriage return", "\r")];
    tails.into_iter().map(|(name, tail)| form([source.bytes, tail.as_bytes()].concat(), name)).collect()
}

fn without_last_character(source: &Source<'_>) -> Vec<Form> {
    source.bytes.split_last().map(|(_, shorter)| form(shorter, "")).into_iter().collect()
}

fn without_prefix(source: &Source<'_>) -> Vec<Form> {
    source.bare().map(|bare| form(bare, source.prefix)).into_iter().collect()
}

fn with_prefix(source: &Source<'_>) -> Vec<Form> {
    if source.bare().is_some() || source.prefix.is_empty() {
        return Vec::new();
    }
    vec![form([source.prefix.as_bytes(), source.bytes].concat(), source.prefix)]
}

fn in_quotes(source: &Source<'_>) -> Vec<Form> {
    ["\"", "'"].map(|quote| form([quote.as_bytes(), source.bytes, quote.as_bytes()].concat(), "")).into()
}

fn before_hash(source: &Source<'_>) -> Vec<Form> {
    let at = source.bytes.iter().position(|&byte| byte == b'#');
    at.map(|at| form(source.bytes[..at].trim_ascii_end(), "")).into_iter().collect()
}

/// Decodes the secret, with and without its prefix. What decodes to text as a whole is in `parts`.
fn decoded_bytes(source: &Source<'_>) -> Vec<Form> {
    let decode = |text: &[u8]| [("base64", decode_lenient_base64(text)), ("hex", hex::decode(text).ok())];
    let bare = source.bare().into_iter().flat_map(decode);
    let whole = decode(source.bytes).into_iter().filter(|(_, key)| !key.as_deref().is_some_and(is_printable));
    let found = bare.chain(whole).filter_map(|(encoding, key)| Some((encoding, key.filter(|key| !key.is_empty())?)));
    found.map(|(encoding, key)| form(key, encoding)).collect()
}

fn without_variables(source: &Source<'_>) -> Vec<Form> {
    let Some(text) = source.text().filter(|text| text.contains('$')) else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(expanded) = expand_to_nothing(text) {
        found.push(form(expanded.trim_end(), ""));
    }
    // make takes one letter as the name, and `$$` is a process id in a shell.
    let one_letter: String = text.split('$').enumerate().fold(String::new(), |text, (index, piece)| {
        text + if index == 0 { piece } else { piece.get(1..).unwrap_or_default() }
    });
    found.push(form(one_letter, ""));
    found
}

fn with_single_dollars(source: &Source<'_>) -> Vec<Form> {
    let doubled = source.text().filter(|text| text.contains("$$"));
    doubled.map(|text| form(text.replace("$$", "$"), "")).into_iter().collect()
}

fn with_plus_for_blanks(source: &Source<'_>) -> Vec<Form> {
    let blanks = source.text().filter(|text| text.trim().contains(' '));
    blanks.map(|text| form(text.replace(' ', "+"), "")).into_iter().collect()
}

/// Adds the padding that base64 lost where a line was split at each `=`.
fn with_padding(source: &Source<'_>) -> Vec<Form> {
    let length = source.bare().unwrap_or(source.bytes).len() % 4;
    let padding: &'static str = match length {
        2 => "==",
        3 => "=",
        _ => return Vec::new(),
    };
    vec![form([source.bytes, padding.as_bytes()].concat(), padding)]
}

/// Characters with a meaning in shells, env files, URLs or batch files.
const SPECIAL: &[(char, &str)] = &[
    ('$', "`$`"),
    ('&', "`&`"),
    (';', "`;`"),
    ('%', "`%`"),
    ('=', "`=`"),
    (',', "`,`"),
    ('!', "`!`"),
    ('^', "`^`"),
    ('\\', "backslash"),
    ('"', "`\"`"),
    ('\'', "`'`"),
    ('`', "backtick"),
    ('+', "`+`"),
    ('/', "`/`"),
    ('|', "`|`"),
    ('?', "`?`"),
    ('*', "`*`"),
    (':', "`:`"),
    (' ', "blank"),
    ('-', "`-`"),
    ('_', "`_`"),
];

fn before_special(source: &Source<'_>) -> Vec<Form> {
    let Some(text) = source.text() else { return Vec::new() };
    let cut = |(special, name): &(char, &'static str)| {
        let (before, _) = text.split_once(*special)?;
        Some(form(before, *name))
    };
    SPECIAL.iter().filter_map(cut).filter(|(key, _)| !key.is_empty()).collect()
}

fn without_special(source: &Source<'_>) -> Vec<Form> {
    let Some(text) = source.text() else { return Vec::new() };
    let present = SPECIAL.iter().filter(|(special, _)| text.contains(*special));
    let mut found: Vec<_> = present.map(|(special, name)| form(text.replace(*special, ""), *name)).collect();
    if text.contains(|character: char| !character.is_ascii_alphanumeric()) {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        found.push(form(plain, "special character"));
    }
    found
}

/// Pairs of a text and its replacement, with words for the result.
const REPLACEMENTS: &[(&str, &str, &str)] = &[
    ("+", " ", "a blank in place of each `+`"),
    ("$", "$$", "each `$` doubled"),
    ("\\", "\\\\", "each backslash doubled"),
    ("\\\\", "\\", "one backslash in place of two"),
    ("%", "%%", "each `%` doubled"),
    ("%%", "%", "one `%` in place of two"),
    ("&", "\\u0026", "`\\u0026` in place of each `&`"),
    ("/", "\\/", "a backslash before each `/`"),
    ("\"", "\\\"", "a backslash before each quote"),
    ("-", "+", "`+` in place of each `-`"),
    ("_", "/", "`/` in place of each `_`"),
    ("+", "-", "`-` in place of each `+`"),
    ("/", "_", "`_` in place of each `/`"),
    ("-", "_", "`_` in place of each `-`"),
    ("_", "-", "`-` in place of each `_`"),
];

fn with_replacements(source: &Source<'_>) -> Vec<Form> {
    let Some(text) = source.text() else { return Vec::new() };
    let present = REPLACEMENTS.iter().filter(|(from, ..)| text.contains(from));
    let mut found: Vec<_> = present.map(|(from, to, words)| form(text.replace(from, to), *words)).collect();
    found.push(form(text.replace('-', "+").replace('_', "/"), "the other alphabet of base64"));
    found.push(form(text.replace('+', "-").replace('/', "_"), "the other alphabet of base64"));
    found.push(form(path_segment(text), "percent-encoding"));
    found.push(form(byte_serialize(source.bytes).collect::<String>(), "form encoding"));
    found.push(form(encode_entities(text), "HTML entities"));
    if !text.is_ascii() {
        found.push(form(
            text.chars().filter_map(|each| u8::try_from(each).ok()).collect::<Vec<_>>(),
            "Latin-1 encoding",
        ));
        found.push(form(text.replace(|each: char| !each.is_ascii(), "?"), "`?` in place of other characters"));
        found.push(form(text.replace(|each: char| !each.is_ascii(), ""), "only its ASCII characters"));
        let twice: String = text.bytes().map(char::from).collect();
        found.push(form(twice, "UTF-8 encoding applied twice"));
    }
    found.extend(unescape(source.bytes).map(|bytes| form(bytes, "its backslash escapes undone")));
    found.push(form([source.prefix, text].concat(), "its prefix twice"));
    found.push(form(text.trim_end_matches('='), "its padding removed"));
    found.push(form([text, text].concat(), "itself appended"));
    found
}

fn in_other_case(source: &Source<'_>) -> Vec<Form> {
    let (lower, upper) = (source.bytes.to_ascii_lowercase(), source.bytes.to_ascii_uppercase());
    vec![form(lower, "lower case"), form(upper, "upper case")]
}

fn encoded(source: &Source<'_>) -> Vec<Form> {
    let mut found = Vec::new();
    for (text, words) in source.texts() {
        let mut add = |key: String, name: &str| found.push(form(key, format!("{name}{words}")));
        let line = [text, b"\n"].concat();
        add(STANDARD.encode(text), "base64");
        add(URL_SAFE_NO_PAD.encode(text), "base64url");
        add(STANDARD_NO_PAD.encode(text), "base64 without padding");
        add(URL_SAFE.encode(text), "base64url with padding");
        add(hex::encode(text), "hex");
        add(hex::encode_upper(text), "upper-case hex");
        add(format!("{}\n", STANDARD.encode(text)), "base64 with a newline at the end");
        add(STANDARD.encode(&line), "base64, with a newline after the secret");
    }
    found
}

fn hashed(source: &Source<'_>) -> Vec<Form> {
    let mut found = Vec::new();
    for (text, words) in source.texts() {
        let mut add = |hash: &[u8], name: &str| {
            found.push(form(hex::encode(hash), format!("{name} in hex{words}")));
            found.push(form(hex::encode_upper(hash), format!("{name} in upper-case hex{words}")));
            found.push(form(hash, format!("{name}{words}")));
            found.push(form(STANDARD.encode(hash), format!("{name} in base64{words}")));
        };
        add(&Sha256::digest(text), "SHA-256");
        add(&Md5::digest(text), "MD5");
        add(&Sha1::digest(text), "SHA-1");
        add(&Sha384::digest(text), "SHA-384");
        add(&Sha512::digest(text), "SHA-512");
    }
    found
}

fn in_utf16(source: &Source<'_>) -> Vec<Form> {
    let Some(text) = source.text() else { return Vec::new() };
    let little: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<_> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mark = "with a byte order mark";
    vec![
        form([b"\xff\xfe", &little[..]].concat(), mark),
        form([b"\xfe\xff", &big[..]].concat(), mark),
        form(little, "little-endian"),
        form(big, "big-endian"),
    ]
}

/// Lengths of columns and buffers.
const LENGTHS: [usize; 14] = [16, 20, 24, 32, 36, 40, 48, 50, 60, 64, 80, 100, 128, 255];

/// Pads or repeats the secret to a usual length. Zero bytes change no HMAC of a short key.
fn padded(source: &Source<'_>) -> Vec<Form> {
    let mut found = Vec::new();
    for length in LENGTHS.into_iter().filter(|&length| length > source.bytes.len() && !source.bytes.is_empty()) {
        let missing = length - source.bytes.len();
        let pads: &[(u8, &str)] = if matches!(length, 32 | 64) {
            &[(b' ', "blanks"), (b'0', "zeros"), (b'=', "`=`"), (b'#', "`#`")]
        } else {
            &[(b' ', "blanks")]
        };
        let pad = |(byte, name): &(u8, &str)| {
            form([source.bytes, &vec![*byte; missing]].concat(), format!("{name} up to {length} bytes"))
        };
        found.extend(pads.iter().map(pad));
    }
    found
}

/// What code and files write around a secret, with the words for both.
const WRAPPINGS: &[(&str, &str, &str)] = &[
    ("\n", "", "a newline at the start"),
    (" ", "", "a blank at the start"),
    (" ", " ", "blanks around it"),
    ("", "\n\n", "two newlines at the end"),
    ("", "\t", "a tab at the end"),
    ("", " \n", "a blank and a newline at the end"),
    ("\u{feff}", "", "a byte order mark at the start"),
    ("\u{feff}", "\n", "a byte order mark at the start and a newline at the end"),
    ("\"", "", "a quote at the start"),
    ("", "\"", "a quote at the end"),
    ("'", "", "a quote at the start"),
    ("", "'", "a quote at the end"),
    ("\"", "\"\n", "quotes around it and a newline at the end"),
    ("'", "'\n", "quotes around it and a newline at the end"),
    ("\\\"", "\\\"", "escaped quotes around it"),
    ("`", "`", "backticks around it"),
    ("\"", "\",", "quotes around it and a comma at the end"),
    ("'", "',", "quotes around it and a comma at the end"),
    ("\"", "\";", "quotes around it and a semicolon at the end"),
    ("'", "';", "quotes around it and a semicolon at the end"),
    ("", ";", "a semicolon at the end"),
    ("", ",", "a comma at the end"),
    ("", ".", "a full stop at the end"),
    ("", ":", "a colon at the end"),
    ("", "\\n", "`\\n` at the end"),
    ("", "\\", "a backslash at the end"),
    ("", "%", "a `%` at the end"),
    ("", "=", "a `=` at the end"),
    ("", "==", "`==` at the end"),
    ("[", "]", "brackets around it"),
    ("[\"", "\"]", "brackets and quotes around it"),
    ("['", "']", "brackets and quotes around it"),
    ("(", ")", "parentheses around it"),
    ("('", "',)", "a Python tuple around it"),
    ("<", ">", "angle brackets around it"),
    ("{", "}", "braces around it"),
    ("b'", "'", "Python's b'…' around it"),
    ("b\"", "\"", "Python's b\"…\" around it"),
    ("u'", "'", "Python's u'…' around it"),
    ("Optional(\"", "\")", "Swift's Optional(\"…\") around it"),
    ("Optional[", "]", "Java's Optional[…] around it"),
    ("Some(\"", "\")", "Some(\"…\") around it"),
    ("Some(", ")", "Some(…) around it"),
    ("Secret(", ")", "Secret(…) around it"),
    ("Bearer ", "", "`Bearer` before it"),
    ("base64:", "", "`base64:` before it"),
    ("secret=", "", "`secret=` before it"),
    ("secret: ", "", "`secret:` before it"),
    ("$", "", "a `$` before it"),
];

fn wrapped(source: &Source<'_>) -> Vec<Form> {
    let wrap = |(before, after, words): &(&str, &str, &'static str)| {
        form([before.as_bytes(), source.bytes, after.as_bytes()].concat(), *words)
    };
    let mut found: Vec<_> = WRAPPINGS.iter().map(wrap).collect();
    if let Some(bare) = source.bare() {
        let tails =
            [("\n", "a newline at the end, without its prefix"), (" ", "a blank at the end, without its prefix")];
        found.extend(tails.map(|(tail, words)| form([bare, tail.as_bytes()].concat(), words)));
    }
    found
}

/// Lists keys for which code took a whole line, object or printed value.
fn in_container(source: &Source<'_>) -> Vec<Form> {
    let (Some(text), variable) = (source.text(), source.variable) else { return Vec::new() };
    let bytes = || text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>();
    let line = "a whole line of an env file";
    let object = "a whole JSON object";
    vec![
        form(format!("{variable}={text}"), line),
        form(format!("{variable}={text}\n"), line),
        form(format!("{variable}=\"{text}\""), line),
        form(format!("{variable}='{text}'"), line),
        form(format!("export {variable}={text}"), line),
        form(format!("{variable}: {text}"), "a whole line of YAML"),
        form(format!("{{\"{variable}\":\"{text}\"}}"), object),
        form(format!("{{\"{variable}\": \"{text}\"}}"), object),
        form(format!("{{\"secret\":\"{text}\"}}"), object),
        form(format!("{{\"secret\": \"{text}\"}}"), object),
        form(format!("{{'secret': '{text}'}}"), "a whole Python dictionary"),
        form(format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", bytes().join(",")), "JSON.stringify of a Buffer"),
        form(format!("[{}]", bytes().join(" ")), "Go's %v of a byte slice"),
        form(format!("[{}]", bytes().join(", ")), "a printed list of byte values"),
        form(bytes().join(","), "the comma-separated byte values of a Uint8Array"),
    ]
}

/// The shortest truncated key that is tried.
const SHORTEST: usize = 8;
/// The longest truncated key that is tried for every length.
const LONGEST: usize = 72;

fn first_characters(source: &Source<'_>) -> Vec<Form> {
    let limits = (SHORTEST..=LONGEST).chain([96, 100, 120, 127, 128, 250, 255, 256]);
    let cut = |length: usize| Some(form(source.bytes.get(..length)?, length.to_string()));
    limits.filter(|&length| length + 1 < source.bytes.len()).filter_map(cut).collect()
}

fn last_characters(source: &Source<'_>) -> Vec<Form> {
    let cut = |count: usize| {
        let rest = source.bytes.get(count..).filter(|rest| rest.len() >= SHORTEST)?;
        Some(form(rest, if count == 1 { "character".to_owned() } else { format!("{count} characters") }))
    };
    let kept = [16, 20, 24, 32, 40, 48, 64].into_iter().filter_map(|kept| source.bytes.len().checked_sub(kept));
    (1..=8).chain(kept.filter(|&count| count > 8)).filter_map(cut).collect()
}
