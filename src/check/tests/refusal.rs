//! Handlers that reject every correctly signed event, for one reason each.

use super::*;
use crate::diagnose::Confidence;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// The parts of a handler's verification.
struct Verification {
    key: Vec<u8>,
    /// Hours by which its clock is ahead.
    hours: i64,
    /// It accepts events of any age.
    ignores_age: bool,
    header: &'static str,
    message: fn(&str, &[u8]) -> Vec<u8>,
    /// Computes the expected text of the header.
    expected: fn(&[u8], &[u8]) -> String,
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

impl Verification {
    fn correct() -> Self {
        Self {
            key: key(plexos()).secret.expose().to_vec(),
            hours: 0,
            ignores_age: false,
            header: "X-Plexos-Signature",
            message: |time, body| [time.as_bytes(), b".", body].concat(),
            expected: |key, message| hex::encode(hmac_sha256(key, message)),
        }
    }

    fn accepts(&self, request: &Request) -> bool {
        let text = |name| request.headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let time = text("X-Plexos-Timestamp").unwrap_or_default();
        let clock = now().as_second() + self.hours * 3600;
        let is_fresh = self.ignores_age || time.parse().is_ok_and(|time: i64| (clock - time).abs() <= 300);
        let expected = (self.expected)(&self.key, &(self.message)(&time, &request.body));
        is_fresh && text(self.header) == Some(expected)
    }

    /// Checks a handler that answers 200 to the events that it accepts, and 401 to all others.
    fn report(self) -> CheckReport {
        report_for(plexos(), move |request| if self.accepts(request) { 200 } else { 401 })
    }
}

/// Returns the codes of the mistakes that are proved.
pub(super) fn mistakes(report: &CheckReport) -> Vec<&'static str> {
    let problems = report.problems();
    problems.iter().flat_map(|problem| problem.cause.mistakes()).map(|mistake| mistake.code()).collect()
}

#[test]
fn the_mistake_of_a_handler_that_rejects_every_event_is_proved() {
    let correct = Verification::correct;
    let cases: Vec<(Verification, &[&str])> = vec![
        (Verification { message: |_, body| body.to_vec(), ..correct() }, &["timestamp_not_signed"]),
        (
            Verification { message: |time, body| [time.as_bytes(), b":", body].concat(), ..correct() },
            &["timestamp_separator"],
        ),
        (
            Verification { message: |time, body| [time.as_bytes(), b"000.", body].concat(), ..correct() },
            &["timestamp_signed_in_milliseconds"],
        ),
        (
            Verification { message: |time, _| [time.as_bytes(), b".[object Object]"].concat(), ..correct() },
            &["body_not_the_payload"],
        ),
        (Verification { message: |time, _| format!("{time}.").into_bytes(), ..correct() }, &["body_empty_signed"]),
        (Verification { hours: 1, ..correct() }, &["clock_ahead"]),
        (Verification { hours: -5, ..correct() }, &["clock_behind"]),
        (Verification { key: b"secret".to_vec(), ..correct() }, &["secret_prefix_dropped"]),
        (Verification { key: b"undefined".to_vec(), ..correct() }, &["secret_unset"]),
        (
            Verification { expected: |key, message| hex::encode_upper(hmac_sha256(key, message)), ..correct() },
            &["expects_upper_case"],
        ),
        (
            Verification {
                expected: |key, message| base64::Engine::encode(&STANDARD, hmac_sha256(key, message)),
                ..correct()
            },
            &["expects_base64"],
        ),
        (
            Verification {
                expected: |key, message| format!("sha256={}", hex::encode(hmac_sha256(key, message))),
                ..correct()
            },
            &["expects_other_form"],
        ),
        (Verification { expected: |_, message| hex::encode(Sha256::digest(message)), ..correct() }, &["not_hmac"]),
        (
            Verification {
                expected: |key, message| {
                    let mut mac = Hmac::<Sha512>::new_from_slice(key).unwrap();
                    mac.update(message);
                    hex::encode(mac.finalize().into_bytes())
                },
                ..correct()
            },
            &["digest_algorithm"],
        ),
        (Verification { header: "X-Signature", ..correct() }, &["signature_read_elsewhere"]),
        // Two at once.
        (
            Verification { header: "X-Webhook-Signature", message: |_, body| body.to_vec(), ..correct() },
            &["signature_read_elsewhere", "timestamp_not_signed"],
        ),
        (
            Verification {
                key: b"secret".to_vec(),
                expected: |key, message| hex::encode_upper(hmac_sha256(key, message)),
                ..correct()
            },
            &["expects_upper_case", "secret_prefix_dropped"],
        ),
    ];
    for (verification, codes) in cases {
        let report = verification.report();
        assert_eq!((failed(&report), causes(&report)), (vec!["accept.any"], vec!["verifies_wrongly"]), "{codes:?}");
        assert_eq!(mistakes(&report), codes);
        assert_eq!(report.problems()[0].cause.confidence(), Some(Confidence::Proved));
    }
}

