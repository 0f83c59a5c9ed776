//! Prints parsed JSON as the `print` functions of other languages do, which is not JSON.
//!
//! PHP's own formats are in `php`, Node's `util.inspect` in `inspect`, query strings in `query`.

use crate::json::{Language, format_number};
use serde_json::{Map, Value};

/// The notation of a language for maps, lists and scalars.
pub(super) struct Notation {
    pub object: [&'static str; 2],
    pub array: [&'static str; 2],
    pub pair: &'static str,
    pub comma: &'static str,
    /// `null`, `true` and `false`.
    pub words: [&'static str; 3],
    pub key: fn(&str, &mut String),
    pub text: fn(&str, &mut String),
    pub number: fn(&str) -> String,
    pub is_sorted: bool,
}

impl Notation {
    pub(super) fn print(&self, value: &Value) -> Vec<u8> {
        let mut out = String::new();
        self.write(value, &mut out);
        out.into_bytes()
    }

    fn write(&self, value: &Value, out: &mut String) {
        match value {
            Value::Null => out.push_str(self.words[0]),
            Value::Bool(true) => out.push_str(self.words[1]),
            Value::Bool(false) => out.push_str(self.words[2]),
            Value::Number(number) => out.push_str(&(self.number)(&number.to_string())),
            Value::String(text) => (self.text)(text, out),
            Value::Array(values) => {
                out.push_str(self.array[0]);
                for (index, value) in values.iter().enumerate() {
                    out.push_str(if index > 0 { self.comma } else { "" });
                    self.write(value, out);
                }
                out.push_str(self.array[1]);
            }
            Value::Object(members) => {
                out.push_str(self.object[0]);
                for (index, (key, value)) in ordered(members, self.is_sorted).into_iter().enumerate() {
                    out.push_str(if index > 0 { self.comma } else { "" });
                    (self.key)(key, out);
                    out.push_str(self.pair);
                    self.write(value, out);
                }
                out.push_str(self.object[1]);
            }
        }
    }
}

/// Lists the members of an object in their order or sorted by bytes.
pub(super) fn ordered(members: &Map<String, Value>, is_sorted: bool) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    if is_sorted {
        members.sort_by_key(|(key, _)| *key);
    }
    members
}

fn plain(text: &str, out: &mut String) {
    out.push_str(text);
}

/// Writes a text in single quotes as Python's `repr` does; in double ones if only single quotes
/// are inside.
fn python_text(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if char == quote => out.extend(['\\', char]),
            _ if char < ' ' || matches!(char, '\u{7f}'..='\u{a0}' | '\u{ad}') => {
                out.push_str(&format!("\\x{:02x}", u32::from(char)));
            }
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}' => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => out.push(char),
        }
    }
    out.push(quote);
}

/// Writes a text as Ruby's `inspect` does.
fn ruby_text(text: &str, out: &mut String) {
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '#' if matches!(chars.peek(), Some('{' | '$' | '@')) => out.push_str("\\#"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            _ if char < ' ' || char == '\u{7f}' => out.push_str(&format!("\\x{:02X}", u32::from(char))),
            _ => out.push(char),
        }
    }
    out.push('"');
}

/// Writes a key as Ruby's `inspect` of a symbol does.
fn ruby_symbol(key: &str, out: &mut String) {
    out.push(':');
    if is_word(key) { out.push_str(key) } else { ruby_text(key, out) }
}

/// Writes a key as Ruby 3.4 does for a symbol.
fn ruby_label(key: &str, out: &mut String) {
    if is_word(key) {
        out.push_str(key)
    } else {
        ruby_text(key, out)
    }
    out.push(':');
}

fn is_word(text: &str) -> bool {
    !text.starts_with(|char: char| char.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

/// Writes a text in double quotes with backslashes, as Go, Elixir and Rust do for usual text.
fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(char),
        }
    }
    out.push('"');
}

fn rust_string(text: &str, out: &mut String) {
    out.push_str("String(");
    quoted(text, out);
    out.push(')');
}

pub(super) static PYTHON: Notation = Notation {
    object: ["{", "}"],
    array: ["[", "]"],
    pair: ": ",
    comma: ", ",
    words: ["None", "True", "False"],
    key: python_text,
    text: python_text,
    number: |number| format_number(number, Language::Python),
    is_sorted: false,
};

