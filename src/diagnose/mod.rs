//! Explains why a request failed verification.
//!
//! A cause is proved if undoing it makes the signature match (`search`, over the candidates of
//! `candidate` and `body`) or if a header shows it. Likely causes are reported only when nothing is
//! proved. `compare` explains the difference from a good copy, `computed` a digest of the user's
//! own code; `frameworks` has handler code that verifies correctly.

mod body;
mod budget;
mod byte_edit;
mod candidate;
mod cause;
pub(crate) mod compare;
pub(crate) mod computed;
pub(crate) mod diff;
pub(crate) mod frameworks;
mod header_signatures;
pub(crate) mod keys;
mod kinds;
mod one_byte;
mod search;
#[cfg(test)]
mod tests;

pub use budget::{HashAllowance, HashBudget};
pub use candidate::Credentials;
pub(crate) use cause::CauseGroup;
pub use cause::{Cause, CauseKind, Confidence, Finding};

use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::{Headers, Request};
use crate::model::secret::Secret;
use crate::model::timestamp;
use crate::model::verdict::{Malformed, Verdict};
use crate::provider::{self, Provider};
use body::BodyVariants;
use header_signatures::find_timestamp;
use keys::fault::find_fault;
use kinds::{body as body_kinds, secret, signature, timestamp as time};
use search::SearchSpace;

/// Reports that the file of a request does not have its bytes. `reason` says why.
pub fn not_in_capture(reason: String) -> Finding {
    Finding::likely(Cause::new(&kinds::body::NOT_IN_CAPTURE).with("reason", reason))
}

/// Finds the causes of a failed verification, in reading order. A verified delivery has none.
pub fn explain(received: &AnalyzedDelivery, credentials: &Credentials<'_>, budget: &mut HashBudget) -> Vec<Finding> {
    let request = &received.delivery.request;
    let provider = received.provider.and_then(provider::by_name);
    let mut causes: Vec<_> = match &received.verdict {
        Verdict::Verified { .. } => return Vec::new(),
        Verdict::TooOld { age, .. } => vec![Cause::new(&time::TOO_OLD).with("age", timestamp::format_duration(*age))],
        Verdict::InFuture { ahead, .. } => {
            vec![Cause::new(&time::IN_FUTURE).with("ahead", timestamp::format_duration(*ahead))]
        }
        Verdict::Malformed(malformed) => vec![malformed_cause(malformed, request, provider)],
        Verdict::Unsigned | Verdict::Mismatch | Verdict::NoSecret => Vec::new(),
    };
    if received.verdict.secret().is_some() {
        return proved(causes);
    }
    let Some(provider) = provider else {
        return explain_unknown_provider(&request.headers);
    };
    if let Some(cause) = signature_of_other_provider(request, provider, credentials) {
        return proved(vec![cause]);
    }
    let SearchResult { found, is_exhausted } = search(received, provider, credentials, budget);
    let has_found = found.is_some();
    let found = found.unwrap_or_default();
    // The search names a wrong prefix more exactly than the verdict.
    let is_prefix = |cause: &Cause| cause.is(&signature::PREFIX);
    if found.iter().any(is_prefix) {
        causes.retain(|cause| !is_prefix(cause));
    }
    let new: Vec<_> = found.into_iter().filter(|cause| !causes.contains(cause)).collect();
    causes.extend(new);
    if matches!(received.verdict, Verdict::Unsigned) && !has_found {
        causes.push(signature_missing(provider));
    }
    let mut findings = proved(causes);
    if !has_found {
        findings.extend(likely(likely_causes(received, provider, credentials)));
    }
    if findings.is_empty() {
        let kind = if is_exhausted { &signature::NOT_SEARCHED } else { &signature::UNEXPLAINED };
        findings = likely(vec![Cause::new(kind)]);
    }
    findings
}

/// Returns the verdict that follows from the findings, if it is another one: what the local test
/// secret, an unset one or an API key explains is a mismatch, even if no secret is configured.
pub fn refine_verdict(verdict: &Verdict, findings: &[Finding]) -> Option<Verdict> {
    let is_proved = findings.iter().any(|finding| finding.confidence == Confidence::Proved);
    (*verdict == Verdict::NoSecret && is_proved).then_some(Verdict::Mismatch)
}

