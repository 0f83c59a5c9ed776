//! `whtool check`: tests a webhook handler.
//!
//! `crate::check` decides what is tested. This module reads the arguments and writes the reports;
//! `client` sends the requests, `handler` starts and stops the handler for `--start`, and `single` is
//! for the page of `ui`.

mod client;
mod handler;
mod single;

use super::{Session, TextList, Verbosity, join_lists, parse_duration, provider_parser};
use crate::check::{self, CheckPlan, CheckReport, Probe, ProbeSelection};
use crate::command::shared::output_file;
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::command::shared::target;
use crate::diagnose::oracle::HandlerSecrets;
use crate::model::address::Reach;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::mask::{Reveal, mask_secrets};
use crate::model::sanitize::escape_unsafe;
use crate::model::signature::Key;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{self, Provider};
use crate::render::check::{
    ReportDetail, ReportHeader, TextLayout, html, is_html_report, is_junit_report, json, junit, text,
};
use crate::world::{FileVisibility, Stream};
use clap::Args;
use client::HttpHandlerClient;
use handler::StartedHandler;
use serde_json::json as json_value;
pub(in crate::command) use single::{HandlerCheck, check_handler};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Test a webhook handler with signed, forged, stale and malformed events
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool check http://localhost:3000/webhooks --provider plustive
  whtool check localhost:3000/webhooks/plexos --start 'node server.js'
  whtool check localhost:3000/plexos --only refuse --skip '*.timestamp.*'
  whtool check localhost:3000/plexos --html report.html --junit report.xml
  whtool check localhost:3000/plexos --effects ./count-orders.sh
  whtool check --list

The handler must use the same secret as whtool: PLEXOS_WEBHOOK_SECRET or PLUSTIVE_WEBHOOK_SECRET, or one of the flags below.
A handler that --start runs gets the secret in that variable, and the port of the URL in PORT.
It does not get your API keys: set the variable in COMMAND if it needs one.")]
pub(super) struct Check {
    /// URL of the handler
    #[arg(value_name = "URL", value_parser = target::parse, required_unless_present = "list")]
    url: Option<Url>,
    /// Provider whose events are sent (default: detected from the URL or from the only configured
    /// secret)
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser())]
    provider: Option<&'static dyn Provider>,
    /// List the probes without running them
    #[arg(long)]
    list: bool,
    /// Run only probes with these ids, prefixes (`refuse`) or globs (`*.timestamp.*`). May be repeated
    #[arg(long, value_name = "PROBE")]
    only: Vec<TextList>,
    /// Skip probes with these ids, prefixes or globs. May be repeated
    #[arg(long, value_name = "PROBE")]
    skip: Vec<TextList>,
    /// Maximum response time
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = parse_duration)]
    budget: SignedDuration,
    /// Start the handler with this shell command, and stop it afterwards
    #[arg(long, value_name = "COMMAND")]
    start: Option<String>,
    /// Count processed events with this shell command or URL, which must return a number
    #[arg(long, value_name = "COMMAND|URL")]
    effects: Option<String>,
    /// Print a curl command that reproduces each failure
    #[arg(long)]
    curl: bool,
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
    /// Write a JUnit report to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write an HTML report to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Do not verify TLS certificates
    #[arg(long)]
    insecure: bool,
    /// Skip the confirmation before checking a handler on another machine
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    secrets: SecretArgs,
}

pub(super) fn run(args: &Check, session: &Session<'_>) -> Result<CommandOutcome> {
    let selection = ProbeSelection { only: join_lists(&args.only), skip: join_lists(&args.skip) };
    if args.list {
        return list(args, &selection, session);
    }
    let url = args.url.clone().ok_or_else(|| Error::usage("no handler given").hint("add its URL"))?;
    let question = |host: &str| format!("{host} is not this machine, and would receive correctly signed events");
    let reach = target::confirm_reach(&url, args.yes, question, session)?;
    for (path, format) in report_files(args) {
        output_file::check(path, &format.is_own, session)?;
    }
    let secrets = secrets::load(&args.secrets, TestSecret::Create, session)?;
    let provider = select_provider(args, &url, &secrets.keys)?;
    check_patterns(&selection, &check::probes(provider))?;
    let key = secrets.signing_key(provider)?.clone();
    let handler_secrets = HandlerSecrets::new(provider, &key, &secrets.credentials());
    let plan = CheckPlan { provider, key, handler_secrets, url, budget: budget(args)?, selection };
    let handler = args.start.as_ref().map(|command| StartedHandler::start(command, &plan, session));
    let mut handler = handler.transpose()?;
    if plan.key.secret.is_local_test() && handler.is_none() {
        let variable = provider.secret_variable();
        session.info(&format!("signed with the local test secret: set {variable} if the handler uses another one"));
    }
    let started = session.world.now();
    let report = match (run_probes(args, &plan, reach, handler.as_mut(), session), &mut handler) {
        (Err(error), Some(handler)) => return Err(handler.explain(error)),
        (report, _) => report?,
    };
    let header = report_header(&plan, started, session);
    write_reports(args, &report, &header, session)?;
    if let Some(handler) = &mut handler {
        handler.print_last_output(&report, session);
    }
    Ok(if report.passed() { CommandOutcome::Success } else { CommandOutcome::Negative })
}

