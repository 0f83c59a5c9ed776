//! A provider's record of a payment, refund or purchase, read from the response to a lookup.
//!
//! Each provider maps its own fields to a `Record`. `reconcile` compares records with webhooks and
//! orders.

use super::api::ResponseError;
use super::path_segment;
use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use serde_json::Value;

/// Payment, refund or purchase as the provider has recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The provider's own reference.
    pub reference: String,
    /// The merchant's reference: Plexos' `externalId`, Plustive's `clientReference`.
    pub merchant_reference: Option<String>,
    /// Kind of object, such as `payment`, `refund` or `transaction`.
    pub object: &'static str,
    /// Status as sent, even if it is undocumented.
    pub status: String,
    pub parsed_status: RecordStatus,
    pub money: Option<Money>,
    pub amount: AmountKind,
    /// `None`: the provider documents none for this object, or the record has none.
    pub fees: Option<RecordFees>,
    pub expected_event: ExpectedEvent,
    pub created: Option<Timestamp>,
    /// Time of the last change.
    pub changed: Option<Timestamp>,
}

/// The provider's fee and what is left for the merchant, in minor units of the record's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFees {
    pub fee: i128,
    pub net: i128,
}

/// Meaning of a record's amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountKind {
    /// Same amount as in webhooks and orders.
    Same,
    /// Amount charged, which may differ from the amount in webhooks and orders.
    Charged,
}

/// The webhook that reports a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedEvent {
    /// An event of this type is documented.
    Sent(&'static str),
    /// An event of this type, or no event at all.
    MaybeSent(&'static str),
    /// No event of its own: the event of another object reports it, such as a payment's refund.
    OtherObject,
}

/// The meaning of a provider's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordStatus {
    pub state: RecordState,
    /// Position in the lifecycle; only comparable between statuses with the same state.
    pub rank: u8,
}

impl RecordStatus {
    /// Every status that the provider does not document.
    pub const UNKNOWN: Self = Self { state: RecordState::Unknown, rank: 0 };

    pub const fn new(state: RecordState, rank: u8) -> Self {
        Self { state, rank }
    }
}

/// Outcome that the statuses of all providers are mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState {
    Open,
    /// The money was taken, or the purchase was delivered.
    Succeeded,
    /// Part of the money was returned.
    PartlyRefunded,
    /// All of the money was returned.
    Refunded,
    Failed,
    /// It was not confirmed in time.
    Expired,
    Cancelled,
    /// The status is undocumented.
    Unknown,
}

impl RecordState {
    /// Returns a stable code for JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Succeeded => "succeeded",
            Self::PartlyRefunded => "partly_refunded",
            Self::Refunded => "refunded",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Checks whether the outcome is decided; a refund may still follow.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Open | Self::Unknown)
    }

    /// Checks whether the customer's money was taken, even if it was returned later.
    pub fn has_taken_money(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartlyRefunded | Self::Refunded)
    }

    /// Checks whether a record may change from this state to `later`. A failed purchase may become
    /// refunded (Plustive, contradiction U10).
    pub fn can_become(self, later: Self) -> bool {
        match self {
            Self::Open => later.is_final(),
            Self::Succeeded => matches!(later, Self::PartlyRefunded | Self::Refunded),
            Self::PartlyRefunded | Self::Failed => later == Self::Refunded,
            Self::Refunded | Self::Expired | Self::Cancelled | Self::Unknown => false,
        }
    }
}

/// Percent-encodes a reference as one path segment. `None`: it is empty, `.` or `..`, which a URL
/// normalizes away even if encoded.
pub(super) fn reference_segment(text: &str) -> Option<String> {
    if matches!(text, "" | "." | "..") {
        return None;
    }
    Some(path_segment(text))
}

/// Reads a field that must be a non-empty text.
pub(super) fn required_text(body: &Value, field: &'static str) -> Result<String, ResponseError> {
    optional_text(body, field).filter(|text| !text.is_empty()).ok_or(ResponseError::Unexpected(field))
}

pub(super) fn optional_text(body: &Value, field: &str) -> Option<String> {
    body.get(field)?.as_str().map(str::to_owned)
}

pub(super) fn optional_timestamp(body: &Value, field: &str) -> Option<Timestamp> {
    body.get(field)?.as_str()?.parse().ok()
}

