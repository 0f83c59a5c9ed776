//! Faults on demand: rules that make some calls or deliveries go wrong.

use super::call::{CallError, IncomingCall};
use super::rng::SeededRng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::str::FromStr;
use wildmatch::WildMatch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// An event is delivered twice.
    #[serde(rename = "duplicate")]
    Duplicate,
    /// An event is delivered after the next one to the same URL.
    #[serde(rename = "reorder")]
    Reorder,
    /// An event is delivered later.
    #[serde(rename = "delay")]
    Delay,
    /// An event is never delivered.
    #[serde(rename = "drop")]
    Drop,
    /// Every attempt is signed with a time outside the tolerance.
    #[serde(rename = "late")]
    Late,
    /// A call is answered 429 with `Retry-After` and not executed.
    #[serde(rename = "429")]
    RateLimit,
    /// A call is answered 429 without `Retry-After` and not executed.
    #[serde(rename = "429-bare")]
    BareRateLimit,
    /// A call is answered 500 and not executed.
    #[serde(rename = "500")]
    ServerError,
    /// A call is executed and answered later.
    #[serde(rename = "slow")]
    Slow,
    /// A call is executed, and the connection closed without an answer.
    #[serde(rename = "cut")]
    Cut,
    /// A lookup reports a different outcome than the webhook.
    #[serde(rename = "contradict")]
    Contradict,
}

/// The point at which a fault is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultStage {
    /// A delivery is queued; the subject is the event type.
    Delivery,
    /// A call is answered; the subject is its path.
    Call,
    /// A lookup is answered; the subject is its path.
    Lookup,
}

pub const FAULT_KINDS: &[(&str, FaultKind)] = &[
    ("duplicate", FaultKind::Duplicate),
    ("reorder", FaultKind::Reorder),
    ("delay", FaultKind::Delay),
    ("drop", FaultKind::Drop),
    ("late", FaultKind::Late),
    ("429", FaultKind::RateLimit),
    ("429-bare", FaultKind::BareRateLimit),
    ("500", FaultKind::ServerError),
    ("slow", FaultKind::Slow),
    ("cut", FaultKind::Cut),
    ("contradict", FaultKind::Contradict),
];

impl FaultKind {
    pub fn name(self) -> &'static str {
        FAULT_KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// A short description for completions.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Duplicate => "an event is delivered twice",
            Self::Reorder => "an event is delivered after the next one",
            Self::Delay => "an event is delivered later",
            Self::Drop => "an event is never delivered",
            Self::Late => "an event is signed with a time outside the tolerance",
            Self::RateLimit => "a call is answered 429 with Retry-After",
            Self::BareRateLimit => "a call is answered 429 without Retry-After",
            Self::ServerError => "a call is answered 500",
            Self::Slow => "a call is executed and answered later",
            Self::Cut => "a call is executed, and the connection closed without an answer",
            Self::Contradict => "a lookup reports a different outcome than the webhook",
        }
    }

    fn stage(self) -> FaultStage {
        match self {
            Self::Duplicate | Self::Reorder | Self::Delay | Self::Drop | Self::Late => FaultStage::Delivery,
            Self::RateLimit | Self::BareRateLimit | Self::ServerError | Self::Slow | Self::Cut => FaultStage::Call,
            Self::Contradict => FaultStage::Lookup,
        }
    }

    /// Seconds if the rule sets none: a delay on the emulator's clock, the age of a late signature,
    /// the duration of a slow answer, or the value of `Retry-After`.
    fn default_seconds(self) -> f64 {
        match self {
            Self::Delay => 60.0,
            Self::Late => 600.0,
            Self::Slow => 5.0,
            Self::RateLimit => 1.0,
            _ => 0.0,
        }
    }
}

/// One fault, with the calls or deliveries it applies to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    #[serde(default)]
    pub id: u64,
    pub kind: FaultKind,
    #[serde(default)]
    pub provider: Option<String>,
    /// A pattern with `*` and `?` for the event type, or for the path from the version on.
    #[serde(default, rename = "match")]
    pub pattern: Option<String>,
    #[serde(default)]
    pub method: Option<String>,
    /// Remaining number of times. `None`: unlimited.
    #[serde(default)]
    pub count: Option<u64>,
    /// From 0 to 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// See `default_seconds`.
    #[serde(default)]
    pub seconds: Option<f64>,
}

fn certain() -> f64 {
    1.0
}

impl FaultRule {
    pub(super) fn seconds(&self) -> f64 {
        self.seconds.unwrap_or_else(|| self.kind.default_seconds())
    }

