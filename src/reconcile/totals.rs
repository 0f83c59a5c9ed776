//! Counts references per class and adds up their amounts per currency.

use super::{Class, ReconciledReference};
use crate::model::money::Money;
use crate::provider::record::AmountKind;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    classes: BTreeMap<Class, u64>,
    money: MoneyTotals,
    /// Accepted differences, which no other total includes.
    accepted: BTreeMap<Class, u64>,
    accepted_money: MoneyTotals,
    /// References outside of the period of the report. Nothing else about them is counted.
    pub outside: u64,
    /// References that were counted although their time is unknown.
    pub undated: u64,
    /// Lines of the list that could not be read.
    pub bad_lines: u64,
    /// Orders of which a part was not compared.
    pub incomplete: u64,
    /// Orders that have an outcome which no captured webhook reports.
    pub uncaptured: u64,
    pub unrecognized: UnrecognizedWords,
    pub factor: AmountFactor,
    fees: BTreeMap<String, FeeTotals>,
}

/// Fees and net amounts of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeeTotals {
    /// Number of records with a fee.
    pub references: u64,
    /// Sum of their amounts, in minor units.
    pub amount: i128,
    pub fee: i128,
    pub net: i128,
}

/// Counts the status words that were not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnrecognizedWords {
    words: BTreeMap<String, u64>,
    /// Orders with words beyond the limit.
    pub others: u64,
}

impl UnrecognizedWords {
    /// Maximum number of words that are counted one by one.
    const MAX_WORDS: usize = 50;

    fn add(&mut self, word: &str) {
        if let Some(count) = self.words.get_mut(word) {
            *count += 1;
        } else if self.words.len() < Self::MAX_WORDS {
            self.words.insert(word.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }

    /// Lists the words with their counts, most frequent first. They are untrusted text.
    pub fn words(&self) -> Vec<(&str, u64)> {
        let mut words: Vec<_> = self.words.iter().map(|(word, count)| (word.as_str(), *count)).collect();
        words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        words
    }
}

/// Finds out whether all amounts differ by a factor of 100: minor units were taken for decimals, or
/// the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AmountFactor {
    differences: u64,
    /// Orders with a hundredth of the recorded amount.
    too_small: u64,
    /// Orders with a hundred times the recorded amount.
    too_large: u64,
}

/// The mistake in reading amounts that explains every difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountMistake {
    /// The amounts are decimals, but were read as minor units.
    Decimals,
    /// The amounts are minor units, but were read as decimals.
    MinorUnits,
}

impl AmountFactor {
    fn add(&mut self, reconciled: &ReconciledReference) {
        let record = reconciled.record.as_ref().filter(|record| record.amount == AmountKind::Same);
        let recorded = record.and_then(|record| record.money.as_ref()).map(|money| money.minor);
        let (Some(ordered), Some(recorded)) = (reconciled.order.minor, recorded) else { return };
        if ordered != recorded {
            self.differences += 1;
            self.too_small += u64::from(ordered.checked_mul(100) == Some(recorded));
            self.too_large += u64::from(recorded.checked_mul(100) == Some(ordered));
        }
    }

    /// Returns the mistake if there is a difference, and it explains all of them.
    pub fn mistake(&self) -> Option<AmountMistake> {
        match self.differences {
            0 => None,
            all if all == self.too_small => Some(AmountMistake::Decimals),
            all if all == self.too_large => Some(AmountMistake::MinorUnits),
            _ => None,
        }
    }
}

impl Totals {
    pub fn add(&mut self, class: Class, money: Option<&Money>) {
        *self.classes.entry(class).or_default() += 1;
        add_money(&mut self.money, class, money);
    }

    /// Counts what is not in the classes: words, captures and amounts.
    pub fn add_details(&mut self, reconciled: &ReconciledReference) {
        let assessment = &reconciled.assessment;
        self.incomplete += u64::from(!assessment.is_complete);
        self.uncaptured += u64::from(assessment.is_uncaptured);
        if let Some(word) = &assessment.unrecognized_status {
            self.unrecognized.add(word);
        }
        self.factor.add(reconciled);
        self.add_fees(reconciled);
    }

    /// Adds the fee of a payment whose money was taken. A duplicate order has none of its own.
    fn add_fees(&mut self, reconciled: &ReconciledReference) {
        let Some(record) = reconciled.record.as_ref().filter(|record| record.parsed_status.state.has_taken_money())
        else {
            return;
        };
        if let (Some(fees), Some(money)) = (record.fees, reconciled.counted_money()) {
            let totals = self.fees.entry(money.currency.to_uppercase()).or_default();
            totals.references += 1;
            totals.amount = totals.amount.saturating_add(money.minor);
            totals.fee = totals.fee.saturating_add(fees.fee);
            totals.net = totals.net.saturating_add(fees.net);
        }
    }

    /// Lists the fees by currency, accepted differences included.
    pub fn fees(&self) -> impl Iterator<Item = (&str, &FeeTotals)> {
        self.fees.iter().map(|(currency, fees)| (currency.as_str(), fees))
    }

