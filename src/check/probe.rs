//! A probe: one thing that a handler should get right, under an id that never changes its meaning.

use super::draft::{Draft, Maker};

/// What a probe is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Authentic events that must be taken.
    Accept,
    /// Forgeries that must be refused.
    Refuse,
    /// Authentic events in odd spellings: does it hash the bytes that came?
    Raw,
    /// Nonsense that must not break it.
    Survive,
    /// Time, repetition and order.
    Behave,
    /// What the provider does not document.
    Open,
}

impl Group {
    /// All of them, in the order in which they are run and shown.
    pub const ALL: [Self; 6] = [Self::Accept, Self::Refuse, Self::Raw, Self::Survive, Self::Behave, Self::Open];

    /// The word for it, with which its ids begin.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Refuse => "refuse",
            Self::Raw => "raw",
            Self::Survive => "survive",
            Self::Behave => "behave",
            Self::Open => "open",
        }
    }

    /// What it is about, for a heading.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Accept => "authentic events are taken",
            Self::Refuse => "forged and stale ones are refused",
            Self::Raw => "the signature is checked over the raw bytes",
            Self::Survive => "nonsense does not break it",
            Self::Behave => "time, repetition, order",
            Self::Open => "what the provider does not document",
        }
    }
}

/// How a probe went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Pass,
    /// Worth knowing; neither good nor bad.
    Info,
    /// It could not be tried, or says nothing here.
    NotRun,
    /// It may cost you events or money some day.
    Warn,
    /// Wrong.
    Fail,
}

impl Grade {
    /// All of them, the best first.
    pub const ALL: [Self; 5] = [Self::Pass, Self::Fail, Self::Warn, Self::Info, Self::NotRun];

    /// A stable word for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Info => "info",
            Self::NotRun => "not_run",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// The word for people, after a number.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::Info => "to know",
            Self::NotRun => "not run",
            Self::Warn => "warned",
            Self::Fail => "failed",
        }
    }
}

/// What a request is an example of; with the answer it decides the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// An authentic event as it is documented.
    Event,
    /// One of two documented ways to write the signature.
    Form,
    /// Hex in the other case.
    HexCase,
    /// Header names in another case.
    NameCase,
    /// A large body.
    Large,
    /// An event that came before.
    Again,
    /// Events in an unlikely order.
    Order,
    /// No signature.
    Missing,
    /// A signature that is not as long as it should be, or not hex.
    Shape,
    /// A signature of the right shape that is wrong.
    Forged,
    /// An old timestamp.
    Stale,
    /// A timestamp ahead of the clock.
    Ahead,
    /// A signed timestamp that is no time.
    TimestampText,
    /// No timestamp.
    TimestampMissing,
    /// A timestamp that was not signed.
    TimestampChanged,
    /// Signed, and not an event.
    Nonsense,
    /// Two at once.
    Race,
    /// What nobody documents.
    Undocumented,
}

/// Makes what a probe sends, one after the other.
pub(super) type Make = Box<dyn Fn(&mut Maker<'_>) -> Vec<Draft>>;

/// How a probe is tried.
pub(super) enum Trial {
    /// Whether any good event is taken; every other probe stands on this one.
    Footing,
    /// Whether anything is refused at all.
    Screen,
    /// All must be taken.
    Accept(Make),
    /// All must be refused with 4xx.
    Refuse(Make),
    /// It must be taken, however it is spelled.
    Raw(Make),
    /// It must be answered without a crash, and a good event after it must be taken.
    Survive(Make),
    /// Two of the same at the same moment.
    SameMoment(Make),
    /// The same one after the other, with the work counted.
    Twice(Make),
    /// A wrong amount, with the work counted.
    Amount(Make),
    /// Whether all good answers came in time.
    Budget,
    /// Whatever comes is worth knowing: what it means when it is taken, and when it is refused.
    Open(Make, [&'static str; 2]),
}

/// One thing that a handler should get right.
pub struct Probe {
    /// Stable: a released id keeps its meaning.
    pub id: String,
    /// What it is about.
    pub group: Group,
    /// Why a handler should get it right, in one line.
    pub why: &'static str,
    /// The page of the provider that it follows from, or that is silent about it.
    pub page: &'static str,
    /// What it is when it goes wrong without a crash.
    pub(super) weight: Grade,
    pub(super) topic: Topic,
    pub(super) trial: Trial,
}

impl Probe {
    /// Whether every other probe needs it.
    pub fn is_needed(&self) -> bool {
        matches!(self.trial, Trial::Footing | Trial::Screen)
    }

    /// A probe that warns, or only tells, where others fail.
    pub(super) fn weighing(self, weight: Grade) -> Self {
        Self { weight, ..self }
    }
}
