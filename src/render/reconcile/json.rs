//! Writes the JSON records of `whtool reconcile`.

use super::{Completeness, RunNotes};
use crate::model::money::{Money, format_decimal};
use crate::model::stored::ReferenceMatch;
use crate::provider::record::{AmountKind, Record};
use crate::reconcile::known::KnownLine;
use crate::reconcile::period::zone_name;
use crate::reconcile::totals::FeeTotals;
use crate::reconcile::{Acceptance, Class, Order, ReconciledReference, Totals};
use crate::render::json::line;
use serde_json::{Map, Value, json};

/// Writes the `whtool.reconciled/1` record of a reference.
pub fn record(reconciled: &ReconciledReference) -> Vec<u8> {
    let class = reconciled.assessment.class();
    let findings = reconciled.assessment.findings.iter();
    let findings: Vec<_> =
        findings.map(|finding| json!({"class": finding.class.code(), "why": finding.reason})).collect();
    line(&json!({
        "schema": "whtool.reconciled/1",
        "reference": reconciled.order.reference,
        "provider": reconciled.provider.name(),
        "class": class.code(),
        "difference": class.is_difference() && !reconciled.acceptance.is_accepted(),
        "findings": findings,
        "accepted": match &reconciled.acceptance {
            Acceptance::Accepted(note) => json!({"note": note}),
            Acceptance::Counted | Acceptance::Changed(_) => Value::Null,
        },
        "acceptedBefore": match &reconciled.acceptance {
            Acceptance::Changed(reason) => Some(reason),
            Acceptance::Counted | Acceptance::Accepted(_) => None,
        },
        "advice": class.advice(),
        "notes": reconciled.assessment.notes,
        "unrecognizedStatus": reconciled.assessment.unrecognized_status,
        "replay": reconciled.replay.as_ref().map(super::replay_word),
        "created": reconciled.created().map(|time| time.to_string()),
        "ageSeconds": reconciled.age().map(|age| age.as_secs()),
        "record": reconciled.record.as_ref().map(record_json),
        "order": order_json(&reconciled.order),
        "webhooks": reconciled.webhooks.as_ref().map(|found| found.iter().map(webhook_json).collect::<Vec<_>>()),
    }))
}

fn money_json(money: &Money) -> Value {
    json!({"minor": money.minor.to_string(), "amount": format_decimal(money.minor), "currency": money.currency})
}

fn record_json(record: &Record) -> Value {
    json!({
        "reference": record.reference, "merchantReference": record.merchant_reference, "object": record.object,
        "status": record.status, "state": record.parsed_status.state.code(), "money": record.money.as_ref().map(money_json),
        "amountIs": match record.amount {
            AmountKind::Same => "amount",
            AmountKind::Charged => "charge",
        },
        "fee": record.fees.map(|fees| fees.fee.to_string()), "net": record.fees.map(|fees| fees.net.to_string()),
        "created": record.created.map(|time| time.to_string()), "changed": record.changed.map(|time| time.to_string()),
    })
}

fn order_json(order: &Order) -> Value {
    json!({
        "line": Some(order.line).filter(|line| *line > 0), "status": order.status,
        "minor": order.minor.map(|minor| minor.to_string()), "amount": order.minor.map(format_decimal),
        "currency": order.currency, "ownId": order.own_id, "created": order.created.map(|time| time.to_string()),
        "extra": extra_json(order), "problems": order.problems,
    })
}

/// Collects the other columns of the list by name. A further column of the same name gets a number.
fn extra_json(order: &Order) -> Map<String, Value> {
    let mut columns = Map::new();
    for (name, text) in &order.extra {
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.to_string()).chain(numbered).find(|name| !columns.contains_key(name));
        columns.extend(free.map(|name| (name, Value::from(text.as_str()))));
    }
    columns
}

fn webhook_json(ReferenceMatch { summary, key }: &ReferenceMatch) -> Value {
    json!({
        "id": summary.id, "arrived": summary.arrived.to_string(), "type": summary.kind, "status": summary.status, "key": key,
        "verdict": summary.verdict, "answered": summary.answer.code(), "app": summary.app.code(), "money": summary.money.as_ref().map(money_json),
    })
}

/// Writes the `whtool.reconciliation/1` record, the last line of JSON output.
pub fn totals(totals: &Totals, notes: &RunNotes<'_>) -> Vec<u8> {
    let unrecognized = totals.unrecognized.words().into_iter().map(|(word, count)| (word.to_owned(), count.into()));
    let classes: Map<_, _> =
        Class::ALL.iter().rev().map(|class| (class.code().to_owned(), totals.count(*class).into())).collect();
    let lines = |lines: Vec<&KnownLine>| lines.into_iter().map(ToString::to_string).collect::<Vec<_>>();
    line(&json!({
        "schema": "whtool.reconciliation/1", "references": totals.references(), "classes": classes,
        "fees": totals.fees().map(fees_json).collect::<Vec<_>>(),
        "money": totals.money().map(sum_json).collect::<Vec<_>>(), "badLines": totals.bad_lines,
        "incomplete": totals.incomplete, "uncaptured": totals.uncaptured,
        "unrecognizedStatuses": unrecognized.collect::<Map<_, _>>(), "otherUnrecognized": totals.unrecognized.others,
        "accepted": {
            "references": totals.accepted(), "money": totals.accepted_money().map(sum_json).collect::<Vec<_>>(),
            "gone": lines(notes.known.gone()), "notCompared": lines(notes.known.not_compared()),
        },
        "period": notes.period.map(|period| json!({
            "since": period.since.map(|time| time.to_string()), "until": period.until.map(|time| time.to_string()),
            "zone": zone_name(&period.zone), "by": "created", "outside": totals.outside, "undated": totals.undated,
        })),
        "partial": notes.completeness == Completeness::Partial,
    }))
}

fn fees_json((currency, fees): (&str, &FeeTotals)) -> Value {
    json!({
        "currency": currency, "references": fees.references, "minor": fees.amount.to_string(),
        "fee": fees.fee.to_string(), "net": fees.net.to_string(),
    })
}

fn sum_json((class, references, money): (Class, u64, Money)) -> Value {
    json!({
        "currency": money.currency, "class": class.code(), "references": references,
        "minor": money.minor.to_string(), "amount": format_decimal(money.minor),
    })
}
