//! The receiver: an HTTP/1 server that is fit to be reached from the internet through a tunnel.
//!
//! This file accepts connections and hands what happens on them to the one who asks; `connection` answers requests,
//! `crowd` decides who may stay, `judging` where a delivery is judged, `room` how much is in memory, `socket` keeps the raw heads and the deadlines, `keeping` is the way to store and app, and
//! `teller` the way to the one who asks. Everything async stays below this file.

mod connection;
mod crowd;
mod judging;
mod keeping;
mod response;
mod room;
mod socket;
mod teller;
#[cfg(test)]
mod tests;

use super::forwarder::Forwarder;
use super::interrupt::Interrupt;
use super::recorder::Recorder;
use super::sender::clients::Clients;
use super::store::{Closed, Writer};
use crate::model::error::{Error, Result};
use crate::world::{ListenOptions, ListenerEvent, RunningListener, StoreLocation, VerifyFn};
use connection::Desk;
use crowd::Crowd;
use hyper_util::server::graceful::GracefulShutdown;
use keeping::Keeping;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
pub(in crate::edge) use teller::{News, Teller};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

/// How many deliveries may wait to be asked for; beyond it senders wait for their answers.
const IN_HAND: usize = 1024;

/// How many connections may wait to be accepted; the system may allow fewer.
const QUEUE: u32 = 4096;

/// How long a pause the accept loop takes after an error such as "too many open files".
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How long threads may take to end.
const CLOSING: Duration = Duration::from_secs(1);

/// How long the store may take to be closed: its log is brought into the database then, on a disk that may be slow.
const CLOSING_STORE: Duration = Duration::from_secs(10);

/// How long the consumer may leave news to gather.
const GATHERING: Duration = Duration::from_millis(1);

/// How long a client may take for what it has to do.
#[derive(Clone, Debug)]
pub(super) struct Deadlines {
    /// From the first byte of a head to its last; also how long a connection may idle.
    pub head: Duration,
    /// For the whole body.
    pub body: Duration,
    /// For taking the next bytes of an answer.
    pub write: Duration,
    /// For room for a large body, part of `body`.
    pub room: Duration,
    /// For the consumer to take a delivery while too many wait.
    pub handover: Duration,
    /// For the consumer to take one that is kept already.
    pub show: Duration,
    /// For everything in hand when the listener closes.
    pub close: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let ten = Duration::from_secs(10);
        let (five, show) = (Duration::from_secs(5), Duration::from_secs(2));
        Self { head: five, body: ten, room: five, write: ten, handover: ten, show, close: ten }
    }
}

/// A running listener, with the threads that serve it.
pub(super) struct Listener {
    address: SocketAddr,
    news: mpsc::Receiver<News>,
    /// Whether something came just now.
    is_busy: bool,
    interrupt: Interrupt,
    stop: Option<oneshot::Sender<()>>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// Hears when the store is closed.
    store: Option<Closed>,
}

/// Binds and begins to accept.
pub(super) fn start(
    options: &ListenOptions,
    verify: VerifyFn,
    deadlines: Deadlines,
    interrupt: Interrupt,
) -> Result<Listener> {
    let crowd = Arc::new(Crowd::for_this_process());
    start_with(options, verify, deadlines, interrupt, crowd)
}

fn start_with(
    options: &ListenOptions,
    verify: VerifyFn,
    deadlines: Deadlines,
    interrupt: Interrupt,
    crowd: Arc<Crowd>,
) -> Result<Listener> {
    let unbound = |error: io::Error| cannot_listen(options.address, &error);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads()).enable_all().build();
    let runtime = runtime.map_err(unbound)?;
    let listener = runtime.block_on(async { bound(options.address) }).map_err(unbound)?;
    let address = listener.local_addr().map_err(unbound)?;
    let (sender, news) = mpsc::channel(IN_HAND);
    let (stop, stopped) = oneshot::channel();
    let within = runtime.enter();
    let (keeping, store) = options.store.as_ref().map(|keep| keeping(keep, options)).transpose()?.unzip();
    drop(within);
    let teller = Arc::new(Teller::new(sender, deadlines.show));
    let forwarding = keeping.as_ref().and_then(|keeping| start_forwarding(keeping, &teller, &runtime));
    let desk = Arc::new(Desk::new(options, verify, deadlines, teller, keeping));
    runtime.spawn(accept_until(stopped, listener, desk, crowd, forwarding));
    Ok(Listener { address, news, is_busy: false, interrupt, stop: Some(stop), runtime: Some(runtime), store })
}

/// How many threads serve connections: two, unless there is only one core for them.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

fn keeping(keep: &StoreLocation, options: &ListenOptions) -> Result<(Keeping, Closed)> {
    let (clients, wake) = (Clients::default(), Arc::new(Notify::new()));
    let asked = Semaphore::new(keeping::ASKED_AT_ONCE);
    let (writer, closed) = Writer::start(keep)?;
    Ok((Keeping { writer, forward: options.forward.clone(), clients, wake, asked }, closed))
}

/// The forwarder's work, and how to end it.
struct Forwarding {
    stop: oneshot::Sender<()>,
    work: JoinHandle<()>,
}

