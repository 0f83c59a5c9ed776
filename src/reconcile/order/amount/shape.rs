//! Splits an amount into digits, marks, sign and currency.

/// A character between digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Point,
    Comma,
    /// Between escudos and centavos: `100$00`.
    Dollar,
    Space,
    Apostrophe,
}

/// The marks of an amount and what they can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Plain,
    Decimal(Mark),
    Grouped(Mark),
    /// Marks between groups, then a decimal mark.
    Both(Mark, Mark),
    /// One mark with three digits after it: it separates thousands, or decimals.
    Ambiguous(Mark),
    Invalid,
}

pub(super) struct Digits<'t> {
    pub(super) is_negative: bool,
    pub(super) currency: Option<&'static str>,
    pub(super) has_symbol: bool,
    /// Groups of digits, and the mark after each but the last.
    groups: Vec<&'t str>,
    marks: Vec<Mark>,
    is_number: bool,
}

/// Splits an amount. `None`: it has something else in it.
pub(super) fn split(text: &str, is_number: bool) -> Option<Digits<'_>> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let start = text.find(is_digit)?;
    let end = text.rfind(is_digit)? + 1;
    let (before, core, after) = (&text[..start], &text[start..end], &text[end..]);
    let sides = SignAndCurrency::read(before, after)?;
    let mut digits = Digits {
        is_negative: sides.is_negative,
        currency: sides.currency,
        has_symbol: sides.has_symbol,
        groups: Vec::new(),
        marks: Vec::new(),
        is_number,
    };
    // `.50` is 0.50.
    if let Some(mark) = before.chars().last().filter(|letter| matches!(letter, '.' | ',')) {
        digits.groups.push("0");
        digits.marks.push(if mark == '.' { Mark::Point } else { Mark::Comma });
    }
    let mut rest = core;
    while let Some(stop) = rest.find(|letter| !is_digit(letter)) {
        let mark = rest[stop..].chars().next()?;
        digits.groups.push(&rest[..stop]);
        digits.marks.push(match mark {
            '.' => Mark::Point,
            ',' => Mark::Comma,
            '$' => Mark::Dollar,
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '_' => Mark::Space,
            '\'' | '’' => Mark::Apostrophe,
            _ => return None,
        });
        rest = &rest[stop + mark.len_utf8()..];
    }
    digits.groups.push(rest);
    Some(digits)
}

impl Digits<'_> {
    pub(super) fn shape(&self) -> Shape {
        let Some((last, earlier)) = self.marks.split_last() else { return Shape::Plain };
        let (first, part) = (self.groups[0], self.last_group());
        if self.groups.iter().any(|group| group.is_empty()) {
            return Shape::Invalid;
        }
        let is_grouped = |groups: &[&str]| groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3);
        match earlier {
            [] => match last {
                Mark::Dollar => Shape::Decimal(*last),
                Mark::Space | Mark::Apostrophe if is_grouped(&self.groups) => Shape::Grouped(*last),
                Mark::Space | Mark::Apostrophe => Shape::Invalid,
                _ if self.is_number || part.len() != 3 || first.len() > 3 || first.starts_with('0') => {
                    Shape::Decimal(*last)
                }
                _ => Shape::Ambiguous(*last),
            },
            [group, more @ ..] if more.iter().all(|mark| mark == group) => {
                let has_group_mark = *group != Mark::Dollar;
                if last == group {
                    let is_valid = has_group_mark && is_grouped(&self.groups);
                    return if is_valid { Shape::Grouped(*group) } else { Shape::Invalid };
                }
                let is_decimal = matches!(last, Mark::Point | Mark::Comma | Mark::Dollar);
                let is_valid = has_group_mark && is_decimal && is_grouped(&self.groups[..self.groups.len() - 1]);
                if is_valid { Shape::Both(*group, *last) } else { Shape::Invalid }
            }
            _ => Shape::Invalid,
        }
    }

    /// Returns the number of digits.
    pub(super) fn length(&self) -> usize {
        self.groups.iter().map(|group| group.len()).sum()
    }

    pub(super) fn last_group(&self) -> &str {
        self.groups.last().copied().unwrap_or_default()
    }

    pub(super) fn all(&self) -> String {
        self.groups.concat()
    }

    /// Returns the digits before and after the last mark.
    pub(super) fn at_last_mark(&self) -> (String, &str) {
        (self.groups[..self.groups.len() - 1].concat(), self.last_group())
    }
}

/// Sign and currency around the digits.
#[derive(Default)]
struct SignAndCurrency {
    is_negative: bool,
    currency: Option<&'static str>,
    has_symbol: bool,
}

impl SignAndCurrency {
    fn read(before: &str, after: &str) -> Option<Self> {
        let mut sides = Self::default();
        let has_parentheses = before.contains('(') && after.contains(')');
        let minuses = before.chars().chain(after.chars()).filter(|letter| matches!(letter, '-' | '−' | '–')).count();
        sides.is_negative = has_parentheses || minuses == 1;
        if minuses > 1 || before.contains('(') != after.contains(')') {
            return None;
        }
        for side in [before, after] {
            let word: String =
                side.chars().filter(|letter| !letter.is_whitespace() && !"()-−–+".contains(*letter)).collect();
            let word = word.trim_end_matches(['.', ',', ':']).to_owned();
            if !word.is_empty() && (sides.has_symbol || !sides.add(&word)) {
                return None;
            }
        }
        Some(sides)
    }

    /// Reads a currency. Returns `false` if the text is none.
    fn add(&mut self, word: &str) -> bool {
        let word = word.trim_end_matches(['.', ':']);
        self.has_symbol = true;
        self.currency = currency_by_symbol(word);
        let is_code = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        self.currency.is_some() || is_code || matches!(word, "$" | "$00")
    }
}

/// Returns the code of a currency by its code, symbol or name.
pub(in super::super) fn currency_by_symbol(word: &str) -> Option<&'static str> {
    Some(match word.to_uppercase().as_str() {
        "NGN" | "₦" | "#" | "Â‚¦" | "N" | "NAIRA" => "NGN",
        "CVE" | "ECV" | "ESC" | "ESCUDOS" => "CVE",
        "AOA" | "KZ" | "KZS" | "KWANZA" | "KWANZAS" => "AOA",
        "EUR" | "€" => "EUR",
        "USD" | "US$" => "USD",
        "GBP" | "£" => "GBP",
        "BRL" | "R$" => "BRL",
        "XOF" | "FCFA" | "CFA" => "XOF",
        _ => return None,
    })
}
