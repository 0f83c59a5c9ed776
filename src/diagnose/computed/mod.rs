//! The inverse question: of what is this the digest, which somebody's own code came up with for a request?
//!
//! Keys, timestamps and bodies are the candidates of the search for causes; beside them stand other algorithms (told by the
//! digest's length), hashes without a key, key and message exchanged, and other messages altogether. Only what is proved by an
//! equal digest is said.

mod digest;
mod wording;

pub use digest::{Digest, NotADigest};

use super::body::{Bodies, Spent};
use super::candidate::{self, Candidate};
use super::search::Effort;
use super::{Cause, Known, timestamp_text};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::secret::Origin;
use crate::provider::{self, Provider};
use digest::Algorithm;

/// What the code has computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The right digest for this request.
    Right {
        /// The secret it was made with.
        secret: Origin,
        /// Whether the request carries it as its signature.
        is_in_header: bool,
    },
    /// The signature that the request carries, which no secret known here gives.
    OfHeader,
    /// What it is instead: all of these together.
    Explained(Vec<Cause>),
    /// Nothing that was tried gives it.
    Unknown(Tried),
}

/// How much was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// How many keys.
    pub keys: usize,
    /// How many ways to write what stands before the body.
    pub prefixes: usize,
    /// How many bodies.
    pub bodies: usize,
    /// How many other messages.
    pub messages: usize,
    /// Whether the effort ended first.
    pub is_cut_short: bool,
}

/// Something else that may have been hashed, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is: `the file's name`.
    pub what: String,
}

impl Answer {
    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Right { .. } => "right",
            Self::OfHeader => "of_header",
            Self::Explained(_) => "explained",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// At most so many things are taken to have gone wrong at once, apart from the algorithm and how the digest is written.
const MOST_CHANGES: usize = 2;

/// Finds out what was computed. `others` are messages that only the caller knows of.
pub fn explain(
    received: &AnalyzedDelivery,
    digest: &Digest,
    known: &Known<'_>,
    others: Vec<Message>,
    mut effort: Effort,
) -> Answer {
    if let Some(answer) = right(received, digest, known) {
        return answer;
    }
    let own = received.provider.and_then(provider::named);
    let providers = own.map_or_else(|| provider::ALL.to_vec(), |own| vec![own]);
    let mut tried = Tried::default();
    for provider in providers {
        let search = Search::new(received, provider, digest, known, &others);
        if let Some(causes) = (0..=MOST_CHANGES).find_map(|changes| search.with_changes(changes, &mut effort)) {
            return Answer::Explained(search.with_writing(causes));
        }
        tried = Tried { is_cut_short: effort.is_spent(), ..search.size() };
    }
    Answer::Unknown(tried)
}

/// Whether the digest is what it should be, or what the header has.
fn right(received: &AnalyzedDelivery, digest: &Digest, known: &Known<'_>) -> Option<Answer> {
    let request = &received.delivery.request;
    let named = received.provider.and_then(provider::named);
    let given = named.map(|provider| super::given::find(&request.headers, provider)).unwrap_or_default();
    let is_in_header = given.iter().any(|given| given.mac[..] == digest.bytes);
    let right = named.and_then(|provider| {
        let text = timestamp_text(&request.headers, provider);
        let text = if provider.timestamp_header().is_some() { text? } else { "" };
        let prefix = provider.signed_prefix(text);
        let mut own = known.keys.iter().filter(|key| key.secret.provider == provider.name());
        own.find(|key| key.sign(prefix.as_bytes(), &request.body)[..] == digest.bytes)
    });
    match right {
        // The right bytes, written so that no comparison with the header holds.
        Some(_) if digest.spelled.is_some() => Some(Answer::Explained(digest.spelled.iter().cloned().collect())),
        Some(key) => Some(Answer::Right { secret: key.secret.origin.clone(), is_in_header }),
        None if is_in_header => Some(Answer::OfHeader),
        None => None,
    }
}

/// How key and message were put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Hmac,
    Plain,
    KeyFirst,
    KeyLast,
    Swapped,
}

impl Shape {
    const ALL: [Self; 5] = [Self::Hmac, Self::Plain, Self::KeyFirst, Self::KeyLast, Self::Swapped];

    fn cause(self) -> Option<Cause> {
        Some(match self {
            Self::Hmac => return None,
            Self::Plain => Cause::NotHmac { what: "a hash without a key" },
            Self::KeyFirst => Cause::NotHmac { what: "a hash of secret and message in a row" },
            Self::KeyLast => Cause::NotHmac { what: "a hash of message and secret in a row" },
            Self::Swapped => Cause::KeyAndMessageSwapped,
        })
    }

    /// A hash without HMAC is a mistake of its own, whether or not a time is in it.
    fn excuses(self, prefix: &Candidate<'_>) -> bool {
        matches!(self, Self::Plain | Self::KeyFirst | Self::KeyLast)
            && matches!(prefix.cause, Some(Cause::TimestampNotSigned))
    }

    fn digest(self, algorithm: Algorithm, key: &[u8], message: [&[u8]; 2]) -> Vec<u8> {
        let [prefix, body] = message;
        match self {
            Self::Hmac => algorithm.hmac(key, message),
            Self::Plain => algorithm.hash([prefix, body, b""]),
            Self::KeyFirst => algorithm.hash([key, prefix, body]),
            Self::KeyLast => algorithm.hash([prefix, body, key]),
            Self::Swapped => algorithm.hmac(&[prefix, body].concat(), [key, b""]),
        }
    }
}

