//! The listener against clients over real sockets: what they send, and what they are answered.
//! Deadlines, limits and shutdown are in `timeouts`, which shares the client below.

mod timeouts;

use super::*;
use crate::model::bind::BindHost;
use crate::model::delivery::RejectedRequest;
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::event::Event;
use crate::model::message::Request;
use crate::model::secret::SecretOrigin;
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Verdict;
use crate::world::AckPolicy;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use tokio::sync::watch;

/// Longer than anything here takes unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Options of the listener under test.
struct Setup {
    timeouts: Timeouts,
    ack_policy: AckPolicy,
    max_connections: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self { timeouts: Timeouts::default(), ack_policy: AckPolicy::Verified, max_connections: 1024 }
    }
}

const MAX_BODY: usize = 1000;

impl Setup {
    fn start(self) -> Listener {
        self.start_with(watch::Sender::new(0)).0
    }

    fn start_with(self, signals: watch::Sender<u32>) -> (Listener, watch::Sender<u32>) {
        let addresses = "127.0.0.1:0".parse::<BindHost>().unwrap().with_port(0);
        let options = ListenOptions {
            addresses,
            max_body: MAX_BODY,
            ack_policy: self.ack_policy,
            store: None,
            refused_limit: 0,
            forward: None,
            secret_sources: Vec::new(),
            answers: Vec::new(),
        };
        let limiter = Arc::new(ConnectionLimiter::new(self.max_connections));
        let interrupt = Interrupt::from_sender(&signals);
        (start_with(&options, Arc::new(verify), self.timeouts, interrupt, limiter).unwrap(), signals)
    }
}

/// Verifies bodies that start with `good`.
fn verify(delivery: Delivery, _now: Timestamp) -> AnalyzedDelivery {
    assert_ne!(delivery.request.target, "/panic", "this panic is part of a test");
    let is_good = delivery.request.body.starts_with(b"good");
    let verdict = if is_good { Verdict::Verified { secret: SecretOrigin::LocalTest } } else { Verdict::Mismatch };
    AnalyzedDelivery { delivery, provider: None, verdict, event: Event::default() }
}

struct Client(BufReader<TcpStream>);

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Client {
    fn connect(listener: &Listener) -> Self {
        let stream = TcpStream::connect(listener.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    fn shut_down_writing(&self) {
        self.0.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "the connection ended in {head:?}");
        }
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// Waits for the other side to close the connection, perhaps with a reset.
    fn is_closed(&mut self) -> bool {
        match self.0.fill_buf() {
            Ok(rest) => rest.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

fn post(body: &str) -> String {
    format!("POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn received(listener: &mut Listener) -> (Request, u16) {
    match listener.next(Some(PATIENCE)) {
        ListenerEvent::Received(arrived) => (arrived.received.delivery.request.clone(), arrived.status),
        other => panic!("{other:?} instead of a delivery"),
    }
}

fn rejected(listener: &mut Listener) -> RejectedRequest {
    match listener.next(Some(PATIENCE)) {
        ListenerEvent::Rejected(rejected) => rejected,
        other => panic!("{other:?} instead of a rejected request"),
    }
}

fn assert_nothing_more(mut listener: Listener) {
    listener.close();
    let last = listener.next(Some(PATIENCE));
    assert!(matches!(last, ListenerEvent::Closed), "{last:?}");
}

#[test]
fn a_delivery_has_the_bytes_that_were_sent() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    let head =
        b"hOsT: a\r\nX-Twice:1\r\nX-Latin: caf\xe9\r\nX-Utf8: caf\xc3\xa9\r\nx-twice:  2 \r\nContent-Length: 9\r\n";
    let body = b"good\0\r\n\xff\n";
    client.send([b"POST /hook/%41?b=1&b=2 HTTP/1.1\r\n", &head[..], b"\r\n", body].concat());
    let answer = client.answer();
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    assert!(answer.head.contains("content-type: text/plain\r\n"));
    assert!(!answer.head.contains("server:"));
    let (request, status) = received(&mut listener);
    assert_eq!((request.method.as_str(), request.target.as_str(), status), ("POST", "/hook/%41?b=1&b=2", 200));
    assert_eq!(request.headers.as_bytes(), head);
    assert_eq!(request.body, body);
}

#[test]
fn a_delivery_has_the_peer_and_the_time_of_arrival() {
    let mut listener = Setup::default().start();
    let before = crate::model::timestamp::Timestamp::now();
    let mut client = Client::connect(&listener);
    client.send(post("good"));
    client.answer();
    let ListenerEvent::Received(arrived) = listener.next(Some(PATIENCE)) else { panic!("no delivery") };
    let received = &arrived.received;
    assert_eq!(received.delivery.peer, Some(client.0.get_ref().local_addr().unwrap()));
    assert!(received.delivery.arrived.is_some_and(|arrived| arrived >= before));
}

#[test]
fn an_unverified_delivery_gets_401_without_a_reason() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send(post("bad"));
    let answer = client.answer();
    assert_eq!((answer.status, answer.body.as_str()), (401, "refused\n"));
    assert_eq!(received(&mut listener).1, 401);
}

#[test]
fn every_delivery_is_acknowledged_if_that_is_the_policy() {
    let mut listener = Setup { ack_policy: AckPolicy::All, ..Setup::default() }.start();
    let mut client = Client::connect(&listener);
    client.send(post("bad"));
    assert_eq!(client.answer().status, 200);
    assert_eq!(received(&mut listener).1, 200);
}

#[test]
fn pipelined_requests_keep_their_own_heads_and_bodies() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    let names: Vec<String> = (0..100).map(|number| format!("X-Number-{number}: {number}\r\n")).collect();
    for name in &names {
        let body = format!("good {name}");
        client.send(format!("POST /a HTTP/1.1\r\nHost: a\r\n{name}Content-Length: {}\r\n\r\n{body}\r\n", body.len()));
    }
    for name in &names {
        assert_eq!(client.answer().status, 200);
        let request = received(&mut listener).0;
        assert!(request.headers.as_bytes().windows(name.len()).any(|window| window == name.as_bytes()));
        assert_eq!(request.body, format!("good {name}").into_bytes());
    }
}

#[test]
fn a_chunked_body_is_decoded_and_its_connection_closed() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ngoo\r\n2\r\nd!\r\n0\r\nX-T: 1\r\n\r\n",
    );
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("connection: close\r\n"));
    assert!(client.is_closed());
    assert_eq!(received(&mut listener).0.body, b"good!");
}

