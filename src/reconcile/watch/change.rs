//! Changes that are reported once each.

use super::super::Class;
use super::{DeliveryOutcome, WatchedReference};
use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that is not about one reference and keeps a round from being complete or useful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The orders could not be read, or the list was empty.
    Orders,
    /// Rows of the list could not be read.
    Rows,
    /// The lookups stopped early.
    Provider,
    /// Single lookups gave no usable answer.
    Lookups,
    /// The app could not be reached.
    App,
}

impl Trouble {
    pub const ALL: [Self; 5] = [Self::Orders, Self::Rows, Self::Provider, Self::Lookups, Self::App];

    /// Returns a stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Rows => "rows",
            Self::Provider => "provider",
            Self::Lookups => "lookups",
            Self::App => "app",
        }
    }

    /// Returns a phrase for messages.
    pub fn title(self) -> &'static str {
        match self {
            Self::Orders => "the orders can't be read",
            Self::Rows => "some orders can't be read",
            Self::Provider => "the provider can't be asked",
            Self::Lookups => "some lookups fail",
            Self::App => "the app can't be reached",
        }
    }
}

/// The reference that a change is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSubject {
    #[serde(flatten)]
    pub reference: WatchedReference,
    pub own_id: Option<String>,
    #[serde(with = "class_code")]
    pub class: Class,
    pub status: Option<String>,
    #[serde(with = "money_text")]
    pub money: Option<Money>,
    /// Time at which the difference was first seen.
    pub first_seen: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairCause {
    /// The app accepted a delivery of `watch`.
    Delivery,
    /// A delivery may have reached the app.
    Unknown,
    /// `watch` delivered nothing that the app has taken.
    Itself,
}

impl RepairCause {
    /// Returns a stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Unknown => "unknown",
            Self::Itself => "itself",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum ChangeKind {
    /// A reference differs that did not differ before.
    NewDifference {
        subject: ChangeSubject,
        why: String,
    },
    /// The class of a difference has changed.
    ClassChanged {
        subject: ChangeSubject,
        why: String,
        #[serde(with = "class_code")]
        was: Class,
    },
    Repaired {
        subject: ChangeSubject,
        by: RepairCause,
    },
    /// A delivery did not end with 2xx. Reported once per outcome.
    DeliveryFailed {
        subject: ChangeSubject,
        #[serde(flatten)]
        outcome: DeliveryOutcome,
    },
    /// The app answered 2xx, but the order still differs in a later round.
    NotRepaired {
        subject: ChangeSubject,
        why: String,
    },
    /// The user has accepted the difference with `--known`.
    Accepted {
        subject: ChangeSubject,
    },
    /// It differs for so long that nothing is delivered any more.
    GivenUp {
        subject: ChangeSubject,
    },
    /// The order is not in the list any more, so it is unknown whether it agrees.
    Vanished {
        subject: ChangeSubject,
    },
    TroubleBegan {
        trouble: Trouble,
        why: String,
    },
    TroubleEnded {
        trouble: Trouble,
        began: Timestamp,
    },
}

impl ChangeKind {
    /// Returns a stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NewDifference { .. } => "new_difference",
            Self::ClassChanged { .. } => "class_changed",
            Self::Repaired { .. } => "repaired",
            Self::DeliveryFailed { .. } => "delivery_failed",
            Self::NotRepaired { .. } => "not_repaired",
            Self::Accepted { .. } => "accepted",
            Self::GivenUp { .. } => "given_up",
            Self::Vanished { .. } => "vanished",
            Self::TroubleBegan { .. } => "trouble_began",
            Self::TroubleEnded { .. } => "trouble_ended",
        }
    }

    pub fn subject(&self) -> Option<&ChangeSubject> {
        match self {
            Self::NewDifference { subject, .. }
            | Self::ClassChanged { subject, .. }
            | Self::Repaired { subject, .. }
            | Self::DeliveryFailed { subject, .. }
            | Self::NotRepaired { subject, .. }
            | Self::Accepted { subject }
            | Self::GivenUp { subject }
            | Self::Vanished { subject } => Some(subject),
            Self::TroubleBegan { .. } | Self::TroubleEnded { .. } => None,
        }
    }
}

/// A change with its number, which no other change of the same store has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub number: u64,
    pub at: Timestamp,
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// Saves a class as its code.
pub(super) mod class_code {
    use super::Class;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(class: &Class, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(class.code())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Class, D::Error> {
        let code = String::deserialize(deserializer)?;
        Class::from_code(&code).ok_or_else(|| D::Error::custom(format!("unknown class `{code}`")))
    }
}

/// Saves money as the text of its minor units, which JSON numbers can't hold, and its currency.
pub(super) mod money_text {
    use super::Money;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct SavedMoney {
        minor: String,
        currency: String,
    }

    pub fn serialize<S: Serializer>(money: &Option<Money>, serializer: S) -> Result<S::Ok, S::Error> {
        let saved = |money: &Money| SavedMoney { minor: money.minor.to_string(), currency: money.currency.clone() };
        money.as_ref().map(saved).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
        let Some(saved) = Option::<SavedMoney>::deserialize(deserializer)? else { return Ok(None) };
        let minor = saved.minor.parse().map_err(|_| D::Error::custom("an amount is not a number"))?;
        Ok(Some(Money { minor, currency: saved.currency }))
    }
}
