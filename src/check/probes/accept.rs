//! What must be taken: authentic events, in every shape that is documented or likely.

use super::{Table, one, several};
use crate::check::footing;
use crate::check::probe::{Grade, Group, Make, Probe, Topic, Trial};
use crate::provider::Form;
use crate::provider::sample;
use serde_json::{Value, json};

/// A body larger than any event, and within what most servers take.
const LARGE: usize = 1_000_000;

pub(super) fn probes(table: &Table<'_>) -> Vec<Probe> {
    let accept = |rest: &str, topic, why, make| table.probe(Group::Accept, rest, why, topic, Trial::Accept(make));
    let why = "where no correctly signed event is taken, nothing else can be told";
    let mut probes = vec![table.probe(Group::Accept, "any", why, Topic::Event, Trial::Footing)];
    for kind in table.provider.samples() {
        let name = kind.name.clone();
        let make = one(move |maker| {
            let payload = maker.sample(&name);
            maker.signed(sample::to_bytes(&payload))
        });
        let rest = format!("event.{}", kind.name);
        probes.push(accept(&rest, Topic::Event, "the provider sends it, and sends it again until it gets a 2xx", make));
    }
    probes.extend([
        accept(
            "fields.extra",
            Topic::Event,
            "the pages show different fields for the same event, and more may come",
            extra(),
        ),
        accept("type.unknown", Topic::Event, "new types come without notice; what is refused is sent again", unknown())
            .weighing(Grade::Warn),
        accept("letters.non_ascii", Topic::Event, "names and texts have accents, and bodies are UTF-8", accents()),
    ]);
    if footing::forms(table.provider).len() > 1 {
        probes.extend(forms(table));
    }
    probes.extend([
        accept("hex.upper", Topic::HexCase, "no page says in which case hex is sent", upper_hex())
            .weighing(Grade::Info),
        accept("names.lower", Topic::NameCase, "header names have no case; proxies write them small", names(lower)),
        accept("names.upper", Topic::NameCase, "header names have no case; CGI writes them large", names(upper)),
        accept("size.large", Topic::Large, "no page names a largest size", large()).weighing(Grade::Info),
        accept("again", Topic::Again, "the same event may come more than once, and each time wants a 2xx", again()),
    ]);
    probes
}

fn extra() -> Make {
    one(|maker| maker.noted(r#"{"unknown":"field","list":[1,2],"nothing":null}"#))
}

fn unknown() -> Make {
    one(|maker| {
        let mut payload = maker.payload();
        for field in ["type", "event"] {
            if payload.get("data").is_some() == (field == "type") {
                payload[field] = json!("whtool.unheard_of");
            }
        }
        maker.of(payload)
    })
}

fn accents() -> Make {
    one(|maker| maker.noted("\"São Vicente … ẹ̀kọ́ 🎉\""))
}

/// Contradiction U1: two pages, two forms.
fn forms(table: &Table<'_>) -> Vec<Probe> {
    let make = |form| {
        one(move |maker| {
            let body = maker.event().body;
            maker.signed_in(form, body)
        })
    };
    let probe = |rest, why, page, form| Probe {
        page,
        ..table.probe(Group::Accept, rest, why, Topic::Form, Trial::Accept(make(form))).weighing(Grade::Warn)
    };
    let [reference, guide] = table.provider.webhook_pages();
    vec![
        probe(
            "form.reference",
            "the reference writes the signature with `sha256=` before it",
            reference,
            Form::Reference,
        ),
        probe("form.bare", "the guide writes the signature as bare hex", guide, Form::Bare),
    ]
}

fn upper_hex() -> Make {
    one(|maker| {
        let draft = maker.event();
        let name = maker.signature();
        let text = draft.value(name);
        let written = match text.split_once('=') {
            Some((scheme, hex)) => format!("{scheme}={}", hex.to_uppercase()),
            None => text.to_uppercase(),
        };
        draft.with(name, written)
    })
}

fn names(way: fn(&str) -> String) -> Make {
    one(move |maker| maker.event().named(way))
}

fn lower(name: &str) -> String {
    name.to_lowercase()
}

fn upper(name: &str) -> String {
    name.to_uppercase()
}

fn large() -> Make {
    one(|maker| {
        let note = Value::String("x".repeat(LARGE));
        maker.noted(&note.to_string())
    })
}

fn again() -> Make {
    several(|maker| {
        let draft = maker.event();
        vec![draft.clone(), draft]
    })
}
