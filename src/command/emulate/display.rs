//! Output of `emulate`: export lines or JSON records on stdout, a row for each call and each
//! webhook attempt on stderr.

use crate::command::Session;
use crate::emulator::{CallLog, DeliveryStatus, Emulator, FaultKind, WebhookAttempt, WebhookDelivery};
use crate::model::bind;
use crate::model::delivery::RejectedRequest;
use crate::model::error::Result;
use crate::model::exchange::ServerReply;
use crate::model::mask::mask_secrets;
use crate::model::message::Request;
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::model::secret::SecretOrigin;
use crate::model::signature::Key;
use crate::model::timestamp::Timestamp;
use crate::model::width::pad_right;
use crate::provider;
use crate::render::{json, text};
use crate::world::Stream;
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// A call and its answer, as far as they are shown.
pub(super) struct AnsweredCall {
    at: Timestamp,
    method: String,
    target: String,
    status: u16,
    is_cut: bool,
    log: CallLog,
}

impl AnsweredCall {
    pub(super) fn new(at: Timestamp, request: &Request, reply: &ServerReply, log: CallLog) -> Self {
        let (method, target) = (request.method.clone(), request.target.clone());
        Self { at, method, target, status: reply.status, is_cut: reply.is_cut, log }
    }
}

pub(super) struct EmulatorDisplay<'a> {
    session: &'a Session<'a>,
    output: Box<dyn Write + 'a>,
    zone: jiff::tz::TimeZone,
    format: StdoutFormat,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StdoutFormat {
    Exports,
    Json,
}

impl<'a> EmulatorDisplay<'a> {
    pub(super) fn new(session: &'a Session<'a>, format: StdoutFormat) -> Self {
        Self { session, output: session.world.stdout(), zone: session.world.time_zone(), format }
    }

    /// Prints URLs and keys once the emulator accepts calls.
    pub(super) fn print_ready(
        &mut self,
        address: SocketAddr,
        webhook_key: &Key,
        emulator: &Emulator,
        plustive_url: Option<&Url>,
    ) -> Result<()> {
        let url = bind::url(address);
        match self.format {
            StdoutFormat::Json => {
                let mut record =
                    json!({"schema": "whtool.emulator/1", "url": url, "seed": emulator.seed().to_string()});
                for (name, key) in emulator.api_keys() {
                    record[name] = json!({"url": format!("{url}/{name}"), "key": key});
                }
                record["webhookSecret"] = json!(printable_secret(webhook_key));
                self.write_record(&record)?;
            }
            StdoutFormat::Exports => {
                let shell = self.session.world.shell();
                for (name, key) in emulator.api_keys() {
                    let Some(provider) = provider::by_name(name) else { continue };
                    let (base, variable) = (provider.api().base_variable, provider.key_variable());
                    for line in [shell.set_variable(base, &format!("{url}/{name}")), shell.set_variable(variable, key)]
                    {
                        writeln!(self.output, "{line}")?;
                    }
                }
                if let Some(secret) = printable_secret(webhook_key) {
                    writeln!(self.output, "{}", shell.set_variable("PLUSTIVE_WEBHOOK_SECRET", &secret))?;
                }
            }
        }
        self.output.flush()?;
        let session = self.session;
        let plain_url = url;
        let url = session.err.strong(&plain_url);
        session.info(&format!("emulating Plexos Pay and Plustive on {url}, seed {} (Ctrl+C to stop)", emulator.seed()));
        session.info("the API keys work only here; no money moves");
        if self.session.world.is_terminal(Stream::Error)
            && let Some((name, key)) = emulator.api_keys().into_iter().find(|(name, _)| *name == "plexos")
        {
            session.info(&format!(
                "to cause an event: `curl -H 'Authorization: Bearer {key}' {plain_url}/{name}/v1/payments -d \
                 '{{\"amount\":10000,\"operator\":\"MOCK\",\"operatorPhone\":\"+2389001234\"}}'`"
            ));
        }
        match plustive_url {
            Some(url) => {
                let origin = match &webhook_key.secret.origin {
                    SecretOrigin::LocalTest => "the local test secret".to_owned(),
                    other => other.to_string(),
                };
                session.info(&format!(
                    "sending Plustive webhooks to {}, signed with {origin}",
                    mask_secrets(url.as_str())
                ));
            }
            None => session.info("Plustive webhooks are not sent: set --plustive-url"),
        }
        Ok(())
    }

