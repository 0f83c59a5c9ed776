//! Names of the headers in which a handler looks for signature and timestamp.

use super::kinds;
use crate::diagnose::cause::Cause;
use crate::provider::Provider;

/// The names of the headers that carry signature and timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderNames {
    pub signature: &'static str,
    /// `None`: the provider signs no timestamp.
    pub timestamp: Option<&'static str>,
}

/// Names under which handlers look for a signature, apart from the provider's own.
const SIGNATURE_NAMES: [&str; 11] = [
    "X-Signature",
    "Signature",
    "X-Webhook-Signature",
    "Webhook-Signature",
    "X-Hub-Signature-256",
    "X-Hub-Signature",
    "X-Signature-256",
    "X-Signature-SHA256",
    "X-Hmac-Signature",
    "X-Hmac-SHA256",
    "X-Hmac",
];

/// Names under which handlers look for a timestamp, apart from the provider's own.
const TIMESTAMP_NAMES: [&str; 6] = [
    "X-Timestamp",
    "Timestamp",
    "X-Webhook-Timestamp",
    "Webhook-Timestamp",
    "X-Request-Timestamp",
    "X-Signature-Timestamp",
];

impl HeaderNames {
    pub fn of(provider: &dyn Provider) -> Self {
        Self { signature: provider.signature_header(), timestamp: provider.timestamp_header() }
    }

    /// Lists other names for the signature, for the timestamp, and for both.
    pub fn alternatives(self) -> Vec<Self> {
        let signatures = SIGNATURE_NAMES.map(|signature| Self { signature, ..self });
        let timestamps = TIMESTAMP_NAMES.iter().filter(|_| self.timestamp.is_some());
        let timestamps: Vec<_> = timestamps.map(|&name| Self { timestamp: Some(name), ..self }).collect();
        let both = signatures.iter().flat_map(|names| {
            timestamps.iter().map(|other| Self { signature: names.signature, timestamp: other.timestamp })
        });
        signatures.into_iter().chain(timestamps.clone()).chain(both).collect()
    }

    /// Returns the mistakes of a handler that reads these headers instead of the provider's own.
    pub fn causes(self, own: Self) -> Vec<Cause> {
        let cause = |kind, name, header| Cause::new(kind).with("name", name).with("header", header);
        let signature =
            (self.signature != own.signature).then(|| cause(&kinds::OTHER_HEADER, self.signature, own.signature));
        let timestamp = self.timestamp.zip(own.timestamp).filter(|(name, header)| name != header);
        let timestamp = timestamp.map(|(name, header)| cause(&kinds::OTHER_TIME_HEADER, name, header));
        signature.into_iter().chain(timestamp).collect()
    }
}
