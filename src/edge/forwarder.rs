//! Forwards stored deliveries to the developer's app, and retries until the app accepts them.
//!
//! The queue is in the store, so it survives a restart: a delivery is `pending` for a URL until the
//! app answers with 2xx, refuses it for good, or was tried often enough. In the last case, a restart
//! resumes it, unless it is older than `give_up_after`. Times in the queue follow the wall clock,
//! because they outlive the process; when that is set back, they are set back with it. An app that
//! does not answer at all is tried with growing pauses, one delivery at a time. If the process dies
//! between the app's answer and its record, the delivery is sent again. In a store that several
//! listeners share, the members of a group lease deliveries from its queue, and give back what they
//! have not sent when they stop.

use super::clock;
use super::events::EventSender;
use super::sender::client::HttpClient;
use super::sender::options::ExchangeOptions;
use super::store::{DueDelivery, DueQuery, EntryState, NewEntries, StoreWriter};
use crate::model::backoff::Backoff;
use crate::model::exchange::SendFailure;
use crate::model::message::Request;
use crate::model::status::Status;
use crate::model::stored::{Attempt, CaptureId, ForwardOutcome, Forwarded, ResumedDeliveries};
use crate::model::target_fault::SendFlags;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::world::{ForwardOptions, ListenerEvent, MAX_ANSWER_BODY};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use url::Url;

/// Longest pause before a delivery is retried.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(300);

/// Longest pause while an app does not answer at all.
const MAX_OUTAGE_PAUSE: Duration = Duration::from_secs(15);

/// Extra time, beyond the limit of an attempt, in which other processes leave its delivery alone.
const LEASE: Duration = Duration::from_secs(1);

/// Flags of `listen` that advice about a failure may name.
const FORWARD_FLAGS: SendFlags = SendFlags { insecure: Some("--insecure"), timeout: Some("--forward-timeout") };

/// Difference between the clocks from which the wall clock was set back, and did not only drift.
const CLOCK_STEP: SignedDuration = SignedDuration::from_secs(1);

/// Time after which leases are extended.
const LEASE_EXTENSION: Duration = Duration::from_secs(20);

/// Longest time between two looks at what other listeners have received.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Pause after an error of the store.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Forwarder {
    forward: ForwardOptions,
    writer: StoreWriter,
    client: HttpClient,
    events: Arc<EventSender>,
    /// Notified when a delivery was queued.
    wake: Arc<Notify>,
    /// URL of each running attempt, by place in the queue.
    in_flight: HashMap<i64, String>,
    /// Apps that do not answer, by URL.
    outages: HashMap<String, Outage>,
    /// Wall clock and monotonic clock at the last look at the queue.
    last_look: Option<(Timestamp, Instant)>,
    /// The reason why the queue can't be used.
    queue_failure: Option<String>,
    /// The time of the next look at what other listeners have received.
    next_look: Instant,
}

/// A stored delivery that is to be sent again.
pub(super) struct Requeue {
    pub delivery: CaptureId,
    pub urls: Vec<String>,
    /// Gets false if the delivery is not in the store.
    pub done: oneshot::Sender<Result<bool, String>>,
}

#[derive(Clone, Copy)]
struct Outage {
    failures: u32,
    last_failure: Instant,
    retry_at: Instant,
}

/// An attempt that is over.
struct FinishedAttempt {
    place: i64,
    url: String,
    started: Instant,
    is_misconfigured: bool,
    forwarded: Forwarded,
}

/// A delivery that was sent to an app, and the result.
pub(super) struct SentToApp {
    pub attempt: Attempt,
    /// True if the same attempt would fail again until the URL or the app is changed. This is no
    /// outage, so it is not retried; the delivery is sent again after a restart, or by `replay`.
    is_misconfigured: bool,
}

impl SentToApp {
    fn not_sent(url: &str, failure: String) -> Self {
        Self { attempt: failed_attempt(url, failure), is_misconfigured: true }
    }
}

impl Forwarder {
    pub fn new(
        forward: ForwardOptions,
        writer: StoreWriter,
        client: HttpClient,
        events: Arc<EventSender>,
        wake: Arc<Notify>,
    ) -> Self {
        Self {
            forward,
            writer,
            client,
            events,
            wake,
            in_flight: HashMap::new(),
            outages: HashMap::new(),
            last_look: None,
            queue_failure: None,
            next_look: Instant::now(),
        }
    }

