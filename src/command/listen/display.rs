//! What a listener shows: a line for each delivery, then its payload or the cause of its refusal; or JSON records.

use super::Look;
use super::seen::Seen;
use crate::command::known::Secrets;
use crate::command::{Session, Volume};
use crate::delivery::{Received, TurnedAway};
use crate::diagnose::{self, Effort, Finding, Purse};
use crate::error::Result;
use crate::kept::{Forwarded, Sequel};
use crate::provider;
use crate::render::json::Arrival;
use crate::render::paint::Paint;
use crate::render::row::{Field, Overflow, Tells};
use crate::render::width::Width;
use crate::render::{self, escape, text};
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;
use crate::world::{Arrived, Missed, Store, Stream};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::SocketAddr;
use wildmatch::WildMatch;

/// How many events are remembered to tell duplicates.
const REMEMBERED: usize = 100_000;

/// What explaining refusals may cost in a second: a fifth of one, or a little more: under a flood of them
/// honest senders must not wait.
const A_SECOND: Purse = Purse::of(Effort(Effort::THOROUGH.0 * 3), 100);

/// Shows deliveries, and keeps count of them.
pub(super) struct Display<'a> {
    look: &'a Look,
    session: &'a Session<'a>,
    secrets: Secrets,
    output: Box<dyn Write + 'a>,
    /// Whether a person sits at the output; what is no terminal never becomes one.
    is_terminal: bool,
    globs: Vec<WildMatch>,
    zone: jiff::tz::TimeZone,
    seen: Seen,
    budget: Budget,
    number: u64,
    verified: u64,
    duplicates: u64,
    turned_away: u64,
    by_verdict: BTreeMap<&'static str, u64>,
    hint: Option<(u64, String)>,
    /// When output was last written out for its own sake.
    flushed: Timestamp,
    /// Why recording fails just now.
    trouble: Option<String>,
    /// Apps that did not answer when they were last asked.
    silent_apps: BTreeSet<String>,
    /// The delivery that was shown last.
    last: Option<String>,
}

/// What may be spent on explaining refusals: so much a second, so that a flood of them costs honest senders little.
struct Budget {
    left: Purse,
    /// How many requests that were turned away may still be told of.
    tellings: u32,
    since: Timestamp,
}

impl Budget {
    fn refill(&mut self, now: Timestamp) -> &mut Purse {
        if now.duration_since(self.since).as_secs() >= 1 {
            *self = Self::new(now);
        }
        &mut self.left
    }

    fn new(now: Timestamp) -> Self {
        Self { left: A_SECOND, tellings: 5, since: now }
    }

    fn may_tell(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let may = self.tellings > 0;
        self.tellings = self.tellings.saturating_sub(1);
        may
    }
}

impl<'a> Display<'a> {
    pub(super) fn new(look: &'a Look, secrets: Secrets, session: &'a Session<'a>) -> Self {
        Self {
            look,
            session,
            secrets,
            output: session.world.output(),
            is_terminal: session.world.is_terminal(Stream::Output),
            globs: look.events.iter().map(|glob| WildMatch::new(glob)).collect(),
            zone: session.world.time_zone(),
            seen: Seen::new(REMEMBERED),
            budget: Budget::new(session.world.now()),
            number: 0,
            verified: 0,
            duplicates: 0,
            turned_away: 0,
            by_verdict: BTreeMap::new(),
            hint: None,
            flushed: session.world.now(),
            trouble: None,
            silent_apps: BTreeSet::new(),
            last: None,
        }
    }

    /// How many verified events were shown.
    pub(super) fn verified(&self) -> u64 {
        self.verified
    }

    /// Says something once so many deliveries are shown.
    pub(super) fn hint_after(&mut self, deliveries: u64, hint: String) {
        self.hint = Some((deliveries, hint));
    }

    /// The listener accepts connections.
    pub(super) fn ready(&mut self, address: SocketAddr, forwarded_to: &str) -> Result<()> {
        let url = format!("http://{address}");
        if self.look.json {
            self.output.write_all(&render::json::ready(&url))?;
        }
        self.say(&format!("listening on {} (any path; Ctrl+C ends)", self.session.err.strong(&url)));
        for glob in self.look.events.iter().filter(|glob| !is_of_a_known_type(glob)) {
            self.session.warn(&format!("no documented event type matches `{}`", escape::harmless(glob)));
        }
        if !forwarded_to.is_empty() {
            self.say(&format!("verified deliveries go on to {}", escape::harmless(forwarded_to)));
        }
        self.name_secrets("secrets");
        self.flush()
    }

    /// Other secrets hold from now on.
    pub(super) fn know(&mut self, secrets: Secrets) {
        self.secrets = secrets;
        self.name_secrets("secrets from now on");
    }

    fn name_secrets(&self, lead: &str) {
        let names = self.secrets.keys.iter().map(|key| format!("{} ({})", key.secret.origin, key.secret.provider));
        self.say(&format!("{lead}: {}", escape::harmless(&names.collect::<Vec<_>>().join(", "))));
    }

