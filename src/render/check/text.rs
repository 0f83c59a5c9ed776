//! Report for a terminal: one line per group, then the problems, then information and skipped
//! probes.

use super::ReportHeader;
use crate::check::{CheckReport, ProbeCause, ProbeExchange, ProbeGrade, ProbeGroup, ProbeResult, Problem, framework};
use crate::diagnose::Confidence;
use crate::model::sanitize::truncate;
use crate::model::width::Width;
use crate::render::paint::Paint;
use crate::render::request;
use crate::render::text::{answer_text, count, duration};
use std::collections::BTreeSet;
use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportDetail {
    /// Counts the probes that passed, and shows a request only where the fix needs it.
    Summary,
    /// Shows the request of every failure, too.
    Commands,
    /// Lists every probe, and shows the request and the documentation of every problem.
    Full,
}

#[derive(Clone, Copy, Debug)]
pub struct TextLayout {
    pub detail: ReportDetail,
    pub width: Width,
    pub paint: Paint,
}

/// Indentation of the continuation of a wrapped line.
const CONTINUATION_INDENT: usize = 4;
/// Width of the labels of a problem's lines.
const LABEL_WIDTH: usize = 9;
/// Longest command that is shown; the JSON report has every command.
const MAX_COMMAND_BYTES: usize = 6_000;
/// Maximum width of a line of probe ids.
const IDS_WIDTH: usize = 100;

const STRING: &str = "writing to a String does not fail";

/// Formats a report. Its text cannot move the cursor, and its commands are never wrapped.
pub fn text(report: &CheckReport, header: &ReportHeader, layout: &TextLayout) -> String {
    let TextLayout { detail, width, paint } = *layout;
    let mut out = heading(report, header, paint);
    for group in ProbeGroup::ALL {
        let results: Vec<_> = report.results.iter().filter(|result| result.group == group).collect();
        if detail == ReportDetail::Full && !results.is_empty() {
            out.push_str(&group_line(report, group, paint));
            results.iter().for_each(|result| out.push_str(&probe_line(result, paint)));
        } else if results.iter().any(|result| result.grade != ProbeGrade::Skipped) {
            out.push_str(&group_line(report, group, paint));
        }
    }
    let mut out = width.wrap(&out, CONTINUATION_INDENT);
    for problem in report.problems().into_iter().filter(|problem| problem.grade != ProbeGrade::Info) {
        out.push_str(&width.wrap(&problem_lines(&problem, report, header, layout), LABEL_WIDTH + 1));
        out.push_str(&request_lines(&problem, header, detail, paint));
    }
    let end = notes(report, paint) + &summary(report, header, layout);
    out.push_str(&width.wrap(&end, CONTINUATION_INDENT));
    out
}

fn heading(report: &CheckReport, header: &ReportHeader, paint: Paint) -> String {
    let framework = report.framework.map(|framework| format!(" · {}", framework.title)).unwrap_or_default();
    let url = paint.strong(&truncate(header.url.as_str(), 200));
    let secret = paint.faint(&format!("signed with {}", truncate(&header.secret, 80)));
    let mut out = format!("{url}  {}{framework}  {secret}\n", paint.name(header.title));
    if let Some(baseline) = &report.baseline {
        writeln!(out, "{} {baseline}", paint.warn("accepts")).expect(STRING);
    }
    out.push('\n');
    out
}

fn colored(grade: ProbeGrade, text: &str, paint: Paint) -> String {
    match grade {
        ProbeGrade::Pass => paint.good(text),
        ProbeGrade::Fail => paint.bad(text),
        ProbeGrade::Warn => paint.warn(text),
        ProbeGrade::Info => paint.name(text),
        ProbeGrade::Skipped => paint.faint(text),
    }
}

fn counts(report: &CheckReport, group: Option<ProbeGroup>, paint: Paint) -> String {
    let counts = ProbeGrade::ALL.into_iter().filter_map(|grade| {
        let number = report.count(group, grade);
        (number > 0).then(|| colored(grade, &format!("{number} {}", grade.count_label(number)), paint))
    });
    counts.collect::<Vec<_>>().join(", ")
}

fn group_line(report: &CheckReport, group: ProbeGroup, paint: Paint) -> String {
    let name = paint.strong(&format!("{:<8}", group.name()));
    format!("  {name} {:<46}{}\n", group.description(), counts(report, Some(group), paint))
}

fn probe_line(result: &ProbeResult, paint: Paint) -> String {
    let word = if result.grade == ProbeGrade::Skipped { "skip" } else { result.grade.code() };
    let grade = colored(result.grade, &format!("{word:<4}"), paint);
    format!("    {grade} {:<40} {}\n", result.id, paint.faint(&result.summary))
}

