//! A request beside the good copy of it: what was changed between the two places.
//!
//! Here both bodies are known, so nothing has to be searched for: the kind of change is read from the bytes.

use super::body::Bodies;
use super::given::{self, Given};
use super::search::Effort;
use super::{Cause, timestamp_text};
use crate::diagnose::diff;
use crate::json::{Document, SERIALIZERS};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::{Headers, Request};
use crate::model::signature::Key;
use crate::model::stored::StoredDelivery;
use crate::provider;
use sha2::{Digest as _, Sha256};

/// What lies between the good copy and the request that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// What happened to the body. `None`: nothing.
    pub body: Option<Cause>,
    /// The offset of the first byte that differs.
    pub first_difference: Option<usize>,
    /// What happened to the headers, those of signature and timestamp first.
    pub headers: Vec<HeaderFate>,
}

/// What became of a header on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderFate {
    /// Its name in the good copy, or here when it was added.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
    /// Whether the signature is checked with it.
    pub matters: bool,
}

/// What became of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is not there any more.
    Dropped,
    /// Its value stands under another name.
    Renamed {
        /// That name.
        to: String,
    },
    /// It has another value.
    Changed,
    /// It was not there before.
    Added,
}

impl Fate {
    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Renamed { .. } => "renamed",
            Self::Changed => "changed",
            Self::Added => "added",
        }
    }

    /// What happened, in words that follow the header's name.
    pub fn words(&self) -> String {
        match self {
            Self::Dropped => "was dropped".to_owned(),
            Self::Renamed { to } => format!("was renamed to {to}"),
            Self::Changed => "has another value".to_owned(),
            Self::Added => "was added".to_owned(),
        }
    }
}

/// SHA-256 of a body as hex: to be compared with what a handler logs.
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// Whether the signature of `here` belongs to the body of `good`, and not to its own: it is what a known key gives over that
/// body, or the very signature with which `good` was verified.
pub fn belongs(here: &AnalyzedDelivery, good: &StoredDelivery, keys: &[Key]) -> bool {
    let request = &here.delivery.request;
    let Some(provider) = here.provider.and_then(provider::named) else { return false };
    if request.body == good.request.body {
        return false;
    }
    let macs = given::find(&request.headers, provider);
    let is_its = |one: &Given| macs.iter().any(|mac| mac.mac == one.mac);
    if good.summary.verdict == "verified" && given::find(&good.request.headers, provider).iter().any(is_its) {
        return true;
    }
    let text = timestamp_text(&request.headers, provider).unwrap_or_default();
    let prefix = provider.signed_prefix(text);
    let mut own = keys.iter().filter(|key| key.secret.provider == provider.name());
    !macs.is_empty()
        && own.any(|key| {
            let right = key.sign(prefix.as_bytes(), &good.request.body);
            macs.iter().any(|mac| mac.mac == right)
        })
}

/// What was changed between the good copy and here.
pub fn between(good: &Request, here: &Request) -> Hop {
    Hop {
        body: change(&good.body, &here.body),
        first_difference: diff::first_difference(&good.body, &here.body),
        headers: header_fates(&good.headers, &here.headers),
    }
}

/// The kind of change that made this body of the good one.
fn change(good: &[u8], here: &[u8]) -> Option<Cause> {
    if good == here {
        return None;
    }
    if here.is_empty() {
        return Some(Cause::BodyEmptyHere);
    }
    let undone = undoing(here, good);
    if let Some(cause) = undone.clone().filter(|cause| !matches!(cause, Cause::BodyReserialized { .. })) {
        return Some(cause);
    }
    Some(rewritten(good, here).or(undone).or_else(|| piece(good, here)).unwrap_or_else(|| mangled(good, here)))
}

/// The cause of the change that leads from this body to the good one.
fn undoing(here: &[u8], good: &[u8]) -> Option<Cause> {
    let (bodies, mut effort) = (Bodies::of(here), Effort::PATIENT);
    let place = bodies
        .order()
        .flatten()
        .find(|&place| bodies.make(place, &mut effort).is_ok_and(|made| made.is_some_and(|made| *made == *good)))?;
    Some(bodies.cause(place))
}

fn rewritten(good: &[u8], here: &[u8]) -> Option<Cause> {
    let document = Document::parse(good).ok()?;
    let by = SERIALIZERS.iter().find(|serializer| serializer.write(&document) == here)?.name;
    Some(Cause::BodyRewritten { by })
}

