//! Keeps each request's head exactly as it came down the socket.
//!
//! hyper lower-cases header names and groups repeats, so a recorder listens below it: it sees every byte that hyper sees,
//! copies the heads, and skips the bodies by their Content-Length. It judges nothing: where hyper refuses a head, what was
//! recorded of it is never asked for.

use crate::kept::Line;
use crate::message::Headers;
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
    /// The request line, byte for byte.
    pub line: Line,
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
    body: Framing,
    place: Place,
    rest: Option<Rest>,
}

/// Where in the stream of requests the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before a request line.
    Between,
    /// In a head.
    Head,
    /// In a body, so many bytes before its end.
    Body(u64),
    /// Nobody knows: nothing more is recorded.
    Lost,
}

/// How a head says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
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
            body: Framing::Length(0),
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
        self.body = Framing::Length(0);
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
                if let Some(framing) = framing(line)
                    && self.body != Framing::Other
                {
                    self.body = framing;
                }
            }
        }
        self.line = 0;
    }

    fn end_head(&mut self) {
        let (place, sequel) = match self.body {
            Framing::Length(0) => (Place::Between, Sequel::Recorded),
            Framing::Length(length) => (Place::Body(length), Sequel::Recorded),
            Framing::Other => (Place::Lost, Sequel::Lost),
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
fn framing(line: &[u8]) -> Option<Framing> {
    let value = |name: &[u8]| match line.get(name.len()) {
        Some(b':') if line[..name.len()].eq_ignore_ascii_case(name) => Some(line[name.len() + 1..].trim_ascii()),
        _ => None,
    };
    if value(b"transfer-encoding").is_some() {
        return Some(Framing::Other);
    }
    let length = std::str::from_utf8(value(b"content-length")?).ok().and_then(|text| text.parse().ok());
    Some(length.map_or(Framing::Other, Framing::Length))
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
        line: Line::new(line.to_vec()),
        sequel,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"X-Twice: 1\r\nhOsT: a\r\nx-twice:2\r\nX-Name: caf\xe9 \xc3\xa9\r\nContent-Length: 3\r\n";

    fn request(body: &[u8]) -> Vec<u8> {
        [b"POST /a?b=%20c HTTP/1.1\r\n", HEAD, b"\r\n", body].concat()
    }

    fn heads(recorder: &Recorder) -> Vec<Head> {
        std::iter::from_fn(|| recorder.take()).collect()
    }

    #[test]
    fn a_head_is_kept_byte_for_byte_however_it_is_cut() {
        let wire = request(b"a\nb");
        for size in 1..wire.len() {
            let recorder = Recorder::new();
            wire.chunks(size).for_each(|chunk| recorder.feed(chunk));
            let heads = heads(&recorder);
            assert_eq!(heads.len(), 1);
            assert_eq!((heads[0].method.as_str(), heads[0].target.as_str()), ("POST", "/a?b=%20c"));
            assert_eq!(heads[0].headers.as_bytes(), HEAD);
            assert_eq!(heads[0].sequel, Sequel::Recorded);
        }
    }

    #[test]
    fn pipelined_requests_come_out_one_by_one() {
        let wire = [request(b"\r\n\n"), b"\r\nGET / HTTP/1.1\r\n\r\n".to_vec(), request(b"abc")].concat();
        for size in [1, 2, 7, 100, wire.len()] {
            let recorder = Recorder::new();
            wire.chunks(size).for_each(|chunk| recorder.feed(chunk));
            let heads = heads(&recorder);
            assert_eq!(heads.iter().map(|head| head.method.as_str()).collect::<Vec<_>>(), ["POST", "GET", "POST"]);
            assert_eq!(heads[1].headers.as_bytes(), b"");
            assert_eq!(heads[2].headers.as_bytes(), HEAD);
        }
    }

    #[test]
    fn lines_may_end_in_a_bare_line_feed() {
        let recorder = Recorder::new();
        recorder.feed(b"POST / HTTP/1.1\nA: 1\n\nGET /2 HTTP/1.1\n\n");
        let heads = heads(&recorder);
        assert_eq!(heads[0].headers.as_bytes(), b"A: 1\n");
        assert_eq!(heads[1].target, "/2");
    }

    #[test]
    fn nothing_is_recorded_after_a_chunked_request() {
        let recorder = Recorder::new();
        recorder
            .feed(b"POST / HTTP/1.1\r\ntransfer-ENCODING: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        let heads = heads(&recorder);
        assert_eq!(heads.len(), 1);
        assert_eq!(heads[0].sequel, Sequel::Lost);
        assert!(recorder.is_owed());
    }

    #[test]
    fn a_coding_outweighs_a_length_before_and_after_it() {
        let (coding, length) = ("Transfer-Encoding: chunked\r\n", "Content-Length: 1\r\n");
        for lines in [[coding, length], [length, coding]] {
            let recorder = Recorder::new();
            let head = format!("POST / HTTP/1.1\r\n{}\r\n", lines.concat());
            recorder.feed(format!("{head}5\r\n\nGET / HTTP/1.1\r\n\r\n").as_bytes());
            let heads = heads(&recorder);
            assert_eq!((heads.len(), heads[0].sequel), (1, Sequel::Lost));
        }
    }

    #[test]
    fn a_head_without_end_takes_no_more_memory_than_a_large_one() {
        let recorder = Recorder::new();
        recorder.feed(b"GET / HTTP/1.1\r\nA: ");
        for _ in 0..100 {
            recorder.feed(&[b'a'; 8192]);
        }
        assert!(recorder.take().is_none());
        assert!(recorder.tape().bytes.capacity() <= 2 * MAX_HEAD);
    }

    #[test]
    fn heads_that_were_taken_take_no_memory() {
        let recorder = Recorder::new();
        for _ in 0..10_000 {
            recorder.feed(&request(b"abc"));
            assert!(recorder.take().is_some());
        }
        assert!(recorder.tape().bytes.capacity() <= 4096);
    }

    #[test]
    fn a_connection_rests_until_its_request_is_complete_and_after_its_answer() {
        let recorder = Recorder::new();
        recorder.feed(&request(b"ab"));
        recorder.take();
        assert_eq!(recorder.rest().map(|rest| rest.acquaintance), Some(Acquaintance::Stranger));
        recorder.in_hand();
        assert!(recorder.rest().is_none());
        recorder.answered();
        assert_eq!(recorder.rest().map(|rest| rest.acquaintance), Some(Acquaintance::Known));
    }
}
