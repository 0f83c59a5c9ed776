//! Both providers on this machine: their APIs, their state, and the webhooks that every change of it makes.
//!
//! A state machine without clock and sockets: it is given a request and the time, and says what to answer; it is asked what is
//! due, hands out deliveries, and is told how they fared. `plexos` and `plustive` are the two APIs, `post` the deliveries and
//! their retries, `agenda` what is still to happen, `faults` what goes wrong on demand, `control` the emulator's own calls. What
//! the providers document, and what is guessed, is told in `docs/emulator.md`.

mod agenda;
mod call;
mod chance;
mod control;
mod delivery;
mod desk;
mod faults;
mod plexos;
mod plustive;
mod post;
mod route;
mod settings;
mod shelf;
mod state;
#[cfg(test)]
mod tests;

pub use delivery::{Attempt, Delivery, Fate};
pub use faults::{Fault, KINDS, Kind};
pub use plexos::KEY as PLEXOS_KEY;
pub use plustive::KEY as PLUSTIVE_KEY;
pub use settings::{Audience, Settings, Variant};
pub use state::StateError;

use crate::model::exchange::{OutgoingRequest, SentRequest, ServerReply};
use crate::model::message::Request;
use crate::model::secret::{Origin, Secret};
use crate::model::signature::Key;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{self, Form};
use agenda::Task;
use call::{Call, Refusal};
use desk::Desk;
use faults::Stage;
use post::Signing;
use route::Route;
use serde_json::Value;
use state::State;
use std::time::Duration;

/// The two providers.
pub struct Emulator {
    settings: Settings,
    state: State,
    /// Whether something changed since the state was last written.
    is_changed: bool,
}

/// What became of a call, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The provider's name, or `emulator` for the emulator's own calls.
    pub whose: &'static str,
    /// The faults that struck.
    pub faults: Vec<Kind>,
    /// What was wrong, when something was.
    pub complaint: Option<String>,
}

impl Emulator {
    /// A new one: nothing has happened yet, and what will follows from the seed.
    pub fn new(settings: Settings, seed: u64) -> Self {
        let state = State::new(seed);
        Self { settings, state, is_changed: true }
    }

    /// One that goes on where `saved` ended. Deliveries that were under way are tried again.
    pub fn restored(settings: Settings, saved: &[u8], now: Timestamp) -> Result<Self, StateError> {
        let mut emulator = Self { settings, state: State::read(saved)?, is_changed: false };
        for number in emulator.state.post.resumed() {
            emulator.state.agenda.add(now, Task::Deliver(number));
        }
        Ok(emulator)
    }

