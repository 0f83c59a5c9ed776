//! Describes serializers as data: their whitespace, strings, numbers and order of members.
//!
//! The string escapes of each language are here, number formats in `number`, the serializers in
//! `table`.

use super::document::Document;
use super::number;
use super::order::MemberOrder;
use super::string::{Escapes, HexCase, LoneSurrogate, NonAscii};
use super::write;

/// A JSON serializer of some language or library.
#[derive(Debug, Clone, Copy)]
pub struct Serializer {
    /// A stable name for programs, such as `json_stringify`. Once released it does not change.
    pub code: &'static str,
    /// A name for people, such as `JavaScript's JSON.stringify`.
    pub name: &'static str,
    /// `None`: used in many languages.
    pub language: Option<Language>,
    pub(super) layout: Layout,
    pub(super) strings: StringRule,
    pub(super) numbers: NumberRule,
    pub(super) member_order: MemberOrder,
    /// Text after the document, such as a newline.
    pub(super) end: &'static str,
}

impl PartialEq for Serializer {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Serializer {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    JavaScript,
    Python,
    Ruby,
    Php,
    Java,
    Go,
    CSharp,
    Rust,
}

impl Language {
    pub fn name(self) -> &'static str {
        match self {
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Ruby => "Ruby",
            Self::Php => "PHP",
            Self::Java => "Java",
            Self::Go => "Go",
            Self::CSharp => "C#",
            Self::Rust => "Rust",
        }
    }
}

