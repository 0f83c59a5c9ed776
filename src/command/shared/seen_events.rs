//! Remembers events, to recognize their duplicates.

use crate::model::duplicate::{EventFacts, FactChange};
use crate::model::error::Result;
use crate::model::event::Event;
use crate::world::Store;
use std::collections::{HashMap, VecDeque};

/// Number of events of a store that are remembered.
const REMEMBERED: usize = 100_000;

/// The most recent events, to recognize duplicates.
pub(in crate::command) struct SeenEvents<T> {
    /// The first delivery of each event, by provider and key.
    first_deliveries: HashMap<(String, String), T>,
    /// The keys, oldest first.
    order: VecDeque<(String, String)>,
    capacity: usize,
}

/// The first delivery of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::command) struct FirstDelivery {
    name: String,
    facts: EventFacts,
}

impl<T: Clone> SeenEvents<T> {
    pub(in crate::command) fn new(capacity: usize) -> Self {
        Self { first_deliveries: HashMap::new(), order: VecDeque::new(), capacity }
    }

    /// Adds an event. If it was seen before, returns its first delivery.
    pub(in crate::command) fn add(&mut self, provider: &str, key: &str, delivery: T) -> Option<T> {
        let key = (provider.to_owned(), key.to_owned());
        if let Some(first) = self.first_deliveries.get(&key) {
            return Some(first.clone());
        }
        if self.order.len() == self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.first_deliveries.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.first_deliveries.insert(key, delivery);
        None
    }
}

/// The first delivery of an event that came again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::command) struct EarlierDelivery {
    pub name: String,
    /// What the later one says differently.
    pub changes: Vec<FactChange>,
}

impl Default for SeenEvents<FirstDelivery> {
    fn default() -> Self {
        Self::new(REMEMBERED)
    }
}

impl SeenEvents<FirstDelivery> {
    /// Adds the recent events of a store.
    pub(in crate::command) fn load(&mut self, store: &mut dyn Store) -> Result<()> {
        for event in store.recent_events(REMEMBERED as u64)? {
            let first = FirstDelivery { name: event.id.to_string(), facts: EventFacts::from(&event) };
            self.add(&event.provider, &event.key, first);
        }
        Ok(())
    }

    /// Adds a verified delivery with this name, and returns the first one of the same event. Events
    /// without a key have no duplicates.
    pub(in crate::command) fn add_delivery(
        &mut self,
        name: &str,
        provider: &str,
        event: &Event,
        body: &[u8],
    ) -> Option<EarlierDelivery> {
        let facts = EventFacts::new(event, body);
        let this = FirstDelivery { name: name.to_owned(), facts: facts.clone() };
        let first = self.add(provider, event.key.as_deref()?, this)?;
        let changes = first.facts.changes(&facts);
        (first.name != name).then_some(EarlierDelivery { name: first.name, changes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stored::{CaptureId, RecentEvent};

    #[test]
    fn a_duplicate_names_its_first_delivery_and_the_oldest_event_is_forgotten() {
        let mut seen = SeenEvents::new(2);
        let mut add = |provider: &str, key: &str, name: &str| {
            let event = RecentEvent {
                id: CaptureId(1),
                provider: provider.to_owned(),
                key: key.to_owned(),
                subject: None,
                status: None,
                money: None,
            };
            let first = FirstDelivery { name: name.to_owned(), facts: EventFacts::from(&event) };
            seen.add(provider, key, first).map(|first| first.name)
        };
        assert_eq!(add("plexos", "a", "#1"), None);
        assert_eq!(add("plexos", "a", "#2"), Some("#1".to_owned()));
        assert_eq!(add("plustive", "a", "#3"), None);
        assert_eq!(add("plexos", "a", "#4"), Some("#1".to_owned()));
        assert_eq!(add("plexos", "b", "#5"), None);
        assert_eq!(add("plexos", "a", "#6"), None);
    }
}
