//! HTTP status codes, and the two questions that every part asks of them.

use serde::{Serialize, Serializer};
use std::fmt::{self, Display, Formatter};

/// The status of an HTTP response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u16);

/// The answer of a listener to a delivery that it has forwarded before.
pub const LOOP_DETECTED: u16 = 508;

impl Status {
    /// Returns true for 2xx.
    pub fn is_success(self) -> bool {
        matches!(self.0, 200..300)
    }

    /// Returns true for 3xx.
    pub fn is_redirect(self) -> bool {
        matches!(self.0, 300..400)
    }

    /// Returns true if the same request may succeed later: the server timed out, limits the rate,
    /// or failed. Every other answer is final, as is the one of a listener that detected a loop.
    pub fn is_retryable(self) -> bool {
        matches!(self.0, 408 | 425 | 429 | 500..) && self.0 != LOOP_DETECTED
    }
}

impl Display for Status {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.0)
    }
}

impl PartialEq<u16> for Status {
    fn eq(&self, other: &u16) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(is_match: fn(Status) -> bool) -> Vec<u16> {
        (100..600).filter(|&status| is_match(Status(status))).collect()
    }

    #[test]
    fn every_2xx_is_a_success_and_nothing_else() {
        assert_eq!(matching(Status::is_success), (200..300).collect::<Vec<_>>());
    }

    #[test]
    fn timeouts_rate_limits_and_server_failures_are_worth_a_retry() {
        let expected: Vec<u16> = [408, 425, 429].into_iter().chain(500..508).chain(509..600).collect();
        assert_eq!(matching(Status::is_retryable), expected);
    }
}
