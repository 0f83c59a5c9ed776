//! Keep-alive connections to plain HTTP servers on this machine.
//!
//! hyper reads the answers; `wire_format` writes the requests, and `raw_stream` sends them. A
//! request is sent once. It is sent again on another connection only if hyper reports that a
//! connection was closed before any of it was sent.

use super::super::resolver;
use super::answer::{PartialAnswer, parse_method};
use super::failure::{answer_failure, connect_failure, root_cause};
use super::options::{CONNECT_TIMEOUT, ExchangeOptions};
use super::raw_stream::{RawRequest, RawStream};
use super::{tls_probe, wire_format};
use crate::model::address::{Reach, TargetHost};
use crate::model::exchange::{Answer, CLOSED_UNANSWERED, SendFailure};
use crate::model::message::Request;
use crate::model::target_fault::TargetFault;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

/// The request that hyper sees.
type PlaceholderRequest = hyper::Request<Empty<Bytes>>;

/// Idle connections, the longest idle first. Clones share them.
///
/// A new connection replaces the longest idle one, so there are never more connections than there
/// were requests at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<PooledConnection>>>);

/// A connection. It is closed when this is dropped.
#[derive(Debug)]
struct PooledConnection {
    /// Host and port.
    authority: String,
    hyper: SendRequest<Empty<Bytes>>,
    request: Arc<RawRequest>,
    task: AbortHandle,
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pool {
    /// Sends a request, byte for byte, and reads the answer.
    pub async fn exchange(&self, url: &Url, request: Request, options: ExchangeOptions) -> Result<Answer, SendFailure> {
        let deadline = Instant::now() + options.timeout;
        let method = parse_method(&request)?;
        let closes = wire_format::has_connection_close(&request);
        let wire = wire_format::write(url, &request)?;
        drop(request);
        let sent = timeout_at(deadline, self.send(url, &method, wire)).await;
        let (connection, response) = sent.unwrap_or(Err(SendFailure::Timeout))?;
        let mut answer = PartialAnswer::new(response.status(), response.headers(), options.max_body);
        let mut body = response.into_body();
        loop {
            match timeout_at(deadline, body.frame()).await {
                Ok(Some(Ok(frame))) => answer.push(frame.data_ref().map_or(&[], |data| data)),
                Ok(Some(Err(error))) => return Err(answer.fail(root_cause(&error))),
                Ok(None) => break,
                Err(_elapsed) => return Err(answer.fail(SendFailure::Timeout.to_string())),
            }
            if answer.is_truncated() {
                return Ok(answer.finish());
            }
        }
        if !closes && connection.request.is_sent() {
            self.idle().push(connection);
        }
        Ok(answer.finish())
    }

    /// Sends on an idle connection, or else on a new one.
    async fn send(
        &self,
        url: &Url,
        method: &Method,
        wire: Bytes,
    ) -> Result<(PooledConnection, Response<Incoming>), SendFailure> {
        while let Some(mut connection) = self.take_open(wire_format::authority(url)).await {
            match connection.send(method, wire.clone()).await {
                Ok(response) => return Ok((connection, response)),
                Err(error) if error.message().is_none() => return Err(connection.failure(error.error())),
                Err(_unsent) => {}
            }
        }
        let mut connection = self.connect(url).await?;
        match connection.send(method, wire).await {
            Ok(response) => Ok((connection, response)),
            Err(error) => Err(name_tls(connection.failure(error.error()), url).await),
        }
    }

    /// Takes an idle connection to this server that is still open.
    async fn take_open(&self, authority: &str) -> Option<PooledConnection> {
        loop {
            let mut connection = self.take_idle(authority)?;
            // Lets the runtime look at its sockets: the server may have closed this one unnoticed.
            tokio::task::yield_now().await;
            if connection.hyper.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    fn take_idle(&self, authority: &str) -> Option<PooledConnection> {
        let mut idle = self.idle();
        let index = idle.iter().rposition(|connection| connection.authority == authority)?;
        Some(idle.remove(index))
    }

    async fn connect(&self, url: &Url) -> Result<PooledConnection, SendFailure> {
        let longest_idle = {
            let mut idle = self.idle();
            if idle.is_empty() { None } else { Some(idle.remove(0)) }
        };
        drop(longest_idle);
        let stream = match timeout(CONNECT_TIMEOUT, open_stream(url)).await {
            Ok(connected) => connected.map_err(|error| connect_failure(&error, url.host_str().unwrap_or_default()))?,
            Err(_elapsed) => return Err(SendFailure::Connect(io::ErrorKind::TimedOut.to_string())),
        };
        let request = Arc::new(RawRequest::default());
        let stream = TokioIo::new(RawStream::new(stream, Arc::clone(&request)));
        let (hyper, connection) = http1::handshake(stream).await.map_err(|error| answer_failure(&error, &[]))?;
        // Whoever waits for an answer gets the connection's errors.
        let task = tokio::spawn(async { drop(connection.await) }).abort_handle();
        Ok(PooledConnection { authority: wire_format::authority(url).to_owned(), hyper, request, task })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PooledConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PooledConnection {
    async fn send(
        &mut self,
        method: &Method,
        wire: Bytes,
    ) -> Result<Response<Incoming>, TrySendError<PlaceholderRequest>> {
        let mut placeholder = PlaceholderRequest::new(Empty::new());
        method.clone_into(placeholder.method_mut());
        self.request.set(wire);
        self.hyper.try_send_request(placeholder).await
    }

    fn failure(&self, error: &hyper::Error) -> SendFailure {
        answer_failure(error, &self.request.answer_start())
    }
}

/// Says so if a server closed the connection because it speaks TLS.
async fn name_tls(failure: SendFailure, url: &Url) -> SendFailure {
    let is_closed = matches!(&failure, SendFailure::Broken(cause) if cause == CLOSED_UNANSWERED);
    if !is_closed {
        return failure;
    }
    let Ok(stream) = open_stream(url).await else { return failure };
    if tls_probe::speaks_tls(stream).await { SendFailure::Misconfigured(TargetFault::Tls) } else { failure }
}

/// Connects to a server on this machine: to each of its addresses until one accepts.
async fn open_stream(url: &Url) -> io::Result<TcpStream> {
    let port = url.port_or_known_default().unwrap_or(80);
    let host = TargetHost::of_url(url).ok_or(io::ErrorKind::InvalidInput)?;
    let addresses = resolver::addresses(host, Reach::ThisMachine).await?;
    let addresses: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    let stream = TcpStream::connect(&addresses[..]).await?;
    // macOS refuses this on a socket that the other side has closed. Sending then reports why.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
