//! `whtool samples`: the sample payloads of every event.

use super::{Session, provider_values};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::sanitize;
use crate::provider::sample::{self, Change, Sample};
use crate::provider::{self, Provider};
use crate::render;
use crate::world::{Stream, World};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// List and print sample payloads of every event of both providers
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  whtool samples
  whtool samples list --provider plustive
  whtool samples show payment.debited
  whtool samples show payment.debited --set data.amount=5000 > payload.json
  whtool samples show transaction.completed.electricity --reveal")]
pub(super) struct Samples {
    #[command(subcommand)]
    command: Option<What>,
    #[command(flatten)]
    list: List,
}

#[derive(Subcommand)]
enum What {
    List(List),
    Show(Show),
    #[command(external_subcommand)]
    Other(Vec<String>),
}

/// List every sample with its meaning
#[derive(Args)]
struct List {
    /// Only this provider's
    #[arg(long, value_name = "NAME", value_parser = provider_values())]
    provider: Option<&'static dyn Provider>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Print a payload: compact and without a newline, as it is sent, or laid out when a person looks on
#[derive(Args)]
struct Show {
    /// The sample's name, such as payment.debited or plustive:transaction.failed
    #[arg(value_name = "SAMPLE")]
    name: String,
    #[command(flatten)]
    changes: Changes,
}

/// How a sample is made into a payload.
#[derive(Args, Clone, Default)]
pub(super) struct Changes {
    /// Change a field, keeping its type: data.amount=5000; or give JSON: data.metadata:='{"order":7}'
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<Change>,
    /// Keep the published ids and times instead of fresh ones
    #[arg(long)]
    pub fixed: bool,
}

/// Lists or shows.
pub(super) fn run(args: &Samples, session: &Session<'_>) -> Result<CommandOutcome> {
    match &args.command {
        None => list(&args.list, session),
        Some(What::List(args)) => list(args, session),
        Some(What::Show(args)) => show(args, session),
        Some(What::Other(words)) => Err(no_such_command(words)),
    }
}

/// Mostly the name of a sample, which `show` takes.
fn no_such_command(words: &[String]) -> Error {
    let word = words.first().map(String::as_str).unwrap_or_default();
    let error = Error::usage(format!("`samples` has no command `{word}`"));
    let sample = find(word).ok().map(|(_, sample)| sample.name).or_else(|| nearest(word));
    match sample {
        Some(name) => error.hint(format!("whtool samples show {name}")),
        None => error.hint("whtool samples list, or whtool samples show SAMPLE"),
    }
}

fn list(args: &List, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut output = session.world.stdout();
    let chosen = |provider: &dyn Provider| args.provider.is_none_or(|asked| asked.name() == provider.name());
    let samples: Vec<_> = provider::samples().filter(|(provider, _)| chosen(*provider)).collect();
    let width = samples.iter().map(|(_, sample)| sample.name.len()).max().unwrap_or(0);
    let mut heading = "";
    for (provider, sample) in &samples {
        if args.json {
            let line = json!({
                "schema": "whtool.sample/1", "provider": provider.name(), "name": sample.name, "type": sample.kind,
                "meaning": sample.meaning, "source": sample.source,
            });
            writeln!(output, "{line}")?;
            continue;
        }
        if heading != provider.title() {
            let gap = if heading.is_empty() { "" } else { "\n" };
            heading = provider.title();
            writeln!(output, "{gap}{}", session.out.strong(heading))?;
        }
        let name = session.out.name(&format!("{:<width$}", sample.name));
        let published = if sample.source.starts_with("published") { "  (published)" } else { "" };
        writeln!(output, "  {name}  {}{}", sample.meaning, session.out.faint(published))?;
    }
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn show(args: &Show, session: &Session<'_>) -> Result<CommandOutcome> {
    let (provider, sample) = find(&args.name)?;
    let body = payload(provider, sample, &args.changes, session)?;
    let shown = if session.world.is_terminal(Stream::Output) {
        render::payload::lines(&body, "", session.out, session.reveal).into_bytes()
    } else {
        body
    };
    let mut output = session.world.stdout();
    output.write_all(&shown)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// The sample of this name, with or without its provider before it.
pub(super) fn find(name: &str) -> Result<(&'static dyn Provider, Sample)> {
    let (asked, bare) = name.split_once(':').map_or((None, name), |(provider, bare)| (Some(provider), bare));
    let found = provider::samples()
        .find(|(provider, sample)| sample.name == bare && asked.is_none_or(|asked| asked == provider.name()));
    found.ok_or_else(|| {
        let error = Error::usage(format!("there is no sample `{name}`"));
        match nearest(bare) {
            Some(near) => error.hint(format!("{near}; `whtool samples` lists them all")),
            None => error.hint("`whtool samples` lists them all"),
        }
    })
}

/// The name most like this one, when it is like it at all.
pub(super) fn nearest(name: &str) -> Option<String> {
    let likeness = |sample: &Sample| strsim::jaro_winkler(name, &sample.name);
    let (likeness, name) = provider::samples()
        .map(|(_, sample)| (likeness(&sample), sample.name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness > 0.8).then_some(name)
}

/// The payload of a sample: fresh unless asked otherwise, then changed.
pub(super) fn payload(
    provider: &dyn Provider,
    mut sample: Sample,
    changes: &Changes,
    session: &Session<'_>,
) -> Result<Vec<u8>> {
    if !changes.fixed {
        sample::freshen(&mut sample.body, provider.id_prefixes(), session.world.now(), &mut numbers(session.world));
    }
    apply(&changes.set, &mut sample.body, session)?;
    Ok(sample::to_bytes(&sample.body))
}

/// Bytes with fields changed. What is not to be changed stays as it is; what is changed must be JSON, and is written compact.
pub(super) fn changed(bytes: &[u8], changes: &Changes, session: &Session<'_>) -> Result<Vec<u8>> {
    if changes.set.is_empty() {
        return Ok(bytes.to_vec());
    }
    let not_json = |error| Error::usage("--set changes JSON, and the payload is none").because(error);
    let mut body = serde_json::from_slice(bytes).map_err(not_json)?;
    apply(&changes.set, &mut body, session)?;
    Ok(sample::to_bytes(&body))
}

fn apply(changes: &[Change], body: &mut Value, session: &Session<'_>) -> Result<()> {
    for change in changes {
        let added = change.apply(body).map_err(Error::usage)?;
        if added {
            let deeper = sample::deeper(body, &change.path);
            let deeper =
                deeper.map(|path| format!("; `{}` is there", sanitize::escape_unsafe(&path))).unwrap_or_default();
            let path = change.path.join(".");
            session.say_once(&format!("`{}` was not there: added{deeper}", sanitize::escape_unsafe(&path)));
        }
    }
    Ok(())
}

/// Random numbers below a bound. The bias of a remainder of 64 bits does not matter for ids of samples. They are drawn
/// many at a time: each draw is a call to the system.
pub(super) fn numbers(world: &dyn World) -> impl FnMut(usize) -> usize {
    let (mut drawn, mut used) = ([[0; 8]; 32], 32);
    move |below| {
        if used == drawn.len() {
            world.fill_random(drawn.as_flattened_mut());
            used = 0;
        }
        let number = u64::from_le_bytes(drawn[used]);
        used += 1;
        usize::try_from(number % below.max(1) as u64).unwrap_or(0)
    }
}
