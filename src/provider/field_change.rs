//! Changes of single fields of a payload, from `--set`.
//!
//! Only the value changes: numbers, escapes, whitespace, order and repeated names of the rest keep
//! their bytes.

use crate::json::{self, EditableJson, Place, SyntaxError, TokenKind, Tokens};

/// A change of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Field names and array positions from the top: `data.items.0.quantity` or
    /// `data.items[0].quantity`. A backslash keeps a dot or bracket in a name.
    pub path: Vec<String>,
    pub value: NewValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewValue {
    /// `path=text`: converted to the type of the field.
    Text(String),
    /// `path:=json`: used as it is spelled.
    Json(String),
}

/// A change that cannot be parsed or applied.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FieldChangeError {
    #[error("`{0}` is not a field change; use path=value or path:=json")]
    Form(String),
    #[error("`{0}` is not JSON")]
    NotJson(String),
    #[error("--set needs a JSON payload: {0}")]
    Payload(SyntaxError),
    #[error("the payload has no `{missing}` (found: {present})")]
    NoField {
        /// The path up to the missing part.
        missing: String,
        /// The fields or items at that level.
        present: String,
    },
    /// The text does not fit the type of the field.
    #[error("`{path}` is {kind}, but `{text}` is not; use {path}:=JSON to change the type")]
    Type {
        path: String,
        /// Type of the field, as `a number`.
        kind: &'static str,
        text: String,
    },
}

/// A payload with one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPayload {
    pub body: Vec<u8>,
    pub outcome: ChangeOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    Replaced,
    /// The name is there this often, and the last one was changed.
    ReplacedLast(usize),
    Added,
}

impl std::str::FromStr for FieldChange {
    type Err = FieldChangeError;

    fn from_str(text: &str) -> Result<Self, FieldChangeError> {
        let (path, value) = text.split_once('=').ok_or_else(|| FieldChangeError::Form(text.to_owned()))?;
        let (path, value) = match path.strip_suffix(':') {
            Some(_) if !json::is_valid(value.as_bytes()) => return Err(FieldChangeError::NotJson(value.to_owned())),
            Some(path) => (path, NewValue::Json(value.trim().to_owned())),
            None => (path, NewValue::Text(value.to_owned())),
        };
        let path = parse_path(path).ok_or_else(|| FieldChangeError::Form(text.to_owned()))?;
        Ok(Self { path, value })
    }
}

/// Splits a path at dots and brackets. `None`: a part is empty, or a bracket is not closed.
fn parse_path(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if matches!(letters.peek(), Some('.' | '[' | ']' | '\\')) => part.extend(letters.next()),
            '.' if part.is_empty() => return None,
            '.' => parts.push(std::mem::take(&mut part)),
            '[' => {
                if !part.is_empty() {
                    parts.push(std::mem::take(&mut part));
                }
                let index: String = letters.by_ref().take_while(|&letter| letter != ']').collect();
                if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                match letters.next() {
                    None => {
                        parts.push(index);
                        return text.ends_with(']').then_some(parts);
                    }
                    Some('.') if letters.peek().is_some() => parts.push(index),
                    Some('[') => {
                        // The next index follows directly.
                        parts.push(index);
                        let rest: String = std::iter::once('[').chain(letters).collect();
                        parts.extend(parse_path(&rest)?);
                        return Some(parts);
                    }
                    Some(_) => return None,
                }
            }
            letter => part.push(letter),
        }
    }
    (!part.is_empty()).then(|| {
        parts.push(part);
        parts
    })
}

impl FieldChange {
    /// Applies the change to the bytes. A missing last field is added, as a string unless given as
    /// JSON; any other missing part is an error.
    pub fn apply(&self, body: &[u8]) -> Result<ChangedPayload, FieldChangeError> {
        let json = EditableJson::parse(body).map_err(FieldChangeError::Payload)?;
        let place = json.find(&self.path).map_err(|part| FieldChangeError::NoField {
            missing: self.path.get(..=part.depth).unwrap_or(&self.path).join("."),
            present: part.present,
        })?;
        let (kind, outcome) = match place {
            Place::Value { kind, repeats: 1, .. } => (Some(kind), ChangeOutcome::Replaced),
            Place::Value { kind, repeats, .. } => (Some(kind), ChangeOutcome::ReplacedLast(repeats)),
            Place::NewMember(_) => (None, ChangeOutcome::Added),
        };
        let name = self.path.last().map(String::as_str).unwrap_or_default();
        Ok(ChangedPayload { body: json.with(&place, name, &self.json_for(kind)?), outcome })
    }

