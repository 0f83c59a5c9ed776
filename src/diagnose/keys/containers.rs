//! Steps that take a secret out of a text that holds more: JSON, files, lines, lists.
//!
//! The table in `parts` gives them their words.

use super::parts::{Found, one};
use super::text::{is_name_of_secret, line_value, printable_name};
use serde_json::Value;

pub(super) fn json_values(text: &[u8], _: &str) -> Vec<Found> {
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
pub(super) fn without_armour(text: &[u8], _: &str) -> Vec<Found> {
    if !text.trim_ascii_start().starts_with(b"-----") {
        return Vec::new();
    }
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.starts_with(b"-----"));
    one(text, &lines.collect::<Vec<_>>().concat(), "")
}

/// The most lines that are read from a file.
const MAX_LINES: usize = 200;

pub(super) fn lines(text: &[u8], _: &str) -> Vec<Found> {
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
pub(super) fn before_comment(text: &[u8], _: &str) -> Vec<Found> {
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
pub(super) fn values(text: &[u8], _: &str) -> Vec<Found> {
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
pub(super) fn after_label(text: &[u8], _: &str) -> Vec<Found> {
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

pub(super) fn list_items(text: &[u8], _: &str) -> Vec<Found> {
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
pub(super) fn texts_in_quotes(text: &[u8], _: &str) -> Vec<Found> {
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
pub(super) fn words(text: &[u8], _: &str) -> Vec<Found> {
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
