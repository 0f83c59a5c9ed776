//! Differences between what a provider sent before and what it sends now.
//!
//! Only what is new or gone counts: a field that used to be optional may be missing again.

use super::shape::{JsonType, Shape};
use super::{EventFacts, LearnedFacts, ProviderFacts, Tally};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    UnknownEvent,
    UnknownStatus,
    NewField,
    /// A field that was always there is in none of the new events.
    VanishedField,
    /// A field that was always there is missing in some of the new events.
    OptionalField,
    OtherType,
    OtherFormat,
    /// Another answer to an open question, such as another form of the signature.
    OtherForm,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    pub kind: DriftKind,
    pub provider: String,
    /// Event type; empty if it is about all of them.
    pub event: String,
    /// Path of the field, status, or code of the question.
    pub subject: String,
    /// Sentence about before and now.
    pub detail: String,
}

/// Lists what is different in `now`. Providers and events that did not occur again are no
/// difference.
pub fn compare(before: &LearnedFacts, now: &LearnedFacts) -> Vec<Drift> {
    let mut found = Vec::new();
    for (provider, facts) in &now.0 {
        let Some(earlier) = before.0.get(provider) else { continue };
        let mut list = DriftList { provider, event: "", found: &mut found };
        list.compare_answers(earlier, facts);
        for (kind, event) in &facts.events {
            list.event = kind;
            match earlier.events.get(kind) {
                None => list.add(DriftKind::UnknownEvent, kind, format!("seen {} times", event.seen.count)),
                Some(earlier) => list.compare_event(earlier, event),
            }
        }
    }
    found.sort_by_key(|drift| (drift.provider.clone(), drift.kind));
    found
}

struct DriftList<'d> {
    provider: &'d str,
    event: &'d str,
    found: &'d mut Vec<Drift>,
}

impl DriftList<'_> {
    fn add(&mut self, kind: DriftKind, subject: &str, detail: String) {
        let (provider, event) = (self.provider.to_owned(), self.event.to_owned());
        self.found.push(Drift { kind, provider, event, subject: subject.to_owned(), detail });
    }

    /// Compares the forms of headers and values. Answers that follow from the mix of events, such
    /// as their names and statuses, are compared by event instead.
    fn compare_answers(&mut self, before: &ProviderFacts, now: &ProviderFacts) {
        const FORMS: [&str; 6] =
            ["signature_form", "timestamp_unit", "user_agent", "content_type", "amount_type", "network_case"];
        for (code, answers) in &now.answers {
            let Some(known) = before.answers.get(code).filter(|_| FORMS.contains(&code.as_str())) else { continue };
            for (answer, tally) in answers.iter().filter(|(answer, _)| !known.contains_key(*answer)) {
                let earlier = list_keys(known);
                self.add(DriftKind::OtherForm, code, format!("{answer} ({} times), before: {earlier}", tally.count));
            }
        }
    }

    fn compare_event(&mut self, before: &EventFacts, now: &EventFacts) {
        for (status, tally) in now.statuses.iter().filter(|(status, _)| !before.statuses.contains_key(*status)) {
            let earlier = list_keys(&before.statuses);
            self.add(DriftKind::UnknownStatus, status, format!("{} times, before: {earlier}", tally.count));
        }
        self.compare_shape("", &before.shape, &now.shape);
    }

    fn compare_shape(&mut self, path: &str, before: &Shape, now: &Shape) {
        let new_types: Vec<_> = now.types.keys().filter(|kind| !before.types.contains_key(kind)).collect();
        if !new_types.is_empty() && before.count > 0 {
            let detail = format!("{}, before: {}", names(new_types.into_iter()), names(before.types.keys()));
            self.add(DriftKind::OtherType, path, detail);
        }
        let new_formats: Vec<_> = now.formats.difference(&before.formats).cloned().collect();
        let is_free_text = before.formats.contains("text");
        if !new_formats.is_empty() && !before.formats.is_empty() && !is_free_text {
            let earlier: Vec<_> = before.formats.iter().cloned().collect();
            let detail = format!("{}, before: {}", new_formats.join(", "), earlier.join(", "));
            self.add(DriftKind::OtherFormat, path, detail);
        }
        for (name, field) in &now.fields {
            let path = join(path, name);
            match before.fields.get(name) {
                None => {
                    self.add(
                        DriftKind::NewField,
                        &path,
                        format!("{} in {} of {}", names(field.types.keys()), field.count, now.objects()),
                    );
                }
                Some(earlier) => self.compare_shape(&path, earlier, field),
            }
        }
        for (name, field) in before.fields.iter().filter(|(_, field)| field.count == before.objects()) {
            let (path, present) = (join(path, name), now.fields.get(name).map_or(0, |field| field.count));
            let detail = format!("was in all {}, now in {present} of {}", field.count, now.objects());
            match now.objects() {
                0 => {}
                _ if present == 0 => self.add(DriftKind::VanishedField, &path, detail),
                objects if present < objects => self.add(DriftKind::OptionalField, &path, detail),
                _ => {}
            }
        }
        if let (Some(before), Some(now)) = (&before.items, &now.items) {
            self.compare_shape(&format!("{path}[]"), before, now);
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn list_keys(tallies: &BTreeMap<String, Tally>) -> String {
    let keys: Vec<_> = tallies.keys().map(String::as_str).collect();
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}

fn names<'t>(types: impl Iterator<Item = &'t JsonType>) -> String {
    let names: Vec<_> = types.map(|kind| format!("{kind:?}").to_lowercase()).collect();
    names.join(" or ")
}
