//! The texts that may have been signed as the timestamp.

use super::FrameRarity;
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::timestamp as kinds;
use crate::diagnose::signature::other_header;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::Headers;
use crate::model::timestamp::{self, SignedDuration, Timestamp, UnixTime};
use crate::provider::{self, Provider};
use jiff::tz::TimeZone;

/// A text that may have been signed as the timestamp.
#[derive(Clone, Debug)]
pub(super) struct TimeText {
    pub text: String,
    pub causes: Vec<Cause>,
    /// 0: the headers show it.
    pub changes: usize,
    pub is_rare: bool,
}

impl TimeText {
    /// Stands for the timestamp in a message without one.
    pub(super) fn none() -> Self {
        Self { text: String::new(), causes: Vec::new(), changes: 0, is_rare: false }
    }

    fn change(text: impl Into<String>, base: &Self, cause: Cause, is_rare: bool) -> Self {
        let causes = base.causes.iter().cloned().chain([cause]).collect();
        Self { text: text.into(), causes, changes: base.changes + 1, is_rare }
    }
}

/// Finds the first timestamp header of this provider or, when there is none, of any other.
pub(in crate::diagnose) fn find_own<'h>(headers: &'h Headers, provider: &dyn Provider) -> Option<&'h str> {
    let providers = [provider].into_iter().chain(provider::ALL.iter().copied());
    let value = providers.filter_map(|each| each.timestamp_header()).find_map(|name| headers.get(name))?;
    std::str::from_utf8(value).ok()
}

/// What code writes for a value that is not there.
const UNSET: [&str; 17] = [
    "undefined",
    "null",
    "None",
    "NaN",
    "",
    "nil",
    "0",
    "false",
    "<nil>",
    "%!s(<nil>)",
    "(null)",
    "<no value>",
    "<null>",
    "NULL",
    "Invalid Date",
    "[object Object]",
    "[object Undefined]",
];
/// The number of those that are usual.
const USUAL_UNSET: usize = 5;
/// Seconds before and after the given time that are tried early, for code that takes its own clock.
const NEARBY: i64 = 30;
/// Seconds before and after it that are tried last.
const WITHIN_TOLERANCE: i64 = 300;
/// Seconds before and after the event that are tried when the timestamp is lost.
const AROUND_EVENT: i64 = 300;

/// Lists the texts, those of the headers first.
pub(super) fn list(provider: &dyn Provider, received: &AnalyzedDelivery, rarity: FrameRarity) -> Vec<TimeText> {
    let given = given(provider, &received.delivery.request.headers);
    let mut found = given.clone();
    for base in &given {
        found.extend(other_unit(base));
    }
    if rarity == FrameRarity::Rare {
        given.iter().for_each(|base| found.extend(other_notations(base)));
    }
    if provider.timestamp_header().is_none() {
        return found;
    }
    let nothing = TimeText::none();
    let base = given.first().unwrap_or(&nothing);
    let unset = if rarity == FrameRarity::Usual { &UNSET[..USUAL_UNSET] } else { &UNSET[..] };
    found.extend(unset.iter().enumerate().map(|(index, unset)| {
        let shown = if unset.is_empty() { "an empty text".to_owned() } else { format!("`{unset}`") };
        TimeText::change(*unset, &nothing, Cause::new(&kinds::UNSET).with("text", shown), index >= USUAL_UNSET)
    }));
    if rarity == FrameRarity::Usual {
        return found;
    }
    let (dates, arrived) = (dates_in(&received.delivery.request.body), received.delivery.arrived);
    for (text, time) in &dates {
        let notations = [text.clone(), time.as_second().to_string(), time.as_millisecond().to_string()];
        found.extend(notations.into_iter().map(|text| {
            let cause = Cause::new(&kinds::OTHER).with("signed", format!("`{text}`, a time in the body"));
            TimeText::change(text, &nothing, cause, true)
        }));
    }
    match parse(&base.text) {
        Some(time) if !given.is_empty() => found.extend(shifted(base, time)),
        _ => {}
    }
    if given.is_empty() {
        let times = arrived.into_iter().chain(dates.into_iter().map(|(_, time)| time).take(1));
        for time in times {
            found.extend(seconds_around(time, AROUND_EVENT).map(|(signed, _)| {
                TimeText::change(signed.clone(), &nothing, Cause::new(&kinds::OTHER).with("signed", signed), true)
            }));
        }
    } else if let Some(arrived) = arrived {
        found.extend(seconds_around(arrived, NEARBY).map(|(signed, _)| {
            let cause = Cause::new(&kinds::OTHER).with("signed", signed.clone());
            TimeText::change(signed, &nothing, cause, true)
        }));
    }
    found
}

