//! Writes parsed JSON as a query string, and decodes percent-encoding and form fields.

use crate::json::{Language, format_number};
use serde_json::Value;

/// The rules of a function that writes query strings.
#[derive(Clone, Copy)]
pub(super) struct QueryRule {
    /// The text of `null`. `None`: the field is left out.
    pub null: Option<&'static str>,
    /// The texts of `true` and `false`.
    pub booleans: [&'static str; 2],
    /// The name of an element: `[]` or its index.
    pub has_indices: bool,
    pub is_sorted: bool,
    /// The language whose numbers are written.
    pub language: Language,
    pub encode: fn(&str) -> String,
    /// The text in place of a nested object or array. `None`: its members follow as `a[b]`.
    pub nested: Option<fn(&Value) -> String>,
}

/// PHP's `http_build_query`.
pub(super) const PHP: QueryRule = QueryRule {
    null: None,
    booleans: ["1", "0"],
    has_indices: true,
    is_sorted: false,
    language: Language::Php,
    encode: encode_form,
    nested: None,
};
/// PHP's `http_build_query` with `PHP_QUERY_RFC3986`.
pub(super) const PHP_RFC3986: QueryRule = QueryRule { encode: encode_url, ..PHP };
/// npm's `qs.stringify`.
pub(super) const QS: QueryRule = QueryRule {
    null: Some(""),
    booleans: ["true", "false"],
    language: Language::JavaScript,
    encode: encode_url,
    ..PHP
};
/// JavaScript's `new URLSearchParams(object)`.
pub(super) const URL_SEARCH_PARAMS: QueryRule = QueryRule {
    null: Some("null"),
    booleans: ["true", "false"],
    language: Language::JavaScript,
    encode: encode_search_params,
    nested: Some(javascript_text),
    ..PHP
};
/// Node's `querystring.stringify`, which leaves nested values empty.
pub(super) const QUERYSTRING: QueryRule = QueryRule {
    null: Some(""),
    booleans: ["true", "false"],
    language: Language::JavaScript,
    encode: encode_component,
    nested: Some(|_| String::new()),
    ..PHP
};
/// Python's `urllib.parse.urlencode`.
pub(super) const URLENCODE: QueryRule = QueryRule {
    null: Some("None"),
    booleans: ["True", "False"],
    language: Language::Python,
    encode: encode_form_tilde,
    nested: Some(|value| String::from_utf8_lossy(&super::printers::PYTHON.print(value)).into_owned()),
    ..PHP
};
/// Rails' `to_query`.
pub(super) const TO_QUERY: QueryRule = QueryRule {
    null: Some(""),
    booleans: ["true", "false"],
    language: Language::Ruby,
    has_indices: false,
    is_sorted: true,
    encode: encode_form_tilde,
    nested: None,
};

/// Joins the members as `key=value` with `&`. `None`: the value is no object.
pub(super) fn build(value: &Value, rule: &QueryRule) -> Option<Vec<u8>> {
    let mut fields = Vec::new();
    for (key, value) in super::printers::ordered(value.as_object()?, rule.is_sorted) {
        add_fields(key, value, rule, &mut fields);
    }
    Some(fields.join("&").into_bytes())
}

fn add_fields(name: &str, value: &Value, rule: &QueryRule, fields: &mut Vec<String>) {
    let text = match (value, rule.nested) {
        (Value::Object(_) | Value::Array(_), Some(nested)) => nested(value),
        (Value::Object(members), None) => {
            for (key, value) in super::printers::ordered(members, rule.is_sorted) {
                add_fields(&format!("{name}[{key}]"), value, rule, fields);
            }
            return;
        }
        (Value::Array(values), None) => {
            for (index, value) in values.iter().enumerate() {
                let index = if rule.has_indices { index.to_string() } else { String::new() };
                add_fields(&format!("{name}[{index}]"), value, rule, fields);
            }
            return;
        }
        (Value::Null, _) => match rule.null {
            Some(text) => text.to_owned(),
            None => return,
        },
        (Value::Bool(truth), _) => rule.booleans[usize::from(!truth)].to_owned(),
        (Value::Number(number), _) => format_number(&number.to_string(), rule.language),
        (Value::String(text), _) => text.clone(),
    };
    fields.push(format!("{}={}", (rule.encode)(name), (rule.encode)(&text)));
}

fn javascript_text(value: &Value) -> String {
    match value {
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Array(values) => values.iter().map(javascript_text).collect::<Vec<_>>().join(","),
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => format_number(&number.to_string(), Language::JavaScript),
        Value::Bool(truth) => truth.to_string(),
    }
}

/// Percent-encodes every byte but letters, digits and `unescaped`.
fn encode(text: &str, unescaped: &str, is_form: bool) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b' ' if is_form => out.push('+'),
            _ if byte.is_ascii_alphanumeric() || unescaped.as_bytes().contains(&byte) => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    out
}

/// Encodes as PHP's `urlencode` does.
pub(super) fn encode_form(text: &str) -> String {
    encode(text, "-_.", true)
}

/// Encodes as Python's `quote_plus` and Ruby's `CGI.escape` do.
fn encode_form_tilde(text: &str) -> String {
    encode(text, "-_.~", true)
}

/// Encodes as PHP's `rawurlencode` and Python's `quote` do.
pub(super) fn encode_url(text: &str) -> String {
    encode(text, "-_.~", false)
}

/// Encodes as JavaScript's `encodeURIComponent` does.
pub(super) fn encode_component(text: &str) -> String {
    encode(text, "-_.~!*'()", false)
}

/// Encodes as JavaScript's `encodeURI` does.
pub(super) fn encode_uri(text: &str) -> String {
    encode(text, "-_.~!*'();/?:@&=+$,#", false)
}

fn encode_search_params(text: &str) -> String {
    encode(text, "-_.*", true)
}

/// Decodes `%7B` and, if `is_form`, `+` as a blank. `None`: there is nothing to decode.
pub(super) fn decode(text: &[u8], is_form: bool) -> Option<Vec<u8>> {
    let is_encoded = text.contains(&b'%') || is_form && text.contains(&b'+');
    if !is_encoded {
        return None;
    }
    let text: Vec<_> = text.iter().map(|&byte| if is_form && byte == b'+' { b' ' } else { byte }).collect();
    let decoded: Vec<_> = percent_encoding::percent_decode(&text).collect();
    Some(decoded)
}

/// The largest number of form fields that are read.
const MAX_FIELDS: usize = 16;

/// Lists the decoded fields of a form: name, and value or, without one, the name again.
pub(super) fn form_fields(text: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = text.trim_ascii();
    if text.iter().any(u8::is_ascii_control) || text.starts_with(b"{") && !text.contains(&b'=') {
        return Vec::new();
    }
    let decode = |part: &[u8]| decode(part, true).unwrap_or_else(|| part.to_vec());
    let field = |field: &[u8]| {
        let at = memchr::memchr(b'=', field)?;
        let (name, value) = (&field[..at], &field[at + 1..]);
        let shown = String::from_utf8_lossy(&decode(name)).into_owned();
        Some(if value.is_empty() { (String::new(), decode(name)) } else { (shown, decode(value)) })
    };
    let fields: Option<Vec<_>> = text.split(|&byte| byte == b'&').take(MAX_FIELDS).map(field).collect();
    fields.unwrap_or_default()
}
