//! How wide what is shown is and may be, and lines broken between words where they would be wider.
//!
//! A pipe has no width: what goes there is for programs, and is never broken. Letters are measured one by one, as terminals do: one of
//! East Asia or an emoji takes two columns, an accent that stands on the letter before it none.

use unicode_width::UnicodeWidthChar;

/// How wide lines may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As wide as they are: a pipe or a file.
    Unlimited,
    /// Wide enough for most rows: so many columns.
    Wide(usize),
    /// Too narrow for rows; what matters most has to come first.
    Narrow(usize),
}

/// From how many columns on a terminal is wide.
const MIN_WIDE_COLUMNS: usize = 120;
/// Nothing is laid out for less: such a terminal breaks the lines itself.
const MIN_COLUMNS: usize = 40;

impl Width {
    /// Of a terminal with so many columns; `None`: it is none, or does not say.
    pub fn from_columns(columns: Option<u16>) -> Self {
        match columns.map(usize::from) {
            None | Some(0) => Self::Unlimited,
            Some(columns) if columns < MIN_WIDE_COLUMNS => Self::Narrow(columns.max(MIN_COLUMNS)),
            Some(columns) => Self::Wide(columns),
        }
    }

    /// The most columns that a line may take; `None`: any number.
    pub fn columns(self) -> Option<usize> {
        match self {
            Self::Unlimited => None,
            Self::Wide(columns) | Self::Narrow(columns) => Some(columns),
        }
    }

    /// The text with its lines broken between words where they are too long. What follows is set in `hang` columns further than the line
    /// itself. A word that is longer than a line stays whole: it may be an address, and is to be copied. So does what stands between
    /// backticks, where a line has the room.
    pub fn wrap(self, text: &str, hang: usize) -> String {
        let Some(columns) = self.columns() else { return text.to_owned() };
        text.split_inclusive('\n').map(|line| wrap_line(line, columns, hang)).collect()
    }
}

fn wrap_line(line: &str, columns: usize, hang: usize) -> String {
    if display_width(line.trim_end_matches('\n')) <= columns {
        return line.to_owned();
    }
    let own = line.len() - line.trim_start_matches(' ').len();
    // Deep in a narrow terminal there would be no room left.
    let indent = " ".repeat((own + hang).min(columns / 2));
    let (mut text, mut used) = (line[..own].to_owned(), own);
    let room = columns - indent.len();
    for (place, word) in words(&line[own..], room).enumerate() {
        let length = display_width(word.trim_end_matches('\n'));
        if place > 0 && used + 1 + length > columns {
            text = text.trim_end_matches(' ').to_owned() + "\n" + &indent;
            used = indent.len();
        } else if place > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += length;
    }
    text
}

/// What stands between blanks; what also stands between backticks, a command mostly, is one word if it has the room.
fn words(text: &str, room: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let quoted = quoted_end(text).filter(|end| display_width(text[..*end].trim_end_matches('\n')) <= room);
        let end = quoted.or_else(|| text.find(' ')).unwrap_or(text.len());
        rest = text.get(end + 1..);
        Some(&text[..end])
    })
}

/// Where the first word ends, if a backtick opens in it and is closed after it.
fn quoted_end(text: &str) -> Option<usize> {
    let blank = text.find(' ')?;
    let opens = text[..blank].matches('`').count() % 2 == 1;
    let close = blank + text[blank..].find('`').filter(|_| opens)?;
    Some(text[close..].find(' ').map_or(text.len(), |blank| close + blank))
}

/// How many columns a text takes: colours take none.
pub fn display_width(text: &str) -> usize {
    let mut hidden = false;
    let is_seen = |letter: &char| {
        let was_hidden = hidden;
        hidden = (hidden || *letter == '\x1b') && !(hidden && *letter == 'm');
        !was_hidden && !hidden
    };
    text.chars().filter(is_seen).map(char_width).sum()
}

fn char_width(letter: char) -> usize {
    // A control has no width of its own; strangers' are shown as text before they come here.
    letter.width().unwrap_or(1)
}

/// The text with blanks after it, so that it takes so many columns at least.
pub fn pad_right(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(display_width(text))))
}

/// The beginning of a text that takes no more than so many columns, whole letters with their accents; `None`: all of it does. Of accents
/// without end, which take no column, only some are taken.
pub fn fitting_prefix(text: &str, columns: usize) -> Option<&str> {
    let most_letters = columns.saturating_mul(MAX_CHARS_PER_COLUMN);
    let mut taken = 0;
    let is_too_much = |(place, (_, letter)): &(usize, (usize, char))| {
        taken += char_width(*letter);
        taken > columns || *place >= most_letters
    };
    text.char_indices().enumerate().find(is_too_much).map(|(_, (end, _))| &text[..end])
}

/// So many letters stand in one column at most: Vietnamese takes three, written with accents that stand on the letter before them.
const MAX_CHARS_PER_COLUMN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_has_any_width_and_a_terminal_is_wide_or_narrow() {
        assert_eq!([None, Some(0)].map(Width::from_columns), [Width::Unlimited; 2]);
        assert_eq!(
            [1, 80, 119, 120, 200].map(|columns| Width::from_columns(Some(columns))),
            [Width::Narrow(40), Width::Narrow(80), Width::Narrow(119), Width::Wide(120), Width::Wide(200)]
        );
    }

    #[test]
    fn lines_are_broken_between_words_and_what_follows_is_set_in() {
        let text = "  proved  the body was parsed and written anew by a middleware\n  short\n";
        let wrapped = Width::Narrow(40).wrap(text, 8);
        assert_eq!(wrapped, "  proved  the body was parsed and\n          written anew by a middleware\n  short\n");
        assert_eq!(Width::Unlimited.wrap(text, 8), text);
        assert_eq!(Width::Wide(120).wrap(text, 8), text);
    }

    #[test]
    fn colours_take_no_room_and_long_words_stay_whole() {
        let forty = format!("\x1b[32m{}\x1b[0m \x1b[1m{}\x1b[0m", "a".repeat(19), "b".repeat(20));
        assert_eq!(Width::Narrow(40).wrap(&forty, 2), forty);
        let long = format!("see https://{}", "x".repeat(60));
        assert_eq!(Width::Narrow(40).wrap(&long, 2), long.replace("see ", "see\n  "));
    }

    #[test]
    fn what_is_quoted_stays_whole_where_it_has_the_room() {
        let text = "nothing is kept for it here; `whtool secret add plexos`, then again\n";
        let wrapped = Width::Narrow(40).wrap(text, 2);
        assert_eq!(wrapped, "nothing is kept for it here;\n  `whtool secret add plexos`, then again\n");
        let long = format!("`{}b` c", "a ".repeat(30));
        assert_eq!(Width::Narrow(40).wrap(&long, 2).lines().count(), 2, "it has not");
        let open = "it was `cut off in the middle of a word that";
        assert_eq!(Width::Narrow(40).wrap(open, 2).replace("\n ", ""), open, "it is never closed");
    }

    #[test]
    fn there_is_room_however_deep_a_line_is_set_in() {
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
    fn a_text_is_cut_between_letters_and_not_before_an_accent() {
        assert_eq!([5, 6, 7].map(|columns| fitting_prefix("王小明x", columns)), [Some("王小"), Some("王小明"), None]);
        assert_eq!([3, 4].map(|columns| fitting_prefix("Jose\u{301}x", columns)), [Some("Jos"), Some("Jose\u{301}")]);
        let accents = "\u{301}".repeat(1_000_000);
        assert_eq!(fitting_prefix(&accents, 10).map(|text| text.chars().count()), Some(40));
    }
}
