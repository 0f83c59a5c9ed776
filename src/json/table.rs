//! The table of serializers, the likeliest first.

use super::number::{self, NumberFormat};
use super::order::MemberOrder;
use super::serializer::{self as escapes, Language, Layout, NumberRule, Serializer, StringRule};
use super::string::Escapes;

const COMPACT: Layout = Layout::SingleLine { comma: ",", colon: ":" };
const SPACED: Layout = Layout::SingleLine { comma: ", ", colon: ": " };
const TWO: Layout = Layout::MultiLine { indentation: "  " };
const FOUR: Layout = Layout::MultiLine { indentation: "    " };
const TAB: Layout = Layout::MultiLine { indentation: "\t" };

/// Removes whitespace only. The other serializers are variants of this one.
const MINIFIED: Serializer = Serializer {
    code: "minified",
    name: "minified JSON",
    language: None,
    layout: COMPACT,
    strings: StringRule::Unchanged,
    numbers: NumberRule::Unchanged,
    member_order: MemberOrder::Unchanged,
    end: "",
};
const JAVASCRIPT: Serializer =
    in_language(Some(Language::JavaScript), &escapes::JAVASCRIPT, &number::JAVASCRIPT, MemberOrder::JavaScript);
const PYTHON: Serializer =
    in_language(Some(Language::Python), &escapes::PYTHON_ASCII, &number::PYTHON, MemberOrder::LastWins);
const PYTHON_UNICODE: Serializer =
    in_language(Some(Language::Python), &escapes::JAVASCRIPT, &number::PYTHON, MemberOrder::LastWins);
const PHP: Serializer = in_language(Some(Language::Php), &escapes::PHP, &number::PHP, MemberOrder::PhpArrays);
const PHP_SLASHES: Serializer =
    in_language(Some(Language::Php), &escapes::PHP_SLASHES, &number::PHP, MemberOrder::PhpArrays);
const PHP_UNICODE: Serializer =
    in_language(Some(Language::Php), &escapes::PHP_UNICODE, &number::PHP, MemberOrder::PhpArrays);
const PHP_BOTH: Serializer = in_language(Some(Language::Php), &escapes::PHP_BOTH, &number::PHP, MemberOrder::PhpArrays);
const PHP_FRACTION: Serializer =
    in_language(Some(Language::Php), &escapes::PHP, &number::PHP_FRACTION, MemberOrder::PhpArrays);
const GO: Serializer = in_language(Some(Language::Go), &escapes::GO, &number::GO, MemberOrder::Sorted);
const RUBY: Serializer = in_language(Some(Language::Ruby), &escapes::JAVASCRIPT, &number::RUBY, MemberOrder::LastWins);
const JACKSON: Serializer =
    in_language(Some(Language::Java), &escapes::JACKSON, &number::JACKSON, MemberOrder::LastWins);
const NEWTONSOFT: Serializer =
    in_language(Some(Language::CSharp), &escapes::NEWTONSOFT, &number::NEWTONSOFT, MemberOrder::LastWins);
const JQ: Serializer = Serializer { end: "\n", ..in_language(None, &escapes::JQ, &number::JQ, MemberOrder::LastWins) };
/// A `JsonElement` of .NET keeps numbers and repeated members.
const DOTNET: Serializer =
    Serializer { strings: StringRule::Escaped(&escapes::DOTNET), language: Some(Language::CSharp), ..MINIFIED };
/// A `JsonElement` of Gson keeps the spelling of numbers. Gson omits members that are null.
const GSON: Serializer = Serializer {
    strings: StringRule::Escaped(&escapes::GSON),
    member_order: MemberOrder::LastWinsWithoutNulls,
    language: Some(Language::Java),
    ..MINIFIED
};

const ORG_JSON: Serializer =
    in_language(Some(Language::Java), &escapes::ORG_JSON, &number::JACKSON, MemberOrder::LastWins);
