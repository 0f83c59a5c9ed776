//! Small functions on the text of a secret.

/// Returns the name and the value of a line such as `export NAME=value` or `NAME: value`.
pub(super) fn line_value(line: &[u8]) -> Option<(&str, &[u8])> {
    let at = line.iter().position(|byte| matches!(byte, b'=' | b':'))?;
    let name = std::str::from_utf8(&line[..at]).ok()?.trim();
    Some((name.rsplit([' ', '\t', '"', '\'', '$']).next()?, line[at + 1..].trim_ascii()))
}

/// Checks whether a variable or a field with this name may hold a signing secret.
pub(super) fn is_name_of_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "webhook", "sign", "hmac", "key"].iter().any(|word| name.contains(word))
}

/// Returns a name that can be shown. `None`: it may be a part of a secret.
pub(super) fn printable_name(name: &str) -> Option<&str> {
    let name = name.trim_matches([':', '=', '"', '\'', ' ']);
    let is_known = ["bearer", "basic", "token", "value", "data"].iter().any(|word| name.eq_ignore_ascii_case(word));
    let is_variable = name.contains('_') && name.chars().all(|each| each.is_ascii_uppercase() || each == '_');
    let is_word = |each: char| each.is_ascii_alphabetic() || matches!(each, '_' | '-' | '.');
    let is_plain = name.len() <= 40 && name.chars().all(is_word);
    (is_plain && (is_known || is_variable || is_name_of_secret(name))).then_some(name)
}

/// Checks for a text of at least 8 printable ASCII characters.
pub(super) fn is_printable(bytes: &[u8]) -> bool {
    bytes.len() >= 8 && bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n'))
}

/// Replaces `\n`, `\"`, `\u0026`, `\x26` and the like. `None`: the text has none of them.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.contains('\\'))?;
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut characters = after.chars();
        let digits = match characters.next() {
            Some('u') => 4,
            Some('x') => 2,
            Some(letter) => {
                plain.push(match letter {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
                rest = characters.as_str();
                continue;
            }
            None => {
                rest = "\\";
                break;
            }
        };
        let code = after.get(1..=digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        match code {
            Some(character) => {
                plain.push(character);
                rest = &after[1 + digits..];
            }
            None => rest = after,
        }
    }
    plain.push_str(rest);
    Some(plain.into_bytes())
}

const ENTITIES: [(&str, &str); 5] = [("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'"), ("amp", "&")];

/// Replaces HTML entities. `None`: the text has none of them.
pub(super) fn decode_entities(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let decoded = after.split_once(';').and_then(|(name, tail)| Some((decode_entity(name)?, tail)));
        rest = match decoded {
            Some((character, tail)) => {
                plain.push_str(&character);
                tail
            }
            None => {
                plain.push('&');
                after
            }
        };
    }
    plain.push_str(rest);
    (plain != text).then(|| plain.into_bytes())
}

/// Decodes the text between `&` and `;`: a name, or `#` and a number.
fn decode_entity(name: &str) -> Option<String> {
    if let Some((_, plain)) = ENTITIES.iter().find(|(known, _)| *known == name) {
        return Some((*plain).to_owned());
    }
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).map(String::from)
}

/// Removes terminal sequences such as the colors of a log: `ESC [ … letter`.
pub(super) fn without_escape_sequences(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = memchr::memmem::find(rest, b"\x1b[") {
        plain.extend_from_slice(&rest[..start]);
        let end = rest[start + 2..].iter().position(|byte| (b'@'..=b'~').contains(byte));
        rest = end.map_or(&[][..], |end| &rest[start + 3 + end..]);
    }
    plain.extend_from_slice(rest);
    plain
}

/// Writes `&`, `<`, `>` and quotes as HTML entities.
pub(super) fn encode_entities(text: &str) -> String {
    let amp = text.replace('&', "&amp;");
    amp.replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// Removes each `$name` and `${name}`, as a shell does with variables that are not set.
pub(super) fn expand_to_nothing(text: &str) -> Option<String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        rest = match (braced, after.chars().next()) {
            (Some((_, tail)), _) => tail,
            (None, Some(first)) if first.is_ascii_digit() => &after[1..],
            (None, Some(first)) if is_name(first) => after.trim_start_matches(is_name),
            _ => {
                expanded.push('$');
                after
            }
        };
    }
    expanded.push_str(rest);
    (expanded != text).then_some(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_and_the_value_of_a_line_are_read() {
        assert_eq!(line_value(b"export A_SECRET='x=y'"), Some(("A_SECRET", &b"'x=y'"[..])));
        assert_eq!(line_value(b"  secret: abc "), Some(("secret", &b"abc"[..])));
        assert_eq!(line_value(b"$env:SECRET = \"x\""), Some(("env", &b"SECRET = \"x\""[..])));
        assert_eq!(line_value(b"no line"), None);
    }

    #[test]
    fn only_names_that_are_no_secret_are_shown() {
        for name in ["PLEXOS_WEBHOOK_SECRET", "secret", "signingSecret", "Bearer", "webhook-secret", "MY_VAR"] {
            assert_eq!(printable_name(name), Some(name));
        }
        for secret in ["whsec_ab", "aGVsbG8gd29ybGQ", "", "QWxhZGRpbjpvcGVuIHNlc2FtZQ", "x y", "abcdefgh", "secret1"] {
            assert_eq!(printable_name(secret), None, "{secret}");
        }
    }

    #[test]
    fn escapes_and_entities_are_undone() {
        assert_eq!(unescape(br#"a\u0026b\"c\\d\x3d\n"#), Some(b"a&b\"c\\d=\n".to_vec()));
        assert_eq!((unescape(b"plain"), unescape(br"\uZZZZ")), (None, Some(b"uZZZZ".to_vec())));
        assert_eq!(unescape("a\\é\\".as_bytes()), Some("aé\\".as_bytes().to_vec()));
        assert_eq!(decode_entities(b"a&amp;lt;b&#39;"), Some(b"a&lt;b'".to_vec()));
        assert_eq!(decode_entities(b"a&#95;b&#x5F;c&copy;"), Some(b"a_b_c&copy;".to_vec()));
        assert_eq!(decode_entities(b"a & b;"), None);
        assert_eq!(without_escape_sequences(b"\x1b[1;32mab\x1b[0mc\x1b["), b"abc");
        assert_eq!(encode_entities("a<&'\">"), "a&lt;&amp;&#39;&quot;&gt;");
    }

    /// `bash -c 'echo "ab$cd-e${f}g$1h$"'` prints the first.
    #[test]
    fn variables_that_are_not_set_expand_to_nothing() {
        let expand = |text| expand_to_nothing(text).unwrap_or_default();
        assert_eq!(expand("ab$cd-e${f}g$1h$"), "ab-egh$");
        assert_eq!(expand("whsec_ab$cd_ef9"), "whsec_ab");
        assert_eq!(expand("$é$$"), "");
    }
}
