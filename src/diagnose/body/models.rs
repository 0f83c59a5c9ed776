//! Rewrites JSON as typed models do: times, nulls, empty values, numbers, names, unknown fields.
//!
//! Each result is JSON again, which the serializers then write in their own way.

use super::change::{BodyChange, BodySource};
use super::rewrites::{
    camel_case, documented_fields, documented_order, float_units, is_amount, is_empty, is_integer, map_empty,
    map_names, map_values, objects_as_strings, only_top_names, pascal_case, snake_case, to_number, to_string, trimmed,
    whole_units, without,
};
use super::times;
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::body as kinds;
use crate::json::Language;
use serde_json::{Map, Value};

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
    rule("with the amount in whole units, as a float", |body| map_values(body, float_units)),
    rule("with objects as JSON strings", objects_as_strings),
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
    let compact = source.container().and_then(|value| serde_json::to_vec(value).ok());
    let apply = |rule: &ModelRule| (rule.apply)(&source).filter(|bytes| Some(bytes) != compact.as_ref());
    add_times(body, times::USUAL, "", &mut found, body);
    for rule in RULES {
        add(body, apply(rule), rule.what.to_owned(), None, &mut found);
    }
    add_times(body, times::NOTATIONS.len(), "", &mut found, body);
    for rule in &RULES[..4] {
        if let Some(bytes) = apply(rule) {
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
            (r#"{"amount":"27050"}"#, r#"{"amount":270.5}"#, "with the amount in whole units, as a float"),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":"{\"b\":\"c\"}"}"#, "with objects as JSON strings"),
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
