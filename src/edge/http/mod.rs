//! The HTTP/1 server under `listen` and the local servers: hyper behind limits and deadlines.
//!
//! `bind` opens the sockets, `serve` accepts connections and answers their requests with a
//! `Service`. `connections` limits how many clients are connected, `body` how large their bodies
//! are, `body_memory` how much memory these take, and `deadline_stream` how long clients may take.
//! `recorder` copies each head and checks it, so that every refusal has a reason.

pub(super) mod bind;
pub(super) mod body;
pub(super) mod body_memory;
pub(super) mod connections;
pub(super) mod deadline_stream;
pub(super) mod head_check;
pub(super) mod recorder;
pub(super) mod response_body;
pub(super) mod serve;
pub(super) mod text_response;

use std::time::Duration;

/// Longest time between the answer to a request and the first byte of the next one. Clients are told
/// that it is `ANNOUNCED_IDLE`, so that a request which is sent in the last moment still arrives.
const MAX_IDLE: Duration = Duration::from_secs(125);

/// The same as clients are told, in seconds.
const ANNOUNCED_IDLE: u64 = 120;

#[derive(Clone, Debug)]
pub(super) struct Timeouts {
    /// From the first byte of a head to its last, and from the start of a connection to the end of
    /// its first head.
    pub head: Duration,
    /// From an answer to the first byte of the next head.
    pub idle: Duration,
    pub body: Duration,
    /// For the next bytes of a response to be taken.
    pub write: Duration,
    /// For memory for a large body; a part of `body`.
    pub memory: Duration,
    /// For a place in the event queue, for deliveries that are not stored.
    pub queue: Duration,
    /// The same for stored deliveries, which can be dropped.
    pub display: Duration,
    /// For open requests when the server closes.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let ten = Duration::from_secs(10);
        let (five, display) = (Duration::from_secs(5), Duration::from_secs(2));
        Self { head: five, idle: MAX_IDLE, body: ten, memory: five, write: ten, queue: ten, display, close: ten }
    }
}
