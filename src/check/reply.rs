//! What came back for a request, and what that amounts to.

use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::Request;
use std::time::Duration;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// From the first byte sent to the last byte received.
    pub took: Duration,
    /// The answer, or why there is none.
    pub answer: Result<Answer, SendFailure>,
}

/// A request and what came back for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub reply: Reply,
}

/// What a reply amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// 2xx.
    Taken,
    /// 3xx, which no provider says it follows.
    Redirected,
    /// 4xx.
    Refused,
    /// 5xx, or a status that makes no sense.
    Failed,
    /// No answer in time.
    Hung,
    /// The connection ended without an answer.
    Closed,
    /// Nobody is there.
    Gone,
}

impl Reply {
    /// What it amounts to.
    pub fn came(&self) -> Came {
        match &self.answer {
            Ok(answer) => match answer.status.0 {
                200..300 => Came::Taken,
                300..400 => Came::Redirected,
                400..500 => Came::Refused,
                _ => Came::Failed,
            },
            Err(SendFailure::Timeout) => Came::Hung,
            Err(SendFailure::Broken(_) | SendFailure::Cut { .. }) => Came::Closed,
            Err(SendFailure::Connect(_)) => Came::Gone,
        }
    }

    /// The status, when there is an answer.
    pub fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|answer| answer.status.0)
    }

    /// In a few words, without anything of the handler's own: `answered 500`.
    pub fn words(&self) -> String {
        match &self.answer {
            Ok(answer) => format!("answered {}", answer.status),
            Err(SendFailure::Timeout) => "gave no answer in time".to_owned(),
            Err(SendFailure::Broken(_)) => "closed the connection without an answer".to_owned(),
            Err(SendFailure::Cut { .. }) => "began an answer and did not end it".to_owned(),
            Err(SendFailure::Connect(_)) => "did not accept a connection".to_owned(),
        }
    }
}
