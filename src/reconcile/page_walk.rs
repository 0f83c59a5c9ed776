//! Decides how far a provider's list is read: until everything since a time was seen, or to its
//! end.
//!
//! Plexos documents the order of `GET /v1/transactions` ("newest first") and not that of
//! `GET /v1/payments`. So an early end is taken only if the records seen so far descend by their
//! time of creation, and some are really older than others.

use crate::model::timestamp::Timestamp;
use crate::provider::listing::RecordPage;
use serde_json::Value;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Most records that are read: a list that grows while it is read has no end.
const MAX_RECORDS: usize = 10_000_000;

/// The state of reading one list.
#[derive(Debug)]
pub struct PageWalk {
    since: Option<Timestamp>,
    /// Hashes of the ids seen so far, 8 bytes each.
    seen: HashSet<u64>,
    /// Time of creation of the record seen last.
    last: Option<Timestamp>,
    is_descending: bool,
    /// True once a record was older than the one before it.
    has_descended: bool,
}

/// The next step of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkStep {
    /// Ask for the page after the record with this id.
    After(String),
    End(Coverage),
}

/// The part of a list that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    Everything,
    /// Everything that was created at this time or later.
    Since(Timestamp),
}

/// The reason why the pages of a list can't be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    #[error("a record has no `id`")]
    NoId,
    #[error("the pages repeat: {0} and the records before it came twice")]
    Repeated(String),
    #[error("an empty page says that more follow")]
    NoProgress,
    #[error("the list has more than {MAX_RECORDS} records")]
    TooLong,
}

impl PageWalk {
    /// Starts a walk through everything that was created since a time. `None`: the whole list.
    pub fn new(since: Option<Timestamp>) -> Self {
        Self { since, seen: HashSet::new(), last: None, is_descending: true, has_descended: false }
    }

    /// Adds the next page. Returns its records that were on no page before: pages overlap if a list
    /// changes while it is read.
    pub fn add(&mut self, page: RecordPage) -> Result<(Vec<Value>, WalkStep), WalkError> {
        let last = page.records.last().and_then(id_of).map(str::to_owned);
        let mut new = Vec::with_capacity(page.records.len());
        for record in page.records {
            let id = id_of(&record).ok_or(WalkError::NoId)?;
            if self.seen.insert(hash(id)) {
                self.note_time(created(&record));
                new.push(record);
            }
        }
        if let Some(last) = last.as_ref().filter(|_| new.is_empty()) {
            return Err(WalkError::Repeated(last.clone()));
        }
        let step = self.step(page.has_more, last)?;
        Ok((new, step))
    }

    fn step(&self, has_more: bool, last: Option<String>) -> Result<WalkStep, WalkError> {
        if !has_more {
            return Ok(WalkStep::End(Coverage::Everything));
        }
        let last = last.ok_or(WalkError::NoProgress)?;
        if self.seen.len() > MAX_RECORDS {
            return Err(WalkError::TooLong);
        }
        match (self.since, self.last) {
            (Some(since), Some(oldest)) if oldest < since && self.is_descending && self.has_descended => {
                Ok(WalkStep::End(Coverage::Since(since)))
            }
            _ => Ok(WalkStep::After(last)),
        }
    }

    fn note_time(&mut self, time: Option<Timestamp>) {
        match (self.last, time) {
            (_, None) => self.is_descending = false,
            (Some(last), Some(time)) if time > last => self.is_descending = false,
            (Some(last), Some(time)) => self.has_descended |= time < last,
            (None, Some(_)) => {}
        }
        self.last = time.or(self.last);
    }

    /// Returns false if a record was newer than one before it, so that the whole list is read.
    pub fn is_descending(&self) -> bool {
        self.is_descending
    }

    /// Returns the number of records so far.
    pub fn count(&self) -> usize {
        self.seen.len()
    }
}

fn id_of(record: &Value) -> Option<&str> {
    record.get("id")?.as_str().filter(|id| !id.is_empty())
}

