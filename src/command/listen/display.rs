//! Shows deliveries: a line for each, then its payload or the cause of its refusal; or JSON
//! records.
//!
//! Layout is in `output`, counts and limits are in `state`, and `app_status` reports on forwarding.

use super::DisplayArgs;
use super::app_status::AppStatus;
use super::exec::FinishedCommand;
use super::keys::LastEvent;
use super::output::{CONTINUATION_INDENT, ListenOutput, OutputLoss};
use super::state::{FirstDelivery, RefusalBudget, SeenEvents, Summary};
use super::tunnel::{self, TunnelEvent, TunnelLink};
use crate::command::shared::addresses::report_addresses;
use crate::command::shared::captures::warn_if_unknown_type;
use crate::command::shared::secrets::Secrets;
use crate::command::{Session, Verbosity, join_lists};
use crate::diagnose::{self, Finding};
use crate::model::bind::{self, SecondAddress};
use crate::model::delivery::{AnalyzedDelivery, RejectedRequest};
use crate::model::duplicate::EventFacts;
use crate::model::error::Result;
use crate::model::expectation::ExpectationResult;
use crate::model::mask::mask_secrets;
use crate::model::refusal::Refusal;
use crate::model::sanitize;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, Forwarded, ResumedDeliveries};
use crate::model::verdict::Verdict;
use crate::provider;
use crate::provider::endpoints::{EndpointFields, EndpointRequest};
use crate::render::json::ListenerFields;
use crate::render::paint::Paint;
use crate::render::row::{Cell, CellKind};
use crate::render::{self, text};
use crate::webhook::receive::readable_body;
use crate::webhook::route::Route;
use crate::world::{AnsweredDelivery, DroppedEvents, Store, Stream};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write as _;
use std::net::SocketAddr;
use url::Url;
use wildmatch::WildMatch;

/// Number of events that are remembered to recognize duplicates.
const SEEN_EVENTS: usize = 100_000;

const CLEAR_SCREEN: &[u8] = b"\x1b[H\x1b[2J";

pub(super) struct Display<'a> {
    args: &'a DisplayArgs,
    session: &'a Session<'a>,
    secrets: Secrets,
    pub output: ListenOutput<'a>,
    globs: Vec<WildMatch>,
    routes: Vec<Route>,
    zone: jiff::tz::TimeZone,
    seen: SeenEvents<FirstDelivery>,
    budget: RefusalBudget,
    summary: Summary,
    /// A message to print after this many deliveries.
    hint: Option<(u64, String)>,
    /// Reason why deliveries can't be stored at present.
    store_error: Option<String>,
    apps: AppStatus,
    /// Events are shown without their payload.
    is_compact: bool,
    /// Name of the delivery that the last line is about.
    last_shown: Option<String>,
    /// The last verified event that is stored.
    pub last_event: Option<LastEvent>,
    /// The URL of the tunnel, since it was last told how to enter it.
    tunnel_url: Option<Url>,
    /// Events that `--answer` refused, and that have not come again.
    refused: HashSet<(&'static str, String)>,
    /// Return the records of events, for `--exec`.
    pub keeps_records: bool,
}

/// A verified event that was stored and accepted.
pub(super) struct NewEvent {
    /// Name of its delivery.
    pub name: String,
    /// The JSON record of its first accepted delivery, if records are kept.
    pub record: Option<Vec<u8>>,
}

impl<'a> Display<'a> {
    pub(super) fn new(args: &'a DisplayArgs, secrets: Secrets, loss: OutputLoss, session: &'a Session<'a>) -> Self {
        Self {
            args,
            session,
            secrets,
            output: ListenOutput::new(loss, session),
            globs: join_lists(&args.events).iter().map(|glob| WildMatch::new(glob)).collect(),
            routes: Vec::new(),
            zone: session.world.time_zone(),
            seen: SeenEvents::new(SEEN_EVENTS),
            budget: RefusalBudget::new(session.world.now()),
            summary: Summary::default(),
            hint: None,
            store_error: None,
            apps: AppStatus::new(session.world.invocation()),
            is_compact: args.compact,
            last_shown: None,
            last_event: None,
            tunnel_url: None,
            refused: HashSet::new(),
            keeps_records: false,
        }
    }

    /// Prints a message once this many deliveries were shown.
    pub(super) fn hint_after(&mut self, deliveries: u64, hint: String) {
        self.hint = Some((deliveries, hint));
    }

