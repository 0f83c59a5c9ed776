//! The schedule, driven by a made-up clock and a made-up provider.

use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn patience(concurrency: usize) -> SchedulePolicy {
    SchedulePolicy { concurrency, retries: 4, wait: Duration::ZERO }
}

/// What a run came to.
#[derive(Debug, Default)]
struct Ran {
    /// How each ended, by its number.
    ended: Vec<Option<Decision>>,
    /// When each was asked.
    asked: Vec<(Elapsed, u64)>,
    took: Elapsed,
    most_under_way: usize,
    most_waiting: usize,
    ended_early: bool,
}

/// Asks `total` references; each answer takes 50 ms and is what `answer` says to a number, how often it was asked, and when.
fn run(patience: SchedulePolicy, total: u64, mut answer: impl FnMut(u64, u32, Elapsed) -> AttemptResult) -> Ran {
    let mut schedule = Schedule::new(patience);
    let mut under_way: BinaryHeap<Reverse<(Elapsed, u64)>> = BinaryHeap::new();
    let mut times: HashMap<u64, u32> = HashMap::new();
    let (mut now, mut started) = (Elapsed::ZERO, 0);
    let mut ran = Ran { ended: vec![None; usize::try_from(total).unwrap()], ..Ran::default() };
    for step in 0_u32.. {
        assert!(step < 1_000_000, "it comes to an end");
        let turn = schedule.next_action(now);
        let ask = match turn {
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
        if let Some(number) = ask {
            under_way.push(Reverse((now + 50 * MS, number)));
            ran.asked.push((now, number));
            ran.most_under_way = ran.most_under_way.max(under_way.len());
            continue;
        }
        ran.most_waiting = ran.most_waiting.max(schedule.waiting.len());
        let wake = if let NextAction::Wait(span) = turn { Some(now + span) } else { None };
        match (under_way.peek().copied(), wake) {
            (Some(Reverse((at, number))), wake) if wake.is_none_or(|wake| at <= wake) => {
                under_way.pop();
                now = at;
                let time = times.entry(number).or_default();
                *time += 1;
                let fate = schedule.record_result(number, answer(number, *time, now), now, step.wrapping_mul(7919));
                if fate == Decision::Abort {
                    ran.ended_early = true;
                    break;
                }
                if fate != Decision::Retry {
                    assert_eq!(ran.ended[usize::try_from(number).unwrap()].replace(fate), None, "it ends once");
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
fn places_are_kept_filled() {
    let ran = run(patience(50), 5_000, |_, _, _| AttemptResult::Settled);
    assert_eq!((ran.took, ran.most_under_way), (Duration::from_secs(5), 50));
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
}

#[test]
fn all_wait_as_long_as_the_provider_asks() {
    let held = Duration::from_secs(7);
    let ran = run(patience(16), 200, |number, time, _| {
        if number == 3 && time == 1 { AttemptResult::RateLimited(Some(held)) } else { AttemptResult::Settled }
    });
    let from = 50 * MS;
    assert!(ran.asked.iter().all(|(at, _)| *at <= from || *at >= from + held), "nobody is asked meanwhile");
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
}

#[test]
fn after_being_held_back_fewer_are_asked_at_once() {
    let held = Duration::from_secs(1);
    let ran = run(patience(16), 200, |_, time, at| {
        if time == 1 && at == 50 * MS { AttemptResult::RateLimited(Some(held)) } else { AttemptResult::Settled }
    });
    let first = ran.asked.iter().filter(|(at, _)| *at == 50 * MS + held).count();
    assert_eq!(first, 8);
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
}

#[test]
fn a_wait_that_is_too_long_and_one_without_end_are_given_up() {
    assert!(run(patience(4), 9, |_, _, _| AttemptResult::RateLimited(Some(Duration::from_secs(86_400)))).ended_early);
    let ran = run(patience(4), 9, |_, _, _| AttemptResult::RateLimited(None));
    assert!(ran.ended_early && ran.took < Duration::from_secs(300), "{:?}", ran.took);
}

#[test]
fn what_fails_is_asked_again_with_growing_pauses() {
    let ran = run(patience(1), 1, |_, time, _| if time < 4 { AttemptResult::Failed } else { AttemptResult::Settled });
    let at: Vec<_> = ran.asked.iter().map(|(at, _)| *at).collect();
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0] - 50 * MS).collect();
    assert_eq!((at.len(), ran.ended[0]), (4, Some(Decision::Done)));
    for (pause, most) in pauses.iter().zip([500, 1_000, 2_000]) {
        assert!(*pause >= most / 2 * MS && *pause <= most * MS, "{pauses:?}");
    }
}

#[test]
fn one_that_fails_for_ever_is_given_up_and_the_others_are_answered() {
    let ran =
        run(patience(4), 500, |number, _, _| if number == 7 { AttemptResult::Failed } else { AttemptResult::Settled });
    assert_eq!(ran.ended[7], Some(Decision::GiveUp));
    assert!(ran.ended.iter().enumerate().all(|(number, end)| number == 7 || *end == Some(Decision::Done)));
}

#[test]
fn a_provider_that_is_down_ends_it_early_and_little_was_begun() {
    let ran = run(patience(16), 100_000, |_, _, _| AttemptResult::Failed);
    assert!(ran.ended_early && ran.asked.len() <= 2 * 16 * 5 && ran.took < Duration::from_secs(10), "{:?}", ran.took);
}

#[test]
fn what_is_open_is_polled_until_it_ends() {
    let wait = SchedulePolicy { wait: Duration::from_secs(120), ..patience(4) };
    let ran = run(
        wait,
        3,
        |number, time, _| if number == 1 && time < 5 { AttemptResult::StillOpen } else { AttemptResult::Settled },
    );
    assert_eq!(ran.asked.iter().filter(|(_, number)| *number == 1).count(), 5);
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)) && ran.took < Duration::from_secs(12));
}

#[test]
fn the_wait_has_an_end_and_the_last_look_is_there() {
    let wait = SchedulePolicy { wait: Duration::from_secs(120), ..patience(4) };
    let ran = run(wait, 3, |_, _, _| AttemptResult::StillOpen);
    assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
    assert!(ran.took >= Duration::from_secs(120) && ran.took < Duration::from_secs(121), "{:?}", ran.took);
    assert!(ran.asked.len() < 3 * 15, "pauses grow");
    assert_eq!(run(patience(4), 3, |_, _, _| AttemptResult::StillOpen).asked.len(), 3);
}

proptest! {
    #[test]
    fn whatever_is_answered_each_ends_once_and_no_limit_is_passed(
        concurrency in 1_usize..40,
        total in 0_u64..300,
        seed in any::<u64>(),
    ) {
        let wait = SchedulePolicy { wait: Duration::from_secs(20), ..patience(concurrency) };
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
        prop_assert!(ran.most_under_way <= concurrency);
        prop_assert!(ran.ended_early || ran.ended.iter().all(Option::is_some));
    }

    #[test]
    fn what_waits_after_failing_is_no_more_than_is_asked_at_once(concurrency in 1_usize..40, one_in in 2_u64..6) {
        let ran = run(patience(concurrency), 2_000, |number, time, _| {
            if time == 1 && number % one_in == 0 { AttemptResult::Failed } else { AttemptResult::Settled }
        });
        prop_assert!(ran.most_waiting <= 2 * concurrency, "{}", ran.most_waiting);
        prop_assert!(ran.ended.iter().all(|end| *end == Some(Decision::Done)));
    }
}
