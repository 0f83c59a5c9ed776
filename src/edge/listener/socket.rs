//! The socket below hyper: it feeds the recorder, gives up on clients that don't read, and lets them read a last answer.

use super::super::recorder::Recorder;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a client that is still sending may take to notice that it was answered.
const LINGER: Duration = Duration::from_secs(1);

/// A TCP connection with a recorder and a deadline for each write.
pub(super) struct Socket {
    stream: TcpStream,
    recorder: Arc<Recorder>,
    patience: Duration,
    /// Set while a write is stuck.
    stuck: Option<Pin<Box<Sleep>>>,
    farewell: Farewell,
}

/// How far closing has come.
enum Farewell {
    NotYet,
    /// Our side is closed. Were the socket dropped now, the kernel would answer what still comes with a reset, and the
    /// client could lose our answer: so that is read and thrown away for a while.
    Lingering(Pin<Box<Sleep>>),
}

impl Socket {
    /// Takes a connection over. A write may be stuck for as long as `patience`.
    pub fn new(stream: TcpStream, recorder: Arc<Recorder>, patience: Duration) -> Self {
        Self { stream, recorder, patience, stuck: None, farewell: Farewell::NotYet }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.stream)
    }

    /// Passes on what a write came to, or an error when it has been stuck for too long.
    fn unstick<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Throws away what comes until the client closes its side.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scrap = [0; 4096];
        loop {
            let mut scrap = ReadBuf::new(&mut scrap);
            match ready!(self.stream().poll_read(cx, &mut scrap)) {
                Ok(()) if !scrap.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let before = buffer.filled().len();
        ready!(socket.stream().poll_read(cx, buffer))?;
        socket.recorder.feed(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let written = socket.stream().poll_write(cx, bytes);
        socket.unstick(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let written = socket.stream().poll_write_vectored(cx, slices);
        socket.unstick(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let flushed = socket.stream().poll_flush(cx);
        socket.unstick(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if let Farewell::NotYet = socket.farewell {
            ready!(socket.stream().poll_shutdown(cx))?;
            if !socket.recorder.is_owed() {
                return Poll::Ready(Ok(()));
            }
            socket.farewell = Farewell::Lingering(Box::pin(sleep(LINGER)));
        }
        if let Farewell::Lingering(limit) = &mut socket.farewell
            && limit.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Ok(()));
        }
        socket.poll_drain(cx).map(Ok)
    }
}
