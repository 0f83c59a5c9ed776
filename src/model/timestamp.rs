//! Points in time, written as Unix seconds or RFC 3339.
//!
//! The clock is read in `edge`.

pub use jiff::{SignedDuration, Timestamp};

/// The text is neither Unix seconds nor RFC 3339.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a time: give Unix seconds (1736937000) or RFC 3339 (2025-01-15T10:30:00Z)")]
pub struct InvalidTime(pub String);

/// Numbers from here on are milliseconds: as seconds they would be after the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// The number in a timestamp header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnixTime {
    Seconds(Timestamp),
    Milliseconds(Timestamp),
}

/// Parses Unix seconds or milliseconds, distinguished by size. `None`: not an integer, or out of
/// range.
pub fn parse_unix(text: &str) -> Option<UnixTime> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    if number.unsigned_abs() >= MILLISECONDS_FROM.unsigned_abs() {
        return Timestamp::from_millisecond(number).ok().map(UnixTime::Milliseconds);
    }
    Timestamp::from_second(number).ok().map(UnixTime::Seconds)
}

/// Parses Unix seconds or RFC 3339.
pub fn parse(text: &str) -> Result<Timestamp, InvalidTime> {
    match parse_unix(text) {
        Some(UnixTime::Seconds(time)) => Ok(time),
        Some(UnixTime::Milliseconds(_)) => Err(InvalidTime(text.to_owned())),
        None => text.parse().map_err(|_| InvalidTime(text.to_owned())),
    }
}

/// Formats a duration in its largest sensible unit: `4 s`, `12 min`, `3 h`, `9 days`.
pub fn format_duration(span: SignedDuration) -> String {
    let seconds = span.as_secs().unsigned_abs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_seconds_and_rfc_3339_give_the_same_time() {
        let expected = Timestamp::from_second(1_736_937_000).unwrap();
        assert_eq!(parse("1736937000"), Ok(expected));
        assert_eq!(parse("2025-01-15T10:30:00Z"), Ok(expected));
        assert_eq!(parse("2025-01-15T09:30:00-01:00"), Ok(expected));
    }

    #[test]
    fn milliseconds_are_distinguished_from_seconds_by_size() {
        let moment = Timestamp::from_second(1_736_937_000).unwrap();
        assert_eq!(parse_unix("1736937000000"), Some(UnixTime::Milliseconds(moment)));
        assert_eq!(parse_unix("1736937000"), Some(UnixTime::Seconds(moment)));
        assert_eq!(parse("1736937000000"), Err(InvalidTime("1736937000000".to_owned())));
    }

    #[test]
    fn only_integers_are_unix_time() {
        for text in ["", "-", "+1", "1.5", "1e9", " 1", "0x10", "99999999999999999999", "9223372036854775807"] {
            assert_eq!(parse_unix(text), None, "{text}");
        }
    }

    #[test]
    fn milliseconds_begin_at_one_hundred_billion_on_both_sides_of_the_epoch() {
        let is_seconds = |text| matches!(parse_unix(text), Some(UnixTime::Seconds(_)));
        let is_milliseconds = |text| matches!(parse_unix(text), Some(UnixTime::Milliseconds(_)));
        assert!(is_seconds("99999999999") && is_seconds("-99999999999") && is_seconds("0"));
        assert!(is_milliseconds("100000000000") && is_milliseconds("-100000000000"));
    }

    #[test]
    fn an_invalid_time_is_quoted_with_both_formats() {
        for text in ["yesterday", "2025-01-15", "2025-01-15T10:30:00", "1.5", ""] {
            let expected =
                format!("`{text}` is not a time: give Unix seconds (1736937000) or RFC 3339 (2025-01-15T10:30:00Z)");
            assert_eq!(parse(text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn durations_are_formatted_in_their_largest_sensible_unit() {
        for (seconds, text) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 days"),
            (-90_000, "25 h"),
            (2_592_000, "30 days"),
        ] {
            assert_eq!(format_duration(SignedDuration::from_secs(seconds)), text, "{seconds}");
        }
        assert_eq!(format_duration(SignedDuration::from_millis(1_999)), "1 s");
    }
}
