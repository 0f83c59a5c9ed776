use super::*;
use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use crate::provider;
use crate::reconcile::{CompareRules, Lookup, Order, compare};
use serde_json::json;

/// A payment of 100.00 CVE with this status, and an order.
fn reconciled(reference: &str, record: &str, status: &str, minor: Option<i128>) -> ReconciledReference {
    let provider = provider::by_name("plexos").unwrap();
    let body = json!({"id": reference, "amount": "10000", "currency": "CVE", "status": record});
    let lookup = Lookup::Found(Box::new(provider.parse_record(&body).unwrap()));
    let status = (!status.is_empty()).then(|| status.to_owned());
    let order = Order { status, minor, ..Order::for_reference(reference) };
    let assessment = compare(provider, &order, &lookup, None, &CompareRules::default());
    let Lookup::Found(record) = lookup else { unreachable!() };
    ReconciledReference {
        order,
        provider,
        record: Some(*record),
        webhooks: None,
        assessment,
        acceptance: Acceptance::Counted,
        replay: None,
        compared: Timestamp::UNIX_EPOCH,
    }
}

fn missing(reference: &str) -> ReconciledReference {
    let provider = provider::by_name("plexos").unwrap();
    let order = Order::for_reference(reference);
    let assessment = compare(provider, &order, &Lookup::NotFound, None, &CompareRules::default());
    ReconciledReference {
        order,
        provider,
        record: None,
        webhooks: None,
        assessment,
        acceptance: Acceptance::Counted,
        replay: None,
        compared: Timestamp::UNIX_EPOCH,
    }
}

fn known(text: &str) -> KnownDifferences {
    KnownDifferences::parse(text, &[], "2026-11-28").unwrap()
}

fn check(text: &str, found: &ReconciledReference) -> Acceptance {
    known(text).check(found)
}

fn keys(lines: &[&KnownLine]) -> Vec<String> {
    lines.iter().map(|line| line.to_string()).collect()
}

#[test]
fn a_difference_in_the_file_is_accepted_with_its_note() {
    let found = reconciled("pi_1", "DEBITED", "", Some(9_900));
    let accepted = Acceptance::Accepted("rounding, 2026-11-27".to_owned());
    assert_eq!(check("amount_differs pi_1 by=-100  # rounding, 2026-11-27\n", &found), accepted);
    assert_eq!(check("amount_differs pi_1 # rounding, 2026-11-27", &found), accepted);
    for other in ["", "# only a comment\n", "amount_differs pi_2\n", "status_differs pi_1\n"] {
        assert_eq!(check(other, &found), Acceptance::Counted, "{other}");
    }
}

#[test]
fn another_sum_or_another_outcome_is_news() {
    let news = |text, found: &ReconciledReference| match check(text, found) {
        Acceptance::Changed(reason) => reason,
        other => panic!("{other:?}"),
    };
    let found = reconciled("pi_1", "DEBITED", "", Some(9_800));
    assert_eq!(news("amount_differs pi_1 by=-100\n", &found), "accepted with by=-100, and now by=-200");
    let found = reconciled("pi_1", "REFUNDED", "expired", None);
    let reason = news("status_differs pi_1 order=expired record=succeeded\n", &found);
    assert_eq!(reason, "accepted with order=expired record=succeeded, and now order=expired record=refunded");
    // Debited and settled are one outcome.
    let found = reconciled("pi_1", "SETTLED", "failed", None);
    assert!(check("status_differs pi_1 order=failed record=succeeded\n", &found).is_accepted());
}

#[test]
fn every_finding_of_a_reference_has_to_be_accepted() {
    let found = reconciled("pi_1", "DEBITED", "failed", Some(1));
    let (status, amount) = ("status_differs pi_1 # a\n", "amount_differs pi_1 # b\n");
    assert_eq!([check(status, &found), check(amount, &found)], [Acceptance::Counted, Acceptance::Counted]);
    assert_eq!(check(&[status, amount].concat(), &found), Acceptance::Accepted("a; b".to_owned()));
}

#[test]
fn what_agrees_or_is_not_known_is_never_accepted() {
    let agreed = reconciled("pi_1", "DEBITED", "paid", None);
    assert_eq!(check("status_differs pi_1\n", &agreed), Acceptance::Counted);
    let mut failed = missing("pi_1");
    failed.assessment =
        compare(failed.provider, &failed.order, &Lookup::Failed("timeout".to_owned()), None, &CompareRules::default());
    let mut file = known("status_differs pi_1\n");
    assert_eq!(file.check(&failed), Acceptance::Counted);
    assert_eq!((keys(&file.gone()), keys(&file.not_compared())), (vec![], vec!["status_differs pi_1".to_owned()]));
}

#[test]
fn accepted_differences_that_are_gone_are_told_from_those_that_were_not_compared() {
    let mut file =
        known("unknown_to_provider pi_2\nstatus_differs pi_1 # a\namount_differs pi_1\nstatus_differs pi_9\n");
    assert!(file.check(&reconciled("pi_1", "DEBITED", "failed", None)).is_accepted());
    file.check(&reconciled("pi_2", "DEBITED", "", None));
    assert_eq!(keys(&file.gone()), ["amount_differs pi_1", "unknown_to_provider pi_2"]);
    assert_eq!(keys(&file.not_compared()), ["status_differs pi_9"]);
}