#[test]
fn a_request_with_two_lengths_is_refused() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send("POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\ngood!");
    assert_eq!(client.answer().status, 400);
    assert!(client.is_closed());
    let rejected = rejected(&mut listener);
    assert_eq!((rejected.refusal.status(), rejected.request.as_str()), (400, "POST /two"));
    assert_nothing_more(listener);
}

#[test]
fn a_body_whose_announced_length_is_too_large_is_refused_unread() {
    let mut listener = Setup::default().start();
    for length in ["1001", "1000000000000000", "18446744073709551613"] {
        let mut client = Client::connect(&listener);
        client.send(format!("POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nabc"));
        let answer = client.answer();
        assert_eq!(answer.status, 413);
        assert!(answer.head.contains("connection: close\r\n"));
        client.shut_down_writing();
        assert!(client.is_closed());
        assert_eq!(rejected(&mut listener).request, "POST /big");
    }
    assert_nothing_more(listener);
}

#[test]
fn a_client_that_is_still_sending_can_read_its_413() {
    let listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
    client.send(vec![b'a'; 4_000_000]);
    assert_eq!(client.answer().status, 413);
}

#[test]
fn a_chunked_body_that_grows_too_large_is_refused() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    let chunk = format!("258\r\n{}\r\n", "a".repeat(600));
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}"));
    assert_eq!(client.answer().status, 413);
    client.shut_down_writing();
    assert!(client.is_closed());
    assert_eq!(rejected(&mut listener).refusal.status(), 413);
    assert_nothing_more(listener);
}

#[test]
fn a_body_of_the_maximum_size_is_accepted() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send(post(&"a".repeat(MAX_BODY)));
    assert_eq!(client.answer().status, 401);
    assert_eq!(received(&mut listener).0.body.len(), MAX_BODY);
}

#[test]
fn expect_100_continue_gets_100_or_413() {
    let mut listener = Setup::default().start();
    let head =
        |length| format!("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
    let mut client = Client::connect(&listener);
    client.send(head(4));
    assert_eq!(client.answer().status, 100);
    client.send("good");
    assert_eq!(client.answer().status, 200);
    assert_eq!(received(&mut listener).0.body, b"good");
    let mut client = Client::connect(&listener);
    client.send(head(MAX_BODY + 1));
    assert_eq!(client.answer().status, 413);
}

#[test]
fn only_post_is_accepted() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("allow: post\r\n"));
    let rejected = rejected(&mut listener);
    assert_eq!((rejected.request.as_str(), rejected.refusal.status()), ("GET /health", 405));
    client.send(post("good"));
    assert_eq!(client.answer().status, 200, "the connection stays open");
}