/// Windows PowerShell 5 and PowerShell 7 escape for HTML on Windows only.
const POWERSHELL: Serializer = Serializer { strings: StringRule::Escaped(&escapes::POWERSHELL), ..MINIFIED };
/// Swift escapes slashes and nothing beyond ASCII.
const SWIFT: Serializer =
    Serializer { strings: StringRule::Escaped(&escapes::SWIFT), member_order: MemberOrder::LastWins, ..MINIFIED };
/// PostgreSQL and MySQL keep the digits of numbers.
const JSONB: Serializer = Serializer {
    strings: StringRule::Escaped(&escapes::JAVASCRIPT),
    member_order: MemberOrder::SortedByLength,
    ..MINIFIED
};

/// Describes a serializer that parses and writes everything again.
const fn in_language(
    language: Option<Language>,
    strings: &'static Escapes,
    numbers: &'static NumberFormat,
    member_order: MemberOrder,
) -> Serializer {
    Serializer {
        language,
        strings: StringRule::Escaped(strings),
        numbers: NumberRule::Formatted(numbers),
        member_order,
        ..MINIFIED
    }
}

const fn row(code: &'static str, name: &'static str, serializer: Serializer) -> Serializer {
    Serializer { code, name, ..serializer }
}

const fn with_layout(layout: Layout, serializer: Serializer) -> Serializer {
    Serializer { layout, ..serializer }
}

const fn with_order(members: MemberOrder, serializer: Serializer) -> Serializer {
    Serializer { member_order: members, ..serializer }
}

const fn with_newline(serializer: Serializer) -> Serializer {
    Serializer { end: "\n", ..serializer }
}

