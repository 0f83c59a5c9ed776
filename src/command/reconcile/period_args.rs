//! The flags that choose a period: `--day`, `--since`, `--until`, `--tz`.

use crate::command::Session;
use crate::command::shared::captures::{When, when};
use crate::model::error::{Error, Result};
use crate::reconcile::period::{BusinessDay, ReportPeriod, parse_zone};
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};

#[derive(Args)]
#[command(next_help_heading = "Period")]
pub(super) struct PeriodArgs {
    /// Count only what was created on this day: today, yesterday or a date. Without references or
    /// a list, look up what was captured since then
    #[arg(long, value_name = "DAY", value_parser = parse_day, conflicts_with_all = ["since", "until"])]
    pub day: Option<BusinessDay>,
    /// Count only what was created since this time: 2h (ago), today, a date, RFC 3339. Without
    /// references or a list, look up everything captured since then
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub since: Option<When>,
    /// Count only what was created, or captured, before this time
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub until: Option<When>,
    /// Time zone of days, dates and reports, such as Africa/Lagos (default: that of this machine)
    #[arg(long = "tz", value_name = "ZONE", value_parser = parse_zone)]
    pub zone: Option<TimeZone>,
}

fn parse_day(text: &str) -> std::result::Result<BusinessDay, String> {
    text.parse()
}

/// The clock of the provider may be behind ours by this much.
const CLOCK_DIFFERENCE_HOURS: i64 = 1;

impl PeriodArgs {
    pub(super) fn is_given(&self) -> bool {
        self.day.is_some() || self.since.is_some() || self.until.is_some()
    }

    /// Returns the zone in which times are read and shown.
    pub(super) fn zone(&self, session: &Session<'_>) -> TimeZone {
        self.zone.clone().unwrap_or_else(|| session.world.time_zone())
    }

    fn now(&self, session: &Session<'_>) -> Zoned {
        session.world.now().to_zoned(self.zone(session))
    }

    /// Returns the period in which records are counted. `None`: always.
    pub(super) fn record_period(&self, source: PeriodSource, session: &Session<'_>) -> Result<Option<ReportPeriod>> {
        let now = self.now(session);
        match (self.day, source) {
            (Some(day), _) => {
                day.resolve(&now).map(Some).map_err(|reason| Error::usage("--day can't be used").because(reason))
            }
            (None, PeriodSource::Captures) => Ok(None),
            (None, PeriodSource::Records) if self.is_given() => self.limits(&now).map(Some),
            (None, PeriodSource::Records) => Ok(None),
        }
    }

    /// Returns the period in which a webhook must have arrived for its reference to be looked up. A
    /// webhook arrives after its record is created, perhaps days later.
    pub(super) fn capture_period(&self, session: &Session<'_>) -> Result<ReportPeriod> {
        let now = self.now(session);
        let Some(day) = self.record_period(PeriodSource::Captures, session)? else { return self.limits(&now) };
        let since = day.since.map(|since| since.checked_sub(CLOCK_DIFFERENCE_HOURS.hours()).unwrap_or(since));
        Ok(ReportPeriod { since, until: None, day: None, zone: day.zone })
    }

    fn limits(&self, now: &Zoned) -> Result<ReportPeriod> {
        let resolve = |when: Option<When>| when.map(|when| when.resolve(now));
        let (since, until) = (resolve(self.since), resolve(self.until));
        let period = ReportPeriod { since, until, day: None, zone: now.time_zone().clone() };
        match (since, until) {
            (Some(since), Some(until)) if since >= until => Err(Error::usage("--until must be after --since")
                .because(format!("nothing is in the period {}", period.describe()))
                .hint("--until is the first moment that is not counted any more")),
            _ => Ok(period),
        }
    }
}

/// The thing whose time decides what is in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeriodSource {
    /// Captured webhooks are selected by their arrival.
    Captures,
    /// References from elsewhere are selected by their record.
    Records,
}
