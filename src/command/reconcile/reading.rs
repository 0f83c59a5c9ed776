//! What an answer to a lookup comes to: a record, none, trouble that may pass, or the end of asking.

use crate::model::error::Error;
use crate::model::exchange::{Answer, SendFailure};
use crate::provider::Provider;
use crate::provider::api::Unfit;
use crate::reconcile::schedule::Fared;
use crate::reconcile::{Asked, Order};
use serde_json::Value;

/// What an answer comes to.
pub(super) enum Reading {
    /// Something to judge by, and the body where there is one.
    Told(Asked, Option<Value>),
    /// Nothing; another time there may be something.
    Trouble(Trouble),
    /// Nothing, and there is no use in asking anybody.
    Hopeless(Error),
}

/// Why there is nothing to judge by.
pub(super) enum Trouble {
    /// No answer came.
    Failure(SendFailure),
    /// One came that is of no use.
    Unfit(Unfit),
}

/// Whether a 404 is the API's own and not that of some other server, which would know nobody.
pub(super) fn is_the_providers(answer: &Answer) -> bool {
    answer.body.trim_ascii().is_empty()
        || serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body.is_object())
}

/// An answer that can't be used, and would be no other the next time.
pub(super) fn not_told(provider: &dyn Provider, unfit: Unfit) -> Reading {
    Reading::Told(Asked::NotTold(Trouble::Unfit(unfit).words(provider)), None)
}

/// The record in an answer, if it is one about this reference.
pub(super) fn asked(provider: &dyn Provider, order: &Order, body: &Value) -> Asked {
    match provider.record(body) {
        Err(unfit) => Asked::NotTold(Trouble::Unfit(unfit).words(provider)),
        Ok(record) => {
            let is_merchants =
                || record.merchant_reference.as_ref().is_none_or(|reference| *reference == order.reference);
            if record.reference == order.reference || (!provider.owns_reference(&order.reference) && is_merchants()) {
                Asked::Found(Box::new(record))
            } else {
                Asked::NotTold(format!("the answer is about another reference: {}", record.reference))
            }
        }
    }
}

impl Trouble {
    /// What the schedule makes of it.
    pub(super) fn fared(&self) -> Fared {
        match self {
            Self::Unfit(Unfit::Refused { status: 429, retry_after, .. }) => Fared::HeldBack(*retry_after),
            Self::Unfit(Unfit::Refused { status: 503, retry_after: Some(span), .. }) => Fared::HeldBack(Some(*span)),
            _ => Fared::Failed,
        }
    }

    /// Why, in a sentence.
    pub(super) fn words(&self, provider: &dyn Provider) -> String {
        match self {
            Self::Failure(failure) => failure.to_string(),
            Self::Unfit(unfit) => unfit.error(provider, "").why.unwrap_or_default(),
        }
    }
}
