//! What a check found, in the forms in which it is told: text for a terminal, JSON lines, JUnit's XML, a page of HTML.

mod html;
mod json;
mod junit;
mod text;

pub use html::html;
pub use json::json;
pub use junit::junit;
pub use text::{Detail, Look, text};

use crate::model::exchange::SendFailure;
use crate::model::sanitize::needs_escape;
use std::fmt::Write as _;
use std::time::Duration;

/// What is to be said beside the report itself.
#[derive(Clone, Debug)]
pub struct Head {
    /// The provider's name, as on the command line.
    pub provider: &'static str,
    /// The provider's name in prose.
    pub title: &'static str,
    /// The handler.
    pub url: url::Url,
    /// The name of the secret that events were signed with.
    pub secret: String,
    /// The environment variable that the handler's secret belongs in.
    pub variable: &'static str,
    /// When it was.
    pub at: crate::model::timestamp::Timestamp,
    /// How long all of it took.
    pub took: Duration,
    /// Whether signatures grow old.
    pub signs_time: bool,
}

/// What a handler said, short: the start of its body, or why there is none.
fn said(exchange: &crate::check::Exchange) -> String {
    match &exchange.reply.answer {
        Ok(answer) => answer.status.to_string(),
        Err(SendFailure::Timeout) => "no answer".to_owned(),
        Err(failure) => failure.to_string(),
    }
}

/// An answer's body as one line of words: error pages without their tags, texts without their line breaks.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let is_page = text.trim_start().starts_with('<');
    let mut inside = false;
    let plain: String = text
        .chars()
        .map(|letter| match letter {
            '<' if is_page => {
                inside = true;
                ' '
            }
            '>' if inside => {
                inside = false;
                ' '
            }
            _ if inside => ' ',
            _ => letter,
        })
        .collect();
    let entities = [("&nbsp;", " "), ("&#39;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    let plain = if is_page {
        entities.iter().fold(plain, |text, (entity, letter)| text.replace(entity, letter))
    } else {
        plain
    };
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text for HTML and XML, between tags or in quotes. What XML can't hold and what turns the order of letters is shown as
/// `\u{…}`.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            '\n' | '\t' => shown.push(letter),
            // The last two of the plane are no characters of XML.
            _ if needs_escape(letter) || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                write!(shown, "{}", letter.escape_unicode()).expect("writing to a String does not fail");
            }
            _ => shown.push(letter),
        }
    }
    shown
}

/// The same with what stands in backquotes as code.
fn prose(text: &str) -> String {
    let parts = text.split('`').map(escaped).enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_page_is_read_without_its_tags() {
        let page = b"<!DOCTYPE html>\n<html><body><pre>RangeError: no<br> &nbsp; at x</pre>\n</body></html>";
        assert_eq!(words(page), "RangeError: no at x");
        assert_eq!(words(b"1 < 2\n3 > 2"), "1 < 2 3 > 2");
    }

    #[test]
    fn strangers_text_can_neither_open_a_tag_nor_leave_its_quotes() {
        assert_eq!(escaped("<a b=\"'&\">\u{1b}\u{202e}\0"), "&lt;a b=&quot;&#39;&amp;&quot;&gt;\\u{1b}\\u{202e}\\u{0}");
        assert_eq!(escaped("é\n😀"), "é\n😀");
    }
}
