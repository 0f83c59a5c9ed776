//! Colors the output. Whether to color is decided once for each stream.

use colored::{ColoredString, Colorize};

/// The color mode of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Colored,
}

impl Paint {
    fn apply(self, text: &str, color: impl FnOnce(&str) -> ColoredString) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colored => color(text).to_string(),
        }
    }

    pub fn plain(self, text: &str) -> String {
        text.to_owned()
    }

    pub fn good(self, text: &str) -> String {
        self.apply(text, |text| text.green())
    }

    pub fn bad(self, text: &str) -> String {
        self.apply(text, |text| text.red())
    }

    pub fn warn(self, text: &str) -> String {
        self.apply(text, |text| text.yellow())
    }

    pub fn strong(self, text: &str) -> String {
        self.apply(text, |text| text.bold())
    }

    /// Marks secondary information, such as labels.
    pub fn faint(self, text: &str) -> String {
        self.apply(text, |text| text.bright_black())
    }

    /// Marks names of fields and providers.
    pub fn name(self, text: &str) -> String {
        self.apply(text, |text| text.cyan())
    }

    pub fn number(self, text: &str) -> String {
        self.apply(text, |text| text.magenta())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn plain_text_has_no_escape_codes_and_each_meaning_has_its_color() {
        colored::control::set_override(true);
        for (paint, code) in [
            (Paint::good as fn(Paint, &str) -> String, "32"),
            (Paint::bad, "31"),
            (Paint::warn, "33"),
            (Paint::strong, "1"),
            (Paint::faint, "90"),
            (Paint::name, "36"),
            (Paint::number, "35"),
        ] {
            assert_eq!(paint(Paint::Plain, "text"), "text");
            assert_eq!(paint(Paint::Colored, "text"), format!("\x1b[{code}mtext\x1b[0m"));
        }
        assert_eq!([Paint::Plain, Paint::Colored].map(|paint| paint.plain("text")), ["text", "text"]);
    }
}
