//! A plain HTTP server on this machine: tiny_http reads the requests, one thread for each, and a handler says what to answer.
//!
//! tiny_http can neither cut a connection nor close one that a client wants to keep, and a client that keeps one may make
//! others wait (`docs/listener.md`). So clients connect to a `gate`, behind which tiny_http listens, and their answers are
//! written to the gate's side: each ends its connection, by closing it properly or, when that is wanted, without a word.
//! For clients that are not the user's own there is `listener`.

mod gate;
#[cfg(test)]
mod tests;

use crate::model::error::{Error, Result};
use crate::model::exchange::Reply;
use crate::model::message::{Headers, Request};
use crate::model::timestamp::Timestamp;
use crate::world::{Handler, Serving};
use gate::{Client, Gate};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

/// The longest body that is read, in bytes.
const MOST: usize = 1 << 20;

/// A running server.
pub(super) struct Server {
    gate: Arc<Gate>,
    inner: Arc<tiny_http::Server>,
}

/// Starts to serve.
pub(super) fn start(address: SocketAddr, handler: Handler) -> Result<Server> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::failed(format!("can't listen on {address}"))
            .because(error)
            .hint("take another port; --port 0 is any free one")
    };
    let outer = TcpListener::bind(address).map_err(|error| super::listener::cannot_listen(address, &error))?;
    let hidden = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| failed(&error))?;
    let behind = hidden.local_addr().map_err(|error| failed(&error))?;
    let inner = Arc::new(tiny_http::Server::from_listener(hidden, None).map_err(|error| failed(&error))?);
    let gate = Arc::new(Gate::open(outer, behind).map_err(|error| failed(&error))?);
    let server = Server { gate: gate.clone(), inner: inner.clone() };
    let serve = move || {
        // An error is the end: the server was dropped, or its socket broke.
        while let Ok(request) = inner.recv() {
            let (gate, handler) = (gate.clone(), handler.clone());
            thread::spawn(move || answer(request, &gate, &handler));
        }
    };
    thread::Builder::new().name("server".to_owned()).spawn(serve).map_err(|error| failed(&error))?;
    Ok(server)
}

impl Serving for Server {
    fn address(&self) -> SocketAddr {
        self.gate.address()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.gate.close();
        self.inner.unblock();
    }
}

/// Reads one request, asks the handler, and answers.
fn answer(mut incoming: tiny_http::Request, gate: &Gate, handler: &Handler) {
    // Who did not come by the gate gets tiny_http's 500.
    let Some(client) = incoming.remote_addr().and_then(|address| gate.take(*address)) else { return };
    if incoming.body_length().is_some_and(|length| length > MOST) {
        // tiny_http would allocate all that was announced when it drops this.
        std::mem::forget(incoming);
        let _ = write(&client, &Reply::new(413), "");
        return client.cut();
    }
    // A client that goes away in the middle of its body gets no answer, and nothing is carried out.
    let request = read(&mut incoming);
    // tiny_http says nothing by this, and must not close its side of the gate before the client was answered.
    let _unused = incoming.into_writer();
    let Ok(request) = request else { return client.cut() };
    let method = request.method.clone();
    let reply = handler(request, Timestamp::now());
    thread::sleep(reply.delay);
    if !reply.is_cut {
        // A client that went away needs no answer.
        let _ = write(&client, &reply, &method);
    }
    client.cut();
}

fn read(incoming: &mut tiny_http::Request) -> io::Result<Request> {
    let mut headers = Headers::new();
    for header in incoming.headers() {
        let pushed = headers.push(header.field.as_str().as_str(), header.value.as_str().as_bytes());
        pushed.map_err(io::Error::other)?;
    }
    let (method, target) = (incoming.method().to_string(), incoming.url().to_owned());
    let announced = incoming.body_length();
    let mut body = Vec::new();
    incoming.as_reader().take(MOST as u64 + 1).read_to_end(&mut body)?;
    if body.len() > MOST || announced.is_some_and(|length| length != body.len()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Request { method, target, headers, body })
}

fn write(client: &Client, reply: &Reply, method: &str) -> io::Result<()> {
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
    client.stream().write_all(&wire)
}
