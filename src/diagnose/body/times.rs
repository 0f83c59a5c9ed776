//! Writes times as typed models of other languages do: Go, pydantic, .NET, Jackson, Carbon, Rails.

use crate::json::Language::{self, CSharp, Go, Java, JavaScript, Php, Python, Ruby};
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;

/// A notation of a time, with an example.
pub(super) struct TimeNotation {
    /// The example for 2025-01-15 10:30:00 and no fraction.
    pub example: &'static str,
    pub language: Option<Language>,
    /// Returns the JSON value.
    pub write: fn(&DateTime) -> String,
}

/// How many digits a fraction has.
#[derive(Clone, Copy)]
enum Fraction {
    Dropped,
    /// Without zeros at its end.
    Trimmed,
    /// None for a whole second, else this many.
    IfAny(usize),
    Fixed(usize),
}

fn write(time: &DateTime, separator: char, fraction: Fraction, zone: &str) -> String {
    let nanos = format!("{:09}", time.subsec_nanosecond());
    let digits = match fraction {
        Fraction::Dropped => "",
        Fraction::Trimmed => nanos.trim_end_matches('0'),
        Fraction::IfAny(_) if time.subsec_nanosecond() == 0 => "",
        Fraction::IfAny(count) | Fraction::Fixed(count) => &nanos[..count],
    };
    let dot = if digits.is_empty() { "" } else { "." };
    format!("\"{}{separator}{}{dot}{digits}{zone}\"", time.strftime("%Y-%m-%d"), time.strftime("%H:%M:%S"))
}

fn epoch_nanos(time: &DateTime) -> i128 {
    time.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_nanosecond())
}

const fn notation(example: &'static str, language: Option<Language>, write: fn(&DateTime) -> String) -> TimeNotation {
    TimeNotation { example, language, write }
}

/// The number of notations at the start that models use most.
pub(super) const USUAL: usize = 6;

