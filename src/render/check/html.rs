//! One self-contained HTML page: no script, font or image from elsewhere.

use super::ReportHeader;
use crate::check::{CheckReport, ProbeExchange, ProbeGrade, ProbeGroup, ProbeResult, Problem, framework};
use crate::model::content_encoding::decoded_body;
use crate::model::mask::mask_secrets;
use crate::model::sanitize::{escape_unsafe_bytes, first_line};
use crate::render::page::{self, escape_markup, escape_prose};
use crate::render::request;
use crate::render::text::{answer_text, count, duration};

/// Longest request body that is shown.
const MAX_REQUEST_BYTES: usize = 24 * 1024;
/// Number of bytes of a response body that are shown.
const MAX_RESPONSE_BYTES: usize = 2_000;

/// Recognizes a page of `html` by its first bytes.
pub fn is_html_report(start: &[u8]) -> bool {
    start.starts_with(page::start("check").as_bytes())
}

/// Formats a report as a page.
pub fn html(report: &CheckReport, header: &ReportHeader) -> String {
    let title = format!("{} handler at {}", header.title, header.url);
    page::page("check", &title, &format!("<main class=\"page\">\n{}</main>\n", html_body(report, header)), "")
}

/// Formats the content of the page, which `ui` shows, too.
pub fn html_body(report: &CheckReport, header: &ReportHeader) -> String {
    let problems = report.problems();
    let problems = problems.iter().filter(|problem| problem.grade != ProbeGrade::Info);
    let problems: String = problems.map(|problem| problem_card(problem, report, header)).collect();
    let groups: String = ProbeGroup::ALL.into_iter().map(|group| group_section(report, group, header)).collect();
    format!("{}{problems}{groups}{}", heading(report, header), footer(header))
}

fn heading(report: &CheckReport, header: &ReportHeader) -> String {
    let verdict = match (report.passed(), report.count(None, ProbeGrade::Warn)) {
        (false, _) => "This handler has failures",
        (true, 0) => "This handler passes every check",
        (true, _) => "This handler passes, with warnings",
    };
    let class = if report.passed() { "pass" } else { "fail" };
    let framework = report.framework.map(|framework| format!(" · {}", framework.title)).unwrap_or_default();
    let baseline = report.baseline.as_ref();
    let baseline = baseline.map(|text| format!("<p>Accepts: {}.</p>\n", escape_prose(text))).unwrap_or_default();
    let bar = page::bar(ProbeGrade::ALL.map(|grade| (grade.code(), report.count(None, grade) as u64)));
    format!(
        "<header>\n<p class=\"eyebrow\">webhook check · {}{framework}</p>\n<h1 class=\"{class}\">{verdict}</h1>\n<p class=\"url\">{}</p>\n{}\n<p class=\"chips\">{}</p>\n{baseline}</header>\n",
        escape_markup(header.title),
        escape_markup(header.url.as_str()),
        bar.into_string(),
        chips(report, None),
    )
}

fn chips(report: &CheckReport, group: Option<ProbeGroup>) -> String {
    let counts = ProbeGrade::ALL.into_iter().map(|grade| (grade, report.count(group, grade)));
    let chip = |(grade, number): (ProbeGrade, usize)| {
        format!("<span class=\"chip {}\">{number} {}</span> ", grade.code(), grade.count_label(number))
    };
    counts.filter(|(_, number)| *number > 0).map(chip).collect()
}

