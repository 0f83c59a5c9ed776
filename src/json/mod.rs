//! JSON as text: what the bytes say, not what they mean.
//!
//! A signature covers bytes, so a body that was parsed and written again no longer verifies. This part reads a document
//! without losing how it was spelled (`token`, `document`), writes it as well-known serializers would have written it
//! (`serializer`, `write`, with `order`, `string` and `number` for the details) and lays it out for people (`indented`).
//! Nothing here recurses: nesting costs memory, never stack. What the values mean is left to `serde_json`.

mod document;
mod indented;
mod keys;
mod number;
mod order;
mod serializer;
mod string;
mod table;
pub mod text;
mod token;
pub mod value;
mod write;

pub use document::Document;
pub use indented::{Indented, indented};
pub use keys::top_level_keys;
pub use serializer::{Language, Serializer};
pub use table::SERIALIZERS;
pub use token::{SyntaxError, SyntaxErrorKind, Token, TokenKind, Tokens};

/// Whether a whole text is JSON, nested however deep; it takes a bit of memory for each level and none for anything else.
pub fn is_valid(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok() && Tokens::new(text).all(|token| token.is_ok())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
