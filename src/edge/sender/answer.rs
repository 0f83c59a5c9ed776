//! Answers as they are read, and the errors of both HTTP clients.

use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::{Headers, Request};
use hyper::{HeaderMap, Method, StatusCode};
use std::error::Error as StdError;
use std::io;

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

/// Converts an error of a connection.
pub(super) fn broken(error: &(dyn StdError + 'static)) -> SendFailure {
    SendFailure::Broken(root_cause(error))
}

/// Returns the message of the innermost error. Errors of the system are named by their kind,
/// without a number.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut current = error;
    loop {
        let io = current.downcast_ref::<io::Error>();
        if let Some(io) = io.filter(|io| io.raw_os_error().is_some()) {
            return io.kind().to_string();
        }
        // The `source` of an `io::Error` skips the error that it wraps.
        let wrapped = io.and_then(io::Error::get_ref).map(|inner| inner as &(dyn StdError + 'static));
        match wrapped.or_else(|| current.source()) {
            Some(inner) => current = inner,
            None => return current.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_cause_is_the_innermost_error_and_system_errors_have_no_number() {
        let missing = std::fs::File::open("/no/such/file").unwrap_err();
        assert_eq!(root_cause(&missing), "entity not found");
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, "invalid peer certificate"));
        assert_eq!(root_cause(&wrapped), "invalid peer certificate");
        assert_eq!(root_cause(&io::Error::from(io::ErrorKind::UnexpectedEof)), "unexpected end of file");
    }
}
