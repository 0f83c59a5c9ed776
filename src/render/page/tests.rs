//! Pages of made-up values.

use super::*;
use crate::check::tests::faulty_report;
use crate::diagnose::frameworks;
use crate::model::delivery::Delivery;
use crate::model::exchange::Answer;
use crate::model::mask::Reveal;
use crate::model::message::Request;
use crate::model::money::Money;
use crate::model::status::Status;
use crate::model::stored::{
    AmountTotal, AnswerState, AppState, Attempt, CaptureId, DeliverySummary, HourlyCount, QueueState, QueuedForward,
    StoredCapture, StoredDelivery,
};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::model::verdict::VerdictCode;
use crate::render::check::ReportHeader;
use crate::webhook::receive::{Rules, receive};
use jiff::tz::TimeZone;
use std::time::Duration;

const BODY: &str = r#"{"id": "evt_ppxcj26iuoir", "type": "payment.debited", "data": {"id": "pi_7c21k0", "amount": "90000", "currency": "CVE", "status": "DEBITED", "operatorPhone": "+2389911234", "items": [], "test": false, "tries": 2}, "createdAt": "2026-11-28T11:14:06.239Z"}"#;

fn now() -> Timestamp {
    "2026-11-28T11:14:30Z".parse().unwrap()
}

