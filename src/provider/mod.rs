//! Providers: all that whtool knows of each, as pure values and functions.
//!
//! A provider is one folder and one word in `ALL`. It turns a request into a claim, reads an event, writes signature
//! headers, and has samples. It performs nothing and holds no secret; MACs are computed in `signature`.

pub mod api;
pub(crate) mod endpoints;
mod plexos;
mod plustive;
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
use record::{Record, RecordStatus};
use serde_json::Value;

/// Every provider, in the order in which they are asked.
pub static ALL: &[&dyn Provider] = &[&plexos::Plexos, &plustive::Plustive];

/// A payment or reselling service that sends signed webhooks.
pub trait Provider: Sync {
    /// The word for it on the command line and in records: `plexos`.
    fn name(&self) -> &'static str;
    /// Its name in prose: `Plexos Pay`.
    fn title(&self) -> &'static str;
    /// The environment variable of the signing secret.
    fn secret_variable(&self) -> &'static str;
    /// The environment variable of the API key.
    fn key_variable(&self) -> &'static str;
    /// What its signing secrets begin with, when that is known.
    fn secret_prefix(&self) -> &'static str;
    /// Its pages on webhooks: the reference, and the guide, which may be the same.
    fn webhook_pages(&self) -> [&'static str; 2];

    /// The header that carries the signature.
    fn signature_header(&self) -> &'static str;
    /// The header that carries the time of signing, if there is one.
    fn timestamp_header(&self) -> Option<&'static str>;
    /// What is signed before the body, when the time of signing is written like this.
    fn signed_prefix(&self, timestamp: &str) -> String;
    /// What a request that carries the signature header claims, or why the headers can't be read.
    fn claim<'r>(&self, request: &'r Request) -> Result<Claim<'r>, Malformed>;
    /// The headers that make a request signed, in order.
    fn signature_headers(&self, mac: &Mac, timestamp: &str, form: SignatureForm) -> Vec<(&'static str, String)>;

    /// Whether a payload with these top-level keys is this provider's.
    fn owns_payload(&self, keys: &[String]) -> bool;
    /// Reads a payload; anything may be missing.
    fn parse_event(&self, payload: &Payload<'_>) -> Event;
    /// The documented event types.
    fn event_types(&self) -> &'static [EventType];
    /// What the provider's identifiers begin with; such texts in samples are made fresh.
    fn id_prefixes(&self) -> &'static [&'static str];
    /// Sample payloads.
    fn samples(&self) -> Vec<Sample>;

    /// Where its API is.
    fn api(&self) -> &'static Api;
    /// What the body of a refusal says. `None`: nothing that is known.
    fn error_details(&self, body: &Value) -> Option<ErrorDetails>;
    /// The call for something about its webhook endpoints. `None`: there is no such call; the dashboard has it.
    fn endpoint_call(&self, asked: &EndpointRequest) -> Option<EndpointCall>;
    /// What to try when a call was answered with this status; empty: nothing is known to help.
    fn status_hint(&self, status: u16) -> &'static str;

    /// Whether a reference is this provider's by its look.
    fn owns_reference(&self, reference: &str) -> bool;
    /// The call that looks a reference up. `None`: none is documented for it.
    fn lookup_call(&self, reference: &str) -> Option<ApiCall>;
    /// What can be looked up, in words.
    fn lookup_description(&self) -> &'static str;
    /// The record in the answer to that.
    fn parse_record(&self, body: &Value) -> Result<Record, ResponseError>;
    /// What a status means, in an answer or an event.
    fn parse_status(&self, status: &str) -> RecordStatus;
    /// The reference that an event with this id and subject can be looked up by.
    fn lookup_reference<'e>(&self, event_id: Option<&'e str>, subject: Option<&'e str>) -> Option<&'e str>;
    /// The event that would have told the status in the answer to a lookup. `None`: no event does.
    fn rebuild_event(&self, body: &Value) -> Option<Value>;
}

/// A documented type of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventType {
    /// As it is sent: `payment.debited`.
    pub name: &'static str,
    /// When it is sent.
    pub meaning: &'static str,
    /// The status the object in it should have; empty: any.
    pub status: &'static str,
}

/// How a signature is written, where a provider documents two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureForm {
    /// The way of the provider's reference.
    #[default]
    Reference,
    /// The bare hex of Plustive's guide (contradiction U1).
    BareHex,
}

/// The provider of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Provider> {
    ALL.iter().copied().find(|provider| provider.name() == name)
}

/// The provider whose signature header the request carries.
pub fn by_header(request: &Request) -> Option<&'static dyn Provider> {
    ALL.iter().copied().find(|provider| request.headers.get(provider.signature_header()).is_some())
}

/// The provider whose payload has these top-level keys.
pub fn by_payload_keys(keys: &[String]) -> Option<&'static dyn Provider> {
    ALL.iter().copied().find(|provider| provider.owns_payload(keys))
}

/// The provider whose reference this is; what has the look of none is a merchant's own, which Plustive alone looks up.
pub fn by_reference(reference: &str) -> &'static dyn Provider {
    let owner = ALL.iter().copied().find(|provider| provider.owns_reference(reference));
    owner.unwrap_or(&plustive::Plustive)
}

/// Every sample with its provider, in the order they are listed.
pub fn samples() -> impl Iterator<Item = (&'static dyn Provider, Sample)> {
    ALL.iter().flat_map(|&provider| provider.samples().into_iter().map(move |sample| (provider, sample)))
}

/// A moment as providers write it in headers: whole Unix seconds.
pub fn format_unix_seconds(time: Timestamp) -> String {
    time.as_second().to_string()
}

/// A text as one segment of a path, or one value in a query: everything but letters, digits, `-`, `.`, `_` and `~` is encoded.
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

/// An amount in minor units, sent as a string or as a number. `Err`: the text of one that is not whole.
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
    fn sample_names_are_distinct_across_providers() {
        let mut seen = HashSet::new();
        for (provider, sample) in samples() {
            assert!(seen.insert(sample.name.clone()), "{} {}", provider.name(), sample.name);
        }
    }

    #[test]
    fn every_sample_is_recognised_and_reads_without_a_warning() {
        for (provider, sample) in samples() {
            let fields = sample.body.as_object().expect("a sample is an object");
            let keys: Vec<_> = fields.keys().cloned().collect();
            assert_eq!(by_payload_keys(&keys).map(Provider::name), Some(provider.name()), "{}", sample.name);
            let text = sample.body.to_string();
            let event = provider.parse_event(&Payload::parse(text.as_bytes()).unwrap());
            assert_eq!(event.warnings, [], "{}", sample.name);
            assert!(event.key.is_some() && event.id.is_some(), "{}", sample.name);
            let kind = event.kind.expect("a sample has a type");
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
    fn an_amount_is_whole_or_its_text_comes_back() {
        let read = |text: &str| parse_minor_units(&serde_json::from_str(text).unwrap());
        assert_eq!(read("27000"), Ok(27_000));
        assert_eq!(read("\"10000\""), Ok(10_000));
        assert_eq!(read("\"-5\""), Ok(-5));
        assert_eq!(read("270.5"), Err("270.5".to_owned()));
        assert_eq!(read("\"1e3\""), Err("1e3".to_owned()));
        assert_eq!(read("null"), Err("null".to_owned()));
    }
}
