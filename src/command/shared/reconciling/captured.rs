//! Reads the captured webhooks about a reference from the store, if there is one.

use crate::command::Session;
use crate::command::shared::store_args::StoreArgs;
use crate::model::error::{Error, Result};
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::stored::{DeliverySummary, Query, ReferenceMatch, StoredCapture};
use crate::model::timestamp::Timestamp;
use crate::provider::Provider;
use crate::reconcile::Webhooks;
use crate::world::Store;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Most deliveries that are read at once.
const PAGE: u64 = 256;

/// The webhooks in the store.
pub(in crate::command) struct CapturedWebhooks {
    store: Option<Box<dyn Store>>,
    /// Caches whether anything from a provider was ever captured.
    seen_providers: BTreeMap<&'static str, bool>,
}

impl CapturedWebhooks {
    /// Opens the store if it exists. It is never created here.
    pub(in crate::command) fn open(args: &StoreArgs, session: &Session<'_>) -> Result<Self> {
        let store = args.open_if_exists(session)?;
        if store.is_none() && args.store.is_some() {
            return Err(Error::failed(format!("no store at {}", args.location(session)?)));
        }
        Ok(Self { store, seen_providers: BTreeMap::new() })
    }

    pub(in crate::command) fn is_open(&self) -> bool {
        self.store.is_some()
    }

    /// Returns true if webhooks of this provider were ever captured; otherwise none can be missing.
    /// Events signed with the local test secret do not count.
    pub(in crate::command) fn has_any_from(&mut self, provider: &'static dyn Provider) -> Result<bool> {
        if let Some(known) = self.seen_providers.get(provider.name()) {
            return Ok(*known);
        }
        let found = self.search_for(provider)?;
        self.seen_providers.insert(provider.name(), found);
        Ok(found)
    }

    fn search_for(&mut self, provider: &'static dyn Provider) -> Result<bool> {
        let Some(store) = &mut self.store else { return Ok(false) };
        let counts =
            |found: &DeliverySummary| found.provider.as_deref() == Some(provider.name()) && !is_test_event(found);
        let newest = Query { provider: Some(provider.name().to_owned()), limit: Some(1), ..Query::default() };
        match store.list(&newest)?.first() {
            None => return Ok(false),
            Some(newest) if counts(newest) => return Ok(true),
            Some(_) => {}
        }
        let mut after = StoreCursor::default();
        loop {
            let DeliveryPage { deliveries, cursor } = self.page(None, &after)?;
            if deliveries.is_empty() || deliveries.iter().any(counts) {
                return Ok(!deliveries.is_empty());
            }
            after = cursor;
        }
    }

    /// Returns true if the store has events signed with the local test secret.
    pub(in crate::command) fn has_test_events(&mut self) -> Result<bool> {
        let Some(store) = &mut self.store else { return Ok(false) };
        let query = Query { is_test: Some(true), limit: Some(1), ..Query::default() };
        Ok(!store.list(&query)?.is_empty())
    }

    /// Returns the deliveries about any of these references, oldest first, without events signed with
    /// the local test secret: no provider sent them.
    pub(in crate::command) fn deliveries_about(
        &mut self,
        provider: &dyn Provider,
        references: &[&str],
    ) -> Result<Vec<ReferenceMatch>> {
        let Some(store) = &mut self.store else { return Ok(Vec::new()) };
        let (mut found, mut ids) = (Vec::new(), HashSet::new());
        for (index, reference) in references.iter().enumerate() {
            if references[..index].contains(reference) {
                continue;
            }
            for delivery in store.find_by_reference(reference)? {
                let DeliverySummary { id, provider: from, .. } = &delivery.summary;
                let is_evidence = from.as_deref() == Some(provider.name()) && !is_test_event(&delivery.summary);
                if is_evidence && ids.insert(*id) {
                    found.push(delivery);
                }
            }
        }
        found.sort_by_key(|delivery: &ReferenceMatch| delivery.summary.arrived);
        Ok(found)
    }

    /// Returns the webhooks to compare with. `None` if none of this provider were ever captured.
    pub(in crate::command) fn webhooks(
        &mut self,
        provider: &'static dyn Provider,
        references: &[&str],
    ) -> Result<Option<Webhooks>> {
        if !self.has_any_from(provider)? {
            return Ok(None);
        }
        let deliveries = self.deliveries_about(provider, references)?;
        let conflicting_key = self.find_conflict(&deliveries)?;
        Ok(Some(Webhooks { deliveries, conflicting_key }))
    }

    /// Returns an event id with two verified deliveries whose JSON differs in more than its
    /// formatting.
    fn find_conflict(&mut self, deliveries: &[ReferenceMatch]) -> Result<Option<String>> {
        let Some(store) = &mut self.store else { return Ok(None) };
        let mut first: BTreeMap<&str, &ReferenceMatch> = BTreeMap::new();
        for delivery in deliveries.iter().filter(|delivery| delivery.summary.verdict.is_verified()) {
            let Some(key) = &delivery.key else { continue };
            let Some(other) = first.get(key.as_str()) else {
                first.insert(key, delivery);
                continue;
            };
            let mut body = |found: &ReferenceMatch| -> Result<Vec<u8>> {
                let stored = store.load(found.summary.id)?.map(StoredCapture::require_body).transpose()?;
                Ok(stored.map(|stored| stored.request.body).unwrap_or_default())
            };
            if !is_same_json(&body(other)?, &body(delivery)?) {
                return Ok(Some(key.clone()));
            }
        }
        Ok(None)
    }

    /// Returns the deliveries after this place that arrived at or after `since`. Empty: there are no
    /// more.
    pub(in crate::command) fn page(&mut self, since: Option<Timestamp>, after: &StoreCursor) -> Result<DeliveryPage> {
        let Some(store) = &mut self.store else { return Ok(DeliveryPage::default()) };
        let query = Query { since, limit: Some(PAGE), ..Query::default() };
        let replaced = || Error::failed("the store was replaced or restored while it was read").hint("run it again");
        store.list_after(&query, after)?.ok_or_else(replaced)
    }
}

fn is_same_json(one: &[u8], other: &[u8]) -> bool {
    let read = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
    one == other || matches!((read(one), read(other)), (Some(one), Some(other)) if one == other)
}

/// Returns true if the event is signed with the local test secret, so that no provider knows about
/// it.
pub(in crate::command) fn is_test_event(delivery: &DeliverySummary) -> bool {
    delivery.is_test
}
