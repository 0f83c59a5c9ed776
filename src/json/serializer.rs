//! The serializers that whtool knows, as data: what each does with white space, strings, numbers and members.
//!
//! The languages' ways with strings stand here, those with numbers in `number`, the table itself in `table`.

use super::document::Document;
use super::number;
use super::order::Members;
use super::string::{Escapes, Hex, Lone, Wide};
use super::write;

/// One way of writing a JSON document.
#[derive(Debug, Clone, Copy)]
pub struct Serializer {
    /// A stable name for programs, such as `json_stringify`. Once released it does not change.
    pub code: &'static str,
    /// A name for people, such as `JavaScript's JSON.stringify`.
    pub name: &'static str,
    pub(super) layout: Layout,
    pub(super) strings: Strings,
    pub(super) numbers: Numbers,
    pub(super) members: Members,
    /// Written after the document.
    pub(super) end: &'static str,
}

/// The white space between tokens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layout {
    /// All in one line.
    Line { comma: &'static str, colon: &'static str },
    /// One member or element a line, and nothing inside empty brackets.
    Lines { indentation: &'static str },
    /// Two blanks, and line breaks inside empty brackets too.
    OldRuby,
    /// Two blanks for objects, arrays in a line, `" : "`, and a blank inside empty brackets.
    Jackson,
}

/// The spelling of strings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Strings {
    /// As they are.
    Kept,
    /// As they are, but for what HTML would take as a tag or JavaScript as the end of a line.
    KeptHtmlSafe,
    /// Decoded, and written anew.
    Written(&'static Escapes),
}

/// The spelling of numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbers {
    /// As they are.
    Kept,
    /// Read, and written anew.
    Written(&'static number::Numbers),
}

impl Serializer {
    /// The bytes that this serializer would have written for the document.
    ///
    /// Where the tool itself would have refused (a number beyond its doubles, nesting beyond its limit), the result is the
    /// nearest thing, and nobody's signature will match it. Indentation stops at 32 bytes for each byte of the document (256
    /// KiB for small ones), so that a document that is almost all nesting can't ask for gigabytes of blanks.
    pub fn write(&self, document: &Document) -> Vec<u8> {
        write::written(self, document)
    }
}

const LETTERED: &[u8] = b"\x08\t\n\x0c\r";
const QUOTES: &[u8] = b"\"\\";

/// Only what must be escaped; half a surrogate pair as an escape.
pub(super) static JAVASCRIPT: Escapes = Escapes {
    backslashed: QUOTES,
    lettered: LETTERED,
    hexed: b"",
    wide: Wide::Kept,
    hex: Hex::Lower,
    lone: Lone::Escaped,
};

/// Python's `ensure_ascii=True`.
pub(super) static PYTHON_ASCII: Escapes = Escapes { hexed: b"\x7f", wide: Wide::Escaped, ..JAVASCRIPT };

/// jq.
pub(super) static JQ: Escapes = Escapes { hexed: b"\x7f", lone: Lone::Replaced, ..JAVASCRIPT };

/// PHP without flags.
pub(super) static PHP: Escapes = Escapes { backslashed: b"\"\\/", wide: Wide::Escaped, ..JAVASCRIPT };

/// PHP's `JSON_UNESCAPED_SLASHES`.
pub(super) static PHP_SLASHES: Escapes = Escapes { backslashed: QUOTES, ..PHP };

/// PHP's `JSON_UNESCAPED_UNICODE`.
pub(super) static PHP_UNICODE: Escapes = Escapes { wide: Wide::LineSeparators, ..PHP };

/// PHP's `JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE`.
pub(super) static PHP_BOTH: Escapes = Escapes { backslashed: QUOTES, ..PHP_UNICODE };

/// Go's `json.Marshal` since 1.22.
pub(super) static GO: Escapes = Escapes { hexed: b"<>&", ..GO_PLAIN };

/// Go's encoder with `SetEscapeHTML(false)` since 1.22.
pub(super) static GO_PLAIN: Escapes = Escapes { wide: Wide::LineSeparators, lone: Lone::Replaced, ..JAVASCRIPT };

/// Go's `json.Marshal` before 1.22: no `\b` and `\f`.
pub(super) static OLD_GO: Escapes = Escapes { lettered: b"\t\n\r", ..GO };

/// Go's encoder with `SetEscapeHTML(false)` before 1.22.
pub(super) static OLD_GO_PLAIN: Escapes = Escapes { lettered: b"\t\n\r", ..GO_PLAIN };

/// Rails' `to_json`: Ruby, made safe for HTML.
pub(super) static RAILS: Escapes = Escapes { hexed: b"<>&", wide: Wide::LineSeparators, ..JAVASCRIPT };

/// Jackson.
pub(super) static JACKSON: Escapes = Escapes { hex: Hex::Upper, ..JAVASCRIPT };

/// Gson's `toJson`.
pub(super) static GSON: Escapes = Escapes { hexed: b"<>&='", wide: Wide::LineSeparators, ..JAVASCRIPT };

/// Gson with `disableHtmlEscaping`.
pub(super) static GSON_PLAIN: Escapes = Escapes { hexed: b"", ..GSON };

/// .NET's `JavaScriptEncoder.Default`.
pub(super) static DOTNET: Escapes = Escapes {
    backslashed: b"\\",
    hexed: b"\"<>&'+`\x7f",
    wide: Wide::Escaped,
    hex: Hex::Upper,
    lone: Lone::Replaced,
    ..JAVASCRIPT
};

/// .NET's `JavaScriptEncoder.UnsafeRelaxedJsonEscaping`.
pub(super) static DOTNET_RELAXED: Escapes =
    Escapes { backslashed: QUOTES, hexed: b"\x7f", wide: Wide::OddSpacesAndPairs, ..DOTNET };

/// Newtonsoft's `StringEscapeHandling.Default`.
pub(super) static NEWTONSOFT: Escapes = Escapes { wide: Wide::AllLineEnds, ..JAVASCRIPT };