    /// Forwards until `stop`, then waits for the running attempts, at most for `closing_time`.
    pub async fn run(
        mut self,
        mut requeue: mpsc::UnboundedReceiver<Requeue>,
        mut stop: oneshot::Receiver<()>,
        closing_time: Duration,
    ) {
        self.resume_pending().await;
        let mut attempts = JoinSet::new();
        let mut lease_extension = tokio::time::interval(LEASE_EXTENSION);
        lease_extension.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = self.start_due(&mut attempts).await;
            tokio::select! {
                biased;
                _ = &mut stop => {
                    // Deliveries that were queued just before still get an attempt.
                    self.next_look = Instant::now();
                    self.start_due(&mut attempts).await;
                    break;
                }
                () = self.wake.notified() => self.next_look = Instant::now(),
                () = self.writer.wait_for_work() => self.next_look = Instant::now(),
                Some(finished) = attempts.join_next() => {
                    self.finish(finished).await;
                    while let Some(finished) = attempts.try_join_next() {
                        self.finish(finished).await;
                    }
                }
                Some(request) = requeue.recv() => self.forward_again(request).await,
                _ = lease_extension.tick(), if !self.in_flight.is_empty() => self.extend_leases().await,
                () = tokio::time::sleep_until(next) => {}
            }
        }
        let closing = async {
            loop {
                tokio::select! {
                    finished = attempts.join_next() => match finished {
                        Some(finished) => self.finish(finished).await,
                        None => break,
                    },
                    _ = lease_extension.tick() => self.extend_leases().await,
                }
            }
        };
        // Attempts that are cut off stay pending in the store.
        let _ = tokio::time::timeout(closing_time, closing).await;
        attempts.abort_all();
        // If it fails, the leases end by themselves.
        let _ = self.writer.release_leases().await;
    }

    async fn extend_leases(&self) {
        // If it fails, it is tried again before the leases end.
        let _ = self.writer.extend_leases().await;
    }

    /// Queues a delivery again. The user wants it sent now, even to an app that did not answer.
    async fn forward_again(&mut self, Requeue { delivery, urls, done }: Requeue) {
        self.outages.retain(|url, _| !urls.contains(url));
        // Fails if nobody waits for the result.
        let _ = done.send(self.writer.requeue(delivery, urls).await);
    }

    /// Resumes what an earlier run left in the queue, and reports how much that is.
    async fn resume_pending(&self) {
        while matches!(self.queue_new().await, Ok(true)) {}
        let latest = clock::now().checked_add(self.longest_wait()).unwrap_or(Timestamp::MAX);
        let resumed = self.writer.resume(&self.urls(), self.oldest_arrival(), latest).await;
        if let Ok(resumed) = resumed
            && resumed != ResumedDeliveries::default()
        {
            self.events.send(ListenerEvent::Resumed(resumed)).await;
        }
    }

    /// Returns the earliest arrival of a delivery that is still forwarded.
    fn oldest_arrival(&self) -> Timestamp {
        let age = SignedDuration::try_from(self.forward.give_up_after).ok();
        age.and_then(|age| clock::now().checked_sub(age).ok()).unwrap_or(Timestamp::MIN)
    }

    /// Queues what other listeners have received. Returns true if there is more.
    async fn queue_new(&self) -> Result<bool, String> {
        let (urls, route) = (self.urls(), Arc::clone(&self.forward.route));
        self.writer.queue_new(&NewEntries { urls, route, oldest: self.oldest_arrival() }).await
    }

    /// Returns the longest time for which an entry of the queue waits. One that is due later was
    /// queued before the clock was set back.
    fn longest_wait(&self) -> Duration {
        MAX_RETRY_PAUSE.max(self.forward.first_pause).saturating_add(self.forward.timeout).saturating_add(LEASE)
    }

    /// Sets the queue back by as much as the wall clock was set back. A clock that was set forward,
    /// or a machine that slept, makes entries due, which is right.
    async fn follow_clock(&mut self) {
        let (wall, now) = (clock::now(), Instant::now());
        let before = self.last_look.replace((wall, now));
        let expected = before.and_then(|(wall, then)| wall.checked_add(now - then).ok());
        if let Some(back) = expected.map(|expected| expected.duration_since(wall)).filter(|back| *back > CLOCK_STEP)
            && self.writer.set_back(&self.urls(), back).await.is_err()
        {
            // Noticed again at the next look.
            self.last_look = before;
        }
    }

    /// Starts the attempts that are due and fit the limits. Returns when to call this again.
    async fn start_due(&mut self, attempts: &mut JoinSet<FinishedAttempt>) -> Instant {
        self.follow_clock().await;
        let now = Instant::now();
        let later = now + Duration::from_secs(3_600);
        let urls = self.available_urls(now);
        if urls.is_empty() {
            return self.next_outage_end(now).unwrap_or(later);
        }
        if self.next_look <= now {
            self.next_look = match self.queue_new().await {
                Ok(true) => now,
                Ok(false) if self.writer.is_shared() => now + LOOK_INTERVAL,
                Ok(false) => later,
                Err(error) => return self.report_failure(error).await,
            };
        }
        let selection = DueQuery {
            now: clock::now(),
            urls,
            in_flight: self.in_flight.keys().copied().collect(),
            lease: i64::try_from((self.forward.timeout + LEASE).as_micros()).unwrap_or(i64::MAX),
            per_object: self.forward.ordered,
        };
        let found = match self.writer.due(selection).await {
            Ok(found) => found,
            Err(error) => return self.report_failure(error).await,
        };
        if self.queue_failure.take().is_some() {
            self.events.send(ListenerEvent::QueueFailed(None)).await;
        }
        for due in found.due {
            self.in_flight.insert(due.queue_row, due.url.clone());
            attempts.spawn(self.attempt(due));
        }
        let until_due = |due: Timestamp| due.duration_since(clock::now()).max(SignedDuration::ZERO).unsigned_abs();
        let next_due = found.next_due.map(|due| now + until_due(due));
        let next = self.next_outage_end(now).into_iter().chain(next_due).min().unwrap_or(later);
        next.min(self.next_look)
    }

    /// Reports that the queue can't be used, unless that is known. Returns when to try again.
    async fn report_failure(&mut self, error: String) -> Instant {
        if self.queue_failure.as_ref() != Some(&error) {
            self.queue_failure = Some(error.clone());
            self.events.send(ListenerEvent::QueueFailed(Some(error))).await;
        }
        Instant::now() + STORE_RETRY_PAUSE
    }

    fn next_outage_end(&self, now: Instant) -> Option<Instant> {
        self.outages.values().map(|outage| outage.retry_at).filter(|retry_at| *retry_at > now).min()
    }

    fn urls(&self) -> Vec<String> {
        self.forward.urls.iter().map(Url::to_string).collect()
    }

    /// Returns the URLs that may be tried now, with the number of further attempts each may have.
    /// Every URL has its own share of the limit, so an app that hangs does not delay another one.
    /// An app that does not answer is tried after its pause, with a single delivery.
    fn available_urls(&self, now: Instant) -> Vec<(String, usize)> {
        let urls = self.urls();
        let share = (self.forward.max_in_flight / urls.len().max(1)).max(1);
        let free = |url: &String| {
            let in_flight = self.in_flight.values().filter(|other| *other == url).count();
            let limit = match self.outages.get(url) {
                Some(outage) if outage.retry_at > now => 0,
                Some(_) => 1,
                None => share,
            };
            limit.saturating_sub(in_flight)
        };
        let urls = urls.into_iter().map(|url| (free(&url), url));
        urls.filter(|(free, _)| *free > 0).map(|(free, url)| (url, free)).collect()
    }

    /// Makes one attempt and records it. It counts as running until it is recorded, so that a
    /// delivery that the app has accepted is not sent again.
    fn attempt(&self, due: DueDelivery) -> impl Future<Output = FinishedAttempt> + Send + 'static {
        let (client, forward, writer) = (self.client.clone(), self.forward.clone(), self.writer.clone());
        async move {
            let started = Instant::now();
            let is_loop = forward.hop_mark.closes_loop(&due.request.headers);
            let sent = match due.url.parse::<Url>() {
                _ if is_loop => SentToApp::not_sent(&due.url, "it was forwarded before, and came back".to_owned()),
                Ok(url) => send_to_app(&client, &forward, &due.request, &url, MAX_ANSWER_BODY).await,
                Err(error) => SentToApp::not_sent(&due.url, error.to_string()),
            };
            let tries = due.tries + 1;
            let sequel = match next_step(&sent, tries, due.arrived, &forward) {
                _ if is_loop => ForwardOutcome::Refused,
                sequel => sequel,
            };
            let SentToApp { attempt, is_misconfigured } = sent;
            let (state, retry_at) = match sequel {
                ForwardOutcome::Delivered => (EntryState::Delivered, None),
                ForwardOutcome::GivenUp | ForwardOutcome::TooOld => (EntryState::GivenUp, None),
                ForwardOutcome::Refused => (EntryState::Refused, None),
                ForwardOutcome::Retry(pause) => (EntryState::Retry, attempt.at.checked_add(pause).ok()),
            };
            while writer.record_attempt(&due, attempt.clone(), state, retry_at).await.is_err() {
                tokio::time::sleep(STORE_RETRY_PAUSE).await;
            }
            let forwarded = Forwarded { id: due.id, attempt, tries, outcome: sequel };
            FinishedAttempt { place: due.queue_row, url: due.url, started, is_misconfigured, forwarded }
        }
    }

    async fn finish(&mut self, finished: Result<FinishedAttempt, tokio::task::JoinError>) {
        let Ok(FinishedAttempt { place, url, started, is_misconfigured, forwarded }) = finished else { return };
        if !is_misconfigured {
            self.update_outage(&url, &forwarded.attempt, started);
        }
        self.in_flight.remove(&place);
        self.events.send_forwarded(forwarded).await;
    }

    /// Starts, extends or ends the outage of an app. Attempts that were running when the last
    /// failure came do not count again.
    fn update_outage(&mut self, url: &str, attempt: &Attempt, started: Instant) {
        if attempt.outcome.is_ok() {
            self.outages.remove(url);
            return;
        }
        let before = self.outages.get(url);
        if before.is_some_and(|outage| started < outage.last_failure) {
            return;
        }
        let failures = before.map_or(0, |outage| outage.failures) + 1;
        let pause = Backoff::new(self.forward.first_pause, 2.0, MAX_OUTAGE_PAUSE).pause(failures - 1);
        let last_failure = Instant::now();
        self.outages.insert(url.to_owned(), Outage { failures, last_failure, retry_at: last_failure + pause });
    }
}

