//! Acknowledged deliveries are in the store, and are forwarded until the app accepts them.

use crate::process::{Listener, REFERENCE, REFERENCE_MAC, home, post, run, whtool};
use serde_json::Value;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// A request that an app received: target, headers and body.
pub type ReceivedRequest = (String, Vec<(String, String)>, Vec<u8>);

/// An app that answers with given statuses and reports the requests that it received.
pub struct App {
    pub url: String,
    pub requests: Receiver<ReceivedRequest>,
}

impl App {
    /// Starts an app. `answers` are the statuses of its responses in order; the last one repeats.
    pub fn start(answers: Vec<u16>) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    pub fn on(listener: TcpListener, answers: Vec<u16>) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tiny_http::Server::from_listener(listener, None).unwrap();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for (turn, request) in server.incoming_requests().enumerate() {
                let status = answers.get(turn).or(answers.last()).copied().unwrap_or(200);
                if sender.send(serve(request, status)).is_err() {
                    return;
                }
            }
        });
        Self { url, requests }
    }
}

fn serve(mut request: tiny_http::Request, status: u16) -> ReceivedRequest {
    let mut body = Vec::new();
    request.as_reader().read_to_end(&mut body).unwrap();
    let header = |header: &tiny_http::Header| (header.field.to_string(), header.value.to_string());
    let got = (request.url().to_owned(), request.headers().iter().map(header).collect(), body);
    request.respond(tiny_http::Response::from_string("mine").with_status_code(status)).unwrap();
    got
}

/// Returns the URL of a port on which nothing listens.
pub fn unused_address() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}")
}

/// Reads the records of a listener up to the first one of this schema, and returns that one.
pub fn until(listener: &mut Listener, schema: &str) -> Value {
    loop {
        let record = listener.record();
        if record["schema"] == schema {
            return record;
        }
    }
}

pub fn count(home: &Path) -> usize {
    let listed = run(&mut whtool(home, &["events", "--all", "--json"]));
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout).unwrap().lines().count()
}

