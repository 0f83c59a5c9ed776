//! Why a request did not verify: the change that would have made its signature match.
//!
//! What is proved is proved by a matching MAC or shown by a header; anything else is only likely, and is said only when no
//! signature could be made to match. Words are in `wording` and `fixes`, the search in `search`, what it tries in `candidate` and
//! `body`. `computed` asks the other way round: of what is a digest; `hop` compares with a good copy;
//! `frameworks` has the lines that mend it in a handler.

mod body;
mod candidate;
mod cause;
pub mod computed;
pub mod diff;
mod fixes;
pub mod frameworks;
mod given;
pub mod hop;
mod one_byte;
mod search;
mod wording;

pub use cause::{Cause, Finding, Proof};
pub use search::{Effort, Purse};

use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::{Headers, Request};
use crate::model::signature::Key;
use crate::model::timestamp;
use crate::model::verdict::{Malformed, Verdict};
use crate::provider::{self, Provider};
use body::Bodies;
use search::Space;

/// What is known here that a signature may have been made with.
pub struct Known<'a> {
    /// Every secret, of every provider.
    pub keys: &'a [Key],
    /// API keys by the name of their variable; people confuse them with signing secrets.
    pub api_keys: &'a [(String, String)],
}

/// The causes of a verdict, in the order in which to read them; none for a verified delivery. The search takes `most` out of the
/// purse, or what is left in it, and ends when that is spent.
pub fn explain(received: &AnalyzedDelivery, known: &Known<'_>, most: Effort, purse: &mut Purse) -> Vec<Finding> {
    let request = &received.delivery.request;
    let provider = received.provider.and_then(provider::named);
    let shown: Vec<_> = match &received.verdict {
        Verdict::Verified { .. } => return Vec::new(),
        Verdict::TooOld { age, .. } => vec![Cause::TimestampTooOld { age: timestamp::format_duration(*age) }],
        Verdict::InFuture { ahead, .. } => vec![Cause::TimestampInFuture { ahead: timestamp::format_duration(*ahead) }],
        Verdict::Unsigned => Vec::new(),
        Verdict::Malformed(malformed) => vec![malformed_cause(malformed, request, provider)],
        Verdict::Mismatch | Verdict::NoSecret => Vec::new(),
    };
    if received.verdict.secret().is_some() {
        return shown.into_iter().map(proved).collect();
    }
    let Some(provider) = provider else {
        return unsigned_by_nobody(&request.headers);
    };
    if let Some(cause) = signature_of_another(request, provider, known) {
        return vec![proved(cause)];
    }
    let Searched { found, cut_short } = search(received, provider, known, most, purse);
    let mut shown = shown;
    let says_prefix = |cause: &Cause| matches!(cause, Cause::SignaturePrefix { .. });
    if found.iter().flatten().any(says_prefix) {
        shown.retain(|cause| !says_prefix(cause));
    }
    let found = found.map(|causes| causes.into_iter().filter(|cause| !shown.contains(cause)).collect::<Vec<_>>());
    let nothing_found = found.is_none();
    let mut findings: Vec<_> = shown.into_iter().chain(found.into_iter().flatten()).map(proved).collect();
    if matches!(received.verdict, Verdict::Unsigned) && nothing_found {
        findings.push(proved(Cause::SignatureMissing { header: provider.signature_header() }));
    }
    if nothing_found {
        findings.extend(circumstances(received, provider, known));
    }
    if findings.is_empty() {
        let cause = if cut_short { Cause::NotSearched } else { Cause::Unexplained };
        findings.push(Finding { cause, proof: Proof::Likely });
    }
    findings
}

fn proved(cause: Cause) -> Finding {
    Finding { cause, proof: Proof::Proved }
}

/// Whether the signature in this provider's header is wholly another's: by its rule and with its secret.
fn signature_of_another(request: &Request, provider: &dyn Provider, known: &Known<'_>) -> Option<Cause> {
    let header = provider.signature_header();
    request.headers.get(header)?;
    let given = given::find(&request.headers, provider);
    let timestamp = timestamp_text(&request.headers, provider).unwrap_or_default();
    let others = provider::ALL.iter().filter(|other| other.name() != provider.name());
    let signer = others.copied().find(|other| {
        let prefix = other.signed_prefix(timestamp);
        let mut own = known.keys.iter().filter(|key| key.secret.provider == other.name());
        own.any(|key| given.iter().any(|given| given.mac == key.sign(prefix.as_bytes(), &request.body)))
    })?;
    Some(Cause::SignatureOfOtherProvider { signer: signer.title(), header, own: signer.signature_header() })
}

/// What came of a search.
#[derive(Default)]
struct Searched {
    /// The causes; `None`: there are none, or no signature to explain.
    found: Option<Vec<Cause>>,
    /// Whether the effort ended before the candidates did.
    cut_short: bool,
}

/// Looks for candidates that give a signature of the request, and then for a single changed byte. The latter's cost grows with
/// the square of the body, so that its early end does not count as a search cut short.
fn search(
    received: &AnalyzedDelivery,
    provider: &dyn Provider,
    known: &Known<'_>,
    most: Effort,
    purse: &mut Purse,
) -> Searched {
    let request = &received.delivery.request;
    let given = given::find(&request.headers, provider);
    if given.is_empty() {
        return Searched::default();
    }
    let (mut effort, mut for_bytes) = purse.draw(most);
    if effort.is_spent() {
        return Searched { found: None, cut_short: true };
    }
    let space = Space {
        given,
        keys: candidate::keys(provider, known),
        prefixes: candidate::prefixes(provider, timestamp_text(&request.headers, provider), received.delivery.arrived),
        bodies: Bodies::of(&request.body),
    };
    let found = space.explanation(&mut effort).or_else(|| space.plain_hash(&mut effort));
    let cut_short = found.is_none() && effort.is_spent();
    let found = found.or_else(|| one_byte::find(&space, &mut for_bytes).map(|cause| vec![cause]));
    purse.put_back(effort, for_bytes);
    Searched { found, cut_short }
}

