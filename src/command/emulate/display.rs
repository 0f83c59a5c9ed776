//! What the emulator shows: how to reach it, then a line for each call and each try of a delivery; or JSON records.

use crate::command::Session;
use crate::emulator::{self, Attempt, Called, Delivery, Emulator, Fate, Kind};
use crate::model::error::Result;
use crate::model::exchange::ServerReply;
use crate::model::message::Request;
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::model::secret::Origin;
use crate::model::signature::Key;
use crate::model::timestamp::Timestamp;
use crate::model::width::pad_right;
use crate::provider;
use crate::render::{json, text};
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// A call and its answer, as much as is shown of them.
pub(super) struct Telling {
    at: Timestamp,
    method: String,
    target: String,
    status: u16,
    is_cut: bool,
    called: Called,
}

impl Telling {
    pub(super) fn new(at: Timestamp, request: &Request, reply: &ServerReply, called: Called) -> Self {
        let (method, target) = (request.method.clone(), request.target.clone());
        Self { at, method, target, status: reply.status, is_cut: reply.is_cut, called }
    }
}

/// Shows what happens.
pub(super) struct Display<'a> {
    session: &'a Session<'a>,
    output: Box<dyn Write + 'a>,
    zone: jiff::tz::TimeZone,
    form: Form,
}

/// What goes to standard output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Export lines.
    Exports,
    /// Records.
    Records,
}

impl<'a> Display<'a> {
    pub(super) fn new(session: &'a Session<'a>, form: Form) -> Self {
        Self { session, output: session.world.stdout(), zone: session.world.time_zone(), form }
    }

    /// The emulator accepts calls.
    pub(super) fn ready(
        &mut self,
        address: SocketAddr,
        key: &Key,
        emulator: &Emulator,
        plustive_url: Option<&Url>,
    ) -> Result<()> {
        let base = |name: &str| format!("http://{address}/{name}");
        match self.form {
            Form::Records => self.record(&json!({
                "schema": "whtool.emulator/1", "url": format!("http://{address}"), "seed": emulator.seed().to_string(),
                "plexos": {"url": base("plexos"), "key": emulator::PLEXOS_KEY},
                "plustive": {"url": base("plustive"), "key": emulator::PLUSTIVE_KEY}, "webhookSecret": own_secret(key),
            }))?,
            Form::Exports => {
                let [plexos, plustive] =
                    [("plexos", emulator::PLEXOS_KEY), ("plustive", emulator::PLUSTIVE_KEY)].map(|(name, key)| {
                        let provider = provider::named(name);
                        let api = provider.map_or("", |provider| provider.api().base_variable);
                        let variable = provider.map_or("", |provider| provider.key_variable());
                        format!("export {api}={}\nexport {variable}={key}\n", base(name))
                    });
                write!(self.output, "{plexos}{plustive}")?;
                if let Some(secret) = own_secret(key) {
                    writeln!(self.output, "export PLUSTIVE_WEBHOOK_SECRET={secret}")?;
                }
            }
        }
        self.output.flush()?;
        let session = self.session;
        let url = session.err.strong(&format!("http://{address}"));
        session.say(&format!("emulating Plexos Pay and Plustive on {url} (Ctrl+C ends); seed {}", emulator.seed()));
        session.say("the keys above are the emulator's own: no money moves, whatever they begin with");
        match plustive_url {
            Some(url) => {
                session.say(&format!("Plustive's webhooks go to {url}, signed with the {}", key.secret.origin))
            }
            None => session.say("Plustive's webhooks go nowhere: --plustive-url says where to"),
        }
        Ok(())
    }

