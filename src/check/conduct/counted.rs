//! Repetition and work: the same event twice, two at once, a wrong amount, with the work counted where somebody counts it.

use super::{Conduct, Found, NOT_HERE};
use crate::check::cause::Cause;
use crate::check::judge;
use crate::check::probe::{Grade, Make, Probe};
use crate::check::reply::{Came, Exchange};
use crate::model::error::Result;

impl Conduct<'_> {
    pub(super) fn same_moment(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let before = self.target.effects()?;
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let exchanges = self.together(vec![draft.clone(), draft], self.patience())?;
        let worst = exchanges.iter().enumerate().max_by_key(|(_, exchange)| badness(exchange.reply.came()));
        let (shown_by, came) = worst.map_or((0, Came::Closed), |(at, exchange)| (at, exchange.reply.came()));
        let words: Vec<_> = exchanges.iter().map(|exchange| exchange.reply.words()).collect();
        let judgement = judge::of_good(came, probe.topic, Grade::Warn);
        if judgement.0 != Grade::Pass {
            return self.unless_dead(Found(
                judgement,
                format!("{}; 2xx was due for both", words.join(" and ")),
                exchanges,
                shown_by,
            ));
        }
        self.counted(before, exchanges, "both were taken")
    }

    pub(super) fn twice(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let Some(before) = self.target.effects()? else {
            return Ok(Found::not_run("nobody counts the work: --effects says how"));
        };
        let Some(draft) = make(&mut self.maker()).into_iter().next() else { return Ok(Found::not_run(NOT_HERE)) };
        let mut exchanges = Vec::new();
        for draft in [draft.clone(), draft] {
            let exchange = self.one(draft)?;
            let judgement = judge::of_good(exchange.reply.came(), probe.topic, probe.weight);
            let what = exchange.reply.words();
            exchanges.push(exchange);
            if judgement.0 != Grade::Pass {
                return self.unless_dead(Found::new(judgement, what, exchanges));
            }
        }
        self.counted(Some(before), exchanges, "both were taken")
    }

    /// How often the work was done for one event that came twice.
    fn counted(&mut self, before: Option<i64>, exchanges: Vec<Exchange>, words: &str) -> Result<Found> {
        let (Some(before), Some(after)) = (before, self.target.effects()?) else {
            return Ok(Found::new((Grade::Pass, None), words, exchanges));
        };
        let (judgement, done) = match after.saturating_sub(before) {
            1 => ((Grade::Pass, None), "the work was done once".to_owned()),
            0 => (
                (Grade::NotRun, None),
                "no work was done: it may want an order that it knows, or the count is of something else".to_owned(),
            ),
            ..0 => ((Grade::NotRun, None), "the count went down: it is of something else".to_owned()),
            times => ((Grade::Fail, Some(Cause::DoneTwice)), format!("the work was done {times} times")),
        };
        Ok(Found::new(judgement, format!("{words}; {done}"), exchanges))
    }

    pub(super) fn amount(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let before = self.target.effects()?;
        let Some(exchange) = self.tried(make)? else { return Ok(Found::not_run(NOT_HERE)) };
        let (came, words) = (exchange.reply.came(), exchange.reply.words());
        let judgement = judge::of_odd(came, probe.topic, probe.weight);
        if judgement.0 != Grade::Pass {
            return self.unless_dead(Found::new(judgement, words, vec![exchange]));
        }
        let (judgement, meaning) = match (before, self.target.effects()?) {
            (Some(before), Some(after)) if after > before => {
                ((Grade::Warn, Some(Cause::AmountIgnored)), "and the work was done")
            }
            (Some(_), Some(_)) => ((Grade::Pass, None), "and no work was done"),
            _ => {
                ((Grade::Info, None), "whether it compares the amount with the order, no answer tells; --effects does")
            }
        };
        Ok(Found::new(judgement, format!("{words}; {meaning}"), vec![exchange]))
    }
}

fn badness(came: Came) -> u8 {
    match came {
        Came::Taken => 0,
        Came::Refused => 1,
        Came::Redirected => 2,
        Came::Failed => 3,
        Came::Closed | Came::Gone | Came::Hung => 4,
    }
}
