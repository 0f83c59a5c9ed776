//! Sources of a replay: samples, payload files, captures, and requests in files.
//!
//! Re-signing an unverified request would make forged content look genuine, so a capture or a saved
//! request that never verified is signed only with `--sign-unverified`. Samples and payload files are
//! the user's own words.

use super::plan::ReplayPlan;
use crate::capture::{self, CaptureFile};
use crate::command::shared::secrets::Secrets;
use crate::command::shared::{capture_files, captures};
use crate::command::{detect_provider, samples, warn_if_empty};
use crate::json;
use crate::model::delivery::Delivery;
use crate::model::error::{Error, Kind, Result};
use crate::model::message::Request;
use crate::model::stored::{CaptureId, DeliverySummary};
use crate::model::timestamp::Timestamp;
use crate::provider::sample::Sample;
use crate::provider::{self, Provider};
use crate::render::{self, text};
use crate::webhook::receive::{Rules, receive};
use std::path::Path;

pub(super) enum ReplaySource {
    Sample(&'static dyn Provider, Box<Sample>),
    Payload(&'static dyn Provider, Vec<u8>),
    /// A stored capture, loaded when it is sent.
    Capture(CaptureId),
    /// A captured request from a file.
    Recorded(Box<Request>),
    /// An event that `reconcile` built from a provider's record.
    Rebuilt(&'static dyn Provider, Vec<u8>),
}

/// A source with its name in the output.
type NamedSource = (String, ReplaySource);

impl ReplayPlan<'_> {
    /// Finds all sources, in the order of the arguments.
    pub(super) fn find_sources(&self) -> Result<Vec<NamedSource>> {
        let mut sources = Vec::new();
        for name in &self.args.sources {
            sources.extend(self.find(name)?);
        }
        if let Some(file) = &self.args.from {
            let mut other_records = 0_u64;
            let text = String::from_utf8_lossy(&self.session.read(file)?).into_owned();
            let lines = (1..).zip(text.lines().map(str::trim));
            for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
                match self.read_list_line(line, number)? {
                    Some(source) => sources.push(source),
                    None => other_records += 1,
                }
            }
            if other_records > 0 {
                self.session.info(&format!("skipped {} without a request", text::count(other_records, "record")));
            }
            if sources.is_empty() && other_records > 0 {
                return Err(Error::failed("nothing to send").because("no record of the list has a request"));
            }
        }
        self.refuse_unverified(&sources)?;
        if !self.args.filters.is_empty() {
            self.args.filters.warn_if_unknown_types(self.session);
            let query = self.args.filters.query(&self.session.now());
            let (mut skipped, mut without_body) = (0_u64, 0_u64);
            for entry in self.with_store(|store| store.list(&query))? {
                if entry.omitted_body.is_some() {
                    without_body += 1;
                } else if self.is_unverified_capture(&entry)? {
                    skipped += 1;
                } else {
                    self.remember_event(&entry);
                    sources.push((entry.id.to_string(), ReplaySource::Capture(entry.id)));
                }
            }
            self.warn_about_skipped(skipped);
            if without_body > 0 {
                let count = text::count(without_body, "refused request");
                self.session.warn(&format!("skipped {count} whose body was not kept"));
            }
            if sources.is_empty() && skipped + without_body > 0 {
                return Err(Error::failed("nothing to send").because("all matching captures were skipped"));
            }
        }
        Ok(sources)
    }

    /// Refuses to sign captures and saved requests that no configured secret verifies.
    pub(super) fn refuse_unverified(&self, sources: &[NamedSource]) -> Result<()> {
        let mut unverified = Vec::new();
        for (name, source) in sources {
            if self.is_unverified_source(source)? {
                unverified.push(name.as_str());
            }
        }
        let message = match unverified.as_slice() {
            [] => return Ok(()),
            [only] => format!("{only} is not verified: anyone may have written it"),
            many => format!("{} of the named captures are not verified: anyone may have written them", many.len()),
        };
        Err(Error::usage(message)
            .hint("--exact sends the request unchanged; --sign-unverified signs it as if it were yours"))
    }

    fn warn_about_skipped(&self, skipped: u64) {
        if skipped > 0 {
            self.session.warn(&format!(
                "skipped {} that no configured secret verifies; --exact sends them unchanged, --sign-unverified signs them",
                text::count(skipped, "capture")
            ));
        }
    }

    /// Reads a line of `--from`: a capture's id, an exported record, or a rebuilt event. `None`: another
    /// record, which has no request, such as the first one of `listen --json`.
    fn read_list_line(&self, line: &str, number: u64) -> Result<Option<NamedSource>> {
        if line.starts_with('{') {
            if let Some((provider, reference, body)) = render::reconcile::read_rebuilt(line) {
                return Ok(Some((format!("{reference} (rebuilt)"), ReplaySource::Rebuilt(provider, body))));
            }
            if let Some(id) = listed_capture(line) {
                return Ok(Some((id.to_string(), ReplaySource::Capture(id))));
            }
            if is_other_record(line) {
                return Ok(None);
            }
            let record = capture::read_json_lines(line.as_bytes(), number).next().and_then(|capture| capture.ok());
            return record.map(|capture| Some((format!("line {number}"), recorded(capture.delivery)))).ok_or_else(|| {
                Error::failed(format!("can't read line {number} of the list"))
                    .because("it is not a capture, a record of `events --json` or `listen --json`, an exported record or an event from `reconcile --replay-list`")
            });
        }
        let id = self.with_store(|store| captures::find_one(store, line, self.session))?;
        Ok(Some((id.to_string(), ReplaySource::Capture(id))))
    }

    /// Finds a sample, the contents of a file, or a capture by its name.
    fn find(&self, name: &str) -> Result<Vec<NamedSource>> {
        let only = |source| vec![(name.to_owned(), source)];
        if let Ok((provider, sample)) = samples::find(name) {
            if let Some(asked) = self.args.provider.filter(|asked| asked.name() != provider.name()) {
                let (own, asked) = (provider.title(), asked.title());
                return Err(Error::usage(format!("`{name}` is a sample of {own}, not of {asked}"))
                    .hint("omit --provider; it is only for payload files"));
            }
            return Ok(only(ReplaySource::Sample(provider, Box::new(sample))));
        }
        let path = Path::new(name);
        if name == "-" || self.session.world.file_exists(path) {
            let bytes = self.session.read(path)?;
            return self.read_source_file(name, bytes);
        }
        let found = self.with_store(|store| captures::find_all(store, name, self.session));
        let named = |ids: Vec<CaptureId>| match ids.as_slice() {
            [id] => only(ReplaySource::Capture(*id)),
            several => several.iter().map(|id| (id.to_string(), ReplaySource::Capture(*id))).collect(),
        };
        found.map(named).map_err(|error| match error.kind {
            Kind::Failed if name != "last" => unknown_source(name),
            _ => error,
        })
    }

    /// Reads every request in a file, or the payload that it is.
    fn read_source_file(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<NamedSource>> {
        if let Some(provider) = self.args.provider.filter(|_| json::is_valid(&bytes)) {
            return Ok(vec![(name.to_owned(), ReplaySource::Payload(provider, bytes))]);
        }
        let path = Path::new(name);
        match capture_files::read_file(&bytes, path, self.session) {
            Ok(file) => self.read_captures(file, name),
            // A payload inside something else, such as a log, is sent without it.
            Err(unreadable) if !unreadable.payloads.is_empty() => {
                let sources = unreadable.payloads.into_iter().map(|payload| {
                    let provider = detect_provider(self.args.provider, &payload.body, name)?;
                    Ok((format!("{name}, {}", payload.location), ReplaySource::Payload(provider, payload.body)))
                });
                sources.collect()
            }
            Err(unreadable) => {
                let provider = detect_provider(self.args.provider, &bytes, name);
                let provider = provider.map_err(|error| {
                    if unreadable.names_format && !bytes.is_empty() {
                        capture_files::unreadable(path, &unreadable)
                    } else {
                        error
                    }
                })?;
                warn_if_empty(&bytes, if name == "-" { "standard input" } else { name }, self.session);
                Ok(vec![(name.to_owned(), ReplaySource::Payload(provider, bytes))])
            }
        }
    }

    /// Names every request of a file. One that cannot be read is an error.
    fn read_captures(&self, file: CaptureFile, name: &str) -> Result<Vec<NamedSource>> {
        let mut found = Vec::with_capacity(file.captures.len());
        let is_only = file.captures.len() == 1;
        for capture in file.captures {
            let capture = capture.map_err(|error| {
                let failed = Error::failed(format!("can't read {name}"));
                match error.advice() {
                    Some(advice) => failed.because(error).hint(advice),
                    None => failed.because(error),
                }
            })?;
            let name = if is_only { name.to_owned() } else { format!("{name}, {}", capture.location) };
            found.push((name, recorded(capture.delivery)));
        }
        match (found.is_empty(), file.skipped) {
            (true, 0) => Err(Error::failed(format!("{name} contains no request"))),
            (true, skipped) => Err(capture_files::no_webhook(Path::new(name), skipped)),
            (false, skipped) => {
                if skipped > 0 {
                    self.session.info(&capture_files::skipped(skipped));
                }
                Ok(found)
            }
        }
    }

    /// Returns true if captures get a new signature only when they verify.
    fn needs_verified_captures(&self) -> bool {
        !self.args.exact && !self.args.sign_unverified
    }

    fn is_unverified_source(&self, source: &ReplaySource) -> Result<bool> {
        match source {
            ReplaySource::Capture(id) => self.is_unverified_capture(&self.capture(*id)?.summary),
            ReplaySource::Recorded(request) => Ok(self.is_unverified_request(request)),
            ReplaySource::Sample(..) | ReplaySource::Payload(..) | ReplaySource::Rebuilt(..) => Ok(false),
        }
    }

    fn is_unverified_capture(&self, entry: &DeliverySummary) -> Result<bool> {
        if !self.needs_verified_captures() || entry.verdict.is_authentic() {
            return Ok(false);
        }
        Ok(self.is_unverified_request(&self.capture(entry.id)?.request))
    }

    /// True if a request would be re-signed although no configured secret verifies it, whatever its
    /// timestamp.
    fn is_unverified_request(&self, request: &Request) -> bool {
        let signer = provider::by_header(request).filter(|signer| self.secrets.signing_key(*signer).is_ok());
        self.needs_verified_captures()
            && signer.is_some()
            && !is_verified(request, &self.secrets, self.session.world.now())
    }
}

/// Returns true if a configured secret verifies the request, whatever its timestamp.
pub(super) fn is_verified(request: &Request, secrets: &Secrets, now: Timestamp) -> bool {
    let rules = Rules { keys: secrets.keys.clone(), tolerance: None };
    let delivery = Delivery { request: request.clone(), peer: None, arrived: None };
    receive(delivery, &rules, now).verdict.is_verified()
}

/// Reads the id from a record of `events --json`, which has no request.
fn listed_capture(line: &str) -> Option<CaptureId> {
    let record: serde_json::Value = serde_json::from_str(line).ok()?;
    let id = record.get("id").and_then(serde_json::Value::as_str)?;
    (record.get("schema")? == "whtool.event/1").then(|| id.parse().ok().map(CaptureId))?
}

/// Returns true for a record of `listen --json` that never has a request. A capture without its body
/// is none of them, so that it is not skipped silently.
fn is_other_record(line: &str) -> bool {
    const SCHEMAS: &[&str] = &["ready", "tunnel", "forwarded", "missed", "expected", "summary"];
    let record: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let schema = record.as_ref().and_then(|record| record.get("schema")?.as_str());
    let name = schema.and_then(|schema| schema.strip_prefix("whtool.")?.strip_suffix("/1"));
    name.is_some_and(|name| SCHEMAS.contains(&name))
}

fn recorded(delivery: Delivery) -> ReplaySource {
    ReplaySource::Recorded(Box::new(delivery.request))
}

fn unknown_source(name: &str) -> Error {
    let error = Error::failed(format!("`{name}` is not a sample, file or capture"));
    match samples::nearest(name) {
        Some(near) => error
            .hint(format!("did you mean `{near}`? `whtool samples` lists all samples, `whtool events` all captures")),
        None => error.hint("`whtool samples` lists all samples, `whtool events` all captures"),
    }
}