fn problem_card(problem: &Problem<'_>, report: &CheckReport, header: &ReportHeader) -> String {
    let Some(result) = problem.results.first() else { return String::new() };
    let link = |result: &&ProbeResult| format!("<a href=\"#{0}\"><code>{0}</code></a>", escape_markup(&result.id));
    let links: Vec<_> = problem.results.iter().map(link).collect();
    let fix = report.framework.and_then(|known| Some((known.title, framework::fix(known, problem.cause)?)));
    let fix = fix.map(|(title, fix)| format!("<dt>{title}</dt><dd><code>{}</code></dd>\n", escape_markup(fix)));
    let evidence = problem.cause.evidence().map(|text| format!("<dt>Evidence</dt><dd>{}</dd>\n", escape_prose(&text)));
    let exchange = result.exchange().map(|exchange| exchange_details(exchange, header)).unwrap_or_default();
    format!(
        "<section class=\"card {grade}\">\n<p class=\"eyebrow\">{grade}</p>\n<h2>{}</h2>\n<dl>\n<dt>Fix</dt><dd>{}</dd>\n{}{}<dt>Why</dt><dd>{} (<a href=\"{page}\">docs</a>)</dd>\n<dt>Probes</dt><dd>{}</dd>\n<dt>Response</dt><dd>{}</dd>\n</dl>\n{exchange}</section>\n",
        escape_prose(&problem.cause.sentence()),
        escape_prose(&problem.cause.fix()),
        fix.unwrap_or_default(),
        evidence.unwrap_or_default(),
        escape_prose(result.why),
        links.join(", "),
        response(result, header),
        grade = problem.grade.code(),
        page = escape_markup(result.page),
    )
}

fn response(result: &ProbeResult, header: &ReportHeader) -> String {
    let answer = result.exchange().and_then(|exchange| exchange.response.answer.as_ref().ok());
    let body = answer.map(|answer| answer_text(answer, header.url.as_str())).unwrap_or_default();
    let body = if body.is_empty() { body } else { format!("<br><code>{}</code>", escape_markup(&body)) };
    format!("{}{body}", escape_prose(&result.summary))
}

fn group_section(report: &CheckReport, group: ProbeGroup, header: &ReportHeader) -> String {
    let results: Vec<_> = report.results.iter().filter(|result| result.group == group).collect();
    if results.is_empty() {
        return String::new();
    }
    let rows: String = results.iter().map(|result| result_row(result, header)).collect();
    format!(
        "<section>\n<h2>{} <small>{}</small></h2>\n<p class=\"chips\">{}</p>\n<div class=\"probes\">\n{rows}</div>\n</section>\n",
        group.name(),
        escape_markup(group.description()),
        chips(report, Some(group)),
    )
}

fn result_row(result: &ProbeResult, header: &ReportHeader) -> String {
    let exchanges: String = result.exchanges.iter().map(|exchange| exchange_details(exchange, header)).collect();
    let word = if result.grade == ProbeGrade::Skipped { "skipped" } else { result.grade.code() };
    format!(
        "<details id=\"{id}\">\n<summary><span class=\"chip {grade}\">{word}</span> <code>{id}</code> <span class=\"what\">{}</span></summary>\n<p>{} (<a href=\"{}\">docs</a>)</p>\n{exchanges}</details>\n",
        escape_prose(&result.summary),
        escape_prose(result.why),
        escape_markup(result.page),
        id = escape_markup(&result.id),
        grade = result.grade.code(),
    )
}

fn exchange_details(exchange: &ProbeExchange, header: &ReportHeader) -> String {
    let body = &exchange.request.body;
    let request = if body.len() > MAX_REQUEST_BYTES {
        format!("(body of {})", count(body.len() as u64, "byte"))
    } else {
        request::curl(&exchange.request, &header.url)
    };
    let response = match &exchange.response.answer {
        Ok(answer) => {
            let body = decoded_body(answer);
            let body = body.get(..MAX_RESPONSE_BYTES).unwrap_or(&body);
            format!("{}\n{}", answer.status, mask_secrets(&escape_unsafe_bytes(body).replace("\\u{a}", "\n")))
        }
        Err(failure) => first_line(failure.to_string().as_bytes(), 200),
    };
    format!(
        "<details class=\"exchange\"><summary>request and response ({})</summary>\n<pre>{}</pre>\n<pre class=\"answer\">{}</pre>\n</details>\n",
        duration(exchange.response.took),
        escape_markup(&request),
        escape_markup(response.trim_end())
    )
}

fn footer(header: &ReportHeader) -> String {
    format!(
        "<footer>whtool {} · {} · signed with {} · {}</footer>\n",
        env!("CARGO_PKG_VERSION"),
        header.started,
        escape_markup(&header.secret),
        duration(header.took)
    )
}
