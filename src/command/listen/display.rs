//! What a listener shows: a line for each delivery, then its payload or the cause of its refusal; or JSON records.
//!
//! Where it goes and how wide that is, is in `page`; what is counted in `tally`, what apps said in `apps`, what it may cost to explain refusals in `budget`.

use super::Look;
use super::apps::Apps;
use super::budget::Budget;
use super::page::{self, Page};
use super::seen::Seen;
use super::tally::Tally;
use crate::command::shared::captures::warn_of_unknown_type;
use crate::command::shared::secrets::Secrets;
use crate::command::{Session, Volume};
use crate::diagnose::{self, Finding};
use crate::model::delivery::{AnalyzedDelivery, RejectedRequest};
use crate::model::error::Result;
use crate::model::sanitize;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, Forwarded};
use crate::model::verdict::Verdict;
use crate::render::json::ListenerFields;
use crate::render::paint::Paint;
use crate::render::row::{Cell, CellKind};
use crate::render::{self, text};
use crate::world::{AnsweredDelivery, DroppedEvents, Store};
use std::net::SocketAddr;
use wildmatch::WildMatch;

/// How many events are remembered to tell duplicates.
const REMEMBERED: usize = 100_000;

/// Shows deliveries, and keeps count of them.
pub(super) struct Display<'a> {
    look: &'a Look,
    session: &'a Session<'a>,
    secrets: Secrets,
    /// What is shown goes there.
    pub page: Page<'a>,
    globs: Vec<WildMatch>,
    zone: jiff::tz::TimeZone,
    seen: Seen,
    budget: Budget,
    tally: Tally,
    hint: Option<(u64, String)>,
    /// Why recording fails just now.
    trouble: Option<String>,
    apps: Apps,
    /// The delivery that was shown last.
    last: Option<String>,
}

impl<'a> Display<'a> {
    pub(super) fn new(look: &'a Look, secrets: Secrets, session: &'a Session<'a>) -> Self {
        Self {
            look,
            session,
            secrets,
            page: Page::new(session),
            globs: look.events.iter().map(|glob| WildMatch::new(glob)).collect(),
            zone: session.world.time_zone(),
            seen: Seen::new(REMEMBERED),
            budget: Budget::new(session.world.now()),
            tally: Tally::default(),
            hint: None,
            trouble: None,
            apps: Apps::default(),
            last: None,
        }
    }

    /// How many verified events were shown.
    pub(super) fn verified(&self) -> u64 {
        self.tally.verified
    }

    /// Says something once so many deliveries are shown.
    pub(super) fn hint_after(&mut self, deliveries: u64, hint: String) {
        self.hint = Some((deliveries, hint));
    }

    /// The listener accepts connections.
    pub(super) fn ready(&mut self, address: SocketAddr, forwarded_to: &str) -> Result<()> {
        let url = format!("http://{address}");
        if self.look.json {
            self.page.record(&render::json::ready(&url))?;
        }
        self.session.say(&format!("listening on {} (any path; Ctrl+C ends)", self.session.err.strong(&url)));
        self.look.events.iter().for_each(|glob| warn_of_unknown_type(glob, self.session));
        if !forwarded_to.is_empty() {
            self.session.say(&format!("verified deliveries go on to {}", sanitize::escape_unsafe(forwarded_to)));
        }
        self.name_secrets("secrets");
        self.page.flush()
    }

    /// Other secrets hold from now on.
    pub(super) fn know(&mut self, secrets: Secrets) {
        self.secrets = secrets;
        self.name_secrets("secrets from now on");
    }

    fn name_secrets(&self, lead: &str) {
        let names = self.secrets.keys.iter().map(|key| format!("{} ({})", key.secret.origin, key.secret.provider));
        self.session.say(&format!("{lead}: {}", sanitize::escape_unsafe(&names.collect::<Vec<_>>().join(", "))));
    }

    /// Takes over from a store which events came before.
    pub(super) fn remember(&mut self, store: &mut dyn Store) -> Result<()> {
        for (provider, key, id) in store.recent_event_keys(REMEMBERED as u64)? {
            self.seen.before(&provider, &key, &id);
        }
        Ok(())
    }

    /// Counts and shows a delivery.
    pub(super) fn received(&mut self, arrived: &AnsweredDelivery) -> Result<()> {
        self.tally.number += 1;
        let received = arrived.received.as_ref();
        *self.tally.by_verdict.entry(received.verdict.code().as_str()).or_default() += 1;
        self.tell_trouble(arrived.store_error.as_deref());
        let name = arrived.id.clone().unwrap_or_else(|| format!("#{}", self.tally.number));
        // What could not be recorded is sent again, and counts then.
        let is_good = arrived.store_error.is_none();
        let duplicate_of = if is_good { self.duplicate_of(received, &name) } else { None };
        self.tally.duplicates += u64::from(duplicate_of.is_some());
        if self.is_wanted(received) {
            self.tally.verified += u64::from(is_good && received.verdict.is_verified());
            let arrival = ListenerFields {
                number: self.tally.number,
                id: arrived.id.as_deref(),
                duplicate_of,
                answered: arrived.status,
            };
            self.show(received, &name, &arrival)?;
        }
        if let Some((_, hint)) = self.hint.take_if(|(after, _)| *after <= self.tally.number) {
            self.page.flush()?;
            // Commands are to be copied, and stay in one line.
            self.session.say(&hint);
        }
        Ok(())
    }

