//! One test for each way in which order, webhooks and record can disagree, and for what is not a
//! difference.

use super::super::compare as compare_with;
use super::{Assessment, Class, CompareRules, Lookup, MissedOutcome, Order, Webhooks};
use crate::model::money::Money;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, AppState, CaptureId, DeliverySummary, ReferenceMatch};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use crate::provider::{self, Provider};
use crate::reconcile::status_words::StatusWords;
use serde_json::{Value, json};

fn compare(provider: &dyn Provider, order: &Order, lookup: &Lookup, webhooks: Option<&Webhooks>) -> Assessment {
    compare_with(provider, order, lookup, webhooks, &CompareRules::default())
}

fn plexos() -> &'static dyn Provider {
    provider::by_name("plexos").unwrap()
}

fn plustive() -> &'static dyn Provider {
    provider::by_name("plustive").unwrap()
}

fn found(provider: &dyn Provider, body: Value) -> Lookup {
    Lookup::Found(Box::new(provider.parse_record(&body).unwrap()))
}

fn payment(status: &str) -> Lookup {
    found(plexos(), json!({"id": "pi_1", "amount": "10000", "currency": "CVE", "status": status}))
}

fn transaction(service: &str, status: &str) -> Lookup {
    let times = ["2026-06-12T10:14:00Z", "2026-06-12T10:14:05Z"];
    found(
        plustive(),
        json!({"reference": "PLS-1", "service": service, "status": status, "priceCharged": 27000,
            "createdOn": times[0], "completedOn": times[1]}),
    )
}

fn webhook(status: &str, minor: i128, currency: &str) -> ReferenceMatch {
    let summary = DeliverySummary {
        omitted_body: None,
        id: CaptureId(3),
        is_test: false,
        arrived: Timestamp::UNIX_EPOCH,
        peer: None,
        provider: None,
        verdict: VerdictCode::Verified,
        secret: None,
        kind: Some("some.type".to_owned()),
        event_id: Some("evt_1".to_owned()),
        subject: Some("pi_1".to_owned()),
        status: Some(status.to_owned()),
        money: Some(Money { minor, currency: currency.to_owned() }),
        answer: AnswerState::Answered(Status(200)),
        app: AppState::NotAsked,
        size: 1,
    };
    ReferenceMatch { summary, key: None }
}

fn cve(status: &str) -> ReferenceMatch {
    webhook(status, 10_000, "CVE")
}

fn refused(mut delivery: ReferenceMatch) -> ReferenceMatch {
    delivery.summary.verdict = VerdictCode::Mismatch;
    delivery.summary.answer = AnswerState::Answered(Status(401));
    delivery
}

fn answered(mut delivery: ReferenceMatch, app: u16) -> ReferenceMatch {
    delivery.summary.app = AppState::from_code(Some(app));
    delivery
}

fn order(status: &str, minor: Option<i128>, currency: &str) -> Order {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Order { status: text(status), minor, currency: text(currency), ..Order::for_reference("pi_1") }
}

fn bare_order() -> Order {
    Order::for_reference("pi_1")
}

fn class_of(lookup: &Lookup, order: &Order, deliveries: &[ReferenceMatch]) -> Class {
    let webhooks = Webhooks { deliveries: deliveries.to_vec(), conflicting_key: None };
    compare(plexos(), order, lookup, Some(&webhooks)).class()
}

#[test]
fn agreement_on_all_sides_is_a_match() {
    let order = order("paid", Some(10_000), "cve");
    assert_eq!(class_of(&payment("DEBITED"), &order, &[cve("CREATED"), cve("DEBITED")]), Class::SettledAgreed);
    assert_eq!(class_of(&payment("FAILED"), &bare_order(), &[cve("FAILED")]), Class::SettledAgreed);
    assert_eq!(compare(plexos(), &bare_order(), &payment("DEBITED"), None).class(), Class::SettledAgreed);
}

#[test]
fn a_webhook_that_is_merely_late_is_a_match() {
    assert_eq!(class_of(&payment("SETTLED"), &bare_order(), &[cve("DEBITED")]), Class::SettledAgreed);
}

#[test]
fn an_open_record_stays_open_with_or_without_webhooks() {
    for webhooks in [&[][..], &[cve("CREATED")], &[refused(cve("DEBITED"))]] {
        assert_eq!(class_of(&payment("USER_CONFIRMING"), &order("pending", None, ""), webhooks), Class::StillOpen);
    }
}

#[test]
fn an_outcome_that_no_webhook_reports_was_never_delivered() {
    for webhooks in [&[][..], &[cve("CREATED")]] {
        assert_eq!(class_of(&payment("DEBITED"), &bare_order(), webhooks), Class::NeverDelivered);
    }
    let assessment = compare(plexos(), &bare_order(), &payment("DEBITED"), Some(&Webhooks::default()));
    assert_eq!(assessment.findings[0].reason, "no payment.debited was captured");
    assert_eq!(assessment.missed, Some(MissedOutcome::Uncaptured));
}

