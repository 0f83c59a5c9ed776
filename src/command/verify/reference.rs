//! Compares a failed request with its good copy in the store: the one that `--against` names, or
//! the one that its signature was made for.

use super::report::{CheckedRequest, INDENT, Verifier};
use crate::command::shared::captures;
use crate::command::shared::store_args::StoreArgs;
use crate::command::{Session, Verbosity};
use crate::diagnose::Finding;
use crate::diagnose::compare::{CopyDiff, compare, signature_matches_copy};
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::error::{Error, Result};
use crate::model::stored::{CaptureId, Query, StoredCapture, StoredDelivery};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use crate::provider::{self, Provider};
use crate::render::comparison::{self, Sides};
use crate::webhook::receive::receive;
use crate::world::Store;

/// The source of good copies.
pub(super) enum ReferenceCopies {
    /// The copy that `--against` names.
    Named(Box<StoredDelivery>),
    Store(Box<dyn Store>),
    None,
}

/// The number of deliveries of the same event that are compared.
const MAX_SAME_EVENT: u64 = 50;
/// The number of the newest deliveries that are compared.
const MAX_NEWEST: u64 = 200;

impl ReferenceCopies {
    /// Finds the delivery of this name or, without a name, opens the store if there is one.
    pub(super) fn open(against: Option<&str>, args: &StoreArgs, session: &Session<'_>) -> Result<Self> {
        let is_needed = against.is_some() || args.store.is_some();
        let store = match args.open_if_exists(session) {
            Ok(Some(store)) => store,
            Ok(None) if is_needed => return Err(no_store(&args.location(session)?.to_string())),
            Ok(None) => return Ok(Self::None),
            Err(error) if is_needed => return Err(error),
            Err(error) => {
                if session.verbosity == Verbosity::Verbose {
                    session.print_error(&error);
                }
                return Ok(Self::None);
            }
        };
        let Some(name) = against else { return Ok(Self::Store(store)) };
        let mut store = store;
        let copy = captures::load_one(store.as_mut(), name, session)?;
        Ok(Self::Named(Box::new(copy)))
    }

    /// Returns the arrival time of the named delivery, by which the request's age is computed.
    pub(super) fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Named(copy) => Some(copy.summary.arrived),
            Self::Store(_) | Self::None => None,
        }
    }

    /// Calls `visit` with the ids and bodies of the newest deliveries in the store.
    pub(super) fn visit_bodies(&mut self, limit: u64, visit: &mut dyn FnMut(CaptureId, &[u8])) -> Result<()> {
        let Self::Store(store) = self else { return Ok(()) };
        let newest = Query { limit: Some(limit), ..Query::default() };
        store.for_each(&newest, &mut |copy| {
            if let StoredCapture::Whole(copy) = copy {
                visit(copy.summary.id, &copy.request.body);
            }
            Ok(())
        })
    }

    /// Compares a request with its good copy. `None`: there is no such copy.
    pub(super) fn compare(&mut self, request: &CheckedRequest, verifier: &Verifier<'_>) -> Result<Option<Comparison>> {
        let here = &request.received;
        match self {
            Self::None => Ok(None),
            Self::Named(copy) => {
                refuse_other_event(here, copy)?;
                let conclusion = Conclusion::new(here, copy, verifier);
                Ok(Some(Comparison::new(here, copy.as_ref().clone(), conclusion)))
            }
            Self::Store(_) if here.verdict.is_verified() => Ok(None),
            Self::Store(store) => {
                let copy = find_copy(here, store.as_mut(), verifier)?;
                Ok(copy.map(|copy| Comparison::new(here, copy, Conclusion::SignatureOfCopy)))
            }
        }
    }
}

/// A request's good copy, and the differences of the two.
pub(super) struct Comparison {
    copy: StoredDelivery,
    diff: CopyDiff,
    conclusion: Conclusion,
}

impl Comparison {
    fn new(here: &AnalyzedDelivery, copy: StoredDelivery, conclusion: Conclusion) -> Self {
        let mut diff = compare(&copy.request, &here.delivery.request);
        if conclusion == Conclusion::SignatureOfCopy {
            // The copy may be another delivery of the event, which has other headers.
            diff.headers.retain(|header| header.is_checked);
        }
        Self { copy, diff, conclusion }
    }

    /// Returns the change of the body, if the copy is known to be good.
    pub(super) fn body_finding(&self) -> Option<Finding> {
        let is_good = matches!(self.conclusion, Conclusion::ChangedBetween | Conclusion::SignatureOfCopy);
        self.diff.body.clone().filter(|_| is_good)
    }

