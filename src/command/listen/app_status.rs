//! Reports how apps respond to forwarded deliveries.

use crate::model::delivery::AnalyzedDelivery;
use crate::model::exchange::Answer;
use crate::model::mask::mask_secrets;
use crate::model::sanitize;
use crate::model::secret::SecretOrigin;
use crate::model::shell::Shell;
use crate::model::status::LOOP_DETECTED;
use crate::model::stored::{CaptureId, ForwardOutcome, Forwarded};
use crate::model::verdict::Verdict;
use crate::provider;
use crate::render::paint::Paint;
use crate::render::text;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct AppStatus {
    /// Apps that did not respond to the last attempt.
    down: BTreeSet<String>,
    /// Apps and statuses of refusals for which the next step was shown.
    explained: BTreeSet<(String, u16)>,
    /// Deliveries go to several apps, so each answer names its own.
    pub has_several: bool,
    /// The latest verified deliveries.
    verified: BTreeMap<CaptureId, EventSigner>,
    /// Word by which the user can call this program again.
    program: String,
    shell: Shell,
}

/// Most verified deliveries that are remembered.
const REMEMBERED: usize = 10_000;

/// The side that has signed a delivery.
#[derive(Clone, Copy)]
struct EventSigner {
    provider: &'static str,
    /// It was signed with a local test secret, which the app may not have.
    is_test: bool,
}

/// A line about an attempt.
pub(super) struct AppLine {
    pub text: String,
    /// It is about the delivery, and not only about the app.
    pub is_about_delivery: bool,
}

impl AppStatus {
    pub(super) fn new(program: String, shell: Shell) -> Self {
        Self { program, shell, ..Self::default() }
    }

    /// Remembers a delivery if it is verified.
    pub(super) fn add_delivery(&mut self, id: CaptureId, received: &AnalyzedDelivery) {
        if let (Some(provider), Verdict::Verified { secret, .. }) = (received.provider, &received.verdict) {
            self.verified.insert(id, EventSigner { provider, is_test: *secret == SecretOrigin::LocalTest });
            if self.verified.len() > REMEMBERED {
                self.verified.pop_first();
            }
        }
    }

    /// Returns the lines for an attempt. An app that does not respond is reported once and not for
    /// each delivery.
    pub(super) fn lines(&mut self, forwarded: &Forwarded, is_named: bool, paint: Paint) -> Vec<AppLine> {
        let Forwarded { id, attempt, outcome, .. } = forwarded;
        let url = attempt.url.parse::<url::Url>();
        let app = url.map_or_else(|_| mask_secrets(&attempt.url), |url| url.origin().ascii_serialization());
        let change = match &attempt.outcome {
            Ok(_) => self.down.remove(&app).then(|| paint.good(&format!("✓ {app} is responding again"))),
            Err(failure) => self.down.insert(app.clone()).then(|| {
                paint.bad(&format!("✗ {app} is not responding: {}", sanitize::escape_unsafe(&mask_secrets(failure))))
            }),
        };
        let place = if self.has_several { format!("{app}  ") } else { String::new() };
        let answer = match &attempt.outcome {
            Ok(answer) => {
                let mut line = text::answer_line(answer, &attempt.url, attempt.took, paint);
                if answer.status.is_success() {
                    line = line.lines().next().unwrap_or_default().to_owned();
                }
                let name = if is_named { format!("{id}  ") } else { String::new() };
                Some(format!("→ {name}{place}{line}{}", paint.faint(&next_step(*outcome))))
            }
            Err(_) if matches!(outcome, ForwardOutcome::Delivered | ForwardOutcome::Retry(_)) => None,
            Err(_) => {
                let step = next_step(*outcome);
                Some(format!("→ {id}  {place}{}", paint.bad(step.trim_start_matches(['·', ' ']))))
            }
        };
        let advice = attempt.outcome.as_ref().ok().and_then(|answer| {
            let signer = self.verified.get(id).copied();
            let (program, shell) = (&self.program, self.shell);
            advice(answer, &Refused { id: id.to_string(), url: &attempt.url, signer, program, shell })
        });
        let advice = advice.filter(|(status, _)| self.explained.insert((app, *status)));
        let advice = advice.map(|(_, text)| format!("  {} {text}", paint.faint("fix")));
        let lines = [(change, false), (answer, true), (advice, true)].into_iter();
        lines.filter_map(|(text, is_about_delivery)| Some(AppLine { text: text?, is_about_delivery })).collect()
    }
}

