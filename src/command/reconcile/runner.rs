//! Asks the provider about one reference after the other, as the schedule says, and makes cases of the answers.

use super::super::Session;
use super::super::samples;
use super::Reconcile;
use super::answer::{LookupError, LookupResult, is_api_answer, parse_record, unusable};
use super::captured::CapturedWebhooks;
use super::journal::{Journal, KnownAnswer};
use super::report::{FinishedRun, ReportWriter};
use super::source::OrderSource;
use crate::command::shared::api::ApiClient;
use crate::model::error::{Error, Result};
use crate::model::exchange::{Answer, NextRequest, SendFailure, SentRequest};
use crate::model::timestamp::Timestamp;
use crate::provider::api::{self, ResponseError};
use crate::provider::record::RecordState;
use crate::provider::{self, Provider};
use crate::reconcile::schedule::{AttemptResult, Decision, Elapsed, NextAction, Schedule, SchedulePolicy};
use crate::reconcile::{Lookup, Order, ReconciledReference, compare};
use crate::render::reconcile::Completeness;
use crate::world::SendStatus;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// A run.
pub(super) struct ReconcileRun<'a> {
    args: &'a Reconcile,
    session: &'a Session<'a>,
    schedule: Schedule,
    source: OrderSource<'a>,
    captured: CapturedWebhooks,
    report: ReportWriter<'a>,
    journal: Option<Journal<'a>>,
    /// The ways to the providers that were asked so far.
    api_access: BTreeMap<&'static str, ApiClient>,
    /// What was asked about, and is not settled.
    open: HashMap<u64, PendingLookup>,
    /// How many were handed out.
    numbers: u64,
    started: Timestamp,
    random: Box<dyn FnMut(usize) -> usize + 'a>,
    /// Why nothing more is asked.
    stop: Option<Error>,
}

/// What is asked about.
struct PendingLookup {
    order: Order,
    provider: &'static dyn Provider,
}

impl<'a> ReconcileRun<'a> {
    /// Opens all there is to open; nothing is asked yet.
    pub(super) fn new(args: &'a Reconcile, session: &'a Session<'a>) -> Result<Self> {
        let mut captured = CapturedWebhooks::open(&args.store, session)?;
        let source = OrderSource::new(args, &mut captured, session)?;
        let wait = args.wait.map(|wait| wait.unsigned_abs()).unwrap_or_default();
        let patience = SchedulePolicy { concurrency: usize::from(args.concurrency), retries: args.retry, wait };
        Ok(Self {
            schedule: Schedule::new(patience),
            source,
            captured,
            report: ReportWriter::new(args, session)?,
            journal: None,
            api_access: BTreeMap::new(),
            open: HashMap::new(),
            numbers: 0,
            started: session.world.now(),
            random: Box::new(samples::random_numbers(session.world)),
            stop: None,
            args,
            session,
        })
    }

    /// Opens the journal, and settles what it knows. What was still open is polled again where there is a wait.
    pub(super) fn load_journal(&mut self) -> Result<()> {
        let Some(path) = &self.args.resume else { return Ok(()) };
        let mut known = Vec::new();
        let journal = Journal::open(path, self.args, self.session, &mut |entry| {
            let KnownAnswer { order, provider, answer } = entry;
            let asked = answer.as_ref().map_or(Lookup::NotFound, |body| parse_record(provider, &order, body));
            let is_open = matches!(&asked, Lookup::Found(record) if record.parsed_status.state == RecordState::Open);
            if is_open && self.args.wait.is_some() {
                known.push(PendingLookup { order, provider });
                return Ok(());
            }
            let reconciled = self.compare_reference(order, provider, &asked)?;
            self.report.add_known(&reconciled, answer.as_ref())
        })?;
        self.journal = Some(journal);
        for item in known {
            let number = self.number();
            self.open.insert(number, item);
            let now = self.now();
            self.schedule.resume_open(number, now);
        }
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers - 1
    }

    fn now(&self) -> Elapsed {
        self.session.world.now().duration_since(self.started).try_into().unwrap_or_default()
    }

    /// What is sent next.
    pub(super) fn next_request(&mut self) -> NextRequest {
        match self.try_next_request() {
            Ok(next) => next,
            Err(error) => self.give_up(error),
        }
    }

    fn give_up(&mut self, error: Error) -> NextRequest {
        self.stop.get_or_insert(error);
        NextRequest::Stop
    }

