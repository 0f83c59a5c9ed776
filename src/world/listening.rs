//! How to receive, and what a listener has to tell.

use super::Certificates;
use crate::model::delivery::{Delivery, Received, TurnedAway};
use crate::model::message::{HeaderError, Request};
use crate::model::stored::{Forwarded, Id};
use crate::model::timestamp::Timestamp;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Turns a delivery, and the time, into what is to be said of it. The listener answers by it.
pub type Judge = Arc<dyn Fn(Delivery, Timestamp) -> Received + Send + Sync>;

/// How to receive.
#[derive(Clone)]
pub struct Listen {
    /// Where; port 0 is any free one.
    pub address: SocketAddr,
    /// The largest body that is taken, in bytes.
    pub max_body: usize,
    /// Whether everything is acknowledged, whatever the verdict.
    pub acknowledge: Acknowledge,
    /// Where deliveries are kept before they are acknowledged. `None`: nowhere.
    pub keep: Option<Keep>,
    /// How verified deliveries are sent on; what they are kept in must be given then. `None`: they are not.
    pub forward: Option<Forward>,
}

/// How verified deliveries are sent on to the developer's app.
#[derive(Clone)]
pub struct Forward {
    /// Every URL that deliveries may go to; what waits for another from before stays where it is.
    pub urls: Vec<Url>,
    /// The URLs that a delivery goes to.
    pub routes: Routes,
    /// What is sent to such a URL, and where exactly.
    pub prepare: Prepare,
    /// Whose answer the provider gets.
    pub manner: Manner,
    /// Whether deliveries about the same object go one at a time, in the order of their arrival.
    pub per_object: bool,
    /// How often a delivery is tried again.
    pub retries: u32,
    /// The first pause before it is; every further one is twice as long.
    pub pause: Duration,
    /// How long the app may take.
    pub timeout: Duration,
    /// Whether the app's certificate is looked at.
    pub certificates: Certificates,
    /// How many may be under way at once. Where there are several URLs each has its share of them, and one at least.
    pub in_flight: usize,
}

/// From a delivery, the URLs it goes to.
pub type Routes = Arc<dyn Fn(&Received) -> Vec<Url> + Send + Sync>;

/// From a kept request, a route's URL and the time: where it goes exactly, and what is sent.
pub type Prepare =
    Arc<dyn Fn(&Request, &Url, Timestamp) -> std::result::Result<(Url, Request), HeaderError> + Send + Sync>;

/// Whose answer the provider gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The listener's own: the delivery is acknowledged first, then sent on, and sent again until the app takes it.
    AcknowledgeFirst,
    /// The app's, whole: status, headers and body, and 502 when there is none, or one larger than `MOST_PASSED_ON`.
    PassThrough,
}

/// The largest body of the app's that is passed on, in bytes.
pub const MOST_PASSED_ON: usize = 1 << 20;

/// Where deliveries are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// In a store in this file, on disk before the answer leaves.
    File(PathBuf),
    /// In memory, for as long as the listener runs.
    Memory,
}

/// Which deliveries are answered 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// Those that verify; all others get 401.
    Verified,
    /// All.
    Everything,
}

/// A running listener. Dropping it ends it at once.
pub trait Listening {
    /// Where it accepts connections.
    fn address(&self) -> SocketAddr;
    /// What happens next, waiting for it at most this long (`None`: for ever).
    fn next(&mut self, patience: Option<Duration>) -> Happening;
    /// Accepts nothing more, and finishes what is in hand; what that still brings comes from `next`, then `Closed`.
    fn close(&mut self);
}

/// What a listener has to tell.
#[derive(Debug)]
pub enum Happening {
    /// A delivery was judged, and is being answered.
    Received(Arrived),
    /// Kept deliveries, or answers of the app, came faster than they were asked for; they are in the store.
    Missed(Missed),
    /// So many deliveries were left from before, and are sent on now.
    TakenUp(u64),
    /// A delivery was sent on.
    Forwarded(Forwarded),
    /// A request was turned away before it could be judged.
    TurnedAway(TurnedAway),
    /// Nothing happened for as long as was asked.
    Quiet,
    /// Ctrl+C or SIGTERM; a second one ends the process at once.
    Interrupted,
    /// The listener is closed, and all is told.
    Closed,
}

/// How much the consumer of a listener was too slow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Kept deliveries.
    pub deliveries: u64,
    /// Answers of the app.
    pub answers: u64,
}

/// A delivery that is being answered.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The delivery, judged.
    pub received: Arc<Received>,
    /// Its id in the store. `None`: it is not kept.
    pub id: Option<Id>,
    /// The status it is answered with.
    pub answered: u16,
    /// Why it could not be recorded, and was answered 503.
    pub trouble: Option<String>,
}
