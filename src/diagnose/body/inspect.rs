//! Prints parsed JSON as Node's `util.inspect` does, which `console.log` and `%o` use.

use serde_json::Value;

/// Objects nested deeper are printed as `[Object]`.
const DEPTH: usize = 2;
/// The longest line before an object is broken into several.
const BREAK_LENGTH: usize = 80;
/// An object with more inner levels than this is broken into several lines.
const COMPACT: usize = 3;

/// Prints a value with Node's default options.
pub(super) fn inspect(value: &Value) -> Vec<u8> {
    Inspector { indentation: 0, current_depth: 0 }.format(value, 0).into_bytes()
}

struct Inspector {
    /// The indentation of the object that is being formatted.
    indentation: usize,
    /// The depth of the object that was entered last.
    current_depth: usize,
}

impl Inspector {
    fn format(&mut self, value: &Value, depth: usize) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Bool(truth) => truth.to_string(),
            Value::Number(number) => crate::json::format_number(&number.to_string(), crate::json::Language::JavaScript),
            Value::String(text) => quote(text),
            Value::Array(_) if depth > DEPTH => "[Array]".to_owned(),
            Value::Object(_) if depth > DEPTH => "[Object]".to_owned(),
            Value::Array(values) => {
                self.current_depth = depth;
                let shown = values.iter().take(100).map(|value| self.child(value, depth)).collect();
                self.join(shown, ["[", "]"], depth)
            }
            Value::Object(members) => {
                self.current_depth = depth;
                let shown = members.iter().map(|(key, value)| format!("{}: {}", name(key), self.child(value, depth)));
                let shown = shown.collect();
                self.join(shown, ["{", "}"], depth)
            }
        }
    }

    fn child(&mut self, value: &Value, depth: usize) -> String {
        self.indentation += 2;
        let text = self.format(value, depth + 1);
        self.indentation -= 2;
        text
    }

    fn join(&self, parts: Vec<String>, [open, close]: [&str; 2], depth: usize) -> String {
        if parts.is_empty() {
            return format!("{open}{close}");
        }
        if self.current_depth - depth < COMPACT {
            let start = parts.len() + self.indentation + open.len() + 10;
            let length: usize = parts.iter().map(|part| part.chars().count()).sum::<usize>() + parts.len() + start;
            let line = parts.join(", ");
            if length <= BREAK_LENGTH && !line.contains('\n') {
                return format!("{open} {line} {close}");
            }
        }
        let margin = format!("\n{}", " ".repeat(self.indentation));
        format!("{open}{margin}  {}{margin}{close}", parts.join(&format!(",{margin}  ")))
    }
}

fn name(key: &str) -> String {
    let mut chars = key.chars();
    let is_start = chars.next().is_some_and(|char| char.is_ascii_alphabetic() || char == '_');
    if is_start && chars.all(|char| char.is_ascii_alphanumeric() || char == '_') { key.to_owned() } else { quote(key) }
}

/// Quotes a text: in single quotes unless it contains them.
fn quote(text: &str) -> String {
    let quote = match (text.contains('\''), text.contains('"'), text.contains('`') || text.contains("${")) {
        (false, ..) => '\'',
        (true, false, _) => '"',
        (true, true, false) => '`',
        (true, true, true) => '\'',
    };
    let mut out = String::from(quote);
    for char in text.chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\\' => out.push_str("\\\\"),
            '\'' if quote == '\'' => out.push_str("\\'"),
            _ if char < ' ' || matches!(char, '\u{7f}'..='\u{9f}') => {
                out.push_str(&format!("\\x{:02X}", u32::from(char)));
            }
            _ => out.push(char),
        }
    }
    out.push(quote);
    out
}
