//! `whtool replay`: signed requests to a URL, one or a hundred thousand.
//!
//! What to send is planned in `Plan`; every request is signed at the moment it is sent.

use super::known::{self, Local, SecretArgs, Secrets};
use super::samples::{self, Changes};
use super::{Session, answer, confirm, moment, provider_of, provider_values, sign, span};
use crate::error::{Error, Outcome, Result};
use crate::exchange::{Outgoing, Sent};
use crate::message::Request;
use crate::provider::{self, Form, Provider};
use crate::render::{self, escape, text};
use crate::sample::Sample;
use crate::timestamp::{SignedDuration, Timestamp};
use crate::world::{Certificates, SendEnd, Sending};
use clap::Args;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// Send samples or payload files to a URL, signed now
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool replay payment.debited
  whtool replay plustive:transaction.failed --to http://localhost:3000/webhooks/plustive
  whtool replay payload.json --tamper
  whtool replay payment.debited --set data.amount=5000 --dry-run
  whtool replay payment.created payment.debited --repeat 5000 --concurrency 16")]
pub(super) struct Replay {
    /// Samples by name, payload files, or `-` for standard input; sent in this order
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// Where to send
    #[arg(long, value_name = "URL", default_value = DEFAULT_TARGET, value_parser = target)]
    to: Url,
    /// Whose signature, for payload files; recognised from the payload when not given
    #[arg(long, value_name = "NAME", value_parser = provider_values())]
    provider: Option<&'static dyn Provider>,
    #[command(flatten)]
    changes: Changes,
    /// The time of signing: Unix seconds or RFC 3339; now when not given
    #[arg(long, value_name = "TIME", value_parser = moment)]
    timestamp: Option<Timestamp>,
    /// Write Plustive's signature as bare hex
    #[arg(long)]
    bare: bool,
    /// Flip one bit of the body after signing
    #[arg(long)]
    tamper: bool,
    /// Send everything so many times; samples are fresh each time
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: u64,
    /// How many requests may be under way at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// At most so many requests a second
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// How long one request may take
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span)]
    timeout: SignedDuration,
    /// Print the requests instead of sending them
    #[arg(long)]
    dry_run: bool,
    /// Send to an address that is not this machine without asking
    #[arg(long)]
    yes: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    secrets: SecretArgs,
}

/// Where `listen` receives unless told otherwise.
pub(super) const DEFAULT_TARGET: &str = "http://127.0.0.1:4848/";

/// A URL for flags; `localhost:3000/x` means `http://localhost:3000/x`.
pub(super) fn target(text: &str) -> Result<Url, String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(format!("`{other}` is not http or https")),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "write a number".to_owned())?;
    if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err("it must be above zero".to_owned()) }
}

/// What is sent: a sample, or bytes.
enum Source {
    Sample(&'static dyn Provider, Box<Sample>),
    Bytes(&'static dyn Provider, Vec<u8>),
}

/// What is sent, how often, and how it is signed.
struct Plan<'a> {
    args: &'a Replay,
    session: &'a Session<'a>,
    sources: Vec<(String, Source)>,
    secrets: Secrets,
    form: Form,
}

/// Sends, and tells of each request.
pub(super) fn run(args: &Replay, session: &Session<'_>) -> Result<Outcome> {
    let plan = Plan::new(args, session)?;
    if args.dry_run {
        return plan.print();
    }
    if !is_loopback(&args.to) {
        let host = args.to.host_str().unwrap_or_default().to_owned();
        if !args.yes {
            confirm(session, &format!("{host} is not this machine, and what is sent there is really signed"), &host)?;
        }
    }
    send(&plan)
}

/// Whether a URL leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl<'a> Plan<'a> {
    fn new(args: &'a Replay, session: &'a Session<'a>) -> Result<Self> {
        let named = |name: &String| Ok((name.clone(), source(name, args, session)?));
        let sources: Vec<_> = args.sources.iter().map(named).collect::<Result<_>>()?;
        let secrets = known::secrets(&args.secrets, Local::Make, session)?;
        let plan = Self { args, session, sources, secrets, form: sign::form(args.bare) };
        for at in 0..plan.sources.len() {
            plan.request(at as u64)?;
        }
        Ok(plan)
    }

