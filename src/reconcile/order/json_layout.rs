//! Finds the rows in a JSON text: lines, a stream of objects, an array, or an array inside of an
//! object.

use super::columns::{ColumnNames, ListColumn};
use super::reference::is_provider_reference;
use super::rows::{JsonLayout, Members, NamedRows, find_arrays, value_text};
use super::text::Text;
use super::{ListError, excerpt, format};

/// Opens the rows of a JSON text.
pub(super) fn open(
    text: Text,
    sample: &str,
    columns: &ColumnNames,
    notes: &mut Vec<String>,
) -> Result<Box<dyn NamedRows>, ListError> {
    let sample = sample.trim_start();
    let first_line = sample.lines().next().unwrap_or_default().trim();
    if let Some(inner) = sample.strip_prefix('[').map(str::trim_start) {
        let is_line = serde_json::from_str::<serde_json::Value>(first_line).is_ok_and(|value| value.is_array());
        let has_more = sample.lines().skip(1).any(|line| line.trim_start().starts_with('['));
        return match inner.as_bytes().first() {
            Some(b'[') => format::matrix(text, JsonLayout::Array(Vec::new()), columns),
            Some(b'{') => format::json(text, JsonLayout::Array(Vec::new())),
            _ if is_line && has_more => format::matrix(text, JsonLayout::Values, columns),
            Some(b'"' | b'0'..=b'9' | b']') => format::json(text, JsonLayout::Array(Vec::new())),
            _ => Err(ListError::Refused("text", "give CSV, JSON or one reference per line")),
        };
    }
    let is_object_line = Members::parse(first_line).is_some();
    let first: String = first_object(sample);
    let is_members = has_own_reference(&first, columns) != Some(true) && find_members(sample, columns, 0).is_some();
    if !is_members && is_order(&first, columns) {
        let layout = if is_object_line { JsonLayout::Lines } else { JsonLayout::Values };
        return format::json(text, layout);
    }
    match find_members(sample, columns, 0) {
        Some(FoundMembers::Orders(path)) => {
            notes.push(format!("the orders are the members of {}", shown_path(&path)));
            return format::json(text, JsonLayout::Array(path));
        }
        Some(FoundMembers::Columns) => {
            return Err(ListError::Damaged("JSON object", "it holds columns; write one object per order".to_owned()));
        }
        None => {}
    }
    let (text, arrays) = find_arrays(text)?;
    match &arrays[..] {
        [] if is_object_line => format::json(text, JsonLayout::Lines),
        [] => format::json(text, JsonLayout::Values),
        [(path, _)] => {
            if !path.is_empty() {
                notes.push(format!("the orders are read from `{}`", excerpt(&path.join("."))));
            }
            format::json(text, JsonLayout::Array(path.clone()))
        }
        several => {
            let mut with_references = several.iter().filter(|(_, first)| has_provider_reference(first));
            if let (Some((path, _)), None) = (with_references.next(), with_references.next()) {
                notes.push(format!("the orders are read from `{}`", excerpt(&path.join("."))));
                return format::json(text, JsonLayout::Array(path.clone()));
            }
            let names: Vec<_> = several.iter().map(|(path, _)| format!("`{}`", path.join("."))).collect();
            Err(ListError::Damaged("JSON object", excerpt(&format!("it has several lists: {}", names.join(", ")))))
        }
    }
}

/// Returns the first object of a sample; all of the sample if the object is longer.
fn first_object(sample: &str) -> String {
    let mut values = serde_json::Deserializer::from_str(sample).into_iter::<&serde_json::value::RawValue>();
    match values.next() {
        Some(Ok(value)) => value.get().to_owned(),
        _ => String::new(),
    }
}

/// Returns true for an object that is an order and not a list of orders: it has a reference itself.
fn is_order(json: &str, columns: &ColumnNames) -> bool {
    let Some(members) = Members::parse(json) else { return false };
    let has_list = members.0.iter().any(|(_, value)| is_list(value.get()));
    !has_list || has_own_reference(json, columns) == Some(true)
}

