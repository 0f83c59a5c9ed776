//! Five lines for a chat or a mail.

use super::words::{amount, plain};
use crate::model::mask::mask_secrets;
use crate::model::money::Money;
use crate::model::sanitize::escape_unsafe;
use crate::reconcile::Class;
use crate::reconcile::period::zone_name;
use crate::reconcile::report::{ApiMode, ReconcileReport};
use crate::render::text::count;

/// Formats five lines: what was compared, the differences, the rest, what is not counted, and
/// whether the comparison is complete.
pub fn short_summary(report: &ReconcileReport) -> String {
    let totals = &report.totals;
    let sums = |wanted: &dyn Fn(Class) -> bool| -> String {
        let classes = totals.classes().collect::<Vec<_>>().into_iter().rev().filter(|(class, _)| wanted(*class));
        let parts: Vec<_> = classes.map(|(class, number)| class_sum(report, class, number)).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    };
    let attention = |class: Class| class.is_difference() || class == Class::CouldNotTell;
    let lines = [
        first_line(report),
        format!("Needs attention: {}", sums(&attention)),
        format!("In order: {}", sums(&|class| !attention(class))),
        format!("Not counted: {}", not_counted(report)),
        completeness(report),
    ];
    lines.map(|line| format!("{}\n", escape_unsafe(&mask_secrets(&line)))).concat()
}

fn first_line(report: &ReconcileReport) -> String {
    let facts = &report.facts;
    let apis: Vec<_> = facts
        .apis
        .iter()
        .map(|api| format!("{}{}", api.title, if api.mode == ApiMode::Test { " (test mode)" } else { "" }))
        .collect();
    let apis = if apis.is_empty() { "no provider".to_owned() } else { apis.join(" and ") };
    let period = match &facts.period {
        Some(period) => period.describe(),
        None => {
            let made = facts.started.to_zoned(facts.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
            format!("made {made} ({})", zone_name(&facts.zone))
        }
    };
    format!("{} compared with {apis}, {period}", count(report.totals.references(), "transaction"))
}

/// Formats the number of a class and its sums: `2 different amount (200.00 CVE)`.
fn class_sum(report: &ReconcileReport, class: Class, number: u64) -> String {
    let sums = report.totals.money().filter(|(other, ..)| *other == class);
    let sums: Vec<_> = sums.map(|(_, _, money): (_, _, Money)| amount(&money)).collect();
    let sums = if sums.is_empty() { String::new() } else { format!(" ({})", sums.join(", ")) };
    format!("{number} {}{sums}", plain(class).title.to_lowercase())
}

fn not_counted(report: &ReconcileReport) -> String {
    let totals = &report.totals;
    let mut parts = Vec::new();
    if totals.accepted() > 0 {
        parts.push(count(totals.accepted(), "accepted difference"));
    }
    if totals.outside > 0 {
        parts.push(format!("{} outside of the period", totals.outside));
    }
    if !report.known.gone.is_empty() {
        parts.push(format!("{} gone", count(report.known.gone.len() as u64, "accepted difference")));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn completeness(report: &ReconcileReport) -> String {
    let missing = report.missing();
    if missing.is_empty() { "Complete: yes".to_owned() } else { format!("Complete: NO, {}", missing.join("; ")) }
}