fn created(record: &Value) -> Option<Timestamp> {
    record.get("createdAt")?.as_str()?.parse().ok()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A page of records, each created at an hour of one day.
    fn page(records: &[(&str, u8)], has_more: bool) -> RecordPage {
        let record = |(id, hour): &(&str, u8)| json!({"id": id, "createdAt": format!("2025-01-15T{hour:02}:00:00Z")});
        RecordPage { records: records.iter().map(record).collect(), has_more }
    }

    fn walk(since: Option<&str>, pages: &[RecordPage]) -> (Result<WalkStep, WalkError>, bool) {
        let mut walk = PageWalk::new(since.map(|text| text.parse().unwrap()));
        let mut step = Ok(WalkStep::End(Coverage::Everything));
        for (index, page) in pages.iter().enumerate() {
            step = walk.add(page.clone()).map(|(_, step)| step);
            let is_last = index + 1 == pages.len();
            assert!(is_last || matches!(step, Ok(WalkStep::After(_))), "{step:?}");
        }
        (step, walk.is_descending())
    }

    const NOON: &str = "2025-01-15T12:00:00Z";

    fn after(id: &str) -> Result<WalkStep, WalkError> {
        Ok(WalkStep::After(id.to_owned()))
    }

    #[test]
    fn a_descending_list_is_read_until_something_older_comes() {
        let since = Coverage::Since(NOON.parse().unwrap());
        let first = page(&[("a", 14), ("b", 13)], true);
        assert_eq!(walk(Some(NOON), std::slice::from_ref(&first)), (after("b"), true));
        // A record at the very time may have neighbors with the same time.
        assert_eq!(walk(Some(NOON), &[first.clone(), page(&[("c", 12)], true)]), (after("c"), true));
        assert_eq!(walk(Some(NOON), &[first.clone(), page(&[("c", 11)], true)]), (Ok(WalkStep::End(since)), true));
        assert_eq!(walk(None, &[first.clone(), page(&[("c", 1)], true)]), (after("c"), true));
        let end = Ok(WalkStep::End(Coverage::Everything));
        assert_eq!(walk(Some(NOON), &[first, page(&[("c", 13)], false)]), (end.clone(), true));
        assert_eq!(walk(Some(NOON), &[page(&[], false)]), (end, true));
    }

    #[test]
    fn a_list_in_another_order_is_read_to_its_end() {
        // Oldest first, a page of one record, records without a time, and one out of its place.
        let mut untimed = page(&[("a", 14), ("b", 13), ("c", 2)], true);
        untimed.records[1].as_object_mut().unwrap().remove("createdAt");
        for (pages, is_descending) in [
            (vec![page(&[("a", 1), ("b", 2)], true), page(&[("c", 3)], true)], false),
            (vec![page(&[("a", 1)], true)], true),
            (vec![page(&[("a", 1)], true), page(&[("b", 1)], true)], true),
            (vec![untimed], false),
            (vec![page(&[("a", 14), ("b", 15), ("c", 2)], true)], false),
        ] {
            let (step, found) = walk(Some(NOON), &pages);
            assert!(matches!(step, Ok(WalkStep::After(_))), "{pages:?}");
            assert_eq!(found, is_descending, "{pages:?}");
        }
    }

    #[test]
    fn a_record_on_two_pages_counts_once() {
        let mut walk = PageWalk::new(None);
        walk.add(page(&[("a", 14), ("b", 13)], true)).unwrap();
        let (new, step) = walk.add(page(&[("b", 13), ("c", 12)], true)).unwrap();
        let ids: Vec<_> = new.iter().map(|record| record["id"].as_str().unwrap()).collect();
        assert_eq!((ids, step), (vec!["c"], WalkStep::After("c".to_owned())));
        assert_eq!((walk.count(), walk.is_descending()), (3, true));
    }

    #[test]
    fn pages_that_repeat_or_do_not_end_are_an_error() {
        let first = page(&[("a", 14), ("b", 13)], true);
        assert_eq!(walk(None, &[first.clone(), first.clone()]).0, Err(WalkError::Repeated("b".to_owned())));
        assert_eq!(walk(None, &[first, page(&[], true)]).0, Err(WalkError::NoProgress));
        let nameless = RecordPage { records: vec![json!({"createdAt": NOON})], has_more: false };
        assert_eq!(walk(None, &[nameless]).0, Err(WalkError::NoId));
    }
}
