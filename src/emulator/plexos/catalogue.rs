//! Customers and products, kept simply: what is sent is checked, completed and given back.
//! <https://docs.pay.plexos.io/pages/api/customers/create>, <https://docs.pay.plexos.io/pages/api/products/create>

use super::{Amount, Book, CURRENCIES, MOST};
use crate::emulator::call::{Call, Refusal};
use crate::emulator::desk::Desk;
use crate::emulator::shelf::Item;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A customer or a product: an object with an id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::emulator) struct Thing(pub Map<String, Value>);

impl Item for Thing {
    fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Creates, lists, gets and updates.
pub(super) fn answer(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Result<Value, Refusal> {
    let is_product = call.path.first().is_some_and(|first| first == "products");
    let (name, made) = if is_product { ("Product", product as Make) } else { ("Customer", customer as Make) };
    let shelf = if is_product { &mut book.products } else { &mut book.customers };
    match (call.method.as_str(), call.path.get(1), call.path.len()) {
        ("POST", None, _) => {
            let mut fields = made(call, &Map::new())?;
            let id = desk.chance.id(if is_product { "pr_" } else { "cu_" });
            fields.insert("id".to_owned(), json!(id));
            fields.insert("createdAt".to_owned(), json!(desk.time()));
            fields.insert("updatedAt".to_owned(), json!(desk.time()));
            shelf.add(Thing(fields.clone()));
            Ok(Value::Object(fields))
        }
        ("GET", None, _) => shelf.page(call, |_| true),
        ("GET", Some(id), 2) => shelf.get(id).map(|thing| json!(thing)).ok_or_else(|| Refusal::not_found(name)),
        ("PATCH", Some(id), 2) => {
            let thing = shelf.get_mut(id).ok_or_else(|| Refusal::not_found(name))?;
            let fields = made(call, &thing.0)?;
            thing.0.extend(fields);
            thing.0.insert("updatedAt".to_owned(), json!(desk.time()));
            Ok(json!(thing))
        }
        (_, None, _) | (_, Some(_), 2) => Err(Refusal::method()),
        _ => Err(Refusal::not_found("Resource")),
    }
}

/// The fields that a call gives, completed by what is there.
type Make = fn(&Call, &Map<String, Value>) -> Result<Map<String, Value>, Refusal>;

fn customer(call: &Call, old: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut fields = old.clone();
    if old.is_empty() || call.has("phone") {
        fields.insert("phone".to_owned(), json!(call.text("phone")?));
    }
    if old.is_empty() || call.has("operator") {
        fields.insert("operator".to_owned(), json!(call.one_of("operator", &["CVMOVEL", "UNITEL_TMAIS", "MOCK"])?));
    }
    let country = if call.has("country") { Some(call.one_of("country", &["CV", "AO"])?) } else { None };
    for (name, text) in [("country", country), ("name", call.optional("name")?), ("email", call.optional("email")?)] {
        set(&mut fields, name, text.map(Value::from));
    }
    set(&mut fields, "metadata", call.has("metadata").then(|| call.metadata()).transpose()?.map(Value::Object));
    Ok(fields)
}

fn product(call: &Call, old: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut fields = old.clone();
    if old.is_empty() || call.has("name") {
        fields.insert("name".to_owned(), json!(call.text("name")?));
    }
    set(&mut fields, "description", call.optional("description")?.map(Value::from));
    if old.is_empty() || call.has("price") {
        fields.insert("price".to_owned(), json!(Amount(call.number("price", 1, MOST)?)));
    }
    let currency = if call.has("currency") { Some(call.one_of("currency", CURRENCIES)?) } else { None };
    set(&mut fields, "currency", currency.map(Value::from));
    let active = call.body.get("active").filter(|active| active.is_boolean()).cloned();
    set(&mut fields, "active", active.or_else(|| old.is_empty().then(|| json!(true))));
    set(&mut fields, "metadata", call.has("metadata").then(|| call.metadata()).transpose()?.map(Value::Object));
    Ok(fields)
}

/// Puts a value in; without one, a field that is not there yet becomes null.
fn set(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(fields.insert(name.to_owned(), value)),
        None => drop(fields.entry(name.to_owned()).or_insert(Value::Null)),
    }
}