    /// Writes out what was shown so far, if that was not done for a second: under load there is always more to come.
    pub(super) fn flush_at_times(&mut self, now: Timestamp) -> Result<()> {
        if now.duration_since(self.flushed).as_secs() >= 1 {
            self.flushed = now;
            self.flush()?;
        }
        Ok(())
    }

    /// Writes out what was shown so far.
    pub(super) fn flush(&mut self) -> Result<()> {
        Ok(self.output.flush()?)
    }

    /// Takes over from a store which events came before.
    pub(super) fn remember(&mut self, store: &mut dyn Store) -> Result<()> {
        for (provider, key, id) in store.recent_keys(REMEMBERED as u64)? {
            self.seen.before(&provider, &key, &id);
        }
        Ok(())
    }

    /// Counts and shows a delivery.
    pub(super) fn received(&mut self, arrived: &Arrived) -> Result<()> {
        self.number += 1;
        let received = arrived.received.as_ref();
        *self.by_verdict.entry(received.verdict.code()).or_default() += 1;
        self.tell_trouble(arrived.trouble.as_deref());
        let name = arrived.id.clone().unwrap_or_else(|| format!("#{}", self.number));
        // What could not be recorded is sent again, and counts then.
        let is_good = arrived.trouble.is_none();
        let duplicate_of = if is_good { self.duplicate_of(received, &name) } else { None };
        self.duplicates += u64::from(duplicate_of.is_some());
        if self.is_wanted(received) {
            self.verified += u64::from(is_good && received.verdict.is_verified());
            let arrival =
                Arrival { number: self.number, id: arrived.id.as_deref(), duplicate_of, answered: arrived.answered };
            self.show(received, &name, &arrival)?;
        }
        if let Some((_, hint)) = self.hint.take_if(|(after, _)| *after <= self.number) {
            self.flush()?;
            // Commands are to be copied, and stay in one line.
            self.session.say(&hint);
        }
        Ok(())
    }

    /// Says that recording fails, or works again: once, not for each delivery.
    fn tell_trouble(&mut self, trouble: Option<&str>) {
        match (trouble, self.trouble.as_deref()) {
            (Some(now), before) if before != Some(now) => {
                let now = escape::harmless(now);
                self.session.warn(&format!("deliveries can't be recorded, and are answered 503: {now}"));
            }
            (None, Some(_)) => self.say("deliveries are recorded again"),
            _ => {}
        }
        self.trouble = trouble.map(str::to_owned);
    }

    /// Says what was left from before.
    pub(super) fn taken_up(&self, count: u64) {
        self.say(&format!("{} from before still to be sent on", text::count(count, "delivery")));
    }

    /// Shows what the app said, or once, not for each delivery, that it says nothing.
    pub(super) fn forwarded(&mut self, forwarded: &Forwarded) -> Result<()> {
        let Forwarded { id, attempt, sequel, .. } = forwarded;
        if self.look.json {
            return Ok(self.output.write_all(&render::json::forwarded(forwarded))?);
        }
        let app = attempt
            .url
            .parse::<url::Url>()
            .map_or_else(|_| attempt.url.clone(), |url| url.origin().ascii_serialization());
        let paint = self.session.out;
        let was_silent = match &attempt.outcome {
            Ok(_) => self.silent_apps.remove(&app),
            Err(_) => !self.silent_apps.insert(app.clone()),
        };
        match &attempt.outcome {
            Err(failure) if !was_silent => {
                let failure = escape::harmless(failure);
                self.write_below(&paint.bad(&format!("✗ {app} does not answer: {failure}")))?;
            }
            Ok(_) if was_silent => self.write_below(&paint.good(&format!("✓ {app} answers again")))?,
            _ => {}
        }
        if let Ok(answer) = &attempt.outcome {
            let said = text::answer(answer, attempt.took, paint);
            let said = if (200..300).contains(&answer.status) {
                said.lines().next().unwrap_or_default().to_owned()
            } else {
                said
            };
            let of = if self.last.as_deref() == Some(id) { String::new() } else { format!("{id}  ") };
            self.write_below(&format!("→ {of}{said}{}", paint.faint(&spoken(*sequel))))?;
        } else if *sequel == Sequel::GivenUp {
            self.write_below(&format!("→ {id}  {}", paint.bad("given up; `whtool replay` sends it again")))?;
        }
        Ok(())
    }

