//! Values of the store: captures, attempts to forward them, queries and counts.
//!
//! `world::store` has the interface of the store, `edge::store` the database.

use crate::model::error::Error;
use crate::model::exchange::Answer;
use crate::model::message::{Headers, Request};
use crate::model::money::Money;
use crate::model::status::Status;
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use serde::{Serialize, Serializer};
use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;
use std::time::Duration;

/// The number of a capture: its row in the store, counted from 1 and never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureId(pub i64);

impl Display for CaptureId {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Records hold the number as text, so that another store can use other ids.
impl Serialize for CaptureId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A capture without its request and attempts, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySummary {
    pub id: CaptureId,
    /// The time at which the last byte arrived.
    pub arrived: Timestamp,
    /// The sender's address and port.
    pub peer: Option<String>,
    pub provider: Option<String>,
    /// The verdict at arrival, with the secrets of that time.
    pub verdict: VerdictCode,
    /// The name of the secret that matched.
    pub secret: Option<String>,
    /// True if it was signed with the local test secret, so not by the provider.
    pub is_test: bool,
    pub kind: Option<String>,
    /// The event's id or reference.
    pub event_id: Option<String>,
    /// The payment, purchase or other object that the event is about.
    pub subject: Option<String>,
    /// The object's status in the payload.
    pub status: Option<String>,
    pub money: Option<Money>,
    pub answer: AnswerState,
    pub app: AppState,
    /// The length of the body in bytes.
    pub size: u64,
    /// SHA-256 of a body that was not kept. `None`: it was.
    pub omitted_body: Option<BodyHash>,
}

/// The SHA-256 of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyHash(pub [u8; 32]);

impl Display for BodyHash {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
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

/// The app's last answer to a delivery. With several URLs, it is the worst of what each answered
/// last.
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

    /// Returns the status for records and the database; `None` stands for `NotAsked`, and 0 for
    /// `NoAnswer`.
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

/// A row of the state that a command keeps in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    pub kind: String,
    /// Unique among the rows of its kind.
    pub key: String,
    /// `None`: there is no such row, or it is to be removed.
    pub value: Option<Vec<u8>>,
}

/// The size and condition of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreHealth {
    pub deliveries: u64,
    /// Size of the database without its log.
    pub bytes: u64,
    /// Reports of damage. Empty: all of it can be read. `None`: that was not checked.
    pub damage: Option<Vec<String>>,
    /// Facts that its administrator should know.
    pub facts: Vec<StoreFact>,
}

impl StoreHealth {
    /// Returns true if something is wrong.
    pub fn has_problems(&self) -> bool {
        self.damage.iter().flatten().next().is_some() || self.facts.iter().any(|fact| fact.advice.is_some())
    }
}

/// A fact about a store that is a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFact {
    pub subject: &'static str,
    pub message: String,
    /// The remedy if something is wrong.
    pub advice: Option<&'static str>,
}

impl StoreFact {
    pub fn good(subject: &'static str, message: impl Into<String>) -> Self {
        Self { subject, message: message.into(), advice: None }
    }

    pub fn into_problem(self, advice: &'static str) -> Self {
        Self { advice: Some(advice), ..self }
    }
}

/// A capture on its way to another store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedCapture {
    pub capture: StoredCapture,
    /// Identifies the event: deliveries with the same key are duplicates.
    pub key: Option<String>,
}

impl CopiedCapture {
    pub fn id(&self) -> CaptureId {
        self.summary().id
    }

    pub fn summary(&self) -> &DeliverySummary {
        match &self.capture {
            StoredCapture::Whole(stored) => &stored.summary,
            StoredCapture::WithoutBody(head) => &head.summary,
        }
    }

    /// Returns true if it is still to be forwarded.
    pub fn is_queued(&self) -> bool {
        let waits = |entry: &QueuedForward| matches!(entry.state, QueueState::Waiting(_) | QueueState::Blocked);
        matches!(&self.capture, StoredCapture::Whole(stored) if stored.queue.iter().any(waits))
    }
}

impl DeliverySummary {
    /// Returns true if it was refused, or the app did not answer with 2xx.
    pub fn has_failed(&self) -> bool {
        !self.verdict.is_verified() || !self.answer.is_success() || self.app.is_failure()
    }
}

