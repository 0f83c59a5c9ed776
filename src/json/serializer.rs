//! The serializers that whtool knows, as data: what each does with white space, strings, numbers and members.
//!
//! The languages' ways with strings stand here, those with numbers in `number`, the table itself in `table`.

use super::document::Document;
use super::number;
use super::order::MemberOrder;
use super::string::{Escapes, HexCase, LoneSurrogate, NonAscii};
use super::write;

/// One way of writing a JSON document.
#[derive(Debug, Clone, Copy)]
pub struct Serializer {
    /// A stable name for programs, such as `json_stringify`. Once released it does not change.
    pub code: &'static str,
    /// A name for people, such as `JavaScript's JSON.stringify`.
    pub name: &'static str,
    /// The language of the program that writes so. `None`: many do.
    pub language: Option<Language>,
    pub(super) layout: Layout,
    pub(super) strings: StringRule,
    pub(super) numbers: NumberRule,
    pub(super) member_order: MemberOrder,
    /// Written after the document.
    pub(super) end: &'static str,
}

impl PartialEq for Serializer {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Serializer {}

/// A programming language.
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

/// The white space between tokens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layout {
    /// All in one line.
    SingleLine { comma: &'static str, colon: &'static str },
    /// One member or element a line, and nothing inside empty brackets.
    MultiLine { indentation: &'static str },
    /// Two blanks, and line breaks inside empty brackets too.
    OldRuby,
    /// Two blanks for objects, arrays in a line, `" : "`, and a blank inside empty brackets.
    Jackson,
}

/// The spelling of strings.
#[derive(Debug, Clone, Copy)]
pub(super) enum StringRule {
    /// As they are.
    Unchanged,
    /// As they are, but for what HTML would take as a tag or JavaScript as the end of a line.
    UnchangedHtmlSafe,
    /// Decoded, and written anew.
    Written(&'static Escapes),
}

/// The spelling of numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum NumberRule {
    /// As they are.
    Kept,
    /// Read, and written anew.
    Written(&'static number::NumberFormat),
}

impl Serializer {
    /// The bytes that this serializer would have written for the document.
    ///
    /// Where the tool itself would have refused (a number beyond its doubles, nesting beyond its limit), the result is the
    /// nearest thing, and nobody's signature will match it. Indentation stops at 32 bytes for each byte of the document (256
    /// KiB for small ones), so that a document that is almost all nesting can't ask for gigabytes of blanks.
    pub fn write(&self, document: &Document) -> Vec<u8> {
        write::write(self, document)
    }
}

const LETTERED: &[u8] = b"\x08\t\n\x0c\r";
const QUOTES: &[u8] = b"\"\\";

/// Only what must be escaped; half a surrogate pair as an escape.
pub(super) static JAVASCRIPT: Escapes = Escapes {
    backslash_escapes: QUOTES,
    letter_escapes: LETTERED,
    unicode_escapes: b"",
    non_ascii: NonAscii::Unescaped,
    hex_case: HexCase::Lower,
    lone_surrogate: LoneSurrogate::Escaped,
};

/// Python's `ensure_ascii=True`.
pub(super) static PYTHON_ASCII: Escapes =
    Escapes { unicode_escapes: b"\x7f", non_ascii: NonAscii::Escaped, ..JAVASCRIPT };

/// jq.
pub(super) static JQ: Escapes =
    Escapes { unicode_escapes: b"\x7f", lone_surrogate: LoneSurrogate::Replaced, ..JAVASCRIPT };

/// PHP without flags.
pub(super) static PHP: Escapes = Escapes { backslash_escapes: b"\"\\/", non_ascii: NonAscii::Escaped, ..JAVASCRIPT };

/// PHP's `JSON_UNESCAPED_SLASHES`.
pub(super) static PHP_SLASHES: Escapes = Escapes { backslash_escapes: QUOTES, ..PHP };

/// PHP's `JSON_UNESCAPED_UNICODE`.
pub(super) static PHP_UNICODE: Escapes = Escapes { non_ascii: NonAscii::LineSeparators, ..PHP };

/// PHP's `JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE`.
pub(super) static PHP_BOTH: Escapes = Escapes { backslash_escapes: QUOTES, ..PHP_UNICODE };

/// Go's `json.Marshal` since 1.22.
pub(super) static GO: Escapes = Escapes { unicode_escapes: b"<>&", ..GO_PLAIN };

/// Go's encoder with `SetEscapeHTML(false)` since 1.22.
pub(super) static GO_PLAIN: Escapes =
    Escapes { non_ascii: NonAscii::LineSeparators, lone_surrogate: LoneSurrogate::Replaced, ..JAVASCRIPT };

/// Go's `json.Marshal` before 1.22: no `\b` and `\f`.
pub(super) static OLD_GO: Escapes = Escapes { letter_escapes: b"\t\n\r", ..GO };

/// Go's encoder with `SetEscapeHTML(false)` before 1.22.
pub(super) static OLD_GO_PLAIN: Escapes = Escapes { letter_escapes: b"\t\n\r", ..GO_PLAIN };

/// Rails' `to_json`: Ruby, made safe for HTML.
pub(super) static RAILS: Escapes =
    Escapes { unicode_escapes: b"<>&", non_ascii: NonAscii::LineSeparators, ..JAVASCRIPT };

/// Jackson.
pub(super) static JACKSON: Escapes = Escapes { hex_case: HexCase::Upper, ..JAVASCRIPT };

/// Gson's `toJson`.
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
