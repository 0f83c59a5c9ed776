//! The records of a provider's list, found by their id and by the merchant's reference.
//!
//! Memory holds the references; the records themselves are in a temporary file.

use crate::model::temporary_file::TemporaryFile;
use crate::model::timestamp::Timestamp;
use crate::provider::Provider;
use crate::provider::record::{Record, RecordState};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Position of a record in the list, from 0.
pub type RecordPosition = usize;

pub struct RecordIndex {
    provider: &'static dyn Provider,
    file: Box<dyn TemporaryFile>,
    /// Length of the file in bytes.
    length: u64,
    entries: Vec<RecordEntry>,
    by_id: HashMap<Box<str>, RecordPosition>,
    by_merchant_reference: HashMap<Box<str>, Vec<RecordPosition>>,
}

/// Facts about a record that need no reading.
#[derive(Clone, Debug)]
pub struct RecordEntry {
    start: u64,
    length: usize,
    pub created: Option<Timestamp>,
    pub state: RecordState,
    /// An order belongs to it.
    pub is_claimed: bool,
}

impl RecordIndex {
    pub fn new(provider: &'static dyn Provider, file: Box<dyn TemporaryFile>) -> Self {
        let (by_id, by_merchant_reference) = (HashMap::new(), HashMap::new());
        Self { provider, file, length: 0, entries: Vec::new(), by_id, by_merchant_reference }
    }

    /// Adds a record at the end. One that can't be read has an unknown state.
    pub fn add(&mut self, body: &Value) -> io::Result<()> {
        let bytes = serde_json::to_vec(body)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(&bytes)?;
        let position = self.entries.len();
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
        self.by_id.insert(id.into(), position);
        let record = self.provider.parse_record(body).ok();
        if let Some(reference) = record.as_ref().and_then(|record| record.merchant_reference.as_deref()) {
            self.by_merchant_reference.entry(reference.into()).or_default().push(position);
        }
        self.entries.push(RecordEntry {
            start: self.length,
            length: bytes.len(),
            created: record.as_ref().and_then(|record| record.created),
            state: record.map_or(RecordState::Unknown, |record| record.parsed_status.state),
            is_claimed: false,
        });
        self.length += bytes.len() as u64;
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn entry(&self, position: RecordPosition) -> Option<&RecordEntry> {
        self.entries.get(position)
    }

    /// Notes that an order belongs to a record.
    pub fn claim(&mut self, position: RecordPosition) {
        if let Some(entry) = self.entries.get_mut(position) {
            entry.is_claimed = true;
        }
    }

    pub fn by_id(&self, id: &str) -> Option<RecordPosition> {
        self.by_id.get(id).copied()
    }

    /// Finds the record that an order with this number of the merchant is about. A merchant's
    /// reference may have several payments, such as a failed one and the next try: the one that
    /// brought money counts, then an open one; among equals, the first.
    pub fn by_merchant_reference(&self, reference: &str) -> Option<RecordPosition> {
        let positions = self.by_merchant_reference.get(reference)?;
        positions.iter().copied().min_by_key(|&position| {
            let entry = self.entries.get(position);
            (entry.map(|entry| preference(entry.state)), entry.and_then(|entry| entry.created))
        })
    }

    /// Reads a record.
    pub fn read(&mut self, position: RecordPosition) -> io::Result<Value> {
        let entry = self.entries.get(position).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; entry.length];
        self.file.seek(SeekFrom::Start(entry.start))?;
        self.file.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Parses a record. The error is a sentence.
    pub fn parse(&self, body: &Value) -> Result<Record, String> {
        self.provider.parse_record(body).map_err(|error| error.to_error(self.provider, "").cause().unwrap_or_default())
    }
}

/// Ranks the states of payments for one order, the most telling first.
fn preference(state: RecordState) -> u8 {
    match state {
        RecordState::Succeeded | RecordState::PartlyRefunded => 0,
        RecordState::Open => 1,
        RecordState::Refunded => 2,
        RecordState::Failed | RecordState::Expired | RecordState::Cancelled => 3,
        RecordState::Unknown => 4,
    }
}

/// Returns true if a payment in this state has brought money that was not all returned.
pub fn has_money(state: RecordState) -> bool {
    matches!(state, RecordState::Succeeded | RecordState::PartlyRefunded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Cursor;

    fn index(records: &[(&str, &str, &str)]) -> RecordIndex {
        let provider = crate::provider::by_name("plexos").unwrap();
        let mut index = RecordIndex::new(provider, Box::new(Cursor::new(Vec::new())));
        for (hour, (id, reference, status)) in records.iter().enumerate() {
            let created = format!("2025-01-15T{:02}:00:00Z", 23 - hour);
            let body = json!({"id": id, "externalId": reference, "status": status, "createdAt": created});
            index.add(&body).unwrap();
        }
        index
    }

    #[test]
    fn records_are_found_by_both_references_and_read_again() {
        let mut index = index(&[("pi_2", "order-2", "SETTLED"), ("pi_1", "order-1", "FAILED")]);
        assert_eq!((index.by_id("pi_1"), index.by_merchant_reference("order-2")), (Some(1), Some(0)));
        assert_eq!((index.by_id("order-1"), index.by_merchant_reference("pi_1")), (None, None));
        assert_eq!(index.read(1).unwrap()["status"], "FAILED");
        assert_eq!(index.read(0).unwrap()["id"], "pi_2");
        index.add(&json!({"id": "pi_0"})).unwrap();
        assert_eq!((index.len(), index.entry(2).unwrap().state), (3, RecordState::Unknown));
        assert!(index.read(3).is_err());
    }

    #[test]
    fn of_several_payments_for_an_order_the_one_with_the_money_counts_then_the_first() {
        let order = |statuses: &[&str]| {
            let ids = ["pi_4", "pi_3", "pi_2", "pi_1"];
            let records: Vec<_> = ids.into_iter().zip(statuses).map(|(id, status)| (id, "order-7", *status)).collect();
            let mut index = index(&records);
            let position = index.by_merchant_reference("order-7").unwrap();
            index.read(position).unwrap()["id"].as_str().unwrap().to_owned()
        };
        assert_eq!(order(&["CREATED", "FAILED", "DEBITED", "EXPIRED"]), "pi_2");
        assert_eq!(order(&["SETTLED", "DEBITED"]), "pi_3");
        assert_eq!(order(&["FAILED", "CREATED", "EXPIRED"]), "pi_3");
        assert_eq!(order(&["FAILED", "REFUNDED"]), "pi_3");
        assert_eq!(order(&["FAILED", "CANCELLED"]), "pi_3");
        assert_eq!(order(&["PARTIALLY_REFUNDED", "REFUNDED"]), "pi_4");
    }
}
