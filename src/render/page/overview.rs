//! The state of everything: deliveries by hour, money, apps, and endpoints.

use super::layout::{self, Section, Updates};
use super::parts::{Tone, bar, dot};
use super::view::{AppHealth, EndpointHealth, OverviewView, PageFrame};
use crate::model::stored::{AmountTotal, HourlyCount};
use crate::model::timestamp::Timestamp;
use crate::provider;
use crate::render::stored::count_by;
use crate::render::text::{count, duration, verdict_code_words};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The most bars of a chart.
const MAX_BARS: i64 = 96;
const CHART_HEIGHT: u64 = 100;
const HOUR: i64 = 3_600;

/// Formats the overview of a period.
pub fn overview(frame: &PageFrame<'_>, view: &OverviewView<'_>) -> String {
    let content = html! {
        main #main.page {
            h1 { "Overview" }
            (figures(frame, view))
            (chart(frame, view))
            div.columns {
                (verdicts(view.counts))
                (money(frame, view.sums))
                (apps(frame, view.apps))
                (endpoints(frame, view.endpoints))
            }
        }
    };
    layout::document(Some(frame), "Overview", Section::Overview, Updates::Live, &content)
}

fn figures(frame: &PageFrame<'_>, view: &OverviewView<'_>) -> Markup {
    let total: u64 = view.counts.iter().map(|count| count.deliveries).sum();
    let refused: u64 =
        view.counts.iter().filter(|count| !count.verdict.is_verified()).map(|count| count.deliveries).sum();
    let waiting: u64 = view.apps.iter().map(|app| app.waiting).sum();
    let oldest = view.apps.iter().filter_map(|app| app.oldest).min();
    html! {
        ul.figures {
            li { b { (grouped(total)) } span { "deliveries since " (frame.time(view.since)) } }
            li { b class=[(refused > 0).then_some("fail")] { (grouped(refused)) } span { "refused" } }
            li {
                b class=[(waiting > 0).then_some("warn")] { (grouped(waiting)) }
                span { "waiting for the app" @if let Some(oldest) = oldest { ", oldest " (frame.age(oldest)) } }
            }
            @for sum in view.sums.iter().filter(|sum| is_income(sum)) {
                li {
                    b { (frame.money(&sum.money)) }
                    span { (sum.kind.as_deref().unwrap_or_default()) ", " (events(sum.events)) }
                }
            }
        }
    }
}

fn is_income(sum: &AmountTotal) -> bool {
    let provider = sum.provider.as_deref().and_then(provider::by_name);
    provider.is_some_and(|provider| sum.kind.as_deref() == Some(provider.paid_event()))
}

#[derive(Clone, Copy, Default)]
struct ChartBar {
    verified: u64,
    refused: u64,
}

