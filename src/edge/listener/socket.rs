//! The socket below hyper: it feeds the recorder, gives up on clients that don't write their heads or don't read, and lets them
//! read a last answer.

use super::super::recorder::Recorder;
use super::Deadlines;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a client that is still sending may take to notice that it was answered.
const LINGER: Duration = Duration::from_secs(1);

/// A TCP connection with a recorder, and deadlines for each head and each write.
pub(super) struct Socket {
    stream: TcpStream,
    recorder: Arc<Recorder>,
    deadlines: Deadlines,
    /// Rings no later than the head's deadline. It is not set anew for each head, which would cost more than the head: when it
    /// rings too early, it is set for the head that is due then.
    alarm: Option<Pin<Box<Sleep>>>,
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
    /// Takes a connection over.
    pub fn new(stream: TcpStream, recorder: Arc<Recorder>, deadlines: &Deadlines) -> Self {
        let deadlines = deadlines.clone();
        Self { stream, recorder, deadlines, alarm: None, stuck: None, farewell: Farewell::NotYet }
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
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(self.deadlines.write)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Waits for more of a head; an error when it is overdue. A body has a deadline of its own.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(since) = self.recorder.head_since() else { return Poll::Pending };
        let due = Instant::from_std(since) + self.deadlines.head;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            alarm.as_mut().reset(due);
        }
        Poll::Pending
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
        match socket.stream().poll_read(cx, buffer) {
            Poll::Ready(read) => read?,
            Poll::Pending => return socket.poll_overdue(cx),
        }
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
