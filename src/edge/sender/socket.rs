//! The socket below hyper: it sends the request's own bytes in place of those that hyper writes.
//!
//! hyper would lower-case header names, group repeats and write its own framing. So it is given an empty stand-in of the
//! same method, which tells it all that it needs to read the answer, and nothing of what it writes leaves the machine.

use hyper::body::{Buf, Bytes};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a connection is to send.
#[derive(Debug, Default)]
pub(super) struct Outbox(Mutex<Post>);

#[derive(Debug, Default)]
struct Post {
    /// Goes out when hyper writes its stand-in, and not before: until then hyper may still say that it was not sent.
    next: Bytes,
    /// What is left of a request that is going out.
    going: Bytes,
}

impl Outbox {
    /// Lays the bytes down that go out in place of the next stand-in.
    pub fn put(&self, request: Bytes) {
        self.post().next = request;
    }

    /// Whether all that was put there has gone out.
    pub fn is_empty(&self) -> bool {
        let post = self.post();
        post.next.is_empty() && post.going.is_empty()
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A TCP connection that sends what is in its outbox.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    outbox: Arc<Outbox>,
}

impl Socket {
    /// Takes a connection over.
    pub fn new(stream: TcpStream, outbox: Arc<Outbox>) -> Self {
        Self { stream, outbox }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    /// All that hyper ever writes is stand-ins, one for each request that was put in the outbox.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut post = self.outbox.post();
        if !post.next.is_empty() {
            post.going = std::mem::take(&mut post.next);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, outbox } = self.get_mut();
        let mut post = outbox.post();
        while !post.going.is_empty() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, &post.going)) {
                Ok(written) if written > 0 => post.going.advance(written),
                // A target that refuses a large body may answer, and close, before it has read it. So the end of the
                // writing is not the end: whether there was an answer is told by reading.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
