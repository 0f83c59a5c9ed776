//! One page of HTML that stands alone: no script, no font, no picture from elsewhere.

use super::{Head, escaped, prose, words};
use crate::check::report::Trouble;
use crate::check::{Exchange, Grade, Group, Outcome, Report, framework};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::{escape_unsafe_bytes, first_line, truncate};
use crate::render::request;
use crate::render::text::{count, duration};

const STYLE: &str = include_str!("page.css");

/// The longest request that is shown in full.
const REQUEST: usize = 24 * 1024;

/// How much of an answer's body is shown.
const ANSWER: usize = 2_000;

/// How much of it is shown in a line.
const WORDS: usize = 300;

/// The whole page.
pub fn html(report: &Report, head: &Head) -> String {
    let title = format!("{} handler at {}", head.title, head.url);
    let troubles: String = report
        .troubles()
        .iter()
        .filter(|trouble| trouble.grade != Grade::Info)
        .map(|trouble| card(trouble, report, head))
        .collect();
    let groups: String = Group::ALL.into_iter().map(|group| table(report, group, head)).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}{troubles}{groups}{}</main>\n</body>\n</html>\n",
        escaped(&title),
        heading(report, head),
        footer(head),
    )
}

fn heading(report: &Report, head: &Head) -> String {
    let verdict = match (report.is_good(), report.count(None, Grade::Warn)) {
        (false, _) => "This handler needs work",
        (true, 0) => "This handler is sound",
        (true, _) => "This handler is sound, with reservations",
    };
    let class = if report.is_good() { "pass" } else { "fail" };
    let framework = report.framework.map(|framework| format!(" · {}", framework.title)).unwrap_or_default();
    let footing =
        report.footing.as_ref().map(|footing| format!("<p>It takes {}.</p>\n", prose(footing))).unwrap_or_default();
    let total = report.outcomes.len().max(1);
    let bars: String = Grade::ALL.into_iter().map(|grade| bar(report.count(None, grade), total, grade)).collect();
    let chips: String = Grade::ALL.into_iter().map(|grade| chip(report.count(None, grade), grade)).collect();
    format!(
        "<header>\n<p class=\"eyebrow\">webhook check · {}{framework}</p>\n<h1 class=\"{class}\">{verdict}</h1>\n<p class=\"url\">{}</p>\n<div class=\"bar\">{bars}</div>\n<p class=\"chips\">{chips}</p>\n{footing}</header>\n",
        escaped(head.title),
        escaped(head.url.as_str()),
    )
}

fn bar(number: usize, total: usize, grade: Grade) -> String {
    let share = number as f64 * 100.0 / total as f64;
    if number == 0 {
        String::new()
    } else {
        format!("<span class=\"{}\" style=\"width:{share:.2}%\"></span>", grade.code())
    }
}

fn chip(number: usize, grade: Grade) -> String {
    if number == 0 {
        String::new()
    } else {
        format!("<span class=\"chip {}\">{number} {}</span> ", grade.code(), grade.words())
    }
}

/// One cause, in full.
fn card(trouble: &Trouble<'_>, report: &Report, head: &Head) -> String {
    let Some(outcome) = trouble.outcomes.first() else { return String::new() };
    let ids: Vec<_> = trouble
        .outcomes
        .iter()
        .map(|outcome| format!("<a href=\"#{0}\"><code>{0}</code></a>", escaped(&outcome.id)))
        .collect();
    let here = report.framework.and_then(|known| Some((known.title, framework::fix(known, trouble.cause)?)));
    let here =
        here.map(|(name, fix)| format!("<dt>{name}</dt><dd><code>{}</code></dd>\n", escaped(fix))).unwrap_or_default();
    let exchange = outcome.exchange().map(|exchange| exchanged(exchange, head)).unwrap_or_default();
    format!(
        "<section class=\"card {grade}\">\n<p class=\"eyebrow\">{grade}</p>\n<h2>{}</h2>\n<dl>\n<dt>Change</dt><dd>{}</dd>\n{here}<dt>Because</dt><dd>{} (<a href=\"{page}\">the provider's page</a>)</dd>\n<dt>Seen in</dt><dd>{}</dd>\n<dt>Came back</dt><dd>{}</dd>\n</dl>\n{exchange}</section>\n",
        prose(&trouble.cause.sentence()),
        prose(trouble.cause.fix()),
        prose(outcome.why),
        ids.join(", "),
        came(outcome),
        grade = trouble.grade.code(),
        page = escaped(outcome.page),
    )
}

/// What happened, and what the handler said to it.
fn came(outcome: &Outcome) -> String {
    let answer = outcome.exchange().and_then(|exchange| exchange.reply.answer.as_ref().ok());
    let said = answer.map(|answer| mask_secrets(&truncate(&words(&answer.body), WORDS))).unwrap_or_default();
    let said = if said.is_empty() { said } else { format!("<br><code>{}</code>", escaped(&said)) };
    format!("{}{said}", prose(&outcome.what))
}

fn table(report: &Report, group: Group, head: &Head) -> String {
    let own: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.group == group).collect();
    if own.is_empty() {
        return String::new();
    }
    let chips: String = Grade::ALL.into_iter().map(|grade| chip(report.count(Some(group), grade), grade)).collect();
    let rows: String = own.iter().map(|outcome| row(outcome, head)).collect();
    format!(
        "<section>\n<h2>{} <small>{}</small></h2>\n<p class=\"chips\">{chips}</p>\n<div class=\"probes\">\n{rows}</div>\n</section>\n",
        group.word(),
        escaped(group.meaning())
    )
}

fn row(outcome: &Outcome, head: &Head) -> String {
    let exchanges: String = outcome.exchanges.iter().map(|exchange| exchanged(exchange, head)).collect();
    format!(
        "<details id=\"{id}\">\n<summary><span class=\"chip {grade}\">{word}</span> <code>{id}</code> <span class=\"what\">{}</span></summary>\n<p>{} (<a href=\"{}\">page</a>)</p>\n{exchanges}</details>\n",
        prose(&outcome.what),
        prose(outcome.why),
        escaped(outcome.page),
        id = escaped(&outcome.id),
        grade = outcome.grade.code(),
        word = outcome.grade.code().replace('_', " "),
    )
}

/// What was sent and what came back.
fn exchanged(exchange: &Exchange, head: &Head) -> String {
    let body = &exchange.request.body;
    let sent = if body.len() > REQUEST {
        format!("a body of {}", count(body.len() as u64, "byte"))
    } else {
        request::curl(&exchange.request, &head.url)
    };
    let answer = match &exchange.reply.answer {
        Ok(answer) => {
            let body = mask_secrets(
                &escape_unsafe_bytes(answer.body.get(..ANSWER).unwrap_or(&answer.body)).replace("\\u{a}", "\n"),
            );
            format!("{}\n{body}", answer.status)
        }
        Err(failure) => first_line(failure.to_string().as_bytes(), 200),
    };
    format!(
        "<details class=\"exchange\"><summary>sent, and came back after {}</summary>\n<pre>{}</pre>\n<pre class=\"answer\">{}</pre>\n</details>\n",
        duration(exchange.reply.took),
        escaped(&sent),
        escaped(answer.trim_end())
    )
}

fn footer(head: &Head) -> String {
    format!(
        "<footer>whtool {} · {} · signed with {} · {}</footer>\n",
        env!("CARGO_PKG_VERSION"),
        head.at,
        escaped(&head.secret),
        duration(head.took)
    )
}
