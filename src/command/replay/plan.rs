//! The plan of a replay: every request, in its order, and the signature of each.

use super::source::ReplaySource;
use super::{AnswerChange, Replay};
use crate::command::samples;
use crate::command::shared::secrets::{self, Secrets, TestSecret};
use crate::command::{Session, sign};
use crate::json::value::Payload;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::event::Event;
use crate::model::exchange::{self, SentRequest};
use crate::model::message::Request;
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::model::stored::{Attempt, CaptureId, DeliverySummary, StoredDelivery};
use crate::model::width::{display_width, pad_right};
use crate::provider::{self, Provider, SignatureForm};
use crate::render;
use crate::webhook::forward::{self, RequestChanges};
use crate::webhook::receive;
use crate::world::Store;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// Columns for the names of sources in the output, unless their events are shown, too.
const MIN_NAME_WIDTH: usize = 20;
const MAX_NAME_WIDTH: usize = 40;
/// Most columns for the type and the id of an event.
const MAX_EVENT_WIDTH: usize = 26;

/// Marks an event that no provider sent.
const REBUILT_HEADER: &str = "X-Whtool-Rebuilt";

pub(super) struct ReplayPlan<'a> {
    pub(super) args: &'a Replay,
    pub(super) session: &'a Session<'a>,
    sources: Vec<(String, ReplaySource)>,
    /// Columns of the longest name, type and id, within bounds.
    widths: [usize; 3],
    /// Type and id of the captures.
    events: RefCell<BTreeMap<CaptureId, EventName>>,
    /// Request numbers in the order of sending, for `--shuffle`.
    order: Option<Vec<u64>>,
    pub(super) secrets: Secrets,
    form: SignatureForm,
    /// Bodies from `--edit`, by index of their source.
    edited: BTreeMap<usize, Vec<u8>>,
    /// Opened for the first capture.
    store: RefCell<Option<Box<dyn Store>>>,
}

/// Type and id of an event. Empty: unknown.
#[derive(Clone, Default)]
pub(super) struct EventName {
    kind: String,
    id: String,
}

impl EventName {
    pub(super) fn new(kind: Option<&str>, id: Option<&str>, subject: Option<&str>) -> Self {
        let shown = |text: Option<&str>| text.map(|text| truncate(text, MAX_EVENT_WIDTH)).unwrap_or_default();
        Self { kind: shown(kind), id: shown(id.or(subject)) }
    }

    fn of_request(request: &Request) -> Self {
        Self::of(&receive::read_event(request).1)
    }

    fn of(event: &Event) -> Self {
        Self::new(event.kind.as_deref(), event.id.as_deref(), event.subject.as_deref())
    }
}

impl<'a> ReplayPlan<'a> {
    fn empty(args: &'a Replay, session: &'a Session<'a>) -> Result<Self> {
        let secrets = secrets::load(&args.secrets, TestSecret::Create, session)?;
        let (sources, store) = (Vec::new(), RefCell::new(None));
        let (form, edited, events) = (args.header_form(), BTreeMap::new(), RefCell::default());
        let widths = [0; 3];
        Ok(Self { args, session, sources, widths, events, order: None, secrets, form, edited, store })
    }

    /// Makes the plan of a single source, with another body if one is given.
    pub(super) fn single(
        args: &'a Replay,
        source: ReplaySource,
        body: Option<Vec<u8>>,
        session: &'a Session<'a>,
    ) -> Result<Self> {
        let mut plan = Self::empty(args, session)?;
        let name = if let ReplaySource::Capture(id) = &source { id.to_string() } else { "the sample".to_owned() };
        plan.sources = vec![(name, source)];
        plan.refuse_unverified(&plan.sources)?;
        plan.edited.extend(body.map(|body| (0, body)));
        Ok(plan)
    }

