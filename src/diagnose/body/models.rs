//! Rewrites JSON as typed models do: times, nulls, empty values, numbers, names, unknown fields.
//!
//! Each result is JSON again, which the serializers then write in their own way.

use super::change::{BodyChange, BodySource};
use super::times;
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::body as kinds;
use crate::json::{Language, TokenKind, Tokens};
use crate::provider;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::LazyLock;

/// The body as a typed model writes it.
pub(super) struct ModelBody {
    pub bytes: Vec<u8>,
    what: String,
    language: Option<Language>,
}

impl ModelBody {
    pub(super) fn cause(&self) -> Cause {
        Cause::new(&kinds::MODEL).with("what", self.what.clone()).in_language(self.language)
    }
}

/// The body without nulls, as many serializers write it.
pub(super) static WITHOUT_NULLS: [BodyChange; 1] =
    [BodyChange::new(&kinds::MODEL, "the same JSON without fields that are null", |body| {
        memchr::memmem::find(body.bytes, b"null")?;
        without(body, Value::is_null)
    })];

/// The largest number of models that are tried.
pub(super) const MAX_MODELS: usize = 128;
/// Bodies longer than this are not rewritten.
const MAX_LENGTH: usize = 256 << 10;

/// A change of the values or names in a JSON text.
struct ModelRule {
    what: &'static str,
    apply: fn(&BodySource<'_>) -> Option<Vec<u8>>,
}

const fn rule(what: &'static str, apply: fn(&BodySource<'_>) -> Option<Vec<u8>>) -> ModelRule {
    ModelRule { what, apply }
}

static RULES: &[ModelRule] = &[
    rule("without fields that are null", |body| without(body, |value| value.is_null())),
    rule("without fields that are empty (omitempty)", |body| without(body, is_empty)),
    rule("with only the documented fields", documented_fields),
    rule("with the fields in the documented order", documented_order),
    rule("with only the names of the top level (an array as JSON.stringify's second argument)", |body| {
        only_top_names(body, false)
    }),
    rule("with only the names of the top level, sorted (an array as JSON.stringify's second argument)", |body| {
        only_top_names(body, true)
    }),
    rule("with [] for {}", |body| map_empty(body, b"{}", b"[]")),
    rule("with {} for []", |body| map_empty(body, b"[]", b"{}")),
    rule("with null for \"\"", |body| map_values(body, |_, text| (text == "\"\"").then(|| "null".to_owned()))),
    rule("with \"\" for null", |body| map_values(body, |_, text| (text == "null").then(|| "\"\"".to_owned()))),
    rule("with the amount as a number", |body| {
        map_values(body, |name, text| to_number(text).filter(|_| is_amount(name)))
    }),
    rule("with the amount as a string", |body| {
        map_values(body, |name, text| to_string(text).filter(|_| is_amount(name)))
    }),
    rule("with numbers for numeric strings", |body| map_values(body, |_, text| to_number(text))),
    rule("with strings for numbers", |body| map_values(body, |_, text| to_string(text))),
    rule("with .0 after whole numbers", |body| {
        map_values(body, |_, text| is_integer(text).then(|| format!("{text}.0")))
    }),
    rule("with the amount as a number with .0", |body| {
        map_values(body, |name, text| to_number(text).filter(|_| is_amount(name)).map(|number| number + ".0"))
    }),
    rule("with the amount in whole units (divided by 100)", |body| {
        map_values(body, |name, text| whole_units(name, text, false))
    }),
    rule("with the amount in whole units and decimals", |body| {
        map_values(body, |name, text| whole_units(name, text, true))
    }),
    rule("with names in snake_case", |body| map_names(body, snake_case)),
    rule("with names in camelCase", |body| map_names(body, camel_case)),
    rule("with names in PascalCase", |body| map_names(body, pascal_case)),
    rule("with names in lower case", |body| map_names(body, str::to_lowercase)),
    rule("with trimmed values", |body| map_values(body, |_, text| trimmed(text))),
    rule("with all values as strings", |body| {
        map_values(body, |_, text| (!text.starts_with('"') && text != "null").then(|| format!("\"{text}\"")))
    }),
];

/// Lists what typed models make of the body: single changes, then the usual pairs.
pub(super) fn models(body: &[u8]) -> Vec<ModelBody> {
    let mut found: Vec<ModelBody> = Vec::new();
    let source = BodySource::new(body);
    if body.len() > MAX_LENGTH || source.container().is_none() {
        return found;
    }
    add_times(body, times::USUAL, "", &mut found, body);
    for rule in RULES {
        add(body, (rule.apply)(&source), rule.what.to_owned(), None, &mut found);
    }
    add_times(body, times::NOTATIONS.len(), "", &mut found, body);
    for rule in &RULES[..4] {
        if let Some(bytes) = (rule.apply)(&source) {
            add_times(&bytes, times::USUAL, rule.what, &mut found, body);
        }
    }
    add_dropped_fields(&source, &mut found);
    found
}

