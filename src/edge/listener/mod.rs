//! The HTTP/1 server that receives webhooks. A tunnel may expose it to the internet.
//!
//! This file starts the server of `edge/http` and passes events to the consumer. `connection`
//! answers requests; `pipeline` stores and forwards deliveries. Nothing above this module is async.

mod connection;
mod large_body_worker;
mod pipeline;
mod response;
mod secret_refresh;
#[cfg(test)]
mod tests;

use super::clock;
use super::environment;
use super::events::{EventSender, QueuedEvent};
use super::forwarder::{Forwarder, Requeue};
use super::http::Timeouts;
use super::http::bind::Sockets;
use super::http::connections::ConnectionLimiter;
use super::http::serve::serve_until;
use super::runtime::block_on;
use super::signals::Interrupt;
use super::store::{Closed, StoreWriter, WriterOptions};
use crate::model::bind::SecondAddress;
use crate::model::error::{Error, Result};
use crate::model::stored::CaptureId;
use crate::world::{ListenOptions, ListenerEvent, RunningListener, StoreLocation, VerifyFn};
use connection::ListenerState;
use pipeline::DeliveryPipeline;
use secret_refresh::SecretRefresher;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use url::Url;

/// Most events that wait for the consumer; beyond that, senders wait for their responses.
const EVENT_QUEUE: usize = 1024;

/// Time that the runtime's threads get to end.
const RUNTIME_SHUTDOWN: Duration = Duration::from_secs(1);

/// Time that the store gets to close. It copies its log into the database then, perhaps on a slow
/// disk.
const STORE_SHUTDOWN: Duration = Duration::from_secs(10);

/// Time that the forwarder gets, after its attempts have ended, to give back what it has not sent.
const RELEASE_TIME: Duration = Duration::from_secs(2);

/// Pause in which events gather while many arrive.
const GATHERING_PAUSE: Duration = Duration::from_millis(1);

/// A running listener with its threads.
pub(super) struct Listener {
    address: SocketAddr,
    second_address: SecondAddress,
    events: mpsc::Receiver<QueuedEvent>,
    /// True if there was an event just now.
    is_busy: bool,
    interrupt: Interrupt,
    stop: Option<oneshot::Sender<()>>,
    /// `None`: nothing is forwarded.
    requeue: Option<mpsc::UnboundedSender<Requeue>>,
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
    clock::check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(worker_threads()).enable_all().build();
    let runtime = runtime.map_err(|error| Error::failed("can't start threads").because(error))?;
    let sockets = block_on(&runtime, async { Sockets::bind(&options.addresses) })?;
    let (address, second_address) = (sockets.address, sockets.second_address);
    let (queue, events) = mpsc::channel(EVENT_QUEUE);
    let (stop, stopped) = oneshot::channel();
    let inside_runtime = runtime.enter();
    let pipeline = options.store.as_ref().map(|store| start_pipeline(store, options, address)).transpose()?;
    drop(inside_runtime);
    let (pipeline, store) = pipeline.unzip();
    let sender = Arc::new(EventSender::new(queue, timeouts.display));
    let start_forwarder = |pipeline| start_forwarder(pipeline, &sender, timeouts.close, &runtime);
    let forwarder = pipeline.as_ref().map(start_forwarder).transpose()?.flatten();
    let (forwarder, requeue) = forwarder.unzip();
    let refresher = SecretRefresher::start(&options.secret_sources, runtime.handle());
    let state = Arc::new(ListenerState::new(options, (verify, refresher), timeouts, sender, pipeline));
    runtime.spawn(serve_until_stopped(stopped, sockets, state, limiter, forwarder));
    let (stop, runtime) = (Some(stop), Some(runtime));
    Ok(Listener { address, second_address, events, is_busy: false, interrupt, stop, requeue, runtime, store })
}

/// Returns how many threads serve connections: two, or one on a single core.
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

fn start_pipeline(
    store: &StoreLocation,
    options: &ListenOptions,
    address: SocketAddr,
) -> Result<(DeliveryPipeline, Closed)> {
    let listener = format!("{}:{}", environment::user_at_host(), address.port());
    let (writer, closed) =
        StoreWriter::start(store, &WriterOptions { refused_limit: options.refused_limit, listener })?;
    Ok((DeliveryPipeline::new(writer, options.forward.clone()), closed))
}

struct ForwarderTask {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn start_forwarder(
    pipeline: &DeliveryPipeline,
    events: &Arc<EventSender>,
    closing_time: Duration,
    runtime: &Runtime,
) -> Result<Option<(ForwarderTask, mpsc::UnboundedSender<Requeue>)>> {
    let writer = pipeline.writer.clone();
    let Some(forward) = pipeline.forward.clone() else { return Ok(None) };
    // Before the first delivery: what a new group receives is forwarded from here on.
    let urls: Vec<_> = forward.urls.iter().map(Url::to_string).collect();
    let joined = block_on(runtime, writer.join_group(&urls));
    joined.map_err(|error| Error::failed("can't join the forwarding group").because(error))?;
    let (client, wake) = (pipeline.client.clone(), Arc::clone(&pipeline.wake));
    let (stop, stopped) = oneshot::channel();
    let forwarder = Forwarder::new(forward, writer, client, Arc::clone(events), wake);
    let (requeue, requests) = mpsc::unbounded_channel();
    let task = runtime.spawn(forwarder.run(requests, stopped, closing_time));
    Ok(Some((ForwarderTask { stop, task }, requeue)))
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

    fn second_address(&self) -> SecondAddress {
        self.second_address
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
        block_on(runtime, async {
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

    fn forward_again(&mut self, id: CaptureId, urls: &[Url]) -> Result<bool> {
        let (Some(requeue), Some(runtime)) = (&self.requeue, &self.runtime) else { return Ok(false) };
        let (done, result) = oneshot::channel();
        let request = Requeue { delivery: id, urls: urls.iter().map(Url::to_string).collect(), done };
        if requeue.send(request).is_err() {
            return Ok(false);
        }
        let result = block_on(runtime, result).unwrap_or(Ok(false));
        result.map_err(|error| Error::failed("can't queue the delivery").because(error))
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

/// Serves until `stop`, then finishes open requests and forwarding attempts.
async fn serve_until_stopped(
    stop: oneshot::Receiver<()>,
    sockets: Sockets,
    state: Arc<ListenerState>,
    limiter: Arc<ConnectionLimiter>,
    forwarder: Option<ForwarderTask>,
) {
    serve_until(stop, sockets, Arc::clone(&state), limiter).await;
    if let Some(ForwarderTask { stop, mut task }) = forwarder {
        // Fails if the forwarder has ended.
        let _ = stop.send(());
        if tokio::time::timeout(state.timeouts.close + RELEASE_TIME, &mut task).await.is_err() {
            task.abort();
        }
    }
    let _ = tokio::time::timeout(state.timeouts.close, state.events.report_dropped()).await;
}
