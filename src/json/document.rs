//! Parses a JSON document into a flat list of its keys and values.
//!
//! Each node knows the index of the next one on its level, so the list can be walked as a tree
//! without recursion. Repeated keys are found once here, because every serializer needs them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::order::is_array_index;
use super::string;
use super::token::{SyntaxError, Token, TokenKind, Tokens};

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// An opening bracket, a key or a scalar.
    pub kind: TokenKind,
    start: usize,
    end: usize,
    /// The node is a string or a key that every serializer writes as it stands.
    pub is_verbatim: bool,
    /// Offset after the value; for a key, after the key itself.
    value_end: usize,
    /// Index of the node after this one and its contents.
    pub next: usize,
    /// For a key: index of the value if the last of several equal keys wins. `None` for a key that
    /// is not the first of its name.
    pub last_value: Option<usize>,
}

/// A JSON document, parsed once and written many times.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    /// Parses a whole text. Fails with the offset of the first wrong byte.
    pub fn parse(text: &'a [u8]) -> Result<Document<'a>, SyntaxError> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for token in Tokens::new(text) {
            let token = token?;
            match token.kind {
                TokenKind::Colon | TokenKind::Comma | TokenKind::Space => {}
                TokenKind::CloseObject | TokenKind::CloseArray => {
                    let after = nodes.len();
                    if let Some(node) = open.pop().and_then(|index| nodes.get_mut(index)) {
                        node.next = after;
                        node.value_end = token.end;
                    }
                }
                TokenKind::OpenObject | TokenKind::OpenArray => {
                    open.push(nodes.len());
                    nodes.push(Node::new(token, nodes.len()));
                }
                _ => nodes.push(Node::new(token, nodes.len())),
            }
        }
        let text = std::str::from_utf8(text).map_err(|error| SyntaxError {
            offset: error.valid_up_to(),
            kind: super::token::SyntaxErrorKind::NotUtf8,
        })?;
        for node in nodes.iter_mut().filter(|node| matches!(node.kind, TokenKind::Key | TokenKind::String)) {
            node.is_verbatim = string::is_verbatim(&text[node.start..node.end]);
        }
        let mut document = Document { text, nodes };
        document.find_repeated_keys();
        Ok(document)
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Returns true if all serializers with the same layout and order write the same: strings have
    /// no character that any language escapes, numbers are whole and small, and there are no nulls,
    /// empty objects, repeated names or names that look like an index.
    pub fn is_plain(&self) -> bool {
        let is_plain_text =
            |text: &str| text.bytes().all(|byte| (b' '..0x7f).contains(&byte) && !b"\\/<>&'=`".contains(&byte));
        self.nodes.iter().enumerate().all(|(index, node)| {
            let text = self.raw_text(node);
            match node.kind {
                TokenKind::Key => {
                    let name = text.trim_matches('"');
                    is_plain_text(text) && node.last_value == Some(index + 1) && !is_array_index(name.as_bytes())
                }
                TokenKind::String => is_plain_text(text),
                TokenKind::Number => text.len() < 15 && text != "-0" && text.parse::<i64>().is_ok(),
                TokenKind::OpenObject | TokenKind::OpenArray => node.next > index + 1,
                TokenKind::Null => false,
                _ => true,
            }
        })
    }

    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// Returns the node's text in the document; only the opening bracket for an object or array.
    pub(super) fn raw_text(&self, node: &Node) -> &'a str {
        self.text.get(node.start..node.end).unwrap_or_default()
    }

    /// Returns the node's text in the document, with the contents of an object or array.
    pub(super) fn whole_text(&self, node: &Node) -> &'a str {
        self.text.get(node.start..node.value_end).unwrap_or_default()
    }

    /// Iterates over the keys of the object at `index`, in the order of the text, repeated ones
    /// included.
    pub(super) fn keys(&self, index: usize) -> impl Iterator<Item = usize> {
        let end = self.node(index).map_or(0, |node| node.next);
        let mut key = index + 1;
        std::iter::from_fn(move || {
            let current = key;
            (current < end).then(|| {
                key = self.node(current + 1).map_or(end, |value| value.next);
                current
            })
        })
    }

    fn find_repeated_keys(&mut self) {
        let mut found: Vec<(usize, Option<usize>)> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if node.kind != TokenKind::OpenObject {
                continue;
            }
            // A new map for each object: clearing one that a large object grew costs its whole
            // capacity.
            let mut seen: HashMap<Cow<'a, [u8]>, usize> = HashMap::new();
            for key in self.keys(index) {
                let Some(name) = self.node(key).map(|node| string::decode(self.raw_text(node))) else { continue };
                match seen.get(&name) {
                    Some(first) => found.extend([(*first, Some(key + 1)), (key, None)]),
                    None => _ = seen.insert(name, key),
                }
            }
        }
        for (key, last_value) in found {
            if let Some(node) = self.nodes.get_mut(key) {
                node.last_value = last_value;
            }
        }
    }
}

impl Node {
    fn new(token: Token, index: usize) -> Node {
        let last_value = (token.kind == TokenKind::Key).then_some(index + 1);
        let Token { kind, start, end } = token;
        Node { kind, start, end, is_verbatim: false, value_end: end, next: index + 1, last_value }
    }
}
