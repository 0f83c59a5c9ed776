//! What an answer to a lookup comes to: a record, none, trouble that may pass, or the end of asking.

use crate::model::error::Error;
use crate::model::exchange::{Answer, SendFailure};
use crate::provider::Provider;
use crate::provider::api::ResponseError;
use crate::reconcile::schedule::AttemptResult;
use crate::reconcile::{Lookup, Order};
use serde_json::Value;

/// What an answer comes to.
pub(super) enum LookupResult {
    /// Something to judge by, and the body where there is one.
    Usable(Lookup, Option<Value>),
    /// Nothing; another time there may be something.
    Retryable(LookupError),
    /// Nothing, and there is no use in asking anybody.
    Fatal(Error),
}

/// Why there is nothing to judge by.
pub(super) enum LookupError {
    /// No answer came.
    NoAnswer(SendFailure),
    /// One came that is of no use.
    Unusable(ResponseError),
}

/// Whether a 404 is the API's own and not that of some other server, which would know nobody.
pub(super) fn is_api_answer(answer: &Answer) -> bool {
    answer.body.trim_ascii().is_empty()
        || serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body.is_object())
}

/// An answer that can't be used, and would be no other the next time.
pub(super) fn unusable(provider: &dyn Provider, unfit: ResponseError) -> LookupResult {
    LookupResult::Usable(Lookup::Failed(LookupError::Unusable(unfit).reason(provider)), None)
}

/// The record in an answer, if it is one about this reference.
pub(super) fn parse_record(provider: &dyn Provider, order: &Order, body: &Value) -> Lookup {
    match provider.parse_record(body) {
        Err(unfit) => Lookup::Failed(LookupError::Unusable(unfit).reason(provider)),
        Ok(record) => {
            let is_merchants =
                || record.merchant_reference.as_ref().is_none_or(|reference| *reference == order.reference);
            if record.reference == order.reference || (!provider.owns_reference(&order.reference) && is_merchants()) {
                Lookup::Found(Box::new(record))
            } else {
                Lookup::Failed(format!("the answer is about another reference: {}", record.reference))
            }
        }
    }
}

impl LookupError {
    /// What the schedule makes of it.
    pub(super) fn attempt_result(&self) -> AttemptResult {
        match self {
            Self::Unusable(ResponseError::Rejected { status: 429, retry_after, .. }) => {
                AttemptResult::RateLimited(*retry_after)
            }
            Self::Unusable(ResponseError::Rejected { status: 503, retry_after: Some(span), .. }) => {
                AttemptResult::RateLimited(Some(*span))
            }
            _ => AttemptResult::Failed,
        }
    }

    /// Why, in a sentence.
    pub(super) fn reason(&self, provider: &dyn Provider) -> String {
        match self {
            Self::NoAnswer(failure) => failure.to_string(),
            Self::Unusable(unfit) => unfit.to_error(provider, "").cause().unwrap_or_default(),
        }
    }
}
