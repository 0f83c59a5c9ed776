//! Decides what may be a reference, so that no lookup is ever sent for other text.

use crate::provider;

const MAX_LENGTH: usize = 255;

/// Returns true for text in the form of a provider's own references, such as `pi_…` or `PLS-…`.
pub(super) fn is_provider_reference(text: &str) -> bool {
    text.len() <= MAX_LENGTH
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && provider::ALL.iter().any(|provider| provider.owns_reference(text) && provider.lookup_call(text).is_some())
}

/// Returns true for text of several words. Two may be a reference, such as `ORD 1001`.
pub(super) fn is_sentence(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [] | [_] => false,
        [first, second] => {
            let is_word = |word: &str| word.chars().all(|letter| letter.is_alphanumeric() || "-_/#".contains(letter));
            let has_letter = first.contains(char::is_alphabetic) && !is_provider_reference(second);
            !(has_letter
                && is_word(first)
                && is_word(second)
                && second.contains(|letter: char| letter.is_ascii_digit()))
        }
        _ => true,
    }
}

/// Removes the mark of a list item, such as `- ` or `1. `, before a provider's reference.
pub(super) fn without_bullet(text: &str) -> &str {
    let Some((mark, rest)) = text.split_once(char::is_whitespace) else { return text };
    let number = mark.trim_end_matches(['.', ')']);
    let is_mark = matches!(mark, "-" | "*" | "•" | "–" | "·")
        || (number.len() < mark.len() && number.bytes().all(|byte| byte.is_ascii_digit()));
    if is_mark && is_provider_reference(rest.trim()) { rest.trim() } else { text }
}

/// Returns the reason why a text can't be a reference. It ends a sentence that names the text.
pub(super) fn fault(text: &str) -> Option<String> {
    let of_letters = |set: &str| text.chars().find(|letter| set.contains(*letter));
    if is_scientific(text) {
        return Some("is a number that Excel shortened: format the column as text, and export it again".to_owned());
    }
    if is_excel_error(text) {
        return Some("is an error of a spreadsheet".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Some("is not a reference: it contains a control character".to_owned());
    }
    if text.starts_with('=') {
        return Some("is a formula of Excel: copy the values, not the formulas".to_owned());
    }
    if let Some((whole, _)) = text.split_once(',').filter(|(_, part)| *part == "0") {
        return Some(format!("is a number that Excel changed: {whole} as text would be right"));
    }
    if text.contains('"') {
        return Some("is not a reference: it contains `\"`, as when Excel quotes a cell twice".to_owned());
    }
    if let Some(letter) = of_letters(",;`{}[]()<>|\\=") {
        return Some(format!("is not a reference: it contains `{letter}`"));
    }
    if !text.contains(char::is_alphanumeric) {
        return Some("is not a reference: it has no letters and no digits".to_owned());
    }
    if let Some(letter) = text.chars().find(|letter| matches!(letter, '\u{ff01}'..='\u{ff5e}')) {
        return Some(format!("is not a reference: `{letter}` is not the letter that it looks like"));
    }
    if ["sk_", "rk_", "pk_", "whsec_"].iter().any(|prefix| text.starts_with(prefix)) {
        return Some("is not a reference: it looks like a secret".to_owned());
    }
    if text.contains('@') {
        return Some("is not a reference: it looks like an email address".to_owned());
    }
    if text.contains("://") {
        return Some("is not a reference: it is a URL".to_owned());
    }
    if text.starts_with('+') {
        return Some("is not a reference: it looks like a phone number".to_owned());
    }
    if is_sentence(text) {
        return Some("is not a reference: it has several words".to_owned());
    }
    (text.len() > MAX_LENGTH).then(|| "is not a reference: it is too long".to_owned())
}

/// Recognizes `8.03E+09`, which Excel shows for a long number.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['e', 'E']) else { return false };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    let has_sign = exponent.starts_with(['+', '-']);
    let is_shortened = has_sign || number.contains(['.', ',']);
    is_shortened
        && is_digits(whole.trim_start_matches('-'))
        && is_digits(part)
        && is_digits(exponent.trim_start_matches(['+', '-']))
}

fn is_excel_error(text: &str) -> bool {
    let errors = ["#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"];
    errors.contains(&text) || (text.len() > 3 && text.bytes().all(|byte| byte == b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_shops_and_providers_are_accepted() {
        for text in
            ["pi_1", "PLS-7XKQR4N", "order-1001", "#1001", "1001", "INV/2026/11", "a.b:c", "ORD 1001", "é-1", "2E5"]
        {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn other_text_is_never_a_reference() {
        for text in [
            "Joana,joana@x.cv",
            "joana@x.cv",
            "+2389912345",
            "8.03E+09",
            "8,03E+09",
            "1E+10",
            "{\"id\":1}",
            "a\tb",
            "a\u{0}b",
            "Sales of May",
            "two words",
            "<html>",
            "https://x.cv/1",
            "=A1",
            "#REF!",
            "#####",
            "a|b",
            "\"pi_1",
            "x\\ny",
            "[1]",
        ] {
            assert!(fault(text).is_some(), "{text}");
        }
        assert!(fault(&"x".repeat(300)).is_some());
    }

    #[test]
    fn only_references_that_can_be_looked_up_are_a_providers() {
        assert!(["pi_1", "re_1", "cs_1", "PLS-1"].into_iter().all(is_provider_reference));
        assert!(!["evt_1", "order-1", "", "pi_1, pi_2", "pi 1"].into_iter().any(is_provider_reference));
    }
}
