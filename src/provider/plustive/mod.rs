//! Plustive: airtime, data and bills in Nigeria.
//!
//! Two published variants of everything, the reference's (<https://docs.plustiveimpact.com/webhooks>) and the guide's
//! (<https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>); both are read without being told which.

mod api;
mod record;

use super::api::{Api, ApiCall, ErrorDetails, ResponseError};
use super::endpoints::{EndpointCall, EndpointRequest};
use super::record::{Record, RecordStatus};
use super::{EventType, Provider, SignatureForm, parse_minor_units, signature_header};
use crate::json::value::Payload;
use crate::model::event::{Event, Warning};
use crate::model::message::Request;
use crate::model::money::Money;
use crate::model::signature::{Claim, Mac};
use crate::model::verdict::Malformed;
use crate::provider::sample::{self, Sample};
use serde_json::Value;

const SIGNATURE: &str = "X-Plustive-Signature";

/// Contradiction U1: the reference writes this before the hex, the guide does not.
const SCHEME: &str = "sha256=";

/// Plustive.
pub(super) struct Plustive;

impl Provider for Plustive {
    fn name(&self) -> &'static str {
        "plustive"
    }

    fn title(&self) -> &'static str {
        "Plustive"
    }

    /// <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>
    fn secret_variable(&self) -> &'static str {
        "PLUSTIVE_WEBHOOK_SECRET"
    }

    fn key_variable(&self) -> &'static str {
        "PLUSTIVE_API_KEY"
    }

    /// No format is documented.
    fn secret_prefix(&self) -> &'static str {
        ""
    }

    fn webhook_pages(&self) -> [&'static str; 2] {
        ["https://docs.plustiveimpact.com/webhooks", "https://plustiveimpact.com/guides/webhooks-for-vtu-transactions"]
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE
    }

    fn timestamp_header(&self) -> Option<&'static str> {
        None
    }

    /// Nothing: the body alone is signed, so an old delivery stays valid for ever.
    fn signed_prefix(&self, _timestamp: &str) -> String {
        String::new()
    }

    fn claim<'r>(&self, request: &'r Request) -> Result<Claim<'r>, Malformed> {
        let signatures = signature_header::parse(request.headers.all(SIGNATURE), Some(SCHEME))?;
        Ok(Claim { provider: self.name(), prefix: String::new(), body: &request.body, signatures, time: None })
    }

    fn signature_headers(&self, mac: &Mac, _timestamp: &str, form: SignatureForm) -> Vec<(&'static str, String)> {
        let scheme = match form {
            SignatureForm::Reference => SCHEME,
            SignatureForm::BareHex => "",
        };
        vec![(SIGNATURE, format!("{scheme}{}", hex::encode(mac)))]
    }

    fn owns_payload(&self, keys: &[String]) -> bool {
        ["event", "reference"].iter().all(|key| keys.iter().any(|other| other == key))
    }

    /// There is no event id: the key is reference and status (contradiction U20), since a `Refunded` may follow a `Success`
    /// (U10). Without a reference, the client's own stands in for it.
    fn parse_event(&self, payload: &Payload<'_>) -> Event {
        let reference = payload.text("reference");
        let client_reference = payload.text("clientReference");
        let status = payload.text("status");
        let mut event = Event {
            kind: payload.text("event"),
            id: reference.clone().or_else(|| client_reference.clone()),
            subject: client_reference.clone(),
            key: key(reference.as_deref().or(client_reference.as_deref()), status.as_deref()),
            status,
            ..Event::default()
        };
        match payload.get("amount").map(parse_minor_units) {
            Some(Ok(minor)) => event.money = Some(Money { minor, currency: "NGN".to_owned() }),
            Some(Err(text)) => event.warnings.push(Warning::AmountNotWhole(text)),
            None => {}
        }
        if reference.is_none() {
            event.warnings.push(Warning::MissingField("reference"));
        }
        warn(&mut event);
        event
    }

    fn event_types(&self) -> &'static [EventType] {
        EVENT_TYPES
    }

    fn id_prefixes(&self) -> &'static [&'static str] {
        &["PLS-", "order-", "ord_"]
    }

    fn samples(&self) -> Vec<Sample> {
        sample::read(include_str!("samples.json"))
    }

    fn api(&self) -> &'static Api {
        &api::API
    }

    fn error_details(&self, body: &Value) -> Option<ErrorDetails> {
        api::complaint(body)
    }

    /// The URL is set, and the secret given, in the dashboard (<https://docs.plustiveimpact.com/webhooks>).
    fn endpoint_call(&self, _asked: &EndpointRequest) -> Option<EndpointCall> {
        None
    }

    fn status_hint(&self, status: u16) -> &'static str {
        api::advice(status)
    }

    fn owns_reference(&self, reference: &str) -> bool {
        reference.starts_with("PLS-")
    }

    fn lookup_call(&self, reference: &str) -> Option<ApiCall> {
        record::lookup(reference)
    }

    fn lookup_description(&self) -> &'static str {
        "its own references (PLS-…) and yours (clientReference)"
    }

    fn parse_record(&self, body: &Value) -> Result<Record, ResponseError> {
        record::read(body)
    }

    fn parse_status(&self, status: &str) -> RecordStatus {
        record::parse_status(status)
    }

    /// The transaction's reference; an event without one has the client's own in its place.
    fn lookup_reference<'e>(&self, event_id: Option<&'e str>, subject: Option<&'e str>) -> Option<&'e str> {
        event_id.or(subject)
    }

    fn rebuild_event(&self, body: &Value) -> Option<Value> {
        record::rebuilt(body)
    }
}

