//! Masks a payload for an editor, and puts the masked values back into the edited text.

use super::payload::{JsonMasker, mask_body};
use crate::json::{self, Document, TokenKind, Tokens};
use crate::model::mask::{Audience, MASK, Reveal};
use crate::model::sanitize::needs_escape;
use std::ops::Range;

/// A masked value or name in a JSON text.
struct MaskedToken {
    /// The name before it, as it is written in the masked text.
    name: String,
    place: Range<usize>,
    masked: String,
}

/// Makes an editable text of a body. JSON on one line is indented, what can't be seen in it is escaped,
/// and a masked number becomes a string, so that JSON stays JSON. `None`: the body is not text, or has
/// invisible characters that nothing can stand for.
pub fn editable(body: &[u8], reveal: Reveal, audience: Audience) -> Option<String> {
    let text = std::str::from_utf8(body).ok().filter(|text| !text.contains('\0'))?;
    let is_masked = reveal == Reveal::Masked;
    let Ok(document) = Document::parse(body) else {
        let text = if is_masked { mask_body(body, audience)? } else { text.to_owned() };
        return Some(text).filter(|text| !text.chars().any(|char| needs_escape(char) && !"\n\r\t".contains(char)));
    };
    let indented = if text.trim().contains('\n') {
        text.to_owned()
    } else {
        json::indented(&document).map(|(_, piece)| piece).collect()
    };
    let shown = if is_masked { masked_json(&indented, audience)? } else { indented };
    Some(escape_invisible(&shown))
}

