//! The table of serializers, in the order in which they are worth trying.

use super::number;
use super::order::MemberOrder;
use super::serializer::{self as way, Language, Layout, NumberRule, Serializer, StringRule};
use super::string::Escapes;

const COMPACT: Layout = Layout::SingleLine { comma: ",", colon: ":" };
const SPACED: Layout = Layout::SingleLine { comma: ", ", colon: ": " };
const TWO: Layout = Layout::MultiLine { indentation: "  " };
const FOUR: Layout = Layout::MultiLine { indentation: "    " };
const TAB: Layout = Layout::MultiLine { indentation: "\t" };

/// White space dropped, all else kept: what the others are variants of.
const KEPT: Serializer = Serializer {
    code: "minified",
    name: "minified JSON",
    language: None,
    layout: COMPACT,
    strings: StringRule::Unchanged,
    numbers: NumberRule::Kept,
    member_order: MemberOrder::Unchanged,
    end: "",
};
const JAVASCRIPT: Serializer =
    in_language(Language::JavaScript, language(&way::JAVASCRIPT, &number::JAVASCRIPT, MemberOrder::JavaScript));
const PYTHON: Serializer =
    in_language(Language::Python, language(&way::PYTHON_ASCII, &number::PYTHON, MemberOrder::LastWins));
const PYTHON_UNICODE: Serializer =
    in_language(Language::Python, language(&way::JAVASCRIPT, &number::PYTHON, MemberOrder::LastWins));
const PHP: Serializer = in_language(Language::Php, language(&way::PHP, &number::PHP, MemberOrder::PhpArrays));
const PHP_SLASHES: Serializer =
    in_language(Language::Php, language(&way::PHP_SLASHES, &number::PHP, MemberOrder::PhpArrays));
const PHP_UNICODE: Serializer =
    in_language(Language::Php, language(&way::PHP_UNICODE, &number::PHP, MemberOrder::PhpArrays));
const PHP_BOTH: Serializer = in_language(Language::Php, language(&way::PHP_BOTH, &number::PHP, MemberOrder::PhpArrays));
const GO: Serializer = in_language(Language::Go, language(&way::GO, &number::GO, MemberOrder::Sorted));
const RUBY: Serializer = in_language(Language::Ruby, language(&way::JAVASCRIPT, &number::RUBY, MemberOrder::LastWins));
const JACKSON: Serializer =
    in_language(Language::Java, language(&way::JACKSON, &number::JACKSON, MemberOrder::LastWins));
const NEWTONSOFT: Serializer =
    in_language(Language::CSharp, language(&way::NEWTONSOFT, &number::NEWTONSOFT, MemberOrder::LastWins));
const JQ: Serializer = Serializer { end: "\n", ..language(&way::JQ, &number::JQ, MemberOrder::LastWins) };
/// A `JsonElement`: numbers and repeated members stay.
const DOTNET: Serializer =
    Serializer { strings: StringRule::Written(&way::DOTNET), language: Some(Language::CSharp), ..KEPT };
/// A `JsonElement` of Gson: its numbers remember their spelling.
const GSON: Serializer = Serializer {
    strings: StringRule::Written(&way::GSON),
    member_order: MemberOrder::LastWins,
    language: Some(Language::Java),
    ..KEPT
};

const fn language(
    strings: &'static Escapes,
    numbers: &'static number::NumberFormat,
    members: MemberOrder,
) -> Serializer {
    Serializer {
        strings: StringRule::Written(strings),
        numbers: NumberRule::Written(numbers),
        member_order: members,
        ..KEPT
    }
}

const fn in_language(language: Language, serializer: Serializer) -> Serializer {
    Serializer { language: Some(language), ..serializer }
}

/// Names a variant.
const fn row(code: &'static str, name: &'static str, serializer: Serializer) -> Serializer {
    Serializer { code, name, ..serializer }
}

/// The serializer with another layout.
const fn laid_out(layout: Layout, serializer: Serializer) -> Serializer {
    Serializer { layout, ..serializer }
}

/// The serializer with another order of members.
const fn ordered(members: MemberOrder, serializer: Serializer) -> Serializer {
    Serializer { member_order: members, ..serializer }
}

