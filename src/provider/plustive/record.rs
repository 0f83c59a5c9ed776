//! Plustive's records: transactions, looked up by either reference
//! (<https://docs.plustiveimpact.com/api/purchases>, <https://docs.plustiveimpact.com/api/schemas/transactionresponse>; a shorter
//! answer in <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>).

use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use crate::provider::api::{ApiCall, ResponseError};
use crate::provider::record::{self, AmountKind, ExpectedEvent, Record, RecordState, RecordStatus};
use serde_json::{Value, json};

/// All money is in kobo; no currency is sent.
const CURRENCY: &str = "NGN";

/// The call for a reference or a `clientReference`.
pub(super) fn lookup(reference: &str) -> Option<ApiCall> {
    Some(ApiCall::get(format!("/transactions/{}", record::in_path(reference)?)))
}

/// What a status means. `Pending` and `Processing` are one (contradiction U7); `Refunded` may follow another end (U10).
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

/// Reads the answer to a lookup.
pub(super) fn read(body: &Value) -> Result<Record, ResponseError> {
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
        amount: if charged.is_some() { meaning_of_charge(body) } else { AmountKind::Same },
        expected_event: expected_event(parsed_status.state, created, ended),
        created,
        changed: ended,
        status,
    })
}

/// `priceCharged` is the amount that webhooks tell for data only: airtime may be sold below its face, electricity has a markup,
/// and nothing is said of the rest (<https://docs.plustiveimpact.com/bill-payments>).
fn meaning_of_charge(body: &Value) -> AmountKind {
    let is_data = ["service", "type"].iter().filter_map(|field| body.get(*field)?.as_str());
    if is_data.into_iter().any(|service| service.eq_ignore_ascii_case("data")) {
        AmountKind::Same
    } else {
        AmountKind::Charged
    }
}

/// A purchase that ended as it was made may have no webhook at all (contradiction U23).
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

/// The event that would have told the record's status, as <https://docs.plustiveimpact.com/webhooks> has it; the guide's for
/// `Refunded`, which only the guide knows.
pub(super) fn rebuilt(body: &Value) -> Option<Value> {
    let Record { reference, status, merchant_reference, money, expected_event, .. } = read(body).ok()?;
    let kind = match expected_event {
        ExpectedEvent::Sent(kind) | ExpectedEvent::MaybeSent(kind) => kind,
        ExpectedEvent::OtherObject => return None,
    };
    let mut event = json!({
        "event": kind, "reference": reference, "clientReference": merchant_reference, "status": status,
        "amount": money.and_then(|money| i64::try_from(money.minor).ok()),
    });
    let is_guides = kind == "transaction.completed";
    let names = if is_guides { ["type", "phone", "timestamp"] } else { ["service", "mobileNumber", "completedAt"] };
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
        if is_guides { "network" } else { "providerReference" },
        if is_guides { &["network"] } else { &["providerReference"] },
    );
    copy("token", &["token"]);
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published answer, but for the time it took.
    fn transaction(service: &str, status: &str) -> Value {
        json!({"reference": "PLS-9KQ2M7P3XR", "clientReference": "order-1001", "service": service, "status": status,
            "network": "MTN", "plan": "1.0GB", "mobileNumber": "08030000000", "priceCharged": 27000,
            "providerReference": "118682181", "createdOn": "2024-07-29T15:51:28.071Z",
            "completedOn": "2024-07-29T15:51:29.071Z"})
    }

    #[test]
    fn both_published_answers_are_read() {
        let long = read(&transaction("Data", "Success")).unwrap();
        let short = read(&json!({"reference": "PLS-9KQ2M7P3XR", "status": "Success", "amount": 27000})).unwrap();
        assert_eq!(long.money, Some(Money { minor: 27_000, currency: "NGN".to_owned() }));
        assert_eq!((long.money, long.parsed_status, long.amount), (short.money, short.parsed_status, short.amount));
        assert_eq!(long.merchant_reference.as_deref(), Some("order-1001"));
    }

    #[test]
    fn the_charge_for_anything_but_data_may_differ_from_the_amount() {
        let amount = |service| read(&transaction(service, "Success")).unwrap().amount;
        assert_eq!([amount("Data"), amount("data")], [AmountKind::Same; 2]);
        assert_eq!([amount("Airtime"), amount("Electricity"), amount("CableTv")], [AmountKind::Charged; 3]);
    }

    #[test]
    fn statuses_are_compared_without_case_and_pending_is_processing() {
        assert_eq!(parse_status("Pending"), parse_status("PROCESSING"));
        assert_eq!(parse_status("Reversed"), RecordStatus::UNKNOWN);
        assert!(parse_status("Refunded").rank > parse_status("Success").rank);
    }

    #[test]
    fn what_ended_as_it_was_made_may_have_no_webhook() {
        let mut body = transaction("Data", "Success");
        assert_eq!(read(&body).unwrap().expected_event, ExpectedEvent::Sent("transaction.success"));
        body["completedOn"] = body["createdOn"].clone();
        assert_eq!(read(&body).unwrap().expected_event, ExpectedEvent::MaybeSent("transaction.success"));
        assert_eq!(read(&transaction("Data", "Processing")).unwrap().expected_event, ExpectedEvent::OtherObject);
    }

    #[test]
    fn the_rebuilt_event_is_the_references() {
        let expected = json!({"event": "transaction.success", "reference": "PLS-9KQ2M7P3XR",
            "clientReference": "order-1001", "status": "Success", "amount": 27000, "service": "Data",
            "mobileNumber": "08030000000", "completedAt": "2024-07-29T15:51:29.071Z", "providerReference": "118682181"});
        assert_eq!(rebuilt(&transaction("Data", "Success")), Some(expected));
        let refunded = rebuilt(&transaction("Data", "Refunded")).unwrap();
        assert_eq!((&refunded["event"], &refunded["phone"]), (&json!("transaction.completed"), &json!("08030000000")));
        assert_eq!(rebuilt(&transaction("Data", "Pending")), None);
    }
}
