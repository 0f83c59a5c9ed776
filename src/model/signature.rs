//! Computes and compares HMACs; the only module that does.
//!
//! `provider` turns a request into a claim. This module turns claim, keys and time into a verdict.
//! It reads no headers and knows no provider.

use crate::model::secret::Secret;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::model::verdict::Verdict;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;

/// The 32 bytes of an HMAC-SHA256.
pub type Mac = [u8; 32];

/// The claim of a request: these bytes were signed, with these signatures, at this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<'r> {
    pub provider: &'static str,
    /// The text signed before the body: `1736937000.` for Plexos, nothing for Plustive.
    pub prefix: String,
    pub body: &'r [u8],
    /// One correct signature is enough.
    pub signatures: Vec<Mac>,
    /// The time of signing. `None`: the provider signs no time.
    pub time: Option<Timestamp>,
}

/// The maximum age of a signed time, past or future. `None`: any age is accepted.
pub type Tolerance = Option<SignedDuration>;

/// The tolerance of Plexos' own SDKs (<https://docs.pay.plexos.io/pages/webhooks>).
pub const DEFAULT_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// A signing secret whose key block is already hashed.
#[derive(Clone)]
pub struct Key {
    pub secret: Secret,
    hmac: Hmac<Sha256>,
}

impl Key {
    pub fn new(secret: Secret) -> Self {
        let hmac = new_hmac(secret.expose());
        Self { secret, hmac }
    }

    /// Starts a signature over several parts.
    pub fn signer(&self) -> Signer {
        Signer(self.hmac.clone())
    }

    pub fn sign(&self, prefix: &[u8], body: &[u8]) -> Mac {
        let mut signer = self.signer();
        signer.update(prefix);
        signer.update(body);
        signer.finish()
    }
}

/// Computes a signature from the parts of a message.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    pub fn with_key(key: &[u8]) -> Self {
        Self(new_hmac(key))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> Mac {
        self.0.finalize().into_bytes().into()
    }

    /// Returns true if one of these is the signature. Each is compared in constant time.
    pub fn matches(self, signatures: &[Mac]) -> bool {
        signatures.iter().fold(false, |found, signature| found | self.0.clone().verify_slice(signature).is_ok())
    }
}

fn new_hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// Verifies a claim with every key of its provider; the verdict names the one that matches.
///
/// The time is checked only if the signature matches. If it does not, and there is no key but the
/// local test secret, the verdict is `NoSecret`.
pub fn verify(claim: &Claim<'_>, keys: &[Key], now: Timestamp, tolerance: Tolerance) -> Verdict {
    let mut own = keys.iter().filter(|key| key.secret.provider == claim.provider);
    let matching = own.clone().find(|key| {
        let mut signer = key.signer();
        signer.update(claim.prefix.as_bytes());
        signer.update(claim.body);
        signer.matches(&claim.signatures)
    });
    match matching {
        Some(key) => verify_time(claim.time, now, tolerance, key),
        None if own.all(|key| key.secret.is_local_test()) => Verdict::NoSecret,
        None => Verdict::Mismatch,
    }
}

fn verify_time(signed: Option<Timestamp>, now: Timestamp, tolerance: Tolerance, key: &Key) -> Verdict {
    let secret = key.secret.origin.clone();
    match check_age(signed, now, tolerance) {
        Some(OutOfTolerance::Past(age)) => Verdict::TooOld { secret, age },
        Some(OutOfTolerance::Future(ahead)) => Verdict::InFuture { secret, ahead },
        None => Verdict::Verified { secret },
    }
}

/// The distance between now and a signed time that is outside the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfTolerance {
    Past(SignedDuration),
    Future(SignedDuration),
}

/// Checks the age of a signed time. `None`: it is within the tolerance, or one of them is absent.
pub fn check_age(signed: Option<Timestamp>, now: Timestamp, tolerance: Tolerance) -> Option<OutOfTolerance> {
    let (age, tolerance) = (now.duration_since(signed?), tolerance?);
    match age {
        age if age > tolerance => Some(OutOfTolerance::Past(age)),
        age if -age > tolerance => Some(OutOfTolerance::Future(-age)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::SecretOrigin;
    use crate::model::verdict::VerdictCode;

    /// RFC 4231, test case 2.
    #[test]
    fn the_mac_matches_rfc_4231() {
        let key = Key::new(Secret::new("plexos", SecretOrigin::Flag, "Jefe"));
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex::encode(key.sign(b"what do ya want ", b"for nothing?")), expected);
    }

    fn claim(time: i64) -> Claim<'static> {
        let signatures = vec![Signer::with_key(b"s").finish(), {
            let mut signer = Signer::with_key(b"s");
            signer.update(b"1.body");
            signer.finish()
        }];
        let time = Timestamp::from_second(time).ok();
        Claim { provider: "plexos", prefix: "1.".to_owned(), body: b"body", signatures, time }
    }

    fn key(provider: &'static str, origin: SecretOrigin, secret: &str) -> Key {
        Key::new(Secret::new(provider, origin, secret))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_limits_of_the_tolerance_are_inside_it() {
        let keys = [key("plexos", SecretOrigin::Flag, "s")];
        let code = |now| verify(&claim(1_000), &keys, at(now), Some(DEFAULT_TOLERANCE)).code();
        assert_eq!([code(1_000), code(1_300), code(700)], [VerdictCode::Verified; 3]);
        assert_eq!([code(1_301), code(699)], [VerdictCode::TooOld, VerdictCode::InFuture]);
        assert_eq!(verify(&claim(1_000), &keys, at(9_999), None).code(), VerdictCode::Verified);
    }

    #[test]
    fn the_secret_that_matched_is_named() {
        let second = SecretOrigin::Environment { variable: "V".to_owned(), position: 2 };
        let keys = [key("plexos", SecretOrigin::Flag, "no"), key("plexos", second.clone(), "s")];
        assert_eq!(verify(&claim(0), &keys, at(0), None), Verdict::Verified { secret: second });
    }

    #[test]
    fn a_secret_of_another_provider_is_not_tried() {
        let keys = [key("plustive", SecretOrigin::Flag, "s")];
        assert_eq!(verify(&claim(0), &keys, at(0), None), Verdict::NoSecret);
    }

    #[test]
    fn with_only_the_local_secret_a_wrong_signature_means_no_secret_is_known() {
        let local = [key("plexos", SecretOrigin::LocalTest, "x")];
        assert_eq!(verify(&claim(0), &local, at(0), None), Verdict::NoSecret);
        let both = [key("plexos", SecretOrigin::LocalTest, "x"), key("plexos", SecretOrigin::Flag, "y")];
        assert_eq!(verify(&claim(0), &both, at(0), None), Verdict::Mismatch);
    }
}
