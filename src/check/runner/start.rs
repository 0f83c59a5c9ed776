//! The first probes: finds a request format that the handler accepts, and checks that it rejects
//! anything.

use super::refusal::{OracleResult, ProvedMistake};
use super::state::{ProbeRunner, observation};
use crate::check::baseline::Baseline;
use crate::check::cause::ProbeCause;
use crate::check::grading::{Grading, cause_without_baseline};
use crate::check::probe::Probe;
use crate::check::refusal::Refusal;
use crate::check::report::ProbeResult;
use crate::check::types::{HandlerResponse, ProbeExchange, ResponseClass};
use crate::model::error::{Error, Result};
use crate::model::exchange::{CONNECTION_REFUSED, SendFailure};
use crate::model::target_fault::SendFlags;
use url::Url;

/// Flags of `check` that advice about a failure may name.
const FLAGS: SendFlags = SendFlags { insecure: Some("--insecure"), timeout: Some("--budget") };

/// Timeout of one more attempt, as a multiple of the budget. It distinguishes a slow handler
/// from one that never responds.
const SLOW_TIMEOUT_FACTOR: u32 = 5;

impl ProbeRunner<'_> {
    /// Tries the request formats until one is accepted.
    pub fn find_baseline(&mut self, probe: &Probe) -> Result<ProbeResult> {
        let mut tried: Vec<(Baseline, ProbeExchange)> = Vec::new();
        let mut timeouts = 0;
        for baseline in Baseline::candidates(self.plan.provider) {
            self.baseline = baseline;
            let exchange = self.send_good_event()?;
            let exchange = if tried.is_empty() { self.retry_without_delay(exchange)? } else { exchange };
            let class = exchange.response.class();
            if let (ResponseClass::Unreachable, Err(failure)) = (class, &exchange.response.answer) {
                return Err(cannot_connect(&self.plan.url, failure));
            }
            let is_absent = is_not_found(&exchange.response);
            tried.push((self.baseline.clone(), exchange));
            match class {
                ResponseClass::Success => return Ok(self.baseline_found(probe, tried)),
                ResponseClass::Timeout if timeouts > 0 => break,
                ResponseClass::Timeout => timeouts += 1,
                ResponseClass::Disconnected | ResponseClass::Redirect if tried.len() > 1 => break,
                ResponseClass::ClientError if is_absent => break,
                _ => {}
            }
        }
        self.baseline_not_found(probe, tried)
    }

    /// Sends a rejected event again at the start of a second. A handler that accepts it has a
    /// tolerance of less than a second, which is reported by the probe of aged events.
    fn retry_without_delay(&mut self, rejected: ProbeExchange) -> Result<ProbeExchange> {
        let class = rejected.response.class();
        let signs_timestamp = self.plan.provider.timestamp_header().is_some();
        let is_rejection = matches!(class, ResponseClass::ClientError | ResponseClass::ServerError);
        if !signs_timestamp || !is_rejection || is_not_found(&rejected.response) {
            return Ok(rejected);
        }
        let retried = self.send_aged_event(0)?;
        Ok(if retried.response.is_success() { retried } else { rejected })
    }

    fn baseline_found(&mut self, probe: &Probe, tried: Vec<(Baseline, ProbeExchange)>) -> ProbeResult {
        let differs_in_json_only =
            |other: &Baseline| other.form == self.baseline.form && other.sample == self.baseline.sample;
        let comparable = tried.iter().filter(|(baseline, _)| differs_in_json_only(baseline));
        self.observations = comparable.map(|(_, exchange)| observation(exchange)).collect();
        let differences = self.baseline.describe_differences(self.plan.provider);
        self.baseline_description = (!differences.is_empty()).then_some(differences);
        let exchange = tried.into_iter().next_back().map(|(_, exchange)| exchange);
        let summary = "a correctly signed event is accepted";
        ProbeResult::new(probe, Grading::PASS, summary, exchange.into_iter().collect())
    }

    fn baseline_not_found(&mut self, probe: &Probe, tried: Vec<(Baseline, ProbeExchange)>) -> Result<ProbeResult> {
        self.stopped = Some("no correctly signed event is accepted");
        self.baseline = Baseline::candidates(self.plan.provider).swap_remove(0);
        let others = tried.len().saturating_sub(1);
        let Some((_, first)) = tried.into_iter().next() else {
            return Ok(ProbeResult::new(
                probe,
                Grading::fail(ProbeCause::DisconnectsAlways),
                "nothing was sent",
                Vec::new(),
            ));
        };
        let mut summary = first.response.describe();
        if others > 0 {
            summary = format!("{summary}, and the same to {others} other formats of a signed event");
        }
        match first.response.class() {
            ResponseClass::Timeout => self.wait_for_slow_response(probe, first, summary),
            ResponseClass::ClientError | ResponseClass::ServerError => self.explain_rejection(probe, first, summary),
            class => {
                let cause =
                    cause_without_baseline(class, first.response.status(), Refusal::unexplained(&first.response));
                Ok(ProbeResult::new(probe, Grading::fail(cause), summary, vec![first]))
            }
        }
    }

    /// Sends one more event with a long timeout, to distinguish a slow handler from one that never
    /// responds.
    fn wait_for_slow_response(&mut self, probe: &Probe, first: ProbeExchange, summary: String) -> Result<ProbeResult> {
        let late = self.send_good_event_within(self.plan.budget * SLOW_TIMEOUT_FACTOR)?;
        if late.response.class() == ResponseClass::Timeout {
            return Ok(ProbeResult::new(probe, Grading::fail(ProbeCause::TimesOutAlways), summary, vec![first]));
        }
        let summary = format!("{} after {:.1} s", late.response.describe(), late.response.took.as_secs_f64());
        Ok(ProbeResult::new(probe, Grading::fail(ProbeCause::Slow), summary, vec![late]))
    }

    /// Finds out why every event is rejected.
    fn explain_rejection(&mut self, probe: &Probe, first: ProbeExchange, summary: String) -> Result<ProbeResult> {
        let is_failure = first.response.class() == ResponseClass::ServerError;
        if self.distinguishes_forged_event()? {
            if let Some(found) = self.find_accepted_sample()? {
                self.stopped = None;
                return Ok(self.baseline_found(probe, vec![found]));
            }
            let cause = if is_failure { ProbeCause::FailsVerified } else { ProbeCause::RejectsVerified };
            return Ok(ProbeResult::new(probe, Grading::fail(cause), summary, vec![first]));
        }
        let mut refusal = Refusal::unexplained(&first.response);
        let mut exchanges = vec![first];
        if !is_not_found(&exchanges[0].response) {
            match self.find_mistake(&exchanges[0].response)? {
                OracleResult::Proved(ProvedMistake { causes, exchange, is_accepted }) => {
                    exchanges.push(exchange);
                    let grading = Grading::fail(ProbeCause::VerifiesWrongly { causes, is_accepted });
                    return Ok(ProbeResult::new(probe, grading, summary, exchanges).shown_by(0));
                }
                OracleResult::RateLimited(exchange) => exchanges.push(exchange),
                OracleResult::Unproved { tried, is_incomplete } => {
                    refusal = Refusal { tried, is_incomplete, ..refusal }
                }
            }
        }
        let response = &exchanges[0].response;
        let cause = cause_without_baseline(response.class(), response.status(), refusal);
        Ok(ProbeResult::new(probe, Grading::fail(cause), summary, exchanges).shown_by(0))
    }

    /// Tries the samples that the provider has not published. `None`: all are rejected.
    fn find_accepted_sample(&mut self) -> Result<Option<(Baseline, ProbeExchange)>> {
        for sample in self.plan.provider.samples().into_iter().filter(|sample| !sample.is_published()) {
            self.baseline.sample = sample.name;
            let exchange = self.send_good_event()?;
            if exchange.response.is_success() {
                return Ok(Some((self.baseline.clone(), exchange)));
            }
        }
        Ok(None)
    }

    /// Sends an event with a wrong signature and one without a signature. At least one must be
    /// rejected.
    pub fn run_rejects_anything(&mut self, probe: &Probe) -> Result<ProbeResult> {
        let mut builder = self.request_builder();
        let (name, body) = (builder.signature_header(), builder.signed_event().body);
        let wrong = builder.sign_body_with_secret(b"whsec_not_the_secret".to_vec(), body);
        let missing = builder.signed_event().without_header(name);
        let exchanges = vec![self.send_one(wrong)?, self.send_one(missing)?];
        self.verifies_signatures = exchanges.iter().any(|exchange| !exchange.response.is_success());
        if self.verifies_signatures {
            return Ok(ProbeResult::new(probe, Grading::PASS, "not every request is accepted", exchanges));
        }
        let response = exchanges.first().map(|exchange| exchange.response.describe()).unwrap_or_default();
        let summary = format!("{response} to a wrong signature, and to a missing one");
        Ok(ProbeResult::new(probe, Grading::fail(ProbeCause::NotVerified), summary, exchanges).shown_by(0))
    }
}

fn cannot_connect(url: &Url, failure: &SendFailure) -> Error {
    let why = match failure {
        SendFailure::Connect(why) => why.clone(),
        failure => failure.to_string(),
    };
    let fix = if why == CONNECTION_REFUSED { None } else { failure.fix(&FLAGS) };
    let hint = fix.unwrap_or_else(|| "start the handler, or let check start it: --start 'node server.js'".to_owned());
    Error::failed(format!("can't connect to {url}")).because(why).hint(hint)
}

fn is_not_found(response: &HandlerResponse) -> bool {
    matches!(response.status(), Some(404 | 405 | 410))
}
