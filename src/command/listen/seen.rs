//! Which events came before: the memory by which a repeated one is told.

use std::collections::{HashMap, VecDeque};

/// The last so many events, by key.
pub(super) struct Seen {
    numbers: HashMap<(&'static str, String), u64>,
    order: VecDeque<(&'static str, String)>,
    most: usize,
}

impl Seen {
    /// A memory of at most `most` events.
    pub(super) fn new(most: usize) -> Self {
        Self { numbers: HashMap::new(), order: VecDeque::new(), most }
    }

    /// The number of the delivery that brought this event first; `None`: this one does, and it is remembered.
    pub(super) fn before(&mut self, provider: &'static str, key: &str, number: u64) -> Option<u64> {
        let key = (provider, key.to_owned());
        if let Some(first) = self.numbers.get(&key) {
            return Some(*first);
        }
        if self.order.len() == self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.numbers.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.numbers.insert(key, number);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_names_the_first_and_the_oldest_is_forgotten() {
        let mut seen = Seen::new(2);
        assert_eq!(seen.before("plexos", "a", 1), None);
        assert_eq!(seen.before("plexos", "a", 2), Some(1));
        assert_eq!(seen.before("plustive", "a", 3), None);
        assert_eq!(seen.before("plexos", "a", 4), Some(1));
        assert_eq!(seen.before("plexos", "b", 5), None);
        assert_eq!(seen.before("plexos", "a", 6), None);
    }
}
