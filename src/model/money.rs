//! Amounts of money: whole minor units and a currency, never a float.
//!
//! Plexos Pay counts in centavos of CVE and AOA (<https://docs.pay.plexos.io/pages/api/payments/reference>), Plustive in
//! kobo of NGN (<https://plustiveimpact.com/glossary>). All three have one hundred minor units in the unit.

use std::fmt;

/// An amount in minor units (centavos, kobo) of a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Hundredths of the unit; negative where a provider sends a negative number.
    pub minor: i128,
    /// The currency's letters as the provider wrote them, such as `CVE`; empty when it did not say.
    pub currency: String,
}

impl fmt::Display for Money {
    /// Decimal amount and minor units together: `100.00 CVE (10000)`.
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
    fn minor_units_and_decimal_amount_stand_together() {
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
