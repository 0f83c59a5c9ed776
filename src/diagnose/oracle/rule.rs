//! The rules of other services, whose code people copy.

use super::WrongSigning;
use super::kinds;
use super::notation::by_form;
use super::secrets::HandlerSecrets;
use crate::diagnose::cause::Cause;
use crate::diagnose::hash::Algorithm;
use crate::diagnose::keys::cleaning::decode_lenient_base64;
use crate::model::timestamp::Timestamp;
use crate::provider::{Provider, format_unix_seconds};

/// The way in which another service signs.
pub(super) struct Rule {
    pub service: &'static str,
    /// The rule in words.
    rule: &'static str,
    /// The text before the body, for this message id and timestamp.
    prefix: fn(&str, &str) -> String,
    is_key_base64: bool,
    algorithm: Algorithm,
    /// The form of the notation.
    notation: &'static str,
    /// The headers of signature, timestamp and message id; empty: there is none.
    headers: [&'static str; 3],
}

/// The rules, after the documentation of each service.
static RULES: [Rule; 8] = [
    Rule {
        service: "Stripe",
        rule: "`t=<timestamp>,v1=<hex>` in one header",
        prefix: |_, time| format!("{time}."),
        is_key_base64: false,
        algorithm: Algorithm::Sha256,
        notation: "`t=<timestamp>,v1=` and hex",
        headers: ["Stripe-Signature", "", ""],
    },
    Rule {
        service: "Standard Webhooks",
        rule: "base64 of the HMAC of `<id>.<timestamp>.<body>`, with the key decoded from base64",
        prefix: |id, time| format!("{id}.{time}."),
        is_key_base64: true,
        algorithm: Algorithm::Sha256,
        notation: "`v1,` and base64",
        headers: ["webhook-signature", "webhook-timestamp", "webhook-id"],
    },
    Rule {
        service: "Svix",
        rule: "base64 of the HMAC of `<id>.<timestamp>.<body>`, with the key decoded from base64",
        prefix: |id, time| format!("{id}.{time}."),
        is_key_base64: true,
        algorithm: Algorithm::Sha256,
        notation: "`v1,` and base64",
        headers: ["svix-signature", "svix-timestamp", "svix-id"],
    },
    Rule {
        service: "Slack",
        rule: "`v0=` and the HMAC of `v0:<timestamp>:<body>`",
        prefix: |_, time| format!("v0:{time}:"),
        is_key_base64: false,
        algorithm: Algorithm::Sha256,
        notation: "`v0=` and hex",
        headers: ["X-Slack-Signature", "X-Slack-Request-Timestamp", ""],
    },
    Rule {
        service: "GitHub",
        rule: "`sha256=` and the HMAC of the body alone",
        prefix: |_, _| String::new(),
        is_key_base64: false,
        algorithm: Algorithm::Sha256,
        notation: "`sha256=` and hex",
        headers: ["X-Hub-Signature-256", "", ""],
    },
    Rule {
        service: "GitHub (old)",
        rule: "`sha1=` and the HMAC-SHA1 of the body alone",
        prefix: |_, _| String::new(),
        is_key_base64: false,
        algorithm: Algorithm::Sha1,
        notation: "`sha1=` and hex",
        headers: ["X-Hub-Signature", "", ""],
    },
    Rule {
        service: "Paystack",
        rule: "HMAC-SHA512 of the body alone",
        prefix: |_, _| String::new(),
        is_key_base64: false,
        algorithm: Algorithm::Sha512,
        notation: "hex",
        headers: ["X-Paystack-Signature", "", ""],
    },
    Rule {
        service: "Shopify",
        rule: "base64 of the HMAC of the body alone",
        prefix: |_, _| String::new(),
        is_key_base64: false,
        algorithm: Algorithm::Sha256,
        notation: "base64",
        headers: ["X-Shopify-Hmac-SHA256", "", ""],
    },
];

impl Rule {
    /// Returns the headers of a request that the service would send.
    pub(super) fn headers(&self, signature: &str, timestamp: &str) -> Vec<(&'static str, String)> {
        let values = [signature, timestamp, MESSAGE_ID].map(str::to_owned);
        self.headers.into_iter().zip(values).filter(|(name, _)| !name.is_empty()).collect()
    }
}

const MESSAGE_ID: &str = "msg_whtoolcheck";

/// Signs by the rules of other services. Each request has the headers of the service and, with the
/// same signature, those of the provider: people change the name of the header in copied code.
pub(super) fn signings(
    provider: &dyn Provider,
    secrets: &HandlerSecrets,
    now: Timestamp,
    body: &[u8],
) -> Vec<WrongSigning> {
    let secret = secrets.signing_secret();
    let bare = secret.strip_prefix(provider.secret_prefix().as_bytes()).unwrap_or(secret);
    let timestamp = format_unix_seconds(now);
    let sign = |rule: &'static Rule| {
        let key = if rule.is_key_base64 { decode_lenient_base64(bare)? } else { secret.to_vec() };
        let prefix = (rule.prefix)(MESSAGE_ID, &timestamp);
        let digest = rule.algorithm.hmac(&key, &[prefix.as_bytes(), body]);
        let notation = by_form(rule.notation);
        let message = format!("`{}<body>`", provider.signed_prefix("<timestamp>"));
        let cause = Cause::new(&kinds::RULES_OF_SERVICE)
            .with("service", rule.service)
            .with("rule", rule.rule)
            .with("provider", provider.title())
            .with("message", message);
        let causes = vec![cause];
        Some(WrongSigning { causes, timestamp: timestamp.clone(), digest, notation, rule: Some(rule) })
    };
    RULES.iter().filter_map(sign).collect()
}