    /// Formats the comparison as text or as a record.
    pub(super) fn format(&self, request: &CheckedRequest, verifier: &Verifier<'_>) -> Vec<u8> {
        let (received, place) = (&request.received, request.place.to_string());
        let Self { copy, diff, conclusion } = self;
        let sides = Sides {
            place: &place,
            against: copy.summary.id,
            conclusion: conclusion.code(),
            verdicts: [copy_verdict(copy, verifier), received.verdict.code()],
            bodies: [&copy.request.body, &received.delivery.request.body],
        };
        if verifier.is_json() {
            return comparison::record(diff, &sides);
        }
        if verifier.is_quiet() {
            return Vec::new();
        }
        let (paint, sentence) = (verifier.paint, conclusion.sentence(copy.summary.id, diff));
        let mut text = format!("{INDENT}{} {sentence}\n", paint.strong("diff   "));
        text.push_str(&comparison::text(diff, &sides, &request.findings, INDENT, paint, verifier.reveal));
        verifier.wrap(&text)
    }
}

fn no_store(path: &str) -> Error {
    Error::failed(format!("no store at {path}")).hint("run `whtool listen` to record deliveries")
}

/// Refuses to compare two events with different signatures.
fn refuse_other_event(here: &AnalyzedDelivery, copy: &StoredDelivery) -> Result<()> {
    let (Some(own), Some(other)) = (&here.event.id, &copy.summary.event_id) else { return Ok(()) };
    let header = here.provider.and_then(provider::by_name).map_or("", Provider::signature_header);
    let is_same_signature = here.delivery.request.headers.all(header).eq(copy.request.headers.all(header));
    if own == other || is_same_signature {
        return Ok(());
    }
    Err(Error::failed(format!("can't compare {own} with {other}: they are different events"))
        .because(format!("capture {} holds {other}", copy.summary.id))
        .hint(format!("find the capture of {own}: whtool events --reference {own}")))
}

/// Finds the delivery whose body the signature was made for.
fn find_copy(
    here: &AnalyzedDelivery,
    store: &mut dyn Store,
    verifier: &Verifier<'_>,
) -> Result<Option<StoredDelivery>> {
    let same_event =
        here.event.id.clone().map(|id| Query { reference: Some(id), limit: Some(MAX_SAME_EVENT), ..Query::default() });
    let newest = Query { limit: Some(MAX_NEWEST), ..Query::default() };
    let mut found = None;
    for query in same_event.into_iter().chain([newest]) {
        store.for_each(&query, &mut |copy| {
            if let StoredCapture::Whole(copy) = copy
                && signature_matches_copy(here, &copy, &verifier.rules.keys)
            {
                found = Some(copy);
            }
            Ok(())
        })?;
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

/// The conclusion from the verdicts of a request and its copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conclusion {
    ChangedBetween,
    BothVerify,
    NeitherVerifies,
    OnlyHere,
    SignatureOfCopy,
}

impl Conclusion {
    /// Both are verified as of the time when `listen` received the copy.
    fn new(here: &AnalyzedDelivery, copy: &StoredDelivery, verifier: &Verifier<'_>) -> Self {
        match (copy_verdict(copy, verifier).is_verified(), here.verdict.is_verified()) {
            (true, false) => Self::ChangedBetween,
            (true, true) => Self::BothVerify,
            (false, false) => Self::NeitherVerifies,
            (false, true) => Self::OnlyHere,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::ChangedBetween => "changed_between",
            Self::BothVerify => "both_verify",
            Self::NeitherVerifies => "neither_verifies",
            Self::OnlyHere => "only_here",
            Self::SignatureOfCopy => "signature_of_copy",
        }
    }

    fn sentence(self, id: CaptureId, diff: &CopyDiff) -> String {
        let is_same = diff.first_difference.is_none() && diff.headers.is_empty();
        match self {
            Self::ChangedBetween => {
                format!("capture {id} verified, but this request does not: something between the two changed it")
            }
            Self::BothVerify if is_same => format!("this request and capture {id} are the same, and both verify"),
            Self::BothVerify => {
                format!("this request and capture {id} both verify: the differences do not affect the signature")
            }
            Self::NeitherVerifies => {
                format!("capture {id} did not verify either: look for the fault before `whtool listen`")
            }
            Self::OnlyHere => {
                format!(
                    "this request verifies, but capture {id} does not: it was changed before `whtool listen` received it"
                )
            }
            Self::SignatureOfCopy => format!("the signature was made for the body of capture {id}"),
        }
    }
}

/// Returns the copy's verdict when it arrived or, if it failed, with the keys of today.
fn copy_verdict(copy: &StoredDelivery, verifier: &Verifier<'_>) -> VerdictCode {
    if copy.summary.verdict.is_verified() {
        return VerdictCode::Verified;
    }
    let arrived = copy.summary.arrived;
    let delivery = Delivery { request: copy.request.clone(), peer: None, arrived: Some(arrived) };
    receive(delivery, &verifier.rules, arrived).verdict.code()
}
