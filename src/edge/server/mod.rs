//! A plain HTTP server on this machine: tiny_http reads the requests, and a handler answers each on
//! its own thread.
//!
//! Clients connect to a `gate` in front of tiny_http, which sees one request per connection and
//! none with a large body. Every response ends its connection. `listener` is the server for clients
//! that are not the user's own.

mod gate;
#[cfg(test)]
mod tests;

use crate::model::error::{Error, Result};
use crate::model::exchange::ServerReply;
use crate::model::message::{Headers, Request};
use crate::model::timestamp::Timestamp;
use crate::world::{RequestHandler, RunningServer};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Largest request body, in bytes.
const MAX_BODY: usize = 1 << 20;

/// A running server. Dropping it stops it.
pub(super) struct Server {
    address: SocketAddr,
    is_closed: Arc<AtomicBool>,
    inner: Arc<tiny_http::Server>,
}

/// Starts a server on `address`; port 0 picks a free one.
pub(super) fn start(address: SocketAddr, handler: RequestHandler) -> Result<Server> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::failed(format!("can't listen on {address}")).because(error)
    };
    let listener = TcpListener::bind(address).map_err(|error| super::listener::cannot_listen(address, error.kind()))?;
    let hidden = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| failed(error.into()))?;
    let behind = hidden.local_addr().map_err(|error| failed(error.into()))?;
    let inner = Arc::new(tiny_http::Server::from_listener(hidden, None).map_err(&failed)?);
    let address = listener.local_addr().map_err(|error| failed(error.into()))?;
    let server = Server { address, is_closed: Arc::default(), inner: inner.clone() };
    let is_closed = server.is_closed.clone();
    let accept = move || gate::accept(&listener, behind, &is_closed);
    let serve = move || {
        // An error is the end: the server was dropped, or its socket broke.
        while let Ok(request) = inner.recv() {
            let handler = handler.clone();
            thread::spawn(move || answer(request, &handler));
        }
    };
    let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| failed(error.into()))
    };
    spawn("gate", Box::new(accept))?;
    spawn("server", Box::new(serve))?;
    Ok(server)
}

impl RunningServer for Server {
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
        // Wakes the gate.
        let _ = TcpStream::connect(self.address);
        self.inner.unblock();
    }
}

/// Reads one request, asks the handler, and writes its reply.
fn answer(mut incoming: tiny_http::Request, handler: &RequestHandler) {
    let request = read(&mut incoming);
    // Dropping the writer closes the connection; nothing else is written.
    let mut writer = incoming.into_writer();
    // A client that went away in the middle of its body gets no reply, and the request is not
    // handled.
    let Ok(request) = request else { return };
    let method = request.method.clone();
    let reply = handler(request, Timestamp::now());
    thread::sleep(reply.delay);
    if !reply.is_cut {
        // A client that went away needs no reply.
        let _ = writer.write_all(&encode(&reply, &method)).and_then(|()| writer.flush());
    }
}

fn read(incoming: &mut tiny_http::Request) -> io::Result<Request> {
    let mut headers = Headers::new();
    // The first header is the gate's.
    for header in incoming.headers().iter().skip(1) {
        let pushed = headers.push(header.field.as_str().as_str(), header.value.as_str().as_bytes());
        pushed.map_err(io::Error::other)?;
    }
    let (method, target) = (incoming.method().to_string(), incoming.url().to_owned());
    let announced = incoming.body_length();
    let mut body = Vec::new();
    incoming.as_reader().take(MAX_BODY as u64 + 1).read_to_end(&mut body)?;
    if body.len() > MAX_BODY || announced.is_some_and(|length| length != body.len()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Request { method, target, headers, body })
}

fn encode(reply: &ServerReply, method: &str) -> Vec<u8> {
    let reason = tiny_http::StatusCode(reply.status).default_reason_phrase();
    let mut wire = format!("HTTP/1.1 {} {reason}\r\n", reply.status).into_bytes();
    wire.extend_from_slice(reply.headers.as_bytes());
    if reply.status != 204 {
        wire.extend_from_slice(format!("Content-Length: {}\r\n", reply.body.len()).as_bytes());
    }
    wire.extend_from_slice(b"Connection: close\r\n\r\n");
    if method != "HEAD" {
        wire.extend_from_slice(&reply.body);
    }
    wire
}
