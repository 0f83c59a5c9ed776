//! Where two requests differ: the first byte, the JSON paths, the lines of text, the headers.
//!
//! JSON is compared as it is spelled, so that `1.0` and `1` differ and no digit of an amount is lost; only strings are compared
//! by what they say. What is shown of it, and what is masked, is `render`'s.

use crate::json::{Document, Token, TokenKind, Tokens};
use crate::model::message::Headers;
use std::collections::HashMap;

/// A value at a path that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathChange {
    /// Names and places from the top, as `--set` takes them: `data.items.0.id`. A name that is no plain word keeps its quotes;
    /// a name that is there twice has `#2` behind it.
    pub path: String,
    /// The innermost name on it.
    pub key: String,
    /// The value before as it is spelled. `None`: it was not there.
    pub old: Option<String>,
    /// The value after as it is spelled. `None`: it is gone.
    pub new: Option<String>,
}

/// Headers of one name that are not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderChange {
    /// The name as it is written where it comes first.
    pub name: String,
    /// The values before, in order.
    pub old: Vec<Vec<u8>>,
    /// The values after, in order.
    pub new: Vec<Vec<u8>>,
}

/// A line of a text that is in both, or in one; without its line feed, and with a carriage return that it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Before and after.
    Both(&'a str),
    /// Only before.
    Old(&'a str),
    /// Only after.
    New(&'a str),
}

/// The offset of the first byte that differs: where one ends, its length. `None`: they are the same.
pub fn first_difference(old: &[u8], new: &[u8]) -> Option<usize> {
    let same = old.iter().zip(new).take_while(|(one, other)| one == other).count();
    (same < old.len() || same < new.len()).then_some(same)
}

/// How deep values may lie to be compared by path: paths of a hostile text would else take the square of its length.
const DEEPEST: usize = 128;

/// What changed by path, in the order of the old text, and then what is new. `None`: one of them is no JSON, or nested too deep.
pub fn paths(old: &[u8], new: &[u8]) -> Option<Vec<PathChange>> {
    let (old, new) = (leaves(old)?, leaves(new)?);
    let known: HashMap<_, _> = new.iter().map(|leaf| (leaf.path.as_str(), leaf)).collect();
    let before: HashMap<_, _> = old.iter().map(|leaf| (leaf.path.as_str(), ())).collect();
    let changed = old.iter().filter_map(|leaf| match known.get(leaf.path.as_str()) {
        Some(other) if said(&leaf.spelled) == said(&other.spelled) => None,
        Some(other) => Some(leaf.change(Some(&leaf.spelled), Some(&other.spelled))),
        None => Some(leaf.change(Some(&leaf.spelled), None)),
    });
    let added = new.iter().filter(|leaf| !before.contains_key(leaf.path.as_str()));
    Some(changed.chain(added.map(|leaf| leaf.change(None, Some(&leaf.spelled)))).collect())
}

/// What a value says: of a string the letters, of anything else its spelling.
fn said(spelled: &str) -> std::borrow::Cow<'_, str> {
    if spelled.contains('\\')
        && let Ok(text) = serde_json::from_str::<String>(spelled)
    {
        return format!("\"{text}\"").into();
    }
    spelled.into()
}

/// A value without parts: a scalar, or an empty object or array.
struct Leaf {
    path: String,
    key: String,
    spelled: String,
}

impl Leaf {
    fn change(&self, old: Option<&str>, new: Option<&str>) -> PathChange {
        PathChange {
            path: self.path.clone(),
            key: self.key.clone(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        }
    }
}

/// Every leaf of a document, in order.
fn leaves(text: &[u8]) -> Option<Vec<Leaf>> {
    let document = Document::parse(text).ok()?;
    let mut walk = Walk { text: document.text(), steps: Vec::new(), leaves: Vec::new(), seen: HashMap::new() };
    for token in Tokens::new(text) {
        walk.take(token.ok()?)?;
    }
    Some(walk.leaves)
}

/// A step from a value to one of its parts.
enum Step {
    /// Into an object, at the member of this name.
    Name(Option<String>),
    /// Into an array, at the element of this number.
    Place(Option<usize>),
}

/// The way through a document.
struct Walk<'a> {
    text: &'a str,
    steps: Vec<Step>,
    leaves: Vec<Leaf>,
    /// How often each path was met.
    seen: HashMap<String, u32>,
}

impl Walk<'_> {
    fn take(&mut self, token: Token) -> Option<()> {
        let spelled = self.text.get(token.start..token.end)?;
        match token.kind {
            TokenKind::Space | TokenKind::Colon | TokenKind::Comma => {}
            TokenKind::Key => {
                if let Some(Step::Name(name)) = self.steps.last_mut() {
                    *name = Some(spelled.to_owned());
                }
            }
            TokenKind::OpenObject | TokenKind::OpenArray => {
                self.arrive();
                let is_object = token.kind == TokenKind::OpenObject;
                self.steps.push(if is_object { Step::Name(None) } else { Step::Place(None) });
                if self.steps.len() > DEEPEST {
                    return None;
                }
            }
            TokenKind::CloseObject | TokenKind::CloseArray => match self.steps.pop() {
                Some(Step::Name(None)) => self.leaf("{}"),
                Some(Step::Place(None)) => self.leaf("[]"),
                _ => {}
            },
            _ => {
                self.arrive();
                self.leaf(spelled);
            }
        }
        Some(())
    }

    /// A value begins: in an array it is the next one.
    fn arrive(&mut self) {
        if let Some(Step::Place(place)) = self.steps.last_mut() {
            *place = Some(place.map_or(0, |place| place + 1));
        }
    }

    fn leaf(&mut self, spelled: &str) {
        let parts = self.steps.iter().map(|step| match step {
            Step::Name(name) => bare(name.as_deref().unwrap_or_default()).to_owned(),
            Step::Place(place) => place.unwrap_or_default().to_string(),
        });
        let mut path = parts.collect::<Vec<_>>().join(".");
        let key = self.steps.iter().rev().find_map(|step| match step {
            Step::Name(name) => name.as_deref().map(|name| name.trim_matches('"').to_owned()),
            Step::Place(_) => None,
        });
        let times = self.seen.entry(path.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            path.push_str(&format!("#{times}"));
        }
        self.leaves.push(Leaf { path, key: key.unwrap_or_default(), spelled: spelled.to_owned() });
    }
}

