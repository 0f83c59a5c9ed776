//! Settings, secrets and the registry, as pure values.
//!
//! `command::shared` reads the variables and files that they come from.

pub mod file;
pub(crate) mod option;
pub mod registry;

use crate::model::secret::{Secret, SecretOrigin};
use crate::model::secret_text::decode_text;
use crate::model::signature::Signer;

/// Splits a variable into secrets at commas, unless it is JSON or in quotes. Nothing is trimmed:
/// surplus whitespace is a cause that `verify` has to report.
pub fn secrets_from_variable(provider: &'static str, variable: &str, value: &str) -> Vec<Secret> {
    let is_list = !value.contains(['{', '[', '"', '\'', '\n', '“', '‘']);
    let parts: Vec<_> = if is_list { value.split(',').collect() } else { vec![value] };
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let several = parts.len() > 1;
    let secret = |(index, part): (usize, &&str)| {
        let position = if several { index + 1 } else { 0 };
        Secret::new(provider, SecretOrigin::Environment { variable: variable.to_owned(), position }, *part)
    };
    parts.iter().enumerate().map(secret).collect()
}

/// Reads the secret in a file: decodes UTF-16 and removes a byte order mark, which Windows editors
/// and PowerShell write, and one newline at the end, which editors and `echo` add.
pub fn secret_from_file(provider: &'static str, path: &str, bytes: Vec<u8>) -> Secret {
    let mut bytes = decode_text(&bytes).map_or(bytes, |(decoded, _)| decoded);
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Secret::new(provider, SecretOrigin::File(path.to_owned()), bytes)
}

/// Derives the local test secret of a provider from the seed of this machine.
pub fn local_test_secret(provider: &'static str, prefix: &str, seed: &[u8]) -> Secret {
    let mut signer = Signer::with_key(seed);
    signer.update(b"whtool local test secret for ");
    signer.update(provider.as_bytes());
    let text = format!("{prefix}local_{}", hex::encode(signer.finish()));
    Secret::new(provider, SecretOrigin::LocalTest, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_separates_several_secrets_and_nothing_is_trimmed() {
        let secrets = secrets_from_variable("plexos", "V", "one, two");
        assert_eq!(secrets.iter().map(Secret::expose).collect::<Vec<_>>(), [&b"one"[..], b" two"]);
        assert_eq!(secrets.iter().map(|secret| secret.origin.to_string()).collect::<Vec<_>>(), ["V #1", "V #2"]);
        assert_eq!(secrets_from_variable("plexos", "V", "one")[0].origin.to_string(), "V");
    }

    #[test]
    fn a_comma_in_json_separates_no_secrets() {
        for value in [r#"{"a":1,"secret":"x"}"#, r#""a,b""#, "a,b\nc"] {
            let secrets = secrets_from_variable("plexos", "V", value);
            assert_eq!(secrets.iter().map(Secret::expose).collect::<Vec<_>>(), [value.as_bytes()]);
        }
    }

    #[test]
    fn one_newline_at_the_end_of_a_file_is_not_part_of_the_secret() {
        let read = |text: &str| secret_from_file("plexos", "f", text.as_bytes().to_vec()).expose().to_vec();
        assert_eq!(read("abc\n"), b"abc");
        assert_eq!(read("abc\r\n"), b"abc");
        assert_eq!(read("abc\n\n"), b"abc\n");
        assert_eq!(read("abc "), b"abc ");
    }

    /// `printf 'whsec_1\r\n' | iconv -t UTF-16LE | xxd -p`, after the byte order mark.
    #[test]
    fn a_file_in_utf_16_or_with_a_byte_order_mark_is_decoded() {
        let utf16 = hex::decode("fffe770068007300650063005f0031000d000a00").unwrap();
        for bytes in [utf16, "\u{feff}whsec_1\n".as_bytes().to_vec()] {
            assert_eq!(secret_from_file("plexos", "f", bytes).expose(), b"whsec_1");
        }
    }

    #[test]
    fn local_secrets_are_stable_and_differ_between_machines_and_providers() {
        let secret = |provider, seed| local_test_secret(provider, "whsec_", seed).expose().to_vec();
        assert_eq!(secret("plexos", b"seed"), secret("plexos", b"seed"));
        assert_ne!(secret("plexos", b"seed"), secret("plustive", b"seed"));
        assert_ne!(secret("plexos", b"seed"), secret("plexos", b"other"));
        assert!(secret("plexos", b"seed").starts_with(b"whsec_local_"));
    }
}
