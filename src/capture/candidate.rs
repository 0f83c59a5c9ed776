//! Decides which of the requests in a file are webhooks.
//!
//! An archive of a browser or a proxy holds every request of a page. Only those that carry
//! something like a signature, or a provider's payload, are looked at.

use super::{Capture, CaptureError};
use crate::json::top_level_keys;
use crate::model::message::Request;
use crate::provider;

/// A request that a reader found, readable or not.
#[derive(Debug)]
pub(super) struct Candidate {
    pub outcome: Result<Capture, CaptureError>,
    /// It carries a signature or a provider's payload. True if that is unknown.
    pub is_webhook: bool,
}

impl Candidate {
    pub fn new(outcome: Result<Capture, CaptureError>) -> Self {
        let is_webhook = outcome.as_ref().map_or(true, |capture| is_webhook(&capture.delivery.request));
        Self { outcome, is_webhook }
    }

    fn has_body(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|capture| {
            let request = &capture.delivery.request;
            !request.body.is_empty() && !["GET", "HEAD", "OPTIONS"].contains(&request.method.as_str())
        })
    }
}

/// Splits off the requests that are no webhooks, and counts them. A lone request is kept, and so is
/// the only one with a body if nothing looks like a webhook.
pub(super) fn select(mut candidates: Vec<Candidate>) -> (Vec<Result<Capture, CaptureError>>, u64) {
    let total = candidates.len();
    if total > 1 {
        let bodies = candidates.iter().filter(|candidate| candidate.has_body()).count();
        if !candidates.iter().any(|candidate| candidate.is_webhook) && bodies == 1 {
            candidates.retain(Candidate::has_body);
        } else {
            candidates.retain(|candidate| candidate.is_webhook);
        }
    }
    let skipped = (total - candidates.len()) as u64;
    (candidates.into_iter().map(|candidate| candidate.outcome).collect(), skipped)
}

/// Checks whether a request carries a signature or a provider's payload.
pub(super) fn is_webhook(request: &Request) -> bool {
    request.headers.iter().any(|(name, value)| is_signature(name, value)) || is_payload(&request.body)
}

/// Parts of the names of signature headers.
const SIGNATURE_NAMES: &[&str] = &[
    "signature",
    "hmac",
    "-sig",
    "_sig",
    "x-sig",
    "svix-",
    "webhook-",
    "verif-hash",
    "x-plexos",
    "x-plustive",
    "x_plexos",
    "x_plustive",
];

/// Headers of other purposes whose values are digests.
const OTHER_DIGESTS: &[&str] =
    &["cookie", "if-none-match", "etag", "authorization", "x-amz-", "x-goog-", "sec-", ":path"];

/// Checks whether a header is called like a signature, or its value is 64 hexadecimal digits.
pub(super) fn is_signature(name: &str, value: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    if OTHER_DIGESTS.iter().any(|other| name.starts_with(other)) {
        return false;
    }
    let mut runs = value.split(|byte| !byte.is_ascii_hexdigit());
    SIGNATURE_NAMES.iter().any(|part| name.contains(part)) || runs.any(|run| run.len() == 64)
}

/// Checks whether a text is the payload of a provider, by its keys. A Node.js buffer has the keys of
/// a Plexos event.
pub(super) fn is_payload(text: &[u8]) -> bool {
    let start = text.trim_ascii_start();
    if start.first() != Some(&b'{') {
        return false;
    }
    is_payload_keys(&top_level_keys(start))
}

/// Checks whether an object with these keys is the payload of a provider.
pub(super) fn is_payload_keys(keys: &[String]) -> bool {
    provider::by_payload_keys(keys).is_some() && keys != ["type", "data"]
}
