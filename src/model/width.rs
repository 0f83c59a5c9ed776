//! Measures and wraps text for terminals.
//!
//! Output to a pipe is for programs and never wrapped. Widths are counted as terminals do: an East
//! Asian character or an emoji takes two columns, a combining accent none, a color sequence none.

use unicode_width::UnicodeWidthChar;

/// The width that lines may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A pipe or a file.
    Unlimited,
    /// A terminal with enough columns for most rows.
    Wide(usize),
    /// A terminal that is too narrow for rows; the most important text comes first.
    Narrow(usize),
}

const MIN_WIDE_COLUMNS: usize = 120;
/// Narrower terminals are treated as this wide and break the lines themselves.
const MIN_COLUMNS: usize = 40;

impl Width {
    /// Classifies a terminal by its columns. `None`: not a terminal, or unknown.
    pub fn from_columns(columns: Option<u16>) -> Self {
        match columns.map(usize::from) {
            None | Some(0) => Self::Unlimited,
            Some(columns) if columns < MIN_WIDE_COLUMNS => Self::Narrow(columns.max(MIN_COLUMNS)),
            Some(columns) => Self::Wide(columns),
        }
    }

    /// Returns the most columns that a line may take. `None`: unlimited.
    pub fn columns(self) -> Option<usize> {
        match self {
            Self::Unlimited => None,
            Self::Wide(columns) | Self::Narrow(columns) => Some(columns),
        }
    }

    /// Wraps long lines between words. Continuation lines are indented by `indent` columns more
    /// than the line itself. Words longer than a line stay whole so that addresses can be copied,
    /// and so do commands in backticks if they fit on a line.
    pub fn wrap(self, text: &str, indent: usize) -> String {
        let Some(columns) = self.columns() else { return text.to_owned() };
        text.split_inclusive('\n').map(|line| wrap_line(line, columns, indent)).collect()
    }
}

fn wrap_line(line: &str, columns: usize, indent: usize) -> String {
    if display_width(line.trim_end_matches('\n')) <= columns {
        return line.to_owned();
    }
    let own = line.len() - line.trim_start_matches(' ').len();
    // At most half of a narrow terminal is indentation.
    let indent = " ".repeat((own + indent).min(columns / 2));
    let (mut text, mut used) = (line[..own].to_owned(), own);
    let available = columns - indent.len();
    for (index, word) in words(&line[own..], available).enumerate() {
        let length = display_width(word.trim_end_matches('\n'));
        if index > 0 && used + 1 + length > columns {
            text = text.trim_end_matches(' ').to_owned() + "\n" + &indent;
            used = indent.len();
        } else if index > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += length;
    }
    text
}

/// Splits a text at spaces. A command in backticks is one word if it fits in `columns`.
fn words(text: &str, columns: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let quoted = quoted_end(text).filter(|end| display_width(text[..*end].trim_end_matches('\n')) <= columns);
        let end = quoted.or_else(|| text.find(' ')).unwrap_or(text.len());
        rest = text.get(end + 1..);
        Some(&text[..end])
    })
}

/// Returns the end of the first word if it opens a backtick that a later word closes.
fn quoted_end(text: &str) -> Option<usize> {
    let blank = text.find(' ')?;
    let opens = text[..blank].matches('`').count() % 2 == 1;
    let close = blank + text[blank..].find('`').filter(|_| opens)?;
    Some(text[close..].find(' ').map_or(text.len(), |blank| close + blank))
}

/// Counts the columns of a text; color sequences take none.
pub fn display_width(text: &str) -> usize {
    let mut hidden = false;
    let is_seen = |character: &char| {
        let was_hidden = hidden;
        hidden = (hidden || *character == '\x1b') && !(hidden && *character == 'm');
        !was_hidden && !hidden
    };
    text.chars().filter(is_seen).map(char_width).sum()
}

fn char_width(character: char) -> usize {
    // Control characters have no width. Those of untrusted text are escaped before.
    character.width().unwrap_or(1)
}

/// Pads a text with spaces to at least `columns` columns.
pub fn pad_right(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(display_width(text))))
}