/// The whitespace between tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    SingleLine {
        comma: &'static str,
        colon: &'static str,
    },
    /// One member or element per line; empty brackets stay closed.
    MultiLine {
        indentation: &'static str,
    },
    /// One line, with a space after commas and colons and inside the brackets of objects.
    PaddedObjects,
    /// Two spaces, with newlines inside empty brackets.
    OldRuby,
    /// Two spaces for objects, arrays on one line, `" : "`, and a space inside empty brackets.
    Jackson,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum StringRule {
    Unchanged,
    /// Unchanged, except for characters that are special in HTML or end a line in JavaScript.
    UnchangedHtmlSafe,
    /// Decoded and escaped again.
    Escaped(&'static Escapes),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum NumberRule {
    Unchanged,
    /// Parsed and formatted again.
    Formatted(&'static number::NumberFormat),
}

impl Serializer {
    /// Returns the bytes that this serializer would write for the document.
    ///
    /// If the tool itself would fail (a number beyond its doubles, nesting beyond its limit), the
    /// result is an approximation that no signature will match. Indentation is limited to 32 bytes
    /// per byte of the document (256 KiB for small ones), because a hostile document could
    /// otherwise demand gigabytes of spaces.
    pub fn write(&self, document: &Document) -> Vec<u8> {
        write::write(self, document)
    }

    /// Returns true if both write the same for every plain document ([`Document::is_plain`]).
    pub fn is_same_for_plain(&self, other: &Self) -> bool {
        let rules = |serializer: &Self| {
            let escapes_plus =
                matches!(serializer.strings, StringRule::Escaped(escapes) if escapes.unicode_escapes.contains(&b'+'));
            let adds_fraction = matches!(serializer.numbers, NumberRule::Formatted(format) if format.adds_fraction());
            (serializer.layout, serializer.member_order.for_plain(), serializer.end, escapes_plus, adds_fraction)
        };
        rules(self) == rules(other)
    }
}

const LETTERED: &[u8] = b"\x08\t\n\x0c\r";
const QUOTES: &[u8] = b"\"\\";

/// Escapes only what must be escaped, and lone surrogates.
pub(super) static JAVASCRIPT: Escapes = Escapes {
    backslash_escapes: QUOTES,
    letter_escapes: LETTERED,
    unicode_escapes: b"",
    non_ascii: NonAscii::Unescaped,
    hex_case: HexCase::Lower,
    lone_surrogate: LoneSurrogate::Escaped,
};

/// Python with `ensure_ascii=True`.
pub(super) static PYTHON_ASCII: Escapes =
    Escapes { unicode_escapes: b"\x7f", non_ascii: NonAscii::Escaped, ..JAVASCRIPT };

pub(super) static JQ: Escapes =
    Escapes { unicode_escapes: b"\x7f", lone_surrogate: LoneSurrogate::Replaced, ..JAVASCRIPT };

/// PHP without flags.
pub(super) static PHP: Escapes = Escapes { backslash_escapes: b"\"\\/", non_ascii: NonAscii::Escaped, ..JAVASCRIPT };

pub(super) static PHP_SLASHES: Escapes = Escapes { backslash_escapes: QUOTES, ..PHP };

pub(super) static PHP_UNICODE: Escapes = Escapes { non_ascii: NonAscii::LineSeparators, ..PHP };

pub(super) static PHP_BOTH: Escapes = Escapes { backslash_escapes: QUOTES, ..PHP_UNICODE };

/// Go's `json.Marshal` since 1.22.
pub(super) static GO: Escapes = Escapes { unicode_escapes: b"<>&", ..GO_PLAIN };

/// Go's encoder with `SetEscapeHTML(false)` since 1.22.
pub(super) static GO_PLAIN: Escapes =
    Escapes { non_ascii: NonAscii::LineSeparators, lone_surrogate: LoneSurrogate::Replaced, ..JAVASCRIPT };

/// Go's `json.Marshal` before 1.22, without `\b` and `\f`.
pub(super) static OLD_GO: Escapes = Escapes { letter_escapes: b"\t\n\r", ..GO };

/// Go's encoder with `SetEscapeHTML(false)` before 1.22.
pub(super) static OLD_GO_PLAIN: Escapes = Escapes { letter_escapes: b"\t\n\r", ..GO_PLAIN };

/// Rails' `to_json`, safe for HTML.
pub(super) static RAILS: Escapes =
    Escapes { unicode_escapes: b"<>&", non_ascii: NonAscii::LineSeparators, ..JAVASCRIPT };

pub(super) static JACKSON: Escapes = Escapes { hex_case: HexCase::Upper, ..JAVASCRIPT };

pub(super) static JACKSON_ASCII: Escapes = Escapes { non_ascii: NonAscii::Escaped, ..JACKSON };

/// org.json, which also escapes `</`, as few texts contain.
pub(super) static ORG_JSON: Escapes = Escapes { backslash_escapes: QUOTES, ..JAVASCRIPT };

/// Windows PowerShell's ConvertTo-Json.
pub(super) static POWERSHELL: Escapes = Escapes { unicode_escapes: b"<>&'", ..JAVASCRIPT };

pub(super) static SWIFT: Escapes = Escapes { backslash_escapes: b"\"\\/", ..JAVASCRIPT };

/// Gson with its default HTML escaping.
pub(super) static GSON: Escapes =
    Escapes { unicode_escapes: b"<>&='", non_ascii: NonAscii::LineSeparators, ..JAVASCRIPT };

/// Gson with `disableHtmlEscaping`.
pub(super) static GSON_PLAIN: Escapes = Escapes { unicode_escapes: b"", ..GSON };

/// .NET's `JavaScriptEncoder.Default`.
pub(super) static DOTNET: Escapes = Escapes {
    backslash_escapes: b"\\",
    unicode_escapes: b"\"<>&'+`\x7f",
    non_ascii: NonAscii::Escaped,
    hex_case: HexCase::Upper,
    lone_surrogate: LoneSurrogate::Replaced,
    ..JAVASCRIPT
};

/// .NET's `JavaScriptEncoder.UnsafeRelaxedJsonEscaping`.
pub(super) static DOTNET_RELAXED: Escapes =
    Escapes { backslash_escapes: QUOTES, unicode_escapes: b"\x7f", non_ascii: NonAscii::OddSpacesAndPairs, ..DOTNET };

/// Newtonsoft's `StringEscapeHandling.Default`.
pub(super) static NEWTONSOFT: Escapes = Escapes { non_ascii: NonAscii::AllLineEnds, ..JAVASCRIPT };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::SERIALIZERS;

    #[test]
    fn no_serializer_escapes_a_verbatim_character() {
        let texts = (b' '..=b'~').map(|byte| format!("\"{}\"", char::from(byte)));
        let verbatim: Vec<_> = texts.filter(|text| super::super::string::is_verbatim(text)).collect();
        assert!(verbatim.len() == 85 && !super::super::string::is_verbatim("\"é\""), "{verbatim:?}");
        for serializer in SERIALIZERS {
            let StringRule::Escaped(escapes) = serializer.strings else { continue };
            for text in &verbatim {
                let mut written = Vec::new();
                escapes.write(text.trim_matches('"').as_bytes(), &mut written);
                assert_eq!(written, text.as_bytes(), "{}", serializer.name);
            }
        }
    }
}
