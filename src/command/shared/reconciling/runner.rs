//! Runs the lookups: sends what the schedule asks for, classifies the answers and passes the
//! results on.

use super::answer::{LookupError, LookupResult, is_api_answer, parse_record, unusable};
use super::captured::CapturedWebhooks;
use super::journal::{Journal, KnownAnswer};
use super::results::Results;
use super::{AnsweredOrder, FinishedRun, LookupOptions, OrderSource, ResultSink, RunEnd, SourceItem};
use crate::command::shared::api::ApiClient;
use crate::command::{Session, samples};
use crate::model::error::{Error, Result};
use crate::model::exchange::{Answer, NextRequest, SendFailure, SentRequest};
use crate::model::timestamp::Timestamp;
use crate::provider::api::{self, ResponseError};
use crate::provider::record::RecordState;
use crate::provider::{self, Provider};
use crate::reconcile::report::{ApiMode, ComparedApi};
use crate::reconcile::schedule::{AttemptResult, Decision, Elapsed, NextAction, Schedule, SchedulePolicy};
use crate::reconcile::{Acceptance, Class, Lookup, Order, ReconciledReference, ReplayEvent, compare};
use crate::settings::registry::Mode;
use crate::world::SendStatus;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Number of known answers without a look at Ctrl+C. Each look may take a millisecond.
const KNOWN_BATCH: u64 = 1_024;
/// Longest time until buffered output and the journal are looked at again.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct LookupRun<'a> {
    options: &'a LookupOptions<'a>,
    session: &'a Session<'a>,
    schedule: Schedule,
    source: &'a mut dyn OrderSource,
    captured: CapturedWebhooks,
    results: Results<'a>,
    journal: Option<Journal<'a>>,
    /// API access by provider, opened when first needed.
    api_access: BTreeMap<&'static str, ApiClient>,
    /// Lookups without a final result, by number.
    open: HashMap<u64, PendingLookup>,
    /// The number of the next lookup.
    next_number: u64,
    started: Timestamp,
    random: Box<dyn FnMut(usize) -> usize + 'a>,
    /// The error that stops the run.
    stop: Option<Error>,
}

struct PendingLookup {
    order: Order,
    provider: &'static dyn Provider,
    /// A finding that is known before the lookup.
    finding: Option<(Class, String)>,
}

impl<'a> LookupRun<'a> {
    /// Prepares a run. Nothing is sent yet.
    pub(super) fn new(
        session: &'a Session<'a>,
        options: &'a LookupOptions<'a>,
        captured: CapturedWebhooks,
        source: &'a mut dyn OrderSource,
        sinks: Vec<&'a mut dyn ResultSink>,
    ) -> Self {
        let wait = options.wait.map(|wait| wait.unsigned_abs()).unwrap_or_default();
        let policy = SchedulePolicy { concurrency: usize::from(options.concurrency), retries: options.retry, wait };
        Self {
            schedule: Schedule::new(policy),
            source,
            captured,
            results: Results::new(options, sinks, session),
            journal: None,
            api_access: BTreeMap::new(),
            open: HashMap::new(),
            next_number: 0,
            started: session.world.now(),
            random: Box::new(samples::random_numbers(session.world)),
            stop: None,
            options,
            session,
        }
    }

    /// Opens the journal of an interrupted run, or starts a new one.
    pub(super) fn load_journal(&mut self) -> Result<()> {
        let Some(options) = &self.options.journal else { return Ok(()) };
        let journal = Journal::open(options, self.options.api, self.session)?;
        if let Some(text) = journal.describe_start() {
            self.results.say(&text);
        }
        self.journal = Some(journal);
        Ok(())
    }