    /// Reports that the listener accepts connections.
    pub(super) fn show_ready(
        &mut self,
        (address, second): (SocketAddr, SecondAddress),
        routes: Vec<Route>,
        has_keys: bool,
    ) -> Result<()> {
        let url = bind::url(address);
        if self.args.json {
            self.output.write_record(&render::json::ready(&url))?;
        }
        let shown = self.session.err.strong(&url);
        let keys = if has_keys { "; press ? for keys" } else { "" };
        self.session.info(&format!("listening on {shown} (any path; Ctrl+C to stop{keys})"));
        report_addresses(address, second, self.session);
        let routed = routes.iter().flat_map(|route| route.types.iter().cloned());
        let globs = join_lists(&self.args.events).into_iter().chain(routed);
        globs.for_each(|glob| warn_if_unknown_type(&glob, self.session));
        let urls: Vec<_> = routes.iter().map(|route| mask_secrets(route.url.as_str())).collect();
        if !urls.is_empty() {
            self.session.info(&format!("forwarding verified deliveries to {}", urls.join(", ")));
        }
        let apps: HashSet<_> = routes.iter().map(|route| route.url.origin()).collect();
        self.apps.has_several = apps.len() > 1;
        self.routes = routes;
        self.print_secrets("secrets");
        self.print_secret_for_app();
        self.output.flush()
    }

    /// Shows payloads from now on, or no longer.
    pub(super) fn toggle_payloads(&mut self) {
        self.is_compact = !self.is_compact;
        self.session.info(if self.is_compact { "payloads off: one line per event" } else { "payloads on" });
    }

    /// Clears the screen, but not what was scrolled out of it.
    pub(super) fn clear(&mut self, address: SocketAddr) -> Result<()> {
        self.last_shown = None;
        self.output.write_record(CLEAR_SCREEN)?;
        self.output.flush()?;
        let url = bind::url(address);
        self.session.info(&self.session.err.faint(&format!("listening on {url} (press ? for keys)")));
        Ok(())
    }

    /// Shows a change of the tunnel's state.
    pub(super) fn show_tunnel(&mut self, tunnel: &TunnelLink, event: &TunnelEvent) -> Result<()> {
        let name = &tunnel.name;
        let (state, url, why, text) = match event {
            TunnelEvent::Started => ("starting", None, None, Some(format!("starting {name}; waiting for its URL"))),
            TunnelEvent::Up(url) => {
                let shown = self.session.err.strong(tunnel::shown(url));
                let life = tunnel.url_life.words();
                ("up", Some(url), None, Some(format!("{shown} leads here, through {name}{life}")))
            }
            TunnelEvent::Lost(why) => {
                let text = format!("tunnel lost: {why}; trying to get it back");
                ("lost", None, Some(why.as_str()), Some(self.session.err.bad(&sanitize::escape_unsafe(&text))))
            }
            TunnelEvent::Failed(error) => ("ended", None, Some(error.message.as_str()), None),
            TunnelEvent::Ended => ("ended", None, None, None),
        };
        if self.args.json {
            let since = self.session.world.now();
            self.output.write_record(&render::json::tunnel(state, name, url.map(tunnel::shown), why, since))?;
        }
        if let Some(text) = text {
            self.session.info(&text);
        }
        if let TunnelEvent::Up(url) = event {
            self.say_where_to_enter(url, tunnel.is_registered);
        }
        self.output.flush()
    }

    /// Says how providers get to know the URL, once for each.
    fn say_where_to_enter(&mut self, url: &Url, is_registered: bool) {
        if self.tunnel_url.replace(url.clone()).as_ref() == Some(url) {
            return;
        }
        let program = self.session.world.invocation();
        for provider in provider::ALL {
            let (title, shown) = (provider.title(), tunnel::shown(url));
            let has_api = provider.endpoint_call(&EndpointRequest::Create(EndpointFields::default())).is_some();
            if has_api && is_registered {
                continue;
            }
            let advice = if has_api {
                format!("{title}: run `{program} register --url {shown}`")
            } else {
                let name = provider.name();
                let copied = if self.copy_to_clipboard(shown) {
                    " (copied to the clipboard, if your terminal allows it)"
                } else {
                    ""
                };
                format!(
                    "{title}: enter the URL{copied} at {}, then run `{program} secret add {name}`",
                    provider.api().dashboard
                )
            };
            self.session.info(&advice);
        }
    }

