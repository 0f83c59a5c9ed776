//! Checks of correct and faulty handlers that exist only in memory. All tests use the handlers at
//! the top of this file, and so do those of `render::check`.

mod refusal;
mod tolerance;

use super::baseline::Baseline;
use super::body_transform::BodyTransform;
use super::types::ResponseClass;
use super::*;
use crate::diagnose::Credentials;
use crate::diagnose::oracle::HandlerSecrets;
use crate::json::value::Payload;
use crate::json::{SERIALIZERS, is_valid};
use crate::model::error::Result;
use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::Request;
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::{DEFAULT_TOLERANCE, Key, Tolerance, verify};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{self, Provider};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Answers a request with a status, or not at all.
type Handle = Box<dyn FnMut(&Request) -> std::result::Result<u16, SendFailure>>;

/// A clock that tests share with their handlers.
type Clock = Rc<Cell<Timestamp>>;

struct TestHandler {
    handle: Handle,
    clock: Clock,
    /// Time that each request takes.
    latency: Duration,
    /// State of the random numbers.
    turn: usize,
    /// Number of events processed. `None` if it is not counted.
    effects: Option<i64>,
}

impl TestHandler {
    fn new(handle: Handle, effects: Option<i64>) -> Self {
        Self { handle, clock: Rc::new(Cell::new(now())), latency: Duration::ZERO, turn: 1, effects }
    }
}

impl HandlerClient for TestHandler {
    fn now(&self) -> Timestamp {
        self.clock.get()
    }

    fn wait(&mut self, time: Duration) -> Result<()> {
        self.clock.set(self.clock.get() + time);
        Ok(())
    }

    fn random(&mut self, below: usize) -> usize {
        self.turn = self.turn.wrapping_mul(31).wrapping_add(7);
        self.turn % below.max(1)
    }

    fn send(&mut self, requests: &[Request], _timeout: Duration) -> Result<Vec<HandlerResponse>> {
        let respond = |request| {
            self.clock.set(self.clock.get() + self.latency);
            let mut answer = (self.handle)(request).map(|status| Answer::new(status, "<h1>body</h1>"));
            if let Ok(answer) = &mut answer {
                answer.headers.push("X-Powered-By", b"Express").unwrap();
                self.effects = self.effects.map(|count| count + i64::from(answer.status == 200));
            }
            HandlerResponse { took: Duration::from_millis(1), answer }
        };
        Ok(requests.iter().map(respond).collect())
    }

    fn effects(&mut self) -> Result<Option<i64>> {
        Ok(self.effects)
    }
}

pub fn now() -> Timestamp {
    Timestamp::from_second(1_736_937_000).unwrap()
}

fn key(provider: &dyn Provider) -> Key {
    Key::new(Secret::new(provider.name(), SecretOrigin::Flag, format!("{}secret", provider.secret_prefix())))
}

/// Verifies a request like a handler that hashes the transformed body.
fn is_authentic(
    provider: &dyn Provider,
    request: &Request,
    transform: Option<BodyTransform>,
    tolerance: Tolerance,
) -> bool {
    let mut hashed = request.clone();
    if let Some(transform) = transform {
        let Some(body) = transform.apply(&request.body) else { return false };
        hashed.body = body;
    }
    let verdict = provider.claim(&hashed).map(|claim| verify(&claim, &[key(provider)], now(), tolerance));
    verdict.is_ok_and(|verdict| verdict.is_verified())
}

/// Returns the status of a handler that is correct, apart from the transformation.
fn status(provider: &dyn Provider, request: &Request, transform: Option<BodyTransform>) -> u16 {
    let is_object = || is_valid(&request.body) && request.body.starts_with(b"{");
    match is_authentic(provider, request, transform, Some(DEFAULT_TOLERANCE)) {
        false => 401,
        true if Payload::parse(&request.body).is_ok() || is_object() => 200,
        true => 400,
    }
}

