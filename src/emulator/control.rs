//! The emulator's own calls, below `/_emulator`: deliveries, faults, state, and statuses on demand.

use super::call::{CallError, IncomingCall};
use super::settings::Settings;
use super::state::State;
use crate::model::local_access::is_json;
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use serde_json::{Value, json};

/// First part of the path of these calls.
pub(super) const PREFIX: &str = "_emulator";

/// Checks that no page of another origin can have sent the call: these calls need no key, and a
/// browser asks before it sends JSON elsewhere, or any method but GET and POST.
pub(super) fn check_content_type(request: &Request) -> Result<(), CallError> {
    let mut types = request.headers.all("content-type").map(is_json);
    if request.method == "POST" && (types.next() != Some(true) || types.next().is_some()) {
        let message = "Send `Content-Type: application/json`; curl does with --json";
        return Err(CallError::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    Ok(())
}

/// Answers such a call. It needs no key: only this machine can connect.
pub(super) fn answer(
    state: &mut State,
    settings: &Settings,
    call: &IncomingCall,
    now: Timestamp,
) -> Result<Value, CallError> {
    let path: Vec<_> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["state"]) => Ok(state.summary()),
        ("GET", ["deliveries"]) => deliveries(state, call),
        ("GET", ["deliveries", number]) => {
            let delivery = number.parse().ok().and_then(|number| state.outbox.get(number));
            delivery.map(|delivery| json!(delivery)).ok_or_else(|| CallError::not_found("Delivery"))
        }
        (_, ["faults", ..]) => state.faults.answer(call),
        ("POST", ["transactions", reference]) => {
            let status = call.required_text("status")?;
            let (mut context, apis) = state.split(settings, now);
            let forced = apis.into_iter().find_map(|api| api.force_status(&mut context, reference, &status));
            forced.unwrap_or_else(|| Err(CallError::not_found("Transaction")))
        }
        (_, ["state"] | ["deliveries"] | ["deliveries" | "transactions", _]) => Err(CallError::method_not_allowed()),
        _ => Err(CallError::not_found("Resource")),
    }
}

/// Lists deliveries, oldest first; `event`, `id` and `fate` filter them.
fn deliveries(state: &State, call: &IncomingCall) -> Result<Value, CallError> {
    let matches = |name, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let matching = state.outbox.iter().filter(|delivery| {
        let status = json!(delivery.status);
        matches("event", &delivery.event)
            && matches("id", &delivery.id)
            && matches("fate", status.as_str().unwrap_or_default())
    });
    Ok(json!({"data": matching.collect::<Vec<_>>()}))
}
