//! The supported providers, each described by pure values and functions.
//!
//! A provider is one folder and one entry in `ALL`. It reads requests and events, writes signature
//! headers and describes API calls. It does no I/O and holds no secret: `model::signature` computes
//! MACs, and `World` sends requests. To add one, see `docs/adding-a-provider.md`.

pub mod api;
pub(crate) mod endpoints;
pub(crate) mod field_change;
pub(crate) mod listing;
mod plexos;
mod plustive;
pub(crate) mod question;
pub(crate) mod record;
pub(crate) mod sample;
mod signature_header;

use crate::json::value::{JsonValue, Payload};
use crate::model::event::Event;
use crate::model::message::Request;
use crate::model::signature::{Claim, Mac};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Malformed;
use crate::provider::sample::Sample;
use api::{Api, ApiCall, ErrorDetails, ResponseError};
use endpoints::{EndpointCall, EndpointRequest};
use listing::RecordList;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use question::OpenQuestion;
use record::{Record, RecordStatus};
use serde_json::Value;

/// Every provider, in the order in which they are tried.
pub static ALL: &[&dyn Provider] = &[&plexos::Plexos, &plustive::Plustive];

/// Service that sends signed webhooks.
pub trait Provider: Sync {
    /// Returns its name on the command line and in records, such as `plexos`.
    fn name(&self) -> &'static str;
    /// Returns its name in prose, such as `Plexos Pay`.
    fn title(&self) -> &'static str;
    /// Returns the environment variable of the signing secret.
    fn secret_variable(&self) -> &'static str;
    /// Returns the environment variable of the API key.
    fn key_variable(&self) -> &'static str;
    /// Returns the prefix of its signing secrets; empty if none is known.
    fn secret_prefix(&self) -> &'static str;
    /// Returns its pages on webhooks: the reference and the guide, which may be the same page.
    fn webhook_pages(&self) -> [&'static str; 2];

    /// Returns the header that carries the signature.
    fn signature_header(&self) -> &'static str;
    /// Returns the header that carries the signed timestamp, if there is one.
    fn timestamp_header(&self) -> Option<&'static str>;
    /// Returns the text that is signed before the body, given the value of the timestamp header.
    fn signed_prefix(&self, timestamp: &str) -> String;
    /// Reads the signature headers of a request. Fails if they are malformed.
    fn claim<'r>(&self, request: &'r Request) -> Result<Claim<'r>, Malformed>;
    /// Returns the headers of a signed request, in order.
    fn signature_headers(&self, mac: &Mac, timestamp: &str, form: SignatureForm) -> Vec<(&'static str, String)>;

    /// Checks whether a payload with these top-level keys comes from this provider.
    fn owns_payload(&self, keys: &[String]) -> bool;
    /// Reads an event; any field may be missing.
    fn parse_event(&self, payload: &Payload<'_>) -> Event;
    /// Returns the documented event types.
    fn event_types(&self) -> &'static [EventType];
    /// Returns the type of the one event per payment that reports that money was taken: only its
    /// amounts add up to income. Other events have the same amount.
    fn paid_event(&self) -> &'static str;
    /// Returns the prefixes of its identifiers. Identifiers in samples are replaced by new ones.
    fn id_prefixes(&self) -> &'static [&'static str];
    fn samples(&self) -> Vec<Sample>;
    /// Returns the field of a payload that names the event type.
    fn type_field(&self) -> &'static str;
    /// Returns the points that its documents leave open, and that deliveries can answer.
    fn open_questions(&self) -> &'static [OpenQuestion];

    fn api(&self) -> &'static Api;
    /// Reads the body of an error response. `None`: it has no known format.
    fn error_details(&self, body: &Value) -> Option<ErrorDetails>;
    /// Returns the call that manages webhook endpoints. `None`: only the dashboard can.
    fn endpoint_call(&self, request: &EndpointRequest) -> Option<EndpointCall>;
    /// Returns advice on a response with this status; empty if there is none.
    fn status_hint(&self, status: u16) -> &'static str;

    /// Checks whether a reference has the form of this provider's references.
    fn owns_reference(&self, reference: &str) -> bool;
    /// Checks whether lookups accept references that the merchant chose.
    fn accepts_merchant_references(&self) -> bool;
    /// Returns the call that looks up a reference. `None`: no such call is documented.
    fn lookup_call(&self, reference: &str) -> Option<ApiCall>;
    /// Returns the call for the page of a list after the record with this id. `None`: no such list
    /// is documented.
    fn list_call(&self, list: RecordList, after: Option<&str>) -> Option<ApiCall>;
    /// Lists in words the references that can be looked up.
    fn lookup_description(&self) -> &'static str;
    /// Reads the response to a lookup.
    fn parse_record(&self, body: &Value) -> Result<Record, ResponseError>;
    /// Interprets a status of a record or an event.
    fn parse_status(&self, status: &str) -> RecordStatus;
    /// Returns the reference under which an event with this id and subject can be looked up.
    fn lookup_reference<'e>(&self, event_id: Option<&'e str>, subject: Option<&'e str>) -> Option<&'e str>;
    /// Builds the event that reports the status of a looked-up record. `None`: no event reports it.
    fn rebuild_event(&self, body: &Value) -> Option<Value>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventType {
    /// Name as sent, such as `payment.debited`.
    pub name: &'static str,
    /// Occasion on which it is sent.
    pub meaning: &'static str,
    /// Status that the object in the payload should have; empty: any.
    pub status: &'static str,
}

/// Format of the signature header, for a provider that documents two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureForm {
    /// Format of the provider's reference.
    #[default]
    Reference,
    /// Bare hex, as in Plustive's guide (contradiction U1).
    BareHex,
}

fn find(matches: impl Fn(&dyn Provider) -> bool) -> Option<&'static dyn Provider> {
    ALL.iter().copied().find(|provider| matches(*provider))
}

