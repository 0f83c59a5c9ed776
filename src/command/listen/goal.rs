//! The goal of `--count` or `--expect`: events that must come, and what the app made of them.

use super::forwarding::ForwardArgs;
use crate::command::shared::seen_events::SeenEvents;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::CommandOutcome;
use crate::model::expectation::{ExpectationResult, ExpectationState};
use crate::model::stored::{CaptureId, ForwardOutcome, Forwarded};
use crate::render::text;
use crate::webhook::expectation::ExpectedEvent;
use std::collections::BTreeMap;

/// Follows verified events, each once however often it is delivered. With `--forward-to` it also
/// waits for the app: for its first answer to each, or with `--timeout` until it accepts them.
pub(super) struct Goal {
    wanted: WantedEvents,
    /// Events that counted: the first ones of `--expect`, since they come in order.
    counted: u64,
    seen: SeenEvents<()>,
    waits_for_retries: bool,
    /// The counted deliveries that are forwarded.
    forwards: BTreeMap<CaptureId, ForwardState>,
    /// Commands of `--exec` that failed.
    failed_commands: u64,
}

pub(super) enum WantedEvents {
    /// The listener goes on until it is stopped.
    NoGoal,
    /// This many, whatever they are.
    Any(u64),
    /// These, in this order. Others may come in between.
    InOrder(Vec<ExpectationProgress>),
}

pub(super) struct ExpectationProgress {
    event: ExpectedEvent,
    state: ExpectationState,
}

/// The answers to one delivery.
struct ForwardState {
    /// URLs that have not accepted it.
    open: usize,
    /// URLs that have not answered at all.
    unanswered: usize,
    is_given_up: bool,
}

impl WantedEvents {
    pub(super) fn new(count: Option<u64>, expected: &[ExpectedEvent]) -> Self {
        let progress =
            |event: &ExpectedEvent| ExpectationProgress { event: event.clone(), state: ExpectationState::Missing };
        match count {
            _ if !expected.is_empty() => Self::InOrder(expected.iter().map(progress).collect()),
            Some(count) => Self::Any(count),
            None => Self::NoGoal,
        }
    }

    /// `None`: there is no goal.
    fn len(&self) -> Option<u64> {
        match self {
            Self::NoGoal => None,
            Self::Any(count) => Some(*count),
            Self::InOrder(events) => Some(events.len() as u64),
        }
    }

    /// Adds an event, of which so many counted before. Returns true if it counts, too.
    fn add(&mut self, counted: u64, received: &AnalyzedDelivery, name: &str) -> bool {
        let events = match self {
            Self::NoGoal => return false,
            Self::Any(count) => return counted < *count,
            Self::InOrder(events) => events,
        };
        let open = events.iter_mut().skip(usize::try_from(counted).unwrap_or(usize::MAX));
        for (position, expected) in open.enumerate() {
            let Some(differences) = expected.event.differences(received) else { continue };
            let (delivery, is_equal) = (name.to_owned(), differences.is_empty());
            match &expected.state {
                _ if is_equal && position == 0 => {
                    expected.state = ExpectationState::Received(delivery);
                    return true;
                }
                // The first one that came early, or the one that differs least.
                ExpectationState::Early(_) => {}
                _ if is_equal => expected.state = ExpectationState::Early(delivery),
                ExpectationState::Different { differences: before, .. } if before.len() <= differences.len() => {}
                _ => expected.state = ExpectationState::Different { delivery, differences },
            }
        }
        false
    }
}

impl Goal {
    pub(super) fn new(wanted: WantedEvents, waits_for_retries: bool) -> Self {
        // Of events that merely count, no more are remembered than are wanted.
        let capacity = match &wanted {
            WantedEvents::NoGoal => 1,
            WantedEvents::Any(count) => usize::try_from(*count).unwrap_or(usize::MAX).clamp(1, 100_000),
            WantedEvents::InOrder(_) => 100_000,
        };
        let (seen, forwards) = (SeenEvents::new(capacity), BTreeMap::new());
        Self { wanted, counted: 0, seen, waits_for_retries, forwards, failed_commands: 0 }
    }

    /// Adds a verified delivery that is stored, accepted and shown under this name.
    pub(super) fn add(
        &mut self,
        received: &AnalyzedDelivery,
        (name, id): (&str, Option<CaptureId>),
        forward: &ForwardArgs,
    ) {
        if self.wanted.len().is_none_or(|wanted| self.counted >= wanted) {
            return;
        }
        if let (Some(provider), Some(key)) = (received.provider, received.event.key.as_deref())
            && self.seen.add(provider, key, ()).is_some()
        {
            return;
        }
        if !self.wanted.add(self.counted, received, name) {
            return;
        }
        self.counted += 1;
        let urls = forward.route_count(received.event.kind.as_deref());
        if let Some(id) = id.filter(|_| urls > 0) {
            self.forwards.insert(id, ForwardState { open: urls, unanswered: urls, is_given_up: false });
        }
    }

    pub(super) fn add_forwarded(&mut self, forwarded: &Forwarded) {
        let Some(state) = self.forwards.get_mut(&forwarded.id) else { return };
        if forwarded.tries == 1 {
            state.unanswered = state.unanswered.saturating_sub(1);
        }
        match forwarded.outcome {
            ForwardOutcome::Delivered => state.open = state.open.saturating_sub(1),
            ForwardOutcome::Retry(_) => {}
            ForwardOutcome::Refused | ForwardOutcome::GivenUp | ForwardOutcome::TooOld => state.is_given_up = true,
        }
    }

    /// Returns true once enough events have arrived and, with `--forward-to`, the app's part is
    /// known.
    pub(super) fn is_reached(&self) -> bool {
        let is_settled = |state: &ForwardState| {
            state.open == 0 || state.is_given_up || (!self.waits_for_retries && state.unanswered == 0)
        };
        self.wanted.len().is_some_and(|wanted| self.counted >= wanted) && self.forwards.values().all(is_settled)
    }

    /// Returns what was reached, and whether the app accepted all of it. `None`: there is no goal.
    pub(super) fn result(&self) -> Option<(String, CommandOutcome)> {
        let wanted = self.wanted.len()?;
        let refused = self.forwards.values().filter(|state| state.open > 0).count() as u64;
        let noun = match self.wanted {
            WantedEvents::InOrder(_) => "expected event",
            _ => "verified event",
        };
        let mut result = format!("{} of {} received", self.counted, text::count(wanted, noun));
        if refused > 0 {
            result.push_str(&format!("; the app has not accepted {refused} of them"));
        }
        if self.failed_commands > 0 {
            result.push_str(&format!("; {} of --exec failed", text::count(self.failed_commands, "command")));
        }
        let is_success = refused == 0 && self.failed_commands == 0 && self.counted >= wanted;
        Some((result, if is_success { CommandOutcome::Success } else { CommandOutcome::Negative }))
    }

    /// Counts a command of `--exec` that failed.
    pub(super) fn add_failed_command(&mut self) {
        self.failed_commands += 1;
    }

    /// Returns what came of each expected event. Empty: none is expected.
    pub(super) fn expectations(&self) -> Vec<ExpectationResult> {
        let WantedEvents::InOrder(events) = &self.wanted else { return Vec::new() };
        let result = |progress: &ExpectationProgress| ExpectationResult {
            expected: progress.event.text.clone(),
            state: progress.state.clone(),
        };
        events.iter().map(result).collect()
    }
}