    /// Spells the new value for a field of this type.
    fn json_for(&self, old: Option<TokenKind>) -> Result<String, FieldChangeError> {
        let text = match &self.value {
            NewValue::Json(json) => return Ok(json.clone()),
            NewValue::Text(text) => text,
        };
        let is = |kinds: &[TokenKind]| {
            let mut tokens = Tokens::new(text.as_bytes());
            let is_one = matches!(tokens.next(), Some(Ok(token)) if kinds.contains(&token.kind));
            is_one && tokens.next().is_none()
        };
        let unless = |kind, is_fitting: bool| {
            let error = || FieldChangeError::Type { path: self.path.join("."), kind, text: text.clone() };
            is_fitting.then(|| text.clone()).ok_or_else(error)
        };
        match old {
            Some(TokenKind::Number) => unless("a number", is(&[TokenKind::Number])),
            Some(TokenKind::True | TokenKind::False) => {
                unless("true or false", is(&[TokenKind::True, TokenKind::False]))
            }
            Some(TokenKind::OpenArray) => unless("an array", false),
            Some(TokenKind::OpenObject) => unless("an object", false),
            _ => {
                let mut string = Vec::new();
                json::text::write_string(text, &mut string);
                Ok(String::from_utf8(string).unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(body: &str, change: &str) -> Result<(String, ChangeOutcome), FieldChangeError> {
        let ChangedPayload { body, outcome } = change.parse::<FieldChange>()?.apply(body.as_bytes())?;
        Ok((String::from_utf8(body).unwrap(), outcome))
    }

    #[test]
    fn a_change_keeps_the_type_of_the_field() {
        let body = r#"{"data":{"amount":"10000","count":3,"live":true,"note":null}}"#;
        let data = |change: &str| changed(body, change).map(|(body, _)| body);
        for (change, old, new) in [
            ("data.amount=5000", "\"10000\"", "\"5000\""),
            ("data.amount=\"a\\b\"", "\"10000\"", r#""\"a\\b\"""#),
            ("data.count=5000.00", "3", "5000.00"),
            ("data.count=123456789012345678901234567890", "3", "123456789012345678901234567890"),
            ("data.count=1e5", "3", "1e5"),
            ("data.live=false", "true", "false"),
            ("data.note=x=y", "null", "\"x=y\""),
            ("data.amount:=5", "\"10000\"", "5"),
            ("data.amount:= {\"a\" : 1.0} ", "\"10000\"", "{\"a\" : 1.0}"),
        ] {
            assert_eq!(data(change).unwrap(), body.replacen(old, new, 1), "{change}");
        }
        for change in ["data.count=many", "data.count=01", "data.count=1 ", "data.count=NaN"] {
            assert!(matches!(data(change), Err(FieldChangeError::Type { kind: "a number", .. })), "{change}");
        }
        assert!(matches!(data("data=1"), Err(FieldChangeError::Type { kind: "an object", .. })));
        assert!(matches!(data("a:={"), Err(FieldChangeError::NotJson(_))));
    }

    #[test]
    fn nothing_but_the_value_changes() {
        let body = "\u{feff}{\r\n\t\"a\" : 27000.00 ,\"big\":12345678901234567890123,\"s\":\"\\u00e9\\/\\ud800é\",\r\n\"d\": 1,\"e\":[ 1.0e2,{\"q\":-0} ],\"d\":2 }\r\n";
        let (text, outcome) = changed(body, "e[1].q=7").unwrap();
        assert_eq!((text, outcome), (body.replace("-0", "7"), ChangeOutcome::Replaced));
        assert_eq!(changed(body, "e.0=3").unwrap().0, body.replace("1.0e2", "3"));
        // Parsers use the last of equal names.
        let (text, outcome) = changed(body, "d=3").unwrap();
        assert_eq!((text, outcome), (body.replace(":2 }", ":3 }"), ChangeOutcome::ReplacedLast(2)));
    }

    #[test]
    fn names_with_escapes_dots_and_brackets_are_found() {
        let body = r#"{"am\u006funt":1,"a.b":{"c[0]":2},"x":[[3,4]]}"#;
        assert_eq!(changed(body, "amount=5").unwrap().0, body.replace(":1", ":5"));
        assert_eq!(changed(body, r"a\.b.c\[0\]=5").unwrap().0, body.replace(":2", ":5"));
        assert_eq!(changed(body, "x[0][1]=5").unwrap().0, body.replace(",4", ",5"));
    }

    #[test]
    fn a_missing_last_field_is_added_in_the_layout_of_the_others() {
        for (body, change, expected) in [
            (
                r#"{"items":[{"n":1}],"metadata":{}}"#,
                "metadata.order=77",
                r#"{"items":[{"n":1}],"metadata":{"order":"77"}}"#,
            ),
            ("{\n  \"a\": 1\n}\n", "b:=true", "{\n  \"a\": 1,\n  \"b\": true\n}\n"),
            ("{\"a\": 1, \"b\": 2}", "é=x", "{\"a\": 1, \"b\": 2, \"é\": \"x\"}"),
        ] {
            assert_eq!(changed(body, change).unwrap(), (expected.to_owned(), ChangeOutcome::Added));
        }
    }

    #[test]
    fn an_unknown_path_lists_the_existing_fields() {
        let body = r#"{"data":{"amount":"1","currency":"CVE"},"l":[1]}"#;
        let message = |change: &str| changed(body, change).unwrap_err().to_string();
        assert_eq!(message("dat.amount=1"), "the payload has no `dat` (found: data, l)");
        assert_eq!(message("data.amount.x=1"), "the payload has no `data.amount.x` (found: no fields)");
        assert_eq!(message("l[1]=1"), "the payload has no `l.1` (found: 1 items)");
        for text in ["amount", "a..b=1", "=1", "a.=1", "a[=1", "a[x]=1", "a[0=1", "a[0]b=1", "[]=1"] {
            assert!(matches!(text.parse::<FieldChange>(), Err(FieldChangeError::Form(_))), "{text}");
        }
        let not_json = "a=1".parse::<FieldChange>().unwrap().apply(b"a=1").unwrap_err().to_string();
        assert_eq!(not_json, "--set needs a JSON payload: unexpected byte at byte 0");
    }
}
