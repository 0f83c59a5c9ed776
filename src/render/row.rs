//! Lays out a delivery as a row of cells.
//!
//! A pipe or a wide terminal gets one line in columns. In a narrow terminal the most important
//! cells come first, and lines break between cells. `text` decides what the cells contain.

use super::paint::Paint;
use crate::model::sanitize::truncate;
use crate::model::width::{Width, display_width, pad_right};

/// The kind of a cell, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellKind {
    Verdict,
    Duplicate,
    EventType,
    Money,
    Id,
    /// The response of whtool or the app.
    Answer,
    /// The status of the payment or purchase.
    Status,
    Size,
    Provider,
    Secret,
}

#[derive(Clone, Debug)]
pub struct Cell {
    kind: CellKind,
    /// Uncolored text before the cell's text.
    prefix: &'static str,
    /// Text without unsafe characters.
    text: String,
    color: fn(Paint, &str) -> String,
    /// Minimum columns in a wide row.
    min_width: usize,
}

impl Cell {
    /// Creates a cell. `text` must not contain unsafe characters.
    pub fn new(kind: CellKind, text: impl Into<String>, color: fn(Paint, &str) -> String) -> Self {
        Self { kind, prefix: "", text: text.into(), color, min_width: 0 }
    }

    pub fn with_prefix(self, prefix: &'static str) -> Self {
        Self { prefix, ..self }
    }

    pub fn with_min_width(self, min_width: usize) -> Self {
        Self { min_width, ..self }
    }

    pub(super) fn kind(&self) -> CellKind {
        self.kind
    }

    /// Returns the whole text, with its prefix.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.prefix, self.text)
    }

    pub(super) fn color(&self) -> fn(Paint, &str) -> String {
        self.color
    }

    /// Returns the separator before this cell.
    fn gap(&self) -> &'static str {
        if self.kind == CellKind::Secret { " · " } else { "  " }
    }

    fn width(&self) -> usize {
        display_width(self.prefix) + display_width(&self.text)
    }

    fn render_truncated(&self, columns: usize, paint: Paint) -> String {
        let columns = columns.saturating_sub(display_width(self.prefix));
        let text = if display_width(&self.text) > columns {
            truncate(&self.text, columns.saturating_sub(1))
        } else {
            self.text.clone()
        };
        format!("{}{}", self.prefix, (self.color)(paint, &text))
    }

    fn render_padded(&self, paint: Paint) -> String {
        format!("{}{}", self.prefix, (self.color)(paint, &pad_right(&self.text, self.min_width)))
    }
}

#[derive(Clone, Debug)]
pub struct Row {
    /// Shown first in any layout: a time of day, a number, a location.
    label: String,
    cells: Vec<Cell>,
}

/// The treatment of cells that do not fit on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Continue on lines indented by this many columns.
    Wrap(usize),
    /// Omit them and show an ellipsis.
    Omit,
}

impl Row {
    /// Creates a row. `cells` are in the order of a wide row.
    pub fn new(label: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self { label: label.into(), cells }
    }

    /// Appends a cell, if any.
    pub fn with_cell(mut self, cell: Option<Cell>) -> Self {
        self.cells.extend(cell);
        self
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter()
    }

    /// Formats the row as lines, each with a newline.
    pub fn render(&self, width: Width, overflow: Overflow, paint: Paint) -> String {
        match width {
            Width::Narrow(columns) => self.render_narrow(columns, overflow, paint),
            Width::Wide(columns) if self.columns() > columns => match overflow {
                Overflow::Wrap(indent) => self.render_wrapped(columns, indent, paint),
                // The last cells of a wide row are too important to be omitted first.
                Overflow::Omit => self.render_narrow(columns, overflow, paint),
            },
            Width::Wide(_) | Width::Unlimited => self.render_line(paint),
        }
    }

    fn columns(&self) -> usize {
        let width = |cell: &Cell| display_width(cell.gap()) + cell.width().max(cell.min_width);
        display_width(&self.label) + self.cells.iter().map(width).sum::<usize>()
    }

    fn render_line(&self, paint: Paint) -> String {
        let cells = self.cells.iter().flat_map(|cell| [cell.gap().to_owned(), cell.render_padded(paint)]);
        format!("{}{}\n", paint.faint(&self.label), cells.collect::<String>())
    }

    /// Keeps the columns as far as they fit and continues on indented lines.
    fn render_wrapped(&self, columns: usize, indent: usize, paint: Paint) -> String {
        let (mut text, mut used) = (paint.faint(&self.label), display_width(&self.label));
        // Columns missing from the previous cell to its minimum width.
        let mut padding = 0;
        for cell in &self.cells {
            let gap = " ".repeat(padding) + cell.gap();
            if used + display_width(&gap) + cell.width() <= columns {
                text.push_str(&gap);
                used += display_width(&gap);
            } else {
                text.push_str(&format!("\n{}", " ".repeat(indent)));
                used = indent;
            }
            text.push_str(&cell.render_truncated(columns.saturating_sub(used), paint));
            used += cell.width();
            padding = cell.min_width.saturating_sub(display_width(&cell.text));
        }
        text + "\n"
    }

