//! Events that are expected: a type, and values of the payload.

use crate::json::{self, Document, TokenKind, ValueView};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::expectation::ValueDifference;
use crate::provider::field_change::{FieldChange, FieldChangeError, NewValue};
use std::str::FromStr;
use wildmatch::WildMatch;

/// An expected event: `TYPE[,PATH=VALUE…]`.
#[derive(Clone, Debug)]
pub struct ExpectedEvent {
    /// As it was given.
    pub text: String,
    /// Glob.
    pub event_type: String,
    values: Vec<FieldChange>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ExpectationError {
    #[error("expected TYPE or TYPE,PATH=VALUE, such as 'payment.*,data.amount=10000'")]
    NoType,
    #[error("`{0}` is not PATH=VALUE; several events are several --expect; write a comma in a value as \\,")]
    NotAValue(String),
    #[error("`{0}` is not JSON; write a comma in it as \\,")]
    NotJson(String),
}

impl FromStr for ExpectedEvent {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        let mut parts = split_at_commas(text).into_iter();
        let event_type = parts.next().map(|part| part.trim().to_owned()).unwrap_or_default();
        if event_type.is_empty() || event_type.contains('=') {
            return Err(ExpectationError::NoType);
        }
        let value = |part: String| {
            part.trim_start().parse().map_err(|error| match error {
                FieldChangeError::NotJson(json) => ExpectationError::NotJson(json),
                _ => ExpectationError::NotAValue(part),
            })
        };
        Ok(Self { text: text.to_owned(), event_type, values: parts.map(value).collect::<Result<_, _>>()? })
    }
}

/// Splits at commas; `\,` is a comma in a part. Other backslashes stay.
fn split_at_commas(text: &str) -> Vec<String> {
    let (mut parts, mut letters) = (vec![String::new()], text.chars().peekable());
    while let Some(letter) = letters.next() {
        let is_escaped = letter == '\\' && letters.peek() == Some(&',');
        let letter = if is_escaped { letters.next().unwrap_or(letter) } else { letter };
        match parts.last_mut() {
            Some(part) if is_escaped || letter != ',' => part.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts
}

impl ExpectedEvent {
    /// Returns the values that differ. Empty: this is the event. `None`: it is of another type.
    pub fn differences(&self, received: &AnalyzedDelivery) -> Option<Vec<ValueDifference>> {
        let event_type = received.event.kind.as_deref().unwrap_or_default();
        if !WildMatch::new(&self.event_type).matches(event_type) {
            return None;
        }
        let document = Document::parse(&received.delivery.request.body).ok();
        let root = document.as_ref().and_then(|document| ValueView::at(document, 0));
        let difference = |expected: &FieldChange| {
            let found = root.and_then(|root| value_at(root, &expected.path));
            (!found.is_some_and(|found| is_equal(found, &expected.value))).then(|| ValueDifference {
                path: expected.path.join("."),
                expected: match &expected.value {
                    NewValue::Text(text) | NewValue::Json(text) => text.clone(),
                },
                found: found.map(|found| found.spelling().to_owned()),
            })
        };
        Some(self.values.iter().filter_map(difference).collect())
    }
}

/// Returns the value at a path. Of equal names, parsers use the last.
fn value_at<'d>(root: ValueView<'d>, path: &[String]) -> Option<ValueView<'d>> {
    path.iter().try_fold(root, |value, name| {
        if value.is_list() {
            return value.elements().nth(name.parse().ok()?);
        }
        value.members().filter(|(member, _)| member == name).last().map(|(_, value)| value)
    })
}

/// Compares a value with the expected one. Text is compared as the type of the value; numbers are
/// equal if their values are (`1.50` and `1.5`). Arrays and objects are compared without whitespace.
fn is_equal(found: ValueView<'_>, expected: &NewValue) -> bool {
    match expected {
        NewValue::Text(text) => match found.kind() {
            TokenKind::OpenArray | TokenKind::OpenObject => false,
            TokenKind::Number => are_equal_numbers(found.spelling(), text),
            _ => found.text().map_or_else(|| found.spelling() == text, |found| found == *text),
        },
        NewValue::Json(expected) => {
            let Ok(document) = Document::parse(expected.as_bytes()) else { return false };
            let Some(expected) = ValueView::at(&document, 0) else { return false };
            match (found.kind(), expected.kind()) {
                (TokenKind::Number, TokenKind::Number) => are_equal_numbers(found.spelling(), expected.spelling()),
                (found_kind, expected_kind) if found_kind != expected_kind => false,
                (TokenKind::OpenArray | TokenKind::OpenObject, _) => {
                    json::compact(found.spelling()) == json::compact(expected.spelling())
                }
                (TokenKind::True | TokenKind::False | TokenKind::Null, _) => true,
                _ => found.text() == expected.text(),
            }
        }
    }
}

