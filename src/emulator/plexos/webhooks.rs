//! Webhook endpoints. Only their creation is documented (<https://docs.pay.plexos.io/pages/api/webhooks/create>); everything
//! else is answered only when it is asked for by flag.

use super::{Answer, Book};
use crate::emulator::call::{Call, Refusal};
use crate::emulator::desk::Desk;
use crate::emulator::shelf::Item;
use crate::provider;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A registered endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::emulator) struct Endpoint {
    pub id: String,
    pub url: String,
    events: Vec<String>,
    status: String,
    description: Option<String>,
    pub secret: String,
    created_at: String,
    updated_at: String,
}

impl Item for Endpoint {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Endpoint {
    /// Whether it is active and asked for this type.
    pub fn hears(&self, kind: &str) -> bool {
        self.status == "ACTIVE" && self.events.iter().any(|event| event == kind)
    }

    /// The endpoint without its secret, which is shown once.
    fn shown(&self) -> Value {
        let mut shown = json!(self);
        if let Value::Object(fields) = &mut shown {
            fields.remove("secret");
        }
        shown
    }
}

/// Registers an endpoint; the only answer that has the secret.
pub(super) fn create(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Result<Value, Refusal> {
    let time = desk.time();
    let endpoint = Endpoint {
        url: url(call)?,
        events: events(call)?,
        description: call.optional("description")?,
        status: "ACTIVE".to_owned(),
        id: desk.chance.id("we_"),
        secret: desk.chance.secret(),
        created_at: time.clone(),
        updated_at: time,
    };
    let answer = json!(endpoint);
    book.endpoints.add(endpoint);
    Ok(answer)
}

fn url(call: &Call) -> Result<String, Refusal> {
    let text = call.text("url")?;
    let url = url::Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(|_| text).ok_or_else(|| Refusal::invalid("url", "url must be an http or https URL"))
}

/// One or more documented types. Whether `*` or an empty list is taken is not documented; here they are not.
fn events(call: &Call) -> Result<Vec<String>, Refusal> {
    let events: Option<Vec<String>> =
        call.body.get("events").and_then(|events| serde_json::from_value(events.clone()).ok());
    let events = events.filter(|events| !events.is_empty());
    let events = events.ok_or_else(|| Refusal::invalid("events", "events must be a list of event types"))?;
    let known = provider::named("plexos").map(|plexos| plexos.event_types()).unwrap_or_default();
    match events.iter().find(|event| !known.iter().any(|known| known.name == **event)) {
        Some(unknown) => Err(Refusal::invalid("events", format!("{unknown} is not an event type"))),
        None => Ok(events),
    }
}

/// What is likely to exist, and is not documented: list, get, update, delete. Without the flag the path knows POST and nothing
/// else.
pub(super) fn undocumented(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Answer {
    if !desk.settings.undocumented_webhook_calls {
        return Err(if call.path.len() == 1 { Refusal::method() } else { Refusal::not_found("Resource") });
    }
    let none = || Refusal::not_found("Webhook endpoint");
    match (call.method.as_str(), call.path.get(1), call.path.len()) {
        ("GET", None, _) => {
            let mut page = book.endpoints.page(call, |_| true)?;
            let data = page.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten();
            data.filter_map(Value::as_object_mut).for_each(|endpoint| drop(endpoint.remove("secret")));
            Ok((200, page))
        }
        ("GET", Some(id), 2) => Ok((200, book.endpoints.get(id).ok_or_else(none)?.shown())),
        ("PATCH", Some(id), 2) => update(book, desk, call, id),
        ("DELETE", Some(id), 2) => book.endpoints.remove(id).map(|_| (204, Value::Null)).ok_or_else(none),
        (_, None, _) | (_, Some(_), 2) => Err(Refusal::method()),
        _ => Err(Refusal::not_found("Resource")),
    }
}

fn update(book: &mut Book, desk: &Desk<'_>, call: &Call, id: &str) -> Answer {
    let endpoint = book.endpoints.get(id).ok_or_else(|| Refusal::not_found("Webhook endpoint"))?;
    let mut changed = Endpoint { updated_at: desk.time(), ..endpoint.clone() };
    if call.has("url") {
        changed.url = url(call)?;
    }
    if call.has("events") {
        changed.events = events(call)?;
    }
    if call.has("description") {
        changed.description = call.optional("description")?;
    }
    if call.has("status") {
        changed.status = call.one_of("status", &["ACTIVE", "DISABLED"])?;
    }
    let shown = changed.shown();
    if let Some(endpoint) = book.endpoints.get_mut(id) {
        *endpoint = changed;
    }
    Ok((200, shown))
}
