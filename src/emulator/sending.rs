//! Queues, signs and retries webhook deliveries.
//!
//! Neither provider publishes its retry schedule. Plustive documents "exponential, from a few
//! seconds up to several hours, dropped after the last try":
//! <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>. The numbers here are ours.

use super::context::{Context, format_time};
use super::delivery::{DeliveryStatus, WebhookAttempt, WebhookDelivery};
use super::faults::{FaultKind, FaultRule, FaultStage};
use super::timers::TimedTask;
use crate::model::exchange::{Answer, OutgoingRequest, SendFailure, SentRequest};
use crate::model::message::{HeaderError, Request};
use crate::model::signature::Key;
use crate::model::status::Status;
use crate::model::target_fault::TargetFault;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{Provider, SignatureForm, format_unix_seconds};
use url::Url;

/// Pauses before each retry, in seconds of the emulator's clock; 7 hours and 35 minutes in total.
const RETRY_PAUSES: [f64; 7] = [5.0, 20.0, 80.0, 320.0, 1_280.0, 5_120.0, 20_480.0];

/// Longest time that a reordered event waits for the next one, in seconds of the emulator's clock.
const REORDER_SECONDS: f64 = 300.0;

/// Bytes of an answer that an attempt keeps.
const MAX_RESPONSE: usize = 2_000;

/// An event for one endpoint.
pub(super) struct OutgoingWebhook {
    pub provider: &'static str,
    pub event: String,
    pub id: String,
    pub url: Url,
    pub endpoint: Option<String>,
    pub body: String,
}

