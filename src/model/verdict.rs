//! Verdicts: the results of verifying a signature. A failure is an answer, not an error.
//!
//! `model::signature` reaches a verdict, `diagnose` explains it, and `render` shows it.

use crate::model::secret::SecretOrigin;
use crate::model::timestamp::SignedDuration;
use serde::{Serialize, Serializer};
use std::fmt::{self, Display, Formatter};

/// The result of verifying a request's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The signature is correct and, if the provider signs a time, recent.
    Verified { secret: SecretOrigin },
    /// The request has no provider's signature header.
    Unsigned,
    /// A signature or timestamp header can't be read.
    Malformed(Malformed),
    /// No configured secret gives this signature.
    Mismatch,
    /// The signature is correct, but older than the tolerance.
    TooOld { secret: SecretOrigin, age: SignedDuration },
    /// The signature is correct, but its time is further ahead than the tolerance.
    InFuture { secret: SecretOrigin, ahead: SignedDuration },
    /// No secret of the provider is configured, and the local test secret does not match.
    NoSecret,
}

impl Verdict {
    /// Returns the kind of the verdict, without its details.
    pub fn code(&self) -> VerdictCode {
        match self {
            Self::Verified { .. } => VerdictCode::Verified,
            Self::Unsigned => VerdictCode::Unsigned,
            Self::Malformed(_) => VerdictCode::Malformed,
            Self::Mismatch => VerdictCode::Mismatch,
            Self::TooOld { .. } => VerdictCode::TooOld,
            Self::InFuture { .. } => VerdictCode::InFuture,
            Self::NoSecret => VerdictCode::NoSecret,
        }
    }

    /// Returns true if another secret could verify the request.
    pub fn may_lack_secret(&self) -> bool {
        matches!(self, Self::Mismatch | Self::NoSecret)
    }

    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified { .. })
    }

    /// Returns the secret that matched, also if the time is out of tolerance.
    pub fn secret(&self) -> Option<&SecretOrigin> {
        match self {
            Self::Verified { secret } | Self::TooOld { secret, .. } | Self::InFuture { secret, .. } => Some(secret),
            _ => None,
        }
    }
}

/// The kind of a verdict, as records, filters and the store name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerdictCode {
    Verified,
    Unsigned,
    Malformed,
    Mismatch,
    TooOld,
    InFuture,
    NoSecret,
}

impl VerdictCode {
    pub const ALL: [Self; 7] =
        [Self::Verified, Self::Unsigned, Self::Malformed, Self::Mismatch, Self::TooOld, Self::InFuture, Self::NoSecret];

    /// Returns the stable code for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
            Self::Mismatch => "mismatch",
            Self::TooOld => "too_old",
            Self::InFuture => "in_future",
            Self::NoSecret => "no_secret",
        }
    }

    /// Reads what `as_str` returns.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == code)
    }

    pub fn is_verified(self) -> bool {
        self == Self::Verified
    }

    /// Returns true if the provider signed the request, whatever its time says.
    pub fn is_authentic(self) -> bool {
        matches!(self, Self::Verified | Self::TooOld | Self::InFuture)
    }
}

impl Display for VerdictCode {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Serialize for VerdictCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back() {
        assert!(VerdictCode::ALL.into_iter().all(|code| VerdictCode::from_code(code.as_str()) == Some(code)));
        assert_eq!(VerdictCode::from_code("Verified"), None);
    }

    fn verdicts() -> [(Verdict, &'static str, bool, bool); 7] {
        let secret = || SecretOrigin::Flag;
        let hour = SignedDuration::from_hours(1);
        // Verdict, code, verified, authentic.
        [
            (Verdict::Verified { secret: secret() }, "verified", true, true),
            (Verdict::Unsigned, "unsigned", false, false),
            (Verdict::Malformed(Malformed::SignatureEmpty), "malformed", false, false),
            (Verdict::Mismatch, "mismatch", false, false),
            (Verdict::TooOld { secret: secret(), age: hour }, "too_old", false, true),
            (Verdict::InFuture { secret: secret(), ahead: hour }, "in_future", false, true),
            (Verdict::NoSecret, "no_secret", false, false),
        ]
    }

    #[test]
    fn only_a_correct_and_recent_signature_is_verified_and_a_stale_one_is_still_authentic() {
        for (verdict, code, is_verified, is_authentic) in verdicts() {
            let kind = verdict.code();
            assert_eq!((kind.as_str(), kind.to_string().as_str()), (code, code));
            assert_eq!(
                (verdict.is_verified(), kind.is_verified(), kind.is_authentic()),
                (is_verified, is_verified, is_authentic)
            );
            // A secret matched exactly if the provider signed it.
            assert_eq!(verdict.secret().is_some(), is_authentic, "{code}");
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{code}\""));
        }
    }
}
