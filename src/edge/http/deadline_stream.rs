//! The TCP stream below hyper: it feeds the recorder and passes on what hyper may see, enforces
//! deadlines for heads and writes, and lingers on close so that a client can read its last response.

use super::Timeouts;
use super::recorder::{Fed, HeadWait, Recorder, SUBSTITUTE};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Time in which a client that is still sending may notice its response.
const LINGER: Duration = Duration::from_secs(1);

pub(in crate::edge) struct DeadlineStream {
    stream: TcpStream,
    recorder: Arc<Recorder>,
    timeouts: Timeouts,
    /// The start of a head that is not complete.
    held: Vec<u8>,
    /// Bytes that hyper reads before those of the socket.
    released: Vec<u8>,
    /// Fires no later than the head's deadline. Resetting it for each head would cost more than
    /// reading the head: when it fires early, it is reset to the deadline of the current head.
    head_timer: Option<Pin<Box<Sleep>>>,
    /// Set while a write makes no progress.
    write_timer: Option<Pin<Box<Sleep>>>,
    closing: Closing,
}

enum Closing {
    NotStarted,
    /// Our side is shut down. If the socket were dropped now, the kernel would answer further data
    /// with a reset, and the client could lose our response: so data is read and discarded until
    /// this fires.
    Lingering(Pin<Box<Sleep>>),
}

impl DeadlineStream {
    pub fn new(stream: TcpStream, recorder: Arc<Recorder>, timeouts: &Timeouts) -> Self {
        let timeouts = timeouts.clone();
        Self {
            stream,
            recorder,
            timeouts,
            held: Vec::new(),
            released: Vec::new(),
            head_timer: None,
            write_timer: None,
            closing: Closing::NotStarted,
        }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.stream)
    }

    /// Returns the result of a write, or an error if writing has made no progress for too long.
    fn check_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(self.timeouts.write)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Fails when a head is overdue, and is pending until then. Bodies have a deadline of their
    /// own.
    fn poll_head_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((wait, since)) = self.recorder.head_wait() else { return Poll::Pending };
        let limit = match wait {
            HeadWait::Head => self.timeouts.head,
            HeadWait::NextRequest => self.timeouts.idle,
        };
        let due = Instant::from_std(since) + limit;
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    /// Gives hyper the bytes that were released, as far as they fit.
    fn read_released(&mut self, buffer: &mut ReadBuf<'_>) {
        let count = buffer.remaining().min(self.released.len());
        buffer.put_slice(&self.released[..count]);
        self.released.drain(..count);
        if self.released.is_empty() {
            self.released = Vec::new();
        }
    }

    /// Records the bytes after `before`, and leaves those that hyper may see in the buffer. Returns
    /// false if it may see none yet.
    fn filter_read(&mut self, before: usize, buffer: &mut ReadBuf<'_>) -> bool {
        let new = buffer.filled().get(before..).unwrap_or_default();
        let (complete, is_refused) = match self.recorder.feed(new) {
            Fed::Complete(complete) => (complete, false),
            Fed::Refused(complete) => (complete, true),
            Fed::Discarded => {
                buffer.set_filled(before);
                return false;
            }
        };
        let incomplete = if is_refused { &[] } else { &new[complete..] };
        let passed_on = if self.held.is_empty() { complete } else { 0 };
        if passed_on == 0 && complete > 0 {
            self.released = std::mem::take(&mut self.held);
            self.released.extend_from_slice(&new[..complete]);
        }
        self.held.extend_from_slice(incomplete);
        buffer.set_filled(before + passed_on);
        if is_refused {
            self.held = Vec::new();
            self.released.extend_from_slice(SUBSTITUTE);
        }
        buffer.filled().len() > before
    }

    /// Discards input until the client closes its side.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut discarded = [0; 4096];
        loop {
            let mut discarded = ReadBuf::new(&mut discarded);
            match ready!(self.stream().poll_read(cx, &mut discarded)) {
                Ok(()) if !discarded.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for DeadlineStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.released.is_empty() {
                this.read_released(buffer);
                return Poll::Ready(Ok(()));
            }
            let before = buffer.filled().len();
            match this.stream().poll_read(cx, buffer) {
                Poll::Ready(read) => read?,
                Poll::Pending => return this.poll_head_deadline(cx),
            }
            let is_end = buffer.filled().len() == before;
            if is_end || this.filter_read(before, buffer) {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for DeadlineStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.stream().poll_write(cx, bytes);
        this.check_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.stream().poll_write_vectored(cx, slices);
        this.check_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = this.stream().poll_flush(cx);
        this.check_write(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Closing::NotStarted = this.closing {
            ready!(this.stream().poll_shutdown(cx))?;
            if !this.recorder.may_still_send() {
                return Poll::Ready(Ok(()));
            }
            this.closing = Closing::Lingering(Box::pin(sleep(LINGER)));
        }
        if let Closing::Lingering(limit) = &mut this.closing
            && limit.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Ok(()));
        }
        this.poll_drain(cx).map(Ok)
    }
}
