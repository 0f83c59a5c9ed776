//! Where deliveries are kept and sent on from, and what the provider is answered in the app's place.

use super::super::forwarder;
use super::super::sender::clients::Clients;
use super::super::store::{Recorded, Writer};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::stored::Attempt;
use crate::world::{AckMode, ForwardOptions, MAX_ANSWER_BODY, MAX_PASSTHROUGH_BODY};
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use url::Url;

/// How many providers may wait for the app's own answer at once; the others wait for their turn.
pub(super) const ASKED_AT_ONCE: usize = 256;

/// How long to wait before what could not be recorded is recorded again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Where deliveries are kept, and sent on from.
pub(super) struct Keeping {
    /// The way to the store.
    pub writer: Writer,
    /// How verified deliveries are sent on.
    pub forward: Option<ForwardOptions>,
    /// The way to the app.
    pub clients: Clients,
    /// Wakes the forwarder.
    pub wake: Arc<Notify>,
    /// Places before an app whose answer the provider gets.
    pub asked: Semaphore,
}

impl Keeping {
    /// The URLs that a delivery goes to.
    pub fn routes(&self, received: &AnalyzedDelivery) -> Vec<Url> {
        self.forward.as_ref().map(|forward| (forward.route)(received)).unwrap_or_default()
    }

    /// The app whose answer the provider gets, taken from the routes. `None`: the provider gets our own.
    pub fn spokesman(&self, routes: &mut Vec<Url>) -> Option<(ForwardOptions, Url)> {
        let forward = self.forward.as_ref().filter(|forward| forward.ack_mode == AckMode::Passthrough)?;
        if routes.is_empty() { None } else { Some((forward.clone(), routes.remove(0))) }
    }

    /// Asks an app: what the provider gets, and how it went.
    pub async fn ask(&self, received: &AnalyzedDelivery, forward: &ForwardOptions, url: &Url) -> (Reply, Attempt) {
        // Never closed, so that there is a place sooner or later.
        let _place = self.asked.acquire().await;
        let request = &received.delivery.request;
        let mut attempt = forwarder::exchange(&self.clients, forward, request, url, MAX_PASSTHROUGH_BODY).await;
        if attempt.outcome.as_ref().is_ok_and(|answer| !answer.is_whole) {
            let most = MAX_PASSTHROUGH_BODY / 1024;
            attempt.outcome = Err(format!("its answer has more than {most} KiB and is not passed on"));
        }
        let reply = Reply::by_app(&attempt);
        if let Ok(answer) = &mut attempt.outcome {
            answer.is_whole &= answer.body.len() <= MAX_ANSWER_BODY;
            answer.body.truncate(MAX_ANSWER_BODY);
            answer.body.shrink_to_fit();
        }
        (reply, attempt)
    }

    /// Records what a delivery was answered. A store that fails just then is tried again in the background: what the app has
    /// answered counts, and the delivery itself is kept already.
    pub async fn answered(&self, recorded: &Recorded, reply: &Reply, attempt: &Attempt) {
        let (writer, place) = (self.writer.clone(), recorded.place);
        let (answered, attempt) = (reply.status.as_u16(), attempt.clone());
        if writer.answered(place, answered, attempt.clone()).await.is_err() {
            tokio::spawn(async move {
                while writer.answered(place, answered, attempt.clone()).await.is_err() {
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            });
        }
    }
}

/// What a request is answered with.
pub(super) struct Reply {
    pub status: StatusCode,
    /// The app's own words. `None`: ours for the status.
    pub said: Option<Said>,
}

/// What an app said.
pub(super) struct Said {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// Our own answer.
    pub fn of(status: StatusCode) -> Self {
        Self { status, said: None }
    }

    /// The app's answer, without what was about its connection; 502 when there is none that can be passed on.
    fn by_app(attempt: &Attempt) -> Self {
        let status = StatusCode::from_u16(attempt.status()).ok().filter(|status| !status.is_informational());
        let (Ok(answer), Some(status)) = (&attempt.outcome, status) else { return Self::of(StatusCode::BAD_GATEWAY) };
        let mut headers = HeaderMap::with_capacity(answer.headers.len());
        for (name, value) in answer.headers.end_to_end() {
            // They were headers in the app's answer, so they can be again.
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
                && name != CONTENT_LENGTH
            {
                headers.append(name, value);
            }
        }
        Self { status, said: Some(Said { headers, body: Bytes::from(answer.body.clone()) }) }
    }
}
