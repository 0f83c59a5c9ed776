//! For a terminal: a line for each group, then what is wrong, each cause once, then what is worth knowing.

use super::{Head, said, words};
use crate::check::report::Trouble;
use crate::check::{Cause, Exchange, Grade, Group, Outcome, Report, framework};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::truncate;
use crate::model::width::Width;
use crate::render::paint::Paint;
use crate::render::request;
use crate::render::text::{count, duration};
use std::fmt::Write as _;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What passed is counted.
    Usual,
    /// Every probe has its line, and every trouble its request.
    Everything,
}

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// How much of it.
    pub detail: Detail,
    /// How wide it may be.
    pub width: Width,
    /// How it is coloured.
    pub paint: Paint,
}

/// What has no room in a line is set in by so much in the next; in an explanation, by as much as its words are.
const HANG: usize = 4;
const EXPLANATION: usize = 9;

/// The longest command that is shown; what is longer is in the JSON.
const COMMAND: usize = 6_000;

/// How much of an answer's body is shown.
const ANSWER: usize = 110;

/// A report for people. Nothing in it can move a cursor, and no command is broken.
pub fn text(report: &Report, head: &Head, look: &Look) -> String {
    let Look { detail, width, paint } = *look;
    let mut out = heading(report, head, paint);
    for group in Group::ALL {
        out.push_str(&group_line(report, group, paint));
        if detail == Detail::Everything {
            let own = report.outcomes.iter().filter(|outcome| outcome.group == group);
            own.for_each(|outcome| out.push_str(&probe_line(outcome, paint)));
        }
    }
    let mut out = width.wrap(&out, HANG);
    for trouble in report.troubles().into_iter().filter(|trouble| trouble.grade != Grade::Info) {
        out.push_str(&width.wrap(&told(&trouble, report, head, paint), EXPLANATION));
        out.push_str(&sent(&trouble, head, detail, paint));
    }
    out.push_str(&width.wrap(&(notes(report, paint) + &summary(report, head, paint)), HANG));
    out
}

fn heading(report: &Report, head: &Head, paint: Paint) -> String {
    let framework = report.framework.map(|framework| format!(" · {}", framework.title)).unwrap_or_default();
    let url = paint.strong(&truncate(head.url.as_str(), 200));
    let secret = paint.faint(&format!("signed with {}", truncate(&head.secret, 80)));
    let mut out = format!("{url}  {}{framework}  {secret}\n", paint.name(head.title));
    if let Some(footing) = &report.footing {
        writeln!(out, "{} {footing}", paint.warn("takes")).expect(STRING);
    }
    out.push('\n');
    out
}

const STRING: &str = "writing to a String does not fail";

fn colour(grade: Grade, text: &str, paint: Paint) -> String {
    match grade {
        Grade::Pass => paint.good(text),
        Grade::Fail => paint.bad(text),
        Grade::Warn => paint.warn(text),
        Grade::Info => paint.name(text),
        Grade::NotRun => paint.faint(text),
    }
}

fn counts(report: &Report, group: Option<Group>, paint: Paint) -> String {
    let counts = Grade::ALL.into_iter().filter_map(|grade| {
        let number = report.count(group, grade);
        (number > 0).then(|| colour(grade, &format!("{number} {}", grade.words()), paint))
    });
    counts.collect::<Vec<_>>().join(", ")
}

fn group_line(report: &Report, group: Group, paint: Paint) -> String {
    if report.outcomes.iter().all(|outcome| outcome.group != group || outcome.grade == Grade::NotRun) {
        return String::new();
    }
    let name = paint.strong(&format!("{:<8}", group.word()));
    format!("  {name} {:<46}{}\n", group.meaning(), counts(report, Some(group), paint))
}

fn probe_line(outcome: &Outcome, paint: Paint) -> String {
    let grade = colour(outcome.grade, &format!("{:<7}", outcome.grade.code()), paint);
    format!("    {grade} {:<40} {}\n", outcome.id, paint.faint(&outcome.what))
}

