//! Customers and products: validated, stored and returned, without further logic.
//! <https://docs.pay.plexos.io/pages/api/customers/create>,
//! <https://docs.pay.plexos.io/pages/api/products/create>

use super::objects::{CURRENCIES, CatalogueItem, Centavos, MAX_AMOUNT};
use super::state::PlexosState;
use crate::emulator::call::{CallError, IncomingCall};
use crate::emulator::context::Context;
use serde_json::{Map, Value, json};

/// Creates, lists, gets and updates customers or products.
pub(super) fn answer(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    call: &IncomingCall,
) -> Result<Value, CallError> {
    let is_product = call.path.first().is_some_and(|first| first == "products");
    let (name, read_fields) =
        if is_product { ("Product", product as ReadFields) } else { ("Customer", customer as ReadFields) };
    let collection = if is_product { &mut state.products } else { &mut state.customers };
    match (call.method.as_str(), call.path.get(1), call.path.len()) {
        ("POST", None, _) => {
            let mut fields = read_fields(call, &Map::new())?;
            let id = context.rng.id(if is_product { "pr_" } else { "cu_" });
            fields.insert("id".to_owned(), json!(id));
            fields.insert("createdAt".to_owned(), json!(context.timestamp()));
            fields.insert("updatedAt".to_owned(), json!(context.timestamp()));
            collection.add(CatalogueItem(fields.clone()));
            Ok(Value::Object(fields))
        }
        ("GET", None, _) => collection.page(call, |_| true),
        ("GET", Some(id), 2) => collection.get(id).map(|item| json!(item)).ok_or_else(|| CallError::not_found(name)),
        ("PATCH", Some(id), 2) => {
            let item = collection.get_mut(id).ok_or_else(|| CallError::not_found(name))?;
            let fields = read_fields(call, &item.0)?;
            item.0.extend(fields);
            item.0.insert("updatedAt".to_owned(), json!(context.timestamp()));
            Ok(json!(item))
        }
        (_, None, _) | (_, Some(_), 2) => Err(CallError::method_not_allowed()),
        _ => Err(CallError::not_found("Resource")),
    }
}

/// Reads the fields of a call on top of the existing ones.
type ReadFields = fn(&IncomingCall, &Map<String, Value>) -> Result<Map<String, Value>, CallError>;

fn customer(call: &IncomingCall, old: &Map<String, Value>) -> Result<Map<String, Value>, CallError> {
    let mut fields = old.clone();
    if old.is_empty() || call.has("phone") {
        fields.insert("phone".to_owned(), json!(call.required_text("phone")?));
    }
    if old.is_empty() || call.has("operator") {
        fields.insert("operator".to_owned(), json!(call.one_of("operator", &["CVMOVEL", "UNITEL_TMAIS", "MOCK"])?));
    }
    let country = if call.has("country") { Some(call.one_of("country", &["CV", "AO"])?) } else { None };
    for (name, text) in
        [("country", country), ("name", call.optional_text("name")?), ("email", call.optional_text("email")?)]
    {
        set(&mut fields, name, text.map(Value::from));
    }
    set(&mut fields, "metadata", call.has("metadata").then(|| call.metadata()).transpose()?.map(Value::Object));
    Ok(fields)
}

fn product(call: &IncomingCall, old: &Map<String, Value>) -> Result<Map<String, Value>, CallError> {
    let mut fields = old.clone();
    if old.is_empty() || call.has("name") {
        fields.insert("name".to_owned(), json!(call.required_text("name")?));
    }
    set(&mut fields, "description", call.optional_text("description")?.map(Value::from));
    if old.is_empty() || call.has("price") {
        fields.insert("price".to_owned(), json!(Centavos(call.integer("price", 1, MAX_AMOUNT)?)));
    }
    let currency = if call.has("currency") { Some(call.one_of("currency", CURRENCIES)?) } else { None };
    set(&mut fields, "currency", currency.map(Value::from));
    let active = call.body.get("active").filter(|active| active.is_boolean()).cloned();
    set(&mut fields, "active", active.or_else(|| old.is_empty().then(|| json!(true))));
    set(&mut fields, "metadata", call.has("metadata").then(|| call.metadata()).transpose()?.map(Value::Object));
    Ok(fields)
}

/// Sets a field. Without a value, a missing field becomes null.
fn set(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(fields.insert(name.to_owned(), value)),
        None => drop(fields.entry(name.to_owned()).or_insert(Value::Null)),
    }
}
