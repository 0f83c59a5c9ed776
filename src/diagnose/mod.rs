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
mod foreign;
mod frame;
pub(crate) mod frameworks;
mod hash;
mod header_diff;
pub(crate) mod keys;
mod kinds;
mod one_byte;
pub(crate) mod oracle;
mod search;
mod signature;
#[cfg(test)]
mod tests;

pub use budget::{HashAllowance, HashBudget};
pub use candidate::{Credentials, KeyCandidates};
pub(crate) use cause::CauseGroup;
pub use cause::{Cause, CauseKind, Confidence, Finding};
pub use kinds::all as all_causes;

use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::{Headers, Request};
use crate::model::timestamp::{self, SignedDuration};
use crate::model::verdict::{Malformed, Verdict};
use crate::provider::{self, Provider};
use body::BodyVariants;
use frame::Frames;
use hash::HashFunction;
use kinds::{body as body_kinds, secret, signature as signature_kinds, timestamp as time};
use search::{Explanation, SearchOutcome, SearchSpace};
use signature::Target;

/// Reports that the file of a request does not have its bytes. `reason` says why.
pub fn not_in_capture(reason: String) -> Finding {
    Finding::likely(Cause::new(&kinds::body::NOT_IN_CAPTURE).with("reason", reason))
}

/// Finds the causes of a failed verification, in reading order. A verified delivery has none.
pub fn explain(received: &AnalyzedDelivery, credentials: &Credentials<'_>, budget: &mut HashBudget) -> Vec<Finding> {
    let request = &received.delivery.request;
    let own = received.provider.and_then(provider::by_name);
    let visible = match &received.verdict {
        Verdict::Verified { .. } => return Vec::new(),
        Verdict::TooOld { age, .. } => return explain_time(received, &time::TOO_OLD, *age),
        Verdict::InFuture { ahead, .. } => return explain_time(received, &time::IN_FUTURE, *ahead),
        Verdict::Malformed(malformed) => Some(malformed_cause(malformed, request, own)),
        Verdict::Unsigned | Verdict::Mismatch | Verdict::NoSecret => None,
    };
    if let Some(cause) = own.and_then(|own| signature_of_other_provider(request, own, credentials)) {
        return vec![Finding::proved(cause)];
    }
    let mut is_exhausted = false;
    for provider in own.map_or_else(|| provider::ALL.to_vec(), |own| vec![own]) {
        match search(received, provider, credentials, budget) {
            SearchOutcome::Explained(explanation) => return proved_causes(visible, explanation),
            SearchOutcome::Exhausted => is_exhausted = true,
            SearchOutcome::NotExplained => {}
        }
    }
    let mut findings: Vec<_> = visible.into_iter().map(Finding::visible).collect();
    if let Some(cause) = foreign::find(received) {
        findings.push(Finding::likely(cause));
        return findings;
    }
    let Some(provider) = own else {
        return explain_unknown_provider(&request.headers);
    };
    if matches!(received.verdict, Verdict::Unsigned) {
        findings.push(Finding::visible(signature_missing(provider)));
    }
    findings.extend(likely_causes(received, provider, credentials).into_iter().map(Finding::likely));
    if signature::find(&request.headers, provider).is_empty() {
        return findings;
    }
    // The faults that are visible do not explain it alone.
    let kind = if is_exhausted { &signature_kinds::NOT_SEARCHED } else { &signature_kinds::UNEXPLAINED };
    if findings.is_empty() {
        findings.push(Finding::likely(Cause::new(kind)));
    } else if findings.iter().any(|finding| finding.confidence == Confidence::Visible) {
        findings.push(Finding::likely(Cause::new(&signature_kinds::STILL_UNEXPLAINED)));
    }
    findings
}

/// Returns the verdict that follows from the findings, if it is another one: what the local test
/// secret, an unset one or an API key explains is a mismatch, even if no secret is configured.
pub fn refine_verdict(verdict: &Verdict, findings: &[Finding]) -> Option<Verdict> {
    let is_proved = findings.iter().any(|finding| finding.confidence == Confidence::Proved);
    (*verdict == Verdict::NoSecret && is_proved).then_some(Verdict::Mismatch)
}

