//! The forwarder: brings kept deliveries to the developer's app, again and again until it takes them.
//!
//! What is to be done stands in the store, so that it survives a restart: a delivery is `pending` for a URL until the app
//! answers 2xx, or refuses it for good, or was tried often enough. An app that does not answer at all is asked with growing
//! pauses, one delivery at a time. A delivery may arrive twice when the process dies between the app's answer and the record.

use super::listener::Teller;
use super::sender::clients::{Clients, Terms};
use super::store::{Due, Selection, Verdict, Writer};
use crate::model::backoff::Backoff;
use crate::model::exchange::OutgoingRequest;
use crate::model::message::Request;
use crate::model::stored::{Attempt, Forwarded, Sequel};
use crate::model::timestamp::Timestamp;
use crate::world::{ForwardOptions, ListenerEvent, MAX_ANSWER_BODY};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

/// The longest pause before a delivery is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The longest pause while an app does not answer at all.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);
/// How much longer than an attempt may take its delivery is this process' alone.
const LEASE: Duration = Duration::from_secs(1);
/// How long the forwarder waits when the store does not work.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Sends what is pending, several at once.
pub(super) struct Forwarder {
    forward: ForwardOptions,
    writer: Writer,
    clients: Clients,
    teller: Arc<Teller>,
    /// Told when there is something new to be sent.
    wake: Arc<Notify>,
    /// What is under way: the place of each in the queue, and where it goes.
    flying: HashMap<i64, String>,
    silent: HashMap<String, Silence>,
}

/// An app that does not answer.
#[derive(Clone, Copy)]
struct Silence {
    failures: u32,
    since: Instant,
    until: Instant,
}

impl Forwarder {
    pub fn new(
        forward: ForwardOptions,
        writer: Writer,
        clients: Clients,
        teller: Arc<Teller>,
        wake: Arc<Notify>,
    ) -> Self {
        Self { forward, writer, clients, teller, wake, flying: HashMap::new(), silent: HashMap::new() }
    }

    /// Works until it is told to stop, and then finishes what is under way.
    pub async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        self.tell_of_old_ones().await;
        let mut under_way = JoinSet::new();
        loop {
            let next = self.start_what_is_due(&mut under_way).await;
            tokio::select! {
                biased;
                _ = &mut stop => {
                    // What came just before still has its turn.
                    self.start_what_is_due(&mut under_way).await;
                    break;
                }
                Some(landed) = under_way.join_next() => self.landed(landed).await,
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
        while let Some(landed) = under_way.join_next().await {
            self.landed(landed).await;
        }
    }

    /// What was left from before is taken up; the user should know.
    async fn tell_of_old_ones(&self) {
        if let Ok(pending) = self.writer.take_up(&self.urls()).await
            && pending > 0
        {
            self.teller.say(ListenerEvent::Resumed(pending)).await;
        }
    }

    /// Starts what is due and has a place, and says when to look again.
    async fn start_what_is_due(&mut self, under_way: &mut JoinSet<Landed>) -> Instant {
        let now = Instant::now();
        let far = now + Duration::from_secs(3_600);
        let urls = self.urls_to_ask(now);
        if urls.is_empty() {
            return self.end_of_silence(now).unwrap_or(far);
        }
        let selection = Selection {
            now: Timestamp::now(),
            urls,
            without: self.flying.keys().copied().collect(),
            lease: i64::try_from((self.forward.timeout + LEASE).as_micros()).unwrap_or(i64::MAX),
            per_object: self.forward.ordered,
        };
        let Ok(found) = self.writer.due(selection).await else { return now + STORE_PAUSE };
        for due in found.due {
            self.flying.insert(due.place, due.url.clone());
            under_way.spawn(self.attempt(due));
        }
        let later = found.next_due.map(|due| now + due.duration_since(Timestamp::now()).unsigned_abs());
        self.end_of_silence(now).into_iter().chain(later).min().unwrap_or(far)
    }

    /// When the next silent app may be asked again.
    fn end_of_silence(&self, now: Instant) -> Option<Instant> {
        self.silent.values().map(|silence| silence.until).filter(|until| *until > now).min()
    }

    fn urls(&self) -> Vec<String> {
        self.forward.urls.iter().map(Url::to_string).collect()
    }

    /// The URLs that have places left, and how many: each has its share, so that an app that hangs keeps no other waiting. One
    /// that is silent is asked when its pause is over, and with one delivery, not with all that wait for it.
    fn urls_to_ask(&self, now: Instant) -> Vec<(String, usize)> {
        let urls = self.urls();
        let share = (self.forward.max_in_flight / urls.len().max(1)).max(1);
        let places = |url: &String| {
            let flying = self.flying.values().filter(|other| *other == url).count();
            match self.silent.get(url) {
                Some(silence) if silence.until > now => 0,
                Some(_) => 1_usize.saturating_sub(flying),
                None => share.saturating_sub(flying),
            }
        };
        let urls = urls.into_iter().map(|url| (places(&url), url));
        urls.filter(|(places, _)| *places > 0).map(|(places, url)| (url, places)).collect()
    }

    /// One attempt, recorded. Until it is recorded it is not over, so that what the app has taken is not sent again.
    fn attempt(&self, due: Due) -> impl Future<Output = Landed> + Send + 'static {
        let (clients, forward, writer) = (self.clients.clone(), self.forward.clone(), self.writer.clone());
        async move {
            let started = Instant::now();
            let attempt = match due.url.parse::<Url>() {
                Ok(url) => exchange(&clients, &forward, &due.request, &url, MAX_ANSWER_BODY).await,
                Err(error) => failed_attempt(&due.url, error.to_string()),
            };
            let tries = due.tries + 1;
            let sequel = sequel(&attempt, tries, &forward);
            let (verdict, again) = match sequel {
                Sequel::Taken => (Verdict::Taken, None),
                Sequel::GivenUp if may_do_better(attempt.status()) => (Verdict::GivenUp, None),
                Sequel::GivenUp => (Verdict::Refused, None),
                Sequel::Again(pause) => (Verdict::Again, attempt.at.checked_add(pause).ok()),
            };
            while writer.attempted(due.place, due.delivery, attempt.clone(), verdict, again).await.is_err() {
                tokio::time::sleep(STORE_PAUSE).await;
            }
            Landed { place: due.place, url: due.url, started, told: Forwarded { id: due.id, attempt, tries, sequel } }
        }
    }

