//! The state of Plustive, and the webhook of a purchase that finished.

use super::objects::{Purchase, PurchaseStatus};
use crate::emulator::collection::Collection;
use crate::emulator::context::Context;
use crate::emulator::sending::{self, OutgoingWebhook};
use crate::emulator::settings::Variant;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Initial balance in kobo: a million naira.
pub(in crate::emulator) const INITIAL_BALANCE: i64 = 100_000_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::emulator) struct PlustiveState {
    /// The wallet, in kobo.
    pub(super) balance: i64,
    pub(super) purchases: Collection<Purchase>,
    /// From `clientReference` to `reference`.
    pub(super) client_references: HashMap<String, String>,
}

impl Default for PlustiveState {
    /// Contains the purchase of the guide's example, so that the documented lookups work.
    fn default() -> Self {
        let example = Purchase::published_example();
        let client_references = HashMap::from([(example.client_reference.clone(), example.reference.clone())]);
        let mut purchases = Collection::default();
        purchases.add(example);
        Self { balance: INITIAL_BALANCE, purchases, client_references }
    }
}

impl PlustiveState {
    /// Finds a purchase by `reference` or `clientReference`.
    pub(super) fn find(&self, reference: &str) -> Option<&Purchase> {
        let reference = self.client_references.get(reference).map_or(reference, String::as_str);
        self.purchases.get(reference)
    }
}

/// Changes the status of a purchase, updates the wallet, and sends the webhook.
pub(super) fn set_status(
    state: &mut PlustiveState,
    context: &mut Context<'_>,
    reference: &str,
    status: PurchaseStatus,
) {
    let time = context.timestamp();
    let Some(purchase) = state.purchases.get_mut(reference).filter(|purchase| purchase.status != status) else {
        return;
    };
    state.balance += match (purchase.status.is_charged(), status.is_charged()) {
        (true, false) => purchase.price_charged,
        (false, true) => -purchase.price_charged,
        _ => 0,
    };
    purchase.status = status;
    purchase.completed_on = (status != PurchaseStatus::Processing).then_some(time);
    if status == PurchaseStatus::Success && purchase.provider_reference.is_none() {
        purchase.provider_reference = Some(context.rng.digits("providerReference", 9));
        purchase.token = purchase.service.has_token().then(|| context.rng.digits("token", 20));
    }
    let purchase = purchase.clone();
    if let (Some(url), true) = (context.settings.plustive_url.clone(), status != PurchaseStatus::Processing) {
        let (event, body) = event(&purchase, context.settings.variant);
        let webhook = OutgoingWebhook {
            provider: "plustive",
            event: event.to_owned(),
            id: purchase.reference,
            url,
            endpoint: None,
            body: body.to_string(),
        };
        sending::enqueue(context, webhook);
    }
}

/// Type and payload of the webhook: <https://docs.plustiveimpact.com/webhooks>, or
/// <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>. Only the guide documents
/// `Refunded`; the reference's event for it is guessed (contradiction U10).
fn event(purchase: &Purchase, variant: Variant) -> (&'static str, Value) {
    let status = purchase.status.name(variant);
    // Both examples have whole seconds.
    let time = purchase.completed_on.as_deref().and_then(|time| Some(format!("{}Z", time.split_once('.')?.0)));
    match variant {
        Variant::Reference => {
            let event =
                if purchase.status == PurchaseStatus::Success { "transaction.success" } else { "transaction.failed" };
            let body = json!({
                "event": event, "reference": purchase.reference, "clientReference": purchase.client_reference,
                "status": status, "service": purchase.service, "amount": purchase.price_charged,
                "mobileNumber": purchase.phone, "providerReference": purchase.provider_reference, "completedAt": time,
            });
            (event, body)
        }
        Variant::Guide => {
            let mut body = json!({
                "event": "transaction.completed", "reference": purchase.reference,
                "clientReference": purchase.client_reference, "status": status, "amount": purchase.price_charged,
                "type": purchase.service, "phone": purchase.phone, "timestamp": time,
            });
            if let Some(network) = &purchase.network {
                body["network"] = json!(network.to_lowercase());
            }
            if let (Some(token), PurchaseStatus::Success) = (&purchase.token, purchase.status) {
                body["token"] = json!(token);
            }
            ("transaction.completed", body)
        }
    }
}
