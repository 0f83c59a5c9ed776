//! Lays out deliveries as a table for a terminal: one line each, aligned, with headings.
//!
//! If the terminal is too narrow, the least important columns are left out; then the others are
//! shortened.

use super::paint::Paint;
use super::row::{Cell, CellKind, Row};
use crate::model::sanitize::truncate;
use crate::model::width::{display_width, pad_right};

struct Column {
    heading: &'static str,
    kind: CellKind,
    fit: Fit,
}

/// The treatment of a column for which there is no room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Whole,
    /// Shortened, to this many columns at least.
    Shorten(usize),
    /// Left out.
    Omit,
}

/// The columns after those of the labels, in their order on the line. The last one that may be is left
/// out first.
const COLUMNS: [Column; 8] = [
    Column { heading: "VERDICT", kind: CellKind::Verdict, fit: Fit::Shorten(12) },
    Column { heading: "TYPE", kind: CellKind::EventType, fit: Fit::Shorten(12) },
    Column { heading: "ID", kind: CellKind::Id, fit: Fit::Shorten(10) },
    Column { heading: "AMOUNT", kind: CellKind::Money, fit: Fit::Whole },
    Column { heading: "STATUS", kind: CellKind::Status, fit: Fit::Omit },
    Column { heading: "ANSWER", kind: CellKind::Answer, fit: Fit::Whole },
    Column { heading: "PROVIDER", kind: CellKind::Provider, fit: Fit::Omit },
    Column { heading: "SECRET", kind: CellKind::Secret, fit: Fit::Omit },
];

const GAP: &str = "  ";

/// A narrower terminal has no room for a table.
pub const MIN_WIDTH: usize = 76;

