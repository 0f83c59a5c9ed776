//! Asks the provider about one reference after the other, as the schedule says, and makes cases of the answers.

use super::super::Session;
use super::super::samples;
use super::Reconcile;
use super::captured::Captured;
use super::journal::{Journal, Known};
use super::reading::{Reading, Trouble, asked, is_the_providers, not_told};
use super::report::{Finished, Report};
use super::source::Source;
use crate::command::shared::api::Access;
use crate::model::error::{Error, Result};
use crate::model::exchange::{Answer, NextRequest, SendFailure, SentRequest};
use crate::model::timestamp::Timestamp;
use crate::provider::api::{self, Unfit};
use crate::provider::record::State;
use crate::provider::{self, Provider};
use crate::reconcile::schedule::{Fared, Fate, Moment, Patience, Schedule, Turn};
use crate::reconcile::{Asked, Case, Order, judge};
use crate::render::reconciled::Extent;
use crate::world::SendStatus;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// A run.
pub(super) struct Asking<'a> {
    args: &'a Reconcile,
    session: &'a Session<'a>,
    schedule: Schedule,
    source: Source<'a>,
    captured: Captured,
    report: Report<'a>,
    journal: Option<Journal<'a>>,
    /// The ways to the providers that were asked so far.
    ways: BTreeMap<&'static str, Access>,
    /// What was asked about, and is not settled.
    open: HashMap<u64, Item>,
    /// How many were handed out.
    numbers: u64,
    started: Timestamp,
    random: Box<dyn FnMut(usize) -> usize + 'a>,
    /// Why nothing more is asked.
    stop: Option<Error>,
}

/// What is asked about.
struct Item {
    order: Order,
    provider: &'static dyn Provider,
}

impl<'a> Asking<'a> {
    /// Opens all there is to open; nothing is asked yet.
    pub(super) fn new(args: &'a Reconcile, session: &'a Session<'a>) -> Result<Self> {
        let mut captured = Captured::open(&args.store, session)?;
        let source = Source::new(args, &mut captured, session)?;
        let wait = args.wait.map(|wait| wait.unsigned_abs()).unwrap_or_default();
        let patience = Patience { concurrency: usize::from(args.concurrency), retries: args.retry, wait };
        Ok(Self {
            schedule: Schedule::new(patience),
            source,
            captured,
            report: Report::new(args, session)?,
            journal: None,
            ways: BTreeMap::new(),
            open: HashMap::new(),
            numbers: 0,
            started: session.world.now(),
            random: Box::new(samples::numbers(session.world)),
            stop: None,
            args,
            session,
        })
    }

    /// Opens the journal, and settles what it knows. What was still open is polled again where there is a wait.
    pub(super) fn take_up_journal(&mut self) -> Result<()> {
        let Some(path) = &self.args.resume else { return Ok(()) };
        let mut known = Vec::new();
        let journal = Journal::open(path, self.args, self.session, &mut |entry| {
            let Known { order, provider, answer } = entry;
            let asked = answer.as_ref().map_or(Asked::Unknown, |body| asked(provider, &order, body));
            let is_open = matches!(&asked, Asked::Found(record) if record.parsed_status.state == State::Open);
            if is_open && self.args.wait.is_some() {
                known.push(Item { order, provider });
                return Ok(());
            }
            let case = self.case(order, provider, &asked)?;
            self.report.take_up(&case, answer.as_ref())
        })?;
        self.journal = Some(journal);
        for item in known {
            let number = self.number();
            self.open.insert(number, item);
            let now = self.now();
            self.schedule.took_up(number, now);
        }
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers - 1
    }

    fn now(&self) -> Moment {
        self.session.world.now().duration_since(self.started).try_into().unwrap_or_default()
    }

    /// What is sent next.
    pub(super) fn next(&mut self) -> NextRequest {
        match self.try_next() {
            Ok(next) => next,
            Err(error) => self.give_up(error),
        }
    }

    fn give_up(&mut self, error: Error) -> NextRequest {
        self.stop.get_or_insert(error);
        NextRequest::Stop
    }

