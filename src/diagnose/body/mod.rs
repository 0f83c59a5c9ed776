//! Variants of the received body that may have been signed, each with the causes that explain it.
//!
//! Bodies can be large, so a variant is built only when its turn comes, and its cost is paid first.
//! The changes are rows of tables: `ends` (newlines, whitespace, constants), `encodings`,
//! `wrappings`, `prints`, `layers` (what the request wraps the body in), `models` and `parts`.

mod bytes;
mod change;
mod compression;
mod containers;
mod encodings;
mod ends;
mod escapes;
mod frames;
mod inspect;
mod layers;
mod models;
mod parts;
mod php;
mod printers;
mod prints;
mod query;
mod rewrites;
mod serializers;
mod text;
mod times;
mod variant;
mod wrappings;

pub(super) use containers::surroundings;
pub(super) use serializers::name as name_serializer;

use super::budget::{Exhausted, HashAllowance};
use super::cause::Cause;
use super::kinds::body as kinds;
use super::search::Class;
use change::{BodySource, JSON_COST};
use layers::UnwrappedBody;
use models::ModelBody;
use parts::BodyPart;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use variant::{BodyBase, BodyVariant};

/// Variants of bodies up to this length are cached: each is tried with several keys and prefixes.
const MAX_CACHED: usize = 16 * 1024;

/// The received body and the variants that may have been signed in its place.
pub(super) struct BodyVariants<'b> {
    source: BodySource<'b>,
    /// The body may contain characters beyond ASCII, escaped or not.
    is_wide: bool,
    is_plain: OnceCell<bool>,
    unwrapped: OnceCell<Vec<UnwrappedBody>>,
    models: OnceCell<Vec<ModelBody>>,
    parts: OnceCell<Vec<BodyPart>>,
    value_pairs: OnceCell<Vec<BodyPart>>,
    /// The single changes that were built. `None`: the change does not apply, or changes nothing.
    built: Vec<OnceCell<Option<Vec<u8>>>>,
    /// The first variant with these bytes, by their hash.
    seen: RefCell<HashMap<u64, usize>>,
    hasher: RandomState,
}

