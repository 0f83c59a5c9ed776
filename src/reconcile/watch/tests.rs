//! Single transitions, and random histories of a shop, a provider and a watch that is killed at any
//! moment.

use super::super::Class;
use super::saved::SavedStateError;
use super::*;
use crate::model::stored::StateRow;
use crate::model::timestamp::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const POLICY: WatchPolicy = WatchPolicy {
    older_than: SignedDuration::from_mins(15),
    give_up_after: SignedDuration::from_hours(24),
    repeat: RepeatPolicy { refused: false, unsure: false },
    has_alerts: true,
};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_736_937_000 + minutes * 60).unwrap()
}

fn subject(reference: &str) -> WatchedReference {
    WatchedReference { provider: "plexos".to_owned(), reference: reference.to_owned() }
}

fn observation(reference: &str, class: Class) -> Observation {
    let event = class.is_difference().then(|| MissedEvent {
        key: DeliveryKey::new("plexos", reference, "DEBITED"),
        body: b"{}".to_vec(),
        is_rebuilt: true,
    });
    Observation {
        subject: subject(reference),
        own_id: None,
        class,
        reason: "because".to_owned(),
        status: Some("DEBITED".to_owned()),
        money: None,
        changed: None,
        compared: ComparedParts { status: true, amount: true, currency: true },
        is_order_unclear: false,
        is_accepted: false,
        event,
    }
}

fn round(observations: impl IntoIterator<Item = Observation>) -> Round {
    Round { observations: observations.into_iter().collect(), ..Round::default() }
}

fn codes(state: &mut WatchState) -> Vec<&'static str> {
    state.take_changes().iter().map(|change| change.kind.code()).collect()
}

/// Applies a round in which `pi_1` has this class.
fn apply(state: &mut WatchState, class: Class, minutes: i64) -> Vec<&'static str> {
    state.apply_round(&round([observation("pi_1", class)]), &POLICY, at(minutes));
    codes(state)
}

/// Plans and makes the delivery of `pi_1`. Returns false if none may be made.
fn deliver(state: &mut WatchState, policy: &WatchPolicy, minutes: i64, outcome: DeliveryOutcome) -> bool {
    let behind = round([observation("pi_1", Class::OrderBehind)]);
    let planned = state.plan_deliveries(&behind, policy, at(minutes));
    let Some(planned) = planned.first() else { return false };
    state.start_delivery(planned, at(minutes));
    state.finish_delivery(&planned.event.key, outcome, policy, at(minutes));
    true
}

/// Writes everything that changed into rows, and restores a state from them.
fn save(state: &mut WatchState, rows: &mut BTreeMap<(String, String), Vec<u8>>) {
    for StateRow { kind, key, value } in state.take_unsaved() {
        let name = (kind, key);
        match value {
            Some(value) => drop(rows.insert(name, value)),
            None => drop(rows.remove(&name)),
        }
    }
}

fn state_row(kind: &str, key: &str, value: &[u8]) -> StateRow {
    StateRow { kind: kind.to_owned(), key: key.to_owned(), value: Some(value.to_vec()) }
}

fn load(rows: &BTreeMap<(String, String), Vec<u8>>) -> WatchState {
    let known = rows.iter().filter(|((kind, _), _)| WatchState::KINDS.contains(&kind.as_str()));
    let row = |((kind, key), value): (&(String, String), &Vec<u8>)| state_row(kind, key, value);
    WatchState::load(known.map(row)).unwrap()
}

#[test]
fn a_difference_is_reported_once_and_its_repair_once() {
    let mut state = WatchState::default();
    assert_eq!(apply(&mut state, Class::OrderBehind, 0), ["new_difference"]);
    assert!(apply(&mut state, Class::OrderBehind, 15).is_empty());
    assert_eq!(apply(&mut state, Class::StatusDiffers, 30), ["class_changed"]);
    assert!(apply(&mut state, Class::CouldNotTell, 45).is_empty());
    assert_eq!(apply(&mut state, Class::SettledAgreed, 60), ["repaired"]);
    assert!(apply(&mut state, Class::SettledAgreed, 75).is_empty());
    assert_eq!(state.unsent_alerts().count(), 3);
}

