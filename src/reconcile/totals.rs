//! Counts references per class and adds up their amounts per currency.

use super::Class;
use crate::model::money::Money;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    classes: BTreeMap<Class, u64>,
    money: BTreeMap<(String, Class), (u64, i128)>,
    /// Lines of the list that could not be read.
    pub bad_lines: u64,
}

impl Totals {
    pub fn add(&mut self, class: Class, money: Option<&Money>) {
        *self.classes.entry(class).or_default() += 1;
        if let Some(money) = money {
            let (count, minor) = self.money.entry((money.currency.to_uppercase(), class)).or_default();
            (*count, *minor) = (*count + 1, minor.saturating_add(money.minor));
        }
    }

    pub fn references(&self) -> u64 {
        self.classes.values().sum()
    }

    /// Counts the references of a class.
    pub fn count(&self, class: Class) -> u64 {
        self.classes.get(&class).copied().unwrap_or_default()
    }

    /// Lists the classes that occurred with their counts, best first.
    pub fn classes(&self) -> impl Iterator<Item = (Class, u64)> {
        self.classes.iter().rev().map(|(class, count)| (*class, *count))
    }

    /// Lists class, number of references and total amount, by currency.
    pub fn money(&self) -> impl Iterator<Item = (Class, u64, Money)> {
        self.money.iter().map(|((currency, class), (count, minor))| {
            (*class, *count, Money { minor: *minor, currency: currency.clone() })
        })
    }

    pub fn has_difference(&self) -> bool {
        self.classes.keys().any(|class| class.is_difference())
    }
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
