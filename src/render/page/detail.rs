//! One capture: verdict, causes with their fixes, actions, the request, and its history.

use super::layout::{self, Section, Updates};
use super::list;
use super::parts::{dot, outcome, prose, refusal};
use super::payload;
use super::timeline::timeline;
use super::view::{DetailPart, DetailView, ListView, PageFrame, RecordView};
use crate::diagnose::frameworks::{self, Framework};
use crate::diagnose::{Confidence, Finding};
use crate::model::mask::{Audience, MASK, Reveal, mask_sentence};
use crate::model::message::{Headers, Request};
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::{DeliverySummary, StoredCapture};
use crate::provider;
use crate::render::masked_edit;
use crate::render::text::{byte_size, verdict_words};
use crate::webhook::receive::readable_body;
use maud::{Markup, html};

/// Formats the page of a capture, next to the list. Without a list only the capture is formatted.
pub fn detail(frame: &PageFrame<'_>, view: &DetailView<'_>, list: Option<&ListView<'_>>) -> String {
    let summary = view.summary();
    let kind = summary.kind.as_deref().map_or_else(|| "Delivery".to_owned(), |kind| frame.text(kind));
    let content = html! {
        main #main.split[list.is_some()] {
            @if let Some(list) = list { (list::section(frame, list)) }
            (section(frame, view, list))
        }
    };
    layout::document(Some(frame), &format!("{kind} #{}", summary.id), Section::Events, Updates::Live, &content)
}

impl DetailView<'_> {
    fn summary(&self) -> &DeliverySummary {
        match self.capture {
            StoredCapture::Whole(stored) => &stored.summary,
            StoredCapture::WithoutBody(head) => &head.summary,
        }
    }

    /// Returns the link to this page with one parameter.
    fn link(&self, list: Option<&ListView<'_>>, name: &str, value: &str) -> String {
        let filters = list.map(|list| list.query.to_text()).unwrap_or_default();
        let gap = if filters.is_empty() { "" } else { "&" };
        format!("/events/{}?{filters}{gap}{name}={value}", self.summary().id)
    }
}

fn section(frame: &PageFrame<'_>, view: &DetailView<'_>, list: Option<&ListView<'_>>) -> Markup {
    let summary = view.summary();
    html! {
        section #detail.detail data-id=(summary.id) aria-label={ "Event " (summary.id) } {
            (heading(frame, summary, list))
            (actions(frame, view, list))
            @if view.editing { (edit_form(frame, view)) }
            (findings(view, list))
            (request_parts(frame, view, list))
            (facts(frame, view))
            h2 { "History" }
            @match view.capture {
                StoredCapture::Whole(stored) => (timeline(frame, summary, &stored.attempts, view.replays, &stored.queue)),
                StoredCapture::WithoutBody(_) => (timeline(frame, summary, &[], view.replays, &[])),
            }
            (record(frame, view))
        }
    }
}

fn heading(frame: &PageFrame<'_>, summary: &DeliverySummary, list: Option<&ListView<'_>>) -> Markup {
    let (tone, words) = outcome(summary);
    let refusal = refusal(summary);
    let back = list.map_or_else(|| "/".to_owned(), |list| list::address(list.query));
    html! {
        a.back href=(back) data-key="Escape" { "← Events" }
        div.heading {
            h1 { (summary.kind.as_deref().map_or("Delivery without a type".to_owned(), |kind| frame.text(kind))) }
            p.verdict.{ (tone.class()) } {
                (dot(tone)) (words)
                @if !refusal.is_empty() { span.faint { (refusal) } }
            }
        }
        p.sub {
            span { "#" (summary.id) }
            @if let Some(id) = &summary.event_id { code { (frame.text(id)) } }
            @if let Some(name) = &summary.provider {
                span { (provider::by_name(name).map_or(name.as_str(), |provider| provider.title())) }
            }
            @if let Some(money) = &summary.money { span { (frame.money(money)) } }
            @if let Some(status) = &summary.status { span { (frame.text(status)) } }
            span { (frame.time(summary.arrived)) }
            (frame.age(summary.arrived))
        }
    }
}

