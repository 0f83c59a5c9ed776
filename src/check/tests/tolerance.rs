//! Handlers that reject events too early.

use super::*;
use crate::check::cause::MeasuredTolerance;

/// Checks a Plexos handler whose tolerance is this long, with a clock that starts at this fraction
/// of a second.
fn report_with_tolerance(milliseconds: i64, start: i64, selection: ProbeSelection) -> CheckReport {
    let clock: Clock = Rc::new(Cell::new(now() + SignedDuration::from_millis(start)));
    let (shown, tolerance) = (Rc::clone(&clock), SignedDuration::from_millis(milliseconds));
    let handle: Handle = Box::new(move |request| {
        let is_authentic = is_authentic(plexos(), request, None, None);
        let signed = request.headers.get("X-Plexos-Timestamp").and_then(|text| str::from_utf8(text).ok()?.parse().ok());
        let signed = signed.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let is_fresh = signed.is_some_and(|signed| shown.get().duration_since(signed).abs() <= tolerance);
        Ok(if !is_authentic || !is_fresh {
            401
        } else if Payload::parse(&request.body).is_ok() {
            200
        } else {
            400
        })
    });
    let latency = Duration::from_millis(7);
    let mut handler = TestHandler { clock, latency, ..TestHandler::new(handle, None) };
    run(&plan(plexos(), selection), &mut handler, &mut || {}).unwrap()
}

#[test]
fn a_small_tolerance_is_measured_and_nothing_else_fails() {
    for (milliseconds, accepted, rejected) in [(5_000, 4, 5), (30_500, 30, 31), (239_000, 238, 239)] {
        let report = report_with_tolerance(milliseconds, 0, ProbeSelection::default());
        let cause = ProbeCause::ToleranceTooSmall(MeasuredTolerance { accepted, rejected });
        assert_eq!((failed(&report), causes(&report)), (vec!["accept.timestamp.aged"], vec!["tolerance_small"]));
        assert_eq!(report.problems()[0].cause, &cause, "{milliseconds}");
        assert_eq!(report.count(None, ProbeGrade::Skipped), 1, "{milliseconds}");
    }
    let enough = report_with_tolerance(300_000, 0, ProbeSelection::default());
    assert!(enough.passed(), "{:?}", failed(&enough));
}

#[test]
fn a_tolerance_below_a_second_gets_the_same_report_whenever_the_check_starts() {
    for start in (0..1_000).step_by(50) {
        let report = report_with_tolerance(300, start, ProbeSelection::default());
        assert_eq!(failed(&report), ["accept.timestamp.aged"], "{start}");
        let cause = ProbeCause::ToleranceTooSmall(MeasuredTolerance { accepted: 0, rejected: 1 });
        assert_eq!(report.problems()[0].cause, &cause, "{start}");
        assert_eq!((grade(&report, "accept.any"), &report.baseline), (ProbeGrade::Pass, &None), "{start}");
        assert_eq!(report.count(None, ProbeGrade::Skipped), report.results.len() - 2, "{start}");
    }
}
