//! Requests whose handling the provider does not document. Unless the handler crashes, its response
//! is information.

use crate::check::baseline::signature_forms;
use crate::check::probe::{BuildRequests, Probe, ProbeFactory, ProbeKind, single};
use crate::check::types::ProbeTopic::{MalformedSignature, Undocumented};
use crate::check::types::{ProbeGrade, ProbeGroup};

pub(super) fn probes(factory: &ProbeFactory<'_>) -> Vec<Probe> {
    let open = |name, why, build, meanings| {
        let kind = ProbeKind::Undocumented(build, meanings);
        factory.probe(ProbeGroup::Open, name, why, Undocumented, kind).with_severity(ProbeGrade::Info)
    };
    let malformed = |probe| Probe { topic: MalformedSignature, ..probe };
    let content_type = "the provider does not document which Content-Type it sends";
    let mut probes = vec![
        open(
            "content_type.missing",
            content_type,
            single(|builder| builder.signed_event().without_header("Content-Type")),
            [
                "a missing Content-Type is accepted",
                "a Content-Type is required; if the provider sends none, every event is rejected",
            ],
        ),
        open(
            "content_type.charset",
            content_type,
            single(|builder| builder.signed_event().with_header("Content-Type", "application/json; charset=utf-8")),
            ["a charset in the Content-Type is accepted", "a charset in the Content-Type is rejected"],
        ),
        open(
            "content_type.text",
            content_type,
            single(|builder| builder.signed_event().with_header("Content-Type", "text/plain")),
            [
                "any Content-Type is accepted",
                "only application/json is accepted; if the provider sends another type, every event is rejected",
            ],
        ),
        open(
            "user_agent.missing",
            "the provider does not document whether it sends a User-Agent, and some firewalls require one",
            single(|builder| builder.signed_event().without_header("User-Agent")),
            ["a missing User-Agent is accepted", "the handler, or a proxy in front of it, requires a User-Agent"],
        ),
    ];
    if factory.signs_timestamp() {
        probes.extend([
            open(
                "timestamp.slightly_ahead",
                "the provider does not document how far a clock may be ahead",
                single(|builder| {
                    let body = builder.signed_event().body;
                    builder.sign_body_at(&builder.timestamp_in(60), body)
                }),
                ["a timestamp one minute ahead is accepted", "a timestamp one minute ahead is rejected"],
            ),
            open(
                "timestamp.ahead",
                "signed 4 minutes in the future; the provider documents a tolerance for the past only",
                single(|builder| {
                    let body = builder.signed_event().body;
                    builder.sign_body_at(&builder.timestamp_in(240), body)
                }),
                ["a timestamp 4 minutes ahead is accepted", "a timestamp 4 minutes ahead is rejected"],
            ),
            malformed(open(
                "signature.prefixed",
                "the provider shows bare hex; other providers add a `sha256=` prefix",
                single(|builder| {
                    let (name, draft) = (builder.signature_header(), builder.signed_event());
                    let text = format!("sha256={}", draft.header_text(name));
                    draft.with_header(name, text)
                }),
                ["a `sha256=` prefix is accepted", "a `sha256=` prefix is rejected"],
            )),
        ]);
    } else {
        probes.push(open(
            "event.old",
            "no timestamp is signed, so an old event stays valid forever",
            old_event(),
            [
                "an event dated years ago is accepted: only remembering processed events protects against replays",
                "an event dated years ago is rejected; late retries would be rejected, too",
            ],
        ));
    }
    if !factory.provider.secret_prefix().is_empty() {
        probes.push(open(
            "secret.without_prefix",
            "the provider does not document whether the prefix is part of the key",
            secret_without_prefix(),
            ["the secret without its prefix is accepted as the key, too", "the key is the whole secret"],
        ));
    }
    if signature_forms(factory.provider).len() > 1 {
        probes.push(malformed(open(
            "signature.scheme_upper",
            "the provider does not document the case of `sha256=`",
            single(|builder| {
                let (name, draft) = (builder.signature_header(), builder.signed_event());
                let text = draft.header_text(name);
                let hex = text.rsplit('=').next().unwrap_or_default();
                let text = format!("SHA256={hex}");
                draft.with_header(name, text)
            }),
            ["`SHA256=` is accepted, too", "`SHA256=` is rejected"],
        )));
    }
    probes
}

fn old_event() -> BuildRequests {
    single(|builder| {
        let mut payload = builder.baseline_payload();
        for field in ["completedAt", "timestamp"] {
            if payload.get(field).is_some() {
                payload[field] = "2020-01-01T00:00:00Z".into();
            }
        }
        builder.sign_payload(payload)
    })
}

/// Signs with the part of the secret after its prefix. Builds no request if the secret does not
/// have the prefix.
fn secret_without_prefix() -> BuildRequests {
    Box::new(|builder| {
        let prefix = builder.provider.secret_prefix().as_bytes();
        let Some(secret) = builder.key.secret.expose().strip_prefix(prefix).map(<[u8]>::to_vec) else {
            return Vec::new();
        };
        let body = builder.signed_event().body;
        vec![builder.sign_body_with_secret(secret, body)]
    })
}
