//! A payload for people: JSON indented and coloured with its own spelling kept, other text line by line, bytes as a dump. Goods
//! and keys in it are masked unless asked for.

use super::paint::Paint;
use crate::json::{self, Document, PieceKind, TokenKind, Tokens};
use crate::model::sanitize::{escape_unsafe, escape_unsafe_bytes};
use std::ops::Range;

/// Whether values that are worth money or secrecy are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reveal {
    /// Shown as `***`.
    Masked,
    /// Shown as they are.
    Everything,
}

/// How many lines of a payload are shown.
const MOST_LINES: usize = 120;
/// How many letters of a value are shown.
const MOST_LETTERS: usize = 1_000;
/// How many bytes of something that is no text are shown.
const MOST_BYTES: usize = 64;
/// The names of what is secret. Tokens and PINs are the goods sold (<https://docs.plustiveimpact.com/bill-payments>).
const GOODS: [&str; 3] = ["token", "pin", "secret"];
/// What keys and signing secrets begin with.
const SECRET_STARTS: [&str; 5] = ["sk_live_", "sk_test_", "pk_live_", "pk_test_", "whsec_"];
/// What stands in the names of headers that carry credentials.
const CREDENTIALS: [&str; 5] = ["authorization", "cookie", "api-key", "apikey", "token"];

/// The payload, each line with `indent` before it and a line break after it.
pub fn lines(body: &[u8], indent: &str, paint: Paint, reveal: Reveal) -> String {
    let text = match (Document::parse(body), std::str::from_utf8(body)) {
        _ if body.is_empty() => paint.faint("(empty)"),
        (Ok(document), _) => coloured(&document, paint, reveal),
        (Err(_), Ok(text)) if !text.contains('\0') => plain(text, reveal),
        _ => dump(body, reveal),
    };
    let total = text.lines().count();
    let mut shown: String = text.lines().take(MOST_LINES).flat_map(|line| [indent, line, "\n"]).collect();
    if total > MOST_LINES {
        shown.push_str(&format!("{indent}{}\n", paint.faint(&format!("… {} more lines", total - MOST_LINES))));
    }
    shown
}

fn coloured(document: &Document<'_>, paint: Paint, reveal: Reveal) -> String {
    let mut text = String::new();
    let (mut key, mut depth, mut hidden_from) = (String::new(), 0_usize, None);
    for (kind, piece) in json::indented(document) {
        match piece {
            "{" | "[" if kind == PieceKind::Punctuation => {
                // What is below the name of something secret is secret too.
                hidden_from = hidden_from.or_else(|| is_goods(&key).then_some(depth));
                depth += 1;
            }
            "}" | "]" if kind == PieceKind::Punctuation => {
                depth = depth.saturating_sub(1);
                hidden_from = hidden_from.filter(|from| *from < depth);
            }
            _ => {}
        }
        let hide = reveal == Reveal::Masked && (hidden_from.is_some() || is_goods(&key));
        match kind {
            PieceKind::Space => text.push_str(piece),
            PieceKind::Key => {
                key = serde_json::from_str(piece).unwrap_or_else(|_| piece.to_owned());
                text.push_str(&paint.name(&shortened(piece)));
            }
            PieceKind::String if hide || (reveal == Reveal::Masked && is_secret(piece)) => {
                text.push_str(&paint.warn("\"***\""));
            }
            PieceKind::String => text.push_str(&paint.good(&shortened(piece))),
            PieceKind::Number if hide => text.push_str(&paint.warn("***")),
            PieceKind::Number => text.push_str(&paint.number(&shortened(piece))),
            PieceKind::Literal => text.push_str(&paint.warn(piece)),
            PieceKind::Punctuation => text.push_str(piece),
        }
    }
    text
}

fn is_goods(key: &str) -> bool {
    let key = key.trim_matches('"').to_ascii_lowercase();
    GOODS.iter().any(|name| key.ends_with(name))
}

