//! Selects captures, by name or by filters.

use crate::command::{Session, TextList, join_lists, parse_duration};
use crate::model::capture_name::CaptureName;
use crate::model::error::{Error, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::{CaptureId, Query, StoredDelivery};
use crate::model::timestamp::{self, SignedDuration, Timestamp};
use crate::model::verdict::VerdictCode;
use crate::provider::Provider;
use crate::webhook::route;
use crate::world::Store;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned, civil};

/// Filters that select captures. All of them must match.
#[derive(Args, Clone, Default)]
pub(in crate::command) struct Filters {
    /// Only deliveries of this provider
    // `events` calls the flag `--provider`; where that is the provider to sign for, it is
    // `--from-provider`.
    #[arg(
        id = "from_provider",
        long = "from-provider",
        value_name = "PROVIDER",
        value_parser = crate::command::provider_parser(),
        help_heading = "Filters"
    )]
    pub provider: Option<&'static dyn Provider>,
    /// Only events of these types, such as 'payment.*,refund.failed'. May be repeated
    #[arg(short = 't', long = "type", value_name = "GLOB", help_heading = "Filters")]
    pub kinds: Vec<TextList>,
    /// Only deliveries with this verdict
    #[arg(long, value_name = "VERDICT", value_parser = verdict_codes(), help_heading = "Filters")]
    pub verdict: Option<VerdictCode>,
    /// Only deliveries since this time: 2h (ago), today, a date, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = when, help_heading = "Filters")]
    pub since: Option<When>,
    /// Only deliveries before this time
    #[arg(long, value_name = "TIME", value_parser = when, help_heading = "Filters")]
    pub until: Option<When>,
    /// Only deliveries with this event id, payment, reference or clientReference
    #[arg(long, value_name = "REFERENCE", help_heading = "Filters")]
    pub reference: Option<String>,
    /// Only deliveries that were refused, or that the app did not answer with 2xx
    #[arg(long, help_heading = "Filters")]
    pub failed: bool,
    /// Only deliveries whose body contains this text
    #[arg(long, value_name = "TEXT", help_heading = "Filters")]
    pub grep: Option<String>,
    /// Only the newest N deliveries; 0 means all
    #[arg(short = 'n', long, value_name = "N", help_heading = "Filters")]
    pub limit: Option<u64>,
}

/// Renames the flag `--from-provider` to `--provider`, which only `replay` needs for something
/// else.
pub(in crate::command) fn rename_provider_flag(arg: Arg) -> Arg {
    arg.long("provider")
}

fn verdict_codes() -> impl TypedValueParser<Value = VerdictCode> {
    PossibleValuesParser::new(VerdictCode::ALL.map(VerdictCode::as_str))
        .map(|code| VerdictCode::from_code(&code).expect("it is one of the possible values"))
}

/// A time as users type it. All but `At` depend on the current time or the local time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum When {
    Ago(SignedDuration),
    At(Timestamp),
    /// A date and time in the local zone.
    Local(civil::DateTime),
    /// The start of the day this many days before today, in the local zone.
    DaysAgo(i8),
}

impl When {
    pub(in crate::command) fn resolve(self, now: &Zoned) -> Timestamp {
        let start_of_day = |days: i8| now.checked_sub(days.days())?.start_of_day();
        match self {
            Self::At(time) => time,
            Self::Ago(duration) => now.timestamp().checked_sub(duration).unwrap_or(Timestamp::MIN),
            Self::Local(time) => {
                // Fails only at the ends of the calendar.
                let nearest_limit = if time.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
                time.to_zoned(now.time_zone().clone()).map_or(nearest_limit, |zoned| zoned.timestamp())
            }
            Self::DaysAgo(days) => start_of_day(days).map_or(Timestamp::MIN, |zoned| zoned.timestamp()),
        }
    }
}

