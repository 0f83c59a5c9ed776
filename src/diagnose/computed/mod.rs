//! Explains a digest that the user's own code computed for a request.
//!
//! The candidates are those of the search for causes, and whole messages that were hashed in place
//! of timestamp and body. Only an equal digest is a proof.

mod wording;

use super::body::BodyVariants;
use super::budget::HashAllowance;
use super::candidate::Credentials;
use super::cause::Cause;
use super::frame::{self, Frame};
use super::kinds::{digest as kinds, timestamp as time};
use super::search::{Explanation, SearchOutcome};
use super::signature::{self, Target, own_signature_text};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::secret::SecretOrigin;
use crate::provider::{self, Provider};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A digest as the user gave it, in each way in which the text can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    targets: Vec<Target>,
}

#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("no digest found: expected hex, base64 or a list of bytes, at least 8 bytes long")]
pub struct DigestError;

impl Digest {
    /// Parses hex, base64 or numbers, also inside other text such as the output of a tool.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let targets = signature::read_digest(text);
        if targets.is_empty() { Err(DigestError) } else { Ok(Self { targets }) }
    }
}

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
    /// The layouts of timestamp and body.
    pub prefixes: usize,
    pub bodies: usize,
    /// Whole messages in place of timestamp and body.
    pub messages: usize,
    /// The allowance ended before the candidates did.
    pub is_exhausted: bool,
}

/// A whole message that may have been hashed in place of timestamp and body.
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

/// Explains a digest. `others` are messages that only the caller can know.
pub fn explain(
    received: &AnalyzedDelivery,
    digest: &Digest,
    credentials: &Credentials<'_>,
    others: &[OtherMessage],
    mut allowance: HashAllowance,
) -> DigestDiagnosis {
    let digest = &without_signature(received, digest);
    if let Some(diagnosis) = compare_with_signature(received, digest, credentials) {
        return diagnosis;
    }
    let own = received.provider.and_then(provider::by_name);
    let mut size = SearchSize::default();
    for provider in own.map_or_else(|| provider::ALL.to_vec(), |own| vec![own]) {
        let mut space = super::space(received, provider, credentials, digest.targets.clone());
        space.body_causes = BodyVariants::digest_causes;
        space.frames.add_messages(messages(received, provider, others));
        let outcome = space.explain(&mut allowance);
        if let SearchOutcome::Explained(explanation) = outcome {
            return DigestDiagnosis::Explained(causes(explanation));
        }
        size = SearchSize {
            keys: space.keys.len(),
            prefixes: space.frames.iter().filter(|frame| !frame.is_whole).count(),
            bodies: space.bodies.count_built(),
            messages: space.frames.iter().filter(|frame| frame.is_whole).count(),
            is_exhausted: matches!(outcome, SearchOutcome::Exhausted),
        };
    }
    DigestDiagnosis::Unknown(size)
}

/// Puts causes in the order of the computation: the function, the key, the message, the notation.
fn causes(explanation: Explanation) -> Vec<Cause> {
    let Explanation { target, function, key, frame, body } = explanation;
    [function, key, frame, body, target].into_iter().flatten().collect()
}

/// Removes the request's own signature from a text that also has another digest in it, such as a log
/// line with both.
fn without_signature(received: &AnalyzedDelivery, digest: &Digest) -> Digest {
    let headers = &received.delivery.request.headers;
    let signatures: Vec<_> =
        provider::ALL.iter().flat_map(|provider| signature::find(headers, *provider)).map(|own| own.bytes()).collect();
    let is_other = |target: &&Target| !signatures.contains(&target.bytes());
    let others: Vec<_> = digest.targets.iter().filter(is_other).cloned().collect();
    let has_whole = others.iter().any(Target::is_whole);
    if has_whole { Digest { targets: others } } else { digest.clone() }
}