#[test]
fn a_record_that_has_just_changed_is_left_alone_and_keeps_what_is_known() {
    let mut state = WatchState::default();
    let fresh = Observation { changed: Some(at(10)), ..observation("pi_1", Class::OrderBehind) };
    let fresh = round([fresh]);
    state.apply_round(&fresh, &POLICY, at(20));
    assert!(codes(&mut state).is_empty() && state.plan_deliveries(&fresh, &POLICY, at(20)).is_empty());
    state.apply_round(&fresh, &POLICY, at(25));
    assert_eq!(codes(&mut state), ["new_difference"]);
    let newer = Observation { changed: Some(at(29)), ..observation("pi_1", Class::OrderBehind) };
    state.apply_round(&round([newer]), &POLICY, at(30));
    assert!(codes(&mut state).is_empty() && state.differences().count() == 1);
}

#[test]
fn an_event_is_delivered_once_whatever_the_app_answers() {
    for (outcome, code) in [
        (DeliveryOutcome::Accepted { answer: 200 }, None),
        (DeliveryOutcome::Refused { answer: 500 }, Some("delivery_failed")),
        (DeliveryOutcome::Unsure { reason: "timeout".to_owned() }, Some("delivery_failed")),
    ] {
        let mut state = WatchState::default();
        apply(&mut state, Class::OrderBehind, 0);
        assert!(deliver(&mut state, &POLICY, 0, outcome.clone()));
        assert_eq!(codes(&mut state), code.into_iter().collect::<Vec<_>>(), "{outcome:?}");
        assert!(!deliver(&mut state, &POLICY, 15, outcome.clone()), "{outcome:?}");
        // Neither after a repair that did not last.
        apply(&mut state, Class::SettledAgreed, 30);
        apply(&mut state, Class::OrderBehind, 45);
        assert!(!deliver(&mut state, &POLICY, 45, outcome.clone()), "{outcome:?}");
    }
}

#[test]
fn an_unsent_event_is_delivered_again_and_a_refused_or_unsure_one_only_on_request() {
    let repeat = |refused, unsure| WatchPolicy { repeat: RepeatPolicy { refused, unsure }, ..POLICY };
    let refused = DeliveryOutcome::Refused { answer: 503 };
    let unsure = DeliveryOutcome::Unsure { reason: String::new() };
    let unsent = DeliveryOutcome::Unsent { reason: String::new() };
    for (outcome, policy, expected) in [
        (&unsent, POLICY, true),
        (&refused, repeat(false, true), false),
        (&refused, repeat(true, false), true),
        (&unsure, repeat(true, false), false),
        (&unsure, repeat(false, true), true),
    ] {
        let mut state = WatchState::default();
        apply(&mut state, Class::OrderBehind, 0);
        assert!(deliver(&mut state, &policy, 0, outcome.clone()));
        codes(&mut state);
        assert_eq!(deliver(&mut state, &policy, 15, outcome.clone()), expected, "{outcome:?} {policy:?}");
        assert!(codes(&mut state).is_empty(), "a failure is reported once");
    }
}

#[test]
fn an_answer_of_200_is_no_repair_and_is_reported_once_the_app_had_time() {
    let mut state = WatchState::default();
    apply(&mut state, Class::OrderBehind, 0);
    deliver(&mut state, &POLICY, 0, DeliveryOutcome::Accepted { answer: 200 });
    state.apply_proof(&round([observation("pi_1", Class::OrderBehind)]), &POLICY, at(1));
    assert!(codes(&mut state).is_empty());
    assert!(apply(&mut state, Class::OrderBehind, 14).is_empty());
    assert_eq!(apply(&mut state, Class::OrderBehind, 15), ["not_repaired"]);
    assert!(apply(&mut state, Class::OrderBehind, 30).is_empty());
    assert_eq!(apply(&mut state, Class::SettledAgreed, 45), ["repaired"]);
}

#[test]
fn a_repair_names_what_watch_knows_about_its_cause() {
    for (outcome, by) in [
        (Some(DeliveryOutcome::Accepted { answer: 204 }), RepairCause::Delivery),
        (Some(DeliveryOutcome::Refused { answer: 500 }), RepairCause::Unknown),
        (Some(DeliveryOutcome::Unsure { reason: String::new() }), RepairCause::Unknown),
        (Some(DeliveryOutcome::Unsent { reason: String::new() }), RepairCause::Itself),
        (None, RepairCause::Itself),
    ] {
        let mut state = WatchState::default();
        apply(&mut state, Class::OrderBehind, 0);
        outcome.map(|outcome| deliver(&mut state, &POLICY, 0, outcome));
        state.take_changes();
        state.apply_proof(&round([observation("pi_1", Class::SettledAgreed)]), &POLICY, at(1));
        let changes = state.take_changes();
        assert!(matches!(&changes[0].kind, ChangeKind::Repaired { by: found, .. } if *found == by), "{changes:?}");
    }
}