    /// Counts what came too fast to be shown.
    pub(super) fn missed(&mut self, missed: Missed) -> Result<()> {
        let Missed { deliveries, answers } = missed;
        self.number += deliveries;
        if self.look.json {
            self.output.write_all(&render::json::missed(deliveries, answers))?;
        }
        let counts = [(deliveries, "delivery"), (answers, "app answer")].into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| text::count(count, what)).collect();
        let counts = counts.join(" and ");
        self.session.warn(&format!("{counts} not shown: they came too fast; `whtool events` has them"));
        Ok(())
    }

    /// Only a verified delivery can be a duplicate or be repeated: anybody can send an id.
    fn duplicate_of(&mut self, received: &Received, name: &str) -> Option<String> {
        let (provider, key) = (received.provider?, received.event.key.as_deref()?);
        received.verdict.is_verified().then(|| self.seen.before(provider, key, name))?
    }

    fn is_wanted(&self, received: &Received) -> bool {
        let kind = received.event.kind.as_deref().unwrap_or_default();
        self.globs.is_empty() || self.globs.iter().any(|glob| glob.matches(kind))
    }

    fn show(&mut self, received: &Received, name: &str, arrival: &Arrival<'_>) -> Result<()> {
        let findings = self.explain(received);
        if self.look.json {
            return Ok(self.output.write_all(&render::json::delivery(received, &findings, arrival))?);
        }
        let paint = self.session.out;
        let time = received.delivery.arrived.map(|time| time.to_zoned(self.zone.clone()).strftime("%H:%M:%S"));
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        let repeat = arrival.duplicate_of.as_ref().map(|first| format!("duplicate of {first}"));
        let row = text::delivery(received, format!("{time}  {name:<4}"))
            .and(text::answered(arrival.answered))
            .and(repeat.map(|repeat| Field::new(Tells::Repeat, repeat, Paint::warn)));
        let (width, indent) = (self.width(), self.indent());
        let overflow = if self.look.compact { Overflow::LeftOut } else { Overflow::SetIn(indent.len()) };
        self.output.write_all(row.text(width, overflow, paint).as_bytes())?;
        let below = text::warnings(&received.event, indent, paint) + &text::findings(&findings, indent, paint);
        self.output.write_all(width.folded(&below, text::FINDING).as_bytes())?;
        if self.session.volume == Volume::Verbose {
            self.write_below(&paint.faint(&text::body_hash(&received.delivery.request.body)))?;
        }
        self.last = Some(name.to_owned());
        if received.verdict.is_verified() && !self.look.compact {
            let payload = render::payload::lines(&received.delivery.request.body, indent, paint, self.session.reveal);
            self.output.write_all(width.folded(&payload, HANG).as_bytes())?;
        }
        Ok(())
    }

    /// Says something in lines that fit.
    fn say(&self, text: &str) {
        self.session.say(&Width::of(self.session.world.columns(Stream::Error)).folded(text, HANG));
    }

    /// How wide the output is now: a person may change that meanwhile.
    fn width(&self) -> Width {
        let columns = self.is_terminal.then(|| self.session.world.columns(Stream::Output));
        Width::of(columns.flatten())
    }

    /// Writes a line under an event.
    fn write_below(&mut self, line: &str) -> Result<()> {
        let line = format!("{}{line}\n", self.indent());
        Ok(self.output.write_all(self.width().folded(&line, HANG).as_bytes())?)
    }

    fn indent(&self) -> &'static str {
        if matches!(self.width(), Width::Narrow(_)) { NARROW_INDENT } else { INDENT }
    }

    fn explain(&mut self, received: &Received) -> Vec<Finding> {
        if matches!(received.verdict, Verdict::Verified { .. }) {
            return Vec::new();
        }
        let purse = self.budget.refill(self.session.world.now());
        diagnose::explain(received, &self.secrets.known(), Effort::USUAL, purse)
    }

    /// Counts a request that was no delivery, and tells of it: of the first few in each second, since anybody can send them.
    pub(super) fn turned_away(&mut self, request: &TurnedAway) {
        self.turned_away += 1;
        if self.budget.may_tell(self.session.world.now()) || self.session.volume == Volume::Verbose {
            let TurnedAway { peer, request, status } = request;
            let is_tls = request.as_bytes().starts_with(&[0x16, 0x03]);
            let what = if is_tls {
                "TLS, and this is plain http".to_owned()
            } else {
                escape::one_line(request.as_bytes(), 60)
            };
            self.say(&self.session.err.faint(&format!("turned away: {what} → {status} ({peer})")));
        }
    }

    /// How it all went.
    pub(super) fn summary(&self) {
        let verdicts: Vec<_> =
            self.by_verdict.iter().map(|(code, count)| format!("{count} {}", code.replace('_', " "))).collect();
        let mut summary = text::count(self.number, "delivery");
        if !verdicts.is_empty() {
            summary = format!("{summary}: {}", verdicts.join(", "));
        }
        if self.duplicates > 0 {
            summary.push_str(&format!("; {}", text::count(self.duplicates, "duplicate")));
        }
        if self.turned_away > 0 {
            summary.push_str(&format!("; {} turned away", text::count(self.turned_away, "request")));
        }
        self.say(&summary);
    }
}

fn is_of_a_known_type(glob: &str) -> bool {
    let glob = WildMatch::new(glob);
    provider::ALL.iter().flat_map(|provider| provider.event_types()).any(|known| glob.matches(known.name))
}

/// What follows an attempt, for the end of its line.
fn spoken(sequel: Sequel) -> String {
    match sequel {
        Sequel::Taken => String::new(),
        Sequel::Again(pause) => format!("  · again in {}", text::duration(pause)),
        Sequel::GivenUp => "  · not tried again".to_owned(),
    }
}

/// What stands under an event is set in.
const INDENT: &str = "                ";
/// The same in a narrow terminal: under the event's number.
const NARROW_INDENT: &str = "          ";
/// What a line has no room for is set in by so much more.
const HANG: usize = 4;
