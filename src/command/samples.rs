//! `whtool samples`: lists and prints sample payloads.

use super::{Session, provider_parser};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::sanitize;
use crate::provider::field_change::{ChangeOutcome, FieldChange};
use crate::provider::sample::{self, Sample};
use crate::provider::{self, Provider};
use crate::render;
use crate::world::{Stream, World};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;

/// List and print sample payloads for every event of both providers
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
    command: Option<SamplesCommand>,
    #[command(flatten)]
    list: ListSamples,
}

#[derive(Subcommand)]
enum SamplesCommand {
    List(ListSamples),
    Show(ShowArgs),
    #[command(external_subcommand)]
    Other(Vec<String>),
}

/// List all samples with their meaning
#[derive(Args)]
struct ListSamples {
    /// Only samples of this provider
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser())]
    provider: Option<&'static dyn Provider>,
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
}

/// Print a payload: compact and without a newline, as it is sent; pretty-printed on a terminal
#[derive(Args)]
struct ShowArgs {
    /// Name of the sample, such as payment.debited or plustive:transaction.failed
    #[arg(value_name = "SAMPLE")]
    name: String,
    #[command(flatten)]
    changes: PayloadArgs,
}

/// Arguments that change a payload.
#[derive(Args, Clone, Default)]
pub(super) struct PayloadArgs {
    /// Set a field: data.amount=5000 keeps its type, `lines[0].paid:=true` sets JSON. No other byte
    /// changes. May be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<FieldChange>,
    /// Keep the published ids and times instead of generating new ones
    #[arg(long)]
    pub fixed: bool,
}

pub(super) fn run(args: &Samples, session: &Session<'_>) -> Result<CommandOutcome> {
    match &args.command {
        None => list(&args.list, session),
        Some(SamplesCommand::List(args)) => list(args, session),
        Some(SamplesCommand::Show(args)) => show(args, session),
        Some(SamplesCommand::Other(words)) => Err(unknown_command(words)),
    }
}

/// Suggests `samples show` for the name of a sample.
fn unknown_command(words: &[String]) -> Error {
    let word = words.first().map(String::as_str).unwrap_or_default();
    let error = Error::usage(format!("`samples` has no command `{word}`"));
    let sample = find(word).ok().map(|(_, sample)| sample.name).or_else(|| nearest(word));
    match sample {
        Some(name) => error.hint(format!("did you mean `whtool samples show {name}`?")),
        None => error.hint("use `whtool samples list` or `whtool samples show SAMPLE`"),
    }
}

fn list(args: &ListSamples, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut output = session.world.stdout();
    let is_wanted = |provider: &dyn Provider| args.provider.is_none_or(|asked| asked.name() == provider.name());
    let samples: Vec<_> = provider::samples().filter(|(provider, _)| is_wanted(*provider)).collect();
    let width = samples.iter().map(|(_, sample)| sample.name.len()).max().unwrap_or(0);
    let mut heading = "";
    for (provider, sample) in &samples {
        if args.json {
            let line = json!({
                "schema": "whtool.sample/1", "provider": provider.name(), "name": sample.name, "type": sample.kind,
                "meaning": sample.meaning, "source": sample.source.to_string(),
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
        let published = if sample.is_published() { "  (published)" } else { "" };
        writeln!(output, "  {name}  {}{}", sample.meaning, session.out.faint(published))?;
    }
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn show(args: &ShowArgs, session: &Session<'_>) -> Result<CommandOutcome> {
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

/// Finds a sample by its name, with or without `PROVIDER:`.
pub(super) fn find(name: &str) -> Result<(&'static dyn Provider, Sample)> {
    let (asked, bare) = name.split_once(':').map_or((None, name), |(provider, bare)| (Some(provider), bare));
    let found = provider::samples()
        .find(|(provider, sample)| sample.name == bare && asked.is_none_or(|asked| asked == provider.name()));
    found.ok_or_else(|| {
        let error = Error::usage(format!("there is no sample `{name}`"));
        match nearest(bare) {
            Some(near) => error.hint(format!("did you mean `{near}`? `whtool samples` lists all samples")),
            None => error.hint("`whtool samples` lists all samples"),
        }
    })
}

/// The most similar name, if it is similar enough.
pub(super) fn nearest(name: &str) -> Option<String> {
    let similarity = |sample: &Sample| strsim::jaro_winkler(name, &sample.name);
    let (similarity, name) = provider::samples()
        .map(|(_, sample)| (similarity(&sample), sample.name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (similarity > 0.8).then_some(name)
}

/// Builds the payload of a sample: with fresh ids and times unless `--fixed`, then changed.
pub(super) fn payload(
    provider: &dyn Provider,
    mut sample: Sample,
    changes: &PayloadArgs,
    session: &Session<'_>,
) -> Result<Vec<u8>> {
    if !changes.fixed {
        sample::refresh(
            &mut sample.body,
            provider.id_prefixes(),
            session.world.now(),
            &mut random_numbers(session.world),
        );
    }
    apply_changes(&sample::to_bytes(&sample.body), changes, session)
}

/// Applies `--set` to a JSON body. All other bytes stay.
pub(super) fn apply_changes(bytes: &[u8], changes: &PayloadArgs, session: &Session<'_>) -> Result<Vec<u8>> {
    let mut body = bytes.to_vec();
    for change in &changes.set {
        let changed = change.apply(&body).map_err(Error::usage)?;
        let path = sanitize::escape_unsafe(&change.path.join(".")).into_owned();
        match changed.outcome {
            ChangeOutcome::Replaced => {}
            ChangeOutcome::ReplacedLast(count) => session
                .info_once(&format!("the payload has `{path}` {count} times; changed the last one, which parsers use")),
            ChangeOutcome::Added => {
                let nested = serde_json::from_slice(&body).ok();
                let nested = nested.and_then(|body| sample::find_nested(&body, &change.path));
                let nested = nested.map(|path| format!("; did you mean `{}`?", sanitize::escape_unsafe(&path)));
                session.info_once(&format!("added the new field `{path}`{}", nested.unwrap_or_default()));
            }
        }
        body = changed.body;
    }
    Ok(body)
}

/// Returns a source of random numbers below a bound, slightly biased. Numbers are drawn in batches,
/// because each draw is a system call.
pub(super) fn random_numbers(world: &dyn World) -> impl FnMut(usize) -> usize {
    let (mut batch, mut used) = ([[0; 8]; 32], 32);
    move |below| {
        if used == batch.len() {
            world.fill_random(batch.as_flattened_mut());
            used = 0;
        }
        let number = u64::from_le_bytes(batch[used]);
        used += 1;
        usize::try_from(number % below.max(1) as u64).unwrap_or(0)
    }
}
