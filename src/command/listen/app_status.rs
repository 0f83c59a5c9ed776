//! Reports how apps respond to forwarded deliveries.

use crate::model::exchange::Answer;
use crate::model::mask::mask_secrets;
use crate::model::sanitize;
use crate::model::status::LOOP_DETECTED;
use crate::model::stored::{ForwardOutcome, Forwarded};
use crate::render::paint::Paint;
use crate::render::text;
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct AppStatus {
    /// Apps that did not respond to the last attempt.
    down: BTreeSet<String>,
    /// Statuses of refusals for which the next step was shown.
    explained: BTreeSet<u16>,
}

impl AppStatus {
    /// Returns the lines for an attempt. An app that does not respond is reported once and not for
    /// each delivery. The delivery is named unless it is the one that was shown last.
    pub(super) fn lines(&mut self, forwarded: &Forwarded, last_shown: Option<&str>, paint: Paint) -> Vec<String> {
        let Forwarded { id, attempt, outcome, .. } = forwarded;
        let url = attempt.url.parse::<url::Url>();
        let app = url.map_or_else(|_| mask_secrets(&attempt.url), |url| url.origin().ascii_serialization());
        let change = match &attempt.outcome {
            Ok(_) => self.down.remove(&app).then(|| paint.good(&format!("✓ {app} is responding again"))),
            Err(failure) => self.down.insert(app.clone()).then(|| {
                paint.bad(&format!("✗ {app} is not responding: {}", sanitize::escape_unsafe(&mask_secrets(failure))))
            }),
        };
        let answer = match &attempt.outcome {
            Ok(answer) => {
                let mut line = text::answer_line(answer, &attempt.url, attempt.took, paint);
                if answer.status.is_success() {
                    line = line.lines().next().unwrap_or_default().to_owned();
                }
                let name = if last_shown.is_some_and(|last| last == id.to_string()) {
                    String::new()
                } else {
                    format!("{id}  ")
                };
                Some(format!("→ {name}{line}{}", paint.faint(&next_step(*outcome))))
            }
            Err(_) if matches!(outcome, ForwardOutcome::Delivered | ForwardOutcome::Retry(_)) => None,
            Err(_) => Some(format!("→ {id}  {}", paint.bad(next_step(*outcome).trim_start_matches(['·', ' '])))),
        };
        let advice = attempt.outcome.as_ref().ok().and_then(|answer| advice(answer, &id.to_string(), &attempt.url));
        let advice = advice.filter(|(status, _)| self.explained.insert(*status));
        let advice = advice.map(|(_, text)| format!("  {} {text}", paint.faint("fix")));
        [change, answer, advice].into_iter().flatten().collect()
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

/// Says what to run when the app refuses a delivery that is verified here. `None`: it does not.
fn advice(answer: &Answer, id: &str, url: &str) -> Option<(u16, String)> {
    let status = answer.status.0;
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    let url = mask_secrets(url);
    let url = sanitize::escape_unsafe(&url);
    let advice = match status {
        LOOP_DETECTED => {
            format!("{url} leads back to a listener that has forwarded this delivery: forward to the app itself")
        }
        404 | 405 => format!("check the path in {url}: nothing there takes a POST"),
        401 | 403 => refused_signature(id, &url),
        400..=499 if SIGNATURE_WORDS.iter().any(|word| text.contains(word)) => refused_signature(id, &url),
        400..=499 => format!("the event is verified here; `whtool check {url}` tests your handler"),
        _ => return None,
    };
    Some((status, advice))
}

fn refused_signature(id: &str, url: &str) -> String {
    format!(
        "the event is verified here: log the digest that your app computes and run `whtool verify {id} --computed \
         DIGEST`, or let `whtool check {url}` test your app"
    )
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
        advice(&Answer::new(status, body), "42", "http://127.0.0.1:3000/hook")
            .map_or_else(String::new, |(_, text)| text)
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