fn proved(causes: Vec<Cause>) -> Vec<Finding> {
    causes.into_iter().map(Finding::proved).collect()
}

fn likely(causes: Vec<Cause>) -> Vec<Finding> {
    causes.into_iter().map(Finding::likely).collect()
}

fn signature_missing(provider: &dyn Provider) -> Cause {
    Cause::new(&signature::MISSING).with("header", provider.signature_header())
}

/// Checks whether the signature in this provider's header is another's, by its rule and secret.
fn signature_of_other_provider(
    request: &Request,
    provider: &dyn Provider,
    credentials: &Credentials<'_>,
) -> Option<Cause> {
    let header = provider.signature_header();
    request.headers.get(header)?;
    let signatures = header_signatures::find(&request.headers, provider);
    let timestamp = find_timestamp(&request.headers, provider).unwrap_or_default();
    let others = provider::ALL.iter().filter(|other| other.name() != provider.name());
    let signer = others.copied().find(|other| {
        let prefix = other.signed_prefix(timestamp);
        let mut keys = credentials.keys.iter().filter(|key| key.secret.provider == other.name());
        keys.any(|key| {
            let mac = key.sign(prefix.as_bytes(), &request.body);
            signatures.iter().any(|signature| signature.mac == mac)
        })
    })?;
    let cause = Cause::new(&signature::OF_OTHER_PROVIDER).with("signer", signer.title());
    Some(cause.with("header", header).with("own", signer.signature_header()))
}

#[derive(Default)]
struct SearchResult {
    /// `None`: nothing explains the signature, or there is no signature.
    found: Option<Vec<Cause>>,
    /// The allowance ended before the candidates did.
    is_exhausted: bool,
}

/// Searches for candidates that give a signature of the request, then for a single changed byte.
/// The end of the latter does not count as exhausted: its cost grows with the square of the body.
fn search(
    received: &AnalyzedDelivery,
    provider: &dyn Provider,
    credentials: &Credentials<'_>,
    budget: &mut HashBudget,
) -> SearchResult {
    let request = &received.delivery.request;
    let signatures = header_signatures::find(&request.headers, provider);
    if signatures.is_empty() {
        return SearchResult::default();
    }
    let (mut for_changes, mut for_byte_edits) = budget.take();
    if for_changes.is_spent() {
        return SearchResult { found: None, is_exhausted: true };
    }
    let timestamp = find_timestamp(&request.headers, provider);
    let space = SearchSpace {
        signatures,
        keys: keys::keys(provider, credentials),
        prefixes: candidate::prefixes(provider, timestamp, received.delivery.arrived),
        bodies: BodyVariants::new(&request.body),
    };
    let found = space.find_causes(&mut for_changes).or_else(|| space.find_plain_hash(&mut for_changes));
    let is_exhausted = found.is_none() && for_changes.is_spent();
    let found = found.or_else(|| one_byte::find(&space, &mut for_byte_edits).map(|cause| vec![cause]));
    budget.refund(for_changes, for_byte_edits);
    SearchResult { found, is_exhausted }
}

