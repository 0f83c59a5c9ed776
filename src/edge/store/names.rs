//! Ids of deliveries: the place in the store, said in ten letters that look like chance.
//!
//! An id is computed from the place by numbers that each store has of its own (odd factor, summand, modulo 2^50). So it need
//! not be kept, nor in an index of which every delivery would touch another page. The first letters are the lowest digits: of
//! 32^n deliveries in a row no two begin with the same n letters, and those that begin like this are found by computing.
//! Deliveries of older stores have ids that are kept.

use crate::model::stored::{ID_LENGTH, ID_LETTERS, Id};
use rusqlite::Connection;

/// How many bits a letter says.
const BITS: usize = 5;
/// All numbers that ten letters can say.
const ALL: u64 = (1 << (BITS * ID_LENGTH)) - 1;

/// How a store's places are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Names {
    factor: u64,
    summand: u64,
}

/// Places: every `step`-th, `first` being the lowest that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub first: i64,
    pub step: i64,
}

impl Names {
    /// Those of this store.
    pub fn of(connection: &Connection) -> rusqlite::Result<Self> {
        connection.query_row("SELECT factor, summand FROM numbering", [], |row| {
            Ok(Self::new(row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
        })
    }

    fn new(factor: u64, summand: u64) -> Self {
        Self { factor: factor | 1, summand }
    }

    /// The id of the delivery at this place.
    pub fn id(&self, place: i64) -> Id {
        let mut number = place.cast_unsigned().wrapping_mul(self.factor).wrapping_add(self.summand) & ALL;
        let mut id = Id::with_capacity(ID_LENGTH);
        for _ in 0..ID_LENGTH {
            id.push(char::from(ID_LETTERS[(number % 32) as usize]));
            number >>= BITS;
        }
        id
    }

    /// The places whose ids begin with these letters. `None`: no id does.
    pub fn places(&self, beginning: &str) -> Option<Places> {
        if beginning.len() > ID_LENGTH {
            return None;
        }
        let mut number = 0_u64;
        for letter in beginning.bytes().rev() {
            number = number << BITS | ID_LETTERS.iter().position(|&other| other == letter)? as u64;
        }
        let below = (1_u64 << (BITS * beginning.len())) - 1;
        let first = number.wrapping_sub(self.summand).wrapping_mul(inverse(self.factor)) & below;
        Some(Places { first: first.cast_signed(), step: below.cast_signed() + 1 })
    }
}

impl Places {
    /// The lowest of them that is not below this one.
    pub fn from(self, lowest: i64) -> i64 {
        let gap = lowest.saturating_sub(self.first).max(0);
        self.first + (gap + self.step - 1) / self.step * self.step
    }
}

/// What an odd number is to be multiplied with for 1, modulo 2^64 (Newton: each turn doubles the number of right bits).
fn inverse(odd: u64) -> u64 {
    (0..6).fold(odd, |found, _| found.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(found))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn the_place_is_found_by_any_beginning_of_its_id(factor: u64, summand: u64, place in 1_i64..1 << 49, letters in 0..=ID_LENGTH) {
            let names = Names::new(factor, summand);
            let id = names.id(place);
            prop_assert_eq!(id.len(), ID_LENGTH);
            let places = names.places(&id[..letters]).unwrap();
            prop_assert_eq!(places.from(place), place);
            prop_assert!(places.first >= 0 && places.first < places.step);
            let next = names.id(places.from(place + 1));
            prop_assert_eq!(&next[..letters], &id[..letters]);
        }
    }

    #[test]
    fn two_letters_tell_a_thousand_deliveries_in_a_row_apart() {
        let names = Names::new(0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03);
        let beginnings: HashSet<_> = (5_000..6_024).map(|place| names.id(place)[..2].to_owned()).collect();
        assert_eq!(beginnings.len(), 1_024);
    }

    #[test]
    fn what_is_no_beginning_of_an_id_finds_nothing() {
        let names = Names::new(3, 5);
        for text in ["a", "é", "0-", "01234567890"] {
            assert_eq!(names.places(text), None, "{text}");
        }
    }
}
