//! Faults on demand: what goes wrong, with which calls or deliveries, how often.

use super::call::{Call, Refusal};
use super::chance::Chance;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::str::FromStr;
use wildmatch::WildMatch;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// An event is delivered twice.
    #[serde(rename = "duplicate")]
    Duplicate,
    /// An event is delivered after the next one.
    #[serde(rename = "reorder")]
    Reorder,
    /// An event is delivered later.
    #[serde(rename = "delay")]
    Delay,
    /// An event is never delivered.
    #[serde(rename = "drop")]
    Drop,
    /// An event is signed with a time beyond the tolerance, every time it is sent.
    #[serde(rename = "late")]
    Late,
    /// A call is answered 429 with `Retry-After`, and not carried out.
    #[serde(rename = "429")]
    Limit,
    /// A call is answered 429 without `Retry-After`, and not carried out.
    #[serde(rename = "429-bare")]
    BareLimit,
    /// A call is answered 500, and not carried out.
    #[serde(rename = "500")]
    Broken,
    /// A call is carried out, and answered later.
    #[serde(rename = "slow")]
    Slow,
    /// A call is carried out, and the connection cut instead of answering.
    #[serde(rename = "cut")]
    Cut,
    /// A look-up tells another end than the webhook did.
    #[serde(rename = "contradict")]
    Contradict,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// When an event is to be delivered; the subject is its type.
    Delivery,
    /// When a call is answered; the subject is its path.
    Call,
    /// When a look-up is answered; the subject is its path.
    Lookup,
}

/// The names of all kinds.
pub const KINDS: &[(&str, Kind)] = &[
    ("duplicate", Kind::Duplicate),
    ("reorder", Kind::Reorder),
    ("delay", Kind::Delay),
    ("drop", Kind::Drop),
    ("late", Kind::Late),
    ("429", Kind::Limit),
    ("429-bare", Kind::BareLimit),
    ("500", Kind::Broken),
    ("slow", Kind::Slow),
    ("cut", Kind::Cut),
    ("contradict", Kind::Contradict),
];

impl Kind {
    /// As it is asked for.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// What goes wrong, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Duplicate => "an event is delivered twice",
            Self::Reorder => "an event is delivered after the next one",
            Self::Delay => "an event is delivered later",
            Self::Drop => "an event is never delivered",
            Self::Late => "an event is signed with a time beyond the tolerance",
            Self::Limit => "a call is answered 429 with Retry-After",
            Self::BareLimit => "a call is answered 429 without Retry-After",
            Self::Broken => "a call is answered 500",
            Self::Slow => "a call is carried out, and answered later",
            Self::Cut => "a call is carried out, and the connection cut",
            Self::Contradict => "a look-up tells another end than the webhook did",
        }
    }

    fn stage(self) -> Stage {
        match self {
            Self::Duplicate | Self::Reorder | Self::Delay | Self::Drop | Self::Late => Stage::Delivery,
            Self::Limit | Self::BareLimit | Self::Broken | Self::Slow | Self::Cut => Stage::Call,
            Self::Contradict => Stage::Lookup,
        }
    }

    /// How many seconds it means, unless said: a delay on the emulator's clock, how old a late signature is, how long a slow
    /// answer takes, and what `Retry-After` says.
    fn usual_seconds(self) -> f64 {
        match self {
            Self::Delay => 60.0,
            Self::Late => 600.0,
            Self::Slow => 5.0,
            Self::Limit => 1.0,
            _ => 0.0,
        }
    }
}

/// A fault that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Its number.
    #[serde(default)]
    pub id: u64,
    /// What goes wrong.
    pub kind: Kind,
    /// Only with this provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// Only where this pattern with `*` and `?` matches the event type, or the path of the call after the provider's part.
    #[serde(default, rename = "match")]
    pub pattern: Option<String>,
    /// Only with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// So many times more; without it, for ever.
    #[serde(default)]
    pub count: Option<u64>,
    /// How likely it is, from 0 to 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// See `usual_seconds`.
    #[serde(default)]
    pub seconds: Option<f64>,
}

fn certain() -> f64 {
    1.0
}

impl Fault {
    /// How many seconds it means.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds.unwrap_or_else(|| self.kind.usual_seconds())
    }

    fn is_for(&self, stage: Stage, provider: &str, method: &str, subject: &str) -> bool {
        let is = |wanted: &Option<String>, given: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(given))
        };
        self.kind.stage() == stage
            && self.count != Some(0)
            && is(&self.provider, provider)
            && (method.is_empty() || is(&self.method, method))
            && self.pattern.as_ref().is_none_or(|pattern| WildMatch::new(pattern).matches(subject))
    }

    fn complaint(&self) -> Option<&'static str> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Some("the probability lies between 0 and 1");
        }
        if self.seconds.is_some_and(|seconds| !(0.0..=1e6).contains(&seconds)) {
            return Some("the seconds lie between 0 and 1000000");
        }
        if self.provider.as_ref().is_some_and(|name| crate::provider::named(name).is_none()) {
            return Some("the provider is plexos or plustive");
        }
        None
    }
}

