//! Handlers made up in memory, right ones and wrong ones, and what is said of them. One file: every test plays the same handlers, which
//! are made at its top.

use super::reply::Came;
use super::rewriter::Rewriter;
use super::*;
use crate::json::value::Payload;
use crate::json::{SERIALIZERS, is_valid};
use crate::model::error::Result;
use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::Request;
use crate::model::secret::{Origin, Secret};
use crate::model::signature::{DEFAULT_TOLERANCE, Key, Tolerance, verify};
use crate::model::timestamp::Timestamp;
use crate::provider::{self, Provider};
use std::time::Duration;

/// What a handler makes of a request.
type Handle = Box<dyn FnMut(&Request) -> std::result::Result<u16, SendFailure>>;

struct Made {
    handle: Handle,
    turn: usize,
    work: Option<i64>,
}

impl Target for Made {
    fn now(&self) -> Timestamp {
        now()
    }

    fn random(&mut self, below: usize) -> usize {
        self.turn = self.turn.wrapping_mul(31).wrapping_add(7);
        self.turn % below.max(1)
    }

    fn send(&mut self, requests: &[Request], _limit: Duration) -> Result<Vec<Reply>> {
        let mut reply = |request| {
            let answer = (self.handle)(request).map(|status| Answer::new(status, "said"));
            self.work =
                self.work.map(|work| work + i64::from(answer.as_ref().is_ok_and(|answer| answer.status == 200)));
            Reply { took: Duration::from_millis(1), answer }
        };
        Ok(requests.iter().map(&mut reply).collect())
    }

    fn effects(&mut self) -> Result<Option<i64>> {
        Ok(self.work)
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_736_937_000).unwrap()
}

fn key(provider: &dyn Provider) -> Key {
    Key::new(Secret::new(provider.name(), Origin::Flag, format!("{}secret", provider.secret_prefix())))
}

/// Whether a handler of this kind takes the signature: what it hashes is what `rewrite` makes of the body.
fn is_authentic(provider: &dyn Provider, request: &Request, rewrite: Option<Rewriter>, tolerance: Tolerance) -> bool {
    let mut hashed = request.clone();
    if let Some(rewriter) = rewrite {
        let Some(body) = rewriter.rewrite(&request.body) else { return false };
        hashed.body = body;
    }
    let verdict = provider.claim(&hashed).map(|claim| verify(&claim, &[key(provider)], now(), tolerance));
    verdict.is_ok_and(|verdict| verdict.is_verified())
}

fn status(provider: &dyn Provider, request: &Request, rewrite: Option<Rewriter>) -> u16 {
    match is_authentic(provider, request, rewrite, Some(DEFAULT_TOLERANCE)) {
        false => 401,
        true if Payload::parse(&request.body).is_ok() || is_valid(&request.body) && request.body.starts_with(b"{") => {
            200
        }
        true => 400,
    }
}

fn check(provider: &'static dyn Provider, handle: Handle, work: Option<i64>) -> Report {
    selected(provider, handle, work, Selection::default())
}

fn selected(provider: &'static dyn Provider, handle: Handle, work: Option<i64>, selection: Selection) -> Report {
    let url = "http://localhost/hooks".parse().unwrap();
    let plan = Plan { provider, key: key(provider), url, budget: Duration::from_secs(3), selection };
    run(&plan, &mut Made { handle, turn: 1, work }, &mut || {}).unwrap()
}

fn checked(provider: &'static dyn Provider, handle: impl FnMut(&Request) -> u16 + 'static) -> Report {
    let mut handle = handle;
    check(provider, Box::new(move |request| Ok(handle(request))), None)
}

fn grade(report: &Report, id: &str) -> Grade {
    report.outcomes.iter().find(|outcome| outcome.id == id).unwrap_or_else(|| panic!("no {id}")).grade
}

/// The causes of what failed and of what warned.
fn causes(report: &Report) -> Vec<&'static str> {
    let serious = report.troubles().into_iter().filter(|trouble| trouble.grade >= Grade::Warn);
    serious.map(|trouble| trouble.cause.code()).collect()
}

fn failed(report: &Report) -> Vec<&str> {
    report.outcomes.iter().filter(|outcome| outcome.grade == Grade::Fail).map(|outcome| outcome.id.as_str()).collect()
}

