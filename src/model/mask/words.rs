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
    let lower = text.to_ascii_lowercase();
    SECRET_PREFIXES.iter().any(|prefix| find_prefix(text, &lower, prefix).is_some())
}

/// Finds a prefix in a text, in any case: some systems change the case of texts. A prefix in upper
/// case is a word of its own.
fn find_prefix(text: &str, lower: &str, prefix: &str) -> Option<usize> {
    if prefix.starts_with(|letter: char| letter.is_ascii_uppercase()) { text.find(prefix) } else { lower.find(prefix) }
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
    let lower = word.to_ascii_lowercase();
    let find = |prefix: &&'static str| Some((find_prefix(word, &lower, prefix)?, prefix.len()));
    let (start, prefix) = SECRET_PREFIXES.iter().filter_map(find).min()?;
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