    /// Finds every source and builds each request once, so that errors show before anything is
    /// sent. The plan is empty if a list is.
    pub(super) fn new(args: &'a Replay, session: &'a Session<'a>) -> Result<Self> {
        let mut plan = Self::empty(args, session)?;
        plan.sources = plan.find_sources()?;
        plan.widths = plan.column_widths();
        // That nothing failed is good news; that nothing has this type or reference is a mistake.
        let is_all_well = args.filters.selects_only_failed() && !args.filters.has_unknown_types();
        if plan.sources.is_empty() && !args.filters.is_empty() && !is_all_well {
            return Err(Error::failed("no captures match").hint("`whtool events` lists all captures"));
        }
        if plan.sources.is_empty() && args.from.is_none() && !is_all_well {
            return Err(Error::usage("nothing to send")
                .hint("name a sample, a file or a capture: whtool replay payment.debited"));
        }
        if args.edit {
            plan.edit_bodies()?;
        }
        for index in 0..plan.sources.len() {
            if !matches!(plan.sources[index].1, ReplaySource::Capture(_) | ReplaySource::Recorded(_)) {
                plan.build_request(index)?;
            }
        }
        if args.shuffle {
            plan.order = Some(plan.shuffled_order());
        }
        Ok(plan)
    }

    pub(super) fn with_store<T>(&self, work: impl FnOnce(&mut dyn Store) -> Result<T>) -> Result<T> {
        let mut store = self.store.borrow_mut();
        if store.is_none() {
            let location = self.args.group.location(&self.args.store, self.session)?;
            *store = Some(self.session.world.open_store(&location)?);
        }
        work(store.as_mut().expect("it was just opened").as_mut())
    }

    pub(super) fn capture(&self, id: CaptureId) -> Result<StoredDelivery> {
        let found = self.with_store(|store| store.load(id))?;
        let capture = found.ok_or_else(|| Error::failed(format!("capture {id} no longer exists")))?.require_body()?;
        self.remember_event(&capture.summary);
        Ok(capture)
    }

    pub(super) fn total(&self) -> u64 {
        self.args.repeat.saturating_mul(self.sources.len() as u64)
    }

    /// Index of the source of request `number`, counted from 0.
    fn source_index(&self, number: u64) -> usize {
        let number =
            self.order.as_ref().and_then(|order| order.get(usize::try_from(number).ok()?)).copied().unwrap_or(number);
        usize::try_from(number % self.sources.len() as u64).unwrap_or(0)
    }

    /// Keeps type and id of a capture for its row.
    pub(super) fn remember_event(&self, capture: &DeliverySummary) {
        let DeliverySummary { kind, event_id, subject, .. } = capture;
        let name = EventName::new(kind.as_deref(), event_id.as_deref(), subject.as_deref());
        self.events.borrow_mut().insert(capture.id, name);
    }

    /// Returns the event of a source. A sample is named by its type, and has another id each time.
    fn event_name(&self, source: &ReplaySource) -> EventName {
        match source {
            ReplaySource::Sample(..) => EventName::default(),
            ReplaySource::Capture(id) => self.events.borrow().get(id).cloned().unwrap_or_default(),
            ReplaySource::Recorded(request) => EventName::of_request(request),
            ReplaySource::Payload(provider, body) | ReplaySource::Rebuilt(provider, body) => {
                let event = Payload::parse(body).map(|payload| provider.parse_event(&payload));
                event.map(|event| EventName::of(&event)).unwrap_or_default()
            }
        }
    }

    fn column_widths(&self) -> [usize; 3] {
        let mut widths = [0; 3];
        for (name, source) in &self.sources {
            let EventName { kind, id } = self.event_name(source);
            for (width, text) in widths.iter_mut().zip([escape_unsafe(name).into_owned(), kind, id]) {
                *width = (*width).max(display_width(&text));
            }
        }
        let least = if widths[1] == 0 { MIN_NAME_WIDTH } else { 4 };
        [widths[0].clamp(least, MAX_NAME_WIDTH), widths[1], widths[2]]
    }

