//! Compares the headers of a request with those of its good copy.

use super::diff;
use crate::model::message::Headers;
use crate::provider;

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

/// Lists the headers that differ, except those that every proxy sets.
pub(super) fn header_changes(good: &Headers, here: &Headers) -> Vec<HeaderDiff> {
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
