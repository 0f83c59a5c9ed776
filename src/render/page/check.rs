//! The page that checks the app and shows the report.

use super::layout::{self, Section, Updates};
use super::list::targets;
use super::parts::prose;
use super::view::{CheckView, PageFrame};
use crate::provider;
use crate::render::check::html_body;
use maud::{Markup, PreEscaped, html};

/// Formats the state of a check.
pub fn check(frame: &PageFrame<'_>, view: &CheckView<'_>) -> String {
    let updates = if matches!(view, CheckView::Running { .. }) { Updates::Progress } else { Updates::None };
    let content = html! {
        main #main.page {
            @match view {
                CheckView::Ready { problem } => {
                    h1 { "Check the handler" }
                    p.lead { "Sends correct, forged and unusual events to your app, and explains every mistake." }
                    @if let Some(problem) = problem { p.problem { (prose(&frame.text(problem))) } }
                    @else { (start_form(frame)) }
                }
                CheckView::Running { done, total } => {
                    h1 { "Checking the handler" }
                    (progress(*done as u64, Some(*total as u64), "probe"))
                }
                CheckView::Failed(reason) => {
                    h1 { "The check could not be run" }
                    p.problem role="alert" { (prose(&frame.text(reason))) }
                    (start_form(frame))
                }
                CheckView::Done(report, header) => {
                    (start_form(frame))
                    (PreEscaped(html_body(report, header)))
                }
            }
        }
    };
    layout::document(Some(frame), "Check", Section::Check, updates, &content)
}

fn start_form(frame: &PageFrame<'_>) -> Markup {
    html! {
        form.start method="post" action="/check" {
            fieldset {
                legend { "Provider" }
                @for (at, provider) in provider::ALL.iter().enumerate() {
                    label { input type="radio" name="provider" value=(provider.name()) checked[at == 0]; " " (provider.title()) }
                }
            }
            (targets(frame))
            button.primary { "Check" }
        }
    }
}

/// Shows progress, and the count in words.
pub(super) fn progress(done: u64, total: Option<u64>, noun: &str) -> Markup {
    html! {
        progress max=[total] value=[total.map(|_| done)] aria-label="Progress" {}
        p.faint role="status" {
            @match total {
                Some(total) => { (done) " of " (crate::render::text::count(total, noun)) },
                None => (crate::render::text::count(done, noun)),
            }
        }
    }
}
