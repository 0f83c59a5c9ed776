//! Where what is sent comes from: samples, payloads, captures of the store, and requests in files.
//!
//! To sign a request anew is to vouch for it. What was refused may be a stranger's, so a capture that never verified is signed anew only
//! where the person names it.

use super::plan::Plan;
use crate::capture::{self, CaptureFormat};
use crate::command::shared::captures;
use crate::command::{Session, provider_of, samples, warn_of_nothing};
use crate::model::delivery::Delivery;
use crate::model::error::{Error, Kind, Result};
use crate::model::message::Request;
use crate::model::stored::{DeliverySummary, Id};
use crate::provider::sample::Sample;
use crate::provider::{self, Provider};
use crate::render::{self, text};
use crate::webhook::receive::{Rules, receive};
use std::path::Path;

/// One thing to send.
pub(super) enum Source {
    Sample(&'static dyn Provider, Box<Sample>),
    Bytes(&'static dyn Provider, Vec<u8>),
    /// A capture; its bytes are fetched when its turn comes.
    Capture(Id),
    /// A captured request that a file holds.
    Recorded(Box<Request>),
    /// An event that `reconcile` made of the provider's record.
    Rebuilt(&'static dyn Provider, Vec<u8>),
}

/// A source and what it is called.
type Named = (String, Source);

/// Captures that would be signed anew, of which nobody knows whether the provider sent them.
#[derive(Default)]
struct Strangers {
    /// The person has named them.
    named: Vec<String>,
    /// They only match the filters, and are not sent.
    left_out: u64,
}

impl Plan<'_> {
    /// Everything that the person asked for, in that order.
    pub(super) fn find_sources(&self) -> Result<Vec<Named>> {
        let mut sources = Vec::new();
        for name in &self.args.sources {
            sources.extend(self.find(name)?);
        }
        if let Some(file) = &self.args.from {
            let text = String::from_utf8_lossy(&self.session.read(file)?).into_owned();
            let lines = (1..).zip(text.lines().map(str::trim));
            for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
                sources.push(self.listed(line, number)?);
            }
        }
        let mut strangers = Strangers::default();
        for (name, source) in &sources {
            if self.is_of_a_stranger(source)? {
                strangers.named.push(name.clone());
            }
        }
        if !self.args.filters.is_empty() {
            let query = self.args.filters.query(self.session.world.now());
            for entry in self.with_store(|store| store.list(&query))? {
                if self.has_a_stranger(&entry)? {
                    strangers.left_out += 1;
                } else {
                    sources.push((entry.id.clone(), Source::Capture(entry.id)));
                }
            }
        }
        strangers.tell(self.session);
        if sources.is_empty() && strangers.left_out > 0 {
            return Err(Error::failed("nothing to send").because("all that match were left out"));
        }
        Ok(sources)
    }

    /// A line of a list: the id of a capture, a record of one, or a rebuilt event.
    fn listed(&self, line: &str, number: u64) -> Result<Named> {
        if line.starts_with('{') {
            if let Some((provider, reference, body)) = render::reconcile::read_rebuilt(line) {
                return Ok((format!("{reference} (rebuilt)"), Source::Rebuilt(provider, body)));
            }
            let record = capture::read_json_lines(line.as_bytes(), number).next().and_then(|capture| capture.ok());
            return record.map(|capture| (format!("line {number}"), recorded(capture.delivery))).ok_or_else(|| {
                Error::failed(format!("line {number} of the list can't be read")).because(
                    "it is neither the id or the record of a capture nor an event that `reconcile --replay-list` wrote",
                )
            });
        }
        let id = self.with_store(|store| captures::find(store, line))?;
        Ok((id.clone(), Source::Capture(id)))
    }

    /// A sample, what a file holds, or else a capture of this name.
    fn find(&self, name: &str) -> Result<Vec<Named>> {
        let only = |source| vec![(name.to_owned(), source)];
        if let Ok((provider, sample)) = samples::find(name) {
            if let Some(asked) = self.args.provider.filter(|asked| asked.name() != provider.name()) {
                let (own, asked) = (provider.title(), asked.title());
                return Err(Error::usage(format!("the sample `{name}` is {own}'s, not {asked}'s"))
                    .hint("leave --provider out: it is for payload files"));
            }
            return Ok(only(Source::Sample(provider, Box::new(sample))));
        }
        let path = Path::new(name);
        if name == "-" || self.session.world.file_exists(path) {
            let bytes = self.session.read(path)?;
            return match captures::form_of(&bytes) {
                Some(form) => in_file(form, &bytes, name),
                None => {
                    let provider = provider_of(self.args.provider, &bytes, name)?;
                    warn_of_nothing(&bytes, if name == "-" { "standard input" } else { name }, self.session);
                    Ok(only(Source::Bytes(provider, bytes)))
                }
            };
        }
        let found = self.with_store(|store| captures::find(store, name));
        found.map(|id| only(Source::Capture(id))).map_err(|error| match error.kind {
            Kind::Failed if name != "last" => unknown(name),
            _ => error,
        })
    }

    fn is_of_a_stranger(&self, source: &Source) -> Result<bool> {
        match source {
            Source::Capture(id) => self.has_a_stranger(&self.capture(id)?.summary),
            Source::Recorded(request) => Ok(self.is_strange(request)),
            Source::Sample(..) | Source::Bytes(..) | Source::Rebuilt(..) => Ok(false),
        }
    }

    fn has_a_stranger(&self, entry: &DeliverySummary) -> Result<bool> {
        if self.args.exact || entry.verdict.is_authentic() {
            return Ok(false);
        }
        Ok(self.is_strange(&self.capture(&entry.id)?.request))
    }

    /// Whether a request would be signed anew though it doesn't verify with any secret that is known now, whenever it was signed.
    fn is_strange(&self, request: &Request) -> bool {
        let signer = provider::by_header(request).filter(|signer| self.secrets.signing_key(*signer).is_ok());
        if self.args.exact || signer.is_none() {
            return false;
        }
        let rules = Rules { keys: self.secrets.keys.clone(), tolerance: None };
        let delivery = Delivery { request: request.clone(), peer: None, arrived: None };
        !receive(delivery, &rules, self.session.world.now()).verdict.is_verified()
    }
}

impl Strangers {
    fn tell(&self, session: &Session<'_>) {
        match self.named.as_slice() {
            [] => {}
            [only] => session.warn(&format!(
                "{} does not verify, so anybody may have sent it; it is signed anew because you name it (--exact leaves it as it came)",
                crate::model::sanitize::escape_unsafe(only)
            )),
            many => session.warn(&format!(
                "{} of those you name do not verify, so anybody may have sent them; they are signed anew all the same (--exact leaves \
                 them as they came)",
                many.len()
            )),
        }
        if self.left_out > 0 {
            session.warn(&format!(
                "{} left out: what no secret known here verifies, anybody may have sent; `whtool replay ID` signs one anew, --exact sends \
                 all as they came",
                text::count(self.left_out, "capture")
            ));
        }
    }
}

/// Every request in a file.
fn in_file(form: CaptureFormat, bytes: &[u8], name: &str) -> Result<Vec<Named>> {
    let unreadable = |error: capture::CaptureError| Error::failed(format!("can't read {name}")).because(error);
    let captures: Vec<_> = match form {
        CaptureFormat::Har => capture::read_har(bytes).map_err(unreadable)?.collect(),
        CaptureFormat::Lines => capture::read_json_lines(bytes, 1).collect(),
        CaptureFormat::Raw => capture::read_raw(bytes).collect(),
    };
    let mut found = Vec::with_capacity(captures.len());
    let is_alone = captures.len() == 1;
    for capture in captures {
        let capture = capture.map_err(unreadable)?;
        let name = if is_alone { name.to_owned() } else { format!("{name}, {}", capture.location) };
        found.push((name, recorded(capture.delivery)));
    }
    if found.is_empty() { Err(Error::failed(format!("there is no request in {name}"))) } else { Ok(found) }
}

fn recorded(delivery: Delivery) -> Source {
    Source::Recorded(Box::new(delivery.request))
}

fn unknown(name: &str) -> Error {
    let error = Error::failed(format!("`{name}` is neither a sample nor a file nor a capture"));
    match samples::nearest(name) {
        Some(near) => error.hint(format!("{near}; `whtool samples` lists them all, `whtool events` the captures")),
        None => error.hint("`whtool samples` lists the samples, `whtool events` the captures"),
    }
}
