//! Reads the keys of a document's top level, even if the document is truncated.

use super::string;
use super::token::{TokenKind, Tokens};

/// Returns the decoded keys of the top-level object in order, repeated ones included, up to the end
/// of `prefix` or the first error. Empty if the text is not an object. A lone surrogate becomes
/// U+FFFD.
pub fn top_level_keys(prefix: &[u8]) -> Vec<String> {
    let mut keys = Vec::new();
    let mut tokens = Tokens::new(prefix);
    while let Some(Ok(token)) = tokens.next() {
        if token.kind != TokenKind::Key || tokens.depth() != 1 {
            continue;
        }
        let key = prefix.get(token.start..token.end).and_then(|bytes| std::str::from_utf8(bytes).ok());
        keys.extend(key.map(|text| string::to_text_lossy(&string::decode(text))));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_top_level_counts() {
        assert_eq!(top_level_keys(br#" {"event":{"x":1},"d\u0061ta":[{"y":2}],"z":0}"#), ["event", "data", "z"]);
    }

    #[test]
    fn a_truncated_text_gives_the_keys_before_its_end() {
        assert_eq!(top_level_keys(br#"{"event":"a","data":{"x":"#), ["event", "data"]);
        assert_eq!(top_level_keys(br#"{"event":"a","da"#), ["event"]);
        assert_eq!(top_level_keys(br#"{"event":"a","data""#), ["event", "data"]);
    }

    #[test]
    fn text_that_is_not_an_object_has_no_keys() {
        for text in ["", "[{\"a\":1}]", "\"a\"", "hello", "a=1&b=2"] {
            assert!(top_level_keys(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
