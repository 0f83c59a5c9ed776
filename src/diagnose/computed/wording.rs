//! The sentences for the diagnosis of a computed digest. Causes have their own.

use super::{DigestDiagnosis, SearchSize};

impl DigestDiagnosis {
    /// Summarizes the diagnosis in a sentence; the causes of an explanation follow it.
    pub fn sentence(&self) -> String {
        match self {
            Self::Correct { secret, is_in_header: true } => {
                format!("your code computed the correct digest (with {secret}), the same as in the header")
            }
            Self::Correct { secret, is_in_header: false } => format!(
                "your code computed the correct digest for this body (with {secret}), but the header has another one"
            ),
            Self::HeaderSignature => {
                "your code computed the signature in the header, but with a secret that whtool does not have".to_owned()
            }
            Self::Explained(_) => "your code computed another digest than the signature".to_owned(),
            Self::Unknown(SearchSize { keys, prefixes, bodies, messages, is_exhausted }) => {
                let end = if *is_exhausted { "; the search stopped early" } else { "" };
                format!(
                    "no known mistake gives this digest: tried {keys} keys, {prefixes} layouts, {bodies} bodies and \
                     {messages} other messages, as HMAC and as plain hash, up to two changes at once{end}"
                )
            }
        }
    }

    /// Says what to try next. `None`: the causes say it.
    pub fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Correct { is_in_header: true, .. } => Some(
                "check the comparison: strip `sha256=` from the header, decode its hex, and compare bytes of equal length",
            ),
            Self::Correct { .. } => Some("see the causes above: your secret or body differs from the sender's"),
            Self::HeaderSignature => Some("give whtool the secret that your code uses: --secret-file FILE"),
            Self::Explained(_) => None,
            Self::Unknown(_) => {
                Some("log the key's length, and the message's length and first bytes, just before hashing")
            }
        }
    }
}
