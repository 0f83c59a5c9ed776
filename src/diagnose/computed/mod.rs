//! Explains a digest that the user's own code computed for a request.
//!
//! The candidates are those of the search for causes, combined with other algorithms (known by the
//! digest's length), hashes without a key, and other messages. Only an equal digest is a proof.

mod digest;
mod wording;

pub use digest::Digest;

use super::body::BodyVariants;
use super::budget::{Exhausted, HashAllowance};
use super::candidate::{self, Candidate, Credentials};
use super::cause::Cause;
use super::header_signatures::{self, find_timestamp};
use super::keys;
use super::kinds::{digest as kinds, timestamp as time};
use super::search::Keys;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::secret::SecretOrigin;
use crate::provider::{self, Provider};
use digest::Algorithm;

/// The explanation of a computed digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestDiagnosis {
    /// The correct digest for this request.
    Correct {
        secret: SecretOrigin,
        /// The request carries it as its signature.
        is_in_header: bool,
    },
    /// The signature that the request carries, which no configured secret gives.
    HeaderSignature,
    /// All of these causes together.
    Explained(Vec<Cause>),
    Unknown(SearchSize),
}

/// The number of candidates that were tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchSize {
    pub keys: usize,
    pub prefixes: usize,
    pub bodies: usize,
    pub messages: usize,
    /// The allowance ended before the candidates did.
    pub is_exhausted: bool,
}

/// A whole message that may have been hashed in place of prefix and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherMessage {
    pub bytes: Vec<u8>,
    /// A noun phrase such as `the file's name`.
    pub description: String,
}

impl DigestDiagnosis {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Correct { .. } => "right",
            Self::HeaderSignature => "of_header",
            Self::Explained(_) => "explained",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// The largest number of changes that are combined, apart from the algorithm and the notation.
const MAX_CHANGES: usize = 2;

/// Explains a digest. `others` are messages that only the caller can know.
pub fn explain(
    received: &AnalyzedDelivery,
    digest: &Digest,
    credentials: &Credentials<'_>,
    others: &[OtherMessage],
    mut allowance: HashAllowance,
) -> DigestDiagnosis {
    if let Some(diagnosis) = compare_with_signature(received, digest, credentials) {
        return diagnosis;
    }
    let own = received.provider.and_then(provider::by_name);
    let providers = own.map_or_else(|| provider::ALL.to_vec(), |own| vec![own]);
    let mut size = SearchSize::default();
    for provider in providers {
        let search = DigestSearch::new(received, provider, digest, credentials, others);
        let find = |changes, keys, allowance: &mut _| search.find_with_changes(changes, keys, allowance);
        let found = (0..=MAX_CHANGES).find_map(|changes| find(changes, Keys::of(changes), &mut allowance));
        let found = found.or_else(|| allowance.spend_on_rare(|allowance| find(MAX_CHANGES, Keys::Rare, allowance)));
        if let Some(causes) = found {
            return DigestDiagnosis::Explained(search.with_digest_causes(causes));
        }
        size = SearchSize { is_exhausted: allowance.is_spent(), ..search.size() };
    }
    DigestDiagnosis::Unknown(size)
}

/// Compares the digest with the correct one and with the signature that the request carries.
fn compare_with_signature(
    received: &AnalyzedDelivery,
    digest: &Digest,
    credentials: &Credentials<'_>,
) -> Option<DigestDiagnosis> {
    let request = &received.delivery.request;
    let provider = received.provider.and_then(provider::by_name)?;
    let signatures = header_signatures::find(&request.headers, provider);
    let is_in_header = signatures.iter().any(|signature| signature.mac[..] == digest.bytes);
    let timestamp = match provider.timestamp_header() {
        Some(_) => find_timestamp(&request.headers, provider),
        None => Some(""),
    };
    let key = timestamp.and_then(|timestamp| {
        let prefix = provider.signed_prefix(timestamp);
        let mut keys = credentials.keys.iter().filter(|key| key.secret.provider == provider.name());
        keys.find(|key| key.sign(prefix.as_bytes(), &request.body)[..] == digest.bytes)
    });
    match (key, &digest.notation_fault) {
        // The correct bytes in a notation that no comparison with the header can match.
        (Some(_), Some(fault)) => Some(DigestDiagnosis::Explained(vec![fault.clone()])),
        (Some(key), None) => Some(DigestDiagnosis::Correct { secret: key.secret.origin.clone(), is_in_header }),
        (None, _) => is_in_header.then_some(DigestDiagnosis::HeaderSignature),
    }
}

/// A way to put key and message together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Construction {
    Hmac,
    PlainHash,
    KeyThenMessage,
    MessageThenKey,
    /// HMAC with the message as its key.
    Swapped,
}

