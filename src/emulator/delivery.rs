//! A delivery: an event on its way to an endpoint, and every try.

use super::faults::Kind;
use serde::{Deserialize, Serialize};

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It will be tried, or tried again.
    Waiting,
    /// It is being tried.
    UnderWay,
    /// It was answered 2xx.
    Delivered,
    /// A fault kept it from being sent.
    Dropped,
    /// The last try failed, or there is nobody to send it to any more.
    GivenUp,
}

/// A try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it was sent.
    pub at: String,
    /// The time that was signed, in Unix seconds.
    pub timestamp: String,
    /// What was answered.
    pub status: Option<u16>,
    /// Why nothing was answered.
    pub error: Option<String>,
    /// From the first byte sent to the last received, in microseconds.
    pub took_micros: u64,
    /// The start of what the answer said; strangers' text.
    pub said: String,
}

/// An event on its way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its number, from 1.
    pub number: u64,
    /// The provider's name.
    pub provider: String,
    /// The event's type.
    pub event: String,
    /// The event's id, or the reference of the purchase.
    pub id: String,
    /// Where it goes.
    pub url: String,
    /// The endpoint it goes to, at Plexos.
    pub endpoint: Option<String>,
    /// The event, byte for byte.
    pub body: String,
    /// How far it has come.
    pub fate: Fate,
    /// What goes wrong with it.
    pub faults: Vec<Kind>,
    /// How many seconds too old the time is that is signed.
    pub(super) age: i64,
    /// The delivery that it has to wait for.
    pub(super) follows: Option<u64>,
    /// When the event happened.
    pub created_at: String,
    /// When it is tried next.
    pub next_at: Option<String>,
    /// Every try so far.
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// Whether nothing more is tried.
    pub fn has_ended(&self) -> bool {
        !matches!(self.fate, Fate::Waiting | Fate::UnderWay)
    }
}