#[test]
fn accepted_and_refused_deliveries_are_stored() {
    let home = home();
    let mut listener = Listener::start(home.path(), &[]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    listener.exchange(&post("zz", b"x"));
    let id = listener.record()["id"].as_str().unwrap().to_owned();
    listener.end("INT");
    assert_eq!(count(home.path()), 2);
    let raw = run(&mut whtool(home.path(), &["events", "show", &id, "--raw"]));
    assert_eq!(raw.stdout, post(REFERENCE_MAC, REFERENCE));
}

#[test]
fn a_chunked_body_is_stored_decoded_and_written_with_a_length() {
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    let head = "POST /a%20b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nx-b:  2 \r\n\r\n";
    listener.exchange(format!("{head}02;x=\"1\"\r\n\r\n\r\n1\r\nc\r\n0;last\r\nX-Sum: 1\r\n\r\n").as_bytes());
    let raw = run(&mut whtool(home.path(), &["events", "show", "last", "--raw"]));
    let expected = "POST /a%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nx-b:  2 \r\n\r\n\r\nc";
    assert_eq!(String::from_utf8_lossy(&raw.stdout), expected);
    let said = String::from_utf8_lossy(&raw.stderr);
    assert!(said.contains("Content-Length replaces Transfer-Encoding"), "{said}");
    let body = run(&mut whtool(home.path(), &["events", "show", "last", "--body"])).stdout;
    assert_eq!(body, b"\r\nc");
}

#[test]
fn no_store_stores_nothing_and_says_so() {
    let home = home();
    let mut listener = Listener::start(home.path(), &["--no-store"]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert_eq!(listener.record()["id"], Value::Null);
    assert!(listener.end("INT").1.contains("not storing deliveries"));
    assert_eq!(count(home.path()), 0);
}

#[test]
fn a_duplicate_is_recognized_after_a_restart() {
    let home = home();
    let mut first = Listener::start(home.path(), &[]);
    first.exchange(&post(REFERENCE_MAC, REFERENCE));
    let id = first.record()["id"].clone();
    first.end("INT");
    let mut second = Listener::start(home.path(), &[]);
    second.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert_eq!(second.record()["duplicateOf"], id);
}

#[test]
fn a_duplicate_that_says_something_else_names_the_difference() {
    let home = home();
    let event = |price: &str| {
        let body = String::from_utf8_lossy(REFERENCE).replace("27000", price);
        (sign(body.as_bytes()), body.into_bytes())
    };
    let send = |listener: &mut Listener, (mac, body): (String, Vec<u8>)| {
        assert!(listener.exchange(&post(&mac, &body)).starts_with("HTTP/1.1 200"));
        listener.record()
    };
    let mut first = Listener::start(home.path(), &[]);
    let id = send(&mut first, event("27000"))["id"].clone();
    let same = send(&mut first, event("27000"));
    assert_eq!((&same["duplicateOf"], same.get("duplicateChanges")), (&id, None));
    first.end("INT");
    // After a restart, too.
    let mut second = Listener::start(home.path(), &[]);
    let changed = send(&mut second, event("97000"));
    assert_eq!(changed["duplicateOf"], id);
    let changes = changed["duplicateChanges"].as_array().unwrap();
    assert_eq!((changes.len(), changes[0]["field"].as_str()), (1, Some("amount")));
    assert!(changes[0]["before"].as_str().unwrap().contains("27000"), "{changed}");
    assert!(changes[0]["now"].as_str().unwrap().contains("97000"), "{changed}");
}

#[test]
fn the_app_gets_the_same_bytes_and_headers_and_its_answer_is_reported() {
    let (home, app) = (home(), App::start(vec![200]));
    let mut listener = Listener::start(home.path(), &["--forward-to", &app.url]);
    let request = String::from_utf8(post(REFERENCE_MAC, REFERENCE)).unwrap();
    let request = request.replace("Connection: close", "X-A: 1\r\nx-b: 2\r\nX-A: 3\r\nConnection: close");
    listener.exchange(request.as_bytes());
    let (target, headers, body) = app.requests.recv().unwrap();
    assert_eq!((target.as_str(), body.as_slice()), ("/hooks", REFERENCE));
    let host = app.url.trim_start_matches("http://");
    let expected = [("Host", host), ("X-Plustive-Signature", REFERENCE_MAC), ("Content-Length", "240")];
    let expected = expected.into_iter().chain([("X-A", "1"), ("x-b", "2"), ("X-A", "3")]);
    let (mark, rest) = headers.split_last().unwrap();
    assert!(mark.0 == "Via" && mark.1.starts_with("1.1 whtool-"), "{mark:?}");
    assert!(rest.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), "{headers:?}");
    let forwarded = until(&mut listener, "whtool.forwarded/1");
    assert_eq!((forwarded["status"].as_u64(), forwarded["sequel"].as_str()), (Some(200), Some("taken")));
}

#[test]
fn refused_deliveries_are_not_forwarded() {
    let (home, app) = (home(), App::start(vec![200]));
    let mut listener = Listener::start(home.path(), &["--forward-to", &app.url]);
    listener.exchange(&post("zz", REFERENCE));
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    until(&mut listener, "whtool.forwarded/1");
    assert_eq!(app.requests.try_iter().count(), 1);
}

#[test]
fn a_delivery_is_retried_until_the_app_accepts_it() {
    let (home, app) = (home(), App::start(vec![500, 503, 204]));
    let mut listener = Listener::start(home.path(), &["--forward-to", &app.url, "--retry-pause", "20ms"]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    let attempts: Vec<_> = (0..3).map(|_| until(&mut listener, "whtool.forwarded/1")).collect();
    let statuses: Vec<_> = attempts.iter().map(|record| record["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [500, 503, 204]);
    assert_eq!(attempts[2]["sequel"], "taken");
}

#[test]
fn ordered_deliveries_about_one_object_wait_for_each_other() {
    let (home, app) = (home(), App::start(vec![500, 500, 200]));
    let words = ["--forward-to", &app.url, "--retry-pause", "50ms", "--ordered"];
    let mut listener = Listener::start(home.path(), &words);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    let (mut arrived, mut sent) = (Vec::new(), Vec::new());
    while sent.len() < 4 {
        let record = listener.record();
        let list = if record["schema"] == "whtool.forwarded/1" { &mut sent } else { &mut arrived };
        list.push(record["id"].clone());
    }
    let [first, second] = arrived.as_slice() else { panic!("{arrived:?}") };
    assert_eq!(sent.iter().collect::<Vec<_>>(), [first, first, first, second]);
}

#[test]
fn a_refused_delivery_is_not_retried() {
    let (home, app) = (home(), App::start(vec![422]));
    let mut listener = Listener::start(home.path(), &["--forward-to", &app.url, "--retry-pause", "10ms"]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert_eq!(until(&mut listener, "whtool.forwarded/1")["sequel"], "given_up");
}

#[test]
fn pending_deliveries_are_forwarded_after_a_restart() {
    let home = home();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    // Deliveries that were being sent when the process was killed are due again after the timeout.
    let words = ["--forward-to", &url, "--retry-pause", "20ms", "--retry", "1000", "--forward-timeout", "500ms"];
    let mut listener = Listener::start(home.path(), &words);
    for _ in 0..3 {
        listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    }
    assert_eq!(until(&mut listener, "whtool.forwarded/1")["sequel"], "again");
    listener.child.kill().unwrap();
    listener.child.wait().unwrap();
    let app = App::on(TcpListener::bind(address).unwrap(), vec![200]);
    let _restarted = Listener::start(home.path(), &words);
    let bodies: Vec<_> = (0..3).map(|_| app.requests.recv().unwrap().2).collect();
    assert_eq!(bodies, vec![REFERENCE.to_vec(); 3]);
}

#[test]
fn deliveries_pending_for_another_app_are_left_alone() {
    let home = home();
    let old = unused_address();
    let mut listener =
        Listener::start(home.path(), &["--forward-to", &old, "--retry-pause", "10ms", "--retry", "1000"]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    until(&mut listener, "whtool.forwarded/1");
    listener.end("INT");
    let before = TcpListener::bind(old.trim_start_matches("http://")).unwrap();
    before.set_nonblocking(true).unwrap();
    let app = App::start(vec![200]);
    let mut listener = Listener::start(home.path(), &["--forward-to", &app.url]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    until(&mut listener, "whtool.forwarded/1");
    listener.end("INT");
    assert_eq!(app.requests.try_iter().count(), 1);
    assert!(before.accept().is_err(), "a delivery was sent to the old address");
}

#[test]
fn passthrough_returns_the_answer_of_the_app() {
    let (home, app) = (home(), App::start(vec![202, 418]));
    let listener = Listener::start(home.path(), &["--forward-to", &app.url, "--passthrough"]);
    let answers = [0, 1].map(|_| listener.exchange(&post(REFERENCE_MAC, REFERENCE)));
    assert!(answers[0].starts_with("HTTP/1.1 202 ") && answers[0].ends_with("\r\n\r\nmine"), "{}", answers[0]);
    assert!(answers[1].starts_with("HTTP/1.1 418 "), "{}", answers[1]);
    let gone = Listener::start(home.path(), &["--forward-to", &unused_address(), "--passthrough"]);
    assert!(gone.exchange(&post(REFERENCE_MAC, REFERENCE)).starts_with("HTTP/1.1 502 "));
}

#[test]
fn a_re_signed_delivery_verifies_with_the_local_test_secret() {
    let home = home();
    let mut app = whtool(home.path(), &["listen", "--json", "--port", "0", "--no-store"]).spawn().unwrap();
    let mut lines = BufReader::new(app.stdout.take().unwrap()).lines().map(Result::unwrap);
    let ready: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let listener = Listener::start(home.path(), &["--forward-to", ready["url"].as_str().unwrap(), "--resign"]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    let record: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((record["verdict"].as_str(), record["secret"].as_str()), (Some("verified"), Some("local test secret")));
    app.kill().unwrap();
    app.wait().unwrap();
}

/// Returns the MAC and the body of a distinct event.
pub fn signed(number: usize) -> (String, Vec<u8>) {
    let body =
        format!(r#"{{"event":"transaction.success","reference":"PLS-{number}","status":"Success"}}"#).into_bytes();
    (sign(&body), body)
}

/// Returns the MAC of a body. It is by the hmac crate, which other tests compare with RFC 4231 and
/// openssl.
pub fn sign(body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(crate::process::PLUSTIVE_SECRET.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[test]
fn acknowledged_deliveries_survive_a_kill() {
    let home = home();
    for round in 0..5 {
        let mut listener = Listener::start(home.path(), &["-q"]);
        let address = listener.url.trim_start_matches("http://").to_owned();
        let (references_sender, acknowledged) = channel();
        let senders: Vec<_> = (0..8)
            .map(|sender| {
                let (references_sender, address) = (references_sender.clone(), address.clone());
                thread::spawn(move || {
                    send_until_it_dies(&address, round * 1_000_000 + sender * 10_000, &references_sender)
                })
            })
            .collect();
        drop(references_sender);
        let mut references: HashSet<_> = (0..200).map(|_| acknowledged.recv().unwrap()).collect();
        listener.child.kill().unwrap();
        listener.child.wait().unwrap();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        references.extend(acknowledged.try_iter());
        let listed = run(&mut whtool(home.path(), &["events", "--all", "--json"])).stdout;
        let stored: HashSet<_> = String::from_utf8(listed)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"]["id"].as_str().unwrap().to_owned())
            .collect();
        let missing: Vec<_> = references.difference(&stored).collect();
        assert!(missing.is_empty(), "round {round}: {missing:?}");
    }
}

/// Sends distinct events on one connection, and reports those that were answered with 200.
fn send_until_it_dies(address: &str, first: usize, references_sender: &Sender<String>) {
    let Ok(stream) = TcpStream::connect(address) else { return };
    let mut reader = BufReader::new(stream);
    for number in first..first + 10_000 {
        let (mac, body) = signed(number);
        let request = String::from_utf8(post(&mac, &body)).unwrap().replace("Connection: close\r\n", "");
        if reader.get_mut().write_all(request.as_bytes()).is_err() {
            return;
        }
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let mut ok = [0; 3];
        if !head.starts_with("HTTP/1.1 200") || reader.read_exact(&mut ok).is_err() {
            return;
        }
        references_sender.send(format!("PLS-{number}")).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn a_removed_log_loses_nothing() {
    let home = home();
    let mut listener = Listener::start(home.path(), &[]);
    for number in 0..6 {
        let (mac, body) = signed(number);
        let answer = listener.exchange(&post(&mac, &body));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        if number == 2 {
            for end in ["-wal", "-shm"] {
                std::fs::remove_file(home.path().join(format!("data/captures.db{end}"))).unwrap();
            }
        }
    }
    listener.child.kill().unwrap();
    listener.child.wait().unwrap();
    assert_eq!(count(home.path()), 6);
}

#[test]
#[cfg(unix)]
fn a_removed_store_is_created_again() {
    let home = home();
    let mut listener = Listener::start(home.path(), &[]);
    for number in 0..2 {
        let (mac, body) = signed(number);
        assert!(listener.exchange(&post(&mac, &body)).starts_with("HTTP/1.1 200"));
        if number == 0 {
            for end in ["", "-wal", "-shm"] {
                std::fs::remove_file(home.path().join(format!("data/captures.db{end}"))).unwrap();
            }
        }
    }
    listener.child.kill().unwrap();
    listener.child.wait().unwrap();
    assert_eq!(count(home.path()), 1);
}

#[test]
#[cfg_attr(windows, ignore = "limits the size of files")]
fn a_store_that_cannot_be_written_causes_503_and_the_listener_goes_on() {
    let home = home();
    let store = home.path().join("small.db");
    // A file size limit simulates a full disk: SIGXFSZ is ignored, so that writing fails
    // instead.
    let script = format!(
        "trap '' XFSZ; ulimit -f 300; exec '{}' listen --json --port 0 --store '{}'",
        env!("CARGO_BIN_EXE_whtool"),
        store.display()
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .env("WHTOOL_HOME", home.path())
        .env("PLUSTIVE_WEBHOOK_SECRET", crate::process::PLUSTIVE_SECRET);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let records = BufReader::new(child.stdout.take().unwrap());
    let mut listener = Listener { child, records, url: String::new() };
    listener.url = listener.record()["url"].as_str().unwrap().to_owned();
    let mut acknowledged = 0;
    let refused = (0..200).find_map(|number| {
        let (mac, body) = signed(number);
        let answer = listener.exchange(&post(&mac, &body));
        acknowledged += usize::from(answer.starts_with("HTTP/1.1 200"));
        answer.starts_with("HTTP/1.1 503").then_some(answer)
    });
    assert!(refused.is_some(), "the limit was never reached");
    let (_, said) = listener.end("INT");
    assert!(said.contains("can't store deliveries, answering 503"), "{said}");
    let listed = run(&mut whtool(home.path(), &["events", "--all", "--json", "--store", store.to_str().unwrap()]));
    assert!(String::from_utf8_lossy(&listed.stdout).lines().count() >= acknowledged);
}
