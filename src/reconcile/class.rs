//! What can come out of reconciling one reference. Codes are stable.

/// What is to be said of a reference; the worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The provider's answer says nothing that can be used.
    CouldNotTell,
    /// The provider has no record of it.
    UnknownToProvider,
    /// Two verified webhooks under one event id say different things.
    TwoBodies,
    /// Webhook or order say another outcome than the provider's record.
    StatusDiffers,
    /// Webhook or order say another amount.
    AmountDiffers,
    /// Webhook or order say another currency.
    CurrencyDiffers,
    /// It ended, and no webhook that tells so was captured.
    NeverDelivered,
    /// The webhook came, and its signature was refused.
    DeliveredRefused,
    /// The webhook came, and the app did not answer it with 2xx.
    AppDidNotTake,
    /// It has not ended.
    StillOpen,
    /// It ended, and everything that is known of it says the same.
    SettledAgreed,
}

impl Class {
    /// All of them, the worst first.
    pub const ALL: [Self; 11] = [
        Self::CouldNotTell,
        Self::UnknownToProvider,
        Self::TwoBodies,
        Self::StatusDiffers,
        Self::AmountDiffers,
        Self::CurrencyDiffers,
        Self::NeverDelivered,
        Self::DeliveredRefused,
        Self::AppDidNotTake,
        Self::StillOpen,
        Self::SettledAgreed,
    ];

    /// A stable code for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::CouldNotTell => "could_not_tell",
            Self::UnknownToProvider => "unknown_to_provider",
            Self::TwoBodies => "two_bodies",
            Self::StatusDiffers => "status_differs",
            Self::AmountDiffers => "amount_differs",
            Self::CurrencyDiffers => "currency_differs",
            Self::NeverDelivered => "never_delivered",
            Self::DeliveredRefused => "delivered_refused",
            Self::AppDidNotTake => "app_did_not_take",
            Self::StillOpen => "still_open",
            Self::SettledAgreed => "settled_agreed",
        }
    }

    /// In at most nineteen letters, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::CouldNotTell => "could not tell",
            Self::UnknownToProvider => "unknown to provider",
            Self::TwoBodies => "two bodies",
            Self::StatusDiffers => "status differs",
            Self::AmountDiffers => "amount differs",
            Self::CurrencyDiffers => "currency differs",
            Self::NeverDelivered => "never delivered",
            Self::DeliveredRefused => "delivered, refused",
            Self::AppDidNotTake => "app did not take it",
            Self::StillOpen => "still open",
            Self::SettledAgreed => "settled and agreed",
        }
    }

    /// What to do about it; empty: nothing. That the endpoint is to be trusted, and delivery order the likely cause, is the advice
    /// of <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>.
    pub fn advice(self) -> &'static str {
        match self {
            Self::CouldNotTell => {
                "where there was no answer, ask again later; what no call finds is in the provider's dashboard"
            }
            Self::UnknownToProvider => {
                "the reference may be mistyped, or belong to the other environment, test or live"
            }
            Self::TwoBodies => "`whtool events diff` shows where they differ; go by the provider's record",
            Self::StatusDiffers => {
                "trust the provider's record; the likely cause is the order in which webhooks were delivered"
            }
            Self::AmountDiffers | Self::CurrencyDiffers => "go by the provider's record, and find out who changed it",
            Self::NeverDelivered => "--replay-list writes it for `whtool replay --from`",
            Self::DeliveredRefused => "`whtool events show` says why; --replay-list writes it anew",
            Self::AppDidNotTake => "mend the app, then replay: --replay-list writes it for `whtool replay --from`",
            Self::StillOpen | Self::SettledAgreed => "",
        }
    }

    /// The same where --replay-list was given, and what the app has missed is on that list.
    pub fn advice_with_replay_list(self) -> &'static str {
        match self {
            Self::NeverDelivered => "it is on the list for `whtool replay --from`",
            Self::DeliveredRefused => "`whtool events show` says why; it is on the list, made anew",
            Self::AppDidNotTake => "mend the app, then replay: it is on the list for `whtool replay --from`",
            other => other.advice(),
        }
    }

    /// Whether the answer is no: something is not as it should be.
    pub fn is_difference(self) -> bool {
        !matches!(self, Self::CouldNotTell | Self::StillOpen | Self::SettledAgreed)
    }

    /// The class of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_words_are_short() {
        for class in Class::ALL {
            assert_eq!(Class::from_code(class.code()), Some(class));
            assert!(class.label().len() <= 19, "{}", class.label());
        }
        assert!(Class::ALL.is_sorted());
    }
}
