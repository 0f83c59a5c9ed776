//! Text in PostgreSQL, which can't hold U+0000.
//!
//! Senders choose event ids, types and more, so any of them may contain one. U+0000 is stored as
//! U+0001 and `0`, U+0001 as U+0001 and `1`; every other text is stored as it is.

use std::borrow::Cow;
use std::error::Error;
use tokio_postgres::types::{FromSql, Type};

/// Longest text in an index, in characters. A B-tree refuses rows of more than about 2,700 bytes.
pub(super) const MAX_INDEXED: usize = 128;

const ESCAPE: char = '\u{1}';

/// Converts a text for the database.
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    // The order matters: the second step writes the escape character itself.
    Cow::Owned(text.replace(ESCAPE, "\u{1}1").replace('\0', "\u{1}0"))
}

/// Returns the part of a text that is indexed. Longer texts may share it.
pub(super) fn prefix(text: &str) -> String {
    let encoded = encode(text);
    let end = encoded.char_indices().nth(MAX_INDEXED).map_or(encoded.len(), |(end, _)| end);
    encoded[..end].to_owned()
}

/// Converts a text of the database back.
fn decode(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    let mut decoded = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => decoded.push(if characters.next() == Some('0') { '\0' } else { ESCAPE }),
            other => decoded.push(other),
        }
    }
    decoded
}

/// A text of the database, decoded.
pub(super) struct Text(pub String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        String::from_sql(kind, raw).map(|text| Self(decode(text)))
    }

    fn accepts(kind: &Type) -> bool {
        <String as FromSql>::accepts(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_read_back_and_none_has_a_nul_in_the_database() {
        for text in ["", "evt_1", "\0", "\u{1}", "\u{1}0", "a\0\u{1}1\0\0é", "\u{1}\u{1}\0"] {
            let encoded = encode(text).into_owned();
            assert!(!encoded.contains('\0'), "{text:?}");
            assert_eq!(decode(encoded), text);
        }
        assert_eq!(encode("pay\u{7f}ment\\0"), "pay\u{7f}ment\\0");
    }

    #[test]
    fn an_indexed_text_has_at_most_128_characters() {
        assert_eq!(prefix("PLS-1"), "PLS-1");
        assert_eq!(prefix(&"é".repeat(1_000)), "é".repeat(128));
        assert_eq!(prefix(&"\0".repeat(1_000)).chars().count(), 128);
    }
}
