//! The possible results of reconciling one reference. Their codes never change.

/// The result for one reference, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The lookup failed, or its answer could not be used.
    CouldNotTell,
    /// The provider has no such record.
    UnknownToProvider,
    /// The provider has a payment that no order in the list belongs to.
    NotInOrders,
    /// Another order in the list belongs to the same payment.
    DuplicateOrder,
    /// Two verified webhooks with the same event id have different contents.
    TwoBodies,
    /// A webhook or the order reports another outcome than the record.
    StatusDiffers,
    AmountDiffers,
    CurrencyDiffers,
    /// The payment ended, but the order is still open: the app did not take the event.
    OrderBehind,
    /// The payment ended, but no captured webhook reports it.
    NeverDelivered,
    /// The webhook arrived, but its signature was refused.
    DeliveredRefused,
    /// The webhook arrived, but the app did not answer 2xx.
    AppDidNotTake,
    /// The payment has been open for too long.
    Stale,
    StillOpen,
    /// The payment ended, and order, webhooks and record agree.
    SettledAgreed,
}

impl Class {
    /// All classes, worst first.
    pub const ALL: [Self; 15] = [
        Self::CouldNotTell,
        Self::UnknownToProvider,
        Self::NotInOrders,
        Self::DuplicateOrder,
        Self::TwoBodies,
        Self::StatusDiffers,
        Self::AmountDiffers,
        Self::CurrencyDiffers,
        Self::OrderBehind,
        Self::NeverDelivered,
        Self::DeliveredRefused,
        Self::AppDidNotTake,
        Self::Stale,
        Self::StillOpen,
        Self::SettledAgreed,
    ];

