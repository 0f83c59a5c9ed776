//! Response time, duplicates, order and amounts: what every handler meets sooner or later.

use crate::check::probe::{BuildRequests, Probe, ProbeFactory, ProbeKind, single};
use crate::check::types::ProbeGroup;
use crate::check::types::ProbeTopic::{ConcurrentDuplicate, Duplicate, Event, EventOrder};
use serde_json::{Value, json};

/// Two events of one payment that arrive in the wrong order.
struct ReversedEvents {
    probe: &'static str,
    why: &'static str,
    /// Name of the sample that is sent first.
    later: &'static str,
    earlier: &'static str,
    /// JSON pointers to the values that are the same in both.
    shared: &'static [&'static str],
}

const REVERSED_EVENTS: [ReversedEvents; 2] = [
    ReversedEvents {
        probe: "order.settled_before_debited",
        why: "no order is guaranteed",
        later: "payment.settled",
        earlier: "payment.debited",
        shared: &["/data/id"],
    },
    ReversedEvents {
        probe: "order.refunded_before_success",
        why: "no order is guaranteed, and `Refunded` may follow `Success`",
        later: "transaction.completed.refunded",
        earlier: "transaction.completed",
        shared: &["/reference", "/clientReference", "/amount"],
    },
];

pub(super) fn probes(factory: &ProbeFactory<'_>) -> Vec<Probe> {
    let behave = |name, topic, why, kind| factory.probe(ProbeGroup::Behave, name, why, topic, kind);
    let samples = factory.provider.samples();
    let has_sample = |name| samples.iter().any(|sample| sample.name == name);
    let orders = REVERSED_EVENTS.iter().filter(|pair| has_sample(pair.later));
    let orders = orders.map(|pair| behave(pair.probe, EventOrder, pair.why, ProbeKind::Accept(pair.build())));
    let mut probes = vec![
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
    ];
    probes.extend(orders);
    probes.push(behave(
        "amount.wrong",
        Event,
        "a signature proves who sent the event, not that the amount is what you asked for",
        ProbeKind::WrongAmount(wrong_amount()),
    ));
    probes
}

fn good_event() -> BuildRequests {
    single(|builder| builder.signed_event())
}

impl ReversedEvents {
    fn build(&self) -> BuildRequests {
        let Self { later, earlier, shared, .. } = *self;
        Box::new(move |builder| {
            let later = builder.sample_payload(later);
            let mut earlier = builder.sample_payload(earlier);
            for pointer in shared {
                if let (Some(to), Some(from)) = (earlier.pointer_mut(pointer), later.pointer(pointer)) {
                    *to = from.clone();
                }
            }
            vec![builder.sign_payload(later), builder.sign_payload(earlier)]
        })
    }
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
