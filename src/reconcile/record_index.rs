//! The records of a provider's list, found by their id and by the merchant's reference.
//!
//! They are in temporary files; memory holds 27 bytes per record.

use super::entry_file::EntryFile;
use super::file_map::FileMap;
use crate::model::temporary_file::TemporaryFile;
use crate::model::timestamp::Timestamp;
use crate::provider::Provider;
use crate::provider::record::{Record, RecordState};
use serde_json::Value;
use std::io;

/// Position of a record in the list, from 0.
pub type RecordPosition = usize;

pub struct RecordIndex<'a> {
    provider: &'static dyn Provider,
    records: EntryFile<'a>,
    /// Position in the file, and whether an order belongs to the record.
    entries: Vec<(u64, bool)>,
    by_id: FileMap<'a>,
    by_merchant_reference: FileMap<'a>,
}

/// A record with a merchant's reference: what decides which of several counts, and the position.
type RankedRecord = (u8, Option<Timestamp>, RecordPosition);

impl<'a> RecordIndex<'a> {
    pub fn new(
        provider: &'static dyn Provider,
        create: impl Fn() -> io::Result<Box<dyn TemporaryFile>> + Copy + 'a,
    ) -> Self {
        let (by_id, by_merchant_reference) = (FileMap::new(create), FileMap::new(create));
        Self { provider, records: EntryFile::new(create), entries: Vec::new(), by_id, by_merchant_reference }
    }

    /// Adds a record at the end. One that can't be read has an unknown state.
    pub fn add(&mut self, body: &Value) -> io::Result<()> {
        let position = self.entries.len();
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
        self.by_id.insert(id.as_bytes(), &serde_json::to_vec(&position)?)?;
        if let Ok(record) = self.provider.parse_record(body)
            && let Some(reference) = &record.merchant_reference
        {
            let candidate: RankedRecord = (preference(record.parsed_status.state), record.created, position);
            self.by_merchant_reference.insert(reference.as_bytes(), &serde_json::to_vec(&candidate)?)?;
        }
        self.entries.push((self.records.add(&serde_json::to_vec(body)?)?, false));
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_claimed(&self, position: RecordPosition) -> bool {
        self.entries.get(position).is_some_and(|(_, is_claimed)| *is_claimed)
    }

    /// Notes that an order belongs to a record.
    pub fn claim(&mut self, position: RecordPosition) {
        if let Some((_, is_claimed)) = self.entries.get_mut(position) {
            *is_claimed = true;
        }
    }

    pub fn by_id(&mut self, id: &str) -> io::Result<Option<RecordPosition>> {
        let positions = self.by_id.values(id.as_bytes())?;
        Ok(positions.last().map(|position| serde_json::from_slice(position)).transpose()?)
    }

    /// Finds the record that an order with this number of the merchant is about. A merchant's
    /// reference may have several payments, such as a failed one and the next try: the one that
    /// brought money counts, then an open one; among equals, the first.
    pub fn by_merchant_reference(&mut self, reference: &str) -> io::Result<Option<RecordPosition>> {
        let candidates = self.by_merchant_reference.values(reference.as_bytes())?;
        let candidates: Vec<RankedRecord> =
            candidates.iter().map(|candidate| serde_json::from_slice(candidate)).collect::<Result<_, _>>()?;
        Ok(candidates.into_iter().min().map(|(.., position)| position))
    }

    pub fn read(&mut self, position: RecordPosition) -> io::Result<Value> {
        let (start, _) = self.entries.get(position).ok_or(io::ErrorKind::NotFound)?;
        Ok(serde_json::from_slice(&self.records.read(*start)?)?)
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

    fn index(records: &[(&str, &str, &str)]) -> RecordIndex<'static> {
        let provider = crate::provider::by_name("plexos").unwrap();
        let mut index = RecordIndex::new(provider, || Ok(Box::new(Cursor::new(Vec::new()))));
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
        assert_eq!([index.by_id("pi_1").unwrap(), index.by_merchant_reference("order-2").unwrap()], [Some(1), Some(0)]);
        assert_eq!([index.by_id("order-1").unwrap(), index.by_merchant_reference("pi_1").unwrap()], [None, None]);
        assert_eq!(index.read(1).unwrap()["status"], "FAILED");
        assert_eq!(index.read(0).unwrap()["id"], "pi_2");
        index.add(&json!({"id": "pi_0"})).unwrap();
        index.claim(1);
        assert_eq!([0, 1, 2, 3].map(|position| index.is_claimed(position)), [false, true, false, false]);
        assert_eq!((index.len(), index.by_id("pi_0").unwrap()), (3, Some(2)));
        assert!(index.read(3).is_err());
    }

    #[test]
    fn of_several_payments_for_an_order_the_one_with_the_money_counts_then_the_first() {
        let order = |statuses: &[&str]| {
            let ids = ["pi_4", "pi_3", "pi_2", "pi_1"];
            let records: Vec<_> = ids.into_iter().zip(statuses).map(|(id, status)| (id, "order-7", *status)).collect();
            let mut index = index(&records);
            let position = index.by_merchant_reference("order-7").unwrap().unwrap();
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