/// Sends a delivery to an app, and reads at most `max_answer_body` bytes of the answer's body.
pub(super) async fn send_to_app(
    client: &HttpClient,
    forward: &ForwardOptions,
    request: &Request,
    url: &Url,
    max_answer_body: usize,
) -> SentToApp {
    let outgoing = match (forward.prepare)(request, url, clock::now()) {
        Ok(prepared) => prepared,
        Err(error) => return SentToApp::not_sent(url.as_str(), error.to_string()),
    };
    let final_url = outgoing.address();
    let options =
        ExchangeOptions { timeout: forward.timeout, certificates: forward.certificates, max_body: max_answer_body };
    match client.exchange(outgoing, options).await {
        Ok(sent) => {
            let is_misconfigured = matches!(sent.answer, Err(SendFailure::Misconfigured(_)));
            let outcome = sent.answer.map_err(|failure| failure.explain(&FORWARD_FLAGS));
            let attempt = Attempt { at: clock::now(), url: final_url, took: sent.took, outcome };
            SentToApp { attempt, is_misconfigured }
        }
        Err(error) => SentToApp::not_sent(&final_url, error.to_string()),
    }
}

fn failed_attempt(url: &str, failure: String) -> Attempt {
    Attempt { at: clock::now(), url: url.to_owned(), took: Duration::ZERO, outcome: Err(failure) }
}

