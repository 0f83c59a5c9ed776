//! Reads JSON values with their text as it is written.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The members of a JSON object, in their order.
pub(in super::super) struct Members<'j>(pub(in super::super) Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'de: 'j, 'j> Deserialize<'de> for Members<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A name, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Name<'j>(#[serde(borrow)] Cow<'j, str>);

impl<'j> Members<'j> {
    pub(in super::super) fn parse(json: &'j str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// Returns the text of a value and whether it is a number. Objects and arrays stay JSON.
pub(in super::super) fn value_text(json: &str) -> (Cow<'_, str>, bool) {
    match json.bytes().next() {
        Some(b'"') => (serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned), false),
        Some(b'n') => (Cow::Borrowed(""), false),
        Some(b'-' | b'0'..=b'9') => (without_exponent(json).map_or(Cow::Borrowed(json), Cow::Owned), true),
        _ => (Cow::Borrowed(json), false),
    }
}

/// Writes a number such as `1.25e6` without its exponent. `None`: it has none, or too large a one.
fn without_exponent(number: &str) -> Option<String> {
    let (digits, exponent) = number.split_once(['e', 'E'])?;
    let exponent = usize::try_from(exponent.parse::<i32>().ok()?).ok().filter(|exponent| *exponent <= 30)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = format!("{part:0<exponent$}");
    let (more, rest) = part.split_at(exponent);
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    Some(format!("{whole}{more}{point}{rest}"))
}