    /// A call was answered.
    pub(super) fn called(&mut self, telling: &Telling) -> Result<()> {
        let Telling { at, method, target, status, is_cut, called } = telling;
        let faults: Vec<_> = called.faults.iter().map(|fault| fault.name()).collect();
        if self.form == Form::Records {
            self.record(&json!({
                "schema": "whtool.emulated_call/1", "at": at.to_string(), "provider": called.whose, "method": method,
                "target": target, "status": status, "cut": is_cut, "faults": faults, "complaint": called.complaint,
            }))?;
        }
        let paint = self.session.err;
        let answered = match (is_cut, status) {
            (true, _) => paint.bad("cut"),
            (false, 200..300) => paint.good(&status.to_string()),
            (false, _) => paint.bad(&status.to_string()),
        };
        let what = pad_right(&truncate(&format!("{method} {target}"), 80), 42);
        let complaint =
            called.complaint.as_deref().map(|said| format!("  {}", truncate(said, 100))).unwrap_or_default();
        let line = format!("{}  {}  {what}  {answered}{complaint}", self.time(*at), self.whose(called.whose));
        self.session.say(&format!("{line}{}", self.faults(&called.faults)));
        Ok(())
    }

    /// A delivery was tried.
    pub(super) fn delivered(&mut self, delivery: &Delivery, now: Timestamp) -> Result<()> {
        let attempt = delivery.attempts.last();
        if self.form == Form::Records {
            self.record(&json!({
                "schema": "whtool.emulated_delivery/1", "number": delivery.number, "provider": delivery.provider,
                "event": delivery.event, "id": delivery.id, "url": delivery.url, "try": delivery.attempts.len(),
                "fate": delivery.fate, "nextAt": delivery.next_at, "faults": delivery.faults, "attempt": attempt,
            }))?;
        }
        let paint = self.session.err;
        let how = attempt.map_or_else(|| paint.bad("not sent"), |attempt| self.how(attempt));
        // A state file may be anybody's.
        let event = paint.strong(&pad_right(&escape_unsafe(&delivery.event), 21));
        let (whose, id) = (self.whose(&delivery.provider), escape_unsafe(&delivery.id));
        let line = format!("{}  {whose}  → {event}  {id}  {how}", self.time(now));
        self.session.say(&format!("{line}{}{}", self.sequel(delivery), self.faults(&delivery.faults)));
        Ok(())
    }

    fn how(&self, attempt: &Attempt) -> String {
        let paint = self.session.err;
        let took = text::duration(Duration::from_micros(attempt.took_micros));
        match (attempt.status, &attempt.error) {
            (Some(status @ 200..300), _) => format!("{}  {took}", paint.good(&status.to_string())),
            (Some(status), _) => format!("{}  {took}", paint.bad(&status.to_string())),
            (None, error) => paint.bad(&truncate(error.as_deref().unwrap_or("no answer"), 80)),
        }
    }

    /// What follows a try.
    fn sequel(&self, delivery: &Delivery) -> String {
        let paint = self.session.err;
        let tries = delivery.attempts.len();
        match (delivery.fate, &delivery.next_at) {
            (Fate::Waiting, Some(next)) => {
                let next = next.parse().map(|next| self.clock(next)).unwrap_or_default();
                format!("  {}", paint.faint(&format!("· try {tries}, again at {next}")))
            }
            (Fate::GivenUp, _) => {
                format!("  {}", paint.bad(&format!("· given up after {}", text::count(tries as u64, "try"))))
            }
            _ => String::new(),
        }
    }

    fn faults(&self, faults: &[Kind]) -> String {
        let names: Vec<_> = faults.iter().map(|fault| fault.name()).collect();
        if names.is_empty() {
            return String::new();
        }
        format!("  {}", self.session.err.warn(&format!("fault: {}", names.join(", "))))
    }

    fn whose(&self, name: &str) -> String {
        self.session.err.name(&pad_right(&escape_unsafe(name), 8))
    }

    fn time(&self, time: Timestamp) -> String {
        self.session.err.faint(&self.clock(time))
    }

    fn clock(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    fn record(&mut self, record: &serde_json::Value) -> Result<()> {
        self.output.write_all(&json::line(record))?;
        Ok(self.output.flush()?)
    }
}

/// The machine's own secret. One of the environment is known there already, and may be a real one.
fn own_secret(key: &Key) -> Option<String> {
    let is_own = key.secret.origin == Origin::Local;
    is_own.then(|| String::from_utf8_lossy(key.secret.expose()).into_owned())
}
