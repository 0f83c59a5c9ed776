//! What the provider does not document. Whatever the handler does is information, unless it crashes.

use super::{Table, one, several};
use crate::check::draft::Draft;
use crate::check::footing;
use crate::check::probe::{Grade, Group, Probe, Topic, Trial};

pub(super) fn probes(table: &Table<'_>) -> Vec<Probe> {
    let open = |rest, why, make, meanings| {
        let trial = Trial::Open(make, meanings);
        table.probe(Group::Open, rest, why, Topic::Undocumented, trial).weighing(Grade::Info)
    };
    let mut probes = vec![
        open(
            "content_type.missing",
            "which Content-Type is sent is not documented",
            one(|maker| maker.event().without("Content-Type")),
            ["it needs no Content-Type", "it needs a Content-Type; if the provider sends none, nothing arrives"],
        ),
        open(
            "content_type.charset",
            "which Content-Type is sent is not documented",
            one(|maker| maker.event().with("Content-Type", "application/json; charset=utf-8")),
            ["a charset does not disturb it", "a charset disturbs it"],
        ),
        open(
            "content_type.text",
            "which Content-Type is sent is not documented",
            one(|maker| maker.event().with("Content-Type", "text/plain")),
            [
                "any Content-Type will do",
                "it wants application/json; if the provider sends something else, nothing arrives",
            ],
        ),
        open(
            "user_agent.missing",
            "whether a User-Agent is sent is not documented; firewalls like to see one",
            one(|maker| maker.event().without("User-Agent")),
            ["it needs no User-Agent", "it, or what stands before it, wants a User-Agent"],
        ),
    ];
    if table.signs_time() {
        probes.extend([
            open(
                "timestamp.slightly_ahead",
                "how far a clock may be ahead is not documented",
                one(|maker| {
                    let Draft { body, .. } = maker.event();
                    maker.signed_at(&maker.text_of(60), body)
                }),
                ["a clock that is a minute ahead does not matter", "a clock that is a minute ahead is not forgiven"],
            ),
            open(
                "signature.prefixed",
                "only bare hex is shown; other providers write `sha256=` before it",
                one(|maker| {
                    let (name, draft) = (maker.signature(), maker.event());
                    let text = format!("sha256={}", draft.value(name));
                    draft.with(name, text)
                }),
                ["`sha256=` before the signature is put up with", "`sha256=` before the signature is refused"],
            ),
        ]);
    } else {
        probes.push(open(
            "event.old",
            "no time is signed, so an old event stays valid for ever",
            one(|maker| {
                let mut payload = maker.payload();
                for field in ["completedAt", "timestamp"] {
                    if payload.get(field).is_some() {
                        payload[field] = "2020-01-01T00:00:00Z".into();
                    }
                }
                maker.of(payload)
            }),
            [
                "an event dated years ago is taken: only remembering what came before protects against replays",
                "an event dated years ago is refused; late retries would be, too",
            ],
        ));
    }
    if !table.provider.secret_prefix().is_empty() {
        probes.push(open(
            "secret.without_prefix",
            "whether the prefix is part of the key is not documented",
            several(|maker| {
                let prefix = maker.plan.provider.secret_prefix().as_bytes();
                let bare = maker.plan.key.secret.expose().strip_prefix(prefix).map(<[u8]>::to_vec);
                bare.map(|secret| {
                    let Draft { body, .. } = maker.event();
                    maker.signed_with(secret, body)
                })
                .into_iter()
                .collect()
            }),
            ["a secret used without its prefix is taken as well", "the whole secret is the key"],
        ));
    }
    if footing::forms(table.provider).len() > 1 {
        let upper = open(
            "signature.scheme_upper",
            "in which case `sha256=` is written is not promised",
            one(|maker| {
                let (name, draft) = (maker.signature(), maker.event());
                let text = draft.value(name);
                let hex = text.rsplit('=').next().unwrap_or_default();
                let text = format!("SHA256={hex}");
                draft.with(name, text)
            }),
            ["`SHA256=` is taken as well", "`SHA256=` is refused"],
        );
        probes.push(Probe { topic: Topic::Shape, ..upper });
    }
    probes
}
