//! Masks a payload for an editor, and puts the masked values back into the edited text.

use super::payload::{JsonMasker, mask_body};
use crate::json::{TokenKind, Tokens};
use crate::model::mask::{Audience, MASK};
use std::ops::Range;

/// A masked value or name in a JSON text.
struct MaskedToken {
    /// The name before it, as it is written in the masked text.
    name: String,
    place: Range<usize>,
    masked: String,
}

/// Masks a body for an editor. A masked number becomes a string, so that JSON stays JSON. `None`: the
/// body is not text.
pub fn masked(body: &[u8], audience: Audience) -> Option<String> {
    let text = std::str::from_utf8(body).ok().filter(|text| !text.contains('\0'))?;
    let Some(hidden) = hidden_tokens(text, audience) else { return mask_body(body, audience) };
    let (mut masked, mut from) = (String::with_capacity(text.len()), 0);
    for token in hidden {
        masked.push_str(text.get(from..token.place.start).unwrap_or_default());
        masked.push_str(&token.masked);
        from = token.place.end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    Some(masked)
}

/// Restores the body behind `edited`, which was made from `masked(original)`. Masked
/// values of one name are put back only if none of them was replaced: otherwise it would be a guess
/// which is which. The error says what to do.
pub fn restore(edited: &str, original: &[u8], audience: Audience) -> Result<String, String> {
    let original_text = std::str::from_utf8(original).unwrap_or_default();
    let is_masked = masked(original, audience).is_some_and(|masked| masked != original_text);
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
        let masked = masked(original.as_bytes(), Audience::Team).unwrap();
        assert_ne!(masked, original);
        restore(&edit(masked), original.as_bytes(), Audience::Team)
    }

    #[test]
    fn masked_values_are_sent_as_they_were_captured() {
        let original = r#"{ "amount":1, "token":"1234-5678", "pin":["1",2],"note":"key sk_live_abc"}"#;
        assert_eq!(edited(original, |text| text).as_deref(), Ok(original));
        let changed = edited(original, |text| text.replace("\"amount\":1", "\"amount\":2"));
        assert_eq!(changed, Ok(original.replace("\"amount\":1", "\"amount\":2")));
        let replaced = edited(original, |text| text.replacen("\"***\"", "\"mine\"", 1));
        assert_eq!(replaced, Ok(original.replace("1234-5678", "mine")));
        let removed = edited(original, |text| text.replace(r#" "token":"***","#, ""));
        assert_eq!(removed, Ok(original.replace(r#" "token":"1234-5678","#, "")));
    }

    #[test]
    fn nothing_is_guessed() {
        let original = r#"{"pin":["1",2]}"#;
        for edit in
            [("[\"***\",", "["), ("[\"***\",", "[\"9\","), ("]", ",\"***\"]"), ("\"pin\"", "\"other\""), ("]}", "")]
        {
            let result = edited(original, |text| text.replace(edit.0, edit.1));
            assert!(result.is_err(), "{edit:?}: {result:?}");
        }
        // Without masked values, stars are stars.
        assert_eq!(restore("***", b"{}", Audience::Team), Ok("***".to_owned()));
        assert_eq!(restore("{\"pin\":[]}", original.as_bytes(), Audience::Team), Ok("{\"pin\":[]}".to_owned()));
    }
}