/// Lists the times in the headers: in the provider's own header or, without one, in others.
fn given(provider: &dyn Provider, headers: &Headers) -> Vec<TimeText> {
    let own = provider.timestamp_header();
    let plain = |text: String| TimeText { text, ..TimeText::none() };
    if let Some(value) = own.and_then(|name| headers.get(name)) {
        let text = String::from_utf8_lossy(value).into_owned();
        let inner = text
            .split([',', ' ', '"', '\'', '[', ']', '(', ')', '=', ';'])
            .filter(|part| part.len() > 5 && **part != text);
        let around = Cause::new(&kinds::TEXT_AROUND).with("text", text.clone());
        let inner: Vec<_> =
            inner.map(|part| TimeText { causes: vec![around.clone()], ..plain(part.to_owned()) }).collect();
        let number = number_in(&text).map(|number| TimeText { causes: vec![around], ..plain(number) });
        return [plain(text)].into_iter().chain(inner).chain(number).collect();
    }
    if let Some(text) = find_own(headers, provider) {
        return vec![plain(text.to_owned())];
    }
    let others = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
    let found = others.filter_map(|(name, value)| {
        let text = std::str::from_utf8(value).ok()?.trim();
        let time = read_time(text)?;
        let header = own.unwrap_or("the timestamp header");
        Some(TimeText { causes: vec![other_header(name, header, &kinds::OTHER_HEADER)], ..plain(time.to_owned()) })
    });
    found.take(4).collect()
}

/// Returns the whole number in a text such as `1,736,937,000` or `1.736937e+09`.
fn number_in(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_grouped =
        digits.len() != text.len() && text.chars().all(|char| char.is_ascii_digit() || ",. _'".contains(char));
    let number: Option<f64> = text.trim().parse().ok();
    let whole = number.filter(|_| text.contains(['e', 'E'])).map(|number| format!("{number:.0}"));
    whole.or_else(|| (is_grouped && matches!(digits.len(), 10 | 13)).then_some(digits))
}

/// Returns the time in a header's value, also if it stands in a list such as `t=1736937000,v1=…`.
fn read_time(value: &str) -> Option<&str> {
    let parts = [value].into_iter().chain(value.split([',', ' ', ';', '=', '"']));
    parts.into_iter().find(|part| part.len() >= 10 && parse(part).is_some_and(is_plausible))
}

/// Returns true for times from 2015 to 2100.
fn is_plausible(time: Timestamp) -> bool {
    (1_420_070_400..4_102_444_800).contains(&time.as_second())
}

/// Parses Unix time in any unit, also with decimals, RFC 3339, or an HTTP date.
fn parse(text: &str) -> Option<Timestamp> {
    let number = text.split_once('.').map_or(text, |(whole, _)| whole);
    if let Some(UnixTime::Seconds(time) | UnixTime::Milliseconds(time)) = timestamp::parse_unix(number) {
        return Some(time);
    }
    let integer = text.parse().ok();
    let micros = integer.and_then(|number: i64| Timestamp::from_microsecond(number).ok());
    let nanos = || integer.and_then(|number| Timestamp::from_nanosecond(number.into()).ok());
    micros.or_else(nanos).or_else(|| text.parse().ok()).or_else(|| {
        let date = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(date.timestamp())
    })
}

