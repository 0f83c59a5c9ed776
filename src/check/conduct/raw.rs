//! Odd spellings: a refusal counts only when a twin with the same values is taken, and all that was seen names what wrote the body
//! anew.

use super::{Conduct, Found, NOT_HERE, observation};
use crate::check::cause::Cause;
use crate::check::judge;
use crate::check::probe::{Grade, Make, Topic};
use crate::check::reply::{Came, Exchange};
use crate::check::report::Outcome;
use crate::check::rewriter::{self, Observation};
use crate::model::error::Result;

/// How many twins of a refused body are tried.
const TWINS: usize = 6;

impl Conduct<'_> {
    /// A refusal counts only when a plain twin with the same values is taken.
    pub(super) fn raw(&mut self, make: &Make) -> Result<Found> {
        let Some(exchange) = self.tried(make)? else { return Ok(Found::not_run(NOT_HERE)) };
        let (came, words) = (exchange.reply.came(), exchange.reply.words());
        match came {
            Came::Taken => {
                self.seen.push(observation(&exchange));
                Ok(Found::new((Grade::Pass, None), "taken", vec![exchange]))
            }
            Came::Refused | Came::Failed => self.raw_refused(exchange, &words),
            _ => {
                let judgement = judge::of_good(came, Topic::Event, Grade::Fail);
                self.unless_dead(Found::new(judgement, format!("{words}; 2xx was due"), vec![exchange]))
            }
        }
    }

    fn raw_refused(&mut self, refused: Exchange, words: &str) -> Result<Found> {
        let mut seen = vec![observation(&refused)];
        for body in rewriter::twins(&refused.request.body, &self.seen, TWINS) {
            let draft = self.maker().signed(body);
            let twin = self.one(draft)?;
            seen.push(observation(&twin));
            if twin.reply.came() == Came::Taken {
                self.seen.append(&mut seen);
                let judgement = (Grade::Fail, Some(Cause::Rewritten(Vec::new())));
                let what = format!("{words}; the same values in another spelling were taken");
                return Ok(Found(judgement, what, vec![refused, twin], 0));
            }
        }
        let judgement = (Grade::Info, Some(Cause::ValuesRefused));
        Ok(Found::new(judgement, format!("{words}, also to the same values in other spellings"), vec![refused]))
    }
}

/// Gives the raw-body probes the rewriters that fit, and every refusal that these explain the same cause.
pub(super) fn attribute(outcomes: &mut [Outcome], seen: &[Observation]) {
    if seen.iter().all(|seen| seen.taken) {
        return;
    }
    let fitting = rewriter::fitting(seen);
    let explains = |exchange: &Exchange| {
        let body = &exchange.request.body;
        !fitting.is_empty()
            && fitting.iter().all(|rewriter| rewriter.rewrite(body).is_none_or(|written| written != *body))
    };
    for outcome in outcomes {
        let is_refusal = matches!(
            outcome.cause,
            Some(Cause::EventRefused | Cause::EventCrash | Cause::LargeRefused | Cause::OrderRefused)
        );
        let is_explained = is_refusal && outcome.exchange().is_some_and(explains);
        if is_explained || matches!(outcome.cause, Some(Cause::Rewritten(_))) {
            outcome.cause = Some(Cause::Rewritten(fitting.clone()));
        }
    }
}
