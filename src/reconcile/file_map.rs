//! A map whose keys and values are in a temporary file.
//!
//! Memory holds 9 bytes per entry: a part of the key's hash and the position in the file. Keys are
//! compared in the file, so that two keys with the same hash are not confused.

use super::entry_file::EntryFile;
use crate::model::temporary_file::TemporaryFile;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io;

/// Number of bits of a position in the file. The upper bits of an entry are those of the hash.
const POSITION_BITS: u32 = 40;
const POSITION_MASK: u64 = (1 << POSITION_BITS) - 1;
/// Fewest entries that are sorted at once.
const MIN_RECENT: usize = 1_024;

pub struct FileMap<'a> {
    entries: EntryFile<'a>,
    hashes: RandomState,
    /// Hash and position of the older entries, ascending.
    sorted: Vec<u64>,
    /// The same of the newer ones.
    recent: BTreeSet<u64>,
}

impl<'a> FileMap<'a> {
    pub fn new(create: impl Fn() -> io::Result<Box<dyn TemporaryFile>> + 'a) -> Self {
        let (entries, hashes) = (EntryFile::new(create), RandomState::new());
        Self { entries, hashes, sorted: Vec::new(), recent: BTreeSet::new() }
    }

    /// Returns the first value of a key.
    pub fn get(&mut self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(self.values(key)?.into_iter().next())
    }

    /// Returns the values of a key in the order in which they were added.
    pub fn values(&mut self, key: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let start = self.hash(key);
        let end = start | POSITION_MASK;
        let first = self.sorted.partition_point(|entry| *entry < start);
        let sorted = self.sorted[first..].iter().take_while(|entry| **entry <= end);
        let candidates: Vec<u64> = sorted.chain(self.recent.range(start..=end)).copied().collect();
        let mut values = Vec::new();
        for candidate in candidates {
            values.extend(self.read(candidate, key)?);
        }
        Ok(values)
    }

    /// Adds a value. A key may have several.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let length = u32::try_from(key.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let position = self.entries.add(&[&length.to_le_bytes(), key, value].concat())?;
        if position > POSITION_MASK {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.recent.insert(self.hash(key) | position);
        if self.recent.len() >= MIN_RECENT.max(self.sorted.len() / 16) {
            self.merge();
        }
        Ok(())
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.hashes.hash_one(key) & !POSITION_MASK
    }

    /// Returns the value of an entry if this is its key.
    fn read(&mut self, entry: u64, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut found = self.entries.read(entry & POSITION_MASK)?;
        let prefix = u32::try_from(key.len()).unwrap_or_default().to_le_bytes();
        let is_same = found.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with(key));
        Ok(is_same.then(|| found.split_off(prefix.len() + key.len())))
    }

    /// Moves the recent entries to their places among the sorted ones, from the end.
    fn merge(&mut self) {
        let mut unmoved = self.sorted.len();
        self.sorted.reserve_exact(self.recent.len());
        self.sorted.resize(unmoved + self.recent.len(), 0);
        let mut free = self.sorted.len();
        while let Some(entry) = self.recent.pop_last() {
            while unmoved > 0 && self.sorted[unmoved - 1] > entry {
                (free, unmoved) = (free - 1, unmoved - 1);
                self.sorted[free] = self.sorted[unmoved];
            }
            free -= 1;
            self.sorted[free] = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn map() -> FileMap<'static> {
        FileMap::new(|| Ok(Box::new(Cursor::new(Vec::new()))))
    }

    #[test]
    fn a_value_is_found_by_exactly_its_key_whenever_it_was_added() {
        let mut map = map();
        // Only 16,777,216 hashes are told apart, so some of these keys share one.
        for number in 0..20_000_u32 {
            let (key, value) = (format!("key {number}"), number.to_le_bytes());
            assert_eq!(map.get(key.as_bytes()).unwrap(), None, "{number}");
            map.insert(key.as_bytes(), &value).unwrap();
        }
        for number in (0..20_000_u32).step_by(7) {
            assert_eq!(map.get(format!("key {number}").as_bytes()).unwrap(), Some(number.to_le_bytes().to_vec()));
        }
        assert_eq!(map.get(b"key").unwrap(), None);
        assert_eq!(map.sorted.len() + map.recent.len(), 20_000);
        assert!(map.sorted.is_sorted() && map.sorted.capacity() < 21_000);
    }

    #[test]
    fn keys_with_the_same_hash_have_their_own_values() {
        let mut map = map();
        let positions = ["one", "two", "on"].map(|key| {
            map.insert(key.as_bytes(), key.as_bytes()).unwrap();
            map.recent.pop_last().unwrap() & POSITION_MASK
        });
        for is_merged in [false, true] {
            for key in ["one", "two", "on"] {
                let hash = map.hash(key.as_bytes());
                let entries = positions.map(|position| hash | position);
                (map.sorted, map.recent) = (Vec::new(), entries.into());
                if is_merged {
                    map.merge();
                }
                assert_eq!(map.get(key.as_bytes()).unwrap(), Some(key.as_bytes().to_vec()), "{key}");
            }
        }
        let hash = map.hash(b"three");
        map.recent = positions.map(|position| hash | position).into();
        assert_eq!(map.get(b"three").unwrap(), None);
    }

    #[test]
    fn the_values_of_a_key_keep_their_order() {
        let mut map = map();
        map.insert(b"key", b"first").unwrap();
        map.insert(b"key", b"second").unwrap();
        assert_eq!(map.get(b"key").unwrap().unwrap(), b"first");
        map.merge();
        map.insert(b"key", b"third").unwrap();
        assert_eq!(map.values(b"key").unwrap(), [&b"first"[..], b"second", b"third"]);
        assert_eq!(map.get(b"key").unwrap().unwrap(), b"first");
        map.insert(b"", b"").unwrap();
        assert_eq!(map.get(b"").unwrap().unwrap(), b"");
    }
}
