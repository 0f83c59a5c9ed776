//! Pages that say one thing: an error, or that the browser has to be let in.

use super::layout::{self, Section, Updates};
use super::parts::prose;
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe;
use maud::html;

/// Formats an error: its status, the sentence, and what to do about it.
pub fn error(status: u16, title: &str, text: &str, hint: &str) -> String {
    let safe = |text: &str| escape_unsafe(&mask_secrets(text)).into_owned();
    let content = html! {
        main #main.message {
            p.eyebrow { (status) }
            h1 { (prose(&safe(title))) }
            @if !text.is_empty() { p { (prose(&safe(text))) } }
            @if !hint.is_empty() { p.faint { (prose(&safe(hint))) } }
            p { a.button href="/" data-key="Escape" { "Events" } }
        }
    };
    layout::document(None, &safe(title), Section::Other, Updates::None, &content)
}

/// Formats the page of a browser that did not use the link of this server.
pub fn login(problem: Option<&str>) -> String {
    let content = html! {
        main #main.message {
            p.eyebrow { "whtool" }
            h1 { "Open the link that whtool printed" }
            @if let Some(problem) = problem { p.problem { (prose(problem)) } }
            p { "Captures may contain data of your customers, so a browser is let in with a link that works once." }
            p.faint { "Press " kbd { "o" } " in the terminal or start " code { "whtool ui" } " again for a new one." }
        }
    };
    layout::document(None, "Sign in", Section::Other, Updates::None, &content)
}
