//! Compares a request with the good copy of it: what was changed between the two places.
//!
//! Both bodies are known here, so the kind of change is read from the bytes, without a search.

use super::body::BodyVariants;
use super::budget::HashAllowance;
use super::cause::Cause;
use super::diff;
use super::header_signatures::{self, HeaderSignature, find_timestamp};
use super::kinds::body as kinds;
use super::one_byte::byte_cause;
use crate::json::{Document, SERIALIZERS};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::{Headers, Request};
use crate::model::signature::Key;
use crate::model::stored::StoredDelivery;
use crate::provider;
use sha2::{Digest as _, Sha256};

/// The differences of a request from the good copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyDiff {
    /// `None`: the bodies are the same.
    pub body: Option<Cause>,
    /// The offset of the first byte that differs.
    pub first_difference: Option<usize>,
    /// Differences of signature and timestamp come first.
    pub headers: Vec<HeaderDiff>,
}

/// A header that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderDiff {
    /// The name in the good copy or, if the header was added, in the request.
    pub name: String,
    pub change: HeaderChangeKind,
    /// A provider's signature is checked with this header.
    pub is_checked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderChangeKind {
    Dropped,
    Renamed { to: String },
    Changed,
    Added,
}

impl HeaderChangeKind {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Renamed { .. } => "renamed",
            Self::Changed => "changed",
            Self::Added => "added",
        }
    }

    /// Describes the change in words that follow the header's name.
    pub fn description(&self) -> String {
        match self {
            Self::Dropped => "was dropped".to_owned(),
            Self::Renamed { to } => format!("was renamed to {to}"),
            Self::Changed => "has another value".to_owned(),
            Self::Added => "was added".to_owned(),
        }
    }
}

/// Returns a body's SHA-256 as hex, to be compared with what a handler logs.
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// Returns true if the signature of `here` was made for the body of `good` and not for its own: a
/// known key gives it over that body, or it is the signature with which `good` was verified.
pub fn signature_matches_copy(here: &AnalyzedDelivery, good: &StoredDelivery, keys: &[Key]) -> bool {
    let request = &here.delivery.request;
    let Some(provider) = here.provider.and_then(provider::by_name) else { return false };
    if request.body == good.request.body {
        return false;
    }
    let signatures = header_signatures::find(&request.headers, provider);
    let has_mac = |other: &HeaderSignature| signatures.iter().any(|signature| signature.mac == other.mac);
    if good.summary.verdict.is_verified()
        && header_signatures::find(&good.request.headers, provider).iter().any(has_mac)
    {
        return true;
    }
    let prefix = provider.signed_prefix(find_timestamp(&request.headers, provider).unwrap_or_default());
    let mut keys = keys.iter().filter(|key| key.secret.provider == provider.name());
    !signatures.is_empty()
        && keys.any(|key| {
            let mac = key.sign(prefix.as_bytes(), &good.request.body);
            signatures.iter().any(|signature| signature.mac == mac)
        })
}

/// Compares a request with its good copy.
pub fn compare(good: &Request, here: &Request) -> CopyDiff {
    CopyDiff {
        body: body_change(&good.body, &here.body),
        first_difference: diff::first_difference(&good.body, &here.body),
        headers: header_changes(&good.headers, &here.headers),
    }
}

/// Classifies the change that made `here` of `good`.
fn body_change(good: &[u8], here: &[u8]) -> Option<Cause> {
    if good == here {
        return None;
    }
    if here.is_empty() {
        return Some(Cause::new(&kinds::EMPTY_HERE));
    }
    let variant = variant_change(here, good);
    if let Some(cause) = variant.clone().filter(|cause| !cause.is(&kinds::RESERIALIZED)) {
        return Some(cause);
    }
    let cause = serializer_change(good, here).or(variant).or_else(|| single_edit(good, here));
    Some(cause.unwrap_or_else(|| classify_rest(good, here)))
}

/// Finds the variant of `body` that is the same as `wanted`.
fn variant_change(body: &[u8], wanted: &[u8]) -> Option<Cause> {
    let (bodies, mut allowance) = (BodyVariants::new(body), HashAllowance::INTERACTIVE);
    let index = bodies.indices().flatten().find(|&index| {
        bodies.build(index, &mut allowance).is_ok_and(|built| built.is_some_and(|built| *built == *wanted))
    })?;
    Some(bodies.cause(index))
}

