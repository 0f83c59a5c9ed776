//! `whtool secret`: the signing secrets that whtool keeps.

use super::{Session, answer, confirm, ledger, provider_values};
use crate::error::{Error, Outcome, Result};
use crate::ledger::{Held, Ledger};
use crate::provider::{self, Provider};
use crate::render::escape::{harmless, harmless_bytes};
use crate::render::json::line;
use crate::render::payload::Reveal;
use crate::settings;
use crate::timestamp::Timestamp;
use crate::world::Stream;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Keep signing secrets: several at once for a provider, so that the old and the new one both verify
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool secret add plustive                     asks for it, without showing it
  pass plustive/webhook | whtool secret add plustive
  whtool secret add plexos --name production --file secret.txt
  whtool secret list
  whtool secret rotate plexos                    a new one for signing; the old one still verifies
  whtool secret remove plexos-2

They are kept in one file of mode 0600, and never printed unless `secret show` is given --reveal.")]
pub(super) struct Secrets {
    #[command(subcommand)]
    command: Option<What>,
}

#[derive(Subcommand)]
enum What {
    List(List),
    Add(Add),
    Show(Show),
    Rotate(Rotate),
    Remove(Remove),
}

/// List the secrets that are kept, by name
#[derive(Args, Default)]
struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Keep a secret
#[derive(Args)]
struct Add {
    /// Whose it is
    #[arg(value_name = "PROVIDER", value_parser = provider_values())]
    provider: &'static dyn Provider,
    #[command(flatten)]
    new: New,
}

/// Put a new secret in the place of those that are used now; they still verify, until they are removed
#[derive(Args)]
struct Rotate {
    /// Whose it is
    #[arg(value_name = "PROVIDER", value_parser = provider_values())]
    provider: &'static dyn Provider,
    #[command(flatten)]
    new: New,
}

/// A secret to be kept.
#[derive(Args)]
struct New {
    /// What to call it [default: the provider's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A file whose text it is; without it, it is asked for, or read from standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Show a secret: masked, unless --reveal is given
#[derive(Args)]
struct Show {
    /// Its name; it may be left out when there is only one
    name: Option<String>,
}

/// Remove a secret for good
#[derive(Args)]
struct Remove {
    /// Its name
    name: String,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

/// Lists, adds, shows, rotates, removes.
pub(super) fn run(args: &Secrets, session: &Session<'_>) -> Result<Outcome> {
    match &args.command {
        None => list(&List::default(), session),
        Some(What::List(args)) => list(args, session),
        Some(What::Add(args)) => add(args.provider, &args.new, Others::Stay, session),
        Some(What::Rotate(args)) => add(args.provider, &args.new, Others::Retire, session),
        Some(What::Show(args)) => show(args, session),
        Some(What::Remove(args)) => remove(args, session),
    }
}

fn list(args: &List, session: &Session<'_>) -> Result<Outcome> {
    let ledger = ledger::read(session)?;
    if ledger.secrets.is_empty() {
        session.say("no secret is kept; `whtool secret add PROVIDER` keeps one");
    }
    let width = ledger.secrets.iter().map(|held| held.name.chars().count()).max().unwrap_or(0);
    let mut output = session.world.output();
    for held in &ledger.secrets {
        if args.json {
            output.write_all(&line(&record(held, &ledger)))?;
            continue;
        }
        let provider = session.out.name(&format!("{:<8}", harmless(&held.provider)));
        let name = session.out.strong(&format!("{:<width$}", harmless(&held.name)));
        let retired = held.retired.map(|time| format!("  retired {}: verifies, and does not sign", day(time)));
        let endpoint = endpoint_of(held, &ledger).map(|url| format!("  for {}", harmless(url)));
        let rest = [endpoint, retired].into_iter().flatten().collect::<String>();
        writeln!(output, "{provider}  {name}  added {}{}", day(held.added), session.out.faint(&rest))?;
    }
    output.flush()?;
    drop(output);
    if !ledger.secrets.is_empty() {
        session.say(&format!("kept in {}, which only you can read", ledger::path(session)?.display()));
    }
    for provider in provider::ALL.iter().filter(|each| session.world.variable(each.secret_variable()).is_some()) {
        session.say(&format!("{} is set, and comes before them", provider.secret_variable()));
    }
    answer(true)
}

fn record(held: &Held, ledger: &Ledger) -> Value {
    json!({
        "schema": "whtool.secret/1", "name": held.name, "provider": held.provider, "added": held.added.to_string(),
        "retired": held.retired.map(|time| time.to_string()), "endpointUrl": endpoint_of(held, ledger),
    })
}

fn endpoint_of<'l>(held: &Held, ledger: &'l Ledger) -> Option<&'l str> {
    let is_its = |name: &Option<String>| name.as_deref() == Some(held.name.as_str());
    ledger.endpoints.iter().find(|endpoint| is_its(&endpoint.secret)).map(|endpoint| endpoint.url.as_str())
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// What becomes of the provider's other secrets when a new one comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    Stay,
    Retire,
}

