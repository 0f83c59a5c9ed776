//! Keeps each request's head exactly as it came down the socket.
//!
//! hyper lower-cases header names and groups repeats, so a recorder listens below it: it sees every byte that hyper sees,
//! copies the heads, and skips the bodies by their Content-Length. It does not follow a chunked body: the
//! connection closes after such a request. Where hyper refuses a head, the copy of it is never used.

use crate::model::message::Headers;
use memchr::memchr;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The largest head that is kept, in bytes; hyper's buffer is as large. Node takes as much; 4,096 clients that hold a whole one
/// back take some 200 MB.
pub(super) const MAX_HEAD: usize = 16 * 1024;

/// The head of one request, as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The method.
    pub method: String,
    /// Path and query, or whatever stood there.
    pub target: String,
    /// Every header line.
    pub headers: Headers,
    /// Whether the recorder can follow the connection beyond this request.
    pub sequel: Sequel,
}

/// What comes after a request on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sequel {
    /// The next request is recorded too.
    Recorded,
    /// The end of the body can't be told from down here: the connection must close after the answer.
    Lost,
}

/// How long a connection has been without a complete request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// Whether it ever had an answer.
    pub acquaintance: Acquaintance,
    /// Since when it rests.
    pub since: Instant,
}

/// Whether a connection is known for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acquaintance {
    /// It never had an answer.
    Stranger,
    /// It had.
    Known,
}

/// Records one connection: the socket feeds it, and whoever answers takes heads out, in the order of the requests.
#[derive(Debug)]
pub(super) struct Recorder(Mutex<Tape>);

#[derive(Debug)]
struct Tape {
    /// Heads not yet compacted away; the last `head` bytes are of a head that is not complete.
    bytes: Vec<u8>,
    /// How many bytes at the start belong to heads that were taken.
    taken: usize,
    /// Lengths of the complete heads after them.
    complete: VecDeque<(usize, Sequel)>,
    /// Length of the incomplete head.
    head: usize,
    /// Length of the incomplete line at its end.
    line: usize,
    /// What the headers so far say of the body.
    body: Length,
    place: Place,
    rest: Option<Rest>,
}

/// Where in the stream of requests the next byte belongs.
#[derive(Debug)]
enum Place {
    /// Before a request line.
    Between,
    /// In a head.
    Head,
    /// In a body, so many bytes before its end.
    Body(u64),
    /// In or after a body whose end is unknown (chunks), or a head too large to keep: nothing more is recorded.
    Lost,
}

/// How a head says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(u64),
    /// A coding says it, or nothing that can be read.
    Other,
}

impl Recorder {
    /// Records a connection from its first byte.
    pub fn new() -> Self {
        let rest = Rest { acquaintance: Acquaintance::Stranger, since: Instant::now() };
        Self(Mutex::new(Tape {
            bytes: Vec::new(),
            taken: 0,
            complete: VecDeque::new(),
            head: 0,
            line: 0,
            body: Length::Known(0),
            place: Place::Between,
            rest: Some(rest),
        }))
    }

    /// Takes note of bytes that came down the socket.
    pub fn feed(&self, bytes: &[u8]) {
        self.tape().feed(bytes);
    }

    /// The next complete head. `None`: it was too large to keep.
    pub fn take(&self) -> Option<Head> {
        self.tape().take()
    }

    /// A request is complete, body and all, and about to be answered.
    pub fn in_hand(&self) {
        self.tape().rest = None;
    }

    /// The request is answered.
    pub fn answered(&self) {
        self.tape().rest = Some(Rest { acquaintance: Acquaintance::Known, since: Instant::now() });
    }

    /// How long the connection has had no complete request. `None`: it has one.
    pub fn rest(&self) -> Option<Rest> {
        self.tape().rest
    }

    /// Since when the connection has been waiting for a head, or for the rest of one. `None`: it waits for something else.
    pub fn head_since(&self) -> Option<Instant> {
        let tape = self.tape();
        let rest = tape.rest.filter(|_| matches!(tape.place, Place::Between | Place::Head))?;
        Some(rest.since)
    }

