//! Reads amounts as people and programs write them: `10000`, `100.00`, `1.000,00`, `100$00`,
//! `NGN 270.00`, `(10 000,00)`.
//!
//! A single amount may be ambiguous (`1.000`), so all amounts of a column are surveyed first, and
//! the column is read in one notation. Amounts never become floats.

mod shape;

use super::reference::is_scientific;
pub(super) use shape::currency_by_symbol;
use shape::{Mark, Shape, split};
use std::borrow::Cow;

/// The notation of amounts in a list, as far as the user gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AmountFormat {
    /// Decide for the whole column.
    #[default]
    Auto,
    /// Whole minor units: `10000`.
    MinorUnits,
    /// Major units with up to two decimals; the decimal mark is detected.
    Decimal,
    /// `1,000.00`.
    DecimalPoint,
    /// `1.000,00`.
    DecimalComma,
}

impl AmountFormat {
    pub const ALL: [Self; 5] = [Self::Auto, Self::MinorUnits, Self::Decimal, Self::DecimalPoint, Self::DecimalComma];

    /// Returns the word for this notation in `--amounts`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::MinorUnits => "minor",
            Self::Decimal => "decimal",
            Self::DecimalPoint => "point",
            Self::DecimalComma => "comma",
        }
    }
}

/// An amount that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) minor: i128,
    /// The currency that stands beside it.
    pub(super) currency: Option<&'static str>,
}

/// Counts of the notations in a column.
#[derive(Clone, Debug, Default)]
pub(super) struct AmountSurvey {
    /// Numbers of up to three digits and of more, without any mark.
    small: u64,
    large: u64,
    decimals: MarkCounts,
    groups: MarkCounts,
    ambiguous: MarkCounts,
    /// Ambiguous numbers whose last digit is not zero: they have no two decimals.
    precise: MarkCounts,
    /// Decimals other than a single zero.
    has_cents: bool,
    /// Decimals other than zeros.
    has_fractions: bool,
    has_currency: bool,
    examples: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct MarkCounts {
    point: u64,
    comma: u64,
    other: u64,
}

impl MarkCounts {
    fn add(&mut self, mark: Mark) {
        match mark {
            Mark::Point => self.point += 1,
            Mark::Comma => self.comma += 1,
            _ => self.other += 1,
        }
    }

    fn get(self, mark: Mark) -> u64 {
        match mark {
            Mark::Point => self.point,
            Mark::Comma => self.comma,
            _ => self.other,
        }
    }

    fn sum(self) -> u64 {
        self.point + self.comma + self.other
    }
}

/// The meaning of a mark with exactly three digits after it, as in `1.000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MarkMeaning {
    Decimal,
    Group,
    Unknown,
}

/// The notation of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AmountNotation {
    is_minor: bool,
    /// Decimals that are zeros are accepted in minor units, too.
    allows_zeros: bool,
    point: MarkMeaning,
    comma: MarkMeaning,
}

/// The reason why a column can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AmbiguousAmounts {
    /// `1.000`: a thousand, or one.
    Thousands(String),
    /// `100.0` everywhere: minor units that became decimals, or whole major units.
    WholeDecimals(String),
}

impl AmountSurvey {
    pub(super) fn add(&mut self, text: &str, is_number: bool) {
        let text = &ascii_digits(text);
        let Some(digits) = split(text, is_number) else { return };
        self.has_currency |= digits.currency.is_some() || digits.has_symbol;
        match digits.shape() {
            Shape::Plain if digits.length() <= 3 => self.small += 1,
            Shape::Plain => self.large += 1,
            Shape::Decimal(mark) => self.decimals.add(mark),
            Shape::Grouped(mark) => self.groups.add(mark),
            Shape::Both(group, decimal) => {
                self.groups.add(group);
                self.decimals.add(decimal);
            }
            Shape::Ambiguous(mark) => {
                self.ambiguous.add(mark);
                if !digits.last_group().ends_with('0') {
                    self.precise.add(mark);
                }
            }
            Shape::Invalid => return,
        }
        if let Shape::Decimal(_) | Shape::Both(..) = digits.shape() {
            self.has_cents |= digits.last_group() != "0";
            self.has_fractions |= digits.last_group().bytes().any(|digit| digit != b'0');
        }
        let is_telling = !matches!(digits.shape(), Shape::Plain);
        if self.examples.is_empty() || (is_telling && self.examples.len() < 2) {
            self.examples.push(text.chars().take(40).collect());
        }
    }

    /// Returns an amount of the column, one with marks if there is any.
    pub(super) fn example(&self) -> &str {
        self.examples.last().map_or("", String::as_str)
    }

    /// Decides the notation of the column.
    pub(super) fn notation(
        &self,
        format: AmountFormat,
        is_minor_name: bool,
    ) -> Result<AmountNotation, AmbiguousAmounts> {
        let point = self.meaning(Mark::Point, Mark::Comma, format);
        let comma = self.meaning(Mark::Comma, Mark::Point, format);
        let is_mixed = |mark| self.decimals.get(mark) > 0 && self.groups.get(mark) > 0;
        for (mark, meaning) in [(Mark::Point, point), (Mark::Comma, comma)] {
            if meaning == MarkMeaning::Unknown && self.ambiguous.get(mark) > 0 && !is_mixed(mark) {
                return Err(AmbiguousAmounts::Thousands(self.example().to_owned()));
            }
        }
        let is_minor = match format {
            AmountFormat::MinorUnits => true,
            AmountFormat::Decimal | AmountFormat::DecimalPoint | AmountFormat::DecimalComma => false,
            AmountFormat::Auto if is_minor_name => !self.has_fractions,
            AmountFormat::Auto if self.decimals.sum() > 0 && !self.has_cents && !self.has_currency => {
                return Err(AmbiguousAmounts::WholeDecimals(self.example().to_owned()));
            }
            // Marks between thousands and currencies are written for people, who count major units.
            AmountFormat::Auto => self.decimals.sum() + self.groups.sum() == 0 && !self.has_currency,
        };
        let allows_zeros = is_minor_name && format == AmountFormat::Auto;
        Ok(AmountNotation { is_minor, allows_zeros, point, comma })
    }