/// A status is compared without case; `Pending` and `Processing` are one (contradiction U7).
fn key(reference: Option<&str>, status: Option<&str>) -> Option<String> {
    let status = match status.unwrap_or_default().to_lowercase() {
        word if word == "pending" => "processing".to_owned(),
        word => word,
    };
    reference.map(|reference| format!("{reference} {status}"))
}

/// Says what is odd. The outcome is the status', not the event name's (contradiction U2).
fn warn(event: &mut Event) {
    let Some(kind) = &event.kind else {
        return event.warnings.push(Warning::MissingField("event"));
    };
    let Some(known) = EVENT_TYPES.iter().find(|known| known.name == kind) else {
        return event.warnings.push(Warning::UnknownType(kind.clone()));
    };
    match &event.status {
        None => event.warnings.push(Warning::MissingField("status")),
        Some(status) if !known.status.is_empty() && !known.status.eq_ignore_ascii_case(status) => {
            event.warnings.push(Warning::StatusDisagrees { kind: kind.clone(), status: status.clone() });
        }
        Some(_) => {}
    }
}

/// Contradiction U2: the first two are the reference's, the last is the guide's.
static EVENT_TYPES: &[EventType] = &[
    EventType { name: "transaction.success", status: "Success", meaning: "a purchase was delivered (reference)" },
    EventType {
        name: "transaction.failed",
        status: "Failed",
        meaning: "a purchase failed, and the wallet was refunded (reference)",
    },
    EventType {
        name: "transaction.completed",
        status: "",
        meaning: "a purchase reached an end state, told by its status (guide)",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Plustive.parse_event(&Payload::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_two_forms_of_the_header_make_the_same_claim() {
        let hex = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";
        let claims = [hex.to_owned(), format!("sha256={hex}"), format!("SHA256={}", hex.to_uppercase())].map(|value| {
            let mut request = Request::post("/", b"x".to_vec());
            request.headers.push("x-plustive-signature", value.as_bytes()).unwrap();
            Plustive.claim(&request).unwrap().signatures
        });
        assert!(claims.iter().all(|signatures| signatures == &claims[0]));
    }

    #[test]
    fn a_refund_after_a_success_is_another_event() {
        let key = |status: &str| {
            event(&format!(r#"{{"event":"transaction.completed","reference":"PLS-1","status":"{status}"}}"#)).key
        };
        assert_ne!(key("Success"), key("Refunded"));
        assert_eq!(key("Success"), key("SUCCESS"));
        assert_eq!(key("Pending"), key("Processing"));
    }

    #[test]
    fn name_and_status_that_disagree_are_a_warning() {
        let codes: Vec<_> = event(r#"{"event":"transaction.success","reference":"PLS-1","status":"Failed"}"#)
            .warnings
            .iter()
            .map(Warning::code)
            .collect();
        assert_eq!(codes, ["status_disagrees"]);
    }

    #[test]
    fn without_a_reference_the_clients_own_identifies_the_event() {
        let event = event(r#"{"event":"transaction.completed","clientReference":"o-1","status":"Success"}"#);
        assert_eq!((event.id.as_deref(), event.key.as_deref()), (Some("o-1"), Some("o-1 success")));
    }
}
