//! Reads dates as databases, spreadsheets and people write them. Whether `05/11/2026` is in May or
//! in November is decided for the whole column.

use crate::model::timestamp::{SignedDuration, Timestamp};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

/// Counts of the notations in a column.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DateSurvey {
    /// Dates such as `05/11/2026`, and those of them whose parts tell which is the day.
    numeric: u64,
    day_first: u64,
    month_first: u64,
    others: u64,
}

/// The order of the parts in `05/11/2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateNotation {
    DayFirst,
    MonthFirst,
}

/// The parts of a date, as they are written.
struct ParsedDate {
    date: DateParts,
    time: Time,
    zone: Option<TimeZone>,
}

enum DateParts {
    Known(Date),
    /// Two numbers and a year.
    Numeric(i8, i8, i16),
}

impl DateSurvey {
    pub(super) fn add(&mut self, text: &str) {
        match parse_parts(text) {
            Some(ParsedDate { date: DateParts::Numeric(first, second, _), .. }) => {
                self.numeric += 1;
                self.day_first += u64::from(first > 12);
                self.month_first += u64::from(second > 12);
            }
            Some(_) => self.others += 1,
            None => self.others += u64::from(parse_number(text).is_some()),
        }
    }

    /// Returns true if nothing in the column is a date.
    pub(super) fn is_empty(&self) -> bool {
        self.numeric + self.others == 0
    }

    /// Decides which number is the day. `None`: the dates do not tell.
    pub(super) fn notation(&self) -> Option<DateNotation> {
        match (self.day_first > 0, self.month_first > 0) {
            _ if self.numeric == 0 => Some(DateNotation::DayFirst),
            (true, false) => Some(DateNotation::DayFirst),
            (false, true) => Some(DateNotation::MonthFirst),
            _ => None,
        }
    }
}

impl DateNotation {
    /// Reads a time; one without a zone is in `zone`. `None`: it is none.
    pub(super) fn parse(self, text: &str, zone: &TimeZone) -> Option<Timestamp> {
        if let Some(time) = parse_number(text) {
            return time.resolve(zone);
        }
        let parts = parse_parts(text)?;
        let date = match (parts.date, self) {
            (DateParts::Known(date), _) => date,
            (DateParts::Numeric(day, month, year), Self::DayFirst)
            | (DateParts::Numeric(month, day, year), Self::MonthFirst) => Date::new(year, month, day).ok()?,
        };
        let zone = parts.zone.as_ref().unwrap_or(zone);
        zone.to_ambiguous_zoned(DateTime::from_parts(date, parts.time)).compatible().ok().map(|zoned| zoned.timestamp())
    }
}

enum NumberTime {
    Instant(Timestamp),
    Local(DateTime),
}

impl NumberTime {
    fn resolve(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Instant(time) => Some(time),
            Self::Local(time) => zone.to_ambiguous_zoned(time).compatible().ok().map(|zoned| zoned.timestamp()),
        }
    }
}

/// Reads Unix seconds, milliseconds and microseconds, `20261128`, and the day numbers of Excel.
fn parse_number(text: &str) -> Option<NumberTime> {
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let instant = match whole.len() {
        10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_millisecond(number).ok(),
        16 => Timestamp::from_microsecond(number).ok(),
        _ => None,
    };
    if let Some(instant) = instant {
        return Some(NumberTime::Instant(instant));
    }
    if whole.len() == 8 && part.is_empty() && (whole.starts_with("19") || whole.starts_with("20")) {
        let (year, month, day) = (whole[..4].parse().ok()?, whole[4..6].parse().ok()?, whole[6..].parse().ok()?);
        return Some(NumberTime::Local(Date::new(year, month, day).ok()?.at(0, 0, 0, 0)));
    }
    // Excel's day 25569 is 1970-01-01; 30000 is in 1982 and 80000 in 2119.
    (30_000..80_000).contains(&number).then_some(())?;
    let digits: i64 = format!("{part:0<9}")[..9].parse().ok()?;
    let seconds = (digits * 86_400 + 500_000_000) / 1_000_000_000;
    let epoch = Date::new(1970, 1, 1).ok()?.at(0, 0, 0, 0);
    let span = SignedDuration::from_secs((number - 25_569) * 86_400 + seconds);
    Some(NumberTime::Local(epoch.checked_add(span).ok()?))
}