impl Construction {
    const ALL: [Self; 5] = [Self::Hmac, Self::PlainHash, Self::KeyThenMessage, Self::MessageThenKey, Self::Swapped];

    fn cause(self) -> Option<Cause> {
        let not_hmac = |what| Cause::new(&kinds::NOT_HMAC).with("what", what);
        Some(match self {
            Self::Hmac => return None,
            Self::PlainHash => not_hmac("a hash without a key"),
            Self::KeyThenMessage => not_hmac("a hash of the secret followed by the message"),
            Self::MessageThenKey => not_hmac("a hash of the message followed by the secret"),
            Self::Swapped => Cause::new(&kinds::SWAPPED),
        })
    }

    /// Returns true for a plain hash: it is one mistake, with or without the timestamp.
    fn ignores_missing_timestamp(self) -> bool {
        matches!(self, Self::PlainHash | Self::KeyThenMessage | Self::MessageThenKey)
    }

    fn digest(self, algorithm: Algorithm, key: &[u8], message: [&[u8]; 2]) -> Vec<u8> {
        let [prefix, body] = message;
        match self {
            Self::Hmac => algorithm.hmac(key, message),
            Self::PlainHash => algorithm.hash([prefix, body, b""]),
            Self::KeyThenMessage => algorithm.hash([key, prefix, body]),
            Self::MessageThenKey => algorithm.hash([prefix, body, key]),
            Self::Swapped => algorithm.hmac(&[prefix, body].concat(), [key, b""]),
        }
    }
}

fn message_other(what: &str) -> Cause {
    Cause::new(&kinds::MESSAGE_OTHER).with("what", what.to_owned())
}

/// The candidates for what was computed.
struct DigestSearch<'a> {
    digest: &'a Digest,
    keys: Vec<Candidate<'a>>,
    prefixes: Vec<Candidate<'static>>,
    bodies: BodyVariants<'a>,
    messages: Vec<Candidate<'a>>,
    no_prefix: [Candidate<'static>; 1],
}

impl<'a> DigestSearch<'a> {
    fn new(
        received: &'a AnalyzedDelivery,
        provider: &'static dyn Provider,
        digest: &'a Digest,
        credentials: &'a Credentials<'_>,
        others: &'a [OtherMessage],
    ) -> Self {
        let delivery = &received.delivery;
        let request = &delivery.request;
        let timestamp = find_timestamp(&request.headers, provider).filter(|text| !text.is_empty());
        let mut prefixes = candidate::prefixes(provider, timestamp, delivery.arrived);
        if provider.timestamp_header().is_some() && timestamp.is_some() {
            let arrived = delivery.arrived.into_iter();
            prefixes.extend(arrived.flat_map(|arrived| candidate::nearby_timestamps(provider, arrived)));
        }
        let mut messages = Vec::new();
        let mut add = |bytes: Vec<u8>, what: &str| {
            if !bytes.is_empty() {
                messages.push(Candidate::new(bytes, message_other(what)));
            }
        };
        let timestamp = timestamp.unwrap_or_default();
        let signature = request.headers.get(provider.signature_header()).unwrap_or_default();
        add(timestamp.as_bytes().to_vec(), "the timestamp alone");
        add(signature.to_vec(), "the value of the signature header");
        add(request.to_wire(), "the whole request, head and body");
        add([request.target.as_bytes(), &request.body].concat(), "the request's path and body");
        add(request.headers.as_bytes().to_vec(), "the header lines");
        for other in others.iter().filter(|other| other.bytes != request.body && !other.bytes.is_empty()) {
            let prefix = provider.signed_prefix(timestamp);
            messages.push(Candidate::new(&other.bytes[..], message_other(&other.description)));
            if !prefix.is_empty() {
                let bytes = [prefix.as_bytes(), &other.bytes].concat();
                messages.push(Candidate::new(bytes, message_other(&other.description)));
            }
        }
        let keys = keys::keys(provider, credentials);
        let bodies = BodyVariants::new(&request.body);
        Self { digest, keys, prefixes, bodies, messages, no_prefix: [Candidate::correct(Vec::new())] }
    }

