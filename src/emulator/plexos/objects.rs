//! The objects of the Plexos Pay API, as its answers and webhooks contain them.

use crate::emulator::collection::Identified;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// A string in JSON (contradiction P4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Centavos(pub i64);

impl Serialize for Centavos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Centavos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Largest amount of a payment. <https://docs.pay.plexos.io/pages/api/payments/create>
pub(super) const MAX_AMOUNT: i64 = 100_000_000;

pub(super) const CURRENCIES: &[&str] = &["CVE", "AOA"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum PaymentStatus {
    Created,
    OperatorPending,
    UserConfirming,
    Debited,
    Settled,
    Failed,
    Expired,
    Refunded,
    PartiallyRefunded,
    Cancelled,
}

impl PaymentStatus {
    /// True until the payment is debited, failed, expired or cancelled.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::OperatorPending | Self::UserConfirming)
    }

    /// Event type for this status. `None`: there is no such event (contradiction P1).
    pub fn event(self) -> Option<&'static str> {
        Some(match self {
            Self::Created => "payment.created",
            Self::Debited => "payment.debited",
            Self::Settled => "payment.settled",
            Self::Failed => "payment.failed",
            Self::Expired => "payment.expired",
            Self::Cancelled => "payment.cancelled",
            Self::OperatorPending | Self::UserConfirming | Self::Refunded | Self::PartiallyRefunded => return None,
        })
    }
}

/// Fields from <https://docs.pay.plexos.io/pages/api/payments/cancel>.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    pub id: String,
    pub external_id: Option<String>,
    pub amount: Centavos,
    pub currency: String,
    pub fee_amount: Centavos,
    pub net_amount: Centavos,
    pub operator: String,
    pub operator_phone: String,
    pub operator_tx_id: Option<String>,
    pub status: PaymentStatus,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub description: Option<String>,
    pub statement_descriptor: Option<String>,
    pub customer_id: Option<String>,
    pub metadata: Map<String, Value>,
    pub expires_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

impl Identified for Payment {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum RefundStatus {
    Pending,
    Processing,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refund {
    pub id: String,
    pub payment_intent_id: String,
    pub amount: Centavos,
    pub currency: String,
    pub status: RefundStatus,
    pub reason: Option<String>,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub operator_refund_id: Option<String>,
    pub metadata: Map<String, Value>,
    pub created_at: String,
    pub updated_at: String,
}

impl Identified for Refund {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum SessionStatus {
    Open,
    Completed,
    Expired,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckoutSession {
    pub id: String,
    pub url: String,
    pub amount: Centavos,
    pub currency: String,
    pub status: SessionStatus,
    pub return_url: Option<String>,
    pub completion_url: Option<String>,
    pub customer_id: Option<String>,
    pub payment_intent_id: Option<String>,
    pub items: Vec<Value>,
    pub metadata: Map<String, Value>,
    pub expires_at: String,
    pub created_at: String,
    pub updated_at: String,
}

impl Identified for CheckoutSession {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Fields from <https://docs.pay.plexos.io/pages/api/settlements/list>.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settlement {
    pub id: String,
    pub merchant_id: String,
    pub amount: Centavos,
    pub fee_total: Centavos,
    pub net_amount: Centavos,
    pub currency: String,
    pub amount_formatted: String,
    pub net_amount_formatted: String,
    pub status: String,
    pub period_start: String,
    pub period_end: String,
    pub payout_ref: Option<String>,
    pub item_count: usize,
    pub created_at: String,
    pub processed_at: Option<String>,
    pub completed_at: Option<String>,
}

impl Identified for Settlement {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookEndpoint {
    pub id: String,
    pub url: String,
    pub events: Vec<String>,
    pub status: String,
    pub description: Option<String>,
    pub secret: String,
    pub created_at: String,
    pub updated_at: String,
}

impl Identified for WebhookEndpoint {
    fn id(&self) -> &str {
        &self.id
    }
}

impl WebhookEndpoint {
    /// True if the endpoint is active and registered for this event type.
    pub fn subscribes_to(&self, kind: &str) -> bool {
        self.status == "ACTIVE" && self.events.iter().any(|event| event == kind)
    }

    /// Everything but the secret, which only the answer to the creation contains.
    pub fn without_secret(&self) -> Value {
        let mut endpoint = json!(self);
        if let Value::Object(fields) = &mut endpoint {
            fields.remove("secret");
        }
        endpoint
    }
}

/// A customer or a product.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CatalogueItem(pub Map<String, Value>);

impl Identified for CatalogueItem {
    fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}
