//! Recognizes secrets without a name: keys by their prefix, JSON web tokens, credentials of a
//! header, users and passwords in URLs, e-mail addresses.

use super::Audience;
use super::scan::Prose;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

/// Prefixes of API keys and signing secrets: those of the providers, then those of services that
/// developers have around.
const SECRET_PREFIXES: &[&str] = &[
    "sk_live_",
    "sk_test_",
    "pk_live_",
    "pk_test_",
    "rk_live_",
    "rk_test_",
    "whsec_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
];
/// Schemes of the header `Authorization`.
const SCHEMES: &[&str] = &["bearer", "basic"];
const MIN_CREDENTIAL: usize = 6;
/// Letters after a prefix that may be a placeholder.
const MAX_PLACEHOLDER: usize = 16;
/// Bounds on a word that may be base64 of something sensitive.
const ENCODED: std::ops::RangeInclusive<usize> = 16..=65_536;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Checks whether the text contains an API key or a signing secret, recognized by its prefix.
pub fn contains_secret(text: &str) -> bool {
    find_prefix(text).is_some()
}

/// First letters of prefixes, in both cases.
const STARTS_PREFIX: [bool; 256] = {
    let (mut table, mut index) = ([false; 256], 0);
    while index < SECRET_PREFIXES.len() {
        let first = SECRET_PREFIXES[index].as_bytes()[0];
        table[first.to_ascii_lowercase() as usize] = true;
        table[first.to_ascii_uppercase() as usize] = true;
        index += 1;
    }
    table
};

/// Returns the place and length of the first prefix in a text, in any case: some systems change the
/// case of texts. A prefix in upper case is a word of its own.
fn find_prefix(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut starts = (0..bytes.len()).filter(|start| STARTS_PREFIX[usize::from(bytes[*start])]);
    starts.find_map(|start| {
        let found = SECRET_PREFIXES.iter().filter(|prefix| begins(&bytes[start..], prefix));
        found.map(|prefix| prefix.len()).min().map(|length| (start, length))
    })
}

fn begins(bytes: &[u8], prefix: &str) -> bool {
    let Some(start) = bytes.get(..prefix.len()) else { return false };
    let is_upper = prefix.starts_with(|letter: char| letter.is_ascii_uppercase());
    if is_upper { start == prefix.as_bytes() } else { start.eq_ignore_ascii_case(prefix.as_bytes()) }
}

/// Finds words that are secrets. `depth` limits base64 inside base64.
pub(super) fn ranges(text: &str, audience: Audience, prose: Prose, depth: usize) -> Vec<Range<usize>> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '+' | '/' | '~');
    let (mut found, mut at, mut after_scheme) = (Vec::new(), 0, false);
    while let Some(gap) = text[at..].find(is_part) {
        let start = at + gap;
        let end = text[start..].find(|letter| !is_part(letter)).map_or(text.len(), |length| start + length);
        // The padding of base64.
        let end = end + text[end..].len() - text[end..].trim_start_matches('=').len();
        let word = &text[start..end];
        at = end;
        let follows_blank = text[..start].ends_with(' ');
        if let Some(range) = prefixed(word, prose) {
            found.push(start + range.start..start + range.end);
        } else {
            let is_credential = after_scheme && follows_blank && word.len() >= MIN_CREDENTIAL;
            let is_encoded = || depth > 0 && ENCODED.contains(&word.len()) && encodes_secret(word, audience, depth);
            found.extend((is_credential || is_web_token(word) || is_encoded()).then_some(start..end));
        }
        after_scheme = SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
    }
    found
}

/// Returns the part of the word that starts with a secret's prefix.
fn prefixed(word: &str, prose: Prose) -> Option<Range<usize>> {
    let (start, prefix) = find_prefix(word)?;
    let rest = &word[start..];
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+' | '/' | '=');
    let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
    let is_key = !rest.starts_with("AKIA") || (start == 0 && length == 20);
    // A sentence explains the prefix, and quotes placeholders such as `whsec_your_secret`.
    let is_placeholder = prose == Prose::Kept
        && length <= prefix + MAX_PLACEHOLDER
        && rest[prefix..length].chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    (is_key && length > prefix && !is_placeholder).then_some(start..start + length)
}

/// Checks for a JSON web token, whose parts are base64 of JSON.
fn is_web_token(word: &str) -> bool {
    word.starts_with("eyJ") && word.len() >= 20 && word.matches('.').count() >= 1
}

/// Checks whether a word is base64 of a text with something sensitive.
fn encodes_secret(word: &str, audience: Audience, depth: usize) -> bool {
    let word = word.trim_end_matches('.');
    let decoded = STANDARD.decode(word).or_else(|_| URL_SAFE.decode(word));
    let text = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.is_some_and(|text| {
        let is_readable = !text.chars().any(|letter| letter.is_control() && !letter.is_whitespace());
        is_readable && !super::scan::ranges_at(&text, audience, Prose::Masked, depth - 1).is_empty()
    })
}

/// Finds the user and password of URLs: `http://user:password@host`.
pub(super) fn url_credentials(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(gap) = text[at..].find("//") {
        let start = at + gap + 2;
        let is_end = |letter: char| {
            letter.is_whitespace() || matches!(letter, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '`' | '\\')
        };
        let end = text[start..].find(is_end).map_or(text.len(), |length| start + length);
        let user = text[start..end].rfind('@').filter(|length| *length > 0);
        found.extend(user.map(|length| start..start + length));
        at = start;
    }
    found
}

/// Finds e-mail addresses: `name@domain.tld`, also with `%40`.
pub(super) fn mail_addresses(text: &str) -> Vec<Range<usize>> {
    let is_local = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '%' | '+' | '-');
    let is_domain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-');
    let mut found = Vec::new();
    for sign in ["@", "%40"] {
        for (at, _) in text.match_indices(sign) {
            let before = text[..at].trim_end_matches(is_local).len();
            let domain = at + sign.len();
            let length = text[domain..].find(|letter| !is_domain(letter)).unwrap_or(text.len() - domain);
            let host = text[domain..domain + length].trim_end_matches('.');
            if before < at && host.trim_matches('.').contains('.') {
                found.push(before..domain + host.len());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_prefix_is_the_first_that_a_search_for_each_finds(
            parts in prop::collection::vec(prop::sample::select(
                &["sk_live_", "SK_LIVE_", "whsec_", "WhSec_", "AKIA", "akia", "gh", "p_", "github_pat_", "sk_", "x", "é", "-", "xoxb-"][..]
            ), 0..8),
        ) {
            let text = parts.concat();
            let lower = text.to_ascii_lowercase();
            let found = SECRET_PREFIXES.iter().filter_map(|prefix| {
                let place = if *prefix == "AKIA" { text.find(prefix) } else { lower.find(prefix) };
                place.map(|place| (place, prefix.len()))
            });
            prop_assert_eq!(find_prefix(&text), found.min());
        }
    }
}
