//! JUnit's XML, as CI systems read it: a suite for each group, a case for each probe.
//!
//! Failures fail; warnings and information are told in the case's output, since a case can only pass, fail or be skipped.

use super::{Head, escaped};
use crate::check::{Exchange, Grade, Group, Outcome, Report};
use crate::render::request;

/// The whole file.
pub fn junit(report: &Report, head: &Head) -> String {
    let suites: String = Group::ALL.into_iter().map(|group| suite(report, group, head)).collect();
    let (tests, failures) = (report.outcomes.len(), report.count(None, Grade::Fail));
    let (skipped, time) = (report.count(None, Grade::NotRun), head.took.as_secs_f64());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"whtool check {}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time:.3}\">\n{suites}</testsuites>\n",
        escaped(head.url.as_str())
    )
}

fn suite(report: &Report, group: Group, head: &Head) -> String {
    let own: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.group == group).collect();
    if own.is_empty() {
        return String::new();
    }
    let (failures, skipped) = (report.count(Some(group), Grade::Fail), report.count(Some(group), Grade::NotRun));
    let time: f64 = own.iter().map(|outcome| seconds(outcome)).sum();
    let cases: String = own.iter().map(|outcome| case(outcome, head)).collect();
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time:.3}\" timestamp=\"{}\">\n{cases}  </testsuite>\n",
        group.word(),
        own.len(),
        head.at
    )
}

fn seconds(outcome: &Outcome) -> f64 {
    outcome.exchanges.iter().map(|exchange| exchange.reply.took.as_secs_f64()).sum()
}

fn case(outcome: &Outcome, head: &Head) -> String {
    let what = escaped(&outcome.what);
    let inside = match (outcome.grade, &outcome.cause) {
        (Grade::Pass, _) => String::new(),
        (Grade::NotRun, _) => format!("      <skipped message=\"{what}\"/>\n"),
        (Grade::Fail, cause) => {
            let (code, sentence, fix) =
                cause.as_ref().map_or(("", String::new(), ""), |cause| (cause.code(), cause.sentence(), cause.fix()));
            let sent = outcome.exchange().map(|exchange| curl(exchange, head)).unwrap_or_default();
            let body = escaped(&format!("{sentence}\nchange: {fix}\npage: {}\n\n{sent}", outcome.page));
            format!("      <failure type=\"{code}\" message=\"{what}\">{body}</failure>\n")
        }
        (Grade::Warn | Grade::Info, cause) => {
            let advice =
                cause.as_ref().map(|cause| format!("\n{}\n{}", cause.sentence(), cause.fix())).unwrap_or_default();
            format!("      <system-out>{}: {what}{}</system-out>\n", outcome.grade.code(), escaped(&advice))
        }
    };
    format!(
        "    <testcase classname=\"whtool.check.{}\" name=\"{}\" time=\"{:.3}\">\n{inside}    </testcase>\n",
        outcome.group.word(),
        escaped(&outcome.id),
        seconds(outcome)
    )
}

fn curl(exchange: &Exchange, head: &Head) -> String {
    if exchange.request.body.len() > 24 * 1024 { String::new() } else { request::curl(&exchange.request, &head.url) }
}
