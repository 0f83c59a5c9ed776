//! What may have been the key, and what may have stood before the body, each with the cause that would explain it.
//!
//! The first candidate of each list is what should have been used, and needs no cause. Bodies are in `body`.

use super::{Cause, Known};
use crate::model::secret::Secret;
use crate::model::timestamp::{self, Timestamp, UnixTime};
use crate::provider::{self, Provider};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

/// Bytes that may have been used, and why they would have been. `None`: they should have been used.
pub(super) struct Candidate<'a> {
    pub bytes: Cow<'a, [u8]>,
    pub cause: Option<Cause>,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(bytes: impl Into<Cow<'a, [u8]>>, cause: Cause) -> Self {
        Self { bytes: bytes.into(), cause: Some(cause) }
    }

    pub(super) fn right(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { bytes: bytes.into(), cause: None }
    }
}

/// Every key that may have been used: the provider's own secrets, then what becomes of them by accident, then the secrets of
/// others and the API keys, then what an unset variable turns into.
pub(super) fn keys<'k>(provider: &dyn Provider, known: &'k Known<'_>) -> Vec<Candidate<'k>> {
    let secrets = || known.keys.iter().map(|key| &key.secret);
    let own = || secrets().filter(|secret| secret.provider == provider.name());
    let mut keys: Vec<_> = own().map(|secret| Candidate::right(secret.expose())).collect();
    keys.extend(own().flat_map(|secret| accidents(secret, provider.secret_prefix())));
    for secret in secrets().filter(|secret| secret.provider != provider.name()) {
        let name = format!("{} ({})", secret.origin, secret.provider);
        keys.push(Candidate::new(secret.expose(), Cause::SecretOfOtherProvider { name }));
    }
    for (name, key) in known.api_keys {
        keys.push(Candidate::new(key.as_bytes(), Cause::ApiKeyAsSecret { name: name.clone() }));
    }
    let unset = [("an empty text", ""), ("`undefined`", "undefined"), ("`null`", "null"), ("`None`", "None")];
    keys.extend(unset.map(|(used, key)| Candidate::new(key.as_bytes(), Cause::SecretUnset { used })));
    keys
}

/// What becomes of a secret on its way through env files, shells and code.
fn accidents<'k>(secret: &'k Secret, prefix: &'static str) -> Vec<Candidate<'k>> {
    let bytes = secret.expose();
    let name = || secret.origin.to_string();
    let mut found = Vec::new();
    let trimmed = bytes.trim_ascii();
    if trimmed.len() < bytes.len() {
        found.push(Candidate::new(trimmed, Cause::SecretWhitespaceAdded { name: name() }));
    }
    let unquoted = b"\"'`".iter().find_map(|quote| trimmed.strip_prefix(&[*quote])?.strip_suffix(&[*quote]));
    if let Some(unquoted) = unquoted {
        found.push(Candidate::new(unquoted, Cause::SecretQuoted { name: name() }));
    }
    for (tail, bytes_of_it) in [("a newline", "\n"), ("CRLF", "\r\n"), ("a blank", " "), ("a carriage return", "\r")] {
        let longer = [bytes, bytes_of_it.as_bytes()].concat();
        found.push(Candidate::new(longer, Cause::SecretWhitespaceLost { name: name(), tail }));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == b'=') {
        let value = bytes[at + 1..].trim_ascii();
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        found.push(Candidate::new(bare, Cause::SecretLine { name: name() }));
    }
    if let Some((_, shorter)) = bytes.split_last() {
        found.push(Candidate::new(shorter, Cause::SecretCutShort { name: name() }));
    }
    if !prefix.is_empty() {
        match bytes.strip_prefix(prefix.as_bytes()) {
            Some(rest) => found.push(Candidate::new(rest, Cause::SecretPrefixDropped { name: name(), prefix })),
            None => {
                let longer = [prefix.as_bytes(), bytes].concat();
                found.push(Candidate::new(longer, Cause::SecretPrefixLost { name: name(), prefix }));
            }
        }
    }
    for quote in ["\"", "'"] {
        let longer = [quote.as_bytes(), bytes, quote.as_bytes()].concat();
        found.push(Candidate::new(longer, Cause::SecretUsedWithQuotes { name: name() }));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == b'#') {
        found.push(Candidate::new(bytes[..at].trim_ascii_end(), Cause::SecretCutAtHash { name: name() }));
    }
    found.extend(
        decoded(bytes, prefix)
            .map(|(encoding, key)| Candidate::new(key, Cause::SecretDecoded { name: name(), encoding })),
    );
    found
}

