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

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_last_three_digits_ask_for_the_outcome() {
        use SimulatedOutcome::{Failure, Pending, Reversal, Success};
        for (number, outcome) in [
            ("08030000404", Failure),
            ("08030000408", Pending),
            ("08030000410", Reversal),
            ("08030000000", Success),
            ("404", Failure),
            ("4040", Success),
            ("04", Success),
            ("", Success),
            // The last three bytes cut this letter.
            ("4é4", Success),
        ] {
            assert_eq!(SimulatedOutcome::from_number(number), outcome, "{number}");
        }
    }
}