/// The part of a capture that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredCapture {
    Whole(StoredDelivery),
    /// The body was not kept: the request was refused, and the limit on such requests was reached.
    /// Nothing may treat it as an empty body.
    WithoutBody(StoredHead),
}

/// A capture whose body was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHead {
    pub summary: DeliverySummary,
    pub method: String,
    pub target: String,
    pub headers: Headers,
    pub body_hash: BodyHash,
}

impl StoredCapture {
    pub fn new(summary: DeliverySummary, request: Request, attempts: Vec<Attempt>, queue: Vec<QueuedForward>) -> Self {
        match summary.omitted_body {
            None => Self::Whole(StoredDelivery { summary, request, attempts, queue }),
            Some(body_hash) => {
                let Request { method, target, headers, .. } = request;
                Self::WithoutBody(StoredHead { summary, method, target, headers, body_hash })
            }
        }
    }

    /// Returns a capture with its body, which verifying and sending need.
    pub fn require_body(self) -> Result<StoredDelivery, Error> {
        match self {
            Self::Whole(stored) => Ok(stored),
            Self::WithoutBody(head) => Err(head.missing_body()),
        }
    }
}

impl StoredHead {
    fn missing_body(&self) -> Error {
        let DeliverySummary { id, size, .. } = self.summary;
        Error::failed(format!("the body of capture {id} was not kept"))
            .because(format!("it was refused; of its {size} bytes only the SHA-256 is stored"))
            .hint("let the sender send it again; `whtool listen --refused-limit 1GiB` keeps more")
    }
}

/// A capture with its request and attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDelivery {
    pub summary: DeliverySummary,
    pub request: Request,
    /// Attempts to forward it, oldest first.
    pub attempts: Vec<Attempt>,
    /// The URLs that it was queued for.
    pub queue: Vec<QueuedForward>,
}

/// The place of a delivery in the queue to one URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedForward {
    pub url: String,
    pub state: QueueState,
    /// Attempts since it was queued or resumed.
    pub tries: u32,
}

/// The state of a queued delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueState {
    /// It is due at this time, while a listener runs that forwards to the URL.
    Waiting(Timestamp),
    /// It waits for an earlier delivery about the same payment or purchase.
    Blocked,
    /// A later listener resumes it.
    GivenUp,
    /// The app's answer was final.
    Refused,
    Delivered,
}

/// The deliveries that are still to be forwarded to one URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenQueue {
    pub url: String,
    pub waiting: u64,
    /// Arrival of the oldest of them.
    pub oldest: Timestamp,
}

/// One attempt to forward a delivery to an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The time at which it ended.
    pub at: Timestamp,
    pub url: String,
    pub took: Duration,
    /// The app's answer, or the reason why there is none.
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

/// The result of an attempt, and what follows.
#[derive(Clone, Debug)]
pub struct Forwarded {
    pub id: CaptureId,
    pub attempt: Attempt,
    /// Attempts so far, this one included.
    pub tries: u32,
    pub outcome: ForwardOutcome,
}

/// The consequence of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardOutcome {
    Delivered,
    Retry(Duration),
    /// The app refused the delivery, which is not sent again.
    Refused,
    /// No retries are left. The next listener that forwards to this URL tries again.
    GivenUp,
    /// No retries are left, and it is too old to be resumed.
    TooOld,
}

/// The deliveries that an earlier run left in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResumedDeliveries {
    /// They are forwarded now.
    pub pending: u64,
    /// They are older than `give_up_after`, and are not forwarded.
    pub too_old: u64,
}

/// Selects captures: those that meet every condition given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub ids: Option<RangeInclusive<i64>>,
    /// True: only events signed with the local test secret. False: only others.
    pub is_test: Option<bool>,
    pub provider: Option<String>,
    /// Globs, of which the event type must match one. `*` and `?` are special.
    pub kinds: Vec<String>,
    pub verdict: Option<VerdictCode>,
    /// The name of the secret that matched.
    pub secret: Option<String>,
    /// Arrived at or after this time.
    pub since: Option<Timestamp>,
    /// Arrived before this time.
    pub until: Option<Timestamp>,
    /// The event's id, or the object that it is about.
    pub reference: Option<String>,
    /// Only captures for which `has_failed` is true.
    pub failed: bool,
    /// Text in the body.
    pub grep: Option<String>,
    /// Only the newest N.
    pub limit: Option<u64>,
}

