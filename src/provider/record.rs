//! A provider's own record of a payment, refund or purchase, read from its answer to a lookup.
//!
//! The fields are each provider's; what record, webhooks and orders say together is `reconcile`'s.

use super::api::ResponseError;
use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use serde_json::Value;

/// What a provider has on record under a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The provider's own reference.
    pub reference: String,
    /// The merchant's reference: Plexos' `externalId`, Plustive's `clientReference`.
    pub merchant_reference: Option<String>,
    /// What kind of thing it is: `payment`, `refund`, `transaction`.
    pub object: &'static str,
    /// The status as sent; one that is not documented passes through.
    pub status: String,
    pub parsed_status: RecordStatus,
    /// The amount.
    pub money: Option<Money>,
    /// What the amount is.
    pub amount: AmountKind,
    pub expected_event: ExpectedEvent,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it changed last, or ended.
    pub changed: Option<Timestamp>,
}

/// What the amount of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountKind {
    /// The amount that webhooks and orders speak of too.
    Same,
    /// What was charged, which may differ from it.
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
    /// Stands for every status that the provider does not document.
    pub const UNKNOWN: Self = Self { state: RecordState::Unknown, rank: 0 };

    pub const fn new(state: RecordState, rank: u8) -> Self {
        Self { state, rank }
    }
}

/// The outcomes that both providers' statuses come down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// Not decided yet.
    Open,
    /// The money was taken, or the goods delivered.
    Succeeded,
    /// A part of the money went back.
    PartlyRefunded,
    /// The money went back.
    Refunded,
    /// It failed.
    Failed,
    /// It ran out of time.
    Expired,
    /// It was called off.
    Cancelled,
    /// The status is not documented.
    Unknown,
}

impl RecordState {
    /// A stable code for machines.
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

    /// Whether it is decided.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Open | Self::Unknown)
    }

    /// Whether what stood like this may stand like `later` afterwards. A failed purchase may be called refunded (Plustive,
    /// contradiction U10).
    pub fn can_become(self, later: Self) -> bool {
        match self {
            Self::Open => later.is_final(),
            Self::Succeeded => matches!(later, Self::PartlyRefunded | Self::Refunded),
            Self::PartlyRefunded | Self::Failed => later == Self::Refunded,
            Self::Refunded | Self::Expired | Self::Cancelled | Self::Unknown => false,
        }
    }
}

/// A text in a path: every byte that could mean anything there is percent-encoded. `None`: empty, or a step within the path
/// (`.`, `..`), which no encoding hides from a URL.
pub(super) fn in_path(text: &str) -> Option<String> {
    if matches!(text, "" | "." | "..") {
        return None;
    }
    Some(super::path_segment(text))
}

/// A text that must be there.
pub(super) fn required_text(body: &Value, field: &'static str) -> Result<String, ResponseError> {
    optional_text(body, field).filter(|text| !text.is_empty()).ok_or(ResponseError::Unexpected(field))
}

/// A text that may be there.
pub(super) fn optional_text(body: &Value, field: &str) -> Option<String> {
    body.get(field)?.as_str().map(str::to_owned)
}

/// A moment that may be there.
pub(super) fn optional_timestamp(body: &Value, field: &str) -> Option<Timestamp> {
    body.get(field)?.as_str()?.parse().ok()
}

/// Minor units that may be there, as text or as a number; they must be whole.
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
    fn whatever_a_reference_holds_it_stays_one_step_of_the_path() {
        assert_eq!(in_path("PLS-7XKQR4N").unwrap(), "PLS-7XKQR4N");
        assert_eq!(in_path("a/../b?c=d#e f%é").unwrap(), "a%2F..%2Fb%3Fc%3Dd%23e%20f%25%C3%A9");
        assert_eq!([in_path(""), in_path("."), in_path("..")], [None, None, None]);
    }

    #[test]
    fn amounts_are_whole_or_strange() {
        let read = |value: Value| optional_minor_units(&json!({"a": value}), "a");
        assert_eq!(read(json!("10000")), Ok(Some(10_000)));
        assert_eq!(read(json!(27000)), Ok(Some(27_000)));
        assert_eq!(read(Value::Null), Ok(None));
        for strange in [json!(1.5), json!("1.5"), json!([]), json!("")] {
            assert_eq!(read(strange), Err(ResponseError::Unexpected("a")));
        }
    }

    #[test]
    fn an_end_is_left_for_a_refund_only() {
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
}
