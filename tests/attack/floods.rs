//! Floods of requests whose refusal is expensive to explain.

use super::siege::Siege;
use super::target::{Client, REFERENCE_MAC, is_long, is_optimized, post};
use std::net::SocketAddr;

/// Returns the size of a body: the maximum, or less for a build without optimization.
fn size() -> usize {
    if is_optimized() { 1 << 20 } else { 1 << 16 }
}

/// Builds a body of that size: `piece` repeated between `start` and `end`.
fn filled(start: &str, piece: impl Fn(usize) -> String, end: &str) -> Vec<u8> {
    let mut body = String::from(start);
    for number in 0.. {
        let piece = piece(number);
        if body.len() + piece.len() + end.len() > size() {
            break;
        }
        body.push_str(&piece);
    }
    body.push_str(end);
    body.into_bytes()
}

/// Sends these requests one after another, on fifty connections.
fn flood(name: &str, requests: &[Vec<u8>]) {
    Siege::run(name, |siege| {
        let address = siege.target.address();
        let (flooders, rounds) = match (is_long(), is_optimized()) {
            (true, _) => (50, 200),
            (false, true) => (50, 20),
            (false, false) => (10, 1),
        };
        std::thread::scope(|scope| {
            for number in 0..flooders {
                scope.spawn(move || flooder(address, requests, number, rounds));
            }
            siege.wait_for_honest(20);
        });
    });
}

fn flooder(address: SocketAddr, requests: &[Vec<u8>], number: usize, rounds: usize) {
    let mut client = Client::of(address);
    for round in 0..rounds {
        let sent = client.try_send(&requests[(number + round) % requests.len()]);
        let answer = client.try_answer();
        assert!(answer.as_ref().is_none_or(|answer| matches!(answer.status, 401 | 503)), "{answer:?}");
        if sent.is_err() || answer.is_none_or(|answer| answer.head.contains("connection: close")) {
            client = Client::of(address);
        }
    }
}

/// Builds a request with this body and the signature of another one.
fn forged(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    post(&format!("X-Plustive-Signature: {REFERENCE_MAC}\r\nContent-Length: {}\r\n", body.len()), body)
}

#[test]
fn large_bodies_with_a_wrong_signature_do_not_delay_honest_senders() {
    let deep = size() / 2;
    let bodies = [
        filled("{\"event\":\"x\",\"data\":\"", |_| "long text ".to_owned(), "\"}"),
        filled("{\"a\":0", |number| format!(",\"k{number}\":{number}"), "}"),
        filled("{\"a\":[0", |_| ",1e-9".to_owned(), "]}"),
        filled("{\"a\":[0", |_| ",{}".to_owned(), "]}"),
        filled("{\"a\":\"", |_| "\\u00e9\u{1}é".to_owned(), "\"}"),
        filled("{\"a\":\"", |_| "\u{7f}<&/é".to_owned(), "\"}"),
        ["[".repeat(deep), "]".repeat(deep)].concat().into_bytes(),
        [&"{\"a\":".repeat(size() / 6)[..], "1", &"}".repeat(size() / 6)].concat().into_bytes(),
        vec![b'\n'; size()],
        vec![0xff; size()],
    ];
    flood("1 MiB with a wrong signature, 50 at a time", &bodies.map(forged));
}

#[test]
fn small_bodies_with_a_wrong_signature_do_not_delay_honest_senders() {
    let small = forged(r#"{"event":"transaction.success","data":{"amount":100,"id":"x"}}"#);
    flood("small bodies with a wrong signature, 50 at a time", &[small]);
}

#[test]
fn heads_full_of_signatures_do_not_delay_honest_senders() {
    let hex = "0123456789abcdef".repeat(4);
    let one_line = vec![hex.as_str(); 200].join(",");
    let lines = format!("X-Plustive-Signature: {hex},{hex}\r\n").repeat(90);
    let elsewhere = format!("X-Other-Signature: v1={hex};{hex}\r\n").repeat(90);
    let body = filled("{\"event\":\"x\",\"data\":[0", |_| ",1".to_owned(), "]}");
    let headers = [format!("X-Plustive-Signature: {one_line}\r\n"), lines, elsewhere];
    let requests = headers.map(|headers| post(&format!("{headers}Content-Length: {}\r\n", body.len()), &body));
    flood("heads full of signatures, 50 at a time", &requests);
}