/// The serializer with a newline after the document.
const fn ended(serializer: Serializer) -> Serializer {
    Serializer { end: "\n", ..serializer }
}

/// All known serializers, the likeliest first. Several may write the same bytes for one document.
pub static SERIALIZERS: &[Serializer] = &[
    row("json_stringify", "JavaScript's JSON.stringify", JAVASCRIPT),
    KEPT,
    row("python_json_dumps", "Python's json.dumps", laid_out(SPACED, PYTHON)),
    row("python_compact", "Python's json.dumps with separators=(',', ':')", PYTHON),
    row("python_unicode", "Python's json.dumps with ensure_ascii=False", laid_out(SPACED, PYTHON_UNICODE)),
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
    row("php_object", "PHP's json_encode of an object", ordered(MemberOrder::LastWins, PHP)),
    row(
        "php_object_unescaped_slashes",
        "PHP's json_encode of an object with JSON_UNESCAPED_SLASHES",
        ordered(MemberOrder::LastWins, PHP_SLASHES),
    ),
    row(
        "php_object_unescaped_slashes_unicode",
        "PHP's json_encode of an object with JSON_UNESCAPED_SLASHES and JSON_UNESCAPED_UNICODE",
        ordered(MemberOrder::LastWins, PHP_BOTH),
    ),
    row(
        "php_object_unescaped_unicode",
        "PHP's json_encode of an object with JSON_UNESCAPED_UNICODE",
        ordered(MemberOrder::LastWins, PHP_UNICODE),
    ),
    row("go_map", "Go's json.Marshal of a map", GO),
    row(
        "go_raw_message",
        "Go's json.Marshal of a json.RawMessage",
        Serializer { strings: StringRule::UnchangedHtmlSafe, language: Some(Language::Go), ..KEPT },
    ),
    row(
        "go_encoder_plain",
        "Go's json.Encoder with SetEscapeHTML(false)",
        ended(in_language(Language::Go, language(&way::GO_PLAIN, &number::GO, MemberOrder::Sorted))),
    ),
    row("go_encoder", "Go's json.Encoder", ended(GO)),
    row("ruby_json", "Ruby's JSON.generate", RUBY),
    row(
        "rails_to_json",
        "Rails' to_json",
        in_language(Language::Ruby, language(&way::RAILS, &number::RAILS, MemberOrder::LastWins)),
    ),
    row("jackson", "Java's Jackson", JACKSON),
    row("gson", "Java's Gson", GSON),
    row("system_text_json", ".NET's System.Text.Json", DOTNET),
    row(
        "system_text_json_relaxed",
        ".NET's System.Text.Json with UnsafeRelaxedJsonEscaping",
        Serializer { strings: StringRule::Written(&way::DOTNET_RELAXED), ..DOTNET },
    ),
    row("newtonsoft", ".NET's Newtonsoft.Json", NEWTONSOFT),
    row("json_stringify_indent_2", "JavaScript's JSON.stringify with an indent of 2", laid_out(TWO, JAVASCRIPT)),
    row("json_stringify_indent_4", "JavaScript's JSON.stringify with an indent of 4", laid_out(FOUR, JAVASCRIPT)),
    row("python_indent_2", "Python's json.dumps with indent=2", laid_out(TWO, PYTHON)),
    row("python_indent_4", "Python's json.dumps with indent=4", laid_out(FOUR, PYTHON)),
    row(
        "python_unicode_indent_2",
        "Python's json.dumps with ensure_ascii=False and indent=2",
        laid_out(TWO, PYTHON_UNICODE),
    ),
    row(
        "python_unicode_indent_4",
        "Python's json.dumps with ensure_ascii=False and indent=4",
        laid_out(FOUR, PYTHON_UNICODE),
    ),
    row(
        "python_sorted",
        "Python's json.dumps with sort_keys=True",
        laid_out(SPACED, ordered(MemberOrder::Sorted, PYTHON)),
    ),
    row(
        "python_sorted_compact",
        "Python's json.dumps with sort_keys=True and separators=(',', ':')",
        ordered(MemberOrder::Sorted, PYTHON),
    ),
    row(
        "python_sorted_compact_unicode",
        "Python's json.dumps with sort_keys=True, separators=(',', ':') and ensure_ascii=False",
        ordered(MemberOrder::Sorted, PYTHON_UNICODE),
    ),
    row(
        "json_stringify_sorted",
        "JavaScript's JSON.stringify with sorted keys (RFC 8785)",
        ordered(MemberOrder::SortedUtf16, JAVASCRIPT),
    ),
    row("flask_jsonify", "Flask's jsonify", ended(ordered(MemberOrder::Sorted, PYTHON))),
    row("php_pretty_print", "PHP's json_encode with JSON_PRETTY_PRINT", laid_out(FOUR, PHP)),
    row(
        "php_object_pretty_print",
        "PHP's json_encode of an object with JSON_PRETTY_PRINT",
        laid_out(FOUR, ordered(MemberOrder::LastWins, PHP)),
    ),
    row(
        "php_pretty_print_unescaped",
        "PHP's json_encode with JSON_PRETTY_PRINT, JSON_UNESCAPED_SLASHES and JSON_UNESCAPED_UNICODE",
        laid_out(FOUR, PHP_BOTH),
    ),
    row("go_marshal_indent", "Go's json.MarshalIndent with two spaces", laid_out(TWO, GO)),
    row(
        "go_map_before_1_22",
        "Go's json.Marshal of a map, before Go 1.22",
        in_language(Language::Go, language(&way::OLD_GO, &number::GO, MemberOrder::Sorted)),
    ),
    row(
        "go_encoder_plain_before_1_22",
        "Go's json.Encoder with SetEscapeHTML(false), before Go 1.22",
        ended(in_language(Language::Go, language(&way::OLD_GO_PLAIN, &number::GO, MemberOrder::Sorted))),
    ),
    row("ruby_pretty", "Ruby's JSON.pretty_generate", laid_out(TWO, RUBY)),
    row("ruby_pretty_before_2_8", "Ruby's JSON.pretty_generate, before json 2.8", laid_out(Layout::OldRuby, RUBY)),
    row("jackson_pretty", "Java's Jackson with its default pretty printer", laid_out(Layout::Jackson, JACKSON)),
    row(
        "gson_map",
        "Java's Gson of a map",
        in_language(Language::Java, language(&way::GSON, &number::GSON_MAP, MemberOrder::LastWins)),
    ),
    row(
        "gson_plain",
        "Java's Gson with disableHtmlEscaping",
        Serializer { strings: StringRule::Written(&way::GSON_PLAIN), ..GSON },
    ),
    row("gson_pretty", "Java's Gson with setPrettyPrinting", laid_out(TWO, GSON)),
    row("system_text_json_indented", ".NET's System.Text.Json with WriteIndented", laid_out(TWO, DOTNET)),
    row("newtonsoft_indented", ".NET's Newtonsoft.Json with Formatting.Indented", laid_out(TWO, NEWTONSOFT)),
    row("jq", "jq", laid_out(TWO, JQ)),
    row("jq_compact", "jq -c", JQ),
    row("jq_sorted", "jq -S", laid_out(TWO, ordered(MemberOrder::Sorted, JQ))),
    row("jq_sorted_compact", "jq -cS", ordered(MemberOrder::Sorted, JQ)),
    row("minified_newline", "minified JSON with a newline at the end", ended(KEPT)),
    row("spaced", "JSON with a space after each comma and colon", laid_out(SPACED, KEPT)),
    row("pretty_2", "JSON indented by two spaces", laid_out(TWO, KEPT)),
    row("pretty_4", "JSON indented by four spaces", laid_out(FOUR, KEPT)),
    row("pretty_tab", "JSON indented by tabs", laid_out(TAB, KEPT)),
    row(
        "spaced_newline",
        "JSON with a space after each comma and colon, and a newline at the end",
        ended(laid_out(SPACED, KEPT)),
    ),
    row("pretty_2_newline", "JSON indented by two spaces, with a newline at the end", ended(laid_out(TWO, KEPT))),
    row("pretty_4_newline", "JSON indented by four spaces, with a newline at the end", ended(laid_out(FOUR, KEPT))),
    row("pretty_tab_newline", "JSON indented by tabs, with a newline at the end", ended(laid_out(TAB, KEPT))),
];
