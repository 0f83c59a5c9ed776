//! What both ways of sending share: how an answer is read, and how a failure is told.

use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::{Headers, Request};
use hyper::{HeaderMap, Method, StatusCode};
use std::error::Error as StdError;
use std::io;

/// An answer as it comes in. What is beyond the wanted part of its body is not read: a new connection is cheaper.
#[derive(Debug)]
pub(super) struct Incoming {
    answer: Answer,
    most: usize,
}

impl Incoming {
    /// An answer of which the head is there, and so much of the body is wanted.
    pub fn new(status: StatusCode, headers: &HeaderMap, most: usize) -> Self {
        let mut kept = Headers::with_capacity(headers.len(), 64 * headers.len());
        for (name, value) in headers {
            // hyper let nothing through that could not be said again.
            let _ = kept.push(name.as_str(), value.as_bytes());
        }
        Self { answer: Answer { headers: kept, ..Answer::new(status.as_u16(), []) }, most }
    }

    /// Takes the next bytes in.
    pub fn add(&mut self, bytes: &[u8]) {
        let room = self.most - self.answer.body.len();
        self.answer.is_whole &= bytes.len() <= room;
        self.answer.body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Whether there is more than is wanted.
    pub fn is_enough(&self) -> bool {
        !self.answer.is_whole
    }

    /// What came.
    pub fn into_answer(self) -> Answer {
        self.answer
    }

    /// What came before it ended too soon.
    pub fn cut(self, cause: String) -> SendFailure {
        SendFailure::Cut { cause, start: Box::new(Answer { is_whole: false, ..self.answer }) }
    }
}

/// The method, if it is one that asks for an answer.
pub(super) fn method(request: &Request) -> Result<Method, SendFailure> {
    let refused = |what| SendFailure::Broken(format!("`{}` is not {what}", request.method));
    match Method::from_bytes(request.method.as_bytes()) {
        Ok(Method::CONNECT) => Err(refused("a method for a webhook")),
        Ok(method) => Ok(method),
        Err(_) => Err(refused("a method")),
    }
}

/// The failure of a connection.
pub(super) fn broken(error: &(dyn StdError + 'static)) -> SendFailure {
    SendFailure::Broken(cause(error))
}

/// The lowest cause of an error, in few words.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut lowest = error;
    loop {
        let io = lowest.downcast_ref::<io::Error>();
        if let Some(io) = io.filter(|io| io.raw_os_error().is_some()) {
            return io.kind().to_string();
        }
        // An io::Error hides the error it was made of: its `source` is that error's source.
        let inner = io.and_then(io::Error::get_ref).map(|inner| inner as &(dyn StdError + 'static));
        match inner.or_else(|| lowest.source()) {
            Some(below) => lowest = below,
            None => return lowest.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_lowest_and_an_error_of_the_system_is_named_by_its_kind() {
        let missing = std::fs::File::open("/no/such/file").unwrap_err();
        assert_eq!(cause(&missing), "entity not found");
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, "invalid peer certificate"));
        assert_eq!(cause(&wrapped), "invalid peer certificate");
        assert_eq!(cause(&io::Error::from(io::ErrorKind::UnexpectedEof)), "unexpected end of file");
    }
}
