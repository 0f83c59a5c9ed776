//! The goal of `--count`: a number of events, and what the app made of them.

use super::forwarding::ForwardArgs;
use super::state::SeenEvents;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::CommandOutcome;
use crate::model::stored::{CaptureId, ForwardOutcome, Forwarded};
use crate::render::text;
use std::collections::BTreeMap;

/// Counts verified events, each once however often it is delivered. With `--forward-to` it also
/// waits for the app: for its first answer to each, or with `--timeout` until it accepts them.
pub(super) struct CountGoal {
    /// `None`: no number was given.
    wanted: Option<u64>,
    counted: u64,
    seen: SeenEvents<()>,
    waits_for_retries: bool,
    /// The counted deliveries that are forwarded.
    forwards: BTreeMap<CaptureId, ForwardState>,
}

/// The answers to one delivery.
struct ForwardState {
    /// URLs that have not accepted it.
    open: usize,
    /// URLs that have not answered at all.
    unanswered: usize,
    is_given_up: bool,
}

impl CountGoal {
    pub(super) fn new(wanted: Option<u64>, waits_for_retries: bool) -> Self {
        // More events than are wanted are not remembered.
        let capacity = wanted.map_or(1, |wanted| usize::try_from(wanted).unwrap_or(usize::MAX).clamp(1, 100_000));
        let (seen, forwards) = (SeenEvents::new(capacity), BTreeMap::new());
        Self { wanted, counted: 0, seen, waits_for_retries, forwards }
    }

    /// Counts a verified delivery that is stored and shown.
    pub(super) fn add(&mut self, received: &AnalyzedDelivery, id: Option<CaptureId>, forward: &ForwardArgs) {
        let Some(wanted) = self.wanted.filter(|wanted| self.counted < *wanted) else { return };
        if let (Some(provider), Some(key)) = (received.provider, received.event.key.as_deref())
            && self.seen.add(provider, key, ()).is_some()
        {
            return;
        }
        self.counted = (self.counted + 1).min(wanted);
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
        self.wanted.is_some_and(|wanted| self.counted >= wanted) && self.forwards.values().all(is_settled)
    }

    /// Returns what was reached, and whether the app accepted all of it. `None`: there is no goal.
    pub(super) fn result(&self) -> Option<(String, CommandOutcome)> {
        let wanted = self.wanted?;
        let refused = self.forwards.values().filter(|state| state.open > 0).count() as u64;
        let counted = format!("{} of {} received", self.counted, text::count(wanted, "verified event"));
        if refused == 0 {
            let outcome = if self.counted >= wanted { CommandOutcome::Success } else { CommandOutcome::Negative };
            return Some((counted, outcome));
        }
        Some((format!("{counted}; the app has not accepted {refused} of them"), CommandOutcome::Negative))
    }
}
