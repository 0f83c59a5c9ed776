//! A delivery as a row of fields: one line where that has the room, else several that break between fields.
//!
//! In a narrow terminal what matters most comes first. What the fields hold is decided in `text`.

use super::paint::Paint;
use crate::model::sanitize::truncate;
use crate::model::width::{Width, display_width, pad_right};

/// What a field tells; in the order in which the fields matter to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellKind {
    /// Whether it is good.
    Verdict,
    /// That it came before.
    Duplicate,
    /// What kind of event it is.
    EventType,
    /// How much money it is about.
    Money,
    /// Its id.
    Id,
    /// What was answered, by whtool or the app.
    Answer,
    /// The status of what it is about.
    Status,
    /// How large it is.
    Size,
    /// Whose it is.
    Provider,
    /// The secret that matched.
    Secret,
}

/// One field.
#[derive(Clone, Debug)]
pub struct Cell {
    kind: CellKind,
    /// What stands before its text, without colour.
    prefix: &'static str,
    /// Its text, harmless.
    text: String,
    colour: fn(Paint, &str) -> String,
    /// How wide it is in a wide row, at least.
    min_width: usize,
}

impl Cell {
    /// A field of a text that is harmless already.
    pub fn new(kind: CellKind, text: impl Into<String>, colour: fn(Paint, &str) -> String) -> Self {
        Self { kind, prefix: "", text: text.into(), colour, min_width: 0 }
    }

    /// With something before the text that has no colour.
    pub fn with_prefix(self, lead: &'static str) -> Self {
        Self { prefix: lead, ..self }
    }

    /// At least so wide in a wide row.
    pub fn with_min_width(self, least: usize) -> Self {
        Self { min_width: least, ..self }
    }

    /// What stands between it and the field before it.
    fn gap(&self) -> &'static str {
        if self.kind == CellKind::Secret { " · " } else { "  " }
    }

    fn width(&self) -> usize {
        display_width(self.prefix) + display_width(&self.text)
    }

    fn render_truncated(&self, room: usize, paint: Paint) -> String {
        let room = room.saturating_sub(display_width(self.prefix));
        let text = if display_width(&self.text) > room {
            truncate(&self.text, room.saturating_sub(1))
        } else {
            self.text.clone()
        };
        format!("{}{}", self.prefix, (self.colour)(paint, &text))
    }

    fn render_padded(&self, paint: Paint) -> String {
        format!("{}{}", self.prefix, (self.colour)(paint, &pad_right(&self.text, self.min_width)))
    }
}

/// A delivery, to be shown in a row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What stands first in any case: a time of day, a number, a place.
    label: String,
    cells: Vec<Cell>,
}

/// What becomes of fields for which a narrow line has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// They go on in lines that are set in by so many columns.
    Wrap(usize),
    /// They are left out; an ellipsis stands for them.
    Omit,
}

impl Row {
    /// A row with `lead` before its fields, which are in the order of a wide row.
    pub fn new(lead: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self { label: lead.into(), cells }
    }

    /// With another field at its end.
    pub fn with_cell(mut self, field: Option<Cell>) -> Self {
        self.cells.extend(field);
        self
    }

    /// The row as lines, each with a line break at its end.
    pub fn render(&self, width: Width, overflow: Overflow, paint: Paint) -> String {
        match width {
            Width::Narrow(columns) => self.render_narrow(columns, overflow, paint),
            Width::Wide(columns) if self.columns() > columns => match overflow {
                Overflow::Wrap(indent) => self.render_wrapped(columns, indent, paint),
                // What stands at the end of a wide row matters too much to be the first that goes.
                Overflow::Omit => self.render_narrow(columns, overflow, paint),
            },
            Width::Wide(_) | Width::Unlimited => self.render_line(paint),
        }
    }

    fn columns(&self) -> usize {
        let field = |field: &Cell| display_width(field.gap()) + field.width().max(field.min_width);
        display_width(&self.label) + self.cells.iter().map(field).sum::<usize>()
    }

    /// All in one line.
    fn render_line(&self, paint: Paint) -> String {
        let fields = self.cells.iter().flat_map(|field| [field.gap().to_owned(), field.render_padded(paint)]);
        format!("{}{}\n", paint.faint(&self.label), fields.collect::<String>())
    }

