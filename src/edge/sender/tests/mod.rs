//! The sender against servers over real sockets.

mod certificates;
mod wire;

use super::*;
use crate::model::address::Reach;
use crate::model::exchange::{Answer, CLOSED_UNANSWERED, OutgoingRequest, SendFailure};
use crate::model::message::{Headers, Request};
use crate::model::target_fault::TargetFault;
use crate::world::CertificateCheck;
use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use tokio::sync::watch;

const OPTIONS: SendOptions = SendOptions {
    concurrency: 1,
    per_second: None,
    timeout: Duration::from_secs(20),
    certificates: CertificateCheck::Verify,
    max_body: 65_536,
};

/// Starts a server that hands every connection to `answer`, for as long as the test runs.
fn start_server(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        std::thread::scope(|scope| {
            for stream in listener.incoming().map_while(Result::ok) {
                scope.spawn(|| answer(stream));
            }
        });
    });
    address
}

/// Reads a request: its head as sent, with each byte as one character, and its body.
fn read_request(stream: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let head: String = head.into_iter().map(char::from).collect();
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// Starts a server that answers every request with these bytes.
fn server_with_answer(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    start_server(move |stream| {
        let mut stream = BufReader::new(stream);
        while read_request(&mut stream).is_some() {
            if stream.get_mut().write_all(&answer).is_err() {
                break;
            }
        }
    })
}

fn outgoing(number: u64, server: SocketAddr, request: Request) -> OutgoingRequest {
    let url = format!("http://{server}/hook?a=b").parse().unwrap();
    OutgoingRequest::to_url(number, url, Reach::ThisMachine, request)
}

fn send_requests(options: &SendOptions, requests: Vec<OutgoingRequest>) -> Vec<SentRequest> {
    let mut sent = Vec::new();
    let mut requests = requests.into_iter();
    let interrupt = Interrupt::from_sender(&watch::Sender::new(0));
    let end = send(options, interrupt, &mut || requests.next().into(), &mut |one| sent.push(one));
    assert_eq!(end, Ok(SendStatus::Complete));
    sent
}

fn status_and_body(answer: Result<Answer, SendFailure>) -> Result<(u16, Vec<u8>), SendFailure> {
    answer.map(|answer| (answer.status.0, answer.body))
}

fn send_one(options: &SendOptions, server: SocketAddr) -> Result<Answer, SendFailure> {
    let mut sent = send_requests(options, vec![outgoing(7, server, Request::post("/", b"x".to_vec()))]);
    assert_eq!((sent.len(), sent[0].number), (1, 7));
    sent.remove(0).answer
}

#[test]
fn concurrent_requests_are_each_reported_once() {
    let address = server_with_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let requests = (0..200).map(|number| outgoing(number, address, Request::post("/", vec![b'a'; 300]))).collect();
    let sent = send_requests(&SendOptions { concurrency: 8, ..OPTIONS }, requests);
    assert!(sent.iter().all(|one| one.answer.as_ref().is_ok_and(|answer| answer.status == 200)));
    let mut numbers: Vec<u64> = sent.iter().map(|one| one.number).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..200));
}

#[test]
fn the_next_request_is_taken_only_when_it_may_start() {
    let address = server_with_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (taken, reported) = (Cell::new(0), Cell::new(0));
    let mut next = || {
        assert!(taken.get() - reported.get() < 3, "{} taken, {} reported", taken.get(), reported.get());
        if taken.get() == 50 {
            return NextRequest::Nothing;
        }
        taken.set(taken.get() + 1);
        NextRequest::send(outgoing(taken.get(), address, Request::post("/", Vec::new())))
    };
    let interrupt = Interrupt::from_sender(&watch::Sender::new(0));
    let options = SendOptions { concurrency: 3, ..OPTIONS };
    assert_eq!(
        send(&options, interrupt, &mut next, &mut |_| reported.set(reported.get() + 1)),
        Ok(SendStatus::Complete)
    );
    assert_eq!((taken.get(), reported.get()), (50, 50));
}

#[test]
fn the_rate_limit_is_kept() {
    let address = server_with_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let requests = (0..11).map(|number| outgoing(number, address, Request::post("/", Vec::new()))).collect();
    let start = std::time::Instant::now();
    send_requests(&SendOptions { concurrency: 4, per_second: Some(100.0), ..OPTIONS }, requests);
    assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
}

