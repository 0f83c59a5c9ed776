//! Copies the head of each request byte for byte, and checks it.
//!
//! hyper lower-cases header names, groups repeats, and refuses heads without a reason. So this
//! recorder sits below it: it sees every byte first, copies the heads, and skips bodies by their
//! Content-Length. It does not follow a chunked body: the connection closes after such a request.
//! hyper gets a head once it is complete; in the place of one that is refused it gets `SUBSTITUTE`,
//! whose answer is the refusal.

use super::head_check::{check_first_byte, check_head, check_request_line};
use crate::model::message::Headers;
use crate::model::refusal::Refusal;
use memchr::memchr;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Maximum length of a head; hyper's buffer has the same size, and so has Node's. 4,096 clients
/// that each hold back a whole head take about 200 MB.
pub(in crate::edge) const MAX_HEAD: usize = 16 * 1024;

/// Most line ends before a request.
const MAX_BLANK: usize = 1024;

/// The request that hyper gets in the place of a refused one.
pub(super) const SUBSTITUTE: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// Longest part of a refused request line that is kept.
const MAX_REFUSED_LINE: usize = 200;

/// The head of one request, as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::edge) struct Head {
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    pub headers: Headers,
    pub after: AfterRequest,
}

/// A request whose head is refused.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::edge) struct RefusedHead {
    /// Request line without the version, truncated. Untrusted text.
    pub request: String,
    pub refusal: Refusal,
}

/// The part of the bytes given to `feed` that hyper may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum Fed {
    /// This many; the others belong to an incomplete head.
    Complete(usize),
    /// This many, then `SUBSTITUTE`.
    Refused(usize),
    /// None, because they follow a refused request.
    Discarded,
}

/// The bytes that a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum HeadWait {
    /// The rest of a head or, on a new connection, its first head.
    Head,
    /// Another request.
    NextRequest,
}

/// The state of the connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum AfterRequest {
    /// The next head is recorded.
    Recorded,
    /// The end of the body is unknown here, so the connection must close after the response.
    Lost,
}

/// A connection that waits for a request, or for the rest of one.
#[derive(Clone, Copy, Debug)]
pub(in crate::edge) struct Idle {
    /// True if a request was answered on it.
    pub was_answered: bool,
    pub since: Instant,
}

/// The recorder of one connection. The stream feeds it, and the service takes heads out in order.
#[derive(Debug)]
pub(in crate::edge) struct Recorder(Mutex<HeadBuffer>);

#[derive(Debug)]
struct HeadBuffer {
    /// Heads that are not yet compacted away; the last `head` bytes belong to an incomplete one.
    bytes: Vec<u8>,
    /// Bytes at the start that belong to heads already taken.
    taken: usize,
    /// The heads that follow.
    complete: VecDeque<RecordedHead>,
    /// Length of the incomplete head.
    head: usize,
    /// Length of the incomplete line at its end.
    line: usize,
    /// The length of the body according to the headers so far.
    body: Length,
    state: ParseState,
    idle: Option<Idle>,
    /// Time at which the current head began, on a connection with an answered request.
    head_began: Option<Instant>,
    /// Line ends since the last request.
    blank: usize,
}

#[derive(Debug)]
enum RecordedHead {
    /// A head of this length.
    Complete(usize, AfterRequest),
    Refused(RefusedHead),
}