#[test]
fn a_refused_webhook_is_not_a_missing_one() {
    assert_eq!(class_of(&payment("DEBITED"), &bare_order(), &[refused(cve("DEBITED"))]), Class::DeliveredRefused);
    assert_eq!(
        class_of(&payment("DEBITED"), &bare_order(), &[refused(cve("DEBITED")), cve("DEBITED")]),
        Class::SettledAgreed
    );
}

#[test]
fn the_claims_of_a_refused_webhook_are_ignored() {
    assert_eq!(class_of(&payment("DEBITED"), &bare_order(), &[refused(cve("FAILED"))]), Class::NeverDelivered);
    assert_eq!(
        class_of(&payment("CREATED"), &bare_order(), &[refused(webhook("DEBITED", 1, "USD"))]),
        Class::StillOpen
    );
}

#[test]
fn any_answer_of_the_app_but_2xx_is_a_rejection() {
    for app in [0, 302, 404, 500] {
        assert_eq!(
            class_of(&payment("DEBITED"), &bare_order(), &[answered(cve("DEBITED"), app)]),
            Class::AppDidNotTake
        );
    }
    let again = [answered(cve("DEBITED"), 500), answered(cve("DEBITED"), 204)];
    assert_eq!(class_of(&payment("DEBITED"), &bare_order(), &again), Class::SettledAgreed);
}

#[test]
fn a_verified_webhook_that_whtool_itself_answered_with_503_was_not_accepted() {
    for answer in [AnswerState::Answered(Status(503)), AnswerState::Pending] {
        let mut delivery = cve("DEBITED");
        delivery.summary.answer = answer;
        assert_eq!(class_of(&payment("DEBITED"), &bare_order(), &[delivery]), Class::AppDidNotTake);
    }
}

#[test]
fn a_webhook_that_contradicts_the_record_is_a_difference() {
    for (webhook, recorded) in
        [("DEBITED", "FAILED"), ("EXPIRED", "DEBITED"), ("DEBITED", "CREATED"), ("SETTLED", "DEBITED")]
    {
        assert_eq!(
            class_of(&payment(recorded), &bare_order(), &[cve(webhook)]),
            Class::StatusDiffers,
            "{webhook} {recorded}"
        );
    }
}

#[test]
fn an_order_that_contradicts_the_record_is_a_difference() {
    let webhooks = [cve("DEBITED")];
    for word in ["failed", "canceled", "REFUNDED", "SETTLED"] {
        assert_eq!(class_of(&payment("DEBITED"), &order(word, None, ""), &webhooks), Class::StatusDiffers, "{word}");
    }
    assert_eq!(class_of(&payment("CREATED"), &order("paid", None, ""), &[]), Class::StatusDiffers);
}

#[test]
fn a_refunded_payment_is_reported_by_its_refund() {
    assert_eq!(class_of(&payment("REFUNDED"), &bare_order(), &[cve("SETTLED")]), Class::SettledAgreed);
    assert_eq!(class_of(&payment("REFUNDED"), &bare_order(), &[]), Class::NeverDelivered);
    assert_eq!(class_of(&payment("REFUNDED"), &order("paid", None, ""), &[cve("SETTLED")]), Class::StatusDiffers);
}

#[test]
fn a_refund_at_plustive_has_its_own_webhook() {
    let class = |deliveries: &[ReferenceMatch]| {
        let webhooks = Webhooks { deliveries: deliveries.to_vec(), conflicting_key: None };
        compare(plustive(), &bare_order(), &transaction("Data", "Refunded"), Some(&webhooks)).class()
    };
    let success = webhook("Success", 27_000, "NGN");
    assert_eq!(class(std::slice::from_ref(&success)), Class::NeverDelivered);
    assert_eq!(class(&[success, webhook("Refunded", 27_000, "NGN")]), Class::SettledAgreed);
}

#[test]
fn a_different_amount_or_currency_is_a_difference() {
    let webhooks = [cve("DEBITED")];
    assert_eq!(class_of(&payment("DEBITED"), &order("", Some(9_999), ""), &webhooks), Class::AmountDiffers);
    assert_eq!(class_of(&payment("DEBITED"), &order("", Some(10_000), "AOA"), &webhooks), Class::CurrencyDiffers);
    assert_eq!(class_of(&payment("DEBITED"), &order("", None, "AOA"), &webhooks), Class::CurrencyDiffers);
    assert_eq!(class_of(&payment("DEBITED"), &bare_order(), &[webhook("DEBITED", 1_000, "CVE")]), Class::AmountDiffers);
    assert_eq!(
        class_of(&payment("DEBITED"), &bare_order(), &[webhook("DEBITED", 10_000, "AOA")]),
        Class::CurrencyDiffers
    );
}

