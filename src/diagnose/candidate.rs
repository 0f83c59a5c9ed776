//! Candidates, each with its cause, and those for what was signed before the body.
//!
//! The first candidates of each list are what should have been used. Keys are in `keys`, bodies in
//! `body`.

use super::cause::Cause;
use super::kinds::timestamp as time;
use crate::model::signature::Key;
use crate::model::timestamp::{self, Timestamp, UnixTime};
use crate::provider::{self, Provider};
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
