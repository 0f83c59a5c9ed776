//! Chooses the event that brings the app up to date: a captured one, or one rebuilt from the record.

use super::{Assessment, Class};
use crate::model::stored::{CaptureId, ReferenceMatch};
use crate::provider::Provider;
use serde_json::Value;

/// An event to send to the app again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayEvent {
    /// A verified webhook in the store.
    Captured(CaptureId),
    /// An event made from the provider's record. Its id is another one than the provider's own.
    Rebuilt(Value),
}

impl ReplayEvent {
    /// Returns what the app missed; `body` is the provider's answer. A refused delivery may be
    /// forged, so its event is rebuilt from the record.
    pub fn choose(
        provider: &dyn Provider,
        assessment: &Assessment,
        webhooks: Option<&[ReferenceMatch]>,
        body: Option<&Value>,
    ) -> Option<Self> {
        if assessment.has(Class::NeverDelivered) || assessment.has(Class::DeliveredRefused) {
            body.and_then(|body| provider.rebuild_event(body)).map(Self::Rebuilt)
        } else if assessment.has(Class::AppDidNotTake) {
            let delivery = webhooks.into_iter().flatten().rfind(|found| found.summary.verdict.is_verified());
            delivery.map(|found| Self::Captured(found.summary.id))
        } else {
            None
        }
    }
}