    fn try_next(&mut self) -> Result<NextRequest> {
        while self.stop.is_none() {
            match self.schedule.next(self.now()) {
                Turn::Nothing => break,
                Turn::Wait(span) => {
                    self.report.pause()?;
                    return Ok(NextRequest::Wait(span));
                }
                Turn::Again(number) => return self.ask(number),
                Turn::New => match self.source.next(&mut self.captured)? {
                    None => self.schedule.ran_out(),
                    Some(Err(bad)) => self.report.bad_line(&bad),
                    Some(Ok(order)) => {
                        if let Some(next) = self.begin(order)? {
                            return Ok(next);
                        }
                    }
                },
            }
        }
        Ok(if self.stop.is_some() { NextRequest::Stop } else { NextRequest::Nothing })
    }

    /// Begins to ask about a reference, unless the journal knows it or nothing finds it.
    fn begin(&mut self, order: Order) -> Result<Option<NextRequest>> {
        if self.journal.as_ref().is_some_and(|journal| journal.knows(&order)) {
            return Ok(None);
        }
        let number = self.number();
        let provider = self.args.provider.unwrap_or_else(|| provider::by_reference(&order.reference));
        if provider.lookup(&order.reference).is_none() {
            let why = format!("{} documents no call for it, only for {}", provider.title(), provider.looks_up());
            self.settle(number, Item { order, provider }, &Asked::NotTold(why), None)?;
            return Ok(None);
        }
        self.find_way(provider)?;
        self.open.insert(number, Item { order, provider });
        let now = self.now();
        self.schedule.started(number, now);
        self.ask(number).map(Some)
    }

    /// Finds out where a provider's API is, and the key for it.
    fn find_way(&mut self, provider: &'static dyn Provider) -> Result<()> {
        if self.ways.contains_key(provider.name()) {
            return Ok(());
        }
        if self.args.api.names_one() && !self.ways.is_empty() {
            return Err(Error::usage("a key or URL was named, and there are references of two providers")
                .because("what is meant for one is not sent to the other")
                .hint("say --provider, or set the environment variables of both"));
        }
        self.ways.insert(provider.name(), Access::of(provider, &self.args.api, self.session)?);
        if self.captured.is_open() && !self.captured.has(provider)? {
            let title = provider.title();
            self.report.say(&format!("no webhook of {title} was captured here: records are held against orders only"));
        }
        Ok(())
    }

    fn ask(&self, number: u64) -> Result<NextRequest> {
        let unknown = || Error::failed("a reference got lost");
        let item = self.open.get(&number).ok_or_else(unknown)?;
        let way = self.ways.get(item.provider.name()).ok_or_else(unknown)?;
        let call = item.provider.lookup(&item.order.reference).ok_or_else(unknown)?;
        let outgoing = call.outgoing(number, item.provider.api(), &way.base, &way.key);
        outgoing.map(NextRequest::Send).map_err(|error| Error::credentials("the API key can't be sent").because(error))
    }

    /// Takes an answer in.
    pub(super) fn done(&mut self, sent: SentRequest) {
        if let Err(error) = self.take(sent) {
            self.give_up(error);
        }
    }

    fn take(&mut self, sent: SentRequest) -> Result<()> {
        let Some(item) = self.open.remove(&sent.number) else { return Ok(()) };
        let reading = self.read(&item, sent.answer);
        let fared = match &reading {
            Reading::Hopeless(_) => Fared::Failed,
            Reading::Told(Asked::Found(record), _) if record.parsed_status.state == State::Open => Fared::Open,
            Reading::Told(..) => Fared::Answered,
            Reading::Trouble(trouble) => trouble.fared(),
        };
        let (now, jitter) = (self.now(), u32::try_from((self.random)(1_000)).unwrap_or_default());
        let reading = match reading {
            Reading::Hopeless(error) => return Err(error),
            other => other,
        };
        match (self.schedule.fared(sent.number, fared, now, jitter), reading) {
            (Fate::Again, _) => {
                self.open.insert(sent.number, item);
                Ok(())
            }
            (_, Reading::Told(asked, body)) => self.settle(sent.number, item, &asked, body.as_ref()),
            (Fate::AllDown, Reading::Trouble(trouble)) => Err(self.error(&item, trouble)),
            (_, Reading::Trouble(trouble)) => {
                let why = format!("asked {} times: {}", u64::from(self.args.retry) + 1, trouble.words(item.provider));
                self.settle(sent.number, item, &Asked::NotTold(why), None)
            }
            (_, Reading::Hopeless(error)) => Err(error),
        }
    }

