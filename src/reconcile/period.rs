//! The period of a report: a business day in a time zone, or the time between two points.
//!
//! A reference is placed by the time when its record was created at the provider, or else by the
//! date of its order. A record's creation never changes, so a reference belongs to one day only;
//! the time of its last change moves with each refund.

use super::ReconciledReference;
use crate::model::timestamp::Timestamp;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned, civil};
use std::str::FromStr;

/// The value of `--day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusinessDay {
    Today,
    Yesterday,
    Date(civil::Date),
}

impl FromStr for BusinessDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        match text {
            "today" => Ok(Self::Today),
            "yesterday" => Ok(Self::Yesterday),
            _ if is_date => text.parse().map(Self::Date).map_err(|_| format!("there is no {text} in the calendar")),
            _ => Err("expected today, yesterday or a date such as 2026-11-27".to_owned()),
        }
    }
}

impl BusinessDay {
    /// Returns the day from its first moment in the zone of `now` to the first moment of the next
    /// day. It may have 23 or 25 hours. The error is a day that a zone has skipped.
    pub fn resolve(self, now: &Zoned) -> Result<ReportPeriod, String> {
        let out_of_range = |_| "the day is out of range".to_owned();
        let date = match self {
            Self::Today => now.date(),
            Self::Yesterday => now.date().yesterday().map_err(out_of_range)?,
            Self::Date(date) => date,
        };
        let zone = now.time_zone().clone();
        let start = |date: civil::Date| date.to_zoned(zone.clone()).map(|start| start.timestamp());
        let since = start(date).map_err(out_of_range)?;
        let until = start(date.checked_add(1.day()).map_err(out_of_range)?).map_err(out_of_range)?;
        if since == until {
            return Err(format!("there was no {date} in {}: its clocks skipped that day", zone_name(&zone)));
        }
        Ok(ReportPeriod { since: Some(since), until: Some(until), day: Some(date), zone })
    }
}

/// The time in which references are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportPeriod {
    /// The first moment that is counted. `None`: no limit.
    pub since: Option<Timestamp>,
    /// The first moment that is not counted any more. `None`: no limit.
    pub until: Option<Timestamp>,
    /// The day, if the period is one.
    pub day: Option<civil::Date>,
    /// The zone in which the limits are shown.
    pub zone: TimeZone,
}

/// The position of a reference to a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodPlacement {
    Inside,
    Outside,
    /// Neither the record nor the order has a time. It is counted, so that nothing gets lost.
    Undated,
}

impl ReportPeriod {
    pub fn placement(&self, time: Option<Timestamp>) -> PeriodPlacement {
        let Some(time) = time else { return PeriodPlacement::Undated };
        let is_early = self.since.is_some_and(|since| time < since);
        let is_late = self.until.is_some_and(|until| time >= until);
        if is_early || is_late { PeriodPlacement::Outside } else { PeriodPlacement::Inside }
    }

    /// Describes the limits: `2026-11-27 (Africa/Lagos)`, or from and until which moment.
    pub fn describe(&self) -> String {
        let zone = zone_name(&self.zone);
        let show = |time: Timestamp| time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let limits = match (self.day, self.since, self.until) {
            (Some(day), ..) => day.to_string(),
            (_, Some(since), Some(until)) => format!("from {} to before {}", show(since), show(until)),
            (_, Some(since), None) => format!("from {}", show(since)),
            (_, None, Some(until)) => format!("before {}", show(until)),
            (_, None, None) => return "any time".to_owned(),
        };
        format!("{limits} ({zone})")
    }
}

/// Returns the time by which a reference is placed: its record's creation, or else its order's date.
pub fn reference_time(reconciled: &ReconciledReference) -> Option<Timestamp> {
    reconciled.record.as_ref().and_then(|record| record.created).or(reconciled.order.created)
}

/// Returns the name of a zone, or its offset if it has none.
pub fn zone_name(zone: &TimeZone) -> String {
    match (zone.iana_name(), zone.to_fixed_offset()) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(offset)) => format!("UTC{offset}"),
        (None, Err(_)) => "local time".to_owned(),
    }
}

