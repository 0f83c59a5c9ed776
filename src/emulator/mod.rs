//! Both providers on this machine: their APIs, their state, and signed webhooks for every change.
//!
//! [`Emulator`] is a state machine without a clock or sockets. It is given a request and the time,
//! and returns the answer; it hands out webhooks that are due, and records the answers to them.
//! `command/emulate` connects it to the network. `docs/emulator.md` lists what the providers
//! document and what is guessed.

mod api;
mod call;
mod collection;
mod context;
mod control;
mod delivery;
mod faults;
mod outbox;
mod outcome;
mod plexos;
mod plustive;
mod rng;
mod sending;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod timers;

pub use delivery::{DeliveryStatus, WebhookAttempt, WebhookDelivery};
pub use faults::{FAULT_KINDS, FaultKind, FaultRule};
pub use settings::{Settings, Variant};
pub use state::{StateError, is_state};

use crate::model::exchange::{OutgoingRequest, SentRequest, ServerReply};
use crate::model::message::Request;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider;
use api::EmulatedApi;
use call::{CallError, IncomingCall};
use context::Context;
use faults::FaultStage;
use sending::Signing;
use serde_json::Value;
use state::State;
use std::time::Duration;
use timers::TimedTask;

const JSON: &str = "application/json";

pub struct Emulator {
    settings: Settings,
    state: State,
    /// The state changed since it was last saved.
    is_changed: bool,
}

/// The result of a call, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLog {
    /// The provider's name, or `emulator` for the emulator's own calls.
    pub api: &'static str,
    pub faults: Vec<FaultKind>,
    pub error: Option<String>,
}

impl Emulator {
    /// Starts with an empty state. All ids, tokens and faults follow from the seed.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self { settings, state: State::new(seed), is_changed: true }
    }

    /// Continues from a saved state. Deliveries that were in flight are sent again.
    pub fn restore(settings: Settings, saved: &[u8], now: Timestamp) -> Result<Self, StateError> {
        let mut state = State::parse(saved)?;
        for number in state.outbox.requeue_in_flight() {
            state.timers.add(now, TimedTask::Deliver(number));
        }
        Ok(Self { settings, state, is_changed: false })
    }

    /// Serializes the state if it changed since the last call.
    pub fn take_changed_state(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.is_changed)
            .then(|| serde_json::to_vec(&self.state).expect("the state has text keys and finite numbers"))
    }

    pub fn seed(&self) -> u64 {
        self.state.rng.seed()
    }

    /// Name and API key of each provider.
    pub fn api_keys(&self) -> [(&'static str, &'static str); 2] {
        self.state.apis().map(|api| (api.name(), api.key()))
    }

    pub fn add_fault(&mut self, fault: FaultRule) {
        self.state.faults.add(fault);
        self.is_changed = true;
    }

    pub fn answer(&mut self, request: &Request, now: Timestamp) -> (ServerReply, CallLog) {
        self.is_changed |= request.method != "GET";
        let path = request.target.split('?').next().unwrap_or_default();
        let Some(path) = call::split_path(path) else {
            return own_reply(Err(CallError::new(400, "VALIDATION_ERROR", "The path is not text")));
        };
        if let Some(path) = strip_prefix(&path, &[control::PREFIX]) {
            let call = control::check_content_type(request).and_then(|()| IncomingCall::parse(request, path));
            return own_reply(call.and_then(|call| control::answer(&mut self.state, &self.settings, &call, now)));
        }
        let (mut context, apis) = self.state.split(&self.settings, now);
        for api in apis {
            let mut prefixes = api.path_prefixes().iter();
            if let Some(path) = prefixes.find_map(|prefix| strip_prefix(&path, prefix)) {
                return api_reply(api, &mut context, request, path);
            }
        }
        own_reply(Err(CallError::not_found("Nothing is here but /plexos, /plustive and /_emulator: resource")))
    }

    /// Runs everything that is due, up to the first webhook that is to be sent now.
    pub fn next_outgoing(&mut self, now: Timestamp) -> Option<OutgoingRequest> {
        while let Some(task) = self.state.timers.pop_due(now) {
            self.is_changed = true;
            if let TimedTask::Deliver(number) = task {
                let signing = self.signing(number);
                let (mut context, _) = self.state.split(&self.settings, now);
                if let Some(outgoing) = sending::prepare(&mut context, number, signing) {
                    return Some(outgoing);
                }
            } else {
                let (mut context, apis) = self.state.split(&self.settings, now);
                apis.into_iter().for_each(|api| api.run_task(&mut context, &task));
            }
        }
        None
    }

    /// `None`: the endpoint of the delivery was deleted.
    fn signing(&self, number: u64) -> Option<Signing> {
        let delivery = self.state.outbox.get(number)?;
        let api = self.state.apis().into_iter().find(|api| api.name() == delivery.provider)?;
        let (key, form) = api.signing(&self.settings, delivery.endpoint.as_deref())?;
        Some(Signing { provider: provider::by_name(api.name())?, form, key })
    }

    /// Takes the deliveries that finished without an attempt since the last call.
    pub fn take_unsent(&mut self) -> Vec<WebhookDelivery> {
        self.state.outbox.take_unsent()
    }

    /// Time until something is due. `None`: nothing is scheduled.
    pub fn time_until_next(&self, now: Timestamp) -> Option<SignedDuration> {
        self.state.timers.time_until_next(now)
    }

    /// Records the answer to a webhook, and returns its delivery.
    pub fn record_attempt(&mut self, sent: &SentRequest, now: Timestamp) -> Option<WebhookDelivery> {
        self.is_changed = true;
        sending::record_attempt(&mut self.state.split(&self.settings, now).0, sent);
        self.state.outbox.get(sent.number).cloned()
    }
}