    fn try_next_request(&mut self) -> Result<NextRequest> {
        while self.stop.is_none() {
            match self.schedule.next_action(self.now()) {
                NextAction::Finished => break,
                NextAction::Wait(span) => {
                    self.report.flush()?;
                    return Ok(NextRequest::Wait(span));
                }
                NextAction::Retry(number) => return self.build_request(number),
                NextAction::StartNew => match self.source.next(&mut self.captured)? {
                    None => self.schedule.end_input(),
                    Some(Err(bad)) => self.report.bad_line(&bad),
                    Some(Ok(order)) => {
                        if let Some(next) = self.start_lookup(order)? {
                            return Ok(next);
                        }
                    }
                },
            }
        }
        Ok(if self.stop.is_some() { NextRequest::Stop } else { NextRequest::Nothing })
    }

    /// Begins to ask about a reference, unless the journal knows it or nothing finds it.
    fn start_lookup(&mut self, order: Order) -> Result<Option<NextRequest>> {
        if self.journal.as_ref().is_some_and(|journal| journal.contains(&order)) {
            return Ok(None);
        }
        let number = self.number();
        let provider = self.args.provider.unwrap_or_else(|| provider::by_reference(&order.reference));
        if provider.lookup_call(&order.reference).is_none() {
            let why =
                format!("{} documents no call for it, only for {}", provider.title(), provider.lookup_description());
            self.settle(number, PendingLookup { order, provider }, &Lookup::Failed(why), None)?;
            return Ok(None);
        }
        self.open_api(provider)?;
        self.open.insert(number, PendingLookup { order, provider });
        let now = self.now();
        self.schedule.start(number, now);
        self.build_request(number).map(Some)
    }

    /// Finds out where a provider's API is, and the key for it.
    fn open_api(&mut self, provider: &'static dyn Provider) -> Result<()> {
        if self.api_access.contains_key(provider.name()) {
            return Ok(());
        }
        if self.args.api.is_for_one_provider() && !self.api_access.is_empty() {
            return Err(Error::usage("a key or URL was named, and there are references of two providers")
                .because("what is meant for one is not sent to the other")
                .hint("say --provider, or set the environment variables of both"));
        }
        self.api_access.insert(provider.name(), ApiClient::new(provider, &self.args.api, self.session)?);
        if self.captured.is_open() && !self.captured.has_any_from(provider)? {
            let title = provider.title();
            self.report.say(&format!("no webhook of {title} was captured here: records are held against orders only"));
        }
        Ok(())
    }

    fn build_request(&self, number: u64) -> Result<NextRequest> {
        let unknown = || Error::failed("a reference got lost");
        let item = self.open.get(&number).ok_or_else(unknown)?;
        let way = self.api_access.get(item.provider.name()).ok_or_else(unknown)?;
        let call = item.provider.lookup_call(&item.order.reference).ok_or_else(unknown)?;
        let outgoing = call.outgoing(number, item.provider.api(), &way.base, &way.key);
        outgoing.map(NextRequest::Send).map_err(|error| Error::credentials("the API key can't be sent").because(error))
    }

    /// Takes an answer in.
    pub(super) fn handle_answer(&mut self, sent: SentRequest) {
        if let Err(error) = self.try_handle_answer(sent) {
            self.give_up(error);
        }
    }

    fn try_handle_answer(&mut self, sent: SentRequest) -> Result<()> {
        let Some(item) = self.open.remove(&sent.number) else { return Ok(()) };
        let reading = self.interpret(&item, sent.answer);
        let fared = match &reading {
            LookupResult::Fatal(_) => AttemptResult::Failed,
            LookupResult::Usable(Lookup::Found(record), _) if record.parsed_status.state == RecordState::Open => {
                AttemptResult::StillOpen
            }
            LookupResult::Usable(..) => AttemptResult::Settled,
            LookupResult::Retryable(trouble) => trouble.attempt_result(),
        };
        let (now, jitter) = (self.now(), u32::try_from((self.random)(1_000)).unwrap_or_default());
        let reading = match reading {
            LookupResult::Fatal(error) => return Err(error),
            other => other,
        };
        match (self.schedule.record_result(sent.number, fared, now, jitter), reading) {
            (Decision::Retry, _) => {
                self.open.insert(sent.number, item);
                Ok(())
            }
            (_, LookupResult::Usable(asked, body)) => self.settle(sent.number, item, &asked, body.as_ref()),
            (Decision::Abort, LookupResult::Retryable(trouble)) => Err(self.lookup_error(&item, trouble)),
            (_, LookupResult::Retryable(trouble)) => {
                let why = format!("asked {} times: {}", u64::from(self.args.retry) + 1, trouble.reason(item.provider));
                self.settle(sent.number, item, &Lookup::Failed(why), None)
            }
            (_, LookupResult::Fatal(error)) => Err(error),
        }
    }