fn actions(frame: &PageFrame<'_>, view: &DetailView<'_>, list: Option<&ListView<'_>>) -> Markup {
    let id = view.summary().id;
    let is_whole = matches!(view.capture, StoredCapture::Whole(_));
    let back = list.map(|list| list::suffix(list.query)).unwrap_or_default();
    let can_send = is_whole && !frame.targets.is_empty();
    html! {
        div.actions {
            @if can_send {
                form method="post" action={ "/events/" (id) "/replay" } data-send {
                    (list::targets(frame))
                    @if view.can_resign {
                        button.primary name="mode" value="resigned" data-key="r" { "Replay" kbd { "r" } }
                        button name="mode" value="exact" title="Send the same bytes with the old signature" { "Replay exactly" }
                    } @else {
                        button.primary name="mode" value="exact" data-key="r"
                            title="It was not verified, so it is not signed again" { "Replay exactly" kbd { "r" } }
                    }
                }
                @if view.can_resign {
                    a.button href=(view.link(list, "edit", "1")) data-pane data-key="e" { "Edit" kbd { "e" } }
                }
            }
            @if let Some(previous) = view.previous {
                a.button href={ "/events/" (id) "/diff/" (previous) (back) } data-key="d" { "Compare" kbd { "d" } }
            }
            @if is_whole {
                a.button href={ "/events/" (id) "/curl" } data-copy data-key="c" { "Copy as curl" kbd { "c" } }
                details.menu {
                    summary.button { "Download" }
                    div {
                        @for (path, name) in [("raw", "Request as raw HTTP"), ("body", "Body"), ("har", "HTTP archive"), ("bundle", "Bundle for the provider's support")] {
                            a href={ "/events/" (id) "/" (path) } download { (name) }
                        }
                    }
                }
            }
        }
        @if is_whole && frame.targets.is_empty() {
            p.faint.hint { "There is no app to replay to. Start with " code { "--to http://localhost:3000/hooks" } "." }
        }
    }
}

fn edit_form(frame: &PageFrame<'_>, view: &DetailView<'_>) -> Markup {
    let StoredCapture::Whole(stored) = view.capture else { return html! {} };
    let Some(text) = masked_edit::editable(&stored.request.body, frame.reveal, Audience::Team) else {
        return html! { p.problem role="alert" { "This body is not text that can be edited here." } };
    };
    let is_masked = frame.reveal == Reveal::Masked && text.contains(MASK);
    html! {
        form.edit method="post" action={ "/events/" (stored.summary.id) "/replay" } data-send {
            input type="hidden" name="mode" value="edited";
            label for="body" { "Payload" }
            textarea #body name="body" rows="14" spellcheck="false" autocomplete="off" autofocus { "\n" (text) }
            p.faint { "It is sent as it is shown here, with a new signature." }
            @if is_masked {
                p.faint { "Values shown as " code { "***" } " are sent as they were captured, unless you replace them." }
            }
            div.actions {
                (list::targets(frame))
                button.primary title="Ctrl+Enter" { "Re-sign and send" }
                a.button href={ "/events/" (stored.summary.id) } data-pane { "Cancel" }
            }
        }
    }
}

fn findings(view: &DetailView<'_>, list: Option<&ListView<'_>>) -> Markup {
    let Some((received, findings)) = view.verification else {
        return html! {
            div.cause.warn { p { "The body was not kept: the delivery was refused, and the limit on such deliveries was reached." } }
        };
    };
    let sentence = |text: &str| escape_unsafe(&mask_sentence(text, Audience::Team)).into_owned();
    let is_same = received.verdict.code() == view.summary().verdict;
    html! {
        @if !is_same {
            div.cause.info { p { "With the secrets of today: " b { (verdict_words(&received.verdict)) } } }
        }
        @for Finding { cause, confidence } in findings {
            @let class = if *confidence == Confidence::Likely { "warn" } else { "fail" };
            div.cause.{ (class) } {
                p.label { (confidence.code()) }
                p { (prose(&capitalized(&sentence(&cause.sentence())))) }
                @let fix = sentence(&cause.fix());
                @if !fix.is_empty() { p.fix { b { "Fix " } (prose(&fix)) } }
            }
        }
        @for warning in &received.event.warnings {
            div.cause.warn { p.label { "warning" } p { (prose(&capitalized(&sentence(&warning.sentence())))) } }
        }
        (framework_lines(view, findings, list))
    }
}