fn start_forwarding(keeping: &Keeping, teller: &Arc<Teller>, runtime: &Runtime) -> Option<Forwarding> {
    let (forward, writer) = (keeping.forward.clone()?, keeping.writer.clone());
    let (clients, wake) = (keeping.clients.clone(), Arc::clone(&keeping.wake));
    let (stop, stopped) = oneshot::channel();
    let work = runtime.spawn(Forwarder::new(forward, writer, clients, Arc::clone(teller), wake).run(stopped));
    Some(Forwarding { stop, work })
}

/// A socket that listens here. A crowd that comes all at once must not fill the queue before it, or honest senders' kernels wait a
/// second before they knock again.
fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a port can be taken again at once. Elsewhere it would let two listeners share one.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// Why nobody can listen there, and what to do.
pub(super) fn cannot_listen(address: SocketAddr, error: &io::Error) -> Error {
    let failed = Error::failed(format!("can't listen on {address}")).because(error.kind());
    match error.kind() {
        io::ErrorKind::AddrInUse => failed
            .hint("another `whtool listen` or `emulate` may be running: end it; or `--port 0` takes any free port"),
        io::ErrorKind::PermissionDenied => failed.hint("ports below 1024 are reserved: `--port 0` takes any free port"),
        io::ErrorKind::AddrNotAvailable => failed.hint("give an address that this machine has, such as 127.0.0.1"),
        _ => failed,
    }
}

impl Listener {
    /// What has happened already.
    fn at_hand(&mut self) -> Option<ListenerEvent> {
        match self.news.try_recv() {
            Ok(news) => Some(news.happening),
            Err(TryRecvError::Disconnected) => Some(ListenerEvent::Closed),
            Err(TryRecvError::Empty) => None,
        }
    }
}

impl RunningListener for Listener {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn next(&mut self, patience: Option<Duration>) -> ListenerEvent {
        if self.interrupt.take() {
            return ListenerEvent::Interrupted;
        }
        if let Some(happening) = self.at_hand() {
            return happening;
        }
        // Being woken for each delivery is dear when many come: this lets some gather first.
        if self.is_busy {
            self.is_busy = false;
            std::thread::sleep(GATHERING);
            if let Some(happening) = self.at_hand() {
                self.is_busy = true;
                return happening;
            }
        }
        if patience == Some(Duration::ZERO) {
            return ListenerEvent::TimedOut;
        }
        let Self { news, interrupt, runtime, is_busy, .. } = self;
        let runtime = runtime.as_ref().expect("it is taken only by `drop`");
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = interrupt.told() => ListenerEvent::Interrupted,
                next = news.recv() => {
                    *is_busy = true;
                    next.map_or(ListenerEvent::Closed, |next| next.happening)
                }
                () = run_out(patience) => ListenerEvent::TimedOut,
            }
        })
    }

    fn close(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The accept loop ends for no other reason, so it hears this.
            let _ = stop.send(());
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(CLOSING);
        }
        // Nothing is lost when this takes longer: the log is read by whoever opens the store next.
        let _ = self.store.take().map(|store| store.recv_timeout(CLOSING_STORE));
    }
}

async fn run_out(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}

/// Accepts connections until it is told to stop, then lets those that are in hand finish, and what is on its way to the app.
async fn accept_until(
    mut stop: oneshot::Receiver<()>,
    listener: TcpListener,
    desk: Arc<Desk>,
    crowd: Arc<Crowd>,
    forwarding: Option<Forwarding>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => break,
            () = accept_one(&listener, &desk, &crowd, &graceful) => {}
        }
    }
    drop(listener);
    // What is not done by then is cut off: nobody was told that it would be served.
    let _ = tokio::time::timeout(desk.deadlines.close, graceful.shutdown()).await;
    crowd.dismiss();
    if let Some(Forwarding { stop, mut work }) = forwarding {
        // It is gone already when this fails, and what was cut off stays pending in the store.
        let _ = stop.send(());
        if tokio::time::timeout(desk.deadlines.close, &mut work).await.is_err() {
            work.abort();
        }
    }
    let _ = tokio::time::timeout(desk.deadlines.close, desk.teller.tell_of_missed()).await;
}

/// Accepts one connection and sees it to its place. Errors are the machine's (no descriptors) or the client's (gone
/// already), and never a reason to stop.
async fn accept_one(listener: &TcpListener, desk: &Arc<Desk>, crowd: &Arc<Crowd>, graceful: &GracefulShutdown) {
    match listener.accept().await {
        Ok((stream, peer)) => welcome(stream, peer, desk, crowd, graceful).await,
        Err(error) if is_of_client(&error) => {}
        Err(_) => {
            crowd.make_room();
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}

async fn welcome(
    stream: TcpStream,
    peer: SocketAddr,
    desk: &Arc<Desk>,
    crowd: &Arc<Crowd>,
    graceful: &GracefulShutdown,
) {
    let recorder = Arc::new(Recorder::new());
    let Some(place) = crowd.place_for(peer.ip()).await else { return };
    let serving = connection::serve(stream, peer, Arc::clone(&recorder), Arc::clone(desk), graceful.watcher());
    crowd.enter(peer.ip(), recorder, place, serving);
}
