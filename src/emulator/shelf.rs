//! Objects in the order they were made, found by their id, handed out a page at a time.

use super::call::{Call, Refusal};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What has an id.
pub(super) trait Item {
    /// It never changes.
    fn id(&self) -> &str;
}

/// Objects of one kind.
#[derive(Clone, Debug)]
pub(super) struct Shelf<T> {
    items: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { items: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Item> Shelf<T> {
    /// Adds an object at the end.
    pub fn add(&mut self, item: T) {
        self.places.insert(item.id().to_owned(), self.items.len());
        self.items.push(item);
    }

    /// The object of this id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.items.get(*self.places.get(id)?)
    }

    /// The object of this id, to be changed.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.items.get_mut(*self.places.get(id)?)
    }

    /// All, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Takes an object away.
    pub fn remove(&mut self, id: &str) -> Option<T> {
        let place = self.places.remove(id)?;
        let item = self.items.remove(place);
        for later in self.places.values_mut().filter(|later| **later > place) {
            *later -= 1;
        }
        Some(item)
    }
}

impl<T: Item + Serialize> Shelf<T> {
    /// A page as the call asks for it, the newest first.
    pub fn page(&self, call: &Call, wanted: impl Fn(&T) -> bool) -> Result<Value, Refusal> {
        page(self.items.iter().rev().filter(|item| wanted(item)).map(|item| (item.id(), item)), call)
    }
}

/// The page that the call asks for of objects with their ids: `limit` of them (1 to 100, 20 unless said), after the one that
/// `starting_after` names. <https://docs.pay.plexos.io/api-reference/introduction>
pub(super) fn page<'a, T: Serialize>(
    mut items: impl Iterator<Item = (&'a str, T)>,
    call: &Call,
) -> Result<Value, Refusal> {
    let limit = match call.query("limit") {
        None => 20,
        Some(text) => match text.parse() {
            Ok(limit @ 1..=100) => limit,
            _ => return Err(Refusal::invalid("limit", "limit must be a whole number from 1 to 100")),
        },
    };
    if let Some(last) = call.query("starting_after")
        && !items.any(|(id, _)| id == last)
    {
        return Err(Refusal::invalid("starting_after", "starting_after is the id of nothing in this list"));
    }
    let data: Vec<_> = items.by_ref().take(limit).map(|(_, item)| item).collect();
    Ok(json!({"data": data, "hasMore": items.next().is_some()}))
}

impl<T: Serialize> Serialize for Shelf<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<'de, T: Item + Deserialize<'de>> Deserialize<'de> for Shelf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut shelf = Self::default();
        Vec::deserialize(deserializer)?.into_iter().for_each(|item| shelf.add(item));
        Ok(shelf)
    }
}
