//! Formats numbers as a language prints them after it parsed JSON.
//!
//! All languages print the shortest digits that parse to the same double. They differ in when they
//! use an exponent, how it looks, and how they treat whole numbers.

/// The number format of a language.
#[derive(Debug)]
pub(super) struct NumberFormat {
    pub integers: Integers,
    /// The smallest and largest decimal exponent of numbers written without an exponent.
    pub fixed: (i32, i32),
    /// Extends `fixed` for doubles with many digits.
    pub fixed_growth: FixedRangeGrowth,
    /// Suffix of a whole double without an exponent.
    pub whole_suffix: &'static str,
    /// Suffix of the only digit of a double with an exponent.
    pub single_digit_suffix: &'static str,
    /// Prefixes of a non-negative exponent and of the digits of a negative one.
    pub exponent_marks: (&'static str, &'static str),
    /// Minimum digits of an exponent.
    pub exponent_digits: usize,
    /// Text of the double -0.
    pub negative_zero: &'static str,
    /// Texts of numbers beyond the largest double. `None`: the tool fails, and the number stays
    /// unchanged.
    pub infinity: Option<(&'static str, &'static str)>,
}

/// The treatment of numbers without fraction and exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integers {
    Doubles,
    /// Exact; `-0` becomes `0`.
    Exact,
    /// Exact if they fit a signed 64-bit integer; `-0` becomes `0`.
    Exact64,
}

/// The dependence of the largest fixed exponent on the number of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FixedRangeGrowth {
    None,
    /// Plus one for each digit after the first.
    EachDigit,
    /// Plus one for each digit after the fifteenth.
    AfterFifteen,
    /// As large as needed for every number with a fraction.
    WithFraction,
}

impl NumberFormat {
    pub fn write(&self, number: &str, out: &mut Vec<u8>) {
        match self.integer(number) {
            Some(integer) => out.extend_from_slice(integer.as_bytes()),
            None => self.write_double(number, out),
        }
    }

    /// Returns true if a whole number gets a fraction, such as `5.0`.
    pub fn adds_fraction(&self) -> bool {
        self.integers == Integers::Doubles && !self.whole_suffix.is_empty()
    }