#[test]
fn charges_are_compared_for_data_but_not_for_airtime_and_electricity() {
    let class = |service: &str| {
        let webhooks = Webhooks { deliveries: vec![webhook("Success", 28_000, "NGN")], conflicting_key: None };
        let order = order("", Some(28_000), "NGN");
        compare(plustive(), &order, &transaction(service, "Success"), Some(&webhooks)).class()
    };
    assert_eq!([class("Airtime"), class("Electricity")], [Class::SettledAgreed; 2]);
    assert_eq!(class("Data"), Class::AmountDiffers);
}

#[test]
fn a_purchase_that_ended_at_once_may_have_no_webhook() {
    let time = "2026-06-12T10:14:00Z";
    let body = json!({"reference": "PLS-1", "status": "Success", "createdOn": time, "completedOn": time});
    let assessment = compare(plustive(), &bare_order(), &found(plustive(), body), Some(&Webhooks::default()));
    assert_eq!(assessment.class(), Class::SettledAgreed);
}

#[test]
fn no_record_and_no_answer_are_different_classes() {
    assert_eq!(class_of(&Lookup::NotFound, &bare_order(), &[]), Class::UnknownToProvider);
    let failed = Lookup::Failed("the answer is empty".to_owned());
    assert_eq!(class_of(&failed, &bare_order(), &[]), Class::CouldNotTell);
}

#[test]
fn an_unknown_status_is_reported_and_not_guessed() {
    let assessment = compare(plexos(), &bare_order(), &payment("FROZEN"), None);
    assert_eq!((assessment.class(), assessment.findings[0].reason.contains("FROZEN")), (Class::CouldNotTell, true));
    let assessment = compare(plexos(), &order("shipped", None, ""), &payment("DEBITED"), None);
    assert_eq!((assessment.class(), assessment.unrecognized_status.as_deref()), (Class::CouldNotTell, Some("shipped")));
    assert!(!assessment.is_complete);
}

#[test]
fn a_part_that_was_not_compared_is_no_agreement_and_hides_no_difference() {
    let mut unreadable = order("paid", None, "");
    unreadable.problems.push("the amount `1.00.0` can't be read".to_owned());
    let assessment = compare(plexos(), &unreadable, &payment("DEBITED"), None);
    assert_eq!((assessment.class(), assessment.is_complete), (Class::CouldNotTell, false));
    let assessment = compare(plexos(), &order("shipped", Some(1), "CVE"), &payment("DEBITED"), None);
    assert_eq!((assessment.class(), assessment.is_complete), (Class::AmountDiffers, false));
    assert_eq!(assessment.notes, ["the order status `shipped` is unknown and was not compared"]);
    // An unknown word says nothing about the event.
    let assessment = compare(plexos(), &order("shipped", None, ""), &payment("DEBITED"), Some(&Webhooks::default()));
    assert_eq!((assessment.class(), assessment.missed), (Class::CouldNotTell, None));
}

#[test]
fn an_order_that_has_the_outcome_needs_no_webhook() {
    for webhooks in [None, Some(Webhooks::default())] {
        let assessment = compare(plexos(), &order("paid", None, ""), &payment("DEBITED"), webhooks.as_ref());
        assert_eq!((assessment.class(), assessment.missed), (Class::SettledAgreed, None));
        assert_eq!(assessment.notes, ["no webhook of this outcome was captured; the order has it"]);
    }
    for delivery in [refused(cve("DEBITED")), answered(cve("DEBITED"), 500), answered(cve("DEBITED"), 0)] {
        let webhooks = Webhooks { deliveries: vec![delivery], conflicting_key: None };
        let assessment = compare(plexos(), &order("paid", None, ""), &payment("DEBITED"), Some(&webhooks));
        assert_eq!((assessment.class(), assessment.missed, assessment.notes.len()), (Class::SettledAgreed, None, 1));
    }
}

#[test]
fn an_open_order_of_a_payment_that_ended_is_behind_with_or_without_captures() {
    let behind = |deliveries: Option<Vec<ReferenceMatch>>| {
        let webhooks = deliveries.map(|deliveries| Webhooks { deliveries, conflicting_key: None });
        let assessment = compare(plexos(), &order("pending", None, ""), &payment("DEBITED"), webhooks.as_ref());
        assert_eq!(assessment.findings[0].reason, "the order says pending, the record says DEBITED");
        (assessment.findings.iter().map(|finding| finding.class).collect::<Vec<_>>(), assessment.missed.unwrap())
    };
    let captured = MissedOutcome::Captured(CaptureId(3));
    for nothing in [None, Some(vec![]), Some(vec![cve("CREATED")])] {
        assert_eq!(behind(nothing), (vec![Class::OrderBehind], MissedOutcome::Uncaptured));
    }
    // The app confirmed it, or was not asked at all.
    assert_eq!(behind(Some(vec![cve("DEBITED")])), (vec![Class::OrderBehind], captured));
    let failed = behind(Some(vec![answered(cve("DEBITED"), 500)]));
    assert_eq!(failed, (vec![Class::OrderBehind, Class::AppDidNotTake], captured));
    let forged = behind(Some(vec![refused(cve("DEBITED"))]));
    assert_eq!(forged, (vec![Class::OrderBehind, Class::DeliveredRefused], MissedOutcome::Uncaptured));
}

