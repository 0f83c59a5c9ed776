//! Orders the members of an object as a parser and serializer would.

use std::cmp::Ordering;

use super::document::Document;
use super::string;
use super::token::TokenKind;

/// The order and selection of an object's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberOrder {
    /// Unchanged, repeated members included.
    Unchanged,
    /// The last of several equal keys wins, at the position of the first.
    LastWins,
    /// As `LastWins`, without members that are `null`.
    LastWinsWithoutNulls,
    /// As `LastWins`, but array indexes come first, ascending.
    JavaScript,
    /// As `LastWins`, but objects that look like PHP lists become arrays, empty ones included.
    PhpArrays,
    /// Sorted by bytes, that is, by code point; the last of several equal keys wins.
    Sorted,
    /// Sorted by length, then by bytes, as PostgreSQL and MySQL store objects; the last of several
    /// equal keys wins.
    SortedByLength,
    /// In the order of a Java `HashMap`, as org.json writes it; the last of several equal keys wins.
    JavaHash,
    /// Sorted by UTF-16 units, as JavaScript and RFC 8785 do; the last of several equal keys wins.
    SortedUtf16,
}

impl MemberOrder {
    /// Returns the keys of the object at `index` in the order they are written.
    pub fn keys(self, document: &Document, index: usize) -> Vec<usize> {
        let keys = document.keys(index);
        if self == MemberOrder::Unchanged {
            return keys.collect();
        }
        let mut keys: Vec<usize> = keys.filter(|key| last_value(document, *key).is_some()).collect();
        match self {
            MemberOrder::Unchanged | MemberOrder::LastWins | MemberOrder::PhpArrays => {}
            MemberOrder::LastWinsWithoutNulls => keys.retain(|key| !is_null(document, self.value_of(document, *key))),
            MemberOrder::JavaScript => {
                keys.sort_by_cached_key(|key| array_index(document, *key).map_or(u64::MAX, u64::from))
            }
            MemberOrder::Sorted => keys.sort_by(|a, b| compare_bytes(document, *a, *b)),
            MemberOrder::SortedByLength => {
                keys.sort_by_cached_key(|key| {
                    let name = name(document, *key);
                    (name.len(), name)
                });
            }
            MemberOrder::JavaHash => sort_by_java_hash(document, &mut keys),
            MemberOrder::SortedUtf16 => keys.sort_by_cached_key(|key| string::utf16(&name(document, *key))),
        }
        keys
    }

    /// Returns the order that writes the same for every plain document.
    pub fn for_plain(self) -> Self {
        match self {
            Self::Unchanged | Self::LastWins | Self::LastWinsWithoutNulls | Self::JavaScript | Self::PhpArrays => {
                Self::Unchanged
            }
            Self::SortedUtf16 | Self::Sorted => Self::Sorted,
            Self::SortedByLength | Self::JavaHash => self,
        }
    }

    /// Returns the value that is written for a key.
    pub fn value_of(self, document: &Document, key: usize) -> usize {
        if self == MemberOrder::Unchanged { key + 1 } else { last_value(document, key).unwrap_or(key + 1) }
    }

    /// Checks whether an object with these keys is written as an array.
    pub fn is_list(self, document: &Document, keys: &[usize]) -> bool {
        self == MemberOrder::PhpArrays
            && keys.iter().enumerate().all(|(place, key)| array_index(document, *key).map(usize_from) == Some(place))
    }
}

/// Sorts keys by the buckets of a Java `HashMap` that grew while they were added.
fn sort_by_java_hash(document: &Document, keys: &mut [usize]) {
    let capacity = (keys.len() * 4).div_ceil(3).next_power_of_two().max(16) as u32;
    keys.sort_by_cached_key(|key| {
        let units = string::utf16(&name(document, *key));
        let hash = units.iter().fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(*unit)));
        (hash ^ (hash >> 16)) & (capacity - 1)
    });
}

fn usize_from(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn is_null(document: &Document, value: usize) -> bool {
    document.node(value).is_some_and(|node| node.kind == TokenKind::Null)
}

fn last_value(document: &Document, key: usize) -> Option<usize> {
    document.node(key).and_then(|node| node.last_value)
}

fn name<'a>(document: &Document<'a>, key: usize) -> std::borrow::Cow<'a, [u8]> {
    document.node(key).map(|node| string::decode(document.raw_text(node))).unwrap_or_default()
}

fn compare_bytes(document: &Document, a: usize, b: usize) -> Ordering {
    name(document, a).cmp(&name(document, b))
}

/// Returns true for a key that JavaScript and PHP treat as an array index.
pub(super) fn is_array_index(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(u8::is_ascii_digit)
}

/// Parses a key as an array index: an integer below 2³² - 1 without leading zeros.
fn array_index(document: &Document, key: usize) -> Option<u32> {
    let name = name(document, key);
    let digits = std::str::from_utf8(&name).ok().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
    let canonical = digits == "0" || !digits.starts_with('0');
    digits.parse().ok().filter(|index| canonical && *index < u32::MAX)
}
