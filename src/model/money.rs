//! Amounts of money: integer minor units and a currency, never a float.
//!
//! Plexos Pay counts in centavos of CVE and AOA (<https://docs.pay.plexos.io/pages/api/payments/reference>), Plustive in
//! kobo of NGN (<https://plustiveimpact.com/glossary>). Each currency has one hundred minor units.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Hundredths of the currency unit. May be negative.
    pub minor: i128,
    /// Currency code as sent, such as `CVE`. Empty: not specified.
    pub currency: String,
}

impl fmt::Display for Money {
    /// Formats decimal amount and minor units: `100.00 CVE (10000)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let size = self.minor.unsigned_abs();
        let gap = if self.currency.is_empty() { "" } else { " " };
        let text = format!("{sign}{}.{:02}{gap}{} ({})", size / 100, size % 100, self.currency, self.minor);
        out.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(minor: i128, currency: &str) -> String {
        Money { minor, currency: currency.to_owned() }.to_string()
    }

    #[test]
    fn money_shows_the_decimal_amount_and_the_minor_units() {
        assert_eq!(shown(10_000, "CVE"), "100.00 CVE (10000)");
        assert_eq!(shown(5, "NGN"), "0.05 NGN (5)");
        assert_eq!(shown(-150, "AOA"), "-1.50 AOA (-150)");
        assert_eq!(shown(27_000, ""), "270.00 (27000)");
    }

    #[test]
    fn amounts_beyond_sixty_four_bits_are_exact() {
        assert_eq!(shown(123_456_789_012_345_678_901, "CVE"), "1234567890123456789.01 CVE (123456789012345678901)");
    }
}
