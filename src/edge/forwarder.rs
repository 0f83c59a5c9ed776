//! The forwarder: brings kept deliveries to the developer's app, again and again until it takes them.
//!
//! What is to be done stands in the store, so that it survives a restart: a delivery is `pending` for a URL until the app
//! answers 2xx, or refuses it for good, or was tried often enough. An app that does not answer at all is asked with growing
//! pauses, one delivery at a time. A delivery may arrive twice when the process dies between the app's answer and the record.

use super::listener::News;
use super::sender::clients::{Clients, Terms};
use super::store::{Due, Selection, Verdict, Writer};
use crate::exchange::Outgoing;
use crate::kept::{Attempt, Forwarded, Sequel};
use crate::message::Request;
use crate::timestamp::Timestamp;
use crate::world::{Forward, Happening, START_OF_ANSWER};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
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
    forward: Forward,
    writer: Writer,
    clients: Clients,
    news: mpsc::Sender<News>,
    /// Told when there is something new to be sent.
    wake: Arc<Notify>,
    /// What is under way: the place of each in the store, where it goes, and what it is about.
    flying: HashMap<i64, (String, String)>,
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
        forward: Forward,
        writer: Writer,
        clients: Clients,
        news: mpsc::Sender<News>,
        wake: Arc<Notify>,
    ) -> Self {
        Self { forward, writer, clients, news, wake, flying: HashMap::new(), silent: HashMap::new() }
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
        if let Ok(pending) = self.writer.pending(&self.urls()).await
            && pending > 0
        {
            let _ = self.news.send(News::of(Happening::TakenUp(pending))).await;
        }
    }

    /// Starts what is due and has a place, and says when to look again.
    async fn start_what_is_due(&mut self, under_way: &mut JoinSet<Landed>) -> Instant {
        let room = self.forward.in_flight.saturating_sub(self.flying.len());
        let now = Instant::now();
        let far = now + Duration::from_secs(3_600);
        if room == 0 {
            return far;
        }
        let selection = Selection {
            now: Timestamp::now(),
            most: room,
            without: self.flying.keys().copied().collect(),
            urls: self.urls_to_ask(now),
            lease: i64::try_from((self.forward.timeout + LEASE).as_micros()).unwrap_or(i64::MAX),
            per_object: self.forward.per_object,
        };
        let Ok(found) = self.writer.due(selection).await else { return now + STORE_PAUSE };
        let mut urls = self.silent.keys().cloned().collect::<HashSet<_>>();
        for due in found.due {
            // A silent app is asked with one delivery, not with all that wait for it.
            if self.silent.contains_key(&due.url) && !urls.remove(&due.url) {
                continue;
            }
            self.flying.insert(due.place, (due.url.clone(), due.object.clone()));
            under_way.spawn(self.attempt(due));
        }
        let silences = self.silent.values().map(|silence| silence.until).filter(|until| *until > now);
        let later = found.next_due.map(|due| now + due.duration_since(Timestamp::now()).unsigned_abs());
        silences.chain(later).min().unwrap_or(far)
    }

    fn urls(&self) -> Vec<String> {
        self.forward.urls.iter().map(Url::to_string).collect()
    }

    /// All but those of apps that are silent: they are asked when their pause is over, and with one delivery.
    fn urls_to_ask(&self, now: Instant) -> Vec<String> {
        let is_being_asked = |url: &String| self.flying.values().any(|(other, _)| other == url);
        let is_left_alone =
            |url: &String| self.silent.get(url).is_some_and(|silence| silence.until > now || is_being_asked(url));
        self.urls().into_iter().filter(|url| !is_left_alone(url)).collect()
    }

    /// One attempt, recorded. Until it is recorded it is not over, so that what the app has taken is not sent again.
    fn attempt(&self, due: Due) -> impl Future<Output = Landed> + Send + 'static {
        let (clients, forward, writer) = (self.clients.clone(), self.forward.clone(), self.writer.clone());
        async move {
            let started = Instant::now();
            let attempt = match due.url.parse::<Url>() {
                Ok(url) => exchange(&clients, &forward, &due.request, &url).await,
                Err(error) => failed_attempt(&due.url, error.to_string()),
            };
            let tries = due.tries + 1;
            let sequel = sequel(&attempt, tries, &forward);
            let (verdict, again) = match sequel {
                Sequel::Taken => (Verdict::Taken, None),
                Sequel::GivenUp => (Verdict::GivenUp, None),
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
        let _ = self.news.try_send(News::of(Happening::Forwarded(told)));
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
        let pause = grown(self.forward.pause, failures).min(LONGEST_SILENCE);
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

/// Sends a request to an app, prepared as the user wants it.
pub(super) async fn exchange(clients: &Clients, forward: &Forward, request: &Request, url: &Url) -> Attempt {
    let (url, request) = match (forward.prepare)(request, url, Timestamp::now()) {
        Ok(prepared) => prepared,
        Err(error) => return failed_attempt(url.as_str(), error.to_string()),
    };
    let shown = url.to_string();
    let outgoing = Outgoing { number: 0, url, request };
    let (limit, certificates) = (forward.timeout, forward.certificates);
    match clients.exchange(outgoing, Terms { limit, certificates, most_of_body: START_OF_ANSWER }).await {
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

/// What follows from an attempt. An app that answers 4xx or 3xx has made up its mind; one that says that it is busy, or fails,
/// or does not answer, may do better later.
fn sequel(attempt: &Attempt, tries: u32, forward: &Forward) -> Sequel {
    match attempt.status() {
        200..300 => Sequel::Taken,
        0 | 408 | 425 | 429 | 500.. if tries <= forward.retries => {
            Sequel::Again(grown(forward.pause, tries).min(LONGEST_PAUSE))
        }
        _ => Sequel::GivenUp,
    }
}

/// The first pause, doubled with every further one.
fn grown(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.saturating_sub(1).min(16))
}
