//! What both ways of sending share: how much of an answer is read, and how a failure is told.

use crate::exchange::{Answer, SendFailure};
use crate::message::Request;
use hyper::Method;
use std::error::Error as StdError;
use std::io;

/// How much of an answer's body is kept.
const KEPT: usize = 64 * 1024;

/// How much of it is read, so that the connection can be used again; beyond it a new one is cheaper.
const READ: usize = 64 * 1024;

/// The start of an answer's body, as it comes in.
#[derive(Debug, Default)]
pub(super) struct Start {
    kept: Vec<u8>,
    read: usize,
}

impl Start {
    /// Takes the next bytes in.
    pub fn add(&mut self, bytes: &[u8]) {
        let room = KEPT - self.kept.len();
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.read += bytes.len();
    }

    /// Whether it is not worth while to read on.
    pub fn is_enough(&self) -> bool {
        self.read > READ
    }

    /// The answer that it is the body of.
    pub fn of_answer(self, status: u16) -> Answer {
        Answer { status, start_of_body: self.kept }
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
