//! Vocabulary of a check: groups, grades and topics of probes, and what a handler answers.

use crate::model::error::Result;
use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use std::time::Duration;

/// Sends requests to the handler, and supplies the clock and randomness.
pub trait HandlerClient {
    fn now(&self) -> Timestamp;
    /// Returns a random number below this one.
    fn random(&mut self, below: usize) -> usize;
    /// Sends the requests at the same time, and returns the responses in the same order. Fails only
    /// if nothing can be sent at all.
    fn send(&mut self, requests: &[Request], timeout: Duration) -> Result<Vec<HandlerResponse>>;
    /// Waits at least this long.
    fn wait(&mut self, time: Duration) -> Result<()>;
    /// Returns how often the handler has processed an event, once that number is stable. `None` if
    /// it is not counted.
    fn effects(&mut self) -> Result<Option<i64>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeGroup {
    /// Authentic events that must be accepted.
    Accept,
    /// Forged and stale events that must be rejected.
    Refuse,
    /// Authentic events in unusual JSON formats, which show what bytes the handler hashes.
    Raw,
    /// Malformed requests that must not crash the handler.
    Survive,
    /// Response time, duplicates and order.
    Behave,
    /// Requests whose handling the provider does not document.
    Open,
}

impl ProbeGroup {
    /// All groups, in the order in which they are run and shown.
    pub const ALL: [Self; 6] = [Self::Accept, Self::Refuse, Self::Raw, Self::Survive, Self::Behave, Self::Open];

    /// Returns the first part of the group's probe ids.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Refuse => "refuse",
            Self::Raw => "raw",
            Self::Survive => "survive",
            Self::Behave => "behave",
            Self::Open => "open",
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::Accept => "authentic events are accepted",
            Self::Refuse => "forged and stale events are rejected",
            Self::Raw => "the signature covers the raw body",
            Self::Survive => "malformed requests do not crash the handler",
            Self::Behave => "response time, duplicates, order",
            Self::Open => "not documented by the provider",
        }
    }
}

/// Result of a probe, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeGrade {
    Pass,
    /// Neither good nor bad.
    Info,
    /// The probe was not run, or its responses mean nothing for this handler.
    Skipped,
    /// May cost events or money in some situations.
    Warn,
    Fail,
}

impl ProbeGrade {
    /// All grades, in the order in which they are counted in reports.
    pub const ALL: [Self; 5] = [Self::Pass, Self::Fail, Self::Warn, Self::Info, Self::Skipped];

    /// Returns the stable code for JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Info => "info",
            Self::Skipped => "not_run",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// Returns the word that follows this number of probes in a summary.
    pub fn count_label(self, count: usize) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::Info => "info",
            Self::Skipped => "skipped",
            Self::Warn if count == 1 => "warning",
            Self::Warn => "warnings",
            Self::Fail => "failed",
        }
    }
}