/// Something is missing at the end, or a single byte differs.
fn piece(good: &[u8], here: &[u8]) -> Option<Cause> {
    let at = diff::first_difference(good, here)?;
    let rest = |body: &'_ [u8], skip: usize| body.get(at + skip..).map(<[u8]>::to_vec);
    match (good.get(at).copied(), here.get(at).copied()) {
        (Some(signed), Some(now)) if rest(good, 1) == rest(here, 1) => {
            Some(Cause::BodyByteChanged { offset: at, signed, here: now })
        }
        (Some(signed), _) if rest(good, 1) == rest(here, 0) => Some(Cause::BodyByteLost { offset: at, signed }),
        (_, Some(now)) if rest(good, 0) == rest(here, 1) => Some(Cause::BodyByteAdded { offset: at, here: now }),
        (_, None) => Some(Cause::BodyCut { lost: good.len() - at }),
        (None, _) => Some(Cause::BodyGrown { added: here.len() - at }),
        _ => None,
    }
}

/// How many paths are named.
const PATHS: usize = 3;

/// The text in another encoding, other values in it, or another body altogether.
fn mangled(good: &[u8], here: &[u8]) -> Cause {
    if let Some(Cause::BodyEncoding { signed }) = undoing(good, here) {
        return Cause::BodyEncoded { here: signed };
    }
    match diff::paths(good, here) {
        Some(paths) if paths.is_empty() => Cause::BodyRewritten { by: "something that is not known by name" },
        Some(changes) if !is_new(good, &changes) => {
            let paths = changes.iter().take(PATHS).map(|change| change.path.clone()).collect();
            Cause::BodyValues { count: changes.len(), paths }
        }
        _ => Cause::BodyReplaced,
    }
}

/// Whether nearly nothing of the good body's values is left.
fn is_new(good: &[u8], changes: &[diff::PathChange]) -> bool {
    let lost = |changes: &[diff::PathChange]| changes.iter().filter(|change| change.old.is_some()).count();
    let (total, lost) = (diff::paths(good, b"{}").map_or(0, |all| lost(&all)), lost(changes));
    lost * 10 > total * 9
}

/// The headers that differ. What every proxy writes anew is left out.
fn header_fates(good: &Headers, here: &Headers) -> Vec<HeaderFate> {
    let changes: Vec<_> = diff::headers(good, here).into_iter().filter(|change| !is_of_the_hop(&change.name)).collect();
    let taken_from = |values: &[Vec<u8>]| {
        changes.iter().find(|other| other.new.is_empty() && other.old == *values).map(|other| other.name.clone())
    };
    let moved_to = |values: &[Vec<u8>]| {
        changes.iter().find(|other| other.old.is_empty() && other.new == *values).map(|other| other.name.clone())
    };
    let fate = |change: &diff::HeaderChange| match (change.old.is_empty(), change.new.is_empty()) {
        (false, true) => Some(moved_to(&change.old).map_or(Fate::Dropped, |to| Fate::Renamed { to })),
        (true, false) if taken_from(&change.new).is_some() => None,
        (true, false) => Some(Fate::Added),
        _ => Some(Fate::Changed),
    };
    let mut fates: Vec<_> = changes
        .iter()
        .filter_map(|change| {
            let (name, fate) = (change.name.clone(), fate(change)?);
            Some(HeaderFate { matters: is_checked(&name), name, fate })
        })
        .collect();
    fates.sort_by_key(|fate| !fate.matters);
    fates
}

/// Whether a provider signs with this header.
fn is_checked(name: &str) -> bool {
    let headers = provider::ALL.iter().flat_map(|each| [Some(each.signature_header()), each.timestamp_header()]);
    headers.flatten().any(|header| header.eq_ignore_ascii_case(name))
}

/// Whether each hop has its own.
fn is_of_the_hop(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let own = ["host", "connection", "via", "forwarded", "content-length", "transfer-encoding", "keep-alive", "date"];
    own.contains(&lower.as_str()) || lower.starts_with("x-forwarded-") || lower.starts_with("x-real-ip")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(good: &str, here: &str) -> &'static str {
        change(good.as_bytes(), here.as_bytes()).map_or("", |cause| cause.code())
    }

    const GOOD: &str = r#"{"id":"evt_1","amount":"10000","status":"DEBITED","note":"é"}"#;

    #[test]
    fn the_kind_of_change_is_read_from_two_bodies() {
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
    fn headers_that_came_went_or_took_another_name_are_told_apart() {
        let headers = |lines: &str| Headers::read(lines.replace('|', "\r\n").into_bytes()).unwrap();
        let good = headers("Host: a|X-Plexos-Signature: 12|X-A: 1|X-B: 2|");
        let here = headers("Host: b|X-Sig: 12|X-A: 3|X-C: 4|");
        let fates = header_fates(&good, &here);
        let told: Vec<_> = fates.iter().map(|fate| (fate.name.as_str(), fate.fate.words())).collect();
        let expected = [
            ("X-Plexos-Signature", "was renamed to X-Sig"),
            ("X-A", "has another value"),
            ("X-B", "was dropped"),
            ("X-C", "was added"),
        ];
        assert_eq!(told, expected.map(|(name, words)| (name, words.to_owned())));
        assert!(fates[0].matters && !fates[1].matters);
    }
}