fn add(body: &[u8], bytes: Option<Vec<u8>>, what: String, language: Option<Language>, found: &mut Vec<ModelBody>) {
    let Some(bytes) = bytes.filter(|bytes| bytes != body) else { return };
    if found.len() < MAX_MODELS && !found.iter().any(|known| known.bytes == bytes) {
        found.push(ModelBody { bytes, what: format!("the same JSON {what}"), language });
    }
}

fn add_times(text: &[u8], count: usize, also: &str, found: &mut Vec<ModelBody>, body: &[u8]) {
    let source = BodySource::new(text);
    for notation in &times::NOTATIONS[..count] {
        let bytes = map_values(&source, |_, text| times::parse(text).map(|time| (notation.write)(&time)));
        let and = if also.is_empty() { String::new() } else { format!("{also} and ") };
        add(body, bytes, format!("{and}with times like {}", notation.example), notation.language, found);
    }
}

/// Adds the bodies without one or two of the fields, which a model without them drops.
fn add_dropped_fields(source: &BodySource<'_>, found: &mut Vec<ModelBody>) {
    let Some(Value::Object(members)) = source.value() else { return };
    let mut paths: Vec<Vec<&str>> = Vec::new();
    for (name, value) in members {
        paths.push(vec![name]);
        if let Value::Object(inner) = value {
            paths.extend(inner.keys().map(|inner| vec![name.as_str(), inner.as_str()]));
        }
    }
    if paths.len() > 40 {
        return;
    }
    let words = |path: &[&str]| format!("`{}`", path.join("."));
    for (index, path) in paths.iter().enumerate() {
        let bytes = drop_fields(members, &[path]);
        add(source.bytes, bytes, format!("without {}", words(path)), None, found);
        for other in &paths[index + 1..] {
            if found.len() >= MAX_MODELS {
                return;
            }
            if other.len() < path.len() || other.starts_with(path) {
                continue;
            }
            let bytes = drop_fields(members, &[path, other]);
            add(source.bytes, bytes, format!("without {} and {}", words(path), words(other)), None, found);
        }
    }
}

fn drop_fields(members: &Map<String, Value>, paths: &[&[&str]]) -> Option<Vec<u8>> {
    let mut members = members.clone();
    for path in paths {
        match path {
            [name] => _ = members.shift_remove(*name),
            [name, inner] => _ = members.get_mut(*name)?.as_object_mut()?.shift_remove(*inner),
            _ => return None,
        }
    }
    serde_json::to_vec(&members).ok()
}

