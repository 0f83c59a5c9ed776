//! Learns from verified captures what providers really send.
//!
//! `LearnedFacts` collects facts about each provider without values that belong to customers:
//! answers to the questions that the documents leave open, and the shape of each event. `drift`
//! compares two collections, `retries` measures how a provider repeats deliveries, and `types`
//! describes the payloads in other languages. `command::learn` reads captures and prints.

pub mod drift;
pub mod retries;
pub mod shape;
pub mod types;

use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use crate::provider::{self, Provider};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shape::Shape;
use std::collections::BTreeMap;

/// Number of deliveries, and the times of the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// Facts about all providers, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedFacts(pub BTreeMap<String, ProviderFacts>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderFacts {
    pub deliveries: Tally,
    /// Answers to the provider's open questions, by the question's code.
    pub answers: BTreeMap<String, BTreeMap<String, Tally>>,
    /// Events by type.
    pub events: BTreeMap<String, EventFacts>,
}

/// Facts about events of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    pub seen: Tally,
    pub statuses: BTreeMap<String, Tally>,
    pub shape: Shape,
}

/// Type and status of an event, as its provider reads them.
pub struct ObservedEvent<'e> {
    pub kind: Option<&'e str>,
    pub status: Option<&'e str>,
}

/// Most answers to one question that are told apart; further ones are counted as `others`.
const MAX_ANSWERS: usize = 40;

impl Tally {
    pub(crate) fn once(at: Timestamp) -> Self {
        Self { count: 1, first: at, last: at }
    }

    fn add(&mut self, at: Timestamp) {
        self.count += 1;
        (self.first, self.last) = (self.first.min(at), self.last.max(at));
    }
}

fn count_in<K: Ord>(tallies: &mut BTreeMap<K, Tally>, key: K, at: Timestamp) {
    tallies.entry(key).and_modify(|tally| tally.add(at)).or_insert_with(|| Tally::once(at));
}

impl LearnedFacts {
    /// Adds a verified delivery that arrived at `at`. Returns false, and adds nothing, if its body is
    /// not a JSON object.
    pub fn add(
        &mut self,
        provider: &dyn Provider,
        request: &Request,
        event: &ObservedEvent<'_>,
        at: Timestamp,
    ) -> bool {
        let Ok(body @ Value::Object(_)) = serde_json::from_slice::<Value>(&request.body) else { return false };
        let kind = event.kind.unwrap_or("(no type)").to_owned();
        let status = event.status;
        let facts = self.0.entry(provider.name().to_owned());
        let facts = facts.and_modify(|facts| facts.deliveries.add(at)).or_insert_with(|| ProviderFacts {
            deliveries: Tally::once(at),
            answers: BTreeMap::new(),
            events: BTreeMap::new(),
        });
        for question in provider.open_questions() {
            let Some(answer) = (question.observe)(request, &body) else { continue };
            let answers = facts.answers.entry(question.code.to_owned()).or_default();
            let is_known = answers.len() < MAX_ANSWERS || answers.contains_key(&answer);
            count_in(answers, if is_known { answer } else { "others".to_owned() }, at);
        }
        let event = facts.events.entry(kind);
        let event = event.and_modify(|event| event.seen.add(at)).or_insert_with(|| EventFacts {
            seen: Tally::once(at),
            statuses: BTreeMap::new(),
            shape: Shape::default(),
        });
        event.shape.add(&body);
        if let Some(status) = status {
            count_in(&mut event.statuses, status.to_owned(), at);
        }
        true
    }

    /// Lists the facts of each known provider.
    pub fn providers(&self) -> impl Iterator<Item = (&'static dyn Provider, &ProviderFacts)> {
        provider::ALL.iter().filter_map(|provider| Some((*provider, self.0.get(provider.name())?)))
    }
}

#[cfg(test)]
mod tests;