#[test]
fn a_handler_that_ignores_the_age_of_events_has_no_mistake_in_its_clock() {
    let handler = Verification { message: |_, body| body.to_vec(), ignores_age: true, ..Verification::correct() };
    assert_eq!(mistakes(&handler.report()), ["timestamp_not_signed"]);
    let handler = Verification { message: |time, body| [time.as_bytes(), body].concat(), ..Verification::correct() };
    let handler = Verification { ignores_age: true, ..handler };
    assert_eq!(mistakes(&handler.report()), ["timestamp_separator"]);
    let handler = Verification { key: b"secret".to_vec(), ignores_age: true, ..Verification::correct() };
    assert_eq!(mistakes(&handler.report()), ["secret_prefix_dropped"]);
}

#[test]
fn a_handler_with_another_secret_of_the_registry_is_recognized() {
    let other = Key::new(Secret::new("plexos", SecretOrigin::Stored("old".to_owned()), "whsec_old"));
    let signing = key(plexos());
    let handler_secrets = HandlerSecrets::new(plexos(), &signing, &Credentials::new(&[other, signing.clone()], &[]));
    let plan = CheckPlan { handler_secrets, ..plan(plexos(), ProbeSelection::default()) };
    let handler = Verification { key: b"whsec_old".to_vec(), ..Verification::correct() };
    let handle: Handle = Box::new(move |request| Ok(if handler.accepts(request) { 200 } else { 401 }));
    let report = run(&plan, &mut TestHandler::new(handle, None), &mut || {}).unwrap();
    assert_eq!(mistakes(&report), ["secret_other"]);
    assert!(report.problems()[0].cause.sentence().contains("old"));
}

#[test]
fn nothing_is_proved_about_a_handler_whose_comparison_is_never_true() {
    for status in [401, 500] {
        let report = report_for(plexos(), move |_| status);
        let [problem] = &report.problems()[..] else { panic!("{:?}", causes(&report)) };
        assert_eq!((problem.cause.confidence(), mistakes(&report).len()), (Some(Confidence::Likely), 0));
        assert!(problem.cause.attempts().is_some_and(|attempts| attempts > 200), "{:?}", problem.cause);
    }
}

#[test]
fn a_handler_that_accepts_forgeries_of_one_shape_proves_nothing() {
    // It skips the verification of a signature that is not 64 characters long.
    let report = report_for(plexos(), |request| {
        let length = request.headers.get("X-Plexos-Signature").map_or(0, <[u8]>::len);
        if length == 64 { 401 } else { 200 }
    });
    assert_eq!((causes(&report), mistakes(&report).len()), (vec!["refuses_all"], 0));
}

#[test]
fn a_handler_that_verifies_and_then_rejects_is_distinguished_by_its_other_response() {
    for (after, code) in [(422, "refuses_verified"), (500, "fails_verified")] {
        let handler = Verification::correct();
        let report = report_for(plexos(), move |request| if handler.accepts(request) { after } else { 401 });
        assert_eq!(causes(&report), [code]);
    }
    // The same with a mistake: another response than to a forged event is a proof, too.
    let handler = Verification { message: |_, body| body.to_vec(), ..Verification::correct() };
    let report = report_for(plexos(), move |request| if handler.accepts(request) { 422 } else { 401 });
    assert_eq!(mistakes(&report), ["timestamp_not_signed"]);
}

#[test]
fn a_handler_that_knows_another_type_of_event_only_is_checked_with_it() {
    let handler = Verification::correct();
    let report = report_for(plexos(), move |request| match handler.accepts(request) {
        false => 401,
        true if String::from_utf8_lossy(&request.body).contains("payment.settled") => 200,
        true => 422,
    });
    assert_eq!(grade(&report, "accept.any"), ProbeGrade::Pass);
    assert!(
        report.baseline.as_ref().is_some_and(|baseline| baseline.contains("payment.settled")),
        "{:?}",
        report.baseline
    );
}

#[test]
fn a_rate_limit_ends_the_attempts() {
    let mut turn = 0;
    let report = report_for(plexos(), move |_| {
        turn += 1;
        if turn > 60 { 429 } else { 401 }
    });
    assert_eq!(causes(&report), ["rate_limited"]);
}

#[test]
fn a_plustive_handler_with_one_mistake_is_recognized_in_both_formats() {
    for prefix in ["", "sha256="] {
        let report = report_for(plustive(), move |request| {
            let expected = format!("{prefix}{}", hex::encode(hmac_sha256(b"secret\n", &request.body)));
            let given = request.headers.get("X-Plustive-Signature").unwrap_or_default();
            if given == expected.as_bytes() { 200 } else { 401 }
        });
        assert_eq!(mistakes(&report), ["secret_whitespace_lost"], "{prefix}");
    }
}

#[test]
fn a_missing_route_is_not_asked_for_its_mistake() {
    let mut turns = 0;
    let report = report_for(plexos(), move |_| {
        turns += 1;
        assert!(turns < 20, "a few requests are enough");
        404
    });
    assert_eq!(causes(&report), ["wrong_path"]);
}