/// Property of the request that a probe tests. Together with the response it determines the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProbeTopic {
    /// An authentic event as documented.
    Event,
    /// One of two documented signature formats.
    SignatureFormat,
    HexCase,
    HeaderNameCase,
    LargeBody,
    Duplicate,
    EventOrder,
    MissingSignature,
    /// A signature of the wrong length, or not hex.
    MalformedSignature,
    /// A well-formed signature that is wrong.
    ForgedSignature,
    StaleTimestamp,
    /// A signed timestamp that is old, but within the tolerance of the provider's SDKs.
    AgedTimestamp,
    FutureTimestamp,
    /// A signed timestamp that is not a number.
    InvalidTimestamp,
    MissingTimestamp,
    /// A timestamp that differs from the signed one.
    ChangedTimestamp,
    /// A signed body that is not an event.
    InvalidPayload,
    ConcurrentDuplicate,
    Undocumented,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerResponse {
    /// Time from the first byte sent to the last byte received.
    pub took: Duration,
    pub answer: std::result::Result<Answer, SendFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeExchange {
    pub request: Request,
    pub response: HandlerResponse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseClass {
    Success,
    /// 3xx. No provider documents that it follows redirects.
    Redirect,
    ClientError,
    /// 5xx, or an invalid status.
    ServerError,
    Timeout,
    /// The connection ended without a complete response.
    Disconnected,
    /// No connection could be made.
    Unreachable,
}

impl HandlerResponse {
    pub fn class(&self) -> ResponseClass {
        match &self.answer {
            Ok(answer) => match answer.status.0 {
                200..300 => ResponseClass::Success,
                300..400 => ResponseClass::Redirect,
                400..500 => ResponseClass::ClientError,
                _ => ResponseClass::ServerError,
            },
            Err(SendFailure::Timeout) => ResponseClass::Timeout,
            Err(SendFailure::Broken(_) | SendFailure::Cut { .. }) => ResponseClass::Disconnected,
            Err(SendFailure::Connect(_) | SendFailure::Misconfigured(_)) => ResponseClass::Unreachable,
        }
    }

    pub fn is_success(&self) -> bool {
        self.class() == ResponseClass::Success
    }

    /// Returns the HTTP status. `None` if there is no complete response.
    pub fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|answer| answer.status.0)
    }

    /// Describes the response in a few words that contain no text of the handler's: `answered 500`.
    pub fn describe(&self) -> String {
        match &self.answer {
            Ok(answer) => format!("answered {}", answer.status),
            Err(SendFailure::Timeout) => "timed out".to_owned(),
            Err(SendFailure::Broken(_)) => "closed the connection without a response".to_owned(),
            Err(SendFailure::Cut { .. }) => "sent an incomplete response".to_owned(),
            Err(SendFailure::Connect(_)) => "refused the connection".to_owned(),
            Err(SendFailure::Misconfigured(_)) => "can't be used as it is set up".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn each_response_belongs_to_one_class_and_is_described_without_its_text() {
        let cut = || SendFailure::Cut { cause: "<b>".to_owned(), start: Box::new(Answer::new(200, "")) };
        let answered = |status| Ok(Answer::new(status, "<b>text of the handler</b>"));
        for (answer, class, text) in [
            (answered(200), ResponseClass::Success, "answered 200"),
            (answered(299), ResponseClass::Success, "answered 299"),
            (answered(300), ResponseClass::Redirect, "answered 300"),
            (answered(399), ResponseClass::Redirect, "answered 399"),
            (answered(400), ResponseClass::ClientError, "answered 400"),
            (answered(499), ResponseClass::ClientError, "answered 499"),
            (answered(500), ResponseClass::ServerError, "answered 500"),
            (answered(999), ResponseClass::ServerError, "answered 999"),
            (answered(199), ResponseClass::ServerError, "answered 199"),
            (Err(SendFailure::Timeout), ResponseClass::Timeout, "timed out"),
            (
                Err(SendFailure::Broken("<b>".to_owned())),
                ResponseClass::Disconnected,
                "closed the connection without a response",
            ),
            (Err(cut()), ResponseClass::Disconnected, "sent an incomplete response"),
            (Err(SendFailure::Connect("<b>".to_owned())), ResponseClass::Unreachable, "refused the connection"),
        ] {
            let status = answer.as_ref().ok().map(|answer: &Answer| answer.status.0);
            let response = HandlerResponse { took: Duration::ZERO, answer };
            assert_eq!((response.class(), response.describe().as_str()), (class, text));
            assert_eq!((response.status(), response.is_success()), (status, class == ResponseClass::Success));
        }
    }

    #[test]
    fn grades_are_ordered_from_best_to_worst_and_counted_in_words() {
        assert!(
            [ProbeGrade::Pass, ProbeGrade::Info, ProbeGrade::Skipped, ProbeGrade::Warn, ProbeGrade::Fail].is_sorted()
        );
        let words = |count| ProbeGrade::ALL.map(|grade| grade.count_label(count));
        assert_eq!(words(1), ["passed", "failed", "warning", "info", "skipped"]);
        assert_eq!(words(0), ["passed", "failed", "warnings", "info", "skipped"]);
        assert_eq!(ProbeGrade::ALL.map(ProbeGrade::code), ["pass", "fail", "warn", "info", "not_run"]);
    }
}
