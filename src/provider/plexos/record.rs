//! Plexos Pay's records: payments, refunds and checkout sessions, each looked up by its id.
//!
//! <https://docs.pay.plexos.io/pages/api/payments/reference>,
//! <https://docs.pay.plexos.io/pages/api/refunds/get>,
//! <https://docs.pay.plexos.io/pages/api/checkout/get>.

use crate::model::money::Money;
use crate::provider::api::{ApiCall, ResponseError};
use crate::provider::listing::RecordList;
use crate::provider::path_segment;
use crate::provider::record::{self, AmountKind, ExpectedEvent, Record, RecordFees, RecordState, RecordStatus};
use serde_json::{Value, json};

/// Prefixes of Plexos ids. Only objects with the first three can be looked up; for settlements only
/// a list is documented.
const PREFIXES: [&str; 7] = ["pi_", "re_", "cs_", "se_", "cu_", "we_", "evt_"];

pub(super) fn owns(reference: &str) -> bool {
    PREFIXES.iter().any(|prefix| reference.starts_with(prefix))
}

/// Returns the call that looks up an id. `None`: no such call is documented.
pub(super) fn lookup_call(reference: &str) -> Option<ApiCall> {
    let folder = match reference.get(..3)? {
        "pi_" => "payments",
        "re_" => "refunds",
        "cs_" => "checkout/sessions",
        _ => return None,
    };
    Some(ApiCall::get(format!("/{folder}/{}", record::reference_segment(reference)?)))
}

/// Returns the call for a page of 100, the most that are documented
/// (<https://docs.pay.plexos.io/api-reference/introduction>).
pub(super) fn list_call(list: RecordList, after: Option<&str>) -> ApiCall {
    let after = after.map(|id| format!("&starting_after={}", path_segment(id))).unwrap_or_default();
    ApiCall::get(format!("/{}?limit=100{after}", list.title()))
}

/// Interprets the status of any object. Ranks follow the payment lifecycle of
/// <https://docs.pay.plexos.io/pages/start/introduction>; a payment may fail, expire or be
/// cancelled at any stage (P2).
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

pub(super) fn parse(body: &Value) -> Result<Record, ResponseError> {
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
        fees: fees(body)?,
        expected_event: event(object, &status).map_or(ExpectedEvent::OtherObject, ExpectedEvent::Sent),
        created: record::optional_timestamp(body, "createdAt"),
        changed: record::optional_timestamp(body, "updatedAt"),
        reference,
        status,
    })
}

/// Reads the fee and the net amount of a payment
/// (<https://docs.pay.plexos.io/pages/api/payments/cancel>).
fn fees(body: &Value) -> Result<Option<RecordFees>, ResponseError> {
    let fee = record::optional_minor_units(body, "feeAmount")?;
    let net = record::optional_minor_units(body, "netAmount")?;
    Ok(fee.zip(net).map(|(fee, net)| RecordFees { fee, net }))
}

/// Finds the event that reports a status (<https://docs.pay.plexos.io/pages/webhooks>). `None`: the
/// status has no event of its own (P1), such as that of a refunded payment, which the refund's
/// event reports.
fn event(object: &str, status: &str) -> Option<&'static str> {
    let family = match object {
        "refund" => "refund.",
        "checkout session" => "checkout.",
        _ => "payment.",
    };
    let reports = |kind: &&super::EventType| kind.name.starts_with(family) && kind.status.eq_ignore_ascii_case(status);
    super::EVENT_TYPES.iter().find(reports).map(|kind| kind.name)
}

