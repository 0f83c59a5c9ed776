//! The ways to make a digest of a key and a message that code gets wrong.

use super::cause::Cause;
use super::kinds::digest as kinds;
use super::search::Class;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{KeyInit, Mac, SimpleHmac};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::Digest as Hash;
use sha2::digest::block_api::BlockSizeUser;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_256};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha256,
    Sha512,
    Sha1,
    Md5,
    Sha384,
    Sha224,
    Sha512_256,
}

impl Algorithm {
    const ALL: [Self; 7] =
        [Self::Sha256, Self::Sha512, Self::Sha1, Self::Md5, Self::Sha384, Self::Sha224, Self::Sha512_256];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sha512_256 => "SHA-512/256",
        }
    }

    /// Returns the length of a digest in bytes.
    fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 | Self::Sha512_256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Computes the HMAC of the parts, one after the other.
    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Md5 => hmac::<Md5>(key, parts),
            Self::Sha1 => hmac::<Sha1>(key, parts),
            Self::Sha224 => hmac::<Sha224>(key, parts),
            Self::Sha256 => hmac::<Sha256>(key, parts),
            Self::Sha384 => hmac::<Sha384>(key, parts),
            Self::Sha512 => hmac::<Sha512>(key, parts),
            Self::Sha512_256 => hmac::<Sha512_256>(key, parts),
        }
    }

    /// Hashes the parts, one after the other.
    pub(super) fn hash(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Md5 => hash::<Md5>(parts),
            Self::Sha1 => hash::<Sha1>(parts),
            Self::Sha224 => hash::<Sha224>(parts),
            Self::Sha256 => hash::<Sha256>(parts),
            Self::Sha384 => hash::<Sha384>(parts),
            Self::Sha512 => hash::<Sha512>(parts),
            Self::Sha512_256 => hash::<Sha512_256>(parts),
        }
    }
}

fn hmac<H: Hash + BlockSizeUser>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = SimpleHmac::<H>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hash<H: Hash>(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().fold(H::new(), |hash, part| hash.chain_update(part)).finalize().to_vec()
}

/// Computes a digest of the key and the parts of a message.
type Hasher = fn(Algorithm, &[u8], &[&[u8]]) -> Vec<u8>;

/// A way to put key and message together.
struct Construction {
    digest: Hasher,
    /// Completes "the signature is …". Empty: HMAC.
    words: &'static str,
    /// The key does not matter.
    ignores_key: bool,
    /// It is one mistake, with or without the timestamp.
    ignores_time: bool,
}

/// The mistakes, the likeliest first. HMAC itself is not among them.
static CONSTRUCTIONS: &[Construction] = &[
    Construction { digest: plain, words: "a hash without a key", ignores_key: true, ignores_time: true },
    Construction {
        digest: |algorithm, key, message| algorithm.hash(&[&[key], message].concat()),
        words: "a hash of the secret followed by the message",
        ignores_key: false,
        ignores_time: true,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hash(&[message, &[key]].concat()),
        words: "a hash of the message followed by the secret",
        ignores_key: false,
        ignores_time: true,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hash(&[&[key], &[b"."], message].concat()),
        words: "a hash of the secret, a dot and the message",
        ignores_key: false,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| {
            algorithm.hmac(key, &[hex::encode(plain(algorithm, key, message)).as_bytes()])
        },
        words: "an HMAC of the message's hash in hex",
        ignores_key: false,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hmac(key, &[&plain(algorithm, key, message)]),
        words: "an HMAC of the message's hash",
        ignores_key: false,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| {
            algorithm.hmac(key, &[STANDARD.encode(plain(algorithm, key, message)).as_bytes()])
        },
        words: "an HMAC of the message's hash in base64",
        ignores_key: false,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hmac(key, &[hex::encode(algorithm.hmac(key, message)).as_bytes()]),
        words: "an HMAC of the HMAC in hex",
        ignores_key: false,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hmac(key, &[&algorithm.hmac(key, message)]),
        words: "an HMAC of the HMAC",
        ignores_key: false,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hash(&[hex::encode(algorithm.hmac(key, message)).as_bytes()]),
        words: "a hash of the HMAC in hex",
        ignores_key: false,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hash(&[&algorithm.hmac(key, message)]),
        words: "a hash of the HMAC",
        ignores_key: false,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hash(&[hex::encode(plain(algorithm, key, message)).as_bytes()]),
        words: "a hash of the message's hash in hex",
        ignores_key: true,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hash(&[&plain(algorithm, key, message)]),
        words: "a hash of the message's hash",
        ignores_key: true,
        ignores_time: false,
    },
    Construction {
        digest: |algorithm, key, message| algorithm.hash(&[&[key], message, &[key]].concat()),
        words: "a hash of secret, message and secret",
        ignores_key: false,
        ignores_time: false,
    },
];

