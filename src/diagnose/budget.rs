//! Limits on the work that explaining a failure may cost, counted in bytes hashed.
//!
//! Bytes and not time, so that the same file gets the same answer on every machine.

/// The number of bytes that one search may still hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashAllowance(pub u64);

/// The allowance does not cover the next step.
pub(super) struct Exhausted;

impl HashAllowance {
    /// The likeliest single changes of a 1 kB body: up to 0.2 ms.
    pub const BRIEF: Self = Self(200 << 10);
    /// Another digit or a flipped bit in a body of 200 bytes: 0.1 ms.
    const BRIEF_BYTE_EDITS: Self = Self(128 << 10);
    /// Pairs of changes of a body of some kilobytes, the likeliest ones of 1 MB: up to 30 ms.
    pub const USUAL: Self = Self(32 << 20);
    /// Pairs of changes of a 10 kB body: some 40 ms.
    pub const THOROUGH: Self = Self(40 << 20);
    /// The usual pairs of changes of a small body: 8 ms.
    pub const BULK: Self = Self(8 << 20);
    /// For a person who waits for one answer, however large the body: some seconds.
    pub const INTERACTIVE: Self = Self(1 << 30);
    /// The number of single changes that are tried of a body of any length.
    const SINGLE_CHANGES: u64 = 800;
    /// The most that the search for one changed byte of a request may hash (30 ms), since its cost
    /// grows with the square of the body's length.
    const BYTE_EDITS: Self = Self(64 << 20);

    /// Returns the allowance for a person who waits for the explanation of one request: pairs of
    /// changes of a 10 kB body, and every single change of a large one.
    pub fn for_body(length: usize) -> Self {
        let single_changes = Self::SINGLE_CHANGES.saturating_mul(length as u64);
        Self(Self::THOROUGH.0.saturating_add(single_changes).min(Self::INTERACTIVE.0))
    }

    pub const fn times(self, factor: u64) -> Self {
        Self(self.0 * factor)
    }

    pub(super) fn is_spent(self) -> bool {
        self.0 == 0
    }

    /// Pays for hashing `bytes` bytes. Returns false when that much is not left.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        // The key blocks and the final blocks of an HMAC are about four blocks more.
        let cost = bytes as u64 + 256;
        self.0 = self.0.saturating_sub(cost);
        self.0 > 0
    }

    fn split_off(&mut self, most: Self) -> Self {
        let part = Self(self.0.min(most.0));
        self.0 -= part.0;
        part
    }
}

/// The number of bytes that may be hashed to explain several requests together.
///
/// What one request does not use is left for the next. The search for a single changed byte costs
/// most and has a share of its own. Once the budget is spent, `brief_searches` more requests are
/// still searched briefly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashBudget {
    changes: HashAllowance,
    byte_edits: HashAllowance,
    /// `None`: as much as a person waits for.
    per_request: Option<HashAllowance>,
    brief_searches: u32,
}

impl HashBudget {
    /// `total` is for both kinds of search; `per_request` limits the search for changes.
    pub const fn new(total: HashAllowance, per_request: HashAllowance, brief_searches: u32) -> Self {
        let half = HashAllowance(total.0 / 2);
        Self { changes: half, byte_edits: half, per_request: Some(per_request), brief_searches }
    }

    /// A budget for some requests whose explanations a person waits for.
    pub const fn interactive(requests: u64, brief_searches: u32) -> Self {
        let total = HashAllowance::INTERACTIVE.times(requests);
        Self { changes: total, byte_edits: total, per_request: None, brief_searches }
    }

    /// Takes the shares of a request with a body of `length` bytes: for changes, and for a single
    /// changed byte.
    pub(super) fn take(&mut self, length: usize) -> (HashAllowance, HashAllowance) {
        let share = self.per_request.unwrap_or_else(|| HashAllowance::for_body(length));
        let changes = self.changes.split_off(share);
        let byte_edits = self.byte_edits.split_off(HashAllowance::BYTE_EDITS);
        let (brief, brief_edits) = (HashAllowance::BRIEF, HashAllowance::BRIEF_BYTE_EDITS);
        let is_enough = changes.0 >= brief.0 && byte_edits.0 >= brief_edits.0;
        if is_enough || self.brief_searches == 0 {
            return (changes, byte_edits);
        }
        self.brief_searches -= 1;
        (HashAllowance(changes.0.max(brief.0)), HashAllowance(byte_edits.0.max(brief_edits.0)))
    }

    /// Returns what is left of the shares that `take` gave.
    pub(super) fn refund(&mut self, changes: HashAllowance, byte_edits: HashAllowance) {
        self.changes.0 = self.changes.0.saturating_add(changes.0);
        self.byte_edits.0 = self.byte_edits.0.saturating_add(byte_edits.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn hashing_costs_its_bytes_and_four_blocks_and_the_last_step_is_refused() {
        let mut allowance = HashAllowance(1_000);
        assert!(allowance.spend(100) && !allowance.is_spent());
        assert_eq!(allowance, HashAllowance(644));
        assert!(!allowance.spend(388));
        assert!(allowance.is_spent());
        assert!(!HashAllowance(10).spend(1_000));
    }

    #[test]
    fn a_request_takes_at_most_its_share_and_gives_back_what_it_did_not_use() {
        let mega = |count: u64| HashAllowance(count << 20);
        let mut budget = HashBudget::new(mega(100), mega(20), 0);
        assert_eq!(budget.take(0), (mega(20), mega(50)));
        assert_eq!(budget.take(0), (mega(20), mega(0)));
        budget.refund(mega(20), mega(7));
        assert_eq!(budget.take(0), (mega(20), mega(7)));
        assert_eq!(budget.take(0), (mega(10), mega(0)));
        assert_eq!(budget.take(0), (mega(0), mega(0)));
    }

    #[test]
    fn a_few_more_requests_are_searched_briefly_once_the_budget_is_spent() {
        let mut budget = HashBudget::new(HashAllowance(0), HashAllowance::USUAL, 2);
        let brief = (HashAllowance(200 << 10), HashAllowance(128 << 10));
        assert_eq!([budget.take(0), budget.take(0)], [brief; 2]);
        assert_eq!(budget.take(0), (HashAllowance(0), HashAllowance(0)));
    }

    #[test]
    fn the_search_for_one_changed_byte_is_limited_however_large_the_budget() {
        let mut budget = HashBudget::interactive(2, 0);
        assert_eq!(budget.take(0), (HashAllowance(40 << 20), HashAllowance(64 << 20)));
        assert_eq!(budget.take(1 << 20).0, HashAllowance((40 + 800) << 20));
    }
}
