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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Request;
    use serde::Serialize as SerializeItem;

    #[derive(Clone, Debug, PartialEq, SerializeItem, Deserialize)]
    struct Item {
        id: String,
    }

    impl Identified for Item {
        fn id(&self) -> &str {
            &self.id
        }
    }

    fn collection(ids: &[&str]) -> Collection<Item> {
        let mut collection = Collection::default();
        ids.iter().for_each(|id| collection.add(Item { id: (*id).to_owned() }));
        collection
    }

    fn page_of(collection: &Collection<Item>, query: &str) -> Result<(Vec<String>, bool), CallError> {
        let call = IncomingCall::parse(&Request::post(&format!("/x?{query}"), Vec::new()), Vec::new())?;
        let page = collection.page(&call, |item| item.id != "hidden")?;
        let ids = page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
        Ok((ids.collect(), page["hasMore"].as_bool().unwrap()))
    }

    #[test]
    fn objects_are_found_by_their_id_after_others_were_removed() {
        let mut items = collection(&["a", "b", "c", "d"]);
        assert_eq!(items.remove("b").map(|item| item.id), Some("b".to_owned()));
        assert_eq!(items.remove("b"), None);
        for id in ["a", "c", "d"] {
            assert_eq!(items.get(id).map(Identified::id), Some(id));
            assert_eq!(items.get_mut(id).map(|item| item.id.clone()).as_deref(), Some(id));
        }
        assert_eq!((items.len(), items.get("b")), (3, None));
        items.add(Item { id: "e".to_owned() });
        assert_eq!(items.iter().map(Identified::id).collect::<Vec<_>>(), ["a", "c", "d", "e"]);
        assert_eq!(items.get("e").map(Identified::id), Some("e"));
        let saved = serde_json::to_string(&items).unwrap();
        let restored: Collection<Item> = serde_json::from_str(&saved).unwrap();
        assert_eq!(restored.get("d").map(Identified::id), Some("d"));
    }

    #[test]
    fn a_page_has_the_newest_first_and_says_whether_more_follow() {
        let items = collection(&["a", "b", "hidden", "c"]);
        let page = |query| page_of(&items, query).map(|(ids, has_more)| (ids.concat(), has_more)).unwrap();
        assert_eq!(page(""), ("cba".to_owned(), false));
        assert_eq!(page("limit=2"), ("cb".to_owned(), true));
        assert_eq!(page("limit=3"), ("cba".to_owned(), false));
        assert_eq!(page("starting_after=c"), ("ba".to_owned(), false));
        assert_eq!(page("limit=1&starting_after=c"), ("b".to_owned(), true));
        assert_eq!(page("starting_after=a"), (String::new(), false));
        let many: Vec<String> = (0..25).map(|number| number.to_string()).collect();
        let many = collection(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(page_of(&many, "").map(|(ids, has_more)| (ids.len(), has_more)), Ok((20, true)));
    }

    #[test]
    fn a_page_that_does_not_exist_is_refused_with_its_parameter() {
        let items = collection(&["a", "hidden"]);
        let field = |query| page_of(&items, query).unwrap_err().field.unwrap();
        for query in ["limit=0", "limit=101", "limit=-1", "limit=x", "limit="] {
            assert_eq!(field(query), "limit", "{query}");
        }
        for query in ["starting_after=b", "starting_after=hidden", "starting_after="] {
            assert_eq!(field(query), "starting_after", "{query}");
        }
        assert!(page_of(&items, "limit=100").is_ok());
    }
}
