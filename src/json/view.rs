//! Walks a parsed document: members, elements and the text of values.

use super::document::Document;
use super::string;
use super::token::{SyntaxError, TokenKind, Tokens};
use std::borrow::Cow;

/// A value of a document, or one of its keys.
#[derive(Clone, Copy)]
pub(crate) struct ValueView<'d> {
    document: &'d Document<'d>,
    index: usize,
}

impl<'d> ValueView<'d> {
    /// Returns the value at this index in the order of the text, keys included. `None`: the end.
    pub(crate) fn at(document: &'d Document<'d>, index: usize) -> Option<Self> {
        document.node(index).map(|_| Self { document, index })
    }

    pub(crate) fn kind(self) -> TokenKind {
        self.document.node(self.index).map_or(TokenKind::Null, |node| node.kind)
    }

    pub(crate) fn index(self) -> usize {
        self.index
    }

    /// Returns the index after this value and everything inside it.
    pub(crate) fn next_index(self) -> usize {
        self.document.node(self.index).map_or(self.index, |node| node.next)
    }

    pub(crate) fn is_object(self) -> bool {
        self.kind() == TokenKind::OpenObject
    }

    pub(crate) fn is_list(self) -> bool {
        self.kind() == TokenKind::OpenArray
    }

    /// Returns the value as it is written in the document.
    pub(crate) fn spelling(self) -> &'d str {
        self.document.node(self.index).map_or("", |node| self.document.whole_text(node))
    }

    /// Decodes a string or a key. The bytes are WTF-8: lone surrogates are kept. `None`: another
    /// kind of value.
    pub(crate) fn bytes(self) -> Option<Cow<'d, [u8]>> {
        matches!(self.kind(), TokenKind::String | TokenKind::Key).then(|| string::decode(self.spelling()))
    }

    /// Decodes a string or a key; a lone surrogate becomes U+FFFD.
    pub(crate) fn text(self) -> Option<String> {
        self.bytes().map(|bytes| string::to_text_lossy(&bytes))
    }

    /// Iterates over keys and values of an object, in the order of the text. Empty for other values.
    pub(crate) fn members(self) -> impl Iterator<Item = (String, ValueView<'d>)> {
        let document = self.document;
        let keys = self.is_object().then(|| document.keys(self.index));
        keys.into_iter().flatten().filter_map(move |key| {
            let name = Self::at(document, key)?.text()?;
            Some((name, Self::at(document, key + 1)?))
        })
    }

    /// Iterates over the elements of an array. Empty for other values.
    pub(crate) fn elements(self) -> impl Iterator<Item = ValueView<'d>> {
        let (document, end) = (self.document, self.next_index());
        let mut next = if self.is_list() { self.index + 1 } else { end };
        std::iter::from_fn(move || {
            let found = (next < end).then(|| Self::at(document, next)).flatten()?;
            next = found.next_index();
            Some(found)
        })
    }

    /// Returns the value of the last member with this name.
    pub(crate) fn get(self, name: &str) -> Option<ValueView<'d>> {
        self.members().filter(|(other, _)| other == name).last().map(|(_, value)| value)
    }
}

/// Returns the offset after the first JSON value of a text, which may be followed by anything.
pub(crate) fn first_value_end(text: &[u8]) -> Result<usize, SyntaxError> {
    let mut tokens = Tokens::new(text);
    let mut end = 0;
    while let Some(token) = tokens.next() {
        let token = token?;
        end = token.end;
        if token.kind != TokenKind::Space && tokens.depth() == 0 {
            break;
        }
    }
    Ok(end)
}

/// Removes the whitespace between the tokens of a JSON text. The spelling of strings and numbers is
/// kept.
pub(crate) fn compact(json: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    for token in Tokens::new(json.as_bytes()).map_while(Result::ok).filter(|token| token.kind != TokenKind::Space) {
        out.extend_from_slice(json.get(token.start..token.end).unwrap_or_default().as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_name_and_keep_their_spelling() {
        let document = Document::parse(br#"{"a":[1.50,{"b":"\u00e9"}],"c":{} , "a":[2]}"#).unwrap();
        let root = ValueView::at(&document, 0).unwrap();
        let names: Vec<_> = root.members().map(|(name, value)| (name, value.spelling())).collect();
        let expected = [("a", r#"[1.50,{"b":"\u00e9"}]"#), ("c", "{}"), ("a", "[2]")];
        assert_eq!(names, expected.map(|(name, value)| (name.to_owned(), value)));
        let first = root.members().next().unwrap().1;
        let elements: Vec<_> = first.elements().map(ValueView::spelling).collect();
        assert_eq!(elements, ["1.50", r#"{"b":"\u00e9"}"#]);
        assert_eq!(root.get("a").unwrap().spelling(), "[2]");
        let text = first.elements().last().unwrap().get("b").unwrap();
        assert_eq!((text.text().as_deref(), text.bytes().as_deref()), (Some("é"), Some("é".as_bytes())));
        assert_eq!((root.elements().count(), first.members().count()), (0, 0));
    }

    #[test]
    fn the_first_value_ends_where_its_bracket_closes() {
        for (text, end) in [("{\"a\":[1]} {", 9), (" [1]x", 4), ("\"a\"b", 3), ("12,", 2)] {
            assert_eq!(first_value_end(text.as_bytes()), Ok(end), "{text}");
        }
        assert!(first_value_end(b"{\"a\":1").is_err() && first_value_end(b"x").is_err());
    }

    #[test]
    fn compact_json_keeps_the_spelling_of_strings_and_numbers() {
        assert_eq!(compact("{ \"a b\" : [ 1.50 , \"\\/ \\u00e9\" ]\n}"), br#"{"a b":[1.50,"\/ \u00e9"]}"#);
    }
}
