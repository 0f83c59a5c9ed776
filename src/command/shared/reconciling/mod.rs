//! The engine of `whtool reconcile`: looks up orders at the provider and compares them with its
//! records and with the captured webhooks.
//!
//! It prints nothing and knows no flags: orders come from an `OrderSource`, results go to
//! `ResultSink`s in the order of the input, and the totals come back as a value, so that a command
//! can run it as often as it likes. `runner` drives the schedule, `answer` classifies answers,
//! `results` puts results in order, `captured` reads webhooks from the store, and `journal` lets an
//! interrupted run continue.

mod answer;
mod captured;
mod journal;
mod page_reader;
mod results;
mod runner;

use crate::command::Session;
use crate::command::shared::api::{ApiArgs, ApiClient};
use crate::model::error::{Error, Result};
use crate::model::timestamp::SignedDuration;
use crate::provider::Provider;
use crate::reconcile::period::ReportPeriod;
use crate::reconcile::report::ComparedApi;
use crate::reconcile::{BadLine, Class, CompareRules, KnownDifferences, Lookup, Order, ReconciledReference, Totals};
use crate::render::reconcile::Completeness;
use crate::world::SendOptions;
use runner::LookupRun;
use serde_json::Value;
use std::cell::RefCell;
use std::sync::Arc;

pub(in crate::command) use captured::{CapturedWebhooks, is_test_event};
pub(in crate::command) use journal::{JournalOptions, refuse_if_others_can_read};
pub(in crate::command) use page_reader::read_list;

/// Longest answer that is read, in bytes. A record has a few kilobytes.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Settings of the lookups of one run.
pub(in crate::command) struct LookupOptions<'a> {
    /// Provider to query. `None`: detected from each reference.
    pub provider: Option<&'static dyn Provider>,
    /// Time to poll open payments. `None`: each is looked up once.
    pub wait: Option<SignedDuration>,
    /// Maximum number of lookups in flight.
    pub concurrency: u16,
    /// Maximum number of requests per second.
    pub rate: Option<f64>,
    /// Maximum number of retries of one lookup.
    pub retry: u32,
    pub api: &'a ApiArgs,
    /// A client that was opened already.
    pub client: Option<ApiClient>,
    pub journal: Option<JournalOptions>,
    /// The time in which references are counted. `None`: always.
    pub period: Option<ReportPeriod>,
    /// Differences that do not count.
    pub known: &'a RefCell<KnownDifferences>,
    pub rules: CompareRules,
}

impl LookupOptions<'_> {
    fn sending(&self) -> SendOptions {
        // One more than the schedule allows, so that it is asked what to do while all are in flight.
        let sending = self.api.send_options(usize::from(self.concurrency) + 1);
        SendOptions { per_second: self.rate, max_body: LONGEST_ANSWER, ..sending }
    }
}

/// One item of the input.
pub(in crate::command) enum SourceItem {
    Order(Order),
    BadLine(BadLine),
    /// An order that needs no lookup.
    Answered(Box<AnsweredOrder>),
}

impl SourceItem {
    pub(in crate::command) fn answered(answered: AnsweredOrder) -> Self {
        Self::Answered(Box::new(answered))
    }
}

/// An order with the provider's answer, from a list of the provider.
pub(in crate::command) struct AnsweredOrder {
    pub order: Order,
    pub provider: &'static dyn Provider,
    pub lookup: Lookup,
    /// The record as the provider sent it.
    pub body: Option<Value>,
    /// A finding that is not about the record itself, with its reason.
    pub finding: Option<(Class, String)>,
}

/// Provides the orders to look up. Lists, the store and references from the command line are
/// sources.
pub(in crate::command) trait OrderSource {
    /// Returns the next item; `None` at the end. An error ends the run.
    fn next(&mut self, captured: &mut CapturedWebhooks) -> Result<Option<SourceItem>>;
    /// Lists the names in `Order::extra` of all orders, in their order.
    fn extra_columns(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// Receives the results of a run. An error ends the run.
pub(in crate::command) trait ResultSink {
    /// Adds a result. Results come in the order of the input, as far as memory allows.
    fn add(&mut self, reconciled: &ReconciledReference) -> Result<()>;
    /// Reports a line of the list that can't be read.
    fn bad_line(&mut self, _bad: &BadLine) -> Result<()> {
        Ok(())
    }
    /// Notes that one more reference is done. Its result may have to wait for an earlier one.
    fn step(&mut self) {}
    /// Shows a sentence about the run to the user.
    fn say(&mut self, _text: &str) {}
    /// Writes what is buffered: nothing happens for a while.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The end of a run.
#[derive(Debug)]
pub(in crate::command) enum RunEnd {
    /// Every reference was looked up.
    Complete,
    /// Ctrl+C or SIGTERM.
    Interrupted,
    /// An error that every other lookup would have, too, or that of a source or sink.
    Stopped(Error),
}

/// The totals of a run and how it ended.
#[derive(Debug)]
pub(in crate::command) struct FinishedRun {
    pub totals: Totals,
    pub end: RunEnd,
    /// The APIs that were asked.
    pub apis: Vec<ComparedApi>,
}

impl FinishedRun {
    pub(in crate::command) fn completeness(&self) -> Completeness {
        if matches!(self.end, RunEnd::Complete) { Completeness::Complete } else { Completeness::Partial }
    }
}

/// Looks up every order of the source and passes the results to the sinks. The error is one before
/// the first lookup; all later ones are in the result.
pub(in crate::command) fn run_lookups<'a>(
    session: &'a Session<'a>,
    options: &'a LookupOptions<'a>,
    captured: CapturedWebhooks,
    source: &'a mut dyn OrderSource,
    sinks: Vec<&'a mut dyn ResultSink>,
) -> Result<FinishedRun> {
    let mut run = LookupRun::new(session, options, captured, source, sinks);
    run.load_journal()?;
    let shared = RefCell::new(run);
    let mut next = || shared.borrow_mut().next_request();
    let mut done = |sent| shared.borrow_mut().handle_answer(sent);
    let status = session.world.send(&options.sending(), &mut next, &mut done)?;
    Ok(shared.into_inner().finish(status))
}
