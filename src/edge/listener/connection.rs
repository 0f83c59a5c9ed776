//! Answers requests: reads, verifies and stores each of them, and only then answers it.
//!
//! A client learns nothing but the status: every refused signature gets the same response.

use super::super::clock;
use super::super::events::{EventSender, QueuedEvent};
use super::super::http::Timeouts;
use super::super::http::body::BodyReader;
use super::super::http::body_memory::MemoryPermit;
use super::super::http::recorder::Head;
use super::super::http::response_body::ResponseBody;
use super::super::http::serve::{IncomingRequest, Service};
use super::super::http::text_response::refusal_response;
use super::super::store::Insertion;
use super::large_body_worker::LargeBodyWorker;
use super::pipeline::DeliveryPipeline;
use super::response::ProviderResponse;
use super::secret_refresh::SecretRefresher;
use crate::model::delivery::{AnalyzedDelivery, Delivery, RejectedRequest};
use crate::model::message::Request;
use crate::model::refusal::Refusal;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, ForwardOutcome, Forwarded};
use crate::model::timestamp::Timestamp;
use crate::world::{AckPolicy, AnsweredDelivery, ForwardOptions, ListenOptions, ListenerEvent, VerifyFn};
use hyper::{Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use url::Url;

/// State shared by all connections.
pub(super) struct ListenerState {
    ack_policy: AckPolicy,
    answers: AnswerScript,
    verify: VerifyFn,
    secrets: SecretRefresher,
    bodies: BodyReader,
    large_body_worker: LargeBodyWorker,
    pub events: Arc<EventSender>,
    /// `None`: deliveries are neither stored nor forwarded.
    pipeline: Option<DeliveryPipeline>,
    pub timeouts: Timeouts,
}

impl ListenerState {
    pub fn new(
        options: &ListenOptions,
        (verify, secrets): (VerifyFn, SecretRefresher),
        timeouts: Timeouts,
        events: Arc<EventSender>,
        pipeline: Option<DeliveryPipeline>,
    ) -> Self {
        let (bodies, large_body_worker) =
            (BodyReader::new(options.max_body, &timeouts), LargeBodyWorker::new(verify.clone()));
        let answers = AnswerScript { statuses: options.answers.clone(), used: AtomicUsize::new(0) };
        Self {
            ack_policy: options.ack_policy,
            answers,
            verify,
            secrets,
            bodies,
            large_body_worker,
            events,
            pipeline,
            timeouts,
        }
    }

    /// Handles one request. The response is returned after its delivery was stored, or, without a
    /// store, taken by the consumer. An error says why there is no delivery.
    async fn handle(self: &Arc<Self>, incoming: IncomingRequest<'_>) -> Result<ProviderResponse, Box<RejectedRequest>> {
        let IncomingRequest { head, body, peer, recorder, .. } = incoming;
        let reject = |head: &Head, refusal| Box::new(RejectedRequest { peer, request: head.request_line(), refusal });
        if head.method != "POST" {
            return Err(reject(&head, Refusal::MethodNotAllowed));
        }
        if self.closes_loop(&head) {
            return Err(reject(&head, Refusal::Loop));
        }
        let (body, memory) = self.bodies.read(body).await.map_err(|refusal| reject(&head, refusal))?;
        recorder.request_complete();
        let Head { method, target, headers, after: _ } = head;
        let request = Request { method, target, headers, body };
        let received = Arc::new(self.verify(request, peer, memory.is_some()).await);
        let (status, is_scripted) = self.ack_status(&received);
        let Some(pipeline) = &self.pipeline else {
            let delivery = AnsweredDelivery {
                received,
                id: None,
                status: status.as_u16(),
                is_scripted,
                store_error: None,
                store_note: None,
            };
            let event = QueuedEvent::new(ListenerEvent::Received(delivery), memory);
            let is_taken = self.events.send_unstored(event, self.timeouts.queue).await;
            return Ok(ProviderResponse::own(if is_taken { status } else { StatusCode::SERVICE_UNAVAILABLE }));
        };
        let is_refused = is_scripted && !status.is_success();
        let routes =
            if received.verdict.is_verified() && !is_refused { pipeline.routes(&received) } else { Vec::new() };
        let (passthrough, routes) = pipeline.passthrough_target(routes);
        if let Some((forward, url)) = passthrough {
            // In a task of its own: the app's answer is recorded even if the provider hangs up.
            let answering = Arc::clone(self).pass_through(received, memory, (forward, url), routes);
            let answering = tokio::spawn(answering).await;
            return Ok(answering.unwrap_or_else(|_| ProviderResponse::own(StatusCode::BAD_GATEWAY)));
        }
        let stored = pipeline.store(&received, AnswerState::Answered(Status(status.as_u16())), routes, None).await;
        let status = if stored.is_ok() { status } else { StatusCode::SERVICE_UNAVAILABLE };
        let is_scripted = is_scripted && stored.is_ok();
        let answered = AnsweredDelivery { is_scripted, ..answered_delivery(received, stored, status) };
        self.events.send_stored(answered, memory).await;
        Ok(ProviderResponse::own(status))
    }

    /// Stores a delivery, sends it to the app, records the app's answer, and returns that answer.
    async fn pass_through(
        self: Arc<Self>,
        received: Arc<AnalyzedDelivery>,
        memory: Option<MemoryPermit>,
        (forward, url): (ForwardOptions, Url),
        other_routes: Vec<Url>,
    ) -> ProviderResponse {
        let Some(pipeline) = &self.pipeline else { return ProviderResponse::own(StatusCode::SERVICE_UNAVAILABLE) };
        let stored = match pipeline.store(&received, AnswerState::Pending, other_routes, Some(&url)).await {
            Ok(stored) => stored,
            Err(error) => {
                let response = ProviderResponse::own(StatusCode::SERVICE_UNAVAILABLE);
                let delivery = answered_delivery(received, Err(error), response.status);
                self.events.send_stored(delivery, memory).await;
                return response;
            }
        };
        let id = stored.id;
        let (response, attempt) = pipeline.pass_through(&received, &forward, &url).await;
        if let Some(id) = id.filter(|_| !pipeline.writer.is_in_memory()) {
            pipeline.record_answer(id, &response, &attempt).await;
        }
        self.events.send_stored(answered_delivery(received, Ok(stored), response.status), memory).await;
        if let Some(id) = id {
            let outcome = if attempt.is_success() { ForwardOutcome::Delivered } else { ForwardOutcome::Refused };
            self.events.send_forwarded(Forwarded { id, attempt, tries: 1, outcome }).await;
        }
        response
    }

    async fn verify(&self, request: Request, peer: SocketAddr, is_large: bool) -> AnalyzedDelivery {
        let now = clock::now();
        let mark = self.secrets.mark();
        let mut received =
            self.verify_once(Delivery { request, peer: Some(peer), arrived: Some(now) }, now, is_large).await;
        for source in 0..self.secrets.sources() {
            if !received.verdict.may_lack_secret() {
                break;
            }
            if self.secrets.refresh(source, &mark).await {
                received = self.verify_once(received.delivery, now, is_large).await;
            }
        }
        received
    }

    async fn verify_once(&self, delivery: Delivery, now: Timestamp, is_large: bool) -> AnalyzedDelivery {
        if is_large { self.large_body_worker.verify(delivery, now).await } else { (self.verify)(delivery, now) }
    }

    /// Returns true for a delivery that this listener has stored and forwarded before.
    fn closes_loop(&self, head: &Head) -> bool {
        let forward = self.pipeline.as_ref().and_then(|pipeline| pipeline.forward.as_ref());
        forward.is_some_and(|forward| forward.hop_mark.closes_loop(&head.headers))
    }

    /// Returns the status for a delivery, and whether the script says so.
    fn ack_status(&self, received: &AnalyzedDelivery) -> (StatusCode, bool) {
        match self.ack_policy {
            _ if received.verdict.is_verified() => {
                let scripted = self.answers.next();
                (scripted.unwrap_or(StatusCode::OK), scripted.is_some())
            }
            AckPolicy::All => (StatusCode::OK, false),
            AckPolicy::Verified => (StatusCode::UNAUTHORIZED, false),
        }
    }
}

/// Scripted answers to verified deliveries.
struct AnswerScript {
    statuses: Vec<u16>,
    used: AtomicUsize,
}

impl AnswerScript {
    /// Returns the next status; the last one repeats. `None`: there is no script.
    fn next(&self) -> Option<StatusCode> {
        let last = self.statuses.len().checked_sub(1)?;
        let index = self.used.fetch_add(1, Ordering::Relaxed).min(last);
        StatusCode::from_u16(*self.statuses.get(index)?).ok()
    }
}

impl Service for ListenerState {
    async fn answer(self: &Arc<Self>, request: IncomingRequest<'_>) -> Option<Response<ResponseBody>> {
        Some(match self.handle(request).await {
            Ok(response) => response.into_http(),
            Err(rejected) => {
                let response = refusal_response(&rejected.refusal);
                self.report_refused(*rejected);
                response
            }
        })
    }

    fn report_refused(&self, refused: RejectedRequest) {
        self.events.try_send_rejected(refused);
    }

    fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }
}

fn answered_delivery(
    received: Arc<AnalyzedDelivery>,
    stored: Result<Insertion, String>,
    status: StatusCode,
) -> AnsweredDelivery {
    let (id, store_error, store_note) = match stored {
        Ok(Insertion { id, note }) => (id, None, note),
        Err(error) => (None, Some(error), None),
    };
    AnsweredDelivery { received, id, status: status.as_u16(), is_scripted: false, store_error, store_note }
}
