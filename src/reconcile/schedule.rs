//! What is asked when: a state machine without clock, network or chance of its own.
//!
//! Whoever drives it tells the time, which answers came, and a number for jitter. It hands out new references while there is
//! room, asks again what failed in a way that may pass, holds everybody back when the provider asks for that, and polls what
//! is still open until it ends or the wait is over.

use crate::model::backoff::Backoff;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

/// Time since the start.
pub type Moment = Duration;

/// How patient it is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How many may be asked at once.
    pub concurrency: usize,
    /// How often one that failed is asked again.
    pub retries: u32,
    /// How long what is still open is asked again and again. Zero: once is enough.
    pub wait: Duration,
}

/// Pauses before a failed lookup is retried, and while the provider refuses requests without saying for how long.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), 2.0, Duration::from_secs(30));
/// Pauses before an open payment is polled again.
const POLL: Backoff = Backoff::new(Duration::from_secs(1), 1.5, Duration::from_secs(30));
/// A longer wait is not kept: the user is told of it.
pub const LONGEST_HOLD: Duration = Duration::from_secs(10 * 60);
/// How often everybody is held back, with no answer between, before it is given up.
const MOST_HOLDS: u32 = 8;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Ask about a reference that was not asked about yet, when there is one: `started` or `ran_out` follows.
    New,
    /// Ask this one again.
    Again(u64),
    /// Nothing for so long, or until an answer comes.
    Wait(Duration),
    /// Nothing more, unless an answer that is still to come changes that.
    Nothing,
}

/// How asking went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fared {
    /// An answer that settles it.
    Answered,
    /// An answer, and it is still open.
    Open,
    /// No answer, or one that may be another next time.
    Failed,
    /// The provider wants to be asked less; how long it wants to be left alone, when it said so.
    HeldBack(Option<Duration>),
}

/// What becomes of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// This answer is the last.
    Done,
    /// It is asked again.
    Again,
    /// It was asked often enough; others were answered meanwhile.
    GivenUp,
    /// Nobody is answered any more: asking further is no use.
    AllDown,
}

/// The machine.
#[derive(Debug)]
pub struct Schedule {
    patience: Patience,
    /// What waits, the soonest first.
    waiting: BinaryHeap<Reverse<(Moment, u64)>>,
    tries: HashMap<u64, Tries>,
    under_way: usize,
    /// How many may be under way: it shrinks when the provider holds back, and grows with each answer.
    room: f64,
    held_until: Moment,
    holds: u32,
    /// When the last usable answer came.
    answered: Option<Moment>,
    failing: usize,
    has_more: bool,
}

/// What a reference has behind it.
#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    failures: u32,
    polls: u32,
    started: Moment,
    is_failing: bool,
}

impl Schedule {
    /// At the start, with references to come.
    pub fn new(patience: Patience) -> Self {
        Self {
            room: patience.concurrency.max(1) as f64,
            patience,
            waiting: BinaryHeap::new(),
            tries: HashMap::new(),
            under_way: 0,
            held_until: Moment::ZERO,
            holds: 0,
            answered: None,
            failing: 0,
            has_more: true,
        }
    }

    /// What to do now.
    pub fn next(&mut self, now: Moment) -> Turn {
        if self.under_way as f64 >= self.room.max(1.0) {
            return Turn::Wait(LONGEST_HOLD);
        }
        if now < self.held_until {
            let nothing_left = !self.has_more && self.waiting.is_empty();
            return if nothing_left { Turn::Nothing } else { Turn::Wait(self.held_until - now) };
        }
        match self.waiting.peek().copied() {
            Some(Reverse((due, number))) if due <= now => {
                self.waiting.pop();
                self.under_way += 1;
                Turn::Again(number)
            }
            // While many fail, no new ones are begun: what waits would grow without end.
            _ if self.has_more && self.failing < self.patience.concurrency.max(1) => Turn::New,
            Some(Reverse((due, _))) => Turn::Wait(due - now),
            None if self.has_more => Turn::Wait(LONGEST_HOLD),
            None => Turn::Nothing,
        }
    }

    /// A new reference is asked about.
    pub fn started(&mut self, number: u64, now: Moment) {
        self.under_way += 1;
        self.tries.insert(number, Tries { started: now, ..Tries::default() });
    }

    /// There are no more new references.
    pub fn ran_out(&mut self) {
        self.has_more = false;
    }

    /// A reference whose answer is known from before, and was that it is open: it is polled.
    pub fn took_up(&mut self, number: u64, now: Moment) {
        self.tries.insert(number, Tries { started: now, ..Tries::default() });
        self.waiting.push(Reverse((now + POLL.first, number)));
    }

    /// Whether any answer could be used so far.
    pub fn was_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// How asking about a reference went. `jitter` is any number; it spreads what would come at once.
    pub fn fared(&mut self, number: u64, fared: Fared, now: Moment, jitter: u32) -> Fate {
        self.under_way = self.under_way.saturating_sub(1);
        let mut tries = self.tries.remove(&number).unwrap_or_default();
        self.failing -= usize::from(std::mem::take(&mut tries.is_failing)).min(self.failing);
        match fared {
            Fared::Answered | Fared::Open => {
                (self.answered, self.holds) = (Some(now), 0);
                let most = self.patience.concurrency.max(1) as f64;
                self.room = (self.room + 1.0 / self.room).min(most);
                tries.failures = 0;
                if fared == Fared::Answered { Fate::Done } else { self.poll(number, tries, now, jitter) }
            }
            Fared::Failed => {
                tries.failures += 1;
                if tries.failures <= self.patience.retries {
                    let pause = RETRY.jittered_pause(tries.failures - 1, jitter);
                    return self.again(number, tries, now + pause);
                }
                let others_fared_better = self.answered.is_some_and(|answered| answered >= tries.started);
                if others_fared_better { Fate::GivenUp } else { Fate::AllDown }
            }
            Fared::HeldBack(span) => self.hold_back(number, tries, span, now, jitter),
        }
    }

    fn again(&mut self, number: u64, tries: Tries, due: Moment) -> Fate {
        self.failing += 1;
        self.tries.insert(number, Tries { is_failing: true, ..tries });
        self.waiting.push(Reverse((due, number)));
        Fate::Again
    }

    fn poll(&mut self, number: u64, mut tries: Tries, now: Moment, jitter: u32) -> Fate {
        let end = tries.started + self.patience.wait;
        if now >= end {
            return Fate::Done;
        }
        let pause = POLL.jittered_pause(tries.polls, jitter);
        tries.polls += 1;
        self.tries.insert(number, tries);
        // The last look is at the end of the wait.
        self.waiting.push(Reverse(((now + pause).min(end), number)));
        Fate::Again
    }

    /// Everybody waits, and then fewer are asked at once.
    fn hold_back(&mut self, number: u64, tries: Tries, span: Option<Duration>, now: Moment, jitter: u32) -> Fate {
        // Those that were under way when the first was held back say nothing new.
        if now >= self.held_until {
            self.holds += 1;
            self.room = (self.room / 2.0).max(1.0);
        }
        let usual = RETRY.jittered_pause(self.holds.saturating_sub(1), jitter);
        let span = span.unwrap_or(usual);
        if span > LONGEST_HOLD || self.holds > MOST_HOLDS {
            return Fate::AllDown;
        }
        self.held_until = self.held_until.max(now + span);
        self.again(number, tries, self.held_until)
    }
}

#[cfg(test)]
mod tests;
