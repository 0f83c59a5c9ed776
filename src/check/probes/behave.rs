//! Response time, duplicates, order and amounts: what every handler meets sooner or later.

use crate::check::probe::{BuildRequests, Probe, ProbeFactory, ProbeKind, single};
use crate::check::types::ProbeGroup;
use crate::check::types::ProbeTopic::{ConcurrentDuplicate, Duplicate, Event, EventOrder};
use serde_json::{Value, json};

pub(super) fn probes(factory: &ProbeFactory<'_>) -> Vec<Probe> {
    let behave = |name, topic, why, kind| factory.probe(ProbeGroup::Behave, name, why, topic, kind);
    let order = |name, why, build| behave(name, EventOrder, why, ProbeKind::Accept(build));
    let order_probe = match factory.provider.name() {
        "plexos" => order("order.settled_before_debited", "no order is guaranteed", settled_first()),
        _ => order(
            "order.refunded_before_success",
            "no order is guaranteed, and `Refunded` may follow `Success`",
            refunded_first(),
        ),
    };
    vec![
        behave(
            "budget",
            Event,
            "a slow response counts as a failure, and the event is retried",
            ProbeKind::ResponseTime,
        ),
        behave(
            "twice",
            Duplicate,
            "the same event may be delivered more than once, but must be processed once",
            ProbeKind::Repeated(good_event()),
        ),
        behave(
            "same_moment",
            ConcurrentDuplicate,
            "two deliveries of one event may arrive at the same time, but it must be processed once",
            ProbeKind::Concurrent(good_event()),
        ),
        order_probe,
        behave(
            "amount.wrong",
            Event,
            "a signature proves who sent the event, not that the amount is what you asked for",
            ProbeKind::WrongAmount(wrong_amount()),
        ),
    ]
}

fn good_event() -> BuildRequests {
    single(|builder| builder.signed_event())
}

fn settled_first() -> BuildRequests {
    Box::new(|builder| {
        let settled = builder.sample_payload("payment.settled");
        let mut debited = builder.sample_payload("payment.debited");
        debited["data"]["id"] = settled["data"]["id"].clone();
        vec![builder.sign_payload(settled), builder.sign_payload(debited)]
    })
}

fn refunded_first() -> BuildRequests {
    Box::new(|builder| {
        let refunded = builder.sample_payload("transaction.completed.refunded");
        let mut success = builder.sample_payload("transaction.completed");
        for field in ["reference", "clientReference", "amount"] {
            success[field] = refunded[field].clone();
        }
        vec![builder.sign_payload(refunded), builder.sign_payload(success)]
    })
}

/// Replaces the amount by one minor unit, as a string or a number like the original.
fn wrong_amount() -> BuildRequests {
    single(|builder| {
        let mut payload = builder.baseline_payload();
        let fields = if payload.get("data").is_some() { &mut payload["data"] } else { &mut payload };
        fields["amount"] = if fields["amount"].is_string() { json!("1") } else { Value::from(1) };
        builder.sign_payload(payload)
    })
}
