//! Deliveries of missed events, and which of them may be made.

use super::WatchedReference;
use crate::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Identifies what may be delivered once: a record in one status.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryKey {
    pub provider: String,
    /// The provider's own reference, so that two orders with different references for the same
    /// payment share it.
    pub reference: String,
    /// In lower case.
    pub status: String,
}

impl DeliveryKey {
    pub fn new(provider: &str, reference: &str, status: &str) -> Self {
        Self { provider: provider.to_owned(), reference: reference.to_owned(), status: status.to_lowercase() }
    }
}

/// An event that the app has missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedEvent {
    pub key: DeliveryKey,
    pub body: Vec<u8>,
    /// True if it was made from the record; false if the provider's own event was captured.
    pub is_rebuilt: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum DeliveryOutcome {
    /// It was started, and has not ended.
    Sending,
    /// The app answered 2xx.
    Accepted { answer: u16 },
    /// The app answered something else.
    Refused { answer: u16 },
    /// The app did not get it, such as if it could not be reached.
    Unsent { reason: String },
    /// The app may have got it: there was no complete answer, or whtool was killed meanwhile.
    Unsure { reason: String },
}

impl DeliveryOutcome {
    /// Returns a stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::Unsent { .. } => "unsent",
            Self::Unsure { .. } => "unsure",
        }
    }
}

/// A delivery that was started at least once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub key: DeliveryKey,
    /// The order's reference, for which it was made.
    pub subject: WatchedReference,
    /// Start of the last attempt.
    pub at: Timestamp,
    pub attempts: u32,
    #[serde(flatten)]
    pub outcome: DeliveryOutcome,
    pub is_rebuilt: bool,
    /// True once it was reported that an attempt failed.
    #[serde(default)]
    pub has_reported_failure: bool,
    /// True once it was reported that the app accepted it, and the order still differs.
    #[serde(default)]
    pub is_reported: bool,
}

/// Which deliveries may be made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepeatPolicy {
    /// Those that the app did not answer with 2xx.
    pub refused: bool,
    /// Those that the app may have got.
    pub unsure: bool,
}

impl RepeatPolicy {
    /// Returns true if a delivery with this outcome may be made again. The app surely did not get an
    /// unsent one.
    pub(super) fn allows(self, outcome: &DeliveryOutcome) -> bool {
        match outcome {
            DeliveryOutcome::Unsent { .. } => true,
            DeliveryOutcome::Refused { .. } => self.refused,
            DeliveryOutcome::Unsure { .. } => self.unsure,
            DeliveryOutcome::Accepted { .. } | DeliveryOutcome::Sending => false,
        }
    }
}

/// A delivery to make now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDelivery {
    pub subject: WatchedReference,
    pub event: MissedEvent,
    /// True if it was made before: then the body of the first attempt is sent again.
    pub is_repeat: bool,
}