/// The part of a request that the next byte belongs to.
#[derive(Debug)]
enum ParseState {
    /// Before a request line.
    BetweenRequests,
    Head,
    /// In a body, with the number of bytes that remain.
    Body(u64),
    /// In or after a body whose end is unknown. No more heads are recorded.
    Lost,
    /// After a refused head.
    Refused,
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
            head_began: None,
            blank: 0,
        }))
    }

    /// Records bytes from the socket.
    pub fn feed(&self, bytes: &[u8]) -> Fed {
        self.buffer().feed(bytes)
    }

    /// Takes the next head. `None`: none is complete.
    pub fn take(&self) -> Option<Result<Head, RefusedHead>> {
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

    /// Returns what part of a head the connection waits for, and since when. `None`: it waits for a
    /// body or an answer.
    pub fn head_wait(&self) -> Option<(HeadWait, Instant)> {
        let buffer = self.buffer();
        let idle = buffer.idle?;
        match buffer.state {
            ParseState::BetweenRequests if idle.was_answered => Some((HeadWait::NextRequest, idle.since)),
            ParseState::BetweenRequests => Some((HeadWait::Head, idle.since)),
            ParseState::Head => Some((HeadWait::Head, buffer.head_began.map_or(idle.since, |at| at.max(idle.since)))),
            ParseState::Body(_) | ParseState::Lost | ParseState::Refused => None,
        }
    }

    /// Returns true if the client may still be sending bytes that will not be read.
    pub fn may_still_send(&self) -> bool {
        !matches!(self.buffer().state, ParseState::BetweenRequests)
    }

    fn buffer(&self) -> MutexGuard<'_, HeadBuffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeadBuffer {
    fn feed(&mut self, bytes: &[u8]) -> Fed {
        if matches!(self.state, ParseState::Refused) {
            return Fed::Discarded;
        }
        self.compact();
        let (mut at, mut complete) = (0, 0);
        while let Some(&first) = bytes.get(at) {
            let rest = &bytes[at..];
            let used = match self.state {
                ParseState::BetweenRequests if matches!(first, b'\r' | b'\n') => self.skip_blank(),
                ParseState::BetweenRequests => self.begin_head(first).map(|()| 0),
                ParseState::Head => self.feed_line(rest),
                ParseState::Body(left) => Ok(self.skip_body(left, rest.len())),
                ParseState::Lost | ParseState::Refused => Ok(rest.len()),
            };
            match used {
                Ok(used) => at += used,
                Err(refusal) => {
                    self.refuse(refusal, rest);
                    return Fed::Refused(complete);
                }
            }
            if !matches!(self.state, ParseState::Head) {
                complete = at;
            }
        }
        Fed::Complete(complete)
    }

    /// Queues a refusal in the place of the current head, which ends with the start of `rest`.
    fn refuse(&mut self, refusal: Refusal, rest: &[u8]) {
        let start = self.bytes.len() - self.head;
        let line = [&self.bytes[start..], rest].concat();
        let line = line.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let line = String::from_utf8_lossy(line.get(..MAX_REFUSED_LINE).unwrap_or(line)).into_owned();
        let request = line.rsplit_once(" HTTP/").map_or(line.as_str(), |(request, _version)| request).to_owned();
        self.bytes.truncate(start);
        (self.head, self.line) = (0, 0);
        self.state = ParseState::Refused;
        self.complete.push_back(RecordedHead::Refused(RefusedHead { request, refusal }));
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

    fn skip_blank(&mut self) -> Result<usize, Refusal> {
        self.blank += 1;
        if self.blank > MAX_BLANK { Err(Refusal::HeadTooLarge) } else { Ok(1) }
    }

    fn begin_head(&mut self, first: u8) -> Result<(), Refusal> {
        self.state = ParseState::Head;
        self.head = 0;
        self.line = 0;
        self.blank = 0;
        self.body = Length::Known(0);
        self.head_began = self.idle.is_none_or(|idle| idle.was_answered).then(Instant::now);
        check_first_byte(first)
    }

    /// Copies bytes up to the end of a line, and returns their number.
    fn feed_line(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let end = memchr(b'\n', bytes).map(|at| at + 1);
        let used = end.unwrap_or(bytes.len());
        if self.head + used > MAX_HEAD {
            return Err(Refusal::HeadTooLarge);
        }
        self.bytes.extend_from_slice(&bytes[..used]);
        self.head += used;
        self.line += used;
        match end {
            Some(_) => self.end_line().inspect_err(|_| self.forget(used)).map(|()| used),
            None => Ok(used),
        }
    }

    /// Removes the last bytes of the head, which `feed_line` added.
    fn forget(&mut self, used: usize) {
        self.bytes.truncate(self.bytes.len() - used);
        self.head -= used;
    }

    fn end_line(&mut self) -> Result<(), Refusal> {
        let line = &self.bytes[self.bytes.len() - self.line..];
        let is_request_line = self.line == self.head;
        match line {
            b"\n" | b"\r\n" => return self.end_head(),
            line if is_request_line => check_request_line(line)?,
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
        Ok(())
    }

    fn end_head(&mut self) -> Result<(), Refusal> {
        check_head(&self.bytes[self.bytes.len() - self.head..])?;
        let (state, after) = match self.body {
            Length::Known(0) => (ParseState::BetweenRequests, AfterRequest::Recorded),
            Length::Known(length) => (ParseState::Body(length), AfterRequest::Recorded),
            Length::Unknown => (ParseState::Lost, AfterRequest::Lost),
        };
        self.complete.push_back(RecordedHead::Complete(self.head, after));
        self.head = 0;
        self.line = 0;
        self.state = state;
        Ok(())
    }

    fn skip_body(&mut self, left: u64, available: usize) -> usize {
        let used = usize::try_from(left).map_or(available, |left| left.min(available));
        let left = left - used as u64;
        self.state = if left == 0 { ParseState::BetweenRequests } else { ParseState::Body(left) };
        used
    }

    fn take(&mut self) -> Option<Result<Head, RefusedHead>> {
        match self.complete.pop_front()? {
            RecordedHead::Refused(refused) => Some(Err(refused)),
            RecordedHead::Complete(length, after) => {
                let head = read_head(self.bytes.get(self.taken..self.taken + length)?, after);
                self.taken += length;
                head.map(Ok)
            }
        }
    }
}

impl Head {
    /// Returns the request line without the version. Untrusted text.
    pub fn request_line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// Reads the body's length from a header line. `None`: the line does not concern it. A length that
/// can't be read is refused with the whole head.
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

/// Parses a complete head. `None`: `check_head` has refused it, too.
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
