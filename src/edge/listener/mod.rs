//! The HTTP/1 server that receives webhooks. A tunnel may expose it to the internet.
//!
//! This file accepts connections and passes events to the consumer. `connection` handles requests,
//! `connections` limits how many clients are connected, `body_memory` how much memory their bodies
//! take, and `deadline_stream` how long they may take. `pipeline` stores and forwards deliveries.
//! Nothing above this module is async.

mod body_memory;
mod connection;
mod connections;
mod deadline_stream;
mod large_body_worker;
mod pipeline;
mod response;
#[cfg(test)]
mod tests;

use super::events::{EventSender, QueuedEvent};
use super::forwarder::Forwarder;
use super::recorder::Recorder;
use super::signals::Interrupt;
use super::store::{Closed, StoreWriter};
use crate::model::error::{Error, Result};
use crate::world::{ListenOptions, ListenerEvent, RunningListener, StoreLocation, VerifyFn};
use connection::ListenerState;
use connections::ConnectionLimiter;
use hyper_util::server::graceful::GracefulShutdown;
use pipeline::DeliveryPipeline;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Most events that wait for the consumer; beyond that, senders wait for their responses.
const EVENT_QUEUE: usize = 1024;

/// Length of the kernel's accept queue; the system may allow less.
const ACCEPT_BACKLOG: u32 = 4096;

/// Pause of the accept loop after an error such as "too many open files".
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Time that the runtime's threads get to end.
const RUNTIME_SHUTDOWN: Duration = Duration::from_secs(1);

/// Time that the store gets to close. It copies its log into the database then, perhaps on a slow
/// disk.
const STORE_SHUTDOWN: Duration = Duration::from_secs(10);

/// Pause in which events gather while many arrive.
const GATHERING_PAUSE: Duration = Duration::from_millis(1);

#[derive(Clone, Debug)]
pub(super) struct Timeouts {
    /// From the first byte of a head to its last; also how long a connection may idle.
    pub head: Duration,
    pub body: Duration,
    /// For the next bytes of a response to be taken.
    pub write: Duration,
    /// For memory for a large body; a part of `body`.
    pub memory: Duration,
    /// For a place in the event queue, for deliveries that are not stored.
    pub queue: Duration,
    /// The same for stored deliveries, which can be dropped.
    pub display: Duration,
    /// For open requests when the listener closes.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let ten = Duration::from_secs(10);
        let (five, display) = (Duration::from_secs(5), Duration::from_secs(2));
        Self { head: five, body: ten, memory: five, write: ten, queue: ten, display, close: ten }
    }
}

/// A running listener with its threads.
pub(super) struct Listener {
    address: SocketAddr,
    events: mpsc::Receiver<QueuedEvent>,
    /// True if there was an event just now.
    is_busy: bool,
    interrupt: Interrupt,
    stop: Option<oneshot::Sender<()>>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    store: Option<Closed>,
}

/// Binds to the address and starts to accept connections.
pub(super) fn start(
    options: &ListenOptions,
    verify: VerifyFn,
    timeouts: Timeouts,
    interrupt: Interrupt,
) -> Result<Listener> {
    let limiter = Arc::new(ConnectionLimiter::for_this_process());
    start_with(options, verify, timeouts, interrupt, limiter)
}

fn start_with(
    options: &ListenOptions,
    verify: VerifyFn,
    timeouts: Timeouts,
    interrupt: Interrupt,
    limiter: Arc<ConnectionLimiter>,
) -> Result<Listener> {
    let bind_error = |error: io::Error| cannot_listen(options.address, error.kind());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(worker_threads()).enable_all().build();
    let runtime = runtime.map_err(bind_error)?;
    let listener = runtime.block_on(async { bind(options.address) }).map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;
    let (queue, events) = mpsc::channel(EVENT_QUEUE);
    let (stop, stopped) = oneshot::channel();
    let inside_runtime = runtime.enter();
    let pipeline = options.store.as_ref().map(|store| start_pipeline(store, options)).transpose()?;
    drop(inside_runtime);
    let (pipeline, store) = pipeline.unzip();
    let sender = Arc::new(EventSender::new(queue, timeouts.display));
    let forwarder = pipeline.as_ref().and_then(|pipeline| start_forwarder(pipeline, &sender, &runtime));
    let state = Arc::new(ListenerState::new(options, verify, timeouts, sender, pipeline));
    runtime.spawn(accept_until(stopped, listener, state, limiter, forwarder));
    Ok(Listener { address, events, is_busy: false, interrupt, stop: Some(stop), runtime: Some(runtime), store })
}

/// Returns how many threads serve connections: two, or one on a single core.
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

fn start_pipeline(store: &StoreLocation, options: &ListenOptions) -> Result<(DeliveryPipeline, Closed)> {
    let (writer, closed) = StoreWriter::start(store)?;
    Ok((DeliveryPipeline::new(writer, options.forward.clone()), closed))
}