    /// Under the columns of the other rows as far as there is room; the rest in lines that are set in.
    fn render_wrapped(&self, columns: usize, indent: usize, paint: Paint) -> String {
        let (mut text, mut used) = (paint.faint(&self.label), display_width(&self.label));
        // By how much the field before is narrower than its column.
        let mut short = 0;
        for field in &self.cells {
            let gap = " ".repeat(short) + field.gap();
            if used + display_width(&gap) + field.width() <= columns {
                text.push_str(&gap);
                used += display_width(&gap);
            } else {
                text.push_str(&format!("\n{}", " ".repeat(indent)));
                used = indent;
            }
            text.push_str(&field.render_truncated(columns.saturating_sub(used), paint));
            used += field.width();
            short = field.min_width.saturating_sub(display_width(&field.text));
        }
        text + "\n"
    }

    /// What matters most first, and no line longer than so many columns.
    fn render_narrow(&self, columns: usize, overflow: Overflow, paint: Paint) -> String {
        let mut fields: Vec<&Cell> = self.cells.iter().collect();
        fields.sort_by_key(|field| field.kind);
        let lead = self.label.trim_end();
        let (mut text, mut used) = (paint.faint(lead), display_width(lead));
        for (place, field) in fields.iter().enumerate() {
            let gap = display_width(field.gap());
            let is_last = place + 1 == fields.len();
            let kept_free = if overflow == Overflow::Omit && !is_last { display_width(ELLIPSIS) } else { 0 };
            if used + gap + field.width() + kept_free <= columns {
                text.push_str(field.gap());
                used += gap;
            } else if let Overflow::Wrap(indent) = overflow {
                text.push_str(&format!("\n{}", " ".repeat(indent)));
                used = indent;
            } else {
                text.push_str(&paint.faint(ELLIPSIS));
                break;
            }
            text.push_str(&field.render_truncated(columns.saturating_sub(used), paint));
            used += field.width();
        }
        text + "\n"
    }
}

/// Stands for the fields that are left out.
const ELLIPSIS: &str = " …";

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let plain = |tells, text: &str| Cell::new(tells, text, Paint::number);
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

    fn shown(width: Width, overflow: Overflow) -> String {
        row().render(width, overflow, Paint::Plain)
    }

    #[test]
    fn a_pipe_and_a_wide_terminal_get_one_line_in_columns() {
        let line = "10:30:00  #1    plexos    payment.debited        evt_abc123  100.00 CVE (10000)  DEBITED  \
                    verified · PLEXOS_WEBHOOK_SECRET  app → 200\n";
        assert_eq!(shown(Width::Unlimited, Overflow::Wrap(4)), line);
        assert_eq!(shown(Width::Wide(133), Overflow::Omit), line);
    }

    #[test]
    fn a_narrow_one_gets_what_matters_first_and_breaks_between_fields() {
        let text = "10:30:00  #1  verified  payment.debited  100.00 CVE (10000)  evt_abc123\n          \
                    app → 200  DEBITED  plexos · PLEXOS_WEBHOOK_SECRET\n";
        assert_eq!(shown(Width::Narrow(80), Overflow::Wrap(10)), text);
    }

    #[test]
    fn a_row_that_is_too_long_for_a_wide_one_keeps_its_columns_and_goes_on() {
        let text = "10:30:00  #1    plexos    payment.debited        evt_abc123  100.00 CVE (10000)  DEBITED  \
                    verified · PLEXOS_WEBHOOK_SECRET\n          app → 200\n";
        assert_eq!(shown(Width::Wide(122), Overflow::Wrap(10)), text);
        assert!(shown(Width::Wide(122), Overflow::Omit).starts_with("10:30:00  #1  verified  "));
    }

    #[test]
    fn what_has_no_room_in_a_single_line_is_left_out_and_that_is_seen() {
        let text = "10:30:00  #1  verified  payment.debited  100.00 CVE (10000)  evt_abc123 …\n";
        assert_eq!(shown(Width::Narrow(80), Overflow::Omit), text);
        assert_eq!(shown(Width::Narrow(72), Overflow::Omit), text.replace("  evt_abc123", ""));
    }

    #[test]
    fn what_follows_a_wide_name_stands_where_it_stands_after_any_other() {
        let money_at = |id: &str| {
            let field = |tells, text: &str| Cell::new(tells, text, Paint::number);
            let row = Row::new("", vec![field(CellKind::Id, id).with_min_width(8), field(CellKind::Money, "1.00 NGN")]);
            let line = row.render(Width::Unlimited, Overflow::Omit, Paint::Plain);
            display_width(line.split("1.00").next().unwrap())
        };
        assert_eq!(["Jose", "王小明", "Jose\u{301}"].map(money_at), [12; 3]);
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_whatever_a_stranger_sends() {
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