    /// Formats name, type and id of the source of request `number`, in columns.
    pub(super) fn label(&self, number: u64) -> String {
        let (name, source) = &self.sources[self.source_index(number)];
        let EventName { kind, id } = self.event_name(source);
        let [name_width, kind_width, id_width] = self.widths;
        let mut label = self.session.out.strong(&pad_right(&escape_unsafe(name), name_width));
        for (text, width) in [(kind, kind_width), (id, id_width)].into_iter().filter(|(_, width)| *width > 0) {
            label.push_str("  ");
            label.push_str(&pad_right(&text, width));
        }
        label
    }

    /// Name of the source of request `number`.
    pub(super) fn name(&self, number: u64) -> &str {
        &self.sources[self.source_index(number)].0
    }

    /// Builds request `number`, signed now, with the target that is sent.
    pub(super) fn request(&self, number: u64) -> Result<Request> {
        self.build_request(self.source_index(number))
    }

    fn build_request(&self, index: usize) -> Result<Request> {
        let mut request = match &self.sources[index].1 {
            ReplaySource::Sample(provider, sample) => {
                let payload = || samples::payload(*provider, (**sample).clone(), &self.args.changes, self.session);
                let body = self.edited.get(&index).cloned().map_or_else(payload, Ok)?;
                self.sign(*provider, body)?
            }
            ReplaySource::Payload(provider, bytes) => {
                let payload = || samples::apply_changes(bytes, &self.args.changes, self.session);
                let body = self.edited.get(&index).cloned().map_or_else(payload, Ok)?;
                self.sign(*provider, body)?
            }
            ReplaySource::Rebuilt(provider, bytes) => {
                let payload = || samples::apply_changes(bytes, &self.args.changes, self.session);
                let body = self.edited.get(&index).cloned().map_or_else(payload, Ok)?;
                let mut request = self.sign(*provider, body)?;
                request.headers.push(REBUILT_HEADER, b"from the provider's record").map_err(unwritable)?;
                request
            }
            ReplaySource::Capture(id) => self.rebuild_capture(self.capture(*id)?.request, self.edited.get(&index))?,
            ReplaySource::Recorded(request) => self.rebuild_capture((**request).clone(), self.edited.get(&index))?,
        };
        if self.args.tamper {
            tamper(&mut request.body);
        }
        Ok(request)
    }

    fn sign(&self, provider: &dyn Provider, body: Vec<u8>) -> Result<Request> {
        let timestamp = provider::format_unix_seconds(self.args.timestamp.unwrap_or_else(|| self.session.world.now()));
        let mac = self.secrets.signing_key(provider)?.sign(provider.signed_prefix(&timestamp).as_bytes(), &body);
        let headers = provider.signature_headers(&mac, &timestamp, self.form);
        sign::signed_post(&self.args.to, &headers, body).map_err(unwritable)
    }

    /// Sends a captured request unchanged with `--exact`, otherwise re-signed.
    fn rebuild_capture(&self, mut request: Request, edited: Option<&Vec<u8>>) -> Result<Request> {
        if self.args.exact {
            request.target = forward::app_target(&self.args.to, &request);
            return Ok(request);
        }
        let body = match edited {
            Some(edited) => edited.clone(),
            None => samples::apply_changes(&request.body, &self.args.changes, self.session)?,
        };
        let signer = provider::by_header(&request);
        if body != request.body && signer.is_none_or(|signer| self.secrets.signing_key(signer).is_err()) {
            return Err(Error::credentials("the body was changed, but no secret is configured to sign it"));
        }
        request.body = body;
        let changes = RequestChanges { resign: Some(self.secrets.keys.clone()), ..RequestChanges::default() };
        let now = self.args.timestamp.unwrap_or_else(|| self.session.world.now());
        forward::build_request(&request, &self.args.to, &changes, now).map_err(unwritable)
    }

