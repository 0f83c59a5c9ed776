//! Copies the head of each request byte for byte.
//!
//! hyper lower-cases header names and groups repeats. So this recorder sits below it: it sees every
//! byte that hyper sees, copies the heads, and skips bodies by their Content-Length. It does not
//! follow a chunked body: the connection closes after such a request. If hyper refuses a head, the
//! copy is not used.

use crate::model::message::Headers;
use memchr::memchr;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Maximum length of a head; hyper's buffer has the same size, and so has Node's. 4,096 clients
/// that each hold back a whole head take about 200 MB.
pub(super) const MAX_HEAD: usize = 16 * 1024;

/// The head of one request, as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    pub headers: Headers,
    pub after: AfterRequest,
}

/// The state of the connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterRequest {
    /// The next head is recorded.
    Recorded,
    /// The end of the body is unknown here, so the connection must close after the response.
    Lost,
}

/// A connection that waits for a request, or for the rest of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    /// True if a request was answered on it.
    pub was_answered: bool,
    pub since: Instant,
}

/// The recorder of one connection. The stream feeds it, and the service takes heads out in order.
#[derive(Debug)]
pub(super) struct Recorder(Mutex<HeadBuffer>);

#[derive(Debug)]
struct HeadBuffer {
    /// Heads that are not yet compacted away; the last `head` bytes belong to an incomplete one.
    bytes: Vec<u8>,
    /// Bytes at the start that belong to heads already taken.
    taken: usize,
    /// Lengths of the complete heads that follow.
    complete: VecDeque<(usize, AfterRequest)>,
    /// Length of the incomplete head.
    head: usize,
    /// Length of the incomplete line at its end.
    line: usize,
    /// The length of the body according to the headers so far.
    body: Length,
    state: ParseState,
    idle: Option<Idle>,
}

/// The part of a request that the next byte belongs to.
#[derive(Debug)]
enum ParseState {
    /// Before a request line.
    BetweenRequests,
    Head,
    /// In a body, with the number of bytes that remain.
    Body(u64),
    /// In or after a body whose end is unknown, or a head that is too large. No more heads are
    /// recorded.
    Lost,
}

/// The length of a body according to its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(u64),
    /// There is a transfer coding, or the length is invalid.
    Unknown,
}

impl Recorder {
    pub fn new() -> Self {
        let idle = Idle { was_answered: false, since: Instant::now() };
        Self(Mutex::new(HeadBuffer {
            bytes: Vec::new(),
            taken: 0,
            complete: VecDeque::new(),
            head: 0,
            line: 0,
            body: Length::Known(0),
            state: ParseState::BetweenRequests,
            idle: Some(idle),
        }))
    }

    /// Records bytes from the socket.
    pub fn feed(&self, bytes: &[u8]) {
        self.buffer().feed(bytes);
    }

    /// Takes the next complete head. `None`: it was too large.
    pub fn take(&self) -> Option<Head> {
        self.buffer().take()
    }

    /// Marks the request as complete, body included.
    pub fn request_complete(&self) {
        self.buffer().idle = None;
    }

    /// Marks the request as answered.
    pub fn answered(&self) {
        self.buffer().idle = Some(Idle { was_answered: true, since: Instant::now() });
    }

    /// Returns how long the connection has been idle. `None`: a complete request is being answered.
    pub fn idle(&self) -> Option<Idle> {
        self.buffer().idle
    }

    /// Returns the time since which the connection waits for a head, or for the rest of one.
    pub fn head_since(&self) -> Option<Instant> {
        let buffer = self.buffer();
        let idle = buffer.idle.filter(|_| matches!(buffer.state, ParseState::BetweenRequests | ParseState::Head))?;
        Some(idle.since)
    }

    /// Returns true if the client may still be sending bytes that will not be read.
    pub fn may_still_send(&self) -> bool {
        !matches!(self.buffer().state, ParseState::BetweenRequests)
    }

    /// Returns the request line of a refused head without the version, at most 200 bytes.
    pub fn refused_request_line(&self) -> String {
        let buffer = self.buffer();
        let rest = buffer.bytes.get(buffer.taken..).unwrap_or_default();
        let line = rest.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let line = String::from_utf8_lossy(line.get(..200).unwrap_or(line));
        line.rsplit_once(" HTTP/").map_or(&*line, |(request, _version)| request).to_owned()
    }

