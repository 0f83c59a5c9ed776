//! Drives the schedule with a simulated clock and provider.

use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn policy(concurrency: usize) -> SchedulePolicy {
    SchedulePolicy { concurrency, retries: 4, wait: Duration::ZERO }
}

/// The trace of a simulated run.
#[derive(Debug, Default)]
struct Trace {
    /// The last decision about each lookup.
    ended: Vec<Option<Decision>>,
    /// The time of each request.
    requests: Vec<(Elapsed, u64)>,
    took: Elapsed,
    most_in_flight: usize,
    most_waiting: usize,
    ended_early: bool,
}

/// Runs `total` lookups that take 50 ms each. `answer` gets the number of the lookup, the number of
/// the attempt and the time.
fn run(policy: SchedulePolicy, total: u64, mut answer: impl FnMut(u64, u32, Elapsed) -> AttemptResult) -> Trace {
    let mut schedule = Schedule::new(policy);
    let mut in_flight: BinaryHeap<Reverse<(Elapsed, u64)>> = BinaryHeap::new();
    let mut times: HashMap<u64, u32> = HashMap::new();
    let (mut now, mut started) = (Elapsed::ZERO, 0);
    let mut ran = Trace { ended: vec![None; usize::try_from(total).unwrap()], ..Trace::default() };
    for step in 0_u32.. {
        assert!(step < 1_000_000, "the run never ends");
        let action = schedule.next_action(now);
        let number = match action {
            NextAction::StartNew if started < total => {
                schedule.start(started, now);
                started += 1;
                Some(started - 1)
            }
            NextAction::StartNew => {
                schedule.end_input();
                continue;
            }
            NextAction::Retry(number) => Some(number),
            NextAction::Wait(_) | NextAction::Finished => None,
        };
        if let Some(number) = number {
            in_flight.push(Reverse((now + 50 * MS, number)));
            ran.requests.push((now, number));
            ran.most_in_flight = ran.most_in_flight.max(in_flight.len());
            continue;
        }
        ran.most_waiting = ran.most_waiting.max(schedule.waiting.len());
        let wake = if let NextAction::Wait(span) = action { Some(now + span) } else { None };
        match (in_flight.peek().copied(), wake) {
            (Some(Reverse((at, number))), wake) if wake.is_none_or(|wake| at <= wake) => {
                in_flight.pop();
                now = at;
                let time = times.entry(number).or_default();
                *time += 1;
                let decision = schedule.record_result(number, answer(number, *time, now), now, step.wrapping_mul(7919));
                if decision == Decision::Abort {
                    ran.ended_early = true;
                    break;
                }
                if decision != Decision::Retry {
                    assert_eq!(
                        ran.ended[usize::try_from(number).unwrap()].replace(decision),
                        None,
                        "a lookup ends once"
                    );
                }
            }
            (_, Some(wake)) => now = wake,
            (None | Some(_), None) => break,
        }
    }
    ran.took = now;
    ran
}

#[test]
fn the_limit_on_lookups_in_flight_is_used_up() {
    let ran = run(policy(50), 5_000, |_, _, _| AttemptResult::Settled);
    assert_eq!((ran.took, ran.most_in_flight), (Duration::from_secs(5), 50));
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
}

#[test]
fn every_lookup_pauses_as_long_as_the_provider_asks() {
    let held = Duration::from_secs(7);
    let ran = run(policy(16), 200, |number, time, _| {
        if number == 3 && time == 1 { AttemptResult::RateLimited(Some(held)) } else { AttemptResult::Settled }
    });
    let from = 50 * MS;
    assert!(ran.requests.iter().all(|(at, _)| *at <= from || *at >= from + held), "no request during the pause");
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
}

#[test]
fn a_rate_limit_halves_the_lookups_in_flight() {
    let held = Duration::from_secs(1);
    let ran = run(policy(16), 200, |_, time, at| {
        if time == 1 && at == 50 * MS { AttemptResult::RateLimited(Some(held)) } else { AttemptResult::Settled }
    });
    let first = ran.requests.iter().filter(|(at, _)| *at == 50 * MS + held).count();
    assert_eq!(first, 8);
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
}

#[test]
fn a_pause_that_is_too_long_or_repeated_too_often_ends_the_run() {
    assert!(run(policy(4), 9, |_, _, _| AttemptResult::RateLimited(Some(Duration::from_secs(86_400)))).ended_early);
    let ran = run(policy(4), 9, |_, _, _| AttemptResult::RateLimited(None));
    assert!(ran.ended_early && ran.took < Duration::from_secs(300), "{:?}", ran.took);
}

