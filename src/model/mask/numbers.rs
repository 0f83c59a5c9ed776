//! Recognizes phone numbers, and meter tokens and PINs in groups of digits, by their form.

use std::ops::Range;

/// Fewest and most digits after a `+` that make a phone number (E.164).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Mobile numbers of the providers' countries without a sign: the digits that they start with, and
/// their number of digits. Nigeria in international and national form, Cape Verde, Angola.
const MOBILE_NUMBERS: &[(&str, usize)] = &[
    ("2347", 13),
    ("2348", 13),
    ("2349", 13),
    ("07", 11),
    ("08", 11),
    ("09", 11),
    ("2385", 10),
    ("2389", 10),
    ("2449", 12),
];

/// Digits of an electricity token.
const METER_TOKEN_DIGITS: usize = 20;

/// Checks whether the whole text is a phone number, with or without its sign.
pub fn is_phone_number(text: &str) -> bool {
    ranges(text).first() == Some(&(0..text.len()))
}

/// Finds phone numbers and grouped tokens: `+` or `%2B` or `00` with digits, mobile numbers without
/// a sign, and four or five groups of four digits.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(gap) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let first = at + gap + escape_length(&text[..at + gap], &bytes[at + gap..]);
        if !bytes.get(first).is_some_and(u8::is_ascii_digit) {
            at = first.min(bytes.len());
            continue;
        }
        let sign = sign_before(text, first);
        let end = number_end(bytes, first, sign.is_some());
        let start = sign.map_or(first, |length| first - length);
        at = end;
        if !stands_alone(text, start, end, sign.is_some()) {
            // The next group may be a number of its own: `1.5 08012345678`.
            let length = bytes[first..].iter().position(|byte| !byte.is_ascii_alphanumeric());
            at = length.map_or(text.len(), |length| first + length);
            continue;
        }
        if sign.is_some() && PHONE_DIGITS.contains(&digits(&text[first..end]).len()) {
            found.push(start..end);
        } else if let Some(length) = sensitive_prefix(&text[first..end]) {
            found.push(first..first + length);
        } else {
            // Groups that belong to different numbers: try again after the first one.
            at = bytes[first..end].iter().position(|byte| !byte.is_ascii_digit()).map_or(end, |gap| first + gap);
        }
    }
    found
}

/// Returns the number of digits that belong to an escape before them: `%2B`, `\u002b`.
fn escape_length(before: &str, after: &[u8]) -> usize {
    let length = match before {
        _ if before.ends_with('%') => 2,
        _ if before.ends_with("\\u") => 4,
        _ => 0,
    };
    if after.iter().take(length).all(u8::is_ascii_hexdigit) { length } else { 0 }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Returns the length of a `+` before the digits, which must not be part of base64 or a sum.
fn sign_before(text: &str, first: usize) -> Option<usize> {
    let before = &text[..first];
    let sign = ["+", "%2B", "%2b", "+(", "\\u002b", "\\u002B"].into_iter().find(|sign| before.ends_with(sign))?;
    let outside = before[..before.len() - sign.len()].chars().next_back();
    let is_sum = sign.starts_with('+') && outside.is_some_and(|letter| letter.is_alphanumeric() || letter == '/');
    (!is_sum).then_some(sign.len())
}

/// Returns the end of digits with single separators between them.
fn number_end(bytes: &[u8], first: usize, signed: bool) -> usize {
    let (mut end, mut at, mut separators) = (first, first, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'0'..=b'9' => (end, separators) = (at + 1, 0),
            b' ' | b'-' | b'.' if separators == 0 => separators += 1,
            b' ' | b'-' | b'(' | b')' if signed && separators < 3 => separators += 1,
            _ => break,
        }
        at += 1;
    }
    end
}

/// Checks that the number is not part of an identifier, a decimal number or a hash.
fn stands_alone(text: &str, start: usize, end: usize, signed: bool) -> bool {
    let (before, after) = (&text[..start], &text[end..]);
    let is_escape = before.len() >= 3 && before.as_bytes()[before.len() - 3] == b'%';
    let starts = match before.chars().next_back() {
        Some('.') => !before.trim_end_matches('.').ends_with(|letter: char| letter.is_ascii_digit()),
        Some(letter) => is_escape || !letter.is_alphanumeric(),
        None => true,
    };
    (signed || starts) && !after.starts_with(|letter: char| letter.is_alphanumeric())
}

/// Returns true for a decimal number, such as an amount or a rate. With three digits before the
/// point it may be a phone number after its country code instead: `234.8031234567`.
fn is_decimal(number: &str) -> bool {
    number.split_once('.').is_some_and(|(whole, fraction)| {
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = whole == "0" || !whole.starts_with('0');
        is_whole && whole.len() != 3 && is_digits(whole) && is_digits(fraction)
    })
}

/// Returns the length of a mobile number or a token at the start of digits and separators.
fn sensitive_prefix(number: &str) -> Option<usize> {
    if is_decimal(number) {
        return None;
    }
    let all = digits(number);
    let international = all.strip_prefix("00").filter(|rest| number.starts_with("00") && rest.len() >= 10);
    let is_mobile = |digits: &str| {
        MOBILE_NUMBERS.iter().any(|(start, length)| digits.len() == *length && digits.starts_with(start))
    };
    let groups: Vec<&str> = number.split([' ', '-']).collect();
    let is_token = (4..=5).contains(&groups.len()) && groups.iter().all(|group| group.len() == 4);
    let is_long_token = number.len() == METER_TOKEN_DIGITS && all.len() == METER_TOKEN_DIGITS;
    if is_mobile(&all)
        || is_token
        || is_long_token
        || international.is_some_and(|rest| PHONE_DIGITS.contains(&rest.len()))
    {
        return Some(number.len());
    }
    // `08012345678 27000`: the first number alone.
    let first = number.find(|letter: char| !letter.is_ascii_digit())?;
    is_mobile(&number[..first]).then_some(first)
}