/// Finds a serializer that writes `here` for `good`.
fn serializer_change(good: &[u8], here: &[u8]) -> Option<Cause> {
    let document = Document::parse(good).ok()?;
    let by = SERIALIZERS.iter().find(|serializer| serializer.write(&document) == here)?;
    Some(Cause::new(&kinds::REWRITTEN).with("by", by.name).in_language(by.language))
}

/// Finds a single byte that differs, or a part that is missing or added at the end.
fn single_edit(good: &[u8], here: &[u8]) -> Option<Cause> {
    let offset = diff::first_difference(good, here)?;
    let rest = |body: &'_ [u8], skip: usize| body.get(offset + skip..).map(<[u8]>::to_vec);
    match (good.get(offset).copied(), here.get(offset).copied()) {
        (Some(signed), Some(now)) if rest(good, 1) == rest(here, 1) => {
            Some(byte_cause(&kinds::BYTE_CHANGED, offset, Some(signed), Some(now)))
        }
        (Some(signed), _) if rest(good, 1) == rest(here, 0) => {
            Some(byte_cause(&kinds::BYTE_LOST, offset, Some(signed), None))
        }
        (_, Some(now)) if rest(good, 0) == rest(here, 1) => {
            Some(byte_cause(&kinds::BYTE_ADDED, offset, None, Some(now)))
        }
        (_, None) => Some(Cause::new(&kinds::CUT).with("lost", count_bytes(good.len() - offset))),
        (None, _) => Some(Cause::new(&kinds::GROWN).with("added", count_bytes(here.len() - offset))),
        _ => None,
    }
}

/// The largest number of paths that a cause lists.
const MAX_PATHS: usize = 3;

/// Classifies a change that is no single edit: another encoding, other values, or another body.
fn classify_rest(good: &[u8], here: &[u8]) -> Cause {
    if let Some(cause) = variant_change(good, here).filter(|cause| cause.is(&kinds::ENCODING)) {
        return Cause::new(&kinds::ENCODED).with("here", cause.value("signed").to_owned());
    }
    match diff::paths(good, here) {
        Some(paths) if paths.is_empty() => {
            Cause::new(&kinds::REWRITTEN).with("by", "the output of an unknown serializer")
        }
        Some(changes) if !is_unrelated(good, &changes) => {
            let paths: Vec<_> = changes.iter().take(MAX_PATHS).map(|change| change.path.as_str()).collect();
            values_cause(changes.len(), &paths)
        }
        _ => Cause::new(&kinds::REPLACED),
    }
}

fn values_cause(count: usize, paths: &[&str]) -> Cause {
    let changed = match count {
        1 => "a value in the body was changed".to_owned(),
        _ => format!("{count} values in the body were changed"),
    };
    let rest = if count > paths.len() { ", …" } else { "" };
    Cause::new(&kinds::VALUES).with("changed", changed).with("paths", format!("{}{rest}", paths.join(", ")))
}

fn count_bytes(count: usize) -> String {
    if count == 1 { "1 byte was".to_owned() } else { format!("{count} bytes were") }
}

/// Returns true if more than nine tenths of the good body's values are gone.
fn is_unrelated(good: &[u8], changes: &[diff::PathChange]) -> bool {
    let lost = |changes: &[diff::PathChange]| changes.iter().filter(|change| change.old.is_some()).count();
    let (total, lost) = (diff::paths(good, b"{}").map_or(0, |all| lost(&all)), lost(changes));
    lost * 10 > total * 9
}

/// Lists the headers that differ, except those that every proxy sets.
fn header_changes(good: &Headers, here: &Headers) -> Vec<HeaderDiff> {
    let changes: Vec<_> = diff::headers(good, here).into_iter().filter(|change| !is_per_hop(&change.name)).collect();
    let renamed_from = |values: &[Vec<u8>]| changes.iter().any(|other| other.new.is_empty() && other.old == *values);
    let renamed_to = |values: &[Vec<u8>]| {
        changes.iter().find(|other| other.old.is_empty() && other.new == *values).map(|other| other.name.clone())
    };
    let kind = |change: &diff::HeaderChange| match (change.old.is_empty(), change.new.is_empty()) {
        (false, true) => Some(match renamed_to(&change.old) {
            Some(to) => HeaderChangeKind::Renamed { to },
            None => HeaderChangeKind::Dropped,
        }),
        (true, false) if renamed_from(&change.new) => None,
        (true, false) => Some(HeaderChangeKind::Added),
        _ => Some(HeaderChangeKind::Changed),
    };
    let diff = |change: &diff::HeaderChange| {
        let (name, kind) = (change.name.clone(), kind(change)?);
        Some(HeaderDiff { is_checked: is_checked(&name), name, change: kind })
    };
    let mut diffs: Vec<_> = changes.iter().filter_map(diff).collect();
    diffs.sort_by_key(|diff| !diff.is_checked);
    diffs
}