#[test]
fn less_than_what_differed_is_no_proof_of_a_repair() {
    let mut state = WatchState::default();
    apply(&mut state, Class::AmountDiffers, 0);
    let agreed = observation("pi_1", Class::SettledAgreed);
    let parts = |status, amount| ComparedParts { status, amount, currency: true };
    for unclear in [
        Observation { compared: parts(false, true), ..agreed.clone() },
        Observation { compared: parts(true, false), ..agreed.clone() },
        Observation { is_order_unclear: true, ..agreed.clone() },
    ] {
        state.apply_round(&round([unclear]), &POLICY, at(15));
        assert!(codes(&mut state).is_empty() && state.differences().count() == 1);
    }
    // Two orders with one reference agree only if both do.
    state.apply_round(&round([agreed.clone(), observation("pi_1", Class::OrderBehind)]), &POLICY, at(30));
    assert_eq!(codes(&mut state), ["class_changed"]);
    state.apply_round(&round([agreed.clone(), agreed]), &POLICY, at(45));
    assert_eq!(codes(&mut state), ["repaired"]);
}

#[test]
fn an_accepted_difference_is_closed_without_a_repair_and_gets_no_delivery() {
    let mut state = WatchState::default();
    apply(&mut state, Class::OrderBehind, 0);
    let accepted = Observation { is_accepted: true, ..observation("pi_1", Class::OrderBehind) };
    let accepted = round([accepted]);
    state.apply_round(&accepted, &POLICY, at(15));
    assert_eq!(codes(&mut state), ["accepted"]);
    assert!(state.plan_deliveries(&accepted, &POLICY, at(15)).is_empty());
    state.apply_round(&accepted, &POLICY, at(30));
    assert!(codes(&mut state).is_empty());
    assert_eq!(apply(&mut state, Class::OrderBehind, 45), ["new_difference"]);
}

#[test]
fn nothing_is_delivered_after_giving_up_until_the_record_changes() {
    let mut state = WatchState::default();
    apply(&mut state, Class::OrderBehind, 0);
    assert!(apply(&mut state, Class::OrderBehind, 24 * 60 - 1).is_empty());
    assert_eq!(apply(&mut state, Class::OrderBehind, 24 * 60), ["given_up"]);
    assert!(apply(&mut state, Class::OrderBehind, 25 * 60).is_empty());
    assert!(!deliver(&mut state, &POLICY, 25 * 60, DeliveryOutcome::Accepted { answer: 200 }));
    let settled = Observation {
        status: Some("SETTLED".to_owned()),
        event: Some(MissedEvent {
            key: DeliveryKey::new("plexos", "pi_1", "SETTLED"),
            body: Vec::new(),
            is_rebuilt: true,
        }),
        ..observation("pi_1", Class::OrderBehind)
    };
    let settled = round([settled]);
    state.apply_round(&settled, &POLICY, at(26 * 60));
    assert_eq!(codes(&mut state), ["new_difference"]);
    assert_eq!(state.plan_deliveries(&settled, &POLICY, at(26 * 60)).len(), 1);
}

#[test]
fn a_missing_order_has_vanished_unless_a_row_could_not_be_read_or_it_was_left_alone() {
    let mut state = WatchState::default();
    apply(&mut state, Class::OrderBehind, 0);
    let other = || observation("pi_2", Class::SettledAgreed);
    state.apply_round(&Round { unread_rows: 1, ..round([other()]) }, &POLICY, at(15));
    state.apply_round(&Round { left_alone: [subject("pi_1")].into(), ..round([other()]) }, &POLICY, at(30));
    state.apply_proof(&round([other()]), &POLICY, at(31));
    state.apply_round(&round([other()]), &POLICY, at(45));
    state.apply_round(&round([other()]), &POLICY, at(59));
    assert!(codes(&mut state).is_empty());
    state.apply_round(&round([other()]), &POLICY, at(60));
    assert_eq!(codes(&mut state), ["vanished"]);
}