fn with_frame<T>(make: impl FnOnce(&PageFrame<'_>) -> T) -> T {
    let targets = ["http://localhost:3000/hooks".to_owned()];
    let frame = PageFrame {
        zone: &TimeZone::UTC,
        now: now(),
        reveal: Reveal::Masked,
        listener: Some("http://127.0.0.1:4848"),
        store: "captures.db",
        targets: &targets,
        samples: &["payment.debited", "payment.failed"],
    };
    make(&frame)
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn summary(id: i64, seconds: i64, kind: &str, subject: &str, money: (i128, &str), provider: &str) -> DeliverySummary {
    DeliverySummary {
        id: CaptureId(id),
        arrived: now() - SignedDuration::from_secs(seconds),
        peer: text("127.0.0.1:53112"),
        provider: text(provider),
        verdict: VerdictCode::Verified,
        secret: text("PLEXOS_WEBHOOK_SECRET"),
        is_test: false,
        kind: text(kind),
        event_id: text("evt_ppxcj26iuoir"),
        subject: text(subject),
        status: text("DEBITED"),
        money: Some(Money { minor: money.0, currency: money.1.to_owned() }),
        answer: AnswerState::Answered(Status(200)),
        app: AppState::Answered(Status(200)),
        size: 213,
        omitted_body: None,
    }
}

fn rows() -> Vec<DeliverySummary> {
    let refused = |code, verdict| {
        move |summary: DeliverySummary| DeliverySummary {
            verdict,
            secret: None,
            answer: AnswerState::Answered(Status(code)),
            app: AppState::NotAsked,
            ..summary
        }
    };
    let (plexos, plustive) = ("plexos", "plustive");
    let failed = DeliverySummary {
        app: AppState::Answered(Status(500)),
        ..summary(1280, 32, "transaction.completed", "PLS-WNOD95NDGD9X", (500_000, "NGN"), plustive)
    };
    vec![
        summary(1284, 21, "payment.debited", "pi_r8n3vua7aerl", (10_000, "CVE"), plexos),
        refused(401, VerdictCode::Mismatch)(summary(1283, 23, "payment.debited", "pi_7c21k0", (90_000, "CVE"), plexos)),
        summary(1282, 29, "transaction.success", "PLS-ELMUKQ02W84W", (27_000, "NGN"), plustive),
        failed,
        summary(1279, 38, "refund.succeeded", "re_20fj3", (5_000, "CVE"), plexos),
        refused(401, VerdictCode::TooOld)(summary(1278, 50, "refund.succeeded", "re_19aa0", (10_000, "CVE"), plexos)),
        summary(1277, 59, "checkout.completed", "cs_9ak2", (125_000, "CVE"), plexos),
        DeliverySummary {
            app: AppState::NoAnswer,
            ..summary(1276, 90_000, "payment.created", "pi_7c21k0", (90_000, "CVE"), plexos)
        },
    ]
}

fn delivery() -> StoredDelivery {
    let mut request = Request::post("/hooks?x=1", BODY.as_bytes().to_vec());
    for (name, value) in [
        ("Host", "localhost:4848"),
        ("Content-Type", "application/json"),
        ("X-Plexos-Signature", "5bdcc146bf60754e6a0424265bdcc146bf60754e6a0424265bdcc146bf60754e"),
        ("X-Plexos-Timestamp", "1795864446"),
    ] {
        request.headers.push(name, value.as_bytes()).unwrap();
    }
    let attempt = |seconds, outcome| Attempt {
        at: now() - SignedDuration::from_secs(seconds),
        url: "http://localhost:3000/hooks".to_owned(),
        took: Duration::from_micros(41_230),
        outcome,
    };
    StoredDelivery {
        summary: rows().remove(1),
        request,
        attempts: vec![
            attempt(20, Err("connection refused".to_owned())),
            attempt(12, Ok(Answer::new(500, "{\"error\":\"Cannot read properties of undefined (reading 'amount')\"}"))),
        ],
        queue: vec![QueuedForward {
            url: "http://localhost:3000/hooks".to_owned(),
            state: QueueState::Waiting(now() + SignedDuration::from_secs(8)),
            tries: 2,
        }],
    }
}

fn detail_page(frame: &PageFrame<'_>, part: DetailPart, editing: bool) -> String {
    let (stored, rows, query) = (delivery(), rows(), ListQuery::default());
    let arrived = stored.summary.arrived;
    let received = receive(
        Delivery { request: stored.request.clone(), peer: None, arrived: Some(arrived) },
        &Rules { keys: Vec::new(), tolerance: None },
        arrived,
    );
    let capture = StoredCapture::Whole(stored);
    let list = ListView {
        query: &query,
        rows: &rows,
        older: Some(CaptureId(1276)),
        selected: Some(CaptureId(1283)),
        problem: None,
        is_store_empty: false,
    };
    let view = DetailView {
        capture: &capture,
        verification: Some((&received, &[])),
        related: &rows[..2],
        previous: Some(CaptureId(1276)),
        replays: &[Replay {
            mode: ReplayMode::Exact,
            url: "http://localhost:3000/hooks".to_owned(),
            started: now(),
            attempt: None,
        }],
        record: RecordView::NotAsked,
        can_resign: true,
        part,
        framework: frameworks::find("flask").filter(|_| part == DetailPart::Raw),
        editing,
    };
    detail(frame, &view, Some(&list))
}

#[test]
fn style_and_script_are_small() {
    for asset in &ASSETS {
        assert!(asset.body.len() < 15 * 1024, "{}: {} bytes", asset.path, asset.body.len());
    }
}

/// Lists the tags of a page with their attributes. Text between them is escaped, so it has none.
fn tags(page: &str) -> impl Iterator<Item = &str> {
    // The reports contain their style.
    let page = page.split_once("</style>").map_or(page, |(_, body)| body);
    page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default())
}

#[test]
fn pages_contain_nothing_that_their_policy_forbids() {
    for (name, page) in all_pages() {
        for tag in tags(&page) {
            let is_handler = |word: &str| word.starts_with("on") && word.contains('=');
            assert!(!tag.contains(" style=") && !tag.split(' ').any(is_handler), "{name}: {tag}");
            assert!(
                !tag.starts_with("script") || tag.starts_with(r#"script src="/assets/page.js?v="#),
                "{name}: {tag}"
            );
            assert!(tag.matches(" class=").count() <= 1, "{name}: {tag}");
            let is_loaded = tag.contains(" src=\"http") || (tag.starts_with("link") && tag.contains("href=\"http"));
            assert!(!is_loaded, "{name}: {tag}");
        }
    }
}

#[test]
fn elements_are_closed_in_order() {
    const EMPTY: [&str; 6] = ["!doctype", "meta", "link", "input", "br", "!DOCTYPE"];
    for (name, page) in all_pages() {
        let mut open = Vec::new();
        for tag in tags(&page).filter(|_| !name.ends_with("report")) {
            let element = tag.split([' ', '/']).next().unwrap_or_default();
            match tag.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}"),
                None if EMPTY.contains(&element) => {}
                None => open.push(element),
            }
        }
        assert_eq!(open, [""; 0], "{name}");
    }
}