/// Reads an amount that may be missing, as a text or a number. It must be whole.
pub(super) fn optional_minor_units(body: &Value, field: &'static str) -> Result<Option<i128>, ResponseError> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| ResponseError::Unexpected(field)),
        Some(Value::Number(number)) => {
            number.to_string().parse().map(Some).map_err(|_| ResponseError::Unexpected(field))
        }
        Some(_) => Err(ResponseError::Unexpected(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_reference_is_one_segment_of_the_path() {
        assert_eq!(reference_segment("PLS-7XKQR4N").unwrap(), "PLS-7XKQR4N");
        assert_eq!(reference_segment("a/../b?c=d#e f%é").unwrap(), "a%2F..%2Fb%3Fc%3Dd%23e%20f%25%C3%A9");
        assert_eq!([reference_segment(""), reference_segment("."), reference_segment("..")], [None, None, None]);
    }

    #[test]
    fn amounts_that_are_not_whole_are_refused() {
        let read = |value: Value| optional_minor_units(&json!({"a": value}), "a");
        assert_eq!(read(json!("10000")), Ok(Some(10_000)));
        assert_eq!(read(json!(27000)), Ok(Some(27_000)));
        assert_eq!(read(Value::Null), Ok(None));
        for invalid in [json!(1.5), json!("1.5"), json!([]), json!("")] {
            assert_eq!(read(invalid), Err(ResponseError::Unexpected("a")));
        }
    }

    #[test]
    fn a_final_state_changes_only_to_a_refund() {
        let states = [
            RecordState::Succeeded,
            RecordState::Refunded,
            RecordState::Failed,
            RecordState::Expired,
            RecordState::Cancelled,
        ];
        for state in states {
            assert!(RecordState::Open.can_become(state) && !state.can_become(RecordState::Open));
        }
        assert!(
            RecordState::Succeeded.can_become(RecordState::Refunded)
                && RecordState::Failed.can_become(RecordState::Refunded)
        );
        assert!(
            !RecordState::Succeeded.can_become(RecordState::Failed)
                && !RecordState::Failed.can_become(RecordState::Succeeded)
        );
        assert!(!RecordState::Expired.can_become(RecordState::Refunded));
    }

    const STATES: [RecordState; 8] = [
        RecordState::Open,
        RecordState::Succeeded,
        RecordState::PartlyRefunded,
        RecordState::Refunded,
        RecordState::Failed,
        RecordState::Expired,
        RecordState::Cancelled,
        RecordState::Unknown,
    ];

    #[test]
    fn every_change_of_state_is_either_possible_or_a_contradiction() {
        // Rows: from; columns: to, both in the order of STATES.
        let possible = [
            "-xxxxxx-", // open
            "--xx----", // succeeded
            "---x----", // partly refunded
            "--------", // refunded
            "---x----", // failed
            "--------", // expired
            "--------", // cancelled
            "--------", // unknown
        ];
        for (from, row) in STATES.into_iter().zip(possible) {
            let found: String = STATES.iter().map(|&to| if from.can_become(to) { 'x' } else { '-' }).collect();
            assert_eq!(found, row, "{from:?}");
        }
    }

    #[test]
    fn states_have_stable_codes_and_only_open_and_unknown_are_undecided() {
        let codes = ["open", "succeeded", "partly_refunded", "refunded", "failed", "expired", "cancelled", "unknown"];
        assert_eq!(STATES.map(RecordState::code), codes);
        let undecided: Vec<_> = STATES.into_iter().filter(|state| !state.is_final()).collect();
        assert_eq!(undecided, [RecordState::Open, RecordState::Unknown]);
    }

    #[test]
    fn amounts_are_exact_beyond_a_float_and_may_be_negative() {
        let read = |value: Value| optional_minor_units(&json!({"a": value}), "a");
        for (value, minor) in [
            (json!("9007199254740993"), 9_007_199_254_740_993),
            (json!(9_007_199_254_740_993_u64), 9_007_199_254_740_993),
            (json!(u64::MAX), 18_446_744_073_709_551_615),
            (json!("123456789012345678901"), 123_456_789_012_345_678_901),
            (json!(-150), -150),
            (json!("-150"), -150),
            (json!(0), 0),
        ] {
            assert_eq!(read(value), Ok(Some(minor)));
        }
        for invalid in [json!(1e3), json!("1e3"), json!(" 1"), json!("1,000"), json!("100.00"), json!(true), json!({})]
        {
            assert_eq!(read(invalid.clone()), Err(ResponseError::Unexpected("a")), "{invalid}");
        }
        assert_eq!(optional_minor_units(&json!({}), "a"), Ok(None));
    }

    #[test]
    fn a_text_field_must_be_a_text_and_a_required_one_not_empty() {
        let body = json!({"text": "x", "empty": "", "number": 1, "time": "2025-01-15T10:30:00Z", "day": "2025-01-15"});
        assert_eq!(required_text(&body, "text"), Ok("x".to_owned()));
        for field in ["empty", "number", "missing"] {
            assert_eq!(required_text(&body, field), Err(ResponseError::Unexpected(field)), "{field}");
        }
        assert_eq!(optional_text(&body, "empty").as_deref(), Some(""));
        assert_eq!([optional_text(&body, "number"), optional_text(&body, "missing")], [None, None]);
        assert_eq!(optional_timestamp(&body, "time").map(|time| time.as_second()), Some(1_736_937_000));
        assert_eq!(["day", "number", "text"].map(|field| optional_timestamp(&body, field)), [None; 3]);
    }
}