pub fn by_name(name: &str) -> Option<&'static dyn Provider> {
    find(|provider| provider.name() == name)
}

/// Finds the provider whose signature header the request carries.
pub fn by_header(request: &Request) -> Option<&'static dyn Provider> {
    find(|provider| request.headers.get(provider.signature_header()).is_some())
}

/// Finds the provider whose payloads have these top-level keys.
pub fn by_payload_keys(keys: &[String]) -> Option<&'static dyn Provider> {
    find(|provider| provider.owns_payload(keys))
}

/// Finds the provider to query for a reference: the one whose form it has, or else the one that
/// accepts merchant references.
pub fn by_reference(reference: &str) -> &'static dyn Provider {
    let owner = find(|provider| provider.owns_reference(reference));
    owner.or_else(|| find(|provider| provider.accepts_merchant_references())).unwrap_or(ALL[0])
}

/// Returns the environment variables of the API keys.
pub fn key_variables() -> Vec<&'static str> {
    ALL.iter().map(|provider| provider.key_variable()).collect()
}

/// Returns the environment variables of the API keys and signing secrets.
pub fn credential_variables() -> Vec<&'static str> {
    ALL.iter().flat_map(|provider| [provider.key_variable(), provider.secret_variable()]).collect()
}

/// Lists every sample with its provider.
pub fn samples() -> impl Iterator<Item = (&'static dyn Provider, Sample)> {
    ALL.iter().flat_map(|&provider| provider.samples().into_iter().map(move |sample| (provider, sample)))
}

/// Formats a time for a timestamp header, in whole Unix seconds.
pub fn format_unix_seconds(time: Timestamp) -> String {
    time.as_second().to_string()
}

/// Every byte except the unreserved ones of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes a text for use as one path segment or one query value.
pub fn path_segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Reads an amount in minor units, sent as a string or a number. Returns the text of one that is
/// not whole as an error.
fn parse_minor_units(field: &JsonValue<'_>) -> Result<i128, String> {
    match field {
        JsonValue::Text(text) => text.0.parse().map_err(|_| text.0.clone().into_owned()),
        other => other.to_json().parse().map_err(|_| other.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_headers_are_distinct() {
        let names: HashSet<_> = ALL.iter().map(|provider| provider.name()).collect();
        let headers: HashSet<_> = ALL.iter().map(|provider| provider.signature_header().to_lowercase()).collect();
        assert_eq!((names.len(), headers.len()), (ALL.len(), ALL.len()));
    }

    #[test]
    fn the_event_of_income_is_a_documented_one_with_a_status_that_took_money() {
        for provider in ALL {
            let paid = provider.event_types().iter().find(|event| event.name == provider.paid_event()).unwrap();
            assert!(provider.parse_status(paid.status).state.has_taken_money(), "{}", paid.name);
        }
    }

    #[test]
    fn sample_names_are_distinct_across_providers() {
        let mut seen = HashSet::new();
        for (provider, sample) in samples() {
            assert!(seen.insert(sample.name.clone()), "{} {}", provider.name(), sample.name);
        }
    }

    #[test]
    fn every_sample_belongs_to_its_provider_and_has_no_warnings() {
        for (provider, sample) in samples() {
            let fields = sample.body.as_object().expect("samples are objects");
            let keys: Vec<_> = fields.keys().cloned().collect();
            assert_eq!(by_payload_keys(&keys).map(Provider::name), Some(provider.name()), "{}", sample.name);
            let text = sample.body.to_string();
            let event = provider.parse_event(&Payload::parse(text.as_bytes()).unwrap());
            assert_eq!(event.warnings, [], "{}", sample.name);
            assert!(event.key.is_some() && event.id.is_some(), "{}", sample.name);
            let kind = event.kind.expect("samples have a type");
            assert!(provider.event_types().iter().any(|known| known.name == kind), "{kind}");
        }
    }

    #[test]
    fn every_documented_type_has_a_sample() {
        for provider in ALL {
            let kinds: HashSet<_> = provider.samples().into_iter().map(|sample| sample.kind).collect();
            for known in provider.event_types() {
                assert!(kinds.contains(known.name), "{}", known.name);
            }
        }
    }

    #[test]
    fn amounts_are_whole_numbers_in_text_or_json() {
        let read = |text: &str| parse_minor_units(&serde_json::from_str(text).unwrap());
        assert_eq!(read("27000"), Ok(27_000));
        assert_eq!(read("\"10000\""), Ok(10_000));
        assert_eq!(read("\"-5\""), Ok(-5));
        assert_eq!(read("270.5"), Err("270.5".to_owned()));
        assert_eq!(read("\"1e3\""), Err("1e3".to_owned()));
        assert_eq!(read("null"), Err("null".to_owned()));
    }

    #[test]
    fn a_reference_selects_its_provider_and_any_other_text_the_one_that_accepts_merchant_references() {
        let name = |reference| by_reference(reference).name();
        assert_eq!([name("pi_def456"), name("we_abc123"), name("PLS-7XKQR4N")], ["plexos", "plexos", "plustive"]);
        assert_eq!([name("order-1001"), name("")], ["plustive"; 2]);
        let accepting: Vec<_> = ALL.iter().filter(|provider| provider.accepts_merchant_references()).collect();
        assert_eq!(accepting.len(), 1, "a merchant reference must not depend on the order of the providers");
    }
}