fn strip_prefix(path: &[String], prefix: &[&str]) -> Option<Vec<String>> {
    let (start, rest) = path.split_at_checked(prefix.len())?;
    (start == prefix).then(|| rest.to_vec())
}

/// Reply to one of the emulator's own calls.
fn own_reply(result: Result<Value, CallError>) -> (ServerReply, CallLog) {
    let error = result.as_ref().err().map(|error| error.message.clone());
    let (status, body) = match result {
        Ok(body) => (200, body),
        Err(error) => (error.status, error.to_json()),
    };
    (reply(status, &body, JSON), CallLog { api: "emulator", faults: Vec::new(), error })
}

/// Answers a call to a provider's API, with the faults that are set for it.
fn api_reply(
    api: &mut dyn EmulatedApi,
    context: &mut Context<'_>,
    request: &Request,
    path: Vec<String>,
) -> (ServerReply, CallLog) {
    let subject = format!("/v1/{}", path.join("/"));
    let faults = context.trigger_faults(FaultStage::Call, api.name(), &request.method, &subject);
    let find = |kind| faults.iter().find(|rule| rule.kind == kind);
    let result = if find(FaultKind::RateLimit).or_else(|| find(FaultKind::BareRateLimit)).is_some() {
        Err(CallError::new(429, "RATE_LIMITED", "Too many requests"))
    } else if find(FaultKind::ServerError).is_some() {
        Err(CallError::new(500, "INTERNAL_ERROR", "Internal server error"))
    } else {
        IncomingCall::parse(request, path).and_then(|call| api.handle(context, &call))
    };
    let message = result.as_ref().err().map(|error| error.message.clone());
    let mut reply = match result {
        Ok((status, body)) => reply(status, &body, JSON),
        Err(error) => {
            let (media_type, body) = api.error(&error);
            reply(error.status, &body, media_type)
        }
    };
    if let Some(rule) = find(FaultKind::RateLimit) {
        let seconds = format!("{:.0}", rule.seconds().ceil());
        reply.headers.push("Retry-After", seconds.as_bytes()).expect("digits can stand in a header");
    }
    if let Some(rule) = find(FaultKind::Slow) {
        reply.delay = Duration::try_from_secs_f64(rule.seconds()).unwrap_or_default();
    }
    reply.is_cut = find(FaultKind::Cut).is_some();
    (reply, CallLog { api: api.name(), faults: faults.iter().map(|rule| rule.kind).collect(), error: message })
}

fn reply(status: u16, body: &Value, media_type: &str) -> ServerReply {
    let mut reply = ServerReply::new(status);
    if *body != Value::Null {
        reply.body = body.to_string().into_bytes();
        reply.headers.push("Content-Type", media_type.as_bytes()).expect("a media type can stand in a header");
    }
    reply
}