    /// The state, when it changed since it was last asked for.
    pub fn changed_state(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.is_changed)
            .then(|| serde_json::to_vec(&self.state).expect("the state has text keys and finite numbers"))
    }

    /// The seed that everything left to chance follows from.
    pub fn seed(&self) -> u64 {
        self.state.chance.seed()
    }

    /// Adds a fault.
    pub fn add_fault(&mut self, fault: Fault) {
        self.state.faults.add(fault);
        self.is_changed = true;
    }

    /// Everything that a part works with.
    fn open(&mut self, now: Timestamp) -> (Desk<'_>, &mut plexos::Book, &mut plustive::Book) {
        let State { chance, agenda, post, faults, plexos, plustive, .. } = &mut self.state;
        (Desk { now, settings: &self.settings, chance, agenda, post, faults }, plexos, plustive)
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> (ServerReply, Called) {
        let path = request.target.split('?').next().unwrap_or_default();
        let route = call::parts(path).map(Route::of);
        let whose = route.as_ref().map_or("emulator", Route::whose);
        self.is_changed |= request.method != "GET";
        let result = match route {
            None => Err(Refusal::new(400, "VALIDATION_ERROR", "The path is not text")),
            Some(Route::Nowhere) => {
                Err(Refusal::not_found("Nothing is here but /plexos, /plustive and /_emulator: resource"))
            }
            Some(Route::Control(path)) => {
                Call::read(request, path).and_then(|call| control::answer(&mut self.state, &self.settings, &call, now))
            }
            Some(Route::Provider(name, path)) => return self.answer_as(name, request, path, now),
        };
        let complaint = result.as_ref().err().map(|refusal| refusal.message.clone());
        let (status, body) = match result {
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status, plexos::error(&refusal)),
        };
        (reply(status, &body, "application/json"), Called { whose, faults: Vec::new(), complaint })
    }

    fn answer_as(
        &mut self,
        name: &'static str,
        request: &Request,
        path: Vec<String>,
        now: Timestamp,
    ) -> (ServerReply, Called) {
        let (mut desk, plexos, plustive) = self.open(now);
        let subject = format!("/v1/{}", path.join("/"));
        let faults = desk.faults.strike(Stage::Call, name, &request.method, &subject, desk.chance);
        let find = |kind| faults.iter().find(|fault| fault.kind == kind);
        let limit = find(Kind::Limit).or_else(|| find(Kind::BareLimit));
        let result = if limit.is_some() {
            Err(Refusal::new(429, "RATE_LIMITED", "Too many requests"))
        } else if find(Kind::Broken).is_some() {
            Err(Refusal::new(500, "INTERNAL_ERROR", "Internal server error"))
        } else {
            Call::read(request, path).and_then(|call| match name {
                "plexos" => plexos::answer(plexos, &mut desk, &call),
                _ => plustive::answer(plustive, &mut desk, &call).map(|body| (200, body)),
            })
        };
        let complaint = result.as_ref().err().map(|refusal| refusal.message.clone());
        let (status, body, form) = match (result, name) {
            (Ok((status, body)), _) => (status, body, "application/json"),
            (Err(refusal), "plexos") => (refusal.status, plexos::error(&refusal), "application/json"),
            (Err(refusal), _) => (refusal.status, plustive::error(&refusal), "application/problem+json"),
        };
        let mut reply = reply(status, &body, form);
        if let Some(fault) = find(Kind::Limit) {
            let seconds = format!("{:.0}", fault.seconds().ceil());
            reply.headers.push("Retry-After", seconds.as_bytes()).expect("digits can stand in a header");
        }
        if let Some(fault) = find(Kind::Slow) {
            reply.delay = Duration::try_from_secs_f64(fault.seconds()).unwrap_or_default();
        }
        reply.is_cut = find(Kind::Cut).is_some();
        (reply, Called { whose: name, faults: faults.iter().map(|fault| fault.kind).collect(), complaint })
    }

    /// Lets everything happen that is due, up to the first delivery that is to be sent now.
    pub fn due(&mut self, now: Timestamp) -> Option<OutgoingRequest> {
        while let Some(task) = self.state.agenda.take(now) {
            self.is_changed = true;
            let Task::Deliver(number) = task else {
                let (mut desk, plexos, plustive) = self.open(now);
                plexos::happen(plexos, &mut desk, &task);
                plustive::happen(plustive, &mut desk, &task);
                continue;
            };
            let signing = self.signing(number);
            let (mut desk, ..) = self.open(now);
            if let Some(outgoing) = post::outgoing(&mut desk, number, signing) {
                return Some(outgoing);
            }
        }
        None
    }

    /// How a delivery is signed. `None`: its endpoint is gone.
    fn signing(&self, number: u64) -> Option<Signing> {
        let delivery = self.state.post.get(number)?;
        let provider = provider::named(&delivery.provider)?;
        let form = match self.settings.variant {
            Variant::Reference => Form::Reference,
            Variant::Guide => Form::Bare,
        };
        let key = match &delivery.endpoint {
            None => self.settings.plustive_key.clone(),
            Some(endpoint) => {
                let endpoint = self.state.plexos.endpoints.get(endpoint)?;
                Key::new(Secret::new(provider.name(), Origin::Local, endpoint.secret.as_str()))
            }
        };
        Some(Signing { provider, form, key })
    }

    /// Deliveries that ended without being sent since this was last asked.
    pub fn take_unsent(&mut self) -> Vec<Delivery> {
        self.state.post.take_unsent()
    }

    /// How long until something is due. `None`: nothing is.
    pub fn wait(&self, now: Timestamp) -> Option<SignedDuration> {
        self.state.agenda.wait(now)
    }

    /// Takes note of how a delivery fared, and gives it back as it stands now.
    pub fn fared(&mut self, sent: &SentRequest, now: Timestamp) -> Option<Delivery> {
        self.is_changed = true;
        post::fared(&mut self.open(now).0, sent);
        self.state.post.get(sent.number).cloned()
    }
}

fn reply(status: u16, body: &Value, form: &str) -> ServerReply {
    let mut reply = ServerReply::new(status);
    if *body != Value::Null {
        reply.body = body.to_string().into_bytes();
        reply.headers.push("Content-Type", form.as_bytes()).expect("a media type can stand in a header");
    }
    reply
}