fn add(provider: &'static dyn Provider, new: &New, others: Others, session: &Session<'_>) -> Result<Outcome> {
    let bytes = fetch(provider, new.file.as_deref(), session)?;
    check(provider, &bytes, session)?;
    let (now, wanted) = (session.world.now(), new.name.as_deref());
    let name = ledger::update(session, |ledger| {
        if let Some(same) =
            ledger.secrets.iter().find(|held| held.provider == provider.name() && held.expose() == bytes)
        {
            return Err(Error::usage(format!("this secret is kept already, as {}", same.name)));
        }
        if let Some(taken) = wanted.filter(|name| ledger.secrets.iter().any(|held| held.name == *name)) {
            return Err(Error::usage(format!("there is a secret `{taken}` already")).hint("take another --name"));
        }
        if others == Others::Retire {
            let own = ledger.secrets.iter_mut().filter(|held| held.provider == provider.name());
            own.for_each(|held| held.retired = held.retired.or(Some(now)));
        }
        let name = wanted.map_or_else(|| ledger.free_name(provider.name()), str::to_owned);
        ledger.secrets.push(Held::new(&name, provider.name(), now, &bytes));
        Ok(name)
    })?;
    let mut output = session.world.output();
    writeln!(output, "{}", harmless(&name))?;
    output.flush()?;
    drop(output);
    let place = ledger::path(session)?;
    session.say(&format!("kept in {}, which only you can read (mode 0600)", place.display()));
    if others == Others::Retire {
        session.say("those before it still verify; `whtool secret remove` ends that");
    }
    answer(true)
}

/// From a file, the terminal, or standard input.
fn fetch(provider: &dyn Provider, file: Option<&Path>, session: &Session<'_>) -> Result<Vec<u8>> {
    let bytes = match file {
        Some(path) => session.read(path)?,
        None if session.world.is_terminal(Stream::Input) => {
            session.world.ask_hidden(&format!("signing secret of {} (not shown)", provider.title()))?
        }
        None => session.read(Path::new("-"))?,
    };
    Ok(settings::secret_of_file(provider.name(), "", bytes).expose().to_vec())
}

/// Refuses what is surely none, and warns of what looks odd.
fn check(provider: &dyn Provider, bytes: &[u8], session: &Session<'_>) -> Result<()> {
    if bytes.trim_ascii().is_empty() {
        return Err(Error::usage("the secret is empty"));
    }
    let keys = provider::ALL.iter().flat_map(|each| [Some(each.api().live_key), each.api().test_key]).flatten();
    if let Some(prefix) = keys.into_iter().find(|prefix| bytes.starts_with(prefix.as_bytes())) {
        return Err(Error::usage(format!("this is an API key (it begins with {prefix}), not a signing secret")).hint(
            format!(
                "the signing secret is given where the webhook is set up; the key goes into {}",
                provider.key_variable()
            ),
        ));
    }
    if bytes.trim_ascii().len() != bytes.len() {
        session.warn("there are blanks around it; they are kept, as a part of it");
    }
    let prefix = provider.secret_prefix();
    if !prefix.is_empty() && !bytes.starts_with(prefix.as_bytes()) {
        session.warn(&format!("the secrets of {} usually begin with {prefix}; it is kept as it is", provider.title()));
    }
    Ok(())
}

fn show(args: &Show, session: &Session<'_>) -> Result<Outcome> {
    let ledger = ledger::read(session)?;
    let held = match (&args.name, &*ledger.secrets) {
        (Some(name), _) => find(&ledger, name)?,
        (None, [one]) => one,
        (None, []) => return Err(Error::failed("no secret is kept").hint("`whtool secret add PROVIDER` keeps one")),
        (None, _) => return Err(Error::usage("which one?").hint("`whtool secret list` names them")),
    };
    let mut output = session.world.output();
    match session.reveal {
        // Into a pipe go the bytes as they are; a terminal gets what is harmless.
        Reveal::Everything if session.world.is_terminal(Stream::Output) => {
            writeln!(output, "{}", harmless_bytes(&held.expose()))?;
        }
        Reveal::Everything => {
            output.write_all(&held.expose())?;
            output.write_all(b"\n")?;
        }
        Reveal::Masked => {
            let bytes = held.expose().len();
            let (name, provider) = (harmless(&held.name), harmless(&held.provider));
            writeln!(output, "{provider}  {name}  *** ({bytes} bytes)")?;
        }
    }
    output.flush()?;
    if session.reveal == Reveal::Masked {
        session.say("--reveal shows it");
    }
    answer(true)
}

fn remove(args: &Remove, session: &Session<'_>) -> Result<Outcome> {
    find(&ledger::read(session)?, &args.name)?;
    if !args.yes {
        confirm(session, &format!("remove the secret {}: nothing brings it back", harmless(&args.name)), &args.name)?;
    }
    ledger::update(session, |ledger| {
        find(ledger, &args.name)?;
        ledger.secrets.retain(|held| held.name != args.name);
        Ok(())
    })?;
    session.say(&format!("removed {}", harmless(&args.name)));
    answer(true)
}

fn find<'l>(ledger: &'l Ledger, name: &str) -> Result<&'l Held> {
    let found = ledger.secrets.iter().find(|held| held.name == name);
    found.ok_or_else(|| {
        Error::failed(format!("there is no secret `{name}`")).hint("`whtool secret list` names those that are kept")
    })
}
