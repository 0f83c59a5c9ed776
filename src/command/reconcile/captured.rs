//! The captured webhooks about a reference, from the store, when there is one.

use super::super::Session;
use crate::command::shared::captures::StoreArgs;
use crate::model::error::{Error, Result};
use crate::model::secret::SecretOrigin;
use crate::model::stored::{DeliverySummary, Query, ReferenceMatch};
use crate::model::timestamp::Timestamp;
use crate::provider::Provider;
use crate::reconcile::Webhooks;
use crate::world::Store;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// The store as a side of the comparison.
pub(super) struct CapturedWebhooks {
    store: Option<Box<dyn Store>>,
    /// Whether anything of a provider was ever captured, as far as that was asked.
    seen_providers: BTreeMap<&'static str, bool>,
}

impl CapturedWebhooks {
    /// Opens the store when there is one; none is made by looking into it.
    pub(super) fn open(args: &StoreArgs, session: &Session<'_>) -> Result<Self> {
        let path = args.path(session)?;
        let store = if session.world.file_exists(&path) {
            Some(args.open(session)?)
        } else if args.store.is_some() {
            return Err(Error::failed(format!("there is no store {}", path.display())));
        } else {
            None
        };
        Ok(Self { store, seen_providers: BTreeMap::new() })
    }

    /// Whether there is a store.
    pub(super) fn is_open(&self) -> bool {
        self.store.is_some()
    }

    /// Whether webhooks of this provider were ever captured: where none were, none are missing. Those that were signed here for tests don't
    /// count.
    pub(super) fn has_any_from(&mut self, provider: &'static dyn Provider) -> Result<bool> {
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
            |entry: &DeliverySummary| entry.provider.as_deref() == Some(provider.name()) && !is_test_event(entry);
        let newest = Query { provider: Some(provider.name().to_owned()), limit: Some(1), ..Query::default() };
        match store.list(&newest)?.first() {
            None => return Ok(false),
            Some(newest) if counts(newest) => return Ok(true),
            Some(_) => {}
        }
        let mut after = 0;
        loop {
            let (page, last) = self.page(None, after)?;
            if page.is_empty() || page.iter().any(counts) {
                return Ok(!page.is_empty());
            }
            after = last;
        }
    }

    /// Whether anything was captured that was signed here for tests.
    pub(super) fn has_test_events(&mut self) -> Result<bool> {
        let Some(store) = &mut self.store else { return Ok(false) };
        let query = Query { secret: Some(SecretOrigin::LocalTest.to_string()), limit: Some(1), ..Query::default() };
        Ok(!store.list(&query)?.is_empty())
    }

    /// The deliveries about one of these names, the oldest first.
    pub(super) fn deliveries_about(&mut self, provider: &dyn Provider, names: &[&str]) -> Result<Vec<ReferenceMatch>> {
        let Some(store) = &mut self.store else { return Ok(Vec::new()) };
        let (mut found, mut ids) = (Vec::new(), HashSet::new());
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                continue;
            }
            for told in store.find_by_reference(name)? {
                if told.summary.provider.as_deref() == Some(provider.name()) && ids.insert(told.summary.id.clone()) {
                    found.push(told);
                }
            }
        }
        found.sort_by_key(|told: &ReferenceMatch| told.summary.arrived);
        Ok(found)
    }

    /// The same as a side of the comparison; `None` where there is no such side.
    pub(super) fn webhooks(&mut self, provider: &'static dyn Provider, names: &[&str]) -> Result<Option<Webhooks>> {
        if !self.has_any_from(provider)? {
            return Ok(None);
        }
        let told = self.deliveries_about(provider, names)?;
        let two_bodies = self.find_conflict(&told)?;
        Ok(Some(Webhooks { deliveries: told, conflicting_key: two_bodies }))
    }

    /// The key under which two verified deliveries say different things. How their JSON is spelled does not matter.
    fn find_conflict(&mut self, told: &[ReferenceMatch]) -> Result<Option<String>> {
        let Some(store) = &mut self.store else { return Ok(None) };
        let mut first: BTreeMap<&str, &ReferenceMatch> = BTreeMap::new();
        for one in told.iter().filter(|one| one.summary.verdict.is_verified()) {
            let Some(key) = &one.key else { continue };
            let Some(other) = first.get(key.as_str()) else {
                first.insert(key, one);
                continue;
            };
            let mut body = |told: &ReferenceMatch| -> Result<Vec<u8>> {
                Ok(store.load(&told.summary.id)?.map(|kept| kept.request.body).unwrap_or_default())
            };
            if !is_same_json(&body(other)?, &body(one)?) {
                return Ok(Some(key.clone()));
            }
        }
        Ok(None)
    }

    /// Up to a page of deliveries since this moment, and the place after them.
    pub(super) fn page(&mut self, since: Option<Timestamp>, after: i64) -> Result<(Vec<DeliverySummary>, i64)> {
        match &mut self.store {
            Some(store) => store.list_after(since, after, 256),
            None => Ok((Vec::new(), after)),
        }
    }
}

fn is_same_json(one: &[u8], other: &[u8]) -> bool {
    let read = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
    one == other || matches!((read(one), read(other)), (Some(one), Some(other)) if one == other)
}

/// Whether the local test secret has signed it: no provider knows of it then.
pub(super) fn is_test_event(entry: &DeliverySummary) -> bool {
    entry.secret.as_ref().is_some_and(|name| *name == SecretOrigin::LocalTest.to_string())
}