#[test]
fn accepting_writes_the_facts_and_counts_at_once() {
    let requests = ["amount_differs:pi_1=agreed = with Ana", "unknown_to_provider:a=b", "stale:pi_7"];
    let requests: Vec<AcceptArg> = requests.map(|text| text.parse().unwrap()).into();
    let mut file = KnownDifferences::parse("", &requests, "2026-11-28").unwrap();
    assert!(file.check(&reconciled("pi_1", "DEBITED", "", Some(9_900))).is_accepted());
    assert!(file.check(&missing("a=b")).is_accepted());
    let is_meant = "a request is for one reference";
    assert_eq!(file.check(&missing("a")), Acceptance::Counted, "{is_meant}");
    let text = update_file("", file.accepted_now()).unwrap();
    let expected =
        "amount_differs pi_1 by=-100  # agreed = with Ana, 2026-11-28\nunknown_to_provider \"a=b\"  # 2026-11-28\n";
    assert_eq!(text, format!("{}{expected}", line::HEADER));
    let unmatched: Vec<_> = file.unmatched_requests().map(AcceptArg::reference).collect();
    assert_eq!(unmatched, ["pi_7"]);
}

#[test]
fn an_entry_is_added_at_its_place_and_every_other_line_stays_as_it_is() {
    let line = |text: &str| match parse_line(text).unwrap() {
        FileLine::Entry(line) => line,
        FileLine::Blank => panic!("{text}"),
    };
    let text = "# ours\r\namount_differs   pi_1   # spaces stay\r\n\r\n# refunds\r\nstatus_differs pi_5 record=refunded # old\r\n";
    let new = [line("status_differs pi_3 # n"), line("status_differs pi_5 record=failed # new"), line("stale pi_9")];
    let expected = "# ours\r\namount_differs   pi_1   # spaces stay\r\n\r\n# refunds\r\nstale pi_9\r\nstatus_differs pi_3  # n\r\nstatus_differs pi_5 record=failed  # new\r\n";
    assert_eq!(update_file(text, &new).unwrap(), expected);
    let foreign = "reference,status\npi_1,paid\n";
    assert_eq!(update_file(foreign, &new).unwrap_err().line, 1);
    assert!(!is_known_file(foreign.as_bytes()) && is_known_file(text.as_bytes()) && is_known_file(b"stale pi_1\nsta"));
}

#[test]
fn references_of_any_kind_survive_writing_and_reading() {
    for reference in ["#1001", "order 12", "a\"b", "é", "a=b", "x#y", "\u{202e}evil", "line\nbreak", "\\", "😀"] {
        let note = format!("n # \u{1b}[31m\n{reference}");
        let written = KnownLine { class: Class::Stale, reference: reference.to_owned(), facts: Facts::new(), note };
        let text = written.to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        let FileLine::Entry(read) = parse_line(&text).unwrap() else { panic!("{text}") };
        assert_eq!((read.class, read.reference.as_str()), (Class::Stale, reference));
        assert!(!text.contains(['\u{202e}', '\u{1b}']));
    }
}

#[test]
fn a_line_that_is_no_entry_is_an_error_with_its_number() {
    let error =
        |text: &str| KnownDifferences::parse(text, &[], "2026-11-28").err().map(|error| (error.line, error.reason));
    for (text, line, reason) in [
        ("\nstatus_difers pi_1\n", 2, "`status_difers` is not a class; did you mean status_differs?"),
        ("hello world\n", 1, "`hello` is not a class"),
        ("matched\n", 1, "`matched` is not a class"),
        ("settled_agreed pi_1", 1, "settled_agreed is not a difference"),
        ("could_not_tell pi_1", 1, "could_not_tell can't be accepted: nothing is known about such a reference"),
        ("stale", 1, "the reference is missing: expected CLASS REFERENCE"),
        ("stale \"pi_1", 1, "a quote is not closed"),
        ("stale pi_1 rounding", 1, "expected by=, order=, record= or webhook=, or a note after #, and not `rounding`"),
    ] {
        assert_eq!(error(text), Some((line, reason.to_owned())), "{text}");
    }
}

#[test]
fn a_request_names_a_class_and_a_reference() {
    let parse = |text: &str| text.parse::<AcceptArg>();
    for text in
        ["", "pi_1", "amount_differs", "amount_differs:", "amount_differs:=note", "still_open:pi_1", "could_not_tell:x"]
    {
        assert!(parse(text).is_err(), "{text}");
    }
    let request = parse("amount_differs:pi_1=a").unwrap();
    assert_eq!(
        (request.note_for("pi_1"), request.note_for("pi_1=a"), request.note_for("pi")),
        (Some("a"), Some(""), None)
    );
}

#[test]
fn the_sum_is_the_orders_amount_less_the_records_or_else_that_of_a_webhook() {
    let mut found = reconciled("pi_1", "DEBITED", "", Some(9_900));
    assert_eq!(difference(&found), Some(-100));
    found.order.minor = None;
    assert_eq!(difference(&found), None);
    found.record.as_mut().unwrap().amount = AmountKind::Charged;
    found.order.minor = Some(1);
    assert_eq!(difference(&found), None);
    found.record.as_mut().unwrap().money = Some(Money { minor: i128::MIN, currency: String::new() });
    found.record.as_mut().unwrap().amount = AmountKind::Same;
    assert_eq!(difference(&found), Some(i128::MAX), "the range ends there");
}
