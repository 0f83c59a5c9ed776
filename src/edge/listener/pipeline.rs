//! Stores deliveries and hands them to the app: through the forwarder's queue, or directly when the
//! app answers the provider (`--passthrough`).

use super::super::forwarder::send_to_app;
use super::super::sender::client::HttpClient;
use super::super::store::{Insertion, NewDelivery, StoreWriter};
use super::response::ProviderResponse;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, Attempt, CaptureId};
use crate::world::{AckMode, ForwardOptions, MAX_ANSWER_BODY, MAX_PASSTHROUGH_BODY};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use url::Url;

/// Most deliveries that wait for the app's answer at once; the others queue.
const PASSTHROUGH_LIMIT: usize = 256;

/// Pause before a failed write to the store is tried again.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct DeliveryPipeline {
    pub writer: StoreWriter,
    pub forward: Option<ForwardOptions>,
    pub client: HttpClient,
    /// Wakes the forwarder.
    pub wake: Arc<Notify>,
    passthrough_slots: Semaphore,
}

impl DeliveryPipeline {
    pub fn new(writer: StoreWriter, forward: Option<ForwardOptions>) -> Self {
        let (client, wake) = (HttpClient::default(), Arc::new(Notify::new()));
        Self { writer, forward, client, wake, passthrough_slots: Semaphore::new(PASSTHROUGH_LIMIT) }
    }

    /// Returns the URLs that a delivery is forwarded to.
    pub fn routes(&self, received: &AnalyzedDelivery) -> Vec<Url> {
        self.forward.as_ref().map(|forward| (forward.route)(received.event.kind.as_deref())).unwrap_or_default()
    }

    /// Splits off the first route if `--passthrough` makes that app answer the provider.
    pub fn passthrough_target(&self, mut routes: Vec<Url>) -> (Option<(ForwardOptions, Url)>, Vec<Url>) {
        let forward = self.forward.as_ref().filter(|forward| forward.ack_mode == AckMode::Passthrough);
        match forward {
            Some(forward) if !routes.is_empty() => {
                let first = routes.remove(0);
                (Some((forward.clone(), first)), routes)
            }
            _ => (None, routes),
        }
    }

    /// Stores a delivery and queues it for these routes, but not for the app that answers it. When
    /// this returns, it is on disk; an error says why it is not.
    pub async fn store(
        &self,
        received: &Arc<AnalyzedDelivery>,
        answer: AnswerState,
        routes: Vec<Url>,
        passed_to: Option<&Url>,
    ) -> Result<Insertion, String> {
        let forwards: Vec<_> = routes.into_iter().map(String::from).collect();
        if self.writer.is_in_memory() && forwards.is_empty() {
            return Ok(Insertion { id: None, note: None });
        }
        let (received, wake) = (Arc::clone(received), Arc::clone(&self.wake));
        // Without a time limit: the delivery may be stored after the wait was given up.
        let passed_to = passed_to.map(Url::to_string);
        self.writer.insert(NewDelivery { received, answer, forwards, passed_to, wake }).await
    }

    /// Sends a delivery to the app, and returns the response for the provider with the attempt.
    pub async fn pass_through(
        &self,
        received: &AnalyzedDelivery,
        forward: &ForwardOptions,
        url: &Url,
    ) -> (ProviderResponse, Attempt) {
        // Fails only when the semaphore is closed, which it never is.
        let _slot = self.passthrough_slots.acquire().await;
        let request = &received.delivery.request;
        let mut attempt = send_to_app(&self.client, forward, request, url, MAX_PASSTHROUGH_BODY).await.attempt;
        if attempt.outcome.as_ref().is_ok_and(|answer| !answer.is_whole) {
            let limit = MAX_PASSTHROUGH_BODY / 1024;
            attempt.outcome = Err(format!("the app's answer is larger than {limit} KiB and was not passed on"));
        }
        let response = ProviderResponse::from_app(&attempt);
        if let Ok(answer) = &mut attempt.outcome {
            answer.is_whole &= answer.body.len() <= MAX_ANSWER_BODY;
            answer.body.truncate(MAX_ANSWER_BODY);
            answer.body.shrink_to_fit();
        }
        (response, attempt)
    }

    /// Records the answer that the provider gets. If the store fails, it is tried again in the
    /// background: the app's answer counts, and the delivery itself is stored already.
    pub async fn record_answer(&self, id: CaptureId, response: &ProviderResponse, attempt: &Attempt) {
        let writer = self.writer.clone();
        let (answer, attempt) = (AnswerState::Answered(Status(response.status.as_u16())), attempt.clone());
        if writer.record_answer(id, answer, attempt.clone()).await.is_err() {
            tokio::spawn(async move {
                while writer.record_answer(id, answer, attempt.clone()).await.is_err() {
                    tokio::time::sleep(STORE_RETRY_PAUSE).await;
                }
            });
        }
    }
}
