//! Answers as they are read, for both HTTP clients. `failure` has their errors.

use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::{Headers, Request};
use hyper::{HeaderMap, Method, StatusCode};

/// An answer that is being read. Bytes of the body beyond the limit are not read: closing the
/// connection is cheaper.
#[derive(Debug)]
pub(super) struct PartialAnswer {
    answer: Answer,
    max_body: usize,
}

impl PartialAnswer {
    pub fn new(status: StatusCode, headers: &HeaderMap, max_body: usize) -> Self {
        let mut copied = Headers::with_capacity(headers.len(), 64 * headers.len());
        for (name, value) in headers {
            // hyper accepts nothing that `push` refuses.
            let _ = copied.push(name.as_str(), value.as_bytes());
        }
        Self { answer: Answer { headers: copied, ..Answer::new(status.as_u16(), []) }, max_body }
    }

    /// Appends to the body, up to the limit.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = self.max_body - self.answer.body.len();
        self.answer.is_whole &= bytes.len() <= room;
        self.answer.body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Returns true if the body is longer than the limit.
    pub fn is_truncated(&self) -> bool {
        !self.answer.is_whole
    }

    pub fn finish(self) -> Answer {
        self.answer
    }

    /// Makes the failure for an answer that ended too soon.
    pub fn fail(self, cause: String) -> SendFailure {
        SendFailure::Cut { cause, start: Box::new(Answer { is_whole: false, ..self.answer }) }
    }
}

/// Converts the method. `CONNECT` is refused: it opens a tunnel and gets no answer.
pub(super) fn parse_method(request: &Request) -> Result<Method, SendFailure> {
    let refused = |what| SendFailure::Broken(format!("`{}` is not {what}", request.method));
    match Method::from_bytes(request.method.as_bytes()) {
        Ok(Method::CONNECT) => Err(refused("a method for webhooks")),
        Ok(method) => Ok(method),
        Err(_) => Err(refused("an HTTP method")),
    }
}
