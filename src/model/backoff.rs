//! Pauses between attempts that grow with each failure.

use std::time::Duration;

/// Growth stops after this many steps; by then every backoff in use has reached its longest pause.
const MAX_STEPS: u32 = 16;

/// A pause that grows by a constant factor up to a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub first: Duration,
    pub factor: f64,
    pub longest: Duration,
}

impl Backoff {
    pub const fn new(first: Duration, factor: f64, longest: Duration) -> Self {
        Self { first, factor, longest }
    }

    /// Returns the pause before retry number `retry`, counted from 0.
    pub fn pause(&self, retry: u32) -> Duration {
        let seconds = self.first.as_secs_f64() * self.factor.powi(retry.min(MAX_STEPS).cast_signed());
        Duration::try_from_secs_f64(seconds).map_or(self.longest, |pause| pause.min(self.longest))
    }

    /// Returns the same pause shortened by up to half, so that clients that failed together do not
    /// retry together. `random` is any number.
    pub fn jittered_pause(&self, retry: u32, random: u32) -> Duration {
        let half = self.pause(retry) / 2;
        half + half * (random % 1_000) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest() {
        let backoff = Backoff::new(Duration::from_millis(500), 2.0, Duration::from_secs(3));
        let pauses = [0, 1, 2, 3, 4, u32::MAX].map(|retry| backoff.pause(retry).as_millis());
        assert_eq!(pauses, [500, 1_000, 2_000, 3_000, 3_000, 3_000]);
        let slow = Backoff { factor: 1.5, ..backoff };
        assert_eq!([0, 1, 2].map(|retry| slow.pause(retry).as_millis()), [500, 750, 1_125]);
    }

    #[test]
    fn no_pause_stays_none_and_an_endless_one_is_limited() {
        let longest = Duration::from_secs(300);
        assert_eq!(Backoff::new(Duration::ZERO, 2.0, longest).pause(u32::MAX), Duration::ZERO);
        assert_eq!(Backoff::new(Duration::MAX, 2.0, longest).pause(u32::MAX), longest);
        // Growth ends after 16 steps: 1 ms never reaches the limit.
        assert_eq!(Backoff::new(Duration::from_millis(1), 2.0, longest).pause(99).as_millis(), 65_536);
    }

    #[test]
    fn jitter_takes_up_to_half_away() {
        let backoff = Backoff::new(Duration::from_secs(2), 2.0, Duration::from_secs(60));
        assert_eq!(backoff.jittered_pause(1, 0), Duration::from_secs(2));
        assert_eq!(backoff.jittered_pause(1, 1_500), Duration::from_secs(3));
        assert!(backoff.jittered_pause(1, 999) < Duration::from_secs(4));
    }
}
