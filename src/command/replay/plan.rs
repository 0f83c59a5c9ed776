//! What is sent, how often and in what order, and how each is signed. Where it comes from is `source`'s.

use super::source::Source;
use super::{Compared, Replay};
use crate::command::samples;
use crate::command::shared::secrets::{self, Secrets, TestSecret};
use crate::command::{Session, sign};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::exchange::SentRequest;
use crate::model::message::Request;
use crate::model::stored::{Attempt, StoredDelivery};
use crate::provider::{self, Provider, SignatureForm};
use crate::render;
use crate::webhook::forward::{self, Changes};
use crate::world::Store;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use url::Url;

/// The header that marks an event which no provider has sent.
const REBUILT: &str = "X-Whtool-Rebuilt";

/// What is sent, how often, and how it is signed.
pub(super) struct Plan<'a> {
    pub(super) args: &'a Replay,
    pub(super) session: &'a Session<'a>,
    sources: Vec<(String, Source)>,
    /// Places among the requests, when they are sent in another order.
    order: Option<Vec<u64>>,
    pub(super) secrets: Secrets,
    form: SignatureForm,
    /// Bodies as the person left them, by source.
    edited: BTreeMap<usize, Vec<u8>>,
    /// Opened when a capture is asked for.
    store: RefCell<Option<Box<dyn Store>>>,
}

impl<'a> Plan<'a> {
    /// Finds every source, and tries each once, so that nothing is sent before all is known to be right. There may be none where a list is
    /// empty: nothing was missed.
    pub(super) fn new(args: &'a Replay, session: &'a Session<'a>) -> Result<Self> {
        let secrets = secrets::load(&args.secrets, TestSecret::Create, session)?;
        let (sources, store) = (Vec::new(), RefCell::new(None));
        let (form, edited) = (args.header_form(), BTreeMap::new());
        let mut plan = Self { args, session, sources, order: None, secrets, form, edited, store };
        plan.sources = plan.find_sources()?;
        if plan.sources.is_empty() && !args.filters.is_empty() {
            return Err(Error::failed("no capture matches").hint("`whtool events` lists what there is"));
        }
        if plan.sources.is_empty() && args.from.is_none() {
            return Err(Error::usage("nothing to send")
                .hint("name a sample, a file or a capture: whtool replay payment.debited"));
        }
        if args.edit {
            plan.edit()?;
        }
        for at in 0..plan.sources.len() {
            if !matches!(plan.sources[at].1, Source::Capture(_) | Source::Recorded(_)) {
                plan.request_of(at)?;
            }
        }
        if args.shuffle {
            plan.order = Some(plan.shuffled());
        }
        Ok(plan)
    }

    pub(super) fn with_store<T>(&self, work: impl FnOnce(&mut dyn Store) -> Result<T>) -> Result<T> {
        let mut store = self.store.borrow_mut();
        if store.is_none() {
            *store = Some(self.args.store.open(self.session)?);
        }
        work(store.as_mut().expect("it was just opened").as_mut())
    }

    pub(super) fn capture(&self, id: &str) -> Result<StoredDelivery> {
        let found = self.with_store(|store| store.load(id))?;
        found.ok_or_else(|| Error::failed(format!("the capture {id} is gone")))
    }

    /// How many requests there are.
    pub(super) fn total(&self) -> u64 {
        self.args.repeat.saturating_mul(self.sources.len() as u64)
    }

    /// Which source request `number` (from 0) is of.
    fn place(&self, number: u64) -> usize {
        let number =
            self.order.as_ref().and_then(|order| order.get(usize::try_from(number).ok()?)).copied().unwrap_or(number);
        usize::try_from(number % self.sources.len() as u64).unwrap_or(0)
    }

    /// What request `number` is called.
    pub(super) fn name(&self, number: u64) -> &str {
        &self.sources[self.place(number)].0
    }

    /// Request `number`, signed now, and where it goes.
    pub(super) fn request(&self, number: u64) -> Result<(Url, Request)> {
        self.request_of(self.place(number))
    }

    fn request_of(&self, place: usize) -> Result<(Url, Request)> {
        let (url, mut request) = match &self.sources[place].1 {
            Source::Sample(provider, sample) => {
                let fresh = || samples::payload(*provider, (**sample).clone(), &self.args.changes, self.session);
                let body = self.edited.get(&place).cloned().map_or_else(fresh, Ok)?;
                (self.args.to.clone(), self.signed(*provider, body)?)
            }
            Source::Bytes(provider, bytes) => {
                let changed = || samples::changed(bytes, &self.args.changes, self.session);
                let body = self.edited.get(&place).cloned().map_or_else(changed, Ok)?;
                (self.args.to.clone(), self.signed(*provider, body)?)
            }
            Source::Rebuilt(provider, bytes) => {
                let changed = || samples::changed(bytes, &self.args.changes, self.session);
                let body = self.edited.get(&place).cloned().map_or_else(changed, Ok)?;
                let mut request = self.signed(*provider, body)?;
                request.headers.push(REBUILT, b"from the provider's record").map_err(cannot_write)?;
                (self.args.to.clone(), request)
            }
            Source::Capture(id) => self.captured(self.capture(id)?.request, self.edited.get(&place))?,
            Source::Recorded(request) => self.captured((**request).clone(), self.edited.get(&place))?,
        };
        if self.args.tamper {
            tamper(&mut request.body);
        }
        Ok((url, request))
    }