/// Describes a check that has just ended.
fn report_header(plan: &CheckPlan, started: Timestamp, session: &Session<'_>) -> ReportHeader {
    let provider = plan.provider;
    ReportHeader {
        provider: provider.name(),
        title: provider.title(),
        url: shown_url(&plan.url, session.reveal),
        secret: plan.key.secret.origin.to_string(),
        variable: provider.secret_variable(),
        started,
        took: session.world.now().duration_since(started).unsigned_abs(),
        signs_timestamp: provider.timestamp_header().is_some(),
    }
}

/// Masks the credentials of the URL that a report shows.
fn shown_url(url: &Url, reveal: Reveal) -> Url {
    match reveal {
        Reveal::Masked => mask_secrets(url.as_str()).parse().unwrap_or_else(|_| url.clone()),
        Reveal::Everything => url.clone(),
    }
}

fn budget(args: &Check) -> Result<Duration> {
    let budget = args.budget.unsigned_abs();
    if budget.is_zero() { Err(Error::usage("--budget must be greater than 0")) } else { Ok(budget) }
}

/// Returns the provider given, the one that the URL names, or the only one with a configured
/// secret.
fn select_provider(args: &Check, url: &Url, keys: &[Key]) -> Result<&'static dyn Provider> {
    let is_configured = |provider: &&&'static dyn Provider| {
        keys.iter().any(|key| !key.secret.is_local_test() && key.secret.provider == provider.name())
    };
    let only = |mut found: Vec<&&'static dyn Provider>| if found.len() == 1 { found.pop().copied() } else { None };
    let by_url = || only(provider::ALL.iter().filter(|provider| url.as_str().contains(provider.name())).collect());
    let by_secret = || only(provider::ALL.iter().filter(is_configured).collect());
    args.provider.or_else(by_url).or_else(by_secret).ok_or_else(|| {
        let names: Vec<_> = provider::ALL.iter().map(|provider| format!("--provider {}", provider.name())).collect();
        Error::usage("can't detect the provider of this handler").hint(format!("add {}", names.join(" or ")))
    })
}

/// Fails if a pattern of `--only` or `--skip` matches no probe.
fn check_patterns(selection: &ProbeSelection, probes: &[Probe]) -> Result<()> {
    match selection.unmatched_pattern(probes) {
        Some(pattern) => {
            Err(Error::usage(format!("no probe matches `{pattern}`"))
                .hint("whtool check --list, which lists all probes"))
        }
        None => Ok(()),
    }
}

fn run_probes(
    args: &Check,
    plan: &CheckPlan,
    reach: Reach,
    handler: Option<&mut StartedHandler>,
    session: &Session<'_>,
) -> Result<CheckReport> {
    let total = check::probes(plan.provider).iter().filter(|probe| plan.selection.includes(probe)).count();
    let mut progress = session.world.progress(total as u64);
    let mut client = HttpHandlerClient::new(args, plan, reach, handler, session);
    let report = check::run(plan, &mut client, &mut || progress.step());
    progress.finish();
    report
}

/// A report that is written to a file.
struct CheckReportFile {
    format: fn(&CheckReport, &ReportHeader) -> String,
    is_own: fn(&[u8]) -> bool,
}

/// Returns the files to write.
fn report_files(args: &Check) -> impl Iterator<Item = (&Path, CheckReportFile)> {
    let junit = args.junit.as_deref().map(|path| (path, CheckReportFile { format: junit, is_own: is_junit_report }));
    let html = args.html.as_deref().map(|path| (path, CheckReportFile { format: html, is_own: is_html_report }));
    junit.into_iter().chain(html)
}

fn write_reports(args: &Check, report: &CheckReport, header: &ReportHeader, session: &Session<'_>) -> Result<()> {
    let mut output = session.world.stdout();
    if args.json {
        output.write_all(&json(report, header))?;
    } else {
        let detail = match session.verbosity {
            Verbosity::Verbose => ReportDetail::Full,
            _ if args.curl => ReportDetail::Commands,
            _ => ReportDetail::Summary,
        };
        let layout = TextLayout { detail, width: session.width(Stream::Output), paint: session.out };
        output.write_all(text(report, header, &layout).as_bytes())?;
    }
    output.flush()?;
    for (path, CheckReportFile { format, is_own }) in report_files(args) {
        output_file::write(path, format(report, header).as_bytes(), FileVisibility::Shared, &is_own, session)?;
        session.info(&format!("wrote {}", escape_unsafe(&path.display().to_string())));
    }
    Ok(())
}

/// Lists the probes of one provider, or of all.
fn list(args: &Check, selection: &ProbeSelection, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut output = session.world.stdout();
    let is_listed = |provider: &&&dyn Provider| args.provider.is_none_or(|only| only.name() == provider.name());
    for provider in provider::ALL.iter().filter(is_listed) {
        let probes = check::probes(*provider);
        check_patterns(selection, &probes)?;
        if !args.json {
            writeln!(output, "{}", session.out.strong(provider.title()))?;
        }
        for Probe { id, group, why, page, .. } in probes.iter().filter(|probe| selection.includes(probe)) {
            if args.json {
                let record = json_value!({
                    "schema": "whtool.probe/1", "provider": provider.name(), "id": id, "group": group.name(),
                    "why": why, "page": page,
                });
                writeln!(output, "{record}")?;
            } else {
                let row = format!("  {}  {why}", session.out.name(&format!("{id:<42}")));
                writeln!(output, "{}", session.wrap(&row))?;
            }
        }
    }
    output.flush()?;
    Ok(CommandOutcome::Success)
}