/// Lists the same time in seconds and in milliseconds.
fn other_unit(base: &TimeText) -> Vec<TimeText> {
    let Some(time) = parse(&base.text) else { return Vec::new() };
    let sent = match timestamp::parse_unix(&base.text) {
        Some(UnixTime::Seconds(_)) => "in seconds".to_owned(),
        Some(UnixTime::Milliseconds(_)) => "in milliseconds".to_owned(),
        None => format!("as `{}`", base.text),
    };
    let millis = Cause::new(&kinds::SIGNED_IN_MILLISECONDS).with("sent", sent.clone());
    let seconds = Cause::new(&kinds::SIGNED_IN_SECONDS).with("sent", sent);
    let texts = [(time.as_millisecond().to_string(), millis), (time.as_second().to_string(), seconds)];
    let others = texts.into_iter().filter(|(text, _)| *text != base.text);
    others.map(|(text, cause)| TimeText::change(text, base, cause, false)).collect()
}

/// Lists the same time in other notations.
fn other_notations(base: &TimeText) -> Vec<TimeText> {
    let Some(time) = parse(&base.text) else { return Vec::new() };
    let is_seconds = matches!(timestamp::parse_unix(&base.text), Some(UnixTime::Seconds(_)));
    let seconds = time.as_second().to_string();
    let mut found = Vec::new();
    let mut notation = |text: String, name: &'static str| {
        if text != base.text {
            let cause = Cause::new(&kinds::SIGNED_AS).with("notation", name).with("text", text.clone());
            found.push(TimeText::change(text, base, cause, true));
        }
    };
    notation(time.as_microsecond().to_string(), "in microseconds");
    notation(time.as_nanosecond().to_string(), "in nanoseconds");
    for float in [".0", ".00", ".000", ".000000"] {
        notation(format!("{seconds}{float}"), "as a number with decimals");
    }
    if !is_seconds {
        let fraction = time.subsec_millisecond();
        notation(format!("{seconds}.{fraction:03}"), "as a number with decimals");
    }
    let utc = time.to_zoned(TimeZone::UTC);
    for (format, name) in [
        ("%Y-%m-%dT%H:%M:%SZ", "as an ISO date"),
        ("%Y-%m-%dT%H:%M:%S.000Z", "as an ISO date with milliseconds"),
        ("%Y-%m-%dT%H:%M:%S+00:00", "as an ISO date with +00:00"),
        ("%Y-%m-%dT%H:%M:%S", "as an ISO date without a zone"),
        ("%Y-%m-%d %H:%M:%S", "as a date and time"),
        ("%Y-%m-%d %H:%M:%S+00:00", "as a date and time with +00:00"),
        ("%Y-%m-%d %H:%M:%S UTC", "as a date and time with UTC"),
        ("%Y-%m-%d %H:%M:%S +0000 UTC", "as Go prints a time"),
        ("%Y%m%dT%H%M%SZ", "as a compact ISO date"),
        ("%a, %d %b %Y %H:%M:%S GMT", "as an HTTP date"),
        ("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)", "as JavaScript prints a Date"),
        ("%m/%d/%Y %H:%M:%S", "as .NET prints a DateTime"),
    ] {
        notation(utc.strftime(format).to_string(), name);
    }
    let mantissa = seconds.trim_end_matches('0');
    if let Some((first, rest)) = mantissa.split_at_checked(1) {
        notation(format!("{first}.{rest}e+{:02}", seconds.len() - 1), "as a floating-point number");
        notation(format!("{first}.{rest}E{}", seconds.len() - 1), "as a floating-point number");
    }
    for (separator, name) in [(',', "with commas"), ('.', "with dots"), (' ', "with spaces"), ('_', "with underscores")]
    {
        notation(group_digits(&seconds, separator), name);
    }
    for (text, name) in [
        (format!("\"{}\"", base.text), "in quotes"),
        (format!(" {}", base.text), "after a space"),
        (format!("Optional(\"{}\")", base.text), "as Swift prints an optional"),
        (format!("Optional({})", base.text), "as Swift prints an optional"),
    ] {
        notation(text, name);
    }
    found
}