    /// Whether the other end may still be sending something that nobody will read.
    pub fn is_owed(&self) -> bool {
        !matches!(self.tape().place, Place::Between)
    }

    /// The request line of a head that was refused, without the version; 200 bytes at most.
    pub fn refused_line(&self) -> String {
        let tape = self.tape();
        let rest = tape.bytes.get(tape.taken..).unwrap_or_default();
        let line = rest.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let line = String::from_utf8_lossy(line.get(..200).unwrap_or(line));
        line.rsplit_once(" HTTP/").map_or(&*line, |(request, _version)| request).to_owned()
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tape {
    fn feed(&mut self, mut bytes: &[u8]) {
        self.compact();
        while let Some(&first) = bytes.first() {
            let used = match self.place {
                Place::Between if matches!(first, b'\r' | b'\n') => 1,
                Place::Between => {
                    self.begin_head();
                    0
                }
                Place::Head => self.feed_line(bytes),
                Place::Body(left) => self.skip_body(left, bytes.len()),
                Place::Lost => bytes.len(),
            };
            bytes = &bytes[used..];
        }
    }

    /// Forgets heads that were taken; cheap because at least half of the bytes go.
    fn compact(&mut self) {
        if self.taken > 0 && self.taken * 2 >= self.bytes.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
            self.bytes.shrink_to(4096);
        }
    }

    fn begin_head(&mut self) {
        self.place = Place::Head;
        self.head = 0;
        self.line = 0;
        self.body = Length::Known(0);
    }

    /// Copies up to the end of a line; says how many bytes that were.
    fn feed_line(&mut self, bytes: &[u8]) -> usize {
        let end = memchr(b'\n', bytes).map(|at| at + 1);
        let used = end.unwrap_or(bytes.len());
        if self.head + used > MAX_HEAD {
            self.place = Place::Lost;
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
                // A coding outweighs any length, whichever comes first; hyper sees it so too.
                if let Some(length) = length_in(line)
                    && self.body != Length::Other
                {
                    self.body = length;
                }
            }
        }
        self.line = 0;
    }

    fn end_head(&mut self) {
        let (place, sequel) = match self.body {
            Length::Known(0) => (Place::Between, Sequel::Recorded),
            Length::Known(length) => (Place::Body(length), Sequel::Recorded),
            Length::Other => (Place::Lost, Sequel::Lost),
        };
        self.complete.push_back((self.head, sequel));
        self.head = 0;
        self.line = 0;
        self.place = place;
    }

    fn skip_body(&mut self, left: u64, there: usize) -> usize {
        let used = usize::try_from(left).map_or(there, |left| left.min(there));
        let left = left - used as u64;
        self.place = if left == 0 { Place::Between } else { Place::Body(left) };
        used
    }

    fn take(&mut self) -> Option<Head> {
        let (length, sequel) = self.complete.pop_front()?;
        let head = read_head(self.bytes.get(self.taken..self.taken + length)?, sequel);
        self.taken += length;
        head
    }
}

/// What one header line says of the body's end; `None`: it is about something else. A length that can't be read is as
/// good as none: hyper refuses it.
fn length_in(line: &[u8]) -> Option<Length> {
    let value = |name: &[u8]| match line.get(name.len()) {
        Some(b':') if line[..name.len()].eq_ignore_ascii_case(name) => Some(line[name.len() + 1..].trim_ascii()),
        _ => None,
    };
    if value(b"transfer-encoding").is_some() {
        return Some(Length::Other);
    }
    let length = std::str::from_utf8(value(b"content-length")?).ok().and_then(|text| text.parse().ok());
    Some(length.map_or(Length::Other, Length::Known))
}

/// Takes a complete head apart. `None`: it is none, and hyper has refused it.
fn read_head(bytes: &[u8], sequel: Sequel) -> Option<Head> {
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
        sequel,
    })
}

#[cfg(test)]
mod tests;
