//! Plays the provider: sends what each probe says, one after the other, and judges what comes back.
//!
//! A handler that takes no good event, or takes everything, or dies, is one diagnosis: what stands on it is not run.

use super::cause::Cause;
use super::draft::{Draft, Maker};
use super::footing::Footing;
use super::framework::Framework;
use super::judge::{self, Judgement};
use super::probe::{Grade, Group, Make, Probe, Topic, Trial};
use super::probes::probes;
use super::reply::{Came, Exchange, Reply};
use super::report::{Outcome, Report};
use super::rewriter::{self, Observation};
use super::selection::Selection;
use crate::error::{Error, Result};
use crate::exchange::SendFailure;
use crate::message::Request;
use crate::provider::Provider;
use crate::signature::Key;
use crate::timestamp::Timestamp;
use std::time::Duration;
use url::Url;

/// What is checked, and how.
pub struct Plan {
    /// Whose events are sent.
    pub provider: &'static dyn Provider,
    /// The key that they are signed with.
    pub key: Key,
    /// The handler.
    pub url: Url,
    /// How long an answer may take.
    pub budget: Duration,
    /// Which probes are run.
    pub selection: Selection,
}

/// What the probes are sent by.
pub trait Target {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// A number below this one that nobody chose.
    fn random(&mut self, below: usize) -> usize;
    /// Sends these at the same moment, and returns what came back, in the same order. Fails only when nothing can be sent at all.
    fn send(&mut self, requests: &[Request], limit: Duration) -> Result<Vec<Reply>>;
    /// How often the handler's work was done so far, once that stands still. `None`: nobody counts it.
    fn effects(&mut self) -> Result<Option<i64>>;
}

/// How many twins of a refused body are tried.
const TWINS: usize = 6;

/// How much longer than the budget is waited once, to tell a slow handler from one that hangs.
const PATIENCE: u32 = 5;

/// Runs the chosen probes; `step` is called after each.
pub fn run(plan: &Plan, target: &mut dyn Target, step: &mut dyn FnMut()) -> Result<Report> {
    let footing = Footing::all(plan.provider).swap_remove(0);
    let (seen, answers) = (Vec::new(), Answers::default());
    let mut conduct =
        Conduct { plan, target, footing, footing_words: None, stopped: None, checks: true, seen, answers };
    let mut outcomes = Vec::new();
    for probe in probes(plan.provider).iter().filter(|probe| plan.selection.takes(probe)) {
        outcomes.push(conduct.outcome(probe)?);
        step();
    }
    attribute(&mut outcomes, &conduct.seen);
    Ok(Report { outcomes, footing: conduct.footing_words, framework: conduct.answers.framework })
}

/// What was learned from all answers.
#[derive(Default)]
struct Answers {
    taken: u32,
    slowest: Duration,
    framework: Option<Framework>,
}

struct Conduct<'a> {
    plan: &'a Plan,
    target: &'a mut dyn Target,
    footing: Footing,
    footing_words: Option<String>,
    /// Why nothing more is run.
    stopped: Option<&'static str>,
    /// Whether signatures are looked at.
    checks: bool,
    seen: Vec<Observation>,
    answers: Answers,
}

/// An outcome in the making: grade and cause, what happened, the exchanges and which of them shows it.
struct Found(Judgement, String, Vec<Exchange>, usize);

impl Found {
    fn new(judgement: Judgement, what: impl Into<String>, exchanges: Vec<Exchange>) -> Self {
        let shown_by = exchanges.len().saturating_sub(1);
        Self(judgement, what.into(), exchanges, shown_by)
    }

    fn not_run(why: &str) -> Self {
        Self::new((Grade::NotRun, None), why, Vec::new())
    }
}

