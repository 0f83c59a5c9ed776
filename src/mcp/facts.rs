//! Describes what the providers document, contradict and leave open.

use crate::provider;
use serde_json::{Value, json};

/// Describes what a provider documents and leaves open.
pub(super) fn facts(provider: &dyn provider::Provider) -> Value {
    let events: Vec<_> =
        provider.event_types().iter().map(|event| json!({"type": event.name, "meaning": event.meaning})).collect();
    let questions: Vec<_> = provider
        .open_questions()
        .iter()
        .map(|question| {
            let readings: Vec<_> = question
                .documented
                .iter()
                .map(|documented| json!({"reading": documented.reading, "page": documented.page}))
                .collect();
            json!({"code": question.code, "subject": question.subject, "documented": readings})
        })
        .collect();
    json!({
        "name": provider.name(), "title": provider.title(), "pages": provider.webhook_pages(),
        "signatureHeader": provider.signature_header(), "timestampHeader": provider.timestamp_header(),
        "signed": provider.signed_prefix("TIMESTAMP") + "BODY", "secretVariable": provider.secret_variable(),
        "events": events, "openQuestions": questions, "lookups": provider.lookup_description(),
    })
}
