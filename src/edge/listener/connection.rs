//! Serves one connection: reads, verifies and stores each request, and only then answers it.
//!
//! A client learns nothing but the status: every refused signature gets the same response.

use super::super::events::{EventSender, QueuedEvent};
use super::super::recorder::{AfterRequest, Head, Recorder};
use super::Timeouts;
use super::body_memory::{BodyMemory, MemoryPermit, SMALL_BODY};
use super::deadline_stream::DeadlineStream;
use super::large_body_worker::LargeBodyWorker;
use super::pipeline::DeliveryPipeline;
use super::response::ProviderResponse;
use crate::model::delivery::{AnalyzedDelivery, Delivery, RejectedRequest};
use crate::model::message::Request;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, CaptureId, ForwardOutcome, Forwarded};
use crate::model::timestamp::Timestamp;
use crate::world::{AckPolicy, AnsweredDelivery, ForwardOptions, ListenOptions, ListenerEvent, VerifyFn};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

/// State shared by all connections.
pub(super) struct ListenerState {
    max_body: usize,
    ack_policy: AckPolicy,
    verify: VerifyFn,
    large_body_worker: LargeBodyWorker,
    pub events: Arc<EventSender>,
    /// `None`: deliveries are neither stored nor forwarded.
    pipeline: Option<DeliveryPipeline>,
    body_memory: BodyMemory,
    pub timeouts: Timeouts,
}

/// Reason why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyError {
    TooLarge,
    TimedOut,
    Truncated,
    NoMemory,
}

impl BodyError {
    fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Truncated => StatusCode::BAD_REQUEST,
            Self::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl ListenerState {
    pub fn new(
        options: &ListenOptions,
        verify: VerifyFn,
        timeouts: Timeouts,
        events: Arc<EventSender>,
        pipeline: Option<DeliveryPipeline>,
    ) -> Self {
        let (max_body, ack_policy) = (options.max_body, options.ack_policy);
        let (body_memory, large_body_worker) = (BodyMemory::new(max_body), LargeBodyWorker::new(verify.clone()));
        Self { max_body, ack_policy, verify, large_body_worker, events, pipeline, body_memory, timeouts }
    }

    /// Handles one request. The response is returned after its delivery was stored, or, without a
    /// store, taken by the consumer.
    async fn handle(
        self: &Arc<Self>,
        head: Head,
        body: Incoming,
        peer: SocketAddr,
        recorder: &Recorder,
    ) -> ProviderResponse {
        if head.method != "POST" {
            return self.reject(&head, peer, StatusCode::METHOD_NOT_ALLOWED);
        }
        if self.closes_loop(&head) {
            return self.reject(&head, peer, StatusCode::LOOP_DETECTED);
        }
        let (body, memory) = match self.read_body_in_time(body).await {
            Ok(read) => read,
            Err(error) => return self.reject(&head, peer, error.status()),
        };
        recorder.request_complete();
        let Head { method, target, headers, after: _ } = head;
        let request = Request { method, target, headers, body };
        let received = Arc::new(self.verify(request, peer, memory.is_some()).await);
        let status = self.ack_status(&received);
        let Some(pipeline) = &self.pipeline else {
            let delivery = AnsweredDelivery { received, id: None, status: status.as_u16(), store_error: None };
            let event = QueuedEvent::new(ListenerEvent::Received(delivery), memory);
            let is_taken = self.events.send_unstored(event, self.timeouts.queue).await;
            return ProviderResponse::own(if is_taken { status } else { StatusCode::SERVICE_UNAVAILABLE });
        };
        let routes = if received.verdict.is_verified() { pipeline.routes(&received) } else { Vec::new() };
        let (passthrough, routes) = pipeline.passthrough_target(routes);
        if let Some((forward, url)) = passthrough {
            // In a task of its own: the app's answer is recorded even if the provider hangs up.
            let answering = Arc::clone(self).pass_through(received, memory, (forward, url), routes);
            let answering = tokio::spawn(answering).await;
            return answering.unwrap_or_else(|_| ProviderResponse::own(StatusCode::BAD_GATEWAY));
        }
        let stored = pipeline.store(&received, AnswerState::Answered(Status(status.as_u16())), routes).await;
        let status = if stored.is_ok() { status } else { StatusCode::SERVICE_UNAVAILABLE };
        self.events.send_stored(answered_delivery(received, stored, status), memory).await;
        ProviderResponse::own(status)
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
        let id = match pipeline.store(&received, AnswerState::Pending, other_routes).await {
            Ok(id) => id,
            Err(error) => {
                let response = ProviderResponse::own(StatusCode::SERVICE_UNAVAILABLE);
                let delivery = answered_delivery(received, Err(error), response.status);
                self.events.send_stored(delivery, memory).await;
                return response;
            }
        };
        let (response, attempt) = pipeline.pass_through(&received, &forward, &url).await;
        if let Some(id) = id.filter(|_| !pipeline.writer.is_in_memory()) {
            pipeline.record_answer(id, &response, &attempt).await;
        }
        self.events.send_stored(answered_delivery(received, Ok(id), response.status), memory).await;
        if let Some(id) = id {
            let outcome = if attempt.is_success() { ForwardOutcome::Delivered } else { ForwardOutcome::GivenUp };
            self.events.send_forwarded(Forwarded { id, attempt, tries: 1, outcome }).await;
        }
        response
    }

    async fn verify(&self, request: Request, peer: SocketAddr, is_large: bool) -> AnalyzedDelivery {
        let now = Timestamp::now();
        let delivery = Delivery { request, peer: Some(peer), arrived: Some(now) };
        if is_large { self.large_body_worker.verify(delivery, now).await } else { (self.verify)(delivery, now) }
    }

    /// Returns true for a delivery that this listener has stored and forwarded before.
    fn closes_loop(&self, head: &Head) -> bool {
        let forward = self.pipeline.as_ref().and_then(|pipeline| pipeline.forward.as_ref());
        forward.is_some_and(|forward| forward.hop_mark.closes_loop(&head.headers))
    }

    fn ack_status(&self, received: &AnalyzedDelivery) -> StatusCode {
        match self.ack_policy {
            AckPolicy::All => StatusCode::OK,
            AckPolicy::Verified if received.verdict.is_verified() => StatusCode::OK,
            AckPolicy::Verified => StatusCode::UNAUTHORIZED,
        }
    }

    fn reject(&self, head: &Head, peer: SocketAddr, status: StatusCode) -> ProviderResponse {
        let request = format!("{} {}", head.method, head.target);
        self.events.try_send_rejected(RejectedRequest { peer, request, status: status.as_u16() });
        ProviderResponse::own(status)
    }

    async fn read_body_in_time(&self, body: Incoming) -> Result<(Vec<u8>, Option<MemoryPermit>), BodyError> {
        timeout(self.timeouts.body, self.read_body(body)).await.unwrap_or(Err(BodyError::TimedOut))
    }

    /// Reads a whole body, and reserves memory for it if it is large. A body whose announced length
    /// is too large is refused unread, before a client that sent `Expect: 100-continue` sends it.
    async fn read_body(&self, mut body: Incoming) -> Result<(Vec<u8>, Option<MemoryPermit>), BodyError> {
        let announced = body.size_hint();
        if announced.lower() > self.max_body as u64 {
            return Err(BodyError::TooLarge);
        }
        let length = announced.exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(self.max_body);
        let mut bytes = Vec::with_capacity(length.min(SMALL_BODY));
        let mut memory = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyError::Truncated)?;
            let Some(data) = frame.data_ref() else { continue };
            if data.len() > self.max_body - bytes.len() {
                return Err(BodyError::TooLarge);
            }
            if memory.is_none() && bytes.len() + data.len() > SMALL_BODY {
                let reserved = timeout(self.timeouts.memory, self.body_memory.reserve(length)).await;
                memory = Some(reserved.ok().flatten().ok_or(BodyError::NoMemory)?);
            }
            bytes.extend_from_slice(data);
        }
        Ok((bytes, memory))
    }
}

