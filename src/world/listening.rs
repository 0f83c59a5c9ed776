//! Options of a listener, and the events it reports.
//!
//! The implementation is in `edge/listener`; `command/listen` and the tests use it through
//! `RunningListener`.

use super::{CertificateCheck, StoreLocation};
use crate::model::bind::{BindAddresses, SecondAddress};
use crate::model::delivery::{AnalyzedDelivery, Delivery, RejectedRequest};
use crate::model::error::Result;
use crate::model::exchange::OutgoingRequest;
use crate::model::hop_mark::HopMark;
use crate::model::message::{HeaderError, Request};
use crate::model::stored::{CaptureId, Forwarded, ResumedDeliveries};
use crate::model::timestamp::Timestamp;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use url::Url;

/// Verifies a delivery as of the given time. The listener's answer depends on the verdict.
pub type VerifyFn = Arc<dyn Fn(Delivery, Timestamp) -> AnalyzedDelivery + Send + Sync>;

#[derive(Clone)]
pub struct ListenOptions {
    pub addresses: BindAddresses,
    /// Largest body accepted, in bytes.
    pub max_body: usize,
    pub ack_policy: AckPolicy,
    /// Statuses for verified deliveries, in order; the last one repeats. Empty: 200. One that is
    /// refused is stored, but not forwarded.
    pub answers: Vec<u16>,
    /// Store in which deliveries are recorded before they are acknowledged. `None`: they are not
    /// recorded.
    pub store: Option<StoreLocation>,
    /// Most bytes that unverified captures may take in the store.
    pub refused_limit: u64,
    /// Forwarding of verified deliveries; requires `store`. `None`: nothing is forwarded.
    pub forward: Option<ForwardOptions>,
    /// Read again, in this order, before a delivery is refused.
    pub secret_sources: Vec<SecretSource>,
}

/// Secrets that can be read again.
#[derive(Clone)]
pub struct SecretSource {
    /// Returns true if there are any.
    pub is_used: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Reads them, for `VerifyFn` to use. May take a while.
    pub reload: Arc<dyn Fn() + Send + Sync>,
    /// Number of changes of the secrets that `VerifyFn` uses.
    pub changes: Arc<AtomicU64>,
    /// Least time between the starts of two reads.
    pub pause: Duration,
}

/// Forwarding of verified deliveries to the developer's app.
#[derive(Clone)]
pub struct ForwardOptions {
    /// Every URL that deliveries may be forwarded to. The store's queue for any other URL is left
    /// alone.
    pub urls: Vec<Url>,
    pub route: RouteFn,
    pub prepare: PrepareFn,
    /// Put on what is forwarded. A delivery that carries it already is refused with 508, since it
    /// was stored and forwarded before.
    pub hop_mark: HopMark,
    pub ack_mode: AckMode,
    /// Forward deliveries about the same object one at a time, in the order of their arrival.
    pub ordered: bool,
    /// Number of attempts after the first.
    pub retries: u32,
    /// Pause before the first retry; it doubles with each further one.
    pub first_pause: Duration,
    /// Age of a delivery after which it is not forwarded any more.
    pub give_up_after: Duration,
    /// Time limit of one attempt.
    pub timeout: Duration,
    pub certificates: CertificateCheck,
    /// Most attempts at once. Several URLs share it equally, with at least one each.
    pub max_in_flight: usize,
}

/// Returns the URLs that verified events of a type are forwarded to.
pub type RouteFn = Arc<dyn Fn(Option<&str>) -> Vec<Url> + Send + Sync>;

/// Builds the request for one attempt from the stored request, the URL of its route, and the time.
pub type PrepareFn =
    Arc<dyn Fn(&Request, &Url, Timestamp) -> std::result::Result<OutgoingRequest, HeaderError> + Send + Sync>;

/// The side that answers the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckMode {
    /// The listener, before it forwards the delivery.
    Immediate,
    /// The app: its status, headers and body are passed to the provider. Without an answer, or with
    /// one larger than `MAX_PASSTHROUGH_BODY`, the provider gets 502.
    Passthrough,
}

/// Largest body of the app's answer that is passed to the provider, in bytes.
pub const MAX_PASSTHROUGH_BODY: usize = 1 << 20;

/// Deliveries that are answered with 200; all others get 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckPolicy {
    Verified,
    All,
}

/// A running listener. Dropping it stops it at once.
pub trait RunningListener {
    /// Returns the address on which it accepts connections.
    fn address(&self) -> SocketAddr;
    /// Returns whether it accepts connections on its second address, too.
    fn second_address(&self) -> SecondAddress;
    /// Waits for the next event, at most this long. `None`: without a limit.
    fn next(&mut self, timeout: Option<Duration>) -> ListenerEvent;
    /// Queues a stored delivery for these URLs again, due at once. Returns false if it is not in the
    /// store, or if the listener has no queue.
    fn forward_again(&mut self, id: CaptureId, urls: &[Url]) -> Result<bool>;
    /// Stops accepting connections and finishes open requests. Their events are still returned by
    /// `next`, then `Closed`.
    fn close(&mut self);
}

#[derive(Debug)]
pub enum ListenerEvent {
    /// A delivery was verified and is being answered.
    Received(AnsweredDelivery),
    /// The consumer was too slow for some events. The store has them.
    Dropped(DroppedEvents),
    /// Deliveries of an earlier run were found in the queue.
    Resumed(ResumedDeliveries),
    /// The queue can't be used for this reason, or again.
    QueueFailed(Option<String>),
    /// An attempt to forward a delivery has ended.
    Forwarded(Forwarded),
    /// A request was refused before it could be verified.
    Rejected(RejectedRequest),
    /// `next` waited as long as it was asked to.
    TimedOut,
    /// Ctrl+C or SIGTERM. A second one ends the process at once.
    Interrupted,
    /// The listener is closed, and there are no more events.
    Closed,
}

/// Number of events that the consumer of a listener was too slow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedEvents {
    pub deliveries: u64,
    pub app_answers: u64,
    /// Requests that were refused before they were verified.
    pub rejected: u64,
}

#[derive(Clone, Debug)]
pub struct AnsweredDelivery {
    pub received: Arc<AnalyzedDelivery>,
    /// Id in the store. `None`: it is not stored.
    pub id: Option<CaptureId>,
    /// Status sent to the provider.
    pub status: u16,
    /// True if the status is one of `ListenOptions::answers`.
    pub is_scripted: bool,
    /// Reason why it could not be stored, and was answered with 503.
    pub store_error: Option<String>,
    /// A fact about the store that the user should know.
    pub store_note: Option<String>,
}