#[test]
fn a_truncated_body_is_never_verified() {
    let mut listener = Setup::default().start();
    for head in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        let mut client = Client::connect(&listener);
        client.send(format!("POST /cut HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n4\r\n"));
        client.shut_down_writing();
        assert_eq!(client.answer().status, 400);
        assert!(client.is_closed());
        assert_eq!(rejected(&mut listener).request, "POST /cut");
    }
    assert_nothing_more(listener);
}

#[test]
fn tls_on_the_plain_port_is_rejected() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0\0\n\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    assert_eq!(rejected(&mut listener).refusal.status(), 400);
    assert_nothing_more(listener);
}

#[test]
fn an_offer_to_upgrade_is_ignored() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    let upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n";
    for _ in 0..2 {
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{upgrade}Content-Length: 4\r\n\r\ngood"));
        assert_eq!(client.answer().status, 200);
        assert_eq!(received(&mut listener).0.body, b"good");
    }
}

#[test]
fn http_1_0_is_accepted() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send("POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\ngood");
    assert_eq!(client.answer().status, 200);
    assert!(client.is_closed());
    assert_eq!(received(&mut listener).0.headers.len(), 1);
}

#[test]
fn a_client_that_half_closes_is_answered() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send(post("good"));
    client.shut_down_writing();
    assert_eq!(client.answer().status, 200);
    received(&mut listener);
}

#[test]
fn an_endless_head_is_refused() {
    let listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send(format!("POST / HTTP/1.1\r\nHost: {}", "a".repeat(100_000)));
    assert_eq!(client.answer().status, 431);
    let mut client = Client::connect(&listener);
    client.send(format!("POST / HTTP/1.1\r\n{}\r\n", "A: 1\r\n".repeat(101)));
    assert_eq!(client.answer().status, 431);
}

#[test]
fn each_refusal_says_why_to_the_client_and_in_the_event() {
    let mut listener = Setup::default().start();
    for (request, status, reason) in [
        (&b"POST / HTTP/1.1\r\n\r\n"[..], 400, "there is no Host header"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400, "there is more than one Host header"),
        (b"POST / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "the Host header is not a host and a port"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n", 400, "Content-Length is not a number"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "HTTP/2 is not spoken here: use HTTP/1.1"),
        (b"\x16\x03\x01\x02", 400, "this port speaks plain HTTP, not TLS: use http://"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405, "only POST is accepted"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413, "the body is larger than 1000 bytes"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", 400, "the body ended before its announced end"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
            "the chunks of the body are invalid",
        ),
    ] {
        let mut client = Client::connect(&listener);
        client.send(request);
        client.shut_down_writing();
        let answer = client.answer();
        assert_eq!((answer.status, answer.body.as_str()), (status, &*format!("{reason}\n")));
        assert!(client.is_closed());
        let refusal = rejected(&mut listener).refusal;
        assert_eq!((refusal.status(), refusal.to_string().as_str()), (status, reason));
    }
    assert_nothing_more(listener);
}

#[test]
fn requests_before_a_refused_one_are_answered_first() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    let refused = "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    client.send(format!("{}{refused}{}", post("good").repeat(3), post("good")));
    for _ in 0..3 {
        assert_eq!(client.answer().status, 200);
        received(&mut listener);
    }
    assert_eq!(client.answer().status, 400);
    client.shut_down_writing();
    assert!(client.is_closed());
    rejected(&mut listener);
    assert_nothing_more(listener);
}

#[test]
fn a_connection_that_stays_open_is_announced() {
    let listener = Setup::default().start();
    let announced = |head: &str| {
        let mut client = Client::connect(&listener);
        client.send(format!("{head}Content-Length: 3\r\n\r\nbad"));
        client.answer().head.contains("\r\nkeep-alive: timeout=120\r\n")
    };
    assert!(announced("POST / HTTP/1.1\r\nHost: a\r\n"));
    assert!(announced("POST / HTTP/1.0\r\nConnection: Keep-Alive\r\n"));
    assert!(!announced("POST / HTTP/1.0\r\n"));
    assert!(!announced("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"));
    assert!(!announced("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n"));
}