fn is_secret(piece: &str) -> bool {
    SECRET_STARTS.iter().any(|start| piece.contains(start))
}

fn plain(text: &str, reveal: Reveal) -> String {
    text.lines().map(|line| text_line(line, reveal) + "\n").collect()
}

/// A text of which only the start is shown when it is long, made harmless.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}… ({} bytes)", escape_unsafe(&text[..end]), text.len()),
        None => escape_unsafe(text).into_owned(),
    }
}

/// A line of text that is no JSON; harmless, cut when it is long, and masked unless asked for.
pub fn text_line(line: &str, reveal: Reveal) -> String {
    match reveal {
        Reveal::Masked => shortened(&masked(line)),
        Reveal::Everything => shortened(line),
    }
}

/// A line that is no JSON, with what follows the name of something secret masked up to the end of its value, and words that begin
/// like a secret.
pub fn masked(line: &str) -> String {
    let (mut shown, mut from) = (String::new(), 0);
    for Range { start, end } in secret_words(line) {
        shown.extend([&line[from..start], "***"]);
        from = end;
    }
    shown + &line[from..]
}

/// Where those stand.
fn secret_words(line: &str) -> Vec<Range<usize>> {
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(gap) = line[at..].find(is_word) {
        let start = at + gap;
        let end = line[start..].find(|letter| !is_word(letter)).map_or(line.len(), |length| start + length);
        let (word, rest) = (&line[start..end], &line[end..]);
        at = end;
        if SECRET_STARTS.iter().any(|start| word.contains(start)) {
            found.push(start..end);
        } else if is_goods(word) && rest.trim_start_matches(['"', '\'', ' ']).starts_with([':', '=']) {
            let value = end + rest.find(is_word).unwrap_or(rest.len());
            let beyond = |letter: char| !is_word(letter) && letter != ' ';
            at = line[value..].find(beyond).map_or(line.len(), |length| value + length);
            found.push(value..at);
        }
    }
    found
}

/// Where in a body secrets and goods stand, in order: what is not to be shown of a part of it.
pub fn secret_places(body: &[u8]) -> Vec<Range<usize>> {
    if Document::parse(body).is_ok() {
        return secret_values(body);
    }
    let (mut found, mut at) = (Vec::new(), 0);
    for chunk in body.utf8_chunks() {
        for line in chunk.valid().split_inclusive('\n') {
            found.extend(secret_words(line).into_iter().map(|place| place.start + at..place.end + at));
            at += line.len();
        }
        at += chunk.invalid().len();
    }
    found
}

fn secret_values(json: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut key, mut depth, mut hidden_from) = (Vec::new(), String::new(), 0_usize, None);
    for token in Tokens::new(json).filter_map(Result::ok) {
        let place = token.start..token.end;
        let text = json.get(place.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        let hide = hidden_from.is_some() || is_goods(&key);
        match token.kind {
            TokenKind::Key => key = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()),
            TokenKind::OpenObject | TokenKind::OpenArray => {
                // What is below the name of something secret is secret too.
                hidden_from = hidden_from.or_else(|| is_goods(&key).then_some(depth));
                depth += 1;
            }
            TokenKind::CloseObject | TokenKind::CloseArray => {
                depth = depth.saturating_sub(1);
                hidden_from = hidden_from.filter(|from| *from < depth);
            }
            TokenKind::String if hide || is_secret(text) => found.push(place),
            TokenKind::Number if hide => found.push(place),
            _ => {}
        }
    }
    found
}

/// A value as it is spelled in JSON, below a key that need not have quotes; harmless, and masked unless asked for.
pub fn value(key: &str, spelled: &str, reveal: Reveal) -> String {
    if reveal == Reveal::Masked && (is_goods(key) || is_secret(spelled)) {
        return "***".to_owned();
    }
    escape_unsafe(spelled).into_owned()
}