#[test]
fn a_failed_lookup_is_retried_after_growing_pauses() {
    let ran = run(policy(1), 1, |_, time, _| if time < 4 { AttemptResult::Failed } else { AttemptResult::Settled });
    let at: Vec<_> = ran.requests.iter().map(|(at, _)| *at).collect();
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0] - 50 * MS).collect();
    assert_eq!((at.len(), ran.ended[0]), (4, Some(Decision::Done)));
    for (pause, most) in pauses.iter().zip([500, 1_000, 2_000]) {
        assert!(*pause >= most / 2 * MS && *pause <= most * MS, "{pauses:?}");
    }
}

#[test]
fn a_lookup_that_always_fails_is_given_up_while_others_succeed() {
    let ran =
        run(policy(4), 500, |number, _, _| if number == 7 { AttemptResult::Failed } else { AttemptResult::Settled });
    assert_eq!(ran.ended[7], Some(Decision::GiveUp));
    assert!(ran.ended.iter().enumerate().all(|(number, end)| number == 7 || *end == Some(Decision::Done)));
}

#[test]
fn a_provider_that_is_down_ends_the_run_early() {
    let ran = run(policy(16), 100_000, |_, _, _| AttemptResult::Failed);
    assert!(
        ran.ended_early && ran.requests.len() <= 2 * 16 * 5 && ran.took < Duration::from_secs(10),
        "{:?}",
        ran.took
    );
}

#[test]
fn an_open_payment_is_polled_until_it_ends() {
    let wait = SchedulePolicy { wait: Duration::from_secs(120), ..policy(4) };
    let ran = run(
        wait,
        3,
        |number, time, _| if number == 1 && time < 5 { AttemptResult::StillOpen } else { AttemptResult::Settled },
    );
    assert_eq!(ran.requests.iter().filter(|(_, number)| *number == 1).count(), 5);
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)) && ran.took < Duration::from_secs(12));
}

#[test]
fn the_last_poll_is_at_the_end_of_the_wait() {
    let wait = SchedulePolicy { wait: Duration::from_secs(120), ..policy(4) };
    let ran = run(wait, 3, |_, _, _| AttemptResult::StillOpen);
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
    assert!(ran.took >= Duration::from_secs(120) && ran.took < Duration::from_secs(121), "{:?}", ran.took);
    assert!(ran.requests.len() < 3 * 15, "pauses grow");
    assert_eq!(run(policy(4), 3, |_, _, _| AttemptResult::StillOpen).requests.len(), 3);
}

proptest! {
    #[test]
    fn every_lookup_ends_once_and_the_limit_is_never_exceeded(
        concurrency in 1_usize..40,
        total in 0_u64..300,
        seed in any::<u64>(),
    ) {
        let wait = SchedulePolicy { wait: Duration::from_secs(20), ..policy(concurrency) };
        let ran = run(wait, total, |number, time, at| {
            let chance = (seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(time) << 7 ^ at.as_nanos() as u64)
                .wrapping_mul(0xff51_afd7_ed55_8ccd) >> 60;
            match chance {
                0 => AttemptResult::Failed,
                1 => AttemptResult::RateLimited(Some(Duration::from_millis(chance * 300))),
                2 => AttemptResult::RateLimited(None),
                3 | 4 => AttemptResult::StillOpen,
                _ => AttemptResult::Settled,
            }
        });
        prop_assert!(ran.most_in_flight <= concurrency);
        prop_assert!(ran.ended_early || ran.ended.iter().all(Option::is_some));
    }

    #[test]
    fn waiting_retries_are_limited_by_the_concurrency(concurrency in 1_usize..40, one_in in 2_u64..6) {
        let ran = run(policy(concurrency), 2_000, |number, time, _| {
            if time == 1 && number % one_in == 0 { AttemptResult::Failed } else { AttemptResult::Settled }
        });
        prop_assert!(ran.most_waiting <= 2 * concurrency, "{}", ran.most_waiting);
        prop_assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
    }
}

#[test]
fn a_payment_that_is_known_to_be_open_is_polled_and_not_looked_up_at_once() {
    let mut schedule = Schedule::new(SchedulePolicy { wait: Duration::from_secs(60), ..policy(4) });
    schedule.start_open(0, Elapsed::ZERO);
    schedule.end_input();
    assert_eq!(schedule.next_action(Elapsed::ZERO), NextAction::Wait(POLL.first));
    assert_eq!(schedule.next_action(POLL.first), NextAction::Retry(0));
    assert_eq!(schedule.record_result(0, AttemptResult::Settled, POLL.first, 0), Decision::Done);
    assert_eq!(schedule.next_action(POLL.first), NextAction::Finished);
}
