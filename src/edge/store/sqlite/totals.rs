//! Counts deliveries and adds up the amounts of events.

use super::filter::{Order, Selection};
use super::summaries;
use crate::model::money::Money;
use crate::model::stored::{AmountTotal, HourlyCount, Query};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// Most events that are told apart in one pass over the deliveries, which takes up to 128 MiB.
const EVENTS_OF_A_PASS: i64 = 4_000_000;

const OLDEST_FIRST: (Order, Option<u64>) = (Order::OldestFirst, None);

/// Counts the deliveries that match by provider, type, verdict and hour, oldest hour first.
pub(super) fn count_by_hour(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<HourlyCount>> {
    let state = connection.unchecked_transaction()?;
    let (mut counts, rest) = match summaries::count_by_hour(&state, query)? {
        Some(counts) => (counts, Selection::new(&state, query, (summaries::until(&state)?, i64::MAX))?),
        None => (Vec::new(), Selection::newest(&state, query)?),
    };
    let mut groups = Groups::default();
    let columns = "d.provider, d.kind, d.verdict, d.arrived / 3600000000, 0";
    rest.for_each(&state, columns, OLDEST_FIRST, |row| {
        groups.find(row, [0, 1, 2, 3], || summaries::hourly_count(row), |count| count.deliveries += 1)
    })?;
    state.commit()?;
    counts.extend(groups.into_values());
    let key = |count: &HourlyCount| (count.hour, count.provider.clone(), count.kind.clone(), count.verdict.as_str());
    counts.sort_by_cached_key(key);
    // Captures with and without a summary may be of one hour.
    counts.dedup_by(|next, count| {
        let is_same = key(next) == key(count);
        count.deliveries += if is_same { next.deliveries } else { 0 };
        is_same
    });
    Ok(counts)
}

/// Adds up the verified events that match, by provider, type and currency. Of the deliveries of one
/// event the first counts.
pub(super) fn sum_amounts(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<AmountTotal>> {
    let state = connection.unchecked_transaction()?;
    let mut selection = Selection::newest(&state, query)?;
    selection.require("d.verdict = 'verified' AND d.minor IS NOT NULL");
    let most = "SELECT coalesce(max(id) - min(id), 0) FROM (SELECT max(id) AS id FROM main.deliveries
                UNION ALL SELECT min(id) FROM main.deliveries)";
    let most: i64 = state.query_row(most, [], |row| row.get(0))?;
    let passes = u128::from((most / EVENTS_OF_A_PASS).unsigned_abs()) + 1;
    let mut groups = Groups::default();
    let hasher = [RandomState::new(), RandomState::new()];
    for pass in 0..passes {
        // Two independent hashes of 64 bits never agree by chance.
        let mut known: HashSet<u128, BuildHasherDefault<FirstHalf>> = HashSet::default();
        let columns = "d.provider, d.kind, d.currency, d.minor, d.key";
        selection.for_each(&state, columns, OLDEST_FIRST, |row| {
            let provider = row.get_ref(0)?.as_bytes_or_null()?;
            let is_first = match row.get_ref(4)?.as_bytes_or_null()? {
                None => pass == 0,
                Some(key) => {
                    let [high, low] = hasher.each_ref().map(|hasher| u128::from(hasher.hash_one((provider, key))));
                    let hash = high << 64 | low;
                    hash % passes == pass && known.insert(hash)
                }
            };
            if !is_first {
                return Ok(());
            }
            let minor = row.get_ref(3)?.as_str()?;
            groups.find(
                row,
                [0, 1, 2],
                || total(row),
                |total| {
                    total.events += 1;
                    total.money.minor = total.money.minor.saturating_add(minor.parse().unwrap_or(0));
                },
            )
        })?;
    }
    state.commit()?;
    let mut totals: Vec<_> = groups.into_values().collect();
    totals.sort_by(|one, other| {
        (&one.provider, &one.kind, &one.money.currency).cmp(&(&other.provider, &other.kind, &other.money.currency))
    });
    Ok(totals)
}

/// The hash of a number that is one itself: its upper half.
#[derive(Default)]
struct FirstHalf(u64);

impl Hasher for FirstHalf {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash << 8 | u64::from(*byte));
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = u64::try_from(number >> 64).unwrap_or_default();
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Starts a total for the provider, type and currency in the first columns.
fn total(row: &Row<'_>) -> rusqlite::Result<AmountTotal> {
    let money = Money { minor: 0, currency: row.get::<_, Option<String>>(2)?.unwrap_or_default() };
    Ok(AmountTotal { provider: row.get(0)?, kind: row.get(1)?, events: 0, money })
}

/// Values by the texts and numbers in some columns.
struct Groups<T> {
    values: HashMap<Vec<u8>, T>,
    key: Vec<u8>,
}

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self { values: HashMap::new(), key: Vec::new() }
    }
}

impl<T> Groups<T> {
    /// Updates the value of this row's group, which is made if there is none.
    fn find<const N: usize>(
        &mut self,
        row: &Row<'_>,
        columns: [usize; N],
        make: impl FnOnce() -> rusqlite::Result<T>,
        update: impl FnOnce(&mut T),
    ) -> rusqlite::Result<()> {
        self.key.clear();
        for column in columns {
            match row.get_ref(column)? {
                ValueRef::Integer(number) => self.key.extend(number.to_le_bytes()),
                value => {
                    // A length, so that no two groups have one key.
                    let text = value.as_str_or_null()?;
                    let length = text.map_or(u64::MAX, |text| text.len() as u64);
                    self.key.extend(length.to_le_bytes());
                    self.key.extend_from_slice(text.unwrap_or_default().as_bytes());
                }
            }
        }
        if let Some(value) = self.values.get_mut(&self.key) {
            update(value);
            return Ok(());
        }
        let mut value = make()?;
        update(&mut value);
        self.values.insert(self.key.clone(), value);
        Ok(())
    }

    fn into_values(self) -> impl Iterator<Item = T> {
        self.values.into_values()
    }
}
