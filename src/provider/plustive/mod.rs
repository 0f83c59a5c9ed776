//! Plustive: airtime, data and bills in Nigeria.
//!
//! The reference (<https://docs.plustiveimpact.com/webhooks>) and the guide
//! (<https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>) document different formats;
//! both are accepted.

mod api;
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
use crate::model::verdict::Malformed;
use crate::provider::sample::{self, Sample};
use serde_json::Value;

const SIGNATURE: &str = "X-Plustive-Signature";

/// Prefix before the hex in the reference; the guide has none (contradiction U1).
const SCHEME: &str = "sha256=";

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

    /// Empty: only the body is signed, so an old delivery stays valid forever.
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

    /// Events have no id. The key is made of reference and status (contradiction U20), because a
    /// `Refunded` may follow a `Success` (U10). Without a reference, the client reference is used.
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
        add_warnings(&mut event);
        event
    }

    fn event_types(&self) -> &'static [EventType] {
        EVENT_TYPES
    }

    fn paid_event(&self) -> &'static str {
        "transaction.success"
    }

    fn id_prefixes(&self) -> &'static [&'static str] {
        &["PLS-", "order-", "ord_"]
    }

    fn type_field(&self) -> &'static str {
        "event"
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

    /// Endpoints and their secrets are managed in the dashboard
    /// (<https://docs.plustiveimpact.com/webhooks>).
    fn endpoint_call(&self, _request: &EndpointRequest) -> Option<EndpointCall> {
        None
    }

    fn status_hint(&self, status: u16) -> &'static str {
        api::status_hint(status)
    }

    fn owns_reference(&self, reference: &str) -> bool {
        reference.starts_with("PLS-")
    }

    /// `clientReference` is the merchant's own (<https://docs.plustiveimpact.com/api/purchases>).
    fn accepts_merchant_references(&self) -> bool {
        true
    }

    fn lookup_call(&self, reference: &str) -> Option<ApiCall> {
        record::lookup_call(reference)
    }

    fn list_call(&self, _: RecordList, _: Option<&str>) -> Option<ApiCall> {
        None
    }

    fn lookup_description(&self) -> &'static str {
        "its own references (PLS-…) and yours (clientReference)"
    }

    fn parse_record(&self, body: &Value) -> Result<Record, ResponseError> {
        record::parse(body)
    }

    fn parse_status(&self, status: &str) -> RecordStatus {
        record::parse_status(status)
    }

    /// Returns the reference of the transaction, or its client reference if it has none.
    fn lookup_reference<'e>(&self, event_id: Option<&'e str>, subject: Option<&'e str>) -> Option<&'e str> {
        event_id.or(subject)
    }

    fn rebuild_event(&self, body: &Value) -> Option<Value> {
        record::rebuild_event(body)
    }
}

/// Builds the deduplication key. Case is ignored, and `Pending` means `Processing` (contradiction
/// U7).
fn key(reference: Option<&str>, status: Option<&str>) -> Option<String> {
    let status = match status.unwrap_or_default().to_lowercase() {
        word if word == "pending" => "processing".to_owned(),
        word => word,
    };
    reference.map(|reference| format!("{reference} {status}"))
}

/// Adds warnings. The status decides the outcome, not the event name (contradiction U2).
fn add_warnings(event: &mut Event) {
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

/// The first two are from the reference, the last is from the guide (contradiction U2).
static EVENT_TYPES: &[EventType] = &[
    EventType { name: "transaction.success", status: "Success", meaning: "a purchase was delivered (reference)" },
    EventType {
        name: "transaction.failed",
        status: "Failed",
        meaning: "a purchase failed, and the wallet was refunded (reference)",
    },
    EventType { name: "transaction.completed", status: "", meaning: "a purchase reached a final status (guide)" },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Plustive.parse_event(&Payload::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn both_header_formats_are_read_alike() {
        let hex = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";
        let claims = [hex.to_owned(), format!("sha256={hex}"), format!("SHA256={}", hex.to_uppercase())].map(|value| {
            let mut request = Request::post("/", b"x".to_vec());
            request.headers.push("x-plustive-signature", value.as_bytes()).unwrap();
            Plustive.claim(&request).unwrap().signatures
        });
        assert!(claims.iter().all(|signatures| signatures == &claims[0]));
    }

    #[test]
    fn a_refund_after_a_success_is_a_new_event() {
        let key = |status: &str| {
            event(&format!(r#"{{"event":"transaction.completed","reference":"PLS-1","status":"{status}"}}"#)).key
        };
        assert_ne!(key("Success"), key("Refunded"));
        assert_eq!(key("Success"), key("SUCCESS"));
        assert_eq!(key("Pending"), key("Processing"));
    }

    #[test]
    fn an_event_name_that_contradicts_the_status_gives_a_warning() {
        let codes: Vec<_> = event(r#"{"event":"transaction.success","reference":"PLS-1","status":"Failed"}"#)
            .warnings
            .iter()
            .map(Warning::code)
            .collect();
        assert_eq!(codes, ["status_disagrees"]);
    }

    #[test]
    fn without_a_reference_the_client_reference_identifies_the_event() {
        let event = event(r#"{"event":"transaction.completed","clientReference":"o-1","status":"Success"}"#);
        assert_eq!((event.id.as_deref(), event.key.as_deref()), (Some("o-1"), Some("o-1 success")));
    }
}
