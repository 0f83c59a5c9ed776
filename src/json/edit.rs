//! Changes one value of a JSON text and leaves every other byte as it is.

use super::string;
use super::text::write_string;
use super::token::{SyntaxError, Token, TokenKind, Tokens};
use std::ops::Range;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A JSON text whose values can be found and replaced.
#[derive(Debug)]
pub struct EditableJson<'a> {
    text: &'a [u8],
    /// Everything but whitespace, with offsets in `text`.
    tokens: Vec<Token>,
}

/// The place of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Value {
        range: Range<usize>,
        /// The first token of the value.
        kind: TokenKind,
        /// How often a name on the way is repeated in its object; parsers use the last one. 1: not.
        repeats: usize,
    },
    /// A member that its object does not have. The index of the object's first token.
    NewMember(usize),
}

/// The first part of a path that a text does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPart {
    /// Index in the path.
    pub depth: usize,
    /// The names or the number of the values at that level.
    pub present: String,
}

impl<'a> EditableJson<'a> {
    /// Reads a text, which may start with a byte order mark.
    pub fn parse(text: &'a [u8]) -> Result<Self, SyntaxError> {
        let offset = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let mut tokens = Vec::new();
        for token in Tokens::new(text.get(offset..).unwrap_or_default()) {
            let Token { kind, start, end } = token?;
            if kind != TokenKind::Space {
                tokens.push(Token { kind, start: start + offset, end: end + offset });
            }
        }
        Ok(Self { text, tokens })
    }

    /// Finds the value at a path of names and array positions. Only its last part may be missing, as
    /// a member of an object.
    pub fn find(&self, path: &[String]) -> Result<Place, MissingPart> {
        let (mut at, mut most) = (0, 1);
        for (depth, name) in path.iter().enumerate() {
            let children = self.children(at);
            let missing = || MissingPart { depth, present: self.describe(at, &children) };
            let found = match self.kind(at) {
                Some(TokenKind::OpenObject) => {
                    let is_named = |key: &Option<usize>| key.is_some_and(|key| self.name(key) == name.as_bytes());
                    let mut matching = children.iter().filter(|(key, _)| is_named(key));
                    most = most.max(matching.clone().count());
                    matching.next_back()
                }
                Some(TokenKind::OpenArray) => name.parse::<usize>().ok().and_then(|index| children.get(index)),
                _ => None,
            };
            match found {
                Some((_, value)) => at = *value,
                None if depth + 1 == path.len() && self.kind(at) == Some(TokenKind::OpenObject) => {
                    return Ok(Place::NewMember(at));
                }
                None => return Err(missing()),
            }
        }
        let range = self.start(at)..self.end(self.last_token(at));
        Ok(Place::Value { range, kind: self.kind(at).unwrap_or(TokenKind::Null), repeats: most })
    }

    /// Writes the text with `json` at a place. A new member follows the others, in their layout.
    pub fn with(&self, place: &Place, name: &str, json: &str) -> Vec<u8> {
        let (range, piece) = match place {
            Place::Value { range, .. } => (range.clone(), json.as_bytes().to_vec()),
            Place::NewMember(object) => self.new_member(*object, name, json),
        };
        let part = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        [part(0..range.start), &piece, part(range.end..self.text.len())].concat()
    }

    fn new_member(&self, object: usize, name: &str, json: &str) -> (Range<usize>, Vec<u8>) {
        let part = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        let mut piece = Vec::new();
        let at = match self.children(object).last().copied() {
            Some((Some(key), value)) => {
                let last = self.last_token(value);
                // The whitespace before and after the last name is that of the new one.
                piece.push(b',');
                piece.extend_from_slice(part(self.end(key - 1)..self.start(key)));
                write_string(name, &mut piece);
                piece.extend_from_slice(part(self.end(key)..self.start(value)));
                self.end(last)
            }
            _ => {
                write_string(name, &mut piece);
                piece.push(b':');
                self.end(object)
            }
        };
        piece.extend_from_slice(json.as_bytes());
        (at..at, piece)
    }

    /// Returns the members or items of a value: the token of the name, and the first one of the value.
    fn children(&self, parent: usize) -> Vec<(Option<usize>, usize)> {
        let is_object = self.kind(parent) == Some(TokenKind::OpenObject);
        if !is_object && self.kind(parent) != Some(TokenKind::OpenArray) {
            return Vec::new();
        }
        let (mut children, mut at) = (Vec::new(), parent + 1);
        while let Some(kind) = self.kind(at) {
            match kind {
                TokenKind::CloseObject | TokenKind::CloseArray => break,
                TokenKind::Comma => at += 1,
                TokenKind::Key => {
                    children.push((Some(at), at + 2));
                    at = self.last_token(at + 2) + 1;
                }
                _ => {
                    children.push((None, at));
                    at = self.last_token(at) + 1;
                }
            }
        }
        children
    }

    /// Returns the last token of the value that starts here.
    fn last_token(&self, first: usize) -> usize {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(first) {
            match token.kind {
                TokenKind::OpenObject | TokenKind::OpenArray => depth += 1,
                TokenKind::CloseObject | TokenKind::CloseArray => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return index;
            }
        }
        self.tokens.len().saturating_sub(1)
    }

    fn describe(&self, parent: usize, children: &[(Option<usize>, usize)]) -> String {
        let names = children.iter().filter_map(|(key, _)| Some(string::to_text_lossy(&self.name((*key)?))));
        match self.kind(parent) {
            Some(TokenKind::OpenObject) => names.collect::<Vec<_>>().join(", "),
            Some(TokenKind::OpenArray) => format!("{} items", children.len()),
            _ => "no fields".to_owned(),
        }
    }

    fn name(&self, key: usize) -> Vec<u8> {
        let text = self.text.get(self.start(key)..self.end(key)).and_then(|bytes| std::str::from_utf8(bytes).ok());
        string::decode(text.unwrap_or_default()).into_owned()
    }

    fn kind(&self, index: usize) -> Option<TokenKind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    fn start(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(self.text.len(), |token| token.start)
    }

    fn end(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(self.text.len(), |token| token.end)
    }
}
