//! Reads headers from JSON: a map, a map of lists, pairs, name and value objects, a flat list, or
//! text.

use super::super::note::Note;
use super::fields::normalized;
use crate::json::{Document, TokenKind, ValueView};
use crate::model::message::Headers;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Headers from JSON, and what else stood between them.
#[derive(Default)]
pub(super) struct JsonHeaders {
    pub headers: Headers,
    /// `:method` and `:path` of HTTP/2.
    pub method: Option<String>,
    pub path: Option<String>,
    pub notes: Vec<Note>,
}

const NAMES: &[&str] = &["name", "key", "header", "field", "k"];
const VALUES: &[&str] = &["value", "values", "val", "stringvalue", "v"];

impl JsonHeaders {
    /// Reads headers in any form. An object without headers gives none.
    pub fn read(value: ValueView<'_>) -> Self {
        let mut read = Self::default();
        read.add_any(value, 0);
        read
    }

    fn add_any(&mut self, value: ValueView<'_>, depth: u8) {
        match value.kind() {
            TokenKind::OpenObject => self.add_map(value, depth),
            TokenKind::OpenArray => self.add_list(value),
            TokenKind::String => self.add_text(value, depth),
            _ => {}
        }
    }

    /// Reads a map; its values may be lists. Charles puts the list one level deeper.
    fn add_map(&mut self, map: ValueView<'_>, depth: u8) {
        let inner = map.members().find(|(name, value)| name == "headers" && value.is_list());
        if let (Some((_, inner)), 0) = (inner, depth) {
            return self.add_any(inner, 1);
        }
        for (name, value) in map.members() {
            if value.is_list() {
                for element in value.elements() {
                    // Lambda@Edge writes `"host": [{"key": "Host", "value": "a"}]`.
                    let written =
                        if element.is_object() { first_of(element, NAMES).and_then(ValueView::text) } else { None };
                    self.push(written.as_deref().unwrap_or(&name), element);
                }
            } else {
                self.push(&name, value);
            }
        }
    }

    fn add_list(&mut self, list: ValueView<'_>) {
        let elements: Vec<_> = list.elements().collect();
        let texts: Option<Vec<String>> = elements.iter().map(|element| element.text()).collect();
        match texts {
            Some(texts) if texts.first().is_some_and(|text| text.contains(':') && !text.starts_with(':')) => {
                texts.iter().for_each(|line| self.add_line(line));
            }
            Some(_) => elements.chunks_exact(2).for_each(|pair| {
                if let (Some(name), value) = (pair[0].text(), pair[1]) {
                    self.push(&name, value);
                }
            }),
            None => elements.into_iter().for_each(|element| self.add_element(element)),
        }
    }

    /// Reads `["Host", "a"]`, `{"name": "Host", "value": "a"}` or `{"Host": "a"}`.
    fn add_element(&mut self, element: ValueView<'_>) {
        if element.is_list() {
            let mut pair = element.elements();
            if let (Some(name), Some(value)) = (pair.next().and_then(ValueView::text), pair.next()) {
                self.push(&name, value);
            }
            return;
        }
        let is_disabled = element.get("disabled").is_some_and(|value| value.kind() == TokenKind::True);
        match (first_of(element, NAMES).and_then(ValueView::text), first_of(element, VALUES)) {
            _ if is_disabled => {}
            (Some(name), Some(value)) => self.push(&name, value),
            _ => element.members().for_each(|(name, value)| self.push(&name, value)),
        }
    }

    /// Reads JSON in a string, or lines of `Name: value`.
    fn add_text(&mut self, value: ValueView<'_>, depth: u8) {
        let Some(text) = value.text() else { return };
        if depth == 0
            && text.trim_start().starts_with(['{', '['])
            && let Ok(document) = Document::parse(text.as_bytes())
            && let Some(root) = ValueView::at(&document, 0)
        {
            return self.add_any(root, 1);
        }
        text.lines().for_each(|line| self.add_line(line));
    }

    fn add_line(&mut self, line: &str) {
        if let Some((name, value)) = line.split_once(':') {
            self.push_bytes(name.trim(), value.trim().as_bytes());
        }
    }

    fn push(&mut self, name: &str, value: ValueView<'_>) {
        match value.kind() {
            TokenKind::String => self.push_bytes(name, &value.bytes().unwrap_or_default()),
            TokenKind::Number | TokenKind::True | TokenKind::False => {
                self.push_bytes(name, value.spelling().as_bytes())
            }
            TokenKind::OpenArray => value.elements().for_each(|element| self.push(name, element)),
            TokenKind::OpenObject => {
                let base64 = value.get("base64").and_then(ValueView::bytes);
                match (base64.map(|text| STANDARD.decode(&text)), first_of(value, VALUES)) {
                    (Some(Ok(bytes)), _) => self.push_bytes(name, &bytes),
                    (_, Some(inner)) if !inner.is_object() => self.push(name, inner),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn push_bytes(&mut self, name: &str, value: &[u8]) {
        let text = || String::from_utf8_lossy(value).trim().to_owned();
        match name {
            ":method" => self.method = Some(text()),
            ":path" => self.path = Some(text()),
            _ if name.starts_with(':') => {}
            _ => {
                if self.headers.push(name, value.trim_ascii()).is_err() {
                    self.notes.push(Note::HeaderSkipped(name.to_owned()));
                }
            }
        }
    }
}

/// Returns the first member whose name is in the list, in the order of the list.
fn first_of<'d>(object: ValueView<'d>, names: &[&str]) -> Option<ValueView<'d>> {
    names.iter().find_map(|name| {
        object
            .members()
            .find(|(other, value)| normalized(other) == *name && value.kind() != TokenKind::Null)
            .map(|(_, value)| value)
    })
}
