//! Results of `listen --expect`: what came of an event that was expected.

/// An expected event, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationResult {
    /// The expectation as it was given.
    pub expected: String,
    pub state: ExpectationState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectationState {
    /// It came. The name of its delivery.
    Received(String),
    /// No event of its type came.
    Missing,
    /// It came before another that was expected first. The name of its delivery.
    Early(String),
    /// An event of its type came, and these of its values are different.
    Different { delivery: String, differences: Vec<ValueDifference> },
}

/// A value that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueDifference {
    pub path: String,
    pub expected: String,
    /// The value as it is spelled in the payload. `None`: there is no such field. Untrusted text.
    pub found: Option<String>,
}

impl ExpectationState {
    /// Returns the stable code used in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Received(_) => "received",
            Self::Missing => "missing",
            Self::Early(_) => "early",
            Self::Different { .. } => "different",
        }
    }

    pub fn delivery(&self) -> Option<&str> {
        match self {
            Self::Received(delivery) | Self::Early(delivery) | Self::Different { delivery, .. } => Some(delivery),
            Self::Missing => None,
        }
    }

    pub fn differences(&self) -> &[ValueDifference] {
        match self {
            Self::Different { differences, .. } => differences,
            _ => &[],
        }
    }
}
