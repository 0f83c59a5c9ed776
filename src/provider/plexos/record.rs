//! Plexos Pay's records: payments, refunds and checkout sessions, each looked up by its id.
//!
//! <https://docs.pay.plexos.io/pages/api/payments/reference>, <https://docs.pay.plexos.io/pages/api/refunds/get>,
//! <https://docs.pay.plexos.io/pages/api/checkout/get>.

use crate::model::money::Money;
use crate::provider::api::{ApiCall, ResponseError};
use crate::provider::record::{self, AmountKind, ExpectedEvent, Record, RecordState, RecordStatus};
use serde_json::{Value, json};

/// Ids that are Plexos' by their look. Only the first three can be looked up; of a settlement only the list is documented.
const PREFIXES: [&str; 7] = ["pi_", "re_", "cs_", "se_", "cu_", "we_", "evt_"];

/// Whether it looks like an id of Plexos.
pub(super) fn owns(reference: &str) -> bool {
    PREFIXES.iter().any(|prefix| reference.starts_with(prefix))
}

/// The call for an id. `None`: nothing is documented that finds it.
pub(super) fn lookup(reference: &str) -> Option<ApiCall> {
    let folder = match reference.get(..3)? {
        "pi_" => "payments",
        "re_" => "refunds",
        "cs_" => "checkout/sessions",
        _ => return None,
    };
    Some(ApiCall::get(format!("/{folder}/{}", record::in_path(reference)?)))
}

/// What a status of any object means. The ranks of payments are in the order of the lifecycle drawn at
/// <https://docs.pay.plexos.io/pages/start/introduction>; failing, running out and calling off may happen at any stage (P2).
pub(super) fn parse_status(status: &str) -> RecordStatus {
    let (state, rank) = match status.to_ascii_uppercase().as_str() {
        "CREATED" | "PENDING" | "OPEN" => (RecordState::Open, 0),
        "OPERATOR_PENDING" | "PROCESSING" => (RecordState::Open, 1),
        "USER_CONFIRMING" => (RecordState::Open, 2),
        "DEBITED" | "SUCCEEDED" | "COMPLETED" => (RecordState::Succeeded, 3),
        "SETTLED" => (RecordState::Succeeded, 4),
        "PARTIALLY_REFUNDED" => (RecordState::PartlyRefunded, 5),
        "REFUNDED" => (RecordState::Refunded, 5),
        "FAILED" => (RecordState::Failed, 3),
        "EXPIRED" => (RecordState::Expired, 3),
        "CANCELLED" => (RecordState::Cancelled, 3),
        _ => return RecordStatus::UNKNOWN,
    };
    RecordStatus::new(state, rank)
}

/// Reads the answer to a lookup.
pub(super) fn read(body: &Value) -> Result<Record, ResponseError> {
    let reference = record::required_text(body, "id")?;
    let object = match reference.get(..3) {
        Some("re_") => "refund",
        Some("cs_") => "checkout session",
        _ => "payment",
    };
    let status = record::required_text(body, "status")?;
    let currency = record::optional_text(body, "currency").unwrap_or_default();
    Ok(Record {
        merchant_reference: record::optional_text(body, "externalId"),
        object,
        parsed_status: parse_status(&status),
        money: record::optional_minor_units(body, "amount")?.map(|minor| Money { minor, currency }),
        amount: AmountKind::Same,
        expected_event: event(object, &status).map_or(ExpectedEvent::OtherObject, ExpectedEvent::Sent),
        created: record::optional_timestamp(body, "createdAt"),
        changed: record::optional_timestamp(body, "updatedAt"),
        reference,
        status,
    })
}

/// The event that tells a status (<https://docs.pay.plexos.io/pages/webhooks>). `None`: the status has none of its own (P1);
/// a refunded payment's is told by its refund.
fn event(object: &str, status: &str) -> Option<&'static str> {
    let family = match object {
        "refund" => "refund.",
        "checkout session" => "checkout.",
        _ => "payment.",
    };
    let known = |known: &&super::EventType| known.name.starts_with(family) && known.status.eq_ignore_ascii_case(status);
    super::EVENT_TYPES.iter().find(known).map(|known| known.name)
}

