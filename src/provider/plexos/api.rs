//! Plexos Pay's API: <https://docs.pay.plexos.io/api-reference/introduction>.

use crate::provider::api::{Api, ErrorDetails, common_hint};
use serde_json::Value;

/// Test and live share one base URL; the key decides
/// (<https://docs.pay.plexos.io/pages/authentication>).
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
pub(super) fn error_details(body: &Value) -> Option<ErrorDetails> {
    let error = body.get("error")?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(ErrorDetails { message: text("message").or_else(|| error.as_str().map(str::to_owned)), code: text("code") })
}

/// Status codes: <https://docs.pay.plexos.io/api-reference/introduction>.
pub(super) fn status_hint(status: u16) -> &'static str {
    match status {
        401 => {
            "check PLEXOS_PAY_SECRET_KEY: keys begin with sk_test_ or sk_live_; create one in the dashboard under Settings, API Keys"
        }
        403 => "the key lacks permission for this: use another key, or change its permissions in the dashboard",
        409 => "it already exists, or its status does not allow this",
        other => common_hint(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_message_and_code_of_an_error_are_found_in_any_documented_form() {
        use serde_json::json;
        let details = |message: Option<&str>, code: Option<&str>| {
            Some(ErrorDetails { message: message.map(str::to_owned), code: code.map(str::to_owned) })
        };
        for (body, expected) in [
            (
                json!({"error": {"message": "No such payment", "code": "NOT_FOUND"}}),
                details(Some("No such payment"), Some("NOT_FOUND")),
            ),
            (json!({"error": {"message": "m"}}), details(Some("m"), None)),
            (json!({"error": "unauthorized"}), details(Some("unauthorized"), None)),
            (json!({"error": {"message": 1, "code": 2}}), details(None, None)),
            (json!({"message": "m"}), None),
            (json!([]), None),
        ] {
            assert_eq!(error_details(&body), expected, "{body}");
        }
    }

    #[test]
    fn refused_keys_and_conflicts_have_their_own_hint() {
        assert!(status_hint(401).starts_with("check PLEXOS_PAY_SECRET_KEY: keys begin with sk_test_ or sk_live_"));
        assert!(status_hint(403).starts_with("the key lacks permission"));
        assert_eq!(status_hint(409), "it already exists, or its status does not allow this");
        assert_eq!(status_hint(500), common_hint(500));
    }
}
