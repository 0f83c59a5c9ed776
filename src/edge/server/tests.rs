//! The server over real sockets.

use super::*;
use crate::model::bind::BindHost;
use crate::model::exchange::ServerReply;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

const MAX_BODY: usize = 1 << 20;

fn server(handler: impl Fn(Request) -> ServerReply + Send + Sync + 'static) -> Server {
    let addresses = "127.0.0.1".parse::<BindHost>().unwrap().with_port(0);
    let options = ServeOptions { addresses, allowed_hosts: Some(Vec::new()), max_body: MAX_BODY };
    start(&options, Arc::new(move |request, _| handler(request).into()), Arc::new(|_| {})).unwrap()
}

/// Sends bytes, and returns everything received until the connection closes.
fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn with_body(body: &[u8]) -> ServerReply {
    ServerReply { body: body.to_vec(), ..ServerReply::new(200) }
}

#[test]
fn the_handler_sees_the_request_as_sent() {
    let server = server(|request| {
        let mut reply = with_body(&request.to_wire());
        reply.headers.push("Content-Type", b"text/plain").unwrap();
        reply
    });
    let request = b"PATCH /a%2Fb?c=d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-A: 1\r\nContent-Length: 3\r\n\r\n\0\xff\n";
    let answer = exchange(server.address(), request);
    let (head, body) = answer.split_at(answer.len() - request.len());
    assert_eq!(String::from_utf8_lossy(body), String::from_utf8_lossy(request));
    let head = String::from_utf8_lossy(head);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", request.len())), "{head}");
}

