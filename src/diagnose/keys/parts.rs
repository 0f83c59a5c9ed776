//! What to take out of a variable that holds more than its secret, or the secret in another form.
//!
//! Each row is one step. `find_parts` repeats the steps, so that a quoted value of a line of a file
//! is found as well. Nothing here depends on a request.

use super::text::{is_name_of_secret, is_printable, line_value, printable_name, without_escape_sequences};
use crate::diagnose::cause::CauseKind;
use crate::diagnose::kinds::secret as kinds;
use crate::model::secret_text::{decode_text, find_odd_character, is_invisible, plain_form};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;
use serde_json::Value;
use std::collections::HashSet;

/// Bytes taken out of a variable, and in words the way to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub bytes: Vec<u8>,
    pub steps: Vec<Step>,
}

/// One step from a variable to its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub kind: &'static CauseKind,
    /// Stands for `{part}` in the words of the kind.
    pub detail: String,
    /// A phrase that follows "the signing key is …", for a step after the first.
    pub phrase: String,
}

/// The bytes that one step gives, and the detail for its words.
type Found = (Vec<u8>, String);

struct Row {
    kind: &'static CauseKind,
    /// Adds up over the steps; parts with a lower sum are tried first.
    cost: usize,
    /// The phrase of a later step, where `{part}` stands for the detail.
    phrase: &'static str,
    find: fn(&[u8], &str) -> Vec<Found>,
}

const fn row(kind: &'static CauseKind, phrase: &'static str, find: fn(&[u8], &str) -> Vec<Found>) -> Row {
    Row { kind, cost: 1, phrase, find }
}

/// A step that explains less than the others.
const fn vague(kind: &'static CauseKind, find: fn(&[u8], &str) -> Vec<Found>) -> Row {
    Row { kind, cost: 4, phrase: "{part}", find }
}

/// The steps. The text and the prefix of secrets are given to each.
static ROWS: &[Row] = &[
    row(&kinds::WHITESPACE_ADDED, "without the whitespace around it", trimmed),
    row(&kinds::ODD_CHARACTER, "without the invisible characters", without_invisible),
    row(&kinds::TYPOGRAPHIC, "with plain characters", with_plain_characters),
    row(&kinds::ENCODED, "decoded from {part}", decoded_utf16),
    row(&kinds::QUOTED, "without the {part} around it", unquoted),
    row(&kinds::PRINTED, "as the bytes of {part}", unprinted),
    row(&kinds::PREFIX_TWICE, "with `{part}` once", without_second_prefix),
    row(&kinds::PREFIX_DAMAGED, "with `{part}` at the start", with_whole_prefix),
    row(&kinds::TWICE, "once", first_half),
    row(&kinds::IN_JSON, "{part}", json_values),
    row(&kinds::ARMOUR, "without the lines of dashes", without_armour),
    row(&kinds::IN_FILE, "{part}", lines),
    row(&kinds::COMMENT, "without the comment", before_comment),
    row(&kinds::LINE, "{part}", values),
    row(&kinds::LABEL, "the text after `{part}`", after_label),
    row(&kinds::STRAY, "without {part}", without_stray),
    row(&kinds::IN_BASE64, "decoded from {part}", decoded_base64),
    row(&kinds::ENCODED, "decoded from {part}", decoded),
    vague(&kinds::LIST, list_items),
    vague(&kinds::IN_TEXT, texts_in_quotes),
    Row { cost: 5, ..vague(&kinds::IN_TEXT, words) },
];

/// The highest sum of costs: a list, then a line of it, its value, quotes, an encoding.
const MAX_COST: usize = 7;
/// The most parts of one variable.
const MAX_PARTS: usize = 96;
/// The longest variable that is searched, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// The shortest part that can be a secret, in bytes.
const MIN_LENGTH: usize = 4;

