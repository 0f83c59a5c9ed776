//! Steps that clean the text of a secret: characters, quotes, prefix and encodings.
//!
//! The table in `parts` gives them their words.

use super::parts::{Found, MIN_LENGTH, one};
use super::text::{decode_entities, is_printable, unescape, without_escape_sequences};
use crate::model::secret_text::{decode_text, find_odd_character, is_invisible, plain_form};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;

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

pub(super) fn without_invisible(text: &[u8], _: &str) -> Vec<Found> {
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

pub(super) fn trimmed(text: &[u8], _: &str) -> Vec<Found> {
    one(text, text.trim_ascii(), "")
}

pub(super) fn with_plain_characters(text: &[u8], _: &str) -> Vec<Found> {
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

pub(super) fn decoded_utf16(text: &[u8], _: &str) -> Vec<Found> {
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

pub(super) fn unquoted(text: &[u8], _: &str) -> Vec<Found> {
    let strip = |(start, end): &(&str, &'static str)| {
        let inner = text.strip_prefix(start.as_bytes())?.strip_suffix(end.as_bytes())?;
        Some((inner.to_vec(), if matches!(*end, ">" | ")" | "]" | "}") { "brackets" } else { "quotes" }.to_owned()))
    };
    QUOTES.iter().find_map(strip).into_iter().collect()
}

/// Undoes Python's `b'…'`, and the lists of byte values and hex dumps of several languages.
pub(super) fn unprinted(text: &[u8], _: &str) -> Vec<Found> {
    if let Some(rest) = text.strip_prefix(b"b") {
        return unquoted(rest, "").into_iter().map(|(bytes, _)| (bytes, "Python's b'…'".to_owned())).collect();
    }
    let inner = text.trim_ascii().strip_prefix(b"<Buffer").unwrap_or(text);
    let is_mark = |byte: &u8| matches!(byte, b'[' | b']' | b'<' | b'>' | b'{' | b'}' | b' ' | b',' | b':');
    let Ok(words) = std::str::from_utf8(inner) else { return Vec::new() };
    let words: Vec<_> = words.split(|character| u8::try_from(character).is_ok_and(|byte| is_mark(&byte))).collect();
    let words = || words.iter().filter(|word| !word.is_empty());
    let numbers: Option<Vec<u8>> = words().map(|word| word.parse::<u8>().ok()).collect();
    let pairs = || words().map(|word| word.trim_start_matches("0x").trim_start_matches("\\x"));
    let hex = || pairs().all(|pair| pair.len() == 2).then(|| hex::decode(pairs().collect::<String>()).ok()).flatten();
    let printed = [(numbers, "a list of byte values"), (hex(), "a hex dump")];
    let whole = [&b"0x"[..], b"\\x"].iter().find_map(|start| hex::decode(text.strip_prefix(*start)?).ok());
    let found = printed.into_iter().chain([(whole, "hex")]);
    found
        .filter_map(|(bytes, name)| Some((bytes.filter(|bytes| bytes.len() >= MIN_LENGTH)?, name.to_owned())))
        .collect()
}

pub(super) fn without_second_prefix(text: &[u8], prefix: &str) -> Vec<Found> {
    let rest = text.strip_prefix(prefix.as_bytes()).filter(|_| !prefix.is_empty());
    let once = rest.filter(|rest| rest.starts_with(prefix.as_bytes()));
    once.map(|once| (once.to_vec(), prefix.to_owned())).into_iter().collect()
}

/// Repairs a prefix in other letters, with another separator, or cut at its start.
pub(super) fn with_whole_prefix(text: &[u8], prefix: &str) -> Vec<Found> {
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

pub(super) fn first_half(text: &[u8], _: &str) -> Vec<Found> {
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

/// Removes a single quote, bracket or separator that was copied along, or a bullet or prompt.
pub(super) fn without_stray(text: &[u8], _: &str) -> Vec<Found> {
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

/// Decodes what is base64 or hex of a text. Binary keys, and those of a secret without its prefix,
/// are in `forms`.
pub(super) fn decoded_base64(text: &[u8], _: &str) -> Vec<Found> {
    let decoders = [("base64", decode_lenient_base64(text)), ("hex", hex::decode(text).ok())];
    let texts = decoders.into_iter().filter_map(|(encoding, bytes)| Some((bytes?, encoding.to_owned())));
    texts.filter(|(bytes, _)| is_printable(bytes)).collect()
}

pub(super) fn decoded(text: &[u8], _: &str) -> Vec<Found> {
    let percent: Vec<u8> = percent_decode(text).collect();
    let mut found = one(text, &percent, "percent-encoding");
    found.extend(unescape(text).map(|bytes| (bytes, "backslash escapes".to_owned())));
    found.extend(decode_entities(text).map(|bytes| (bytes, "HTML entities".to_owned())));
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

/// Decodes base64 as Python and PHP do, which skip characters that are not of the alphabet.
pub(in crate::diagnose) fn decode_base64_without_others(text: &[u8]) -> Option<Vec<u8>> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    decode_lenient_base64(&text.iter().copied().filter(is_base64).collect::<Vec<_>>())
}