fn are_equal_numbers(left: &str, right: &str) -> bool {
    match (Decimal::parse(left), Decimal::parse(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// The value of a number: its digits without leading and trailing zeros, and a power of ten.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Parses a JSON number. `None`: it is none, or its exponent is beyond 64 bits.
    fn parse(text: &str) -> Option<Self> {
        if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) || !json::is_valid(text.as_bytes()) {
            return None;
        }
        let (mantissa, exponent) = text.trim_end().split_once(['e', 'E']).unwrap_or((text.trim_end(), "0"));
        let exponent: i64 = exponent.trim_start_matches('+').parse().ok()?;
        let (whole, fraction) =
            mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa.trim_start_matches('-'), ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        let significant = digits.trim_end_matches('0');
        if significant.is_empty() {
            return Some(Self { is_negative: false, digits: String::new(), exponent: 0 });
        }
        let moved = i64::try_from(digits.len() - significant.len()).ok()?;
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(moved)?;
        Some(Self { is_negative: mantissa.starts_with('-'), digits: significant.to_owned(), exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::Delivery;
    use crate::model::event::Event;
    use crate::model::message::Request;
    use crate::model::verdict::Verdict;

    const BODY: &str = r#"{"type":"payment.debited","data":{"amount":"10000","count":1.50,"live":true,"note":null,
        "tags":["a", "b,c"],"big":12345678901234567890,"n\u006fme":"caf\u00e9","amount2":1,"amount2":2}}"#;

    fn differences(expected: &str) -> Option<Vec<String>> {
        let delivery = Delivery { request: Request::post("/", BODY.as_bytes().to_vec()), peer: None, arrived: None };
        let event = Event { kind: Some("payment.debited".to_owned()), ..Event::default() };
        let received = AnalyzedDelivery { delivery, provider: None, verdict: Verdict::Unsigned, event };
        let differences = expected.parse::<ExpectedEvent>().unwrap().differences(&received)?;
        Some(differences.into_iter().map(|each| format!("{}: {:?}", each.path, each.found)).collect())
    }

    #[test]
    fn values_are_compared_as_the_type_of_the_field() {
        for expected in [
            "payment.debited",
            "payment.*",
            "*",
            "*,data.amount=10000",
            "*, data.amount=10000, data.live=true",
            "*,data.count=1.5",
            "*,data.count=15e-1",
            "*,data.count:=1.500",
            "*,data.note=null",
            "*,data.note:=null",
            "*,data.tags[1]=b\\,c",
            "*,data.tags.0=a",
            "*,data.tags:=[\"a\"\\,\"b\\,c\"]",
            "*,data.big=12345678901234567890",
            "*,data.nome=café",
            "*,data.amount2=2",
        ] {
            assert_eq!(differences(expected), Some(Vec::new()), "{expected}");
        }
        for (expected, found) in [
            ("*,data.amount=10000.0", r#"data.amount: Some("\"10000\"")"#),
            ("*,data.amount:=10000", r#"data.amount: Some("\"10000\"")"#),
            ("*,data.count=1.51", r#"data.count: Some("1.50")"#),
            ("*,data.big=12345678901234567891", r#"data.big: Some("12345678901234567890")"#),
            ("*,data.amount2=1", r#"data.amount2: Some("2")"#),
            ("*,data.other=", "data.other: None"),
            ("*,data.tags[2]=x", "data.tags.2: None"),
            ("*,data.amount.x=1", "data.amount.x: None"),
        ] {
            assert_eq!(differences(expected), Some(vec![found.to_owned()]), "{expected}");
        }
        assert_eq!(differences("refund.*,data.amount=10000"), None);
    }

    #[test]
    fn an_expectation_without_a_type_or_value_is_refused() {
        for text in ["", ",a=1", "a=1", " ,a=1"] {
            assert_eq!(text.parse::<ExpectedEvent>().unwrap_err(), ExpectationError::NoType, "{text}");
        }
        for text in ["payment.*,refund.*", "payment.*,", "payment.*,=1", "payment.*,a..b=1"] {
            let error = text.parse::<ExpectedEvent>().unwrap_err();
            assert!(matches!(error, ExpectationError::NotAValue(_)), "{text}: {error}");
        }
        let error = "payment.*,a:=[1,2]".parse::<ExpectedEvent>().unwrap_err();
        assert!(matches!(error, ExpectationError::NotJson(_)), "{error}");
    }
}