/// Parses a duration before now, `today`, `yesterday`, a date with or without a time in the local
/// zone, RFC 3339, or Unix seconds from the year 2001 on.
pub(in crate::command) fn when(text: &str) -> Result<When, String> {
    match (text.parse::<u64>(), timestamp::parse(text)) {
        _ if text == "today" => Ok(When::DaysAgo(0)),
        _ if text == "yesterday" => Ok(When::DaysAgo(1)),
        (Ok(0..1_000_000_000), _) => Err("a bare number has no unit: write 2h, 30m, 45s or 7d, or a time".to_owned()),
        (Err(_), Err(_)) => match text.parse() {
            Ok(time) => Ok(When::Local(time)),
            Err(_) => parse_duration(text).map(When::Ago).map_err(|error| {
                format!("{error}, or a time such as today, yesterday, 2026-11-28 or 2026-11-28T09:30:00Z")
            }),
        },
        (_, Ok(time)) => Ok(When::At(time)),
        (_, Err(error)) => Err(error.to_string()),
    }
}

/// Warns if no documented event type matches, and names the nearest one.
pub(in crate::command) fn warn_if_unknown_type(glob: &str, session: &Session<'_>) {
    if route::is_known_type(glob) {
        return;
    }
    let near = route::nearest_type(glob).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    session.warn(&format!("no documented event type matches `{}`{near}", escape_unsafe(&mask_secrets(glob))));
}

impl Filters {
    /// Returns true if no filter is given.
    pub(in crate::command) fn is_empty(&self) -> bool {
        self.query(&Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC)) == Query::default()
    }

    /// Returns true if a type matches no documented event type.
    pub(in crate::command) fn has_unknown_types(&self) -> bool {
        join_lists(&self.kinds).iter().any(|glob| !route::is_known_type(glob))
    }

    /// Returns true if the filters select failed deliveries, at most of a provider, type or time.
    pub(in crate::command) fn selects_only_failed(&self) -> bool {
        self.failed && self.verdict.is_none() && self.reference.is_none() && self.grep.is_none()
    }

    /// Warns if a type matches no documented event type, which is usually a typo.
    pub(in crate::command) fn warn_if_unknown_types(&self, session: &Session<'_>) {
        join_lists(&self.kinds).iter().for_each(|glob| warn_if_unknown_type(glob, session));
    }

    /// Converts the filters to a query.
    pub(in crate::command) fn query(&self, now: &Zoned) -> Query {
        Query {
            provider: self.provider.map(|provider| provider.name().to_owned()),
            kinds: join_lists(&self.kinds),
            verdict: self.verdict,
            since: self.since.map(|when| when.resolve(now)),
            until: self.until.map(|when| when.resolve(now)),
            reference: self.reference.clone(),
            failed: self.failed,
            grep: self.grep.clone(),
            limit: self.limit.filter(|&limit| limit > 0),
            ..Query::default()
        }
    }
}

/// Finds the captures that a name stands for, oldest first: several for a range, otherwise one. If
/// several share a reference, it is the newest, and stderr says so.
pub(in crate::command) fn find_all(store: &mut dyn Store, name: &str, session: &Session<'_>) -> Result<Vec<CaptureId>> {
    let NamedCaptures { ids, sharing } = find_named(store, name)?;
    if let (Some(newest), count @ 2..) = (ids.last(), sharing) {
        session.info(&format!("{count} captures match `{}`; using the newest, {newest}", escape_unsafe(name)));
    }
    if ids.is_empty() { Err(missing(name)) } else { Ok(ids) }
}

/// The captures that a name stands for.
pub(in crate::command) struct NamedCaptures {
    /// Oldest first; several for a range. Empty: there are none.
    pub ids: Vec<CaptureId>,
    /// The number of captures that share the reference, of which `ids` has the newest.
    pub sharing: usize,
}

pub(in crate::command) fn find_named(store: &mut dyn Store, name: &str) -> Result<NamedCaptures> {
    let all = Query::default;
    let mut list = |query| -> Result<Vec<_>> { Ok(store.list(&query)?.into_iter().map(|found| found.id).collect()) };
    let ids = match CaptureName::parse(name) {
        CaptureName::Number(number) => list(Query { ids: Some(number..=number), ..all() })?,
        CaptureName::Range(range) => list(Query { ids: Some(range), ..all() })?,
        CaptureName::Last(back) => {
            let newest = list(Query { limit: Some(back.saturating_add(1)), ..all() })?;
            let is_there = newest.len() as u64 > back;
            newest.into_iter().take(usize::from(is_there)).collect()
        }
        CaptureName::Reference(_) => Vec::new(),
    };
    if !ids.is_empty() || name.is_empty() {
        return Ok(NamedCaptures { ids, sharing: 0 });
    }
    let mut about = list(Query { reference: Some(name.to_owned()), ..all() })?;
    let sharing = about.len();
    Ok(NamedCaptures { ids: about.pop().into_iter().collect(), sharing })
}