    /// Opens each body in the editor.
    fn edit_bodies(&mut self) -> Result<()> {
        for index in 0..self.sources.len() {
            let request = self.build_request(index)?;
            let edited = self.session.world.edit(&request.body, &self.args.secrets.variables())?;
            self.edited.insert(index, edited);
        }
        Ok(())
    }

    /// All request numbers, shuffled (Fisher-Yates).
    fn shuffled_order(&self) -> Vec<u64> {
        let mut order: Vec<_> = (0..self.total()).collect();
        let mut random = samples::random_numbers(self.session.world);
        for end in (1..order.len()).rev() {
            order.swap(end, random(end + 1));
        }
        order
    }

    /// Stores an answer with its capture, and compares it with the previous one. `None`: the source
    /// is not a capture, or was never sent before.
    pub(super) fn record_attempt(&self, sent: &SentRequest) -> Result<Option<AnswerChange>> {
        let ReplaySource::Capture(id) = &self.sources[self.source_index(sent.number)].1 else { return Ok(None) };
        let capture = self.capture(*id)?;
        let url = exchange::address(&self.args.to, &forward::app_target(&self.args.to, &capture.request));
        // The last attempt at this URL, or else at any.
        let same_url = capture.attempts.iter().rfind(|attempt| attempt.url == url);
        let before = same_url.or(capture.attempts.last());
        let outcome = sent.answer.clone().map_err(|failure| failure.to_string());
        let attempt = Attempt { at: self.session.world.now(), url, took: sent.took, outcome };
        self.with_store(|store| store.add_attempt(*id, &attempt))?;
        Ok(before.map(|before| AnswerChange::between(before, &attempt)))
    }

    /// A hint for answers that suggest a wrong signature: names the secret that was used. `None`:
    /// the body was tampered with on purpose, or only captures were sent.
    pub(super) fn secret_hint(&self) -> Option<String> {
        let signed = self.sources.iter().filter_map(|(_, source)| match source {
            ReplaySource::Sample(provider, _)
            | ReplaySource::Payload(provider, _)
            | ReplaySource::Rebuilt(provider, _) => self.secrets.signing_key(*provider).ok(),
            ReplaySource::Capture(_) | ReplaySource::Recorded(_) => None,
        });
        let secrets: Vec<_> = signed.map(|key| &key.secret).collect();
        if self.args.tamper || secrets.is_empty() {
            return None;
        }
        if secrets.iter().any(|secret| secret.is_local_test()) {
            return Some(
                "signed with the local test secret; if the target uses another one, set its variable (`whtool help environment`)".to_owned(),
            );
        }
        let names: BTreeSet<_> = secrets.iter().map(|secret| secret.origin.to_string()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        Some(format!("signed with {}; check that the target uses the same secret", escape_unsafe(&names)))
    }

    /// Prints the requests for `--dry-run`.
    pub(super) fn print_requests(&self) -> Result<CommandOutcome> {
        let mut output = self.session.world.stdout();
        for number in 0..self.total() {
            let request = self.request(number)?;
            if self.args.json {
                let url = exchange::address(&self.args.to, &request.target);
                output.write_all(&render::json::signed(self.provider(number), &url, &request))?;
            } else {
                output.write_all(&self.session.check_terminal(request.to_wire())?)?;
                output.write_all(b"\n\n")?;
            }
        }
        output.flush()?;
        Ok(CommandOutcome::Success)
    }

    /// Provider of request `number`; empty for a captured request.
    pub(super) fn provider(&self, number: u64) -> &'static str {
        match &self.sources[self.source_index(number)].1 {
            ReplaySource::Sample(provider, _)
            | ReplaySource::Payload(provider, _)
            | ReplaySource::Rebuilt(provider, _) => provider.name(),
            ReplaySource::Capture(_) | ReplaySource::Recorded(_) => "",
        }
    }
}

fn unwritable(error: crate::model::message::HeaderError) -> Error {
    Error::failed("can't write the request").because(error)
}

/// Flips the lowest bit of the middle byte; an empty body gets one byte.
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