    fn total(&self) -> u64 {
        self.args.repeat.saturating_mul(self.sources.len() as u64)
    }

    /// Which source request `number` (from 0) is of.
    fn source(&self, number: u64) -> &(String, Source) {
        let at = usize::try_from(number % self.sources.len() as u64).unwrap_or(0);
        &self.sources[at]
    }

    /// Request `number`, signed now.
    fn request(&self, number: u64) -> Result<Request> {
        let (provider, mut body) = match &self.source(number).1 {
            Source::Sample(provider, sample) => {
                (*provider, samples::payload(*provider, (**sample).clone(), &self.args.changes, self.session)?)
            }
            Source::Bytes(provider, bytes) => (*provider, bytes.clone()),
        };
        let timestamp = provider::unix_text(self.args.timestamp.unwrap_or_else(|| self.session.world.now()));
        let mac = self.secrets.signing(provider)?.sign(provider.signed_prefix(&timestamp).as_bytes(), &body);
        if self.args.tamper {
            tamper(&mut body);
        }
        let headers = provider.signature_headers(&mac, &timestamp, self.form);
        sign::post(&self.args.to, &headers, body)
            .map_err(|error| Error::failed("can't write the request").because(error))
    }

    /// `--dry-run`.
    fn print(&self) -> Result<Outcome> {
        let mut output = self.session.world.output();
        for number in 0..self.total() {
            let request = self.request(number)?;
            if self.args.json {
                output.write_all(&render::json::signed(self.provider(number), &self.args.to, &request))?;
            } else {
                output.write_all(&request.to_wire())?;
                output.write_all(b"\n\n")?;
            }
        }
        output.flush()?;
        answer(true)
    }

    fn provider(&self, number: u64) -> &'static str {
        match &self.source(number).1 {
            Source::Sample(provider, _) | Source::Bytes(provider, _) => provider.name(),
        }
    }
}

/// A sample of this name, or else a file.
fn source(name: &str, args: &Replay, session: &Session<'_>) -> Result<Source> {
    if let Ok((provider, sample)) = samples::find(name) {
        return Ok(Source::Sample(provider, Box::new(sample)));
    }
    let path = Path::new(name);
    if name != "-" && !session.world.has_file(path) {
        let error = Error::failed(format!("`{name}` is neither a sample nor a file"));
        return Err(match samples::nearest(name) {
            Some(near) => error.hint(format!("{near}; `whtool samples` lists them all")),
            None => error.hint("`whtool samples` lists the samples"),
        });
    }
    let bytes = session.read(path)?;
    Ok(Source::Bytes(provider_of(args.provider, &bytes, name)?, bytes))
}

/// Flips the lowest bit of the byte in the middle; an empty body gets one byte.
fn tamper(body: &mut Vec<u8>) {
    let middle = body.len() / 2;
    match body.get_mut(middle) {
        Some(byte) => *byte ^= 1,
        None => body.push(b' '),
    }
}

/// What came of all requests together.
#[derive(Default)]
struct Tally {
    by_answer: BTreeMap<String, u64>,
    times: Vec<Duration>,
    refused: u64,
    failed: u64,
}

fn send(plan: &Plan<'_>) -> Result<Outcome> {
    let (args, session) = (plan.args, plan.session);
    let sending = Sending {
        concurrency: usize::from(args.concurrency),
        per_second: args.rate,
        timeout: args.timeout.unsigned_abs(),
        certificates: Certificates::Checked,
    };
    let mut output = session.world.output();
    let mut progress = session.world.progress(if plan.total() > 1 { plan.total() } else { 0 });
    let (mut number, mut tally) = (0, Tally::default());
    let mut trouble: Option<Error> = None;
    let started = session.world.now();
    let end = {
        let trouble = std::cell::RefCell::new(&mut trouble);
        let mut next = || {
            if number == plan.total() || trouble.borrow().is_some() {
                return None;
            }
            number += 1;
            match plan.request(number - 1) {
                Ok(request) => Some(Outgoing { number: number - 1, url: args.to.clone(), request }),
                Err(error) => {
                    **trouble.borrow_mut() = Some(error);
                    None
                }
            }
        };
        let mut done = |sent: Sent| {
            progress.step();
            tally.add(&sent);
            if let Err(error) = tell(plan, &sent, &mut output) {
                trouble.borrow_mut().get_or_insert(Error::from(error));
            }
        };
        session.world.send(&sending, &mut next, &mut done)?
    };
    progress.finish();
    drop(progress);
    output.flush()?;
    drop(output);
    if let Some(error) = trouble {
        return Err(error);
    }
    if plan.total() > 1 || end == SendEnd::Interrupted {
        let took = session.world.now().duration_since(started).unsigned_abs();
        session.say(&tally.summary(plan.total(), took));
    }
    match end {
        SendEnd::Interrupted => Err(Error::interrupted()),
        SendEnd::Complete if tally.failed > 0 => Err(unreachable(plan, &tally)),
        SendEnd::Complete => answer(tally.refused == 0),
    }
}

