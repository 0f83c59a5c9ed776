//! The TCP stream below hyper's client: it sends the request's own bytes instead of hyper's.
//!
//! hyper would lower-case header names, group repeats and write its own framing. So hyper is given
//! an empty placeholder request with the same method, which is all it needs to read the answer.
//! Whatever hyper writes is discarded.

use super::failure::SAMPLE;
use hyper::body::{Buf, Bytes};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The request that a connection is to send.
#[derive(Debug, Default)]
pub(super) struct RawRequest(Mutex<RequestBytes>);

#[derive(Debug, Default)]
struct RequestBytes {
    /// Sent when hyper writes its placeholder, and not before: until then hyper may still report
    /// that the request was not sent.
    waiting: Bytes,
    /// The rest of the request that is being sent.
    unsent: Bytes,
    /// The first bytes of the answer, for an error message.
    answer_start: Vec<u8>,
}

impl RawRequest {
    /// Sets the bytes that replace the next placeholder.
    pub fn set(&self, request: Bytes) {
        let mut bytes = self.lock();
        bytes.waiting = request;
        bytes.answer_start.clear();
    }

    /// Returns the first bytes that were received since the request was set.
    pub fn answer_start(&self) -> Vec<u8> {
        self.lock().answer_start.clone()
    }

    /// Returns true if everything that was set has been sent.
    pub fn is_sent(&self) -> bool {
        let bytes = self.lock();
        bytes.waiting.is_empty() && bytes.unsent.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, RequestBytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct RawStream {
    stream: TcpStream,
    request: Arc<RawRequest>,
}

impl RawStream {
    pub fn new(stream: TcpStream, request: Arc<RawRequest>) -> Self {
        Self { stream, request }
    }
}

impl AsyncRead for RawStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let mut request = self.request.lock();
        let room = SAMPLE - request.answer_start.len();
        if room > 0 {
            let received = buffer.filled().get(filled..).unwrap_or_default();
            request.answer_start.extend_from_slice(received.get(..room).unwrap_or(received));
        }
        drop(request);
        polled
    }
}

impl AsyncWrite for RawStream {
    /// hyper writes nothing but placeholders, one for each request that was set.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut request = self.request.lock();
        if !request.waiting.is_empty() {
            request.unsent = std::mem::take(&mut request.waiting);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, request } = self.get_mut();
        let mut request = request.lock();
        while !request.unsent.is_empty() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, &request.unsent)) {
                Ok(written) if written > 0 => request.unsent.advance(written),
                // A server that refuses a large body may answer and close before it has read all of
                // it. So a failed write is no error: reading shows if there is an answer.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