/// The event that would have told the record's status: the envelope of <https://docs.pay.plexos.io/pages/webhooks> around the
/// whole object. Its id says where it comes from, and is the same each time, so that a handler still tells a repeat.
pub(super) fn rebuilt(body: &Value) -> Option<Value> {
    let Record { reference, status, expected_event: ExpectedEvent::Sent(kind), .. } = read(body).ok()? else {
        return None;
    };
    let time = ["updatedAt", "createdAt"].iter().find_map(|field| body.get(*field)).cloned().unwrap_or_default();
    let id = format!("evt_rebuilt_{reference}_{}", status.to_lowercase());
    Some(json!({"id": id, "type": kind, "data": body, "createdAt": time}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(status: &str) -> Value {
        json!({"id": "pi_def456", "externalId": "order-7", "amount": "10000", "currency": "CVE", "status": status,
            "createdAt": "2023-11-07T05:31:56Z", "updatedAt": "2023-11-07T05:32:56Z"})
    }

    #[test]
    fn each_object_has_its_call_and_the_rest_has_none() {
        let path = |reference| lookup(reference).map(|call| call.path);
        assert_eq!(path("pi_def456").as_deref(), Some("/payments/pi_def456"));
        assert_eq!(path("re_abc123").as_deref(), Some("/refunds/re_abc123"));
        assert_eq!(path("cs_abc/1").as_deref(), Some("/checkout/sessions/cs_abc%2F1"));
        for other in ["se_abc123", "evt_abc123", "PLS-1", "pi", "", "é"] {
            assert_eq!(path(other), None, "{other}");
        }
        assert!(owns("se_1") && owns("evt_1") && !owns("PLS-1") && !owns("order-1001"));
    }

    #[test]
    fn a_payment_is_read_with_its_exact_amount() {
        let read = read(&payment("DEBITED")).unwrap();
        assert_eq!((read.reference.as_str(), read.merchant_reference.as_deref()), ("pi_def456", Some("order-7")));
        assert_eq!(read.money, Some(Money { minor: 10_000, currency: "CVE".to_owned() }));
        assert_eq!(
            (read.parsed_status.state, read.expected_event),
            (RecordState::Succeeded, ExpectedEvent::Sent("payment.debited"))
        );
        assert_eq!(read.changed.unwrap().to_string(), "2023-11-07T05:32:56Z");
    }

    #[test]
    fn ranks_follow_the_lifecycle() {
        let ranks = ["CREATED", "OPERATOR_PENDING", "USER_CONFIRMING", "DEBITED", "SETTLED", "REFUNDED"];
        let ranks = ranks.map(|status| parse_status(status).rank);
        assert!(ranks.is_sorted_by(|one, other| one < other), "{ranks:?}");
    }

    #[test]
    fn a_status_without_an_event_of_its_own_is_told_elsewhere() {
        for status in ["REFUNDED", "PARTIALLY_REFUNDED", "OPERATOR_PENDING"] {
            assert_eq!(read(&payment(status)).unwrap().expected_event, ExpectedEvent::OtherObject, "{status}");
            assert_eq!(rebuilt(&payment(status)), None);
        }
    }

    #[test]
    fn an_unknown_status_passes_through_and_a_missing_one_is_strange() {
        let read_ = read(&payment("FROZEN")).unwrap();
        assert_eq!((read_.status.as_str(), read_.parsed_status), ("FROZEN", RecordStatus::UNKNOWN));
        assert_eq!(read(&json!({"id": "pi_1"})), Err(ResponseError::Unexpected("status")));
        assert_eq!(read(&json!({"status": "OPEN"})), Err(ResponseError::Unexpected("id")));
        assert_eq!(read(&json!([])), Err(ResponseError::Unexpected("id")));
    }

    #[test]
    fn an_event_is_rebuilt_from_the_record_and_says_so() {
        let event = rebuilt(&payment("DEBITED")).unwrap();
        assert_eq!(event["type"], "payment.debited");
        assert_eq!(event["id"], "evt_rebuilt_pi_def456_debited");
        assert_eq!((&event["data"], &event["createdAt"]), (&payment("DEBITED"), &json!("2023-11-07T05:32:56Z")));
    }
}