/// Builds the event that reports the record's status: the object in the envelope of
/// <https://docs.pay.plexos.io/pages/webhooks>. Its id says that it was rebuilt, and is always the
/// same for one status, so that a handler can recognize duplicates.
pub(super) fn rebuild_event(body: &Value) -> Option<Value> {
    let Record { reference, status, expected_event: ExpectedEvent::Sent(kind), .. } = parse(body).ok()? else {
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
    fn only_payments_refunds_and_checkout_sessions_can_be_looked_up() {
        let path = |reference| lookup_call(reference).map(|call| call.path);
        assert_eq!(path("pi_def456").as_deref(), Some("/payments/pi_def456"));
        assert_eq!(path("re_abc123").as_deref(), Some("/refunds/re_abc123"));
        assert_eq!(path("cs_abc/1").as_deref(), Some("/checkout/sessions/cs_abc%2F1"));
        for other in ["se_abc123", "evt_abc123", "PLS-1", "pi", "", "é"] {
            assert_eq!(path(other), None, "{other}");
        }
        assert!(owns("se_1") && owns("evt_1") && !owns("PLS-1") && !owns("order-1001"));
    }

    #[test]
    fn lists_are_asked_for_a_hundred_records_a_page() {
        assert_eq!(list_call(RecordList::Payments, None).path, "/payments?limit=100");
        let next = list_call(RecordList::Refunds, Some("re_a&b"));
        assert_eq!((next.method, next.path.as_str()), ("GET", "/refunds?limit=100&starting_after=re_a%26b"));
    }

    #[test]
    fn a_payment_is_read_with_its_exact_amount() {
        let record = parse(&payment("DEBITED")).unwrap();
        assert_eq!((record.reference.as_str(), record.merchant_reference.as_deref()), ("pi_def456", Some("order-7")));
        assert_eq!(record.money, Some(Money { minor: 10_000, currency: "CVE".to_owned() }));
        assert_eq!(
            (record.parsed_status.state, record.expected_event),
            (RecordState::Succeeded, ExpectedEvent::Sent("payment.debited"))
        );
        assert_eq!(record.changed.unwrap().to_string(), "2023-11-07T05:32:56Z");
    }

    #[test]
    fn a_payment_has_a_fee_and_a_net_amount_if_both_are_given() {
        let mut body = payment("SETTLED");
        assert_eq!(parse(&body).unwrap().fees, None);
        body["feeAmount"] = json!("200");
        assert_eq!(parse(&body).unwrap().fees, None);
        body["netAmount"] = json!("9800");
        assert_eq!(parse(&body).unwrap().fees, Some(RecordFees { fee: 200, net: 9_800 }));
        body["netAmount"] = json!("98.00");
        assert_eq!(parse(&body), Err(ResponseError::Unexpected("netAmount")));
    }

    #[test]
    fn ranks_follow_the_lifecycle() {
        let ranks = ["CREATED", "OPERATOR_PENDING", "USER_CONFIRMING", "DEBITED", "SETTLED", "REFUNDED"];
        let ranks = ranks.map(|status| parse_status(status).rank);
        assert!(ranks.is_sorted_by(|one, other| one < other), "{ranks:?}");
    }

    #[test]
    fn some_statuses_have_no_event_of_their_own() {
        for status in ["REFUNDED", "PARTIALLY_REFUNDED", "OPERATOR_PENDING"] {
            assert_eq!(parse(&payment(status)).unwrap().expected_event, ExpectedEvent::OtherObject, "{status}");
            assert_eq!(rebuild_event(&payment(status)), None);
        }
    }

    #[test]
    fn an_unknown_status_is_kept_and_a_missing_one_is_an_error() {
        let record = parse(&payment("FROZEN")).unwrap();
        assert_eq!((record.status.as_str(), record.parsed_status), ("FROZEN", RecordStatus::UNKNOWN));
        assert_eq!(parse(&json!({"id": "pi_1"})), Err(ResponseError::Unexpected("status")));
        assert_eq!(parse(&json!({"status": "OPEN"})), Err(ResponseError::Unexpected("id")));
        assert_eq!(parse(&json!([])), Err(ResponseError::Unexpected("id")));
    }

    #[test]
    fn a_rebuilt_event_says_so_in_its_id() {
        let event = rebuild_event(&payment("DEBITED")).unwrap();
        assert_eq!(event["type"], "payment.debited");
        assert_eq!(event["id"], "evt_rebuilt_pi_def456_debited");
        assert_eq!((&event["data"], &event["createdAt"]), (&payment("DEBITED"), &json!("2023-11-07T05:32:56Z")));
    }

    #[test]
    fn every_documented_status_has_its_state_and_rank() {
        use RecordState::{Cancelled, Expired, Failed, Open, PartlyRefunded, Refunded, Succeeded};
        for (status, state, rank) in [
            ("CREATED", Open, 0),
            ("PENDING", Open, 0),
            ("OPEN", Open, 0),
            ("OPERATOR_PENDING", Open, 1),
            ("PROCESSING", Open, 1),
            ("USER_CONFIRMING", Open, 2),
            ("DEBITED", Succeeded, 3),
            ("SUCCEEDED", Succeeded, 3),
            ("COMPLETED", Succeeded, 3),
            ("SETTLED", Succeeded, 4),
            ("PARTIALLY_REFUNDED", PartlyRefunded, 5),
            ("REFUNDED", Refunded, 5),
            ("FAILED", Failed, 3),
            ("EXPIRED", Expired, 3),
            ("CANCELLED", Cancelled, 3),
            ("debited", Succeeded, 3),
        ] {
            assert_eq!(parse_status(status), RecordStatus::new(state, rank), "{status}");
        }
        for unknown in ["", "CANCELED", "DEBITED ", "REFUND"] {
            assert_eq!(parse_status(unknown), RecordStatus::UNKNOWN, "{unknown}");
        }
    }

    #[test]
    fn the_id_decides_which_object_it_is_and_which_event_reports_its_status() {
        for (id, status, object, event) in [
            ("pi_1", "DEBITED", "payment", Some("payment.debited")),
            ("pi_1", "SETTLED", "payment", Some("payment.settled")),
            ("pi_1", "FAILED", "payment", Some("payment.failed")),
            ("pi_1", "EXPIRED", "payment", Some("payment.expired")),
            ("re_1", "SUCCEEDED", "refund", Some("refund.succeeded")),
            ("re_1", "FAILED", "refund", Some("refund.failed")),
            ("re_1", "DEBITED", "refund", None),
            ("cs_1", "FROZEN", "checkout session", None),
            ("xy", "DEBITED", "payment", Some("payment.debited")),
        ] {
            let record = parse(&json!({"id": id, "status": status})).unwrap();
            let expected = event.map_or(ExpectedEvent::OtherObject, ExpectedEvent::Sent);
            assert_eq!((record.object, record.expected_event), (object, expected), "{id} {status}");
            assert_eq!((record.money, record.created, record.changed), (None, None, None));
        }
    }

    #[test]
    fn an_amount_that_is_not_whole_is_an_error_and_not_a_missing_amount() {
        let mut body = payment("DEBITED");
        body["amount"] = json!("100.00");
        assert_eq!(parse(&body), Err(ResponseError::Unexpected("amount")));
        body["amount"] = Value::Null;
        assert_eq!(parse(&body).unwrap().money, None);
    }

    #[test]
    fn a_rebuilt_event_takes_the_time_of_creation_if_nothing_changed_since() {
        let mut body = payment("DEBITED");
        body.as_object_mut().unwrap().remove("updatedAt");
        assert_eq!(rebuild_event(&body).unwrap()["createdAt"], "2023-11-07T05:31:56Z");
    }
}
