//! What the store keeps: deliveries under a short id, what became of them, and how to ask for them.
//!
//! The database itself is in `edge::store`.

use crate::model::exchange::Answer;
use crate::model::message::Request;
use crate::model::money::Money;
use crate::model::status::Status;
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use std::time::Duration;

/// A delivery's id: ten letters and digits that look like chance. A few of the first are enough to name it.
pub type Id = String;

/// The letters of ids: no vowels, so no words, and nothing that looks like something else.
pub const ID_LETTERS: &[u8; 32] = b"0123456789bcdfghjkmnpqrstvwxyzBD";
/// How many letters an id has.
pub const ID_LENGTH: usize = 10;

/// A kept delivery without its bytes: what a list needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySummary {
    /// Its id.
    pub id: Id,
    /// When its last byte arrived.
    pub arrived: Timestamp,
    /// The other end, as address and port.
    pub peer: Option<String>,
    /// The provider's name.
    pub provider: Option<String>,
    /// The verdict's code when it arrived.
    pub verdict: VerdictCode,
    /// The name of the secret that matched.
    pub secret: Option<String>,
    /// The event's type.
    pub kind: Option<String>,
    /// The event's id or reference.
    pub event_id: Option<String>,
    /// What the event is about.
    pub subject: Option<String>,
    /// The status in the payload.
    pub status: Option<String>,
    /// The amount.
    pub money: Option<Money>,
    /// What the sender got.
    pub answer: AnswerState,
    pub app: AppState,
    /// How many bytes the body has.
    pub size: u64,
}

/// whtool's own answer to the sender of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerState {
    /// Not answered yet, or the process ended before it could.
    Pending,
    Answered(Status),
}

impl AnswerState {
    /// Reads what `code` returns.
    pub fn from_code(code: u16) -> Self {
        if code == 0 { Self::Pending } else { Self::Answered(Status(code)) }
    }

    /// Returns the status for records and the database; 0 stands for `Pending`.
    pub fn code(self) -> u16 {
        match self {
            Self::Pending => 0,
            Self::Answered(status) => status.0,
        }
    }

    pub fn is_success(self) -> bool {
        matches!(self, Self::Answered(status) if status.is_success())
    }
}

/// The app's last answer to a delivery. With several URLs, it is the worst of what each answered last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppState {
    /// The delivery was sent to no app.
    NotAsked,
    NoAnswer,
    Answered(Status),
}

impl AppState {
    /// Reads what `code` returns.
    pub fn from_code(code: Option<u16>) -> Self {
        match code {
            None => Self::NotAsked,
            Some(0) => Self::NoAnswer,
            Some(status) => Self::Answered(Status(status)),
        }
    }

    /// Returns the status for records and the database; `None` stands for `NotAsked`, and 0 for `NoAnswer`.
    pub fn code(self) -> Option<u16> {
        match self {
            Self::NotAsked => None,
            Self::NoAnswer => Some(0),
            Self::Answered(status) => Some(status.0),
        }
    }

    /// Returns true if the app was asked and did not answer with 2xx.
    pub fn is_failure(self) -> bool {
        match self {
            Self::NotAsked => false,
            Self::NoAnswer => true,
            Self::Answered(status) => !status.is_success(),
        }
    }
}

/// How a store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// How many deliveries it has.
    pub deliveries: u64,
    /// How large it is, in bytes.
    pub bytes: u64,
    /// What is damaged, in the database's words; empty: nothing.
    pub damage: Vec<String>,
}

impl DeliverySummary {
    /// Whether it was refused, or the app did not take it.
    pub fn has_failed(&self) -> bool {
        !self.verdict.is_verified() || !self.answer.is_success() || self.app.is_failure()
    }
}

/// A kept delivery, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDelivery {
    /// What a list shows of it.
    pub summary: DeliverySummary,
    /// The request, byte for byte.
    pub request: Request,
    /// Every attempt to bring it to an app, the oldest first.
    pub attempts: Vec<Attempt>,
}

/// An attempt to bring a delivery to an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended.
    pub at: Timestamp,
    /// Where it went.
    pub url: String,
    /// How long it took.
    pub took: Duration,
    /// What the app answered, or why it did not.
    pub outcome: Result<Answer, String>,
}

impl Attempt {
    /// Returns the status of the app's answer. `None`: it gave none.
    pub fn status(&self) -> Option<Status> {
        self.outcome.as_ref().ok().map(|answer| answer.status)
    }

    pub fn is_success(&self) -> bool {
        self.status().is_some_and(Status::is_success)
    }
}

/// A delivery that was sent on.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// The delivery's id.
    pub id: Id,
    /// How that went.
    pub attempt: Attempt,
    /// How often it was tried by now.
    pub tries: u32,
    /// What follows.
    pub outcome: ForwardOutcome,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardOutcome {
    /// The app has taken it.
    Delivered,
    /// It is tried again after this long.
    Retry(Duration),
    /// The app refused it, or it was tried often enough.
    GivenUp,
}

/// Which deliveries are asked for; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The provider's name.
    pub provider: Option<String>,
    /// Globs of which the event's type must match one.
    pub kinds: Vec<String>,
    /// The verdict's code.
    pub verdict: Option<VerdictCode>,
    /// The name of the secret that matched.
    pub secret: Option<String>,
    /// Arrived at or after this moment.
    pub since: Option<Timestamp>,
    /// Arrived before this moment.
    pub until: Option<Timestamp>,
    /// The event's id, reference, or what it is about.
    pub reference: Option<String>,
    /// Refused, or not taken by the app.
    pub failed: bool,
    /// These bytes stand in the body.
    pub grep: Option<String>,
    /// At most so many, the newest.
    pub limit: Option<u64>,
}

/// How a store is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourlyCount {
    /// Provider, type, verdict, and the hour of arrival in Unix seconds.
    pub provider: Option<String>,
    /// The event's type.
    pub kind: Option<String>,
    /// The verdict's code.
    pub verdict: VerdictCode,
    /// The hour in which they arrived: its first moment.
    pub hour: Timestamp,
    /// How many there are.
    pub deliveries: u64,
}

/// What verified events of one type add up to, in one currency. An event that was delivered several times counts once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountTotal {
    /// The provider's name.
    pub provider: Option<String>,
    /// The event's type.
    pub kind: Option<String>,
    /// How many different events there are.
    pub events: u64,
    /// Their amounts together.
    pub money: Money,
}

/// What becomes of old deliveries that the app has yet to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// They stay.
    Keep,
    /// They go like all others.
    Remove,
}

/// Deliveries that are old enough to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrunePlan {
    /// How many would go.
    pub deliveries: u64,
    /// When the first of them arrived.
    pub oldest: Option<Timestamp>,
    /// When the last of them arrived.
    pub newest: Option<Timestamp>,
    /// The bytes of their bodies.
    pub bytes: u64,
    /// How many are old enough, and stay because they are still to be forwarded.
    pub undelivered: u64,
}

/// What the store has about a reference: a delivery, and the key of its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceMatch {
    /// The delivery.
    pub summary: DeliverySummary,
    /// Two deliveries with the same key are the same event.
    pub key: Option<String>,
}
