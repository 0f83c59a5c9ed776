//! MACs: the one file that computes and compares them.
//!
//! A provider turns a request into a claim (`provider`); this file turns claim, keys and the time into a verdict. It reads
//! no headers and knows no provider.

use crate::model::secret::Secret;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::model::verdict::Verdict;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;

/// The 32 bytes of an HMAC-SHA256.
pub type Mac = [u8; 32];

/// What a request claims: that these bytes were signed, with these signatures, at this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<'r> {
    /// The provider's name.
    pub provider: &'static str,
    /// What is signed before the body: `1736937000.` at Plexos, nothing at Plustive.
    pub prefix: String,
    /// The body.
    pub body: &'r [u8],
    /// The signatures given; one that is right is enough.
    pub signatures: Vec<Mac>,
    /// When it was signed. `None`: the provider signs no time.
    pub time: Option<Timestamp>,
}

/// How far a signed time may lie from now, in either direction. `None` in its place: any age is accepted.
pub type Tolerance = Option<SignedDuration>;

/// The tolerance of Plexos' own SDKs (<https://docs.pay.plexos.io/pages/webhooks>): 5 minutes.
pub const DEFAULT_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// A secret made ready for signing: its key block is hashed once.
#[derive(Clone)]
pub struct Key {
    /// The secret it was made of.
    pub secret: Secret,
    start: Hmac<Sha256>,
}

impl Key {
    /// Makes a secret ready.
    pub fn new(secret: Secret) -> Self {
        let start = keyed(secret.expose());
        Self { secret, start }
    }

    /// A signature to be fed piece by piece.
    pub fn signer(&self) -> Signer {
        Signer(self.start.clone())
    }

    /// The signature over `prefix` and `body`.
    pub fn sign(&self, prefix: &[u8], body: &[u8]) -> Mac {
        let mut signer = self.signer();
        signer.update(prefix);
        signer.update(body);
        signer.finish()
    }
}

/// A signature in the making.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// A signer with these very bytes as its key.
    pub fn with_key(key: &[u8]) -> Self {
        Self(keyed(key))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The signature.
    pub fn finish(self) -> Mac {
        self.0.finalize().into_bytes().into()
    }

    /// Whether one of these is the signature; each is compared in constant time.
    pub fn matches(self, signatures: &[Mac]) -> bool {
        signatures.iter().fold(false, |found, signature| found | self.0.clone().verify_slice(signature).is_ok())
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// Judges a claim. Every key of the claim's provider is tried, and the one that matches is named; only then is the time looked
/// at. Where no key but the local test secret is known and that does not match, the verdict is that no secret is known.
pub fn judge(claim: &Claim<'_>, keys: &[Key], now: Timestamp, tolerance: Tolerance) -> Verdict {
    let mut own = keys.iter().filter(|key| key.secret.provider == claim.provider);
    let matching = own.clone().find(|key| {
        let mut signer = key.signer();
        signer.update(claim.prefix.as_bytes());
        signer.update(claim.body);
        signer.matches(&claim.signatures)
    });
    match matching {
        Some(key) => judge_time(claim.time, now, tolerance, key),
        None if own.all(|key| key.secret.is_local()) => Verdict::NoSecret,
        None => Verdict::Mismatch,
    }
}

fn judge_time(signed: Option<Timestamp>, now: Timestamp, tolerance: Tolerance, key: &Key) -> Verdict {
    let secret = key.secret.origin.clone();
    match off(signed, now, tolerance) {
        Some(Off::Behind(age)) => Verdict::TooOld { secret, age },
        Some(Off::Ahead(ahead)) => Verdict::InFuture { secret, ahead },
        None => Verdict::Verified { secret },
    }
}

/// How far a signed time lies outside of what is tolerated, counted from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// So long ago.
    Behind(SignedDuration),
    /// So far ahead.
    Ahead(SignedDuration),
}

/// Whether a signed time is outside of the tolerance. `None`: it is within, there is none, or any will do.
pub fn off(signed: Option<Timestamp>, now: Timestamp, tolerance: Tolerance) -> Option<Off> {
    let (age, tolerance) = (now.duration_since(signed?), tolerance?);
    match age {
        age if age > tolerance => Some(Off::Behind(age)),
        age if -age > tolerance => Some(Off::Ahead(-age)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Origin;

    /// RFC 4231, test case 2.
    #[test]
    fn the_mac_is_that_of_rfc_4231() {
        let key = Key::new(Secret::new("plexos", Origin::Flag, "Jefe"));
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

    fn key(provider: &'static str, origin: Origin, secret: &str) -> Key {
        Key::new(Secret::new(provider, origin, secret))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_edges_of_the_tolerance_are_inside_it() {
        let keys = [key("plexos", Origin::Flag, "s")];
        let code = |now| judge(&claim(1_000), &keys, at(now), Some(DEFAULT_TOLERANCE)).code();
        assert_eq!([code(1_000), code(1_300), code(700)], ["verified"; 3]);
        assert_eq!([code(1_301), code(699)], ["too_old", "in_future"]);
        assert_eq!(judge(&claim(1_000), &keys, at(9_999), None).code(), "verified");
    }

    #[test]
    fn the_secret_that_matched_is_named() {
        let second = Origin::Environment { variable: "V".to_owned(), place: 2 };
        let keys = [key("plexos", Origin::Flag, "no"), key("plexos", second.clone(), "s")];
        assert_eq!(judge(&claim(0), &keys, at(0), None), Verdict::Verified { secret: second });
    }

    #[test]
    fn a_secret_of_another_provider_is_not_tried() {
        let keys = [key("plustive", Origin::Flag, "s")];
        assert_eq!(judge(&claim(0), &keys, at(0), None), Verdict::NoSecret);
    }

    #[test]
    fn with_only_the_local_secret_a_wrong_signature_means_no_secret_is_known() {
        let local = [key("plexos", Origin::Local, "x")];
        assert_eq!(judge(&claim(0), &local, at(0), None), Verdict::NoSecret);
        let both = [key("plexos", Origin::Local, "x"), key("plexos", Origin::Flag, "y")];
        assert_eq!(judge(&claim(0), &both, at(0), None), Verdict::Mismatch);
    }
}
