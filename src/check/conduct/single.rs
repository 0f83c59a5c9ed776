//! Probes whose answers speak for themselves.

use super::{Answers, Conduct, Found, NOT_HERE};
use crate::check::judge;
use crate::check::probe::{Grade, Make, Probe};
use crate::check::reply::Came;
use crate::model::error::Result;

impl Conduct<'_> {
    pub(super) fn accept(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let mut exchanges = Vec::new();
        for draft in make(&mut self.maker()) {
            let exchange = self.one(draft)?;
            let judgement = judge::of_good(exchange.reply.came(), probe.topic, probe.weight);
            let words = exchange.reply.words();
            exchanges.push(exchange);
            if judgement.0 != Grade::Pass {
                return self.unless_dead(Found::new(judgement, format!("{words}; 2xx was due"), exchanges));
            }
        }
        Ok(Found::new((Grade::Pass, None), "taken", exchanges))
    }

    pub(super) fn refuse(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let Some(exchange) = self.tried(make)? else { return Ok(Found::not_run(NOT_HERE)) };
        let judgement = judge::of_bad(exchange.reply.came(), probe.topic, probe.weight);
        let words = exchange.reply.words();
        let what = if judgement.0 == Grade::Pass { words } else { format!("{words}; a refusal (4xx) was due") };
        self.unless_dead(Found::new(judgement, what, vec![exchange]))
    }

    pub(super) fn survive(&mut self, probe: &Probe, make: &Make) -> Result<Found> {
        let Some(odd) = self.tried(make)? else { return Ok(Found::not_run(NOT_HERE)) };
        let judgement = judge::of_odd(odd.reply.came(), probe.topic, probe.weight);
        let words = odd.reply.words();
        let good = self.good_event()?;
        if good.reply.came() == Came::Taken {
            return Ok(Found(judgement, format!("{words}; the next good event was taken"), vec![odd, good], 0));
        }
        self.died(odd, good)
    }

    pub(super) fn open(&mut self, probe: &Probe, make: &Make, [taken, refused]: &[&'static str; 2]) -> Result<Found> {
        let Some(exchange) = self.tried(make)? else { return Ok(Found::not_run(NOT_HERE)) };
        let (came, words) = (exchange.reply.came(), exchange.reply.words());
        let (judgement, meaning) = match came {
            Came::Taken => ((Grade::Info, None), *taken),
            Came::Refused | Came::Redirected => ((Grade::Info, None), *refused),
            _ => (judge::of_odd(came, probe.topic, Grade::Warn), "it may be refused, and should not break anything"),
        };
        self.unless_dead(Found::new(judgement, format!("{words}: {meaning}"), vec![exchange]))
    }

    pub(super) fn budget(&self) -> Found {
        let Answers { taken, slowest, .. } = self.answers;
        let what = format!("the slowest of {taken} good answers took {:.0} ms", slowest.as_secs_f64() * 1e3);
        Found::new((Grade::Pass, None), what, Vec::new())
    }
}
