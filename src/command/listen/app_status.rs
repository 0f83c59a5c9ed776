//! Reports how apps respond to forwarded deliveries.

use crate::model::sanitize;
use crate::model::stored::{ForwardOutcome, Forwarded};
use crate::render::paint::Paint;
use crate::render::text;
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct AppStatus {
    /// Apps that did not respond to the last attempt.
    down: BTreeSet<String>,
}

impl AppStatus {
    /// Returns the lines for an attempt. An app that does not respond is reported once and not for
    /// each delivery. The delivery is named unless it is the one that was shown last.
    pub(super) fn lines(&mut self, forwarded: &Forwarded, last_shown: Option<&str>, paint: Paint) -> Vec<String> {
        let Forwarded { id, attempt, outcome, .. } = forwarded;
        let url = attempt.url.parse::<url::Url>();
        let app = url.map_or_else(|_| attempt.url.clone(), |url| url.origin().ascii_serialization());
        let change = match &attempt.outcome {
            Ok(_) => self.down.remove(&app).then(|| paint.good(&format!("✓ {app} is responding again"))),
            Err(failure) => self
                .down
                .insert(app.clone())
                .then(|| paint.bad(&format!("✗ {app} is not responding: {}", sanitize::escape_unsafe(failure)))),
        };
        let answer = match &attempt.outcome {
            Ok(answer) => {
                let mut line = text::answer_line(answer, attempt.took, paint);
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
            Err(_) if *outcome == ForwardOutcome::GivenUp => {
                Some(format!("→ {id}  {}", paint.bad("gave up; `whtool replay` sends it again")))
            }
            Err(_) => None,
        };
        [change, answer].into_iter().flatten().collect()
    }
}

fn next_step(outcome: ForwardOutcome) -> String {
    match outcome {
        ForwardOutcome::Delivered => String::new(),
        ForwardOutcome::Retry(pause) => format!("  · retrying in {}", text::duration(pause)),
        ForwardOutcome::GivenUp => "  · not retried".to_owned(),
    }
}
