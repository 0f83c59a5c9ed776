//! Deliveries: every event for every endpoint, each try of it, and when it is tried again.
//!
//! Neither provider publishes numbers; "exponential, from a few seconds up to several hours, dropped after the last try" is
//! <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>. The numbers here are ours.

use super::Audience;
use super::agenda::Task;
use super::delivery::{Attempt, Delivery, Fate};
use super::desk::{Desk, written};
use super::faults::{Kind, Stage};
use crate::model::address::is_loopback;
use crate::model::exchange::{Answer, OutgoingRequest, SentRequest};
use crate::model::message::{HeaderError, Request};
use crate::model::signature::Key;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{Form, Provider, unix_text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;

/// The pauses between tries, in seconds of the emulator's clock: 7 hours and 35 minutes in all.
const PAUSES: [f64; 7] = [5.0, 20.0, 80.0, 320.0, 1_280.0, 5_120.0, 20_480.0];

/// How long an event that is to come after the next one waits for that, in seconds of the emulator's clock.
const HELD: f64 = 300.0;

/// How many deliveries are remembered after they ended.
const REMEMBERED: usize = 10_000;

/// How much of an answer is remembered, in bytes.
const MOST_SAID: usize = 2_000;

/// What a delivery is made of.
pub(super) struct Letter {
    pub provider: &'static str,
    pub event: String,
    pub id: String,
    pub url: Url,
    pub endpoint: Option<String>,
    pub body: String,
}

/// All deliveries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Post {
    deliveries: BTreeMap<u64, Delivery>,
    count: u64,
    /// Those that ended without being sent, until that is told.
    #[serde(skip)]
    unsent: Vec<u64>,
}

impl Post {
    /// All that are remembered, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.deliveries.values()
    }

    /// One of them.
    pub fn get(&self, number: u64) -> Option<&Delivery> {
        self.deliveries.get(&number)
    }

    /// Those that ended without being sent since this was last asked.
    pub fn take_unsent(&mut self) -> Vec<Delivery> {
        let numbers = std::mem::take(&mut self.unsent);
        numbers.iter().filter_map(|number| self.deliveries.get(number).cloned()).collect()
    }

    fn forget_the_oldest(&mut self) {
        if self.deliveries.len() > REMEMBERED
            && let Some(number) =
                self.deliveries.values().find(|delivery| delivery.has_ended()).map(|ended| ended.number)
        {
            self.deliveries.remove(&number);
        }
    }

    /// Those that were being tried when the emulator ended, which wait again now.
    pub fn resumed(&mut self) -> Vec<u64> {
        let under_way = self.deliveries.values_mut().filter(|delivery| delivery.fate == Fate::UnderWay);
        let resume = |delivery: &mut Delivery| {
            delivery.fate = Fate::Waiting;
            delivery.number
        };
        under_way.map(resume).collect()
    }
}

/// Puts an event on its way, with the faults that strike it.
pub(super) fn dispatch(desk: &mut Desk<'_>, letter: Letter) {
    let struck = desk.faults.strike(Stage::Delivery, letter.provider, "", &letter.event, desk.chance);
    let fault = |kind| struck.iter().find(|fault| fault.kind == kind);
    let mut delivery = Delivery {
        number: 0,
        provider: letter.provider.to_owned(),
        event: letter.event,
        id: letter.id,
        url: letter.url.to_string(),
        endpoint: letter.endpoint,
        body: letter.body,
        fate: Fate::Waiting,
        faults: struck.iter().map(|fault| fault.kind).collect(),
        age: fault(Kind::Late).map_or(0, |fault| whole(fault.seconds())),
        follows: None,
        created_at: written(desk.now),
        next_at: None,
        attempts: Vec::new(),
    };
    if fault(Kind::Drop).is_some() {
        delivery.fate = Fate::Dropped;
        let number = put(desk, delivery, None);
        return desk.post.unsent.push(number);
    }
    let pause = match (fault(Kind::Reorder), fault(Kind::Delay)) {
        (Some(_), _) => HELD,
        (None, delay) => delay.map_or(0.0, |fault| fault.seconds()),
    };
    let due = desk.after(pause);
    let number = put(desk, delivery.clone(), Some(due));
    if fault(Kind::Duplicate).is_some() {
        put(desk, Delivery { follows: Some(number), ..delivery.clone() }, Some(desk.after(HELD + pause)));
    }
    // Whatever waits for the next event to the same place waits for this one.
    if fault(Kind::Reorder).is_none() {
        let is_held = |other: &Delivery| {
            other.follows.is_none() && other.fate == Fate::Waiting && other.faults.contains(&Kind::Reorder)
        };
        let held = desk.post.deliveries.values_mut().filter(|other| is_held(other) && other.url == delivery.url);
        held.for_each(|other| other.follows = Some(number));
    }
}

