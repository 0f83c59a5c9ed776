//! Plustive's records: transactions, looked up by either reference.
//!
//! <https://docs.plustiveimpact.com/api/purchases>,
//! <https://docs.plustiveimpact.com/api/schemas/transactionresponse>;
//! <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions> shows a shorter response.

use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use crate::provider::api::{ApiCall, ResponseError};
use crate::provider::record::{self, AmountKind, ExpectedEvent, Record, RecordState, RecordStatus};
use serde_json::{Value, json};

/// All amounts are in kobo; no currency is sent.
const CURRENCY: &str = "NGN";

/// Returns the call that looks up a `reference` or a `clientReference`.
pub(super) fn lookup_call(reference: &str) -> Option<ApiCall> {
    Some(ApiCall::get(format!("/transactions/{}", record::reference_segment(reference)?)))
}

/// Interprets a status. `Pending` means `Processing` (contradiction U7); `Refunded` may follow
/// another final status (U10).
pub(super) fn parse_status(status: &str) -> RecordStatus {
    let (state, rank) = match status.to_ascii_lowercase().as_str() {
        "processing" | "pending" => (RecordState::Open, 0),
        "success" => (RecordState::Succeeded, 1),
        "failed" => (RecordState::Failed, 1),
        "refunded" => (RecordState::Refunded, 2),
        _ => return RecordStatus::UNKNOWN,
    };
    RecordStatus::new(state, rank)
}

pub(super) fn parse(body: &Value) -> Result<Record, ResponseError> {
    let status = record::required_text(body, "status")?;
    let (charged, amount) =
        (record::optional_minor_units(body, "priceCharged")?, record::optional_minor_units(body, "amount")?);
    let parsed_status = parse_status(&status);
    let ended =
        ["completedOn", "completedAt", "timestamp"].iter().find_map(|field| record::optional_timestamp(body, field));
    let created = record::optional_timestamp(body, "createdOn");
    Ok(Record {
        reference: record::required_text(body, "reference")?,
        merchant_reference: record::optional_text(body, "clientReference"),
        object: "transaction",
        parsed_status,
        money: charged.or(amount).map(|minor| Money { minor, currency: CURRENCY.to_owned() }),
        amount: if charged.is_some() { kind_of_charge(body) } else { AmountKind::Same },
        fees: None,
        expected_event: expected_event(parsed_status.state, created, ended),
        created,
        changed: ended,
        status,
    })
}

/// Decides whether `priceCharged` equals the amount in webhooks. It does for data only: airtime may
/// be discounted, electricity has a markup, and the rest is undocumented
/// (<https://docs.plustiveimpact.com/bill-payments>).
fn kind_of_charge(body: &Value) -> AmountKind {
    let is_data = ["service", "type"].iter().filter_map(|field| body.get(*field)?.as_str());
    if is_data.into_iter().any(|service| service.eq_ignore_ascii_case("data")) {
        AmountKind::Same
    } else {
        AmountKind::Charged
    }
}

/// Returns the event to expect. A purchase that was final at once may have none (contradiction
/// U23).
fn expected_event(state: RecordState, created: Option<Timestamp>, ended: Option<Timestamp>) -> ExpectedEvent {
    let at_once = created.is_some() && created == ended;
    let kind = match state {
        RecordState::Succeeded => "transaction.success",
        RecordState::Failed => "transaction.failed",
        RecordState::Refunded => "transaction.completed",
        _ => return ExpectedEvent::OtherObject,
    };
    if at_once && state != RecordState::Refunded { ExpectedEvent::MaybeSent(kind) } else { ExpectedEvent::Sent(kind) }
}