/// A name without its quotes where it is a plain word.
fn bare(quoted: &str) -> &str {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '$' | '@');
    if !inner.is_empty() && inner.chars().all(is_plain) { inner } else { quoted }
}

/// The headers that differ, in the order of the old ones, and then what is new. The case of names does not count.
pub fn headers(old: &Headers, new: &Headers) -> Vec<HeaderChange> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in old.iter().chain(new.iter()) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    let change = |name: &str| {
        let values = |headers: &Headers| headers.all(name).map(<[u8]>::to_vec).collect::<Vec<_>>();
        HeaderChange { name: name.to_owned(), old: values(old), new: values(new) }
    };
    names.into_iter().map(change).filter(|change| change.old != change.new).collect()
}

/// How many lines a text may have to be compared line by line: the cost can grow with the square of their number.
const MOST_LINES: usize = 2_000;

/// Two texts line by line. `None`: they are too long for that.
pub fn lines<'a>(old: &'a str, new: &'a str) -> Option<Vec<Line<'a>>> {
    let (old, new): (Vec<_>, Vec<_>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    if old.len().max(new.len()) > MOST_LINES {
        return None;
    }
    let mut lines = Vec::new();
    let bare = |line: &&'a str| -> &'a str { line.strip_suffix('\n').unwrap_or(line) };
    for part in similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new) {
        let (tag, before, after) = part.as_tag_tuple();
        let (before, after) = (old.get(before).unwrap_or_default(), new.get(after).unwrap_or_default());
        if tag == similar::DiffTag::Equal {
            lines.extend(before.iter().map(bare).map(Line::Both));
        } else {
            lines.extend(before.iter().map(bare).map(Line::Old).chain(after.iter().map(bare).map(Line::New)));
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(old: &str, new: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let changes = paths(old.as_bytes(), new.as_bytes()).unwrap();
        changes.into_iter().map(|change| (change.path, change.old, change.new)).collect()
    }

    fn one(path: &str, old: &str, new: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let some = |text: &str| (text != "-").then(|| text.to_owned());
        vec![(path.to_owned(), some(old), some(new))]
    }

    #[test]
    fn the_first_byte_that_differs_is_found_also_at_an_end() {
        assert_eq!(first_difference(b"abc", b"abc"), None);
        assert_eq!(first_difference(b"abc", b"abd"), Some(2));
        assert_eq!(first_difference(b"abc", b"abcd"), Some(3));
        assert_eq!(first_difference(b"", b"x"), Some(0));
    }

    #[test]
    fn values_are_named_by_their_path() {
        assert_eq!(changes(r#"{"a":{"b":[1,{"c":2}]}}"#, r#"{"a":{"b":[1,{"c":3}]}}"#), one("a.b.1.c", "2", "3"));
        assert_eq!(changes(r#"{"a":1}"#, r#"{"a":1,"x.y":null}"#), one("\"x.y\"", "-", "null"));
        assert_eq!(changes(r#"{"a":1,"b":[]}"#, r#"{"a":1}"#), one("b", "[]", "-"));
        assert_eq!(changes("1", "2"), one("", "1", "2"));
    }

    #[test]
    fn numbers_differ_by_their_spelling_and_strings_by_what_they_say() {
        assert_eq!(changes(r#"{"a":1.0}"#, r#"{"a":1}"#), one("a", "1.0", "1"));
        let (long, longer) = ("123456789012345678901", "123456789012345678902");
        assert_eq!(changes(long, longer), one("", long, longer));
        assert_eq!(changes(r#"{"a":"\u00e9\/"}"#, r#" { "a" : "é/" } "#), []);
    }

    #[test]
    fn a_value_that_becomes_another_kind_is_told() {
        assert_eq!(changes(r#"{"a":"1"}"#, r#"{"a":1}"#), one("a", "\"1\"", "1"));
        let changes = changes(r#"{"a":{"b":1}}"#, r#"{"a":null}"#);
        assert_eq!(changes, [one("a.b", "1", "-"), one("a", "-", "null")].concat());
    }

    #[test]
    fn repeated_names_are_compared_one_by_one() {
        assert_eq!(changes(r#"{"a":1,"a":2}"#, r#"{"a":1,"a":3}"#), one("a#2", "2", "3"));
    }

    #[test]
    fn what_is_no_json_or_nested_too_deep_has_no_paths() {
        assert_eq!(paths(b"{}", b"a=1"), None);
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(paths(deep.as_bytes(), b"[]"), None);
    }

    #[test]
    fn headers_are_compared_by_name_with_their_repeats() {
        let read = |text: &str| Headers::read(text.as_bytes().to_vec()).unwrap();
        let (old, new) = (read("A: 1\r\nB: 1\r\nB: 2\r\n"), read("a: 1\r\nB: 2\r\nC: 3\r\n"));
        let changes = headers(&old, &new);
        let told: Vec<_> =
            changes.iter().map(|change| (change.name.as_str(), change.old.len(), change.new.len())).collect();
        assert_eq!(told, [("B", 2, 1), ("C", 0, 1)]);
    }

    #[test]
    fn text_is_compared_line_by_line() {
        let lines = lines("a\nb\n", "a\r\nc\n").unwrap();
        assert_eq!(lines, [Line::Old("a"), Line::Old("b"), Line::New("a\r"), Line::New("c")]);
    }
}
