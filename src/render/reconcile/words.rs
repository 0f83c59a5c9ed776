//! Words of the reports for readers who know payments, but neither webhooks nor this program.

use crate::model::money::Money;
use crate::reconcile::Class;

/// A class in plain words.
pub(in crate::render) struct PlainClass {
    /// The heading of its section.
    pub title: &'static str,
    pub meaning: &'static str,
    /// Advice; empty if nothing has to be done.
    pub action: &'static str,
}

pub(in crate::render) fn plain(class: Class) -> PlainClass {
    let (title, meaning, action) = match class {
        Class::CouldNotTell => (
            "Not compared",
            "The provider gave no usable answer, so nothing is known about these transactions.",
            "Run the comparison again before relying on this report.",
        ),
        Class::UnknownToProvider => (
            "Unknown to the provider",
            "The order names a transaction that the provider has no record of.",
            "Check the reference for typos, and that it is not from the test mode.",
        ),
        Class::NotInOrders => (
            "Paid, but in no order",
            "The provider has a payment that belongs to no order in the list.",
            "Find out which order was paid, or whether the payment was made outside of the shop.",
        ),
        Class::DuplicateOrder => (
            "Two orders for one payment",
            "Several orders name the same payment. Its money is counted once.",
            "Find out which of the orders was paid.",
        ),
        Class::TwoBodies => (
            "Contradictory notifications",
            "Two notifications of the provider with the same number have different contents.",
            "Trust the provider's record, and ask the developers.",
        ),
        Class::StatusDiffers => (
            "Different status",
            "The order or a notification says something else than the provider's record.",
            "Trust the provider's record, and correct the order.",
        ),
        Class::AmountDiffers => (
            "Different amount",
            "The order or a notification has another amount than the provider's record.",
            "Trust the provider's record, and find out what changed the amount.",
        ),
        Class::CurrencyDiffers => (
            "Different currency",
            "The order or a notification has another currency than the provider's record.",
            "Trust the provider's record, and find out what changed the currency.",
        ),
        Class::OrderBehind => (
            "Order not updated",
            "The provider has finished the transaction, but the order is still open.",
            "The developers can send the missed notification to the shop again.",
        ),
        Class::NeverDelivered => (
            "Notification missing",
            "The transaction has ended, but no notification of it was received.",
            "The developers can send the missed notification to the shop again.",
        ),
        Class::DeliveredRefused => (
            "Notification refused",
            "A notification arrived, but its signature was not valid, so it was not accepted.",
            "The developers can find the reason, and send the notification again.",
        ),
        Class::AppDidNotTake => (
            "Notification not processed",
            "A notification arrived, but the shop did not accept it.",
            "The developers can find the reason, and send the notification again.",
        ),
        Class::Stale => (
            "Open for too long",
            "The provider has not decided these transactions, although it should have by now.",
            "Ask the customer or the provider.",
        ),
        Class::StillOpen => ("Still open", "The provider has not decided these transactions yet.", ""),
        Class::SettledAgreed => ("Matched", "The order and the provider's record agree.", ""),
    };
    PlainClass { title, meaning, action }
}

/// Formats an amount for readers: `12,345.00 CVE`.
pub(in crate::render) fn amount(money: &Money) -> String {
    let size = money.minor.unsigned_abs();
    let digits = (size / 100).to_string();
    let groups: Vec<&str> = {
        let first = digits.len() % 3;
        let (head, tail) = digits.split_at(first);
        let tail = (0..tail.len() / 3).map(|at| &tail[at * 3..at * 3 + 3]);
        Some(head).filter(|head| !head.is_empty()).into_iter().chain(tail).collect()
    };
    let sign = if money.minor < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:02} {}", groups.join(","), size % 100, money.currency);
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_groups_of_three_digits_and_two_decimals() {
        for (minor, text) in [
            (0, "0.00 CVE"),
            (5, "0.05 CVE"),
            (-99_950, "-999.50 CVE"),
            (100_000, "1,000.00 CVE"),
            (12_345_678, "123,456.78 CVE"),
            (-100_000_000_000, "-1,000,000,000.00 CVE"),
        ] {
            assert_eq!(amount(&Money { minor, currency: "CVE".to_owned() }), text);
        }
        assert_eq!(amount(&Money { minor: 1, currency: String::new() }), "0.01");
    }

    #[test]
    fn every_class_that_needs_attention_says_what_to_do() {
        for class in Class::ALL {
            let words = plain(class);
            let needs_action = class.is_difference() || class == Class::CouldNotTell;
            assert_eq!(!words.action.is_empty(), needs_action, "{class:?}");
            assert!(!words.meaning.to_lowercase().contains("webhook"), "{class:?}");
        }
    }
}