/// Finds the single capture that a name stands for.
pub(in crate::command) fn find_one(store: &mut dyn Store, name: &str, session: &Session<'_>) -> Result<CaptureId> {
    match find_all(store, name, session)?.as_slice() {
        [id] => Ok(*id),
        several => Err(Error::usage(format!("`{name}` names {} captures; only one is possible here", several.len()))),
    }
}

/// Loads the single capture that a name stands for.
pub(in crate::command) fn load_one(store: &mut dyn Store, name: &str, session: &Session<'_>) -> Result<StoredDelivery> {
    let id = find_one(store, name, session)?;
    // It may have been pruned since it was found.
    store.load(id)?.ok_or_else(|| missing(name))?.require_body()
}

fn missing(name: &str) -> Error {
    match name {
        "last" => Error::failed("the store has no captures").hint("start `whtool listen` to receive some"),
        _ => Error::failed(format!("no capture `{name}` in the store")).hint("`whtool events` lists them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_time_is_a_duration_before_now_a_local_date_or_an_exact_time() {
        // 09:30 in Cape Verde, which is one hour behind UTC.
        let now = Timestamp::from_second(1_736_937_000).unwrap().in_tz("Atlantic/Cape_Verde").unwrap();
        let seconds = |text: &str| when(text).map(|when| when.resolve(&now).as_second());
        for (text, expected) in [
            ("2h", 1_736_929_800),
            ("30m", 1_736_935_200),
            ("7d", 1_736_332_200),
            ("0s", 1_736_937_000),
            ("1000000000", 1_000_000_000),
            ("1736937000", 1_736_937_000),
            ("2025-01-15T10:30:00Z", 1_736_937_000),
            ("2025-01-15T09:30:00-01:00", 1_736_937_000),
            ("today", 1_736_902_800),
            ("yesterday", 1_736_816_400),
            ("2025-01-14", 1_736_816_400),
            ("2025-01-15 09:00:00", 1_736_935_200),
            ("2025-01-15T09:00", 1_736_935_200),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["30", "0", "999999999"] {
            let expected = "a bare number has no unit: write 2h, 30m, 45s or 7d, or a time";
            assert_eq!(seconds(text), Err(expected.to_owned()), "{text}");
        }
        assert!(seconds("-2h").is_err() && seconds("soon").unwrap_err().contains(", or a time such as today"));
        assert_eq!(when("9999-12-31 23:59:59").unwrap().resolve(&now), Timestamp::MAX);
        assert!(seconds("1736937000000").is_err());
        // Longer ago than time is counted.
        assert_eq!(When::Ago(SignedDuration::MAX).resolve(&now), Timestamp::MIN);
    }

    #[test]
    fn no_filter_selects_everything_and_a_limit_of_zero_is_no_limit() {
        assert!(Filters::default().is_empty());
        assert!(Filters { limit: Some(0), ..Filters::default() }.is_empty());
        for filters in [
            Filters { limit: Some(1), ..Filters::default() },
            Filters { failed: true, ..Filters::default() },
            Filters { kinds: vec!["payment.*".parse().unwrap()], ..Filters::default() },
            Filters { verdict: Some(VerdictCode::Mismatch), ..Filters::default() },
            Filters { grep: Some("x".to_owned()), ..Filters::default() },
            Filters { reference: Some("x".to_owned()), ..Filters::default() },
            Filters { provider: crate::provider::by_name("plexos"), ..Filters::default() },
            Filters { until: Some(When::At(Timestamp::UNIX_EPOCH)), ..Filters::default() },
            Filters { since: Some(When::At(Timestamp::UNIX_EPOCH)), ..Filters::default() },
        ] {
            assert!(!filters.is_empty());
        }
    }
}
