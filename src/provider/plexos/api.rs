//! Plexos Pay's API: <https://docs.pay.plexos.io/api-reference/introduction>.

use crate::provider::api::{Api, ErrorDetails, common_hint};
use serde_json::Value;

/// One base for test and live; the key decides (<https://docs.pay.plexos.io/pages/authentication>).
pub(super) const API: Api = Api {
    base: "https://api.plexospay.com",
    prefix: "/v1",
    base_variable: "PLEXOS_API_URL",
    live_key_prefix: "sk_live_",
    test_key_prefix: Some("sk_test_"),
    // https://docs.pay.plexos.io/pages/api/payments/reference
    probe_path: "/payments?limit=1",
    dashboard: "dashboard.plexospay.com",
};

/// `{ "error": { "message": …, "code": … } }`
pub(super) fn complaint(body: &Value) -> Option<ErrorDetails> {
    let error = body.get("error")?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(ErrorDetails { message: text("message").or_else(|| error.as_str().map(str::to_owned)), code: text("code") })
}

/// The table of status codes is on the introduction's page.
pub(super) fn advice(status: u16) -> &'static str {
    match status {
        401 => {
            "check PLEXOS_PAY_SECRET_KEY: it begins with sk_test_ or sk_live_, and is shown once, in the dashboard under Settings, API Keys"
        }
        403 => "the key lacks the permission for this: take another one, or widen it in the dashboard",
        409 => "it exists already, or is in a state that does not allow this",
        other => common_hint(other),
    }
}
