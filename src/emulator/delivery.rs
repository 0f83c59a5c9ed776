//! A webhook on its way to an endpoint, with every attempt.

use super::faults::FaultKind;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Queued for its first attempt or a retry.
    Waiting,
    #[serde(rename = "under_way")]
    InFlight,
    /// Answered with 2xx.
    Delivered,
    /// Never sent, because of a fault.
    Dropped,
    /// The last retry failed, or the endpoint was deleted.
    GivenUp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookAttempt {
    pub at: String,
    /// The signed time, in Unix seconds.
    pub timestamp: String,
    pub status: Option<u16>,
    /// Reason for the lack of an answer.
    pub error: Option<String>,
    /// Time from the first byte sent to the last received.
    pub took_micros: u64,
    /// Start of the answer's body, untrusted.
    #[serde(rename = "said")]
    pub response: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// Counted from 1.
    pub number: u64,
    pub provider: String,
    pub event: String,
    /// The event id, or the reference of the purchase.
    pub id: String,
    pub url: String,
    /// The Plexos endpoint it goes to. `None`: a Plustive webhook.
    pub endpoint: Option<String>,
    pub body: String,
    #[serde(rename = "fate")]
    pub status: DeliveryStatus,
    pub faults: Vec<FaultKind>,
    /// Seconds by which the signed time is in the past.
    pub(super) age: i64,
    /// A delivery that must be attempted before this one.
    pub(super) follows: Option<u64>,
    pub created_at: String,
    pub next_at: Option<String>,
    pub attempts: Vec<WebhookAttempt>,
}

impl WebhookDelivery {
    pub fn is_final(&self) -> bool {
        !matches!(self.status, DeliveryStatus::Waiting | DeliveryStatus::InFlight)
    }
}