#[test]
fn a_cut_connection_closes_without_a_reply_after_the_request_is_handled() {
    let (sender, handled) = mpsc::channel();
    let sender = Mutex::new(sender);
    let server = server(move |request| {
        sender.lock().unwrap().send(request.body).unwrap();
        ServerReply { is_cut: true, ..with_body(b"not sent") }
    });
    let answer = exchange(
        server.address(),
        b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert_eq!((answer, handled.recv().unwrap()), (Vec::new(), b"hi".to_vec()));
}

#[test]
fn a_client_that_sends_connection_close_gets_a_late_reply() {
    let server = server(|_| ServerReply { delay: Duration::from_millis(50), ..with_body(b"x") });
    let answer = exchange(server.address(), b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(answer.ends_with(b"\r\n\r\nx"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn silent_clients_do_not_delay_others() {
    let server = server(|_| with_body(b"x"));
    let silent: Vec<_> = (0..64).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    std::thread::scope(|scope| {
        for _ in 0..60 {
            scope.spawn(|| {
                assert!(
                    exchange(server.address(), b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").ends_with(b"\r\n\r\nx")
                )
            });
        }
    });
    drop(silent);
}

#[test]
fn a_request_whose_body_ends_early_is_not_handled() {
    let server = server(|_| panic!("no request is handled"));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2000\r\n\r\nhi")
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_large_announced_body_is_refused_before_it_is_sent() {
    let server = server(|_| panic!("no request is handled"));
    let answer = exchange(
        server.address(),
        b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1000000000000000\r\n\r\nhi",
    );
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn malformed_http_gets_400() {
    let server = server(|_| panic!("no request is handled"));
    assert!(exchange(server.address(), b"nonsense\r\n\r\n").starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn a_large_announced_body_is_refused_however_it_is_announced() {
    let server = server(|_| panic!("no request is handled"));
    for (headers, status) in [
        ("Content-Length: 3145728", 413),
        ("Expect: 100-continue\r\nContent-Length: 3145728", 413),
        ("Content-Length: 1\r\nContent-Length: 3145728", 400),
        ("Content-Length: 1\r\ncontent-length : 3145728", 400),
        ("Content-Length: 99999999999999999999999", 400),
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\nabc");
        let answer = String::from_utf8(exchange(server.address(), request.as_bytes())).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
    }
}

#[test]
fn thousands_of_large_announced_bodies_leave_no_threads_or_connections_behind() {
    let server = server(|_| with_body(b"x"));
    for _ in 0..1000 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\nhi").unwrap();
    }
    let answer = exchange(server.address(), b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
    assert!(answer.ends_with(b"\r\n\r\nx"));
    #[cfg(target_os = "linux")]
    {
        // Tests run in threads of this process, so only a large number is a leak.
        let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
        assert!(threads < 200, "{threads} threads");
    }
}

#[test]
fn a_chunked_body_is_read_and_one_that_is_too_large_is_not_handled() {
    let server = server(|request| with_body(&request.body));
    let chunked = |length: usize| {
        let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
        exchange(server.address(), &[head.as_bytes(), &vec![b'x'; length], b"\r\n0\r\n\r\n"].concat())
    };
    assert!(chunked(100_000).ends_with(&[b'x'; 100_000]));
    assert!(chunked(MAX_BODY + 1).starts_with(b"HTTP/1.1 413 "));
}

#[test]
fn a_connection_serves_several_requests() {
    let server = server(|request| with_body(&request.body));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    for body in ["a", "b"] {
        let request = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(format!("\r\n\r\n{body}").as_bytes()) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        assert!(String::from_utf8(answer).unwrap().contains("keep-alive: timeout=120\r\n"));
    }
}

#[test]
fn a_web_page_and_a_foreign_name_are_refused_with_the_reason_and_reported() {
    let (sender, refused) = mpsc::channel();
    let sender = Mutex::new(sender);
    let addresses = "127.0.0.1".parse::<BindHost>().unwrap().with_port(0);
    let options = ServeOptions { addresses, allowed_hosts: Some(vec!["app.test".to_owned()]), max_body: MAX_BODY };
    let report = move |rejected: RejectedRequest| sender.lock().unwrap().send(rejected.refusal).unwrap();
    let server = start(&options, Arc::new(|_, _| with_body(b"x").into()), Arc::new(report)).unwrap();
    for (headers, expected) in [
        ("Host: evil.example", "403 Host `evil.example` is not a name of this server"),
        ("Host: localhost\r\nOrigin: null", "403 pages of another origin may not call it: null"),
        ("Host: localhost\r\nSec-Fetch-Site: cross-site", "403 pages of another site may not call it"),
        ("Host: localhost\r\nHost: localhost", "400 there is more than one Host header"),
        ("Host: user@localhost", "400 the Host header is not a host and a port"),
        ("X: no host", "400 there is no Host header"),
    ] {
        // Any method and path, with a body that is never sent.
        let request = format!("POST /_emulator/x HTTP/1.1\r\n{headers}\r\nContent-Length: 9\r\n\r\n");
        let answer = String::from_utf8(exchange(server.address(), request.as_bytes())).unwrap();
        let (status, reason) = (answer[9..12].to_owned(), answer.split_once("\r\n\r\n").unwrap().1.to_owned());
        assert_eq!(format!("{status} {reason}"), format!("{expected}\n"));
        let refusal = refused.recv().unwrap();
        assert_eq!(format!("{} {refusal}", refusal.status()), expected);
    }
    for host in ["localhost", "[::1]:80", "app.test:4850"] {
        let request = format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n");
        assert!(exchange(server.address(), request.as_bytes()).starts_with(b"HTTP/1.0 200 OK"), "{host}");
    }
}

#[test]
fn a_panic_of_the_handler_answers_500_and_nothing_more() {
    let server = server(|request| {
        assert_ne!(request.target, "/panic", "this panic is part of a test");
        with_body(b"x")
    });
    for (target, status) in [("/panic", "500"), ("/", "200")] {
        let answer = exchange(server.address(), format!("GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes());
        assert_eq!(String::from_utf8_lossy(&answer[9..12]), status);
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let server = server(|request| with_body(&request.body));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").unwrap();
    let mut interim = [0; 12];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100");
    stream.write_all(b"hi").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"\r\n\r\nhi"), "{}", String::from_utf8_lossy(&answer));
}
