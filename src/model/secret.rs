//! Signing secrets: bytes that never print, under a name that does.
//!
//! Where secrets come from is decided in `settings`; keys are made of them in `signature`.

use std::fmt;
use zeroize::Zeroizing;

/// Where a secret was found. Its text is the name under which verdicts speak of the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretOrigin {
    /// An environment variable; `place` counts from 1 where a comma separates several, and is 0 for a single one.
    Environment {
        /// The variable's name.
        variable: String,
        /// Which of several.
        position: usize,
    },
    /// A file, by the path the user gave.
    File(String),
    /// The `--secret` flag.
    Flag,
    /// whtool's own store, under this name.
    Stored(String),
    /// The test secret that whtool made for this machine.
    LocalTest,
}

impl fmt::Display for SecretOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment { variable, position: 0 } => write!(out, "{variable}"),
            Self::Environment { variable, position: place } => write!(out, "{variable} #{place}"),
            Self::File(path) => write!(out, "file {path}"),
            Self::Flag => write!(out, "--secret"),
            Self::Stored(name) => write!(out, "secret {name}"),
            Self::LocalTest => write!(out, "local test secret"),
        }
    }
}

/// Fewer bytes than this are hardly all of a secret: 16 are as many as nobody guesses.
pub const SHORT_SECRET_BYTES: usize = 16;

/// Whether a secret holds what secrets of providers do not, and what documents and dashboards show in their place.
pub fn looks_like_placeholder(secret: &[u8]) -> bool {
    let text = String::from_utf8_lossy(secret).to_lowercase();
    let marks = ["...", "***", "xxxx", "your", "<", "changeme", "placeholder"];
    !secret.is_ascii() || marks.iter().any(|mark| text.contains(mark))
}

/// A secret for one provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The provider's name, as in `Provider::name`.
    pub provider: &'static str,
    /// Where it was found.
    pub origin: SecretOrigin,
    bytes: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// Takes the bytes of a secret as they are: nothing is trimmed or decoded.
    pub fn new(provider: &'static str, origin: SecretOrigin, bytes: impl Into<Vec<u8>>) -> Self {
        Self { provider, origin, bytes: Zeroizing::new(bytes.into()) }
    }

    /// The secret itself, for computing with, never for showing.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this is the machine's own test secret, which no provider knows.
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
    fn a_secret_does_not_print() {
        let secret = Secret::new("plexos", SecretOrigin::Flag, "whsec_very_private");
        assert_eq!(format!("{secret:?}"), "Secret(plexos, --secret, ***)");
    }

    #[test]
    fn one_of_several_is_named_by_its_place() {
        let origin = |place| {
            SecretOrigin::Environment { variable: "PLEXOS_WEBHOOK_SECRET".to_owned(), position: place }.to_string()
        };
        assert_eq!(origin(0), "PLEXOS_WEBHOOK_SECRET");
        assert_eq!(origin(2), "PLEXOS_WEBHOOK_SECRET #2");
    }
}
