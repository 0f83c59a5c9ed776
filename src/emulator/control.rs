//! The emulator's own calls, below `/_emulator`: deliveries, faults, state, and ends on demand.

use super::call::{Call, Refusal};
use super::desk::Desk;
use super::state::State;
use super::{Settings, plexos, plustive};
use crate::model::timestamp::Timestamp;
use serde_json::{Value, json};

/// Answers such a call. No key is asked for: only this machine can call.
pub(super) fn answer(state: &mut State, settings: &Settings, call: &Call, now: Timestamp) -> Result<Value, Refusal> {
    let path: Vec<_> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["state"]) => Ok(state.counts()),
        ("GET", ["deliveries"]) => deliveries(state, call),
        ("GET", ["deliveries", number]) => {
            let delivery = number.parse().ok().and_then(|number| state.post.get(number));
            delivery.map(|delivery| json!(delivery)).ok_or_else(|| Refusal::not_found("Delivery"))
        }
        (_, ["faults", ..]) => state.faults.answer(call),
        ("POST", ["transactions", reference]) => {
            let status = call.text("status")?;
            let State { chance, agenda, post, faults, .. } = state;
            let mut desk = Desk { now, settings, chance, agenda, post, faults };
            let forced = plexos::force(&mut state.plexos, &mut desk, reference, &status)
                .or_else(|| plustive::force(&mut state.plustive, &mut desk, reference, &status));
            forced.unwrap_or_else(|| Err(Refusal::not_found("Transaction")))
        }
        (_, ["state"] | ["deliveries"] | ["deliveries" | "transactions", _]) => Err(Refusal::method()),
        _ => Err(Refusal::not_found("Resource")),
    }
}

/// Deliveries with every try, the oldest first; of one event type, id or fate when asked for.
fn deliveries(state: &State, call: &Call) -> Result<Value, Refusal> {
    let is = |name, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let wanted = state.post.iter().filter(|delivery| {
        let fate = json!(delivery.fate);
        is("event", &delivery.event) && is("id", &delivery.id) && is("fate", fate.as_str().unwrap_or_default())
    });
    Ok(json!({"data": wanted.collect::<Vec<_>>()}))
}
