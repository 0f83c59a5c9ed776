//! The parts of a request: payload as a tree, raw text, headers, bytes in hex.

use super::view::PageFrame;
use crate::json::{Document, TokenKind};
use crate::model::mask::{Audience, Reveal};
use crate::model::message::Headers;
use crate::model::sanitize::{escape_unsafe, escape_unsafe_bytes};
use crate::render::payload::{self, JsonPiece};
use crate::render::text::byte_size;
use maud::{Markup, PreEscaped, html};
use std::fmt::Write as _;

/// The most lines of a tree or text that are shown.
const MAX_LINES: usize = 2_000;
/// The most bytes of a text that are shown.
const MAX_TEXT: usize = 256 * 1024;
/// Nesting that can be folded and is indented.
const MAX_DEPTH: usize = 24;
/// The most bytes that are shown in hex.
const MAX_HEX: usize = 4 * 1024;
const HEX_COLUMNS: usize = 16;

/// Formats a body: JSON as a tree that can be folded, other text as it is.
pub(super) fn tree(frame: &PageFrame<'_>, body: &[u8]) -> Markup {
    match Document::parse(body) {
        _ if body.is_empty() => html! { p.faint { "The body is empty." } },
        Ok(document) => html! { div.code.tree { (json(&document, frame.reveal)) } },
        Err(_) => text(frame, body),
    }
}

/// Builds the lines of a tree. What it folds is in `details`, which need no script.
struct TreeBuilder {
    markup: String,
    line: String,
    /// Each is true if it was opened as `details`.
    open: Vec<bool>,
    lines: usize,
}

impl TreeBuilder {
    fn push(&mut self, class: &str, text: &str) {
        let piece = html! { @if class.is_empty() { (text) } @else { span class=(class) { (text) } } };
        self.line.push_str(&piece.into_string());
    }

    fn end_line(&mut self) {
        if !self.line.is_empty() {
            write!(self.markup, "<div>{}</div>", self.line).expect("writing to a String does not fail");
            self.lines += 1;
            self.line.clear();
        }
    }

    /// Opens a level with the current line as its heading.
    fn open(&mut self) {
        let is_folding = self.open.len() < MAX_DEPTH;
        if is_folding {
            let line = std::mem::take(&mut self.line);
            write!(self.markup, "<details open><summary>{line}</summary><div class=\"in\">")
                .expect("writing to a String does not fail");
            self.lines += 1;
        } else {
            self.end_line();
        }
        self.open.push(is_folding);
    }

    fn close(&mut self) {
        self.end_line();
        if self.open.pop() == Some(true) {
            self.markup.push_str("</div></details>");
        }
    }
}

fn json(document: &Document<'_>, reveal: Reveal) -> Markup {
    let mut tree = TreeBuilder { markup: String::new(), line: String::new(), open: Vec::new(), lines: 0 };
    let mut is_cut = false;
    let mut pieces = payload::json_pieces(document, reveal).peekable();
    while let Some(JsonPiece { kind, text, is_masked }) = pieces.next() {
        match kind {
            TokenKind::Space if text.starts_with('\n') => {}
            TokenKind::OpenObject | TokenKind::OpenArray => {
                tree.push("", &text);
                // An empty object has no newline in it.
                if pieces.peek().is_some_and(|next| next.kind == TokenKind::Space) {
                    tree.open();
                }
            }
            TokenKind::CloseObject | TokenKind::CloseArray => {
                if !tree.line.ends_with(['{', '[']) {
                    tree.close();
                }
                tree.push("", &text);
            }
            TokenKind::Key => {
                tree.end_line();
                tree.push("key", &text);
            }
            _ if is_masked => tree.push("masked", &text),
            TokenKind::String => tree.push("string", &text),
            TokenKind::Number => tree.push("number", &text),
            TokenKind::True | TokenKind::False | TokenKind::Null => tree.push("word", &text),
            _ => tree.push("", &text),
        }
        // After a comma, a value without a key starts its own line.
        if kind == TokenKind::Comma {
            tree.end_line();
        }
        if tree.lines >= MAX_LINES {
            is_cut = true;
            break;
        }
    }
    while !tree.open.is_empty() {
        tree.close();
    }
    tree.end_line();
    html! { (PreEscaped(tree.markup)) @if is_cut { p.faint { "The rest is not shown; download the body." } } }
}

/// Formats a body as text, line by line as it is.
pub(super) fn text(frame: &PageFrame<'_>, body: &[u8]) -> Markup {
    html! {
        pre { (body_text(frame, body)) }
        @if body.len() > MAX_TEXT { p.faint { "The rest is not shown; download the body." } }
    }
}

/// Formats the whole request as it arrived.
pub(super) fn raw(frame: &PageFrame<'_>, (method, target): (&str, &str), headers: &Headers, body: &[u8]) -> Markup {
    let mut head = format!("{} {}\n", frame.text(method), frame.text(target));
    for (name, value) in headers.iter() {
        writeln!(head, "{}: {}", frame.text(name), header_value(frame, name, value))
            .expect("writing to a String does not fail");
    }
    html! {
        pre { span.faint { (head) } "\n" (body_text(frame, body)) }
        @if body.len() > MAX_TEXT { p.faint { "The rest is not shown; download the body." } }
    }
}

