//! Classifies the answer to a lookup: a record, no record, a temporary error, or the end of the
//! run.

use crate::model::error::Error;
use crate::model::exchange::{Answer, SendFailure};
use crate::provider::Provider;
use crate::provider::api::ResponseError;
use crate::reconcile::schedule::AttemptResult;
use crate::reconcile::{Lookup, Order};
use serde_json::Value;

pub(super) enum LookupResult {
    /// A final result, with the body of the answer if there is a record.
    Usable(Lookup, Option<Value>),
    /// An error that may go away.
    Retryable(LookupError),
    /// An error that every other lookup would have, too.
    Fatal(Error),
}

pub(super) enum LookupError {
    NoAnswer(SendFailure),
    Unusable(ResponseError),
}

/// Returns true if a 404 comes from the API and not from some other server that was called by
/// mistake.
pub(super) fn is_api_answer(answer: &Answer) -> bool {
    answer.body.trim_ascii().is_empty()
        || serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body.is_object())
}

/// Returns the result for an answer that can't be used and would be the same again.
pub(super) fn unusable(provider: &dyn Provider, error: ResponseError) -> LookupResult {
    LookupResult::Usable(Lookup::Failed(LookupError::Unusable(error).reason(provider)), None)
}

/// Reads the record in an answer, and checks that it is about this reference.
pub(super) fn parse_record(provider: &dyn Provider, order: &Order, body: &Value) -> Lookup {
    let record = match provider.parse_record(body) {
        Ok(record) => record,
        Err(error) => return Lookup::Failed(LookupError::Unusable(error).reason(provider)),
    };
    let is_merchants = || record.merchant_reference.as_ref().is_none_or(|reference| *reference == order.reference);
    if record.reference == order.reference || (!provider.owns_reference(&order.reference) && is_merchants()) {
        Lookup::Found(Box::new(record))
    } else {
        Lookup::Failed(format!("the answer is about another reference: {}", record.reference))
    }
}

impl LookupError {
    pub(super) fn attempt_result(&self) -> AttemptResult {
        match self {
            Self::Unusable(ResponseError::Rejected { status: 429, retry_after, .. }) => {
                AttemptResult::RateLimited(*retry_after)
            }
            Self::Unusable(ResponseError::Rejected { status: 503, retry_after: Some(pause), .. }) => {
                AttemptResult::RateLimited(Some(*pause))
            }
            _ => AttemptResult::Failed,
        }
    }

    /// Describes the error in a sentence.
    pub(super) fn reason(&self, provider: &dyn Provider) -> String {
        match self {
            Self::NoAnswer(failure) => failure.to_string(),
            Self::Unusable(error) => error.to_error(provider, "").cause().unwrap_or_default(),
        }
    }
}