    pub(super) fn print_call(&mut self, call: &AnsweredCall) -> Result<()> {
        let AnsweredCall { at, method, target, status, is_cut, log } = call;
        if self.format == StdoutFormat::Json {
            let faults: Vec<_> = log.faults.iter().map(|fault| fault.name()).collect();
            self.write_record(&json!({
                "schema": "whtool.emulated_call/1", "at": at.to_string(), "provider": log.api, "method": method,
                "target": target, "status": status, "cut": is_cut, "faults": faults, "complaint": log.error,
            }))?;
        }
        let paint = self.session.err;
        let result = match (is_cut, status) {
            (true, _) => paint.bad("cut"),
            (false, 200..300) => paint.good(&status.to_string()),
            (false, _) => paint.bad(&status.to_string()),
        };
        let request = pad_right(&truncate(&format!("{method} {target}"), 80), 42);
        let error = log.error.as_deref().map(|error| format!("  {}", truncate(error, 100))).unwrap_or_default();
        let row = format!("{}  {}  {request}  {result}{error}", self.time(*at), self.api(log.api));
        self.session.info(&format!("{row}{}", self.faults(&log.faults)));
        Ok(())
    }

    /// Prints why a request was refused before it became a call.
    pub(super) fn print_refused(&self, refused: &RejectedRequest) {
        self.session.info(&self.session.err.warn(&text::rejected_request(refused)));
    }

    /// Prints the last attempt of a delivery, or the reason why there is none.
    pub(super) fn print_delivery(&mut self, delivery: &WebhookDelivery, now: Timestamp) -> Result<()> {
        let attempt = delivery.attempts.last();
        if self.format == StdoutFormat::Json {
            self.write_record(&json!({
                "schema": "whtool.emulated_delivery/1", "number": delivery.number, "provider": delivery.provider,
                "event": delivery.event, "id": delivery.id, "url": mask_secrets(&delivery.url), "try": delivery.attempts.len(),
                "fate": delivery.status, "nextAt": delivery.next_at, "faults": delivery.faults, "attempt": attempt,
            }))?;
        }
        let paint = self.session.err;
        let result = attempt.map_or_else(|| paint.bad("not sent"), |attempt| self.result(attempt));
        // A state file may contain any text.
        let event = paint.strong(&pad_right(&escape_unsafe(&delivery.event), 21));
        let (api, id) = (self.api(&delivery.provider), escape_unsafe(&delivery.id));
        let row = format!("{}  {api}  → {event}  {id}  {result}", self.time(now));
        self.session.info(&format!("{row}{}{}", self.next_step(delivery), self.faults(&delivery.faults)));
        Ok(())
    }

    fn result(&self, attempt: &WebhookAttempt) -> String {
        let paint = self.session.err;
        let took = text::duration(Duration::from_micros(attempt.took_micros));
        match (attempt.status, &attempt.error) {
            (Some(status @ 200..300), _) => format!("{}  {took}", paint.good(&status.to_string())),
            (Some(status), _) => format!("{}  {took}", paint.bad(&status.to_string())),
            (None, error) => paint.bad(&truncate(error.as_deref().unwrap_or("no answer"), 80)),
        }
    }

    /// Time of the next retry, or the end of the retries.
    fn next_step(&self, delivery: &WebhookDelivery) -> String {
        let paint = self.session.err;
        let attempts = delivery.attempts.len();
        match (delivery.status, &delivery.next_at) {
            (DeliveryStatus::Waiting, Some(next)) => {
                let next = next.parse().map(|next| self.clock(next)).unwrap_or_default();
                format!("  {}", paint.faint(&format!("· attempt {attempts}, next at {next}")))
            }
            (DeliveryStatus::GivenUp, _) => {
                format!("  {}", paint.bad(&format!("· gave up after {}", text::count(attempts as u64, "attempt"))))
            }
            _ => String::new(),
        }
    }

    fn faults(&self, faults: &[FaultKind]) -> String {
        let names: Vec<_> = faults.iter().map(|fault| fault.name()).collect();
        if names.is_empty() {
            return String::new();
        }
        format!("  {}", self.session.err.warn(&format!("fault: {}", names.join(", "))))
    }

    fn api(&self, name: &str) -> String {
        self.session.err.name(&pad_right(&escape_unsafe(name), 8))
    }

    fn time(&self, time: Timestamp) -> String {
        self.session.err.faint(&self.clock(time))
    }

    fn clock(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    fn write_record(&mut self, record: &serde_json::Value) -> Result<()> {
        self.output.write_all(&json::line(record))?;
        Ok(self.output.flush()?)
    }
}

/// The local test secret. A secret from the environment may be a real one, and is not printed.
fn printable_secret(key: &Key) -> Option<String> {
    let is_local = key.secret.origin == SecretOrigin::LocalTest;
    is_local.then(|| String::from_utf8_lossy(key.secret.expose()).into_owned())
}
