//! What code, shells and env files make of a secret before they sign with it.
//!
//! Each row changes a secret in one way. The rows that are not rare are combined with other
//! mistakes; the rare ones are tried alone first.

use super::changes::{before_special, encoded, hashed, in_other_case, in_utf16, with_replacements, without_special};
use super::cleaning::{decode_base64_without_others, decode_lenient_base64};
use super::text::{expand_to_nothing, is_printable};
use super::wrappings::{in_container, padded, wrapped};
use crate::diagnose::cause::CauseKind;
use crate::diagnose::kinds::key as kinds;
use std::borrow::Cow;

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
    pub(super) fn bare(&self) -> Option<&[u8]> {
        self.bytes.strip_prefix(self.prefix.as_bytes()).filter(|_| !self.prefix.is_empty())
    }

    /// Returns the secret, and the secret without its prefix with words that say so.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&[u8], &'static str)> {
        let bare = self.bare().map(|bare| (bare, ", without its prefix"));
        [(self.bytes, "")].into_iter().chain(bare)
    }

    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes).ok()
    }
}

/// A key, and the text that stands for `{part}` in the words of its cause.
pub(super) type Form = (Vec<u8>, Cow<'static, str>);

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

pub(super) fn form(bytes: impl Into<Vec<u8>>, part: impl Into<Cow<'static, str>>) -> Form {
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
    let decode = |text: &[u8]| {
        [
            ("base64", decode_lenient_base64(text)),
            ("base64", decode_base64_without_others(text)),
            ("hex", hex::decode(text).ok()),
        ]
    };
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
