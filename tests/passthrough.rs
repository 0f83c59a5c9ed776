//! `listen --passthrough`: the provider gets the app's own answer, and the delivery is on disk before the app is asked.

use crate::keeping::{App, count, signed, until};
use crate::process::{Listener, REFERENCE, REFERENCE_MAC, home, post, run, whtool};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// An app that gives each request the same bytes for an answer, once it is told to.
struct Slow {
    url: String,
    /// Told when a request is there.
    asked: Receiver<()>,
    /// Lets it answer one request.
    answer: Sender<()>,
}

impl Slow {
    fn start(bytes: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ((told, asked), (answer, may)) = (channel(), channel());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                read_request(&mut stream);
                if told.send(()).is_err() || may.recv().is_err() {
                    return;
                }
                let _ = stream.get_mut().write_all(&bytes);
            }
        });
        Self { url, asked, answer }
    }
}

/// Reads a request, and gives back its body.
pub fn read_request(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0);
    }
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    body
}

fn passing_on(home: &Path, url: &str, words: &[&str]) -> Listener {
    Listener::start(home, &[&["--forward-to", url, "--passthrough"], words].concat())
}

/// The newest capture, as `events` tells it.
fn last(home: &Path) -> Value {
    let listed = run(&mut whtool(home, &["events", "--limit", "1", "--json"]));
    serde_json::from_slice(&listed.stdout).unwrap()
}

#[test]
fn a_kill_while_the_app_thinks_does_not_lose_the_delivery() {
    let (home, app) = (home(), Slow::start(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let mut listener = passing_on(home.path(), &app.url, &[]);
    let mut stream = TcpStream::connect(listener.url.trim_start_matches("http://")).unwrap();
    stream.write_all(&post(REFERENCE_MAC, REFERENCE)).unwrap();
    app.asked.recv().unwrap();
    assert_eq!(last(home.path())["answered"], 0, "it is kept before the app has answered");
    listener.child.kill().unwrap();
    listener.child.wait().unwrap();
    assert_eq!(count(home.path()), 1);
    let failed = run(&mut whtool(home.path(), &["events", "--failed"])).stdout;
    assert!(String::from_utf8(failed).unwrap().contains("not answered"));
}

#[test]
fn a_provider_that_hangs_up_changes_nothing_about_what_is_recorded() {
    let (home, app) = (home(), Slow::start(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let mut listener = passing_on(home.path(), &app.url, &[]);
    let mut stream = TcpStream::connect(listener.url.trim_start_matches("http://")).unwrap();
    stream.write_all(&post(REFERENCE_MAC, REFERENCE)).unwrap();
    app.asked.recv().unwrap();
    drop(stream);
    app.answer.send(()).unwrap();
    assert_eq!(until(&mut listener, "whtool.forwarded/1")["status"], 201);
    let kept = last(home.path());
    assert_eq!((kept["answered"].as_u64(), kept["app"].as_u64()), (Some(201), Some(201)));
}

#[test]
fn a_stop_while_the_app_thinks_lets_it_answer() {
    let (home, app) = (home(), Slow::start(b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nmine".to_vec()));
    let listener = passing_on(home.path(), &app.url, &[]);
    let mut stream = TcpStream::connect(listener.url.trim_start_matches("http://")).unwrap();
    stream.write_all(&post(REFERENCE_MAC, REFERENCE)).unwrap();
    app.asked.recv().unwrap();
    let ending = thread::spawn(move || listener.end("TERM"));
    app.answer.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 ") && answer.ends_with("mine"), "{answer}");
    ending.join().unwrap();
    assert_eq!(last(home.path())["answered"], 202);
}

#[test]
fn the_whole_answer_of_the_app_is_passed_on_and_nothing_of_ours() {
    let body = "x".repeat(300_000);
    let head = "HTTP/1.1 405 Method Not Allowed\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nX-B: 1\r\nAllow: PUT\r\n\
                X-A: 2\r\nx-a: 3\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: 77\r\n\
                Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 300000\r\n\r\n";
    let (home, app) = (home(), Slow::start([head, &body].concat().into_bytes()));
    app.answer.send(()).unwrap();
    let answer = passing_on(home.path(), &app.url, &[]).exchange(&post(REFERENCE_MAC, REFERENCE));
    let (head, passed_on) = answer.split_once("\r\n\r\n").unwrap();
    assert!(passed_on == body, "{} bytes", passed_on.len());
    let lines: Vec<_> = head.lines().collect();
    let expected = [
        "HTTP/1.1 405 Method Not Allowed",
        "date: Thu, 01 Jan 2026 00:00:00 GMT",
        "x-b: 1",
        "allow: PUT",
        "x-a: 2",
        "x-a: 3",
        "content-type: application/json; charset=utf-8",
        "retry-after: 77",
        "content-length: 300000",
    ];
    // The test's own client says `Connection: close`.
    let lines: Vec<_> = lines.into_iter().filter(|line| *line != "connection: close").collect();
    assert_eq!(lines, expected);
}

#[test]
fn an_answer_that_is_too_large_is_not_cut_but_refused_and_said_so() {
    let body = vec![b'x'; (1 << 20) + 1];
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let (home, app) = (home(), Slow::start([head.as_bytes(), &body].concat()));
    app.answer.send(()).unwrap();
    let mut listener = passing_on(home.path(), &app.url, &[]);
    let answer = listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert!(answer.starts_with("HTTP/1.1 502 "), "{}", &answer[..100]);
    let told = until(&mut listener, "whtool.forwarded/1");
    assert!(told["error"].as_str().unwrap().contains("larger than 1024 KiB"), "{told}");
    assert_eq!(last(home.path())["answered"], 502);
}

#[test]
fn an_app_of_another_route_gets_its_delivery_later_by_itself() {
    let (home, first, second) = (home(), App::start(vec![201]), App::start(vec![500, 200]));
    let words = ["--forward-to", &second.url, "--retry-pause", "10ms"];
    let mut listener = passing_on(home.path(), &first.url, &words);
    let (mac, body) = signed(1);
    assert!(listener.exchange(&post(&mac, &body)).starts_with("HTTP/1.1 201 "));
    let statuses: Vec<_> = (0..3).map(|_| until(&mut listener, "whtool.forwarded/1")["status"].as_u64()).collect();
    assert!(statuses.contains(&Some(201)) && statuses.ends_with(&[Some(200)]), "{statuses:?}");
    assert_eq!((first.requests.try_iter().count(), second.requests.try_iter().count()), (1, 2));
}