#[test]
fn an_order_that_is_missing_in_one_list_only_has_not_vanished() {
    let mut state = WatchState::default();
    apply(&mut state, Class::OrderBehind, 0);
    for minutes in [15, 45, 75] {
        state.apply_round(&round([observation("pi_2", Class::SettledAgreed)]), &POLICY, at(minutes));
        assert!(codes(&mut state).is_empty(), "{minutes}");
        assert!(apply(&mut state, Class::OrderBehind, minutes + 15).is_empty());
    }
}

#[test]
fn a_trouble_is_reported_when_it_begins_and_when_it_ends() {
    let mut state = WatchState::default();
    let mut set = |why: Option<&str>, minutes| {
        state.set_trouble(Trouble::Orders, why.map(str::to_owned), &POLICY, at(minutes));
        codes(&mut state)
    };
    assert!(set(None, 0).is_empty());
    assert_eq!(set(Some("exit status 1"), 1), ["trouble_began"]);
    assert!(set(Some("exit status 2"), 2).is_empty());
    assert_eq!(set(None, 3), ["trouble_ended"]);
}

#[test]
fn two_orders_of_one_payment_get_its_event_once() {
    let mut state = WatchState::default();
    let by_own_reference = Observation {
        subject: subject("order-7"),
        event: observation("pi_1", Class::OrderBehind).event,
        ..observation("order-7", Class::OrderBehind)
    };
    let behind = round([observation("pi_1", Class::OrderBehind), by_own_reference]);
    state.apply_round(&behind, &POLICY, at(0));
    assert_eq!(state.plan_deliveries(&behind, &POLICY, at(0)).len(), 1);
}

#[test]
fn nothing_is_delivered_for_an_order_without_a_status() {
    let mut state = WatchState::default();
    let without_status = Observation {
        compared: ComparedParts { status: false, amount: true, currency: true },
        ..observation("pi_1", Class::NeverDelivered)
    };
    let found = round([without_status]);
    state.apply_round(&found, &POLICY, at(0));
    assert_eq!(codes(&mut state), ["new_difference"]);
    assert!(state.plan_deliveries(&found, &POLICY, at(0)).is_empty());
}

#[test]
fn a_delivery_that_was_open_when_the_process_was_killed_is_unsure() {
    let (mut state, mut rows) = (WatchState::default(), BTreeMap::new());
    apply(&mut state, Class::OrderBehind, 0);
    let behind = round([observation("pi_1", Class::OrderBehind)]);
    let planned = state.plan_deliveries(&behind, &POLICY, at(0)).remove(0);
    state.start_delivery(&planned, at(0));
    save(&mut state, &mut rows);
    let (kind, key) = planned.event.key.body_row();
    assert_eq!(rows[&(kind.to_owned(), key)], b"{}");
    let mut restarted = load(&rows);
    restarted.recover(&POLICY, at(1));
    assert_eq!(codes(&mut restarted), ["delivery_failed"]);
    assert!(restarted.plan_deliveries(&behind, &POLICY, at(1)).is_empty());
    save(&mut restarted, &mut rows);
    let mut again = load(&rows);
    again.recover(&POLICY, at(2));
    assert!(codes(&mut again).is_empty(), "reported once");
}

