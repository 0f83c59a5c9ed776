//! Candidates for the key and for what was signed before the body, each with its cause.
//!
//! The first candidates of each list are what should have been used. Bodies are in `body`.

use super::cause::{Cause, CauseKind};
use super::kinds::{secret, timestamp as time};
use crate::model::secret::Secret;
use crate::model::signature::Key;
use crate::model::timestamp::{self, Timestamp, UnixTime};
use crate::provider::{self, Provider};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

/// The secrets and API keys with which a signature may have been made.
pub struct Credentials<'a> {
    /// The signing secrets of all providers.
    pub keys: &'a [Key],
    /// API keys under the names of their variables; people confuse them with signing secrets.
    pub api_keys: &'a [(String, String)],
}

/// Bytes that may have been used in signing.
pub(super) struct Candidate<'a> {
    pub bytes: Cow<'a, [u8]>,
    /// Empty: these bytes should have been used. Several are one change: a chain of faults.
    pub causes: Vec<Cause>,
    /// Tried after all others, and combined with other changes only if the allowance is left.
    pub is_rare: bool,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(bytes: impl Into<Cow<'a, [u8]>>, cause: Cause) -> Self {
        Self { bytes: bytes.into(), causes: vec![cause], is_rare: false }
    }

    pub(super) fn correct(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { bytes: bytes.into(), causes: Vec::new(), is_rare: false }
    }
}

/// Lists the keys that may have been used: the provider's own secrets, damaged copies of them, the
/// secrets of other providers, API keys, and what an unset variable turns into.
pub(super) fn keys<'k>(provider: &dyn Provider, credentials: &'k Credentials<'_>) -> Vec<Candidate<'k>> {
    let secrets = || credentials.keys.iter().map(|key| &key.secret);
    let own = || secrets().filter(|secret| secret.provider == provider.name());
    let mut keys: Vec<_> = own().map(|secret| Candidate::correct(secret.expose())).collect();
    keys.extend(own().flat_map(|secret| damaged_copies(secret, provider.secret_prefix())));
    for secret in secrets().filter(|secret| secret.provider != provider.name()) {
        let name = format!("{} ({})", secret.origin, secret.provider);
        keys.push(Candidate::new(secret.expose(), Cause::new(&secret::OF_OTHER_PROVIDER).with("name", name)));
    }
    for (name, key) in credentials.api_keys {
        keys.push(Candidate::new(key.as_bytes(), Cause::new(&secret::API_KEY).with("name", name.clone())));
    }
    let unset = [("an empty string", ""), ("`undefined`", "undefined"), ("`null`", "null"), ("`None`", "None")];
    keys.extend(unset.map(|(used, key)| Candidate::new(key.as_bytes(), Cause::new(&secret::UNSET).with("used", used))));
    keys
}

/// Lists what env files, shells and code make of a secret.
fn damaged_copies<'k>(copy: &'k Secret, prefix: &'static str) -> Vec<Candidate<'k>> {
    let bytes = copy.expose();
    let name = copy.origin.to_string();
    let cause = |kind: &'static CauseKind| Cause::new(kind).with("name", name.clone());
    let mut found = Vec::new();
    let trimmed = bytes.trim_ascii();
    if trimmed.len() < bytes.len() {
        found.push(Candidate::new(trimmed, cause(&secret::WHITESPACE_ADDED)));
    }
    let unquoted = b"\"'`".iter().find_map(|quote| trimmed.strip_prefix(&[*quote])?.strip_suffix(&[*quote]));
    if let Some(unquoted) = unquoted {
        found.push(Candidate::new(unquoted, cause(&secret::QUOTED)));
    }
    for (tail, text) in [("a newline", "\n"), ("CRLF", "\r\n"), ("a space", " "), ("a carriage return", "\r")] {
        let longer = [bytes, text.as_bytes()].concat();
        found.push(Candidate::new(longer, cause(&secret::WHITESPACE_LOST).with("tail", tail)));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == b'=') {
        let value = bytes[at + 1..].trim_ascii();
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        found.push(Candidate::new(bare, cause(&secret::LINE)));
    }
    if let Some((_, shorter)) = bytes.split_last() {
        found.push(Candidate::new(shorter, cause(&secret::CUT_SHORT)));
    }
    if !prefix.is_empty() {
        match bytes.strip_prefix(prefix.as_bytes()) {
            Some(rest) => found.push(Candidate::new(rest, cause(&secret::PREFIX_DROPPED).with("prefix", prefix))),
            None => {
                let longer = [prefix.as_bytes(), bytes].concat();
                found.push(Candidate::new(longer, cause(&secret::PREFIX_LOST).with("prefix", prefix)));
            }
        }
    }
    for quote in ["\"", "'"] {
        let longer = [quote.as_bytes(), bytes, quote.as_bytes()].concat();
        found.push(Candidate::new(longer, cause(&secret::USED_WITH_QUOTES)));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == b'#') {
        found.push(Candidate::new(bytes[..at].trim_ascii_end(), cause(&secret::CUT_AT_HASH)));
    }
    found.extend(
        decoded(bytes, prefix)
            .map(|(encoding, key)| Candidate::new(key, cause(&secret::DECODED).with("encoding", encoding))),
    );
    found
}