/// All known serializers. Several may write the same bytes for one document.
pub static SERIALIZERS: &[Serializer] = &[
    row("json_stringify", "JavaScript's JSON.stringify", JAVASCRIPT),
    MINIFIED,
    row("python_json_dumps", "Python's json.dumps", with_layout(SPACED, PYTHON)),
    row("python_compact", "Python's json.dumps with separators=(',', ':')", PYTHON),
    row("python_unicode", "Python's json.dumps with ensure_ascii=False", with_layout(SPACED, PYTHON_UNICODE)),
    row(
        "python_compact_unicode",
        "Python's json.dumps with separators=(',', ':') and ensure_ascii=False",
        PYTHON_UNICODE,
    ),
    row("php_json_encode", "PHP's json_encode of an array", PHP),
    row("php_unescaped_slashes", "PHP's json_encode with JSON_UNESCAPED_SLASHES", PHP_SLASHES),
    row(
        "php_unescaped_slashes_unicode",
        "PHP's json_encode with JSON_UNESCAPED_SLASHES and JSON_UNESCAPED_UNICODE",
        PHP_BOTH,
    ),
    row("php_unescaped_unicode", "PHP's json_encode with JSON_UNESCAPED_UNICODE", PHP_UNICODE),
    row("php_object", "PHP's json_encode of an object", with_order(MemberOrder::LastWins, PHP)),
    row(
        "php_object_unescaped_slashes",
        "PHP's json_encode of an object with JSON_UNESCAPED_SLASHES",
        with_order(MemberOrder::LastWins, PHP_SLASHES),
    ),
    row(
        "php_object_unescaped_slashes_unicode",
        "PHP's json_encode of an object with JSON_UNESCAPED_SLASHES and JSON_UNESCAPED_UNICODE",
        with_order(MemberOrder::LastWins, PHP_BOTH),
    ),
    row(
        "php_object_unescaped_unicode",
        "PHP's json_encode of an object with JSON_UNESCAPED_UNICODE",
        with_order(MemberOrder::LastWins, PHP_UNICODE),
    ),
    row("go_map", "Go's json.Marshal of a map", GO),
    row("go_struct", "Go's json.Marshal of a struct", with_order(MemberOrder::LastWins, GO)),
    row(
        "go_raw_message",
        "Go's json.Marshal of a json.RawMessage",
        Serializer { strings: StringRule::UnchangedHtmlSafe, language: Some(Language::Go), ..MINIFIED },
    ),
    row(
        "go_encoder_plain",
        "Go's json.Encoder with SetEscapeHTML(false)",
        with_newline(in_language(Some(Language::Go), &escapes::GO_PLAIN, &number::GO, MemberOrder::Sorted)),
    ),
    row("go_encoder", "Go's json.Encoder", with_newline(GO)),
    row("ruby_json", "Ruby's JSON.generate", RUBY),
    row(
        "rails_to_json",
        "Rails' to_json",
        in_language(Some(Language::Ruby), &escapes::RAILS, &number::RAILS, MemberOrder::LastWins),
    ),
    row("jackson", "Java's Jackson", JACKSON),
    row("gson", "Java's Gson", GSON),
    row("system_text_json", ".NET's System.Text.Json", DOTNET),
    row(
        "system_text_json_relaxed",
        ".NET's System.Text.Json with UnsafeRelaxedJsonEscaping",
        Serializer { strings: StringRule::Escaped(&escapes::DOTNET_RELAXED), ..DOTNET },
    ),
    row("newtonsoft", ".NET's Newtonsoft.Json", NEWTONSOFT),
    row("json_stringify_indent_2", "JavaScript's JSON.stringify with an indent of 2", with_layout(TWO, JAVASCRIPT)),
    row("json_stringify_indent_4", "JavaScript's JSON.stringify with an indent of 4", with_layout(FOUR, JAVASCRIPT)),
    row("python_indent_2", "Python's json.dumps with indent=2", with_layout(TWO, PYTHON)),
    row("python_indent_4", "Python's json.dumps with indent=4", with_layout(FOUR, PYTHON)),
    row(
        "python_unicode_indent_2",
        "Python's json.dumps with ensure_ascii=False and indent=2",
        with_layout(TWO, PYTHON_UNICODE),
    ),
    row(
        "python_unicode_indent_4",
        "Python's json.dumps with ensure_ascii=False and indent=4",
        with_layout(FOUR, PYTHON_UNICODE),
    ),
    row(
        "python_sorted",
        "Python's json.dumps with sort_keys=True",
        with_layout(SPACED, with_order(MemberOrder::Sorted, PYTHON)),
    ),
    row(
        "python_sorted_compact",
        "Python's json.dumps with sort_keys=True and separators=(',', ':')",
        with_order(MemberOrder::Sorted, PYTHON),
    ),
    row(
        "python_sorted_compact_unicode",
        "Python's json.dumps with sort_keys=True, separators=(',', ':') and ensure_ascii=False",
        with_order(MemberOrder::Sorted, PYTHON_UNICODE),
    ),
    row(
        "python_sorted_unicode",
        "Python's json.dumps with sort_keys=True and ensure_ascii=False",
        with_layout(SPACED, with_order(MemberOrder::Sorted, PYTHON_UNICODE)),
    ),
    row(
        "python_sorted_indent_2",
        "Python's json.dumps with sort_keys=True and indent=2",
        with_layout(TWO, with_order(MemberOrder::Sorted, PYTHON)),
    ),
    row(
        "python_sorted_indent_4",
        "Python's json.dumps with sort_keys=True and indent=4",
        with_layout(FOUR, with_order(MemberOrder::Sorted, PYTHON)),
    ),
    row(
        "python_sorted_unicode_indent_2",
        "Python's json.dumps with sort_keys=True, ensure_ascii=False and indent=2",
        with_layout(TWO, with_order(MemberOrder::Sorted, PYTHON_UNICODE)),
    ),
    row(
        "python_sorted_unicode_indent_4",
        "Python's json.dumps with sort_keys=True, ensure_ascii=False and indent=4",
        with_layout(FOUR, with_order(MemberOrder::Sorted, PYTHON_UNICODE)),
    ),
    row("json_stringify_indent_tab", "JavaScript's JSON.stringify with tabs", with_layout(TAB, JAVASCRIPT)),
    row(
        "json_stringify_sorted",
        "JavaScript's JSON.stringify with sorted keys (RFC 8785)",
        with_order(MemberOrder::SortedUtf16, JAVASCRIPT),
    ),
    row("flask_jsonify", "Flask's jsonify", with_newline(with_order(MemberOrder::Sorted, PYTHON))),
    row("php_pretty_print", "PHP's json_encode with JSON_PRETTY_PRINT", with_layout(FOUR, PHP)),
    row(
        "php_object_pretty_print",
        "PHP's json_encode of an object with JSON_PRETTY_PRINT",
        with_layout(FOUR, with_order(MemberOrder::LastWins, PHP)),
    ),
    row(
        "php_pretty_print_unescaped",
        "PHP's json_encode with JSON_PRETTY_PRINT, JSON_UNESCAPED_SLASHES and JSON_UNESCAPED_UNICODE",
        with_layout(FOUR, PHP_BOTH),
    ),
    row(
        "php_pretty_slashes",
        "PHP's json_encode with JSON_PRETTY_PRINT and JSON_UNESCAPED_SLASHES",
        with_layout(FOUR, PHP_SLASHES),
    ),
    row(
        "php_pretty_unicode",
        "PHP's json_encode with JSON_PRETTY_PRINT and JSON_UNESCAPED_UNICODE",
        with_layout(FOUR, PHP_UNICODE),
    ),
    row("php_preserve_zero_fraction", "PHP's json_encode with JSON_PRESERVE_ZERO_FRACTION", PHP_FRACTION),
    row(
        "go_struct_indent",
        "Go's json.MarshalIndent of a struct with two spaces",
        with_layout(TWO, with_order(MemberOrder::LastWins, GO)),
    ),
    row("go_marshal_indent_tab", "Go's json.MarshalIndent with tabs", with_layout(TAB, GO)),
    row("go_marshal_indent_4", "Go's json.MarshalIndent with four spaces", with_layout(FOUR, GO)),
    row("go_struct_encoder", "Go's json.Encoder of a struct", with_newline(with_order(MemberOrder::LastWins, GO))),
    row("go_marshal_indent", "Go's json.MarshalIndent with two spaces", with_layout(TWO, GO)),
    row(
        "go_map_before_1_22",
        "Go's json.Marshal of a map, before Go 1.22",
        in_language(Some(Language::Go), &escapes::OLD_GO, &number::GO, MemberOrder::Sorted),
    ),
    row(
        "go_encoder_plain_before_1_22",
        "Go's json.Encoder with SetEscapeHTML(false), before Go 1.22",
        with_newline(in_language(Some(Language::Go), &escapes::OLD_GO_PLAIN, &number::GO, MemberOrder::Sorted)),
    ),
    row("ruby_pretty", "Ruby's JSON.pretty_generate", with_layout(TWO, RUBY)),
    row("ruby_pretty_before_2_8", "Ruby's JSON.pretty_generate, before json 2.8", with_layout(Layout::OldRuby, RUBY)),
    row("jackson_pretty", "Java's Jackson with its default pretty printer", with_layout(Layout::Jackson, JACKSON)),
    row(
        "gson_map",
        "Java's Gson of a map",
        in_language(Some(Language::Java), &escapes::GSON, &number::GSON_MAP, MemberOrder::LastWinsWithoutNulls),
    ),
    row(
        "gson_plain",
        "Java's Gson with disableHtmlEscaping",
        Serializer { strings: StringRule::Escaped(&escapes::GSON_PLAIN), ..GSON },
    ),
    row("gson_nulls", "Java's Gson with serializeNulls", with_order(MemberOrder::LastWins, GSON)),
    row("gson_pretty", "Java's Gson with setPrettyPrinting", with_layout(TWO, GSON)),
    row("system_text_json_indented", ".NET's System.Text.Json with WriteIndented", with_layout(TWO, DOTNET)),
    row("newtonsoft_indented", ".NET's Newtonsoft.Json with Formatting.Indented", with_layout(TWO, NEWTONSOFT)),
    row("jq", "jq", with_layout(TWO, JQ)),
    row("jq_compact", "jq -c", JQ),
    row("jq_sorted", "jq -S", with_layout(TWO, with_order(MemberOrder::Sorted, JQ))),
    row("jq_sorted_compact", "jq -cS", with_order(MemberOrder::Sorted, JQ)),
    row("jackson_sorted", "Java's Jackson with ORDER_MAP_ENTRIES_BY_KEYS", with_order(MemberOrder::Sorted, JACKSON)),
    row(
        "jackson_ascii",
        "Java's Jackson with ESCAPE_NON_ASCII",
        Serializer { strings: StringRule::Escaped(&escapes::JACKSON_ASCII), ..JACKSON },
    ),
    row("org_json", "Java's org.json", with_order(MemberOrder::JavaHash, ORG_JSON)),
    row("jsonb", "the text of a jsonb column (PostgreSQL) or JSON column (MySQL)", with_layout(SPACED, JSONB)),
    row("powershell_compress", "PowerShell's ConvertTo-Json -Compress", POWERSHELL),
    row("swift_sorted", "Swift's JSONEncoder with sortedKeys", with_order(MemberOrder::Sorted, SWIFT)),
    row("swift", "Swift's JSONSerialization, in the order of the document", SWIFT),
    row("minified_newline", "minified JSON with a newline at the end", with_newline(MINIFIED)),
    row("spaced", "JSON with a space after each comma and colon", with_layout(SPACED, MINIFIED)),
    row("pretty_2", "JSON indented by two spaces", with_layout(TWO, MINIFIED)),
    row("pretty_4", "JSON indented by four spaces", with_layout(FOUR, MINIFIED)),
    row("pretty_tab", "JSON indented by tabs", with_layout(TAB, MINIFIED)),
    row(
        "spaced_newline",
        "JSON with a space after each comma and colon, and a newline at the end",
        with_newline(with_layout(SPACED, MINIFIED)),
    ),
    row(
        "pretty_2_newline",
        "JSON indented by two spaces, with a newline at the end",
        with_newline(with_layout(TWO, MINIFIED)),
    ),
    row(
        "pretty_4_newline",
        "JSON indented by four spaces, with a newline at the end",
        with_newline(with_layout(FOUR, MINIFIED)),
    ),
    row(
        "pretty_tab_newline",
        "JSON indented by tabs, with a newline at the end",
        with_newline(with_layout(TAB, MINIFIED)),
    ),
    row(
        "space_after_comma",
        "JSON with a space after each comma",
        with_layout(Layout::SingleLine { comma: ", ", colon: ":" }, MINIFIED),
    ),
    row(
        "space_after_colon",
        "JSON with a space after each colon",
        with_layout(Layout::SingleLine { comma: ",", colon: ": " }, MINIFIED),
    ),
    row(
        "padded_objects",
        "JSON on one line, with spaces inside the braces",
        with_layout(Layout::PaddedObjects, MINIFIED),
    ),
    row(
        "pretty_0",
        "JSON with a newline for each member and no indent",
        with_layout(Layout::MultiLine { indentation: "" }, MINIFIED),
    ),
    row("pretty_1", "JSON indented by one space", with_layout(Layout::MultiLine { indentation: " " }, MINIFIED)),
    row("pretty_3", "JSON indented by three spaces", with_layout(Layout::MultiLine { indentation: "   " }, MINIFIED)),
    row(
        "pretty_8",
        "JSON indented by eight spaces",
        with_layout(Layout::MultiLine { indentation: "        " }, MINIFIED),
    ),
];