    /// Returns the number if it stays an exact integer.
    fn integer<'a>(&self, number: &'a str) -> Option<&'a str> {
        let whole = !number.contains(['.', 'e', 'E']);
        let exact = match self.integers {
            Integers::Doubles => false,
            Integers::Exact => whole,
            Integers::Exact64 => whole && number.parse::<i64>().is_ok(),
        };
        exact.then_some(if number == "-0" { "0" } else { number })
    }

    fn write_double(&self, number: &str, out: &mut Vec<u8>) {
        let Ok(double) = number.parse::<f64>() else { return out.extend_from_slice(number.as_bytes()) };
        if double.is_infinite() {
            let word = self.infinity.map(|(up, down)| if double > 0.0 { up } else { down });
            return out.extend_from_slice(word.unwrap_or(number).as_bytes());
        }
        if double == 0.0 && double.is_sign_negative() {
            return out.extend_from_slice(self.negative_zero.as_bytes());
        }
        if double < 0.0 {
            out.push(b'-');
        }
        let (digits, exponent) = short_decimal(number).unwrap_or_else(|| shortest(double.abs()));
        let text = if self.is_fixed(digits.len(), exponent) {
            self.without_exponent(&digits, exponent)
        } else {
            self.with_exponent(&digits, exponent)
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn is_fixed(&self, digits: usize, exponent: i32) -> bool {
        let digits = i32::try_from(digits).unwrap_or(i32::MAX);
        let (first, last) = self.fixed;
        let last = match self.fixed_growth {
            FixedRangeGrowth::None => last,
            FixedRangeGrowth::EachDigit => last + digits - 1,
            FixedRangeGrowth::AfterFifteen => last + (digits - 15).max(0),
            FixedRangeGrowth::WithFraction => last.max(digits - 2),
        };
        (first..=last).contains(&exponent)
    }

    fn without_exponent(&self, digits: &str, exponent: i32) -> String {
        let Ok(before) = usize::try_from(exponent + 1) else {
            let zeros = usize::try_from(-1 - exponent).unwrap_or(0);
            return format!("0.{:0<zeros$}{digits}", "");
        };
        match digits.split_at_checked(before) {
            Some((whole, fraction)) if !whole.is_empty() && !fraction.is_empty() => format!("{whole}.{fraction}"),
            Some(("", fraction)) => format!("0.{fraction}"),
            _ => format!("{digits:0<before$}{}", self.whole_suffix),
        }
    }

    fn with_exponent(&self, digits: &str, exponent: i32) -> String {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
        let fraction = if rest.is_empty() { self.single_digit_suffix.to_owned() } else { format!(".{rest}") };
        let mark = if exponent < 0 { self.exponent_marks.1 } else { self.exponent_marks.0 };
        let width = self.exponent_digits;
        format!("{first}{fraction}{mark}{:0width$}", exponent.unsigned_abs())
    }
}

/// Returns what `shortest` does for a number without an exponent and with at most 15 digits: no other
/// number with that few digits parses to the same double. `None`: another number, or zero.
fn short_decimal(number: &str) -> Option<(String, i32)> {
    let number = number.strip_prefix('-').unwrap_or(number);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_short = whole.len() + fraction.len() <= 15;
    if !is_short || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    let first = i32::try_from(digits.len() - significant.len()).ok()?;
    let exponent = i32::try_from(whole.len()).ok()? - 1 - first;
    (!significant.is_empty()).then(|| (significant.trim_end_matches('0').to_owned(), exponent))
}

/// Returns the shortest digits that parse to `double`, and the decimal exponent of the first.
fn shortest(double: f64) -> (String, i32) {
    let (digits, _) = scientific(&format!("{double:e}"));
    // Of two equally short and near numbers Rust takes the upper one, but all other languages the
    // even one, as exact rounding does.
    scientific(&format!("{double:.*e}", digits.len().saturating_sub(1)))
}

/// Splits Rust's `{:e}` into digits and exponent.
fn scientific(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// JavaScript: `Number.prototype.toString`, and `null` for what is not finite.
pub(super) static JAVASCRIPT: NumberFormat = NumberFormat {
    integers: Integers::Doubles,
    fixed: (-6, 20),
    fixed_growth: FixedRangeGrowth::None,
    whole_suffix: "",
    single_digit_suffix: "",
    exponent_marks: ("e+", "e-"),
    exponent_digits: 1,
    negative_zero: "0",
    infinity: Some(("null", "null")),
};

/// Go's `encoding/json` from `interface{}`.
pub(super) static GO: NumberFormat = NumberFormat { negative_zero: "-0", infinity: None, ..JAVASCRIPT };

/// jq up to 1.6; later versions keep numbers that they did not compute with.
pub(super) static JQ: NumberFormat = NumberFormat {
    fixed: (-4, 15),
    fixed_growth: FixedRangeGrowth::EachDigit,
    exponent_digits: 2,
    negative_zero: "-0",
    infinity: Some(("1.7976931348623157e+308", "-1.7976931348623157e+308")),
    ..JAVASCRIPT
};

/// Python: exact integers, `repr` for floats.
pub(super) static PYTHON: NumberFormat = NumberFormat {
    integers: Integers::Exact,
    fixed: (-4, 15),
    fixed_growth: FixedRangeGrowth::None,
    whole_suffix: ".0",
    single_digit_suffix: "",
    exponent_marks: ("e+", "e-"),
    exponent_digits: 2,
    negative_zero: "-0.0",
    infinity: Some(("Infinity", "-Infinity")),
};

/// Ruby: exact integers, `Float#to_s`.
pub(super) static RUBY: NumberFormat = NumberFormat {
    fixed: (-4, 14),
    fixed_growth: FixedRangeGrowth::WithFraction,
    single_digit_suffix: ".0",
    infinity: None,
    ..PYTHON
};

/// Rails: as Ruby, but `null` for what is not finite.
pub(super) static RAILS: NumberFormat = NumberFormat { infinity: Some(("null", "null")), ..RUBY };

/// PHP with `serialize_precision = -1`, the default since 7.1.
pub(super) static PHP: NumberFormat = NumberFormat {
    integers: Integers::Exact64,
    fixed: (-4, 16),
    whole_suffix: "",
    single_digit_suffix: ".0",
    exponent_digits: 1,
    negative_zero: "-0",
    infinity: None,
    ..PYTHON
};

/// PHP with `JSON_PRESERVE_ZERO_FRACTION`.
pub(super) static PHP_FRACTION: NumberFormat = NumberFormat { whole_suffix: ".0", ..PHP };

/// Java's `BigInteger` and `Double.toString`, as Jackson's tree uses them.
pub(super) static JACKSON: NumberFormat = NumberFormat {
    integers: Integers::Exact,
    fixed: (-3, 6),
    fixed_growth: FixedRangeGrowth::None,
    whole_suffix: ".0",
    single_digit_suffix: ".0",
    exponent_marks: ("E", "E-"),
    exponent_digits: 1,
    negative_zero: "-0.0",
    infinity: Some(("\"Infinity\"", "\"-Infinity\"")),
};

/// Java's `Double.toString` for every number, as Gson's maps use it.
pub(super) static GSON_MAP: NumberFormat = NumberFormat { integers: Integers::Doubles, infinity: None, ..JACKSON };

/// .NET's `BigInteger` and `double.ToString("R")`, as Newtonsoft uses them.
pub(super) static NEWTONSOFT: NumberFormat = NumberFormat {
    integers: Integers::Exact,
    fixed: (-5, 14),
    fixed_growth: FixedRangeGrowth::AfterFifteen,
    whole_suffix: ".0",
    single_digit_suffix: "",
    exponent_marks: ("E+", "E-"),
    exponent_digits: 2,
    negative_zero: "-0.0",
    infinity: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_decimals_have_the_digits_of_their_doubles() {
        let mut numbers: Vec<_> = ["1.50", "0.1", "-12.5", "100", "0.000001", "9007199254740.99", "999999999999999"]
            .map(str::to_owned)
            .into();
        numbers.extend((1..2000).map(|number| format!("{}.{:03}", number * 7919 % 1000, number * 104_729 % 1000)));
        for number in numbers.iter().filter(|number| *number != "0.000") {
            let double: f64 = number.parse().unwrap();
            assert_eq!(short_decimal(number), Some(shortest(double.abs())), "{number}");
        }
        for number in ["0", "-0.0", "1e2", "1E2", "1234567890.123456"] {
            assert_eq!(short_decimal(number), None, "{number}");
        }
    }
}
