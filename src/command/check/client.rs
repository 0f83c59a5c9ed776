//! Sends the requests of probes to the handler, and counts its side effects.

use super::Check;
use super::handler::StartedHandler;
use crate::check::{CheckPlan, HandlerClient, HandlerResponse};
use crate::command::{Session, samples};
use crate::model::address::Reach;
use crate::model::error::{Error, Result};
use crate::model::exchange::{Answer, NextRequest, OutgoingRequest, SendFailure, SentRequest};
use crate::model::mask::mask_secrets;
use crate::model::message::Request;
use crate::model::sanitize::truncate;
use crate::model::timestamp::Timestamp;
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, SendOptions, SendStatus};
use std::time::Duration;
use url::Url;

/// Time between two counts of side effects. The count is stable if both are equal.
const EFFECTS_PAUSE: Duration = Duration::from_millis(200);
/// Maximum number of counts to wait for a stable one.
const EFFECTS_ATTEMPTS: usize = 15;
/// Minimum time for a command that counts side effects.
const MIN_COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct HttpHandlerClient<'a> {
    session: &'a Session<'a>,
    url: &'a Url,
    reach: Reach,
    /// Masked in response bodies.
    secret: &'a [u8],
    /// Shell command or URL that counts side effects.
    effects: Option<&'a str>,
    /// Variables that the command does not inherit.
    hidden_variables: Vec<&'a str>,
    certificates: CertificateCheck,
    budget: Duration,
    handler: Option<&'a mut StartedHandler>,
    is_canceled: &'a dyn Fn() -> bool,
    random: Box<dyn FnMut(usize) -> usize + 'a>,
}

impl<'a> HttpHandlerClient<'a> {
    pub(super) fn new(
        args: &'a Check,
        plan: &'a CheckPlan,
        reach: Reach,
        handler: Option<&'a mut StartedHandler>,
        session: &'a Session<'a>,
    ) -> Self {
        let certificates = if args.insecure { CertificateCheck::Skip } else { CertificateCheck::Verify };
        let random = Box::new(samples::random_numbers(session.world));
        let (url, effects, budget) = (&plan.url, args.effects.as_deref(), plan.budget);
        let (hidden_variables, secret) = (args.secrets.variables(), plan.key.secret.expose());
        Self {
            session,
            url,
            reach,
            secret,
            effects,
            hidden_variables,
            certificates,
            budget,
            handler,
            is_canceled: &|| false,
            random,
        }
    }

    /// Ends the check before the next request once this returns true.
    pub(super) fn canceled_by(self, is_canceled: &'a dyn Fn() -> bool) -> Self {
        Self { is_canceled, ..self }
    }

    /// Sends all requests at once and waits for their responses. Without requests, waits until the
    /// timeout.
    fn exchange(&mut self, mut requests: Vec<OutgoingRequest>, timeout: Duration) -> Result<Vec<SentRequest>> {
        if (self.is_canceled)() || self.handler.as_mut().is_some_and(|handler| handler.is_interrupted()) {
            return Err(Error::interrupted());
        }
        let options = SendOptions {
            concurrency: requests.len().max(1),
            per_second: None,
            timeout,
            certificates: self.certificates,
            max_body: MAX_ANSWER_BODY,
        };
        let mut sent = Vec::with_capacity(requests.len());
        let mut pause = requests.is_empty().then_some(timeout);
        requests.reverse();
        let mut next = || match pause.take() {
            Some(pause) => NextRequest::Wait(pause),
            None => NextRequest::from(requests.pop()),
        };
        let end = self.session.world.send(&options, &mut next, &mut |one| sent.push(one))?;
        sent.sort_by_key(|one| one.number);
        if end == SendStatus::Interrupted { Err(Error::interrupted()) } else { Ok(sent) }
    }

