//! Deliveries: HTTP requests that arrived, and the result of verifying and parsing them.

use crate::model::event::Event;
use crate::model::message::Request;
use crate::model::refusal::Refusal;
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Verdict;
use std::net::SocketAddr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub request: Request,
    /// Address of the sender. `None`: the request was read from a file.
    pub peer: Option<SocketAddr>,
    /// Time at which its last byte arrived or, for a request from a file, the time recorded there.
    /// `None`: unknown.
    pub arrived: Option<Timestamp>,
}

/// A delivery with its verdict and event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalyzedDelivery {
    pub delivery: Delivery,
    /// Name of the provider, known by its signature header or, without one, by the payload. `None`:
    /// unknown.
    pub provider: Option<&'static str>,
    pub verdict: Verdict,
    /// Untrusted unless the verdict is `Verified`.
    pub event: Event,
}

/// A request that was refused before it could be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRequest {
    pub peer: SocketAddr,
    /// Request line without the version. Untrusted text.
    pub request: String,
    pub refusal: Refusal,
}
