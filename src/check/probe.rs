//! A probe: one requirement on a handler, and how it is tested.

use super::request_builder::{RequestBuilder, RequestDraft};
use super::types::{ProbeGrade, ProbeGroup, ProbeTopic};
use crate::provider::Provider;

/// Builds the requests that a probe sends one after the other. No requests: the probe does not
/// apply to the secret.
pub(super) type BuildRequests = Box<dyn Fn(&mut RequestBuilder<'_>) -> Vec<RequestDraft>>;

pub(super) enum ProbeKind {
    /// Finds a request format that the handler accepts. Every other probe depends on this one.
    Baseline,
    /// At least one forged request must be rejected.
    RejectsAnything,
    /// All requests must be accepted.
    Accept(BuildRequests),
    /// An event that was signed this many seconds ago must be accepted. If it is not, the tolerance
    /// is measured.
    Aged(i64),
    /// The request must be rejected with 4xx.
    Refuse(BuildRequests),
    /// The request must be accepted, however its JSON is formatted.
    RawBody(BuildRequests),
    /// The request may be rejected, but must not crash the handler: the good event after it must be
    /// accepted.
    Survive(BuildRequests),
    /// The same request, sent twice at the same time.
    Concurrent(BuildRequests),
    /// The same request, sent twice in a row; its effects are counted.
    Repeated(BuildRequests),
    /// An event with a wrong amount; its effects are counted.
    WrongAmount(BuildRequests),
    /// All accepted events must have been answered in time.
    ResponseTime,
    /// Every response is information: what it means if the request is accepted, and if it is
    /// rejected.
    Undocumented(BuildRequests, [&'static str; 2]),
}

pub struct Probe {
    /// Stable: a released id keeps its meaning.
    pub id: String,
    pub group: ProbeGroup,
    /// Reason for the requirement, in one line.
    pub why: &'static str,
    /// URL of the provider's page that requires this, or that does not mention it.
    pub page: &'static str,
    /// Grade if the handler gets it wrong without crashing.
    pub(super) severity: ProbeGrade,
    pub(super) topic: ProbeTopic,
    pub(super) kind: ProbeKind,
}

impl Probe {
    /// Returns whether the probe is run whatever the user selects, since others depend on it.
    pub fn always_runs(&self) -> bool {
        matches!(self.kind, ProbeKind::Baseline | ProbeKind::RejectsAnything)
    }

    pub(super) fn with_severity(self, severity: ProbeGrade) -> Self {
        Self { severity, ..self }
    }
}

/// Creates the probes for one provider.
pub(super) struct ProbeFactory<'p> {
    pub provider: &'p dyn Provider,
}

impl ProbeFactory<'_> {
    /// Creates a probe with the id `GROUP.NAME`, which fails if the handler gets it wrong.
    pub fn probe(&self, group: ProbeGroup, name: &str, why: &'static str, topic: ProbeTopic, kind: ProbeKind) -> Probe {
        let (id, page) = (format!("{}.{name}", group.name()), self.provider.webhook_pages()[0]);
        Probe { id, group, why, page, severity: ProbeGrade::Fail, topic, kind }
    }

    pub fn signs_timestamp(&self) -> bool {
        self.provider.timestamp_header().is_some()
    }
}

/// Makes a probe send one request.
pub(super) fn single(build: impl Fn(&mut RequestBuilder<'_>) -> RequestDraft + 'static) -> BuildRequests {
    Box::new(move |builder| vec![build(builder)])
}
