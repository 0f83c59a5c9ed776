//! Compares a request with the good copy of it: what was changed between the two places.
//!
//! Both bodies are known here, so the kind of change is read from the bytes, without a search.

use super::body::{BodyVariants, name_serializer, surroundings};
use super::budget::HashAllowance;
use super::byte_edit::ByteEdit;
use super::cause::{Cause, Finding};
use super::diff;
use super::frame::find_own_timestamp;
use super::header_diff::header_changes;
pub use super::header_diff::{HeaderChangeKind, HeaderDiff};
use super::kinds::body as kinds;
use super::signature::{self, Target};
use crate::json::{Document, TokenKind, Tokens};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::Request;
use crate::model::signature::Key;
use crate::model::stored::StoredDelivery;
use crate::provider;
use sha2::{Digest as _, Sha256};

/// The differences of a request from the good copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyDiff {
    /// `None`: the bodies are the same. Proved only if the change gives exactly the other body.
    pub body: Option<Finding>,
    /// The offset of the first byte that differs.
    pub first_difference: Option<usize>,
    /// Differences of signature and timestamp come first.
    pub headers: Vec<HeaderDiff>,
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
    let targets = signature::find(&request.headers, provider);
    let has_signature =
        |other: &Target| other.is_whole() && targets.iter().any(|target| target.compare(&other.bytes()).is_some());
    if good.summary.verdict.is_verified() && signature::find(&good.request.headers, provider).iter().any(has_signature)
    {
        return true;
    }
    let prefix = provider.signed_prefix(find_own_timestamp(&request.headers, provider).unwrap_or_default());
    let mut keys = keys.iter().filter(|key| key.secret.provider == provider.name());
    !targets.is_empty()
        && keys.any(|key| {
            let mac = key.sign(prefix.as_bytes(), &good.request.body);
            targets.iter().any(|target| target.compare(&mac).is_some())
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
fn body_change(good: &[u8], here: &[u8]) -> Option<Finding> {
    if good == here {
        return None;
    }
    if here.is_empty() {
        return Some(Finding::proved(Cause::new(&kinds::EMPTY_HERE)));
    }
    let variant = variant_change(here, good);
    let is_reserialized = |cause: &Cause| cause.is(&kinds::RESERIALIZED);
    let is_wrapped = |cause: &Cause| cause.is(&kinds::WRAPPED) || cause.is(&kinds::PART);
    let exact =
        variant.clone().filter(|cause| !(is_reserialized(cause) || is_wrapped(cause) && here.starts_with(good)));
    // Some serializers drop null; the change itself says more than their names.
    let has_null = |body: &[u8]| memchr::memmem::find(body, b"null").is_some();
    let without_nulls = || change_here(good, here).filter(|_| has_null(good) && !has_null(here));
    let exact = exact.or_else(without_nulls);
    let exact = exact.or_else(|| serializer_change(good, here)).or(variant.filter(is_reserialized));
    let exact =
        exact.or_else(|| single_byte(good, here).map(|edit| edit.cause(here))).or_else(|| end_change(good, here));
    let exact = exact.or_else(|| change_here(good, here)).or_else(|| containment(good, here));
    Some(exact.map_or_else(|| classify_rest(good, here), Finding::proved))
}

/// Finds the variant of `body` that is the same as `wanted`. A composition becomes one cause.
fn variant_change(body: &[u8], wanted: &[u8]) -> Option<Cause> {
    let (bodies, mut allowance) = (BodyVariants::new(body), HashAllowance::INTERACTIVE);
    let index = bodies.indices().flatten().find(|&index| {
        bodies.build(index, &mut allowance).is_ok_and(|built| built.is_some_and(|built| *built == *wanted))
    })?;
    bodies.causes(index).into_iter().reduce(Cause::followed_by)
}

/// Finds a serializer that writes `here` for `good`.
fn serializer_change(good: &[u8], here: &[u8]) -> Option<Cause> {
    let by = name_serializer(&Document::parse(good).ok()?, here)?;
    Some(Cause::new(&kinds::REWRITTEN).with("what", by.name).in_language(by.language))
}

/// Finds a single byte that differs.
pub(super) fn single_byte(good: &[u8], here: &[u8]) -> Option<ByteEdit> {
    let offset = diff::first_difference(good, here)?;
    let (signed, now) = (good.get(offset).copied(), here.get(offset).copied());
    let is_same = |good_skip: usize, here_skip: usize| {
        let rest = |body: &'_ [u8], skip: usize| body.get(offset + skip..).map(<[u8]>::to_vec);
        rest(good, good_skip).is_some_and(|good| Some(good) == rest(here, here_skip))
    };
    if signed.is_some() && now.is_some() && is_same(1, 1) {
        Some(ByteEdit { offset, signed, here: now })
    } else if signed.is_some() && is_same(1, 0) {
        Some(ByteEdit { offset, signed, here: None })
    } else if now.is_some() && is_same(0, 1) {
        Some(ByteEdit { offset, signed: None, here: now })
    } else {
        None
    }
}

/// Finds a part that is missing or added at the end.
pub(super) fn end_change(good: &[u8], here: &[u8]) -> Option<Cause> {
    if good.starts_with(here) {
        Some(Cause::new(&kinds::CUT).with("lost", count_bytes(good.len() - here.len())))
    } else if here.starts_with(good) {
        let shown = format!(": {}", surroundings(here, 0, good.len()).replace(" after it", ""));
        Some(Cause::new(&kinds::GROWN).with("added", count_bytes(here.len() - good.len())).with("shown", shown))
    } else {
        None
    }
}

/// Finds the change of `good` that gives `here`, where it can't be undone.
fn change_here(good: &[u8], here: &[u8]) -> Option<Cause> {
    let cause = variant_change(good, here)?;
    let what = cause.value("what").to_owned();
    if cause.is(&kinds::ENCODING) {
        return Some(Cause::new(&kinds::ENCODED).with("what", what));
    }
    let what = if cause.is(&kinds::PART) {
        format!("only a part of it: {what}")
    } else if cause.is(&kinds::WRAPPED) {
        format!("what is inside it: {what}")
    } else if cause.is(&kinds::NOT_THE_PAYLOAD) {
        format!("the text `{what}`")
    } else if what.is_empty() {
        return Some(cause);
    } else {
        what
    };
    Some(Cause::new(&kinds::CHANGED_HERE).with("what", what).in_language(cause.language()))
}

/// The shortest body that is looked for inside the other one.
const MIN_INSIDE: usize = 4;

/// Finds one body inside the other.
fn containment(good: &[u8], here: &[u8]) -> Option<Cause> {
    let find = |long: &[u8], short: &[u8]| {
        let start = memchr::memmem::find(long, short).filter(|_| short.len() >= MIN_INSIDE)?;
        Some(surroundings(long, start, start + short.len()))
    };
    let surrounded = find(here, good).map(|what| Cause::new(&kinds::SURROUNDED).with("what", what));
    surrounded.or_else(|| find(good, here).map(|what| Cause::new(&kinds::INSIDE).with("what", what)))
}

/// The largest number of paths that a cause lists.
const MAX_PATHS: usize = 3;

/// Classifies a change that no known change gives exactly: other values, or something else.
fn classify_rest(good: &[u8], here: &[u8]) -> Finding {
    match diff::paths(good, here) {
        Some(paths) if paths.is_empty() => {
            Finding::likely(Cause::new(&kinds::REWRITTEN).with("what", "the output of an unknown serializer"))
        }
        Some(changes) if !is_unrelated(good, &changes) => {
            let paths: Vec<_> = changes.iter().take(MAX_PATHS).map(|change| change.path.as_str()).collect();
            let cause = values_cause(changes.len(), &paths);
            if has_same_frame(good, here) { Finding::proved(cause) } else { Finding::likely(cause) }
        }
        _ => Finding::likely(Cause::new(&kinds::DIFFERS)),
    }
}

/// Returns true if only the texts of values differ, so that changing them gives the other body.
fn has_same_frame(good: &[u8], here: &[u8]) -> bool {
    let frame = |body: &[u8]| {
        let text = |start: usize, end: usize| body[start..end].to_vec();
        let part = |token: crate::json::Token| match token.kind {
            TokenKind::String | TokenKind::Number | TokenKind::True | TokenKind::False | TokenKind::Null => Vec::new(),
            _ => text(token.start, token.end),
        };
        Tokens::new(body).map(|token| token.ok().map(part)).collect::<Option<Vec<_>>>()
    };
    frame(good).is_some_and(|good| Some(good) == frame(here))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn code(good: &str, here: &str) -> &'static str {
        body_change(good.as_bytes(), here.as_bytes()).map_or("", |finding| finding.cause.code())
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
        assert_eq!(code(GOOD, "something else"), "body_differs");
        assert_eq!(code(GOOD, r#"{"event":"x"}"#), "body_differs");
    }

    #[test]
    fn counts_and_paths_are_in_the_sentence() {
        let sentences = [
            (values_cause(1, &["data.amount"]), "a value in the body was changed: data.amount"),
            (values_cause(2, &["a", "b"]), "2 values in the body were changed: a, b"),
            (values_cause(9, &["a", "b"]), "9 values in the body were changed: a, b, …"),
            (end_change(b"abc", b"a").unwrap(), "the body was truncated: 2 bytes were lost at the end"),
            (end_change(b"a", b"abcd").unwrap(), "3 bytes were added at the end of the body: `bcd`"),
        ];
        for (cause, sentence) in sentences {
            assert_eq!(cause.sentence(), sentence);
        }
    }
}
