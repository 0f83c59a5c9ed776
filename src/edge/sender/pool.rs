//! Connections to plain HTTP targets on this machine, kept open between requests.
//!
//! hyper reads the answers; `head` says what goes out, and `socket` sends it. A request goes out once: only when hyper says
//! that a connection was closed before any of it was sent is it sent on another one.

use super::answer::{self, broken, cause, method};
use super::clients::{CONNECT, Terms};
use super::head;
use super::socket::{Outbox, Socket};
use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::Request;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};
use url::{Host, Url};

/// hyper's idea of a request.
type StandIn = hyper::Request<Empty<Bytes>>;

/// Connections at rest, the longest first. Clones share them.
///
/// A new connection takes the place of the one that rested longest, so there are never more of them than requests were
/// under way at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<Line>>>);

/// A connection. It ends when this is dropped.
#[derive(Debug)]
struct Line {
    /// Host and port.
    target: String,
    requests: SendRequest<Empty<Bytes>>,
    outbox: Arc<Outbox>,
    task: AbortHandle,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pool {
    /// Sends a request, byte for byte, and reads the answer.
    pub async fn exchange(&self, url: &Url, request: Request, terms: Terms) -> Result<Answer, SendFailure> {
        let end = Instant::now() + terms.limit;
        let method = method(&request)?;
        let is_last = head::says_close(&request);
        let wire = head::wire(url, &request)?;
        drop(request);
        let sent = timeout_at(end, self.send(url, &method, wire)).await;
        let (line, response) = sent.unwrap_or(Err(SendFailure::Timeout))?;
        let mut incoming = answer::Incoming::new(response.status(), response.headers(), terms.most_of_body);
        let mut body = response.into_body();
        loop {
            match timeout_at(end, body.frame()).await {
                Ok(Some(Ok(frame))) => incoming.add(frame.data_ref().map_or(&[], |data| data)),
                Ok(Some(Err(error))) => return Err(incoming.cut(cause(&error))),
                Ok(None) => break,
                Err(_elapsed) => return Err(incoming.cut(SendFailure::Timeout.to_string())),
            }
            if incoming.is_enough() {
                return Ok(incoming.into_answer());
            }
        }
        if !is_last && line.outbox.is_empty() {
            self.lines().push(line);
        }
        Ok(incoming.into_answer())
    }

    /// Sends by a connection that rests, or else by a new one.
    async fn send(&self, url: &Url, method: &Method, wire: Bytes) -> Result<(Line, Response<Incoming>), SendFailure> {
        while let Some(mut line) = self.rested(head::authority(url)).await {
            match line.send(method, wire.clone()).await {
                Ok(response) => return Ok((line, response)),
                Err(error) if error.message().is_none() => return Err(broken(error.error())),
                Err(_unsent) => {}
            }
        }
        let mut line = self.open(url).await?;
        let response = line.send(method, wire).await.map_err(|error| broken(error.error()))?;
        Ok((line, response))
    }

    /// A connection to this target that is still open.
    async fn rested(&self, target: &str) -> Option<Line> {
        loop {
            let mut line = self.take(target)?;
            // The runtime looks at its sockets: the target may have closed this one, and hyper not heard of it yet.
            tokio::task::yield_now().await;
            if line.requests.ready().await.is_ok() {
                return Some(line);
            }
        }
    }

    fn take(&self, target: &str) -> Option<Line> {
        let mut lines = self.lines();
        let place = lines.iter().rposition(|line| line.target == target)?;
        Some(lines.remove(place))
    }

    async fn open(&self, url: &Url) -> Result<Line, SendFailure> {
        let longest_at_rest = {
            let mut lines = self.lines();
            if lines.is_empty() { None } else { Some(lines.remove(0)) }
        };
        drop(longest_at_rest);
        let stream = match timeout(CONNECT, connect(url)).await {
            Ok(connected) => connected.map_err(|error| SendFailure::Connect(cause(&error)))?,
            Err(_elapsed) => return Err(SendFailure::Connect(io::ErrorKind::TimedOut.to_string())),
        };
        let outbox = Arc::new(Outbox::default());
        let socket = TokioIo::new(Socket::new(stream, Arc::clone(&outbox)));
        let (requests, connection) = http1::handshake(socket).await.map_err(|error| broken(&error))?;
        // Its errors are told to whoever waits for an answer.
        let task = tokio::spawn(async { drop(connection.await) }).abort_handle();
        Ok(Line { target: head::authority(url).to_owned(), requests, outbox, task })
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    async fn send(&mut self, method: &Method, wire: Bytes) -> Result<Response<Incoming>, TrySendError<StandIn>> {
        let mut stand_in = StandIn::new(Empty::new());
        method.clone_into(stand_in.method_mut());
        self.outbox.put(wire);
        self.requests.try_send_request(stand_in).await
    }
}

async fn connect(url: &Url) -> io::Result<TcpStream> {
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = match url.host() {
        Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await?,
        Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await?,
        Some(Host::Domain(name)) => TcpStream::connect((name, port)).await?,
        None => return Err(io::ErrorKind::InvalidInput.into()),
    };
    // A socket that refuses it is as good as gone, and what is sent then says why: macOS refuses it where the other side has hung up.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