    /// Runs the user's command, or fetches the user's URL, and returns the number in its output.
    fn count_effects(&mut self, source: &str) -> Result<i64> {
        let output = if source.starts_with("http://") || source.starts_with("https://") {
            self.fetch(source)?
        } else {
            let timeout = self.budget.max(MIN_COMMAND_TIMEOUT);
            let bytes = self.session.world.run_command(source, timeout, &self.hidden_variables)?;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        parse_count(&output).ok_or_else(|| {
            Error::failed("--effects did not return a number")
                .because(format!("it returned `{}`", truncate(&mask_secrets(output.trim()), 80)))
                .hint("it must return a whole number, and nothing else")
        })
    }

    fn fetch(&mut self, source: &str) -> Result<String> {
        let failed = |why: String| Error::failed(format!("can't fetch {source}")).because(why);
        let url = Url::parse(source).map_err(|error| failed(error.to_string()))?;
        let request = Request { method: "GET".to_owned(), ..Request::post("/", Vec::new()) };
        let sent = self.exchange(vec![OutgoingRequest::to_url(0, url, Reach::Anywhere, request)], self.budget)?;
        match sent.into_iter().next().map(|sent| sent.answer) {
            Some(Ok(answer)) if answer.status.is_success() => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
            Some(Ok(answer)) => Err(failed(format!("it answered {}", answer.status))),
            Some(Err(failure)) => Err(failed(failure.to_string())),
            None => Err(failed("no response".to_owned())),
        }
    }
}

/// Replaces the secret by `***`: the handler may repeat it in a response, and reports are shared.
fn mask_secret(secret: &[u8], body: &[u8]) -> Vec<u8> {
    let (mut masked, mut rest) = (Vec::with_capacity(body.len()), body);
    while let Some(at) = rest.windows(secret.len().max(1)).position(|part| part == secret) {
        let (before, after) = rest.split_at(at);
        masked.extend_from_slice(before);
        masked.extend_from_slice(b"***");
        rest = after.get(secret.len()..).unwrap_or_default();
    }
    masked.extend_from_slice(rest);
    masked
}

fn parse_count(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

impl HandlerClient for HttpHandlerClient<'_> {
    fn now(&self) -> Timestamp {
        self.session.world.now()
    }

    fn random(&mut self, below: usize) -> usize {
        (self.random)(below)
    }

    fn send(&mut self, requests: &[Request], timeout: Duration) -> Result<Vec<HandlerResponse>> {
        let outgoing = requests
            .iter()
            .zip(0..)
            .map(|(request, number)| OutgoingRequest::to_url(number, self.url.clone(), self.reach, request.clone()));
        let sent = self.exchange(outgoing.collect(), timeout)?;
        let mask = |answer: Answer| Answer { body: mask_secret(self.secret, &answer.body), ..answer };
        let response =
            |SentRequest { took, answer, .. }: SentRequest| HandlerResponse { took, answer: answer.map(mask) };
        let mut responses: Vec<_> = sent.into_iter().map(response).collect();
        let unknown = SendFailure::Broken("the result is unknown".to_owned());
        responses.resize(requests.len(), HandlerResponse { took: Duration::ZERO, answer: Err(unknown) });
        Ok(responses)
    }

    fn wait(&mut self, time: Duration) -> Result<()> {
        self.exchange(Vec::new(), time).map(|_| ())
    }

    fn effects(&mut self) -> Result<Option<i64>> {
        let Some(source) = self.effects else { return Ok(None) };
        let mut count = self.count_effects(source)?;
        for _ in 0..EFFECTS_ATTEMPTS {
            self.exchange(Vec::new(), EFFECTS_PAUSE)?;
            let next = self.count_effects(source)?;
            if next == count {
                break;
            }
            count = next;
        }
        Ok(Some(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_response_is_masked_everywhere() {
        assert_eq!(mask_secret(b"abc", b"abcxabc\xffab"), b"***x***\xffab");
        assert_eq!(mask_secret(b"", b"ab"), b"ab");
        assert_eq!(mask_secret(b"abc", b""), b"");
    }

    #[test]
    fn a_count_is_a_number_and_nothing_else() {
        assert_eq!(parse_count(" 12\n"), Some(12));
        assert_eq!(parse_count("12 rows"), None);
    }
}
