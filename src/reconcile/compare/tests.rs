//! One test for each way in which the three sides can disagree, and for what is no disagreement.

use super::*;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, AppState};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use crate::provider;
use serde_json::{Value, json};

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
    let entry = DeliverySummary {
        id: "3kq".to_owned(),
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
    ReferenceMatch { summary: entry, key: None }
}

fn cve(status: &str) -> ReferenceMatch {
    webhook(status, 10_000, "CVE")
}

fn refused(mut told: ReferenceMatch) -> ReferenceMatch {
    told.summary.verdict = VerdictCode::Mismatch;
    told.summary.answer = AnswerState::Answered(Status(401));
    told
}

fn answered(mut told: ReferenceMatch, app: u16) -> ReferenceMatch {
    told.summary.app = AppState::from_code(Some(app));
    told
}

fn order(status: &str, minor: Option<i128>, currency: &str) -> Order {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Order { status: text(status), minor, currency: text(currency), ..Order::for_reference("pi_1") }
}

fn nothing() -> Order {
    Order::for_reference("pi_1")
}

fn class_of(asked: &Lookup, order: &Order, told: &[ReferenceMatch]) -> Class {
    let webhooks = Webhooks { deliveries: told.to_vec(), conflicting_key: None };
    compare(plexos(), order, asked, Some(&webhooks)).class()
}

#[test]
fn what_everybody_says_alike_is_agreed() {
    let order = order("paid", Some(10_000), "cve");
    assert_eq!(class_of(&payment("DEBITED"), &order, &[cve("CREATED"), cve("DEBITED")]), Class::SettledAgreed);
    assert_eq!(class_of(&payment("FAILED"), &nothing(), &[cve("FAILED")]), Class::SettledAgreed);
    assert_eq!(compare(plexos(), &nothing(), &payment("DEBITED"), None).class(), Class::SettledAgreed);
}

#[test]
fn a_webhook_that_is_merely_behind_is_agreed() {
    assert_eq!(class_of(&payment("SETTLED"), &nothing(), &[cve("DEBITED")]), Class::SettledAgreed);
}

#[test]
fn what_has_not_ended_is_open_whether_a_webhook_came_or_not() {
    for told in [&[][..], &[cve("CREATED")], &[refused(cve("DEBITED"))]] {
        assert_eq!(class_of(&payment("USER_CONFIRMING"), &order("pending", None, ""), told), Class::StillOpen);
    }
}

#[test]
fn an_end_that_no_webhook_told_was_never_delivered() {
    for told in [&[][..], &[cve("CREATED")]] {
        assert_eq!(class_of(&payment("DEBITED"), &nothing(), told), Class::NeverDelivered);
    }
    // The order could not know: that is no second difference.
    let assessment = compare(plexos(), &order("open", None, ""), &payment("DEBITED"), Some(&Webhooks::default()));
    assert_eq!(assessment.findings.len(), 1);
    assert_eq!(assessment.findings[0].why, "no payment.debited was captured");
}

#[test]
fn a_refused_webhook_is_not_a_missing_one() {
    assert_eq!(class_of(&payment("DEBITED"), &nothing(), &[refused(cve("DEBITED"))]), Class::DeliveredRefused);
    assert_eq!(
        class_of(&payment("DEBITED"), &nothing(), &[refused(cve("DEBITED")), cve("DEBITED")]),
        Class::SettledAgreed
    );
}

#[test]
fn a_refused_webhook_is_not_believed() {
    assert_eq!(class_of(&payment("DEBITED"), &nothing(), &[refused(cve("FAILED"))]), Class::NeverDelivered);
    assert_eq!(class_of(&payment("CREATED"), &nothing(), &[refused(webhook("DEBITED", 1, "USD"))]), Class::StillOpen);
}

#[test]
fn what_the_app_answered_with_anything_but_2xx_it_did_not_take() {
    for app in [0, 302, 404, 500] {
        assert_eq!(class_of(&payment("DEBITED"), &nothing(), &[answered(cve("DEBITED"), app)]), Class::AppDidNotTake);
    }
    let again = [answered(cve("DEBITED"), 500), answered(cve("DEBITED"), 204)];
    assert_eq!(class_of(&payment("DEBITED"), &nothing(), &again), Class::SettledAgreed);
}

