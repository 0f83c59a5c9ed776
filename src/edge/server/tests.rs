//! The server over real sockets.

use super::*;
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

fn server(handler: impl Fn(Request) -> Reply + Send + Sync + 'static) -> Server {
    start("127.0.0.1:0".parse().unwrap(), Arc::new(move |request, _| handler(request))).unwrap()
}

/// Sends bytes and returns all that comes until the connection ends.
fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn with_body(body: &[u8]) -> Reply {
    Reply { body: body.to_vec(), ..Reply::new(200) }
}

#[test]
fn a_request_is_handed_on_and_its_answer_ends_the_connection() {
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
fn a_cut_connection_ends_without_a_word_after_the_request_was_carried_out() {
    let (told, carried_out) = mpsc::channel();
    let told = Mutex::new(told);
    let server = server(move |request| {
        told.lock().unwrap().send(request.body).unwrap();
        Reply { is_cut: true, ..with_body(b"never seen") }
    });
    let answer = exchange(server.address(), b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!((answer, carried_out.recv().unwrap()), (Vec::new(), b"hi".to_vec()));
}

#[test]
fn a_client_that_says_close_is_answered_however_long_that_takes() {
    let server = server(|_| Reply { delay: Duration::from_millis(50), ..with_body(b"x") });
    let answer = exchange(server.address(), b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(answer.ends_with(b"\r\n\r\nx"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn clients_that_keep_their_connections_do_not_make_others_wait() {
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
fn a_body_that_ends_too_soon_is_not_carried_out() {
    let server = server(|_| panic!("nothing is carried out"));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\nhi").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"");
}

#[test]
fn an_announced_body_that_is_far_too_long_is_refused_unread() {
    let server = server(|_| panic!("nothing is carried out"));
    let answer = exchange(server.address(), b"POST / HTTP/1.1\r\nContent-Length: 1000000000000000\r\n\r\nhi");
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn what_is_no_http_is_refused() {
    let server = server(|_| panic!("nothing is carried out"));
    assert!(exchange(server.address(), b"nonsense\r\n\r\n").starts_with(b"HTTP/1.1 400 "));
}
