//! The rewriting of JSON that `models` consists of: values, names, empty containers, fields.

use super::change::BodySource;
use crate::json::{TokenKind, Tokens};
use crate::provider;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Replaces the values for which `change` returns another text; it gets the innermost name.
pub(super) fn map_values(body: &BodySource<'_>, change: impl Fn(&str, &str) -> Option<String>) -> Option<Vec<u8>> {
    let text = body.text()?;
    let mut out = String::with_capacity(text.len() + 32);
    let (mut name, mut is_changed) = ("", false);
    for token in Tokens::new(body.bytes) {
        let token = token.ok()?;
        let part = text.get(token.start..token.end)?;
        let changed = match token.kind {
            TokenKind::Key => {
                name = part.trim_matches('"');
                None
            }
            TokenKind::String | TokenKind::Number | TokenKind::True | TokenKind::False | TokenKind::Null => {
                change(name, part)
            }
            _ => None,
        };
        is_changed |= changed.is_some();
        out.push_str(changed.as_deref().unwrap_or(part));
    }
    is_changed.then(|| out.into_bytes())
}

pub(super) fn map_names(body: &BodySource<'_>, change: impl Fn(&str) -> String) -> Option<Vec<u8>> {
    let text = body.text()?;
    let mut out = String::with_capacity(text.len() + 32);
    for token in Tokens::new(body.bytes) {
        let token = token.ok()?;
        let part = text.get(token.start..token.end)?;
        match token.kind {
            TokenKind::Key => out.push_str(&change(part)),
            _ => out.push_str(part),
        }
    }
    Some(out.into_bytes())
}

/// Replaces empty objects or arrays.
pub(super) fn map_empty(body: &BodySource<'_>, from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity(body.bytes.len());
    let mut is_changed = false;
    for token in Tokens::new(body.bytes) {
        let token = token.ok()?;
        out.extend(&body.bytes[token.start..token.end]);
        let closes = matches!(token.kind, TokenKind::CloseObject | TokenKind::CloseArray);
        if closes && out.ends_with(from) {
            out.truncate(out.len() - from.len());
            out.extend(to);
            is_changed = true;
        }
    }
    is_changed.then_some(out)
}

pub(super) fn is_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}

/// Returns the number in a JSON string that is one.
pub(super) fn to_number(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_number = serde_json::from_str::<serde_json::Number>(inner).is_ok();
    is_number.then(|| inner.to_owned())
}

pub(super) fn to_string(text: &str) -> Option<String> {
    text.starts_with(|char: char| char == '-' || char.is_ascii_digit()).then(|| format!("\"{text}\""))
}

pub(super) fn trimmed(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (inner.trim() != inner).then(|| format!("\"{}\"", inner.trim()))
}

pub(super) fn is_amount(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["amount", "price", "fee", "total", "balance"].iter().any(|word| name.contains(word))
}

/// Divides an amount in the smallest unit by 100.
pub(super) fn whole_units(name: &str, text: &str, has_decimals: bool) -> Option<String> {
    let (quote, digits) = match text.strip_prefix('"') {
        Some(rest) => ("\"", rest.strip_suffix('"')?),
        None => ("", text),
    };
    let cents: i64 = digits.parse().ok().filter(|_| is_amount(name))?;
    let whole = if has_decimals { format!("{}.{:02}", cents / 100, cents % 100) } else { (cents / 100).to_string() };
    (has_decimals || cents % 100 == 0).then(|| format!("{quote}{whole}{quote}"))
}

/// Divides an amount in the smallest unit by 100, as code with floating-point numbers does.
pub(super) fn float_units(name: &str, text: &str) -> Option<String> {
    let cents: i32 = text.trim_matches('"').parse().ok().filter(|_| is_amount(name))?;
    Some(format!("{:?}", f64::from(cents) / 100.0))
}

/// Writes the objects and arrays of the top level as JSON strings.
pub(super) fn objects_as_strings(body: &BodySource<'_>) -> Option<Vec<u8>> {
    let mut members = body.value()?.as_object()?.clone();
    for value in members.values_mut().filter(|value| value.is_object() || value.is_array()) {
        *value = Value::String(value.to_string());
    }
    serde_json::to_vec(&members).ok()
}

pub(super) fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for char in name.chars() {
        if char.is_ascii_uppercase() && !out.ends_with(['"', '_']) {
            out.push('_');
        }
        out.push(char.to_ascii_lowercase());
    }
    out
}