#[test]
fn a_wait_ends_after_its_time_or_with_the_next_answer() {
    let address = server_with_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let one = |number| NextRequest::send(outgoing(number, address, Request::post("/", Vec::new())));
    let steps = RefCell::new(vec![
        NextRequest::Nothing,
        one(2),
        NextRequest::Wait(Duration::from_secs(3600)),
        one(1),
        NextRequest::Wait(Duration::from_millis(1)),
    ]);
    let reported = RefCell::new(Vec::new());
    let mut next = || steps.borrow_mut().pop().unwrap_or(NextRequest::Nothing);
    let options = SendOptions { concurrency: 2, ..OPTIONS };
    send(&options, Interrupt::from_sender(&watch::Sender::new(0)), &mut next, &mut |sent| {
        reported.borrow_mut().push(sent.number)
    })
    .unwrap();
    assert_eq!(reported.into_inner(), [1, 2]);
}

#[test]
fn next_is_called_again_after_each_answer() {
    let address = server_with_answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    let again = Cell::new(1);
    let reported = Cell::new(0);
    let mut next = || {
        let due = again.take();
        if due == 0 {
            NextRequest::Nothing
        } else {
            NextRequest::send(outgoing(due, address, Request::post("/", Vec::new())))
        }
    };
    let mut done = |sent: SentRequest| {
        reported.set(reported.get() + 1);
        again.set(if sent.number < 3 { sent.number + 1 } else { 0 });
    };
    send(&OPTIONS, Interrupt::from_sender(&watch::Sender::new(0)), &mut next, &mut done).unwrap();
    assert_eq!(reported.get(), 3);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = elsewhere.local_addr().unwrap();
    let address =
        server_with_answer(format!("HTTP/1.1 307 Go\r\nLocation: http://{location}/\r\nContent-Length: 0\r\n\r\n"));
    let answer = send_one(&OPTIONS, address).unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(answer.headers.get("Location"), Some(format!("http://{location}/").as_bytes()));
    assert!(elsewhere.accept().is_err());
}

#[test]
fn a_long_answer_is_truncated() {
    let body = "a".repeat(1_000_000);
    let address = server_with_answer(format!("HTTP/1.1 500 No\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let answer = send_one(&OPTIONS, address).unwrap();
    assert_eq!((answer.status.0, answer.body, answer.is_whole), (500, vec![b'a'; 65_536], false));
}

#[test]
fn a_refused_connection_has_a_plain_message() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(send_one(&OPTIONS, address), Err(SendFailure::Connect("connection refused".to_owned())));
}

#[test]
fn a_server_that_does_not_answer_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = SendOptions { timeout: Duration::from_millis(50), ..OPTIONS };
    assert_eq!(send_one(&options, silent.local_addr().unwrap()), Err(SendFailure::Timeout));
}

#[test]
fn a_broken_connection_and_an_invalid_answer_are_failures() {
    let closing = start_server(|stream| drop(read_request(&mut BufReader::new(stream))));
    let babbling = server_with_answer("220 smtp.example ESMTP\r\n");
    let cut = start_server(|stream| {
        let mut stream = BufReader::new(stream);
        read_request(&mut stream);
        let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    });
    assert_eq!(send_one(&OPTIONS, closing), Err(SendFailure::Broken(CLOSED_UNANSWERED.to_owned())));
    let fault = TargetFault::NotHttp("220 smtp.example ESMTP".to_owned());
    assert_eq!(send_one(&OPTIONS, babbling), Err(SendFailure::Misconfigured(fault)));
    let Err(SendFailure::Cut { start, .. }) = send_one(&OPTIONS, cut) else { panic!("expected a truncated answer") };
    assert_eq!((start.status.0, &*start.body, start.is_whole), (200, &b"abc"[..], false));
}

#[test]
fn a_failure_does_not_stop_other_requests() {
    let good = server_with_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let none = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let requests = [good, none, good].into_iter().zip(0..);
    let requests = requests.map(|(address, number)| outgoing(number, address, Request::post("/", Vec::new())));
    let sent = send_requests(&OPTIONS, requests.collect());
    assert_eq!(sent.iter().map(|one| one.answer.is_ok()).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn an_interrupt_ends_sending() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let signals = watch::Sender::new(0);
    let asked = RefCell::new(vec![outgoing(1, address, Request::post("/", Vec::new()))]);
    let mut next = || {
        let request = asked.borrow_mut().pop();
        if request.is_none() {
            signals.send_modify(|count| *count += 1);
        }
        request.into()
    };
    let options = SendOptions { concurrency: 2, ..OPTIONS };
    let end = send(&options, Interrupt::from_sender(&signals), &mut next, &mut |sent| panic!("{sent:?}"));
    assert_eq!(end, Ok(SendStatus::Interrupted));
}