impl Conduct<'_> {
    fn outcome(&mut self, probe: &Probe) -> Result<Outcome> {
        let Found((grade, cause), what, exchanges, shown_by) = self.found(probe)?;
        let Probe { group, why, page, .. } = *probe;
        Ok(Outcome { id: probe.id.clone(), group, why, page, grade, what, cause, exchanges, shown_by })
    }

    fn found(&mut self, probe: &Probe) -> Result<Found> {
        if let Some(why) = self.stopped {
            return Ok(Found::not_run(why));
        }
        if !self.checks && matches!(probe.group, Group::Refuse | Group::Raw) {
            return Ok(Found::not_run("signatures are not checked at all"));
        }
        match &probe.trial {
            Trial::Footing => self.find_footing(),
            Trial::Screen => self.screen(),
            Trial::Accept(make) => self.accept(probe, make),
            Trial::Refuse(make) => self.refuse(probe, make),
            Trial::Raw(make) => self.raw(make),
            Trial::Survive(make) => self.survive(probe, make),
            Trial::SameMoment(make) => self.same_moment(probe, make),
            Trial::Twice(make) => self.twice(probe, make),
            Trial::Amount(make) => self.amount(probe, make),
            Trial::Open(make, meanings) => self.open(probe, make, meanings),
            Trial::Budget => Ok(self.budget()),
        }
    }

    /// Finds out how a good event is taken.
    fn find_footing(&mut self) -> Result<Found> {
        let mut tried: Vec<(Footing, Exchange)> = Vec::new();
        for footing in Footing::all(self.plan.provider) {
            self.footing = footing;
            let exchange = self.good_event()?;
            let came = exchange.reply.came();
            if let (Came::Gone, Err(SendFailure::Connect(why))) = (came, &exchange.reply.answer) {
                return Err(nobody(&self.plan.url, why));
            }
            tried.push((self.footing.clone(), exchange));
            match came {
                Came::Taken => return Ok(self.found_footing(tried)),
                Came::Hung if tried.iter().filter(|(_, tried)| tried.reply.came() == Came::Hung).count() > 1 => break,
                Came::Closed | Came::Redirected if tried.len() > 1 => break,
                Came::Refused if is_absent(&exchange_of(&tried).reply) => break,
                _ => {}
            }
        }
        self.no_footing(tried)
    }

    fn found_footing(&mut self, tried: Vec<(Footing, Exchange)>) -> Found {
        let own = |other: &Footing| other.form == self.footing.form && other.sample == self.footing.sample;
        let seen = tried.iter().filter(|(footing, _)| own(footing)).map(|(_, exchange)| observation(exchange));
        self.seen = seen.collect();
        let words = self.footing.words(self.plan.provider);
        self.footing_words = (!words.is_empty()).then_some(words);
        let exchange = tried.into_iter().next_back().map(|(_, exchange)| exchange);
        Found::new((Grade::Pass, None), "a correctly signed event is taken", exchange.into_iter().collect())
    }

    fn no_footing(&mut self, tried: Vec<(Footing, Exchange)>) -> Result<Found> {
        self.stopped = Some("no correctly signed event is taken");
        let mut exchanges: Vec<_> = tried.into_iter().map(|(_, exchange)| exchange).collect();
        let ways = exchanges.len();
        exchanges.truncate(1);
        let reply = exchanges.first().map(|exchange| exchange.reply.clone());
        let came = reply.as_ref().map_or(Came::Closed, Reply::came);
        let mut cause = judge::of_nothing(came, reply.as_ref().and_then(Reply::status));
        let mut what = reply.as_ref().map(Reply::words).unwrap_or_default();
        if ways > 1 {
            what = format!("{what}, also to {} other ways of sending one", ways - 1);
        }
        if came == Came::Hung {
            self.footing = Footing::all(self.plan.provider).swap_remove(0);
            let late = self.good_event_within(self.plan.budget * PATIENCE)?;
            if late.reply.came() != Came::Hung {
                cause = Cause::Slow;
                what = format!("{} after {:.1} s", late.reply.words(), late.reply.took.as_secs_f64());
                exchanges = vec![late];
            }
        }
        Ok(Found::new((Grade::Fail, Some(cause)), what, exchanges))
    }

    /// Whether a wrong signature and a missing one are both taken.
    fn screen(&mut self) -> Result<Found> {
        let mut maker = self.maker();
        let (name, body) = (maker.signature(), maker.event().body);
        let drafts = [maker.signed_with(b"whsec_not_the_secret".to_vec(), body), maker.event().without(name)];
        let mut exchanges = Vec::new();
        for draft in drafts {
            exchanges.push(self.one(draft)?);
        }
        self.checks = exchanges.iter().any(|exchange| exchange.reply.came() != Came::Taken);
        let words = exchanges.first().map(|exchange| exchange.reply.words()).unwrap_or_default();
        Ok(match self.checks {
            true => Found::new((Grade::Pass, None), "not everything is taken", exchanges),
            false => {
                let judgement = (Grade::Fail, Some(Cause::NotChecked));
                Found(judgement, format!("{words} to a wrong signature, and to none"), exchanges, 0)
            }
        })
    }

    fn accept(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let mut exchanges = Vec::new();
        for draft in make(&mut self.maker()) {
            let exchange = self.one(draft)?;
            let judgement = judge::of_good(exchange.reply.came(), probe.topic, probe.weight);
            let words = exchange.reply.words();
            exchanges.push(exchange);
            if judgement.0 != Grade::Pass {
                return self.unless_dead(Found::new(judgement, format!("{words}; 2xx was due"), exchanges));
            }
        }
        Ok(Found::new((Grade::Pass, None), "taken", exchanges))
    }

    fn refuse(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let exchange = self.one(draft)?;
        let judgement = judge::of_bad(exchange.reply.came(), probe.topic, probe.weight);
        let words = exchange.reply.words();
        let what = if judgement.0 == Grade::Pass { words } else { format!("{words}; a refusal (4xx) was due") };
        self.unless_dead(Found::new(judgement, what, vec![exchange]))
    }

    /// A refusal counts only when a plain twin with the same values is taken.
    fn raw(&mut self, make: &Make) -> Result<Found> {
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let exchange = self.one(draft)?;
        let (came, words) = (exchange.reply.came(), exchange.reply.words());
        match came {
            Came::Taken => {
                self.seen.push(observation(&exchange));
                Ok(Found::new((Grade::Pass, None), "taken", vec![exchange]))
            }
            Came::Refused | Came::Failed => self.raw_refused(exchange, &words),
            _ => {
                let judgement = judge::of_good(came, Topic::Event, Grade::Fail);
                self.unless_dead(Found::new(judgement, format!("{words}; 2xx was due"), vec![exchange]))
            }
        }
    }

    fn raw_refused(&mut self, refused: Exchange, words: &str) -> Result<Found> {
        let mut seen = vec![observation(&refused)];
        for body in rewriter::twins(&refused.request.body, &self.seen, TWINS) {
            let draft = self.maker().signed(body);
            let twin = self.one(draft)?;
            seen.push(observation(&twin));
            if twin.reply.came() == Came::Taken {
                self.seen.append(&mut seen);
                let judgement = (Grade::Fail, Some(Cause::Rewritten(Vec::new())));
                let what = format!("{words}; the same values in another spelling were taken");
                return Ok(Found(judgement, what, vec![refused, twin], 0));
            }
        }
        let judgement = (Grade::Info, Some(Cause::ValuesRefused));
        Ok(Found::new(judgement, format!("{words}, also to the same values in other spellings"), vec![refused]))
    }

    fn survive(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let odd = self.one(draft)?;
        let judgement = judge::of_odd(odd.reply.came(), probe.topic, probe.weight);
        let words = odd.reply.words();
        let good = self.good_event()?;
        if good.reply.came() == Came::Taken {
            return Ok(Found(judgement, format!("{words}; the next good event was taken"), vec![odd, good], 0));
        }
        self.died(odd, good)
    }

    fn same_moment(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let before = self.target.effects()?;
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let exchanges = self.together(vec![draft.clone(), draft], self.plan.budget)?;
        let worst = exchanges.iter().enumerate().max_by_key(|(_, exchange)| badness(exchange.reply.came()));
        let (shown_by, came) = worst.map_or((0, Came::Closed), |(at, exchange)| (at, exchange.reply.came()));
        let words: Vec<_> = exchanges.iter().map(|exchange| exchange.reply.words()).collect();
        let judgement = judge::of_good(came, probe.topic, Grade::Warn);
        if judgement.0 != Grade::Pass {
            return self.unless_dead(Found(
                judgement,
                format!("{}; 2xx was due for both", words.join(" and ")),
                exchanges,
                shown_by,
            ));
        }
        self.counted(before, exchanges, "both were taken")
    }

    fn twice(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let Some(before) = self.target.effects()? else {
            return Ok(Found::not_run("nobody counts the work: --effects says how"));
        };
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let mut exchanges = Vec::new();
        for draft in [draft.clone(), draft] {
            let exchange = self.one(draft)?;
            let judgement = judge::of_good(exchange.reply.came(), probe.topic, probe.weight);
            let what = exchange.reply.words();
            exchanges.push(exchange);
            if judgement.0 != Grade::Pass {
                return self.unless_dead(Found::new(judgement, what, exchanges));
            }
        }
        self.counted(Some(before), exchanges, "both were taken")
    }

    /// How often the work was done for one event that came twice.
    fn counted(&mut self, before: Option<i64>, exchanges: Vec<Exchange>, words: &str) -> Result<Found> {
        let (Some(before), Some(after)) = (before, self.target.effects()?) else {
            return Ok(Found::new((Grade::Pass, None), words, exchanges));
        };
        let (judgement, done) = match after - before {
            1 => ((Grade::Pass, None), "the work was done once".to_owned()),
            0 => (
                (Grade::NotRun, None),
                "no work was done: it may want an order that it knows, or the count is of something else".to_owned(),
            ),
            times => ((Grade::Fail, Some(Cause::DoneTwice)), format!("the work was done {times} times")),
        };
        Ok(Found::new(judgement, format!("{words}; {done}"), exchanges))
    }

    fn amount(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let before = self.target.effects()?;
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let exchange = self.one(draft)?;
        let (came, words) = (exchange.reply.came(), exchange.reply.words());
        let judgement = judge::of_odd(came, probe.topic, probe.weight);
        if judgement.0 != Grade::Pass {
            return self.unless_dead(Found::new(judgement, words, vec![exchange]));
        }
        let (judgement, meaning) = match (before, self.target.effects()?) {
            (Some(before), Some(after)) if after > before => {
                ((Grade::Warn, Some(Cause::AmountIgnored)), "and the work was done")
            }
            (Some(_), Some(_)) => ((Grade::Pass, None), "and no work was done"),
            _ => {
                ((Grade::Info, None), "whether it compares the amount with the order, no answer tells; --effects does")
            }
        };
        Ok(Found::new(judgement, format!("{words}; {meaning}"), vec![exchange]))
    }

    fn open(&mut self, probe: &Probe, make: &Make, [taken, refused]: &[&'static str; 2]) -> Result<Found> {
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let exchange = self.one(draft)?;
        let (came, words) = (exchange.reply.came(), exchange.reply.words());
        let (judgement, meaning) = match came {
            Came::Taken => ((Grade::Info, None), *taken),
            Came::Refused | Came::Redirected => ((Grade::Info, None), *refused),
            _ => (judge::of_odd(came, probe.topic, Grade::Warn), "it may be refused, and should not break anything"),
        };
        self.unless_dead(Found::new(judgement, format!("{words}: {meaning}"), vec![exchange]))
    }

    fn budget(&self) -> Found {
        let Answers { taken, slowest, .. } = self.answers;
        let what = format!("the slowest of {taken} good answers took {:.0} ms", slowest.as_secs_f64() * 1e3);
        Found::new((Grade::Pass, None), what, Vec::new())
    }

    /// Where a connection was closed, looks whether the handler still lives.
    fn unless_dead(&mut self, found: Found) -> Result<Found> {
        let ended = |exchange: &Exchange| matches!(exchange.reply.came(), Came::Closed | Came::Gone);
        let Found(_, _, exchanges, shown_by) = &found;
        let Some(last) = exchanges.get(*shown_by).filter(|exchange| ended(exchange)).cloned() else { return Ok(found) };
        let good = self.good_event()?;
        if good.reply.came() == Came::Taken { Ok(found) } else { self.died(last, good) }
    }

    /// After the first of these, the second, a good event, was not taken.
    fn died(&mut self, odd: Exchange, good: Exchange) -> Result<Found> {
        let what = format!("{}; then a good event: {}", odd.reply.words(), good.reply.words());
        // A process that is just ending may still take a connection.
        let is_back = good.reply.came() == Came::Closed && self.good_event()?.reply.came() == Came::Taken;
        if !is_back && good.reply.status().is_none() {
            self.stopped = Some("the handler is gone since an earlier probe");
        }
        Ok(Found((Grade::Fail, Some(Cause::Died)), what, vec![odd, good], 0))
    }

    fn maker(&mut self) -> Maker<'_> {
        let now = self.target.now();
        Maker { plan: self.plan, footing: &self.footing, now, target: &mut *self.target }
    }

    fn good_event(&mut self) -> Result<Exchange> {
        self.good_event_within(self.plan.budget)
    }

    fn good_event_within(&mut self, limit: Duration) -> Result<Exchange> {
        let draft = self.maker().event();
        self.sent(draft, limit)
    }

    fn one(&mut self, draft: Draft) -> Result<Exchange> {
        self.sent(draft, self.plan.budget)
    }

    fn sent(&mut self, draft: Draft, limit: Duration) -> Result<Exchange> {
        let exchange = self.together(vec![draft], limit)?.pop();
        exchange.ok_or_else(|| Error::failed("a request was sent, and nothing is known of it"))
    }

    fn together(&mut self, drafts: Vec<Draft>, limit: Duration) -> Result<Vec<Exchange>> {
        let made: Result<Vec<_>, _> = drafts.into_iter().map(|draft| draft.request(&self.plan.url)).collect();
        let requests = made.map_err(|error| Error::failed("can't write a request").because(error))?;
        let replies = self.target.send(&requests, limit)?;
        let exchanges = requests.into_iter().zip(replies).map(|(request, reply)| Exchange { request, reply });
        let exchanges: Vec<_> = exchanges.collect();
        exchanges.iter().for_each(|exchange| self.answers.learn(&exchange.reply));
        Ok(exchanges)
    }
}

