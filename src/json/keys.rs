//! The keys of a document's top level, also of one that is cut off.

use super::string;
use super::token::{TokenKind, Tokens};

/// The keys of the top-level object in their order, decoded, repeats included, as far as `prefix` goes: what follows a
/// cut or a fault is not seen. Empty when the text is not an object. A lone surrogate becomes U+FFFD.
pub fn top_level_keys(prefix: &[u8]) -> Vec<String> {
    let mut keys = Vec::new();
    let mut tokens = Tokens::new(prefix);
    while let Some(Ok(token)) = tokens.next() {
        if token.kind != TokenKind::Key || tokens.depth() != 1 {
            continue;
        }
        let spelled = prefix.get(token.start..token.end).and_then(|bytes| std::str::from_utf8(bytes).ok());
        keys.extend(spelled.map(|text| string::to_text_lossy(&string::decode(text))));
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
    fn a_cut_text_gives_the_keys_before_the_cut() {
        assert_eq!(top_level_keys(br#"{"event":"a","data":{"x":"#), ["event", "data"]);
        assert_eq!(top_level_keys(br#"{"event":"a","da"#), ["event"]);
        assert_eq!(top_level_keys(br#"{"event":"a","data""#), ["event", "data"]);
    }

    #[test]
    fn what_is_no_object_has_no_keys() {
        for text in ["", "[{\"a\":1}]", "\"a\"", "hello", "a=1&b=2"] {
            assert!(top_level_keys(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