/// Lists what a variable may hold besides the secret alone, the simplest first. A clean secret has
/// no parts.
pub(crate) fn find_parts(variable: &[u8], prefix: &str) -> Vec<Part> {
    if variable.len() > MAX_LENGTH {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut by_cost: [Vec<Part>; MAX_COST + 1] = Default::default();
    by_cost[0].push(Part { bytes: variable.to_vec(), steps: Vec::new() });
    let mut parts = Vec::new();
    for cost in 0..=MAX_COST {
        for part in std::mem::take(&mut by_cost[cost]) {
            if parts.len() > MAX_PARTS || !seen.insert(part.bytes.clone()) {
                continue;
            }
            for row in ROWS.iter().filter(|row| cost + row.cost <= MAX_COST) {
                let found = (row.find)(&part.bytes, prefix).into_iter().filter(|(bytes, _)| bytes.len() >= MIN_LENGTH);
                by_cost[cost + row.cost].extend(found.map(|(bytes, detail)| {
                    let step = Step { kind: row.kind, phrase: row.phrase.replace("{part}", &detail), detail };
                    Part { bytes, steps: part.steps.iter().cloned().chain([step]).collect() }
                }));
            }
            parts.push(part);
        }
    }
    // The first is the variable itself.
    parts.split_off(1)
}

/// Returns bytes that are shorter than the text, or nothing.
fn one(text: &[u8], bytes: &[u8], detail: impl Into<String>) -> Vec<Found> {
    if bytes == text { Vec::new() } else { vec![(bytes.to_vec(), detail.into())] }
}

/// Byte order marks, also read in Latin-1 or with replacement characters.
const MARKS: [&[u8]; 7] = [
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xc3\xaf\xc2\xbb\xc2\xbf",
    b"\xc3\xbf\xc3\xbe",
    b"\xc3\xbe\xc3\xbf",
    b"\xef\xbf\xbd\xef\xbf\xbd",
];

fn without_invisible(text: &[u8], _: &str) -> Vec<Found> {
    let marked = MARKS.iter().find_map(|mark| text.strip_prefix(*mark));
    let detail = match (marked, find_odd_character(text)) {
        (Some(_), _) => "a byte order mark at the start".to_owned(),
        (None, Some(odd)) => odd.to_string(),
        (None, None) => return Vec::new(),
    };
    let rest = without_escape_sequences(marked.unwrap_or(text));
    // A line break separates lines, which are another step.
    let is_kept = |character: char| !is_invisible(character) || matches!(character, '\n' | '\r' | '\t');
    let clean = match std::str::from_utf8(&rest) {
        Ok(rest) => rest.chars().filter(|&each| is_kept(each)).collect::<String>().into_bytes(),
        Err(_) => rest,
    };
    one(text, &clean, detail)
}

fn trimmed(text: &[u8], _: &str) -> Vec<Found> {
    one(text, text.trim_ascii(), "")
}

fn with_plain_characters(text: &[u8], _: &str) -> Vec<Found> {
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let is_replaced = |character: char| plain_form(character).is_some();
    if !text.contains(is_replaced) {
        return Vec::new();
    }
    let mut plain = String::new();
    for character in text.chars() {
        match plain_form(character) {
            Some(form) => plain.push_str(&form),
            None => plain.push(character),
        }
    }
    let detail = find_odd_character(text.as_bytes()).map(|odd| odd.to_string()).unwrap_or_default();
    vec![(plain.into_bytes(), detail)]
}

fn decoded_utf16(text: &[u8], _: &str) -> Vec<Found> {
    decode_text(text).into_iter().map(|(bytes, encoding)| (bytes, encoding.name().to_owned())).collect()
}

/// Pairs of marks around a secret.
const QUOTES: &[(&str, &str)] = &[
    ("\\\"", "\\\""),
    ("\"\"\"", "\"\"\""),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("**", "**"),
    ("<", ">"),
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
];

fn unquoted(text: &[u8], _: &str) -> Vec<Found> {
    let strip = |(start, end): &(&str, &'static str)| {
        let inner = text.strip_prefix(start.as_bytes())?.strip_suffix(end.as_bytes())?;
        Some((inner.to_vec(), if matches!(*end, ">" | ")" | "]" | "}") { "brackets" } else { "quotes" }.to_owned()))
    };
    QUOTES.iter().find_map(strip).into_iter().collect()
}

/// Undoes Python's `b'…'`, and the lists of byte values and hex dumps of several languages.
fn unprinted(text: &[u8], _: &str) -> Vec<Found> {
    if let Some(rest) = text.strip_prefix(b"b") {
        return unquoted(rest, "").into_iter().map(|(bytes, _)| (bytes, "Python's b'…'".to_owned())).collect();
    }
    let inner = text.trim_ascii().strip_prefix(b"<Buffer").unwrap_or(text);
    let is_mark = |byte: &u8| matches!(byte, b'[' | b']' | b'<' | b'>' | b'{' | b'}' | b' ' | b',' | b':');
    let Ok(words) = std::str::from_utf8(inner) else { return Vec::new() };
    let words: Vec<_> = words.split(|character| u8::try_from(character).is_ok_and(|byte| is_mark(&byte))).collect();
    let words = || words.iter().filter(|word| !word.is_empty());
    let numbers: Option<Vec<u8>> = words().map(|word| word.parse().ok()).collect();
    let pairs = || words().map(|word| word.trim_start_matches("0x").trim_start_matches("\\x"));
    let hex = || pairs().all(|pair| pair.len() == 2).then(|| hex::decode(pairs().collect::<String>()).ok()).flatten();
    let printed = [(numbers, "a list of byte values"), (hex(), "a hex dump")];
    let whole = [&b"0x"[..], b"\\x"].iter().find_map(|start| hex::decode(text.strip_prefix(*start)?).ok());
    let found = printed.into_iter().chain([(whole, "hex")]);
    found
        .filter_map(|(bytes, name)| Some((bytes.filter(|bytes| bytes.len() >= MIN_LENGTH)?, name.to_owned())))
        .collect()
}

fn without_second_prefix(text: &[u8], prefix: &str) -> Vec<Found> {
    let rest = text.strip_prefix(prefix.as_bytes()).filter(|_| !prefix.is_empty());
    let once = rest.filter(|rest| rest.starts_with(prefix.as_bytes()));
    once.map(|once| (once.to_vec(), prefix.to_owned())).into_iter().collect()
}

/// Repairs a prefix in other letters, with another separator, or cut at its start.
fn with_whole_prefix(text: &[u8], prefix: &str) -> Vec<Found> {
    let Some(word) = prefix.strip_suffix('_').filter(|_| !text.starts_with(prefix.as_bytes())) else {
        return Vec::new();
    };
    let repaired = |rest: &[u8]| vec![([prefix.as_bytes(), rest].concat(), prefix.to_owned())];
    if let Some((start, rest)) = text.split_at_checked(word.len())
        && start.eq_ignore_ascii_case(word.as_bytes())
    {
        let is_separator = |byte: &u8| b"_-: .=".contains(byte);
        let end = rest.iter().position(|byte| !is_separator(byte)).unwrap_or(rest.len());
        return repaired(&rest[end..]);
    }
    let cut = (1..prefix.len()).find_map(|lost| text.strip_prefix(&prefix.as_bytes()[lost..]));
    cut.map(repaired).unwrap_or_default()
}

fn first_half(text: &[u8], _: &str) -> Vec<Found> {
    let trimmed = text.trim_ascii();
    let mut found = Vec::new();
    for separator in [&b""[..], b" ", b"\n", b",", b", "] {
        let Some(length) = trimmed.len().checked_sub(separator.len()).filter(|length| length % 2 == 0) else {
            continue;
        };
        let (first, rest) = trimmed.split_at(length / 2);
        if first.len() >= 8 && rest.strip_prefix(separator) == Some(first) {
            found.push((first.to_vec(), String::new()));
        }
    }
    found
}

fn json_values(text: &[u8], _: &str) -> Vec<Found> {
    if !text.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'{' | b'[' | b'"')) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_slice::<Value>(text) {
        collect_strings(&value, None, &mut found);
    }
    found.sort_by_key(|(_, name): &(_, Option<String>)| !name.as_deref().is_some_and(is_name_of_secret));
    let describe = |name: Option<String>| match name.as_deref().and_then(printable_name) {
        Some(name) => format!("the value of `{name}`"),
        None => "one of its values".to_owned(),
    };
    found.into_iter().map(|(bytes, name)| (bytes, describe(name))).collect()
}

