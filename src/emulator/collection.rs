//! API objects in creation order, found by id, listed a page at a time.

use super::call::{CallError, IncomingCall};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::collections::HashMap;

/// An object with an id that never changes.
pub(super) trait Identified {
    fn id(&self) -> &str;
}

#[derive(Clone, Debug)]
pub(super) struct Collection<T> {
    items: Vec<T>,
    index: HashMap<String, usize>,
}

impl<T> Default for Collection<T> {
    fn default() -> Self {
        Self { items: Vec::new(), index: HashMap::new() }
    }
}

impl<T: Identified> Collection<T> {
    pub fn add(&mut self, item: T) {
        self.index.insert(item.id().to_owned(), self.items.len());
        self.items.push(item);
    }

    pub fn get(&self, id: &str) -> Option<&T> {
        self.items.get(*self.index.get(id)?)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.items.get_mut(*self.index.get(id)?)
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn remove(&mut self, id: &str) -> Option<T> {
        let position = self.index.remove(id)?;
        let item = self.items.remove(position);
        for later in self.index.values_mut().filter(|later| **later > position) {
            *later -= 1;
        }
        Some(item)
    }
}

impl<T: Identified + Serialize> Collection<T> {
    /// The page that a call asks for, newest first.
    pub fn page(&self, call: &IncomingCall, wanted: impl Fn(&T) -> bool) -> Result<Value, CallError> {
        page(self.items.iter().rev().filter(|item| wanted(item)).map(|item| (item.id(), item)), call)
    }
}

/// A page of `limit` objects (1 to 100, default 20) after the one that `starting_after` names.
/// <https://docs.pay.plexos.io/api-reference/introduction>
pub(super) fn page<'a, T: Serialize>(
    mut items: impl Iterator<Item = (&'a str, T)>,
    call: &IncomingCall,
) -> Result<Value, CallError> {
    let limit = match call.query("limit") {
        None => 20,
        Some(text) => match text.parse() {
            Ok(limit @ 1..=100) => limit,
            _ => return Err(CallError::invalid("limit", "limit must be a whole number from 1 to 100")),
        },
    };
    if let Some(last) = call.query("starting_after")
        && !items.any(|(id, _)| id == last)
    {
        return Err(CallError::invalid("starting_after", "starting_after is the id of nothing in this list"));
    }
    let data: Vec<_> = items.by_ref().take(limit).map(|(_, item)| item).collect();
    Ok(json!({"data": data, "hasMore": items.next().is_some()}))
}

impl<T: Serialize> Serialize for Collection<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<'de, T: Identified + Deserialize<'de>> Deserialize<'de> for Collection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut collection = Self::default();
        Vec::deserialize(deserializer)?.into_iter().for_each(|item| collection.add(item));
        Ok(collection)
    }
}
