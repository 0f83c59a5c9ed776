//! Causes that no table of candidates holds: their codes, sentences and fixes, by group.

pub(super) mod body;
pub(super) mod digest;
pub(super) mod key;
pub(super) mod secret;
pub(super) mod signature;
pub(super) mod timestamp;

use super::cause::CauseKind;
use super::oracle;

/// Lists every cause, group by group.
pub fn all() -> impl Iterator<Item = &'static CauseKind> {
    let tables = [signature::ALL, timestamp::ALL, secret::ALL, key::ALL, body::ALL, digest::ALL, oracle::kinds::ALL];
    tables.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_cause_says_what_to_do_and_its_texts_differ_from_those_of_others() {
        let mut sentences = HashSet::new();
        for kind in all().filter(|kind| kind.code != "timestamp_missing") {
            assert!(!kind.fix.is_empty() || !kind.signer_fix.is_empty(), "{}", kind.code);
            assert!(sentences.insert(kind.sentence), "{}", kind.sentence);
        }
    }

    #[test]
    fn texts_begin_in_lower_case_and_end_without_a_full_stop() {
        for kind in all() {
            let texts = [kind.sentence, kind.fix, kind.signer_fix, kind.digest_sentence, kind.digest_fix];
            for text in texts.into_iter().filter(|text| !text.is_empty()) {
                let is_sentence = text.starts_with(char::is_uppercase) && !text.starts_with("JSON");
                assert!(!is_sentence && !text.ends_with('.'), "{text}");
            }
        }
    }
}