fn parse_parts(text: &str) -> Option<ParsedDate> {
    let text = text.trim();
    if text.len() > 80 || !text.contains(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let (date, rest) = parse_numeric_date(text).or_else(|| parse_named_date(text))?;
    let (time, zone) = parse_time(&rest)?;
    Some(ParsedDate { date, time, zone })
}

/// Reads `2026-11-28`, `2026/11/28`, `28.11.2026` or `28/11/26` at the start, and returns the rest.
fn parse_numeric_date(text: &str) -> Option<(DateParts, String)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && !"-/.".contains(letter)).unwrap_or(text.len());
    let (date, rest) = text.split_at(end);
    let separator = date.find(|letter: char| !letter.is_ascii_digit()).and_then(|at| date[at..].chars().next())?;
    let parts: Vec<&str> = date.split(separator).collect();
    let [first, second, third] = parts[..] else { return None };
    let date = match (first.len(), second.len(), third.len()) {
        (4, 1 | 2, 1 | 2) => {
            DateParts::Known(Date::new(first.parse().ok()?, second.parse().ok()?, third.parse().ok()?).ok()?)
        }
        (1 | 2, 1 | 2, 2 | 4) => {
            let year: i16 = third.parse().ok()?;
            let (first, second): (i8, i8) = (first.parse().ok()?, second.parse().ok()?);
            let is_possible = (1..=31).contains(&first) && (1..=31).contains(&second) && (first <= 12 || second <= 12);
            is_possible.then_some(DateParts::Numeric(
                first,
                second,
                if third.len() == 2 { 2000 + year } else { year },
            ))?
        }
        _ => return None,
    };
    Some((date, rest.trim_start_matches(['T', 't', ',', ' ']).to_owned()))
}

/// Reads `28 Nov 2026`, `Nov 28, 2026`, `Sat, 28 Nov 2026` or `28 de novembro de 2026`, and returns
/// the other words.
fn parse_named_date(text: &str) -> Option<(DateParts, String)> {
    let (mut day, mut month, mut year, mut rest) = (None, None, None, Vec::new());
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        for piece in if month.is_none() { word.split('-').collect::<Vec<_>>() } else { vec![word] } {
            let number = || piece.trim_end_matches(['.', 'º']).parse::<i16>().ok();
            match month_number(piece) {
                Some(found) if month.is_none() => month = Some(found),
                _ => match number() {
                    Some(value) if day.is_none() && (1..=31).contains(&value) => day = i8::try_from(value).ok(),
                    Some(value) if year.is_none() && (1970..2200).contains(&value) => year = Some(value),
                    _ if is_day_name(piece) && rest.is_empty() => {}
                    _ if matches!(piece, "de" | "do" | "at" | "à" | "às") => {}
                    _ => rest.push(piece),
                },
            }
        }
    }
    let date = Date::new(year?, month?, day?).ok()?;
    Some((DateParts::Known(date), rest.join(" ")))
}

fn is_day_name(word: &str) -> bool {
    let word = word.trim_end_matches('.').to_lowercase();
    const DAYS: [&str; 20] = [
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "seg", "ter", "qua", "qui", "sex", "sáb", "sab", "dom", "lun",
        "mar", "mer", "jeu", "ven",
    ];
    !word.contains(|letter: char| letter.is_ascii_digit()) && DAYS.iter().any(|day| word.starts_with(day))
}

/// Returns the number of a month by its name in English, Portuguese or French.
fn month_number(word: &str) -> Option<i8> {
    const MONTHS: [&[&str]; 12] = [
        &["jan"],
        &["feb", "fev", "fév"],
        &["mar"],
        &["apr", "abr", "avr"],
        &["may", "mai"],
        &["jun", "juin"],
        &["jul", "juil"],
        &["aug", "ago", "aoû", "aou"],
        &["sep", "set"],
        &["oct", "out"],
        &["nov"],
        &["dec", "dez", "déc"],
    ];
    let word = word.trim_end_matches('.').to_lowercase();
    if word.chars().count() < 3 || !word.chars().all(char::is_alphabetic) {
        return None;
    }
    let index = MONTHS.iter().position(|names| names.iter().any(|name| word.starts_with(name)))?;
    i8::try_from(index + 1).ok()
}