fn problem_lines(
    problem: &Problem<'_>,
    report: &CheckReport,
    header: &ReportHeader,
    &TextLayout { detail, paint, .. }: &TextLayout,
) -> String {
    let grade = colored(problem.grade, &format!("{:<4}", problem.grade.code().to_uppercase()), paint);
    let mut out = format!("\n{grade}  {}\n", paint.strong(&problem.cause.sentence()));
    let mut line = |label: &str, text: &str| out.push_str(&labelled(label, text, paint));
    let ids = id_lines(&problem.results);
    ids.iter().enumerate().for_each(|(at, ids)| line(if at == 0 { "probes" } else { "" }, ids));
    let Some(result) = problem.results.first() else { return out };
    line("why", result.why);
    line("response", &response(result, header));
    if let (Some(confidence), Some(evidence)) = (problem.cause.confidence(), problem.cause.evidence()) {
        line(if confidence == Confidence::Likely { "tried" } else { confidence.code() }, &evidence);
    }
    line("fix", &problem.cause.fix());
    if let Some(framework) = report.framework
        && let Some(fix) = framework::fix(framework, problem.cause)
    {
        line(framework.title, fix);
    }
    if problem.cause.may_be_secret() {
        line("secret", &format!("set {} to the handler's secret, or use --secret-file", header.variable));
    }
    if detail == ReportDetail::Full {
        line("docs", result.page);
    }
    out
}

/// Returns the request that shows the problem, if the detail or the fix asks for it.
fn request_lines(problem: &Problem<'_>, header: &ReportHeader, detail: ReportDetail, paint: Paint) -> String {
    let shows_request = match problem.grade {
        ProbeGrade::Fail => detail >= ReportDetail::Commands || problem.cause.may_be_secret(),
        _ => detail == ReportDetail::Full,
    };
    match problem.results.first().and_then(|result| result.exchange()) {
        Some(exchange) if shows_request => {
            labelled("reproduce", "with this bash command:", paint) + &command(exchange, header)
        }
        _ => String::new(),
    }
}

fn labelled(label: &str, text: &str, paint: Paint) -> String {
    format!("      {} {text}\n", paint.faint(&format!("{label:<LABEL_WIDTH$}")))
}

fn id_lines(results: &[&ProbeResult]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for ProbeResult { id, .. } in results {
        match lines.last_mut() {
            Some(line) if line.len() + id.len() < IDS_WIDTH => write!(line, ", {id}").expect(STRING),
            Some(line) => {
                line.push(',');
                lines.push(id.clone());
            }
            None => lines.push(id.clone()),
        }
    }
    lines
}

fn response(result: &ProbeResult, header: &ReportHeader) -> String {
    let Some(exchange) = result.exchange() else { return result.summary.clone() };
    let took = duration(exchange.response.took);
    let answer = exchange.response.answer.as_ref().ok();
    let body = answer.map(|answer| answer_text(answer, header.url.as_str())).unwrap_or_default();
    let body = if body.is_empty() { String::new() } else { format!(" · {body}") };
    format!("{} · {took}{body}", result.summary)
}

/// Returns the request as a command for bash, indented unless it contains a here-document.
fn command(exchange: &ProbeExchange, header: &ReportHeader) -> String {
    let command = request::curl(&exchange.request, &header.url);
    if command.len() > MAX_COMMAND_BYTES {
        return format!("        (body of {} bytes: see --json)\n", exchange.request.body.len());
    }
    if command.contains("<<") {
        return command;
    }
    command.lines().flat_map(|line| ["        ", line, "\n"]).collect()
}

/// Returns information, and the number of skipped probes by reason.
fn notes(report: &CheckReport, paint: Paint) -> String {
    let mut out = String::new();
    for result in report.results.iter().filter(|result| result.grade == ProbeGrade::Info) {
        let gap = if out.is_empty() { "\n" } else { "" };
        let meaning = result.cause.as_ref().map_or(result.summary.clone(), ProbeCause::sentence);
        let grade = colored(ProbeGrade::Info, "INFO", paint);
        writeln!(out, "{gap}{grade}  {:<32} {meaning}", result.id).expect(STRING);
    }
    let mut reasons: Vec<(&str, u64)> = Vec::new();
    for result in report.results.iter().filter(|result| result.grade == ProbeGrade::Skipped) {
        match reasons.iter_mut().find(|(reason, _)| *reason == result.summary) {
            Some((_, number)) => *number += 1,
            None => reasons.push((&result.summary, 1)),
        }
    }
    for (at, (reason, number)) in reasons.iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        writeln!(out, "{gap}{}  {}: {reason}", paint.faint("SKIP"), count(*number, "probe")).expect(STRING);
    }
    out
}

fn summary(report: &CheckReport, header: &ReportHeader, &TextLayout { detail, paint, .. }: &TextLayout) -> String {
    let total = count(report.results.len() as u64, "probe");
    let mut out = format!("\n{total} in {}: {}\n", duration(header.took), counts(report, None, paint));
    let problems = report.problems();
    let has_failure = problems.iter().any(|problem| problem.grade == ProbeGrade::Fail);
    if has_failure && detail == ReportDetail::Summary {
        writeln!(out, "{}", paint.faint("(--curl prints a command that reproduces each failure)")).expect(STRING);
    }
    if has_failure && detail > ReportDetail::Summary && header.signs_timestamp {
        let note = "(signatures expire after 5 minutes: run check again for fresh requests)";
        writeln!(out, "{}", paint.faint(note)).expect(STRING);
    }
    if detail < ReportDetail::Full {
        let failures = problems.iter().filter(|problem| problem.grade == ProbeGrade::Fail);
        let pages: BTreeSet<_> = failures.filter_map(|problem| Some(problem.results.first()?.page)).collect();
        for page in pages {
            writeln!(out, "{}", paint.faint(&format!("(documented at {page})"))).expect(STRING);
        }
    }
    out
}