    fn size(&self) -> SearchSize {
        SearchSize {
            keys: self.keys.len(),
            prefixes: self.prefixes.len(),
            bodies: self.bodies.count_built(),
            messages: self.messages.len(),
            is_exhausted: false,
        }
    }

    /// Adds the causes that the digest itself shows: its algorithm and its notation.
    fn with_digest_causes(&self, causes: Vec<Cause>) -> Vec<Cause> {
        let name = self.digest.algorithm.name();
        let algorithm =
            (self.digest.algorithm != Algorithm::Sha256).then(|| Cause::new(&kinds::ALGORITHM).with("name", name));
        algorithm.into_iter().chain(causes).chain(self.digest.notation_fault.clone()).collect()
    }

    fn find_with_changes(&self, changes: usize, choice: Keys, allowance: &mut HashAllowance) -> Option<Vec<Cause>> {
        for index in self.bodies.indices() {
            let found = match index {
                None => self.find_with_message(&self.prefixes, self.bodies.received(), changes, choice, allowance),
                Some(index) => match changes.checked_sub(self.bodies.changes(index)) {
                    None => None,
                    Some(rest) if rest > 0 && !self.bodies.is_usual(index) => None,
                    Some(rest) => match self.bodies.build(index, allowance) {
                        Err(Exhausted) => return None,
                        Ok(None) => None,
                        Ok(Some(body)) => {
                            let found = self.find_with_message(&self.prefixes, &body, rest, choice, allowance);
                            found.map(|causes| causes.into_iter().chain(self.bodies.digest_causes(index)).collect())
                        }
                    },
                },
            };
            if found.is_some() || allowance.is_spent() {
                return found;
            }
        }
        let others = self.messages.iter().filter(|_| changes > 0);
        others.into_iter().find_map(|other| {
            let found = self.find_with_message(&self.no_prefix, &other.bytes, changes - 1, choice, allowance)?;
            Some(found.into_iter().chain(other.causes.clone()).collect())
        })
    }

    /// Tries the keys, prefixes and constructions that need exactly `changes` changes together.
    fn find_with_message(
        &self,
        prefixes: &[Candidate<'_>],
        body: &[u8],
        changes: usize,
        choice: Keys,
        allowance: &mut HashAllowance,
    ) -> Option<Vec<Cause>> {
        let no_key = [Candidate::correct(Vec::new())];
        for construction in Construction::ALL {
            let keys = if construction == Construction::PlainHash { &no_key[..] } else { &self.keys[..] };
            for prefix in prefixes {
                let is_ignored = prefix.causes.iter().any(|cause| cause.is(&time::NOT_SIGNED))
                    && construction.ignores_missing_timestamp();
                let construction_cause = construction.cause();
                let prefix_causes = if is_ignored { &[][..] } else { &prefix.causes[..] };
                for key in keys.iter().filter(|key| choice.includes(key)) {
                    let parts = [construction_cause.as_slice(), &key.causes[..], prefix_causes];
                    if parts.iter().filter(|causes| !causes.is_empty()).count() != changes {
                        continue;
                    }
                    if !allowance.spend(prefix.bytes.len() + body.len()) {
                        return None;
                    }
                    let message = [&prefix.bytes[..], body];
                    if construction.digest(self.digest.algorithm, &key.bytes, message) == self.digest.bytes {
                        return Some(parts.concat());
                    }
                }
            }
        }
        None
    }
}
