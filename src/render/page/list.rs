//! The list of captures: filters, rows, and the way to older ones.

use super::layout::{self, Section, Updates};
use super::parts::{dot, outcome, prose};
use super::query::{FilterName, ListQuery};
use super::view::{ListView, PageFrame};
use crate::model::stored::DeliverySummary;
use crate::provider;
use crate::render::text::count;
use maud::{Markup, html};

/// Formats the page with the list alone.
pub fn list(frame: &PageFrame<'_>, view: &ListView<'_>) -> String {
    let updates = if view.query.before.is_none() { Updates::Live } else { Updates::None };
    let content = html! { main #main.one { (section(frame, view)) } };
    layout::document(Some(frame), "Events", Section::Events, updates, &content)
}

/// Formats the list, alone or next to a capture.
pub(super) fn section(frame: &PageFrame<'_>, view: &ListView<'_>) -> Markup {
    html! {
        section #list.list aria-label="Events" {
            @if view.selected.is_none() { h1.skip { "Events" } }
            (filters(frame, view))
            @if let Some(problem) = problem(view) { p.problem role="alert" { (prose(&frame.text(problem))) } }
            a #news.news hidden href=(address(&view.query.starting_before(None))) {}
            @if view.rows.is_empty() || problem(view).is_some() {
                (empty(frame, view))
            } @else {
                ol.events {
                    @for row in view.rows { (self::row(frame, view, row)) }
                }
            }
            (pages(view))
        }
    }
}

/// Returns the reason why nothing can be listed.
fn problem<'v>(view: &'v ListView<'_>) -> Option<&'v String> {
    view.problem.as_ref().or(view.query.problem.as_ref())
}

fn filters(frame: &PageFrame<'_>, view: &ListView<'_>) -> Markup {
    let query = view.query;
    let text = query.values(FilterName::Grep).next().unwrap_or_default();
    let chosen = || query.filters.iter().filter(|(name, _)| *name != FilterName::Grep);
    let mut quick = vec![(FilterName::Failed, "1".to_owned(), "failed".to_owned())];
    quick.extend(
        provider::ALL
            .iter()
            .map(|provider| (FilterName::Provider, provider.name().to_owned(), provider.title().to_owned())),
    );
    html! {
        form.filters role="search" action="/" method="get" {
            @for (name, value) in chosen() { input type="hidden" name=(name.code()) value=(value); }
            input #search type="search" name="q" value=(text) aria-label="Filter" autocomplete="off" spellcheck="false"
                placeholder="type:payment.* is:failed"
                title="type: provider: verdict: reference: since: until: is:failed is:test, or text in the body";
            div.chips {
                @for (name, value) in chosen() {
                    a.chip.on href=(address(&query.without(*name, value))) title="Remove this filter" {
                        @if name.is_flag() { (name.code()) } @else { (name.code()) ": " (frame.text(value)) }
                        span aria-hidden="true" { " ×" }
                    }
                }
                @for (name, value, label) in &quick {
                    @if query.values(*name).all(|chosen| chosen != value) {
                        a.chip href=(address(&query.with(*name, value))) { (label) }
                    }
                }
            }
        }
    }
}

/// Formats one row. The whole row is a link.
fn row(frame: &PageFrame<'_>, view: &ListView<'_>, summary: &DeliverySummary) -> Markup {
    let (tone, words) = outcome(summary);
    let is_selected = view.selected == Some(summary.id);
    let text = |value: &Option<String>| value.as_deref().map(|value| frame.text(value)).unwrap_or_default();
    html! {
        li class=(tone.class()) data-id=(summary.id) {
            a href=(href(view.query, summary)) aria-current=[is_selected.then_some("true")] {
                (dot(tone))
                span.at { (frame.time(summary.arrived)) }
                b.kind { (summary.kind.as_deref().map_or("-".to_owned(), |kind| frame.text(kind))) }
                span.subject { (text(&summary.subject)) }
                span.id { (text(&summary.event_id)) }
                span.state { (text(&summary.status)) }
                span.money { (summary.money.as_ref().map(|money| frame.money(money)).unwrap_or_default()) }
                span.outcome {
                    span class=(tone.class()) { (words) }
                    @if summary.is_test { span.faint { "test" } }
                }
                span.provider { (text(&summary.provider)) }
                span.age { (frame.age(summary.arrived)) }
            }
        }
    }
}

/// Returns the address of a list.
pub(super) fn address(query: &ListQuery) -> String {
    format!("/{}", suffix(query))
}

/// Returns the address of a capture next to the list.
fn href(query: &ListQuery, summary: &DeliverySummary) -> String {
    format!("/events/{}{}", summary.id, suffix(query))
}

/// Returns the query string with its question mark. Empty: there are no filters.
pub(super) fn suffix(query: &ListQuery) -> String {
    let text = query.to_text();
    if text.is_empty() { text } else { format!("?{text}") }
}

fn empty(frame: &PageFrame<'_>, view: &ListView<'_>) -> Markup {
    html! {
        div.empty {
            @if problem(view).is_some() {
                p { a href="/" { "Show all" } }
            } @else if !view.is_store_empty {
                p { "No deliveries match." }
                p { a href="/" { "Show all" } }
            } @else {
                p { "No deliveries yet." }
                @if frame.listener.is_none() {
                    p { "Start a listener, then send a sample to it:" }
                    pre { "whtool listen\nwhtool replay payment.debited" }
                } @else {
                    p { "Send a sample from another terminal:" }
                    pre { "whtool replay payment.debited" }
                }
            }
        }
        @if view.is_store_empty { (samples(frame)) }
    }
}

/// Formats a form that sends a sample. Empty: there is nowhere to send it.
fn samples(frame: &PageFrame<'_>) -> Markup {
    html! {
        @if !frame.targets.is_empty() && !frame.samples.is_empty() {
            form.sample method="post" action="/samples" data-send {
                label { "Sample " select name="name" { @for name in frame.samples { option { (name) } } } }
                (targets(frame))
                button { "Send" }
            }
        }
    }
}

/// Formats the choice of a target. With a single one there is nothing to choose.
pub(super) fn targets(frame: &PageFrame<'_>) -> Markup {
    html! {
        @if frame.targets.len() > 1 {
            select name="to" aria-label="Send to" {
                @for (at, url) in frame.targets.iter().enumerate() { option value=(at) { (frame.text(url)) } }
            }
        } @else { input type="hidden" name="to" value="0"; }
    }
}

fn pages(view: &ListView<'_>) -> Markup {
    let query = view.query;
    html! {
        nav.pages aria-label="Pages of events" {
            @if query.before.is_some() {
                a href=(address(&query.starting_before(None))) rel="first" { "← newest" }
            }
            @if problem(view).is_none() { span { (count(view.rows.len() as u64, "delivery")) } }
            @if let Some(older) = view.older {
                a href=(address(&query.starting_before(Some(older.0)))) rel="next" { "older →" }
            }
        }
    }
}