/// Returns true if a provider's signature is checked with this header.
fn is_checked(name: &str) -> bool {
    let headers = provider::ALL.iter().flat_map(|each| [Some(each.signature_header()), each.timestamp_header()]);
    headers.flatten().any(|header| header.eq_ignore_ascii_case(name))
}

/// Returns true for headers that a client or a proxy sets for its own connection.
fn is_per_hop(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let own = ["host", "connection", "via", "forwarded", "content-length", "transfer-encoding", "keep-alive", "date"];
    own.contains(&lower.as_str()) || lower.starts_with("x-forwarded-") || lower.starts_with("x-real-ip")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(good: &str, here: &str) -> &'static str {
        body_change(good.as_bytes(), here.as_bytes()).map_or("", |cause| cause.code())
    }

    const GOOD: &str = r#"{"id":"evt_1","amount":"10000","status":"DEBITED","note":"é"}"#;

    #[test]
    fn each_kind_of_change_is_recognized() {
        assert_eq!(code(GOOD, GOOD), "");
        assert_eq!(code(GOOD, ""), "body_empty_here");
        assert_eq!(code(GOOD, &format!("{GOOD}\n")), "body_newline_added");
        assert_eq!(code(&format!("{GOOD}\n"), GOOD), "body_newline_lost");
        assert_eq!(code(GOOD, &format!("\u{feff}{GOOD}")), "body_bom");
        assert_eq!(code(GOOD, &GOOD.replace(':', ": ").replace(',', ", ").replace('é', "\\u00e9")), "body_rewritten");
        assert_eq!(code(GOOD, &GOOD[..20]), "body_cut");
        assert_eq!(code(GOOD, &format!("{GOOD} and more")), "body_grown");
        assert_eq!(code(GOOD, &GOOD.replace("10000", "90000")), "body_byte_changed");
        assert_eq!(code(GOOD, &GOOD.replace("10000", "1000")), "body_byte_lost");
        assert_eq!(code(GOOD, &GOOD.replace("10000", "100000")), "body_byte_added");
        assert_eq!(code(GOOD, &GOOD.replace("10000", "\u{20ac}")), "body_values");
        assert_eq!(code(GOOD, &GOOD.replace('é', "?")), "body_encoded");
        assert_eq!(code(GOOD, &GOOD.replace('é', "Ã©")), "body_encoding");
        assert_eq!(code(GOOD, "something else"), "body_replaced");
        assert_eq!(code(GOOD, r#"{"event":"x"}"#), "body_replaced");
    }

    #[test]
    fn counts_and_paths_are_in_the_sentence() {
        let sentences = [
            (values_cause(1, &["data.amount"]), "a value in the body was changed: data.amount"),
            (values_cause(2, &["a", "b"]), "2 values in the body were changed: a, b"),
            (values_cause(9, &["a", "b"]), "9 values in the body were changed: a, b, …"),
            (single_edit(b"abc", b"a").unwrap(), "the body was truncated: 2 bytes were lost at the end"),
            (single_edit(b"a", b"abcd").unwrap(), "3 bytes were added at the end of the body"),
        ];
        for (cause, sentence) in sentences {
            assert_eq!(cause.sentence(), sentence);
        }
    }

    #[test]
    fn added_dropped_renamed_and_changed_headers_are_distinguished() {
        let headers = |lines: &str| Headers::read(lines.replace('|', "\r\n").into_bytes()).unwrap();
        let good = headers("Host: a|X-Plexos-Signature: 12|X-A: 1|X-B: 2|");
        let here = headers("Host: b|X-Sig: 12|X-A: 3|X-C: 4|");
        let diffs = header_changes(&good, &here);
        let described: Vec<_> = diffs.iter().map(|diff| (diff.name.as_str(), diff.change.description())).collect();
        let expected = [
            ("X-Plexos-Signature", "was renamed to X-Sig"),
            ("X-A", "has another value"),
            ("X-B", "was dropped"),
            ("X-C", "was added"),
        ];
        assert_eq!(described, expected.map(|(name, words)| (name, words.to_owned())));
        assert!(diffs[0].is_checked && !diffs[1].is_checked);
    }
}