fn plan(provider: &'static dyn Provider, selection: ProbeSelection) -> CheckPlan {
    let url = "http://localhost/hooks".parse().unwrap();
    let key = key(provider);
    let handler_secrets = HandlerSecrets::new(provider, &key, &Credentials::new(&[], &[]));
    CheckPlan { provider, key, handler_secrets, url, budget: Duration::from_secs(3), selection }
}

fn check(provider: &'static dyn Provider, handle: Handle, effects: Option<i64>) -> CheckReport {
    check_selected(provider, handle, effects, ProbeSelection::default())
}

fn check_selected(
    provider: &'static dyn Provider,
    handle: Handle,
    effects: Option<i64>,
    selection: ProbeSelection,
) -> CheckReport {
    run(&plan(provider, selection), &mut TestHandler::new(handle, effects), &mut || {}).unwrap()
}

fn report_for(provider: &'static dyn Provider, mut status: impl FnMut(&Request) -> u16 + 'static) -> CheckReport {
    check(provider, Box::new(move |request| Ok(status(request))), None)
}

fn only(patterns: &[&str]) -> ProbeSelection {
    ProbeSelection { only: patterns.iter().map(|&pattern| pattern.to_owned()).collect(), skip: Vec::new() }
}

/// Returns the report of a correct Plexos handler, for these probes or for all.
pub fn correct_report(patterns: &[&str]) -> CheckReport {
    check_selected(plexos(), Box::new(|request| Ok(status(plexos(), request, None))), None, only(patterns))
}

/// Returns the report of a Plexos handler that re-serializes the body, crashes on malformed
/// signatures, and ignores timestamps.
pub fn faulty_report(patterns: &[&str]) -> CheckReport {
    let handle: Handle = Box::new(|request| {
        let signature = request.headers.get("X-Plexos-Signature");
        if signature.is_none_or(|signature| signature.len() != 64) {
            return Ok(500);
        }
        let is_authentic = is_authentic(plexos(), request, Some(serializer("json_stringify")), None);
        Ok(if is_authentic { 200 } else { 401 })
    });
    check_selected(plexos(), handle, None, only(patterns))
}

/// Returns the reports of Plexos handlers that reject every event: one verifies the body without
/// the timestamp, the other one has an unknown secret.
pub fn rejecting_reports() -> [CheckReport; 2] {
    let body_alone: Handle = Box::new(|request| {
        let expected = hex::encode(key(plexos()).sign(b"", &request.body));
        let given = request.headers.get("X-Plexos-Signature");
        Ok(if given == Some(expected.as_bytes()) { 200 } else { 401 })
    });
    [body_alone, Box::new(|_| Ok(401))].map(|handle| check_selected(plexos(), handle, None, ProbeSelection::default()))
}

fn grade(report: &CheckReport, id: &str) -> ProbeGrade {
    report.results.iter().find(|result| result.id == id).unwrap_or_else(|| panic!("no {id}")).grade
}

/// Returns the causes of failures and warnings.
fn causes(report: &CheckReport) -> Vec<&'static str> {
    let serious = report.problems().into_iter().filter(|problem| problem.grade >= ProbeGrade::Warn);
    serious.map(|problem| problem.cause.code()).collect()
}

fn failed(report: &CheckReport) -> Vec<&str> {
    report.results.iter().filter(|result| result.grade == ProbeGrade::Fail).map(|result| result.id.as_str()).collect()
}

