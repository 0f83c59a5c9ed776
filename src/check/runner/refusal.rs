//! Finds out why a handler rejects every correctly signed event.
//!
//! Other responses to a forged event than to a correct one show that the signature is not the
//! reason. Otherwise events are sent that are signed in every wrong way that whtool knows
//! (`diagnose::oracle`). The one that is accepted proves the mistake, provided that a fresh event
//! is accepted as well and one with a wrong digest of the same shape is not.

use super::state::ProbeRunner;
use crate::check::plan::CheckPlan;
use crate::check::refusal::ResponseWords;
use crate::check::request_builder::RequestDraft;
use crate::check::types::{HandlerResponse, ProbeExchange, ResponseClass};
use crate::diagnose::Cause;
use crate::diagnose::oracle::{HeaderNames, WrongSigning, correct_signing, wrong_signings};
use crate::model::error::{Error, Result};
use crate::model::timestamp::{SignedDuration, Timestamp};

/// Largest number of wrong signings that are tried.
const MAX_ATTEMPTS: usize = 1_500;
/// Longest time of all attempts.
const MAX_TIME: SignedDuration = SignedDuration::from_secs(60);
/// Age at which the events are signed again, so that their timestamps are fresh.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(2);
/// Number of events to try until one has a distinctive signature.
const MAX_EVENTS: usize = 50;
/// Number of requests without a response that ends the attempts.
const MAX_FAILURES: usize = 3;

/// The outcome of all attempts.
pub(super) enum OracleResult {
    Proved(ProvedMistake),
    Unproved { tried: usize, is_incomplete: bool },
    RateLimited(ProbeExchange),
}

/// A mistake of the handler, which accepts an event that is signed with it.
pub(super) struct ProvedMistake {
    pub causes: Vec<Cause>,
    pub exchange: ProbeExchange,
    pub is_accepted: bool,
}

/// The outcome of sending a signing again with another event.
enum RefusalProof {
    Proved(Box<ProvedMistake>),
    /// The response is about the shape of the signature: a forged one gets the same.
    SameAsForged,
    NotReproduced,
}

/// An event with its signatures: the correct one, then the wrong ones.
struct SignedEvent {
    body: Vec<u8>,
    signed: Timestamp,
    signings: Vec<WrongSigning>,
}

/// The headers under which a signature is sent.
#[derive(Clone, Copy)]
enum SentNames {
    /// The provider's own, and all others that handlers read: one request tests them together.
    All,
    Only(HeaderNames),
}