#[test]
fn a_restored_state_equals_the_saved_one() {
    let (mut state, mut rows) = (WatchState::default(), BTreeMap::new());
    let money = crate::model::money::Money { minor: i128::MAX, currency: "CVE".to_owned() };
    let odd = Observation {
        money: Some(money),
        own_id: Some("#1001 \"é\"".to_owned()),
        ..observation("a\"b\\c", Class::AmountDiffers)
    };
    state.apply_round(&round([odd, observation("pi_1", Class::OrderBehind)]), &POLICY, at(0));
    deliver(&mut state, &POLICY, 0, DeliveryOutcome::Refused { answer: 500 });
    state.set_trouble(Trouble::App, Some("no".to_owned()), &POLICY, at(1));
    state.take_changes();
    save(&mut state, &mut rows);
    assert_eq!(load(&rows), state);
    let numbers: Vec<_> = state.unsent_alerts().map(|change| change.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    state.remove_alerts(&numbers);
    save(&mut state, &mut rows);
    assert_eq!(load(&rows), state);
}

#[test]
fn rows_of_a_newer_version_are_refused() {
    let row = |kind: &str, value: &[u8]| WatchState::load([state_row(kind, "k", value)]);
    assert!(matches!(row("future", b"{}"), Err(SavedStateError::Kind(_))));
    assert!(matches!(row("delivery", b"{}"), Err(SavedStateError::Row { .. })));
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    /// The provider ends a payment, or changes its status once more.
    Advance(usize),
    /// The provider's own webhook reaches the app.
    Webhook(usize),
    /// The app loses what it has taken, as from a backup.
    Forget(usize),
    /// A round. The app answers with this outcome, and takes the event or does not; the process is
    /// killed before, while or after it sends.
    Round {
        answer: Answer,
        killed: Killed,
        list: List,
    },
    Pass(i64),
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Takes,
    AnswersButLoses,
    Refuses,
    TakesSilently,
    IsDown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Killed {
    Never,
    BeforeSend,
    AfterSend,
    /// Alerts were sent, but that was not saved.
    AfterAlerts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Whole,
    Failing,
    WithoutStatus,
}

fn step() -> impl Strategy<Value = Step> {
    let answer = prop_oneof![
        4 => Just(Answer::Takes),
        1 => Just(Answer::AnswersButLoses),
        1 => Just(Answer::Refuses),
        1 => Just(Answer::TakesSilently),
        1 => Just(Answer::IsDown),
    ];
    let killed = prop_oneof![
        4 => Just(Killed::Never),
        1 => Just(Killed::BeforeSend),
        1 => Just(Killed::AfterSend),
        1 => Just(Killed::AfterAlerts),
    ];
    let list = prop_oneof![6 => Just(List::Whole), 1 => Just(List::Failing), 1 => Just(List::WithoutStatus)];
    prop_oneof![
        2 => (0..PAYMENTS).prop_map(Step::Advance),
        1 => (0..PAYMENTS).prop_map(Step::Webhook),
        1 => (0..PAYMENTS).prop_map(Step::Forget),
        6 => (answer, killed, list).prop_map(|(answer, killed, list)| Step::Round { answer, killed, list }),
        2 => (1..600_i64).prop_map(Step::Pass),
    ]
}

const PAYMENTS: usize = 3;

/// A shop, a provider and a watch.
#[derive(Default)]
struct Simulation {
    minutes: i64,
    /// Number of statuses that each payment has had; 0 is open.
    records: [u32; PAYMENTS],
    /// Time of the last change.
    changed: [i64; PAYMENTS],
    /// The status that each order shows.
    orders: [u32; PAYMENTS],
    /// Events of watch that reached the app.
    received: BTreeMap<(usize, u32), u32>,
    rows: BTreeMap<(String, String), Vec<u8>>,
    alerted: Vec<Change>,
}

impl Simulation {
    fn observations(&self, list: List) -> Vec<Observation> {
        let observe = |index: usize| {
            let (record, order) = (self.records[index], self.orders[index]);
            let class = match (record == order, record) {
                _ if list == List::WithoutStatus && record > 0 => Class::SettledAgreed,
                (true, 0) => Class::StillOpen,
                (true, _) => Class::SettledAgreed,
                (false, _) => Class::OrderBehind,
            };
            let (reference, status) = (format!("pi_{index}"), format!("S{record}"));
            Observation {
                status: Some(status.clone()),
                changed: Some(at(self.changed[index])),
                compared: ComparedParts { status: list == List::Whole, amount: true, currency: true },
                event: Some(MissedEvent {
                    key: DeliveryKey::new("plexos", &reference, &status),
                    body: record.to_string().into_bytes(),
                    is_rebuilt: true,
                })
                .filter(|_| class.is_difference()),
                ..observation(&reference, class)
            }
        };
        (0..PAYMENTS).map(observe).collect()
    }

    fn agrees(&self, subject: &WatchedReference) -> bool {
        let index: usize = subject.reference.trim_start_matches("pi_").parse().unwrap();
        self.records[index] == self.orders[index]
    }

    fn run_round(&mut self, answer: Answer, killed: Killed, list: List) {
        let mut state = load(&self.rows);
        state.recover(&POLICY, at(self.minutes));
        save(&mut state, &mut self.rows);
        if list == List::Failing {
            state.set_trouble(Trouble::Orders, Some("exit status 1".to_owned()), &POLICY, at(self.minutes));
        } else {
            state.set_trouble(Trouble::Orders, None, &POLICY, at(self.minutes));
            let found = round(self.observations(list));
            state.apply_round(&found, &POLICY, at(self.minutes));
            self.check(&mut state);
            save(&mut state, &mut self.rows);
            for planned in state.plan_deliveries(&found, &POLICY, at(self.minutes)) {
                state.start_delivery(&planned, at(self.minutes));
                save(&mut state, &mut self.rows);
                if killed == Killed::BeforeSend {
                    return;
                }
                let outcome = self.send(&planned, answer);
                if killed == Killed::AfterSend {
                    return;
                }
                state.finish_delivery(&planned.event.key, outcome, &POLICY, at(self.minutes));
                save(&mut state, &mut self.rows);
            }
            state.apply_proof(&round(self.observations(list)), &POLICY, at(self.minutes));
        }
        self.check(&mut state);
        save(&mut state, &mut self.rows);
        let alerts: Vec<_> = state.unsent_alerts().cloned().collect();
        self.alerted.extend(alerts.iter().cloned());
        if killed == Killed::AfterAlerts {
            return;
        }
        state.remove_alerts(&alerts.iter().map(|change| change.number).collect::<Vec<_>>());
        save(&mut state, &mut self.rows);
    }

    fn send(&mut self, planned: &PlannedDelivery, answer: Answer) -> DeliveryOutcome {
        let index: usize = planned.subject.reference.trim_start_matches("pi_").parse().unwrap();
        let status: u32 = String::from_utf8(planned.event.body.clone()).unwrap().parse().unwrap();
        if !matches!(answer, Answer::IsDown) {
            *self.received.entry((index, status)).or_default() += 1;
        }
        if matches!(answer, Answer::Takes | Answer::TakesSilently) {
            self.orders[index] = status;
        }
        match answer {
            Answer::Takes | Answer::AnswersButLoses => DeliveryOutcome::Accepted { answer: 200 },
            Answer::Refuses => DeliveryOutcome::Refused { answer: 500 },
            Answer::TakesSilently => DeliveryOutcome::Unsure { reason: "timeout".to_owned() },
            Answer::IsDown => DeliveryOutcome::Unsent { reason: "connection refused".to_owned() },
        }
    }

    /// Checks the changes of a step against the world as it is.
    fn check(&self, state: &mut WatchState) {
        for change in state.take_changes() {
            if let ChangeKind::Repaired { subject, .. } = &change.kind {
                assert!(self.agrees(&subject.reference), "{change:?}");
            }
            if let ChangeKind::NewDifference { subject, .. } = &change.kind {
                assert!(!self.agrees(&subject.reference), "{change:?}");
            }
        }
    }

    /// Checks that alerts about one reference, or one trouble, begin and end in turn.
    fn check_alerts(&self) {
        let mut seen = BTreeSet::new();
        let alerted = self.alerted.iter().filter(|change| seen.insert(change.number)).collect::<Vec<_>>();
        let mut open: BTreeSet<WatchedReference> = BTreeSet::new();
        let mut is_troubled = false;
        for change in alerted {
            match &change.kind {
                ChangeKind::NewDifference { subject, .. } => {
                    // A new status reopens what was given up.
                    let is_new = open.insert(subject.reference.clone());
                    assert!(is_new || change.at.duration_since(subject.first_seen) >= POLICY.give_up_after);
                }
                ChangeKind::Repaired { subject, .. } | ChangeKind::Vanished { subject } => {
                    assert!(open.remove(&subject.reference), "{change:?}");
                }
                ChangeKind::TroubleBegan { .. } => assert!(!std::mem::replace(&mut is_troubled, true)),
                ChangeKind::TroubleEnded { .. } => assert!(std::mem::replace(&mut is_troubled, false)),
                other => assert!(other.subject().is_some_and(|subject| open.contains(&subject.reference))),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_delivers_an_event_twice_or_reports_a_repair_that_is_none(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut simulation = Simulation::default();
        for step in steps {
            match step {
                Step::Advance(index) => {
                    simulation.records[index] += 1;
                    simulation.changed[index] = simulation.minutes;
                }
                Step::Webhook(index) => simulation.orders[index] = simulation.records[index],
                Step::Forget(index) => simulation.orders[index] = 0,
                Step::Round { answer, killed, list } => simulation.run_round(answer, killed, list),
                Step::Pass(minutes) => simulation.minutes += minutes,
            }
            simulation.minutes += 1;
        }
        for (event, count) in &simulation.received {
            prop_assert_eq!(*count, 1, "{:?}", event);
        }
        simulation.check_alerts();
    }
}
