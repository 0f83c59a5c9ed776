//! Plustive's API: <https://docs.plustiveimpact.com/authentication>.

use crate::provider::api::{Api, ErrorDetails, common_hint};
use serde_json::Value;

/// `/api/v1` in the reference; one page writes `/v1` (contradiction U9). Every key is live: no test mode is known.
pub(super) const API: Api = Api {
    base: "https://api.plustiveimpact.com",
    prefix: "/api/v1",
    base_variable: "PLUSTIVE_API_URL",
    live_key_prefix: "pk_live_",
    test_key_prefix: None,
    // https://docs.plustiveimpact.com/authentication
    probe_path: "/balance",
    dashboard: "Plustive's dashboard",
};

/// Problem details: `detail` says it, `errors[].reason` repeats it, `title` names the kind.
pub(super) fn complaint(body: &Value) -> Option<ErrorDetails> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let first = body.get("errors").and_then(|errors| errors.get(0));
    let message = text(body.get("detail")).or_else(|| text(first?.get("reason"))).or_else(|| text(body.get("title")));
    let code = first.and_then(|first| text(first.get("code")));
    (message.is_some() || code.is_some()).then_some(ErrorDetails { message, code })
}

/// No table of status codes is published; that addresses are allow-listed by hand since July 2026 is told by integrators.
pub(super) fn advice(status: u16) -> &'static str {
    match status {
        401 => "check PLUSTIVE_API_KEY: it begins with pk_live_, and is shown once",
        403 => {
            "this machine's address may not be on Plustive's allow-list: ask their support to add it; or the key was revoked"
        }
        409 => "the same clientReference was used with other parameters before",
        other => common_hint(other),
    }
}