/// Decides what follows an attempt, the `tries`th of a delivery that arrived then.
fn next_step(sent: &SentToApp, tries: u32, arrived: Timestamp, forward: &ForwardOptions) -> ForwardOutcome {
    let at = sent.attempt.at;
    let is_too_old = at > arrived && at.duration_since(arrived).unsigned_abs() > forward.give_up_after;
    match sent.attempt.status() {
        _ if sent.is_misconfigured => ForwardOutcome::GivenUp,
        Some(status) if status.is_success() => ForwardOutcome::Delivered,
        status if is_retryable(status) && is_too_old => ForwardOutcome::TooOld,
        status if is_retryable(status) && tries <= forward.retries => ForwardOutcome::Retry(
            Backoff::new(forward.first_pause, 2.0, MAX_RETRY_PAUSE).pause(tries.saturating_sub(1)),
        ),
        status if is_retryable(status) => ForwardOutcome::GivenUp,
        _ => ForwardOutcome::Refused,
    }
}

/// Returns true if the app may accept the delivery later; it does not matter why it gave no answer.
fn is_retryable(status: Option<Status>) -> bool {
    status.is_none_or(Status::is_retryable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::store::WriterOptions;
    use crate::model::address::Reach;
    use crate::model::exchange::OutgoingRequest;
    use crate::model::hop_mark::HopMark;
    use crate::world::{AckMode, CertificateCheck, StoreLocation};

    const APP: &str = "http://localhost:3000/";
    const OTHER_APP: &str = "http://localhost:4000/";

    fn forwarder() -> Forwarder {
        let forward = ForwardOptions {
            urls: vec![APP.parse().unwrap(), OTHER_APP.parse().unwrap()],
            route: Arc::new(|_| Vec::new()),
            prepare: Arc::new(|request, url, _| {
                Ok(OutgoingRequest::to_url(0, url.clone(), Reach::ThisMachine, request.clone()))
            }),
            hop_mark: HopMark::from_random([0; 8]),
            ack_mode: AckMode::Immediate,
            ordered: false,
            retries: 10,
            first_pause: Duration::from_secs(1),
            give_up_after: Duration::from_secs(3 * 86_400),
            timeout: Duration::from_secs(30),
            certificates: CertificateCheck::Verify,
            max_in_flight: 16,
        };
        let options = WriterOptions { refused_limit: 0, listener: String::new() };
        let (writer, _) = StoreWriter::start(&StoreLocation::Memory, &options).unwrap();
        let events = Arc::new(EventSender::new(mpsc::channel(1).0, Duration::ZERO));
        Forwarder::new(forward, writer, HttpClient::default(), events, Arc::default())
    }

    fn answered(status: u16) -> Attempt {
        Attempt { outcome: Ok(crate::model::exchange::Answer::new(status, [])), ..unanswered() }
    }

    fn sent(attempt: Attempt) -> SentToApp {
        SentToApp { attempt, is_misconfigured: false }
    }

    fn unanswered() -> Attempt {
        failed_attempt(APP, "connection refused".to_owned())
    }

    #[tokio::test]
    async fn an_app_without_answers_gets_one_delivery_at_a_time_and_does_not_slow_another_down() {
        let mut forwarder = forwarder();
        let start = Instant::now();
        let both = |count| vec![(APP.to_owned(), count), (OTHER_APP.to_owned(), 8)];
        assert_eq!(forwarder.available_urls(start), both(8));
        forwarder.update_outage(APP, &unanswered(), start);
        assert_eq!(forwarder.available_urls(start), [(OTHER_APP.to_owned(), 8)], "during the pause");
        let later = start + Duration::from_secs(60);
        assert_eq!(forwarder.available_urls(later), both(1), "after the pause");
        forwarder.in_flight.insert(1, APP.to_owned());
        assert_eq!(forwarder.available_urls(later), [(OTHER_APP.to_owned(), 8)]);
        forwarder.update_outage(APP, &answered(500), later);
        assert_eq!(forwarder.available_urls(later), both(7), "any answer ends the outage");
    }

    #[tokio::test]
    async fn attempts_that_ran_together_when_an_app_went_down_count_as_one_failure() {
        let mut forwarder = forwarder();
        let start = Instant::now();
        (0..8).for_each(|_| forwarder.update_outage(APP, &unanswered(), start));
        assert_eq!(forwarder.outages[APP].failures, 1);
        forwarder.update_outage(APP, &unanswered(), Instant::now());
        assert_eq!(forwarder.outages[APP].failures, 2);
    }

    #[tokio::test]
    async fn statuses_that_may_pass_are_retried_and_others_are_final() {
        let forward = forwarder().forward;
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(
                next_step(&sent(answered(status)), 3, clock::now(), &forward),
                ForwardOutcome::Retry(Duration::from_secs(4)),
                "{status}"
            );
            // A restart resumes it, so it is not refused for good.
            assert_eq!(
                next_step(&sent(answered(status)), 11, clock::now(), &forward),
                ForwardOutcome::GivenUp,
                "{status}"
            );
            let long_ago = clock::now() - forward.give_up_after - Duration::from_secs(1);
            assert_eq!(next_step(&sent(answered(status)), 3, long_ago, &forward), ForwardOutcome::TooOld, "{status}");
        }
        assert_eq!(
            next_step(&sent(unanswered()), 1, clock::now(), &forward),
            ForwardOutcome::Retry(Duration::from_secs(1))
        );
        let misconfigured = SentToApp { is_misconfigured: true, ..sent(unanswered()) };
        assert_eq!(next_step(&misconfigured, 1, clock::now(), &forward), ForwardOutcome::GivenUp);
        for status in [301, 307, 400, 401, 404, 409, 410, 422, 426, 428, 499, 508] {
            assert_eq!(
                next_step(&sent(answered(status)), 1, clock::now(), &forward),
                ForwardOutcome::Refused,
                "{status}"
            );
        }
        for status in [200, 202, 204, 299] {
            assert_eq!(
                next_step(&sent(answered(status)), 1, clock::now(), &forward),
                ForwardOutcome::Delivered,
                "{status}"
            );
        }
    }
}