    /// Puts the most important cells first; no line is longer than `columns`.
    fn render_narrow(&self, columns: usize, overflow: Overflow, paint: Paint) -> String {
        let mut cells: Vec<&Cell> = self.cells.iter().collect();
        cells.sort_by_key(|cell| cell.kind);
        let label = self.label.trim_end();
        let (mut text, mut used) = (paint.faint(label), display_width(label));
        for (index, cell) in cells.iter().enumerate() {
            let gap = display_width(cell.gap());
            let is_last = index + 1 == cells.len();
            let reserved = if overflow == Overflow::Omit && !is_last { display_width(ELLIPSIS) } else { 0 };
            if used + gap + cell.width() + reserved <= columns {
                text.push_str(cell.gap());
                used += gap;
            } else if let Overflow::Wrap(indent) = overflow {
                text.push_str(&format!("\n{}", " ".repeat(indent)));
                used = indent;
            } else {
                text.push_str(&paint.faint(ELLIPSIS));
                break;
            }
            text.push_str(&cell.render_truncated(columns.saturating_sub(used), paint));
            used += cell.width();
        }
        text + "\n"
    }
}

const ELLIPSIS: &str = " …";

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let plain = |kind, text: &str| Cell::new(kind, text, Paint::number);
        Row::new(
            "10:30:00  #1  ",
            vec![
                plain(CellKind::Provider, "plexos").with_min_width(8),
                plain(CellKind::EventType, "payment.debited").with_min_width(21),
                plain(CellKind::Id, "evt_abc123"),
                plain(CellKind::Money, "100.00 CVE (10000)"),
                plain(CellKind::Status, "DEBITED"),
                plain(CellKind::Verdict, "verified"),
                plain(CellKind::Secret, "PLEXOS_WEBHOOK_SECRET"),
            ],
        )
        .with_cell(Some(plain(CellKind::Answer, "→ 200").with_prefix("app ")))
    }

    fn rendered(width: Width, overflow: Overflow) -> String {
        row().render(width, overflow, Paint::Plain)
    }

    #[test]
    fn a_pipe_and_a_wide_terminal_get_one_line_in_columns() {
        let line = "10:30:00  #1    plexos    payment.debited        evt_abc123  100.00 CVE (10000)  DEBITED  \
                    verified · PLEXOS_WEBHOOK_SECRET  app → 200\n";
        assert_eq!(rendered(Width::Unlimited, Overflow::Wrap(4)), line);
        assert_eq!(rendered(Width::Wide(133), Overflow::Omit), line);
    }

    #[test]
    fn a_narrow_terminal_gets_important_cells_first_and_breaks_between_cells() {
        let text = "10:30:00  #1  verified  payment.debited  100.00 CVE (10000)  evt_abc123\n          \
                    app → 200  DEBITED  plexos · PLEXOS_WEBHOOK_SECRET\n";
        assert_eq!(rendered(Width::Narrow(80), Overflow::Wrap(10)), text);
    }

    #[test]
    fn a_row_too_long_for_a_wide_terminal_keeps_its_columns_and_continues_on_the_next_line() {
        let text = "10:30:00  #1    plexos    payment.debited        evt_abc123  100.00 CVE (10000)  DEBITED  \
                    verified · PLEXOS_WEBHOOK_SECRET\n          app → 200\n";
        assert_eq!(rendered(Width::Wide(122), Overflow::Wrap(10)), text);
        assert!(rendered(Width::Wide(122), Overflow::Omit).starts_with("10:30:00  #1  verified  "));
    }

    #[test]
    fn cells_that_do_not_fit_on_a_single_line_are_omitted_with_an_ellipsis() {
        let text = "10:30:00  #1  verified  payment.debited  100.00 CVE (10000)  evt_abc123 …\n";
        assert_eq!(rendered(Width::Narrow(80), Overflow::Omit), text);
        assert_eq!(rendered(Width::Narrow(72), Overflow::Omit), text.replace("  evt_abc123", ""));
    }

    #[test]
    fn columns_stay_aligned_after_wide_letters_and_accents() {
        let money_at = |id: &str| {
            let cell = |kind, text: &str| Cell::new(kind, text, Paint::number);
            let row = Row::new("", vec![cell(CellKind::Id, id).with_min_width(8), cell(CellKind::Money, "1.00 NGN")]);
            let line = row.render(Width::Unlimited, Overflow::Omit, Paint::Plain);
            display_width(line.split("1.00").next().unwrap())
        };
        assert_eq!(["Jose", "王小明", "Jose\u{301}"].map(money_at), [12; 3]);
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_whatever_the_text() {
        let texts = ["x".repeat(300), "王小明🙂".repeat(50), "e\u{301}".repeat(300)];
        let longs = texts.map(|text| Cell::new(CellKind::Id, text, Paint::strong));
        for (columns, long) in (40..125).flat_map(|columns| longs.iter().map(move |long| (columns, long))) {
            for overflow in [Overflow::Wrap(16), Overflow::Omit] {
                for width in [Width::Narrow(columns), Width::Wide(columns)] {
                    let text = row().with_cell(Some(long.clone())).render(width, overflow, Paint::Plain);
                    assert!(text.lines().all(|line| display_width(line) <= columns), "{columns}: {text}");
                }
            }
        }
    }
}
