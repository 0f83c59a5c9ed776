//! The sender against targets over real sockets.

mod certificates;
mod wire;

use super::*;
use crate::model::exchange::{Answer, OutgoingRequest, SendFailure};
use crate::model::message::{Headers, Request};
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

/// A target that answers every connection by `answer`, for as long as the test runs.
fn target(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
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

/// Reads a request: its head as sent, each byte a letter, and its body.
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

/// Answers every request with these bytes.
fn answering(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    target(move |stream| {
        let mut stream = BufReader::new(stream);
        while read_request(&mut stream).is_some() {
            if stream.get_mut().write_all(&answer).is_err() {
                break;
            }
        }
    })
}

fn outgoing(number: u64, target: SocketAddr, request: Request) -> OutgoingRequest {
    OutgoingRequest { number, url: format!("http://{target}/hook?a=b").parse().unwrap(), request }
}

fn send_these(options: &SendOptions, requests: Vec<OutgoingRequest>) -> Vec<SentRequest> {
    let mut sent = Vec::new();
    let mut requests = requests.into_iter();
    let interrupt = Interrupt::from_sender(&watch::Sender::new(0));
    let end = send(options, interrupt, &mut || requests.next().into(), &mut |one| sent.push(one));
    assert_eq!(end, Ok(SendStatus::Complete));
    sent
}

/// Status and body of an answer.
fn said(answer: Result<Answer, SendFailure>) -> Result<(u16, Vec<u8>), SendFailure> {
    answer.map(|answer| (answer.status.0, answer.body))
}

fn send_one(options: &SendOptions, target: SocketAddr) -> Result<Answer, SendFailure> {
    let mut sent = send_these(options, vec![outgoing(7, target, Request::post("/", b"x".to_vec()))]);
    assert_eq!((sent.len(), sent[0].number), (1, 7));
    sent.remove(0).answer
}

#[test]
fn several_are_under_way_at_once_and_each_is_told_of_once() {
    let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let requests = (0..200).map(|number| outgoing(number, address, Request::post("/", vec![b'a'; 300]))).collect();
    let sent = send_these(&SendOptions { concurrency: 8, ..OPTIONS }, requests);
    assert!(sent.iter().all(|one| one.answer.as_ref().is_ok_and(|answer| answer.status == 200)));
    let mut numbers: Vec<u64> = sent.iter().map(|one| one.number).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..200));
}

#[test]
fn a_request_is_asked_for_only_when_there_is_a_place_for_it() {
    let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (asked, told) = (Cell::new(0), Cell::new(0));
    let mut next = || {
        assert!(asked.get() - told.get() < 3, "{} asked for, {} told of", asked.get(), told.get());
        if asked.get() == 50 {
            return NextRequest::Nothing;
        }
        asked.set(asked.get() + 1);
        NextRequest::Send(outgoing(asked.get(), address, Request::post("/", Vec::new())))
    };
    let interrupt = Interrupt::from_sender(&watch::Sender::new(0));
    let options = SendOptions { concurrency: 3, ..OPTIONS };
    assert_eq!(send(&options, interrupt, &mut next, &mut |_| told.set(told.get() + 1)), Ok(SendStatus::Complete));
    assert_eq!((asked.get(), told.get()), (50, 50));
}

#[test]
fn a_pace_is_kept() {
    let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let requests = (0..11).map(|number| outgoing(number, address, Request::post("/", Vec::new()))).collect();
    let start = std::time::Instant::now();
    send_these(&SendOptions { concurrency: 4, per_second: Some(100.0), ..OPTIONS }, requests);
    assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
}

#[test]
fn a_wait_ends_when_its_time_is_over_or_an_answer_comes() {
    let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let one = |number| NextRequest::Send(outgoing(number, address, Request::post("/", Vec::new())));
    let steps = RefCell::new(vec![
        NextRequest::Nothing,
        one(2),
        NextRequest::Wait(Duration::from_secs(3600)),
        one(1),
        NextRequest::Wait(Duration::from_millis(1)),
    ]);
    let told = RefCell::new(Vec::new());
    let mut next = || steps.borrow_mut().pop().unwrap_or(NextRequest::Nothing);
    let options = SendOptions { concurrency: 2, ..OPTIONS };
    send(&options, Interrupt::from_sender(&watch::Sender::new(0)), &mut next, &mut |sent| {
        told.borrow_mut().push(sent.number)
    })
    .unwrap();
    assert_eq!(told.into_inner(), [1, 2]);
}

#[test]
fn nothing_more_is_asked_again_when_an_answer_has_come() {
    let address = answering("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    let again = Cell::new(1);
    let told = Cell::new(0);
    let mut next = || {
        let due = again.take();
        if due == 0 {
            NextRequest::Nothing
        } else {
            NextRequest::Send(outgoing(due, address, Request::post("/", Vec::new())))
        }
    };
    let mut done = |sent: SentRequest| {
        told.set(told.get() + 1);
        again.set(if sent.number < 3 { sent.number + 1 } else { 0 });
    };
    send(&OPTIONS, Interrupt::from_sender(&watch::Sender::new(0)), &mut next, &mut done).unwrap();
    assert_eq!(told.get(), 3);
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = elsewhere.local_addr().unwrap();
    let address = answering(format!("HTTP/1.1 307 Go\r\nLocation: http://{location}/\r\nContent-Length: 0\r\n\r\n"));
    let answer = send_one(&OPTIONS, address).unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(answer.headers.get("Location"), Some(format!("http://{location}/").as_bytes()));
    assert!(elsewhere.accept().is_err());
}

#[test]
fn of_a_long_answer_only_the_start_is_kept() {
    let body = "a".repeat(1_000_000);
    let address = answering(format!("HTTP/1.1 500 No\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let answer = send_one(&OPTIONS, address).unwrap();
    assert_eq!((answer.status.0, answer.body, answer.is_whole), (500, vec![b'a'; 65_536], false));
}

#[test]
fn nobody_there_is_told_in_plain_words() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(send_one(&OPTIONS, address), Err(SendFailure::Connect("connection refused".to_owned())));
}

#[test]
fn no_answer_is_not_waited_for_longer_than_asked() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = SendOptions { timeout: Duration::from_millis(50), ..OPTIONS };
    assert_eq!(send_one(&options, silent.local_addr().unwrap()), Err(SendFailure::Timeout));
}

#[test]
fn a_connection_that_breaks_and_an_answer_that_is_none_are_failures() {
    let closing = target(|stream| drop(read_request(&mut BufReader::new(stream))));
    let babbling = answering("220 smtp.example ESMTP\r\n");
    let cut = target(|stream| {
        let mut stream = BufReader::new(stream);
        read_request(&mut stream);
        let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    });
    for address in [closing, babbling] {
        let answer = send_one(&OPTIONS, address);
        assert!(matches!(answer, Err(SendFailure::Broken(_))), "{answer:?}");
    }
    let Err(SendFailure::Cut { start, .. }) = send_one(&OPTIONS, cut) else { panic!("it was cut") };
    assert_eq!((start.status.0, &*start.body, start.is_whole), (200, &b"abc"[..], false));
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let good = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let none = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let requests = [good, none, good].into_iter().zip(0..);
    let requests = requests.map(|(address, number)| outgoing(number, address, Request::post("/", Vec::new())));
    let sent = send_these(&OPTIONS, requests.collect());
    assert_eq!(sent.iter().map(|one| one.answer.is_ok()).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn an_interrupt_ends_the_sending() {
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
