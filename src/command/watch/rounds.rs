//! The loop: one round after the other, and the waiting in between.

use super::Watch;
use super::alerts::{self, AlertResult, Alerts};
use super::delivering::Deliverer;
use super::monitor::{self, MonitorPage, SharedPage};
use super::reading::{Findings, Reading, Scope, read};
use super::saved::WatchStore;
use crate::command::Session;
use crate::command::shared::list_source::ListSource;
use crate::model::error::{CommandOutcome, Error, Kind, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::reconcile::watch::{
    ChangeKind, DeliveryCounts, DeliveryOutcome, PlannedDelivery, Trouble, WatchGauges, WatchPolicy, WatchState,
    WatchedReference,
};
use crate::reconcile::{Class, Totals};
use crate::render;
use crate::render::watch::RoundSummary;
use crate::world::InterruptWaiter;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longest wait for the end of an alert when the watch stops.
const LAST_ALERT: Duration = Duration::from_secs(10);

/// Longest wait between two looks at a running alert.
const ALERT_CHECK: Duration = Duration::from_millis(200);

/// Runs rounds until it is stopped, or one with `--once`.
pub(super) fn run(args: &Watch, session: &Session<'_>) -> Result<CommandOutcome> {
    let list = args.source(session)?;
    if args.every <= SignedDuration::ZERO {
        return Err(Error::usage("--every must be longer than zero").hint("--once runs one round"));
    }
    let stop = session.world.interrupt_waiter()?;
    let deliverer = Deliverer::new(args, session)?;
    let (store, state) = WatchStore::open(args, session)?;
    let page: SharedPage = Arc::new(Mutex::new(MonitorPage::new(args, session)));
    let server = monitor::serve(args, &page, session)?;
    let alerting = alerts::start(args, session)?;
    std::thread::scope(|scope| {
        let alerts = alerting.map(|(alerts, sender)| {
            scope.spawn(move || sender.run());
            alerts
        });
        let policy = args.policy();
        let rounds = 0;
        let mut watch = WatchLoop { args, list, session, policy, stop, deliverer, store, state, page, alerts, rounds };
        let outcome = watch.run();
        drop(server);
        outcome
    })
}

struct WatchLoop<'a> {
    args: &'a Watch,
    list: ListSource,
    session: &'a Session<'a>,
    policy: WatchPolicy,
    stop: Box<dyn InterruptWaiter>,
    /// `None`: differences are only reported.
    deliverer: Option<Deliverer<'a>>,
    store: WatchStore<'a>,
    state: WatchState,
    page: SharedPage,
    alerts: Option<Alerts>,
    /// Rounds that were started.
    rounds: u64,
}

enum RoundEnd {
    Complete,
    /// Nothing was concluded.
    Failed(Error),
    Interrupted,
}

