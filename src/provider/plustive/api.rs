//! Plustive's API: <https://docs.plustiveimpact.com/authentication>.

use crate::provider::api::{Api, ErrorDetails, common_hint};
use serde_json::Value;

/// The reference says `/api/v1`, one page says `/v1` (contradiction U9). There is no test mode.
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

/// Problem details: `detail` is the message, `errors[].reason` repeats it, `title` is the kind of
/// problem.
pub(super) fn error_details(body: &Value) -> Option<ErrorDetails> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let first = body.get("errors").and_then(|errors| errors.get(0));
    let message = text(body.get("detail")).or_else(|| text(first?.get("reason"))).or_else(|| text(body.get("title")));
    let code = first.and_then(|first| text(first.get("code")));
    (message.is_some() || code.is_some()).then_some(ErrorDetails { message, code })
}

/// No status codes are documented. Integrators report that IP addresses are allow-listed by hand
/// since July 2026.
pub(super) fn status_hint(status: u16) -> &'static str {
    match status {
        401 => "check PLUSTIVE_API_KEY: keys begin with pk_live_",
        403 => "this IP address may not be on Plustive's allow-list (ask their support), or the key was revoked",
        409 => "this clientReference was already used with other parameters",
        other => common_hint(other),
    }
}
