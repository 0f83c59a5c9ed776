//! JSON as text: the bytes of a document, not its meaning.
//!
//! A signature covers bytes, so a body that was parsed and serialized again no longer verifies.
//! This module parses a document without losing its spelling (`token`, `document`), writes it as
//! well-known serializers would (`serializer`, `write`, with details in `order`, `string` and
//! `number`), changes single values (`edit`) and lays it out for people (`indented`). Nothing here
//! recurses: nesting costs memory, never stack. Payloads are read in `value`.

mod document;
mod edit;
mod indented;
mod keys;
mod number;
mod order;
mod serializer;
mod string;
mod table;
pub(crate) mod text;
mod token;
pub mod value;
mod view;
mod write;

pub use document::Document;
pub use edit::{EditableJson, Place};
pub use indented::{Indented, indented};
pub use keys::top_level_keys;
pub use serializer::{Language, Serializer};
pub use table::SERIALIZERS;
pub use token::{SyntaxError, SyntaxErrorKind, Token, TokenKind, Tokens};
pub(crate) use view::{ValueView, compact, first_value_end};

/// Formats a number of a JSON text as a language prints it.
pub(crate) fn format_number(text: &str, language: Language) -> String {
    let format = match language {
        Language::JavaScript => &number::JAVASCRIPT,
        Language::Python => &number::PYTHON,
        Language::Ruby => &number::RUBY,
        Language::Php => &number::PHP,
        Language::Java => &number::JACKSON,
        Language::Go => &number::GO,
        Language::CSharp => &number::NEWTONSOFT,
        Language::Rust => return text.to_owned(),
    };
    let mut out = Vec::with_capacity(text.len());
    format.write(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Checks whether a text is JSON. Needs one byte of memory per level of nesting.
pub fn is_valid(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok() && Tokens::new(text).all(|token| token.is_ok())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
