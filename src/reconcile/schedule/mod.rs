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
pub type Elapsed = Duration;

/// How patient it is.
#[derive(Clone, Copy, Debug)]
pub struct SchedulePolicy {
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
pub const MAX_RATE_LIMIT_PAUSE: Duration = Duration::from_secs(10 * 60);
/// How often everybody is held back, with no answer between, before it is given up.
const MAX_RATE_LIMITS: u32 = 8;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAction {
    /// Ask about a reference that was not asked about yet, when there is one: `started` or `ran_out` follows.
    StartNew,
    /// Ask this one again.
    Retry(u64),
    /// Nothing for so long, or until an answer comes.
    Wait(Duration),
    /// Nothing more, unless an answer that is still to come changes that.
    Finished,
}

/// How asking went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// An answer that settles it.
    Settled,
    /// An answer, and it is still open.
    StillOpen,
    /// No answer, or one that may be another next time.
    Failed,
    /// The provider wants to be asked less; how long it wants to be left alone, when it said so.
    RateLimited(Option<Duration>),
}

/// What becomes of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This answer is the last.
    Done,
    /// It is asked again.
    Retry,
    /// It was asked often enough; others were answered meanwhile.
    GiveUp,
    /// Nobody is answered any more: asking further is no use.
    Abort,
}

/// The machine.
#[derive(Debug)]
pub struct Schedule {
    policy: SchedulePolicy,
    /// What waits, the soonest first.
    waiting: BinaryHeap<Reverse<(Elapsed, u64)>>,
    lookups: HashMap<u64, LookupState>,
    in_flight: usize,
    /// How many may be under way: it shrinks when the provider holds back, and grows with each answer.
    limit: f64,
    paused_until: Elapsed,
    rate_limits: u32,
    /// When the last usable answer came.
    answered: Option<Elapsed>,
    failing: usize,
    has_more: bool,
}

/// What a reference has behind it.
#[derive(Clone, Copy, Debug, Default)]
struct LookupState {
    failures: u32,
    polls: u32,
    started: Elapsed,
    is_failing: bool,
}

impl Schedule {
    /// At the start, with references to come.
    pub fn new(policy: SchedulePolicy) -> Self {
        Self {
            limit: policy.concurrency.max(1) as f64,
            policy,
            waiting: BinaryHeap::new(),
            lookups: HashMap::new(),
            in_flight: 0,
            paused_until: Elapsed::ZERO,
            rate_limits: 0,
            answered: None,
            failing: 0,
            has_more: true,
        }
    }

    /// What to do now.
    pub fn next_action(&mut self, now: Elapsed) -> NextAction {
        if self.in_flight as f64 >= self.limit.max(1.0) {
            return NextAction::Wait(MAX_RATE_LIMIT_PAUSE);
        }
        if now < self.paused_until {
            let nothing_left = !self.has_more && self.waiting.is_empty();
            return if nothing_left { NextAction::Finished } else { NextAction::Wait(self.paused_until - now) };
        }
        match self.waiting.peek().copied() {
            Some(Reverse((due, number))) if due <= now => {
                self.waiting.pop();
                self.in_flight += 1;
                NextAction::Retry(number)
            }
            // While many fail, no new ones are begun: what waits would grow without end.
            _ if self.has_more && self.failing < self.policy.concurrency.max(1) => NextAction::StartNew,
            Some(Reverse((due, _))) => NextAction::Wait(due - now),
            None if self.has_more => NextAction::Wait(MAX_RATE_LIMIT_PAUSE),
            None => NextAction::Finished,
        }
    }

    /// A new reference is asked about.
    pub fn start(&mut self, number: u64, now: Elapsed) {
        self.in_flight += 1;
        self.lookups.insert(number, LookupState { started: now, ..LookupState::default() });
    }

    /// There are no more new references.
    pub fn end_input(&mut self) {
        self.has_more = false;
    }

    /// A reference whose answer is known from before, and was that it is open: it is polled.
    pub fn resume_open(&mut self, number: u64, now: Elapsed) {
        self.lookups.insert(number, LookupState { started: now, ..LookupState::default() });
        self.waiting.push(Reverse((now + POLL.first, number)));
    }

    /// Whether any answer could be used so far.
    pub fn has_answer(&self) -> bool {
        self.answered.is_some()
    }

    /// How asking about a reference went. `jitter` is any number; it spreads what would come at once.
    pub fn record_result(&mut self, number: u64, fared: AttemptResult, now: Elapsed, jitter: u32) -> Decision {
        self.in_flight = self.in_flight.saturating_sub(1);
        let mut tries = self.lookups.remove(&number).unwrap_or_default();
        self.failing -= usize::from(std::mem::take(&mut tries.is_failing)).min(self.failing);
        match fared {
            AttemptResult::Settled | AttemptResult::StillOpen => {
                (self.answered, self.rate_limits) = (Some(now), 0);
                let most = self.policy.concurrency.max(1) as f64;
                self.limit = (self.limit + 1.0 / self.limit).min(most);
                tries.failures = 0;
                if fared == AttemptResult::Settled { Decision::Done } else { self.poll(number, tries, now, jitter) }
            }
            AttemptResult::Failed => {
                tries.failures += 1;
                if tries.failures <= self.policy.retries {
                    let pause = RETRY.jittered_pause(tries.failures - 1, jitter);
                    return self.retry_at(number, tries, now + pause);
                }
                let others_fared_better = self.answered.is_some_and(|answered| answered >= tries.started);
                if others_fared_better { Decision::GiveUp } else { Decision::Abort }
            }
            AttemptResult::RateLimited(span) => self.pause_all(number, tries, span, now, jitter),
        }
    }

    fn retry_at(&mut self, number: u64, tries: LookupState, due: Elapsed) -> Decision {
        self.failing += 1;
        self.lookups.insert(number, LookupState { is_failing: true, ..tries });
        self.waiting.push(Reverse((due, number)));
        Decision::Retry
    }

    fn poll(&mut self, number: u64, mut tries: LookupState, now: Elapsed, jitter: u32) -> Decision {
        let end = tries.started + self.policy.wait;
        if now >= end {
            return Decision::Done;
        }
        let pause = POLL.jittered_pause(tries.polls, jitter);
        tries.polls += 1;
        self.lookups.insert(number, tries);
        // The last look is at the end of the wait.
        self.waiting.push(Reverse(((now + pause).min(end), number)));
        Decision::Retry
    }

    /// Everybody waits, and then fewer are asked at once.
    fn pause_all(
        &mut self,
        number: u64,
        tries: LookupState,
        span: Option<Duration>,
        now: Elapsed,
        jitter: u32,
    ) -> Decision {
        // Those that were under way when the first was held back say nothing new.
        if now >= self.paused_until {
            self.rate_limits += 1;
            self.limit = (self.limit / 2.0).max(1.0);
        }
        let usual = RETRY.jittered_pause(self.rate_limits.saturating_sub(1), jitter);
        let span = span.unwrap_or(usual);
        if span > MAX_RATE_LIMIT_PAUSE || self.rate_limits > MAX_RATE_LIMITS {
            return Decision::Abort;
        }
        self.paused_until = self.paused_until.max(now + span);
        self.retry_at(number, tries, self.paused_until)
    }
}

#[cfg(test)]
mod tests;
