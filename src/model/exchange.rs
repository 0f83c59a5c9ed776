//! Requests that whtool sends and the answers it gets; answers that its own servers give.

use crate::model::message::{Headers, Request};
use crate::model::status::Status;
use std::time::Duration;
use url::Url;

#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// Identifies the request in `SentRequest`.
    pub number: u64,
    pub url: Url,
    /// The target is ignored; the path and query of `url` are sent.
    pub request: Request,
}

/// The next step of a sender.
#[derive(Clone, Debug)]
pub enum NextRequest {
    Send(OutgoingRequest),
    /// Ask again after this time, or after the next answer.
    Wait(Duration),
    /// Nothing to send. Ask again after the next answer; stop if none is outstanding.
    Nothing,
    /// Stop now, without waiting for outstanding answers.
    Stop,
}

impl From<Option<OutgoingRequest>> for NextRequest {
    fn from(outgoing: Option<OutgoingRequest>) -> Self {
        outgoing.map_or(Self::Nothing, Self::Send)
    }
}

/// A request and its result.
#[derive(Clone, Debug)]
pub struct SentRequest {
    pub number: u64,
    /// Time from the first byte sent to the last byte received.
    pub took: Duration,
    pub answer: std::result::Result<Answer, SendFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    /// Names may be in lower case, and repeated headers next to each other.
    pub headers: Headers,
    /// The body or, if it is longer than requested, its beginning. Untrusted text.
    pub body: Vec<u8>,
    /// True if `body` is the whole body.
    pub is_whole: bool,
}

impl Answer {
    /// Creates an answer without headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status: Status(status), headers: Headers::new(), body: body.into(), is_whole: true }
    }
}

/// Reason why a request has no answer.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SendFailure {
    #[error("can't connect: {0}")]
    Connect(String),
    #[error("no answer in time")]
    Timeout,
    /// The connection was lost, or the answer was not HTTP.
    #[error("the connection failed: {0}")]
    Broken(String),
    /// The connection ended before the answer was complete.
    #[error("the answer was cut off: {cause}")]
    Cut {
        cause: String,
        /// The part that was received.
        start: Box<Answer>,
    },
}

/// An answer of one of whtool's own servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReply {
    pub status: u16,
    /// Headers other than Content-Length.
    pub headers: Headers,
    pub body: Vec<u8>,
    /// Time before the answer is sent.
    pub delay: Duration,
    /// True: close the connection instead of answering.
    pub is_cut: bool,
}

impl ServerReply {
    /// Creates an answer without headers and body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Headers::new(), body: Vec::new(), delay: Duration::ZERO, is_cut: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_request_is_sent_and_none_is_nothing_rather_than_the_end() {
        let url = Url::parse("http://localhost:3000/").unwrap();
        let outgoing = OutgoingRequest { number: 7, url, request: Request::post("/", Vec::new()) };
        assert!(matches!(NextRequest::from(Some(outgoing)), NextRequest::Send(OutgoingRequest { number: 7, .. })));
        assert!(matches!(NextRequest::from(None), NextRequest::Nothing));
    }

    #[test]
    fn each_failure_names_its_cause() {
        let cut = SendFailure::Cut { cause: "reset".to_owned(), start: Box::new(Answer::new(200, "ha")) };
        for (failure, text) in [
            (SendFailure::Connect("refused".to_owned()), "can't connect: refused"),
            (SendFailure::Timeout, "no answer in time"),
            (SendFailure::Broken("not HTTP".to_owned()), "the connection failed: not HTTP"),
            (cut, "the answer was cut off: reset"),
        ] {
            assert_eq!(failure.to_string(), text);
        }
    }

    #[test]
    fn a_new_answer_is_whole_and_a_new_reply_is_sent_at_once() {
        let answer = Answer::new(202, "ok");
        assert_eq!((answer.status, answer.body.as_slice(), answer.is_whole), (Status(202), &b"ok"[..], true));
        let reply = ServerReply::new(404);
        assert_eq!((reply.status, reply.body.len(), reply.delay, reply.is_cut), (404, 0, Duration::ZERO, false));
    }
}
