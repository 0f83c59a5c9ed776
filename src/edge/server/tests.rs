//! The server over real sockets.

use super::*;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

fn server(handler: impl Fn(Request) -> ServerReply + Send + Sync + 'static) -> Server {
    start("127.0.0.1:0".parse().unwrap(), Arc::new(move |request, _| handler(request))).unwrap()
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
fn the_handler_sees_the_request_as_sent_and_its_reply_closes_the_connection() {
    let server = server(|request| {
        let mut reply = with_body(&request.to_wire());
        reply.headers.push("Content-Type", b"text/plain").unwrap();
        reply
    });
    let request = b"PATCH /a%2Fb?c=d HTTP/1.1\r\nX-A: 1\r\nContent-Length: 3\r\n\r\n\0\xff\n";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        request.len()
    );
    let expected = [head.as_bytes(), request].concat();
    let answer = exchange(server.address(), request);
    assert_eq!(String::from_utf8_lossy(&answer), String::from_utf8_lossy(&expected));
}

#[test]
fn a_cut_connection_closes_without_a_reply_after_the_request_is_handled() {
    let (sender, handled) = mpsc::channel();
    let sender = Mutex::new(sender);
    let server = server(move |request| {
        sender.lock().unwrap().send(request.body).unwrap();
        ServerReply { is_cut: true, ..with_body(b"not sent") }
    });
    let answer = exchange(server.address(), b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!((answer, handled.recv().unwrap()), (Vec::new(), b"hi".to_vec()));
}

#[test]
fn a_client_that_sends_connection_close_gets_a_late_reply() {
    let server = server(|_| ServerReply { delay: Duration::from_millis(50), ..with_body(b"x") });
    let answer = exchange(server.address(), b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(answer.ends_with(b"\r\n\r\nx"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn silent_clients_do_not_delay_others() {
    let server = server(|_| with_body(b"x"));
    let silent: Vec<_> = (0..64).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    std::thread::scope(|scope| {
        for _ in 0..60 {
            scope.spawn(|| assert!(exchange(server.address(), b"GET / HTTP/1.1\r\n\r\n").ends_with(b"\r\n\r\nx")));
        }
    });
    drop(silent);
}

#[test]
fn a_request_whose_body_ends_early_is_not_handled() {
    let server = server(|_| panic!("no request is handled"));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\nhi").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"");
}

#[test]
fn a_large_announced_body_is_refused_before_it_is_sent() {
    let server = server(|_| panic!("no request is handled"));
    let answer = exchange(server.address(), b"POST / HTTP/1.1\r\nContent-Length: 1000000000000000\r\n\r\nhi");
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
    let sent = vec![b'x'; 3 << 20];
    for headers in [
        "Content-Length: 3145728",
        "Expect: 100-continue\r\nContent-Length: 3145728",
        "Content-Length: 1\r\ncontent-length : 3145728",
        "Transfer-Encoding: chunked\r\nContent-Length: 3145728",
        "X: a\n\nContent-Length: 1\r\nContent-Length:3145728",
    ] {
        let request = [format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n").as_bytes(), &sent[..headers.len()]].concat();
        let answer = exchange(server.address(), &request);
        assert!(answer.starts_with(b"HTTP/1.1 413 "), "{headers}: {}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn a_chunked_body_is_read_and_one_that_is_too_large_is_not_handled() {
    let server = server(|request| with_body(&request.body));
    let chunked = |length: usize| {
        let head = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
        exchange(server.address(), &[head.as_bytes(), &vec![b'x'; length], b"\r\n0\r\n\r\n"].concat())
    };
    assert!(chunked(100_000).ends_with(&[b'x'; 100_000]));
    assert_eq!(chunked(MAX_BODY + 1), b"");
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let server = server(|request| with_body(&request.body));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").unwrap();
    let mut interim = [0; 12];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100");
    stream.write_all(b"hi").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"\r\n\r\nhi"), "{}", String::from_utf8_lossy(&answer));
}
