//! Builds the requests of probes: signed events, and changes that make them invalid.

use super::baseline::Baseline;
use super::types::HandlerClient;
use crate::model::message::{HeaderError, Request};
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::model::timestamp::Timestamp;
use crate::provider::sample;
use crate::provider::{self, Provider, SignatureForm};
use serde_json::Value;
use url::{Position, Url};

/// A request without the headers `Host` and `Content-Length`, which are added when it is sent.
#[derive(Clone, Debug)]
pub struct RequestDraft {
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl RequestDraft {
    /// Creates a request with the usual headers and those of a signature.
    pub fn new(signature_headers: &[(&'static str, String)], body: Vec<u8>) -> Self {
        let usual =
            [("User-Agent", concat!("whtool/", env!("CARGO_PKG_VERSION"))), ("Content-Type", "application/json")];
        let signature = signature_headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers = usual.into_iter().chain(signature);
        Self { headers: headers.map(|(name, value)| (name.to_owned(), value.into())).collect(), body }
    }

    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Replaces the header's value, or adds the header.
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        let value = value.into();
        match self.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value,
            None => self.headers.push((name.to_owned(), value)),
        }
        self
    }

    /// Changes the last digit of a signature.
    pub fn with_other_digit(self, name: &str) -> Self {
        let mut text = self.header_text(name);
        let last = text.pop();
        text.push(if last == Some('0') { '1' } else { '0' });
        self.with_header(name, text)
    }

    /// Appends a header, even if one of this name exists.
    pub fn with_repeated_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn map_header_names(mut self, change: fn(&str) -> String) -> Self {
        self.headers.iter_mut().for_each(|(name, _)| *name = change(name));
        self
    }

    /// Returns the header's value as text. Empty if there is no such header.
    pub fn header_text(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }

    pub fn into_request(self, url: &Url) -> Result<Request, HeaderError> {
        let mut request = Request::post(&url[Position::BeforePath..Position::AfterQuery], self.body);
        request.headers.push("Host", url[Position::BeforeHost..Position::AfterPort].as_bytes())?;
        for (name, value) in &self.headers {
            request.headers.push(name, value)?;
        }
        let length = request.body.len().to_string();
        request.headers.push("Content-Length", length.as_bytes())?;
        Ok(request)
    }
}

/// Builds requests for one handler. All requests of one builder have the same time of signing.
pub struct RequestBuilder<'a> {
    pub(super) provider: &'static dyn Provider,
    pub(super) key: &'a Key,
    pub(super) baseline: &'a Baseline,
    pub(super) now: Timestamp,
    pub(super) client: &'a mut dyn HandlerClient,
}

impl RequestBuilder<'_> {
    /// Returns the name of the signature header.
    pub fn signature_header(&self) -> &'static str {
        self.provider.signature_header()
    }

    /// Returns the name of the timestamp header. Empty if the provider signs no timestamp.
    pub fn timestamp_header(&self) -> &'static str {
        self.provider.timestamp_header().unwrap_or_default()
    }

    /// Returns the payload of this sample, with fresh ids and times.
    pub fn sample_payload(&mut self, name: &str) -> Value {
        let samples = self.provider.samples();
        let found = samples.into_iter().find(|sample| sample.name == name);
        let mut body = found.map(|sample| sample.body).unwrap_or_default();
        let client = &mut *self.client;
        sample::refresh(&mut body, self.provider.id_prefixes(), self.now, &mut |below| client.random(below));
        body
    }

    /// Returns a fresh payload of the event that this handler accepts.
    pub fn baseline_payload(&mut self) -> Value {
        let name = self.baseline.sample.clone();
        self.sample_payload(&name)
    }

    /// Returns an event that this handler accepts.
    pub fn signed_event(&mut self) -> RequestDraft {
        let payload = self.baseline_payload();
        self.sign_payload(payload)
    }

    /// Returns an event with an additional field, whose value is this JSON text, byte for byte.
    pub fn event_with_note(&mut self, note: &str) -> RequestDraft {
        let payload = self.baseline_payload();
        self.sign_body(self.baseline.serialize_with_note(payload, note))
    }

    pub fn sign_payload(&self, payload: Value) -> RequestDraft {
        self.sign_body(self.baseline.serialize(payload))
    }

    pub fn sign_body(&self, body: Vec<u8>) -> RequestDraft {
        self.sign_body_at(&self.timestamp_in(0), body)
    }

    /// Signs the body with this text as the timestamp.
    pub fn sign_body_at(&self, timestamp: &str, body: Vec<u8>) -> RequestDraft {
        self.sign_with_key(self.key, timestamp, body)
    }

    pub fn sign_body_with_secret(&self, secret: Vec<u8>, body: Vec<u8>) -> RequestDraft {
        let key = Key::new(Secret::new(self.provider.name(), SecretOrigin::Flag, secret));
        self.sign_with_key(&key, &self.timestamp_in(0), body)
    }

    pub fn sign_body_in_form(&self, form: SignatureForm, body: Vec<u8>) -> RequestDraft {
        let timestamp = self.timestamp_in(0);
        let mac = self.key.sign(self.provider.signed_prefix(&timestamp).as_bytes(), &body);
        RequestDraft::new(&self.provider.signature_headers(&mac, &timestamp, form), body)
    }

    /// Returns an event that is signed with this prefix before the body instead of the provider's
    /// own.
    pub fn event_signed_with_prefix(&mut self, prefix: &str) -> RequestDraft {
        let body = self.signed_event().body;
        let mac = self.key.sign(prefix.as_bytes(), &body);
        RequestDraft::new(&self.provider.signature_headers(&mac, &self.timestamp_in(0), self.baseline.form), body)
    }

    /// Returns the timestamp text for a moment this many seconds from now.
    pub fn timestamp_in(&self, seconds: i64) -> String {
        self.now.as_second().saturating_add(seconds).to_string()
    }

    /// Returns the text that another provider signs before the body, if it differs from this
    /// provider's.
    pub fn other_provider_prefix(&self) -> String {
        let timestamp = self.timestamp_in(0);
        let own = self.provider.signed_prefix(&timestamp);
        let mut others = provider::ALL.iter().map(|other| other.signed_prefix(&timestamp));
        others.find(|other| *other != own).unwrap_or_default()
    }

    fn sign_with_key(&self, key: &Key, timestamp: &str, body: Vec<u8>) -> RequestDraft {
        let mac = key.sign(self.provider.signed_prefix(timestamp).as_bytes(), &body);
        RequestDraft::new(&self.provider.signature_headers(&mac, timestamp, self.baseline.form), body)
    }
}