/// One cause, in full.
fn told(trouble: &Trouble<'_>, report: &Report, head: &Head, paint: Paint) -> String {
    let word = colour(trouble.grade, &format!("{:<4}", trouble.grade.code().to_uppercase()), paint);
    let mut out = format!("\n{word}  {}\n", paint.strong(&trouble.cause.sentence()));
    let mut line = |name: &str, text: &str| out.push_str(&named(name, text, paint));
    let ids: Vec<_> = trouble.outcomes.iter().map(|outcome| outcome.id.as_str()).collect();
    wrapped(&ids).iter().enumerate().for_each(|(at, ids)| line(if at == 0 { "probes" } else { "" }, ids));
    let Some(outcome) = trouble.outcomes.first() else { return out };
    line("because", outcome.why);
    line("came", &came(outcome));
    line("change", trouble.cause.fix());
    if let Some((name, fix)) =
        report.framework.and_then(|known| Some((known.title, framework::fix(known, trouble.cause)?)))
    {
        line(name, fix);
    }
    if matches!(trouble.cause, Cause::RefusesAll | Cause::FailsAll) {
        line("secret", &format!("set {} to the handler's own, or use --secret-file", head.variable));
    }
    line("page", outcome.page);
    out
}

/// The request that shows it, where that is wanted.
fn sent(trouble: &Trouble<'_>, head: &Head, detail: Detail, paint: Paint) -> String {
    let shows_request = trouble.grade == Grade::Fail || detail == Detail::Everything;
    match trouble.outcomes.first().and_then(|outcome| outcome.exchange()) {
        Some(exchange) if shows_request => {
            named("sent", "paste it to send it again:", paint) + &command(exchange, head)
        }
        _ => String::new(),
    }
}

fn named(name: &str, text: &str, paint: Paint) -> String {
    format!("      {} {text}\n", paint.faint(&format!("{name:<8}")))
}

/// Names in lines of some hundred letters.
fn wrapped(names: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if line.len() + name.len() < 100 => write!(line, ", {name}").expect(STRING),
            _ => lines.push((*name).to_owned()),
        }
    }
    lines
}

fn came(outcome: &Outcome) -> String {
    let Some(exchange) = outcome.exchange() else { return outcome.what.clone() };
    let took = duration(exchange.reply.took);
    let body = exchange
        .reply
        .answer
        .as_ref()
        .map(|answer| mask_secrets(&truncate(&words(&answer.body), ANSWER)))
        .unwrap_or_default();
    let body = if body.is_empty() { body } else { format!(" · {body}") };
    format!("{} · {took}{body}", outcome.what)
}

/// The request as a command for bash. One that has a here-document can't be indented.
fn command(exchange: &Exchange, head: &Head) -> String {
    let command = request::curl(&exchange.request, &head.url);
    if command.len() > COMMAND {
        return format!("        ({} bytes of body; --json has it all)\n", exchange.request.body.len());
    }
    if command.contains("<<") {
        return command;
    }
    command.lines().flat_map(|line| ["        ", line, "\n"]).collect()
}

/// What is worth knowing, and what was not run, by reason.
fn notes(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    let infos = report.outcomes.iter().filter(|outcome| outcome.grade == Grade::Info);
    for (at, outcome) in infos.enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        let status = outcome.exchange().map(said).unwrap_or_default();
        let meaning = meaning(outcome);
        let word = colour(Grade::Info, "INFO", paint);
        writeln!(out, "{gap}{word}  {:<32} {status}  {meaning}", outcome.id).expect(STRING);
    }
    let mut reasons: Vec<(&str, u64)> = Vec::new();
    for outcome in report.outcomes.iter().filter(|outcome| outcome.grade == Grade::NotRun) {
        match reasons.iter_mut().find(|(reason, _)| *reason == outcome.what) {
            Some((_, number)) => *number += 1,
            None => reasons.push((&outcome.what, 1)),
        }
    }
    for (at, (reason, number)) in reasons.iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        writeln!(out, "{gap}{}  {}: {reason}", paint.faint("----"), count(*number, "probe")).expect(STRING);
    }
    out
}

/// What an answer to something undocumented means.
fn meaning(outcome: &Outcome) -> String {
    match &outcome.cause {
        Some(cause) => cause.sentence(),
        None => {
            outcome.what.split_once([':', ';']).map_or(outcome.what.as_str(), |(_, meaning)| meaning.trim()).to_owned()
        }
    }
}

fn summary(report: &Report, head: &Head, paint: Paint) -> String {
    let total = count(report.outcomes.len() as u64, "probe");
    let mut out = format!("\n{total} in {}: {}\n", duration(head.took), counts(report, None, paint));
    if head.signs_time && !report.is_good() {
        writeln!(out, "{}", paint.faint("(signatures grow old after 5 minutes: run check again for fresh ones)"))
            .expect(STRING);
    }
    out
}