/// Replaces the values for which `change` returns another text; it gets the innermost name.
fn map_values(body: &BodySource<'_>, change: impl Fn(&str, &str) -> Option<String>) -> Option<Vec<u8>> {
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

fn map_names(body: &BodySource<'_>, change: impl Fn(&str) -> String) -> Option<Vec<u8>> {
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
fn map_empty(body: &BodySource<'_>, from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
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

fn is_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}

/// Returns the number in a JSON string that is one.
fn to_number(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_number = serde_json::from_str::<serde_json::Number>(inner).is_ok();
    is_number.then(|| inner.to_owned())
}

fn to_string(text: &str) -> Option<String> {
    text.starts_with(|char: char| char == '-' || char.is_ascii_digit()).then(|| format!("\"{text}\""))
}

fn trimmed(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (inner.trim() != inner).then(|| format!("\"{}\"", inner.trim()))
}

fn is_amount(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["amount", "price", "fee", "total", "balance"].iter().any(|word| name.contains(word))
}

/// Divides an amount in the smallest unit by 100.
fn whole_units(name: &str, text: &str, has_decimals: bool) -> Option<String> {
    let (quote, digits) = match text.strip_prefix('"') {
        Some(rest) => ("\"", rest.strip_suffix('"')?),
        None => ("", text),
    };
    let cents: i64 = digits.parse().ok().filter(|_| is_amount(name))?;
    let whole = if has_decimals { format!("{}.{:02}", cents / 100, cents % 100) } else { (cents / 100).to_string() };
    (has_decimals || cents % 100 == 0).then(|| format!("{quote}{whole}{quote}"))
}

fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for char in name.chars() {
        if char.is_ascii_uppercase() && !out.ends_with(['"', '_']) {
            out.push('_');
        }
        out.push(char.to_ascii_lowercase());
    }
    out
}

fn camel_case(name: &str) -> String {
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

fn pascal_case(name: &str) -> String {
    let camel = camel_case(name);
    let mut chars = camel.chars();
    let (quote, first) = (chars.next(), chars.next());
    quote.into_iter().chain(first.map(|char| char.to_ascii_uppercase())).chain(chars).collect()
}

/// Keeps only members with names of the top level, on every level and in the order of that list.
fn only_top_names(body: &BodySource<'_>, is_sorted: bool) -> Option<Vec<u8>> {
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

fn is_empty(value: &Value) -> bool {
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
fn without(body: &BodySource<'_>, is_dropped: fn(&Value) -> bool) -> Option<Vec<u8>> {
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
fn documented_fields(body: &BodySource<'_>) -> Option<Vec<u8>> {
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
fn documented_order(body: &BodySource<'_>) -> Option<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = include_str!("../../../tests/vectors/plexos.json");

    /// Returns the words for the model that makes `signed` of `here`.
    fn model(here: &str, signed: &str) -> Option<String> {
        let found = models(here.as_bytes()).into_iter().find(|found| found.bytes == signed.as_bytes())?;
        Some(found.what)
    }

    #[test]
    fn times_are_rewritten_in_both_directions() {
        let go = BODY.replace(".000Z", "Z");
        assert_eq!(model(BODY, &go).unwrap(), "the same JSON with times like 2025-01-15T10:30:00Z");
        assert_eq!(model(&go, BODY).unwrap(), "the same JSON with times like 2025-01-15T10:30:00.000Z");
    }

    #[test]
    fn fields_are_dropped_and_renamed() {
        for (here, signed, expected) in [
            (r#"{"a":null,"b":{"c":null,"d":1}}"#, r#"{"b":{"d":1}}"#, "without fields that are null"),
            (r#"{"a":"","b":[],"c":1,"d":false}"#, r#"{"c":1}"#, "without fields that are empty (omitempty)"),
            (r#"{"a":{},"b":[]}"#, r#"{"a":[],"b":[]}"#, "with [] for {}"),
            (r#"{"amount":"10","x":"1"}"#, r#"{"amount":10,"x":"1"}"#, "with the amount as a number"),
            (r#"{"amount":10,"x":1}"#, r#"{"amount":"10","x":1}"#, "with the amount as a string"),
            (r#"{"amount":27000}"#, r#"{"amount":270}"#, "with the amount in whole units (divided by 100)"),
            (r#"{"amount":27005}"#, r#"{"amount":270.05}"#, "with the amount in whole units and decimals"),
            (r#"{"createdAt":1,"b":{"cD":2}}"#, r#"{"created_at":1,"b":{"c_d":2}}"#, "with names in snake_case"),
            (r#"{"created_at":1}"#, r#"{"createdAt":1}"#, "with names in camelCase"),
            (r#"{"id":1,"to":2}"#, r#"{"Id":1,"To":2}"#, "with names in PascalCase"),
            (
                r#"{"id":1,"data":{"id":2,"x":3}}"#,
                r#"{"data":{"id":2},"id":1}"#,
                "with only the names of the top level, sorted (an array as JSON.stringify's second argument)",
            ),
            (r#"{"a":" x ","b":1}"#, r#"{"a":"x","b":1}"#, "with trimmed values"),
        ] {
            assert_eq!(model(here, signed).as_deref(), Some(&*format!("the same JSON {expected}")), "{signed}");
        }
        let dropped = BODY.replace(r#","operator":"CVMOVEL""#, "").replace(r#""type":"payment.debited","#, "");
        assert_eq!(model(BODY, &dropped).unwrap(), "the same JSON without `type` and `data.operator`");
        let extended = BODY.replace(r#""data":{"#, r#""data":{"fee":1,"new":2,"more":3,"#);
        assert_eq!(model(&extended, BODY).unwrap(), "the same JSON with only the documented fields");
    }

    #[test]
    fn the_documented_order_is_restored() {
        let sorted: std::collections::BTreeMap<String, Value> = serde_json::from_str(BODY).unwrap();
        let sorted = serde_json::to_string(&sorted).unwrap();
        assert_eq!(model(&sorted, BODY).unwrap(), "the same JSON with the fields in the documented order");
    }

    #[test]
    fn what_is_no_json_has_no_models() {
        for text in ["", "a=1", "[", "\"x\"", "12"] {
            assert!(models(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