    /// Says that recording fails, or works again: once, not for each delivery.
    fn tell_trouble(&mut self, trouble: Option<&str>) {
        match (trouble, self.trouble.as_deref()) {
            (Some(now), before) if before != Some(now) => {
                let now = sanitize::escape_unsafe(now);
                self.session.warn(&format!("deliveries can't be recorded, and are answered 503: {now}"));
            }
            (None, Some(_)) => self.session.say("deliveries are recorded again"),
            _ => {}
        }
        self.trouble = trouble.map(str::to_owned);
    }

    /// Says what was left from before.
    pub(super) fn taken_up(&self, count: u64) {
        self.session.say(&format!("{} from before still to be sent on", text::count(count, "delivery")));
    }

    /// Shows what the app said, or once, not for each delivery, that it says nothing.
    pub(super) fn forwarded(&mut self, forwarded: &Forwarded) -> Result<()> {
        if self.look.json {
            return self.page.record(&render::json::forwarded(forwarded));
        }
        let lines = self.apps.told(forwarded, self.last.as_deref(), self.session.out);
        lines.iter().try_for_each(|line| self.page.line_below(line))
    }

    /// Counts what came too fast to be shown.
    pub(super) fn missed(&mut self, missed: DroppedEvents) -> Result<()> {
        let DroppedEvents { deliveries, app_answers: answers } = missed;
        self.tally.number += deliveries;
        if self.look.json {
            self.page.record(&render::json::missed(deliveries, answers))?;
        }
        let counts = [(deliveries, "delivery"), (answers, "app answer")].into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| text::count(count, what)).collect();
        let counts = counts.join(" and ");
        self.session.warn(&format!("{counts} not shown: they came too fast; `whtool events` has them"));
        Ok(())
    }

    /// Only a verified delivery can be a duplicate or be repeated: anybody can send an id.
    fn duplicate_of(&mut self, received: &AnalyzedDelivery, name: &str) -> Option<String> {
        let (provider, key) = (received.provider?, received.event.key.as_deref()?);
        received.verdict.is_verified().then(|| self.seen.before(provider, key, name))?
    }

    fn is_wanted(&self, received: &AnalyzedDelivery) -> bool {
        let kind = received.event.kind.as_deref().unwrap_or_default();
        self.globs.is_empty() || self.globs.iter().any(|glob| glob.matches(kind))
    }

    fn show(&mut self, received: &AnalyzedDelivery, name: &str, arrival: &ListenerFields<'_>) -> Result<()> {
        let findings = self.explain(received);
        if self.look.json {
            return self.page.record(&render::json::delivery(received, &findings, arrival));
        }
        let paint = self.session.out;
        let time = received.delivery.arrived.map(|time| time.to_zoned(self.zone.clone()).strftime("%H:%M:%S"));
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        let repeat = arrival.duplicate_of.as_ref().map(|first| format!("duplicate of {first}"));
        let row = text::delivery_row(received, format!("{time}  {name:<4}"))
            .with_cell(text::answer_cell(AnswerState::Answered(Status(arrival.answered))))
            .with_cell(repeat.map(|repeat| Cell::new(CellKind::Duplicate, repeat, Paint::warn)));
        self.page.row(&row, self.look)?;
        let indent = self.page.indent();
        let below = text::warnings(&received.event, indent, paint) + &text::findings(&findings, indent, paint);
        self.page.below(&below, text::FINDING_INDENT)?;
        if self.session.volume == Volume::Verbose {
            self.page.line_below(&paint.faint(&text::body_digest(&received.delivery.request.body)))?;
        }
        self.last = Some(name.to_owned());
        if received.verdict.is_verified() && !self.look.compact {
            let payload = render::payload::lines(&received.delivery.request.body, indent, paint, self.session.reveal);
            self.page.below(&payload, page::HANG)?;
        }
        Ok(())
    }

    fn explain(&mut self, received: &AnalyzedDelivery) -> Vec<Finding> {
        if matches!(received.verdict, Verdict::Verified { .. }) {
            return Vec::new();
        }
        let budget = self.budget.refill(self.session.world.now());
        diagnose::explain(received, &self.secrets.credentials(), budget)
    }

    /// Counts a request that was no delivery, and tells of it: of the first few in each second, since anybody can send them.
    pub(super) fn turned_away(&mut self, request: &RejectedRequest) {
        self.tally.turned_away += 1;
        if self.budget.may_tell(self.session.world.now()) || self.session.volume == Volume::Verbose {
            let RejectedRequest { peer, request, status } = request;
            let is_tls = request.as_bytes().starts_with(&[0x16, 0x03]);
            let what = if is_tls {
                "TLS, and this is plain http".to_owned()
            } else {
                sanitize::first_line(request.as_bytes(), 60)
            };
            self.session.say(&self.session.err.faint(&format!("turned away: {what} → {status} ({peer})")));
        }
    }

    /// How it all went.
    pub(super) fn summary(&self) {
        self.session.say(&self.tally.summary());
    }
}
