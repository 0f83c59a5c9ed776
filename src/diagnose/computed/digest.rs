//! Parses a digest that the user's code computed, and names the algorithm by its length.

use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::{digest as kinds, signature};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use hmac::{KeyInit, Mac, SimpleHmac};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::Digest as Hash;
use sha2::digest::block_api::BlockSizeUser;
use sha2::{Sha224, Sha256, Sha384, Sha512};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub bytes: Vec<u8>,
    /// The fault in its notation that makes a comparison with the header fail.
    pub notation_fault: Option<Cause>,
    pub(super) algorithm: Algorithm,
}

#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected hex or base64 of 16, 20, 28, 32, 48 or 64 bytes")]
pub struct DigestError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// Parses hex or base64 of either alphabet, with or without a scheme such as `sha256=`.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let text = text.trim().trim_matches(['"', '\'']);
        let decoded = [Some(text), after_scheme(text)].into_iter().flatten().find_map(decode);
        let (bytes, notation_fault) = decoded.ok_or(DigestError)?;
        // Hex of hex text, or base64 of it: the digest was encoded twice.
        if let Some(once) = std::str::from_utf8(&bytes).ok().and_then(|text| hex::decode(text).ok())
            && let Some(algorithm) = Algorithm::of_length(once.len())
        {
            let notation_fault = Some(Cause::new(&kinds::ENCODED_TWICE));
            return Ok(Self { bytes: once, notation_fault, algorithm });
        }
        let algorithm = Algorithm::of_length(bytes.len()).ok_or(DigestError)?;
        Ok(Self { bytes, notation_fault, algorithm })
    }
}

/// Returns the text after `sha256=`, `v1=` or `hmac:`.
fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(['=', ':'])?;
    (scheme.len() <= 12 && scheme.chars().all(|char| char.is_ascii_alphanumeric() || char == '-')).then_some(rest)
}

fn decode(text: &str) -> Option<(Vec<u8>, Option<Cause>)> {
    let digits: String = text.chars().filter(|char| !matches!(char, ':' | '-' | ' ')).collect();
    if let Ok(bytes) = hex::decode(&digits)
        && bytes.len() >= 16
    {
        return Some((bytes, None));
    }
    let engine = GeneralPurpose::new(&alphabet::STANDARD, NO_PAD);
    let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    let bytes = engine.decode(text).ok().filter(|bytes| bytes.len() >= 16)?;
    Some((bytes, Some(Cause::new(&signature::BASE64))))
}

impl Algorithm {
    fn of_length(bytes: usize) -> Option<Self> {
        Some(match bytes {
            16 => Self::Md5,
            20 => Self::Sha1,
            28 => Self::Sha224,
            32 => Self::Sha256,
            48 => Self::Sha384,
            64 => Self::Sha512,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Computes the HMAC of the parts, one after the other.
    pub(super) fn hmac(self, key: &[u8], parts: [&[u8]; 2]) -> Vec<u8> {
        match self {
            Self::Md5 => hmac::<Md5>(key, parts),
            Self::Sha1 => hmac::<Sha1>(key, parts),
            Self::Sha224 => hmac::<Sha224>(key, parts),
            Self::Sha256 => hmac::<Sha256>(key, parts),
            Self::Sha384 => hmac::<Sha384>(key, parts),
            Self::Sha512 => hmac::<Sha512>(key, parts),
        }
    }

    /// Hashes the parts, one after the other.
    pub(super) fn hash(self, parts: [&[u8]; 3]) -> Vec<u8> {
        match self {
            Self::Md5 => hash::<Md5>(parts),
            Self::Sha1 => hash::<Sha1>(parts),
            Self::Sha224 => hash::<Sha224>(parts),
            Self::Sha256 => hash::<Sha256>(parts),
            Self::Sha384 => hash::<Sha384>(parts),
            Self::Sha512 => hash::<Sha512>(parts),
        }
    }
}

fn hmac<H: Hash + BlockSizeUser>(key: &[u8], parts: [&[u8]; 2]) -> Vec<u8> {
    let mut mac = SimpleHmac::<H>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hash<H: Hash>(parts: [&[u8]; 3]) -> Vec<u8> {
    parts.iter().fold(H::new(), |hash, part| hash.chain_update(part)).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    const HEX: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    /// `echo $HEX | xxd -r -p | base64`
    const BASE64: &str = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
    /// `printf %s $HEX | xxd -p -c 64`
    const TWICE: &str = "35626463633134366266363037353465366130343234323630383935373563373561303033663038396432373339383339646563353862393634656333383433";

    #[test]
    fn a_digest_is_parsed_in_any_notation() {
        let expected = hex::decode(HEX).unwrap();
        let colons = HEX.as_bytes().chunks(2).map(|two| str::from_utf8(two).unwrap()).collect::<Vec<_>>().join("-");
        let url = BASE64.trim_end_matches('=');
        let forms = [HEX, &HEX.to_uppercase(), &format!("sha256={HEX}"), &format!(" \"{HEX}\"\n"), &colons, BASE64];
        for text in forms.into_iter().chain([url, &format!("v1={BASE64}"), TWICE]) {
            let digest = Digest::parse(text).unwrap();
            assert_eq!((digest.bytes, digest.algorithm), (expected.clone(), Algorithm::Sha256), "{text}");
        }
        assert_eq!(Digest::parse(TWICE).unwrap().notation_fault, Some(Cause::new(&kinds::ENCODED_TWICE)));
        assert_eq!(Digest::parse(BASE64).unwrap().notation_fault, Some(Cause::new(&signature::BASE64)));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "abc", "sha256=", &HEX[1..], "not a digest at all, but some words", "é=é"] {
            assert_eq!(Digest::parse(text), Err(DigestError), "{text}");
        }
    }

    /// `printf 'what do ya want for nothing?' | openssl dgst -sha1 -hmac Jefe`, and with `-md5`.
    #[test]
    fn other_algorithms_match_openssl() {
        let mac = |algorithm: Algorithm| hex::encode(algorithm.hmac(b"Jefe", [b"what do ya want ", b"for nothing?"]));
        assert_eq!(mac(Algorithm::Sha1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(mac(Algorithm::Md5), "750c783e6ab0b503eaa86e310a5db738");
        assert_eq!(mac(Algorithm::Sha256), HEX);
    }
}
