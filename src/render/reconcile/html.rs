//! One self-contained page for people who check the books: what agrees, what does not, and in which
//! currency how much. It needs no script; a small one adds a search field.

use super::words::{amount, plain};
use crate::model::mask::mask_secrets;
use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use crate::reconcile::known::Acceptance;
use crate::reconcile::period::zone_name;
use crate::reconcile::report::{ApiMode, ReconcileReport, ReportRow, ReportSection};
use crate::reconcile::totals::FeeTotals;
use crate::reconcile::{Class, Totals};
use crate::render::page::{self, escape_markup};
use crate::render::text::{count, duration};
use jiff::tz::TimeZone;

const COMMAND: &str = "reconcile";

/// Hides the rows that do not contain the text of a search field. Without it, all rows are shown.
const SCRIPT: &str = include_str!("search.js");

/// Recognizes a page of `html` by its first bytes.
pub fn is_html_report(start: &[u8]) -> bool {
    start.starts_with(page::start(COMMAND).as_bytes())
}

/// Formats a report as a page.
pub fn html(report: &ReconcileReport) -> String {
    let body = format!("<main class=\"page\">\n{}</main>\n", html_body(report));
    page::page(COMMAND, &title(report), &body, SCRIPT)
}

fn title(report: &ReconcileReport) -> String {
    match report.facts.period.as_ref().and_then(|period| period.day) {
        Some(day) => format!("Reconciliation of {}", day.strftime("%-d %B %Y")),
        None => "Reconciliation".to_owned(),
    }
}

/// Formats the content of the page, which `ui` shows, too.
pub fn html_body(report: &ReconcileReport) -> String {
    let sections: String =
        report.sections().map(|(section, rows, count)| table_section(report, section, rows, count)).collect();
    format!(
        "{}{}{sections}{}",
        heading(report, &title(report)),
        totals_section(&report.totals) + &fees_section(&report.totals),
        footer(report)
    )
}

/// The style of a class: one color for each meaning.
fn tone(section: ReportSection) -> &'static str {
    match section {
        ReportSection::Class(Class::SettledAgreed) => "pass",
        ReportSection::Class(Class::StillOpen) => "info",
        ReportSection::Class(Class::CouldNotTell) => "warn",
        ReportSection::Class(_) => "fail",
        ReportSection::Accepted => "not_run",
    }
}

/// The identifier of a section, for links and tests.
fn anchor(section: ReportSection) -> &'static str {
    match section {
        ReportSection::Class(class) => class.code(),
        ReportSection::Accepted => "accepted",
    }
}

fn section_title(section: ReportSection) -> &'static str {
    match section {
        ReportSection::Class(class) => plain(class).title,
        ReportSection::Accepted => "Accepted differences",
    }
}

fn verdict(report: &ReconcileReport) -> (&'static str, String) {
    let (totals, differences, inconclusive) = (&report.totals, report.differences(), report.inconclusive());
    let all = count(totals.references(), "transaction");
    if report.facts.stopped.is_some() {
        return ("warn", "Incomplete: the comparison stopped before its end".to_owned());
    }
    if totals.bad_lines > 0 {
        return ("warn", format!("Incomplete: {} of the list could not be read", count(totals.bad_lines, "line")));
    }
    if inconclusive > 0 {
        return ("warn", format!("Incomplete: {} could not be compared", count(inconclusive, "transaction")));
    }
    if totals.incomplete > 0 {
        return ("warn", format!("Incomplete: {} could not be compared in full", count(totals.incomplete, "order")));
    }
    match (differences, totals.references()) {
        (0, 0) if totals.outside > 0 => ("pass", "No transactions in this period".to_owned()),
        (0, 0) => ("warn", "Nothing was compared".to_owned()),
        (0, _) if totals.count(Class::StillOpen) > 0 => {
            ("pass", format!("No differences in {all}; {} still open", totals.count(Class::StillOpen)))
        }
        (0, _) if totals.accepted() > 0 => ("pass", format!("No new differences in {all}")),
        (0, _) => ("pass", format!("No differences in {all}")),
        (1, _) => ("fail", format!("1 of {all} needs attention")),
        (some, _) => ("fail", format!("{some} of {all} need attention")),
    }
}

fn heading(report: &ReconcileReport, title: &str) -> String {
    let (class, verdict) = verdict(report);
    let bar = page::bar(report.sections().map(|(section, _, number)| (tone(section), number))).into_string();
    let mut chips = String::new();
    for (section, _, number) in report.sections() {
        let (tone, anchor) = (tone(section), anchor(section));
        let title = section_title(section);
        chips.push_str(&format!("<a class=\"chip {tone}\" href=\"#{anchor}\">{number} {title}</a> "));
    }
    format!(
        "<header>\n<p class=\"eyebrow\">{}</p>\n<h1 class=\"{class}\">{}</h1>\n{bar}\n<p class=\"chips\">{chips}</p>\n<dl class=\"card facts\">\n{}</dl>\n</header>\n",
        escape_markup(title),
        escape_markup(&verdict),
        facts(report)
    )
}

