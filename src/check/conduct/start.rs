//! Where every check starts: how a good event is taken at all, and whether anything is refused.

use super::{Conduct, Found, observation};
use crate::check::cause::Cause;
use crate::check::footing::Footing;
use crate::check::judge;
use crate::check::probe::Grade;
use crate::check::reply::{Came, Exchange, Reply};
use crate::model::error::{Error, Result};
use crate::model::exchange::SendFailure;
use url::Url;

/// How much longer than the budget is waited once, to tell a slow handler from one that hangs.
const PATIENCE: u32 = 5;

impl Conduct<'_> {
    /// Finds out how a good event is taken.
    pub(super) fn find_footing(&mut self) -> Result<Found> {
        let mut tried: Vec<(Footing, Exchange)> = Vec::new();
        for footing in Footing::all(self.plan.provider) {
            self.footing = footing;
            let exchange = self.good_event()?;
            let came = exchange.reply.came();
            if let (Came::Gone, Err(SendFailure::Connect(why))) = (came, &exchange.reply.answer) {
                return Err(nobody(&self.plan.url, why));
            }
            tried.push((self.footing.clone(), exchange));
            match came {
                Came::Taken => return Ok(self.found_footing(tried)),
                Came::Hung if tried.iter().filter(|(_, tried)| tried.reply.came() == Came::Hung).count() > 1 => break,
                Came::Closed | Came::Redirected if tried.len() > 1 => break,
                Came::Refused if is_absent(&exchange_of(&tried).reply) => break,
                _ => {}
            }
        }
        self.no_footing(tried)
    }

    fn found_footing(&mut self, tried: Vec<(Footing, Exchange)>) -> Found {
        let own = |other: &Footing| other.form == self.footing.form && other.sample == self.footing.sample;
        let seen = tried.iter().filter(|(footing, _)| own(footing)).map(|(_, exchange)| observation(exchange));
        self.seen = seen.collect();
        let words = self.footing.words(self.plan.provider);
        self.footing_words = (!words.is_empty()).then_some(words);
        let exchange = tried.into_iter().next_back().map(|(_, exchange)| exchange);
        Found::new((Grade::Pass, None), "a correctly signed event is taken", exchange.into_iter().collect())
    }

    fn no_footing(&mut self, tried: Vec<(Footing, Exchange)>) -> Result<Found> {
        self.stopped = Some("no correctly signed event is taken");
        let mut exchanges: Vec<_> = tried.into_iter().map(|(_, exchange)| exchange).collect();
        let ways = exchanges.len();
        exchanges.truncate(1);
        let reply = exchanges.first().map(|exchange| exchange.reply.clone());
        let came = reply.as_ref().map_or(Came::Closed, Reply::came);
        let mut cause = judge::of_nothing(came, reply.as_ref().and_then(Reply::status));
        let mut what = reply.as_ref().map(Reply::words).unwrap_or_default();
        if ways > 1 {
            what = format!("{what}, also to {} other ways of sending one", ways - 1);
        }
        if came == Came::Hung {
            self.footing = Footing::all(self.plan.provider).swap_remove(0);
            let late = self.good_event_within(self.plan.budget * PATIENCE)?;
            if late.reply.came() != Came::Hung {
                cause = Cause::Slow;
                what = format!("{} after {:.1} s", late.reply.words(), late.reply.took.as_secs_f64());
                exchanges = vec![late];
            }
        }
        Ok(Found::new((Grade::Fail, Some(cause)), what, exchanges))
    }

    /// Whether a wrong signature and a missing one are both taken.
    pub(super) fn screen(&mut self) -> Result<Found> {
        let mut maker = self.maker();
        let (name, body) = (maker.signature(), maker.event().body);
        let drafts = [maker.signed_with(b"whsec_not_the_secret".to_vec(), body), maker.event().without(name)];
        let mut exchanges = Vec::new();
        for draft in drafts {
            exchanges.push(self.one(draft)?);
        }
        self.checks = exchanges.iter().any(|exchange| exchange.reply.came() != Came::Taken);
        let words = exchanges.first().map(|exchange| exchange.reply.words()).unwrap_or_default();
        Ok(match self.checks {
            true => Found::new((Grade::Pass, None), "not everything is taken", exchanges),
            false => {
                let judgement = (Grade::Fail, Some(Cause::NotChecked));
                Found(judgement, format!("{words} to a wrong signature, and to none"), exchanges, 0)
            }
        })
    }
}

fn nobody(url: &Url, why: &str) -> Error {
    Error::failed(format!("nobody answers at {url}"))
        .because(format!("can't connect: {why}"))
        .hint("start the handler, or let check do it: --start 'node server.js'")
}

fn exchange_of(tried: &[(Footing, Exchange)]) -> &Exchange {
    &tried.last().expect("one was tried just now").1
}

/// Whether there is no such page.
fn is_absent(reply: &Reply) -> bool {
    matches!(reply.status(), Some(404 | 405 | 410))
}