pub(super) static NOTATIONS: &[TimeNotation] = &[
    notation("2025-01-15T10:30:00Z", None, |time| write(time, 'T', Fraction::Trimmed, "Z")),
    notation("2025-01-15T10:30:00.000Z", Some(JavaScript), |time| write(time, 'T', Fraction::Fixed(3), "Z")),
    notation("2025-01-15T10:30:00+00:00", None, |time| write(time, 'T', Fraction::IfAny(6), "+00:00")),
    notation("2025-01-15T10:30:00.000000Z", Some(Php), |time| write(time, 'T', Fraction::Fixed(6), "Z")),
    notation("2025-01-15 10:30:00+00:00", Some(Python), |time| write(time, ' ', Fraction::IfAny(6), "+00:00")),
    notation("2025-01-15T10:30:00", None, |time| write(time, 'T', Fraction::IfAny(6), "")),
    notation("2025-01-15T10:30:00.000+00:00", Some(Java), |time| write(time, 'T', Fraction::Fixed(3), "+00:00")),
    notation("2025-01-15T10:30:00.000+0000", Some(Java), |time| write(time, 'T', Fraction::Fixed(3), "+0000")),
    notation("2025-01-15T10:30:00+0000", Some(Php), |time| write(time, 'T', Fraction::Dropped, "+0000")),
    notation("2025-01-15T10:30:00.0000000Z", Some(CSharp), |time| write(time, 'T', Fraction::Fixed(7), "Z")),
    notation("2025-01-15T10:30:00.0000000+00:00", Some(CSharp), |time| write(time, 'T', Fraction::Fixed(7), "+00:00")),
    notation("2025-01-15T10:30:00.0000000", Some(CSharp), |time| write(time, 'T', Fraction::Fixed(7), "")),
    notation("2025-01-15T10:30:00.000", None, |time| write(time, 'T', Fraction::Fixed(3), "")),
    notation("2025-01-15T10:30:00.000000", None, |time| write(time, 'T', Fraction::Fixed(6), "")),
    notation("2025-01-15T10:30:00.000000+00:00", Some(Python), |time| write(time, 'T', Fraction::Fixed(6), "+00:00")),
    notation("2025-01-15T10:30:00Z, fraction dropped", None, |time| write(time, 'T', Fraction::Dropped, "Z")),
    notation("2025-01-15T10:30:00+00:00, fraction dropped", Some(Php), |time| {
        write(time, 'T', Fraction::Dropped, "+00:00")
    }),
    notation("2025-01-15T10:30:00Z, six digits if any", Some(Python), |time| write(time, 'T', Fraction::IfAny(6), "Z")),
    notation("2025-01-15 10:30:00", None, |time| write(time, ' ', Fraction::Dropped, "")),
    notation("2025-01-15 10:30:00.000000", None, |time| write(time, ' ', Fraction::Fixed(6), "")),
    notation("2025-01-15 10:30:00.000", None, |time| write(time, ' ', Fraction::Fixed(3), "")),
    notation("2025-01-15 10:30:00 UTC", Some(Ruby), |time| write(time, ' ', Fraction::Dropped, " UTC")),
    notation("2025-01-15 10:30:00 +0000", Some(Ruby), |time| write(time, ' ', Fraction::Dropped, " +0000")),
    notation("2025-01-15 10:30:00 +0000 UTC", Some(Go), |time| write(time, ' ', Fraction::Trimmed, " +0000 UTC")),
    notation("Wed, 15 Jan 2025 10:30:00 GMT", Some(Python), |time| {
        format!("\"{}\"", time.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    }),
    notation("2025-01-15", None, |time| format!("\"{}\"", time.strftime("%Y-%m-%d"))),
    notation("1736937000", None, |time| (epoch_nanos(time) / 1_000_000_000).to_string()),
    notation("1736937000000", Some(Java), |time| (epoch_nanos(time) / 1_000_000).to_string()),
    notation("1736937000.000000000", Some(Java), |time| {
        let nanos = epoch_nanos(time);
        format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
    }),
    notation("/Date(1736937000000)/", Some(CSharp), |time| {
        format!("\"\\/Date({})\\/\"", epoch_nanos(time) / 1_000_000)
    }),
];

/// Parses the JSON string of a time in UTC: RFC 3339, with a blank, or without a zone.
pub(super) fn parse(json: &str) -> Option<DateTime> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    let is_time = (19..=40).contains(&text.len()) && text.as_bytes()[4] == b'-' && text.as_bytes()[13] == b':';
    if !is_time {
        return None;
    }
    let zones = ["Z", "+00:00", "+0000", " UTC"];
    let bare = zones.iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    // A zone that is left would be read and dropped.
    if bare.get(19..)?.contains(['+', '-', ' ', 'Z', 'z', '[']) {
        return None;
    }
    DateTimeParser::new().parse_datetime(bare).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_writes_its_example() {
        let time = parse("\"2025-01-15T10:30:00.000Z\"").unwrap();
        for notation in NOTATIONS {
            let example = notation.example.split(", fraction").next().unwrap().split(", six").next().unwrap();
            assert_eq!((notation.write)(&time).trim_matches('"').replace("\\/", "/"), example);
        }
    }

    #[test]
    fn fractions_are_trimmed_padded_or_dropped() {
        let time = parse("\"2025-01-15T10:30:00.120Z\"").unwrap();
        let written: Vec<_> = NOTATIONS.iter().take(4).map(|notation| (notation.write)(&time)).collect();
        // go: t.Format(time.RFC3339Nano); node: toISOString(); python: isoformat(); PHP Carbon: toJSON()
        assert_eq!(
            written,
            [
                "\"2025-01-15T10:30:00.12Z\"",
                "\"2025-01-15T10:30:00.120Z\"",
                "\"2025-01-15T10:30:00.120000+00:00\"",
                "\"2025-01-15T10:30:00.120000Z\""
            ]
        );
    }

    #[test]
    fn only_times_in_utc_are_parsed() {
        for text in
            ["2025-01-15T10:30:00Z", "2025-01-15 10:30:00", "2025-01-15T10:30:00+00:00", "2025-01-15 10:30:00 UTC"]
        {
            assert!(parse(&format!("\"{text}\"")).is_some(), "{text}");
        }
        for text in ["2025-01-15T10:30:00+02:00", "2025-01-15", "hello", "20250115103000", "2025-99-15T10:30:00Z"] {
            assert!(parse(&format!("\"{text}\"")).is_none(), "{text}");
        }
    }
}