fn transforms(report: &CheckReport) -> Vec<&'static str> {
    let found = report.problems().into_iter().find_map(|problem| match problem.cause {
        ProbeCause::BodyRewritten(transforms) => Some(transforms.iter().map(|transform| transform.code()).collect()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn serializer(code: &str) -> BodyTransform {
    BodyTransform::Reserialized(SERIALIZERS.iter().find(|serializer| serializer.code == code).unwrap())
}

fn plexos() -> &'static dyn Provider {
    provider::by_name("plexos").unwrap()
}

fn plustive() -> &'static dyn Provider {
    provider::by_name("plustive").unwrap()
}

#[test]
fn ids_are_distinct_and_begin_with_their_group() {
    for provider in provider::ALL {
        let mut seen = std::collections::HashSet::new();
        for probe in probes(*provider) {
            assert!(probe.id.starts_with(&format!("{}.", probe.group.name())), "{}", probe.id);
            assert!(probe.page.starts_with("https://") && !probe.why.is_empty(), "{}", probe.id);
            assert!(seen.insert(probe.id.clone()), "{}", probe.id);
        }
    }
}

#[test]
fn a_correct_handler_passes_every_probe() {
    for provider in provider::ALL {
        let report = report_for(*provider, |request| status(*provider, request, None));
        assert!(report.passed() && causes(&report).is_empty(), "{:?}", failed(&report));
        assert_eq!(report.baseline, None);
        assert_eq!(
            report.count(Some(ProbeGroup::Raw), ProbeGrade::Pass),
            report.results.iter().filter(|one| one.group == ProbeGroup::Raw).count()
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
fn the_main_serializers_are_distinguished() {
    for provider in provider::ALL {
        for code in MAIN {
            let report = report_for(*provider, move |request| status(*provider, request, Some(serializer(code))));
            let named = transforms(&report);
            let main: Vec<_> = named.iter().filter(|name| MAIN.contains(name)).collect();
            assert_eq!(main, [&code], "{} {named:?}", provider.name());
            assert_eq!(named.first(), Some(&code), "the most likely one is named first");
            assert_eq!(causes(&report), ["body_rewritten"], "{code}: {:?}", failed(&report));
        }
    }
}

/// Returns true if a request format that check tries first is what this serializer writes. Without
/// one, a handler that re-serializes rejects every event.
fn has_baseline(transform: BodyTransform) -> bool {
    Baseline::candidates(plexos()).into_iter().any(|baseline| {
        let samples = plexos().samples();
        let payload = samples.into_iter().find(|sample| sample.name == baseline.sample).unwrap().body;
        let body = baseline.serialize(payload);
        transform.apply(&body) == Some(body)
    })
}

#[test]
fn every_serializer_with_a_baseline_is_named_among_the_candidates() {
    let serializers = SERIALIZERS.iter().filter(|serializer| has_baseline(BodyTransform::Reserialized(serializer)));
    let mut count = 0;
    for serializer in serializers {
        let transform = BodyTransform::Reserialized(serializer);
        let handle: Handle = Box::new(move |request| Ok(status(plexos(), request, Some(transform))));
        let report = check_selected(plexos(), handle, None, only(&["raw"]));
        assert!(transforms(&report).contains(&serializer.code), "{}: {:?}", serializer.code, transforms(&report));
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[test]
fn a_serializer_without_a_baseline_is_the_mistake_of_a_handler_that_rejects_everything() {
    for code in ["json_stringify_indent_tab", "jackson_pretty"] {
        assert!(!has_baseline(serializer(code)));
        let report = report_for(plexos(), move |request| status(plexos(), request, Some(serializer(code))));
        assert_eq!(refusal::mistakes(&report), ["body_reserialized"], "{code}");
    }
}

#[test]
fn a_handler_that_trims_or_decodes_wrongly_is_distinguished_from_one_that_reserializes() {
    for transform in [BodyTransform::Trimmed, BodyTransform::Latin1] {
        let report = report_for(plexos(), move |request| status(plexos(), request, Some(transform)));
        assert_eq!(transforms(&report), [transform.code()]);
    }
}

#[test]
fn a_rejection_counts_only_if_an_equivalent_body_is_accepted() {
    // This handler rejects numbers in that field, however they are formatted.
    let report = report_for(plexos(), |request| {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let note = text.split_once("\"note\":").map_or("", |(_, note)| note.trim_start());
        if note.starts_with(|first: char| first.is_ascii_digit()) { 422 } else { status(plexos(), request, None) }
    });
    assert_eq!(grade(&report, "raw.number.exponent"), ProbeGrade::Info);
    assert!(report.passed(), "{:?}", failed(&report));
}

#[test]
fn a_handler_that_accepts_everything_is_one_failure() {
    let report = report_for(plexos(), |_| 200);
    assert_eq!((failed(&report), causes(&report)), (vec!["refuse.any"], vec!["not_checked"]));
}

#[test]
fn a_handler_that_accepts_no_good_event_is_one_failure_with_a_cause() {
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
            assert_eq!(report.count(None, ProbeGrade::Skipped), report.results.len() - 1);
        }
    }
}

#[test]
fn a_refused_connection_is_an_error_with_a_hint() {
    let plan = plan(plexos(), ProbeSelection::default());
    let handle: Handle = Box::new(|_| Err(SendFailure::Connect("connection refused".to_owned())));
    let error = run(&plan, &mut TestHandler::new(handle, None), &mut || {}).unwrap_err();
    assert!(error.message.contains("can't connect to") && error.hint.is_some_and(|hint| hint.contains("--start")));
}

#[test]
fn a_late_response_is_distinguished_from_a_missing_one() {
    let mut turn = 0;
    let report = check(
        plexos(),
        Box::new(move |_| {
            turn += 1;
            if turn > 1 { Ok(200) } else { Err(SendFailure::Timeout) }
        }),
        None,
    );
    // Plexos documents one signature format, so a second attempt follows a single timeout.
    assert!(!causes(&report).contains(&"hangs_always"), "{:?}", causes(&report));
}

#[test]
fn a_handler_that_ignores_the_timestamp_accepts_stale_events() {
    let report = report_for(plexos(), |request| {
        let ok = is_authentic(plexos(), request, None, None);
        if ok && Payload::parse(&request.body).is_ok() { 200 } else { 401 }
    });
    assert_eq!(failed(&report), ["refuse.timestamp.negative", "refuse.timestamp.old"]);
    assert!(causes(&report).contains(&"stale_taken") && causes(&report).contains(&"ahead_taken"));
}

#[test]
fn a_comparison_that_throws_is_one_cause_for_all_lengths() {
    let report = report_for(plustive(), |request| {
        let value = request.headers.get("X-Plustive-Signature");
        match value {
            None => 500,
            Some(value) if value.len() != 64 => 500,
            _ => status(plustive(), request, None),
        }
    });
    assert_eq!(report.baseline.as_deref(), Some("bare hex signature, transaction.completed payload"));
    assert_eq!(causes(&report), ["crash_on_shape", "crash_on_missing"]);
    assert!(failed(&report).contains(&"accept.form.reference") && failed(&report).contains(&"refuse.signature.short"));
}

#[test]
fn a_handler_that_accepts_one_signature_format_only_gets_a_warning() {
    let report = report_for(plustive(), |request| {
        let is_bare = request.headers.get("X-Plustive-Signature").is_some_and(|value| value.len() == 64);
        if is_bare { 401 } else { status(plustive(), request, None) }
    });
    assert_eq!(causes(&report), ["form_refused"]);
    assert!(report.passed());
}

#[test]
fn a_handler_that_dies_fails_the_probe_that_killed_it() {
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
    assert_eq!(grade(&report, "behave.same_moment"), ProbeGrade::Skipped);
}

#[test]
fn timeouts_are_shortened_for_a_handler_that_hangs_on_malformed_requests() {
    struct CountingTimeouts(TestHandler, Duration);
    impl HandlerClient for CountingTimeouts {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
        fn random(&mut self, below: usize) -> usize {
            self.0.random(below)
        }
        fn send(&mut self, requests: &[Request], timeout: Duration) -> Result<Vec<HandlerResponse>> {
            let replies = self.0.send(requests, timeout)?;
            self.1 += if replies.iter().any(|reply| reply.class() == ResponseClass::Timeout) {
                timeout
            } else {
                Duration::ZERO
            };
            Ok(replies)
        }
        fn wait(&mut self, time: Duration) -> Result<()> {
            self.0.wait(time)
        }
        fn effects(&mut self) -> Result<Option<i64>> {
            Ok(None)
        }
    }
    let handle: Handle = Box::new(|request| match status(plexos(), request, None) {
        200 => Ok(200),
        _ => Err(SendFailure::Timeout),
    });
    let plan = plan(plexos(), ProbeSelection::default());
    let mut target = CountingTimeouts(TestHandler::new(handle, None), Duration::ZERO);
    let report = run(&plan, &mut target, &mut || {}).unwrap();
    assert!(causes(&report).contains(&"hung") && !causes(&report).contains(&"died"), "{:?}", causes(&report));
    assert!(target.1 < Duration::from_secs(40), "{:?}", target.1);
}

#[test]
fn a_handler_without_deduplication_processes_events_twice() {
    let report = check(plexos(), Box::new(|request| Ok(status(plexos(), request, None))), Some(0));
    assert_eq!(failed(&report), ["behave.twice", "behave.same_moment"]);
    assert_eq!(causes(&report), ["done_twice", "amount_ignored"]);
}

#[test]
fn a_rate_limit_stops_the_check() {
    let mut turn = 0;
    let report = report_for(plexos(), move |request| {
        turn += 1;
        if turn > 40 { 429 } else { status(plexos(), request, None) }
    });
    assert_eq!((failed(&report).len(), causes(&report)), (1, vec!["rate_limited"]));
    assert!(report.count(None, ProbeGrade::Skipped) > 30);
}

#[test]
fn a_handler_that_rejects_duplicates_fails() {
    let mut seen = std::collections::HashSet::new();
    let report = report_for(plexos(), move |request| match status(plexos(), request, None) {
        200 if !seen.insert(request.body.clone()) => 409,
        other => other,
    });
    assert_eq!(failed(&report), ["accept.again"]);
    assert_eq!(causes(&report), ["again_refused", "race_refused"]);
}

#[test]
fn selected_probes_run_and_those_that_all_depend_on() {
    let selection = ProbeSelection { only: vec!["raw.number".to_owned()], skip: vec!["*.long".to_owned()] };
    let ids: Vec<_> =
        probes(plexos()).into_iter().filter(|probe| selection.includes(probe)).map(|probe| probe.id).collect();
    assert_eq!(ids, ["accept.any", "refuse.any", "raw.number.fraction", "raw.number.exponent", "raw.number.large"]);
    assert_eq!(only(&["nothing"]).unmatched_pattern(&probes(plexos())), Some("nothing"));
}

#[test]
fn a_forgery_that_is_answered_with_a_redirect_is_a_warning() {
    let report = report_for(plexos(), |request| match status(plexos(), request, None) {
        401 => 302,
        other => other,
    });
    assert_eq!(grade(&report, "refuse.signature.wrong"), ProbeGrade::Warn);
    assert_eq!(grade(&report, "refuse.timestamp.old"), ProbeGrade::Warn);
    assert_eq!(causes(&report), ["redirected"]);
}

#[test]
fn frameworks_are_recognized_by_their_headers() {
    let title = |name: &str, value: &[u8]| {
        let mut answer = Answer::new(200, "");
        answer.headers.push(name, value).unwrap();
        framework::detect(&answer).map(|framework| framework.title)
    };
    assert_eq!(title("X-Powered-By", b"Express"), Some("Express"));
    assert_eq!(title("x-powered-by", b"PHP/8.2.7"), Some("PHP"));
    assert_eq!(title("Server", b"Werkzeug/3.1 Python/3.11"), Some("Flask"));
    assert_eq!(title("Server", b"uvicorn"), Some("FastAPI"));
    assert_eq!(title("Server", b"Kestrel"), Some("ASP.NET Core"));
    assert_eq!(title("X-Runtime", b"0.01"), Some("Rails"));
    assert_eq!(title("Server", b"nginx"), None);
}