/// The timestamp header of this provider, or else of any.
fn timestamp_text<'h>(headers: &'h Headers, provider: &dyn Provider) -> Option<&'h str> {
    let names = [provider].into_iter().chain(provider::ALL.iter().copied()).filter_map(|each| each.timestamp_header());
    names
        .into_iter()
        .find_map(|name| headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)))
        .and_then(|(_, value)| std::str::from_utf8(value).ok())
}

fn malformed_cause(malformed: &Malformed, request: &Request, provider: Option<&'static dyn Provider>) -> Cause {
    let header = provider.and_then(|provider| provider.timestamp_header()).unwrap_or_default();
    match malformed {
        Malformed::SignatureEmpty => Cause::SignatureEmpty,
        Malformed::SignatureLength { digits } => {
            Cause::SignatureLength { digits: *digits, digest: digest_of_length(*digits) }
        }
        Malformed::SignatureNotHex => Cause::SignatureNotHex,
        Malformed::SignatureBase64 => Cause::SignatureBase64,
        Malformed::SignaturePrefix { prefix } => Cause::SignaturePrefix { prefix: prefix.clone() },
        Malformed::TimestampMissing => Cause::TimestampMissing { header },
        Malformed::TimestampNotANumber => {
            let text = request.headers.get(header).map(|value| String::from_utf8_lossy(value).into_owned());
            Cause::TimestampNotANumber { text: text.unwrap_or_default() }
        }
        Malformed::TimestampMilliseconds => Cause::TimestampMilliseconds,
        Malformed::TimestampRepeated => Cause::TimestampRepeated,
    }
}

fn digest_of_length(digits: usize) -> Option<&'static str> {
    match digits {
        32 => Some("MD5"),
        40 => Some("SHA-1"),
        96 => Some("SHA-384"),
        128 => Some("SHA-512"),
        _ => None,
    }
}

/// Neither header nor payload tells the provider.
fn unsigned_by_nobody(headers: &Headers) -> Vec<Finding> {
    let named = headers.iter().find(|(name, _)| name.to_ascii_lowercase().contains("signature"));
    let missing =
        |provider: &&'static dyn Provider| proved(Cause::SignatureMissing { header: provider.signature_header() });
    let mut findings: Vec<_> = provider::ALL.iter().map(missing).collect();
    if let Some((name, _)) = named {
        let header = "a header of a known provider";
        findings.push(Finding {
            cause: Cause::SignatureOtherHeader { name: name.to_owned(), header },
            proof: Proof::Likely,
        });
    }
    findings
}

/// What the circumstances suggest when nothing is proved.
fn circumstances(received: &AnalyzedDelivery, provider: &dyn Provider, known: &Known<'_>) -> Vec<Finding> {
    let request = &received.delivery.request;
    let mut causes = Vec::new();
    if let Some(payload_of) = payload_owner(&request.body)
        && payload_of.name() != provider.name()
    {
        causes.push(Cause::ProviderMixedUp { header_of: provider.title(), payload_of: payload_of.title() });
    }
    if matches!(received.verdict, Verdict::Unsigned) {
        let other = request.headers.iter().find(|(name, _)| name.to_ascii_lowercase().contains("signature"));
        let header = provider.signature_header();
        causes.extend(other.map(|(name, _)| Cause::SignatureOtherHeader { name: name.to_owned(), header }));
        return likely(causes);
    }
    if matches!(received.verdict, Verdict::NoSecret) {
        let (provider, variable) = (provider.title(), provider.secret_variable());
        causes.push(Cause::SecretNotConfigured { provider, variable });
        return likely(causes);
    }
    causes.extend(body_circumstances(request));
    for key in known.keys.iter().filter(|key| key.secret.provider == provider.name()) {
        let (secret, name) = (key.secret.expose(), key.secret.origin.to_string());
        if [&b"sk_"[..], b"pk_"].iter().any(|prefix| secret.starts_with(prefix)) {
            causes.push(Cause::SecretLooksLikeApiKey { name });
        } else if secret.trim_ascii().len() < secret.len() || b"\"'".iter().any(|quote| secret.first() == Some(quote)) {
            causes.push(Cause::SecretLooksWrapped { name });
        }
    }
    likely(causes)
}

fn likely(causes: Vec<Cause>) -> Vec<Finding> {
    causes.into_iter().map(|cause| Finding { cause, proof: Proof::Likely }).collect()
}

/// How much of a body is looked at to recognise its provider.
const START: usize = 64 * 1024;

fn payload_owner(body: &[u8]) -> Option<&'static dyn Provider> {
    provider::by_payload_keys(&crate::json::top_level_keys(&body[..body.len().min(START)]))
}

fn body_circumstances(request: &Request) -> Vec<Cause> {
    let text = |name| request.headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let mut causes = Vec::new();
    if let Some(announced) = text("Content-Length").filter(|length| *length != request.body.len().to_string()) {
        causes.push(Cause::BodyLength { announced, here: request.body.len() });
    }
    if let Some(encoding) = text("Content-Encoding").filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        causes.push(Cause::BodyCompressed { encoding });
    }
    if memchr::memmem::find(&request.body, "\u{fffd}".as_bytes()).is_some() {
        causes.push(Cause::BodyReplacementCharacter);
    }
    if request.body.is_empty() {
        causes.push(Cause::BodyEmptyHere);
    }
    causes
}