pub(super) fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut is_start = false;
    for char in name.chars() {
        match char {
            '_' if out.len() > 1 => is_start = true,
            _ if is_start => {
                out.push(char.to_ascii_uppercase());
                is_start = false;
            }
            _ if out == "\"" => out.push(char.to_ascii_lowercase()),
            _ => out.push(char),
        }
    }
    out
}

pub(super) fn pascal_case(name: &str) -> String {
    let camel = camel_case(name);
    let mut chars = camel.chars();
    let (quote, first) = (chars.next(), chars.next());
    quote.into_iter().chain(first.map(|char| char.to_ascii_uppercase())).chain(chars).collect()
}

/// Keeps only members with names of the top level, on every level and in the order of that list.
pub(super) fn only_top_names(body: &BodySource<'_>, is_sorted: bool) -> Option<Vec<u8>> {
    fn pick(value: &Value, names: &[&String]) -> Value {
        match value {
            Value::Object(members) => {
                let known = names.iter().filter_map(|name| Some(((*name).clone(), pick(members.get(*name)?, names))));
                Value::Object(known.collect())
            }
            Value::Array(values) => values.iter().map(|value| pick(value, names)).collect(),
            other => other.clone(),
        }
    }
    let value = body.value()?;
    let mut names: Vec<_> = value.as_object()?.keys().collect();
    if is_sorted {
        names.sort();
    }
    serde_json::to_vec(&pick(value, &names)).ok()
}

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) => false,
    }
}

/// Removes the members whose value `is_dropped`, on all levels.
pub(super) fn without(body: &BodySource<'_>, is_dropped: fn(&Value) -> bool) -> Option<Vec<u8>> {
    fn retain(value: &mut Value, is_dropped: fn(&Value) -> bool) {
        match value {
            Value::Object(members) => {
                members.retain(|_, value| !is_dropped(value));
                members.values_mut().for_each(|value| retain(value, is_dropped));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| retain(value, is_dropped)),
            _ => {}
        }
    }
    let mut value = body.container()?.clone();
    retain(&mut value, is_dropped);
    (value != *body.container()?).then(|| serde_json::to_vec(&value).ok())?
}

/// The payloads that the providers publish.
static PUBLISHED: LazyLock<Vec<Value>> = LazyLock::new(|| {
    provider::samples().filter(|(_, sample)| sample.is_published()).map(|(_, sample)| sample.body).collect()
});

/// Returns the published sample that has the most fields in common with the body.
fn published_sample(value: &Value) -> Option<&'static Value> {
    let kind = |value: &Value| value.get("type").or(value.get("event")).cloned();
    let names = |value: &Value| value.as_object().into_iter().flat_map(Map::keys).cloned().collect::<HashSet<_>>();
    let own = names(value);
    let shared = |sample: &Value| names(sample).intersection(&own).count();
    let same = PUBLISHED.iter().filter(|sample| shared(sample) * 2 > own.len());
    same.max_by_key(|sample| (kind(sample) == kind(value), shared(sample)))
}

/// Keeps the fields that the provider's published sample has, in the order of the body.
pub(super) fn documented_fields(body: &BodySource<'_>) -> Option<Vec<u8>> {
    fn keep(value: &mut Value, known: &Value) {
        if let (Value::Object(members), Value::Object(known)) = (value, known) {
            members.retain(|name, _| known.contains_key(name));
            members.iter_mut().for_each(|(name, value)| keep(value, &known[name]));
        }
    }
    let mut value = body.container()?.clone();
    keep(&mut value, published_sample(body.container()?)?);
    serde_json::to_vec(&value).ok()
}

/// Sorts the fields as the provider's published sample has them; unknown ones come last.
pub(super) fn documented_order(body: &BodySource<'_>) -> Option<Vec<u8>> {
    fn sort(value: &mut Value, known: &Value) {
        let (Value::Object(members), Value::Object(known)) = (value, known) else { return };
        let place = |name: &str| known.keys().position(|other| other == name).unwrap_or(usize::MAX);
        let mut sorted: Vec<_> = std::mem::take(members).into_iter().collect();
        sorted.sort_by_key(|(name, _)| place(name));
        for (name, mut value) in sorted {
            if let Some(known) = known.get(&name) {
                sort(&mut value, known);
            }
            members.insert(name, value);
        }
    }
    let mut value = body.container()?.clone();
    sort(&mut value, published_sample(body.container()?)?);
    serde_json::to_vec(&value).ok()
}