/// A fault's seconds are within a million.
#[expect(clippy::cast_possible_truncation, reason = "the bounds of a fault's seconds")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

fn put(desk: &mut Desk<'_>, mut delivery: Delivery, due: Option<Timestamp>) -> u64 {
    desk.post.count += 1;
    let number = desk.post.count;
    delivery.number = number;
    delivery.next_at = due.map(written);
    desk.post.deliveries.insert(number, delivery);
    desk.post.forget_the_oldest();
    if let Some(due) = due {
        desk.agenda.add(due, Task::Deliver(number));
    }
    number
}

/// How a delivery is signed.
pub(super) struct Signing {
    pub provider: &'static dyn Provider,
    pub form: Form,
    pub key: Key,
}

/// The request of the next try, signed now. `None`: it was to be sent, and can't.
pub(super) fn outgoing(desk: &mut Desk<'_>, number: u64, signing: Option<Signing>) -> Option<OutgoingRequest> {
    let now = desk.now;
    let delivery = desk.post.deliveries.get_mut(&number).filter(|delivery| delivery.fate == Fate::Waiting)?;
    delivery.next_at = None;
    let url: Option<Url> = delivery.url.parse().ok();
    let (Some(signing), Some(url)) = (signing, url) else {
        return give_up(desk, number, "its endpoint is gone");
    };
    if desk.settings.audience == Audience::ThisMachine && !is_loopback(&url) {
        return give_up(desk, number, "not sent to another machine: start the emulator with --yes");
    }
    let signed_at = now.checked_sub(SignedDuration::from_secs(delivery.age)).unwrap_or(now);
    let timestamp = unix_text(signed_at);
    let prefix = signing.provider.signed_prefix(&timestamp);
    let mac = signing.key.sign(prefix.as_bytes(), delivery.body.as_bytes());
    let headers = signing.provider.signature_headers(&mac, &timestamp, signing.form);
    delivery.attempts.push(Attempt {
        at: written(now),
        timestamp,
        status: None,
        error: None,
        took_micros: 0,
        said: String::new(),
    });
    delivery.fate = Fate::UnderWay;
    let request = request(&url, &headers, delivery.body.clone().into_bytes()).ok()?;
    Some(OutgoingRequest { number, url, request })
}

/// Ends a delivery without sending it.
fn give_up(desk: &mut Desk<'_>, number: u64, reason: &str) -> Option<OutgoingRequest> {
    let at = written(desk.now);
    if let Some(delivery) = desk.post.deliveries.get_mut(&number) {
        delivery.fate = Fate::GivenUp;
        let (timestamp, error) = (String::new(), Some(reason.to_owned()));
        delivery.attempts.push(Attempt { at, timestamp, status: None, error, took_micros: 0, said: String::new() });
        desk.post.unsent.push(number);
    }
    None
}

fn request(url: &Url, signature: &[(&'static str, String)], body: Vec<u8>) -> Result<Request, HeaderError> {
    let mut request = Request::post(url.path(), body);
    request.headers.push("User-Agent", concat!("whtool-emulator/", env!("CARGO_PKG_VERSION")).as_bytes())?;
    request.headers.push("Content-Type", b"application/json")?;
    for (name, value) in signature {
        request.headers.push(name, value.as_bytes())?;
    }
    Ok(request)
}

/// Takes note of how a try fared, and decides what follows.
pub(super) fn fared(desk: &mut Desk<'_>, sent: &SentRequest) {
    let Some(delivery) = desk.post.deliveries.get_mut(&sent.number) else { return };
    let Some(attempt) = delivery.attempts.last_mut() else { return };
    attempt.took_micros = u64::try_from(sent.took.as_micros()).unwrap_or(u64::MAX);
    match &sent.answer {
        Ok(Answer { status, body, .. }) => {
            attempt.status = Some(*status);
            attempt.said = String::from_utf8_lossy(&body[..body.len().min(MOST_SAID)]).into_owned();
        }
        Err(failure) => attempt.error = Some(failure.to_string()),
    }
    let is_taken = attempt.status.is_some_and(|status| (200..300).contains(&status));
    let pause = delivery.attempts.len().checked_sub(1).and_then(|tries| PAUSES.get(tries));
    delivery.fate = match pause {
        _ if is_taken => Fate::Delivered,
        Some(_) => Fate::Waiting,
        None => Fate::GivenUp,
    };
    if let (Fate::Waiting, Some(pause)) = (delivery.fate, pause) {
        let due = desk.after(*pause);
        if let Some(delivery) = desk.post.deliveries.get_mut(&sent.number) {
            delivery.next_at = Some(written(due));
        }
        desk.agenda.add(due, Task::Deliver(sent.number));
    }
    let followers = desk.post.deliveries.values_mut().filter(|other| other.follows == Some(sent.number));
    for follower in followers {
        follower.follows = None;
        desk.agenda.hasten(follower.number, desk.now);
    }
}
