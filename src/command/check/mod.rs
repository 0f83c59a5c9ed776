//! `whtool check`: tests a webhook handler: what it must accept, refuse and survive.
//!
//! What is tried and what it means is in `crate::check`; here requests are sent (`target`), the handler is started when that is
//! asked for (`handler`), and the report is written in the forms that were asked for.

mod handler;
mod target;

use super::{Session, confirm, provider_values, span};
use crate::check::{self, Plan, Probe, Report, Selection};
use crate::command::shared::secrets::{self, Local, SecretArgs};
use crate::model::address::is_loopback;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::signature::Key;
use crate::model::timestamp::SignedDuration;
use crate::provider::{self, Provider};
use crate::render::check::{Detail, Head, Look, html, json, junit, text};
use crate::world::Stream;
use clap::Args;
use handler::Handler;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use target::Wire;
use url::Url;

/// Test a webhook handler: what it must accept, refuse and survive
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool check http://localhost:3000/webhooks --provider plustive
  whtool check localhost:3000/webhooks/plexos --start 'node server.js'
  whtool check localhost:3000/plexos --only refuse --skip '*.timestamp.*'
  whtool check localhost:3000/plexos --html report.html --junit report.xml
  whtool check localhost:3000/plexos --effects ./count-orders.sh
  whtool check --list

The handler must know the secret that events are signed with: PLEXOS_WEBHOOK_SECRET or PLUSTIVE_WEBHOOK_SECRET, or the flags
below. What is started by --start gets it in that variable, and the URL's port in PORT.")]
pub(super) struct Check {
    /// The handler's URL
    #[arg(value_name = "URL", value_parser = crate::command::shared::target::parse, required_unless_present = "list")]
    url: Option<Url>,
    /// Whose events; told from the URL, or from the only secret that is set, when not given
    #[arg(long, value_name = "NAME", value_parser = provider_values())]
    provider: Option<&'static dyn Provider>,
    /// List the probes and send nothing
    #[arg(long)]
    list: bool,
    /// Only probes whose id begins like this (`refuse`, `raw.number`), or matches a glob (`*.timestamp.*`)
    #[arg(long, value_name = "PROBE")]
    only: Vec<String>,
    /// No probes whose id begins like this, or matches a glob
    #[arg(long, value_name = "PROBE")]
    skip: Vec<String>,
    /// How long an answer may take
    #[arg(long, value_name = "SPAN", default_value = "3s", value_parser = span)]
    budget: SignedDuration,
    /// Start the handler with this shell command, and stop it in the end
    #[arg(long, value_name = "COMMAND")]
    start: Option<String>,
    /// How to count the work that was done: a shell command or a URL that gives a number
    #[arg(long, value_name = "COMMAND|URL")]
    effects: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Write a JUnit report to a file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a page to a file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Accept any certificate of the handler, such as a self-signed one
    #[arg(long)]
    insecure: bool,
    /// Check an address that is not this machine without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    secrets: SecretArgs,
}

/// Lists the probes, or runs them.
pub(super) fn run(args: &Check, session: &Session<'_>) -> Result<CommandOutcome> {
    let selection = Selection { only: args.only.clone(), skip: args.skip.clone() };
    if args.list {
        return list(args, &selection, session);
    }
    let url = args.url.clone().ok_or_else(|| Error::usage("which handler? give its URL"))?;
    permit(args, &url, session)?;
    let secrets = secrets::secrets(&args.secrets, Local::Make, session)?;
    let provider = provider_of(args, &url, &secrets.keys)?;
    refuse_strays(&selection, &check::probes(provider))?;
    let key = secrets.signing(provider)?.clone();
    let plan = Plan { provider, key, url, budget: budget(args)?, selection };
    let mut handler = args.start.as_ref().map(|command| Handler::start(command, &plan, session)).transpose()?;
    if plan.key.secret.is_local() && handler.is_none() {
        session.say(&format!(
            "signed with this machine's test secret: unless the handler knows it, set {} for both",
            provider.secret_variable()
        ));
    }
    let started = session.world.now();
    let report = conduct(args, &plan, handler.as_mut(), session);
    let report = match (report, &mut handler) {
        (Err(error), Some(handler)) => return Err(handler.explained(error)),
        (report, _) => report?,
    };
    let head = Head {
        provider: provider.name(),
        title: provider.title(),
        url: plan.url.clone(),
        secret: plan.key.secret.origin.to_string(),
        variable: provider.secret_variable(),
        at: started,
        took: session.world.now().duration_since(started).unsigned_abs(),
        signs_time: provider.timestamp_header().is_some(),
    };
    write(args, &report, &head, session)?;
    if let Some(handler) = &mut handler {
        handler.tell_of_its_end(&report, session);
    }
    Ok(if report.is_good() { CommandOutcome::Success } else { CommandOutcome::Negative })
}

