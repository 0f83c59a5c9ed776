//! An exchange: a request that we send, and what comes back.

use crate::message::Request;
use std::time::Duration;
use url::{Host, Url};

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Comes back in `Sent`.
    pub number: u64,
    /// The whole URL.
    pub url: Url,
    /// The request; its target is ignored in favour of the URL's.
    pub request: Request,
}

/// How a request fared.
#[derive(Clone, Debug)]
pub struct Sent {
    /// From `Outgoing`.
    pub number: u64,
    /// From the first byte sent to the last byte received.
    pub took: Duration,
    /// The answer, or why there is none.
    pub answer: std::result::Result<Answer, SendFailure>,
}

/// What a target answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The first bytes of the body, 64 KiB at most; strangers' text.
    pub start_of_body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SendFailure {
    /// No connection.
    #[error("can't connect: {0}")]
    Connect(String),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke, or the answer was not HTTP.
    #[error("the connection failed: {0}")]
    Broken(String),
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}
