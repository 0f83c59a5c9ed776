//! Plexos Pay: mobile money in Cape Verde and Angola.
//!
//! Webhooks: <https://docs.pay.plexos.io/pages/webhooks>. Objects in the samples: the API pages
//! named in `samples.json`.

mod api;
mod endpoints;
mod questions;
mod record;

use super::api::{Api, ApiCall, ErrorDetails, ResponseError};
use super::endpoints::{EndpointCall, EndpointRequest};
use super::listing::RecordList;
use super::question::OpenQuestion;
use super::record::{Record, RecordStatus};
use super::{EventType, Provider, SignatureForm, parse_minor_units, signature_header};
use crate::json::value::Payload;
use crate::model::event::{Event, Warning};
use crate::model::message::Request;
use crate::model::money::Money;
use crate::model::signature::{Claim, Mac};
use crate::model::timestamp::{self, Timestamp, UnixTime};
use crate::model::verdict::Malformed;
use crate::provider::sample::{self, Sample};
use serde_json::Value;

const SIGNATURE: &str = "X-Plexos-Signature";
const TIMESTAMP: &str = "X-Plexos-Timestamp";

pub(super) struct Plexos;

impl Provider for Plexos {
    fn name(&self) -> &'static str {
        "plexos"
    }

    fn title(&self) -> &'static str {
        "Plexos Pay"
    }

    fn secret_variable(&self) -> &'static str {
        "PLEXOS_WEBHOOK_SECRET"
    }

    /// <https://docs.pay.plexos.io/pages/authentication>
    fn key_variable(&self) -> &'static str {
        "PLEXOS_PAY_SECRET_KEY"
    }

    /// Seen in the SDK sample only, and part of the signing key
    /// (<https://docs.pay.plexos.io/pages/webhooks>).
    fn secret_prefix(&self) -> &'static str {
        "whsec_"
    }

    fn webhook_pages(&self) -> [&'static str; 2] {
        ["https://docs.pay.plexos.io/pages/webhooks"; 2]
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE
    }

    fn timestamp_header(&self) -> Option<&'static str> {
        Some(TIMESTAMP)
    }

    /// The timestamp as text, then a full stop.
    fn signed_prefix(&self, timestamp: &str) -> String {
        format!("{timestamp}.")
    }

    fn claim<'r>(&self, request: &'r Request) -> Result<Claim<'r>, Malformed> {
        let signatures = signature_header::parse(request.headers.all(SIGNATURE), None)?;
        let (text, time) = signed_time(request)?;
        let prefix = self.signed_prefix(text);
        Ok(Claim { provider: self.name(), prefix, body: &request.body, signatures, time: Some(time) })
    }

    fn signature_headers(&self, mac: &Mac, timestamp: &str, _form: SignatureForm) -> Vec<(&'static str, String)> {
        vec![(TIMESTAMP, timestamp.to_owned()), (SIGNATURE, hex::encode(mac))]
    }

    fn owns_payload(&self, keys: &[String]) -> bool {
        ["type", "data"].iter().all(|key| keys.iter().any(|other| other == key))
    }

    fn parse_event(&self, payload: &Payload<'_>) -> Event {
        let empty = Payload::default();
        let data = payload.object("data").unwrap_or(&empty);
        let mut event = Event {
            kind: payload.text("type"),
            id: payload.text("id"),
            subject: data.text("id"),
            status: data.text("status"),
            key: payload.text("id"),
            ..Event::default()
        };
        match data.get("amount").map(parse_minor_units) {
            Some(Ok(minor)) => event.money = Some(Money { minor, currency: data.text("currency").unwrap_or_default() }),
            Some(Err(text)) => event.warnings.push(Warning::AmountNotWhole(text)),
            None => {}
        }
        add_warnings(&mut event);
        event
    }

    fn event_types(&self) -> &'static [EventType] {
        EVENT_TYPES
    }

    fn paid_event(&self) -> &'static str {
        "payment.debited"
    }

    fn id_prefixes(&self) -> &'static [&'static str] {
        &["evt_", "pi_", "re_", "cs_", "se_", "cu_", "pr_"]
    }

    fn type_field(&self) -> &'static str {
        "type"
    }

    fn open_questions(&self) -> &'static [OpenQuestion] {
        questions::QUESTIONS
    }

    fn samples(&self) -> Vec<Sample> {
        sample::read(include_str!("samples.json"))
    }

    fn api(&self) -> &'static Api {
        &api::API
    }

    fn error_details(&self, body: &Value) -> Option<ErrorDetails> {
        api::error_details(body)
    }

    fn endpoint_call(&self, request: &EndpointRequest) -> Option<EndpointCall> {
        Some(endpoints::endpoint_call(request))
    }

    fn status_hint(&self, status: u16) -> &'static str {
        api::status_hint(status)
    }

    fn owns_reference(&self, reference: &str) -> bool {
        record::owns(reference)
    }

    fn accepts_merchant_references(&self) -> bool {
        false
    }

    fn lookup_call(&self, reference: &str) -> Option<ApiCall> {
        record::lookup_call(reference)
    }

    fn list_call(&self, list: RecordList, after: Option<&str>) -> Option<ApiCall> {
        Some(record::list_call(list, after))
    }

    fn lookup_description(&self) -> &'static str {
        "payments (pi_…), refunds (re_…) and checkout sessions (cs_…)"
    }

    fn parse_record(&self, body: &Value) -> Result<Record, ResponseError> {
        record::parse(body)
    }

    fn parse_status(&self, status: &str) -> RecordStatus {
        record::parse_status(status)
    }

    fn lookup_reference<'e>(&self, _event_id: Option<&'e str>, subject: Option<&'e str>) -> Option<&'e str> {
        subject.filter(|subject| record::owns(subject))
    }

    fn rebuild_event(&self, body: &Value) -> Option<Value> {
        record::rebuild_event(body)
    }
}

