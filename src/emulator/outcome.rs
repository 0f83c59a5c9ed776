//! Outcomes that a phone or account number asks for.

/// Outcome of a payment, purchase or account check, as `docs/emulator.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SimulatedOutcome {
    Success,
    Failure,
    /// Stays open.
    Pending,
    /// Succeeds, and is refunded later.
    Reversal,
}

impl SimulatedOutcome {
    /// Reads the last three digits.
    pub fn from_number(number: &str) -> Self {
        match number.get(number.len().saturating_sub(3)..) {
            Some("404") => Self::Failure,
            Some("408") => Self::Pending,
            Some("410") => Self::Reversal,
            _ => Self::Success,
        }
    }
}