impl WatchLoop<'_> {
    fn run(&mut self) -> Result<CommandOutcome> {
        self.state.recover(&self.policy, self.now());
        self.save_and_print()?;
        loop {
            let started = self.now();
            let end = self.run_round(started)?;
            self.save_and_print()?;
            match end {
                RoundEnd::Interrupted => return self.stopped(),
                RoundEnd::Failed(error) if self.args.once => {
                    self.finish_alerts()?;
                    return Err(error);
                }
                RoundEnd::Failed(error) if self.rounds == 1 && is_wrong_setup(&error) => return Err(error),
                RoundEnd::Complete if self.args.once => {
                    self.finish_alerts()?;
                    let has_differences = self.state.differences().next().is_some();
                    return Ok(if has_differences { CommandOutcome::Negative } else { CommandOutcome::Success });
                }
                RoundEnd::Complete | RoundEnd::Failed(_) => {}
            }
            if self.wait_until(started.checked_add(self.args.every).unwrap_or(Timestamp::MAX))? {
                return self.stopped();
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.session.world.now()
    }

    /// Ends after Ctrl+C or SIGTERM.
    fn stopped(&mut self) -> Result<CommandOutcome> {
        if let Some(alerts) = &mut self.alerts
            && alerts.is_sending()
        {
            let result = alerts.wait(LAST_ALERT, self.session.world.now());
            self.note_alert(result)?;
        }
        if self.session.world.was_terminated() { Ok(CommandOutcome::Success) } else { Err(Error::interrupted()) }
    }

    /// Waits until this time, and sends alerts meanwhile. Returns true if the watch is stopped.
    fn wait_until(&mut self, time: Timestamp) -> Result<bool> {
        loop {
            self.tend_alerts()?;
            let left = time.duration_since(self.now());
            if left <= SignedDuration::ZERO {
                return Ok(self.stop.wait(Duration::ZERO));
            }
            let is_busy = self.state.unsent_alerts().next().is_some() && self.alerts.is_some();
            let left = left.unsigned_abs();
            if self.stop.wait(if is_busy { left.min(ALERT_CHECK) } else { left }) {
                return Ok(true);
            }
        }
    }

    /// Takes the result of a running alert, and starts the next one.
    fn tend_alerts(&mut self) -> Result<()> {
        let now = self.now();
        let Some(alerts) = &mut self.alerts else { return Ok(()) };
        let result = if alerts.is_sending() { alerts.wait(Duration::ZERO, now) } else { None };
        self.note_alert(result)?;
        if let Some(alerts) = &mut self.alerts {
            alerts.send_next(&self.state, now);
        }
        Ok(())
    }

    /// Sends all alerts before a single round ends. What can't be sent is kept for the next one.
    fn finish_alerts(&mut self) -> Result<()> {
        loop {
            self.tend_alerts()?;
            let now = self.now();
            let Some(alerts) = self.alerts.as_mut().filter(|alerts| alerts.is_sending()) else { return Ok(()) };
            let result = alerts.wait(Duration::MAX, now);
            let has_failed = matches!(result, Some(AlertResult::Failed(..)) | None);
            self.note_alert(result)?;
            if has_failed {
                return Ok(());
            }
        }
    }

    fn note_alert(&mut self, result: Option<AlertResult>) -> Result<()> {
        match result {
            Some(AlertResult::Sent(numbers)) => {
                self.state.remove_alerts(&numbers);
                self.store.save(&mut self.state)?;
            }
            Some(AlertResult::Failed(why, is_news)) => {
                monitor::lock(&self.page).counts.failed_alerts += 1;
                if is_news {
                    let why = escape_unsafe(&mask_secrets(&why)).into_owned();
                    self.session.warn(&format!("the alert could not be sent and will be retried: {why}"));
                }
            }
            None => return Ok(()),
        }
        monitor::lock(&self.page).gauges.unsent_alerts = self.state.unsent_alerts().count() as u64;
        Ok(())
    }

    fn run_round(&mut self, started: Timestamp) -> Result<RoundEnd> {
        self.rounds += 1;
        self.store.check(&self.state)?;
        let mut summary = RoundSummary::new(self.rounds, started);
        let mut totals = Totals::default();
        let end = match self.read(Scope::All)? {
            Reading::Complete(findings) => {
                self.conclude(&findings, &mut summary);
                self.save_and_print_into(&mut summary)?;
                totals = findings.totals.clone();
                self.deliver(&findings, &mut summary)?
            }
            other => self.note_failure(other),
        };
        self.save_and_print_into(&mut summary)?;
        let now = self.now();
        summary.took = now.duration_since(started);
        summary.failure = match &end {
            RoundEnd::Failed(error) => Some(error_sentence(error)),
            RoundEnd::Complete => None,
            RoundEnd::Interrupted => return Ok(end),
        };
        self.publish(&mut summary, &totals, now);
        self.print_round(&summary)?;
        Ok(end)
    }

    /// Reads and looks up, and counts the lookups.
    fn read(&mut self, scope: Scope<'_>) -> Result<Reading> {
        let reading = read(self.args, &self.list, &self.state, scope, self.session)?;
        if let Reading::Complete(findings) = &reading {
            monitor::lock(&self.page).counts.lookups += findings.totals.references();
        }
        Ok(reading)
    }

    fn conclude(&mut self, findings: &Findings, summary: &mut RoundSummary) {
        let now = self.now();
        let (rows, failed) = (findings.round.unread_rows, findings.totals.count(Class::CouldNotTell));
        let rows_failed = || format!("{} could not be read", render::text::count(rows, "row"));
        let lookups_failed = || format!("{} gave no usable answer", render::text::count(failed, "lookup"));
        for (trouble, why) in [
            (Trouble::Orders, None),
            (Trouble::Provider, None),
            (Trouble::Rows, (rows > 0).then(rows_failed)),
            (Trouble::Lookups, (failed > 0).then(lookups_failed)),
        ] {
            self.state.set_trouble(trouble, why, &self.policy, now);
        }
        self.state.apply_round(&findings.round, &self.policy, now);
        summary.references = findings.totals.references();
        (summary.left_alone, summary.unread_rows) = (findings.left_alone, rows);
    }

    /// Notes why a reading concludes nothing.
    fn note_failure(&mut self, reading: Reading) -> RoundEnd {
        let (trouble, error) = match reading {
            Reading::Complete(_) => return RoundEnd::Complete,
            Reading::Interrupted => return RoundEnd::Interrupted,
            Reading::OrdersFailed(error) => (Trouble::Orders, error),
            Reading::LookupsFailed(error) => (Trouble::Provider, error),
        };
        let now = self.now();
        self.state.set_trouble(trouble, Some(error_sentence(&error)), &self.policy, now);
        RoundEnd::Failed(error)
    }

    /// Delivers what the app has missed: reads the orders again first, so that nothing is sent whose
    /// order agrees by now, and once more afterwards, which alone proves a repair.
    fn deliver(&mut self, findings: &Findings, summary: &mut RoundSummary) -> Result<RoundEnd> {
        if self.deliverer.is_none() {
            return Ok(RoundEnd::Complete);
        }
        let most = usize::try_from(self.args.delivery.most).unwrap_or(usize::MAX);
        let mut candidates = self.state.plan_deliveries(&findings.round, &self.policy, self.now());
        summary.postponed = candidates.len().saturating_sub(most) as u64;
        candidates.truncate(most);
        if candidates.is_empty() {
            return Ok(RoundEnd::Complete);
        }
        let subjects: BTreeSet<_> = candidates.iter().map(|planned| planned.subject.clone()).collect();
        let again = match self.read(Scope::Only(&subjects))? {
            Reading::Complete(again) => again,
            other => return Ok(self.note_failure(other)),
        };
        self.state.apply_proof(&again.round, &self.policy, self.now());
        let mut planned = self.state.plan_deliveries(&again.round, &self.policy, self.now());
        planned.retain(|planned| candidates.iter().any(|candidate| candidate.event.key == planned.event.key));
        self.save_and_print_into(summary)?;
        let mut delivered = BTreeSet::new();
        for planned in planned {
            self.tend_alerts()?;
            if self.stop.wait(Duration::ZERO) {
                break;
            }
            let outcome = self.deliver_one(&planned, summary)?;
            if matches!(outcome, DeliveryOutcome::Unsent { .. }) {
                break;
            }
            delivered.insert(planned.subject);
        }
        if delivered.is_empty() { Ok(RoundEnd::Complete) } else { self.prove(&delivered) }
    }

    /// Makes one delivery: exactly what is sent is on disk before it is sent.
    fn deliver_one(&mut self, planned: &PlannedDelivery, summary: &mut RoundSummary) -> Result<DeliveryOutcome> {
        let key = &planned.event.key;
        let first_body = if planned.is_repeat { self.store.body(key)? } else { None };
        let body = first_body.unwrap_or_else(|| planned.event.body.clone());
        let Some(deliverer) = &self.deliverer else {
            return Ok(DeliveryOutcome::Unsent { reason: "nothing is delivered".to_owned() });
        };
        let request = match deliverer.request(planned, body) {
            Ok(request) => request,
            Err(error) => {
                let reason = error_sentence(&error);
                self.state.set_trouble(Trouble::App, Some(reason.clone()), &self.policy, self.session.world.now());
                return Ok(DeliveryOutcome::Unsent { reason });
            }
        };
        self.state.start_delivery(planned, self.session.world.now());
        self.store.save(&mut self.state)?;
        let outcome = deliverer.send(request)?;
        let now = self.now();
        self.state.finish_delivery(key, outcome.clone(), &self.policy, now);
        let trouble = if let DeliveryOutcome::Unsent { reason } = &outcome { Some(reason.clone()) } else { None };
        if !matches!(outcome, DeliveryOutcome::Unsure { .. }) {
            self.state.set_trouble(Trouble::App, trouble, &self.policy, now);
        }
        summary.deliveries.add(&outcome);
        monitor::lock(&self.page).counts.deliveries.add(&outcome);
        self.store.save(&mut self.state)?;
        if let Some(delivery) = self.state.delivery(key) {
            self.print(&|paint, clock| render::watch::delivery_row(delivery, clock, paint), || {
                render::watch::delivery_record(delivery)
            })?;
        }
        self.save_and_print_into(summary)?;
        Ok(outcome)
    }

    /// Reads the orders of these references once more: those that agree now are repaired.
    fn prove(&mut self, delivered: &BTreeSet<WatchedReference>) -> Result<RoundEnd> {
        match self.read(Scope::Only(delivered))? {
            Reading::Complete(proof) => {
                self.state.apply_proof(&proof.round, &self.policy, self.now());
                Ok(RoundEnd::Complete)
            }
            other => Ok(self.note_failure(other)),
        }
    }

    /// Puts the numbers of a round on the page for metrics.
    fn publish(&mut self, summary: &mut RoundSummary, totals: &Totals, now: Timestamp) {
        let mut page = monitor::lock(&self.page);
        let classes = std::mem::take(&mut page.gauges.classes);
        page.gauges = WatchGauges::new(totals, &self.state);
        page.failure.clone_from(&summary.failure);
        if summary.failure.is_none() {
            page.counts.complete_rounds += 1;
            page.last_success = Some(now);
        } else {
            page.counts.failed_rounds += 1;
            page.gauges.classes = classes;
        }
        summary.gauges = page.gauges.clone();
    }

    fn save_and_print_into(&mut self, summary: &mut RoundSummary) -> Result<()> {
        summary.repaired += self.save_and_print()?;
        Ok(())
    }

    /// Saves the state, prints the changes, and returns the number of repairs among them.
    fn save_and_print(&mut self) -> Result<u64> {
        self.store.save(&mut self.state)?;
        let changes = self.state.take_changes();
        let mut repaired = 0;
        for change in &changes {
            repaired += u64::from(matches!(change.kind, ChangeKind::Repaired { .. }));
            self.print(&|paint, clock| render::watch::change_row(change, clock, paint), || {
                render::watch::change_record(change)
            })?;
        }
        monitor::lock(&self.page).counts.repaired += repaired;
        Ok(repaired)
    }

    /// Prints a row or a record at once.
    fn print(&self, row: &dyn Fn(render::paint::Paint, &str) -> String, record: impl Fn() -> Vec<u8>) -> Result<()> {
        let session = self.session;
        let bytes = if self.args.json {
            record()
        } else {
            let now = session.now();
            session.wrap(&row(session.out, &now.strftime("%Y-%m-%d %H:%M:%S").to_string())).into_bytes()
        };
        let mut output = session.world.stdout();
        output.write_all(&bytes)?;
        Ok(output.flush()?)
    }

    fn print_round(&self, summary: &RoundSummary) -> Result<()> {
        if !self.args.json {
            self.session.info(&render::watch::round_row(summary));
            return Ok(());
        }
        let mut output = self.session.world.stdout();
        output.write_all(&render::watch::round_record(summary))?;
        Ok(output.flush()?)
    }
}

impl RoundSummary {
    fn new(number: u64, started: Timestamp) -> Self {
        Self {
            number,
            started,
            took: SignedDuration::ZERO,
            failure: None,
            references: 0,
            left_alone: 0,
            unread_rows: 0,
            deliveries: DeliveryCounts::default(),
            postponed: 0,
            repaired: 0,
            gauges: WatchGauges::default(),
        }
    }
}

/// Returns true if the first round failed for a reason that waiting does not mend.
fn is_wrong_setup(error: &Error) -> bool {
    matches!(error.kind, Kind::Usage | Kind::Credentials)
}

/// Formats an error in one sentence.
fn error_sentence(error: &Error) -> String {
    let text = match error.cause() {
        Some(cause) => format!("{}: {cause}", error.message),
        None => error.message.clone(),
    };
    escape_unsafe(&mask_secrets(&text)).into_owned()
}
