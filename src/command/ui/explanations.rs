//! The explanations of refused captures that were shown last. A search takes tens of milliseconds,
//! and an open page asks for its capture again with each event that arrives.

use crate::command::shared::secrets::Secrets;
use crate::command::shared::stored_capture::verify_and_diagnose;
use crate::diagnose::Finding;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::stored::StoredDelivery;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Most explanations that are remembered, and most bytes of their bodies.
const MAX_EXPLANATIONS: usize = 64;
const MAX_BYTES: usize = 8 << 20;

/// Explanations, the newest last.
#[derive(Default)]
pub(super) struct ExplanationCache(Mutex<VecDeque<Explanation>>);

struct Explanation {
    /// The secrets that were searched with.
    secrets: Secrets,
    received: AnalyzedDelivery,
    findings: Vec<Finding>,
}

impl ExplanationCache {
    /// Does what `verify_and_diagnose` does, without a search if the same request was explained with
    /// the same secrets.
    pub(super) fn verify_and_diagnose(
        &self,
        stored: &StoredDelivery,
        secrets: &Secrets,
    ) -> (AnalyzedDelivery, Vec<Finding>) {
        if stored.summary.verdict.is_verified() {
            return verify_and_diagnose(stored, secrets);
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.iter().find(|known| known.is_for(stored, secrets)) {
            return (found.received.clone(), found.findings.clone());
        }
        drop(known);
        let (received, findings) = verify_and_diagnose(stored, secrets);
        self.add(Explanation { secrets: secrets.clone(), received: received.clone(), findings: findings.clone() });
        (received, findings)
    }

    fn add(&self, explanation: Explanation) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back(explanation);
        let size = |known: &VecDeque<Explanation>| known.iter().map(Explanation::body_length).sum::<usize>();
        while known.len() > MAX_EXPLANATIONS || size(&known) > MAX_BYTES {
            known.pop_front();
        }
    }
}

impl Explanation {
    fn is_for(&self, stored: &StoredDelivery, secrets: &Secrets) -> bool {
        let delivery = &self.received.delivery;
        delivery.arrived == Some(stored.summary.arrived)
            && self.secrets.is_copy(secrets)
            && delivery.request == stored.request
    }

    fn body_length(&self) -> usize {
        self.received.delivery.request.body.len()
    }
}
