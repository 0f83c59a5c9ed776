//! Values of the queue of deliveries to forward.

use crate::model::message::Request;
use crate::model::stored::CaptureId;
use crate::model::timestamp::Timestamp;
use crate::world::RouteFn;

/// What is queued of the deliveries that any listener receives.
pub(in crate::edge) struct NewEntries {
    /// URLs that have a queue.
    pub urls: Vec<String>,
    pub route: RouteFn,
    /// Deliveries that arrived before this time are not queued.
    pub oldest: Timestamp,
}

pub(in crate::edge) struct DueQuery {
    pub now: Timestamp,
    /// URLs that have free slots, with the number of slots.
    pub urls: Vec<(String, usize)>,
    /// Queue rows that are being sent.
    pub in_flight: Vec<i64>,
    /// Time for which no other process gets the same entries, in microseconds.
    pub lease: i64,
    /// True: only the oldest delivery about each object is due.
    pub per_object: bool,
}

/// A delivery that is due at a URL.
pub(in crate::edge) struct DueDelivery {
    pub queue_row: i64,
    pub id: CaptureId,
    pub url: String,
    pub arrived: Timestamp,
    /// Attempts so far.
    pub tries: u32,
    pub request: Request,
}

pub(in crate::edge) struct DueDeliveries {
    pub due: Vec<DueDelivery>,
    /// The time at which the next one is due.
    pub next_due: Option<Timestamp>,
}

/// The new state of a queue entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum EntryState {
    Delivered,
    /// The app refused it; it is not sent again.
    Refused,
    /// No retries are left. A restart of the listener resumes it with new retries.
    GivenUp,
    Retry,
}

impl EntryState {
    /// Returns the text for the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "done",
            Self::Refused => "refused",
            Self::GivenUp => "given up",
            Self::Retry => "pending",
        }
    }
}
