//! Reads a provider's own list, page by page, with the retries and pauses of a lookup.

use super::LookupOptions;
use super::answer::LookupError;
use crate::command::shared::api::ApiClient;
use crate::command::{Session, samples};
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, SentRequest};
use crate::model::timestamp::Timestamp;
use crate::provider::api::{self, ApiCall, ResponseError};
use crate::provider::listing::{RecordList, RecordPage};
use crate::reconcile::page_walk::{Coverage, PageWalk, WalkStep};
use crate::reconcile::schedule::{AttemptResult, Decision, Elapsed, NextAction, Schedule, SchedulePolicy};
use crate::world::{SendOptions, SendStatus};
use serde_json::Value;
use std::cell::RefCell;
use std::time::Duration;

/// Reads a list until everything since the start of the walk was seen. `each` gets the records. An
/// error means that records may be missing.
pub(in crate::command) fn read_list(
    session: &Session<'_>,
    client: &ApiClient,
    list: RecordList,
    options: &LookupOptions<'_>,
    walk: &mut PageWalk,
    each: &mut dyn FnMut(&Value) -> Result<()>,
) -> Result<Coverage> {
    let policy = SchedulePolicy { concurrency: 1, retries: options.retry, wait: Duration::ZERO };
    let reader = RefCell::new(PageReader {
        session,
        client,
        list,
        walk,
        each,
        schedule: Schedule::new(policy),
        after: None,
        number: 0,
        started: session.world.now(),
        random: Box::new(samples::random_numbers(session.world)),
        end: None,
    });
    let sending = SendOptions { per_second: options.rate, ..client.sending(1) };
    let mut next = || reader.borrow_mut().next_request();
    let mut done = |sent| reader.borrow_mut().handle_answer(sent);
    if session.world.send(&sending, &mut next, &mut done)? == SendStatus::Interrupted {
        return Err(Error::interrupted());
    }
    let end = reader.into_inner().end;
    end.unwrap_or_else(|| Err(Error::failed(format!("the list of {} did not end", list.title()))))
}

struct PageReader<'a> {
    session: &'a Session<'a>,
    client: &'a ApiClient,
    list: RecordList,
    walk: &'a mut PageWalk,
    each: &'a mut dyn FnMut(&Value) -> Result<()>,
    schedule: Schedule,
    /// The last id of the page before.
    after: Option<String>,
    number: u64,
    started: Timestamp,
    random: Box<dyn FnMut(usize) -> usize + 'a>,
    end: Option<Result<Coverage>>,
}

impl PageReader<'_> {
    fn now(&self) -> Elapsed {
        self.session.world.now().duration_since(self.started).try_into().unwrap_or_default()
    }

    fn next_request(&mut self) -> NextRequest {
        if self.end.is_some() {
            return NextRequest::Nothing;
        }
        let now = self.now();
        match self.schedule.next_action(now) {
            NextAction::Finished => NextRequest::Nothing,
            NextAction::Wait(span) => NextRequest::Wait(span),
            NextAction::Retry(_) => self.request(),
            NextAction::StartNew => {
                self.number += 1;
                self.schedule.start(self.number, now);
                self.request()
            }
        }
    }

    fn request(&mut self) -> NextRequest {
        let provider = self.client.provider;
        let call: Option<ApiCall> = provider.list_call(self.list, self.after.as_deref());
        let outgoing = call.map(|call| {
            call.outgoing(self.number, provider.api(), (&self.client.base, self.client.reach), &self.client.key)
        });
        match outgoing {
            Some(Ok(outgoing)) => NextRequest::send(outgoing),
            Some(Err(error)) => self.stop(Error::credentials("the API key can't be sent").because(error)),
            None => self.stop(Error::usage(format!("{} has no list of {}", provider.title(), self.list.title()))),
        }
    }

    fn stop(&mut self, error: Error) -> NextRequest {
        self.end.get_or_insert(Err(error));
        NextRequest::Nothing
    }

    fn handle_answer(&mut self, sent: SentRequest) {
        let provider = self.client.provider;
        let what = format!("can't read the list of {} after {} records", self.list.title(), self.walk.count());
        let error = match sent.answer {
            Err(failure) => LookupError::NoAnswer(failure),
            Ok(answer) => match api::parse_response(provider, &answer, self.session.world.now()) {
                Ok(body) => {
                    self.record(AttemptResult::Settled);
                    if let Err(error) = self.add_page(&body, &what) {
                        self.stop(error);
                    }
                    return;
                }
                Err(error) => LookupError::Unusable(error),
            },
        };
        let is_retryable = match &error {
            LookupError::NoAnswer(failure) => self.number > 1 || !failure.is_unsent(),
            LookupError::Unusable(error) => error.is_retryable(),
        };
        let attempt = error.attempt_result();
        let describe = |error: LookupError| match error {
            LookupError::NoAnswer(failure) => self.client.connection_error(&failure, &what),
            LookupError::Unusable(error) => error.to_error(provider, &what),
        };
        let described = describe(error);
        if !is_retryable || self.record(attempt) != Decision::Retry {
            self.stop(described);
        }
    }

    fn record(&mut self, attempt: AttemptResult) -> Decision {
        let (now, random) = (self.now(), u32::try_from((self.random)(1_000)).unwrap_or_default());
        self.schedule.record_result(self.number, attempt, now, random)
    }

    fn add_page(&mut self, body: &Value, what: &str) -> Result<()> {
        let provider = self.client.provider;
        let page = RecordPage::parse(body).map_err(|error: ResponseError| error.to_error(provider, what))?;
        let (new, step) = self.walk.add(page).map_err(|error| Error::failed(what).because(error))?;
        new.iter().try_for_each(&mut *self.each)?;
        match step {
            WalkStep::After(id) => self.after = Some(id),
            WalkStep::End(coverage) => {
                self.schedule.end_input();
                self.end = Some(Ok(coverage));
            }
        }
        Ok(())
    }
}
