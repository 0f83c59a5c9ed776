use super::drift::{DriftKind, compare};
use super::retries::RetrySchedule;
use super::types::{TypeLanguage, model};
use super::*;
use crate::model::message::Headers;
use serde_json::json;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn request(body: &Value, headers: &[(&str, &str)]) -> Request {
    let mut lines = Headers::new();
    headers.iter().for_each(|(name, value)| lines.push(name, value.as_bytes()).unwrap());
    Request { headers: lines, ..Request::post("/", body.to_string().into_bytes()) }
}

fn plustive() -> &'static dyn Provider {
    provider::by_name("plustive").unwrap()
}

/// Facts of these payloads and signature headers.
fn learn(events: &[(Value, &str)]) -> LearnedFacts {
    let mut facts = LearnedFacts::default();
    for (second, (body, signature)) in (0..).zip(events) {
        let request = request(body, &[("X-Plustive-Signature", signature), ("Content-Type", "application/json")]);
        let event = ObservedEvent { kind: body["event"].as_str(), status: body["status"].as_str() };
        assert!(facts.add(plustive(), &request, &event, at(second)));
    }
    facts
}

fn purchase(status: &str) -> Value {
    json!({"event": "transaction.success", "reference": "PLS-GTI064ET6F", "clientReference": "order-1", "status": status,
        "service": "Data", "amount": 27000, "mobileNumber": "08030000000", "completedAt": "2026-06-12T10:14:05Z"})
}

#[test]
fn each_contradiction_is_answered_by_what_arrived_with_counts_and_times() {
    let mut guide = purchase("Refunded");
    guide.as_object_mut().unwrap().insert("token".into(), "1234-5678-9012-3456".into());
    let facts = learn(&[(purchase("Success"), "sha256=aa"), (guide, "AA"), (purchase("Success"), "sha256=bb")]);
    let answers = &facts.0["plustive"].answers;
    let forms: Vec<_> = answers["signature_form"].iter().map(|(form, tally)| (form.as_str(), tally.count)).collect();
    assert_eq!(forms, [("bare hex, upper case", 1), ("sha256=HEX", 2)]);
    assert_eq!(answers["signature_form"]["sha256=HEX"], Tally { count: 2, first: at(0), last: at(2) });
    assert_eq!(answers["token_form"].keys().collect::<Vec<_>>(), ["16 digits in 4 groups"]);
    assert_eq!(answers["reference_length"].keys().collect::<Vec<_>>(), ["PLS- and 10 characters"]);
    assert_eq!(answers["client_reference"].keys().collect::<Vec<_>>(), ["string"]);
    assert_eq!(answers["user_agent"].keys().collect::<Vec<_>>(), ["no such header"]);
}

#[test]
fn facts_contain_no_value_of_a_customer() {
    let mut body = purchase("Success");
    body["customer"] = json!({"name": "Ana Silva", "email": "ana@example.org"});
    let text = serde_json::to_string(&learn(&[(body, "sha256=aa")])).unwrap();
    for value in ["Ana", "ana@", "08030000000", "27000", "GTI064", "order-1"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
}

#[test]
fn drift_names_new_vanished_and_changed_fields_unknown_events_statuses_and_forms() {
    let before = learn(&[(purchase("Success"), "sha256=aa"), (purchase("Failed"), "sha256=aa")]);
    assert_eq!(compare(&before, &before), []);
    let mut changed = purchase("Reversed");
    let fields = changed.as_object_mut().unwrap();
    fields.insert("amount".into(), "270.00".into());
    fields.insert("fee".into(), 5.into());
    fields.shift_remove("mobileNumber");
    let mut unknown = purchase("Success");
    unknown["event"] = "transaction.reversed".into();
    let found = compare(&before, &learn(&[(changed, "aa"), (unknown, "sha256=aa")]));
    let found: Vec<_> = found.iter().map(|drift| (drift.kind, drift.subject.as_str())).collect();
    let expected = [
        (DriftKind::UnknownEvent, "transaction.reversed"),
        (DriftKind::UnknownStatus, "Reversed"),
        (DriftKind::NewField, "fee"),
        (DriftKind::VanishedField, "mobileNumber"),
        (DriftKind::OtherType, "amount"),
        (DriftKind::OtherForm, "amount_type"),
        (DriftKind::OtherForm, "signature_form"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_field_that_is_missing_sometimes_is_optional_and_one_that_was_optional_is_no_drift() {
    let mut short = purchase("Success");
    short.as_object_mut().unwrap().shift_remove("clientReference");
    let before = learn(&[(purchase("Success"), "sha256=aa")]);
    let now = learn(&[(purchase("Success"), "sha256=aa"), (short, "sha256=aa")]);
    let found = compare(&before, &now);
    let kinds: Vec<_> = found.iter().map(|drift| (drift.kind, drift.subject.as_str())).collect();
    // The answer to the question about clientReference follows from the mix of events.
    assert_eq!(kinds, [(DriftKind::OptionalField, "clientReference")]);
    assert_eq!(compare(&now, &before), []);
}

#[test]
fn retries_are_measured_until_the_event_is_accepted() {
    let mut schedule = RetrySchedule::default();
    for (key, second, was_accepted) in
        [("a", 0, false), ("b", 1, false), ("a", 10, false), ("b", 13, true), ("a", 70, true), ("b", 99, true)]
    {
        schedule.add(key, at(second), was_accepted);
    }
    schedule.add("c", at(5), false);
    let pauses: Vec<_> = schedule
        .pauses()
        .iter()
        .map(|pause| (pause.repeat, pause.count, pause.shortest.as_secs(), pause.longest.as_secs()))
        .collect();
    assert_eq!(pauses, [(1, 2, 10, 12), (2, 1, 60, 60)]);
    assert_eq!(schedule.abandoned().into_iter().collect::<Vec<_>>(), [(1, 1)]);
    assert_eq!(schedule.duplicates(), 1);
}

#[test]
fn a_field_is_required_only_if_every_capture_and_every_sample_has_it() {
    let mut body = purchase("Success");
    body.as_object_mut().unwrap().shift_remove("service");
    body["extra"] = json!(true);
    let events = model(&learn(&[(body, "sha256=aa")]), &[plustive()]);
    let text = TypeLanguage::TypeScript.write(&events);
    for line in
        ["  reference: string;", "  service?: string;", "  extra?: boolean;", "  event: \"transaction.success\";"]
    {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn names_that_a_language_reserves_or_cannot_spell_are_renamed_or_quoted() {
    let mut body = purchase("Success");
    for name in ["class", "model_name", "a-b", "a_b", "1st", "with\"quote", "*/", "`"] {
        body[name] = json!("x");
    }
    let events = model(&learn(&[(body, "sha256=aa")]), &[plustive()]);
    let python = TypeLanguage::Pydantic.write(&events);
    for line in ["class_: Optional[str] = Field(default=None, alias=\"class\")", "model_name_:", "field_1st:"] {
        assert!(python.contains(line), "{line}\n{python}");
    }
    assert!(TypeLanguage::TypeScript.write(&events).contains("\"a-b\"?: string;"));
    assert!(TypeLanguage::Go.write(&events).contains("`json:\"a-b,omitempty\"`"));
}