    /// Asks the terminal to copy a text (OSC 52). Returns false if there is no terminal, or one that
    /// would print the request.
    fn copy_to_clipboard(&self, text: &str) -> bool {
        let kind = self.session.world.env_var("TERM");
        let is_able = self.session.world.is_terminal(Stream::Error)
            && kind.is_some_and(|kind| !["dumb", "linux"].contains(&kind.as_str()));
        let request = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
        is_able && self.session.world.stderr().write_all(request.as_bytes()).is_ok()
    }

    pub(super) fn update_secrets(&mut self, secrets: Secrets) {
        self.secrets = secrets;
        self.print_secrets("secrets reloaded");
    }

    fn print_secrets(&self, label: &str) {
        let names = self.secrets.keys.iter().map(|key| format!("{} ({})", key.secret.origin, key.secret.provider));
        self.session.info(&format!("{label}: {}", sanitize::escape_unsafe(&names.collect::<Vec<_>>().join(", "))));
    }

    /// Says how to give a local test secret to the app, for providers that have no other.
    fn print_secret_for_app(&self) {
        let has_other = |provider: &str| {
            self.secrets.keys.iter().any(|key| key.secret.provider == provider && !key.secret.is_local_test())
        };
        for provider in provider::ALL.iter().filter(|provider| !has_other(provider.name())) {
            let (variable, name) = (provider.secret_variable(), provider.name());
            let program = self.session.world.invocation();
            self.session.info(&format!("for your app: export {variable}=$({program} secret show {name}-test)"));
        }
    }

    /// Loads the recent events of a store, to recognize duplicates of them.
    pub(super) fn load_seen_events(&mut self, store: &mut dyn Store) -> Result<()> {
        for event in store.recent_events(SEEN_EVENTS as u64)? {
            let first = FirstDelivery { name: event.id.to_string(), facts: EventFacts::from(&event) };
            self.seen.add(&event.provider, &event.key, first);
        }
        Ok(())
    }

    /// Counts and shows a delivery. Returns its event if it is verified, stored, wanted and not
    /// refused by `--answer`.
    pub(super) fn add_delivery(&mut self, answered: &AnsweredDelivery) -> Result<Option<NewEvent>> {
        self.summary.deliveries += 1;
        let is_wanted = self.is_wanted(answered.received.as_ref());
        self.summary.hidden += u64::from(!is_wanted);
        let findings = if is_wanted { self.explain(answered.received.as_ref()) } else { Vec::new() };
        let received = with_refined_verdict(answered.received.as_ref(), &findings);
        let received = received.as_ref();
        *self.summary.by_verdict.entry(received.verdict.code().as_str()).or_default() += 1;
        self.report_store_error(answered.store_error.as_deref());
        if let Some(note) = &answered.store_note {
            self.session.warn_once(&sanitize::escape_unsafe(note));
        }
        let name = answered.id.map_or_else(|| format!("#{}", self.summary.deliveries), |id| id.to_string());
        // The provider sends a delivery that could not be stored again, and it counts then.
        let is_stored = answered.store_error.is_none();
        let first = if is_stored { self.first_delivery(received, &name) } else { None };
        let changes = first.as_ref().map(|first| first.facts.changes(&EventFacts::from(received)));
        let duplicate_of = first.map(|first| first.name);
        self.summary.duplicates += u64::from(duplicate_of.is_some());
        let is_refused = answered.is_scripted && !Status(answered.status).is_success();
        let counts = is_wanted && is_stored && received.verdict.is_verified() && !is_refused;
        let is_new = self.is_first_accepted(received, duplicate_of.is_some(), is_refused);
        let routes = if is_refused { None } else { self.count_routes(received) };
        let mut record = None;
        if is_wanted {
            let fields = ListenerFields {
                number: self.summary.deliveries,
                id: answered.id,
                duplicate_of,
                duplicate_changes: changes.unwrap_or_default(),
                answered: answered.status,
                is_scripted: answered.is_scripted,
                routes,
            };
            self.show(received, &findings, &name, &fields)?;
            if self.keeps_records && counts && is_new {
                record = Some(render::json::delivery(received, &findings, &fields));
            }
        }
        if let Some((_, hint)) = self.hint.take_if(|(after, _)| *after <= self.summary.deliveries) {
            self.output.flush()?;
            // Not wrapped: it contains commands to copy.
            self.session.info(&hint);
        }
        if let Some(id) = answered.id {
            self.apps.add_delivery(id, received);
        }
        if let (true, Some(id)) = (counts, answered.id) {
            let (kind, arrived) = (received.event.kind.clone(), received.delivery.arrived);
            self.last_event = Some(LastEvent { id, kind, arrived });
        }
        Ok(counts.then_some(NewEvent { name, record }))
    }

