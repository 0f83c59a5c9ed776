//! Finds the differences of two requests: first byte, JSON paths, lines of text, headers.
//!
//! JSON numbers are compared as text, so that `1.0` and `1` differ and no digit of an amount is
//! lost; strings are compared after decoding. `render::diff` shows the differences and masks
//! secrets.

use crate::json::{Document, Token, TokenKind, Tokens};
use crate::model::message::Headers;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// A JSON value that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathChange {
    /// Names and indices from the top, as `--set` takes them: `data.items.0.id`. A name that is no
    /// plain word keeps its quotes; the second value of a repeated name is marked with `#2`.
    pub path: String,
    /// The innermost name on the path.
    pub key: String,
    /// The JSON text before. `None`: the value was added.
    pub old: Option<String>,
    /// The JSON text after. `None`: the value was removed.
    pub new: Option<String>,
}

/// The values of one header name, where they are not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderChange {
    /// The name as it was written at its first occurrence.
    pub name: String,
    pub old: Vec<Vec<u8>>,
    pub new: Vec<Vec<u8>>,
}

/// A line of text, without its line feed but with a carriage return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine<'a> {
    Both(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// Returns the offset of the first byte that differs; if one is the start of the other, its length.
pub fn first_difference(old: &[u8], new: &[u8]) -> Option<usize> {
    let same = old.iter().zip(new).take_while(|(one, other)| one == other).count();
    (same < old.len() || same < new.len()).then_some(same)
}

/// The deepest nesting that is compared: the paths of hostile text take the square of its length.
const MAX_DEPTH: usize = 128;

/// Compares two JSON texts by path. Values of the old text come first, in its order, then added
/// ones. `None`: one of the texts is not JSON, or nested too deeply.
pub fn paths(old: &[u8], new: &[u8]) -> Option<Vec<PathChange>> {
    let (old, new) = (leaves(old)?, leaves(new)?);
    let after: HashMap<_, _> = new.iter().map(|leaf| (leaf.path.as_str(), leaf)).collect();
    let before: HashSet<_> = old.iter().map(|leaf| leaf.path.as_str()).collect();
    let changed = old.iter().filter_map(|leaf| match after.get(leaf.path.as_str()) {
        Some(other) if decode_string(&leaf.text) == decode_string(&other.text) => None,
        Some(other) => Some(leaf.change(Some(&leaf.text), Some(&other.text))),
        None => Some(leaf.change(Some(&leaf.text), None)),
    });
    let added = new.iter().filter(|leaf| !before.contains(leaf.path.as_str()));
    Some(changed.chain(added.map(|leaf| leaf.change(None, Some(&leaf.text)))).collect())
}

/// Undoes the escapes of a JSON string; other values stay as they are.
fn decode_string(json: &str) -> Cow<'_, str> {
    if json.contains('\\')
        && let Ok(text) = serde_json::from_str::<String>(json)
    {
        return format!("\"{text}\"").into();
    }
    json.into()
}

/// A scalar, or an empty object or array.
struct JsonLeaf {
    path: String,
    key: String,
    text: String,
}

impl JsonLeaf {
    fn change(&self, old: Option<&str>, new: Option<&str>) -> PathChange {
        PathChange {
            path: self.path.clone(),
            key: self.key.clone(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        }
    }
}

/// Lists the leaves of a document in order.
fn leaves(text: &[u8]) -> Option<Vec<JsonLeaf>> {
    let document = Document::parse(text).ok()?;
    let mut walker = PathWalker { text: document.text(), steps: Vec::new(), leaves: Vec::new(), seen: HashMap::new() };
    for token in Tokens::new(text) {
        walker.read(token.ok()?)?;
    }
    Some(walker.leaves)
}

/// A step of a path. `None`: nothing was read of this object or array yet.
enum PathStep {
    /// The quoted name of a member.
    Name(Option<String>),
    Index(Option<usize>),
}

/// Reads the tokens of a document, and collects its leaves with their paths.
struct PathWalker<'a> {
    text: &'a str,
    steps: Vec<PathStep>,
    leaves: Vec<JsonLeaf>,
    /// The number of leaves at each path.
    seen: HashMap<String, u32>,
}