/// Escapes what can't be seen in a JSON text. Outside of strings that are newlines only, which stay.
fn escape_invisible(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        if needs_escape(letter) && !"\n\r\t".contains(letter) {
            let mut units = [0; 2];
            escaped.extend(letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

fn masked_json(text: &str, audience: Audience) -> Option<String> {
    let (mut masked, mut from) = (String::with_capacity(text.len()), 0);
    for token in hidden_tokens(text, audience)? {
        masked.push_str(text.get(from..token.place.start).unwrap_or_default());
        masked.push_str(&token.masked);
        from = token.place.end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    Some(masked)
}

/// Restores the body behind `edited`, which was made from the masked `editable` text of `original`. If
/// nothing was edited, it is the original. Masked
/// values of one name are put back only if none of them was replaced: otherwise it would be a guess
/// which is which. The error says what to do.
pub fn restore(edited: &str, original: &[u8], audience: Audience) -> Result<String, String> {
    let original_text = std::str::from_utf8(original).unwrap_or_default();
    if editable(original, Reveal::Masked, audience).is_some_and(|shown| shown == edited) {
        return Ok(original_text.to_owned());
    }
    let is_masked = mask_body(original, audience).is_some_and(|masked| masked != original_text);
    if !is_masked || !edited.contains(MASK) {
        return Ok(edited.to_owned());
    }
    let hidden = hidden_tokens(original_text, audience);
    let (Some(mut hidden), Some(placeholders)) = (hidden, placeholders(edited)) else {
        return Err("masked values are put back in JSON only: replace every `***`".to_owned());
    };
    let mut restored = String::with_capacity(edited.len());
    let mut from = 0;
    for MaskedToken { name, place, masked } in &placeholders {
        let is_same = |token: &MaskedToken| token.name == *name && token.masked == *masked;
        let remaining = placeholders.iter().filter(|token| is_same(token) && token.place.start >= place.start).count();
        if hidden.iter().filter(|token| is_same(token)).count() != remaining {
            return Err(format!("several values are masked as {masked} at {name}: replace all of them, or none"));
        }
        // The counts are equal, so there is one.
        let Some(first) = hidden.iter().position(is_same) else { continue };
        let token = hidden.remove(first);
        restored.push_str(edited.get(from..place.start).unwrap_or_default());
        restored.push_str(original_text.get(token.place).unwrap_or_default());
        from = place.end;
    }
    restored.push_str(edited.get(from..).unwrap_or_default());
    Ok(restored)
}

/// Lists what is masked in a JSON text. `None`: it is not JSON.
fn hidden_tokens(json: &str, audience: Audience) -> Option<Vec<MaskedToken>> {
    let mut masker = JsonMasker::new(audience);
    let quoted = |masked: String| if masked == MASK { format!("\"{MASK}\"") } else { masked };
    tokens_with_names(json, |kind, text| masker.mask(kind, text).map(quoted))
}

/// Lists the tokens of a masked JSON text that stand for others. `None`: it is not JSON.
fn placeholders(json: &str) -> Option<Vec<MaskedToken>> {
    tokens_with_names(json, |_, text| text.contains(MASK).then(|| text.to_owned()))
}

fn tokens_with_names(json: &str, mut mask: impl FnMut(TokenKind, &str) -> Option<String>) -> Option<Vec<MaskedToken>> {
    let (mut name, mut found) = (String::new(), Vec::new());
    for token in Tokens::new(json.as_bytes()) {
        let token = token.ok()?;
        let text = json.get(token.start..token.end)?;
        let masked = mask(token.kind, text);
        if token.kind == TokenKind::Key {
            name = masked.clone().unwrap_or_else(|| text.to_owned());
        }
        found.extend(masked.map(|masked| MaskedToken { name: name.clone(), place: token.start..token.end, masked }));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(original: &str, edit: impl Fn(String) -> String) -> Result<String, String> {
        let masked = editable(original.as_bytes(), Reveal::Masked, Audience::Team).unwrap();
        assert_ne!(masked, original);
        restore(&edit(masked), original.as_bytes(), Audience::Team)
    }

    #[test]
    fn masked_values_are_sent_as_they_were_captured() {
        let original = r#"{ "amount":1, "token":"1234-5678", "pin":["1",2],"note":"key sk_live_abc"}"#;
        assert_eq!(edited(original, |text| text).as_deref(), Ok(original), "an unchanged text is the original");
        let indented = "{\n  \"amount\": 2,\n  \"token\": \"1234-5678\",\n  \"pin\": [\n    \"1\",\n    2\n  ],\n  \"note\": \"key sk_live_abc\"\n}";
        let changed = edited(original, |text| text.replace("\"amount\": 1", "\"amount\": 2"));
        assert_eq!(changed.as_deref(), Ok(indented));
        let replaced = edited(original, |text| text.replacen("\"***\"", "\"mine\"", 1));
        assert_eq!(replaced, Ok(indented.replace("1234-5678", "mine").replace(": 2,", ": 1,")));
        let lines = "{\n\"pin\": 1}";
        assert_eq!(edited(lines, |text| text + " "), Ok("{\n\"pin\": 1} ".to_owned()), "its own lines are kept");
    }

    #[test]
    fn invisible_characters_are_escaped_or_the_body_is_not_edited() {
        let shown = |body: &str| editable(body.as_bytes(), Reveal::Everything, Audience::Team);
        assert_eq!(shown("[\"a\u{202e}b\"]").as_deref(), Some("[\n  \"a\\u202eb\"\n]"));
        assert_eq!((shown("a\u{202e}b"), shown("a\tb\n")), (None, Some("a\tb\n".to_owned())));
        assert_eq!(editable(b"\xff", Reveal::Everything, Audience::Team), None);
    }

    #[test]
    fn nothing_is_guessed() {
        let original = r#"{"pin":["1",2]}"#;
        let edits = [("\"***\",", ""), ("\"***\",", "9,"), ("]", ",\"***\"]"), ("\"pin\"", "\"other\""), ("]", "")];
        for edit in edits {
            let result = edited(original, |text| text.replace(edit.0, edit.1));
            assert!(result.is_err(), "{edit:?}: {result:?}");
        }
        // Without masked values, stars are stars.
        assert_eq!(restore("***", b"{}", Audience::Team), Ok("***".to_owned()));
        assert_eq!(restore("{\"pin\":[]}", original.as_bytes(), Audience::Team), Ok("{\"pin\":[]}".to_owned()));
    }
}
