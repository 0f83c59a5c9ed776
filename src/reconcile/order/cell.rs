//! Cleans the text of a cell: what spreadsheets, databases and chats add to it.

use std::borrow::Cow;

/// Words that tools write for a cell without a value.
const NULLS: [&str; 18] = [
    "null",
    "\\n",
    "(null)",
    "<null>",
    "[null]",
    "none",
    "nil",
    "nan",
    "nat",
    "n/a",
    "#n/a",
    "#n/d",
    "undefined",
    "-",
    "--",
    "–",
    "—",
    "<na>",
];

/// Removes invisible characters, white space around the text and Excel's `="…"`. The text of a cell
/// without a value, such as `NULL`, becomes empty.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let text = if text.contains(is_invisible) {
        Cow::Owned(text.chars().filter(|letter| !is_invisible(*letter)).collect::<String>())
    } else {
        Cow::Borrowed(text)
    };
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(unwrap(text)),
        Cow::Owned(text) => Cow::Owned(unwrap(&text).to_owned()),
    }
}

fn unwrap(text: &str) -> &str {
    let text = text.trim();
    // `="001"` keeps Excel from reading a number.
    let formula = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).filter(|rest| !rest.contains('"'));
    let text = formula.map_or(text, str::trim);
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).filter(|rest| !rest.contains('\''));
    let text = quoted.filter(|rest| !rest.is_empty()).unwrap_or(text);
    let is_null = text.len() <= 9 && NULLS.iter().any(|null| text.eq_ignore_ascii_case(null));
    if is_null { "" } else { text }
}

/// Recognizes characters without width: zero-width spaces and joiners, direction and byte order
/// marks, soft hyphens.
pub(super) fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Recognizes a total: its first cell with text says so.
pub(super) fn is_total(text: &str) -> bool {
    const WORDS: [&str; 15] = [
        "total",
        "totals",
        "totais",
        "totaux",
        "grand total",
        "subtotal",
        "sub total",
        "sum",
        "soma",
        "somme",
        "total geral",
        "total général",
        "total general",
        "sub-total",
        "sous-total",
    ];
    let text = text.trim_end_matches([':', '.', ' ']).to_lowercase();
    let text = text.split(['(', ':']).next().unwrap_or_default().trim();
    WORDS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_add_is_removed() {
        for (text, cleaned) in [
            (" pi_1 ", "pi_1"),
            ("pi\u{200b}_1\u{feff}", "pi_1"),
            ("\u{a0}pi_1\u{202f}", "pi_1"),
            ("=\"001\"", "001"),
            ("'paid'", "paid"),
            ("'quoted", "'quoted"),
            ("NULL", ""),
            ("\\N", ""),
            ("None", ""),
            ("—", ""),
            ("nullable", "nullable"),
            ("=1+1", "=1+1"),
        ] {
            assert_eq!(clean(text), cleaned, "{text:?}");
        }
    }

    #[test]
    fn totals_are_recognized_in_three_languages() {
        for text in ["Total", "TOTAL:", "Total geral", "Total (3)", "Soma", "sous-total", "Total général"] {
            assert!(is_total(text), "{text}");
        }
        for text in ["Totalenergies", "pi_total", "", "1"] {
            assert!(!is_total(text), "{text}");
        }
    }
}