    /// What an answer comes to. What is wrong with the very first one is wrong with all of them.
    fn read(&self, item: &Item, answer: std::result::Result<Answer, SendFailure>) -> Reading {
        let is_first = !self.schedule.was_answered();
        let answer = match answer {
            Err(failure @ SendFailure::Connect(_)) if is_first => {
                return Reading::Hopeless(self.error(item, Trouble::Failure(failure)));
            }
            Err(failure) => return Reading::Trouble(Trouble::Failure(failure)),
            Ok(answer) => answer,
        };
        let unfit = match api::read(item.provider, &answer, self.session.world.now()) {
            Ok(body) => return Reading::Told(asked(item.provider, &item.order, &body), Some(body)),
            Err(unfit) => unfit,
        };
        match &unfit {
            Unfit::Refused { status: 404, .. } if is_the_providers(&answer) => Reading::Told(Asked::Unknown, None),
            Unfit::Refused { status: 401 | 403, .. } => Reading::Hopeless(self.error(item, Trouble::Unfit(unfit))),
            Unfit::Refused { .. } if unfit.may_pass() => Reading::Trouble(Trouble::Unfit(unfit)),
            Unfit::Refused { status, .. } if *status != 404 => not_told(item.provider, unfit),
            Unfit::Strange(_) => not_told(item.provider, unfit),
            _ if is_first => Reading::Hopeless(self.error(item, Trouble::Unfit(unfit))),
            _ => not_told(item.provider, unfit),
        }
    }

    fn error(&self, item: &Item, trouble: Trouble) -> Error {
        let what = format!("can't look {} up", item.order.reference);
        match trouble {
            Trouble::Unfit(unfit) => unfit.error(item.provider, &what),
            Trouble::Failure(failure) => match self.ways.get(item.provider.name()) {
                Some(way) => way.unreachable(&failure, &what),
                None => Error::failed(what).because(failure),
            },
        }
    }

    fn case(&mut self, order: Order, provider: &'static dyn Provider, asked: &Asked) -> Result<Case> {
        let record = if let Asked::Found(record) = asked { Some((**record).clone()) } else { None };
        let mut names = vec![order.reference.as_str()];
        names.extend(record.iter().map(|record| record.reference.as_str()));
        names.extend(record.iter().filter_map(|record| record.merchant_reference.as_deref()));
        let webhooks = self.captured.webhooks(provider, &names)?;
        let judgement = judge(provider, &order, asked, webhooks.as_ref());
        Ok(Case { order, provider, record, webhooks: webhooks.map(|webhooks| webhooks.told), judgement })
    }

    fn settle(&mut self, number: u64, item: Item, asked: &Asked, body: Option<&Value>) -> Result<()> {
        if let Some(journal) = &mut self.journal
            && !matches!(asked, Asked::NotTold(_))
        {
            journal.add(&item.order, item.provider, body)?;
        }
        let case = self.case(item.order, item.provider, asked)?;
        self.report.settle(number, &case, body)
    }

    /// The end: what is known is written.
    pub(super) fn finish(mut self, end: SendStatus) -> Result<Finished> {
        let is_whole = end == SendStatus::Complete && self.stop.is_none();
        if let Some(journal) = &mut self.journal {
            journal.sync()?;
        }
        let extent = if is_whole { Extent::Whole } else { Extent::Partial };
        self.report.finish(extent, self.stop)
    }
}