#[test]
fn an_end_that_excludes_the_recorded_one_is_a_difference() {
    for (told, recorded) in
        [("DEBITED", "FAILED"), ("EXPIRED", "DEBITED"), ("DEBITED", "CREATED"), ("SETTLED", "DEBITED")]
    {
        assert_eq!(class_of(&payment(recorded), &nothing(), &[cve(told)]), Class::StatusDiffers, "{told} {recorded}");
    }
}

#[test]
fn an_order_that_says_another_end_is_a_difference() {
    let told = [cve("DEBITED")];
    for word in ["failed", "canceled", "REFUNDED", "open", "SETTLED"] {
        assert_eq!(class_of(&payment("DEBITED"), &order(word, None, ""), &told), Class::StatusDiffers, "{word}");
    }
    assert_eq!(class_of(&payment("CREATED"), &order("paid", None, ""), &[]), Class::StatusDiffers);
}

#[test]
fn a_refund_of_a_payment_is_told_by_the_refund() {
    assert_eq!(class_of(&payment("REFUNDED"), &nothing(), &[cve("SETTLED")]), Class::SettledAgreed);
    assert_eq!(class_of(&payment("REFUNDED"), &nothing(), &[]), Class::NeverDelivered);
    assert_eq!(class_of(&payment("REFUNDED"), &order("paid", None, ""), &[cve("SETTLED")]), Class::StatusDiffers);
}

#[test]
fn a_refund_at_plustive_has_a_webhook_of_its_own() {
    let class = |told: &[ReferenceMatch]| {
        let webhooks = Webhooks { deliveries: told.to_vec(), conflicting_key: None };
        compare(plustive(), &nothing(), &transaction("Data", "Refunded"), Some(&webhooks)).class()
    };
    let success = webhook("Success", 27_000, "NGN");
    assert_eq!(class(std::slice::from_ref(&success)), Class::NeverDelivered);
    assert_eq!(class(&[success, webhook("Refunded", 27_000, "NGN")]), Class::SettledAgreed);
}

#[test]
fn another_amount_or_currency_is_a_difference() {
    let told = [cve("DEBITED")];
    assert_eq!(class_of(&payment("DEBITED"), &order("", Some(9_999), ""), &told), Class::AmountDiffers);
    assert_eq!(class_of(&payment("DEBITED"), &order("", Some(10_000), "AOA"), &told), Class::CurrencyDiffers);
    assert_eq!(class_of(&payment("DEBITED"), &order("", None, "AOA"), &told), Class::CurrencyDiffers);
    assert_eq!(class_of(&payment("DEBITED"), &nothing(), &[webhook("DEBITED", 1_000, "CVE")]), Class::AmountDiffers);
    assert_eq!(class_of(&payment("DEBITED"), &nothing(), &[webhook("DEBITED", 10_000, "AOA")]), Class::CurrencyDiffers);
}

#[test]
fn the_charge_for_airtime_and_electricity_is_not_compared_and_that_for_data_is() {
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
    let judged = compare(plustive(), &nothing(), &found(plustive(), body), Some(&Webhooks::default()));
    assert_eq!(judged.class(), Class::SettledAgreed);
}

#[test]
fn no_record_and_no_answer_are_told_apart() {
    assert_eq!(class_of(&Lookup::NotFound, &nothing(), &[]), Class::UnknownToProvider);
    let not_told = Lookup::Failed("the answer is empty".to_owned());
    assert_eq!(class_of(&not_told, &nothing(), &[]), Class::CouldNotTell);
}

#[test]
fn an_unknown_status_is_said_and_not_guessed_at() {
    let assessment = compare(plexos(), &nothing(), &payment("FROZEN"), None);
    assert_eq!((assessment.class(), assessment.findings[0].why.contains("FROZEN")), (Class::CouldNotTell, true));
    let assessment = compare(plexos(), &order("shipped", None, ""), &payment("DEBITED"), None);
    assert_eq!(
        (assessment.class(), assessment.unrecognized_status.as_deref()),
        (Class::SettledAgreed, Some("shipped"))
    );
}

#[test]
fn two_bodies_under_one_id_are_said_before_what_else_is_wrong() {
    let webhooks = Webhooks { deliveries: vec![cve("FAILED")], conflicting_key: Some("evt_1".to_owned()) };
    let assessment = compare(plexos(), &nothing(), &payment("DEBITED"), Some(&webhooks));
    let classes: Vec<_> = assessment.findings.iter().map(|finding| finding.class).collect();
    assert_eq!(classes[..2], [Class::TwoBodies, Class::StatusDiffers]);
}
