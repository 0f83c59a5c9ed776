//! The machine's clock, which may be set to any time.

use crate::model::error::{Error, Result};
use crate::model::timestamp::{SignedDuration, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// Distance of `now` to the ends of what a `Timestamp` can hold, so that adding to it never fails:
/// about 300 years.
const MARGIN: SignedDuration = SignedDuration::from_hours(300 * 365 * 24);

/// Returns the time. A clock before the year -9699 or after 9699 reads as if it stood still there.
pub(super) fn now() -> Timestamp {
    clamped(SystemTime::now())
}

fn clamped(time: SystemTime) -> Timestamp {
    let (least, most) = (Timestamp::MIN + MARGIN, Timestamp::MAX - MARGIN);
    let out_of_range = if time < UNIX_EPOCH { least } else { most };
    Timestamp::try_from(time).unwrap_or(out_of_range).clamp(least, most)
}

/// Refuses a clock before 1970 or after 9999: HTTP and TLS can't express these times, and the
/// libraries panic over them.
pub(super) fn check() -> Result<()> {
    if is_usable(SystemTime::now()) {
        return Ok(());
    }
    Err(Error::failed("can't use the network: the clock of this machine is before 1970 or after 9999")
        .hint("set the clock"))
}

/// Returns true if the clock is right enough to serve and to send.
pub(super) fn is_usable(time: SystemTime) -> bool {
    // One second less than a `Date` header can hold: libraries add to the time.
    const END: u64 = 253_402_300_799;
    time.duration_since(UNIX_EPOCH).is_ok_and(|since| since.as_secs() < END)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_that_no_timestamp_can_hold_is_clamped_and_can_be_added_to() {
        let year = Duration::from_secs(366 * 24 * 3600);
        for time in [UNIX_EPOCH.checked_add(year * 200_000), UNIX_EPOCH.checked_sub(year * 200_000)] {
            let Some(time) = time else { continue };
            let clamped = clamped(time);
            assert_eq!(clamped < Timestamp::UNIX_EPOCH, time < UNIX_EPOCH);
            assert!(clamped.checked_add(SignedDuration::from_hours(24 * 366 * 200)).is_ok());
            assert!(clamped.checked_sub(SignedDuration::from_hours(24 * 366 * 200)).is_ok());
        }
        assert_eq!(clamped(UNIX_EPOCH + Duration::from_secs(1)), Timestamp::from_second(1).unwrap());
    }

    #[test]
    fn a_clock_outside_of_1970_to_9999_is_not_used() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(is_usable(UNIX_EPOCH) && is_usable(at(1 << 31)) && is_usable(at(1 << 32)));
        assert!(is_usable(at(253_402_300_798)) && !is_usable(at(253_402_300_799)));
        assert!(!is_usable(UNIX_EPOCH - Duration::from_secs(1)));
    }
}