fn unreachable(plan: &Plan<'_>, tally: &Tally) -> Error {
    let error = Error::failed(format!("{} got no answer from {}", text::count(tally.failed, "request"), plan.args.to));
    if plan.args.to.as_str() == DEFAULT_TARGET {
        error.hint("start `whtool listen` in another terminal, or say --to URL")
    } else {
        error.hint("see whether the server runs, and at this address")
    }
}

/// One line for one request.
fn tell(plan: &Plan<'_>, sent: &Sent, output: &mut dyn Write) -> std::io::Result<()> {
    let name = &plan.source(sent.number).0;
    if plan.args.json {
        return output.write_all(&render::json::sent(name, plan.provider(sent.number), sent));
    }
    let paint = plan.session.out;
    let what = paint.strong(&format!("{:<20}", escape::harmless(name)));
    match &sent.answer {
        Ok(answer) => writeln!(output, "{what}  {}", text::answer(answer, sent.took, paint)),
        Err(failure) => writeln!(output, "{what}  {}", paint.bad(&escape::harmless(&failure.to_string()))),
    }
}

impl Tally {
    fn add(&mut self, sent: &Sent) {
        let label = match &sent.answer {
            Ok(answer) => {
                self.refused += u64::from(!(200..300).contains(&answer.status));
                self.times.push(sent.took);
                answer.status.to_string()
            }
            Err(_) => {
                self.failed += 1;
                "no answer".to_owned()
            }
        };
        *self.by_answer.entry(label).or_default() += 1;
    }

    fn summary(&mut self, total: u64, took: Duration) -> String {
        self.times.sort_unstable();
        let done: u64 = self.by_answer.values().sum();
        let counts: Vec<_> = self.by_answer.iter().map(|(label, count)| format!("{count} × {label}")).collect();
        let each_second = done as f64 / took.as_secs_f64().max(1e-6);
        let mut summary =
            format!("sent {done} of {total} in {} ({each_second:.0}/s): {}", text::duration(took), counts.join(", "));
        if let (Some(half), Some(most)) = (self.percentile(50), self.percentile(99)) {
            summary.push_str(&format!("; p50 {}, p99 {}", text::duration(half), text::duration(most)));
        }
        summary
    }

    /// The time within which so many of a hundred were answered; `times` must be sorted.
    fn percentile(&self, percent: usize) -> Option<Duration> {
        let place = (self.times.len() * percent).div_ceil(100).saturating_sub(1);
        self.times.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_a_scheme_is_http() {
        assert_eq!(target("localhost:3000/x").unwrap().as_str(), "http://localhost:3000/x");
        assert!(target("ftp://x").is_err() && target("http://").is_err());
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |text| is_loopback(&target(text).unwrap());
        assert!(["localhost:1", "127.0.0.9", "[::1]:80", "app.localhost"].into_iter().all(loopback));
        assert!(!["10.0.0.1", "localhost.example.com", "example.com", "[::2]", "0.0.0.0"].into_iter().any(loopback));
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = (1..=200).map(Duration::from_millis).collect();
        let tally = Tally { times, ..Tally::default() };
        assert_eq!(tally.percentile(50), Some(Duration::from_millis(100)));
        assert_eq!(tally.percentile(99), Some(Duration::from_millis(198)));
        assert_eq!(Tally::default().percentile(50), None);
    }

    #[test]
    fn tampering_changes_one_bit() {
        let mut body = b"{}".to_vec();
        tamper(&mut body);
        assert_eq!(body, b"{|");
    }
}