fn facts(report: &ReconcileReport) -> String {
    let facts = &report.facts;
    let took = facts.finished.duration_since(facts.started).unsigned_abs();
    let made = format!("{} ({}), in {}", show_time(facts.started, &facts.zone), zone_name(&facts.zone), duration(took));
    let apis = facts.apis.iter().map(|api| match api.mode {
        ApiMode::Test => format!("{} in test mode, no real money ({})", api.title, api.host),
        ApiMode::Live => format!("{}, live ({})", api.title, api.host),
    });
    let apis: Vec<_> = apis.collect();
    let apis = if apis.is_empty() { "no provider was asked".to_owned() } else { apis.join("; ") };
    let mut rows = vec![("Made", made), ("Orders from", facts.source.clone()), ("Records of", apis)];
    if let Some(period) = &facts.period {
        let outside = match report.totals.outside {
            0 => "none was outside".to_owned(),
            1 => "1 outside of it is not counted".to_owned(),
            some => format!("{some} outside of it are not counted"),
        };
        let undated = match report.totals.undated {
            0 => String::new(),
            some => format!("; {} without a time counted", count(some, "transaction")),
        };
        rows.push(("Created", format!("{}; {outside}{undated}", period.describe())));
    }
    rows.push(("Complete", completeness(report)));
    let (gone, rest) = (report.known.gone.as_slice(), report.known.not_compared);
    if !gone.is_empty() {
        let named: Vec<_> = gone.iter().take(5).map(String::as_str).collect();
        let more = if gone.len() > named.len() { ", …" } else { "" };
        rows.push((
            "No longer there",
            format!("{}: {}{more}", count(gone.len() as u64, "accepted difference"), named.join(", ")),
        ));
    }
    if rest > 0 {
        rows.push(("Not compared", format!("{} of other transactions", count(rest, "accepted difference"))));
    }
    let row =
        |(name, text): (&str, String)| format!("<dt>{name}</dt><dd>{}</dd>\n", escape_markup(&mask_secrets(&text)));
    rows.into_iter().map(row).collect()
}

fn completeness(report: &ReconcileReport) -> String {
    let missing = report.missing();
    if missing.is_empty() {
        return "yes: every transaction was compared".to_owned();
    }
    let missing = missing.join("; ");
    let missing = missing.trim_end_matches('.');
    format!("no: {missing}. There may be more differences than this page shows.")
}

/// Formats a table of sums for each currency.
fn totals_section(totals: &Totals) -> String {
    let counted = totals.money().map(|(class, number, money)| (ReportSection::Class(class), number, money));
    let mut all: Vec<_> = counted.collect();
    all.extend(totals.accepted_sums().into_iter().map(|(number, money)| (ReportSection::Accepted, number, money)));
    all.sort_by(|one, other| (&one.2.currency, one.0).cmp(&(&other.2.currency, other.0)));
    if all.is_empty() {
        return String::new();
    }
    let row = |class: &str, title: String, number: u64, money: &Money| {
        format!(
            "<tr{class}>{}{}{}</tr>\n",
            cell("Result", "", &title),
            cell("Number", "number", &number.to_string()),
            cell("Amount", "number", &safe(&amount(money)))
        )
    };
    let mut rows = String::new();
    for group in all.chunk_by(|one, other| one.2.currency == other.2.currency) {
        for (section, number, money) in group {
            let title = format!("<span class=\"dot {}\"></span>{}", tone(*section), section_title(*section));
            rows.push_str(&row("", title, *number, money));
        }
        let number = group.iter().map(|(_, number, _)| number).sum();
        let minor = group.iter().fold(0_i128, |sum, (.., money)| sum.saturating_add(money.minor));
        let currency = group.first().map(|(.., money)| money.currency.clone()).unwrap_or_default();
        rows.push_str(&row(" class=\"sum\"", "Total".to_owned(), number, &Money { minor, currency }));
    }
    let with_amount: u64 = all.iter().map(|(_, number, _)| number).sum();
    let without = match totals.references().saturating_sub(with_amount) {
        0 => String::new(),
        some => format!("<p class=\"what\">{} without an amount.</p>\n", count(some, "transaction")),
    };
    format!(
        "<section>\n<h2>Amounts</h2>\n<p class=\"what\">As the provider has recorded them; without a record, as the order says.</p>\n<table class=\"sums\">\n<thead><tr><th>Result</th><th class=\"number\">Number</th><th class=\"number\">Amount</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n{without}</section>\n"
    )
}

/// Formats the fees and net amounts of each currency; empty if no record has any.
fn fees_section(totals: &Totals) -> String {
    let row = |(currency, fees): (&str, &FeeTotals)| {
        let sum = |minor| safe(&amount(&Money { minor, currency: currency.to_owned() }));
        let cells = [
            cell("Payments", "number", &fees.references.to_string()),
            cell("Amount", "number", &sum(fees.amount)),
            cell("Fees", "number", &sum(fees.fee)),
            cell("Net", "number", &sum(fees.net)),
        ];
        format!("<tr>{}</tr>\n", cells.concat())
    };
    let rows: String = totals.fees().map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<section>\n<h2>Fees</h2>\n<p class=\"what\">Of all payments whose money was taken, as the provider has recorded them.</p>\n<table class=\"sums\">\n<thead><tr><th class=\"number\">Payments</th><th class=\"number\">Amount</th><th class=\"number\">Fees</th><th class=\"number\">Net</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n"
    )
}