/// Returns whether an object has a reference besides those of objects inside of it. `None`: it is no
/// complete object.
fn has_own_reference(json: &str, columns: &ColumnNames) -> Option<bool> {
    let members = Members::parse(json)?;
    Some(members.0.iter().filter(|(_, value)| !value.get().starts_with(['[', '{'])).any(|(name, value)| {
        let is_named = match columns.explicit_name(ListColumn::Reference) {
            Some(given) => given == name,
            None => ListColumn::Reference.rank(name).is_some(),
        };
        is_named || is_provider_reference(&value_text(value.get()).0)
    }))
}

/// The meaning of an object whose members are alike.
enum FoundMembers {
    /// Each member is an order. The names lead to the object.
    Orders(Vec<String>),
    /// Each member is a column.
    Columns,
}

/// Finds an object such as `{"1001": {…}, "1002": {…}}` at the start of a text that may be cut.
fn find_members(text: &str, columns: &ColumnNames, depth: usize) -> Option<FoundMembers> {
    let (first, rest) = member(text.trim_start().strip_prefix('{')?)?;
    let Some((one, after)) = value(rest) else {
        // The first member is longer than the sample.
        return deeper(first, rest, columns, depth);
    };
    if !one.starts_with('{') {
        return None;
    }
    let second = after.trim_start().strip_prefix(',').and_then(member).and_then(|(_, rest)| value(rest));
    let Some((other, _)) = second.filter(|(other, _)| other.starts_with('{')) else {
        return deeper(first, rest, columns, depth);
    };
    let (one_members, other_members) = (Members::parse(one)?, Members::parse(other)?);
    let is_alike = one_members.0.iter().zip(&other_members.0).all(|(one, other)| one.0 == other.0);
    let is_order = |json| has_own_reference(json, columns) == Some(true);
    if is_order(one) && is_order(other) {
        let is_sure = [one, other].iter().all(|json| has_provider_reference(json)) || is_alike;
        return is_sure.then(|| FoundMembers::Orders(Vec::new()));
    }
    let is_index = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let are_columns = is_alike && one_members.0.iter().all(|(name, _)| is_index(name)) && !one_members.0.is_empty();
    are_columns.then_some(FoundMembers::Columns)
}

fn deeper(name: String, rest: &str, columns: &ColumnNames, depth: usize) -> Option<FoundMembers> {
    if depth >= 4 || !rest.trim_start().starts_with('{') {
        return None;
    }
    match find_members(rest, columns, depth + 1)? {
        FoundMembers::Orders(mut path) => {
            path.insert(0, name);
            Some(FoundMembers::Orders(path))
        }
        FoundMembers::Columns => Some(FoundMembers::Columns),
    }
}

fn has_provider_reference(json: &str) -> bool {
    let members = Members::parse(json).map(|members| members.0).unwrap_or_default();
    members.iter().any(|(_, value)| is_provider_reference(&value_text(value.get()).0))
}

/// Splits off the name of a member and its colon.
fn member(text: &str) -> Option<(String, &str)> {
    let mut names = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let name = names.next()?.ok()?;
    Some((name, text.get(names.byte_offset()..)?.trim_start().strip_prefix(':')?))
}

/// Splits off a value.
fn value(text: &str) -> Option<(&str, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&serde_json::value::RawValue>();
    let value = values.next()?.ok()?.get();
    Some((value, text.get(values.byte_offset()..)?))
}

fn shown_path(path: &[String]) -> String {
    if path.is_empty() { "the object".to_owned() } else { format!("`{}`", excerpt(&path.join("."))) }
}

/// Returns true for an array of objects, at any depth.
fn is_list(json: &str) -> bool {
    let inside = json.strip_prefix('[').map(str::trim_start);
    let is_array = inside.is_some_and(|inside| inside.starts_with('{'));
    is_array || Members::parse(json).is_some_and(|members| members.0.iter().any(|(_, value)| is_list(value.get())))
}
