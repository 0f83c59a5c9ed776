//! When the next request may start, so that no more than so many start in a second.

use std::time::Duration;
use tokio::time::Instant;

/// How far the schedule may be behind and still catch up. Timers are as coarse as a millisecond; without it a high pace
/// would never be reached.
const LEEWAY: Duration = Duration::from_millis(20);

/// A schedule of starts.
#[derive(Debug)]
pub(super) struct Pace {
    /// `None`: as fast as it goes.
    interval: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// A schedule that begins now. A rate that is not a positive number is no limit.
    pub fn new(per_second: Option<f64>, now: Instant) -> Self {
        let interval = per_second.and_then(|rate| Duration::try_from_secs_f64(rate.recip()).ok());
        Self { interval, next: now }
    }

    /// When the next request may start; `None`: at once.
    pub fn due(&self) -> Option<Instant> {
        self.interval.map(|_| self.next)
    }

    /// A request was started.
    pub fn started(&mut self, now: Instant) {
        if let Some(interval) = self.interval {
            let behind = now.checked_sub(LEEWAY).unwrap_or(now);
            self.next = self.next.max(behind) + interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_spread_evenly() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(50.0), start);
        for step in 0..10 {
            let due = start + Duration::from_millis(20) * step;
            assert_eq!(pace.due(), Some(due));
            pace.started(due);
        }
    }

    #[test]
    fn a_long_wait_is_not_made_up_for_by_a_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(1000.0), start);
        let late = start + Duration::from_secs(60);
        let mut burst = 0;
        while pace.due().is_some_and(|due| due <= late) {
            pace.started(late);
            burst += 1;
        }
        assert!(burst <= 22, "{burst} at once");
    }

    #[test]
    fn without_a_sensible_rate_there_is_no_limit() {
        for rate in [None, Some(0.0), Some(-1.0), Some(f64::NAN)] {
            assert_eq!(Pace::new(rate, Instant::now()).due(), None);
        }
    }
}
