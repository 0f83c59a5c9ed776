//! A failed request beside the good copy of it in the store: the one that was named, or the one that its signature belongs to.

use super::report::{Bench, INDENT, Judged};
use crate::command::shared::captures::{self, StoreArgs};
use crate::command::{Session, Volume};
use crate::diagnose::Cause;
use crate::diagnose::hop::{self, Hop};
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::error::{Error, Result};
use crate::model::stored::{Query, StoredDelivery};
use crate::model::timestamp::Timestamp;
use crate::provider::{self, Provider};
use crate::render;
use crate::render::hop::Places;
use crate::webhook::receive::receive;
use crate::world::Store;

/// Where good copies come from.
pub(super) enum Hops {
    /// This one was named.
    Against(Box<StoredDelivery>),
    /// The store is searched.
    Searched(Box<dyn Store>),
    /// There is no store.
    None,
}

/// How many deliveries of the same event are looked at.
const SAME_EVENT: u64 = 50;
/// How many of the newest deliveries are looked at.
const NEWEST: u64 = 200;

impl Hops {
    /// The delivery of this name; without one, the store, when there is one that can be read.
    pub(super) fn open(against: Option<&str>, args: &StoreArgs, session: &Session<'_>) -> Result<Self> {
        let path = args.path(session);
        let is_there = path.as_ref().is_ok_and(|path| session.world.file_exists(path));
        let Some(name) = against else {
            if args.store.is_some() && !is_there {
                return Err(no_store(&path?.display().to_string()));
            }
            let opened = is_there.then(|| args.open(session));
            return Ok(match opened {
                Some(Ok(store)) => Self::Searched(store),
                Some(Err(error)) => {
                    if session.volume == Volume::Verbose {
                        session.tell(&error);
                    }
                    Self::None
                }
                None => Self::None,
            });
        };
        if !is_there {
            return Err(no_store(&path?.display().to_string()));
        }
        let mut store = args.open(session)?;
        let id = captures::find(store.as_mut(), name)?;
        let kept =
            store.load(&id)?.ok_or_else(|| Error::failed(format!("there is no delivery `{id}` in the store")))?;
        Ok(Self::Against(Box::new(kept)))
    }

    /// When the named delivery arrived: the moment by which its twin is judged, too.
    pub(super) fn moment(&self) -> Option<Timestamp> {
        match self {
            Self::Against(kept) => Some(kept.summary.arrived),
            Self::Searched(_) | Self::None => None,
        }
    }

    /// The newest bodies of the store, each under its id.
    pub(super) fn bodies(&mut self, most: u64, each: &mut dyn FnMut(&str, &[u8])) -> Result<()> {
        let Self::Searched(store) = self else { return Ok(()) };
        let newest = Query { limit: Some(most), ..Query::default() };
        store.for_each(&newest, &mut |kept| {
            each(&kept.summary.id, &kept.request.body);
            Ok(())
        })
    }

    /// The good copy of a request. `None`: there is none, or none is wanted.
    pub(super) fn beside(&mut self, judged: &Judged, bench: &Bench<'_>) -> Result<Option<Beside>> {
        let here = &judged.received;
        match self {
            Self::None => Ok(None),
            Self::Against(kept) => {
                refuse_another_event(here, kept)?;
                Ok(Some(Beside::new(here, kept.as_ref().clone(), conclusion(here, kept, bench))))
            }
            Self::Searched(_) if here.verdict.is_verified() => Ok(None),
            Self::Searched(store) => {
                let found = good_copy(here, store.as_mut(), bench)?;
                Ok(found.map(|kept| Beside::new(here, kept, Conclusion::SignatureOfCopy)))
            }
        }
    }
}

/// A request's good copy, and what was changed between the two.
pub(super) struct Beside {
    kept: StoredDelivery,
    hop: Hop,
    conclusion: Conclusion,
}

impl Beside {
    fn new(here: &AnalyzedDelivery, kept: StoredDelivery, conclusion: Conclusion) -> Self {
        let mut hop = hop::between(&kept.request, &here.delivery.request);
        if conclusion == Conclusion::SignatureOfCopy {
            // It is another delivery of the event, maybe, and has its own headers.
            hop.headers.retain(|header| header.matters);
        }
        Self { kept, hop, conclusion }
    }

    /// What happened to the body, where the good copy is known to be good.
    pub(super) fn proves(&self) -> Option<Cause> {
        let is_good = matches!(self.conclusion, Conclusion::ChangedBetween | Conclusion::SignatureOfCopy);
        self.hop.body.clone().filter(|_| is_good)
    }