/// Returns the longest prefix that fits in `columns` columns, accents included. `None`: the whole
/// text fits. Limits the accents too, which take no column.
pub fn fitting_prefix(text: &str, columns: usize) -> Option<&str> {
    let max_chars = columns.saturating_mul(MAX_CHARS_PER_COLUMN);
    let mut taken = 0;
    let is_too_wide = |(index, (_, character)): &(usize, (usize, char))| {
        taken += char_width(*character);
        taken > columns || *index >= max_chars
    };
    text.char_indices().enumerate().find(is_too_wide).map(|(_, (end, _))| &text[..end])
}

/// Characters that may share a column. Vietnamese needs three, with combining accents.
const MAX_CHARS_PER_COLUMN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_unlimited_and_a_terminal_wide_or_narrow() {
        assert_eq!([None, Some(0)].map(Width::from_columns), [Width::Unlimited; 2]);
        assert_eq!(
            [1, 80, 119, 120, 200].map(|columns| Width::from_columns(Some(columns))),
            [Width::Narrow(40), Width::Narrow(80), Width::Narrow(119), Width::Wide(120), Width::Wide(200)]
        );
    }

    #[test]
    fn lines_are_wrapped_between_words_and_continuations_indented() {
        let text = "  proved  the body was parsed and re-serialized by a middleware\n  short\n";
        let wrapped = Width::Narrow(40).wrap(text, 8);
        assert_eq!(wrapped, "  proved  the body was parsed and\n          re-serialized by a middleware\n  short\n");
        assert_eq!(Width::Unlimited.wrap(text, 8), text);
        assert_eq!(Width::Wide(120).wrap(text, 8), text);
    }

    #[test]
    fn colors_take_no_columns_and_long_words_stay_whole() {
        let forty = format!("\x1b[32m{}\x1b[0m \x1b[1m{}\x1b[0m", "a".repeat(19), "b".repeat(20));
        assert_eq!(Width::Narrow(40).wrap(&forty, 2), forty);
        let long = format!("see https://{}", "x".repeat(60));
        assert_eq!(Width::Narrow(40).wrap(&long, 2), long.replace("see ", "see\n  "));
    }

    #[test]
    fn commands_in_backticks_stay_whole_if_they_fit() {
        let text = "no secret is stored for it; run `whtool secret add plexos` again\n";
        let wrapped = Width::Narrow(40).wrap(text, 2);
        assert_eq!(wrapped, "no secret is stored for it; run\n  `whtool secret add plexos` again\n");
        let long = format!("`{}b` c", "a ".repeat(30));
        assert_eq!(Width::Narrow(40).wrap(&long, 2).lines().count(), 2, "too long to stay whole");
        let open = "this backtick `is never closed, so its words wrap";
        assert_eq!(Width::Narrow(40).wrap(open, 2).replace("\n ", ""), open);
    }

    #[test]
    fn indentation_takes_at_most_half_of_a_narrow_terminal() {
        let deep = format!("{}one two three", " ".repeat(38));
        let wrapped = Width::Narrow(40).wrap(&deep, 4);
        assert_eq!(wrapped.lines().last(), Some(&*format!("{}two three", " ".repeat(20))));
    }

    #[test]
    fn wide_letters_take_two_columns_and_accents_none() {
        assert_eq!(["王小明", "José", "Jose\u{301}", "🙂", "\x1b[32m王\x1b[0m"].map(display_width), [6, 4, 4, 2, 2]);
        assert_eq!(["王小明", "Jose\u{301}"].map(|name| pad_right(name, 8)), ["王小明  ", "Jose\u{301}    "]);
        let wrapped = Width::Narrow(40).wrap(&["王小明"; 8].join(" "), 2);
        assert_eq!(wrapped, format!("{}\n  {}", ["王小明"; 5].join(" "), ["王小明"; 3].join(" ")));
    }

    #[test]
    fn a_prefix_ends_between_letters_and_not_before_an_accent() {
        assert_eq!([5, 6, 7].map(|columns| fitting_prefix("王小明x", columns)), [Some("王小"), Some("王小明"), None]);
        assert_eq!([3, 4].map(|columns| fitting_prefix("Jose\u{301}x", columns)), [Some("Jos"), Some("Jose\u{301}")]);
        let accents = "\u{301}".repeat(1_000_000);
        assert_eq!(fitting_prefix(&accents, 10).map(|text| text.chars().count()), Some(40));
    }
}
