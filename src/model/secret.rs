//! Secrets: bytes that are never printed, with a name that is.
//!
//! `settings` reads secrets from their sources; `signature` turns them into keys.

use std::fmt;
use zeroize::Zeroizing;

/// Source of a secret. Verdicts name the secret by the text of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretOrigin {
    /// Environment variable; `position` counts from 1 in a comma-separated list, and is 0 for a
    /// single secret.
    Environment {
        variable: String,
        position: usize,
    },
    /// File, by the path given by the user.
    File(String),
    Flag,
    /// Registry, under this name.
    Stored(String),
    /// Local test secret of this machine.
    LocalTest,
}

impl fmt::Display for SecretOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment { variable, position: 0 } => write!(out, "{variable}"),
            Self::Environment { variable, position } => write!(out, "{variable} #{position}"),
            Self::File(path) => write!(out, "file {path}"),
            Self::Flag => write!(out, "--secret"),
            Self::Stored(name) => write!(out, "secret {name}"),
            Self::LocalTest => write!(out, "local test secret"),
        }
    }
}

/// Length in bytes below which a secret can be guessed, or is incomplete.
pub const SHORT_SECRET_BYTES: usize = 16;

/// Checks whether a secret is a placeholder or a truncated secret, as documentation and dashboards
/// show them.
pub fn looks_like_placeholder(secret: &[u8]) -> bool {
    let text = String::from_utf8_lossy(secret).to_lowercase();
    let marks = ["...", "***", "xxxx", "your", "<", "changeme", "placeholder"];
    !secret.is_ascii() || marks.iter().any(|mark| text.contains(mark))
}

#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The provider's `name()`.
    pub provider: &'static str,
    pub origin: SecretOrigin,
    bytes: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// Stores the bytes unchanged; nothing is trimmed or decoded.
    pub fn new(provider: &'static str, origin: SecretOrigin, bytes: impl Into<Vec<u8>>) -> Self {
        Self { provider, origin, bytes: Zeroizing::new(bytes.into()) }
    }

    /// Returns the bytes, to compute with and never to show.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// Checks whether this is the local test secret, which no provider knows.
    pub fn is_local_test(&self) -> bool {
        self.origin == SecretOrigin::LocalTest
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secret({}, {}, ***)", self.provider, self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("plexos", SecretOrigin::Flag, "whsec_very_private");
        assert_eq!(format!("{secret:?}"), "Secret(plexos, --secret, ***)");
    }

    #[test]
    fn a_secret_of_a_list_is_named_by_its_position() {
        let origin =
            |position| SecretOrigin::Environment { variable: "PLEXOS_WEBHOOK_SECRET".to_owned(), position }.to_string();
        assert_eq!(origin(0), "PLEXOS_WEBHOOK_SECRET");
        assert_eq!(origin(2), "PLEXOS_WEBHOOK_SECRET #2");
    }

    #[test]
    fn each_origin_is_named_as_the_user_knows_it() {
        for (origin, text) in [
            (SecretOrigin::File("./secret.txt".to_owned()), "file ./secret.txt"),
            (SecretOrigin::Flag, "--secret"),
            (SecretOrigin::Stored("we_1".to_owned()), "secret we_1"),
            (SecretOrigin::LocalTest, "local test secret"),
        ] {
            assert_eq!(origin.to_string(), text);
        }
    }

    #[test]
    fn placeholders_and_truncated_secrets_are_recognized_and_real_ones_are_not() {
        for text in [
            "whsec_...",
            "whsec_***",
            "whsec_XXXXXXXX",
            "your-webhook-secret",
            "YOUR_SECRET",
            "<secret>",
            "ChangeMe",
            "placeholder",
            "whsec_abc…",
        ] {
            assert!(looks_like_placeholder(text.as_bytes()), "{text}");
        }
        assert!(looks_like_placeholder(b"\xff\xfe"));
        for text in ["whsec_test_secret_do_not_use", "plustive_test_secret", "a.b.c", "xxx", "**", "yo_ur", ""] {
            assert!(!looks_like_placeholder(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn only_the_local_test_secret_is_one_and_bytes_stay_unchanged() {
        let secret = |origin| Secret::new("plexos", origin, " a\n");
        assert!(secret(SecretOrigin::LocalTest).is_local_test());
        assert!(!secret(SecretOrigin::Flag).is_local_test());
        assert!(!secret(SecretOrigin::Stored("local test secret".to_owned())).is_local_test());
        assert_eq!(secret(SecretOrigin::Flag).expose(), b" a\n");
    }
}