    /// Returns the code used in JSON, CSV and `--only`.
    pub fn code(self) -> &'static str {
        match self {
            Self::CouldNotTell => "could_not_tell",
            Self::UnknownToProvider => "unknown_to_provider",
            Self::NotInOrders => "not_in_orders",
            Self::DuplicateOrder => "duplicate_order",
            Self::TwoBodies => "two_bodies",
            Self::StatusDiffers => "status_differs",
            Self::AmountDiffers => "amount_differs",
            Self::CurrencyDiffers => "currency_differs",
            Self::OrderBehind => "order_behind",
            Self::NeverDelivered => "never_delivered",
            Self::DeliveredRefused => "delivered_refused",
            Self::AppDidNotTake => "app_did_not_take",
            Self::Stale => "stale",
            Self::StillOpen => "still_open",
            Self::SettledAgreed => "settled_agreed",
        }
    }

    /// Returns a label of at most 19 characters.
    pub fn label(self) -> &'static str {
        match self {
            Self::CouldNotTell => "inconclusive",
            Self::UnknownToProvider => "not found",
            Self::NotInOrders => "not in orders",
            Self::DuplicateOrder => "duplicate order",
            Self::TwoBodies => "conflicting bodies",
            Self::StatusDiffers => "status differs",
            Self::AmountDiffers => "amount differs",
            Self::CurrencyDiffers => "currency differs",
            Self::OrderBehind => "order behind",
            Self::NeverDelivered => "never delivered",
            Self::DeliveredRefused => "webhook refused",
            Self::AppDidNotTake => "rejected by app",
            Self::Stale => "open too long",
            Self::StillOpen => "still open",
            Self::SettledAgreed => "matched",
        }
    }

    /// Returns what the user should do; empty if nothing. Trusting the record, and out-of-order
    /// delivery as the likely cause, is the advice of
    /// <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>.
    pub fn advice(self) -> &'static str {
        match self {
            Self::CouldNotTell => "run it again if there was no answer; otherwise check the provider's dashboard",
            Self::UnknownToProvider => {
                "check the reference for typos, and that it belongs to the mode of the API key (test or live)"
            }
            Self::NotInOrders => {
                "find out which order was paid; a payment made outside the shop may be missing from the list"
            }
            Self::DuplicateOrder => "find out which of the orders was paid; the money was counted once",
            Self::TwoBodies => "compare them with `whtool events diff`, and trust the provider's record",
            Self::StatusDiffers => "trust the provider's record; webhooks may have arrived out of order",
            Self::AmountDiffers | Self::CurrencyDiffers => {
                "trust the provider's record, and find out what changed the amount"
            }
            Self::OrderBehind => {
                "the app did not take the event: add --replay-list to rebuild it for `whtool replay --from`"
            }
            Self::NeverDelivered => "add --replay-list to rebuild the event for `whtool replay --from`",
            Self::DeliveredRefused => {
                "see the reason with `whtool events show`; add --replay-list to rebuild the event"
            }
            Self::AppDidNotTake => {
                "fix the app, then add --replay-list to resend the event with `whtool replay --from`"
            }
            Self::Stale => "ask the customer or the provider: it should have ended by now",
            Self::StillOpen | Self::SettledAgreed => "",
        }
    }

    /// Returns the advice for a run that writes a replay list.
    pub fn advice_with_replay_list(self) -> &'static str {
        match self {
            Self::OrderBehind => "the app did not take the event; it is on the replay list",
            Self::NeverDelivered => "the rebuilt event is on the replay list",
            Self::DeliveredRefused => {
                "see the reason with `whtool events show`; the rebuilt event is on the replay list"
            }
            Self::AppDidNotTake => "fix the app, then replay the event: it is on the replay list",
            other => other.advice(),
        }
    }

    /// Returns true if something is wrong, which makes the exit status 1.
    pub fn is_difference(self) -> bool {
        !matches!(self, Self::CouldNotTell | Self::StillOpen | Self::SettledAgreed)
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_labels_fit_their_column() {
        for class in Class::ALL {
            assert_eq!(Class::from_code(class.code()), Some(class));
            assert!(class.label().len() <= 19, "{}", class.label());
        }
        assert!(Class::ALL.is_sorted());
    }

    #[test]
    fn every_class_has_its_code_and_label_and_three_are_no_difference() {
        // Worst first; the last column: exit status 1.
        let expected = [
            ("could_not_tell", "inconclusive", false),
            ("unknown_to_provider", "not found", true),
            ("not_in_orders", "not in orders", true),
            ("duplicate_order", "duplicate order", true),
            ("two_bodies", "conflicting bodies", true),
            ("status_differs", "status differs", true),
            ("amount_differs", "amount differs", true),
            ("currency_differs", "currency differs", true),
            ("order_behind", "order behind", true),
            ("never_delivered", "never delivered", true),
            ("delivered_refused", "webhook refused", true),
            ("app_did_not_take", "rejected by app", true),
            ("stale", "open too long", true),
            ("still_open", "still open", false),
            ("settled_agreed", "matched", false),
        ];
        assert_eq!(Class::ALL.map(|class| (class.code(), class.label(), class.is_difference())), expected);
        assert_eq!([Class::from_code("matched"), Class::from_code("")], [None, None]);
    }

    #[test]
    fn every_difference_has_advice_and_a_replay_list_changes_only_what_it_can_mend() {
        for class in Class::ALL {
            let has_advice = !matches!(class, Class::StillOpen | Class::SettledAgreed);
            assert_eq!(!class.advice().is_empty(), has_advice, "{class:?}");
            let is_mended = class.advice().contains("--replay-list");
            assert_eq!(class.advice() != class.advice_with_replay_list(), is_mended, "{class:?}");
            assert_eq!(class.advice_with_replay_list().contains("on the replay list"), is_mended, "{class:?}");
        }
        let mended: Vec<_> = Class::ALL.into_iter().filter(|class| class.advice().contains("--replay-list")).collect();
        assert_eq!(mended, [Class::OrderBehind, Class::NeverDelivered, Class::DeliveredRefused, Class::AppDidNotTake]);
    }
}