/// The number of deliveries of one provider, type and verdict in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourlyCount {
    pub provider: Option<String>,
    pub kind: Option<String>,
    pub verdict: VerdictCode,
    /// The start of the hour of arrival.
    pub hour: Timestamp,
    pub deliveries: u64,
}

/// The total of the verified events of one type in one currency. Duplicates of an event count once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountTotal {
    pub provider: Option<String>,
    pub kind: Option<String>,
    /// The number of different events.
    pub events: u64,
    pub money: Money,
}

/// The choice whether pruning removes deliveries that are still to be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    Keep,
    Remove,
}

/// The deliveries that `Store::prune` would remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrunePlan {
    pub deliveries: u64,
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
    /// Total length of their bodies.
    pub bytes: u64,
    /// Deliveries that are old enough, but are kept because they are still to be forwarded.
    pub undelivered: u64,
}

/// A verified event, to recognize its duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentEvent {
    pub id: CaptureId,
    pub provider: String,
    /// Identifies the event: deliveries with the same key are duplicates.
    pub key: String,
    pub subject: Option<String>,
    pub status: Option<String>,
    pub money: Option<Money>,
}

/// A capture that is about a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceMatch {
    pub summary: DeliverySummary,
    /// Identifies the event: deliveries with the same key are duplicates.
    pub key: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    fn summary(verdict: VerdictCode, answer: u16, app: Option<u16>) -> DeliverySummary {
        DeliverySummary {
            id: CaptureId(1),
            arrived: Timestamp::UNIX_EPOCH,
            peer: None,
            provider: None,
            verdict,
            secret: None,
            is_test: false,
            kind: None,
            event_id: None,
            subject: None,
            status: None,
            money: None,
            answer: AnswerState::from_code(answer),
            app: AppState::from_code(app),
            size: 0,
            omitted_body: None,
        }
    }

    #[test]
    fn a_delivery_has_failed_unless_it_was_verified_acknowledged_and_accepted() {
        use VerdictCode::{Mismatch, TooOld, Unsigned, Verified};
        for (verdict, answer, app, has_failed) in [
            (Verified, 200, None, false),
            (Verified, 204, Some(200), false),
            (Verified, 200, Some(299), false),
            (Verified, 200, Some(300), true),
            (Verified, 200, Some(500), true),
            // The app was asked and gave no answer.
            (Verified, 200, Some(0), true),
            // Not acknowledged, or not yet.
            (Verified, 503, Some(200), true),
            (Verified, 0, None, true),
            // `--observe` acknowledges everything.
            (Mismatch, 200, None, true),
            (TooOld, 200, None, true),
            (Unsigned, 401, None, true),
        ] {
            let delivery = summary(verdict, answer, app);
            assert_eq!(delivery.has_failed(), has_failed, "{verdict} {answer} {app:?}");
        }
    }

    #[test]
    fn codes_of_answers_are_read_back() {
        for code in [0, 200, 401, 503] {
            assert_eq!(AnswerState::from_code(code).code(), code);
        }
        assert_eq!(AnswerState::from_code(0), AnswerState::Pending);
        assert_eq!(AnswerState::from_code(200), AnswerState::Answered(Status(200)));
        for code in [None, Some(0), Some(200), Some(500)] {
            assert_eq!(AppState::from_code(code).code(), code);
        }
        assert_eq!([None, Some(0)].map(AppState::from_code), [AppState::NotAsked, AppState::NoAnswer]);
    }

    #[test]
    fn an_attempt_succeeded_only_if_the_app_answered_2xx() {
        let attempt = |outcome| Attempt {
            at: Timestamp::UNIX_EPOCH,
            url: "http://localhost:3000/".to_owned(),
            took: Duration::ZERO,
            outcome,
        };
        let answered = |status| attempt(Ok(Answer::new(status, "")));
        assert_eq!(
            [200, 299, 199, 302, 500].map(|status| answered(status).is_success()),
            [true, true, false, false, false]
        );
        assert_eq!(answered(302).status(), Some(Status(302)));
        let failed = attempt(Err("connection refused".to_owned()));
        assert_eq!((failed.is_success(), failed.status()), (false, None));
    }
}
