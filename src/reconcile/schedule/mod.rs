//! Decides when to send which lookup: a state machine without a clock, network or randomness of its
//! own.
//!
//! The caller passes in the time, the results and random numbers. The schedule starts new lookups
//! up to a limit, retries what failed, slows down when the provider limits the rate, and polls open
//! payments until they end or the wait is over.

use crate::model::backoff::Backoff;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

/// Time since the start of the run.
pub type Elapsed = Duration;

/// The settings of a schedule.
#[derive(Clone, Copy, Debug)]
pub struct SchedulePolicy {
    /// Maximum number of lookups in flight.
    pub concurrency: usize,
    /// Maximum number of retries after a failure.
    pub retries: u32,
    /// Time to keep polling an open payment. Zero: look it up once.
    pub wait: Duration,
}

/// Pauses before a failed lookup is retried, and while the provider refuses requests without saying
/// for how long.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), 2.0, Duration::from_secs(30));
/// Pauses before an open payment is polled again.
const POLL: Backoff = Backoff::new(Duration::from_secs(1), 1.5, Duration::from_secs(30));
/// The longest `Retry-After` that is honored; after a longer one the run stops and reports it.
pub const MAX_RATE_LIMIT_PAUSE: Duration = Duration::from_secs(10 * 60);
/// The run stops after this many rate limits without an answer in between.
const MAX_RATE_LIMITS: u32 = 8;
/// The run stops when more lookups than this fail for good without an answer in between. Fewer may be
/// about the references themselves.
const MAX_GIVEN_UP: u32 = 3;

/// The next thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAction {
    /// Start a new lookup if there is one. The caller answers with `start` or `end_input`.
    StartNew,
    /// Repeat the lookup with this number.
    Retry(u64),
    /// Do nothing for this long, or until a result arrives.
    Wait(Duration),
    /// Do nothing more, unless a lookup is still in flight.
    Finished,
}

/// The result of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    Settled,
    /// The payment is still open.
    StillOpen,
    /// No answer, or a temporary error.
    Failed,
    /// The provider limits the rate; the pause it asked for, if it gave one.
    RateLimited(Option<Duration>),
}

/// The consequence of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Done,
    /// The lookup will be repeated.
    Retry,
    /// The retries are used up, but other lookups may succeed.
    GiveUp,
    /// No lookup succeeds any more: stop the run.
    Abort,
}

#[derive(Debug)]
pub struct Schedule {
    policy: SchedulePolicy,
    /// Lookups to repeat, with the time they are due, soonest first.
    waiting: BinaryHeap<Reverse<(Elapsed, u64)>>,
    lookups: HashMap<u64, LookupState>,
    in_flight: usize,
    /// Maximum number in flight right now: halved by each rate limit, and growing again with each
    /// answer.
    limit: f64,
    paused_until: Elapsed,
    /// Rate limits since the last answer.
    rate_limits: u32,
    last_answer: Option<Elapsed>,
    /// Lookups that failed for good since the last answer.
    given_up: u32,
    /// Lookups that wait for a retry after a failure.
    failing: usize,
    has_more: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct LookupState {
    failures: u32,
    polls: u32,
    started: Elapsed,
    is_failing: bool,
}

impl Schedule {
    pub fn new(policy: SchedulePolicy) -> Self {
        Self {
            limit: policy.concurrency.max(1) as f64,
            policy,
            waiting: BinaryHeap::new(),
            lookups: HashMap::new(),
            in_flight: 0,
            paused_until: Elapsed::ZERO,
            rate_limits: 0,
            last_answer: None,
            given_up: 0,
            failing: 0,
            has_more: true,
        }
    }

    /// Decides what to do now. A lookup to repeat counts as in flight from here on.
    pub fn next_action(&mut self, now: Elapsed) -> NextAction {
        if self.in_flight as f64 >= self.limit.max(1.0) {
            return NextAction::Wait(MAX_RATE_LIMIT_PAUSE);
        }
        if now < self.paused_until {
            let is_finished = !self.has_more && self.waiting.is_empty();
            return if is_finished { NextAction::Finished } else { NextAction::Wait(self.paused_until - now) };
        }
        match self.waiting.peek().copied() {
            Some(Reverse((due, number))) if due <= now => {
                self.waiting.pop();
                self.in_flight += 1;
                NextAction::Retry(number)
            }
            // No new lookups while many fail: the number of waiting ones would grow without limit.
            _ if self.has_more && self.failing < self.policy.concurrency.max(1) => NextAction::StartNew,
            Some(Reverse((due, _))) => NextAction::Wait(due - now),
            None if self.has_more => NextAction::Wait(MAX_RATE_LIMIT_PAUSE),
            None => NextAction::Finished,
        }
    }

