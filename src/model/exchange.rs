//! An exchange: a request that we send, and what comes back.

use crate::model::message::{Headers, Request};
use std::time::Duration;
use url::Url;

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// Comes back in `Sent`.
    pub number: u64,
    /// The whole URL.
    pub url: Url,
    /// The request; its target is ignored in favour of the URL's.
    pub request: Request,
}

/// What is to be sent next.
#[derive(Clone, Debug)]
pub enum NextRequest {
    /// This, at once.
    Send(OutgoingRequest),
    /// Nothing for so long, or until an answer comes.
    Wait(Duration),
    /// Nothing more, unless an answer that is still to come changes that.
    Nothing,
    /// Nothing more at all: what is under way is let go.
    Stop,
}

impl From<Option<OutgoingRequest>> for NextRequest {
    fn from(outgoing: Option<OutgoingRequest>) -> Self {
        outgoing.map_or(Self::Nothing, Self::Send)
    }
}

/// How a request fared.
#[derive(Clone, Debug)]
pub struct SentRequest {
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
    /// The headers; their names may be in lower case, and repeats of one together.
    pub headers: Headers,
    /// The body, or its first bytes, as many as were asked for; strangers' text.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
}

impl Answer {
    /// An answer without headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Headers::new(), body: body.into(), is_whole: true }
    }
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
    /// The answer began, and ended too soon.
    #[error("the answer was cut off: {cause}")]
    Cut {
        /// Why it ended.
        cause: String,
        /// What there is of it.
        start: Box<Answer>,
    },
}

/// What we answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReply {
    /// The HTTP status.
    pub status: u16,
    /// Headers, beside those that frame the body.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// How long the answer is held back.
    pub delay: Duration,
    /// Whether the connection is closed instead of answering.
    pub is_cut: bool,
}

impl ServerReply {
    /// An answer without headers and body, at once.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Headers::new(), body: Vec::new(), delay: Duration::ZERO, is_cut: false }
    }
}
