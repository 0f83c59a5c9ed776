//! JUnit XML for CI systems: a suite for each class, a case for each reference.
//!
//! Differences are failures, accepted ones are skipped. Whatever makes the list of differences
//! incomplete is an error, so that no CI system shows an incomplete run as passed.

use super::words::{amount, plain};
use crate::model::mask::mask_secrets;
use crate::reconcile::known::Acceptance;
use crate::reconcile::report::{ReconcileReport, ReportRow, ReportSection};
use crate::render::page::escape_markup;
use crate::render::text::count;

/// The start of every report.
const START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"whtool reconcile\"";

/// Recognizes a report of `junit` by its first bytes.
pub fn is_junit_report(start: &[u8]) -> bool {
    start.starts_with(START.as_bytes())
}

/// The result of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CaseResult {
    Passed,
    Failed,
    Error,
    Skipped,
}

impl CaseResult {
    fn for_section(section: ReportSection) -> Self {
        match section {
            ReportSection::Accepted => Self::Skipped,
            ReportSection::Class(class) if class.is_difference() => Self::Failed,
            ReportSection::Class(_) if section.counts() => Self::Error,
            ReportSection::Class(_) => Self::Passed,
        }
    }

    fn element(self) -> Option<&'static str> {
        match self {
            Self::Passed => None,
            Self::Failed => Some("failure"),
            Self::Error => Some("error"),
            Self::Skipped => Some("skipped"),
        }
    }
}

/// A suite: its name, its cases as XML with their results.
struct Suite {
    name: &'static str,
    cases: Vec<(CaseResult, String)>,
}

impl Suite {
    fn count(&self, wanted: CaseResult) -> usize {
        self.cases.iter().filter(|(result, _)| *result == wanted).count()
    }

    fn attributes(suites: &[Self]) -> String {
        let sum = |wanted| suites.iter().map(|suite| suite.count(wanted)).sum::<usize>();
        let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
        format!(
            "tests=\"{tests}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
            sum(CaseResult::Failed),
            sum(CaseResult::Error),
            sum(CaseResult::Skipped)
        )
    }
}

/// Formats a report as a JUnit file.
pub fn junit(report: &ReconcileReport) -> String {
    let mut suites: Vec<_> =
        report.sections().map(|(section, rows, number)| section_suite(report, section, rows, number)).collect();
    suites.extend(run_suite(report));
    let (started, took) = (report.facts.started, report.facts.finished.duration_since(report.facts.started));
    let seconds = took.as_secs_f64();
    let mut text =
        format!("{START} {} time=\"{seconds:.3}\" timestamp=\"{started:.0}\">\n", Suite::attributes(&suites));
    for suite in suites {
        let cases: String = suite.cases.iter().map(|(_, case)| case.as_str()).collect();
        let attributes = Suite::attributes(std::slice::from_ref(&suite));
        text.push_str(&format!("  <testsuite name=\"{}\" {attributes}>\n{cases}  </testsuite>\n", suite.name));
    }
    text + "</testsuites>\n"
}

fn section_suite(report: &ReconcileReport, section: ReportSection, rows: &[ReportRow], number: u64) -> Suite {
    let result = CaseResult::for_section(section);
    let name = match section {
        ReportSection::Class(class) => class.code(),
        ReportSection::Accepted => "accepted",
    };
    let mut cases: Vec<_> = rows.iter().map(|row| (result, row_case(name, row, result))).collect();
    let left = number.saturating_sub(rows.len() as u64);
    if left > 0 {
        let file = report.facts.csv.as_deref().unwrap_or("the CSV output");
        let message = format!("{} more are in {file}", count(left, "reference"));
        cases.push((result, case(name, &format!("{left} more"), result, &message, "")));
    }
    Suite { name, cases }
}

/// Returns a suite with an error if the run is incomplete for another reason than its inconclusive
/// references, which have cases of their own.
fn run_suite(report: &ReconcileReport) -> Option<Suite> {
    let missing = report.missing();
    let is_listed = report.facts.stopped.is_none() && report.totals.bad_lines == 0 && report.inconclusive() > 0;
    if missing.is_empty() || is_listed {
        return None;
    }
    let xml = case("run", "complete", CaseResult::Error, &missing.join("; "), "");
    Some(Suite { name: "run", cases: vec![(CaseResult::Error, xml)] })
}

fn row_case(suite: &str, row: &ReportRow, result: CaseResult) -> String {
    let reasons = row.findings.iter().map(|finding| finding.reason.as_str()).filter(|reason| !reason.is_empty());
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    let (title, action) = (plain(row.class).title, plain(row.class).action);
    let message = match &row.acceptance {
        Acceptance::Accepted(note) if note.is_empty() => "accepted".to_owned(),
        Acceptance::Accepted(note) => format!("accepted: {note}"),
        _ if reasons.is_empty() => title.to_owned(),
        _ => reasons,
    };
    let money = |side, money: &Option<_>| money.as_ref().map(|money| format!("{side}: {}", amount(money)));
    let status = |side, status: &Option<String>| status.as_ref().map(|status| format!("{side}: {status}"));
    let changed = match &row.acceptance {
        Acceptance::Changed(reason) => Some(format!("news: {reason}")),
        _ => None,
    };
    let details = [
        status("order status", &row.order_status),
        money("order amount", &row.order_money),
        status("record status", &row.record_status),
        money("record amount", &row.record_money),
        changed,
        Some(format!("fix: {action}")).filter(|_| !action.is_empty()),
    ];
    let details: Vec<_> = details.into_iter().flatten().collect();
    let name = match &row.own_id {
        Some(own) => format!("{} ({own})", row.reference),
        None => row.reference.clone(),
    };
    case(suite, &name, result, &message, &details.join("\n"))
}

fn case(suite: &str, name: &str, result: CaseResult, message: &str, details: &str) -> String {
    let safe = |text: &str| escape_markup(&mask_secrets(text)).replace('\n', "&#10;");
    let start = format!("    <testcase classname=\"whtool.reconcile.{suite}\" name=\"{}\"", safe(name));
    match result.element() {
        None => format!("{start}/>\n"),
        Some(element) => {
            let kind = if result == CaseResult::Skipped { String::new() } else { format!(" type=\"{suite}\"") };
            let details = escape_markup(&mask_secrets(details));
            format!(
                "{start}>\n      <{element}{kind} message=\"{}\">{details}</{element}>\n    </testcase>\n",
                safe(message)
            )
        }
    }
}