fn answered_delivery(
    received: Arc<AnalyzedDelivery>,
    stored: Result<Option<CaptureId>, String>,
    status: StatusCode,
) -> AnsweredDelivery {
    let (id, store_error) = match stored {
        Ok(id) => (id, None),
        Err(error) => (None, Some(error)),
    };
    AnsweredDelivery { received, id, status: status.as_u16(), store_error }
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    recorder: Arc<Recorder>,
    state: Arc<ListenerState>,
    watcher: Watcher,
) {
    // Otherwise responses may wait for the client's ACK. It fails on a socket that is closed
    // already.
    let _ = stream.set_nodelay(true);
    let stream = DeadlineStream::new(stream, Arc::clone(&recorder), &state.timeouts);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (recorder, state) = (Arc::clone(&recorder), Arc::clone(&state));
        async move { Ok::<_, Infallible>(respond(&recorder, &state, request.into_body(), peer).await) }
    });
    let serving = http1::Builder::new()
        .max_buf_size(super::super::recorder::MAX_HEAD)
        .half_close(true)
        .writev(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(serving).await
        && let Some(status) = hyper_refusal(&error)
    {
        let request = recorder.refused_request_line();
        state.events.try_send_rejected(RejectedRequest { peer, request, status: status.as_u16() });
    }
}

/// Returns the status with which hyper ended a connection. `None`: it sent no response.
fn hyper_refusal(error: &hyper::Error) -> Option<StatusCode> {
    match error {
        error if error.is_parse_too_large() => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        error if error.is_parse() => Some(StatusCode::BAD_REQUEST),
        _ => None,
    }
}

async fn respond(
    recorder: &Recorder,
    state: &Arc<ListenerState>,
    body: Incoming,
    peer: SocketAddr,
) -> Response<Full<Bytes>> {
    let (response, after) = match recorder.take() {
        Some(head) => {
            let after = head.after;
            (state.handle(head, body, peer, recorder).await, after)
        }
        None => (ProviderResponse::own(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE), AfterRequest::Lost),
    };
    recorder.answered();
    response.into_http(after)
}