    /// Notes how an attempt went and tells of it.
    async fn landed(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        let Ok(Landed { place, url, started, told }) = landed else { return };
        self.listen_for_silence(&url, &told.attempt, started);
        self.flying.remove(&place);
        self.teller.forwarded(told).await;
    }

    /// Attempts that were under way together when an app fell silent count as one.
    fn listen_for_silence(&mut self, url: &str, attempt: &Attempt, started: Instant) {
        if attempt.outcome.is_ok() {
            self.silent.remove(url);
            return;
        }
        let before = self.silent.get(url);
        if before.is_some_and(|silence| started < silence.since) {
            return;
        }
        let failures = before.map_or(0, |silence| silence.failures) + 1;
        let pause = Backoff::new(self.forward.first_pause, 2.0, LONGEST_SILENCE).pause(failures - 1);
        let since = Instant::now();
        self.silent.insert(url.to_owned(), Silence { failures, since, until: since + pause });
    }
}

/// An attempt that is over.
struct Landed {
    place: i64,
    url: String,
    started: Instant,
    told: Forwarded,
}

/// Sends a request to an app, prepared as the user wants it; so much of the answer's body is wanted, in bytes.
pub(super) async fn exchange(
    clients: &Clients,
    forward: &ForwardOptions,
    request: &Request,
    url: &Url,
    most_of_body: usize,
) -> Attempt {
    let (url, request) = match (forward.prepare)(request, url, Timestamp::now()) {
        Ok(prepared) => prepared,
        Err(error) => return failed_attempt(url.as_str(), error.to_string()),
    };
    let shown = url.to_string();
    let outgoing = OutgoingRequest { number: 0, url, request };
    let (limit, certificates) = (forward.timeout, forward.certificates);
    match clients.exchange(outgoing, Terms { limit, certificates, most_of_body }).await {
        Ok(sent) => Attempt {
            at: Timestamp::now(),
            url: shown,
            took: sent.took,
            outcome: sent.answer.map_err(|failure| failure.to_string()),
        },
        Err(error) => failed_attempt(&shown, error.to_string()),
    }
}

fn failed_attempt(url: &str, failure: String) -> Attempt {
    Attempt { at: Timestamp::now(), url: url.to_owned(), took: Duration::ZERO, outcome: Err(failure) }
}

/// What follows from an attempt.
fn sequel(attempt: &Attempt, tries: u32, forward: &ForwardOptions) -> Sequel {
    match attempt.status() {
        200..300 => Sequel::Taken,
        status if may_do_better(status) && tries <= forward.retries => {
            Sequel::Again(Backoff::new(forward.first_pause, 2.0, LONGEST_PAUSE).pause(tries.saturating_sub(1)))
        }
        _ => Sequel::GivenUp,
    }
}

/// An app that answers 4xx or 3xx has made up its mind; one that says that it is busy, or fails, or does not answer, may do better
/// later.
fn may_do_better(status: u16) -> bool {
    matches!(status, 0 | 408 | 425 | 429 | 500..)
}
