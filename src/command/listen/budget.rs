//! What explaining and telling may cost a listener, so that a flood of refusals costs honest senders little.

use crate::diagnose::{HashAllowance, HashBudget};
use crate::model::timestamp::Timestamp;

/// What explaining refusals may cost in a second: a fifth of one, or a little more: under a flood of them
/// honest senders must not wait.
const A_SECOND: HashBudget = HashBudget::new(HashAllowance(HashAllowance::THOROUGH.0 * 3), HashAllowance::USUAL, 100);

/// What may be spent on explaining refusals: so much a second, so that a flood of them costs honest senders little.
pub(super) struct Budget {
    left: HashBudget,
    /// How many requests that were turned away may still be told of.
    tellings: u32,
    since: Timestamp,
}

impl Budget {
    /// What is left in this second.
    pub(super) fn refill(&mut self, now: Timestamp) -> &mut HashBudget {
        if now.duration_since(self.since).as_secs() >= 1 {
            *self = Self::new(now);
        }
        &mut self.left
    }

    /// A whole second's.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { left: A_SECOND, tellings: 5, since: now }
    }

    /// Whether one more request that was turned away may be told of.
    pub(super) fn may_tell(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let may = self.tellings > 0;
        self.tellings = self.tellings.saturating_sub(1);
        may
    }
}
