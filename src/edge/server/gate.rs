//! A relay in front of tiny_http that lets one request per connection through.
//!
//! tiny_http allocates an announced body when it drops a request unread, and makes clients wait
//! while others keep their connections open. The gate reads each head first: it refuses a body that
//! is too large, and adds `Connection: close`.

use super::{MAX_BODY, encode};
use crate::model::exchange::ServerReply;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Pause after a failed accept, for example when no descriptors are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Largest request head, in bytes.
const MAX_HEAD: u64 = 64 * 1024;

/// Longest silence of a client that is sending its request.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest silence of a refused client, whose body is read so that the refusal reaches it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The header that makes tiny_http release the connection after one request.
const CONNECTION_CLOSE: &[u8] = b"Connection: close\r\n";

/// Relays each client of `listener` to the tiny_http server at `server`, until `is_closed` is set
/// and one more client has connected.
pub(super) fn accept(listener: &TcpListener, server: SocketAddr, is_closed: &AtomicBool) {
    for client in listener.incoming() {
        if is_closed.load(Ordering::Relaxed) {
            return;
        }
        match client {
            // Without a thread or a socket for it, the client sees its connection closed.
            Ok(client) => drop(thread::Builder::new().spawn(move || drop(relay(&client, server)))),
            Err(_) => thread::sleep(ACCEPT_PAUSE),
        }
    }
}

fn relay(client: &TcpStream, server: SocketAddr) -> io::Result<()> {
    client.set_read_timeout(Some(READ_TIMEOUT))?;
    let mut reader = BufReader::new(client);
    let head = read_head(&mut reader)?;
    let Some(length) = body_length(&head) else { return refuse(client, reader) };
    let server = TcpStream::connect(server)?;
    let (request_line, headers) = head.split_at(line_length(&head));
    (&server).write_all(&[request_line, CONNECTION_CLOSE, headers].concat())?;
    thread::scope(|scope| {
        // The body may wait for `100 Continue`, so both directions are copied at the same time.
        thread::Builder::new().spawn_scoped(scope, || {
            let _ = io::copy(&mut &server, &mut &*client);
            let _ = client.shutdown(Shutdown::Both);
        })?;
        let _ = io::copy(&mut reader.take(length), &mut &server);
        let _ = server.shutdown(Shutdown::Write);
        Ok(())
    })
}

/// Reads up to and including the empty line. As in tiny_http, only CR LF ends a line.
fn read_head(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut reader = reader.take(MAX_HEAD);
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

fn line_length(head: &[u8]) -> usize {
    head.windows(2).position(|pair| pair == b"\r\n").map_or(head.len(), |at| at + 2)
}

/// Length of the body as tiny_http reads it; unlimited if it is chunked. `None`: it is larger than
/// [`MAX_BODY`].
fn body_length(head: &[u8]) -> Option<u64> {
    let head = String::from_utf8_lossy(head);
    let headers = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let values = |name| headers.clone().filter(move |(other, _)| other.trim().eq_ignore_ascii_case(name));
    let lengths = values("content-length").filter_map(|(_, value)| value.trim().parse::<usize>().ok());
    if lengths.clone().any(|length| length > MAX_BODY) {
        return None;
    }
    let is_chunked = values("transfer-encoding").next().is_some();
    Some(if is_chunked { u64::MAX } else { lengths.map(|length| length as u64).next().unwrap_or(0) })
}

/// Answers 413, and reads some of the body: to close a connection with unread bytes resets it, and
/// the client might never see the answer.
fn refuse(mut client: &TcpStream, reader: impl Read) -> io::Result<()> {
    client.write_all(&encode(&ServerReply::new(413), ""))?;
    client.shutdown(Shutdown::Write)?;
    client.set_read_timeout(Some(DRAIN_TIMEOUT))?;
    io::copy(&mut reader.take(MAX_BODY as u64), &mut io::sink()).map(drop)
}
