//! Names of captures on the command line: numbers, `last`, ranges, and references.

use std::ops::RangeInclusive;

/// The name of one or several captures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureName {
    /// `42`. If no capture has this number, it may be a reference, such as an order number.
    Number(i64),
    /// `last` is the newest (0), `last~2` the one two before it.
    Last(u64),
    /// `40..45`, both ends included.
    Range(RangeInclusive<i64>),
    /// An event id, payment id or reference: `evt_…`, `pi_…`, `PLS-…`.
    Reference(String),
}

impl CaptureName {
    pub fn parse(text: &str) -> Self {
        let number = |text: &str| text.parse::<i64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        if text == "last" {
            return Self::Last(0);
        }
        if let Some(back) = text.strip_prefix("last~").and_then(number) {
            return Self::Last(back.unsigned_abs());
        }
        if let Some((first, last)) = text.split_once("..")
            && let (Some(first), Some(last)) = (number(first), number(last))
        {
            return Self::Range(first..=last);
        }
        number(text).map_or_else(|| Self::Reference(text.to_owned()), Self::Number)
    }

    pub fn is_reference(&self) -> bool {
        matches!(self, Self::Reference(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_last_and_ranges_are_told_from_references() {
        let cases = [
            ("42", CaptureName::Number(42)),
            ("last", CaptureName::Last(0)),
            ("last~2", CaptureName::Last(2)),
            ("40..45", CaptureName::Range(40..=45)),
        ];
        for (text, expected) in cases {
            assert_eq!(CaptureName::parse(text), expected, "{text}");
        }
        for text in [
            "",
            "last~",
            "last~-1",
            "last~x",
            "40..",
            "..45",
            "40..x",
            "+4",
            "-4",
            "evt_1",
            "PLS-7",
            "9".repeat(20).as_str(),
        ] {
            assert_eq!(CaptureName::parse(text), CaptureName::Reference(text.to_owned()), "{text}");
        }
    }
}
