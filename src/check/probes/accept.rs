//! Authentic events that must be accepted, in every format that is documented or likely.

use crate::check::baseline::signature_forms;
use crate::check::probe::{BuildRequests, Probe, ProbeFactory, ProbeKind, single};
use crate::check::types::ProbeTopic::{
    AgedTimestamp, Duplicate, Event, HeaderNameCase, HexCase, LargeBody, SignatureFormat,
};
use crate::check::types::{ProbeGrade, ProbeGroup};
use crate::provider::SignatureForm;
use crate::provider::sample;
use serde_json::{Value, json};

/// Length of the value in the large body: larger than any event, but within the limits of most
/// servers.
const LARGE_VALUE_BYTES: usize = 1_000_000;

/// Age of an event that is still fresh: the provider's SDKs accept 5 minutes.
const FRESH_AGE_SECONDS: i64 = 240;

pub(super) fn probes(factory: &ProbeFactory<'_>) -> Vec<Probe> {
    let accept =
        |name: &str, topic, why, build| factory.probe(ProbeGroup::Accept, name, why, topic, ProbeKind::Accept(build));
    let why = "if no correctly signed event is accepted, nothing else can be tested";
    let mut probes = vec![factory.probe(ProbeGroup::Accept, "any", why, Event, ProbeKind::Baseline)];
    if factory.signs_timestamp() {
        let why = "signed 4 minutes ago; the provider's SDKs accept 5 minutes, and queues and retries delay events";
        let kind = ProbeKind::Aged(FRESH_AGE_SECONDS);
        probes.push(factory.probe(ProbeGroup::Accept, "timestamp.aged", why, AgedTimestamp, kind));
    }
    for sample in factory.provider.samples() {
        let id = format!("event.{}", sample.name);
        let build = single(move |builder| {
            let payload = builder.sample_payload(&sample.name);
            builder.sign_body(sample::to_bytes(&payload))
        });
        let why = "the provider sends this event, and retries until it gets a 2xx";
        probes.push(accept(&id, Event, why, build));
    }
    probes.extend([
        accept(
            "fields.extra",
            Event,
            "the provider's pages show different fields for the same event, and more may be added",
            extra_field(),
        ),
        accept(
            "type.unknown",
            Event,
            "new event types may appear without notice, and rejected events are retried",
            unknown_type(),
        )
        .with_severity(ProbeGrade::Warn),
        accept(
            "letters.non_ascii",
            Event,
            "names and descriptions contain accents, and bodies are UTF-8",
            single(|builder| builder.event_with_note("\"São Vicente … ẹ̀kọ́ 🎉\"")),
        ),
    ]);
    if signature_forms(factory.provider).len() > 1 {
        probes.extend(signature_form_probes(factory));
    }
    probes.extend([
        accept("hex.upper", HexCase, "no page says in which case the hex is sent", upper_case_hex())
            .with_severity(ProbeGrade::Info),
        accept(
            "names.lower",
            HeaderNameCase,
            "header names are case-insensitive, and proxies send them in lower case",
            single(|builder| builder.signed_event().map_header_names(str::to_lowercase)),
        ),
        accept(
            "names.upper",
            HeaderNameCase,
            "header names are case-insensitive, and CGI passes them in upper case",
            single(|builder| builder.signed_event().map_header_names(str::to_uppercase)),
        ),
        accept("size.large", LargeBody, "no page documents a maximum body size", large_body())
            .with_severity(ProbeGrade::Info),
        accept(
            "again",
            Duplicate,
            "the same event may be delivered more than once, and each delivery needs a 2xx",
            duplicate(),
        ),
    ]);
    probes
}

fn extra_field() -> BuildRequests {
    single(|builder| builder.event_with_note(r#"{"unknown":"field","list":[1,2],"nothing":null}"#))
}

fn unknown_type() -> BuildRequests {
    single(|builder| {
        let mut payload = builder.baseline_payload();
        for field in ["type", "event"] {
            if payload.get("data").is_some() == (field == "type") {
                payload[field] = json!("whtool.unheard_of");
            }
        }
        builder.sign_payload(payload)
    })
}

/// Returns a probe for each of the two signature formats, which two pages document differently
/// (contradiction U1).
fn signature_form_probes(factory: &ProbeFactory<'_>) -> [Probe; 2] {
    let build = |form| {
        single(move |builder| {
            let body = builder.signed_event().body;
            builder.sign_body_in_form(form, body)
        })
    };
    let probe = |name, why, page, form| {
        let kind = ProbeKind::Accept(build(form));
        let probe = factory.probe(ProbeGroup::Accept, name, why, SignatureFormat, kind);
        Probe { page, ..probe.with_severity(ProbeGrade::Warn) }
    };
    let [reference, guide] = factory.provider.webhook_pages();
    [
        probe(
            "form.reference",
            "the reference shows the signature with a `sha256=` prefix",
            reference,
            SignatureForm::Reference,
        ),
        probe("form.bare", "the guide shows the signature as bare hex", guide, SignatureForm::BareHex),
    ]
}

fn upper_case_hex() -> BuildRequests {
    single(|builder| {
        let (name, draft) = (builder.signature_header(), builder.signed_event());
        let text = draft.header_text(name);
        let changed = match text.split_once('=') {
            Some((scheme, hex)) => format!("{scheme}={}", hex.to_uppercase()),
            None => text.to_uppercase(),
        };
        draft.with_header(name, changed)
    })
}

fn large_body() -> BuildRequests {
    single(|builder| {
        let note = Value::String("x".repeat(LARGE_VALUE_BYTES));
        builder.event_with_note(&note.to_string())
    })
}

fn duplicate() -> BuildRequests {
    Box::new(|builder| {
        let draft = builder.signed_event();
        vec![draft.clone(), draft]
    })
}
