//! The result of every probe, in the order in which they were run, and the problems that they show.

use super::cause::ProbeCause;
use super::grading::Grading;
use super::probe::Probe;
use super::types::{ProbeExchange, ProbeGrade, ProbeGroup};
use crate::diagnose::frameworks::Framework;

#[derive(Clone, Debug)]
pub struct ProbeResult {
    pub id: String,
    pub group: ProbeGroup,
    /// Reason for the requirement.
    pub why: &'static str,
    /// URL of the provider's page.
    pub page: &'static str,
    pub grade: ProbeGrade,
    /// The response, or why the probe was skipped. Contains no text of the handler's.
    pub summary: String,
    /// `None` if nothing is wrong.
    pub cause: Option<ProbeCause>,
    /// Requests and responses, in order.
    pub exchanges: Vec<ProbeExchange>,
    /// Index of the exchange that shows the cause.
    pub shown_by: usize,
}

#[derive(Clone, Debug)]
pub struct CheckReport {
    pub results: Vec<ProbeResult>,
    /// Differences of the accepted request format from the documented one. `None` if there are
    /// none.
    pub baseline: Option<String>,
    /// `None` if no response reveals the framework.
    pub framework: Option<&'static Framework>,
}

impl ProbeResult {
    /// Creates the result of a probe whose last exchange shows the cause.
    pub(super) fn new(
        probe: &Probe,
        grading: Grading,
        summary: impl Into<String>,
        exchanges: Vec<ProbeExchange>,
    ) -> Self {
        let Probe { group, why, page, .. } = *probe;
        let Grading { grade, cause } = grading;
        let shown_by = exchanges.len().saturating_sub(1);
        Self { id: probe.id.clone(), group, why, page, grade, summary: summary.into(), cause, exchanges, shown_by }
    }

    pub(super) fn skipped(probe: &Probe, reason: &str) -> Self {
        Self::new(probe, Grading::SKIPPED, reason, Vec::new())
    }

    pub(super) fn shown_by(self, shown_by: usize) -> Self {
        Self { shown_by, ..self }
    }

    /// Returns the exchange that shows the cause.
    pub fn exchange(&self) -> Option<&ProbeExchange> {
        self.exchanges.get(self.shown_by)
    }
}

/// A cause, with all the results that it explains.
#[derive(Clone, Debug)]
pub struct Problem<'r> {
    /// Worst grade of the results.
    pub grade: ProbeGrade,
    pub cause: &'r ProbeCause,
    /// At least one; the worst first.
    pub results: Vec<&'r ProbeResult>,
}

impl CheckReport {
    /// Counts the results with this grade, in one group or in all.
    pub fn count(&self, group: Option<ProbeGroup>, grade: ProbeGrade) -> usize {
        let is_counted =
            |result: &&ProbeResult| result.grade == grade && group.is_none_or(|group| group == result.group);
        self.results.iter().filter(is_counted).count()
    }

    /// Returns whether no probe failed.
    pub fn passed(&self) -> bool {
        self.count(None, ProbeGrade::Fail) == 0
    }

    /// Returns the problems, the worst first.
    pub fn problems(&self) -> Vec<Problem<'_>> {
        let mut problems: Vec<Problem<'_>> = Vec::new();
        for result in &self.results {
            let Some(cause) = &result.cause else { continue };
            let is_serious = result.grade >= ProbeGrade::Warn;
            let explains = |problem: &&mut Problem<'_>| {
                problem.cause == cause && (problem.grade >= ProbeGrade::Warn) == is_serious
            };
            match problems.iter_mut().find(explains) {
                Some(problem) => {
                    problem.grade = problem.grade.max(result.grade);
                    problem.results.push(result);
                }
                None => problems.push(Problem { grade: result.grade, cause, results: vec![result] }),
            }
        }
        for problem in &mut problems {
            problem.results.sort_by_key(|result| std::cmp::Reverse(result.grade));
        }
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.grade));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn result(id: &str, group: ProbeGroup, grade: ProbeGrade, cause: Option<ProbeCause>) -> ProbeResult {
        let (summary, exchanges) = (String::new(), Vec::new());
        ProbeResult { id: id.to_owned(), group, why: "", page: "", grade, summary, cause, exchanges, shown_by: 0 }
    }

    fn report() -> CheckReport {
        use ProbeGrade::{Fail, Info, Pass, Warn};
        let results = vec![
            result("accept.a", ProbeGroup::Accept, Pass, None),
            result("raw.info", ProbeGroup::Raw, Info, Some(ProbeCause::Timeout)),
            result("raw.warn", ProbeGroup::Raw, Warn, Some(ProbeCause::Timeout)),
            result("refuse.slow", ProbeGroup::Refuse, Warn, Some(ProbeCause::Slow)),
            result("refuse.fail", ProbeGroup::Refuse, Fail, Some(ProbeCause::Timeout)),
        ];
        CheckReport { results, baseline: None, framework: None }
    }

    #[test]
    fn results_with_one_cause_are_one_problem_the_worst_first_and_information_stays_apart() {
        let report = report();
        let problems: Vec<_> = report
            .problems()
            .into_iter()
            .map(|problem| {
                (
                    problem.grade,
                    problem.cause.clone(),
                    problem.results.iter().map(|result| result.id.as_str()).collect::<Vec<_>>(),
                )
            })
            .collect();
        let expected = [
            (ProbeGrade::Fail, ProbeCause::Timeout, vec!["refuse.fail", "raw.warn"]),
            (ProbeGrade::Warn, ProbeCause::Slow, vec!["refuse.slow"]),
            (ProbeGrade::Info, ProbeCause::Timeout, vec!["raw.info"]),
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_check_passes_with_warnings_and_fails_with_one_failure() {
        let mut report = report();
        assert_eq!(report.count(None, ProbeGrade::Warn), 2);
        assert_eq!(report.count(Some(ProbeGroup::Raw), ProbeGrade::Warn), 1);
        assert_eq!(report.count(Some(ProbeGroup::Accept), ProbeGrade::Fail), 0);
        assert!(!report.passed());
        report.results.pop();
        assert!(report.passed());
    }
}
