//! Requests in the making: signed events, and the ways to spoil them.

use super::conduct::{Plan, Target};
use super::footing::Footing;
use crate::model::message::{HeaderError, Request};
use crate::model::secret::{Origin, Secret};
use crate::model::signature::Key;
use crate::model::timestamp::Timestamp;
use crate::provider::sample;
use crate::provider::{self, Form};
use serde_json::Value;
use url::{Position, Url};

/// A request that is not sent yet. Host and length are written when it is.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Names and values, as they are sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Draft {
    /// Leaves a header out.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Gives a header another value.
    pub fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        let value = value.into();
        match self.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value,
            None => self.headers.push((name.to_owned(), value)),
        }
        self
    }

    /// Adds a header, though there may be one of this name.
    pub fn and(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Writes header names in another way.
    pub fn named(mut self, way: fn(&str) -> String) -> Self {
        self.headers.iter_mut().for_each(|(name, _)| *name = way(name));
        self
    }

    /// The value of a header as text; empty when there is none.
    pub fn value(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }

    /// The request to this URL.
    pub fn request(self, url: &Url) -> Result<Request, HeaderError> {
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

/// Makes drafts for one handler, at one moment.
pub struct Maker<'a> {
    pub(super) plan: &'a Plan,
    pub(super) footing: &'a Footing,
    pub(super) now: Timestamp,
    pub(super) target: &'a mut dyn Target,
}

impl Maker<'_> {
    /// The name of the signature's header.
    pub fn signature(&self) -> &'static str {
        self.plan.provider.signature_header()
    }

    /// The name of the timestamp's header; empty where no time is signed.
    pub fn timestamp(&self) -> &'static str {
        self.plan.provider.timestamp_header().unwrap_or_default()
    }

    /// The payload of a sample, with ids and times of its own.
    pub fn sample(&mut self, name: &str) -> Value {
        let samples = self.plan.provider.samples();
        let found = samples.into_iter().find(|sample| sample.name == name);
        let mut body = found.map(|sample| sample.body).unwrap_or_default();
        let target = &mut *self.target;
        sample::freshen(&mut body, self.plan.provider.id_prefixes(), self.now, &mut |below| target.random(below));
        body
    }

    /// A payload that this handler takes.
    pub fn payload(&mut self) -> Value {
        let name = self.footing.sample.clone();
        self.sample(&name)
    }

    /// A good event, as this handler takes it.
    pub fn event(&mut self) -> Draft {
        let payload = self.payload();
        self.signed(self.footing.write(payload))
    }

    /// A good event with another field in it, whose value is this JSON text, spelled just so.
    pub fn noted(&mut self, note: &str) -> Draft {
        let payload = self.payload();
        self.signed(self.footing.write_noted(payload, note))
    }

    /// This payload, signed, as this handler takes it.
    pub fn of(&self, payload: Value) -> Draft {
        self.signed(self.footing.write(payload))
    }

    /// These bytes, signed now.
    pub fn signed(&self, body: Vec<u8>) -> Draft {
        self.signed_at(&self.text_of(0), body)
    }

    /// These bytes, signed with this text as the timestamp.
    pub fn signed_at(&self, time: &str, body: Vec<u8>) -> Draft {
        self.signed_by(&self.plan.key, time, body)
    }

    /// These bytes, signed with the secret whose text this is.
    pub fn signed_with(&self, secret: Vec<u8>, body: Vec<u8>) -> Draft {
        let key = Key::new(Secret::new(self.plan.provider.name(), Origin::Flag, secret));
        self.signed_by(&key, &self.text_of(0), body)
    }

    /// These bytes, signed in this form.
    pub fn signed_in(&self, form: Form, body: Vec<u8>) -> Draft {
        let time = self.text_of(0);
        let mac = self.plan.key.sign(self.plan.provider.signed_prefix(&time).as_bytes(), &body);
        self.drafted(&self.plan.provider.signature_headers(&mac, &time, form), body)
    }

    /// A good event, signed with this before the body instead of what the provider signs there.
    pub fn event_signed_after(&mut self, prefix: &str) -> Draft {
        let Draft { body, .. } = self.event();
        let mac = self.plan.key.sign(prefix.as_bytes(), &body);
        self.drafted(&self.plan.provider.signature_headers(&mac, &self.text_of(0), self.footing.form), body)
    }

    /// The timestamp's text for a moment so many seconds from now.
    pub fn text_of(&self, seconds: i64) -> String {
        self.now.as_second().saturating_add(seconds).to_string()
    }

    /// What the other providers sign before the body, where that is something else.
    pub fn other_prefix(&self) -> String {
        let time = self.text_of(0);
        let own = self.plan.provider.signed_prefix(&time);
        let others = provider::ALL.iter().map(|other| other.signed_prefix(&time));
        others.into_iter().find(|other| *other != own).unwrap_or_default()
    }

    fn signed_by(&self, key: &Key, time: &str, body: Vec<u8>) -> Draft {
        let mac = key.sign(self.plan.provider.signed_prefix(time).as_bytes(), &body);
        self.drafted(&self.plan.provider.signature_headers(&mac, time, self.footing.form), body)
    }

    fn drafted(&self, signature: &[(&'static str, String)], body: Vec<u8>) -> Draft {
        let usual =
            [("User-Agent", concat!("whtool/", env!("CARGO_PKG_VERSION"))), ("Content-Type", "application/json")];
        let signature = signature.iter().map(|(name, value)| (*name, value.as_str()));
        let headers = usual.into_iter().chain(signature);
        Draft { headers: headers.map(|(name, value)| (name.to_owned(), value.into())).collect(), body }
    }
}