    /// Returns true for the first delivery of an event that is not refused by `--answer`.
    fn is_first_accepted(&mut self, received: &AnalyzedDelivery, is_duplicate: bool, is_refused: bool) -> bool {
        let (Some(provider), Some(key)) = (received.provider, received.event.key.as_deref()) else { return true };
        if !received.verdict.is_verified() {
            return false;
        }
        let key = (provider, key.to_owned());
        if is_refused {
            if !is_duplicate {
                self.refused.insert(key);
            }
            return false;
        }
        self.refused.remove(&key) || !is_duplicate
    }

    /// Shows the end of a command of `--exec`.
    pub(super) fn show_command(&mut self, finished: &FinishedCommand) -> Result<()> {
        let lines = text::last_lines(&finished.output);
        let failure = finished.outcome.as_ref().err().map(String::as_str);
        if self.args.json {
            let record = render::json::executed(&finished.name, finished.took, failure, &lines);
            self.output.write_record(&record)?;
        }
        if let Some(failure) = failure {
            let message = format!("--exec failed for {}: {}", finished.name, sanitize::escape_unsafe(failure));
            self.session.warn(&message);
        }
        if failure.is_some() || self.session.verbosity == Verbosity::Verbose {
            lines.iter().for_each(|line| self.session.info(&format!("  {line}")));
        }
        self.output.flush()
    }

    /// Shows what came of the expected events.
    pub(super) fn show_expectations(&mut self, results: &[ExpectationResult]) -> Result<()> {
        if results.is_empty() {
            return Ok(());
        }
        if self.args.json {
            self.output.write_record(&render::json::expected(results))?;
        }
        for line in text::expectations(results, self.session.err) {
            self.session.info(&line);
        }
        self.output.flush()
    }

    /// Reports once that storing fails or works again, and not for each delivery.
    fn report_store_error(&mut self, error: Option<&str>) {
        match (error, self.store_error.as_deref()) {
            (Some(now), before) if before != Some(now) => {
                let now = sanitize::escape_unsafe(now);
                self.session.warn(&format!("can't store deliveries, answering 503: {now}"));
            }
            (None, Some(_)) => self.session.info("storing deliveries again"),
            _ => {}
        }
        self.store_error = error.map(str::to_owned);
    }

    /// Reports deliveries that an earlier run left in the queue.
    pub(super) fn show_resumed(&self, resumed: ResumedDeliveries) {
        let ResumedDeliveries { pending, too_old } = resumed;
        if pending > 0 {
            self.session.info(&format!("forwarding {} queued by an earlier run", text::count(pending, "delivery")));
        }
        if too_old > 0 {
            let deliveries = text::count(too_old, "queued delivery");
            self.session.warn(&format!(
                "not forwarding {deliveries} older than --give-up-after; `whtool events --failed` lists them, \
                 `whtool replay` sends them"
            ));
        }
    }

    pub(super) fn show_forwarded(&mut self, forwarded: &Forwarded) -> Result<()> {
        if self.args.json {
            return self.output.write_record(&render::json::forwarded(forwarded));
        }
        let name = forwarded.id.to_string();
        let is_named = self.last_shown.as_ref() != Some(&name);
        let lines = self.apps.lines(forwarded, is_named, self.session.out);
        if lines.iter().any(|line| line.is_about_delivery) {
            self.last_shown = Some(name);
        }
        lines.iter().try_for_each(|line| self.output.write_detail(&line.text))
    }

