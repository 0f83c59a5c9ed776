//! The state of Plexos Pay, and the webhooks that report its changes.

use super::objects::{CatalogueItem, CheckoutSession, Payment, Refund, Settlement, WebhookEndpoint};
use crate::emulator::call::CallError;
use crate::emulator::collection::{Collection, Identified};
use crate::emulator::context::Context;
use crate::emulator::sending::{self, OutgoingWebhook};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::emulator) struct PlexosState {
    pub(super) endpoints: Collection<WebhookEndpoint>,
    pub(super) payments: Collection<Payment>,
    pub(super) refunds: Collection<Refund>,
    pub(super) sessions: Collection<CheckoutSession>,
    pub(super) settlements: Collection<Settlement>,
    pub(super) customers: Collection<CatalogueItem>,
    pub(super) products: Collection<CatalogueItem>,
    /// The payments of each settlement that is being processed.
    pub(super) batches: BTreeMap<String, Vec<String>>,
    pub(super) idempotent_responses: BTreeMap<String, IdempotentResponse>,
}

/// The answer to a call with an `Idempotency-Key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct IdempotentResponse {
    /// Body of the first request with this key.
    pub request: Value,
    pub answer: Value,
}

/// Sends an event to every active endpoint that is registered for its type.
/// <https://docs.pay.plexos.io/pages/webhooks>
pub(super) fn send_event(state: &PlexosState, context: &mut Context<'_>, event: &str, data: &impl Serialize) {
    let id = context.rng.id("evt_");
    let body = json!({"id": id, "type": event, "data": data, "createdAt": context.timestamp()}).to_string();
    for endpoint in state.endpoints.iter().filter(|endpoint| endpoint.subscribes_to(event)) {
        let Ok(url) = endpoint.url.parse() else { continue };
        let webhook = OutgoingWebhook {
            provider: "plexos",
            event: event.to_owned(),
            id: id.clone(),
            url,
            endpoint: Some(endpoint.id.clone()),
            body: body.clone(),
        };
        sending::enqueue(context, webhook);
    }
}

/// The object of this id; `kind` names it in the error.
pub(super) fn find<T: Identified + Serialize>(
    objects: &Collection<T>,
    id: &str,
    kind: &str,
) -> Result<Value, CallError> {
    objects.get(id).map(|object| json!(object)).ok_or_else(|| CallError::not_found(kind))
}