fn table_section(report: &ReconcileReport, section: ReportSection, rows: &[ReportRow], number: u64) -> String {
    let (meaning, action) = match section {
        ReportSection::Class(class) => (plain(class).meaning, plain(class).action),
        ReportSection::Accepted => ("These differences are known and accepted. They are not counted above.", ""),
    };
    let action = if action.is_empty() { String::new() } else { format!(" <strong>{action}</strong>") };
    let shown = rows.len() as u64;
    let more = match (number.saturating_sub(shown), &report.facts.csv) {
        (0, _) => String::new(),
        (left, Some(file)) => {
            format!("<p class=\"what\">{left} more are not shown here; the file {} has all.</p>\n", escape_markup(file))
        }
        (left, None) => format!("<p class=\"what\">{left} more are not shown here; the CSV output has all.</p>\n"),
    };
    let cells: String = rows.iter().map(|row| table_row(row, &report.facts.zone)).collect();
    let open = if section.counts() { " open" } else { "" };
    format!(
        "<details class=\"group\" id=\"{}\"{open}>\n<summary><h2><span class=\"dot {}\"></span>{} <small>{number}</small></h2></summary>\n<p>{meaning}{action}</p>\n{more}<table class=\"rows\">\n<thead><tr><th class=\"order\">Order</th><th class=\"reference\">Transaction</th><th class=\"date\">Created</th><th class=\"side\">Order says</th><th class=\"side\">Provider says</th><th class=\"number\">Difference</th><th>Details</th></tr></thead>\n<tbody>\n{cells}</tbody>\n</table>\n</details>\n",
        anchor(section),
        tone(section),
        section_title(section),
    )
}

fn table_row(row: &ReportRow, zone: &TimeZone) -> String {
    let line = || (row.line > 0).then(|| format!("line {}", row.line));
    let order = row.own_id.clone().or_else(line).unwrap_or_default();
    let side = |status: &Option<String>, money: &Option<Money>| {
        let parts = [status.clone(), money.as_ref().map(amount)];
        parts.into_iter().flatten().map(|part| safe(&part)).collect::<Vec<_>>().join("<br>")
    };
    let currency = row.record_money.as_ref().map(|money| money.currency.clone()).unwrap_or_default();
    let difference = row.difference.map(|minor| {
        let sign = if minor > 0 { "+" } else { "" };
        format!("{sign}{}", amount(&Money { minor, currency }))
    });
    let mut details: Vec<String> = row
        .findings
        .iter()
        .filter(|finding| !finding.reason.is_empty() || finding.class != row.class)
        .map(|finding| {
            let also = if finding.class == row.class {
                String::new()
            } else {
                format!("also {}: ", plain(finding.class).title.to_lowercase())
            };
            format!("{also}{}", safe(&finding.reason))
        })
        .collect();
    details.extend(row.notes.iter().map(|note| format!("<span class=\"what\">{}</span>", safe(note))));
    match &row.acceptance {
        Acceptance::Counted => {}
        Acceptance::Accepted(note) if note.is_empty() => details.push("accepted".to_owned()),
        Acceptance::Accepted(note) => details.push(format!("accepted: {}", safe(note))),
        Acceptance::Changed(reason) => details.push(format!("new: {}", safe(reason))),
    }
    let cells = [
        ("Order", "order", safe(&order)),
        (
            "Transaction",
            "reference",
            format!("<code>{}</code><br><span class=\"what\">{}</span>", safe(&row.reference), safe(row.provider)),
        ),
        ("Created", "date", row.time.map(|time| show_time(time, zone)).unwrap_or_default()),
        ("Order says", "side", side(&row.order_status, &row.order_money)),
        ("Provider says", "side", side(&row.record_status, &row.record_money)),
        ("Difference", "number", safe(&difference.unwrap_or_default())),
        ("Details", "details", details.join("<br>")),
    ];
    let cells = cells.map(|(label, class, markup)| cell(label, class, &markup));
    format!("<tr>{}</tr>\n", cells.concat())
}

/// Formats a cell. Its label is shown on narrow screens, which have no heading.
fn cell(label: &str, class: &str, markup: &str) -> String {
    if markup.is_empty() {
        return format!("<td class=\"{class}\"></td>");
    }
    format!("<td class=\"{class}\" data-label=\"{label}\"><div>{markup}</div></td>")
}

/// Escapes untrusted text and masks secrets in it.
fn safe(text: &str) -> String {
    escape_markup(&mask_secrets(text))
}

fn show_time(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn footer(report: &ReconcileReport) -> String {
    let zone = escape_markup(&zone_name(&report.facts.zone));
    format!("<footer>whtool {} · times in {zone}</footer>\n", env!("CARGO_PKG_VERSION"))
}