/// Formats a page of each kind, with its name.
fn all_pages() -> Vec<(&'static str, String)> {
    let mut pages = Vec::new();
    let mut add = |name: &'static str, page: String| pages.push((name, page));
    let rows = rows();
    with_frame(|frame| {
        let query = ListQuery::read("type=payment.*&failed=1");
        let all = ListQuery::default();
        let view = |query, rows, is_store_empty| ListView {
            query,
            rows,
            older: Some(CaptureId(1276)),
            selected: None,
            problem: None,
            is_store_empty,
        };
        add("list", list(frame, &view(&all, &rows, false)));
        add("filtered", list(frame, &view(&query, &rows[..4], false)));
        add("empty", list(frame, &view(&all, &[], true)));
        add("detail", detail_page(frame, DetailPart::Payload, false));
        add("edit", detail_page(frame, DetailPart::Payload, true));
        add("raw", detail_page(frame, DetailPart::Raw, false));
        add("headers", detail_page(frame, DetailPart::Headers, false));
        add("hex", detail_page(frame, DetailPart::Hex, false));
        add("related", detail_page(frame, DetailPart::Related, false));
        let (old, mut new) = (delivery(), delivery());
        new.request.body = BODY.replace("90000", "95000").replace("\"test\": false, ", "").into_bytes();
        add("diff", diff(frame, &DiffView { old: &old, new: &new, related: &rows[..3], query: &all }));
        let header = ReportHeader {
            provider: "plexos",
            title: "Plexos Pay",
            url: "http://localhost:3000/hooks".parse().unwrap(),
            secret: "PLEXOS_WEBHOOK_SECRET".to_owned(),
            variable: "PLEXOS_WEBHOOK_SECRET",
            started: now(),
            took: Duration::from_millis(412),
            signs_timestamp: true,
        };
        let report = faulty_report(&[]);
        add("check", check(frame, &CheckView::Done(&report, &header)));
        add("check-report", crate::render::check::html(&report, &header));
        add("checking", check(frame, &CheckView::Running { done: 31, total: 89 }));
        add("check-start", check(frame, &CheckView::Ready { problem: None }));
        add("reconcile", reconcile(frame, &ReconcileView::Ready { problem: None }));
        add("login", login(None));
        add("error", error(404, "There is no capture 12", "It may have been pruned.", "`whtool events` lists all."));
        add("overview", overview(frame, &overview_values().view()));
    });
    pages
}

struct OverviewValues {
    counts: Vec<HourlyCount>,
    sums: Vec<AmountTotal>,
    apps: Vec<AppHealth>,
    endpoints: Vec<EndpointHealth>,
}

impl OverviewValues {
    fn view(&self) -> OverviewView<'_> {
        let Self { counts, sums, apps, endpoints } = self;
        OverviewView { counts, sums, since: now() - SignedDuration::from_hours(47), apps, endpoints }
    }
}

fn overview_values() -> OverviewValues {
    let mut counts = Vec::new();
    for hour in 0..48_i64 {
        let time = now() - SignedDuration::from_hours(hour);
        let count = |verdict, deliveries| HourlyCount {
            provider: text("plexos"),
            kind: text("payment.debited"),
            verdict,
            hour: time,
            deliveries,
        };
        counts.push(count(VerdictCode::Verified, (20 + (hour * 37) % 60).unsigned_abs()));
        if hour % 7 == 3 {
            counts.push(count(VerdictCode::Mismatch, 3));
            counts.push(count(VerdictCode::TooOld, 2));
        }
    }
    let sum = |provider, kind, events, minor, currency: &str| AmountTotal {
        provider: text(provider),
        kind: text(kind),
        events,
        money: Money { minor, currency: currency.to_owned() },
    };
    let url = |url: &str| url.to_owned();
    OverviewValues {
        counts,
        sums: vec![
            sum("plexos", "payment.debited", 312, 41_230_000, "CVE"),
            sum("plexos", "refund.succeeded", 4, 150_000, "CVE"),
            sum("plustive", "transaction.success", 97, 2_619_000, "NGN"),
        ],
        apps: vec![
            AppHealth {
                url: url("http://localhost:3000/hooks"),
                waiting: 3,
                oldest: Some(now() - SignedDuration::from_mins(12)),
                last: delivery().attempts.pop(),
            },
            AppHealth { url: url("http://localhost:3001/audit"), waiting: 0, oldest: None, last: None },
        ],
        endpoints: vec![
            EndpointHealth {
                provider: "Plexos Pay",
                url: url("https://shop.example/hooks/plexos"),
                proved: Some((CaptureId(1284), now())),
            },
            EndpointHealth { provider: "Plustive", url: url("https://shop.example/hooks/plustive"), proved: None },
        ],
    }
}