fn chart(frame: &PageFrame<'_>, view: &OverviewView<'_>) -> Markup {
    let start = view.since.as_second().div_euclid(HOUR);
    let end = frame.now.as_second().div_euclid(HOUR).max(start);
    let step = (end - start) / MAX_BARS + 1;
    let number = (end - start) / step + 1;
    let mut bars: BTreeMap<i64, ChartBar> = (0..number).map(|at| (at, ChartBar::default())).collect();
    for count in view.counts {
        let at = (count.hour.as_second().div_euclid(HOUR) - start).clamp(0, end - start) / step;
        let bar = bars.entry(at).or_default();
        *(if count.verdict.is_verified() { &mut bar.verified } else { &mut bar.refused }) += count.deliveries;
    }
    let highest = bars.values().map(|bar| bar.verified + bar.refused).max().unwrap_or(0);
    let height = |number: u64| number * CHART_HEIGHT / highest.max(1);
    let time = |at: i64| Timestamp::from_second((start + at * step) * HOUR).unwrap_or(view.since);
    html! {
        figure.chart {
            figcaption {
                span { "Deliveries " @if step == 1 { "by hour" } @else { "by " (step) " hours" } }
                span.faint { "highest " (grouped(highest)) }
            }
            svg viewBox={ "0 0 " (number * 10) " " (CHART_HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label={ "Deliveries by hour, " (count(highest, "delivery")) " in the busiest" } {
                @for (at, bar) in &bars {
                    @let (good, bad) = (height(bar.verified), height(bar.refused));
                    g {
                        title { (frame.full_time(time(*at))) ": " (bar.verified) " verified, " (bar.refused) " refused" }
                        rect.hit x=(at * 10) y="0" width="10" height=(CHART_HEIGHT) {}
                        rect.pass x=(at * 10 + 1) y=(CHART_HEIGHT.saturating_sub(visible(bar.verified, good))) width="8" height=(visible(bar.verified, good)) {}
                        rect.fail x=(at * 10 + 1) y=(CHART_HEIGHT.saturating_sub(visible(bar.verified, good) + visible(bar.refused, bad))) width="8" height=(visible(bar.refused, bad)) {}
                    }
                }
            }
            div.axis { (frame.time(time(0))) (frame.time(frame.now)) }
        }
    }
}

/// Makes a small number visible next to a large one.
fn visible(number: u64, height: u64) -> u64 {
    if number > 0 { height.max(2) } else { 0 }
}

fn verdicts(counts: &[HourlyCount]) -> Markup {
    let sums = count_by(counts, |count| count.verdict);
    let total: u64 = sums.values().sum();
    html! {
        section {
            h2 { "Verdicts" }
            @if sums.is_empty() { p.faint { "No deliveries in this period." } }
            ul.items {
                @for (verdict, number) in sums {
                    @let tone = if verdict.is_verified() { Tone::Good } else { Tone::Bad };
                    li {
                        (dot(tone)) a href={ "/?verdict=" (verdict.as_str()) } { (verdict_code_words(verdict)) }
                        span.end.number { (grouped(number)) }
                        (bar([(tone.class(), number), ("rest", total.saturating_sub(number))]))
                    }
                }
            }
        }
    }
}

fn events(number: u64) -> String {
    format!("{} {}", grouped(number), if number == 1 { "event" } else { "events" })
}

/// Formats a number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let is_start = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    digits.chars().enumerate().flat_map(|(at, digit)| is_start(at).then_some(',').into_iter().chain([digit])).collect()
}

fn money(frame: &PageFrame<'_>, sums: &[AmountTotal]) -> Markup {
    html! {
        section {
            h2 { "Verified amounts" }
            @if sums.is_empty() { p.faint { "No amounts in this period." } }
            table {
                @for sum in sums {
                    @let title = sum.provider.as_deref().and_then(provider::by_name).map_or("", |provider| provider.title());
                    tr {
                        td { (sum.kind.as_deref().map_or("-".to_owned(), |kind| frame.text(kind))) " " span.faint { (title) } }
                        td.number.faint { (events(sum.events)) }
                        td.number { (frame.money(&sum.money)) }
                    }
                }
            }
        }
    }
}

fn apps(frame: &PageFrame<'_>, apps: &[AppHealth]) -> Markup {
    html! {
        section {
            h2 { "Apps" }
            @if apps.is_empty() { p.faint { "Nothing is forwarded. Start " code { "whtool listen --forward-to URL" } "." } }
            ul.items {
                @for app in apps {
                    @let (tone, words) = app_state(frame, app);
                    li {
                        (dot(tone)) code { (frame.text(&app.url)) } span.end { (words) }
                        @if app.waiting > 0 {
                            p.warn { (count(app.waiting, "event")) " waiting" @if let Some(oldest) = app.oldest { ", the oldest from " (frame.age(oldest)) } }
                        }
                    }
                }
            }
        }
    }
}

fn app_state(frame: &PageFrame<'_>, app: &AppHealth) -> (Tone, Markup) {
    match &app.last {
        None => (Tone::Quiet, html! { span.faint { "not asked yet" } }),
        Some(last) => {
            let tone = if last.is_success() { Tone::Good } else { Tone::Warn };
            let status = last.status().map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            (tone, html! { b class=(tone.class()) { (status) } " in " (duration(last.took)) ", " (frame.age(last.at)) })
        }
    }
}

fn endpoints(frame: &PageFrame<'_>, endpoints: &[EndpointHealth]) -> Markup {
    html! {
        section {
            h2 { "Endpoints" }
            @if endpoints.is_empty() { p.faint { "None is registered. " code { "whtool register --url URL" } " creates one." } }
            ul.items {
                @for endpoint in endpoints {
                    li {
                        (dot(if endpoint.proved.is_some() { Tone::Good } else { Tone::Quiet }))
                        span { (endpoint.provider) } code { (frame.text(&endpoint.url)) }
                        span.end {
                            @match endpoint.proved {
                                Some((id, time)) => { "proved by " a href={ "/events/" (id) } { "#" (id) } ", " (frame.time(time)) },
                                None => span.faint { "not proved yet" },
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_groups_of_three_digits() {
        let shown = [0, 999, 1_000, 123_456, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "123,456", "1,234,567"]);
    }
}
