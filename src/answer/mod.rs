//! Reads what an app's answer says, for every place that shows it: the line that tells what
//! happened, and where a redirect leads.
//!
//! Everything here is untrusted text: whoever shows it escapes, masks and truncates it.

mod html;
mod redirect;
mod trace;

pub use redirect::redirect;

use crate::json;
use crate::model::content_encoding::{decoded_body, unread_compression};
use crate::model::exchange::Answer;

/// Longest text that is read, in bytes. Error pages repeat the source code below the message.
const MAX_TEXT: usize = 64 * 1024;

/// Returns the line of an answer's body that tells what happened: JSON without whitespace, title or
/// text of a page, the exception of a stack trace, or the first line. Empty: it says nothing.
pub fn telling_line(answer: &Answer) -> String {
    let body = decoded_body(answer);
    let body = body.get(..MAX_TEXT).unwrap_or(&body);
    if let Some(compression) = unread_compression(body) {
        return format!("({} bytes compressed with {compression})", answer.body.len());
    }
    if body.contains(&0) {
        return format!("({} bytes that are not text)", answer.body.len());
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with(['{', '[']) && json::is_valid(text.as_bytes()) {
        return String::from_utf8(json::compact(text)).unwrap_or_default();
    }
    if html::is_page(text) {
        return html::telling_text(text);
    }
    if text.starts_with("<?xml") {
        return html::text_of(text);
    }
    collapse(trace::telling_line(text))
}

/// Returns what to do about an answer with which servers refuse plain HTTP on a port for TLS: nginx,
/// Apache, Caddy, Go. `None`: it is another one.
pub fn https_fix(answer: &Answer) -> Option<&'static str> {
    const REFUSALS: [&str; 4] = [
        "plain http request was sent to https port",
        "http request to an https server",
        "speaking plain http to an ssl-enabled server port",
        "sent an http request to an https",
    ];
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    let is_refusal = answer.status == 400 && REFUSALS.iter().any(|refusal| text.contains(refusal));
    is_refusal.then_some("use https:// instead of http://")
}

/// Returns a text with single spaces between its words.
fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
