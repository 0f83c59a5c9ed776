//! The frame of all HTML reports: one self-contained page with the shared style, and the escaping
//! of untrusted text.

use crate::model::sanitize::needs_escape;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The style of every page: light and dark, narrow screens, paper.
const STYLE: &str = include_str!("page.css");

/// Returns the first lines of a page, by which an earlier report of the same command is recognized.
pub(in crate::render) fn start(command: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"whtool {command}\">\n"
    )
}

/// Formats a page. `title` is text, `body` is markup. The policy in the page allows its own style
/// and script, and loads nothing.
pub(in crate::render) fn page(command: &str, title: &str, body: &str, script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let style = format!("\n{STYLE}");
    let (policy, script) = match script {
        "" => ("'none'".to_owned(), String::new()),
        _ => (hash(script), format!("<script>{script}</script>\n")),
    };
    format!(
        "{}<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {policy}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}{script}</body>\n</html>\n",
        start(command),
        hash(&style),
        escape_markup(title),
    )
}

/// Escapes text for HTML and XML, between tags or in quotes. Characters that XML cannot contain or
/// that change the text direction become `\u{…}`.
pub(in crate::render) fn escape_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            // XML allows all other characters of the plane.
            _ if needs_escape(letter) || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                write!(escaped, "{}", letter.escape_unicode()).expect("writing to a String does not fail");
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Escapes text, and marks text in backticks as code.
pub(in crate::render) fn escape_prose(text: &str) -> String {
    let parts = text.split('`').map(escape_markup).enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_can_neither_open_a_tag_nor_end_an_attribute() {
        let text = "<a b=\"'&\">\u{1b}\u{202e}\0";
        assert_eq!(escape_markup(text), "&lt;a b=&quot;&#39;&amp;&quot;&gt;\\u{1b}\\u{202e}\\u{0}");
        assert_eq!(escape_markup("é\n😀"), "é\n😀");
    }

    /// The hash: `printf 'x()' | openssl dgst -sha256 -binary | base64`.
    #[test]
    fn a_page_loads_nothing_and_runs_only_its_own_script() {
        let with_script = page("check", "<t>", "<main></main>\n", "x()");
        assert!(
            with_script.contains("script-src 'sha256-D6IGS8VMvCoyaR/l0h9tERrBTATY01CoPS7l6xDv0kI='"),
            "{with_script}"
        );
        assert!(with_script.contains("<title>&lt;t&gt;</title>") && with_script.contains("<script>x()</script>"));
        let plain = page("check", "t", "", "");
        assert!(plain.contains("script-src 'none'") && !plain.contains("<script>"));
        assert!(plain.contains("default-src 'none'") && plain.starts_with(&start("check")));
        assert!(!plain.contains("unsafe-inline") && plain.contains("style-src 'sha256-"));
    }
}