/// Words in the answer of an app that refuses a signature or its time.
const SIGNATURE_WORDS: &[&str] = &[
    "signature",
    "hmac",
    "digest",
    "sha256",
    "secret",
    "timestamp",
    "stale",
    "expired",
    "verif",
    "tamper",
    "unauthor",
];

/// A verified delivery that an app refused.
struct Refused<'a> {
    id: String,
    url: &'a str,
    signer: Option<EventSigner>,
    program: &'a str,
    shell: Shell,
}

/// Says what to run when the app refuses a delivery that is verified here. `None`: it does not.
fn advice(answer: &Answer, refused: &Refused<'_>) -> Option<(u16, String)> {
    let status = answer.status.0;
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    let url = mask_secrets(refused.url);
    let url = sanitize::escape_unsafe(&url);
    let advice = match status {
        LOOP_DETECTED => {
            format!("{url} leads back to a listener that has forwarded this delivery: forward to the app itself")
        }
        404 | 405 => format!("check the path in {url}: nothing there takes a POST"),
        401 | 403 => refused_signature(refused, &url),
        400..=499 if SIGNATURE_WORDS.iter().any(|word| text.contains(word)) => refused_signature(refused, &url),
        400..=499 => {
            format!("the event is verified here; `{}` tests your handler", check_command(refused, &url))
        }
        _ => return None,
    };
    Some((status, advice))
}

/// Returns the command that tests the app. Its URL rarely tells the provider.
fn check_command(refused: &Refused<'_>, url: &str) -> String {
    let provider = refused.signer.map_or_else(String::new, |signer| format!(" --provider {}", signer.provider));
    format!("{} check {url}{provider}", refused.program)
}

fn refused_signature(refused: &Refused<'_>, url: &str) -> String {
    let (program, check) = (refused.program, check_command(refused, url));
    let mut advice = format!(
        "your app refused a valid signature: run `{check}`, or `{program} verify {} --computed DIGEST` with the \
         digest that it computes",
        refused.id
    );
    let signer = refused.signer.filter(|signer| signer.is_test);
    if let Some(provider) = signer.and_then(|signer| provider::by_name(signer.provider)) {
        let (name, variable) = (provider.name(), provider.secret_variable());
        let line = refused.shell.set_variable_to_output(variable, &format!("{program} secret show {name}-test"));
        advice += &format!("; it needs the local test secret: `{line}`");
    }
    advice
}

fn next_step(outcome: ForwardOutcome) -> String {
    match outcome {
        ForwardOutcome::Delivered => String::new(),
        ForwardOutcome::Retry(pause) => format!("  · retrying in {}", text::duration(pause)),
        ForwardOutcome::Refused => "  · not retried; `whtool replay` sends it again".to_owned(),
        ForwardOutcome::GivenUp => {
            "  · gave up until the next `whtool listen`; `whtool replay` sends it now".to_owned()
        }
        ForwardOutcome::TooOld => "  · gave up: older than --give-up-after; `whtool replay` sends it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice_for(status: u16, body: &str) -> String {
        let (url, program) = ("http://127.0.0.1:3000/hook", "whtool");
        let refused = Refused { id: "42".to_owned(), url, signer: None, program, shell: Shell::Posix };
        advice(&Answer::new(status, body), &refused).map_or_else(String::new, |(_, text)| text)
    }

    #[test]
    fn a_refused_signature_leads_to_the_digest_of_the_app() {
        for (status, body) in [
            (401, ""),
            (403, "no"),
            (400, r#"{"error":"Invalid Signature"}"#),
            (422, "timestamp expired"),
            (400, "Webhook verification failed"),
        ] {
            let text = advice_for(status, body);
            assert!(text.contains("`whtool verify 42 --computed DIGEST`"), "{status} {body}: {text}");
            assert!(text.contains("`whtool check http://127.0.0.1:3000/hook`"), "{text}");
        }
    }

    #[test]
    fn another_refusal_leads_to_the_path_or_to_check() {
        assert!(advice_for(404, "Cannot POST /hook").starts_with("check the path in http://127.0.0.1:3000/hook"));
        for (status, body) in [(400, "amount is missing"), (415, ""), (422, "unknown customer")] {
            let text = advice_for(status, body);
            assert!(text.contains("`whtool check ") && !text.contains("--computed"), "{status}: {text}");
        }
        for status in [200, 302, 500, 503] {
            assert_eq!(advice_for(status, "invalid signature"), "", "{status}");
        }
    }
}
