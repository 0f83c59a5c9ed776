//! Parsers of flag values.

use crate::model::timestamp::{self, SignedDuration, Timestamp};
use crate::provider::{self, Provider};
use crate::webhook::route;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::ffi::OsStr;

/// Parses the name of a provider.
pub(in crate::command) fn provider_parser() -> impl TypedValueParser<Value = &'static dyn Provider> {
    PossibleValuesParser::new(provider::ALL.iter().map(|provider| provider.name()))
        .map(|name| provider::by_name(&name).expect("clap accepts only these names"))
}

/// A list in one argument: elements between commas. Spaces around elements and empty elements have
/// no meaning; a list without any element is an error. The same holds for variables and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::command) struct TextList(Vec<String>);

impl std::str::FromStr for TextList {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let elements: Vec<_> = route::list_elements(text).map(str::to_owned).collect();
        if elements.is_empty() { Err("the list is empty") } else { Ok(Self(elements)) }
    }
}

impl TextList {
    pub(in crate::command) fn elements(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Joins the lists of a repeated argument.
pub(in crate::command) fn join_lists(lists: &[TextList]) -> Vec<String> {
    lists.iter().flat_map(|list| list.0.iter().cloned()).collect()
}

/// Parser of a list with a fixed set of elements, which help and completions show.
#[derive(Clone)]
pub(in crate::command) struct ListParser<P>(pub P);

/// The elements of one argument.
#[derive(Clone, Debug)]
pub(in crate::command) struct ParsedList<T>(pub Vec<T>);

impl<P: TypedValueParser> TypedValueParser for ListParser<P> {
    type Value = ParsedList<P::Value>;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let text = value.to_string_lossy();
        let elements: Vec<&str> = route::list_elements(&text).collect();
        // An empty list is refused as an empty element.
        let elements = if elements.is_empty() { vec![""] } else { elements };
        let parsed = elements.into_iter().map(|element| self.0.parse_ref(command, argument, OsStr::new(element)));
        parsed.collect::<Result<_, _>>().map(ParsedList)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// Parses a duration such as `90s`, `5m`, `1h 30m`, `30d`, or a number of seconds. A day has 24
/// hours.
pub(in crate::command) fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let in_words = |text: &str| text.parse::<jiff::Span>()?.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let span = match text.parse() {
        Ok(seconds) => SignedDuration::from_secs(seconds),
        Err(_) => in_words(text).map_err(|_| "expected a duration such as 90s, 5m, 1h 30m or 30d".to_owned())?,
    };
    match span {
        _ if span.is_negative() => Err("a duration can't be negative".to_owned()),
        _ if span > MAX_DURATION => Err("a duration can't be longer than 100000 days".to_owned()),
        _ => Ok(span),
    }
}

/// Keeps sums of a duration and the current time within the range of a timestamp.
pub(in crate::command) const MAX_DURATION: SignedDuration = SignedDuration::from_hours(24 * 100_000);

pub(in crate::command) fn parse_port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected a port from 0 to 65535".to_owned())
}

/// Parses a number of requests per second.
pub(in crate::command) fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.001..=1e6).contains(&rate) { Ok(rate) } else { Err("must be from 0.001 to 1000000".to_owned()) }
}

pub(in crate::command) fn parse_time(text: &str) -> Result<Timestamp, String> {
    timestamp::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_units_or_is_a_number_of_seconds() {
        for (text, seconds) in [
            ("0", 0),
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            ("30d", 2_592_000),
            ("2w", 1_209_600),
            ("PT90S", 90),
            ("100000d", 8_640_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("1500ms"), Ok(SignedDuration::from_millis(1_500)));
    }

    #[test]
    fn a_duration_is_not_negative_endless_or_without_meaning() {
        let expected = "expected a duration such as 90s, 5m, 1h 30m or 30d";
        for (text, error) in [
            ("", expected),
            ("x", expected),
            ("5x", expected),
            ("1.5", expected),
            // The length of a month depends on the month.
            ("1mo", expected),
            ("-1", "a duration can't be negative"),
            ("-5m", "a duration can't be negative"),
            ("100001d", "a duration can't be longer than 100000 days"),
            ("8640000001", "a duration can't be longer than 100000 days"),
        ] {
            assert_eq!(parse_duration(text), Err(error.to_owned()), "{text}");
        }
    }

    #[test]
    fn ports_and_rates_have_limits() {
        assert_eq!(["0", "4848", "65535"].map(parse_port), [Ok(0), Ok(4848), Ok(65535)]);
        for text in ["65536", "-1", "", "http", "80 "] {
            assert_eq!(parse_port(text), Err("expected a port from 0 to 65535".to_owned()), "{text}");
        }
        assert_eq!(["0.001", "2.5", "1e6", "1000000"].map(parse_rate), [Ok(0.001), Ok(2.5), Ok(1e6), Ok(1e6)]);
        for text in ["0", "0.0009", "-1", "1000001", "NaN", "inf"] {
            assert_eq!(parse_rate(text), Err("must be from 0.001 to 1000000".to_owned()), "{text}");
        }
        assert_eq!(parse_rate("fast"), Err("not a number".to_owned()));
    }
}