/// The most strings that are read from a JSON document.
const MAX_STRINGS: usize = 32;

/// Lists the strings in a JSON value, and the bytes in lists of numbers, under their names.
fn collect_strings(value: &Value, name: Option<&str>, found: &mut Vec<(Vec<u8>, Option<String>)>) {
    if found.len() >= MAX_STRINGS {
        return;
    }
    let mut add = |bytes: Vec<u8>| found.push((bytes, name.map(str::to_owned)));
    match value {
        Value::String(text) => add(text.clone().into_bytes()),
        Value::Array(items) => {
            let byte = |item: &Value| u8::try_from(item.as_u64()?).ok();
            match items.iter().map(byte).collect::<Option<Vec<_>>>() {
                Some(bytes) => add(bytes),
                None => items.iter().for_each(|item| collect_strings(item, name, found)),
            }
        }
        Value::Object(fields) => fields.iter().for_each(|(name, field)| collect_strings(field, Some(name), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Joins the lines between `-----BEGIN …-----` and `-----END …-----`.
fn without_armour(text: &[u8], _: &str) -> Vec<Found> {
    if !text.trim_ascii_start().starts_with(b"-----") {
        return Vec::new();
    }
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.starts_with(b"-----"));
    one(text, &lines.collect::<Vec<_>>().concat(), "")
}

/// The most lines that are read from a file.
const MAX_LINES: usize = 200;

fn lines(text: &[u8], _: &str) -> Vec<Found> {
    let all: Vec<_> = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).enumerate().take(MAX_LINES).collect();
    let is_content = |line: &[u8]| !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b"//");
    let mut kept: Vec<_> = all.iter().filter(|(_, line)| is_content(line)).collect();
    if all.len() < 2 || kept.is_empty() {
        return Vec::new();
    }
    kept.sort_by_key(|(_, line)| !line_value(line).is_some_and(|(name, _)| is_name_of_secret(name)));
    let mut found: Vec<_> =
        kept.iter().map(|(index, line)| (line.to_vec(), format!("in line {}", index + 1))).collect();
    if kept.len() > 1 {
        let joined = all.iter().map(|(_, line)| *line).collect::<Vec<_>>().concat();
        found.push((joined, "in all lines together".to_owned()));
    }
    found
}

/// Starts of comments. The `#` of a secret has no blank before it.
const COMMENTS: [&[u8]; 10] = [b"#", b"//", b"--", b";", b"/*", b"<!--", b"(", b"- ", b"REM ", "–".as_bytes()];

/// Cuts the text before the first and before the last comment.
fn before_comment(text: &[u8], _: &str) -> Vec<Found> {
    if text.contains(&b'\n') {
        return Vec::new();
    }
    let is_start = |at: usize| COMMENTS.iter().any(|mark| text[at..].starts_with(mark));
    let after_blank = (1..text.len()).filter(|&at| matches!(text[at - 1], b' ' | b'\t') && is_start(at));
    let ends: Vec<_> = after_blank.collect();
    let ends = [ends.first(), ends.last()].into_iter().flatten();
    ends.map(|&end| (text[..end].trim_ascii().to_vec(), String::new())).collect()
}

/// Takes the value of a line such as `export NAME="value"`, `NAME: value` or `ENV NAME value`.
fn values(text: &[u8], _: &str) -> Vec<Found> {
    if text.trim_ascii().contains(&b'\n') {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (separator, spoken) in [(&b"="[..], "="), (b": ", ":"), (b":", ":")] {
        if let Some(at) = memchr::memmem::find(text, separator) {
            let value = text[at + separator.len()..].trim_ascii();
            let name = std::str::from_utf8(&text[..at]).ok().and_then(last_word).and_then(printable_name);
            let detail =
                name.map_or_else(|| format!("the text after `{spoken}`"), |name| format!("the value of `{name}`"));
            // In a URL, `&` begins the next value.
            let end =
                value.iter().position(|&byte| byte == b'&').filter(|_| memchr::memmem::find(text, b"://").is_some());
            found.push((value[..end.unwrap_or(value.len())].to_vec(), detail));
        }
    }
    found
}

fn last_word(text: &str) -> Option<&str> {
    let word = |character: char| !(character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.'));
    text.trim_end_matches(word).rsplit(word).next()
}

/// Takes the last word after words without digits, such as `Bearer` or `setx NAME`.
fn after_label(text: &[u8], _: &str) -> Vec<Found> {
    let Some(text) = std::str::from_utf8(text).ok().filter(|text| !text.trim().contains('\n')) else {
        return Vec::new();
    };
    let words: Vec<_> = text.split_whitespace().collect();
    let Some((value, labels)) = words.split_last().filter(|(_, labels)| (1..=4).contains(&labels.len())) else {
        return Vec::new();
    };
    let is_label = |word: &&str| word.chars().all(|each| each.is_ascii_alphabetic() || "_-:=.".contains(each));
    let label = labels.last().copied().filter(|_| labels.iter().all(is_label)).and_then(printable_name);
    label.map(|label| (value.as_bytes().to_vec(), label.to_owned())).into_iter().collect()
}

/// Removes a single quote, bracket or separator that was copied along, or a bullet or prompt.
fn without_stray(text: &[u8], _: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let describe = |byte: u8, end: &str| format!("a `{}` at the {end}", char::from(byte));
    if let Some((&last, rest)) = text.split_last()
        && b"\"'`,;:.)]}>\\|%$!*".contains(&last)
    {
        found.push((rest.to_vec(), describe(last, "end")));
    }
    if let Some((&first, rest)) = text.split_first()
        && (b"\"'`([{<=:,;@|>*".contains(&first) || (b"-$#+".contains(&first) && rest.starts_with(b" ")))
    {
        found.push((rest.trim_ascii_start().to_vec(), describe(first, "start")));
    }
    found
}

fn list_items(text: &[u8], _: &str) -> Vec<Found> {
    let mut found = Vec::new();
    if text.trim_ascii().contains(&b'\n') {
        return found;
    }
    for (separator, spoken) in
        [(b',', "commas"), (b';', "semicolons"), (b'|', "bars"), (b' ', "blanks"), (b':', "colons")]
    {
        let items: Vec<_> =
            text.split(|&byte| byte == separator).map(<[u8]>::trim_ascii).filter(|item| !item.is_empty()).collect();
        if (2..=16).contains(&items.len()) {
            let count = items.len();
            let describe = |index| format!("value {} of {count}, separated by {spoken}", index + 1);
            found.extend(items.iter().enumerate().map(|(index, item)| (item.to_vec(), describe(index))));
        }
    }
    found
}

/// Lists the texts between quotes, and between tags.
fn texts_in_quotes(text: &[u8], _: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for quote in b"\"'`" {
        let texts: Vec<_> = text.split(|byte| byte == quote).collect();
        if texts.len() >= 3 {
            found.extend(texts[1..texts.len() - 1].iter().map(|inner| (inner.to_vec(), "a text in quotes".to_owned())));
        }
    }
    let after =
        |start: &[u8]| start.iter().position(|&byte| byte == b'<').map(|end| start[..end].trim_ascii().to_vec());
    let tagged = text.split(|&byte| byte == b'>').skip(1).filter_map(after);
    found.extend(tagged.map(|inner| (inner, "a text between tags".to_owned())));
    found.truncate(MAX_STRINGS);
    found
}

/// The shortest word of a text that can be a secret, in bytes.
const SHORTEST_WORD: usize = 12;

/// Lists the words of a text with their place, whatever stands between them.
fn words(text: &[u8], _: &str) -> Vec<Found> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+=$.~!".contains(byte);
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split(|byte| !is_part(byte)) {
        let end = start + word.len();
        // A word at the start is what `forms` calls truncated.
        if word.len() >= SHORTEST_WORD && start > 0 {
            found.push((word.to_vec(), format!("its bytes {} to {end}", start + 1)));
        }
        start = end + 1;
    }
    found.truncate(MAX_STRINGS);
    found
}

/// Decodes what is base64 or hex of a text. Binary keys, and those of a secret without its prefix,
/// are in `forms`.
fn decoded_base64(text: &[u8], _: &str) -> Vec<Found> {
    let decoders = [("base64", decode_lenient_base64(text)), ("hex", hex::decode(text).ok())];
    let texts = decoders.into_iter().filter_map(|(encoding, bytes)| Some((bytes?, encoding.to_owned())));
    texts.filter(|(bytes, _)| is_printable(bytes)).collect()
}

fn decoded(text: &[u8], _: &str) -> Vec<Found> {
    let percent: Vec<u8> = percent_decode(text).collect();
    let mut found = one(text, &percent, "percent-encoding");
    found.extend(super::text::unescape(text).map(|bytes| (bytes, "backslash escapes".to_owned())));
    found.extend(super::text::decode_entities(text).map(|bytes| (bytes, "HTML entities".to_owned())));
    found
}

/// Decodes base64 as Node and PHP do: either alphabet, padded or not, any trailing bits.
pub(in crate::diagnose) fn decode_lenient_base64(text: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let plain: Vec<_> = text
        .iter()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(plain).ok().filter(|bytes| !bytes.is_empty())
}