    fn take_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    fn now(&self) -> Elapsed {
        self.session.world.now().duration_since(self.started).try_into().unwrap_or_default()
    }

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
                NextAction::Finished if self.open.is_empty() => break,
                NextAction::Finished => return self.idle(IDLE_INTERVAL),
                NextAction::Wait(span) => return self.idle(span),
                NextAction::Retry(number) => return self.build_request(number),
                NextAction::StartNew => match self.source.next(&mut self.captured)? {
                    None => {
                        self.add_unlisted()?;
                        self.schedule.end_input();
                    }
                    Some(SourceItem::BadLine(bad)) => self.results.bad_line(&bad)?,
                    Some(SourceItem::Order(order)) => {
                        if let Some(next) = self.start_lookup(order)? {
                            return Ok(next);
                        }
                    }
                    Some(SourceItem::Answered(answered)) => {
                        self.add_answered(*answered)?;
                        if let Some(pause) = self.pause_among_known() {
                            return Ok(pause);
                        }
                    }
                },
            }
        }
        Ok(if self.stop.is_some() { NextRequest::Stop } else { NextRequest::Nothing })
    }

    /// Lets the sender notice Ctrl+C between many known answers.
    fn pause_among_known(&self) -> Option<NextRequest> {
        self.next_number.is_multiple_of(KNOWN_BATCH).then_some(NextRequest::Wait(Duration::ZERO))
    }

    /// Writes what is buffered, and waits for an answer.
    fn idle(&mut self, span: Duration) -> Result<NextRequest> {
        self.results.flush()?;
        if let Some(journal) = &mut self.journal {
            journal.sync_if_due()?;
        }
        Ok(NextRequest::Wait(span.min(IDLE_INTERVAL)))
    }

    /// Adds the answers in the journal whose captures the source no longer lists.
    fn add_unlisted(&mut self) -> Result<()> {
        let unlisted = self.journal.as_mut().map(Journal::take_unlisted).transpose()?.unwrap_or_default();
        for KnownAnswer { order, provider, answer } in unlisted {
            self.add_known(order, provider, &answer)?;
        }
        Ok(())
    }

    fn add_known(&mut self, order: Order, provider: &'static dyn Provider, answer: &Value) -> Result<()> {
        let lookup = parse_record(provider, &order, answer);
        let reconciled = self.compare_reference(order, provider, &lookup, Some(answer))?;
        let number = self.take_number();
        self.results.add(number, reconciled)
    }

    /// Starts a lookup, unless the journal has the answer or the provider has no call for it.
    fn start_lookup(&mut self, order: Order) -> Result<Option<NextRequest>> {
        let provider = self.options.provider.unwrap_or_else(|| provider::by_reference(&order.reference));
        let known = self.journal.as_mut().map(|journal| journal.take(&order, provider)).transpose()?.flatten();
        if let Some(answer) = known {
            self.add_known(order, provider, &answer)?;
            return Ok(self.pause_among_known());
        }
        let number = self.take_number();
        if provider.lookup_call(&order.reference).is_none() {
            let why = format!(
                "{} has no API call for this reference, only for {}",
                provider.title(),
                provider.lookup_description()
            );
            self.settle(number, PendingLookup { order, provider, finding: None }, &Lookup::Failed(why), None)?;
            return Ok(None);
        }
        self.open_api(provider)?;
        self.open.insert(number, PendingLookup { order, provider, finding: None });
        let now = self.now();
        self.schedule.start(number, now);
        self.build_request(number).map(Some)
    }

    /// Adds an order whose record is known. With a wait, an open payment is polled.
    fn add_answered(&mut self, answered: AnsweredOrder) -> Result<()> {
        let AnsweredOrder { order, provider, lookup, body, finding } = answered;
        let (number, now) = (self.take_number(), self.now());
        self.open_api(provider)?;
        if let Some(journal) = &mut self.journal {
            // The list is newer than an answer of the run before.
            journal.take(&order, provider)?;
        }
        let mut item = PendingLookup { order, provider, finding };
        match &lookup {
            Lookup::Found(record) if self.options.wait.is_some() && record.parsed_status.state == RecordState::Open => {
                if item.order.reference != record.reference {
                    // It is polled under the provider's reference.
                    let number = std::mem::replace(&mut item.order.reference, record.reference.clone());
                    item.order.own_id.get_or_insert(number);
                }
                self.open.insert(number, item);
                self.schedule.start_open(number, now);
                Ok(())
            }
            _ => self.pass_on(number, item, &lookup, body.as_ref()),
        }
    }

    /// Finds the base URL and the key of a provider's API.
    fn open_api(&mut self, provider: &'static dyn Provider) -> Result<()> {
        if self.api_access.contains_key(provider.name()) {
            return Ok(());
        }
        if self.options.api.is_for_one_provider() && !self.api_access.is_empty() {
            return Err(Error::usage("an API key or URL was given, but the references belong to two providers")
                .because("a key is never sent to another provider")
                .hint("use --provider, or set the environment variables of both providers"));
        }
        let opened = self.options.client.clone().filter(|client| client.provider.name() == provider.name());
        let client = opened.map_or_else(|| ApiClient::new(provider, self.options.api, self.session), Ok)?;
        self.api_access.insert(provider.name(), client);
        if self.captured.is_open() && !self.captured.has_any_from(provider)? {
            let title = provider.title();
            self.results.say(&format!("no webhooks of {title} were captured: records are only compared with orders"));
        }
        Ok(())
    }

    fn build_request(&self, number: u64) -> Result<NextRequest> {
        let unknown = || Error::failed("internal error: unknown lookup");
        let item = self.open.get(&number).ok_or_else(unknown)?;
        let access = self.api_access.get(item.provider.name()).ok_or_else(unknown)?;
        let call = item.provider.lookup_call(&item.order.reference).ok_or_else(unknown)?;
        let outgoing = call.outgoing(number, item.provider.api(), (&access.base, access.reach), &access.key);
        outgoing.map(NextRequest::send).map_err(|error| Error::credentials("the API key can't be sent").because(error))
    }

    pub(super) fn handle_answer(&mut self, sent: SentRequest) {
        if let Err(error) = self.try_handle_answer(sent) {
            self.give_up(error);
        }
    }

    fn try_handle_answer(&mut self, sent: SentRequest) -> Result<()> {
        let Some(item) = self.open.remove(&sent.number) else { return Ok(()) };
        let result = self.interpret(&item, sent.answer);
        let attempt = match &result {
            LookupResult::Fatal(_) => AttemptResult::Failed,
            LookupResult::Usable(Lookup::Found(record), _) if record.parsed_status.state == RecordState::Open => {
                AttemptResult::StillOpen
            }
            LookupResult::Usable(..) => AttemptResult::Settled,
            LookupResult::Retryable(error) => error.attempt_result(),
        };
        let (now, random) = (self.now(), u32::try_from((self.random)(1_000)).unwrap_or_default());
        match (self.schedule.record_result(sent.number, attempt, now, random), result) {
            (_, LookupResult::Fatal(error)) => Err(error),
            (Decision::Retry, _) => {
                self.open.insert(sent.number, item);
                Ok(())
            }
            (_, LookupResult::Usable(lookup, body)) => self.settle(sent.number, item, &lookup, body.as_ref()),
            (Decision::Abort, LookupResult::Retryable(error)) => Err(self.lookup_error(&item, error)),
            (_, LookupResult::Retryable(error)) => {
                let attempts = u64::from(self.options.retry) + 1;
                let reason = format!("failed {attempts} times: {}", error.reason(item.provider));
                self.settle(sent.number, item, &Lookup::Failed(reason), None)
            }
        }
    }

    /// Classifies an answer. An error in the very first one is taken to affect all of them.
    fn interpret(&self, item: &PendingLookup, answer: std::result::Result<Answer, SendFailure>) -> LookupResult {
        let is_resumed = self.journal.as_ref().is_some_and(Journal::is_resumed);
        let is_first = !self.schedule.has_answer() && !is_resumed;
        let answer = match answer {
            Err(failure) if is_first && failure.is_unsent() => {
                return LookupResult::Fatal(self.lookup_error(item, LookupError::NoAnswer(failure)));
            }
            Err(failure) => return LookupResult::Retryable(LookupError::NoAnswer(failure)),
            Ok(answer) => answer,
        };
        let error = match api::parse_response(item.provider, &answer, self.session.world.now()) {
            Ok(body) => return LookupResult::Usable(parse_record(item.provider, &item.order, &body), Some(body)),
            Err(error) => error,
        };
        match &error {
            ResponseError::Rejected { status: 404, .. } if is_api_answer(&answer) => {
                LookupResult::Usable(Lookup::NotFound, None)
            }
            ResponseError::Rejected { status: 401 | 403, .. } => {
                LookupResult::Fatal(self.lookup_error(item, LookupError::Unusable(error)))
            }
            ResponseError::Rejected { .. } if error.is_retryable() => {
                LookupResult::Retryable(LookupError::Unusable(error))
            }
            ResponseError::Rejected { status, .. } if *status != 404 => unusable(item.provider, error),
            ResponseError::Unexpected(_) => unusable(item.provider, error),
            _ if is_first => LookupResult::Fatal(self.lookup_error(item, LookupError::Unusable(error))),
            _ => unusable(item.provider, error),
        }
    }

    fn lookup_error(&self, item: &PendingLookup, error: LookupError) -> Error {
        let what = format!("can't look up {}", item.order.reference);
        match error {
            LookupError::Unusable(error) => error.to_error(item.provider, &what),
            LookupError::NoAnswer(failure) => match self.api_access.get(item.provider.name()) {
                Some(access) => access.connection_error(&failure, &what),
                None => Error::failed(what).because(failure),
            },
        }
    }

    fn compare_reference(
        &mut self,
        order: Order,
        provider: &'static dyn Provider,
        lookup: &Lookup,
        body: Option<&Value>,
    ) -> Result<ReconciledReference> {
        let record = if let Lookup::Found(record) = lookup { Some((**record).clone()) } else { None };
        let mut references = vec![order.reference.as_str()];
        references.extend(record.iter().map(|record| record.reference.as_str()));
        references.extend(record.iter().filter_map(|record| record.merchant_reference.as_deref()));
        let webhooks = self.captured.webhooks(provider, &references)?;
        let mut assessment = compare(provider, &order, lookup, webhooks.as_ref(), &self.options.rules);
        let webhooks = webhooks.map(|webhooks| webhooks.deliveries);
        let replay = ReplayEvent::choose(provider, &mut assessment, body);
        Ok(ReconciledReference {
            order,
            provider,
            record,
            webhooks,
            assessment,
            acceptance: Acceptance::Counted,
            replay,
            compared: self.session.world.now(),
        })
    }

    /// Passes on the final result of a lookup, and saves it in the journal unless it may change.
    fn settle(&mut self, number: u64, item: PendingLookup, lookup: &Lookup, body: Option<&Value>) -> Result<()> {
        if let (Some(journal), Lookup::Found(record), Some(body)) = (&mut self.journal, lookup, body)
            && record.parsed_status.state.is_final()
        {
            journal.add(&item.order, item.provider, body)?;
        }
        self.pass_on(number, item, lookup, body)
    }

    /// Compares a reference and passes on the result.
    fn pass_on(&mut self, number: u64, item: PendingLookup, lookup: &Lookup, body: Option<&Value>) -> Result<()> {
        let PendingLookup { order, provider, finding } = item;
        let mut reconciled = self.compare_reference(order, provider, lookup, body)?;
        if let Some((class, reason)) = finding {
            reconciled.assessment.add(class, reason);
        }
        self.results.add(number, reconciled)
    }

    /// Passes on the remaining results and closes the journal.
    pub(super) fn finish(mut self, status: SendStatus) -> FinishedRun {
        let mut stop = self.stop.or(self.results.add_waiting().err());
        if let Some(journal) = &mut self.journal {
            let is_complete = status == SendStatus::Complete && stop.is_none();
            let closed = if is_complete { journal.finish() } else { journal.sync() };
            stop = stop.or(closed.err());
        }
        let end = match (status, stop) {
            (SendStatus::Interrupted, _) => RunEnd::Interrupted,
            (SendStatus::Complete, Some(error)) => RunEnd::Stopped(error),
            (SendStatus::Complete, None) => RunEnd::Complete,
        };
        let apis = self.api_access.values().map(|api| ComparedApi {
            title: api.provider.title(),
            host: api.base.host_str().unwrap_or_default().to_owned(),
            mode: if api.mode() == Mode::Test { ApiMode::Test } else { ApiMode::Live },
        });
        FinishedRun { apis: apis.collect(), totals: self.results.totals, end }
    }
}
