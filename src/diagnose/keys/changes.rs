//! Forms of a secret that code, shells and encodings make by changing its characters.
//!
//! The table in `forms` gives them their words.

use super::forms::{Form, Source, form};
use super::text::{encode_entities, unescape};
use crate::provider::path_segment;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use url::form_urlencoded::byte_serialize;

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

pub(super) fn before_special(source: &Source<'_>) -> Vec<Form> {
    let Some(text) = source.text() else { return Vec::new() };
    let cut = |(special, name): &(char, &'static str)| {
        let (before, _) = text.split_once(*special)?;
        Some(form(before, *name))
    };
    SPECIAL.iter().filter_map(cut).filter(|(key, _)| !key.is_empty()).collect()
}

pub(super) fn without_special(source: &Source<'_>) -> Vec<Form> {
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

pub(super) fn with_replacements(source: &Source<'_>) -> Vec<Form> {
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

pub(super) fn in_other_case(source: &Source<'_>) -> Vec<Form> {
    let (lower, upper) = (source.bytes.to_ascii_lowercase(), source.bytes.to_ascii_uppercase());
    vec![form(lower, "lower case"), form(upper, "upper case")]
}

pub(super) fn encoded(source: &Source<'_>) -> Vec<Form> {
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

pub(super) fn hashed(source: &Source<'_>) -> Vec<Form> {
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

pub(super) fn in_utf16(source: &Source<'_>) -> Vec<Form> {
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
