//! `listen --passthrough`: the provider gets the app's response, and the delivery is stored before
//! the app gets it.

use crate::process::{Listener, REFERENCE, REFERENCE_MAC, home, post, run, whtool};
use crate::store::{App, count, signed, until};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// An app that answers each request with the same bytes, but only when the test lets it.
struct SlowApp {
    url: String,
    /// Receives a message for each request.
    requests: Receiver<()>,
    /// Lets it answer one request when something is sent.
    answer: Sender<()>,
}

impl SlowApp {
    fn start(bytes: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ((arrived, requests), (answer, may_answer)) = (channel(), channel());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                read_request(&mut stream);
                if arrived.send(()).is_err() || may_answer.recv().is_err() {
                    return;
                }
                let _ = stream.get_mut().write_all(&bytes);
            }
        });
        Self { url, requests, answer }
    }
}

/// Reads a request and returns its body.
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

fn start_passthrough(home: &Path, url: &str, words: &[&str]) -> Listener {
    Listener::start(home, &[&["--forward-to", url, "--passthrough"], words].concat())
}

/// Returns the newest capture from `events --json`.
fn newest(home: &Path) -> Value {
    let listed = run(&mut whtool(home, &["events", "--limit", "1", "--json"]));
    serde_json::from_slice(&listed.stdout).unwrap()
}

#[test]
fn a_kill_before_the_app_answers_does_not_lose_the_delivery() {
    let (home, app) = (home(), SlowApp::start(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let mut listener = start_passthrough(home.path(), &app.url, &[]);
    let mut stream = TcpStream::connect(listener.url.trim_start_matches("http://")).unwrap();
    stream.write_all(&post(REFERENCE_MAC, REFERENCE)).unwrap();
    app.requests.recv().unwrap();
    assert_eq!(newest(home.path())["answered"], 0, "it is stored before the app has answered");
    listener.child.kill().unwrap();
    listener.child.wait().unwrap();
    assert_eq!(count(home.path()), 1);
    let failed = run(&mut whtool(home.path(), &["events", "--failed"])).stdout;
    assert!(String::from_utf8(failed).unwrap().contains("not answered"));
}

#[test]
fn the_answer_is_recorded_even_if_the_provider_hangs_up() {
    let (home, app) = (home(), SlowApp::start(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let mut listener = start_passthrough(home.path(), &app.url, &[]);
    let mut stream = TcpStream::connect(listener.url.trim_start_matches("http://")).unwrap();
    stream.write_all(&post(REFERENCE_MAC, REFERENCE)).unwrap();
    app.requests.recv().unwrap();
    drop(stream);
    app.answer.send(()).unwrap();
    assert_eq!(until(&mut listener, "whtool.forwarded/1")["status"], 201);
    let capture = newest(home.path());
    assert_eq!((capture["answered"].as_u64(), capture["app"].as_u64()), (Some(201), Some(201)));
}

#[test]
#[cfg_attr(windows, ignore = "sends a signal")]
fn a_stop_waits_for_the_answer_of_the_app() {
    let (home, app) = (home(), SlowApp::start(b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nmine".to_vec()));
    let listener = start_passthrough(home.path(), &app.url, &[]);
    let mut stream = TcpStream::connect(listener.url.trim_start_matches("http://")).unwrap();
    stream.write_all(&post(REFERENCE_MAC, REFERENCE)).unwrap();
    app.requests.recv().unwrap();
    let ending = thread::spawn(move || listener.end("TERM"));
    app.answer.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 ") && answer.ends_with("mine"), "{answer}");
    ending.join().unwrap();
    assert_eq!(newest(home.path())["answered"], 202);
}

#[test]
fn the_whole_answer_of_the_app_is_passed_on_unchanged() {
    let body = "x".repeat(300_000);
    let head = "HTTP/1.1 405 Method Not Allowed\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nX-B: 1\r\nAllow: PUT\r\n\
                X-A: 2\r\nx-a: 3\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: 77\r\n\
                Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 300000\r\n\r\n";
    let (home, app) = (home(), SlowApp::start([head, &body].concat().into_bytes()));
    app.answer.send(()).unwrap();
    let answer = start_passthrough(home.path(), &app.url, &[]).exchange(&post(REFERENCE_MAC, REFERENCE));
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
    // The test's client sends `Connection: close`.
    let lines: Vec<_> = lines.into_iter().filter(|line| *line != "connection: close").collect();
    assert_eq!(lines, expected);
}

#[test]
fn an_answer_that_is_too_large_is_a_502_and_reported() {
    let body = vec![b'x'; (1 << 20) + 1];
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let (home, app) = (home(), SlowApp::start([head.as_bytes(), &body].concat()));
    app.answer.send(()).unwrap();
    let mut listener = start_passthrough(home.path(), &app.url, &[]);
    let answer = listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert!(answer.starts_with("HTTP/1.1 502 "), "{}", &answer[..100]);
    let record = until(&mut listener, "whtool.forwarded/1");
    assert!(record["error"].as_str().unwrap().contains("larger than 1024 KiB"), "{record}");
    assert_eq!(newest(home.path())["answered"], 502);
}

#[test]
fn apps_of_other_routes_get_the_delivery_from_the_queue() {
    let (home, first, second) = (home(), App::start(vec![201]), App::start(vec![500, 200]));
    let words = ["--forward-to", &second.url, "--retry-pause", "10ms"];
    let mut listener = start_passthrough(home.path(), &first.url, &words);
    let (mac, body) = signed(1);
    assert!(listener.exchange(&post(&mac, &body)).starts_with("HTTP/1.1 201 "));
    let statuses: Vec<_> = (0..3).map(|_| until(&mut listener, "whtool.forwarded/1")["status"].as_u64()).collect();
    assert!(statuses.contains(&Some(201)) && statuses.ends_with(&[Some(200)]), "{statuses:?}");
    assert_eq!((first.requests.try_iter().count(), second.requests.try_iter().count()), (1, 2));
}
