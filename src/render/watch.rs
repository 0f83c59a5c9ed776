//! Shows what `whtool watch` does: changes, deliveries and rounds as text and JSON, alerts, and
//! metrics for Prometheus.

use super::json::line;
use super::paint::Paint;
use super::text::count;
use crate::model::mask::mask_secrets;
use crate::model::sanitize::truncate;
use crate::model::timestamp::{SignedDuration, Timestamp, format_duration};
use crate::model::width::pad_right;
use crate::reconcile::watch::{
    Change, ChangeKind, ChangeSubject, Delivery, DeliveryCounts, DeliveryOutcome, RepairCause, Trouble, WatchCounts,
    WatchGauges,
};
use serde_json::{Map, Value, json};

/// Longest reference and longest sentence shown, in columns.
const MAX_REFERENCE: usize = 32;
const MAX_SENTENCE: usize = 200;

/// The result of one round.
#[derive(Clone, Debug)]
pub struct RoundSummary {
    pub number: u64,
    pub started: Timestamp,
    pub took: SignedDuration,
    /// The reason why nothing was concluded. `None`: the round is complete.
    pub failure: Option<String>,
    pub references: u64,
    /// Orders that were too young to be looked up.
    pub left_alone: u64,
    pub unread_rows: u64,
    pub deliveries: DeliveryCounts,
    /// Deliveries that could be made, but were too many for one round.
    pub postponed: u64,
    pub repaired: u64,
    pub gauges: WatchGauges,
}

/// Formats a change as a line, with its reason on the line below.
pub fn change_row(change: &Change, clock: &str, paint: Paint) -> String {
    let label = pad_right(label(&change.kind), 16);
    let label = if is_good(&change.kind) { paint.good(&label) } else { paint.bad(&label) };
    let (what, why) = describe(&change.kind);
    let why = if why.is_empty() { String::new() } else { format!("    {why}\n") };
    format!("{}  {label}  {what}\n{why}", paint.faint(clock))
}

/// Formats a delivery as a line.
pub fn delivery_row(delivery: &Delivery, clock: &str, paint: Paint) -> String {
    let label = pad_right("delivered", 16);
    let (label, outcome) = match &delivery.outcome {
        DeliveryOutcome::Accepted { answer } => (paint.good(&label), format!("the app answered {answer}")),
        failed => (paint.bad(&pad_right("not delivered", 16)), outcome(failed)),
    };
    let reference = truncate(&mask_secrets(&delivery.subject.reference), MAX_REFERENCE);
    let status = truncate(&delivery.key.status.to_uppercase(), 18);
    format!("{}  {label}  {}  {status}  {outcome}\n", paint.faint(clock), paint.strong(&reference))
}

fn label(kind: &ChangeKind) -> &'static str {
    match kind {
        ChangeKind::NewDifference { .. } => "new difference",
        ChangeKind::ClassChanged { .. } => "changed",
        ChangeKind::Repaired { .. } => "repaired",
        ChangeKind::DeliveryFailed { .. } => "delivery failed",
        ChangeKind::NotRepaired { .. } => "not repaired",
        ChangeKind::Accepted { .. } => "accepted",
        ChangeKind::GivenUp { .. } => "given up",
        ChangeKind::Vanished { .. } => "vanished",
        ChangeKind::TroubleBegan { .. } => "trouble",
        ChangeKind::TroubleEnded { .. } => "trouble ended",
    }
}

fn is_good(kind: &ChangeKind) -> bool {
    matches!(kind, ChangeKind::Repaired { .. } | ChangeKind::Accepted { .. } | ChangeKind::TroubleEnded { .. })
}