    /// Adds a reference whose differences are accepted.
    pub fn add_accepted(&mut self, class: Class, money: Option<&Money>) {
        *self.accepted.entry(class).or_default() += 1;
        add_money(&mut self.accepted_money, class, money);
    }

    /// Counts all references that were compared, with and without accepted differences.
    pub fn references(&self) -> u64 {
        self.classes.values().sum::<u64>() + self.accepted()
    }

    /// Counts the references whose differences are accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted.values().sum()
    }

    /// Counts the references of a class without the accepted ones.
    pub fn count(&self, class: Class) -> u64 {
        self.classes.get(&class).copied().unwrap_or_default()
    }

    /// Lists the classes that occurred with their counts, best first.
    pub fn classes(&self) -> impl Iterator<Item = (Class, u64)> {
        self.classes.iter().rev().map(|(class, count)| (*class, *count))
    }

    /// Lists class, number of references and total amount, by currency.
    pub fn money(&self) -> impl Iterator<Item = (Class, u64, Money)> {
        list_money(&self.money)
    }

    /// Lists the number and sum of all accepted differences, by currency.
    pub fn accepted_sums(&self) -> Vec<(u64, Money)> {
        let mut sums: Vec<(u64, Money)> = Vec::new();
        for (_, number, money) in self.accepted_money() {
            match sums.last_mut().filter(|(_, sum)| sum.currency == money.currency) {
                Some((count, sum)) => (*count, sum.minor) = (*count + number, sum.minor.saturating_add(money.minor)),
                None => sums.push((number, money)),
            }
        }
        sums
    }

    /// Lists the same as `money` for the accepted differences.
    pub fn accepted_money(&self) -> impl Iterator<Item = (Class, u64, Money)> {
        list_money(&self.accepted_money)
    }

    pub fn has_difference(&self) -> bool {
        self.classes.keys().any(|class| class.is_difference())
    }
}

/// Number of references and sum of their amounts, by currency and class.
type MoneyTotals = BTreeMap<(String, Class), (u64, i128)>;

fn add_money(totals: &mut MoneyTotals, class: Class, money: Option<&Money>) {
    if let Some(money) = money {
        let (count, minor) = totals.entry((money.currency.to_uppercase(), class)).or_default();
        (*count, *minor) = (*count + 1, minor.saturating_add(money.minor));
    }
}

fn list_money(totals: &MoneyTotals) -> impl Iterator<Item = (Class, u64, Money)> {
    totals.iter().map(|((currency, class), (count, minor))| {
        (*class, *count, Money { minor: *minor, currency: currency.clone() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_added_up_per_currency_and_class() {
        let mut totals = Totals::default();
        let money = |minor, currency: &str| Money { minor, currency: currency.to_owned() };
        totals.add(Class::SettledAgreed, Some(&money(10_000, "CVE")));
        totals.add(Class::SettledAgreed, Some(&money(5, "cve")));
        totals.add(Class::NeverDelivered, Some(&money(7, "CVE")));
        totals.add(Class::SettledAgreed, Some(&money(9, "NGN")));
        totals.add(Class::UnknownToProvider, None);
        let sums: Vec<_> = totals.money().collect();
        assert_eq!(sums.len(), 3);
        assert!(sums.contains(&(Class::SettledAgreed, 2, money(10_005, "CVE"))));
        assert_eq!((totals.references(), totals.count(Class::SettledAgreed), totals.has_difference()), (5, 3, true));
    }

    #[test]
    fn classes_are_listed_best_first_and_only_if_they_occurred() {
        let mut totals = Totals::default();
        assert_eq!((totals.references(), totals.classes().count(), totals.has_difference()), (0, 0, false));
        for class in [Class::NeverDelivered, Class::SettledAgreed, Class::NeverDelivered, Class::CouldNotTell] {
            totals.add(class, None);
        }
        let expected = [(Class::SettledAgreed, 1), (Class::NeverDelivered, 2), (Class::CouldNotTell, 1)];
        assert_eq!(totals.classes().collect::<Vec<_>>(), expected);
        assert_eq!(totals.money().count(), 0);
    }

    #[test]
    fn open_and_inconclusive_references_are_no_difference() {
        let mut totals = Totals::default();
        for class in [Class::StillOpen, Class::SettledAgreed, Class::CouldNotTell] {
            totals.add(class, None);
        }
        assert!(!totals.has_difference());
        totals.add(Class::AmountDiffers, None);
        assert!(totals.has_difference());
    }

    #[test]
    fn a_sum_beyond_the_range_stops_at_its_end() {
        let mut totals = Totals::default();
        let money = |minor| Money { minor, currency: "CVE".to_owned() };
        totals.add(Class::SettledAgreed, Some(&money(i128::MAX)));
        totals.add(Class::SettledAgreed, Some(&money(1)));
        assert_eq!(totals.money().next(), Some((Class::SettledAgreed, 2, money(i128::MAX))));
    }
}
