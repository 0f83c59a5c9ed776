//! What an event says, read leniently from a payload: every field may be absent, and what is odd is a warning, not an error.
//!
//! The reading itself is each provider's (`provider`); what is done about a duplicate is the command's.

use crate::model::money::Money;
use crate::model::timestamp::{SignedDuration, format_duration};

/// What a provider's payload says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The type as sent: `payment.debited`, `transaction.success`.
    pub kind: Option<String>,
    /// What a person looks it up by: Plexos' event id, Plustive's reference.
    pub id: Option<String>,
    /// The object or order it is about: Plexos' `data.id`, Plustive's `clientReference`.
    pub subject: Option<String>,
    /// Status as sent, such as `DEBITED` or `Success`.
    pub status: Option<String>,
    /// The amount, when it is a whole number of minor units.
    pub money: Option<Money>,
    /// Two deliveries with the same key are the same event. `None`: the payload lacks what the key is made of.
    pub key: Option<String>,
    /// What is odd about the payload, or about the time beside a signature that failed.
    pub warnings: Vec<Warning>,
}

/// Something odd that decides nothing: an authentic payload stays authentic, and a wrong signature is the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The body is empty.
    EmptyBody,
    /// The body is not JSON.
    NotJson,
    /// The body is JSON and not an object.
    NotAnObject,
    /// The body is JSON nested deeper than whtool reads.
    TooDeep,
    /// A type that the provider does not document.
    UnknownType(String),
    /// A field that every event should have is not there.
    MissingField(&'static str),
    /// The event's name and its status say different things (Plustive U2, Plexos 1.8).
    StatusDisagrees {
        /// The type as sent.
        kind: String,
        /// The status as sent.
        status: String,
    },
    /// The amount is not a whole number of minor units; the text is what was sent.
    AmountNotWhole(String),
    /// The signature is wrong, and its time lies further back than the tolerance: so long ago.
    AlsoTooOld(SignedDuration),
    /// The signature is wrong, and its time lies further ahead than the tolerance: so far.
    AlsoInFuture(SignedDuration),
}

impl Warning {
    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyBody => "empty_body",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::TooDeep => "too_deep",
            Self::UnknownType(_) => "unknown_type",
            Self::MissingField(_) => "missing_field",
            Self::StatusDisagrees { .. } => "status_disagrees",
            Self::AmountNotWhole(_) => "amount_not_whole",
            Self::AlsoTooOld(_) => "also_too_old",
            Self::AlsoInFuture(_) => "also_in_future",
        }
    }

    /// A sentence for people. It may hold text of strangers: make it harmless before it goes to a terminal.
    pub fn sentence(&self) -> String {
        match self {
            Self::EmptyBody => "the body is empty".to_owned(),
            Self::NotJson => "the body is not JSON".to_owned(),
            Self::NotAnObject => "the body is JSON, but not an object".to_owned(),
            Self::TooDeep => "the body is JSON nested too deep to be read".to_owned(),
            Self::UnknownType(kind) => format!("`{kind}` is not a documented event type"),
            Self::MissingField(field) => format!("the payload has no `{field}`"),
            Self::StatusDisagrees { kind, status } => {
                format!("the event says `{kind}` and the status `{status}`: decide by the status")
            }
            Self::AmountNotWhole(text) => format!("the amount `{text}` is not a whole number of minor units"),
            Self::AlsoTooOld(age) => {
                format!(
                    "the time is {} ago, too: the right signature would be refused as too old",
                    format_duration(*age)
                )
            }
            Self::AlsoInFuture(ahead) => {
                format!(
                    "the time is {} ahead, too: the right signature would be refused for it",
                    format_duration(*ahead)
                )
            }
        }
    }
}
