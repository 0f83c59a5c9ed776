//! Verdicts: the results of verifying a signature. A failed verification is an answer, not an error.
//!
//! `model::signature` reaches a verdict, `diagnose` explains it, and `render` shows it.

use crate::model::secret::Origin;
use crate::model::timestamp::SignedDuration;

/// The result of verifying a request's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The signature is correct and, if the provider signs a time, recent.
    Verified { secret: Origin },
    /// The request has no provider's signature header.
    Unsigned,
    /// A signature or timestamp header can't be read.
    Malformed(Malformed),
    /// No configured secret gives this signature.
    Mismatch,
    /// The signature is correct, but older than the tolerance.
    TooOld { secret: Origin, age: SignedDuration },
    /// The signature is correct, but its time is further ahead than the tolerance.
    InFuture { secret: Origin, ahead: SignedDuration },
    /// No secret of the provider is configured, and the local test secret does not match.
    NoSecret,
}

impl Verdict {
    /// Returns the code of this verdict in JSON and in the store, which never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "verified",
            Self::Unsigned => "unsigned",
            Self::Malformed(_) => "malformed",
            Self::Mismatch => "mismatch",
            Self::TooOld { .. } => "too_old",
            Self::InFuture { .. } => "in_future",
            Self::NoSecret => "no_secret",
        }
    }

    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified { .. })
    }

    /// Returns the secret that matched, also if the time is out of tolerance.
    pub fn secret(&self) -> Option<&Origin> {
        match self {
            Self::Verified { secret } | Self::TooOld { secret, .. } | Self::InFuture { secret, .. } => Some(secret),
            _ => None,
        }
    }
}

/// The reason why a signature or timestamp header can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    SignatureEmpty,
    /// Hex, but not 64 digits.
    SignatureLength {
        digits: usize,
    },
    SignatureNotHex,
    /// 32 bytes in base64 instead of hex.
    SignatureBase64,
    /// A scheme prefix that the provider does not use.
    SignaturePrefix {
        /// `sha256=` or `v1=`, for example.
        prefix: String,
    },
    TimestampMissing,
    /// Not a whole number, or outside the range of dates.
    TimestampNotANumber,
    TimestampMilliseconds,
    /// Several timestamp headers with different values.
    TimestampRepeated,
}