/// Reads `10:15`, `10:15:30.5Z`, `10:15 PM`, `10:15:30 +01:00` or nothing.
fn parse_time(text: &str) -> Option<(Time, Option<TimeZone>)> {
    let text = text.split(['(', '[']).next().unwrap_or_default().trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && !":.h".contains(letter)).unwrap_or(text.len());
    let (clock, rest) = text.split_at(end);
    if clock.is_empty() {
        return rest.is_empty().then(|| (Time::midnight(), None));
    }
    let clock = clock.replace('h', ":");
    let (clock, fraction) = clock.split_once('.').unwrap_or((&clock, ""));
    let mut numbers = clock.trim_end_matches(':').split(':');
    let mut next = || numbers.next().map_or(Some(0), |number| number.parse::<i8>().ok());
    let (mut hour, minute, second) = (next()?, next()?, next()?);
    let mut rest = rest.trim();
    let lower = rest.to_lowercase();
    for (mark, is_afternoon) in [("am", false), ("pm", true), ("a.m.", false), ("p.m.", true)] {
        if lower.starts_with(mark) {
            rest = rest[mark.len()..].trim();
            hour = hour % 12 + if is_afternoon { 12 } else { 0 };
        }
    }
    let nanoseconds = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").get(..9)?.parse().ok()? };
    let time = Time::new(hour, minute, second, nanoseconds).ok()?;
    Some((time, parse_zone(rest)?))
}

/// Reads a zone. The outer `None`: it is none.
fn parse_zone(text: &str) -> Option<Option<TimeZone>> {
    if text.is_empty() {
        return Some(None);
    }
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return Some(Some(TimeZone::UTC));
    }
    let text = text.strip_prefix("GMT").or_else(|| text.strip_prefix("UTC")).unwrap_or(text).trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let (hours, minutes): (i32, i32) = match digits.len() {
        1 | 2 => (digits.parse().ok()?, 0),
        4 => (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?),
        _ => return None,
    };
    let offset = Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()?;
    Some(Some(TimeZone::fixed(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, notation: DateNotation) -> Option<String> {
        let zone = TimeZone::fixed(Offset::from_seconds(-3_600).unwrap());
        notation.parse(text, &zone).map(|time| time.to_string())
    }

    #[test]
    fn dates_of_databases_spreadsheets_and_people_are_read() {
        for (text, time) in [
            ("2026-11-28", "2026-11-28T01:00:00Z"),
            ("2026-11-28T10:15:30Z", "2026-11-28T10:15:30Z"),
            ("2026-11-28 10:15:30", "2026-11-28T11:15:30Z"),
            ("2026-11-28 10:15:30.5+00", "2026-11-28T10:15:30.5Z"),
            ("2026-11-28 10:15:30 -0100", "2026-11-28T11:15:30Z"),
            ("2026-11-28 10:15:30 UTC", "2026-11-28T10:15:30Z"),
            ("2026/11/28 10:15", "2026-11-28T11:15:00Z"),
            ("28/11/2026 10:15", "2026-11-28T11:15:00Z"),
            ("28.11.26", "2026-11-28T01:00:00Z"),
            ("28-11-2026 10h15", "2026-11-28T11:15:00Z"),
            ("28 Nov 2026", "2026-11-28T01:00:00Z"),
            ("Nov 28, 2026 10:15:00 PM", "2026-11-28T23:15:00Z"),
            ("28-Nov-2026 10:15", "2026-11-28T11:15:00Z"),
            ("Sat, 28 Nov 2026 10:15:30 +0000", "2026-11-28T10:15:30Z"),
            ("Sat Nov 28 2026 10:15:30 GMT+0100 (Central European Standard Time)", "2026-11-28T09:15:30Z"),
            ("28 de novembro de 2026", "2026-11-28T01:00:00Z"),
            ("1795860930", "2026-11-28T10:15:30Z"),
            ("1795860930000", "2026-11-28T10:15:30Z"),
            ("20261128", "2026-11-28T01:00:00Z"),
            ("46354", "2026-11-28T01:00:00Z"),
            ("46354.5", "2026-11-28T13:00:00Z"),
        ] {
            assert_eq!(read(text, DateNotation::DayFirst).as_deref(), Some(time), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in ["", "paid", "12", "2026", "31/31/2026", "2026-13-01", "yesterday", "10:15", "pi_1", "1.2.3.4"] {
            assert_eq!(read(text, DateNotation::DayFirst), None, "{text}");
        }
    }

    #[test]
    fn the_column_tells_which_number_is_the_day() {
        let notation = |dates: &[&str]| {
            let mut survey = DateSurvey::default();
            dates.iter().for_each(|date| survey.add(date));
            survey.notation()
        };
        assert_eq!(notation(&["05/11/2026", "28/11/2026"]), Some(DateNotation::DayFirst));
        assert_eq!(notation(&["05/11/2026", "11/28/2026"]), Some(DateNotation::MonthFirst));
        assert_eq!(notation(&["05/11/2026", "06/11/2026"]), None);
        assert_eq!(notation(&["28/11/2026", "11/28/2026"]), None);
        assert_eq!(read("11/05/2026", DateNotation::MonthFirst).as_deref(), Some("2026-11-05T01:00:00Z"));
    }
}
