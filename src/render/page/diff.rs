//! Two captures side by side: the first byte that differs, values by path, lines, and headers.

use super::layout::{self, Section, Updates};
use super::list::suffix;
use super::parts::{dot, outcome};
use super::payload::header_value;
use super::view::{DiffView, PageFrame};
use crate::diagnose::diff::{self, DiffLine, HeaderChange, PathChange};
use crate::model::stored::{DeliverySummary, StoredDelivery};
use crate::render::payload;
use crate::render::text::count;
use maud::{Markup, html};

/// The most differences of one kind that are shown.
const MAX_SHOWN: usize = 500;

/// Formats the comparison of two captures.
pub fn diff(frame: &PageFrame<'_>, view: &DiffView<'_>) -> String {
    let DiffView { old, new, .. } = view;
    let first = diff::first_difference(&old.request.body, &new.request.body);
    let paths = diff::paths(&old.request.body, &new.request.body);
    let headers = diff::headers(&old.request.headers, &new.request.headers);
    let content = html! {
        main #main.page {
            a.back href={ "/events/" (new.summary.id) (suffix(view.query)) } data-key="Escape" { "← Event #" (new.summary.id) }
            h1 { "Compare #" (old.summary.id) " with #" (new.summary.id) }
            div.sides { (side(frame, "−", old)) (side(frame, "+", new)) }
            (others(frame, view))
            h2 { "Body" }
            @match first {
                None => p { "The bodies are identical." },
                Some(at) => {
                    p { "First difference: byte " (at) }
                    div.code.changes {
                        (line("old", "−", &fragment(frame, old, at)))
                        (line("new", "+", &fragment(frame, new, at)))
                    }
                    (changes(frame, view, paths.as_deref()))
                }
            }
            h2 { "Headers" }
            @if headers.is_empty() { p { "The headers are identical." } } @else { (header_changes(frame, &headers)) }
        }
    };
    let title = format!("#{} and #{}", old.summary.id, new.summary.id);
    layout::document(Some(frame), &title, Section::Events, Updates::None, &content)
}

fn side(frame: &PageFrame<'_>, mark: &str, stored: &StoredDelivery) -> Markup {
    let DeliverySummary { id, arrived, size, kind, .. } = &stored.summary;
    let (tone, words) = outcome(&stored.summary);
    html! {
        a href={ "/events/" (id) } {
            b { (mark) " #" (id) " " (kind.as_deref().map_or("-".to_owned(), |kind| frame.text(kind))) }
            span { (frame.time(*arrived)) " · " (count(*size, "byte")) }
            span class=(tone.class()) { (dot(tone)) (words) }
        }
    }
}

/// Links to the comparisons with the other captures about the same payment.
fn others(frame: &PageFrame<'_>, view: &DiffView<'_>) -> Markup {
    let ids = [view.old.summary.id, view.new.summary.id];
    let others: Vec<_> = view.related.iter().filter(|other| !ids.contains(&other.id)).collect();
    html! {
        @if !others.is_empty() {
            nav.chips aria-label="Compare with" {
                span.faint { "Compare with" }
                @for other in others {
                    a.chip href={ "/events/" (view.new.summary.id) "/diff/" (other.id) (suffix(view.query)) } { "#" (other.id) " " (frame.time(other.arrived)) }
                }
            }
        }
    }
}

fn fragment(frame: &PageFrame<'_>, stored: &StoredDelivery, at: usize) -> String {
    crate::render::diff::fragment(&stored.request.body, at, frame.reveal)
}

fn line(class: &str, mark: &str, text: &str) -> Markup {
    html! { div class=(class) { span.mark { (mark) } " " (text) } }
}

fn changes(frame: &PageFrame<'_>, view: &DiffView<'_>, paths: Option<&[PathChange]>) -> Markup {
    let text = |stored: &StoredDelivery| {
        String::from_utf8(stored.request.body.clone()).ok().filter(|text| !text.contains('\0'))
    };
    match (paths, text(view.old), text(view.new)) {
        (Some([]), ..) => html! {
            p { "The same JSON, serialized differently: order of names, whitespace or escapes." }
        },
        (Some(paths), ..) => path_changes(frame, paths),
        (None, Some(old), Some(new)) => line_changes(frame, &old, &new),
        _ => html! {},
    }
}

fn path_changes(frame: &PageFrame<'_>, paths: &[PathChange]) -> Markup {
    let value = |change: &PathChange, json: &Option<String>| {
        json.as_ref().map(|json| frame.text(&payload::value(&change.path, json, frame.reveal))).unwrap_or_default()
    };
    html! {
        table.values {
            thead { tr { th { "Value" } th { "Before" } th { "After" } } }
            tbody {
                @for change in paths.iter().take(MAX_SHOWN) {
                    tr {
                        td { code { @if change.path.is_empty() { "(the whole)" } @else { (frame.text(&change.path)) } } }
                        td data-label="Before" { code.old { (value(change, &change.old)) } }
                        td data-label="After" { code.new { (value(change, &change.new)) } }
                    }
                }
            }
        }
        (more(paths.len()))
    }
}

fn line_changes(frame: &PageFrame<'_>, old: &str, new: &str) -> Markup {
    let Some(lines) = diff::lines(old, new) else {
        return html! { p.faint { "The bodies are too long to be compared by line." } };
    };
    html! {
        div.code.changes {
            @for part in lines.iter().take(MAX_SHOWN) {
                @match part {
                    DiffLine::Both(text) => (line("", " ", &payload::text_line(text, frame.reveal))),
                    DiffLine::Old(text) => (line("old", "−", &payload::text_line(text, frame.reveal))),
                    DiffLine::New(text) => (line("new", "+", &payload::text_line(text, frame.reveal))),
                }
            }
        }
        (more(lines.len()))
    }
}

fn header_changes(frame: &PageFrame<'_>, headers: &[HeaderChange]) -> Markup {
    let values = |change: &HeaderChange, values: &[Vec<u8>]| {
        let values = values.iter().map(|value| frame.text(&header_value(frame, &change.name, value)));
        values.collect::<Vec<_>>().join(", ")
    };
    html! {
        table.values {
            thead { tr { th { "Header" } th { "Before" } th { "After" } } }
            tbody {
                @for change in headers.iter().take(MAX_SHOWN) {
                    tr {
                        td { code { (frame.text(&change.name)) } }
                        td data-label="Before" { code.old { (values(change, &change.old)) } }
                        td data-label="After" { code.new { (values(change, &change.new)) } }
                    }
                }
            }
        }
        (more(headers.len()))
    }
}

fn more(number: usize) -> Markup {
    html! { @if number > MAX_SHOWN { p.faint { (number - MAX_SHOWN) " more are not shown." } } }
}
