//! Verdicts: what whtool says of a signature. Each is an answer, not an error.
//!
//! A verdict is reached in `signature`, explained in `diagnose`, and shown in `render`.

use crate::model::secret::Origin;
use crate::model::timestamp::SignedDuration;

/// What is to be said of a request's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The signature is right, and recent where the provider signs a time.
    Verified {
        /// The secret that matched.
        secret: Origin,
    },
    /// No provider's signature header is there.
    Unsigned,
    /// A signature header is there, and can't be read.
    Malformed(Malformed),
    /// No known secret gives this signature over these bytes.
    Mismatch,
    /// The signature is right, and older than the tolerance.
    TooOld {
        /// The secret that matched.
        secret: Origin,
        /// Time since it was signed.
        age: SignedDuration,
    },
    /// The signature is right, and its time lies further ahead than the tolerance.
    InFuture {
        /// The secret that matched.
        secret: Origin,
        /// Time until the moment it claims.
        ahead: SignedDuration,
    },
    /// No secret of the provider is known here, apart from the local test secret, which does not match.
    NoSecret,
}

impl Verdict {
    /// A stable code for machines.
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

    /// Whether the request is to be trusted.
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified { .. })
    }

    /// The secret whose signature this is, also when its time is wrong.
    pub fn secret(&self) -> Option<&Origin> {
        match self {
            Self::Verified { secret } | Self::TooOld { secret, .. } | Self::InFuture { secret, .. } => Some(secret),
            _ => None,
        }
    }
}

/// Why a signature or timestamp header can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The signature header has no value.
    SignatureEmpty,
    /// Hex, and not 64 digits of it.
    SignatureLength {
        /// How many digits there are.
        digits: usize,
    },
    /// Not hex.
    SignatureNotHex,
    /// 32 bytes in base64, where hex is documented.
    SignatureBase64,
    /// A scheme prefix that the provider does not use.
    SignaturePrefix {
        /// The prefix, such as `sha256=` or `v1=`.
        prefix: String,
    },
    /// The timestamp header is not there.
    TimestampMissing,
    /// The timestamp is not a whole number, or no moment a calendar knows.
    TimestampNotANumber,
    /// The timestamp is in milliseconds.
    TimestampMilliseconds,
    /// Several timestamp headers that differ.
    TimestampRepeated,
}
