//! Events as read from a payload. Every field may be absent, and inconsistencies are warnings, not
//! errors.
//!
//! Each provider parses its own payloads (`provider`).

use crate::model::money::Money;
use crate::model::timestamp::{SignedDuration, format_duration};

/// The fields of a payload that all providers have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The type as sent: `payment.debited`, `transaction.success`.
    pub kind: Option<String>,
    /// The id that dashboards show: Plexos' event id, Plustive's reference.
    pub id: Option<String>,
    /// The object or order that the event is about: Plexos' `data.id`, Plustive's
    /// `clientReference`.
    pub subject: Option<String>,
    /// Status as sent, such as `DEBITED` or `Success`.
    pub status: Option<String>,
    /// `None`: there is no amount, or it is not a whole number of minor units.
    pub money: Option<Money>,
    /// Two deliveries with the same key are the same event. `None`: the payload lacks the fields
    /// that the key consists of.
    pub key: Option<String>,
    pub warnings: Vec<Warning>,
}

/// An inconsistency that does not affect the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    EmptyBody,
    NotJson,
    /// The body is compressed; the event was read in the JSON inside.
    Compressed,
    NotAnObject,
    /// JSON nested deeper than whtool parses.
    TooDeep,
    /// A type that the provider does not document.
    UnknownType(String),
    /// A field that every event should have is missing.
    MissingField(&'static str),
    /// The event's type contradicts its status (Plustive U2, Plexos 1.8).
    StatusDisagrees {
        kind: String,
        status: String,
    },
    /// The amount, as sent, is not a whole number of minor units.
    AmountNotWhole(String),
    /// The signature is wrong and, in addition, older than the tolerance: its age.
    AlsoTooOld(SignedDuration),
    /// The signature is wrong and, in addition, its time is in the future by this much.
    AlsoInFuture(SignedDuration),
}

impl Warning {
    /// Returns the stable code used in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyBody => "empty_body",
            Self::NotJson => "not_json",
            Self::Compressed => "compressed",
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

    /// Returns a sentence for people. It may contain untrusted text, which must be escaped for a
    /// terminal.
    pub fn sentence(&self) -> String {
        match self {
            Self::EmptyBody => "the body is empty".to_owned(),
            Self::NotJson => "the body is not JSON".to_owned(),
            Self::Compressed => "the body is compressed: your app must decompress it after verifying it".to_owned(),
            Self::NotAnObject => "the body is JSON, but not an object".to_owned(),
            Self::TooDeep => "the JSON is nested too deeply".to_owned(),
            Self::UnknownType(kind) => format!("`{kind}` is not a documented event type"),
            Self::MissingField(field) => format!("the payload has no `{field}`"),
            Self::StatusDisagrees { kind, status } => {
                format!("type `{kind}` contradicts status `{status}`: rely on the status")
            }
            Self::AmountNotWhole(text) => format!("the amount `{text}` is not a whole number of minor units"),
            Self::AlsoTooOld(age) => {
                format!(
                    "the signed time is {} ago: even a correct signature would be refused as too old",
                    format_duration(*age)
                )
            }
            Self::AlsoInFuture(ahead) => {
                format!(
                    "the signed time is {} ahead: even a correct signature would be refused",
                    format_duration(*ahead)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn each_warning_has_its_code_and_sentence() {
        let text = str::to_owned;
        let seconds = SignedDuration::from_secs;
        let disagrees = Warning::StatusDisagrees { kind: text("payment.debited"), status: text("FAILED") };
        for (warning, code, sentence) in [
            (Warning::EmptyBody, "empty_body", "the body is empty"),
            (Warning::NotJson, "not_json", "the body is not JSON"),
            (
                Warning::Compressed,
                "compressed",
                "the body is compressed: your app must decompress it after verifying it",
            ),
            (Warning::NotAnObject, "not_an_object", "the body is JSON, but not an object"),
            (Warning::TooDeep, "too_deep", "the JSON is nested too deeply"),
            (Warning::UnknownType(text("a.b")), "unknown_type", "`a.b` is not a documented event type"),
            (Warning::MissingField("id"), "missing_field", "the payload has no `id`"),
            (disagrees, "status_disagrees", "type `payment.debited` contradicts status `FAILED`: rely on the status"),
            (
                Warning::AmountNotWhole(text("1.5")),
                "amount_not_whole",
                "the amount `1.5` is not a whole number of minor units",
            ),
            (
                Warning::AlsoTooOld(seconds(7_200)),
                "also_too_old",
                "the signed time is 2 h ago: even a correct signature would be refused as too old",
            ),
            (
                Warning::AlsoInFuture(seconds(600)),
                "also_in_future",
                "the signed time is 10 min ahead: even a correct signature would be refused",
            ),
        ] {
            assert_eq!((warning.code(), warning.sentence().as_str()), (code, sentence));
        }
    }
}
