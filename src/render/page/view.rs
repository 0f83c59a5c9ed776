//! The values that pages show. `command::ui` collects them; all of them are domain values, so a page
//! states the same facts as text and JSON.

use super::query::ListQuery;
use crate::check::CheckReport;
use crate::diagnose::Finding;
use crate::diagnose::frameworks::Framework;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::mask::Reveal;
use crate::model::stored::{
    AmountTotal, Attempt, CaptureId, DeliverySummary, HourlyCount, StoredCapture, StoredDelivery,
};
use crate::model::timestamp::Timestamp;
use crate::reconcile::Totals;
use crate::reconcile::report::ReconcileReport;
use crate::render::check::ReportHeader;
use jiff::tz::TimeZone;

/// Facts that every page needs.
pub struct PageFrame<'a> {
    /// The zone in which times are shown.
    pub zone: &'a TimeZone,
    pub now: Timestamp,
    pub reveal: Reveal,
    /// URL of the listener in the same process.
    pub listener: Option<&'a str>,
    /// The location of the store.
    pub store: &'a str,
    /// The URLs that events may be sent to, which were given at the start.
    pub targets: &'a [String],
    /// Names of the samples that can be sent.
    pub samples: &'a [&'a str],
}

/// A page of the list of captures.
pub struct ListView<'a> {
    pub query: &'a ListQuery,
    /// Newest first.
    pub rows: &'a [DeliverySummary],
    /// The last capture on this page. `None`: there are no older ones.
    pub older: Option<CaptureId>,
    /// The capture that is shown next to the list.
    pub selected: Option<CaptureId>,
    /// The reason why a filter can't be used.
    pub problem: Option<String>,
    pub is_store_empty: bool,
}

/// The part of a request that the detail page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailPart {
    Payload,
    Raw,
    Headers,
    Hex,
    Related,
}

impl DetailPart {
    pub(super) const ALL: [Self; 5] = [Self::Payload, Self::Raw, Self::Headers, Self::Hex, Self::Related];

    /// Returns the value of `part` in a query string.
    pub fn code(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Raw => "raw",
            Self::Headers => "headers",
            Self::Hex => "hex",
            Self::Related => "related",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.code() == code)
    }
}

/// One capture with everything known about it.
pub struct DetailView<'a> {
    pub capture: &'a StoredCapture,
    /// The result of verifying it with the current secrets. `None`: its body was not kept.
    pub verification: Option<(&'a AnalyzedDelivery, &'a [Finding])>,
    /// The captures about the same payment or purchase, this one included, oldest first.
    pub related: &'a [DeliverySummary],
    /// The capture to compare with.
    pub previous: Option<CaptureId>,
    /// Replays that this server sent, oldest first.
    pub replays: &'a [Replay],
    pub record: RecordView<'a>,
    /// True if whtool may sign it again: it was verified.
    pub can_resign: bool,
    pub part: DetailPart,
    /// The framework whose code is shown.
    pub framework: Option<&'static Framework>,
    /// True if the form to edit the payload is shown.
    pub editing: bool,
}

/// The provider's record of the payment or purchase.
pub enum RecordView<'a> {
    /// It can't be looked up, for this reason.
    Unavailable(&'a str),
    NotAsked,
    /// The answer as JSON, or the reason why there is none.
    Asked(Result<&'a str, &'a str>),
}

/// The way in which a capture is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayMode {
    /// The same body with a new signature.
    Resigned,
    /// The same bytes.
    Exact,
    /// Another body with a new signature.
    Edited,
}

impl ReplayMode {
    const ALL: [Self; 3] = [Self::Resigned, Self::Exact, Self::Edited];

    /// Returns the value of `mode` in a form.
    pub fn code(self) -> &'static str {
        match self {
            Self::Resigned => "resigned",
            Self::Exact => "exact",
            Self::Edited => "edited",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.code() == code)
    }
}

/// A replay that this server sent or is sending.
#[derive(Clone, Debug)]
pub struct Replay {
    pub mode: ReplayMode,
    pub url: String,
    pub started: Timestamp,
    /// `None`: the app has not answered yet.
    pub attempt: Option<Attempt>,
}

pub struct DiffView<'a> {
    pub old: &'a StoredDelivery,
    pub new: &'a StoredDelivery,
    /// Other captures to compare the new one with, oldest first.
    pub related: &'a [DeliverySummary],
    /// The list from which the comparison was opened.
    pub query: &'a ListQuery,
}

/// Counts of a period, and the state of apps and endpoints.
pub struct OverviewView<'a> {
    pub counts: &'a [HourlyCount],
    pub sums: &'a [AmountTotal],
    /// The start of the period.
    pub since: Timestamp,
    pub apps: &'a [AppHealth],
    pub endpoints: &'a [EndpointHealth],
}

/// The queue to one app.
#[derive(Clone, Debug)]
pub struct AppHealth {
    pub url: String,
    /// Deliveries that are still to be forwarded.
    pub waiting: u64,
    /// Arrival of the oldest of them.
    pub oldest: Option<Timestamp>,
    pub last: Option<Attempt>,
}

#[derive(Clone, Debug)]
pub struct EndpointHealth {
    /// The provider's name in prose.
    pub provider: &'static str,
    pub url: String,
    /// The first delivery that was verified with its secret.
    pub proved: Option<(CaptureId, Timestamp)>,
}

/// The state of a check of the app.
pub enum CheckView<'a> {
    /// No check was run yet. The text says why none can be.
    Ready {
        problem: Option<&'a str>,
    },
    Running {
        done: usize,
        total: usize,
    },
    Done(&'a CheckReport, &'a ReportHeader),
    Failed(&'a str),
}

/// The state of a reconciliation.
pub enum ReconcileView<'a> {
    /// None was run yet. The text says why none can be.
    Ready {
        problem: Option<&'a str>,
    },
    Running {
        looked_up: u64,
        total: Option<u64>,
        totals: &'a Totals,
        started: Timestamp,
    },
    Done(&'a ReconcileReport),
    Failed(&'a str),
}
