//! Masks what other people must not see: keys, signing secrets, tokens, PINs, credentials, phone
//! numbers, and, in files for strangers, names and e-mail addresses.
//!
//! This is the one rule table of whtool; `docs/threat-model.md` shows it to users. `names` knows
//! which fields are sensitive, `numbers` and `words` recognize values without a name, and `scan`
//! finds both in any text. JSON is walked by `render::payload`, which asks here for every name and
//! string.

mod names;
mod numbers;
mod scan;
mod words;

pub use names::{is_credential_header, is_secret_name, is_sensitive_name};
pub use numbers::is_phone_number;
pub use words::contains_secret;

use std::ops::Range;

/// Selects whether secrets are masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reveal {
    /// Shows `***` in place of a secret.
    Masked,
    /// Shows secrets as they are (`--reveal`).
    Everything,
}

/// The readers of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The user's own team: screens, errors, diagnostics in JSON, reports.
    Team,
    /// A provider's support: also without names, e-mail addresses and account numbers.
    Support,
}

/// The text in place of what is masked.
pub const MASK: &str = "***";

/// Masks a text from outside for the user's own team.
pub fn mask_secrets(text: &str) -> String {
    mask_text(text, Audience::Team)
}

/// Masks a text from outside.
pub fn mask_text(text: &str, audience: Audience) -> String {
    replace(text, sensitive_ranges(text, audience))
}

/// Masks a sentence of whtool that quotes text from outside. Unlike in [`mask_text`], prose after a
/// name and a colon stays: "the secret: paste it again".
pub fn mask_sentence(text: &str, audience: Audience) -> String {
    replace(text, scan::ranges(text, audience, scan::Prose::Kept))
}

/// Finds what is masked in a text that is not JSON, in order and without overlaps.
pub fn sensitive_ranges(text: &str, audience: Audience) -> Vec<Range<usize>> {
    scan::ranges(text, audience, scan::Prose::Masked)
}

fn replace(text: &str, ranges: Vec<Range<usize>>) -> String {
    let (mut shown, mut from) = (String::with_capacity(text.len()), 0);
    for Range { start, end } in ranges {
        shown.extend([&text[from..start], MASK]);
        from = end;
    }
    shown + &text[from..]
}

#[cfg(test)]
mod tests;
