//! Writes a document as a serializer would, in one loop over a stack of open brackets.

use super::document::{Document, Node};
use super::serializer::{Layout, NumberRule, Serializer, StringRule};
use super::string;
use super::token::{Bracket, TokenKind};

/// Indentation that an output may have per byte of the document, and at least. Beyond that, lines
/// are not indented: no signature will match such a text, and a hostile document cannot demand
/// gigabytes of spaces.
const INDENTATION_PER_BYTE: usize = 32;
const INDENTATION_AT_LEAST: usize = 1 << 18;

/// An unfinished object or array.
struct OpenContainer {
    /// The remaining elements, or the keys of the remaining members, last first.
    rest: Vec<usize>,
    bracket: Bracket,
    is_empty: bool,
}

struct Writer<'d> {
    serializer: &'d Serializer,
    document: &'d Document<'d>,
    out: Vec<u8>,
    open: Vec<OpenContainer>,
    /// The number of open brackets that indent their lines.
    levels: usize,
    indentation_left: usize,
}

/// Writes the document as `serializer` does.
pub(super) fn write(serializer: &Serializer, document: &Document) -> Vec<u8> {
    let length = document.text().len();
    let mut writer = Writer {
        serializer,
        document,
        out: Vec::with_capacity(length + length / 4),
        open: Vec::new(),
        levels: 0,
        indentation_left: length.saturating_mul(INDENTATION_PER_BYTE).max(INDENTATION_AT_LEAST),
    };
    writer.value(0);
    writer.write_open_containers();
    writer.out.extend_from_slice(serializer.end.as_bytes());
    writer.out
}

impl Writer<'_> {
    fn write_open_containers(&mut self) {
        while let Some(open) = self.open.last_mut() {
            let (bracket, next) = (open.bracket, open.rest.pop());
            let is_empty = std::mem::replace(&mut open.is_empty, false);
            match next {
                None => self.close(bracket, is_empty),
                Some(index) => {
                    self.separator(bracket, is_empty);
                    match bracket {
                        Bracket::Object => self.member(index),
                        Bracket::Array => self.value(index),
                    }
                }
            }
        }
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, index: usize) {
        let Some(node) = self.document.node(index) else { return };
        let text = self.document.raw_text(node);
        match node.kind {
            TokenKind::OpenObject => self.object(index),
            TokenKind::OpenArray => self.array(index, node),
            TokenKind::String => self.string(node),
            TokenKind::Number => self.number(text),
            _ => self.put(text),
        }
    }

    fn object(&mut self, index: usize) {
        let members = self.serializer.member_order;
        let mut keys = members.keys(self.document, index);
        let bracket = match members.is_list(self.document, &keys) {
            true => Bracket::Array,
            false => Bracket::Object,
        };
        if bracket == Bracket::Array {
            keys.iter_mut().for_each(|key| *key = members.value_of(self.document, *key));
        }
        keys.reverse();
        self.open_container(bracket, keys);
    }

    fn array(&mut self, index: usize, node: &Node) {
        let mut values = Vec::new();
        let mut value = index + 1;
        while value < node.next {
            values.push(value);
            value = self.document.node(value).map_or(node.next, |node| node.next);
        }
        values.reverse();
        self.open_container(Bracket::Array, values);
    }

    fn open_container(&mut self, bracket: Bracket, rest: Vec<usize>) {
        self.put(if bracket == Bracket::Object { "{" } else { "[" });
        self.levels += usize::from(self.is_multi_line(bracket));
        self.open.push(OpenContainer { rest, bracket, is_empty: true });
    }

    fn close(&mut self, bracket: Bracket, is_empty: bool) {
        let (layout, breaks) = (self.serializer.layout, self.is_multi_line(bracket));
        self.open.pop();
        self.levels -= usize::from(breaks);
        match (layout, bracket) {
            (Layout::Jackson, _) if is_empty => self.put(" "),
            (Layout::OldRuby, Bracket::Array) if is_empty => {
                self.put("\n");
                self.newline();
            }
            (Layout::OldRuby, Bracket::Object) if is_empty => self.newline(),
            _ if is_empty => {}
            _ if breaks => self.newline(),
            (Layout::Jackson, _) | (Layout::PaddedObjects, Bracket::Object) => self.put(" "),
            _ => {}
        }
        self.put(if bracket == Bracket::Object { "}" } else { "]" });
    }

    /// Writes the separator before a member or an element.
    fn separator(&mut self, bracket: Bracket, is_first: bool) {
        let breaks = self.is_multi_line(bracket);
        match self.serializer.layout {
            Layout::SingleLine { comma, .. } if !is_first => self.put(comma),
            Layout::PaddedObjects if !is_first => self.put(", "),
            Layout::PaddedObjects if bracket == Bracket::Object => self.put(" "),
            Layout::Jackson if !breaks && is_first => self.put(" "),
            Layout::Jackson if !breaks => self.put(", "),
            _ if !is_first => self.put(","),
            _ => {}
        }
        if breaks {
            self.newline();
        }
    }

    fn is_multi_line(&self, bracket: Bracket) -> bool {
        match self.serializer.layout {
            Layout::SingleLine { .. } | Layout::PaddedObjects => false,
            Layout::MultiLine { .. } | Layout::OldRuby => true,
            Layout::Jackson => bracket == Bracket::Object,
        }
    }

    fn newline(&mut self) {
        let unit = match self.serializer.layout {
            Layout::MultiLine { indentation } => indentation,
            Layout::SingleLine { .. } | Layout::PaddedObjects | Layout::OldRuby | Layout::Jackson => "  ",
        };
        self.put("\n");
        let Some(left) = self.indentation_left.checked_sub(unit.len() * self.levels) else { return };
        self.indentation_left = left;
        for _ in 0..self.levels {
            self.put(unit);
        }
    }

    fn member(&mut self, key: usize) {
        let document = self.document;
        if let Some(node) = document.node(key) {
            self.string(node);
        }
        self.put(match self.serializer.layout {
            Layout::SingleLine { colon, .. } => colon,
            Layout::MultiLine { .. } | Layout::PaddedObjects | Layout::OldRuby => ": ",
            Layout::Jackson => " : ",
        });
        self.value(self.serializer.member_order.value_of(document, key));
    }

    fn string(&mut self, node: &Node) {
        let text = self.document.raw_text(node);
        match self.serializer.strings {
            _ if node.is_verbatim => self.put(text),
            StringRule::Unchanged => self.put(text),
            StringRule::UnchangedHtmlSafe => string::write_html_safe(text, &mut self.out),
            StringRule::Escaped(escapes) => escapes.write(&string::decode(text), &mut self.out),
        }
    }

    fn number(&mut self, text: &str) {
        match self.serializer.numbers {
            NumberRule::Unchanged => self.put(text),
            NumberRule::Formatted(format) => format.write(text, &mut self.out),
        }
    }
}
