//! Colours, decided once for each stream and carried along as a value.

use colored::{ColoredString, Colorize};

/// Whether text for a stream is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// With colours.
    Coloured,
}

impl Paint {
    fn with(self, text: &str, colour: impl FnOnce(&str) -> ColoredString) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => colour(text).to_string(),
        }
    }

    /// As it is.
    pub fn plain(self, text: &str) -> String {
        text.to_owned()
    }

    /// Good news.
    pub fn good(self, text: &str) -> String {
        self.with(text, |text| text.green())
    }

    /// Bad news.
    pub fn bad(self, text: &str) -> String {
        self.with(text, |text| text.red())
    }

    /// What deserves a look.
    pub fn warn(self, text: &str) -> String {
        self.with(text, |text| text.yellow())
    }

    /// What matters most.
    pub fn strong(self, text: &str) -> String {
        self.with(text, |text| text.bold())
    }

    /// What matters least.
    pub fn faint(self, text: &str) -> String {
        self.with(text, |text| text.bright_black())
    }

    /// Names: of fields, of providers.
    pub fn name(self, text: &str) -> String {
        self.with(text, |text| text.cyan())
    }

    /// Numbers and money.
    pub fn number(self, text: &str) -> String {
        self.with(text, |text| text.magenta())
    }
}
