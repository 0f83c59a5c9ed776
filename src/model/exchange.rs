//! Requests that whtool sends and the answers it gets; answers that its own servers give.

use crate::model::address::Reach;
use crate::model::message::{Headers, Request};
use crate::model::status::Status;
use crate::model::target_fault::{SendFlags, TargetFault};
use std::time::Duration;
use url::{Position, Url};

#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// Identifies the request in `SentRequest`.
    pub number: u64,
    /// Names scheme, host and port. Its path and query are not used.
    pub url: Url,
    pub reach: Reach,
    /// Sent with its own target, byte for byte.
    pub request: Request,
}

impl OutgoingRequest {
    /// Makes a request for a URL: the target is the path and query of the URL.
    pub fn to_url(number: u64, url: Url, reach: Reach, request: Request) -> Self {
        let target = url[Position::BeforePath..Position::AfterQuery].to_owned();
        Self { number, url, reach, request: Request { target, ..request } }
    }

    /// Returns the URL that is asked, with the target as it is sent.
    pub fn address(&self) -> String {
        address(&self.url, &self.request.target)
    }
}

/// Returns the URL of a target on the server of `url`, as text: a `Url` would rewrite the target.
pub fn address(url: &Url, target: &str) -> String {
    format!("{}{target}", &url[..Position::BeforePath])
}

/// The next step of a sender.
#[derive(Clone, Debug)]
pub enum NextRequest {
    Send(Box<OutgoingRequest>),
    /// Ask again after this time, or after the next answer.
    Wait(Duration),
    /// Nothing to send. Ask again after the next answer; stop if none is outstanding.
    Nothing,
    /// Stop now, without waiting for outstanding answers.
    Stop,
}

impl NextRequest {
    pub fn send(outgoing: OutgoingRequest) -> Self {
        Self::Send(Box::new(outgoing))
    }
}

impl From<Option<OutgoingRequest>> for NextRequest {
    fn from(outgoing: Option<OutgoingRequest>) -> Self {
        outgoing.map_or(Self::Nothing, Self::send)
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
    /// The target can't work as it is addressed or set up, so trying again is pointless.
    #[error("{0}")]
    Misconfigured(TargetFault),
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

impl SendFailure {
    /// Returns true if no byte of the request was processed: the server did not get it.
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Misconfigured(fault) => fault.is_before_request(),
            Self::Timeout | Self::Broken(_) | Self::Cut { .. } => false,
        }
    }

    /// Returns what to do about it, with the flags of the command that sent the request. `None`:
    /// the failure says all that is known.
    pub fn fix(&self, flags: &SendFlags) -> Option<String> {
        match self {
            Self::Misconfigured(fault) => Some(fault.fix(flags)),
            Self::Connect(cause) if cause == CONNECTION_REFUSED => {
                Some("start the app, or check the port: nothing listens there".to_owned())
            }
            Self::Connect(cause) if cause.starts_with(UNKNOWN_NAME) => {
                Some("check how the name is written; a name of your own belongs into the hosts file".to_owned())
            }
            Self::Connect(cause) if cause.starts_with(TLS_CLOSED) => {
                Some("use http:// if the server has no TLS; its log tells why it ended the handshake".to_owned())
            }
            Self::Timeout => {
                flags.timeout.map(|flag| format!("answer before slow work is done, or allow more time with {flag}"))
            }
            Self::Broken(cause) if cause == CLOSED_UNANSWERED => {
                Some("see the log of the app: it ended the connection, perhaps with a crash".to_owned())
            }
            Self::Connect(_) | Self::Broken(_) | Self::Cut { .. } => None,
        }
    }

    /// Describes the failure and what to do about it, in one line.
    pub fn explain(&self, flags: &SendFlags) -> String {
        self.fix(flags).map_or_else(|| self.to_string(), |fix| format!("{self}; {fix}"))
    }
}

/// Cause of a connection that was refused, as the system calls it.
pub const CONNECTION_REFUSED: &str = "connection refused";
/// Start of the cause if a host name has no address.
pub const UNKNOWN_NAME: &str = "unknown host";
/// Start of the cause if the server ended the connection instead of a TLS handshake.
pub const TLS_CLOSED: &str = "the server closed the connection during the TLS handshake";
/// Cause if the server closed the connection before it sent anything.
pub const CLOSED_UNANSWERED: &str = "closed without an answer";

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
        let outgoing = OutgoingRequest::to_url(7, url, Reach::ThisMachine, Request::post("/", Vec::new()));
        assert!(matches!(NextRequest::from(Some(outgoing)), NextRequest::Send(outgoing) if outgoing.number == 7));
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