    /// Records that a new lookup was sent.
    pub fn start(&mut self, number: u64, now: Elapsed) {
        self.in_flight += 1;
        self.lookups.insert(number, LookupState { started: now, ..LookupState::default() });
    }

    /// Records that there are no more new lookups.
    pub fn end_input(&mut self) {
        self.has_more = false;
    }

    /// Adds a payment that is known to be open; it is polled.
    pub fn start_open(&mut self, number: u64, now: Elapsed) {
        self.lookups.insert(number, LookupState { started: now, ..LookupState::default() });
        self.waiting.push(Reverse((now + POLL.first, number)));
    }

    /// Returns true once any lookup had a usable answer.
    pub fn has_answer(&self) -> bool {
        self.last_answer.is_some()
    }

    /// Records the result of a request. `random` is any number, for jitter.
    pub fn record_result(&mut self, number: u64, result: AttemptResult, now: Elapsed, random: u32) -> Decision {
        self.in_flight = self.in_flight.saturating_sub(1);
        let mut lookup = self.lookups.remove(&number).unwrap_or_default();
        self.failing -= usize::from(std::mem::take(&mut lookup.is_failing)).min(self.failing);
        match result {
            AttemptResult::Settled | AttemptResult::StillOpen => {
                (self.last_answer, self.rate_limits, self.given_up) = (Some(now), 0, 0);
                let most = self.policy.concurrency.max(1) as f64;
                self.limit = (self.limit + 1.0 / self.limit).min(most);
                lookup.failures = 0;
                if result == AttemptResult::Settled { Decision::Done } else { self.poll(number, lookup, now, random) }
            }
            AttemptResult::Failed => {
                lookup.failures += 1;
                if lookup.failures <= self.policy.retries {
                    let pause = RETRY.jittered_pause(lookup.failures - 1, random);
                    return self.retry_at(number, lookup, now + pause);
                }
                let others_succeed = self.last_answer.is_some_and(|answered| answered >= lookup.started);
                self.given_up += u32::from(!others_succeed);
                if self.given_up <= MAX_GIVEN_UP { Decision::GiveUp } else { Decision::Abort }
            }
            AttemptResult::RateLimited(pause) => self.pause_all(number, lookup, pause, now, random),
        }
    }

    fn retry_at(&mut self, number: u64, lookup: LookupState, due: Elapsed) -> Decision {
        self.failing += 1;
        self.lookups.insert(number, LookupState { is_failing: true, ..lookup });
        self.waiting.push(Reverse((due, number)));
        Decision::Retry
    }

    fn poll(&mut self, number: u64, mut lookup: LookupState, now: Elapsed, random: u32) -> Decision {
        let end = lookup.started + self.policy.wait;
        if now >= end {
            return Decision::Done;
        }
        let pause = POLL.jittered_pause(lookup.polls, random);
        lookup.polls += 1;
        self.lookups.insert(number, lookup);
        // The last poll is at the end of the wait.
        self.waiting.push(Reverse(((now + pause).min(end), number)));
        Decision::Retry
    }

    /// Pauses all lookups, then continues with half as many in flight.
    fn pause_all(
        &mut self,
        number: u64,
        lookup: LookupState,
        pause: Option<Duration>,
        now: Elapsed,
        random: u32,
    ) -> Decision {
        // Lookups that were in flight when the first one was limited are the same event.
        if now >= self.paused_until {
            self.rate_limits += 1;
            self.limit = (self.limit / 2.0).max(1.0);
        }
        let pause = pause.unwrap_or_else(|| RETRY.jittered_pause(self.rate_limits.saturating_sub(1), random));
        if pause > MAX_RATE_LIMIT_PAUSE || self.rate_limits > MAX_RATE_LIMITS {
            return Decision::Abort;
        }
        self.paused_until = self.paused_until.max(now + pause);
        self.retry_at(number, lookup, self.paused_until)
    }
}

#[cfg(test)]
mod tests;