    fn signed(&self, provider: &dyn Provider, body: Vec<u8>) -> Result<Request> {
        let timestamp = provider::format_unix_seconds(self.args.timestamp.unwrap_or_else(|| self.session.world.now()));
        let mac = self.secrets.signing_key(provider)?.sign(provider.signed_prefix(&timestamp).as_bytes(), &body);
        let headers = provider.signature_headers(&mac, &timestamp, self.form);
        sign::post(&self.args.to, &headers, body).map_err(cannot_write)
    }

    /// A capture as it came, or with its body changed and signed anew.
    fn captured(&self, mut request: Request, edited: Option<&Vec<u8>>) -> Result<(Url, Request)> {
        let url = forward::target(&self.args.to, &request);
        if self.args.exact {
            return Ok((url, request));
        }
        let body = match edited {
            Some(edited) => edited.clone(),
            None => samples::changed(&request.body, &self.args.changes, self.session)?,
        };
        let signer = provider::by_header(&request);
        if body != request.body && signer.is_none_or(|signer| self.secrets.signing_key(signer).is_err()) {
            return Err(Error::credentials("the body was changed, and no secret is known to sign it with"));
        }
        request.body = body;
        let changes = Changes { set: Vec::new(), resign: Some(self.secrets.keys.clone()) };
        let now = self.args.timestamp.unwrap_or_else(|| self.session.world.now());
        let request = forward::outgoing(&request, &url, &changes, now).map_err(cannot_write)?;
        Ok((url, request))
    }

    /// Lets the person change each body.
    fn edit(&mut self) -> Result<()> {
        for place in 0..self.sources.len() {
            let (_, request) = self.request_of(place)?;
            let edited = self.session.world.edit(&request.body)?;
            self.edited.insert(place, edited);
        }
        Ok(())
    }

    /// The numbers of all requests in an order that nobody chose (Fisher and Yates).
    fn shuffled(&self) -> Vec<u64> {
        let mut order: Vec<_> = (0..self.total()).collect();
        let mut random = samples::numbers(self.session.world);
        for end in (1..order.len()).rev() {
            order.swap(end, random(end + 1));
        }
        order
    }

    /// Records an answer with its capture, and compares it with the last one. `None`: it is no capture, or was never sent before.
    pub(super) fn record(&self, sent: &SentRequest) -> Result<Option<Compared>> {
        let Source::Capture(id) = &self.sources[self.place(sent.number)].1 else { return Ok(None) };
        let kept = self.capture(id)?;
        let url = forward::target(&self.args.to, &kept.request).to_string();
        // The last one here, or else anywhere.
        let here = kept.attempts.iter().rfind(|attempt| attempt.url == url);
        let before = here.or(kept.attempts.last());
        let outcome = sent.answer.clone().map_err(|failure| failure.to_string());
        let attempt = Attempt { at: self.session.world.now(), url, took: sent.took, outcome };
        self.with_store(|store| store.add_attempt(id, &attempt))?;
        Ok(before.map(|before| Compared::of(before, &attempt)))
    }

    /// What to say where targets answer as they do to a signature that is wrong to them: with which secret it was made. `None`: what was
    /// tampered with is to be refused, and captures have their own signatures.
    pub(super) fn about_its_secrets(&self) -> Option<String> {
        let signed = self.sources.iter().filter_map(|(_, source)| match source {
            Source::Sample(provider, _) | Source::Bytes(provider, _) | Source::Rebuilt(provider, _) => {
                self.secrets.signing_key(*provider).ok()
            }
            Source::Capture(_) | Source::Recorded(_) => None,
        });
        let secrets: Vec<_> = signed.map(|key| &key.secret).collect();
        if self.args.tamper || secrets.is_empty() {
            return None;
        }
        if secrets.iter().any(|secret| secret.is_local_test()) {
            return Some(
                "signed with the local test secret: set the variable of the secret that the target knows".to_owned(),
            );
        }
        let names: BTreeSet<_> = secrets.iter().map(|secret| secret.origin.to_string()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        Some(format!(
            "signed with {}: does the target know the same secret?",
            crate::model::sanitize::escape_unsafe(&names)
        ))
    }

    /// `--dry-run`.
    pub(super) fn print(&self) -> Result<CommandOutcome> {
        let mut output = self.session.world.stdout();
        for number in 0..self.total() {
            let (url, request) = self.request(number)?;
            if self.args.json {
                output.write_all(&render::json::signed(self.provider(number), &url, &request))?;
            } else {
                output.write_all(&request.to_wire())?;
                output.write_all(b"\n\n")?;
            }
        }
        output.flush()?;
        Ok(CommandOutcome::Success)
    }

    /// The provider of request `number`; empty for one that was captured, whose own headers tell.
    pub(super) fn provider(&self, number: u64) -> &'static str {
        match &self.sources[self.place(number)].1 {
            Source::Sample(provider, _) | Source::Bytes(provider, _) | Source::Rebuilt(provider, _) => provider.name(),
            Source::Capture(_) | Source::Recorded(_) => "",
        }
    }
}

fn cannot_write(error: crate::model::message::HeaderError) -> Error {
    Error::failed("can't write the request").because(error)
}

/// Flips the lowest bit of the byte in the middle; an empty body gets one byte.
fn tamper(body: &mut Vec<u8>) {
    let middle = body.len() / 2;
    match body.get_mut(middle) {
        Some(byte) => *byte ^= 1,
        None => body.push(b' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tampering_changes_one_bit() {
        let mut body = b"{}".to_vec();
        tamper(&mut body);
        assert_eq!(body, b"{|");
    }
}
