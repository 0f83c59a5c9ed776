//! `secret`: what is said of a secret that is kept. Completing its name is in `completions`, rotating beside a listener in `process`.

use crate::common::Made;

#[test]
fn a_short_secret_is_taken_and_that_is_worth_a_word() {
    for (secret, is_short) in [("whsec_123456789", true), ("whsec_1234567890", false)] {
        let made = Made::default().input(secret);
        let run = made.run(&["secret", "add", "plexos"]);
        assert_eq!((run.status, run.text().as_str()), (0, "plexos\n"), "{}", run.err);
        assert_eq!(run.err.contains("warning: it has 15 bytes only"), is_short, "{}", run.err);
        assert!(!run.err.contains("123456"), "{}", run.err);
    }
}