    fn meaning(&self, mark: Mark, other: Mark, format: AmountFormat) -> MarkMeaning {
        let decimal_mark = match format {
            AmountFormat::DecimalPoint => Some(Mark::Point),
            AmountFormat::DecimalComma => Some(Mark::Comma),
            _ => None,
        };
        let (decimals, groups) = (self.decimals.get(mark) > 0, self.groups.get(mark) > 0);
        match decimal_mark {
            Some(decimal) if decimal == mark => MarkMeaning::Decimal,
            Some(_) => MarkMeaning::Group,
            None if decimals && groups => MarkMeaning::Unknown,
            None if decimals => MarkMeaning::Decimal,
            None if groups || self.decimals.get(other) + self.decimals.other > 0 => MarkMeaning::Group,
            // In minor units there are no decimals.
            None if format == AmountFormat::MinorUnits => MarkMeaning::Group,
            // Without a flag it would stay open whether these are minor units.
            None if format == AmountFormat::Auto && !self.has_currency => MarkMeaning::Unknown,
            None if self.precise.get(mark) > 0 => MarkMeaning::Group,
            // With three decimals everywhere, `250` would be `250.000`; with marks for thousands,
            // `2500` would be `2.500`.
            None if self.small > 0 && self.large == 0 => MarkMeaning::Group,
            None => MarkMeaning::Unknown,
        }
    }
}

impl AmountNotation {
    /// Describes the notation: `minor units` or `major units`.
    pub(super) fn description(self) -> &'static str {
        if self.is_minor { "minor units" } else { "major units" }
    }

    pub(super) fn is_minor(self) -> bool {
        self.is_minor
    }

    /// Reads an amount. The error is a sentence.
    pub(super) fn parse(self, text: &str, is_number: bool) -> Result<Amount, String> {
        let shown: String = text.chars().take(40).collect();
        let text = &ascii_digits(text);
        if is_scientific(text) {
            return Err(format!(
                "`{shown}` is a number that Excel shortened: format the column as a number, and export it again"
            ));
        }
        let digits = split(text, is_number).filter(|digits| digits.shape() != Shape::Invalid);
        let digits = digits.ok_or_else(|| format!("`{shown}` is not an amount"))?;
        let meaning = match digits.shape() {
            Shape::Ambiguous(Mark::Point) => self.point,
            Shape::Ambiguous(_) => self.comma,
            Shape::Decimal(_) | Shape::Both(..) => MarkMeaning::Decimal,
            _ => MarkMeaning::Group,
        };
        let (whole, part) = match meaning {
            MarkMeaning::Unknown => return Err(format!("`{shown}` is ambiguous: a thousand or one?")),
            MarkMeaning::Group => (digits.all(), ""),
            MarkMeaning::Decimal => digits.at_last_mark(),
        };
        let minor = if self.is_minor { self.minor_units(&whole, part, &shown) } else { decimal(&whole, part, &shown) }?;
        if minor > i128::from(i64::MAX) {
            return Err(format!("`{shown}` is too large"));
        }
        if digits.is_negative && minor != 0 {
            return Err(format!("`{shown}` is negative"));
        }
        Ok(Amount { minor, currency: digits.currency })
    }

    fn minor_units(self, whole: &str, part: &str, shown: &str) -> Result<i128, String> {
        let is_zero = part.bytes().all(|digit| digit == b'0');
        if !part.is_empty() && part != "0" && !(self.allows_zeros && is_zero) {
            return Err(format!(
                "`{shown}` is not a whole number of minor units (use --decimal for amounts such as 100.00)"
            ));
        }
        whole.parse().map_err(|_| format!("`{shown}` is too large"))
    }
}

/// Writes Arabic and full-width digits and marks as those of ASCII.
fn ascii_digits(text: &str) -> Cow<'_, str> {
    let convert = |letter: char| match letter {
        '\u{660}'..='\u{669}' => char::from_digit(u32::from(letter) - 0x660, 10).unwrap_or(letter),
        '\u{6f0}'..='\u{6f9}' => char::from_digit(u32::from(letter) - 0x6f0, 10).unwrap_or(letter),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        '٫' => '.',
        '٬' => ',',
        other => other,
    };
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.chars().map(convert).collect()) }
}

fn decimal(whole: &str, part: &str, shown: &str) -> Result<i128, String> {
    let (cents, rest) = part.split_at(part.len().min(2));
    if rest.bytes().any(|digit| digit != b'0') {
        return Err(format!("`{shown}` has more than two decimals"));
    }
    format!("{whole}{cents:0<2}").parse().map_err(|_| format!("`{shown}` is too large"))
}

#[cfg(test)]
mod tests;