impl PathWalker<'_> {
    fn read(&mut self, token: Token) -> Option<()> {
        let text = self.text.get(token.start..token.end)?;
        match token.kind {
            TokenKind::Space | TokenKind::Colon | TokenKind::Comma => {}
            TokenKind::Key => {
                if let Some(PathStep::Name(name)) = self.steps.last_mut() {
                    *name = Some(text.to_owned());
                }
            }
            TokenKind::OpenObject | TokenKind::OpenArray => {
                self.count_element();
                let is_object = token.kind == TokenKind::OpenObject;
                self.steps.push(if is_object { PathStep::Name(None) } else { PathStep::Index(None) });
                if self.steps.len() > MAX_DEPTH {
                    return None;
                }
            }
            TokenKind::CloseObject | TokenKind::CloseArray => match self.steps.pop() {
                Some(PathStep::Name(None)) => self.add_leaf("{}"),
                Some(PathStep::Index(None)) => self.add_leaf("[]"),
                _ => {}
            },
            _ => {
                self.count_element();
                self.add_leaf(text);
            }
        }
        Some(())
    }

    /// Counts the value that begins here, if it is in an array.
    fn count_element(&mut self) {
        if let Some(PathStep::Index(index)) = self.steps.last_mut() {
            *index = Some(index.map_or(0, |index| index + 1));
        }
    }

    fn add_leaf(&mut self, text: &str) {
        let parts = self.steps.iter().map(|step| match step {
            PathStep::Name(name) => unquote_word(name.as_deref().unwrap_or_default()).to_owned(),
            PathStep::Index(index) => index.unwrap_or_default().to_string(),
        });
        let mut path = parts.collect::<Vec<_>>().join(".");
        let key = self.steps.iter().rev().find_map(|step| match step {
            PathStep::Name(name) => name.as_deref().map(|name| name.trim_matches('"').to_owned()),
            PathStep::Index(_) => None,
        });
        let times = self.seen.entry(path.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            path.push_str(&format!("#{times}"));
        }
        self.leaves.push(JsonLeaf { path, key: key.unwrap_or_default(), text: text.to_owned() });
    }
}

/// Removes the quotes of a name that is a plain word.
fn unquote_word(quoted: &str) -> &str {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '$' | '@');
    if !inner.is_empty() && inner.chars().all(is_plain) { inner } else { quoted }
}

/// Compares headers, ignoring the case of names. Old names come first, then added ones.
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

/// The longest text that is compared by line: the cost can grow with the square of the lines.
const MAX_LINES: usize = 2_000;

/// Compares two texts line by line. `None`: they are too long.
pub fn lines<'a>(old: &'a str, new: &'a str) -> Option<Vec<DiffLine<'a>>> {
    let (old, new): (Vec<_>, Vec<_>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    if old.len().max(new.len()) > MAX_LINES {
        return None;
    }
    let mut lines = Vec::new();
    let strip = |line: &&'a str| -> &'a str { line.strip_suffix('\n').unwrap_or(line) };
    for part in similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new) {
        let (tag, before, after) = part.as_tag_tuple();
        let (before, after) = (old.get(before).unwrap_or_default(), new.get(after).unwrap_or_default());
        if tag == similar::DiffTag::Equal {
            lines.extend(before.iter().map(strip).map(DiffLine::Both));
        } else {
            lines.extend(before.iter().map(strip).map(DiffLine::Old).chain(after.iter().map(strip).map(DiffLine::New)));
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
    fn the_first_difference_may_be_at_the_end_of_one() {
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
    fn numbers_are_compared_as_text_and_strings_after_decoding() {
        assert_eq!(changes(r#"{"a":1.0}"#, r#"{"a":1}"#), one("a", "1.0", "1"));
        let (long, longer) = ("123456789012345678901", "123456789012345678902");
        assert_eq!(changes(long, longer), one("", long, longer));
        assert_eq!(changes(r#"{"a":"\u00e9\/"}"#, r#" { "a" : "é/" } "#), []);
    }

    #[test]
    fn a_value_of_another_type_is_a_change() {
        assert_eq!(changes(r#"{"a":"1"}"#, r#"{"a":1}"#), one("a", "\"1\"", "1"));
        let changes = changes(r#"{"a":{"b":1}}"#, r#"{"a":null}"#);
        assert_eq!(changes, [one("a.b", "1", "-"), one("a", "-", "null")].concat());
    }

    #[test]
    fn repeated_names_are_compared_one_by_one() {
        assert_eq!(changes(r#"{"a":1,"a":2}"#, r#"{"a":1,"a":3}"#), one("a#2", "2", "3"));
    }

    #[test]
    fn text_that_is_not_json_or_nested_too_deeply_has_no_paths() {
        assert_eq!(paths(b"{}", b"a=1"), None);
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(paths(deep.as_bytes(), b"[]"), None);
    }

    #[test]
    fn headers_are_compared_by_name_with_their_repeats() {
        let read = |text: &str| Headers::read(text.as_bytes().to_vec()).unwrap();
        let (old, new) = (read("A: 1\r\nB: 1\r\nB: 2\r\n"), read("a: 1\r\nB: 2\r\nC: 3\r\n"));
        let changes = headers(&old, &new);
        let counts: Vec<_> =
            changes.iter().map(|change| (change.name.as_str(), change.old.len(), change.new.len())).collect();
        assert_eq!(counts, [("B", 2, 1), ("C", 0, 1)]);
    }

    #[test]
    fn text_is_compared_line_by_line() {
        let lines = lines("a\nb\n", "a\r\nc\n").unwrap();
        assert_eq!(lines, [DiffLine::Old("a"), DiffLine::Old("b"), DiffLine::New("a\r"), DiffLine::New("c")]);
    }
}
