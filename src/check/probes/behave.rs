//! Time, repetition and order: what the provider does to every handler some day.

use super::{Table, one, several};
use crate::check::probe::{Group, Make, Probe, Topic, Trial};
use serde_json::{Value, json};

pub(super) fn probes(table: &Table<'_>) -> Vec<Probe> {
    let behave = |rest, topic, why, trial| table.probe(Group::Behave, rest, why, topic, trial);
    let order = |rest, why, make| behave(rest, Topic::Order, why, Trial::Accept(make));
    let mut probes = vec![
        behave(
            "budget",
            Topic::Event,
            "an answer that takes too long counts as none, and the event is sent again",
            Trial::Budget,
        ),
        behave(
            "twice",
            Topic::Again,
            "the same event may come more than once; its work is done once",
            Trial::Twice(good()),
        ),
        behave(
            "same_moment",
            Topic::Race,
            "two deliveries of one event may meet; the work is done once",
            Trial::SameMoment(good()),
        ),
    ];
    probes.push(match table.provider.name() {
        "plexos" => order("order.settled_before_debited", "no order is promised", settled_first()),
        _ => order(
            "order.refunded_before_success",
            "no order is promised, and `Refunded` may follow `Success`",
            refunded_first(),
        ),
    });
    probes.push(behave(
        "amount.wrong",
        Topic::Event,
        "a signature says who sent it, not that the amount is what you asked for",
        Trial::Amount(amount()),
    ));
    probes
}

fn good() -> Make {
    one(|maker| maker.event())
}

fn settled_first() -> Make {
    several(|maker| {
        let settled = maker.sample("payment.settled");
        let mut debited = maker.sample("payment.debited");
        debited["data"]["id"] = settled["data"]["id"].clone();
        vec![maker.of(settled), maker.of(debited)]
    })
}

fn refunded_first() -> Make {
    several(|maker| {
        let refunded = maker.sample("transaction.completed.refunded");
        let mut success = maker.sample("transaction.completed");
        for field in ["reference", "clientReference", "amount"] {
            success[field] = refunded[field].clone();
        }
        vec![maker.of(refunded), maker.of(success)]
    })
}

/// One minor unit in place of the amount, as it is written.
fn amount() -> Make {
    one(|maker| {
        let mut payload = maker.payload();
        let fields = if payload.get("data").is_some() { &mut payload["data"] } else { &mut payload };
        fields["amount"] = if fields["amount"].is_string() { json!("1") } else { Value::from(1) };
        maker.of(payload)
    })
}