/// Finds a time zone by its IANA name, in any case, or by an offset such as `+01:00`. The error
/// names the nearest zone.
pub fn parse_zone(text: &str) -> Result<TimeZone, String> {
    if text.starts_with(['+', '-'])
        && let Some(offset) = parse_offset(text)
    {
        return Ok(TimeZone::fixed(offset));
    }
    TimeZone::get(text).map_err(|_| match nearest_zone(text) {
        Some(near) => format!("there is no such time zone; did you mean {near}?"),
        None => "there is no such time zone; names look like Africa/Lagos or UTC".to_owned(),
    })
}

/// Parses an offset from UTC: `+HH` or `+HH:MM`.
fn parse_offset(text: &str) -> Option<jiff::tz::Offset> {
    let time = format!("2000-01-01T00:00:00{text}");
    jiff::fmt::temporal::Pieces::parse(&time).ok()?.to_numeric_offset()
}

/// Least similarity of a name that is offered, from 0 to 1.
const SIMILAR: f64 = 0.88;

/// Finds the zone whose name, or whose city, is most like this text.
fn nearest_zone(text: &str) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace([' ', '-'], "_");
    let wanted = plain(text);
    let similarity = |name: &str| {
        let name = plain(name);
        let city = name.rsplit('/').next().unwrap_or_default();
        strsim::jaro_winkler(&name, &wanted).max(strsim::jaro_winkler(city, &wanted))
    };
    let names = jiff::tz::db().available();
    let scored = names.map(|name| (similarity(name.as_str()), name.as_str().to_owned()));
    let near = scored.filter(|(score, name)| *score >= SIMILAR && !name.starts_with("posix"));
    // Of equally similar names, the first in the alphabet.
    let best = near.reduce(|best, next| {
        let is_better = next.0 > best.0 || (next.0 == best.0 && next.1 < best.1);
        if is_better { next } else { best }
    });
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timestamp::SignedDuration;

    fn at(time: &str, zone: &str) -> Zoned {
        time.parse::<Timestamp>().unwrap().to_zoned(parse_zone(zone).unwrap())
    }

    fn day(text: &str, now: &Zoned) -> ReportPeriod {
        text.parse::<BusinessDay>().unwrap().resolve(now).unwrap()
    }

    fn limits(period: &ReportPeriod) -> (String, String) {
        (period.since.unwrap().to_string(), period.until.unwrap().to_string())
    }

    fn hours(period: &ReportPeriod) -> i64 {
        period.until.unwrap().duration_since(period.since.unwrap()).as_hours()
    }

    /// Compare with `TZ=Africa/Lagos date -d '2026-11-27 00:00' -u`.
    #[test]
    fn a_day_begins_and_ends_at_midnight_of_its_zone() {
        // In Lagos it is already the 28th.
        let now = at("2026-11-27T23:30:00Z", "Africa/Lagos");
        let expected = ("2026-11-26T23:00:00Z".to_owned(), "2026-11-27T23:00:00Z".to_owned());
        assert_eq!(limits(&day("yesterday", &now)), expected);
        assert_eq!(limits(&day("2026-11-27", &now)), expected);
        assert_eq!(limits(&day("today", &now)).0, "2026-11-27T23:00:00Z");
        assert_eq!(day("yesterday", &now).describe(), "2026-11-27 (Africa/Lagos)");
        let expected = ("2026-11-27T01:00:00Z".to_owned(), "2026-11-28T01:00:00Z".to_owned());
        assert_eq!(limits(&day("2026-11-27", &at("2026-11-28T12:00:00Z", "Atlantic/Cape_Verde"))), expected);
    }

    #[test]
    fn a_day_on_which_clocks_change_has_23_or_25_hours_and_may_begin_after_midnight() {
        let lisbon = at("2026-11-28T12:00:00Z", "Europe/Lisbon");
        assert_eq!(["2026-03-29", "2026-10-25", "2026-11-27"].map(|date| hours(&day(date, &lisbon))), [23, 25, 24]);
        // Cairo's clocks go from 00:00 to 01:00 on the last Friday of April.
        let cairo = day("2024-04-26", &at("2026-11-28T12:00:00Z", "Africa/Cairo"));
        assert_eq!((limits(&cairo).0.as_str(), hours(&cairo)), ("2024-04-25T22:00:00Z", 23));
    }

    #[test]
    fn a_day_that_a_zone_has_skipped_is_an_error() {
        let skipped: BusinessDay = "2011-12-30".parse().unwrap();
        let error = skipped.resolve(&at("2026-11-28T12:00:00Z", "Pacific/Apia")).unwrap_err();
        assert_eq!(error, "there was no 2011-12-30 in Pacific/Apia: its clocks skipped that day");
        assert!(skipped.resolve(&at("2026-11-28T12:00:00Z", "Africa/Lagos")).is_ok());
    }

    #[test]
    fn yesterday_is_the_day_before_even_if_clocks_changed_in_between() {
        let now = at("2026-10-26T00:30:00Z", "Europe/Lisbon");
        assert_eq!(day("yesterday", &now).day.unwrap().to_string(), "2026-10-25");
    }

    #[test]
    fn only_days_are_days() {
        for text in ["", "tomorrow", "2026-11", "20261127", "2026-11-27T10:00", "27.11.2026", "1d"] {
            assert!(text.parse::<BusinessDay>().unwrap_err().starts_with("expected today, yesterday"), "{text}");
        }
        assert_eq!("2026-02-30".parse::<BusinessDay>(), Err("there is no 2026-02-30 in the calendar".to_owned()));
    }

    #[test]
    fn the_first_moment_is_inside_the_last_is_outside_and_no_time_is_counted() {
        let period = day("2026-11-27", &at("2026-11-28T12:00:00Z", "Africa/Lagos"));
        let (since, until) = (period.since.unwrap(), period.until.unwrap());
        let before = SignedDuration::from_nanos(1);
        for (time, expected) in [
            (Some(since - before), PeriodPlacement::Outside),
            (Some(since), PeriodPlacement::Inside),
            (Some(until - before), PeriodPlacement::Inside),
            (Some(until), PeriodPlacement::Outside),
            (None, PeriodPlacement::Undated),
        ] {
            assert_eq!(period.placement(time), expected, "{time:?}");
        }
    }

    #[test]
    fn an_open_period_names_its_one_limit() {
        let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let zone = parse_zone("Africa/Lagos").unwrap();
        let period = |since, until| ReportPeriod { since, until, day: None, zone: zone.clone() }.describe();
        let (first, last) = (time("2026-11-25T23:00:00Z"), time("2026-11-27T08:30:00Z"));
        assert_eq!(period(first, None), "from 2026-11-26 00:00:00 (Africa/Lagos)");
        assert_eq!(period(None, last), "before 2026-11-27 09:30:00 (Africa/Lagos)");
        assert_eq!(period(first, last), "from 2026-11-26 00:00:00 to before 2026-11-27 09:30:00 (Africa/Lagos)");
    }

    #[test]
    fn zones_are_found_in_any_case_and_unknown_ones_get_the_nearest_name() {
        assert_eq!(zone_name(&parse_zone("africa/lagos").unwrap()), "Africa/Lagos");
        assert_eq!(zone_name(&parse_zone("+01:00").unwrap()), "UTC+01");
        for (text, near) in [
            ("Lagos", "Africa/Lagos"),
            ("Africa/Lagoss", "Africa/Lagos"),
            ("Africa/Luandaa", "Africa/Luanda"),
            ("cape verde", "Atlantic/Cape_Verde"),
            ("Europe/Lisboa", "Europe/Lisbon"),
        ] {
            assert_eq!(parse_zone(text).unwrap_err(), format!("there is no such time zone; did you mean {near}?"));
        }
        assert_eq!(
            parse_zone("Moon/Tranquility").unwrap_err(),
            "there is no such time zone; names look like Africa/Lagos or UTC"
        );
        assert!(parse_zone("").is_err() && parse_zone("+99").is_err() && parse_zone("../etc/passwd").is_err());
    }
}