const NOT_HERE: &str = "it does not apply to this secret";

impl Answers {
    fn learn(&mut self, reply: &Reply) {
        let Ok(answer) = &reply.answer else { return };
        self.framework = self.framework.or_else(|| Framework::of(answer));
        if reply.came() == Came::Taken {
            self.taken += 1;
            self.slowest = self.slowest.max(reply.took);
        }
    }
}

fn nobody(url: &Url, why: &str) -> Error {
    Error::failed(format!("nobody answers at {url}"))
        .because(format!("can't connect: {why}"))
        .hint("start the handler, or let check do it: --start 'node server.js'")
}

fn exchange_of(tried: &[(Footing, Exchange)]) -> &Exchange {
    &tried.last().expect("one was tried just now").1
}

/// Whether there is no such page.
fn is_absent(reply: &Reply) -> bool {
    matches!(reply.status(), Some(404 | 405 | 410))
}

fn badness(came: Came) -> u8 {
    match came {
        Came::Taken => 0,
        Came::Refused => 1,
        Came::Redirected => 2,
        Came::Failed => 3,
        Came::Closed | Came::Gone | Came::Hung => 4,
    }
}

fn observation(exchange: &Exchange) -> Observation {
    Observation { body: exchange.request.body.clone(), taken: exchange.reply.came() == Came::Taken }
}

/// Gives the raw-body probes the rewriters that fit, and every refusal that these explain the same cause.
fn attribute(outcomes: &mut [Outcome], seen: &[Observation]) {
    if seen.iter().all(|seen| seen.taken) {
        return;
    }
    let fitting = rewriter::fitting(seen);
    let explains = |exchange: &Exchange| {
        let body = &exchange.request.body;
        !fitting.is_empty()
            && fitting.iter().all(|rewriter| rewriter.rewrite(body).is_none_or(|written| written != *body))
    };
    for outcome in outcomes {
        let is_refusal = matches!(
            outcome.cause,
            Some(Cause::EventRefused | Cause::EventCrash | Cause::LargeRefused | Cause::OrderRefused)
        );
        let is_explained = is_refusal && outcome.exchange().is_some_and(explains);
        if is_explained || matches!(outcome.cause, Some(Cause::Rewritten(_))) {
            outcome.cause = Some(Cause::Rewritten(fitting.clone()));
        }
    }
}
