//! The clock that a handler compares timestamps with, and the form in which it expects them.

use super::kinds;
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::timestamp as time;
use crate::model::timestamp::Timestamp;
use crate::provider::{Provider, format_unix_seconds};

/// Distance from a whole number of half hours that still is one, in seconds.
const ROUNDING: i64 = 90;

/// Lists the seconds by which a handler's clock may be ahead or, if negative, behind: the
/// differences of time zones from UTC, then smaller ones in steps that tolerances of five minutes
/// cover.
pub fn clock_offsets() -> impl Iterator<Item = i64> {
    let zones = (1..=28).map(|count| count * 30 * 60);
    let others = (1..=13).map(|count| count * 9 * 60);
    zones.chain(others).flat_map(|seconds| [seconds, -seconds])
}

/// A correct signature, but with a timestamp that only a faulty handler accepts.
pub struct TimeForm {
    /// The text of the timestamp header.
    pub header: String,
    /// The text that is signed before the body.
    pub prefix: String,
    pub causes: Vec<Cause>,
}

/// Lists the other forms of a timestamp. They must be sent at once: a handler that compares
/// milliseconds may accept them for 300 ms.
pub fn time_forms(provider: &dyn Provider, now: Timestamp) -> Vec<TimeForm> {
    let milliseconds = now.as_millisecond().to_string();
    let in_milliseconds = |prefix: String, more: Option<Cause>| TimeForm {
        header: milliseconds.clone(),
        prefix,
        causes: [Cause::new(&kinds::EXPECTED_MILLISECONDS)].into_iter().chain(more).collect(),
    };
    let in_seconds = provider.signed_prefix(&format_unix_seconds(now));
    let dates = [now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), format!("{now:.3}")];
    let dates = dates.map(|header| TimeForm {
        prefix: provider.signed_prefix(&header),
        header,
        causes: vec![Cause::new(&kinds::EXPECTED_DATE)],
    });
    let forms = [
        in_milliseconds(provider.signed_prefix(&milliseconds), None),
        in_milliseconds(String::new(), Some(Cause::new(&time::NOT_SIGNED))),
        in_milliseconds(in_seconds, Some(Cause::new(&time::SIGNED_IN_SECONDS))),
    ];
    forms.into_iter().chain(dates).collect()
}

/// Returns the cause of a handler whose clock is this many seconds ahead or, if negative, behind.
pub fn clock_cause(seconds: i64, is_exact: bool) -> Cause {
    let kind = if seconds < 0 { &kinds::CLOCK_BEHIND } else { &kinds::CLOCK_AHEAD };
    let about = if is_exact { "" } else { "about " };
    Cause::new(kind).with("offset", format!("{about}{}", describe(seconds.abs())))
}

fn describe(seconds: i64) -> String {
    let half_hours = (seconds + ROUNDING) / 1800;
    if half_hours > 0 && (seconds - half_hours * 1800).abs() <= ROUNDING {
        return match (half_hours / 2, half_hours % 2) {
            (0, _) => "30 minutes".to_owned(),
            (1, 0) => "1 hour".to_owned(),
            (hours, 0) => format!("{hours} hours"),
            (hours, _) => format!("{hours}.5 hours"),
        };
    }
    match (seconds / 3600, (seconds % 3600 + 30) / 60) {
        (0, 0 | 1) => format!("{seconds} seconds"),
        (0, minutes) => format!("{minutes} minutes"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_near_a_half_hour_is_one() {
        for (seconds, text) in [
            (3600, "1 hour"),
            (3540, "1 hour"),
            (-3660, "1 hour"),
            (19_800, "5.5 hours"),
            (50_400, "14 hours"),
            (1800, "30 minutes"),
            (420, "7 minutes"),
            (20, "20 seconds"),
            (4020, "1 h 7 min"),
        ] {
            assert_eq!(clock_cause(seconds, true).value("offset"), text);
        }
        assert_eq!(
            clock_cause(-3600, false).sentence(),
            "the clock that the timestamp is compared with is about 1 hour behind"
        );
    }
}