struct ForwarderTask {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn start_forwarder(pipeline: &DeliveryPipeline, events: &Arc<EventSender>, runtime: &Runtime) -> Option<ForwarderTask> {
    let (forward, writer) = (pipeline.forward.clone()?, pipeline.writer.clone());
    let (client, wake) = (pipeline.client.clone(), Arc::clone(&pipeline.wake));
    let (stop, stopped) = oneshot::channel();
    let forwarder = Forwarder::new(forward, writer, client, Arc::clone(events), wake);
    Some(ForwarderTask { stop, task: runtime.spawn(forwarder.run(stopped)) })
}

/// Binds with a long accept queue: when a burst of connections fills the queue, the kernels of
/// honest senders wait a second before they try again.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Allows a restart on the same port at once. On Windows it would let two listeners share a
    // port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(ACCEPT_BACKLOG)
}

pub(super) fn cannot_listen(address: SocketAddr, kind: io::ErrorKind) -> Error {
    let failed = Error::failed(format!("can't listen on {address}")).because(kind.to_string());
    match kind {
        io::ErrorKind::AddrInUse => failed.hint(
            "stop the other program, perhaps another `whtool listen` or `emulate`, or use `--port 0` for a free port",
        ),
        io::ErrorKind::PermissionDenied => failed.hint("ports below 1024 are reserved; `--port 0` picks a free port"),
        io::ErrorKind::AddrNotAvailable => failed.hint("use an address of this machine, such as 127.0.0.1"),
        _ => failed,
    }
}

impl Listener {
    /// Returns an event that has happened already.
    fn try_next(&mut self) -> Option<ListenerEvent> {
        match self.events.try_recv() {
            Ok(queued) => Some(queued.event),
            Err(TryRecvError::Disconnected) => Some(ListenerEvent::Closed),
            Err(TryRecvError::Empty) => None,
        }
    }
}

impl RunningListener for Listener {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn next(&mut self, timeout: Option<Duration>) -> ListenerEvent {
        if self.interrupt.take() {
            return ListenerEvent::Interrupted;
        }
        if let Some(event) = self.try_next() {
            return event;
        }
        // Waking up for every delivery is expensive under load: let some gather first.
        if self.is_busy {
            self.is_busy = false;
            std::thread::sleep(GATHERING_PAUSE);
            if let Some(event) = self.try_next() {
                self.is_busy = true;
                return event;
            }
        }
        if timeout == Some(Duration::ZERO) {
            return ListenerEvent::TimedOut;
        }
        let Self { events, interrupt, runtime, is_busy, .. } = self;
        let runtime = runtime.as_ref().expect("only `drop` takes the runtime");
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = interrupt.wait() => ListenerEvent::Interrupted,
                queued = events.recv() => {
                    *is_busy = true;
                    queued.map_or(ListenerEvent::Closed, |queued| queued.event)
                }
                () = sleep(timeout) => ListenerEvent::TimedOut,
            }
        })
    }

    fn close(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Can't fail: the accept loop ends only on this message.
            let _ = stop.send(());
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(RUNTIME_SHUTDOWN);
        }
        // Nothing is lost if this takes longer: the next process that opens the store reads its
        // log.
        let _ = self.store.take().map(|store| store.recv_timeout(STORE_SHUTDOWN));
    }
}

/// Sleeps; `None`: for ever.
async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Accepts connections until `stop`, then finishes open requests and forwarding attempts.
async fn accept_until(
    mut stop: oneshot::Receiver<()>,
    listener: TcpListener,
    state: Arc<ListenerState>,
    limiter: Arc<ConnectionLimiter>,
    forwarder: Option<ForwarderTask>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => break,
            () = accept_one(&listener, &state, &limiter, &graceful) => {}
        }
    }
    drop(listener);
    // Requests that are not complete by then are cut off; none of them was acknowledged.
    let _ = tokio::time::timeout(state.timeouts.close, graceful.shutdown()).await;
    limiter.close_all();
    if let Some(ForwarderTask { stop, mut task }) = forwarder {
        // Fails if the forwarder has ended. Attempts that are cut off stay pending in the store.
        let _ = stop.send(());
        if tokio::time::timeout(state.timeouts.close, &mut task).await.is_err() {
            task.abort();
        }
    }
    let _ = tokio::time::timeout(state.timeouts.close, state.events.report_dropped()).await;
}

/// Accepts one connection. Errors are the machine's (no descriptors) or the client's (gone
/// already), and never a reason to stop.
async fn accept_one(
    listener: &TcpListener,
    state: &Arc<ListenerState>,
    limiter: &Arc<ConnectionLimiter>,
    graceful: &GracefulShutdown,
) {
    match listener.accept().await {
        Ok((stream, peer)) => serve(stream, peer, state, limiter, graceful).await,
        Err(error) if is_client_error(&error) => {}
        Err(_) => {
            limiter.evict_one();
            tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
        }
    }
}

fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    state: &Arc<ListenerState>,
    limiter: &Arc<ConnectionLimiter>,
    graceful: &GracefulShutdown,
) {
    let recorder = Arc::new(Recorder::new());
    let Some(slot) = limiter.acquire_slot(peer.ip()).await else { return };
    let serving = connection::serve(stream, peer, Arc::clone(&recorder), Arc::clone(state), graceful.watcher());
    limiter.spawn(peer.ip(), recorder, slot, serving);
}