/// Masks and escapes a body, except for its newlines.
fn body_text(frame: &PageFrame<'_>, body: &[u8]) -> String {
    let masked = match frame.reveal {
        Reveal::Masked => payload::mask_body(body, Audience::Team).map(String::into_bytes),
        Reveal::Everything => None,
    };
    let is_binary = std::str::from_utf8(body).map_or(true, |text| text.contains('\0'));
    if is_binary && frame.reveal == Reveal::Masked {
        return format!("({} of binary data)", byte_size(body.len() as u64));
    }
    let bytes = masked.as_deref().unwrap_or(body);
    let bytes = bytes.get(..MAX_TEXT).unwrap_or(bytes);
    let lines = bytes.split(|&byte| byte == b'\n').map(escape_unsafe_bytes);
    lines.collect::<Vec<_>>().join("\n")
}

/// Formats the headers as a table.
pub(super) fn headers(frame: &PageFrame<'_>, headers: &Headers) -> Markup {
    html! {
        dl.headers {
            @for (name, value) in headers.iter() {
                dt { (frame.text(name)) }
                dd { code { (header_value(frame, name, value)) } }
            }
        }
    }
}

/// Masks and escapes the value of a header.
pub(super) fn header_value(frame: &PageFrame<'_>, name: &str, value: &[u8]) -> String {
    match frame.reveal {
        Reveal::Masked => escape_unsafe(&payload::masked_header(name, value, Audience::Team)).into_owned(),
        Reveal::Everything => escape_unsafe_bytes(value),
    }
}

/// Formats bytes in hex with their text. Masked bytes are dots.
pub(super) fn hex(frame: &PageFrame<'_>, body: &[u8]) -> Markup {
    let hidden = match frame.reveal {
        Reveal::Masked => payload::sensitive_ranges(body),
        Reveal::Everything => Vec::new(),
    };
    let shown = body.get(..MAX_HEX).unwrap_or(body);
    let mut dump = String::with_capacity(shown.len() * 5);
    let mut hidden = hidden.into_iter().peekable();
    for (row, bytes) in shown.chunks(HEX_COLUMNS).enumerate() {
        let (mut digits, mut letters) = (String::new(), String::new());
        for (column, &byte) in bytes.iter().enumerate() {
            let at = row * HEX_COLUMNS + column;
            while hidden.next_if(|range| range.end <= at).is_some() {}
            let is_hidden = hidden.peek().is_some_and(|range| range.contains(&at));
            let gap = if column == HEX_COLUMNS / 2 { " " } else { "" };
            let code = if is_hidden { "··".to_owned() } else { format!("{byte:02x}") };
            write!(digits, "{gap}{code} ").expect("writing to a String does not fail");
            let is_visible = !is_hidden && (byte.is_ascii_graphic() || byte == b' ');
            letters.push(if is_visible { char::from(byte) } else { '·' });
        }
        writeln!(dump, "{:06x}  {digits:<49} {letters}", row * HEX_COLUMNS).expect("writing to a String does not fail");
    }
    html! {
        @if body.is_empty() { p.faint { "The body is empty." } } @else { pre.hex tabindex="0" { (dump) } }
        @if body.len() > shown.len() {
            p.faint { "The first " (byte_size(shown.len() as u64)) " of " (byte_size(body.len() as u64)) "." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timestamp::Timestamp;
    use jiff::tz::TimeZone;

    fn shown(format: fn(&PageFrame<'_>, &[u8]) -> Markup, body: &[u8]) -> String {
        let zone = TimeZone::UTC;
        let frame = PageFrame {
            zone: &zone,
            now: Timestamp::UNIX_EPOCH,
            reveal: Reveal::Masked,
            listener: None,
            store: "",
            targets: &[],
            samples: &[],
        };
        format(&frame, body).into_string()
    }

    #[test]
    fn a_tree_has_a_line_for_each_value_and_folds_objects() {
        let tree = shown(tree, br#"{"a":1,"b":{},"c":[true,"<x>"]}"#);
        let expected = concat!(
            r#"<div class="code tree"><details open><summary>{</summary><div class="in">"#,
            r#"<div><span class="key">&quot;a&quot;</span>: <span class="number">1</span>,</div>"#,
            r#"<div><span class="key">&quot;b&quot;</span>: {},</div>"#,
            r#"<details open><summary><span class="key">&quot;c&quot;</span>: [</summary><div class="in">"#,
            r#"<div><span class="word">true</span>,</div><div><span class="string">&quot;&lt;x&gt;&quot;</span></div>"#,
            r#"</div></details><div>]</div></div></details><div>}</div></div>"#
        );
        assert_eq!(tree, expected);
    }

    #[test]
    fn deep_and_long_documents_are_bounded_and_closed() {
        let deep = "[".repeat(5_000) + "1" + &"]".repeat(5_000);
        let markup = shown(tree, deep.as_bytes());
        assert_eq!(markup.matches("<details").count(), MAX_DEPTH);
        assert_eq!(markup.matches("<details").count(), markup.matches("</details>").count());
        assert!(markup.contains("download the body"));
        let long = format!("[{}1]", "1,".repeat(5_000));
        let markup = shown(tree, long.as_bytes());
        assert!(markup.matches("<div>").count() <= MAX_LINES + 1 && markup.contains("download the body"));
    }

    #[test]
    fn no_part_shows_a_secret() {
        let body = br#"{"token":"1234-5678-9012","a":"b"}"#;
        for format in [tree, text, hex] {
            let shown = shown(format, body);
            assert!(!shown.contains("1234") && !shown.contains("31 32 33 34"), "{shown}");
        }
        assert!(shown(hex, body).contains("000000  7b 22 74 6f 6b 65 6e 22  3a ·· ·· "));
    }
}