    /// Counts and reports events that arrived too fast to be shown.
    pub(super) fn add_dropped(&mut self, dropped: DroppedEvents) -> Result<()> {
        let DroppedEvents { deliveries, app_answers, rejected } = dropped;
        self.summary.deliveries += deliveries;
        self.summary.not_shown += deliveries;
        self.summary.rejected += rejected;
        if deliveries + app_answers == 0 {
            return Ok(());
        }
        if self.args.json {
            self.output.write_record(&render::json::missed(deliveries, app_answers))?;
        }
        let counts =
            [(deliveries, "delivery"), (app_answers, "app answer")].into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, noun)| text::count(count, noun)).collect();
        let counts = counts.join(" and ");
        self.session.warn(&format!("{counts} not shown: too fast for this output; `whtool events` lists them"));
        Ok(())
    }

    /// Returns the first delivery of the same event. Only verified deliveries count: anybody can
    /// send an id.
    fn first_delivery(&mut self, received: &AnalyzedDelivery, name: &str) -> Option<FirstDelivery> {
        let (provider, key) = (received.provider?, received.event.key.as_deref()?);
        received.verdict.is_verified().then(|| {
            let this = FirstDelivery { name: name.to_owned(), facts: EventFacts::from(received) };
            self.seen.add(provider, key, this)
        })?
    }

    /// Returns the number of routes that take a verified event; the first event of a type that none
    /// takes is reported. `None`: nothing is forwarded.
    fn count_routes(&mut self, received: &AnalyzedDelivery) -> Option<usize> {
        if self.routes.is_empty() || !received.verdict.is_verified() {
            return None;
        }
        let kind = received.event.kind.as_deref();
        let count = self.routes.iter().filter(|route| route.matches(kind)).count();
        if count == 0 {
            self.summary.unrouted += 1;
            let kind = sanitize::truncate(kind.unwrap_or("an event without a type"), 60);
            self.session.info_once(&format!("no --forward-to takes {kind}: stored, not forwarded"));
        }
        Some(count)
    }

    fn is_wanted(&self, received: &AnalyzedDelivery) -> bool {
        let kind = received.event.kind.as_deref().unwrap_or_default();
        self.globs.is_empty() || self.globs.iter().any(|glob| glob.matches(kind))
    }

    fn show(
        &mut self,
        received: &AnalyzedDelivery,
        findings: &[Finding],
        name: &str,
        fields: &ListenerFields,
    ) -> Result<()> {
        if self.args.json {
            return self.output.write_record(&render::json::delivery(received, findings, fields));
        }
        let paint = self.session.out;
        let time = received.delivery.arrived.map(|time| time.to_zoned(self.zone.clone()).strftime("%H:%M:%S"));
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        let duplicate = fields.duplicate_of.as_ref().map(|first| format!("duplicate of {first}"));
        let row = text::delivery_row(received, format!("{time}  {name:<4}"))
            .with_cell(text::answer_cell(AnswerState::Answered(Status(fields.answered))))
            .with_cell(fields.is_scripted.then(|| Cell::new(CellKind::Answer, "by --answer", Paint::faint)))
            .with_cell(duplicate.map(|text| Cell::new(CellKind::Duplicate, text, Paint::warn)));
        self.output.write_row(&row, self.is_compact)?;
        let indent = self.output.indent();
        let changes = text::duplicate_changes(fields, indent, paint);
        let details =
            changes + &text::warnings(&received.event, indent, paint) + &text::findings(findings, indent, paint);
        self.output.write_lines(&details, text::FINDING_INDENT)?;
        if self.session.verbosity == Verbosity::Verbose {
            self.output.write_detail(&paint.faint(&text::body_digest(&received.delivery.request.body)))?;
        }
        self.last_shown = Some(name.to_owned());
        if received.verdict.is_verified() && !self.is_compact {
            let body = readable_body(&received.delivery.request);
            let payload = render::payload::lines(&body, indent, paint, self.session.reveal);
            self.output.write_lines(&payload, CONTINUATION_INDENT)?;
        }
        Ok(())
    }

    fn explain(&mut self, received: &AnalyzedDelivery) -> Vec<Finding> {
        if matches!(received.verdict, Verdict::Verified { .. }) {
            return Vec::new();
        }
        let budget = self.budget.hashing(self.session.world.now());
        diagnose::explain(received, &self.secrets.credentials(), budget)
    }

    /// Counts a rejected request. Only a few per second are printed, since anybody can send them.
    pub(super) fn add_rejected(&mut self, request: &RejectedRequest) {
        self.summary.rejected += 1;
        if self.budget.take_rejection(self.session.world.now()) || self.session.verbosity == Verbosity::Verbose {
            let shown = text::rejected_request(request);
            let advice = match request.refusal {
                Refusal::BodyTooLarge(_) => "; --max-body sets the limit",
                Refusal::Loop => "; it is neither stored nor forwarded again",
                _ => "",
            };
            self.session.info(&self.session.err.faint(&format!("{shown}{advice}")));
        }
    }

    pub(super) fn print_summary(&self) {
        self.session.info(&self.summary.text());
    }
}

/// Replaces the verdict by the one that the findings show.
fn with_refined_verdict<'d>(received: &'d AnalyzedDelivery, findings: &[Finding]) -> Cow<'d, AnalyzedDelivery> {
    match diagnose::refine_verdict(&received.verdict, findings) {
        Some(verdict) => Cow::Owned(AnalyzedDelivery { verdict, ..received.clone() }),
        None => Cow::Borrowed(received),
    }
}