/// Writes a number with a separator between thousands.
fn group_digits(number: &str, separator: char) -> String {
    let mut text = String::new();
    for (index, digit) in number.chars().enumerate() {
        if index > 0 && (number.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Lists the time moved by some seconds, and by the hours between time zones.
fn shifted(base: &TimeText, time: Timestamp) -> Vec<TimeText> {
    let unit = |time: Timestamp| match timestamp::parse_unix(&base.text) {
        Some(UnixTime::Milliseconds(_)) => time.as_millisecond().to_string(),
        _ => time.as_second().to_string(),
    };
    let half_hours = (1..=28).flat_map(|steps: i64| [steps, -steps]).map(|steps| SignedDuration::from_mins(steps * 30));
    let zones = half_hours.filter_map(|shift| Some((shift, time.checked_add(shift).ok()?)));
    let zones = zones.map(|(shift, moved)| {
        let signed = unit(moved);
        let cause = Cause::new(&kinds::TIME_ZONE).with("shift", distance(shift)).with("signed", signed.clone());
        TimeText::change(signed, base, cause, true)
    });
    let seconds = (1..=WITHIN_TOLERANCE).chain([86_400]).flat_map(|step| [step, -step]).map(SignedDuration::from_secs);
    let seconds = seconds.filter_map(|shift| Some((shift, time.checked_add(shift).ok()?)));
    let seconds = seconds.map(|(shift, moved)| {
        let signed = unit(moved);
        let cause = Cause::new(&kinds::OWN_CLOCK).with("shift", distance(shift)).with("signed", signed.clone());
        let change = TimeText::change(signed, base, cause, true);
        let late = usize::from(shift.abs().as_secs() > NEARBY);
        TimeText { changes: change.changes + late, ..change }
    });
    zones.chain(seconds).collect()
}

/// Describes a distance in time: `1h later`.
fn distance(shift: SignedDuration) -> String {
    let direction = if shift.is_negative() { "earlier" } else { "later" };
    format!("{} {direction}", timestamp::format_duration(shift.abs()))
}

/// Lists the seconds around a time, the nearest first, with their distance.
fn seconds_around(time: Timestamp, most: i64) -> impl Iterator<Item = (String, i64)> {
    let center = time.as_second();
    (0..=most).flat_map(|step| [step, -step]).skip(1).map(move |step| ((center + step).to_string(), step))
}

/// Finds the dates of a payload by their names, as texts and times.
fn dates_in(body: &[u8]) -> Vec<(String, Timestamp)> {
    let Ok(text) = std::str::from_utf8(&body[..body.len().min(64 * 1024)]) else { return Vec::new() };
    let names = ["createdAt", "created_at", "timestamp", "updatedAt", "updated_at", "paidAt", "date", "time"];
    let find = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        let value = rest.trim_start_matches(['"', '\'', '\\', ':', '=', '>', ' ']);
        let value = value.split(['"', '\'', '\\', ',', '}', '&', '<']).next()?;
        let time = parse(value).filter(|time| is_plausible(*time))?;
        Some((value.to_owned(), time))
    };
    names.into_iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(group_digits("1736937000", ','), "1,736,937,000");
        assert_eq!(group_digits("123", ','), "123");
    }

    #[test]
    fn the_time_of_a_payload_is_found_in_json_and_forms() {
        for body in
            [r#"{"createdAt":"2025-01-15T10:30:00.000Z"}"#, "created_at=1736937000&x=1", r#"{"time":1736937000}"#]
        {
            assert_eq!(dates_in(body.as_bytes())[0].1.as_second(), 1_736_937_000, "{body}");
        }
        assert_eq!(dates_in(b"{\"time\":12}"), []);
    }

    #[test]
    fn a_time_is_read_from_a_header_that_has_more_in_it() {
        assert_eq!(read_time("t=1736937000,v1=abc"), Some("1736937000"));
        assert_eq!(read_time("1736937000000"), Some("1736937000000"));
        assert_eq!(read_time("2025-01-15T10:30:00Z"), Some("2025-01-15T10:30:00Z"));
        for text in ["3", "application/json", "99999999999999999999", "1234567890"] {
            assert_eq!(read_time(text).filter(|found| *found != "1234567890"), None, "{text}");
        }
    }
}
