//! What is asked about: references on the command line, then a list, or else what the store has.

use super::super::Session;
use super::Reconcile;
use super::captured::{CapturedWebhooks, is_test_event};
use super::journal::hash;
use crate::model::error::{Error, Result};
use crate::model::stored::{DeliverySummary, ReferenceMatch};
use crate::model::timestamp::Timestamp;
use crate::provider::record::RecordState;
use crate::provider::{self, Provider};
use crate::reconcile::columns::ColumnNames;
use crate::reconcile::order::{AmountFormat, ListError};
use crate::reconcile::{BadLine, Order, OrderReader};
use std::collections::{HashSet, VecDeque};
use std::io::Read;
use std::path::Path;

/// Where orders come from, one after the other.
pub(super) struct OrderSource<'a> {
    args: &'a Reconcile,
    references: VecDeque<String>,
    orders: Option<OrderReader<'a>>,
    store: Option<CapturedReferences>,
}

/// The captures, read page by page.
struct CapturedReferences {
    since: Option<Timestamp>,
    after: i64,
    page: VecDeque<DeliverySummary>,
    /// Hashes of the references that were met: eight bytes for each.
    seen: HashSet<u64>,
}

impl<'a> OrderSource<'a> {
    /// Opens what there is to open.
    pub(super) fn new(args: &'a Reconcile, captured: &mut CapturedWebhooks, session: &'a Session<'a>) -> Result<Self> {
        let columns = ColumnNames::from_args(&args.column);
        let units = if args.decimal { AmountFormat::Decimal } else { AmountFormat::MinorUnits };
        let open = |path: &Path| {
            OrderReader::new(session.open(path)?, &columns, units).map_err(|error| list_error(path, error))
        };
        let orders = args.from.as_deref().map(open).transpose()?;
        let is_of_store = args.from.is_none() && args.references.is_empty();
        if is_of_store && !captured.is_open() {
            return Err(Error::failed("nothing was captured yet").hint("`whtool listen` keeps what it receives"));
        }
        if is_of_store && captured.has_test_events()? {
            session.say("what was signed here for tests is left out: no provider knows of it");
        }
        let since = args.since.map(|when| when.moment(session.world.now()));
        let store =
            is_of_store.then(|| CapturedReferences { since, after: 0, page: VecDeque::new(), seen: HashSet::new() });
        Ok(Self { args, references: args.references.clone().into(), orders, store })
    }

    /// The next one. Not on a list, it has no line; on one, it may be a line that can't be read.
    pub(super) fn next(&mut self, captured: &mut CapturedWebhooks) -> Result<Option<Result<Order, BadLine>>> {
        if let Some(reference) = self.references.pop_front() {
            return Ok(Some(Ok(Order::for_reference(reference))));
        }
        if let Some(captures) = &mut self.store {
            return Ok(captures.next(self.args, captured)?.map(Ok));
        }
        let Some(orders) = &mut self.orders else { return Ok(None) };
        for order in orders {
            let list = self.args.from.as_deref().unwrap_or(Path::new("-"));
            match order.map_err(|error| super::super::cannot_read(list, error))? {
                Ok(order) if self.args.open && has_ended(&order, self.args, captured)? => {}
                order => return Ok(Some(order)),
            }
        }
        Ok(None)
    }
}

impl CapturedReferences {
    /// The next reference that was not met before.
    fn next(&mut self, args: &Reconcile, captured: &mut CapturedWebhooks) -> Result<Option<Order>> {
        loop {
            let Some(entry) = self.page.pop_front() else {
                let (page, after) = captured.page(self.since, self.after)?;
                if page.is_empty() {
                    return Ok(None);
                }
                (self.page, self.after) = (page.into(), after);
                continue;
            };
            let Some(provider) = entry.provider.as_deref().and_then(provider::by_name) else { continue };
            if is_test_event(&entry) {
                continue;
            }
            if args.provider.is_some_and(|asked| asked.name() != provider.name()) {
                continue;
            }
            let reference = provider.lookup_reference(entry.event_id.as_deref(), entry.subject.as_deref());
            let Some(reference) = reference.filter(|reference| provider.lookup_call(reference).is_some()) else {
                continue;
            };
            if !self.seen.insert(hash(&(provider.name(), reference))) {
                continue;
            }
            let is_over = |told: &ReferenceMatch| reports_end(provider, &told.summary);
            if !(args.open && captured.deliveries_about(provider, &[reference])?.iter().any(is_over)) {
                return Ok(Some(Order::for_reference(reference)));
            }
        }
    }
}

/// Whether a verified webhook tells an end.
fn reports_end(provider: &dyn Provider, entry: &DeliverySummary) -> bool {
    let status = entry.status.as_deref().unwrap_or_default();
    entry.verdict.is_verified() && provider.parse_status(status).state.is_final()
}

/// Whether an order has ended: by its own status, or, where it has none, by what was captured.
fn has_ended(order: &Order, args: &Reconcile, captured: &mut CapturedWebhooks) -> Result<bool> {
    let provider = args.provider.unwrap_or_else(|| provider::by_reference(&order.reference));
    match &order.status {
        Some(word) => {
            let state = crate::reconcile::compare::parse_order_status(provider, word).state;
            Ok(state != RecordState::Unknown && state.is_final())
        }
        None => {
            let told = captured.deliveries_about(provider, &[&order.reference])?;
            Ok(told.iter().any(|told| reports_end(provider, &told.summary)))
        }
    }
}

/// A column that was named and is not there is wrong usage; all else is the list's.
fn list_error(path: &Path, error: ListError) -> Error {
    let what = format!("can't read the list {}", path.display());
    let told = match error {
        ListError::NoColumn(..) => Error::usage(what),
        ListError::Input(_) | ListError::NoReference(_) => Error::failed(what),
    };
    told.because(error).hint("--column reference=NAME says which column holds the reference")
}

/// How many there are, as far as that can be told beforehand.
pub(super) fn count_references(args: &Reconcile, session: &Session<'_>) -> Result<Option<u64>> {
    let named = args.references.len() as u64;
    match &args.from {
        None if named > 0 => Ok(Some(named)),
        Some(path) if path != Path::new("-") && !args.open => {
            let (mut file, mut lines, mut buffer) = (session.open(path)?, 0, vec![0; 64 * 1024]);
            loop {
                let length = file.read(&mut buffer).map_err(|error| super::super::cannot_read(path, error))?;
                if length == 0 {
                    return Ok(Some(named + lines));
                }
                lines += buffer[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
            }
        }
        _ => Ok(None),
    }
}
