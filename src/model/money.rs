//! Amounts of money: integer minor units and a currency, never a float.
//!
//! Plexos Pay counts in centavos of CVE and AOA
//! (<https://docs.pay.plexos.io/pages/api/payments/reference>), Plustive in kobo of NGN
//! (<https://plustiveimpact.com/glossary>). Each currency has one hundred minor units.

use crate::model::mask::mask_secrets;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Hundredths of the currency unit. May be negative.
    pub minor: i128,
    /// Currency code as sent, such as `CVE`. Empty: not specified.
    pub currency: String,
}

/// Formats minor units as a decimal amount: `100.00`.
pub fn format_decimal(minor: i128) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let size = minor.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

impl fmt::Display for Money {
    /// Formats decimal amount and minor units: `100.00 CVE (10000)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = if self.currency.is_empty() { "" } else { " " };
        // A currency has three letters. Anything longer is text from outside.
        let currency = if self.currency.len() > 3 { mask_secrets(&self.currency) } else { self.currency.clone() };
        let text = format!("{}{gap}{currency} ({})", format_decimal(self.minor), self.minor);
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

    #[test]
    fn small_negative_and_extreme_amounts_keep_sign_and_digits() {
        for (minor, text) in [
            (0, "0.00 CVE (0)"),
            (-5, "-0.05 CVE (-5)"),
            (99, "0.99 CVE (99)"),
            (100, "1.00 CVE (100)"),
            (-100, "-1.00 CVE (-100)"),
            (i128::MAX, "1701411834604692317316873037158841057.27 CVE (170141183460469231731687303715884105727)"),
            (i128::MIN, "-1701411834604692317316873037158841057.28 CVE (-170141183460469231731687303715884105728)"),
        ] {
            assert_eq!(shown(minor, "CVE"), text);
        }
    }

    #[test]
    fn money_can_be_aligned_in_a_column() {
        let money = Money { minor: 5, currency: "NGN".to_owned() };
        assert_eq!(format!("{money:>15}|{money:<15}|{money:3}"), "   0.05 NGN (5)|0.05 NGN (5)   |0.05 NGN (5)");
    }

    #[test]
    fn a_secret_in_place_of_a_currency_is_masked() {
        let money = |currency: &str| Money { minor: 100, currency: currency.to_owned() }.to_string();
        assert_eq!(money("whsec_9f8e7d6c5b4a"), "1.00 *** (100)");
        assert_eq!(money("CVE"), "1.00 CVE (100)");
    }
}