/// Formats the code that prevents the failure, for each framework.
fn framework_lines(view: &DetailView<'_>, findings: &[Finding], list: Option<&ListView<'_>>) -> Markup {
    let Some(likely) = frameworks::for_request(findings.iter().map(|finding| &finding.cause)) else { return html! {} };
    let rest = frameworks::ALL.iter().filter(|known| !likely.contains(known));
    let shown: Vec<&Framework> = likely.iter().copied().chain(rest).collect();
    html! {
        details.lines open[view.framework.is_some()] {
            summary { "Handler code that verifies the raw body" }
            nav.tabs aria-label="Frameworks" {
                @for framework in shown {
                    @let is_chosen = view.framework == Some(framework);
                    a href=(view.link(list, "framework", framework.name)) data-pane
                        aria-current=[is_chosen.then_some("true")] { (framework.title) }
                }
            }
            @if let Some(framework) = view.framework { pre { (framework.text) } }
        }
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn request_parts(frame: &PageFrame<'_>, view: &DetailView<'_>, list: Option<&ListView<'_>>) -> Markup {
    let related = view.related.len();
    html! {
        nav.tabs aria-label="Request" {
            @for part in DetailPart::ALL {
                @if part != DetailPart::Related || related > 1 {
                    a href=(view.link(list, "part", part.code())) data-pane
                        aria-current=[(part == view.part).then_some("true")] {
                        (part.title()) @if part == DetailPart::Related { " (" (related) ")" }
                    }
                }
            }
        }
        @match (view.part, view.capture) {
            (DetailPart::Related, _) => (related_events(frame, view)),
            (DetailPart::Headers, StoredCapture::Whole(stored)) => (payload::headers(frame, &stored.request.headers)),
            (_, StoredCapture::Whole(stored)) => (request_part(frame, view.part, &stored.request)),
            (DetailPart::Raw | DetailPart::Headers, StoredCapture::WithoutBody(head)) => {
                (head_part(frame, &head.method, &head.target, &head.headers))
            }
            (_, StoredCapture::WithoutBody(head)) => p.faint {
                "The body of " (byte_size(head.summary.size)) " was not kept. Its SHA-256 is " code { (head.body_hash) } "."
            }
        }
    }
}

impl DetailPart {
    fn title(self) -> &'static str {
        match self {
            Self::Payload => "Payload",
            Self::Raw => "Raw",
            Self::Headers => "Headers",
            Self::Hex => "Hex",
            Self::Related => "Same payment",
        }
    }
}

fn request_part(frame: &PageFrame<'_>, part: DetailPart, request: &Request) -> Markup {
    match part {
        DetailPart::Raw => payload::raw(frame, (&request.method, &request.target), &request.headers, &request.body),
        DetailPart::Hex => payload::hex(frame, &request.body),
        _ => payload::tree(frame, &readable_body(request)),
    }
}

fn head_part(frame: &PageFrame<'_>, method: &str, target: &str, headers: &Headers) -> Markup {
    html! { (payload::raw(frame, (method, target), headers, b"")) p.faint { "The body was not kept." } }
}

fn related_events(frame: &PageFrame<'_>, view: &DetailView<'_>) -> Markup {
    let id = view.summary().id;
    html! {
        ul.items.related {
            @for other in view.related {
                @let (tone, words) = outcome(other);
                li aria-current=[(other.id == id).then_some("true")] {
                    (dot(tone)) (frame.time(other.arrived))
                    a href={ "/events/" (other.id) } { (other.kind.as_deref().map_or("-".to_owned(), |kind| frame.text(kind))) }
                    span class=(tone.class()) { (words) }
                    @if other.id != id { a.end href={ "/events/" (id) "/diff/" (other.id) } { "compare" } }
                }
            }
        }
    }
}

fn facts(frame: &PageFrame<'_>, view: &DetailView<'_>) -> Markup {
    let summary = view.summary();
    let headers = match view.capture {
        StoredCapture::Whole(stored) => &stored.request.headers,
        StoredCapture::WithoutBody(head) => &head.headers,
    };
    let known = summary.provider.as_deref().and_then(provider::by_name);
    let signature = known.and_then(|known| Some((known.signature_header(), headers.get(known.signature_header())?)));
    html! {
        dl.facts {
            @if let Some((name, value)) = signature { dt { "Signature" } dd { code { (payload::header_value(frame, name, value)) } } }
            @if let Some(secret) = &summary.secret {
                dt { "Secret" } dd { code { (frame.text(secret)) } @if summary.is_test { " the local test secret: not signed by the provider" } }
            }
            @if let Some(subject) = &summary.subject { dt { "About" } dd { code { (frame.text(subject)) } } }
            dt { "Size" } dd { (byte_size(summary.size)) }
        }
    }
}

fn record(frame: &PageFrame<'_>, view: &DetailView<'_>) -> Markup {
    let id = view.summary().id;
    html! {
        h2 #record { "Provider's record" }
        @match &view.record {
            RecordView::Unavailable(reason) => p.faint { (prose(&frame.text(reason))) },
            RecordView::NotAsked => form method="post" action={ "/events/" (id) "/record" } data-send {
                button { "Look up" }
            },
            RecordView::Asked(Ok(json)) => (payload::tree(frame, json.as_bytes())),
            RecordView::Asked(Err(reason)) => p.problem { (prose(&frame.text(reason))) },
        }
    }
}
