//! Shows deliveries: a line for each, then its payload or the cause of its refusal; or JSON
//! records.
//!
//! Layout is in `output`, counts and limits are in `state`, and `app_status` reports on forwarding.
//! `announcements` has everything that is not about a delivery.

mod announcements;

use super::DisplayArgs;
use super::app_status::AppStatus;
use super::exec::FinishedCommand;
use super::keys::LastEvent;
use super::state::{RefusalBudget, Summary};
use crate::command::shared::live_output::{LiveOutput, OutputLoss, ShownDelivery};
use crate::command::shared::secrets::Secrets;
use crate::command::shared::seen_events::{EarlierDelivery, FirstDelivery, SeenEvents};
use crate::command::{Session, Verbosity, join_lists};
use crate::diagnose::{self, Finding};
use crate::model::bind;
use crate::model::delivery::{AnalyzedDelivery, RejectedRequest};
use crate::model::error::Result;
use crate::model::expectation::ExpectationResult;
use crate::model::refusal::Refusal;
use crate::model::sanitize;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, Forwarded, ResumedDeliveries};
use crate::model::verdict::Verdict;
use crate::render::json::ListenerFields;
use crate::render::paint::Paint;
use crate::render::row::{Cell, CellKind};
use crate::render::{self, text};
use crate::webhook::route::Route;
use crate::world::{AnsweredDelivery, DroppedEvents, Store};
use std::borrow::Cow;
use std::collections::HashSet;
use std::net::SocketAddr;
use url::Url;
use wildmatch::WildMatch;

const CLEAR_SCREEN: &[u8] = b"\x1b[H\x1b[2J";

pub(super) struct Display<'a> {
    args: &'a DisplayArgs,
    session: &'a Session<'a>,
    secrets: Secrets,
    pub output: LiveOutput<'a>,
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
            output: LiveOutput::new(loss, session),
            globs: join_lists(&args.events).iter().map(|glob| WildMatch::new(glob)).collect(),
            routes: Vec::new(),
            zone: session.world.time_zone(),
            seen: SeenEvents::default(),
            budget: RefusalBudget::new(session.world.now()),
            summary: Summary::default(),
            hint: None,
            store_error: None,
            apps: AppStatus::new(session.world.invocation(), session.world.shell()),
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

    /// Loads the recent events of a store, to recognize duplicates of them.
    pub(super) fn load_seen_events(&mut self, store: &mut dyn Store) -> Result<()> {
        self.seen.load(store)
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
        let earlier = if is_stored { self.earlier_delivery(received, &name) } else { None };
        self.summary.duplicates += u64::from(earlier.is_some());
        let is_refused = answered.is_scripted && !Status(answered.status).is_success();
        let counts = is_wanted && is_stored && received.verdict.is_verified() && !is_refused;
        let is_new = self.is_first_accepted(received, earlier.is_some(), is_refused);
        let routes = if is_refused { None } else { self.count_routes(received) };
        let mut record = None;
        if is_wanted {
            let fields = ListenerFields {
                number: self.summary.deliveries,
                id: answered.id,
                duplicate_of: earlier.as_ref().map(|earlier| earlier.name.clone()),
                duplicate_changes: earlier.as_ref().map(|earlier| earlier.changes.clone()).unwrap_or_default(),
                answered: answered.status,
                is_scripted: answered.is_scripted,
                routes,
            };
            self.show(received, &findings, &name, earlier.as_ref(), &fields)?;
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

    /// Reports that the queue can't be used, or again.
    pub(super) fn show_queue_state(&self, failure: Option<&str>) {
        match failure {
            Some(reason) => {
                let reason = sanitize::escape_unsafe(reason);
                self.session.warn(&format!("can't use the forwarding queue, trying again: {reason}"));
            }
            None => self.session.info("forwarding again"),
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
    fn earlier_delivery(&mut self, received: &AnalyzedDelivery, name: &str) -> Option<EarlierDelivery> {
        let provider = received.provider.filter(|_| received.verdict.is_verified())?;
        self.seen.add_delivery(name, provider, &received.event, &received.delivery.request.body)
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
        earlier: Option<&EarlierDelivery>,
        fields: &ListenerFields,
    ) -> Result<()> {
        if self.args.json {
            return self.output.write_record(&render::json::delivery(received, findings, fields));
        }
        let time = received.delivery.arrived.map(|time| time.to_zoned(self.zone.clone()).strftime("%H:%M:%S"));
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        let row = text::delivery_row(received, format!("{time}  {name:<4}"))
            .with_cell(text::answer_cell(AnswerState::Answered(Status(fields.answered))))
            .with_cell(fields.is_scripted.then(|| Cell::new(CellKind::Answer, "by --answer", Paint::faint)))
            .with_cell(earlier.map(|earlier| text::duplicate_cell(&earlier.name)));
        self.last_shown = Some(name.to_owned());
        self.output.write_delivery(&ShownDelivery {
            row,
            request: &received.delivery.request,
            event: &received.event,
            earlier,
            findings,
            is_verified: received.verdict.is_verified(),
            is_compact: self.is_compact,
        })
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