/// `KIND[=PROBABILITY][,match=GLOB][,provider=NAME][,method=WORD][,count=N][,seconds=S]`, for flags.
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let (name, probability) = first.split_once('=').unwrap_or((first, "1"));
        let names = || KINDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let kind = KINDS.iter().find(|(known, _)| *known == name);
        let (_, kind) = kind.ok_or_else(|| format!("`{name}` is no fault: there are {}", names()))?;
        let mut fault = Self {
            id: 0,
            kind: *kind,
            provider: None,
            pattern: None,
            method: None,
            count: None,
            probability: number(probability)?,
            seconds: None,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("match", value)) => fault.pattern = Some(value.to_owned()),
                Some(("provider", value)) => fault.provider = Some(value.to_owned()),
                Some(("method", value)) => fault.method = Some(value.to_owned()),
                Some(("count", value)) => fault.count = Some(value.parse().map_err(|_| not_a_number(value))?),
                Some(("seconds", value)) => fault.seconds = Some(number(value)?),
                _ => return Err(format!("`{part}` is not match=, provider=, method=, count= or seconds=")),
            }
        }
        fault.complaint().map_or(Ok(fault), |complaint| Err(complaint.to_owned()))
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| not_a_number(text))
}

fn not_a_number(text: &str) -> String {
    format!("`{text}` is not a number")
}

/// Those that are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Faults {
    list: Vec<Fault>,
    count: u64,
}

impl Faults {
    /// Adds one.
    pub fn add(&mut self, mut fault: Fault) -> &Fault {
        self.count += 1;
        fault.id = self.count;
        let place = self.list.len();
        self.list.push(fault);
        &self.list[place]
    }

    /// Those that strike here, each counted down.
    pub fn strike(
        &mut self,
        stage: Stage,
        provider: &str,
        method: &str,
        subject: &str,
        chance: &mut Chance,
    ) -> Vec<Fault> {
        let mut struck = Vec::new();
        for fault in self.list.iter_mut().filter(|fault| fault.is_for(stage, provider, method, subject)) {
            if fault.probability >= 1.0 || chance.share(&format!("fault {}", fault.id)) < fault.probability {
                fault.count = fault.count.map(|left| left - 1);
                struck.push(fault.clone());
            }
        }
        self.list.retain(|fault| fault.count != Some(0));
        struck
    }

    /// `/_emulator/faults`: lists, adds, removes one or all.
    pub fn answer(&mut self, call: &Call) -> Result<Value, Refusal> {
        match (call.method.as_str(), call.path.get(1)) {
            ("GET", None) => Ok(json!({"data": self.list})),
            ("POST", None) => {
                let fault: Fault = serde_json::from_value(Value::Object(call.body.clone()))
                    .map_err(|error| Refusal::new(400, "VALIDATION_ERROR", error.to_string()))?;
                if let Some(complaint) = fault.complaint() {
                    return Err(Refusal::new(400, "VALIDATION_ERROR", complaint));
                }
                Ok(json!(self.add(fault)))
            }
            ("DELETE", None) => {
                self.list.clear();
                Ok(json!({"data": []}))
            }
            ("DELETE", Some(id)) => {
                let place = self.list.iter().position(|fault| fault.id.to_string() == *id);
                let fault = self.list.remove(place.ok_or_else(|| Refusal::not_found("Fault"))?);
                Ok(json!(fault))
            }
            _ => Err(Refusal::method()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_says_kind_share_and_scope() {
        let fault: Fault = "drop=0.25,match=payment.*,count=3".parse().unwrap();
        assert_eq!((fault.kind, fault.probability, fault.count), (Kind::Drop, 0.25, Some(3)));
        assert!(fault.is_for(Stage::Delivery, "plexos", "", "payment.debited"));
        assert!(!fault.is_for(Stage::Delivery, "plexos", "", "refund.created"));
        for wrong in ["flood", "drop=2", "drop=x", "slow,seconds=-1", "drop,often", "cut,provider=stripe"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_kind_has_the_same_name_in_flags_and_in_json() {
        for (name, kind) in KINDS {
            assert_eq!(json!(kind), json!(name));
            assert_eq!(kind.name(), *name);
        }
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_was_asked_to() {
        let (mut faults, mut chance) = (Faults::default(), Chance::new(1));
        faults.add("cut,count=2".parse().unwrap());
        let mut strikes = |path| faults.strike(Stage::Call, "plexos", "POST", path, &mut chance).len();
        assert_eq!([strikes("/v1/payments"), strikes("/v1/refunds"), strikes("/v1/refunds")], [1, 1, 0]);
    }
}