/// What may have been computed.
struct Search<'a> {
    digest: &'a Digest,
    keys: Vec<Candidate<'a>>,
    prefixes: Vec<Candidate<'static>>,
    bodies: Bodies<'a>,
    messages: Vec<Candidate<'a>>,
    nothing: Vec<Candidate<'static>>,
}

impl<'a> Search<'a> {
    fn new(
        received: &'a AnalyzedDelivery,
        provider: &'static dyn Provider,
        digest: &'a Digest,
        known: &'a Known<'_>,
        others: &'a [Message],
    ) -> Self {
        let delivery = &received.delivery;
        let (request, text) =
            (&delivery.request, timestamp_text(&delivery.request.headers, provider).unwrap_or_default());
        let mut messages = Vec::new();
        let mut add = |bytes: Vec<u8>, what: &str| {
            if !bytes.is_empty() {
                messages.push(Candidate::new(bytes, Cause::MessageOther { what: what.to_owned() }));
            }
        };
        add(text.as_bytes().to_vec(), "the timestamp alone");
        add(
            request.headers.get(provider.signature_header()).unwrap_or_default().to_vec(),
            "the signature header's text",
        );
        add(request.to_wire(), "the whole request, its head and its body");
        add([request.target.as_bytes(), &request.body].concat(), "the request's path and its body");
        add(request.headers.as_bytes().to_vec(), "the header lines");
        for other in others {
            let (prefix, what) = (provider.signed_prefix(text), || other.what.clone());
            messages.push(Candidate::new(&other.bytes[..], Cause::MessageOther { what: what() }));
            if !prefix.is_empty() {
                let bytes = [prefix.as_bytes(), &other.bytes].concat();
                messages.push(Candidate::new(bytes, Cause::MessageOther { what: what() }));
            }
        }
        let mut prefixes = candidate::prefixes(provider, Some(text).filter(|text| !text.is_empty()), delivery.arrived);
        if provider.timestamp_header().is_some() && !text.is_empty() {
            prefixes.extend(delivery.arrived.into_iter().flat_map(|arrived| candidate::nearby(provider, arrived)));
        }
        let keys = candidate::keys(provider, known);
        let bodies = Bodies::of(&request.body);
        Self { digest, keys, prefixes, bodies, messages, nothing: vec![Candidate::right(Vec::new())] }
    }

    fn size(&self) -> Tried {
        Tried {
            keys: self.keys.len(),
            prefixes: self.prefixes.len(),
            bodies: self.bodies.order().count(),
            messages: self.messages.len(),
            is_cut_short: false,
        }
    }

    /// The causes, with what the digest itself shows.
    fn with_writing(&self, causes: Vec<Cause>) -> Vec<Cause> {
        let name = self.digest.algorithm.name();
        let algorithm = (self.digest.algorithm != Algorithm::Sha256).then_some(Cause::DigestAlgorithm { name });
        algorithm.into_iter().chain(causes).chain(self.digest.spelled.clone()).collect()
    }

    fn with_changes(&self, changes: usize, effort: &mut Effort) -> Option<Vec<Cause>> {
        for place in self.bodies.order() {
            let found = match place {
                None => self.of_message(&self.prefixes, self.bodies.here(), changes, effort),
                Some(_) if changes == 0 => None,
                Some(place) => match self.bodies.make(place, effort) {
                    Err(Spent) => return None,
                    Ok(None) => None,
                    Ok(Some(body)) => {
                        let found = self.of_message(&self.prefixes, &body, changes - 1, effort);
                        found.map(|causes| causes.into_iter().chain([self.bodies.cause(place)]).collect())
                    }
                },
            };
            if found.is_some() || effort.is_spent() {
                return found;
            }
        }
        let others = self.messages.iter().filter(|_| changes > 0);
        others.into_iter().find_map(|other| {
            let found = self.of_message(&self.nothing, &other.bytes, changes - 1, effort)?;
            Some(found.into_iter().chain(other.cause.clone()).collect())
        })
    }

    /// Tries the keys, prefixes and shapes that make up just so many changes together.
    fn of_message(
        &self,
        prefixes: &[Candidate<'_>],
        body: &[u8],
        changes: usize,
        effort: &mut Effort,
    ) -> Option<Vec<Cause>> {
        let unused = [Candidate::right(Vec::new())];
        for shape in Shape::ALL {
            let keys = if shape == Shape::Plain { &unused[..] } else { &self.keys[..] };
            for prefix in prefixes {
                let before = prefix.cause.as_ref().filter(|_| !shape.excuses(prefix));
                for key in keys {
                    let causes = [shape.cause(), key.cause.clone(), before.cloned()].into_iter().flatten();
                    if causes.clone().count() != changes {
                        continue;
                    }
                    if !effort.spend(prefix.bytes.len() + body.len()) {
                        return None;
                    }
                    let message = [&prefix.bytes[..], body];
                    if shape.digest(self.digest.algorithm, &key.bytes, message) == self.digest.bytes {
                        return Some(causes.collect());
                    }
                }
            }
        }
        None
    }
}