/// Explains a correct signature whose time is out of tolerance by `distance`.
fn explain_time(received: &AnalyzedDelivery, kind: &'static CauseKind, distance: SignedDuration) -> Vec<Finding> {
    let text = timestamp::format_duration(distance);
    let advice = match (received.delivery.peer, received.delivery.arrived) {
        (None, None) => {
            "for a saved request, add --any-age, or --at with the time when it arrived; for a new one, compare \
             `date -u` on both machines, and look for a queue that delays events"
        }
        (None, Some(_)) => {
            "for a saved request, add --at arrived or --any-age; for a new one, compare `date -u` on both machines, \
             and look for a queue that delays events"
        }
        (Some(_), _) => {
            "compare `date -u` on both machines, and look for a queue or retry that delays events; accept older ones \
             with --tolerance, or re-sign with `whtool replay`"
        }
    };
    let cause = Cause::new(kind).with("age", text.clone()).with("ahead", text).with("advice", advice);
    let zone = zone_difference(distance).map(|hours| Cause::new(&time::CLOCK_ZONE).with("hours", hours));
    [Finding::proved(cause)].into_iter().chain(zone.map(Finding::likely)).collect()
}

/// Returns the difference in hours if it is, but for two minutes, one between time zones.
fn zone_difference(distance: SignedDuration) -> Option<String> {
    let minutes = (distance.abs().as_secs() + 30) / 60;
    let half_hours = (minutes + 15) / 30;
    // India and some others are half an hour off.
    let is_zone = (2..=28).contains(&half_hours) && (half_hours % 2 == 0 || (7..=19).contains(&half_hours));
    let hours = if half_hours % 2 == 0 { "" } else { ".5" };
    (is_zone && (minutes - half_hours * 30).abs() <= 2).then(|| format!("{}{hours} h", half_hours / 2))
}

/// Merges what the request shows with what the search found, which names a fault more exactly.
fn proved_causes(visible: Option<Cause>, found: Explanation) -> Vec<Finding> {
    let Explanation { target, function, key, frame, body } = found;
    let found: Vec<_> = [target, key, frame, function, body].into_iter().flatten().collect();
    let is_named = |visible: &Cause| {
        found.iter().any(|cause| {
            cause.code() == visible.code()
                || (cause.group() == CauseGroup::Signature && visible.group() == CauseGroup::Signature)
                || (cause.group() == CauseGroup::Digest && visible.is(&signature_kinds::LENGTH))
                || (!cause.value("header").is_empty() && cause.value("header") == visible.value("header"))
        })
    };
    visible.into_iter().filter(|visible| !is_named(visible)).chain(found.iter().cloned()).map(Finding::proved).collect()
}

fn signature_missing(provider: &dyn Provider) -> Cause {
    Cause::new(&signature_kinds::MISSING).with("header", provider.signature_header())
}

/// Checks whether the signature in this provider's header is another's, by its rule and secret.
fn signature_of_other_provider(
    request: &Request,
    provider: &dyn Provider,
    credentials: &Credentials<'_>,
) -> Option<Cause> {
    let header = provider.signature_header();
    request.headers.get(header)?;
    let targets = signature::find(&request.headers, provider);
    let timestamp = frame::find_own_timestamp(&request.headers, provider).unwrap_or_default();
    let others = provider::ALL.iter().filter(|other| other.name() != provider.name());
    let signer = others.copied().find(|other| {
        let prefix = other.signed_prefix(timestamp);
        let mut keys = credentials.keys.iter().filter(|key| key.secret.provider == other.name());
        keys.any(|key| {
            let mac = key.sign(prefix.as_bytes(), &request.body);
            targets.iter().any(|target| target.compare(&mac).is_some())
        })
    })?;
    let cause = Cause::new(&signature_kinds::OF_OTHER_PROVIDER).with("signer", signer.title());
    Some(cause.with("header", header).with("own", signer.signature_header()))
}