/// Returns what a change is about, and a sentence that may be empty.
fn describe(kind: &ChangeKind) -> (String, String) {
    let about = kind.subject().map(subject).unwrap_or_default();
    let sentence = |text: &str| truncate(&mask_secrets(text), MAX_SENTENCE);
    match kind {
        ChangeKind::NewDifference { why, .. } => (about, sentence(why)),
        ChangeKind::ClassChanged { why, was, .. } => (format!("{about}, before: {}", was.label()), sentence(why)),
        ChangeKind::Repaired { by, .. } => (about, by_sentence(*by).to_owned()),
        ChangeKind::DeliveryFailed { outcome: failed, .. } => (about, outcome(failed)),
        ChangeKind::NotRepaired { why, .. } => {
            (about, format!("the app accepted the event, but {}", or_else(&sentence(why), "the order still differs")))
        }
        ChangeKind::Accepted { .. } => (about, "it is in the file of accepted differences now".to_owned()),
        ChangeKind::GivenUp { subject } => {
            (about, format!("it differs since {}; nothing more is delivered for it", subject.first_seen))
        }
        ChangeKind::Vanished { .. } => {
            (about, "the order is not in the list any more, so nothing is known about its repair".to_owned())
        }
        ChangeKind::TroubleBegan { trouble, why } => (trouble.title().to_owned(), sentence(why)),
        ChangeKind::TroubleEnded { trouble, began } => {
            (format!("no longer: {}", trouble.title()), format!("it lasted since {began}"))
        }
    }
}

fn or_else<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.is_empty() { other } else { text }
}

fn by_sentence(by: RepairCause) -> &'static str {
    match by {
        RepairCause::Delivery => "the app accepted the event, and the order agrees now",
        RepairCause::Unknown => "the order agrees now; the delivery may have done it",
        RepairCause::Itself => "the order agrees now, without a delivery",
    }
}

fn outcome(outcome: &DeliveryOutcome) -> String {
    let sentence = |text: &str| truncate(&mask_secrets(text), MAX_SENTENCE);
    match outcome {
        DeliveryOutcome::Sending => "it is being sent".to_owned(),
        DeliveryOutcome::Accepted { answer } => format!("the app answered {answer}"),
        DeliveryOutcome::Refused { answer } => format!("the app answered {answer}; it is not sent again"),
        DeliveryOutcome::Unsent { reason } => format!("it did not reach the app: {}", sentence(reason)),
        DeliveryOutcome::Unsure { reason } => {
            format!("it may have reached the app: {}; it is not sent again", sentence(reason))
        }
    }
}

fn subject(subject: &ChangeSubject) -> String {
    let reference = truncate(&mask_secrets(&subject.reference.reference), MAX_REFERENCE);
    let own_id = subject.own_id.as_deref().map(|id| format!(" (order {})", truncate(&mask_secrets(id), MAX_REFERENCE)));
    let status = subject.status.as_deref().map(|status| format!("  {}", truncate(status, 18)));
    let money = subject.money.as_ref().map(|money| format!("  {}", truncate(&money.to_string(), 60)));
    let rest = [own_id, Some(format!("  {}", subject.class.label())), status, money];
    format!("{reference}{}", rest.into_iter().flatten().collect::<String>())
}

