//! What the apps said that deliveries are sent on to.

use crate::model::sanitize;
use crate::model::stored::{ForwardOutcome, Forwarded};
use crate::render::paint::Paint;
use crate::render::text;
use std::collections::BTreeSet;

/// The apps that are known to be silent.
#[derive(Default)]
pub(super) struct Apps {
    /// Those that did not answer when they were last asked.
    silent: BTreeSet<String>,
}

impl Apps {
    /// The lines that tell of an attempt: what was answered, or, once and not for each delivery, that nothing is. The delivery is named unless
    /// it was `last` shown.
    pub(super) fn told(&mut self, forwarded: &Forwarded, last: Option<&str>, paint: Paint) -> Vec<String> {
        let Forwarded { id, attempt, outcome: sequel, .. } = forwarded;
        let url = attempt.url.parse::<url::Url>();
        let app = url.map_or_else(|_| attempt.url.clone(), |url| url.origin().ascii_serialization());
        let change = match &attempt.outcome {
            Ok(_) => self.silent.remove(&app).then(|| paint.good(&format!("✓ {app} answers again"))),
            Err(failure) => self
                .silent
                .insert(app.clone())
                .then(|| paint.bad(&format!("✗ {app} does not answer: {}", sanitize::escape_unsafe(failure)))),
        };
        let answer = match &attempt.outcome {
            Ok(answer) => {
                let mut said = text::answer_line(answer, attempt.took, paint);
                if answer.status.is_success() {
                    said = said.lines().next().unwrap_or_default().to_owned();
                }
                let of = if last == Some(id) { String::new() } else { format!("{id}  ") };
                Some(format!("→ {of}{said}{}", paint.faint(&spoken(*sequel))))
            }
            Err(_) if *sequel == ForwardOutcome::GivenUp => {
                Some(format!("→ {id}  {}", paint.bad("given up; `whtool replay` sends it again")))
            }
            Err(_) => None,
        };
        [change, answer].into_iter().flatten().collect()
    }
}

/// What follows an attempt, for the end of its line.
fn spoken(sequel: ForwardOutcome) -> String {
    match sequel {
        ForwardOutcome::Delivered => String::new(),
        ForwardOutcome::Retry(pause) => format!("  · again in {}", text::duration(pause)),
        ForwardOutcome::GivenUp => "  · not tried again".to_owned(),
    }
}
