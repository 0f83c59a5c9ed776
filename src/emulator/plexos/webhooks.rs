//! Webhook endpoints. Only their creation is documented
//! (<https://docs.pay.plexos.io/pages/api/webhooks/create>); a flag enables the other calls.

use super::objects::WebhookEndpoint;
use super::state::PlexosState;
use crate::emulator::api::CallResult;
use crate::emulator::call::{CallError, IncomingCall};
use crate::emulator::context::Context;
use crate::provider;
use serde_json::{Value, json};

/// Registers an endpoint. Only this answer contains its secret.
pub(super) fn create(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    call: &IncomingCall,
) -> Result<Value, CallError> {
    let time = context.timestamp();
    let endpoint = WebhookEndpoint {
        url: url(call)?,
        events: events(call)?,
        description: call.optional_text("description")?,
        status: "ACTIVE".to_owned(),
        id: context.rng.id("we_"),
        secret: context.rng.secret(),
        created_at: time.clone(),
        updated_at: time,
    };
    let answer = json!(endpoint);
    state.endpoints.add(endpoint);
    Ok(answer)
}

fn url(call: &IncomingCall) -> Result<String, CallError> {
    let text = call.required_text("url")?;
    let url = url::Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(|_| text).ok_or_else(|| CallError::invalid("url", "url must be an http or https URL"))
}

/// Reads one or more documented event types. An empty list and `*` are refused; the documentation
/// does not mention them.
fn events(call: &IncomingCall) -> Result<Vec<String>, CallError> {
    let events: Option<Vec<String>> =
        call.body.get("events").and_then(|events| serde_json::from_value(events.clone()).ok());
    let events = events.filter(|events| !events.is_empty());
    let events = events.ok_or_else(|| CallError::invalid("events", "events must be a list of event types"))?;
    let known = provider::by_name("plexos").map(|plexos| plexos.event_types()).unwrap_or_default();
    match events.iter().find(|event| !known.iter().any(|known| known.name == **event)) {
        Some(unknown) => Err(CallError::invalid("events", format!("{unknown} is not an event type"))),
        None => Ok(events),
    }
}

/// Lists, shows, updates or deletes endpoints. These calls probably exist, but are not documented;
/// without the flag only POST is allowed.
pub(super) fn undocumented(state: &mut PlexosState, context: &mut Context<'_>, call: &IncomingCall) -> CallResult {
    if !context.settings.undocumented_webhook_calls {
        return Err(if call.path.len() == 1 {
            CallError::method_not_allowed()
        } else {
            CallError::not_found("Resource")
        });
    }
    let not_found = || CallError::not_found("Webhook endpoint");
    match (call.method.as_str(), call.path.get(1), call.path.len()) {
        ("GET", None, _) => {
            let mut page = state.endpoints.page(call, |_| true)?;
            let data = page.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten();
            data.filter_map(Value::as_object_mut).for_each(|endpoint| drop(endpoint.remove("secret")));
            Ok((200, page))
        }
        ("GET", Some(id), 2) => Ok((200, state.endpoints.get(id).ok_or_else(not_found)?.without_secret())),
        ("PATCH", Some(id), 2) => update(state, context, call, id),
        ("DELETE", Some(id), 2) => state.endpoints.remove(id).map(|_| (204, Value::Null)).ok_or_else(not_found),
        (_, None, _) | (_, Some(_), 2) => Err(CallError::method_not_allowed()),
        _ => Err(CallError::not_found("Resource")),
    }
}

fn update(state: &mut PlexosState, context: &Context<'_>, call: &IncomingCall, id: &str) -> CallResult {
    let endpoint = state.endpoints.get(id).ok_or_else(|| CallError::not_found("Webhook endpoint"))?;
    let mut changed = WebhookEndpoint { updated_at: context.timestamp(), ..endpoint.clone() };
    if call.has("url") {
        changed.url = url(call)?;
    }
    if call.has("events") {
        changed.events = events(call)?;
    }
    if call.has("description") {
        changed.description = call.optional_text("description")?;
    }
    if call.has("status") {
        changed.status = call.one_of("status", &["ACTIVE", "DISABLED"])?;
    }
    let answer = changed.without_secret();
    if let Some(endpoint) = state.endpoints.get_mut(id) {
        *endpoint = changed;
    }
    Ok((200, answer))
}