/// Queues a webhook, and applies the faults that are set for it.
pub(super) fn enqueue(context: &mut Context<'_>, webhook: OutgoingWebhook) {
    let triggered = context.trigger_faults(FaultStage::Delivery, webhook.provider, "", &webhook.event);
    let fault = |kind| triggered.iter().find(|rule| rule.kind == kind);
    let mut delivery = WebhookDelivery {
        number: 0,
        provider: webhook.provider.to_owned(),
        event: webhook.event,
        id: webhook.id,
        url: webhook.url.to_string(),
        endpoint: webhook.endpoint,
        body: webhook.body,
        status: DeliveryStatus::Waiting,
        faults: triggered.iter().map(|rule| rule.kind).collect(),
        age: fault(FaultKind::Late).map_or(0, |rule| whole_seconds(rule.seconds())),
        follows: None,
        created_at: format_time(context.now),
        next_at: None,
        attempts: Vec::new(),
    };
    if fault(FaultKind::Drop).is_some() {
        delivery.status = DeliveryStatus::Dropped;
        let number = context.outbox.add(delivery);
        return context.outbox.mark_unsent(number);
    }
    let pause = match (fault(FaultKind::Reorder), fault(FaultKind::Delay)) {
        (Some(_), _) => REORDER_SECONDS,
        (None, delay) => delay.map_or(0.0, FaultRule::seconds),
    };
    let number = add(context, delivery.clone(), pause);
    if fault(FaultKind::Duplicate).is_some() {
        add(context, WebhookDelivery { follows: Some(number), ..delivery.clone() }, REORDER_SECONDS + pause);
    }
    if fault(FaultKind::Reorder).is_none() {
        // Reordered events to the same URL follow this one.
        let is_reordered = |other: &WebhookDelivery| {
            other.follows.is_none()
                && other.status == DeliveryStatus::Waiting
                && other.faults.contains(&FaultKind::Reorder)
        };
        let reordered = context.outbox.iter_mut().filter(|other| is_reordered(other) && other.url == delivery.url);
        reordered.for_each(|other| other.follows = Some(number));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a fault's seconds are at most a million")]
fn whole_seconds(seconds: f64) -> i64 {
    seconds as i64
}

/// Adds a delivery that is due after `pause` seconds, and returns its number.
fn add(context: &mut Context<'_>, delivery: WebhookDelivery, pause: f64) -> u64 {
    let due = context.time_after(pause);
    let number = context.outbox.add(WebhookDelivery { next_at: Some(format_time(due)), ..delivery });
    context.timers.add(due, TimedTask::Deliver(number));
    number
}

pub(super) struct Signing {
    pub provider: &'static dyn Provider,
    pub form: SignatureForm,
    pub key: Key,
}

/// Signs the next attempt of a delivery now. `None`: nothing is to be sent, or it was given up.
pub(super) fn prepare(context: &mut Context<'_>, number: u64, signing: Option<Signing>) -> Option<OutgoingRequest> {
    let now = context.now;
    let delivery = context.outbox.get_mut(number)?;
    if delivery.status != DeliveryStatus::Waiting {
        return None;
    }
    delivery.next_at = None;
    let url: Option<Url> = delivery.url.parse().ok();
    let (Some(signing), Some(url)) = (signing, url) else {
        return give_up(context, number, "its endpoint is gone");
    };
    let signed_at = now.checked_sub(SignedDuration::from_secs(delivery.age)).unwrap_or(now);
    let timestamp = format_unix_seconds(signed_at);
    let prefix = signing.provider.signed_prefix(&timestamp);
    let mac = signing.key.sign(prefix.as_bytes(), delivery.body.as_bytes());
    let headers = signing.provider.signature_headers(&mac, &timestamp, signing.form);
    delivery.attempts.push(attempt(now, timestamp, None));
    delivery.status = DeliveryStatus::InFlight;
    let request = request(&url, &headers, delivery.body.clone().into_bytes()).ok()?;
    Some(OutgoingRequest::to_url(number, url, context.settings.reach, request))
}

fn attempt(now: Timestamp, timestamp: String, error: Option<&str>) -> WebhookAttempt {
    let error = error.map(str::to_owned);
    WebhookAttempt { at: format_time(now), timestamp, status: None, error, took_micros: 0, response: String::new() }
}

/// Finishes a delivery without sending it.
fn give_up(context: &mut Context<'_>, number: u64, reason: &str) -> Option<OutgoingRequest> {
    let delivery = context.outbox.get_mut(number)?;
    delivery.status = DeliveryStatus::GivenUp;
    delivery.attempts.push(attempt(context.now, String::new(), Some(reason)));
    context.outbox.mark_unsent(number);
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

/// Records the answer to an attempt, and schedules a retry unless it was 2xx.
pub(super) fn record_attempt(context: &mut Context<'_>, sent: &SentRequest) {
    let Some(delivery) = context.outbox.get_mut(sent.number) else { return };
    let Some(attempt) = delivery.attempts.last_mut() else { return };
    attempt.took_micros = u64::try_from(sent.took.as_micros()).unwrap_or(u64::MAX);
    match &sent.answer {
        Ok(Answer { status, body, .. }) => {
            attempt.status = Some(status.0);
            attempt.response = String::from_utf8_lossy(&body[..body.len().min(MAX_RESPONSE)]).into_owned();
        }
        Err(failure) => attempt.error = Some(failure.to_string()),
    }
    if let Err(SendFailure::Misconfigured(TargetFault::OtherMachine(_))) = &sent.answer {
        attempt.error = Some("not sent to another machine: start the emulator with --yes".to_owned());
        delivery.status = DeliveryStatus::GivenUp;
        return;
    }
    let is_success = attempt.status.is_some_and(|status| Status(status).is_success());
    let pause = delivery.attempts.len().checked_sub(1).and_then(|retries| RETRY_PAUSES.get(retries));
    delivery.status = match pause {
        _ if is_success => DeliveryStatus::Delivered,
        Some(_) => DeliveryStatus::Waiting,
        None => DeliveryStatus::GivenUp,
    };
    if let (DeliveryStatus::Waiting, Some(pause)) = (delivery.status, pause) {
        let due = context.time_after(*pause);
        if let Some(delivery) = context.outbox.get_mut(sent.number) {
            delivery.next_at = Some(format_time(due));
        }
        context.timers.add(due, TimedTask::Deliver(sent.number));
    }
    for follower in context.outbox.iter_mut().filter(|other| other.follows == Some(sent.number)) {
        follower.follows = None;
        context.timers.bring_forward(follower.number, context.now);
    }
}