/// What is sent is really signed: another machine has to be meant.
fn permit(args: &Check, url: &Url, session: &Session<'_>) -> Result<()> {
    if is_loopback(url) || args.yes {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default();
    confirm(session, &format!("{host} is not this machine, and what is sent there is really signed"), host)
}

fn budget(args: &Check) -> Result<Duration> {
    let budget = args.budget.unsigned_abs();
    if budget.is_zero() { Err(Error::usage("the budget must be longer than nothing")) } else { Ok(budget) }
}

/// The provider asked for, the one that the URL names, or the only one that has a secret of its own.
fn provider_of(args: &Check, url: &Url, keys: &[Key]) -> Result<&'static dyn Provider> {
    let configured = |provider: &&&'static dyn Provider| {
        keys.iter().any(|key| !key.secret.is_local() && key.secret.provider == provider.name())
    };
    let only = |mut found: Vec<&&'static dyn Provider>| if found.len() == 1 { found.pop().copied() } else { None };
    let by_url = || only(provider::ALL.iter().filter(|provider| url.as_str().contains(provider.name())).collect());
    let by_secret = || only(provider::ALL.iter().filter(configured).collect());
    args.provider.or_else(by_url).or_else(by_secret).ok_or_else(|| {
        let names: Vec<_> = provider::ALL.iter().map(|provider| format!("--provider {}", provider.name())).collect();
        Error::usage("whose events does this handler take?").hint(format!("add {}", names.join(" or ")))
    })
}

fn refuse_strays(selection: &Selection, probes: &[Probe]) -> Result<()> {
    match selection.stray(probes) {
        Some(stray) => {
            Err(Error::usage(format!("no probe is called `{stray}`")).hint("`whtool check --list` lists them"))
        }
        None => Ok(()),
    }
}

fn conduct(args: &Check, plan: &Plan, handler: Option<&mut Handler>, session: &Session<'_>) -> Result<Report> {
    let total = check::probes(plan.provider).iter().filter(|probe| plan.selection.takes(probe)).count();
    let mut progress = session.world.progress(total as u64);
    let mut wire = Wire::new(args, plan, handler, session);
    let report = check::run(plan, &mut wire, &mut || progress.step());
    progress.finish();
    report
}

fn write(args: &Check, report: &Report, head: &Head, session: &Session<'_>) -> Result<()> {
    let save = |path: &Option<PathBuf>, render: &dyn Fn() -> String| match path {
        Some(path) => session.world.write_file(path, render().as_bytes()).map(|()| said(path, session)),
        None => Ok(()),
    };
    let mut output = session.world.stdout();
    if args.json {
        output.write_all(&json(report, head))?;
    } else {
        let detail = if session.volume == super::Volume::Verbose { Detail::Everything } else { Detail::Usual };
        let look = Look { detail, width: session.width(Stream::Output), paint: session.out };
        output.write_all(text(report, head, &look).as_bytes())?;
    }
    output.flush()?;
    save(&args.junit, &|| junit(report, head))?;
    save(&args.html, &|| html(report, head))
}

fn said(path: &Path, session: &Session<'_>) {
    session.say(&format!("wrote {}", crate::model::sanitize::escape_unsafe(&path.display().to_string())));
}

/// `--list`: every probe of a provider, or of all.
fn list(args: &Check, selection: &Selection, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut output = session.world.stdout();
    for provider in provider::ALL.iter().filter(|own| args.provider.is_none_or(|asked| asked.name() == own.name())) {
        let probes = check::probes(*provider);
        refuse_strays(selection, &probes)?;
        if !args.json {
            writeln!(output, "{}", session.out.strong(provider.title()))?;
        }
        for probe in probes.iter().filter(|probe| selection.takes(probe)) {
            if args.json {
                let line = serde_json::json!({
                    "schema": "whtool.probe/1", "provider": provider.name(), "id": probe.id, "group": probe.group.word(),
                    "why": probe.why, "page": probe.page,
                });
                writeln!(output, "{line}")?;
            } else {
                let row = format!("  {}  {}", session.out.name(&format!("{:<42}", probe.id)), probe.why);
                writeln!(output, "{}", session.fitted(&row))?;
            }
        }
    }
    output.flush()?;
    Ok(CommandOutcome::Success)
}