/// Formats a round as one line.
pub fn round_row(round: &RoundSummary) -> String {
    let mut parts = vec![count(round.references, "reference")];
    if round.left_alone > 0 {
        parts.push(format!("{} too young", round.left_alone));
    }
    if round.unread_rows > 0 {
        parts.push(format!("{} could not be read", count(round.unread_rows, "row")));
    }
    parts.push(count(round.gauges.open_differences, "open difference"));
    if round.gauges.given_up > 0 {
        parts.push(format!("{} given up", round.gauges.given_up));
    }
    let DeliveryCounts { accepted, refused, unsent, unsure } = round.deliveries;
    for (number, what) in [
        (accepted, "delivered"),
        (refused, "refused by the app"),
        (unsent, "not sent"),
        (unsure, "unsure"),
        (round.postponed, "postponed"),
        (round.repaired, "repaired"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    let took = super::text::duration(round.took.unsigned_abs());
    match &round.failure {
        Some(why) => {
            let why = truncate(&mask_secrets(why), MAX_SENTENCE);
            format!("round {}: nothing concluded after {took}: {why}", round.number)
        }
        None => format!("round {}: {} in {took}", round.number, parts.join(", ")),
    }
}

/// Writes a `whtool.watch_change/1` record.
pub fn change_record(change: &Change) -> Vec<u8> {
    line(&change_json(change))
}

fn change_json(change: &Change) -> Value {
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| drop(record.insert(name.to_owned(), value));
    put("schema", json!("whtool.watch_change/1"));
    put("number", json!(change.number));
    put("at", json!(change.at.to_string()));
    put("change", json!(change.kind.code()));
    if let Some(subject) = change.kind.subject() {
        let money =
            subject.money.as_ref().map(|money| json!({"minor": money.minor.to_string(), "currency": money.currency}));
        put("provider", json!(subject.reference.provider));
        put("reference", json!(subject.reference.reference));
        put("order", json!(subject.own_id));
        put("class", json!(subject.class.code()));
        put("status", json!(subject.status));
        put("money", json!(money));
        put("firstSeen", json!(subject.first_seen.to_string()));
    }
    match &change.kind {
        ChangeKind::ClassChanged { was, .. } => put("was", json!(was.code())),
        ChangeKind::Repaired { by, .. } => put("by", json!(by.code())),
        ChangeKind::DeliveryFailed { outcome, .. } => put("outcome", json!(outcome.code())),
        ChangeKind::TroubleBegan { trouble, .. } => put("trouble", json!(trouble.code())),
        ChangeKind::TroubleEnded { trouble, began } => {
            put("trouble", json!(trouble.code()));
            put("began", json!(began.to_string()));
        }
        _ => {}
    }
    let (_, why) = describe(&change.kind);
    put("why", json!(why));
    Value::Object(record)
}

/// Writes a `whtool.watch_delivery/1` record.
pub fn delivery_record(delivery: &Delivery) -> Vec<u8> {
    let answer = match &delivery.outcome {
        DeliveryOutcome::Accepted { answer } | DeliveryOutcome::Refused { answer } => Some(*answer),
        _ => None,
    };
    let why = match &delivery.outcome {
        DeliveryOutcome::Unsent { reason } | DeliveryOutcome::Unsure { reason } => Some(mask_secrets(reason)),
        _ => None,
    };
    line(&json!({
        "schema": "whtool.watch_delivery/1", "at": delivery.at.to_string(), "provider": delivery.key.provider,
        "reference": delivery.subject.reference, "record": delivery.key.reference, "status": delivery.key.status,
        "outcome": delivery.outcome.code(), "answer": answer, "why": why, "attempt": delivery.attempts,
        "rebuilt": delivery.is_rebuilt,
    }))
}

/// Writes a `whtool.watch_round/1` record.
pub fn round_record(round: &RoundSummary) -> Vec<u8> {
    let classes: Map<_, _> =
        round.gauges.classes.iter().map(|(class, count)| (class.code().to_owned(), json!(count))).collect();
    let DeliveryCounts { accepted, refused, unsent, unsure } = round.deliveries;
    let troubles: Vec<_> = round.gauges.troubles.iter().map(|trouble| trouble.code()).collect();
    line(&json!({
        "schema": "whtool.watch_round/1", "round": round.number, "started": round.started.to_string(),
        "tookMs": round.took.as_millis(), "complete": round.failure.is_none(),
        "why": round.failure.as_deref().map(mask_secrets), "references": round.references, "classes": classes,
        "leftAlone": round.left_alone, "badLines": round.unread_rows,
        "differences": {"open": round.gauges.open_differences, "givenUp": round.gauges.given_up,
            "oldest": round.gauges.oldest.map(|oldest| oldest.to_string())},
        "deliveries": {"accepted": accepted, "refused": refused, "unsent": unsent, "unsure": unsure,
            "postponed": round.postponed},
        "repaired": round.repaired, "troubles": troubles, "unsentAlerts": round.gauges.unsent_alerts,
    }))
}

/// Writes a `whtool.watch_alert/1` record about changes. `text` is what chat services show.
pub fn alert(changes: &[&Change]) -> Vec<u8> {
    let shown = changes.iter().take(MAX_ALERT_LINES).map(|change| {
        let (what, why) = describe(&change.kind);
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        format!("{}: {what}{why}", label(&change.kind))
    });
    let mut lines: Vec<_> = shown.collect();
    let rest = changes.len().saturating_sub(MAX_ALERT_LINES);
    if rest > 0 {
        lines.push(format!("and {}", count(rest as u64, "more change")));
    }
    let ends = changes.first().zip(changes.last());
    let id = ends.map(|(first, last)| format!("{}-{}", first.number, last.number)).unwrap_or_default();
    line(&json!({
        "schema": "whtool.watch_alert/1", "id": id, "text": format!("whtool watch: {}", lines.join("\n")),
        "changes": changes.iter().map(|change| change_json(change)).collect::<Vec<_>>(),
    }))
}

/// Changes that the text of an alert names.
const MAX_ALERT_LINES: usize = 20;

/// Writes metrics in the text format of Prometheus
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
pub fn metrics(counts: &WatchCounts, gauges: &WatchGauges, last_success: Option<Timestamp>, now: Timestamp) -> String {
    let mut page = MetricsPage(String::new());
    page.start("whtool_build_info", "gauge", "Version of whtool.");
    page.sample("whtool_build_info", &format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1);
    page.start("whtool_watch_references", "gauge", "References of the last complete round by class.");
    for (class, count) in &gauges.classes {
        page.sample("whtool_watch_references", &format!("{{class=\"{}\"}}", class.code()), count);
    }
    page.single("whtool_watch_open_differences", "gauge", "Open differences.", gauges.open_differences);
    page.single(
        "whtool_watch_given_up_differences",
        "gauge",
        "Open differences for which nothing more is delivered.",
        gauges.given_up,
    );
    let age = gauges.oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs().max(0));
    page.single("whtool_watch_oldest_difference_seconds", "gauge", "Age of the oldest open difference.", age);
    page.start("whtool_watch_trouble", "gauge", "1 while something keeps rounds from being complete or useful.");
    for trouble in Trouble::ALL {
        let is_on = u8::from(gauges.troubles.contains(&trouble));
        page.sample("whtool_watch_trouble", &format!("{{kind=\"{}\"}}", trouble.code()), is_on);
    }
    page.single(
        "whtool_watch_alerts_waiting",
        "gauge",
        "Changes that no alert has reported yet.",
        gauges.unsent_alerts,
    );
    let success = last_success.map_or(0, Timestamp::as_second);
    page.single(
        "whtool_watch_last_success_timestamp_seconds",
        "gauge",
        "End of the last complete round; 0 if there was none since the start.",
        success,
    );
    page.start("whtool_watch_rounds_total", "counter", "Rounds by outcome.");
    for (outcome, rounds) in [("complete", counts.complete_rounds), ("failed", counts.failed_rounds)] {
        page.sample("whtool_watch_rounds_total", &format!("{{outcome=\"{outcome}\"}}"), rounds);
    }
    page.single("whtool_watch_lookups_total", "counter", "References that were looked up.", counts.lookups);
    page.start("whtool_watch_deliveries_total", "counter", "Deliveries to the app by outcome.");
    let DeliveryCounts { accepted, refused, unsent, unsure } = counts.deliveries;
    for (outcome, deliveries) in [("accepted", accepted), ("refused", refused), ("unsent", unsent), ("unsure", unsure)]
    {
        page.sample("whtool_watch_deliveries_total", &format!("{{outcome=\"{outcome}\"}}"), deliveries);
    }
    page.single("whtool_watch_repaired_total", "counter", "Differences whose orders agree again.", counts.repaired);
    page.single("whtool_watch_alert_failures_total", "counter", "Alerts that could not be sent.", counts.failed_alerts);
    page.0
}

struct MetricsPage(String);

impl MetricsPage {
    fn start(&mut self, name: &str, kind: &str, help: &str) {
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        self.0.push_str(&format!("{name}{labels} {value}\n"));
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.start(name, kind, help);
        self.sample(name, "", value);
    }
}

/// Says why `/healthz` is not well.
pub fn unhealthy(failure: Option<&str>, last_success: Option<Timestamp>, now: Timestamp) -> String {
    let since = last_success.map_or("no round was complete since the start".to_owned(), |last| {
        format!("the last complete round ended {} ago", format_duration(now.duration_since(last)))
    });
    match failure {
        Some(why) => format!("the last round failed: {}; {since}\n", truncate(&mask_secrets(why), MAX_SENTENCE)),
        None => format!("a round is overdue; {since}\n"),
    }
}
