//! The handler at the end of the wire: probes are sent by the world, and its work is counted as the user says.

use super::Check;
use super::handler::Handler;
use crate::check::{Plan, Reply, Target};
use crate::command::{Session, samples};
use crate::model::error::{Error, Result};
use crate::model::exchange::{Answer, NextRequest, OutgoingRequest, SendFailure, SentRequest};
use crate::model::mask::mask_secrets;
use crate::model::message::Request;
use crate::model::sanitize::truncate;
use crate::model::timestamp::Timestamp;
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, SendOptions, SendStatus};
use std::time::Duration;
use url::Url;

/// How long the count of the work must stand still before it is believed, and how often that is looked at.
const STILL: Duration = Duration::from_millis(200);
const LOOKS: usize = 15;

/// Sends probes to a handler.
pub(super) struct Wire<'a> {
    session: &'a Session<'a>,
    url: &'a Url,
    /// What events are signed with.
    secret: &'a [u8],
    effects: Option<&'a str>,
    certificates: CertificateCheck,
    budget: Duration,
    handler: Option<&'a mut Handler>,
    random: Box<dyn FnMut(usize) -> usize + 'a>,
}

impl<'a> Wire<'a> {
    pub(super) fn new(
        args: &'a Check,
        plan: &'a Plan,
        handler: Option<&'a mut Handler>,
        session: &'a Session<'a>,
    ) -> Self {
        let certificates = if args.insecure { CertificateCheck::Skip } else { CertificateCheck::Verify };
        let random = Box::new(samples::numbers(session.world));
        let (url, effects, budget) = (&plan.url, args.effects.as_deref(), plan.budget);
        Self { session, url, secret: plan.key.secret.expose(), effects, certificates, budget, handler, random }
    }

    /// Sends all of these at once, and waits for all answers; none of them: waits for so long.
    fn exchange(&mut self, mut requests: Vec<OutgoingRequest>, limit: Duration) -> Result<Vec<SentRequest>> {
        if self.handler.as_mut().is_some_and(|handler| handler.is_interrupted()) {
            return Err(Error::interrupted());
        }
        let sending = SendOptions {
            concurrency: requests.len().max(1),
            per_second: None,
            timeout: limit,
            certificates: self.certificates,
            max_body: MAX_ANSWER_BODY,
        };
        let mut sent = Vec::with_capacity(requests.len());
        let mut pause = requests.is_empty().then_some(limit);
        requests.reverse();
        let mut next = || match pause.take() {
            Some(pause) => NextRequest::Wait(pause),
            None => NextRequest::from(requests.pop()),
        };
        let end = self.session.world.send(&sending, &mut next, &mut |one| sent.push(one))?;
        sent.sort_by_key(|one| one.number);
        if end == SendStatus::Interrupted { Err(Error::interrupted()) } else { Ok(sent) }
    }

    /// What the user's command or page says now.
    fn count(&mut self, source: &str) -> Result<i64> {
        let said = if source.starts_with("http://") || source.starts_with("https://") {
            self.page(source)?
        } else {
            let bytes = self.session.world.run_command(source, self.budget.max(Duration::from_secs(10)))?;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        number_in(&said).ok_or_else(|| {
            Error::failed("--effects gave no number")
                .because(format!("it gave `{}`", truncate(&mask_secrets(said.trim()), 80)))
                .hint("it must give a whole number, and nothing else")
        })
    }

    fn page(&mut self, source: &str) -> Result<String> {
        let failed = |why: String| Error::failed(format!("can't read {source}")).because(why);
        let url = Url::parse(source).map_err(|error| failed(error.to_string()))?;
        let request = Request { method: "GET".to_owned(), ..Request::post("/", Vec::new()) };
        let sent = self.exchange(vec![OutgoingRequest { number: 0, url, request }], self.budget)?;
        match sent.into_iter().next().map(|sent| sent.answer) {
            Some(Ok(answer)) if answer.status.is_success() => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
            Some(Ok(answer)) => Err(failed(format!("it answered {}", answer.status))),
            Some(Err(failure)) => Err(failed(failure.to_string())),
            None => Err(failed("nothing came back".to_owned())),
        }
    }
}

/// A body in which `***` stands for the secret: a handler may say what it was given, and reports are passed on.
fn without(secret: &[u8], body: &[u8]) -> Vec<u8> {
    let (mut shown, mut rest) = (Vec::with_capacity(body.len()), body);
    while let Some(at) = rest.windows(secret.len().max(1)).position(|part| part == secret) {
        let (before, after) = rest.split_at(at);
        shown.extend_from_slice(before);
        shown.extend_from_slice(b"***");
        rest = after.get(secret.len()..).unwrap_or_default();
    }
    shown.extend_from_slice(rest);
    shown
}

/// The number that a text is.
fn number_in(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

impl Target for Wire<'_> {
    fn now(&self) -> Timestamp {
        self.session.world.now()
    }

    fn random(&mut self, below: usize) -> usize {
        (self.random)(below)
    }

    fn send(&mut self, requests: &[Request], limit: Duration) -> Result<Vec<Reply>> {
        let outgoing = |(number, request): (usize, &Request)| OutgoingRequest {
            number: number as u64,
            url: self.url.clone(),
            request: request.clone(),
        };
        let outgoing = requests.iter().enumerate().map(outgoing).collect();
        let sent = self.exchange(outgoing, limit)?;
        let lost =
            || Reply { took: Duration::ZERO, answer: Err(SendFailure::Broken("nothing is known of it".to_owned())) };
        let without_secret = |answer: Answer| Answer { body: without(self.secret, &answer.body), ..answer };
        let reply = |SentRequest { took, answer, .. }: SentRequest| Reply { took, answer: answer.map(without_secret) };
        let mut replies: Vec<_> = sent.into_iter().map(reply).collect();
        replies.resize_with(requests.len(), lost);
        Ok(replies)
    }

    fn effects(&mut self) -> Result<Option<i64>> {
        let Some(source) = self.effects else { return Ok(None) };
        let mut count = self.count(source)?;
        for _ in 0..LOOKS {
            self.exchange(Vec::new(), STILL)?;
            let again = self.count(source)?;
            if again == count {
                break;
            }
            count = again;
        }
        Ok(Some(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_an_answer_is_masked_wherever_it_stands() {
        assert_eq!(without(b"abc", b"abcxabc\xffab"), b"***x***\xffab");
        assert_eq!(without(b"", b"ab"), b"ab");
        assert_eq!(without(b"abc", b""), b"");
    }

    #[test]
    fn a_count_is_a_number_and_nothing_else() {
        assert_eq!(number_in(" 12\n"), Some(12));
        assert_eq!(number_in("12 rows"), None);
    }
}