/// Compares the digest with the correct one and with the signature that the request carries.
fn compare_with_signature(
    received: &AnalyzedDelivery,
    digest: &Digest,
    credentials: &Credentials<'_>,
) -> Option<DigestDiagnosis> {
    let request = &received.delivery.request;
    let provider = received.provider.and_then(provider::by_name)?;
    let timestamp = match provider.timestamp_header() {
        Some(_) => frame::find_own_timestamp(&request.headers, provider),
        None => Some(""),
    };
    let signatures = signature::find(&request.headers, provider);
    let compare = |mac: &[u8]| digest.targets.iter().find_map(|target| target.compare(mac));
    let correct = timestamp.and_then(|timestamp| {
        let prefix = provider.signed_prefix(timestamp);
        let mut keys = credentials.keys.iter().filter(|key| key.secret.provider == provider.name());
        keys.find_map(|key| {
            let mac = key.sign(prefix.as_bytes(), &request.body);
            let is_in_header = signatures.iter().any(|signature| signature.compare(&mac).is_some());
            Some((key, compare(&mac)?, is_in_header))
        })
    });
    match correct {
        Some((key, faults, is_in_header)) if faults.is_empty() => {
            Some(DigestDiagnosis::Correct { secret: key.secret.origin.clone(), is_in_header })
        }
        // The correct bytes in a notation that no comparison with the header can match.
        Some((_, faults, _)) => Some(DigestDiagnosis::Explained(faults)),
        None => {
            let is_in_header = signatures.iter().filter(|signature| signature.is_whole());
            let mut digests = is_in_header.map(Target::bytes);
            digests.any(|bytes| compare(&bytes).is_some()).then_some(DigestDiagnosis::HeaderSignature)
        }
    }
}

/// Lists whole messages that may have been hashed.
fn messages(received: &AnalyzedDelivery, provider: &dyn Provider, others: &[OtherMessage]) -> Vec<Frame> {
    let request = &received.delivery.request;
    let timestamp = frame::find_own_timestamp(&request.headers, provider).unwrap_or_default();
    let signature = own_signature_text(&request.headers, provider);
    let mut found = Vec::new();
    let mut add = |bytes: Vec<u8>, cause: Cause, is_rare: bool| {
        if !bytes.is_empty() {
            found.push(Frame::whole_with_cause(bytes, cause, is_rare));
        }
    };
    let other = |what: &str| Cause::new(&kinds::MESSAGE_OTHER).with("what", what.to_owned());
    add(timestamp.as_bytes().to_vec(), other("the timestamp alone"), false);
    add(signature.into_bytes(), other("the value of the signature header"), false);
    add(request.to_wire(), other("the whole request, head and body"), false);
    add([request.target.as_bytes(), &request.body].concat(), other("the request's path and body"), false);
    add(request.headers.as_bytes().to_vec(), other("the header lines"), false);
    for message in others.iter().filter(|message| message.bytes != request.body && !message.bytes.is_empty()) {
        add(message.bytes.clone(), other(&message.description), false);
        let prefix = provider.signed_prefix(timestamp);
        if !prefix.is_empty() {
            add([prefix.as_bytes(), &message.bytes].concat(), other(&message.description), false);
        }
    }
    let message = [provider.signed_prefix(timestamp).as_bytes(), &request.body].concat();
    for (encoding, bytes) in encodings(&message) {
        add(bytes, Cause::new(&time::MESSAGE_ENCODED).with("encoding", encoding), true);
    }
    found
}

/// Lists what encodings of text make of a whole message.
fn encodings(message: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = String::from_utf8_lossy(message);
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    let percent = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
    vec![
        ("base64", STANDARD.encode(message).into_bytes()),
        ("hex", hex::encode(message).into_bytes()),
        ("UTF-16 (little endian)", utf16(u16::to_le_bytes)),
        ("UTF-16 (big endian)", utf16(u16::to_be_bytes)),
        ("UTF-16 with a byte order mark", [&b"\xff\xfe"[..], &utf16(u16::to_le_bytes)].concat()),
        ("a JSON string", serde_json::to_vec(&text).unwrap_or_default()),
        ("percent-encoding", percent.into_bytes()),
        ("lower case", text.to_lowercase().into_bytes()),
        ("upper case", text.to_uppercase().into_bytes()),
    ]
}