    fn applies_to(&self, stage: FaultStage, provider: &str, method: &str, subject: &str) -> bool {
        let matches = |wanted: &Option<String>, given: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(given))
        };
        self.kind.stage() == stage
            && self.count != Some(0)
            && matches(&self.provider, provider)
            && (method.is_empty() || matches(&self.method, method))
            && self.pattern.as_ref().is_none_or(|pattern| WildMatch::new(pattern).matches(subject))
    }

    /// Returns the event types that it is limited to. `None`: to none, or it is about calls.
    pub fn event_types(&self) -> Option<&str> {
        self.pattern.as_deref().filter(|_| self.kind.stage() == FaultStage::Delivery)
    }

    /// Explains the first field that is out of range.
    fn invalid_field(&self) -> Option<&'static str> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Some("the probability must be from 0 to 1");
        }
        if self.seconds.is_some_and(|seconds| !(0.0..=1e6).contains(&seconds)) {
            return Some("the seconds must be from 0 to 1000000");
        }
        if self.provider.as_ref().is_some_and(|name| crate::provider::by_name(name).is_none()) {
            return Some("the provider must be plexos or plustive");
        }
        None
    }
}

/// `KIND[=PROBABILITY][,match=GLOB][,provider=NAME][,method=WORD][,count=N][,seconds=S]`, for
/// flags.
impl FromStr for FaultRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let (name, probability) = first.split_once('=').unwrap_or((first, "1"));
        let names = || FAULT_KINDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let kind = FAULT_KINDS.iter().find(|(known, _)| *known == name);
        let (_, kind) = kind.ok_or_else(|| format!("unknown fault `{name}`; use one of {}", names()))?;
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
                _ => {
                    return Err(format!("unknown option `{part}`; use match=, provider=, method=, count= or seconds="));
                }
            }
        }
        fault.invalid_field().map_or(Ok(fault), |problem| Err(problem.to_owned()))
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| not_a_number(text))
}

fn not_a_number(text: &str) -> String {
    format!("`{text}` is not a number")
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct FaultRules {
    list: Vec<FaultRule>,
    count: u64,
}

impl FaultRules {
    pub fn add(&mut self, mut fault: FaultRule) -> &FaultRule {
        self.count += 1;
        fault.id = self.count;
        self.list.push(fault);
        &self.list[self.list.len() - 1]
    }

    /// Returns copies of the rules that apply here, and counts each of them down.
    pub fn trigger(
        &mut self,
        stage: FaultStage,
        provider: &str,
        method: &str,
        subject: &str,
        rng: &mut SeededRng,
    ) -> Vec<FaultRule> {
        let mut triggered = Vec::new();
        for fault in self.list.iter_mut().filter(|fault| fault.applies_to(stage, provider, method, subject)) {
            if fault.probability >= 1.0 || rng.fraction(&format!("fault {}", fault.id)) < fault.probability {
                fault.count = fault.count.map(|left| left - 1);
                triggered.push(fault.clone());
            }
        }
        self.list.retain(|fault| fault.count != Some(0));
        triggered
    }

    /// Answers `/_emulator/faults`: lists, adds, removes one or all.
    pub fn answer(&mut self, call: &IncomingCall) -> Result<Value, CallError> {
        match (call.method.as_str(), call.path.get(1)) {
            ("GET", None) => Ok(json!({"data": self.list})),
            ("POST", None) => {
                let fault: FaultRule = serde_json::from_value(Value::Object(call.body.clone()))
                    .map_err(|error| CallError::new(400, "VALIDATION_ERROR", error.to_string()))?;
                if let Some(problem) = fault.invalid_field() {
                    return Err(CallError::new(400, "VALIDATION_ERROR", problem));
                }
                Ok(json!(self.add(fault)))
            }
            ("DELETE", None) => {
                self.list.clear();
                Ok(json!({"data": []}))
            }
            ("DELETE", Some(id)) => {
                let position = self.list.iter().position(|fault| fault.id.to_string() == *id);
                let fault = self.list.remove(position.ok_or_else(|| CallError::not_found("Fault"))?);
                Ok(json!(fault))
            }
            _ => Err(CallError::method_not_allowed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_sets_kind_probability_and_scope() {
        let fault: FaultRule = "drop=0.25,match=payment.*,count=3".parse().unwrap();
        assert_eq!((fault.kind, fault.probability, fault.count), (FaultKind::Drop, 0.25, Some(3)));
        assert!(fault.applies_to(FaultStage::Delivery, "plexos", "", "payment.debited"));
        assert!(!fault.applies_to(FaultStage::Delivery, "plexos", "", "refund.created"));
        for wrong in ["flood", "drop=2", "drop=x", "slow,seconds=-1", "drop,often", "cut,provider=stripe"] {
            assert!(wrong.parse::<FaultRule>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn kinds_have_the_same_names_in_flags_and_json() {
        for (name, kind) in FAULT_KINDS {
            assert_eq!(json!(kind), json!(name));
            assert_eq!(kind.name(), *name);
        }
    }

    #[test]
    fn a_fault_applies_count_times() {
        let (mut faults, mut rng) = (FaultRules::default(), SeededRng::new(1));
        faults.add("cut,count=2".parse().unwrap());
        let mut applied = |path| faults.trigger(FaultStage::Call, "plexos", "POST", path, &mut rng).len();
        assert_eq!([applied("/v1/payments"), applied("/v1/refunds"), applied("/v1/refunds")], [1, 1, 0]);
    }
}