/// The secret, with and without its prefix, taken for base64 or hex.
fn decoded<'k>(secret: &'k [u8], prefix: &str) -> impl Iterator<Item = (&'static str, Vec<u8>)> + use<'k> {
    let bare = secret.strip_prefix(prefix.as_bytes()).unwrap_or(secret);
    let texts = if bare.len() == secret.len() { vec![secret] } else { vec![bare, secret] };
    texts.into_iter().flat_map(|text| {
        let base64 = base64_leniently(text);
        let found = [("base64", base64), ("hex", hex::decode(text).ok())];
        found.into_iter().filter_map(|(encoding, key)| Some((encoding, key.filter(|key| !key.is_empty())?)))
    })
}

/// Base64 as Node and PHP read it: of either alphabet, padded or not, whatever the last bits.
fn base64_leniently(text: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let plain: Vec<_> = text
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(plain).ok()
}

/// What may have been signed before the body. `timestamp` is the timestamp header's text, of this provider or, failing that, of
/// another.
pub(super) fn prefixes(
    provider: &dyn Provider,
    timestamp: Option<&str>,
    arrived: Option<Timestamp>,
) -> Vec<Candidate<'static>> {
    let mut found = Vec::new();
    let signs_time = provider.timestamp_header().is_some();
    match timestamp {
        Some(text) => found.push(Candidate::right(provider.signed_prefix(text).into_bytes())),
        None if !signs_time => found.push(Candidate::right(Vec::new())),
        None => {}
    }
    if signs_time {
        found.push(Candidate::new(Vec::new(), Cause::TimestampNotSigned));
    }
    if let Some(text) = timestamp {
        found.extend(other_rules(provider, text));
        if signs_time {
            found.extend(other_spellings(provider, text));
        }
    } else if signs_time {
        found.extend(arrived.into_iter().flat_map(|arrived| nearby(provider, arrived)));
    }
    found
}

/// What other providers sign before the body at this time.
fn other_rules(own: &dyn Provider, timestamp: &str) -> Vec<Candidate<'static>> {
    let others = provider::ALL.iter().filter(|other| other.name() != own.name() && other.timestamp_header().is_some());
    others
        .map(|other| {
            let prefix = other.signed_prefix(timestamp).into_bytes();
            Candidate::new(prefix, Cause::OtherProviderRule { provider: other.title() })
        })
        .collect()
}

/// The same moment in the other unit, and other marks between it and the body.
fn other_spellings(provider: &dyn Provider, text: &str) -> Vec<Candidate<'static>> {
    let mut found = Vec::new();
    match timestamp::parse_unix(text) {
        Some(UnixTime::Seconds(time)) => {
            let millis = provider.signed_prefix(&time.as_millisecond().to_string()).into_bytes();
            found.push(Candidate::new(millis, Cause::TimestampSignedInMilliseconds));
        }
        Some(UnixTime::Milliseconds(time)) => {
            let seconds = provider.signed_prefix(&time.as_second().to_string()).into_bytes();
            found.push(Candidate::new(seconds, Cause::TimestampSignedInSeconds));
        }
        None => {}
    }
    let marks = [
        ("nothing", ""),
        ("a colon", ":"),
        ("a line break", "\n"),
        ("a comma", ","),
        ("a hyphen", "-"),
        ("a blank", " "),
    ];
    for (separator, mark) in marks {
        found.push(Candidate::new(format!("{text}{mark}").into_bytes(), Cause::TimestampSeparator { separator }));
    }
    found
}

/// Half a minute before and after the arrival: for a timestamp that was lost.
pub(super) fn nearby(provider: &dyn Provider, arrived: Timestamp) -> Vec<Candidate<'static>> {
    let seconds = (0..=30).flat_map(|step| [arrived.as_second() - step, arrived.as_second() + step]);
    seconds
        .skip(1)
        .map(|second| {
            let signed = second.to_string();
            Candidate::new(provider.signed_prefix(&signed).into_bytes(), Cause::TimestampOther { signed })
        })
        .collect()
}
