//! Purchases as answers and webhooks contain them.

use crate::emulator::collection::Identified;
use crate::emulator::settings::Variant;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Service {
    Data,
    Airtime,
    Electricity,
    #[serde(rename = "CableTv")]
    Cable,
    Education,
    Broadband,
}

impl Service {
    /// Parses the part of a path that names the service.
    pub fn from_path(word: &str) -> Option<Self> {
        Some(match word {
            "data" => Self::Data,
            "airtime" => Self::Airtime,
            "electricity" => Self::Electricity,
            "cabletv" => Self::Cable,
            "education" => Self::Education,
            "broadband" => Self::Broadband,
            _ => return None,
        })
    }

    /// True if it is paid for a customer's account rather than for a phone.
    pub fn is_bill(self) -> bool {
        !matches!(self, Self::Data | Self::Airtime)
    }

    /// True if a token or PIN is bought.
    pub fn has_token(self) -> bool {
        matches!(self, Self::Electricity | Self::Education)
    }

    /// Name of the field with the phone or account.
    pub fn account_field(self) -> &'static str {
        match self {
            Self::Data | Self::Airtime => "phone",
            Self::Electricity => "meterNumber",
            Self::Cable => "smartcard",
            Self::Broadband => "accountNumber",
            Self::Education => "phoneNumber",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PurchaseStatus {
    Processing,
    Success,
    Failed,
    Refunded,
}

impl PurchaseStatus {
    /// The name in JSON. The guide writes `Pending` for `Processing` (contradiction U7).
    pub fn name(self, variant: Variant) -> &'static str {
        match (self, variant) {
            (Self::Processing, Variant::Reference) => "Processing",
            (Self::Processing, Variant::Guide) => "Pending",
            (Self::Success, _) => "Success",
            (Self::Failed, _) => "Failed",
            (Self::Refunded, _) => "Refunded",
        }
    }

    /// True if the wallet was charged.
    pub fn is_charged(self) -> bool {
        matches!(self, Self::Processing | Self::Success)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Purchase {
    pub reference: String,
    pub client_reference: String,
    pub service: Service,
    pub status: PurchaseStatus,
    pub network: Option<String>,
    pub plan: Option<String>,
    /// The phone, or the meter, card or account that a bill is for.
    pub phone: String,
    /// In kobo.
    pub price_charged: i64,
    pub provider_reference: Option<String>,
    pub token: Option<String>,
    pub created_on: String,
    pub completed_on: Option<String>,
    /// Body of the call.
    pub request: Map<String, Value>,
}

impl Identified for Purchase {
    fn id(&self) -> &str {
        &self.reference
    }
}

impl Purchase {
    /// The example of <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>.
    pub fn published_example() -> Self {
        Self {
            reference: "PLS-7XKQR4N".to_owned(),
            client_reference: "ord_20260616_001".to_owned(),
            service: Service::Data,
            status: PurchaseStatus::Success,
            network: Some("MTN".to_owned()),
            plan: Some("1.0GB".to_owned()),
            phone: "08030000000".to_owned(),
            price_charged: 27_000,
            provider_reference: Some("118682181".to_owned()),
            token: None,
            created_on: "2026-06-16T09:14:21.000Z".to_owned(),
            completed_on: Some("2026-06-16T09:14:33.000Z".to_owned()),
            request: Map::new(),
        }
    }
}