fn malformed_cause(malformed: &Malformed, request: &Request, provider: Option<&'static dyn Provider>) -> Cause {
    let header = provider.and_then(|provider| provider.timestamp_header()).unwrap_or_default();
    match malformed {
        Malformed::SignatureEmpty => Cause::new(&signature::EMPTY),
        Malformed::SignatureLength { digits } => {
            let digest = digest_of_length(*digits).map(|name| format!(", the length of {name}")).unwrap_or_default();
            Cause::new(&signature::LENGTH).with("digits", digits.to_string()).with("digest", digest)
        }
        Malformed::SignatureNotHex => Cause::new(&signature::NOT_HEX),
        Malformed::SignatureBase64 => Cause::new(&signature::BASE64),
        Malformed::SignaturePrefix { prefix } => Cause::new(&signature::PREFIX).with("prefix", prefix.clone()),
        Malformed::TimestampMissing => Cause::new(&time::MISSING).with("header", header),
        Malformed::TimestampNotANumber => {
            let text = header_text(&request.headers, header).unwrap_or_default();
            Cause::new(&time::NOT_A_NUMBER).with("text", text)
        }
        Malformed::TimestampMilliseconds => Cause::new(&time::MILLISECONDS),
        Malformed::TimestampRepeated => Cause::new(&time::REPEATED),
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

/// Explains a request in which neither header nor payload names the provider.
fn explain_unknown_provider(headers: &Headers) -> Vec<Finding> {
    let mut findings = proved(provider::ALL.iter().map(|provider| signature_missing(*provider)).collect());
    findings.extend(likely(other_header(headers, "the header of a known provider").into_iter().collect()));
    findings
}

/// Finds a header of another name that looks like a signature.
fn other_header(headers: &Headers, header: &'static str) -> Option<Cause> {
    let (name, _) = headers.iter().find(|(name, _)| name.to_ascii_lowercase().contains("signature"))?;
    Some(Cause::new(&signature::OTHER_HEADER).with("name", name.to_owned()).with("header", header))
}

/// Lists the causes that the request and the configuration suggest.
fn likely_causes(received: &AnalyzedDelivery, provider: &dyn Provider, credentials: &Credentials<'_>) -> Vec<Cause> {
    let request = &received.delivery.request;
    let mut causes = Vec::new();
    if let Some(owner) = payload_owner(&request.body)
        && owner.name() != provider.name()
    {
        let cause = Cause::new(&signature::PROVIDER_MIXED_UP).with("header_of", provider.title());
        causes.push(cause.with("payload_of", owner.title()));
    }
    match received.verdict {
        Verdict::Unsigned => causes.extend(other_header(&request.headers, provider.signature_header())),
        Verdict::NoSecret => {
            let (provider, variable) = (provider.title(), provider.secret_variable());
            causes.push(Cause::new(&secret::NOT_CONFIGURED).with("provider", provider).with("variable", variable));
        }
        _ => {
            causes.extend(likely_body_causes(request));
            causes.extend(likely_secret_causes(provider, credentials));
        }
    }
    causes
}

/// The number of bytes of a body that are read to recognize its provider.
const OWNER_SAMPLE: usize = 64 * 1024;

fn payload_owner(body: &[u8]) -> Option<&'static dyn Provider> {
    provider::by_payload_keys(&crate::json::top_level_keys(&body[..body.len().min(OWNER_SAMPLE)]))
}

fn likely_secret_causes(provider: &dyn Provider, credentials: &Credentials<'_>) -> Vec<Cause> {
    let secrets = credentials.keys.iter().map(|key| &key.secret).filter(|secret| secret.provider == provider.name());
    let fault = |own: &Secret| find_fault(own.expose(), &own.origin.to_string(), provider);
    secrets.filter_map(|own| Some(fault(own)?.cause)).collect()
}

fn likely_body_causes(request: &Request) -> Vec<Cause> {
    let mut causes = Vec::new();
    let length = header_text(&request.headers, "Content-Length");
    if let Some(announced) = length.filter(|length| *length != request.body.len().to_string()) {
        let cause = Cause::new(&body_kinds::LENGTH).with("announced", announced);
        causes.push(cause.with("here", request.body.len().to_string()));
    }
    let encoding = header_text(&request.headers, "Content-Encoding");
    if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        causes.push(Cause::new(&body_kinds::COMPRESSED).with("encoding", encoding));
    }
    if memchr::memmem::find(&request.body, "\u{fffd}".as_bytes()).is_some() {
        causes.push(Cause::new(&body_kinds::REPLACEMENT_CHARACTER));
    }
    if request.body.is_empty() {
        causes.push(Cause::new(&body_kinds::EMPTY_HERE));
    } else if ends_early(&request.body) {
        causes.push(Cause::new(&body_kinds::ENDS_EARLY));
    }
    causes
}

/// Returns true for the start of a JSON object or array.
fn ends_early(body: &[u8]) -> bool {
    let error = crate::json::Tokens::new(body).find_map(Result::err);
    body.starts_with(b"{") && error.is_some_and(|error| error.kind == crate::json::SyntaxErrorKind::EndsTooEarly)
}

fn header_text(headers: &Headers, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
}