/// Builds the event that reports the record's status, in the format of
/// <https://docs.plustiveimpact.com/webhooks>; `Refunded` exists only in the guide, so its event
/// has the guide's format.
pub(super) fn rebuild_event(body: &Value) -> Option<Value> {
    let Record { reference, status, merchant_reference, money, expected_event, .. } = parse(body).ok()?;
    let kind = match expected_event {
        ExpectedEvent::Sent(kind) | ExpectedEvent::MaybeSent(kind) => kind,
        ExpectedEvent::OtherObject => return None,
    };
    let mut event = json!({
        "event": kind, "reference": reference, "clientReference": merchant_reference, "status": status,
        "amount": money.and_then(|money| i64::try_from(money.minor).ok()),
    });
    let is_guide_format = kind == "transaction.completed";
    let names =
        if is_guide_format { ["type", "phone", "timestamp"] } else { ["service", "mobileNumber", "completedAt"] };
    let fields = [["service", "type"], ["mobileNumber", "phone"], ["completedOn", "completedAt"]];
    let mut copy = |name: &str, from: &[&str]| {
        if let Some(value) = from.iter().find_map(|field| body.get(*field)).filter(|value| !value.is_null()) {
            event[name] = value.clone();
        }
    };
    for (name, from) in names.into_iter().zip(fields) {
        copy(name, &from);
    }
    copy(
        if is_guide_format { "network" } else { "providerReference" },
        if is_guide_format { &["network"] } else { &["providerReference"] },
    );
    copy("token", &["token"]);
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example with a later `completedOn`.
    fn transaction(service: &str, status: &str) -> Value {
        json!({"reference": "PLS-9KQ2M7P3XR", "clientReference": "order-1001", "service": service, "status": status,
            "network": "MTN", "plan": "1.0GB", "mobileNumber": "08030000000", "priceCharged": 27000,
            "providerReference": "118682181", "createdOn": "2024-07-29T15:51:28.071Z",
            "completedOn": "2024-07-29T15:51:29.071Z"})
    }

    #[test]
    fn both_published_responses_are_read() {
        let long = parse(&transaction("Data", "Success")).unwrap();
        let short = parse(&json!({"reference": "PLS-9KQ2M7P3XR", "status": "Success", "amount": 27000})).unwrap();
        assert_eq!(long.money, Some(Money { minor: 27_000, currency: "NGN".to_owned() }));
        assert_eq!((long.money, long.parsed_status, long.amount), (short.money, short.parsed_status, short.amount));
        assert_eq!(long.merchant_reference.as_deref(), Some("order-1001"));
    }

    #[test]
    fn only_for_data_is_the_charge_the_amount() {
        let amount = |service| parse(&transaction(service, "Success")).unwrap().amount;
        assert_eq!([amount("Data"), amount("data")], [AmountKind::Same; 2]);
        assert_eq!([amount("Airtime"), amount("Electricity"), amount("CableTv")], [AmountKind::Charged; 3]);
    }

    #[test]
    fn statuses_ignore_case_and_pending_means_processing() {
        assert_eq!(parse_status("Pending"), parse_status("PROCESSING"));
        assert_eq!(parse_status("Reversed"), RecordStatus::UNKNOWN);
        assert!(parse_status("Refunded").rank > parse_status("Success").rank);
    }

    #[test]
    fn a_purchase_that_was_final_at_once_may_have_no_webhook() {
        let mut body = transaction("Data", "Success");
        assert_eq!(parse(&body).unwrap().expected_event, ExpectedEvent::Sent("transaction.success"));
        body["completedOn"] = body["createdOn"].clone();
        assert_eq!(parse(&body).unwrap().expected_event, ExpectedEvent::MaybeSent("transaction.success"));
        assert_eq!(parse(&transaction("Data", "Processing")).unwrap().expected_event, ExpectedEvent::OtherObject);
    }

    #[test]
    fn a_rebuilt_event_has_the_format_of_the_reference() {
        let expected = json!({"event": "transaction.success", "reference": "PLS-9KQ2M7P3XR",
            "clientReference": "order-1001", "status": "Success", "amount": 27000, "service": "Data",
            "mobileNumber": "08030000000", "completedAt": "2024-07-29T15:51:29.071Z", "providerReference": "118682181"});
        assert_eq!(rebuild_event(&transaction("Data", "Success")), Some(expected));
        let refunded = rebuild_event(&transaction("Data", "Refunded")).unwrap();
        assert_eq!((&refunded["event"], &refunded["phone"]), (&json!("transaction.completed"), &json!("08030000000")));
        assert_eq!(rebuild_event(&transaction("Data", "Pending")), None);
    }

    #[test]
    fn every_documented_status_has_its_state_rank_and_event() {
        use RecordState::{Failed, Open, Refunded, Succeeded};
        for (status, state, rank, event) in [
            ("Processing", Open, 0, None),
            ("Pending", Open, 0, None),
            ("Success", Succeeded, 1, Some("transaction.success")),
            ("Failed", Failed, 1, Some("transaction.failed")),
            ("Refunded", Refunded, 2, Some("transaction.completed")),
        ] {
            let record = parse(&transaction("Data", status)).unwrap();
            assert_eq!(record.parsed_status, RecordStatus::new(state, rank), "{status}");
            assert_eq!(
                record.expected_event,
                event.map_or(ExpectedEvent::OtherObject, ExpectedEvent::Sent),
                "{status}"
            );
        }
        assert_eq!(parse(&transaction("Data", "Reversed")).unwrap().expected_event, ExpectedEvent::OtherObject);
    }

    #[test]
    fn a_refund_always_has_a_webhook_and_a_failure_at_once_may_have_none() {
        let at_once = |status| {
            let mut body = transaction("Data", status);
            body["completedOn"] = body["createdOn"].clone();
            parse(&body).unwrap().expected_event
        };
        assert_eq!(at_once("Failed"), ExpectedEvent::MaybeSent("transaction.failed"));
        assert_eq!(at_once("Refunded"), ExpectedEvent::Sent("transaction.completed"));
        // Without times nothing says that it was final at once.
        let timeless = parse(&json!({"reference": "PLS-1", "status": "Success"})).unwrap();
        assert_eq!(timeless.expected_event, ExpectedEvent::Sent("transaction.success"));
    }

    #[test]
    fn the_charge_comes_before_the_amount_and_decides_what_the_amount_means() {
        let read = |body: Value| {
            let record = parse(&body).unwrap();
            (record.money.map(|money| money.minor), record.amount)
        };
        let record = |extra: Value| {
            let mut body = json!({"reference": "PLS-1", "status": "Success"});
            body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            body
        };
        assert_eq!(
            read(record(json!({"type": "Airtime", "priceCharged": 980, "amount": 1000}))),
            (Some(980), AmountKind::Charged)
        );
        assert_eq!(read(record(json!({"type": "data", "priceCharged": 980}))), (Some(980), AmountKind::Same));
        assert_eq!(read(record(json!({"type": "Airtime", "amount": 1000}))), (Some(1000), AmountKind::Same));
        // Nothing says what was bought.
        assert_eq!(read(record(json!({"priceCharged": 980}))), (Some(980), AmountKind::Charged));
        assert_eq!(read(record(json!({}))), (None, AmountKind::Same));
        for field in ["priceCharged", "amount"] {
            assert_eq!(parse(&record(json!({field: "9.80"}))), Err(ResponseError::Unexpected(field)));
        }
    }

    #[test]
    fn the_end_is_read_from_any_of_its_three_names() {
        for field in ["completedOn", "completedAt", "timestamp"] {
            let body = json!({"reference": "PLS-1", "status": "Success", field: "2025-01-15T10:30:00Z"});
            assert_eq!(parse(&body).unwrap().changed.map(|time| time.as_second()), Some(1_736_937_000), "{field}");
        }
    }

    #[test]
    fn a_record_needs_a_reference_and_a_status() {
        assert_eq!(parse(&json!({"reference": "PLS-1"})), Err(ResponseError::Unexpected("status")));
        assert_eq!(parse(&json!({"status": "Success"})), Err(ResponseError::Unexpected("reference")));
        assert_eq!(parse(&json!({"status": "Success", "reference": ""})), Err(ResponseError::Unexpected("reference")));
    }

    #[test]
    fn a_reference_is_one_segment_of_the_path() {
        let path = |reference| lookup_call(reference).map(|call| call.path);
        assert_eq!(path("PLS-9KQ2M7P3XR").as_deref(), Some("/transactions/PLS-9KQ2M7P3XR"));
        assert_eq!(path("order/1?x").as_deref(), Some("/transactions/order%2F1%3Fx"));
        assert_eq!([path(""), path("..")], [None, None]);
    }

    #[test]
    fn a_rebuilt_refund_has_the_format_of_the_guide_and_no_null_fields() {
        let mut body = transaction("Electricity", "Refunded");
        body["token"] = json!("1234");
        body["providerReference"] = Value::Null;
        let expected = json!({"event": "transaction.completed", "reference": "PLS-9KQ2M7P3XR",
            "clientReference": "order-1001", "status": "Refunded", "amount": 27000, "type": "Electricity",
            "phone": "08030000000", "timestamp": "2024-07-29T15:51:29.071Z", "network": "MTN", "token": "1234"});
        assert_eq!(rebuild_event(&body), Some(expected));
        body["status"] = json!("Success");
        let event = rebuild_event(&body).unwrap();
        assert_eq!(
            (&event["token"], event.get("providerReference"), event.get("network")),
            (&json!("1234"), None, None)
        );
    }
}
