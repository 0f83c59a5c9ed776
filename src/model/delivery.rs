//! A delivery: one request as it reached us, and what whtool made of it.

use crate::model::event::Event;
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Verdict;
use std::net::SocketAddr;

/// A request, from whom it came, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The request, byte for byte.
    pub request: Request,
    /// The other end of the connection. `None` when the request came from a file.
    pub peer: Option<SocketAddr>,
    /// When its last byte arrived, or, from a file, when the file says it did. `None`: the file does not say.
    pub arrived: Option<Timestamp>,
}

/// A delivery that was judged: what the store keeps and the renderers show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalyzedDelivery {
    /// What came.
    pub delivery: Delivery,
    /// The provider's name, from the signature header or else from the payload. `None`: neither tells.
    pub provider: Option<&'static str>,
    /// What is to be said of the signature.
    pub verdict: Verdict,
    /// What the payload says. Before it is verified, anybody may have written it.
    pub event: Event,
}

/// A request that never became a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRequest {
    /// The other end.
    pub peer: SocketAddr,
    /// Its request line without the version; strangers' text.
    pub request: String,
    /// What it was answered.
    pub status: u16,
}