    /// What there is to tell, as lines or as a record.
    pub(super) fn told(&self, judged: &Judged, bench: &Bench<'_>) -> Vec<u8> {
        let (request, place) = (&judged.received.delivery.request, judged.place.to_string());
        let Self { kept, hop, conclusion } = self;
        let places = Places {
            place: &place,
            against: &kept.summary.id,
            conclusion: conclusion.code(),
            verdicts: [verdict_there(kept, bench), judged.received.verdict.code()],
            bodies: [&kept.request.body, &request.body],
        };
        if bench.is_json() {
            return render::hop::hop_record(hop, &places);
        }
        if bench.is_quiet() {
            return Vec::new();
        }
        let sentence = conclusion.sentence(&kept.summary.id, hop);
        let mut told = format!("{INDENT}{} {sentence}\n", bench.paint().strong("hop    "));
        told.push_str(&render::hop::hop(hop, &places, &judged.findings, INDENT, bench.paint(), bench.reveal()));
        bench.fitted(&told)
    }
}

fn no_store(path: &str) -> Error {
    Error::failed(format!("there is no store {path}")).hint("`whtool listen` keeps what it receives")
}

/// Two events under two signatures are two deliveries, and nothing between them was changed.
fn refuse_another_event(here: &AnalyzedDelivery, kept: &StoredDelivery) -> Result<()> {
    let (Some(own), Some(other)) = (&here.event.id, &kept.summary.event_id) else { return Ok(()) };
    let header = here.provider.and_then(provider::named).map_or("", Provider::signature_header);
    let is_same_signature = here.delivery.request.headers.all(header).eq(kept.request.headers.all(header));
    if own == other || is_same_signature {
        return Ok(());
    }
    Err(Error::failed(format!("{own} and {other} are two different events: nothing can be said of a hop between them"))
        .because(format!("{other} is what the capture {} holds", kept.summary.id))
        .hint(format!("`whtool events --reference {own}` finds the capture to compare with, if it came")))
}

/// The delivery to whose body the signature belongs.
fn good_copy(here: &AnalyzedDelivery, store: &mut dyn Store, bench: &Bench<'_>) -> Result<Option<StoredDelivery>> {
    let same_event =
        here.event.id.clone().map(|id| Query { reference: Some(id), limit: Some(SAME_EVENT), ..Query::default() });
    let newest = Query { limit: Some(NEWEST), ..Query::default() };
    let mut found = None;
    for query in same_event.into_iter().chain([newest]) {
        store.for_each(&query, &mut |kept| {
            if hop::belongs(here, &kept, bench.keys()) {
                found = Some(kept);
            }
            Ok(())
        })?;
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

/// What follows from a comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conclusion {
    ChangedBetween,
    BothVerify,
    NeitherVerifies,
    OnlyHere,
    SignatureOfCopy,
}

impl Conclusion {
    fn code(self) -> &'static str {
        match self {
            Self::ChangedBetween => "changed_between",
            Self::BothVerify => "both_verify",
            Self::NeitherVerifies => "neither_verifies",
            Self::OnlyHere => "only_here",
            Self::SignatureOfCopy => "signature_of_copy",
        }
    }

    fn sentence(self, id: &str, hop: &Hop) -> String {
        let is_same = hop.first_difference.is_none() && hop.headers.is_empty();
        match self {
            Self::ChangedBetween => {
                format!(
                    "{id} verifies as listen received it, and this does not: what stands between the two changed it"
                )
            }
            Self::BothVerify if is_same => format!("{id} is the same, and both verify: no hop changed anything"),
            Self::BothVerify => format!("{id} verifies, and so does this: what differs does no harm to the signature"),
            Self::NeitherVerifies => {
                format!(
                    "{id} did not verify when listen received it: the fault lies before listen, not between the two"
                )
            }
            Self::OnlyHere => format!("this verifies, and {id} does not: it was listen's way that changed it"),
            Self::SignatureOfCopy => format!("the signature belongs to the body of {id} in the store"),
        }
    }
}

/// Both are judged as of the moment at which listen received the one.
fn conclusion(here: &AnalyzedDelivery, kept: &StoredDelivery, bench: &Bench<'_>) -> Conclusion {
    match (verdict_there(kept, bench) == "verified", here.verdict.is_verified()) {
        (true, false) => Conclusion::ChangedBetween,
        (true, true) => Conclusion::BothVerify,
        (false, false) => Conclusion::NeitherVerifies,
        (false, true) => Conclusion::OnlyHere,
    }
}

/// The verdict as of then: when it arrived, or with what is known now.
fn verdict_there(kept: &StoredDelivery, bench: &Bench<'_>) -> &'static str {
    if kept.summary.verdict == "verified" {
        return "verified";
    }
    let arrived = kept.summary.arrived;
    let delivery = Delivery { request: kept.request.clone(), peer: None, arrived: Some(arrived) };
    receive(delivery, bench.rules(), arrived).verdict.code()
}
