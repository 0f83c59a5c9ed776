//! Prints parsed JSON as PHP's `print_r`, `var_export`, `serialize` and `var_dump` do.

use crate::json::{Language, format_number};
use serde_json::Value;

/// The PHP value of a JSON object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PhpObjects {
    /// `json_decode($body, true)`
    Arrays,
    /// `json_decode($body)`
    StdClass,
}

/// Lists the members of an object or the elements of an array under their PHP keys.
fn members(value: &Value) -> Vec<(Result<usize, &str>, &Value)> {
    match value {
        Value::Object(members) => members.iter().map(|(key, value)| (Err(key.as_str()), value)).collect(),
        Value::Array(values) => values.iter().enumerate().map(|(index, value)| (Ok(index), value)).collect(),
        _ => Vec::new(),
    }
}

fn number(number: &serde_json::Number) -> String {
    format_number(&number.to_string(), Language::Php)
}

pub(super) fn print_r(value: &Value, objects: PhpObjects) -> Vec<u8> {
    let mut out = String::new();
    write_print_r(value, objects, 0, &mut out);
    out.into_bytes()
}

fn write_print_r(value: &Value, objects: PhpObjects, indent: usize, out: &mut String) {
    match value {
        Value::Null | Value::Bool(false) => {}
        Value::Bool(true) => out.push('1'),
        Value::Number(value) => out.push_str(&number(value)),
        Value::String(text) => out.push_str(text),
        Value::Object(_) | Value::Array(_) => {
            let is_object = objects == PhpObjects::StdClass && value.is_object();
            let margin = " ".repeat(indent);
            out.push_str(if is_object { "stdClass Object\n" } else { "Array\n" });
            out.push_str(&format!("{margin}(\n"));
            for (key, value) in members(value) {
                let key = key.map_or_else(str::to_owned, |index| index.to_string());
                out.push_str(&format!("{margin}    [{key}] => "));
                write_print_r(value, objects, indent + 8, out);
                out.push('\n');
            }
            out.push_str(&format!("{margin})\n"));
        }
    }
}

pub(super) fn var_export(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write_var_export(value, 0, &mut out);
    out.into_bytes()
}

fn write_var_export(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Bool(truth) => out.push_str(&truth.to_string()),
        Value::Number(value) => {
            let text = number(value);
            out.push_str(&text);
            out.push_str(if value.is_f64() && !text.contains(['.', 'E']) { ".0" } else { "" });
        }
        Value::String(text) => out.push_str(&export_text(text)),
        Value::Object(_) | Value::Array(_) => {
            let margin = " ".repeat(indent);
            out.push_str("array (\n");
            for (key, value) in members(value) {
                let key = key.map_or_else(export_text, |index| index.to_string());
                let is_nested = value.is_object() || value.is_array();
                out.push_str(&format!("{margin}  {key} => "));
                out.push_str(&if is_nested { format!("\n{margin}  ") } else { String::new() });
                write_var_export(value, indent + 2, out);
                out.push_str(",\n");
            }
            out.push_str(&format!("{margin})"));
        }
    }
}

fn export_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

pub(super) fn serialize(value: &Value, objects: PhpObjects) -> Vec<u8> {
    let mut out = String::new();
    write_serialized(value, objects, &mut out);
    out.into_bytes()
}

fn write_serialized(value: &Value, objects: PhpObjects, out: &mut String) {
    let text = |text: &str| format!("s:{}:\"{text}\";", text.len());
    match value {
        Value::Null => out.push_str("N;"),
        Value::Bool(truth) => out.push_str(&format!("b:{};", u8::from(*truth))),
        Value::Number(value) if value.is_f64() => out.push_str(&format!("d:{};", number(value))),
        Value::Number(value) => out.push_str(&format!("i:{value};")),
        Value::String(value) => out.push_str(&text(value)),
        Value::Object(_) | Value::Array(_) => {
            let members = members(value);
            let is_object = objects == PhpObjects::StdClass && value.is_object();
            out.push_str(if is_object { "O:8:\"stdClass\":" } else { "a:" });
            out.push_str(&format!("{}:{{", members.len()));
            for (key, value) in members {
                out.push_str(&key.map_or_else(text, |index| format!("i:{index};")));
                write_serialized(value, objects, out);
            }
            out.push('}');
        }
    }
}

pub(super) fn var_dump(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write_var_dump(value, 0, &mut out);
    out.into_bytes()
}

fn write_var_dump(value: &Value, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    out.push_str(&margin);
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Bool(truth) => out.push_str(&format!("bool({truth})")),
        Value::Number(value) if value.is_f64() => out.push_str(&format!("float({})", number(value))),
        Value::Number(value) => out.push_str(&format!("int({value})")),
        Value::String(text) => out.push_str(&format!("string({}) \"{text}\"", text.len())),
        Value::Object(_) | Value::Array(_) => {
            let members = members(value);
            out.push_str(&format!("array({}) {{\n", members.len()));
            for (key, value) in members {
                let key = key.map_or_else(|key| format!("\"{key}\""), |index| index.to_string());
                out.push_str(&format!("{margin}  [{key}]=>\n"));
                write_var_dump(value, indent + 2, out);
            }
            out.push_str(&format!("{margin}}}"));
        }
    }
    out.push('\n');
}