/// Decodes the secret, with and without its prefix, from base64 and from hex.
fn decoded<'k>(secret: &'k [u8], prefix: &str) -> impl Iterator<Item = (&'static str, Vec<u8>)> + use<'k> {
    let bare = secret.strip_prefix(prefix.as_bytes()).unwrap_or(secret);
    let texts = if bare.len() == secret.len() { vec![secret] } else { vec![bare, secret] };
    texts.into_iter().flat_map(|text| {
        let base64 = decode_lenient_base64(text);
        let found = [("base64", base64), ("hex", hex::decode(text).ok())];
        found.into_iter().filter_map(|(encoding, key)| Some((encoding, key.filter(|key| !key.is_empty())?)))
    })
}

/// Decodes base64 as Node and PHP do: either alphabet, padded or not, any trailing bits.
fn decode_lenient_base64(text: &[u8]) -> Option<Vec<u8>> {
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

/// Lists what may have been signed before the body.
///
/// `timestamp` is the text of this provider's timestamp header or, without one, of another's.
pub(super) fn prefixes(
    provider: &dyn Provider,
    timestamp: Option<&str>,
    arrived: Option<Timestamp>,
) -> Vec<Candidate<'static>> {
    let mut found = Vec::new();
    let signs_time = provider.timestamp_header().is_some();
    match timestamp {
        Some(text) => found.push(Candidate::correct(provider.signed_prefix(text).into_bytes())),
        None if !signs_time => found.push(Candidate::correct(Vec::new())),
        None => {}
    }
    if signs_time {
        found.push(Candidate::new(Vec::new(), Cause::new(&time::NOT_SIGNED)));
    }
    if let Some(text) = timestamp {
        found.extend(other_rules(provider, text));
        if signs_time {
            found.extend(other_notations(provider, text));
        }
    } else if signs_time {
        found.extend(arrived.into_iter().flat_map(|arrived| nearby_timestamps(provider, arrived)));
    }
    found
}

/// Lists what other providers sign before the body at this time.
fn other_rules(own: &dyn Provider, timestamp: &str) -> Vec<Candidate<'static>> {
    let others = provider::ALL.iter().filter(|other| other.name() != own.name() && other.timestamp_header().is_some());
    others
        .map(|other| {
            let prefix = other.signed_prefix(timestamp).into_bytes();
            Candidate::new(prefix, Cause::new(&time::OTHER_PROVIDER_RULE).with("provider", other.title()))
        })
        .collect()
}

/// Lists the same time in the other unit, and with other separators after it.
fn other_notations(provider: &dyn Provider, text: &str) -> Vec<Candidate<'static>> {
    let mut found = Vec::new();
    match timestamp::parse_unix(text) {
        Some(UnixTime::Seconds(time)) => {
            let millis = provider.signed_prefix(&time.as_millisecond().to_string()).into_bytes();
            found.push(Candidate::new(millis, Cause::new(&time::SIGNED_IN_MILLISECONDS)));
        }
        Some(UnixTime::Milliseconds(time)) => {
            let seconds = provider.signed_prefix(&time.as_second().to_string()).into_bytes();
            found.push(Candidate::new(seconds, Cause::new(&time::SIGNED_IN_SECONDS)));
        }
        None => {}
    }
    let separators =
        [("nothing", ""), ("a colon", ":"), ("a newline", "\n"), ("a comma", ","), ("a hyphen", "-"), ("a space", " ")];
    for (separator, separator_text) in separators {
        found.push(Candidate::new(
            format!("{text}{separator_text}").into_bytes(),
            Cause::new(&time::SEPARATOR).with("separator", separator),
        ));
    }
    found
}

/// Lists the timestamps from 30 s before to 30 s after the arrival, for a timestamp that was lost.
pub(super) fn nearby_timestamps(provider: &dyn Provider, arrived: Timestamp) -> Vec<Candidate<'static>> {
    let seconds = (0..=30).flat_map(|step| [arrived.as_second() - step, arrived.as_second() + step]);
    seconds
        .skip(1)
        .map(|second| {
            let signed = second.to_string();
            Candidate::new(
                provider.signed_prefix(&signed).into_bytes(),
                Cause::new(&time::OTHER).with("signed", signed),
            )
        })
        .collect()
}