    fn buffer(&self) -> MutexGuard<'_, HeadBuffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeadBuffer {
    fn feed(&mut self, mut bytes: &[u8]) {
        self.compact();
        while let Some(&first) = bytes.first() {
            let used = match self.state {
                ParseState::BetweenRequests if matches!(first, b'\r' | b'\n') => 1,
                ParseState::BetweenRequests => {
                    self.begin_head();
                    0
                }
                ParseState::Head => self.feed_line(bytes),
                ParseState::Body(left) => self.skip_body(left, bytes.len()),
                ParseState::Lost => bytes.len(),
            };
            bytes = &bytes[used..];
        }
    }

    /// Removes heads that were taken. Waits until they are half of the buffer, so that few bytes
    /// move.
    fn compact(&mut self) {
        if self.taken > 0 && self.taken * 2 >= self.bytes.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
            self.bytes.shrink_to(4096);
        }
    }

    fn begin_head(&mut self) {
        self.state = ParseState::Head;
        self.head = 0;
        self.line = 0;
        self.body = Length::Known(0);
    }

    /// Copies bytes up to the end of a line, and returns their number.
    fn feed_line(&mut self, bytes: &[u8]) -> usize {
        let end = memchr(b'\n', bytes).map(|at| at + 1);
        let used = end.unwrap_or(bytes.len());
        if self.head + used > MAX_HEAD {
            self.state = ParseState::Lost;
            return used;
        }
        self.bytes.extend_from_slice(&bytes[..used]);
        self.head += used;
        self.line += used;
        if end.is_some() {
            self.end_line();
        }
        used
    }

    fn end_line(&mut self) {
        let line = &self.bytes[self.bytes.len() - self.line..];
        let is_request_line = self.line == self.head;
        match line {
            b"\n" | b"\r\n" => return self.end_head(),
            _ if is_request_line => {}
            _ => {
                // A transfer coding overrides any length, in whichever order; hyper does the same.
                if let Some(length) = length_in(line)
                    && self.body != Length::Unknown
                {
                    self.body = length;
                }
            }
        }
        self.line = 0;
    }

    fn end_head(&mut self) {
        let (state, after) = match self.body {
            Length::Known(0) => (ParseState::BetweenRequests, AfterRequest::Recorded),
            Length::Known(length) => (ParseState::Body(length), AfterRequest::Recorded),
            Length::Unknown => (ParseState::Lost, AfterRequest::Lost),
        };
        self.complete.push_back((self.head, after));
        self.head = 0;
        self.line = 0;
        self.state = state;
    }

    fn skip_body(&mut self, left: u64, available: usize) -> usize {
        let used = usize::try_from(left).map_or(available, |left| left.min(available));
        let left = left - used as u64;
        self.state = if left == 0 { ParseState::BetweenRequests } else { ParseState::Body(left) };
        used
    }

    fn take(&mut self) -> Option<Head> {
        let (length, after) = self.complete.pop_front()?;
        let head = read_head(self.bytes.get(self.taken..self.taken + length)?, after);
        self.taken += length;
        head
    }
}

/// Reads the body's length from a header line. `None`: the line does not concern it. hyper refuses
/// a length that can't be read.
fn length_in(line: &[u8]) -> Option<Length> {
    let value = |name: &[u8]| match line.get(name.len()) {
        Some(b':') if line[..name.len()].eq_ignore_ascii_case(name) => Some(line[name.len() + 1..].trim_ascii()),
        _ => None,
    };
    if value(b"transfer-encoding").is_some() {
        return Some(Length::Unknown);
    }
    let length = std::str::from_utf8(value(b"content-length")?).ok().and_then(|text| text.parse().ok());
    Some(length.map_or(Length::Unknown, Length::Known))
}

/// Parses a complete head. `None`: hyper has refused it, too.
fn read_head(bytes: &[u8], after: AfterRequest) -> Option<Head> {
    let end = memchr(b'\n', bytes)?;
    let (line, headers) = bytes.split_at(end + 1);
    let text = String::from_utf8_lossy(line);
    let (method, rest) = text.trim_ascii_end().split_once(' ')?;
    let (target, _version) = rest.rsplit_once(' ')?;
    let headers = headers.strip_suffix(b"\n").unwrap_or(headers);
    let headers = headers.strip_suffix(b"\r").unwrap_or(headers);
    Some(Head {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Headers::read(headers.to_vec()).ok()?,
        after,
    })
}

#[cfg(test)]
mod tests;