/// Reads the timestamp header, as text and as a time. Name and unit:
/// <https://docs.pay.plexos.io/pages/webhooks>.
fn signed_time(request: &Request) -> Result<(&str, Timestamp), Malformed> {
    let mut values = request.headers.all(TIMESTAMP);
    let value = values.next().ok_or(Malformed::TimestampMissing)?;
    if values.any(|other| other != value) {
        return Err(Malformed::TimestampRepeated);
    }
    let text = std::str::from_utf8(value).map_err(|_| Malformed::TimestampNotANumber)?;
    match timestamp::parse_unix(text) {
        Some(UnixTime::Seconds(time)) => Ok((text, time)),
        Some(UnixTime::Milliseconds(_)) => Err(Malformed::TimestampMilliseconds),
        None => Err(Malformed::TimestampNotANumber),
    }
}

/// Adds warnings. Only the id of `data` is required (contradiction P3); unknown types are accepted
/// (P1).
fn add_warnings(event: &mut Event) {
    match &event.kind {
        None => event.warnings.push(Warning::MissingField("type")),
        Some(kind) => match (EVENT_TYPES.iter().find(|known| known.name == kind), &event.status) {
            (None, _) => event.warnings.push(Warning::UnknownType(kind.clone())),
            (Some(known), Some(status)) if !known.status.eq_ignore_ascii_case(status) => {
                event.warnings.push(Warning::StatusDisagrees { kind: kind.clone(), status: status.clone() });
            }
            _ => {}
        },
    }
    if event.id.is_none() {
        event.warnings.push(Warning::MissingField("id"));
    }
    if event.subject.is_none() {
        event.warnings.push(Warning::MissingField("data.id"));
    }
}

const fn event_type(name: &'static str, status: &'static str, meaning: &'static str) -> EventType {
    EventType { name, meaning, status }
}

/// <https://docs.pay.plexos.io/pages/webhooks>; the statuses are those of the API objects.
static EVENT_TYPES: &[EventType] = &[
    event_type("payment.created", "CREATED", "a payment was created"),
    event_type("payment.debited", "DEBITED", "the customer's account was debited"),
    event_type("payment.settled", "SETTLED", "the money reached the merchant"),
    event_type("payment.failed", "FAILED", "the payment failed"),
    event_type("payment.expired", "EXPIRED", "the payment was not confirmed in time"),
    event_type("payment.cancelled", "CANCELLED", "the payment was cancelled"),
    event_type("refund.created", "PENDING", "a refund was created"),
    event_type("refund.succeeded", "SUCCEEDED", "a refund succeeded"),
    event_type("refund.failed", "FAILED", "a refund failed"),
    event_type("checkout.completed", "COMPLETED", "a checkout session was paid"),
    event_type("checkout.expired", "EXPIRED", "a checkout session expired"),
    event_type("settlement.completed", "COMPLETED", "a settlement batch was processed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector's signature was computed with `printf '%s.%s' 1736937000 "$BODY" | openssl dgst
    /// -sha256 -hmac whsec_test_secret_do_not_use`.
    const SIGNED: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut request = Request::post("/", b"{}".to_vec());
        for (name, value) in headers {
            request.headers.push(name, value.as_bytes()).unwrap();
        }
        request
    }

    fn fault(timestamps: &[&str]) -> Malformed {
        let mut headers = vec![("x-plexos-signature", SIGNED)];
        headers.extend(timestamps.iter().map(|&text| (TIMESTAMP, text)));
        Plexos.claim(&request(&headers)).unwrap_err()
    }

    #[test]
    fn the_signed_bytes_are_timestamp_dot_body() {
        let request = request(&[("x-plexos-timestamp", "1736937000"), ("X-PLEXOS-SIGNATURE", SIGNED)]);
        let claim = Plexos.claim(&request).unwrap();
        assert_eq!((claim.prefix.as_str(), claim.body), ("1736937000.", &b"{}"[..]));
        assert_eq!(claim.time.map(Timestamp::as_second), Some(1_736_937_000));
        assert_eq!(hex::encode(claim.signatures[0]), SIGNED);
    }

    #[test]
    fn each_timestamp_fault_is_reported_as_such() {
        assert_eq!(fault(&[]), Malformed::TimestampMissing);
        assert_eq!(fault(&["soon"]), Malformed::TimestampNotANumber);
        assert_eq!(fault(&["2025-01-15T10:30:00Z"]), Malformed::TimestampNotANumber);
        assert_eq!(fault(&["1736937000000"]), Malformed::TimestampMilliseconds);
        assert_eq!(fault(&["1736937000", "1736937001"]), Malformed::TimestampRepeated);
    }

    #[test]
    fn amounts_are_read_from_numbers_and_strings() {
        for amount in ["10000", "\"10000\""] {
            let text = format!(
                r#"{{"id":"evt_1","type":"payment.debited","data":{{"id":"pi_1","amount":{amount},"currency":"CVE","status":"DEBITED"}}}}"#
            );
            let event = Plexos.parse_event(&Payload::parse(text.as_bytes()).unwrap());
            assert_eq!(event.money, Some(Money { minor: 10_000, currency: "CVE".to_owned() }));
            assert_eq!(event.warnings, []);
        }
    }

    #[test]
    fn unusual_payloads_give_warnings() {
        let payload = Payload::parse(br#"{"type":"payment.frozen","data":{"amount":"1.5"}}"#).unwrap();
        let codes: Vec<_> = Plexos.parse_event(&payload).warnings.iter().map(Warning::code).collect();
        assert_eq!(codes, ["amount_not_whole", "unknown_type", "missing_field", "missing_field"]);
    }
}