impl ProbeRunner<'_> {
    /// Returns true if the handler responds to a correct event in another way than to a forged one,
    /// twice. Then it has verified the signature.
    pub fn distinguishes_forged_event(&mut self) -> Result<bool> {
        let names = SentNames::Only(HeaderNames::of(self.plan.provider));
        let mut pairs = Vec::new();
        for _ in 0..2 {
            let SignedEvent { body, signings, .. } = self.sign_event(None)?;
            let Some(signing) = signings.into_iter().next() else { return Ok(false) };
            let correct = self.send_signing(&signing, names, &body)?;
            let forged = self.send_signing(&signing.forged(), names, &body)?;
            pairs.push([correct, forged].map(|exchange| ResponseWords::of(&exchange.response)));
        }
        Ok(pairs[0] == pairs[1] && pairs[0][0] != pairs[0][1])
    }

    /// Sends wrong signings until one of them is proved to be the mistake of the handler.
    pub fn find_mistake(&mut self, rejected: &HandlerResponse) -> Result<OracleResult> {
        let (refusal, started) = (ResponseWords::of(rejected), self.client.now());
        if self.plan.provider.timestamp_header().is_some() {
            if let Some(mistake) = self.find_time_form(1, &refusal)? {
                return Ok(OracleResult::Proved(mistake));
            }
            if let Some(mistake) = self.find_clock(&refusal)? {
                return Ok(OracleResult::Proved(mistake));
            }
        }
        let mut event = self.sign_event(None)?;
        let mut known_shapes: Vec<((&str, usize), ResponseWords)> = Vec::new();
        let (mut failures, mut at) = (0, 0);
        while at < event.signings.len() {
            let is_late = self.client.now().duration_since(started) > MAX_TIME;
            if at >= MAX_ATTEMPTS || is_late || failures > MAX_FAILURES {
                return Ok(OracleResult::Unproved { tried: at, is_incomplete: true });
            }
            self.refresh(&mut event)?;
            let signing = event.signings[at].clone();
            let exchange = self.send_signing(&signing, SentNames::All, &event.body)?;
            if exchange.response.status() == Some(super::TOO_MANY_REQUESTS) {
                return Ok(OracleResult::RateLimited(exchange));
            }
            let (class, words) = (exchange.response.class(), ResponseWords::of(&exchange.response));
            failures += usize::from(matches!(class, ResponseClass::Timeout | ResponseClass::Disconnected));
            let shape = (signing.shape(), words);
            if shape.1 != refusal && !known_shapes.contains(&shape) {
                match self.confirm(at, &signing, &refusal)? {
                    RefusalProof::Proved(mistake) => return Ok(OracleResult::Proved(*mistake)),
                    RefusalProof::SameAsForged => known_shapes.push(shape),
                    RefusalProof::NotReproduced => {}
                }
            }
            at += 1;
        }
        // Two mistakes are no explanation before every single one has been tried.
        if self.plan.provider.timestamp_header().is_some()
            && let Some(mistake) = self.find_time_form(2, &refusal)?
        {
            return Ok(OracleResult::Proved(mistake));
        }
        Ok(OracleResult::Unproved { tried: at, is_incomplete: false })
    }

    /// Sends another event with the same mistake, under one name of each header, and a forged one of
    /// the same shape.
    fn confirm(&mut self, at: usize, found: &WrongSigning, refusal: &ResponseWords) -> Result<RefusalProof> {
        let own = HeaderNames::of(self.plan.provider);
        let Some((mut event, at)) = self.distinctive_event(at, found, own)? else {
            return Ok(RefusalProof::NotReproduced);
        };
        let others = own.alternatives().into_iter().filter(|_| !found.is_bound_to_headers());
        for names in [own].into_iter().chain(others) {
            self.refresh(&mut event)?;
            let signing = event.signings[at].clone();
            let exchange = self.send_signing(&signing, SentNames::Only(names), &event.body)?;
            let words = ResponseWords::of(&exchange.response);
            if words == *refusal {
                continue;
            }
            let forged = self.send_signing(&signing.forged(), SentNames::Only(names), &event.body)?;
            if forged.response.is_success() || words == ResponseWords::of(&forged.response) {
                return Ok(RefusalProof::SameAsForged);
            }
            let causes: Vec<_> = names.causes(own).into_iter().chain(signing.causes).collect();
            if causes.is_empty() {
                break;
            }
            let is_accepted = exchange.response.is_success();
            return Ok(RefusalProof::Proved(Box::new(ProvedMistake { causes, exchange, is_accepted })));
        }
        Ok(RefusalProof::NotReproduced)
    }

    /// Signs an event whose signature in this notation looks different in all others: base64 may be
    /// the same with and without an alphabet for URLs. `None`: there is none.
    fn distinctive_event(
        &mut self,
        at: usize,
        found: &WrongSigning,
        names: HeaderNames,
    ) -> Result<Option<(SignedEvent, usize)>> {
        for _ in 0..MAX_EVENTS {
            let event = self.sign_event(None)?;
            let Some(at) = found.find_in(&event.signings, at) else { return Ok(None) };
            let headers = event.signings[at].headers(names);
            if event.signings.iter().filter(|signing| signing.headers(names) == headers).count() == 1 {
                return Ok(Some((event, at)));
            }
        }
        Ok(None)
    }

    /// Signs a body, or a new event, in every way.
    fn sign_event(&mut self, body: Option<Vec<u8>>) -> Result<SignedEvent> {
        let CheckPlan { provider, handler_secrets, url, .. } = self.plan;
        let mut builder = self.request_builder();
        let signed = builder.now;
        let draft = match body {
            Some(body) => builder.sign_body(body),
            None => builder.signed_event(),
        };
        let request = draft.into_request(url).map_err(|error| Error::failed("can't build a request").because(error))?;
        let correct = correct_signing(*provider, handler_secrets, &request, signed);
        let wrong = wrong_signings(*provider, handler_secrets, &request, signed);
        Ok(SignedEvent { body: request.body, signed, signings: [correct].into_iter().chain(wrong).collect() })
    }

    /// Signs an event again if its timestamps are no longer fresh.
    fn refresh(&mut self, event: &mut SignedEvent) -> Result<()> {
        if self.client.now().duration_since(event.signed) > MAX_AGE {
            let fresh = self.sign_event(Some(event.body.clone()))?;
            // The number of wrong ways does not depend on the time.
            if fresh.signings.len() == event.signings.len() {
                *event = fresh;
            }
        }
        Ok(())
    }

    fn send_signing(&mut self, signing: &WrongSigning, names: SentNames, body: &[u8]) -> Result<ProbeExchange> {
        let own = HeaderNames::of(self.plan.provider);
        let mut headers = signing.headers(match names {
            SentNames::All => own,
            SentNames::Only(names) => names,
        });
        if let SentNames::All = names {
            for (name, value) in own.alternatives().into_iter().flat_map(|names| signing.headers(names)) {
                let is_known = |(known, _): &(&str, String)| known.eq_ignore_ascii_case(name);
                if !headers.iter().any(is_known) {
                    headers.push((name, value));
                }
            }
        }
        self.send_one(RequestDraft::new(&headers, body.to_vec()))
    }
}
