//! What a handler may take for the time of signing, and what it may hash around the body.

use crate::diagnose::cause::Cause;
use crate::diagnose::frame::{Frame, Frames};
use crate::diagnose::kinds::timestamp as time;
use crate::json::value::Payload;
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Verdict;
use crate::provider::{self, Provider, format_unix_seconds};

/// The text of the timestamp header, and the texts that are hashed before and after the body.
pub(super) struct Stamp {
    pub header: String,
    pub before: Vec<u8>,
    pub after: Vec<u8>,
    pub causes: Vec<Cause>,
    pub is_rare: bool,
}

/// Causes that a handler that rejects everything can't have: it would take another second as its
/// own, and accept some events.
const OF_CLOCKS: [&str; 2] = ["timestamp_own_clock", "timestamp_time_zone"];

/// Lists the stamps of a correct request that is signed now; the first one is correct.
pub(super) fn stamps(provider: &dyn Provider, request: &Request, now: Timestamp) -> Vec<Stamp> {
    let seconds = format_unix_seconds(now);
    let mut stamps = with_frames(provider, request, &seconds);
    // The likeliest mistake comes first.
    if let Some(at) = stamps.iter().position(|stamp| stamp.causes.iter().any(|cause| cause.is(&time::NOT_SIGNED))) {
        stamps[1..=at].rotate_right(1);
    }
    if provider.timestamp_header().is_none() {
        stamps.extend(unset_timestamps(provider));
    }
    stamps
}

/// Lists what may be hashed around the body of a request with this text in its timestamp header.
fn with_frames(provider: &dyn Provider, request: &Request, header: &str) -> Vec<Stamp> {
    let event = Payload::parse(&request.body).map(|payload| provider.parse_event(&payload)).unwrap_or_default();
    let delivery = Delivery { request: request.clone(), peer: None, arrived: None };
    let received = AnalyzedDelivery { delivery, provider: Some(provider.name()), verdict: Verdict::Mismatch, event };
    let is_fitting = |frame: &Frame| {
        let is_of_clock = frame.causes().iter().any(|cause| OF_CLOCKS.contains(&cause.code()));
        frame.changes <= 1 && !frame.is_whole && !is_of_clock
    };
    let stamp = |frame: Frame| Stamp {
        header: header.to_owned(),
        causes: frame.causes(),
        before: frame.before,
        after: frame.after,
        is_rare: frame.is_rare,
    };
    Frames::new(provider, &received).iter().filter(|frame| is_fitting(frame)).cloned().map(stamp).collect()
}

/// Lists what code for a provider that signs timestamps makes of a missing one.
fn unset_timestamps(own: &dyn Provider) -> Vec<Stamp> {
    let others = provider::ALL.iter().filter(|other| other.name() != own.name() && other.timestamp_header().is_some());
    others
        .flat_map(|other| {
            ["undefined", "null", "None", ""].map(|text| {
                let shown = if text.is_empty() { "an empty text".to_owned() } else { format!("`{text}`") };
                let before = other.signed_prefix(text).into_bytes();
                let causes = vec![Cause::new(&time::UNSET).with("text", shown)];
                Stamp { header: String::new(), before, after: Vec::new(), causes, is_rare: false }
            })
        })
        .collect()
}