    /// What an answer comes to. What is wrong with the very first one is wrong with all of them.
    fn interpret(&self, item: &PendingLookup, answer: std::result::Result<Answer, SendFailure>) -> LookupResult {
        let is_first = !self.schedule.has_answer();
        let answer = match answer {
            Err(failure @ SendFailure::Connect(_)) if is_first => {
                return LookupResult::Fatal(self.lookup_error(item, LookupError::NoAnswer(failure)));
            }
            Err(failure) => return LookupResult::Retryable(LookupError::NoAnswer(failure)),
            Ok(answer) => answer,
        };
        let unfit = match api::parse_response(item.provider, &answer, self.session.world.now()) {
            Ok(body) => return LookupResult::Usable(parse_record(item.provider, &item.order, &body), Some(body)),
            Err(unfit) => unfit,
        };
        match &unfit {
            ResponseError::Rejected { status: 404, .. } if is_api_answer(&answer) => {
                LookupResult::Usable(Lookup::NotFound, None)
            }
            ResponseError::Rejected { status: 401 | 403, .. } => {
                LookupResult::Fatal(self.lookup_error(item, LookupError::Unusable(unfit)))
            }
            ResponseError::Rejected { .. } if unfit.is_retryable() => {
                LookupResult::Retryable(LookupError::Unusable(unfit))
            }
            ResponseError::Rejected { status, .. } if *status != 404 => unusable(item.provider, unfit),
            ResponseError::Unexpected(_) => unusable(item.provider, unfit),
            _ if is_first => LookupResult::Fatal(self.lookup_error(item, LookupError::Unusable(unfit))),
            _ => unusable(item.provider, unfit),
        }
    }

    fn lookup_error(&self, item: &PendingLookup, trouble: LookupError) -> Error {
        let what = format!("can't look {} up", item.order.reference);
        match trouble {
            LookupError::Unusable(unfit) => unfit.to_error(item.provider, &what),
            LookupError::NoAnswer(failure) => match self.api_access.get(item.provider.name()) {
                Some(way) => way.connection_error(&failure, &what),
                None => Error::failed(what).because(failure),
            },
        }
    }

    fn compare_reference(
        &mut self,
        order: Order,
        provider: &'static dyn Provider,
        asked: &Lookup,
    ) -> Result<ReconciledReference> {
        let record = if let Lookup::Found(record) = asked { Some((**record).clone()) } else { None };
        let mut names = vec![order.reference.as_str()];
        names.extend(record.iter().map(|record| record.reference.as_str()));
        names.extend(record.iter().filter_map(|record| record.merchant_reference.as_deref()));
        let webhooks = self.captured.webhooks(provider, &names)?;
        let assessment = compare(provider, &order, asked, webhooks.as_ref());
        Ok(ReconciledReference {
            order,
            provider,
            record,
            webhooks: webhooks.map(|webhooks| webhooks.deliveries),
            assessment,
        })
    }

    fn settle(&mut self, number: u64, item: PendingLookup, asked: &Lookup, body: Option<&Value>) -> Result<()> {
        if let Some(journal) = &mut self.journal
            && !matches!(asked, Lookup::Failed(_))
        {
            journal.add(&item.order, item.provider, body)?;
        }
        let reconciled = self.compare_reference(item.order, item.provider, asked)?;
        self.report.add(number, &reconciled, body)
    }

    /// The end: what is known is written.
    pub(super) fn finish(mut self, end: SendStatus) -> Result<FinishedRun> {
        let is_whole = end == SendStatus::Complete && self.stop.is_none();
        if let Some(journal) = &mut self.journal {
            journal.sync()?;
        }
        let completeness = if is_whole { Completeness::Complete } else { Completeness::Partial };
        self.report.finish(completeness, self.stop)
    }
}
