//! Plays the provider: sends what each probe says, one after the other, and judges what comes back.
//!
//! A handler that takes no good event, or takes everything, or dies, is one diagnosis: what stands on it is not run. How each kind
//! of probe is tried stands in the files below; this one sends, keeps what was learned, and looks whether the handler still lives.

mod counted;
mod raw;
mod single;
mod start;

use super::cause::Cause;
use super::draft::{Draft, Maker};
use super::footing::Footing;
use super::framework;
use super::judge::Judgement;
use super::probe::{Grade, Group, Make, Probe, Trial};
use super::probes::probes;
use super::reply::{Came, Exchange, Reply};
use super::report::{Outcome, Report};
use super::rewriter::Observation;
use super::selection::Selection;
use crate::diagnose::frameworks::Framework;
use crate::model::error::{Error, Result};
use crate::model::message::Request;
use crate::model::signature::Key;
use crate::model::timestamp::Timestamp;
use crate::provider::Provider;
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

/// So many requests are waited for as long as the budget is; after that, what is so much slower than the slowest good answer
/// counts as no answer. A handler that hangs on all that is odd would take minutes otherwise.
const HANGS: u32 = 3;
const MUCH_SLOWER: u32 = 20;
const SHORTEST: Duration = Duration::from_millis(500);

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
    raw::attribute(&mut outcomes, &conduct.seen);
    Ok(Report { outcomes, footing: conduct.footing_words, framework: conduct.answers.framework })
}

/// What was learned from all answers.
#[derive(Default)]
struct Answers {
    taken: u32,
    hung: u32,
    slowest: Duration,
    framework: Option<&'static Framework>,
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
        let found = self.found(probe)?;
        let Found((grade, cause), what, exchanges, shown_by) = self.unless_limited(found);
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

    /// A handler that limits the rate says nothing about what it was sent, and nothing more can be learned from it.
    fn unless_limited(&mut self, found: Found) -> Found {
        let is_limit = |exchange: &Exchange| exchange.reply.status() == Some(TOO_MANY);
        let Some(at) = found.2.iter().position(is_limit) else { return found };
        self.stopped = Some("the handler limits the rate of requests");
        let what = format!("answered {TOO_MANY} after {} good answers", self.answers.taken);
        Found((Grade::Fail, Some(Cause::RateLimited)), what, found.2, at)
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
        self.good_event_within(self.patience())
    }

    fn good_event_within(&mut self, limit: Duration) -> Result<Exchange> {
        let draft = self.maker().event();
        self.sent(draft, limit)
    }

    fn one(&mut self, draft: Draft) -> Result<Exchange> {
        self.sent(draft, self.patience())
    }

    /// Sends what a probe of one request is made of. `None`: it does not apply here.
    fn tried(&mut self, make: &Make) -> Result<Option<Exchange>> {
        let draft = make(&mut self.maker()).into_iter().next();
        draft.map(|draft| self.one(draft)).transpose()
    }

    /// How long is waited for an answer: the budget, and less where several never came though others came fast.
    fn patience(&self) -> Duration {
        let Answers { slowest, taken, hung, .. } = self.answers;
        let shorter = (slowest * MUCH_SLOWER).max(SHORTEST);
        if hung > HANGS && taken > 0 { shorter.min(self.plan.budget) } else { self.plan.budget }
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

/// Too Many Requests (RFC 6585).
const TOO_MANY: u16 = 429;

const NOT_HERE: &str = "it does not apply to this secret";

impl Answers {
    fn learn(&mut self, reply: &Reply) {
        self.hung += u32::from(reply.came() == Came::Hung);
        let Ok(answer) = &reply.answer else { return };
        self.framework = self.framework.or_else(|| framework::detect(answer));
        if reply.came() == Came::Taken {
            self.taken += 1;
            self.slowest = self.slowest.max(reply.took);
        }
    }
}

fn observation(exchange: &Exchange) -> Observation {
    Observation { body: exchange.request.body.clone(), taken: exchange.reply.came() == Came::Taken }
}