#[test]
fn a_capture_that_contradicts_the_record_is_never_sent_again() {
    for delivery in [webhook("DEBITED", 1, "CVE"), webhook("DEBITED", 10_000, "AOA"), cve("FAILED")] {
        let webhooks = Webhooks { deliveries: vec![delivery], conflicting_key: None };
        let assessment = compare(plexos(), &order("pending", None, ""), &payment("DEBITED"), Some(&webhooks));
        assert_eq!(assessment.missed, Some(MissedOutcome::Uncaptured));
    }
}

#[test]
fn an_order_that_contradicts_the_record_gets_no_event() {
    for (word, recorded) in
        [("failed", "DEBITED"), ("refunded", "DEBITED"), ("paid", "CREATED"), ("canceled", "DEBITED")]
    {
        for webhooks in
            [Webhooks::default(), Webhooks { deliveries: vec![answered(cve(recorded), 500)], conflicting_key: None }]
        {
            let assessment = compare(plexos(), &order(word, None, ""), &payment(recorded), Some(&webhooks));
            assert_eq!((assessment.class(), assessment.missed), (Class::StatusDiffers, None), "{word}");
        }
    }
}

#[test]
fn an_order_at_an_earlier_stage_differs_and_gets_the_event_that_it_missed() {
    let refunded = transaction("Data", "Refunded");
    for (deliveries, missed) in [
        (vec![], MissedOutcome::Uncaptured),
        (vec![webhook("Success", 27_000, "NGN")], MissedOutcome::Uncaptured),
        (vec![webhook("Refunded", 27_000, "NGN")], MissedOutcome::Captured(CaptureId(3))),
    ] {
        let webhooks = Webhooks { deliveries, conflicting_key: None };
        let assessment = compare(plustive(), &order("paid", None, ""), &refunded, Some(&webhooks));
        assert_eq!((assessment.class(), assessment.missed), (Class::StatusDiffers, Some(missed)));
    }
}

#[test]
fn a_meaning_given_by_the_user_is_compared() {
    let words = StatusWords::from_args(&["fulfilled=paid".parse().unwrap()]);
    let rules = CompareRules { words, ..CompareRules::default() };
    let class = |status| compare_with(plexos(), &order("Fulfilled", None, ""), &payment(status), None, &rules).class();
    assert_eq!([class("DEBITED"), class("FAILED")], [Class::SettledAgreed, Class::StatusDiffers]);
}

#[test]
fn a_payment_that_is_open_for_too_long_is_stale() {
    let limit: Timestamp = "2026-06-12T10:00:00Z".parse().unwrap();
    let rules = CompareRules { stale_before: Some(limit), ..CompareRules::default() };
    let class = |status: &str, created: Option<&str>, ordered: Option<&str>| {
        let record =
            json!({"id": "pi_1", "amount": "10000", "currency": "CVE", "status": status, "createdAt": created});
        let order = Order { created: ordered.map(|time| time.parse().unwrap()), ..bare_order() };
        compare_with(plexos(), &order, &found(plexos(), record), None, &rules).class()
    };
    let (before, after) = (Some("2026-06-12T09:59:59Z"), Some("2026-06-12T10:00:00Z"));
    assert_eq!([class("CREATED", before, after), class("CREATED", None, before)], [Class::Stale; 2]);
    assert_eq!([class("CREATED", after, before), class("CREATED", None, after)], [Class::StillOpen; 2]);
    assert_eq!(class("CREATED", None, None), Class::CouldNotTell);
    assert_eq!(class("DEBITED", before, None), Class::SettledAgreed);
}

#[test]
fn conflicting_bodies_come_before_other_findings() {
    let webhooks = Webhooks { deliveries: vec![cve("FAILED")], conflicting_key: Some("evt_1".to_owned()) };
    let assessment = compare(plexos(), &bare_order(), &payment("DEBITED"), Some(&webhooks));
    let classes: Vec<_> = assessment.findings.iter().map(|finding| finding.class).collect();
    assert_eq!(classes[..2], [Class::TwoBodies, Class::StatusDiffers]);
}
