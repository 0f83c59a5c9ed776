//! Which events came before: the memory by which a repeated one is told.

use std::collections::{HashMap, VecDeque};

/// The last so many events, by key.
pub(super) struct Seen {
    names: HashMap<(String, String), String>,
    order: VecDeque<(String, String)>,
    most: usize,
}

impl Seen {
    /// A memory of at most `most` events.
    pub(super) fn new(most: usize) -> Self {
        Self { names: HashMap::new(), order: VecDeque::new(), most }
    }

    /// The name of the delivery that brought this event first; `None`: the one of this name does, and is remembered.
    pub(super) fn before(&mut self, provider: &str, key: &str, name: &str) -> Option<String> {
        let key = (provider.to_owned(), key.to_owned());
        if let Some(first) = self.names.get(&key) {
            return Some(first.clone());
        }
        if self.order.len() == self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.names.insert(key, name.to_owned());
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_names_the_first_and_the_oldest_is_forgotten() {
        let mut seen = Seen::new(2);
        assert_eq!(seen.before("plexos", "a", "#1"), None);
        assert_eq!(seen.before("plexos", "a", "#2"), Some("#1".to_owned()));
        assert_eq!(seen.before("plustive", "a", "#3"), None);
        assert_eq!(seen.before("plexos", "a", "#4"), Some("#1".to_owned()));
        assert_eq!(seen.before("plexos", "b", "#5"), None);
        assert_eq!(seen.before("plexos", "a", "#6"), None);
    }
}