fn plain(algorithm: Algorithm, _key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    algorithm.hash(message)
}

/// A function of key and message that may have given a digest.
pub(super) struct HashFunction {
    algorithm: Algorithm,
    digest: Hasher,
    /// Empty: HMAC-SHA256, which should have been used.
    pub causes: Vec<Cause>,
    pub is_rare: bool,
    pub ignores_key: bool,
    /// It is one mistake, with or without the timestamp.
    pub ignores_time: bool,
}

impl HashFunction {
    /// Lists the functions that can give a digest of one of these numbers of hex digits.
    /// HMAC-SHA256 comes first.
    pub(super) fn list(digits: &[usize]) -> Vec<Self> {
        let fits = |algorithm: Algorithm| {
            let length = algorithm.length() * 2;
            digits.iter().any(|&digits| match algorithm {
                // Digests of these are truncated.
                Algorithm::Sha256 | Algorithm::Sha512 => digits <= length + 1,
                _ => digits.abs_diff(length) <= 1,
            })
        };
        let mut found = Vec::new();
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| fits(*algorithm)) {
            let name =
                (algorithm != Algorithm::Sha256).then(|| Cause::new(&kinds::ALGORITHM).with("name", algorithm.name()));
            let is_usual = digits.contains(&(algorithm.length() * 2)) && algorithm != Algorithm::Sha512_256;
            let function = |digest, fault: Option<Cause>, ignores_key, ignores_time| Self {
                algorithm,
                digest,
                is_rare: !is_usual || (fault.is_some() && name.is_some()),
                causes: name.clone().into_iter().chain(fault).collect(),
                ignores_key,
                ignores_time,
            };
            found.push(function(Algorithm::hmac, None, false, false));
            found.push(function(
                |algorithm, key, message| algorithm.hmac(&message.concat(), &[key]),
                Some(Cause::new(&kinds::SWAPPED)),
                false,
                false,
            ));
            found.extend(CONSTRUCTIONS.iter().map(|Construction { digest, words, ignores_key, ignores_time }| {
                function(*digest, Some(Cause::new(&kinds::NOT_HMAC).with("what", *words)), *ignores_key, *ignores_time)
            }));
        }
        found
    }

    pub(super) fn class(&self) -> Class {
        match (self.causes.is_empty(), self.is_rare) {
            (true, _) => Class::Base,
            (false, true) => Class::Rare,
            (false, false) => Class::Usual,
        }
    }

    /// Returns true for HMAC-SHA256, which `Signer` computes faster.
    pub(super) fn is_correct(&self) -> bool {
        self.causes.is_empty()
    }

    pub(super) fn digest(&self, key: &[u8], message: &[&[u8]]) -> Vec<u8> {
        (self.digest)(self.algorithm, key, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'what do ya want for nothing?' | openssl dgst -sha1 -hmac Jefe`, and with others.
    #[test]
    fn other_algorithms_match_openssl() {
        let mac = |algorithm: Algorithm| hex::encode(algorithm.hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]));
        assert_eq!(mac(Algorithm::Sha1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(mac(Algorithm::Md5), "750c783e6ab0b503eaa86e310a5db738");
        // RFC 4231, test case 2.
        assert_eq!(mac(Algorithm::Sha256), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn hmac_sha256_comes_first_and_truncated_digests_have_more_functions() {
        let names = |digits: usize| HashFunction::list(&[digits]).iter().map(|each| each.algorithm).collect::<Vec<_>>();
        for digits in [64, 40, 32, 128, 63, 16] {
            assert!(HashFunction::list(&[digits])[0].is_correct() == (digits <= 65), "{digits}");
        }
        assert!(names(40).contains(&Algorithm::Sha1) && names(40).contains(&Algorithm::Sha256));
        assert!(!names(64).contains(&Algorithm::Sha1));
    }
}
