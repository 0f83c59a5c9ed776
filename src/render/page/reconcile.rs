//! The page that compares captured events with the provider's records, and shows the progress and
//! the report.

use super::check::progress;
use super::layout::{self, Section, Updates};
use super::parts::prose;
use super::view::{PageFrame, ReconcileView};
use crate::reconcile::Totals;
use crate::render::reconcile::{html_body, words};
use maud::{Markup, PreEscaped, html};

/// Formats the state of a reconciliation.
pub fn reconcile(frame: &PageFrame<'_>, view: &ReconcileView<'_>) -> String {
    let updates = if matches!(view, ReconcileView::Running { .. }) { Updates::Progress } else { Updates::None };
    let content = html! {
        main #main.page {
            @match view {
                ReconcileView::Ready { problem } => {
                    h1 { "Reconcile" }
                    p.lead { "Looks up every captured payment and purchase at the provider, and lists what differs." }
                    @if let Some(problem) = problem { p.problem { (prose(&frame.text(problem))) } }
                    @else { (start_form()) }
                }
                ReconcileView::Running { looked_up, total, totals, started } => {
                    h1 { "Comparing with the provider" }
                    (progress(*looked_up, *total, "reference"))
                    p.faint { "Started " (frame.age(*started)) }
                    (classes(totals))
                    form method="post" action="/reconcile/stop" { button { "Stop" } }
                }
                ReconcileView::Failed(reason) => {
                    h1 { "The comparison could not be run" }
                    p.problem role="alert" { (prose(&frame.text(reason))) }
                    (start_form())
                }
                ReconcileView::Done(report) => {
                    (start_form())
                    (PreEscaped(html_body(report)))
                }
            }
        }
    };
    layout::document(Some(frame), "Reconcile", Section::Reconcile, updates, &content)
}

fn start_form() -> Markup {
    html! {
        form.start method="post" action="/reconcile" {
            label { "Since " input name="since" value="today" autocomplete="off" size="12"; }
            label { "Until " input name="until" placeholder="now" autocomplete="off" size="12"; }
            button.primary { "Compare" }
        }
    }
}

/// Shows the results so far.
fn classes(totals: &Totals) -> Markup {
    html! {
        table.sums {
            @for (class, number) in totals.classes().filter(|(_, number)| *number > 0) {
                tr { td { (words::plain(class).title) } td.number { (number) } }
            }
        }
    }
}
