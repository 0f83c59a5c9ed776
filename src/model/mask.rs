//! Masks secrets in text that people get to see: keys, signing secrets, tokens, PINs and
//! credentials.
//!
//! Works on lines of any text. Secrets in JSON are found by `render::payload`, which knows which
//! values a name covers.

use std::ops::Range;

/// Name endings that mark a value as secret. Tokens and PINs are the goods that Plustive sells
/// (<https://docs.plustiveimpact.com/bill-payments>).
const SECRET_NAMES: [&str; 3] = ["token", "pin", "secret"];
/// Prefixes of API keys and signing secrets.
const SECRET_PREFIXES: [&str; 5] = ["sk_live_", "sk_test_", "pk_live_", "pk_test_", "whsec_"];
/// Parts of the names of headers that carry credentials.
const CREDENTIAL_HEADERS: [&str; 5] = ["authorization", "cookie", "api-key", "apikey", "token"];

/// Selects whether secrets are masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reveal {
    /// Shows `***` in place of a secret.
    Masked,
    /// Shows secrets as they are (`--reveal`).
    Everything,
}

/// Checks whether a field of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.trim_matches('"').to_ascii_lowercase();
    SECRET_NAMES.iter().any(|ending| name.ends_with(ending))
}

/// Checks whether the text contains an API key or a signing secret, recognized by its prefix.
pub fn contains_secret(text: &str) -> bool {
    SECRET_PREFIXES.iter().any(|prefix| text.contains(prefix))
}

/// Checks whether a header of this name carries credentials.
pub fn is_credential_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CREDENTIAL_HEADERS.iter().any(|part| name.contains(part))
}

/// Replaces the secrets in a text with `***`: see [`secret_ranges`].
pub fn mask_secrets(text: &str) -> String {
    let (mut shown, mut from) = (String::new(), 0);
    for Range { start, end } in secret_ranges(text) {
        shown.extend([&text[from..start], "***"]);
        from = end;
    }
    shown + &text[from..]
}

/// Finds the secrets in a text that is not JSON: the value after a secret's name and `:` or `=`,
/// and words with a secret's prefix. A value ends at the first character that is neither part of a
/// word nor a space.
pub fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(gap) = text[at..].find(is_word) {
        let start = at + gap;
        let end = text[start..].find(|character| !is_word(character)).map_or(text.len(), |length| start + length);
        let (word, rest) = (&text[start..end], &text[end..]);
        at = end;
        if contains_secret(word) {
            found.push(start..end);
        } else if is_secret_name(word) && rest.trim_start_matches(['"', '\'', ' ']).starts_with([':', '=']) {
            let value = end + rest.find(is_word).unwrap_or(rest.len());
            let beyond = |character: char| !is_word(character) && character != ' ';
            at = text[value..].find(beyond).map_or(text.len(), |length| value + length);
            found.push(value..at);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_after_a_secret_name_and_words_with_a_secret_prefix_are_masked() {
        for (text, masked) in [
            ("{\"token\": \"1234-5678\", broken&token=99&a=whsec_abc", "{\"token\": \"***\", broken&token=***&a=***"),
            ("token: 1234 5678 9012", "token: ***"),
            ("MeterPIN = '12', note: sk_live_a", "MeterPIN = '***', note: ***"),
            ("tokens: 3, a pin", "tokens: 3, a pin"),
        ] {
            assert_eq!(mask_secrets(text), masked);
        }
    }

    #[test]
    fn headers_with_credentials_are_recognized_by_part_of_their_name() {
        for name in ["Authorization", "Set-Cookie", "X-Api-Key", "X-ApiKey", "X-Auth-Token"] {
            assert!(is_credential_header(name), "{name}");
        }
        assert!(!is_credential_header("X-Plexos-Signature"));
    }

    #[test]
    fn names_that_end_in_token_pin_or_secret_are_secret() {
        for name in ["token", "PIN", "webhook_secret", "accessToken", "\"meterPin\"", "SIGNING_SECRET"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["tokens", "pinned", "secretary", "tokenId", "amount", ""] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn every_prefix_of_keys_and_secrets_is_masked_wherever_the_word_stands() {
        for prefix in ["sk_live_", "sk_test_", "pk_live_", "pk_test_", "whsec_"] {
            assert!(contains_secret(&format!("x {prefix}9")), "{prefix}");
            let text = format!("curl -H 'Authorization: Bearer {prefix}51H-a_b' https://x");
            assert_eq!(mask_secrets(&text), "curl -H 'Authorization: Bearer ***' https://x", "{prefix}");
        }
        assert!(!contains_secret("sk_liv_9") && !contains_secret("WHSEC_9"));
    }

    #[test]
    fn only_the_secret_is_masked_and_the_rest_stays_byte_for_byte() {
        for (text, masked) in [
            ("", ""),
            ("amount=100&token=1&currency=CVE", "amount=100&token=***&currency=CVE"),
            ("token=", "token=***"),
            ("token", "token"),
            ("naïve é token: é1", "naïve é token: ***"),
            ("secret = \"a\", b", "secret = \"***\", b"),
            ("whsec_a whsec_b", "*** ***"),
            ("token:: 1", "token:: ***"),
        ] {
            assert_eq!(mask_secrets(text), masked);
        }
        assert_eq!(secret_ranges("a token: 123; x").first(), Some(&(9..12)));
    }

    #[test]
    fn other_headers_are_not_credentials() {
        for name in ["Host", "Content-Type", "X-Plustive-Signature", "X-Plexos-Timestamp", "Key", "Authority"] {
            assert!(!is_credential_header(name), "{name}");
        }
        assert!(is_credential_header("Proxy-Authorization") && is_credential_header("COOKIE"));
    }
}
