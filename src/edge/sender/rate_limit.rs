//! Limits how many requests start per second.

use std::time::Duration;
use tokio::time::Instant;

/// Delay behind schedule that the sender may catch up. Timers have a resolution of a
/// millisecond, so without this a high rate would never be reached.
const CATCH_UP: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct RateLimit {
    /// `None`: unlimited.
    interval: Option<Duration>,
    next_start: Instant,
}

impl RateLimit {
    /// A rate that is not a positive number is no limit.
    pub fn new(per_second: Option<f64>, now: Instant) -> Self {
        let interval = per_second.and_then(|rate| Duration::try_from_secs_f64(rate.recip()).ok());
        Self { interval, next_start: now }
    }

    /// Returns when the next request may start. `None`: now.
    pub fn next_start(&self) -> Option<Instant> {
        self.interval.map(|_| self.next_start)
    }

    pub fn record_start(&mut self, now: Instant) {
        if let Some(interval) = self.interval {
            let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
            self.next_start = self.next_start.max(earliest) + interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_spread_evenly() {
        let start = Instant::now();
        let mut limit = RateLimit::new(Some(50.0), start);
        for step in 0..10 {
            let due = start + Duration::from_millis(20) * step;
            assert_eq!(limit.next_start(), Some(due));
            limit.record_start(due);
        }
    }

    #[test]
    fn a_long_wait_is_made_up_for_by_20_ms_of_starts_only() {
        let start = Instant::now();
        let mut limit = RateLimit::new(Some(1000.0), start);
        let late = start + Duration::from_secs(60);
        let mut burst = 0;
        while limit.next_start().is_some_and(|due| due <= late) {
            limit.record_start(late);
            burst += 1;
        }
        assert_eq!(burst, 21, "the first start, and those of the last 20 ms");
    }

    #[test]
    fn a_rate_that_is_not_positive_is_no_limit() {
        for rate in [None, Some(0.0), Some(-1.0), Some(f64::NAN)] {
            assert_eq!(RateLimit::new(rate, Instant::now()).next_start(), None);
        }
    }
}