/// Searches for candidates that give a signature of the request, then for a single changed byte.
/// The end of the latter does not count as exhausted: its cost grows with the square of the body.
fn search(
    received: &AnalyzedDelivery,
    provider: &'static dyn Provider,
    credentials: &Credentials<'_>,
    budget: &mut HashBudget,
) -> SearchOutcome {
    let request = &received.delivery.request;
    let targets = signature::find(&request.headers, provider);
    if targets.is_empty() {
        return SearchOutcome::NotExplained;
    }
    let (mut for_changes, mut for_byte_edits) = budget.take(request.body.len());
    if for_changes.is_spent() {
        return SearchOutcome::Exhausted;
    }
    let space = space(received, provider, credentials, targets);
    let mut outcome = space.explain(&mut for_changes);
    if !matches!(outcome, SearchOutcome::Explained(_))
        && let Some(cause) = one_byte::find(&space, &mut for_byte_edits)
    {
        outcome = SearchOutcome::Explained(Explanation { body: vec![cause], ..Explanation::default() });
    }
    budget.refund(for_changes, for_byte_edits);
    outcome
}

fn space<'a>(
    received: &'a AnalyzedDelivery,
    provider: &'static dyn Provider,
    credentials: &'a Credentials<'_>,
    targets: Vec<Target>,
) -> SearchSpace<'a> {
    let digits: Vec<_> = targets.iter().map(Target::digits).collect();
    SearchSpace {
        targets,
        bodies: BodyVariants::new(&received.delivery.request.body),
        body_causes: BodyVariants::causes,
        keys: credentials.candidates(provider),
        frames: Frames::new(provider, received),
        functions: HashFunction::list(&digits),
    }
}

fn malformed_cause(malformed: &Malformed, request: &Request, provider: Option<&'static dyn Provider>) -> Cause {
    let header = provider.and_then(|provider| provider.timestamp_header()).unwrap_or_default();
    match malformed {
        Malformed::SignatureEmpty => Cause::new(&signature_kinds::EMPTY),
        Malformed::SignatureLength { digits } => {
            let digest = digest_of_length(*digits).map(|name| format!(", the length of {name}")).unwrap_or_default();
            Cause::new(&signature_kinds::LENGTH).with("digits", digits.to_string()).with("digest", digest)
        }
        Malformed::SignatureNotHex => Cause::new(&signature_kinds::NOT_HEX),
        Malformed::SignatureBase64 => Cause::new(&signature_kinds::BASE64),
        Malformed::SignaturePrefix { prefix } => Cause::new(&signature_kinds::PREFIX).with("prefix", prefix.clone()),
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
    let missing = provider::ALL.iter().map(|provider| Finding::visible(signature_missing(*provider)));
    missing.chain(other_header(headers, "the header of a known provider").map(Finding::likely)).collect()
}

/// Finds a header of another name that looks like a signature.
fn other_header(headers: &Headers, header: &'static str) -> Option<Cause> {
    let (name, _) = headers.iter().find(|(name, _)| name.to_ascii_lowercase().contains("signature"))?;
    Some(Cause::new(&signature_kinds::OTHER_HEADER).with("name", name.to_owned()).with("header", header))
}

/// Lists the causes that the request and the configuration suggest.
fn likely_causes(received: &AnalyzedDelivery, provider: &dyn Provider, credentials: &Credentials<'_>) -> Vec<Cause> {
    let request = &received.delivery.request;
    let mut causes = Vec::new();
    if let Some(owner) = payload_owner(&request.body)
        && owner.name() != provider.name()
    {
        let cause = Cause::new(&signature_kinds::PROVIDER_MIXED_UP).with("header_of", provider.title());
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
            causes.extend_from_slice(credentials.faults(provider));
        }
    }
    causes
}

/// The number of bytes of a body that are read to recognize its provider.
const OWNER_SAMPLE: usize = 64 * 1024;

fn payload_owner(body: &[u8]) -> Option<&'static dyn Provider> {
    provider::by_payload_keys(&crate::json::top_level_keys(&body[..body.len().min(OWNER_SAMPLE)]))
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
