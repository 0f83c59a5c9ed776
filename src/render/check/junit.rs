//! JUnit XML for CI systems: a suite for each group, a case for each probe.
//!
//! A JUnit case can only pass, fail or be skipped. So warnings and information pass, and are in the
//! case's output.

use super::ReportHeader;
use crate::check::{CheckReport, ProbeCause, ProbeExchange, ProbeGrade, ProbeGroup, ProbeResult};
use crate::render::page::escape_markup;
use crate::render::request;
use std::time::Duration;

/// Longest request body that is included.
const MAX_BODY_BYTES: usize = 24 * 1024;

/// The start of every report.
const START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"whtool check ";

/// Recognizes a report of `junit` by its first bytes.
pub fn is_junit_report(start: &[u8]) -> bool {
    start.starts_with(START.as_bytes())
}

/// Formats a report as a JUnit file.
pub fn junit(report: &CheckReport, header: &ReportHeader) -> String {
    let suites: String = ProbeGroup::ALL.into_iter().map(|group| suite(report, group, header)).collect();
    let (tests, failures) = (report.results.len(), report.count(None, ProbeGrade::Fail));
    let (skipped, time) = (report.count(None, ProbeGrade::Skipped), header.took.as_secs_f64());
    format!(
        "{START}{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time:.3}\">\n{suites}</testsuites>\n",
        escape_markup(header.url.as_str())
    )
}

fn suite(report: &CheckReport, group: ProbeGroup, header: &ReportHeader) -> String {
    let results: Vec<_> = report.results.iter().filter(|result| result.group == group).collect();
    if results.is_empty() {
        return String::new();
    }
    let count = |grade| report.count(Some(group), grade);
    let (failures, skipped) = (count(ProbeGrade::Fail), count(ProbeGrade::Skipped));
    let time: Duration = results.iter().map(|result| response_time(result)).sum();
    let cases: String = results.iter().map(|result| case(result, header)).collect();
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{:.3}\" timestamp=\"{}\">\n{cases}  </testsuite>\n",
        group.name(),
        results.len(),
        time.as_secs_f64(),
        header.started
    )
}

fn response_time(result: &ProbeResult) -> Duration {
    result.exchanges.iter().map(|exchange| exchange.response.took).sum()
}

fn case(result: &ProbeResult, header: &ReportHeader) -> String {
    let summary = escape_markup(&result.summary);
    let cause = result.cause.as_ref();
    let explanation = cause.map(|cause| format!("{}\nfix: {}", cause.sentence(), cause.fix())).unwrap_or_default();
    let inside = match result.grade {
        ProbeGrade::Pass => String::new(),
        ProbeGrade::Skipped => format!("      <skipped message=\"{summary}\"/>\n"),
        ProbeGrade::Fail => {
            let code = cause.map(ProbeCause::code).unwrap_or_default();
            let command = result.exchange().map(|exchange| curl(exchange, header)).unwrap_or_default();
            let body = escape_markup(&format!("{explanation}\ndocs: {}\n\n{command}", result.page));
            format!("      <failure type=\"{code}\" message=\"{summary}\">{body}</failure>\n")
        }
        ProbeGrade::Warn | ProbeGrade::Info => {
            let explanation = if cause.is_some() { format!("\n{explanation}") } else { explanation };
            let grade = result.grade.code();
            format!("      <system-out>{grade}: {summary}{}</system-out>\n", escape_markup(&explanation))
        }
    };
    format!(
        "    <testcase classname=\"whtool.check.{}\" name=\"{}\" time=\"{:.3}\">\n{inside}    </testcase>\n",
        result.group.name(),
        escape_markup(&result.id),
        response_time(result).as_secs_f64()
    )
}

fn curl(exchange: &ProbeExchange, header: &ReportHeader) -> String {
    if exchange.request.body.len() > MAX_BODY_BYTES {
        return String::new();
    }
    request::curl(&exchange.request, &header.url)
}