/// A header line; harmless, and with credentials masked unless asked for.
pub fn header(name: &str, value: &[u8], paint: Paint, reveal: Reveal) -> String {
    let lower = name.to_ascii_lowercase();
    let is_credential = CREDENTIALS.iter().any(|part| lower.contains(part));
    let value = match reveal {
        Reveal::Masked if is_credential => "***".to_owned(),
        _ => std::str::from_utf8(value).map_or_else(|_| escape_unsafe_bytes(value), |text| text_line(text, reveal)),
    };
    format!("{}: {value}", paint.name(name))
}

fn dump(body: &[u8], reveal: Reveal) -> String {
    if reveal == Reveal::Masked {
        return format!("({} bytes that are not text; --reveal shows the first of them)", body.len());
    }
    let start: Vec<_> = body.iter().take(MOST_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let more = if body.len() > MOST_BYTES { " …" } else { "" };
    let text = escape_unsafe_bytes(&body[..body.len().min(MOST_BYTES)]);
    format!("({} bytes that are not text)\n{}{more}\n{text}{more}", body.len(), start.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &[u8], reveal: Reveal) -> String {
        lines(body, "  ", Paint::Plain, reveal)
    }

    #[test]
    fn json_is_indented_with_its_own_spelling() {
        let body = br#"{"a":1.0,"b":[],"a":"\u00e9"}"#;
        assert_eq!(shown(body, Reveal::Masked), "  {\n    \"a\": 1.0,\n    \"b\": [],\n    \"a\": \"\\u00e9\"\n  }\n");
    }

    #[test]
    fn tokens_and_keys_are_masked_unless_asked_for() {
        let body = br#"{"token":"1234-5678","note":"key sk_live_abc","pin":1234}"#;
        let masked = shown(body, Reveal::Masked);
        let nested = shown(br#"{"to\u006ben":{"value":["1234"]},"meterToken":1234,"after":"seen"}"#, Reveal::Masked);
        assert!(!nested.contains("1234") && nested.contains("seen"), "{nested}");
        assert!(!masked.contains("1234") && !masked.contains("sk_live"), "{masked}");
        let all = shown(body, Reveal::Everything);
        assert!(all.contains("1234-5678") && all.contains("sk_live_abc"), "{all}");
    }

    #[test]
    fn the_places_of_secrets_are_those_that_are_masked_when_shown() {
        let body = br#"{"to\u006ben":{"value":["1234",5]},"meterToken":6,"note":"key sk_live_abc","after":"seen"}"#;
        let places: Vec<_> = secret_places(body).into_iter().map(|place| &body[place]).collect();
        assert_eq!(places, [&b"\"1234\""[..], b"5", b"6", b"\"key sk_live_abc\""]);
    }

    #[test]
    fn text_that_is_no_json_is_masked_too() {
        let masked = shown(b"{\"token\": \"1234-5678\", broken&token=99&a=whsec_abc", Reveal::Masked);
        assert_eq!(masked, "  {\"token\": \"***\", broken&token=***&a=***\n");
        assert_eq!(shown(b"token: 1234 5678 9012", Reveal::Masked), "  token: ***\n");
        assert!(!shown(b"\xff\"token\":\"1234\"", Reveal::Masked).contains("1234"));
    }

    #[test]
    fn a_strangers_text_cannot_reach_the_terminal_raw() {
        for body in [&b"\"\x1b[2J\""[..], b"\x1b[2J\n\x1b]0;x\x07", b"\x00\x1b[2J", "\"\u{202e}\"".as_bytes()] {
            let text = shown(body, Reveal::Everything);
            assert!(!text.contains('\x1b') && !text.contains('\u{202e}') && !text.contains('\x07'), "{text:?}");
        }
    }

    #[test]
    fn long_payloads_are_cut_and_the_rest_is_counted() {
        let body = vec![b'\n'; 500];
        let text = shown(&body, Reveal::Masked);
        assert_eq!(text.lines().count(), MOST_LINES + 1);
        assert!(text.ends_with("… 380 more lines\n"), "{text}");
    }
}