/// Formats rows with these labels, whose headings are `headings`, for a terminal of this width.
pub fn table(headings: &[&str], rows: &[(Vec<String>, Row)], width: usize, paint: Paint) -> String {
    let fixed: Vec<_> = headings
        .iter()
        .enumerate()
        .map(|(at, heading)| widest(heading, rows.iter().map(|(labels, _)| labels.get(at).map_or("", String::as_str))))
        .collect();
    let room = width.saturating_sub(fixed.iter().map(|width| width + GAP.len()).sum());
    let cells = |kind| rows.iter().map(move |(_, row)| text(row, kind));
    let mut columns: Vec<_> = COLUMNS
        .iter()
        .filter(|column| cells(column.kind).any(|text| !text.is_empty()))
        .map(|column| {
            (column, widest(column.heading, cells(column.kind).collect::<Vec<_>>().iter().map(String::as_str)))
        })
        .collect();
    fit(&mut columns, room);
    let mut out = String::new();
    let lead = headings.iter().zip(&fixed).map(|(heading, width)| pad_right(heading, *width) + GAP);
    let names = columns.iter().map(|(column, width)| pad_right(column.heading, *width) + GAP);
    out.push_str(&paint.faint(lead.chain(names).collect::<String>().trim_end()));
    out.push('\n');
    for (labels, row) in rows {
        let labels = labels.iter().zip(&fixed).map(|(label, width)| pad_right(label, *width) + GAP);
        let mut line = paint.faint(&labels.collect::<String>());
        let last = columns.iter().rposition(|(column, _)| !text(row, column.kind).is_empty());
        for (at, (column, width)) in columns.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let shown = shortened(&text(row, column.kind), *width);
            let padding = if Some(at) == last { 0 } else { width.saturating_sub(display_width(&shown)) + GAP.len() };
            let color = row.cells().find(|cell| cell.kind() == column.kind).map(Cell::color);
            line.push_str(&color.map_or_else(|| shown.clone(), |color| color(paint, &shown)));
            line.push_str(&" ".repeat(padding));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Leaves out columns, then shortens the others: the verdict, then the widest.
fn fit(columns: &mut Vec<(&'static Column, usize)>, room: usize) {
    let needed = |columns: &[(&Column, usize)]| {
        columns.iter().map(|(_, width)| width).sum::<usize>() + GAP.len() * columns.len().saturating_sub(1)
    };
    while needed(columns) > room {
        if let Some(at) = columns.iter().rposition(|(column, _)| column.fit == Fit::Omit) {
            columns.remove(at);
            continue;
        }
        // Its color and first letters tell a verdict.
        let excess = |(column, width): &(&Column, usize)| match column.fit {
            Fit::Shorten(least) if *width > least => (column.kind == CellKind::Verdict, *width),
            _ => (false, 0),
        };
        let Some(widest) = columns.iter_mut().max_by_key(|column| excess(column)) else { return };
        if excess(widest).1 == 0 {
            return;
        }
        let (_, width) = widest;
        *width -= 1;
    }
}

/// Returns the text of the row's cells of this kind, shorter where a column says the same.
fn text(row: &Row, kind: CellKind) -> String {
    let texts: Vec<_> = row.cells().filter(|cell| cell.kind() == kind).map(Cell::text).collect();
    let joined = texts.join(", ");
    match (kind, joined.split_once(" (")) {
        (CellKind::Money, Some((decimal, _))) => decimal.to_owned(),
        (CellKind::Answer, _) => joined.replace("app → no answer", "no answer").replace("app → ", "app "),
        _ => joined,
    }
}

fn shortened(text: &str, width: usize) -> String {
    if display_width(text) > width { truncate(text, width.saturating_sub(1)) } else { text.to_owned() }
}

fn widest<'t>(heading: &str, texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(display_width).chain([display_width(heading)]).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<(Vec<String>, Row)> {
        let cell = |kind, text: &str| Cell::new(kind, text, Paint::faint);
        let row = |verdict, kind, id, money, answer: Option<&str>, secret: Option<&str>| {
            Row::new(
                "",
                vec![cell(CellKind::Provider, "plexos"), cell(CellKind::EventType, kind), cell(CellKind::Id, id)],
            )
            .with_cell(Some(cell(CellKind::Money, money)))
            .with_cell(Some(cell(CellKind::Verdict, verdict)))
            .with_cell(answer.map(|answer| cell(CellKind::Answer, answer)))
            .with_cell(secret.map(|secret| cell(CellKind::Secret, secret)))
        };
        let first = row(
            "verified",
            "payment.debited",
            "evt_a1b2c3d4e5f6",
            "100.00 CVE (10000)",
            None,
            Some("PLEXOS_WEBHOOK_SECRET"),
        );
        let second = row("signature mismatch", "payment.created", "evt_9", "1.00 CVE (100)", Some("→ 401"), None);
        let labels = |number: &str| vec![number.to_owned(), "10:30:00".to_owned()];
        vec![(labels("9"), first), (labels("10"), second)]
    }

    fn at(width: usize) -> String {
        table(&["#", "TIME"], &rows(), width, Paint::Plain)
    }

    #[test]
    fn columns_are_aligned_and_fit_the_terminal() {
        let expected = "\
#   TIME      VERDICT             TYPE             ID                AMOUNT      ANSWER  PROVIDER  SECRET
9   10:30:00  verified            payment.debited  evt_a1b2c3d4e5f6  100.00 CVE          plexos    PLEXOS_WEBHOOK_SECRET
10  10:30:00  signature mismatch  payment.created  evt_9             1.00 CVE    → 401   plexos
";
        assert_eq!(at(200), expected);
        for width in MIN_WIDTH..200 {
            let widest = at(width).lines().map(display_width).max().unwrap();
            assert!(widest <= width, "{width}: {widest}\n{}", at(width));
        }
    }

    #[test]
    fn a_narrow_terminal_loses_the_least_important_columns_and_shortens_the_others() {
        let expected = "\
#   TIME      VERDICT       TYPE             ID               AMOUNT      ANSWER
9   10:30:00  verified      payment.debited  evt_a1b2c3d4e5…  100.00 CVE
10  10:30:00  signature m…  payment.created  evt_9            1.00 CVE    → 401
";
        assert_eq!(at(80), expected);
    }
}
