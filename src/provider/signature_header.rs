//! Parses signature headers: hex, with or without a scheme prefix.
//!
//! Signatures are decoded, never compared as text, so upper and lower case are accepted and `Mac`
//! compares in constant time.

use crate::model::signature::Mac;
use crate::model::verdict::Malformed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Parses all signatures. Each must be valid; `scheme`, in any case, may precede each.
pub(super) fn parse<'v>(values: impl Iterator<Item = &'v [u8]>, scheme: Option<&str>) -> Result<Vec<Mac>, Malformed> {
    values.map(|value| parse_one(value, scheme)).collect()
}

fn parse_one(value: &[u8], scheme: Option<&str>) -> Result<Mac, Malformed> {
    let text = std::str::from_utf8(value).map_err(|_| Malformed::SignatureNotHex)?;
    let digits = scheme.and_then(|scheme| without_scheme(text, scheme)).unwrap_or(text);
    let mut mac = Mac::default();
    match hex::decode_to_slice(digits, &mut mac) {
        Ok(()) => Ok(mac),
        Err(_) => Err(classify(digits)),
    }
}

fn without_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
}

/// Classifies a text that is not 64 hex digits.
fn classify(text: &str) -> Malformed {
    if text.is_empty() {
        return Malformed::SignatureEmpty;
    }
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Malformed::SignatureLength { digits: text.len() };
    }
    if STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 32) {
        return Malformed::SignatureBase64;
    }
    match text.split_once('=') {
        Some((scheme, rest)) if is_scheme(scheme) && !rest.is_empty() => {
            Malformed::SignaturePrefix { prefix: format!("{scheme}=") }
        }
        _ => Malformed::SignatureNotHex,
    }
}

/// Accepts names such as `sha256`, `v1` or `t`.
fn is_scheme(text: &str) -> bool {
    (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";

    fn fault(text: &str, scheme: Option<&str>) -> Malformed {
        parse([text.as_bytes()].into_iter(), scheme).unwrap_err()
    }

    #[test]
    fn hex_and_scheme_ignore_case() {
        let expected = vec![<Mac>::try_from(hex::decode(HEX).unwrap()).unwrap()];
        let upper = HEX.to_uppercase();
        for text in [HEX, &upper, &format!("sha256={HEX}"), &format!("SHA256={upper}")] {
            assert_eq!(parse([text.as_bytes()].into_iter(), Some("sha256=")), Ok(expected.clone()), "{text}");
        }
    }

    #[test]
    fn each_malformed_signature_is_classified() {
        assert_eq!(fault("", None), Malformed::SignatureEmpty);
        assert_eq!(fault("sha256=", Some("sha256=")), Malformed::SignatureEmpty);
        assert_eq!(fault(&HEX[..63], None), Malformed::SignatureLength { digits: 63 });
        assert_eq!(fault(&HEX[..40], None), Malformed::SignatureLength { digits: 40 });
        assert_eq!(fault(&HEX.replace('f', "g"), None), Malformed::SignatureNotHex);
        assert_eq!(fault("+x2fDBDcV6Ao1KJP8etsUfKiWoKthpoqwSniQ0bOXx4=", None), Malformed::SignatureBase64);
        let prefix = |text: &str| Malformed::SignaturePrefix { prefix: text.to_owned() };
        assert_eq!(fault(&format!("sha256={HEX}"), None), prefix("sha256="));
        assert_eq!(fault(&format!("v1={HEX}"), Some("sha256=")), prefix("v1="));
        assert_eq!(parse([&b"\xff\xfe"[..]].into_iter(), None), Err(Malformed::SignatureNotHex));
    }

    #[test]
    fn one_malformed_signature_among_several_refuses_them_all() {
        let parse_all = |values: &[&str]| parse(values.iter().map(|value| value.as_bytes()), Some("sha256="));
        let upper = format!("sha256={}", HEX.to_uppercase());
        assert_eq!(parse_all(&[HEX, &upper]).map(|macs| macs.len()), Ok(2));
        assert_eq!(parse_all(&[HEX, "00"]), Err(Malformed::SignatureLength { digits: 2 }));
        assert_eq!(parse_all(&["", HEX]), Err(Malformed::SignatureEmpty));
        assert_eq!(parse_all(&[]), Ok(Vec::new()));
    }

    #[test]
    fn a_signature_is_neither_trimmed_nor_guessed() {
        for text in [format!(" {HEX}"), format!("{HEX} "), format!("{HEX},{HEX}"), format!("sha256 {HEX}")] {
            assert_eq!(fault(&text, Some("sha256=")), Malformed::SignatureNotHex, "{text}");
        }
        // The scheme is removed once.
        let prefix = Malformed::SignaturePrefix { prefix: "sha256=".to_owned() };
        assert_eq!(fault(&format!("sha256=sha256={HEX}"), Some("sha256=")), prefix);
        assert_eq!(fault(&format!("a-name-of-13-c={HEX}"), None), Malformed::SignatureNotHex);
        assert_eq!(fault("v1=", None), Malformed::SignatureNotHex);
        assert_eq!(fault(&HEX.repeat(2), None), Malformed::SignatureLength { digits: 128 });
    }
}
