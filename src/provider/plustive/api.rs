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

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_message_is_the_detail_or_else_the_first_reason_or_else_the_title() {
        use serde_json::json;
        let details = |message: Option<&str>, code: Option<&str>| {
            Some(ErrorDetails { message: message.map(str::to_owned), code: code.map(str::to_owned) })
        };
        let errors = json!([{"reason": "r", "code": "c"}, {"reason": "second"}]);
        for (body, expected) in [
            (json!({"detail": "d", "errors": errors, "title": "t"}), details(Some("d"), Some("c"))),
            (json!({"errors": errors, "title": "t"}), details(Some("r"), Some("c"))),
            (json!({"title": "t"}), details(Some("t"), None)),
            (json!({"errors": [{"code": "c"}]}), details(None, Some("c"))),
            (json!({"errors": []}), None),
            (json!({"status": 400}), None),
            (json!("detail"), None),
        ] {
            assert_eq!(error_details(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_title_is_the_message_even_if_an_error_has_no_reason() {
        use serde_json::json;
        let details = error_details(&json!({"title": "t", "errors": [{"code": "c"}]})).unwrap();
        assert_eq!((details.message.as_deref(), details.code.as_deref()), (Some("t"), Some("c")));
    }

    #[test]
    fn refused_keys_addresses_and_references_have_their_own_hint() {
        assert_eq!(status_hint(401), "check PLUSTIVE_API_KEY: keys begin with pk_live_");
        assert!(status_hint(403).contains("allow-list"));
        assert!(status_hint(409).contains("clientReference was already used"));
        assert_eq!(status_hint(429), common_hint(429));
    }
}