fn rewriters(report: &Report) -> Vec<&'static str> {
    let found = report.troubles().into_iter().find_map(|trouble| match trouble.cause {
        Cause::Rewritten(rewriters) => Some(rewriters.iter().map(|rewriter| rewriter.code()).collect()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn serializer(code: &str) -> Rewriter {
    Rewriter::Serialized(SERIALIZERS.iter().find(|serializer| serializer.code == code).unwrap())
}

fn plexos() -> &'static dyn Provider {
    provider::named("plexos").unwrap()
}

fn plustive() -> &'static dyn Provider {
    provider::named("plustive").unwrap()
}

#[test]
fn ids_are_distinct_and_begin_with_their_group() {
    for provider in provider::ALL {
        let mut seen = std::collections::HashSet::new();
        for probe in probes(*provider) {
            assert!(probe.id.starts_with(&format!("{}.", probe.group.word())), "{}", probe.id);
            assert!(probe.page.starts_with("https://") && !probe.why.is_empty(), "{}", probe.id);
            assert!(seen.insert(probe.id.clone()), "{}", probe.id);
        }
    }
}

#[test]
fn a_right_handler_passes_everything() {
    for provider in provider::ALL {
        let report = checked(*provider, |request| status(*provider, request, None));
        assert!(report.is_good() && causes(&report).is_empty(), "{:?}", failed(&report));
        assert_eq!(report.footing, None);
        assert_eq!(
            report.count(Some(Group::Raw), Grade::Pass),
            report.outcomes.iter().filter(|one| one.group == Group::Raw).count()
        );
    }
}

/// The serializers that handlers are most likely to use, each in a family of its own.
const MAIN: [&str; 10] = [
    "json_stringify",
    "python_json_dumps",
    "go_map",
    "php_json_encode",
    "jackson",
    "gson",
    "system_text_json",
    "newtonsoft",
    "ruby_json",
    "rails_to_json",
];

#[test]
fn the_main_serializers_are_told_apart() {
    for provider in provider::ALL {
        for code in MAIN {
            let report = checked(*provider, move |request| status(*provider, request, Some(serializer(code))));
            let named = rewriters(&report);
            let main: Vec<_> = named.iter().filter(|name| MAIN.contains(name)).collect();
            assert_eq!(main, [&code], "{} {named:?}", provider.name());
            assert_eq!(named.first(), Some(&code), "the likeliest is named first");
            assert_eq!(causes(&report), ["body_rewritten"], "{code}: {:?}", failed(&report));
        }
    }
}

/// Layouts that no footing has: whoever hashes these refuses all that any provider sends.
const WITHOUT_FOOTING: [&str; 5] =
    ["pretty_tab", "spaced_newline", "pretty_4_newline", "pretty_tab_newline", "jackson_pretty"];

#[test]
fn every_serializer_is_among_those_that_are_named() {
    for serializer in SERIALIZERS.iter().filter(|serializer| !WITHOUT_FOOTING.contains(&serializer.code)) {
        let rewriter = Rewriter::Serialized(serializer);
        let handle: Handle = Box::new(move |request| Ok(status(plexos(), request, Some(rewriter))));
        let raw = Selection { only: vec!["raw".to_owned()], skip: Vec::new() };
        let report = selected(plexos(), handle, None, raw);
        assert!(rewriters(&report).contains(&serializer.code), "{}: {:?}", serializer.code, rewriters(&report));
    }
}

#[test]
fn a_handler_that_trims_or_misreads_is_told_from_one_that_serializes() {
    for rewriter in [Rewriter::Trimmed, Rewriter::Misread] {
        let report = checked(plexos(), move |request| status(plexos(), request, Some(rewriter)));
        assert_eq!(rewriters(&report), [rewriter.code()]);
    }
}

#[test]
fn a_refusal_counts_only_when_a_plain_twin_is_taken() {
    // This one wants no numbers there, however they are spelled.
    let report = checked(plexos(), |request| {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let note = text.split_once("\"note\":").map_or("", |(_, note)| note.trim_start());
        if note.starts_with(|first: char| first.is_ascii_digit()) { 422 } else { status(plexos(), request, None) }
    });
    assert_eq!(grade(&report, "raw.number.exponent"), Grade::Info);
    assert!(report.is_good(), "{:?}", failed(&report));
}

#[test]
fn a_handler_that_takes_everything_is_one_failure() {
    let report = checked(plexos(), |_| 200);
    assert_eq!((failed(&report), causes(&report)), (vec!["refuse.any"], vec!["not_checked"]));
}

#[test]
fn a_handler_that_takes_no_good_event_is_one_failure_that_names_the_cause() {
    type Answer = std::result::Result<u16, SendFailure>;
    let broken = || Err(SendFailure::Broken("reset".to_owned()));
    let cases: [(Answer, &str); 8] = [
        (Ok(401), "refuses_all"),
        (Ok(403), "refuses_all"),
        (Ok(404), "wrong_path"),
        (Ok(405), "wrong_path"),
        (Ok(500), "fails_all"),
        (Ok(302), "redirects_all"),
        (Err(SendFailure::Timeout), "hangs_always"),
        (broken(), "closes_always"),
    ];
    for provider in provider::ALL {
        for (answer, code) in cases.clone() {
            let report = check(*provider, Box::new(move |_| answer.clone()), None);
            assert_eq!((failed(&report), causes(&report)), (vec!["accept.any"], vec![code]));
            assert_eq!(report.count(None, Grade::NotRun), report.outcomes.len() - 1);
        }
    }
}

#[test]
fn nobody_there_is_an_error_with_advice() {
    let plan = Plan {
        provider: plexos(),
        key: key(plexos()),
        url: "http://localhost/".parse().unwrap(),
        budget: Duration::from_secs(1),
        selection: Selection::default(),
    };
    let handle: Handle = Box::new(|_| Err(SendFailure::Connect("connection refused".to_owned())));
    let error = run(&plan, &mut Made { handle, turn: 1, work: None }, &mut || {}).unwrap_err();
    assert!(error.message.contains("nobody answers") && error.hint.is_some_and(|hint| hint.contains("--start")));
}

#[test]
fn an_answer_that_is_late_is_told_from_one_that_never_comes() {
    let mut turn = 0;
    let report = check(
        plexos(),
        Box::new(move |_| {
            turn += 1;
            if turn > 1 { Ok(200) } else { Err(SendFailure::Timeout) }
        }),
        None,
    );
    // One documented form alone: after a single try, patience.
    assert!(!causes(&report).contains(&"hangs_always"), "{:?}", causes(&report));
}

#[test]
fn a_handler_that_does_not_look_at_the_time_is_told_so() {
    let report = checked(plexos(), |request| {
        let ok = is_authentic(plexos(), request, None, None);
        if ok && Payload::parse(&request.body).is_ok() { 200 } else { 401 }
    });
    assert_eq!(failed(&report), ["refuse.timestamp.negative", "refuse.timestamp.old"]);
    assert!(causes(&report).contains(&"stale_taken") && causes(&report).contains(&"ahead_taken"));
}

#[test]
fn a_comparison_that_throws_is_one_cause_for_all_lengths() {
    let report = checked(plustive(), |request| {
        let value = request.headers.get("X-Plustive-Signature");
        match value {
            None => 500,
            Some(value) if value.len() != 64 => 500,
            _ => status(plustive(), request, None),
        }
    });
    assert_eq!(report.footing.as_deref(), Some("the signature as bare hex, the payload of transaction.completed"));
    assert_eq!(causes(&report), ["crash_on_shape", "crash_on_missing"]);
    assert!(failed(&report).contains(&"accept.form.reference") && failed(&report).contains(&"refuse.signature.short"));
}

#[test]
fn a_handler_that_takes_one_form_only_is_warned() {
    let report = checked(plustive(), |request| {
        let is_bare = request.headers.get("X-Plustive-Signature").is_some_and(|value| value.len() == 64);
        if is_bare { 401 } else { status(plustive(), request, None) }
    });
    assert_eq!(causes(&report), ["form_refused"]);
    assert!(report.is_good());
}

#[test]
fn a_handler_that_dies_is_found_by_what_killed_it() {
    let mut is_dead = false;
    let report = check(
        plexos(),
        Box::new(move |request| {
            let was_dead = is_dead;
            is_dead |= request.body == b"null";
            match (was_dead, is_dead) {
                (true, _) => Err(SendFailure::Connect("connection refused".to_owned())),
                (_, true) => Err(SendFailure::Broken("end of file".to_owned())),
                _ => Ok(status(plexos(), request, None)),
            }
        }),
        None,
    );
    assert_eq!((failed(&report), causes(&report)), (vec!["survive.body.null"], vec!["died"]));
    assert_eq!(grade(&report, "behave.same_moment"), Grade::NotRun);
}

#[test]
fn a_handler_that_hangs_on_what_is_odd_is_not_waited_for_again_and_again() {
    struct Patient(Made, Duration);
    impl Target for Patient {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
        fn random(&mut self, below: usize) -> usize {
            self.0.random(below)
        }
        fn send(&mut self, requests: &[Request], limit: Duration) -> Result<Vec<Reply>> {
            let replies = self.0.send(requests, limit)?;
            self.1 += if replies.iter().any(|reply| reply.came() == Came::Hung) { limit } else { Duration::ZERO };
            Ok(replies)
        }
        fn effects(&mut self) -> Result<Option<i64>> {
            Ok(None)
        }
    }
    let handle: Handle = Box::new(|request| match status(plexos(), request, None) {
        200 => Ok(200),
        _ => Err(SendFailure::Timeout),
    });
    let url = "http://localhost/".parse().unwrap();
    let plan = Plan {
        provider: plexos(),
        key: key(plexos()),
        url,
        budget: Duration::from_secs(3),
        selection: Selection::default(),
    };
    let mut target = Patient(Made { handle, turn: 1, work: None }, Duration::ZERO);
    let report = run(&plan, &mut target, &mut || {}).unwrap();
    assert!(causes(&report).contains(&"hung") && !causes(&report).contains(&"died"), "{:?}", causes(&report));
    assert!(target.1 < Duration::from_secs(40), "{:?}", target.1);
}

#[test]
fn work_that_is_done_for_every_delivery_is_done_twice() {
    let report = check(plexos(), Box::new(|request| Ok(status(plexos(), request, None))), Some(0));
    assert_eq!(failed(&report), ["behave.twice", "behave.same_moment"]);
    assert_eq!(causes(&report), ["done_twice", "amount_ignored"]);
}

#[test]
fn a_handler_that_limits_the_rate_is_told_so_and_left_alone() {
    let mut turn = 0;
    let report = checked(plexos(), move |request| {
        turn += 1;
        if turn > 40 { 429 } else { status(plexos(), request, None) }
    });
    assert_eq!((failed(&report).len(), causes(&report)), (1, vec!["rate_limited"]));
    assert!(report.count(None, Grade::NotRun) > 30);
}

#[test]
fn a_duplicate_that_is_refused_fails() {
    let mut seen = std::collections::HashSet::new();
    let report = checked(plexos(), move |request| match status(plexos(), request, None) {
        200 if !seen.insert(request.body.clone()) => 409,
        other => other,
    });
    assert_eq!(failed(&report), ["accept.again"]);
    assert_eq!(causes(&report), ["again_refused", "race_refused"]);
}

#[test]
fn the_other_providers_rule_is_refused_by_a_right_handler_only() {
    // This one forgets the timestamp: it checks the body alone, as Plustive does.
    let report = checked(plexos(), |request| {
        let mac = key(plexos()).sign(b"", &request.body);
        let given = request.headers.get("X-Plexos-Signature").unwrap_or_default();
        if given == hex::encode(mac).as_bytes() { 200 } else { 401 }
    });
    // It takes nothing that the provider sends.
    assert_eq!(causes(&report), ["refuses_all"]);
}

#[test]
fn chosen_probes_are_run_and_those_that_all_stand_on() {
    let selection = Selection { only: vec!["raw.number".to_owned()], skip: vec!["*.long".to_owned()] };
    let ids: Vec<_> =
        probes(plexos()).into_iter().filter(|probe| selection.takes(probe)).map(|probe| probe.id).collect();
    assert_eq!(ids, ["accept.any", "refuse.any", "raw.number.fraction", "raw.number.exponent", "raw.number.large"]);
    assert_eq!(
        Selection { only: vec!["nothing".to_owned()], skip: Vec::new() }.stray(&probes(plexos())),
        Some("nothing")
    );
}