pub(super) static RUBY: Notation = Notation {
    pair: "=>",
    words: ["nil", "true", "false"],
    key: ruby_text,
    text: ruby_text,
    number: |number| format_number(number, Language::Ruby),
    ..PYTHON
};

/// Ruby since 3.4.
pub(super) static NEW_RUBY: Notation = Notation { pair: " => ", ..RUBY };
pub(super) static RUBY_SYMBOLS: Notation = Notation { key: ruby_symbol, ..RUBY };
pub(super) static NEW_RUBY_SYMBOLS: Notation = Notation { key: ruby_label, pair: " ", ..RUBY };

/// Go's `%v` of a `map[string]any`.
pub(super) static GO: Notation = Notation {
    object: ["map[", "]"],
    array: ["[", "]"],
    pair: ":",
    comma: " ",
    words: ["<nil>", "true", "false"],
    key: plain,
    text: plain,
    number: |number| format_number(number, Language::Go),
    is_sorted: true,
};

/// Go's `%#v` of a `map[string]any`.
pub(super) static GO_SYNTAX: Notation = Notation {
    object: ["map[string]interface {}{", "}"],
    array: ["[]interface {}{", "}"],
    comma: ", ",
    words: ["interface {}(nil)", "true", "false"],
    key: quoted,
    text: quoted,
    ..GO
};

/// Go's `%v` of a struct with these fields: values only.
pub(super) static GO_STRUCT: Notation =
    Notation { object: ["{", "}"], pair: "", key: |_, _| (), is_sorted: false, ..GO };

/// Java's `toString` of maps and lists.
pub(super) static JAVA: Notation = Notation {
    object: ["{", "}"],
    array: ["[", "]"],
    pair: "=",
    comma: ", ",
    words: ["null", "true", "false"],
    key: plain,
    text: plain,
    number: |number| format_number(number, Language::Java),
    is_sorted: false,
};

/// Elixir's `inspect` of a decoded map.
pub(super) static ELIXIR: Notation = Notation {
    object: ["%{", "}"],
    pair: " => ",
    words: ["nil", "true", "false"],
    key: quoted,
    text: quoted,
    is_sorted: true,
    ..PYTHON
};

/// Rust's `{:?}` of a `serde_json::Value`.
pub(super) static RUST: Notation = Notation {
    object: ["Object {", "}"],
    array: ["Array [", "]"],
    words: ["Null", "Bool(true)", "Bool(false)"],
    key: quoted,
    text: rust_string,
    number: |number| format!("Number({number})"),
    ..PYTHON
};

/// Prints an `OrderedDict` of plain values as Python before 3.12 does.
pub(super) fn ordered_dict(value: &Value) -> Option<Vec<u8>> {
    Some([b"OrderedDict(", &pairs_list(value)?[..], b")"].concat())
}

/// Prints the items of a dict as Python does.
pub(super) fn dict_items(value: &Value) -> Option<Vec<u8>> {
    Some([b"dict_items(", &pairs_list(value)?[..], b")"].concat())
}

fn pairs_list(value: &Value) -> Option<Vec<u8>> {
    let text = |value: &Value| String::from_utf8_lossy(&PYTHON.print(value)).into_owned();
    let pair = |(key, value): (&String, &Value)| format!("({}, {})", text(&Value::String(key.clone())), text(value));
    let pairs: Vec<_> = value.as_object()?.iter().map(pair).collect();
    Some(format!("[{}]", pairs.join(", ")).into_bytes())
}

/// Lua tables, Perl's hashes and others have no fixed order, so they are not listed here.
pub(super) fn powershell(value: &Value) -> Option<Vec<u8>> {
    let members = value.as_object()?;
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Object(_) => String::new(),
        Value::Bool(truth) => if *truth { "True" } else { "False" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(_) => "System.Object[]".to_owned(),
    };
    let members: Vec<_> = members.iter().map(|(key, value)| format!("{key}={}", text(value))).collect();
    Some(format!("@{{{}}}", members.join("; ")).into_bytes())
}