impl<'b> BodyVariants<'b> {
    pub(super) fn new(received: &'b [u8]) -> Self {
        Self {
            source: BodySource::new(received),
            is_wide: !received.is_ascii() || received.contains(&b'\\'),
            is_plain: OnceCell::new(),
            unwrapped: OnceCell::new(),
            models: OnceCell::new(),
            parts: OnceCell::new(),
            value_pairs: OnceCell::new(),
            built: (0..variant::single_count()).map(|_| OnceCell::new()).collect(),
            seen: RefCell::default(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn received(&self) -> &'b [u8] {
        self.source.bytes
    }

    /// Lists the indices of the variants: single changes, the likeliest first, then compositions.
    /// `None` stands for the received body.
    pub(super) fn indices(&self) -> impl Iterator<Item = Option<usize>> + use<> {
        let first = ends::NEWLINES.len();
        (0..first).map(Some).chain([None]).chain((first..variant::all().len()).map(Some))
    }

    /// Returns the number of different bodies that were built, and the received one.
    pub(super) fn count_built(&self) -> usize {
        1 + self.seen.borrow().len()
    }

    /// Lists the variants of a class, the likeliest first.
    pub(super) fn group(&self, class: Class) -> impl Iterator<Item = usize> + use<> {
        let single = variant::single_count();
        let indices = if class == Class::Pair { single..variant::all().len() } else { 0..single };
        indices.filter(move |&index| variant_class(index) == class)
    }

    /// Builds a variant. `Ok(None)`: the change does not apply to this body, or gives a body that
    /// an earlier variant gave.
    pub(super) fn build(
        &self,
        index: usize,
        allowance: &mut HashAllowance,
    ) -> Result<Option<Cow<'_, [u8]>>, Exhausted> {
        if let Some(built) = self.built.get(index).and_then(OnceCell::get) {
            return Ok(built.as_deref().map(Cow::Borrowed));
        }
        if !self.may_apply(&variant::all()[index]) {
            return Ok(None);
        }
        if !allowance.spend(self.cost(&variant::all()[index])) {
            return Err(Exhausted);
        }
        let built = self.apply(&variant::all()[index]).filter(|built| self.is_new(index, built));
        if self.received().len() > MAX_CACHED || index >= variant::single_count() {
            return Ok(built.map(Cow::Owned));
        }
        let cached = self.built[index].get_or_init(|| built);
        Ok(cached.as_deref().map(Cow::Borrowed))
    }

    /// Returns true unless the bytes are the received ones or those of an earlier variant.
    fn is_new(&self, index: usize, built: &[u8]) -> bool {
        let hash = self.hasher.hash_one(built);
        *built != *self.received() && *self.seen.borrow_mut().entry(hash).or_insert(index) == index
    }

    /// Returns false for what this body has not, which costs nothing.
    fn may_apply(&self, variant: &BodyVariant) -> bool {
        let (is_wide, is_plain) = (self.is_wide, self.is_plain());
        let base = match variant {
            BodyVariant::Change(change) => return change.may_apply(is_wide, is_plain),
            BodyVariant::Pair(first, second) => {
                let is_missing = self.built[*first].get().is_some_and(Option::is_none);
                return !is_missing && self.may_apply(&variant::all()[*first]) && second.may_apply(is_wide, false);
            }
            BodyVariant::ChangedBase(BodyBase::Unwrapped(index), change) => {
                let found = self.unwrapped.get().and_then(|found| found.get(*index));
                return found.is_none_or(|found| change.may_apply(found.is_wide, found.is_plain))
                    && (found.is_some() || self.unwrapped.get().is_none());
            }
            BodyVariant::ChangedBase(BodyBase::Model(_) | BodyBase::Part(_), change)
                if !change.may_apply(is_wide, is_plain) =>
            {
                return false;
            }
            BodyVariant::Base(base) | BodyVariant::ChangedBase(base, _) => base,
        };
        match base {
            BodyBase::Unwrapped(index) => self.unwrapped.get().is_none_or(|found| *index < found.len()),
            BodyBase::Model(index) => self.models.get().is_none_or(|found| *index < found.len()),
            BodyBase::Part(index) => self.parts.get().is_none_or(|found| *index < found.len()),
            BodyBase::ValuePair(index) => self.value_pairs.get().is_none_or(|found| *index < found.len()),
        }
    }

    fn is_plain(&self) -> bool {
        self.source.document().is_some_and(|document| *self.is_plain.get_or_init(|| document.is_plain()))
    }

    /// The cost of building a variant, in bytes hashed.
    fn cost(&self, variant: &BodyVariant) -> usize {
        let length = self.received().len();
        match variant {
            BodyVariant::Change(change) => change.cost() * length,
            BodyVariant::Base(base) => self.base_cost(base),
            BodyVariant::ChangedBase(base, change) => {
                self.base_cost(base) + (JSON_COST + change.cost()) * self.base(base).map_or(0, |(bytes, _)| bytes.len())
            }
            BodyVariant::Pair(first, second) => {
                let is_built = self.built[*first].get().is_some();
                let first = if is_built { 0 } else { self.cost(&variant::all()[*first]) };
                first + second.cost() * length
            }
        }
    }

    /// The cost of listing the bases of this kind, if that was not done.
    fn base_cost(&self, base: &BodyBase) -> usize {
        let length = self.received().len();
        match base {
            BodyBase::Unwrapped(_) if self.unwrapped.get().is_none() => 2 * JSON_COST * length,
            BodyBase::Model(_) if self.models.get().is_none() => 32 * JSON_COST * length.min(4096),
            BodyBase::Part(_) if self.parts.get().is_none() => 4 * JSON_COST * length,
            BodyBase::ValuePair(_) if self.value_pairs.get().is_none() => 4 * JSON_COST * length,
            _ => 0,
        }
    }

    fn apply(&self, variant: &BodyVariant) -> Option<Vec<u8>> {
        match variant {
            BodyVariant::Change(change) => change.apply(&self.source),
            BodyVariant::Base(base) => self.base(base).map(|(bytes, _)| bytes.to_vec()),
            BodyVariant::ChangedBase(base, change) => change.apply(&BodySource::new(self.base(base)?.0)),
            BodyVariant::Pair(first, second) => match self.built[*first].get() {
                Some(first) => second.apply(&BodySource::new(first.as_deref()?)),
                None => second.apply(&BodySource::new(&self.apply(&variant::all()[*first])?)),
            },
        }
    }

    /// Returns the body that a base stands for, and its cause.
    fn base(&self, base: &BodyBase) -> Option<(&[u8], Cause)> {
        let received = self.received();
        match base {
            BodyBase::Unwrapped(index) => {
                let found = self.unwrapped.get_or_init(|| layers::unwrap(received)).get(*index)?;
                Some((&found.bytes, found.cause()))
            }
            BodyBase::Model(index) => {
                let found = self.models.get_or_init(|| models::models(received)).get(*index)?;
                Some((&found.bytes, found.cause()))
            }
            BodyBase::Part(index) => {
                let found = self.parts.get_or_init(|| parts::parts(received)).get(*index)?;
                Some((&found.bytes, found.cause()))
            }
            BodyBase::ValuePair(index) => {
                let found = self.value_pairs.get_or_init(|| parts::value_pairs(received)).get(*index)?;
                Some((&found.bytes, found.cause()))
            }
        }
    }

    /// Returns the causes that explain why the user's code hashed this variant. The writer of the
    /// received body does not matter then.
    pub(super) fn digest_causes(&self, index: usize) -> Vec<Cause> {
        self.list_causes(index, false)
    }

    /// Returns the causes that explain why this variant was signed.
    pub(super) fn causes(&self, index: usize) -> Vec<Cause> {
        self.list_causes(index, true)
    }

    fn list_causes(&self, index: usize, names_here: bool) -> Vec<Cause> {
        let here = self.received();
        match &variant::all()[index] {
            BodyVariant::Change(change) if change.text() == "{}" && here.is_empty() => {
                vec![Cause::new(&kinds::EMPTY_HERE)]
            }
            BodyVariant::Change(change) => vec![change.cause(&self.source, names_here)],
            BodyVariant::Base(base) => self.base(base).map(|(_, cause)| cause).into_iter().collect(),
            BodyVariant::ChangedBase(base, change) => {
                let Some((bytes, cause)) = self.base(base) else { return Vec::new() };
                vec![cause, change.cause(&BodySource::new(bytes), false)]
            }
            BodyVariant::Pair(first, second) => {
                let middle = self.apply(&variant::all()[*first]).unwrap_or_default();
                let mut causes = self.list_causes(*first, names_here);
                causes.push(second.cause(&BodySource::new(&middle), false));
                causes
            }
        }
    }
}

fn variant_class(index: usize) -> Class {
    match index < variant::single_count() {
        false => Class::Pair,
        true if variant::is_usual(index) => Class::Usual,
        true => Class::Rare,
    }
}

#[cfg(test)]
mod tests;
