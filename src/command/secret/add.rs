//! `whtool secret add` and `rotate`: store a secret from the terminal, a pipe, a file, or a command
//! that prints it.

use crate::command::Session;
use crate::command::shared::{registry, secrets};
use crate::diagnose::keys::fault::{FaultSeverity, SecretFault, find_fault, find_secret_in_text};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::secret_text::trim_invisible;
use crate::provider::{self, Provider};
use crate::settings;
use crate::settings::registry::{SecretSource, StoredSecret};
use crate::world::Stream;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments that name a new secret and its source.
#[derive(Args)]
pub(super) struct NewSecret {
    /// Name of the secret (default: the provider's name)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Secret given as an argument, which is refused.
    #[arg(hide = true, value_name = "NOTHING")]
    stray: Vec<String>,
    /// File that contains the secret (default: prompt, or read standard input)
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Store the secret unchanged, even if it looks like something else
    #[arg(long)]
    exact: bool,
    /// Store a command that prints the secret, such as that of a password manager
    #[arg(long, value_name = "COMMAND", conflicts_with = "file")]
    command: Option<String>,
}

/// Treatment of the provider's other secrets when one is added.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OtherSecrets {
    Keep,
    Retire,
}

pub(super) fn add(
    provider: &'static dyn Provider,
    new: &NewSecret,
    others: OtherSecrets,
    session: &Session<'_>,
) -> Result<CommandOutcome> {
    if !new.stray.is_empty() {
        return Err(Error::usage("a secret can't be given as an argument")
            .because("it would be visible in the process list and stay in the shell history")
            .hint(format!(
                "run `whtool secret add {}` and enter it at the prompt, pipe it in, or use --file",
                provider.name()
            )));
    }
    let bytes = match &new.command {
        Some(command) => secrets::read_from_command(provider.name(), command, session)?,
        None => read_secret(provider, new, session)?,
    };
    check_secret(provider, &bytes, new, session)?;
    let source = new.command.as_deref().map_or_else(|| SecretSource::Stored(bytes.clone()), SecretSource::Command);
    let (now, wanted) = (session.world.now(), new.name.as_deref());
    let name = registry::update(session, |registry| {
        if let Some(same) =
            registry.secrets.iter().find(|stored| stored.provider == provider.name() && stored.source() == source)
        {
            return Err(Error::usage(format!("this secret is already stored as {}", same.name)));
        }
        if let Some(taken) = wanted.filter(|name| registry.secrets.iter().any(|stored| stored.name == *name)) {
            return Err(Error::usage(format!("a secret named `{taken}` already exists")).hint("choose another --name"));
        }
        if others == OtherSecrets::Retire {
            let own = registry.secrets.iter_mut().filter(|stored| stored.provider == provider.name());
            own.for_each(|stored| stored.retired = stored.retired.or(Some(now)));
        }
        let name = wanted.map_or_else(|| registry.unused_name(provider.name()), str::to_owned);
        registry.secrets.push(match &source {
            SecretSource::Stored(bytes) => StoredSecret::new(&name, provider.name(), now, bytes),
            SecretSource::Command(command) => StoredSecret::from_command(&name, provider.name(), now, command),
        });
        Ok(name)
    })?;
    let mut output = session.world.stdout();
    writeln!(output, "{}", escape_unsafe(&name))?;
    output.flush()?;
    drop(output);
    let place = registry::path(session)?;
    match &new.command {
        Some(_) => session.info("the command is stored and runs whenever the secret is needed"),
        None => session.info(&format!("stored in {}, which only you can read", place.display())),
    }
    if others == OtherSecrets::Retire {
        session.info("the previous secrets still verify until you remove them with `whtool secret remove`");
    }
    Ok(CommandOutcome::Success)
}

/// Reads a secret from a file, the terminal, or standard input. Whitespace and invisible characters
/// around it are removed.
fn read_secret(provider: &dyn Provider, new: &NewSecret, session: &Session<'_>) -> Result<Vec<u8>> {
    let bytes = match &new.file {
        Some(path) => session.read(path)?,
        None if session.world.is_terminal(Stream::Input) => {
            session.world.prompt_hidden(&format!("signing secret of {} (not shown)", provider.title()))?
        }
        None => session.read(Path::new("-"))?,
    };
    let secret = settings::secret_from_file(provider.name(), "", bytes);
    let trimmed = if new.exact { secret.expose() } else { trim_invisible(secret.expose()) };
    if trimmed.len() < secret.expose().len() && !trimmed.is_empty() {
        session.info("removed whitespace or invisible characters around the secret");
    }
    Ok(trimmed.to_vec())
}

/// Refuses what can't be a signing secret, and warns about what may be none.
fn check_secret(provider: &dyn Provider, bytes: &[u8], new: &NewSecret, session: &Session<'_>) -> Result<()> {
    if bytes.trim_ascii().is_empty() {
        return Err(Error::usage("the secret is empty"));
    }
    let keys =
        provider::ALL.iter().flat_map(|each| [Some(each.api().live_key_prefix), each.api().test_key_prefix]).flatten();
    if let Some(prefix) = keys.into_iter().find(|prefix| bytes.starts_with(prefix.as_bytes())) {
        return Err(Error::usage(format!("this is an API key (it begins with {prefix}), not a signing secret")).hint(
            format!(
                "the signing secret is shown where the webhook is set up; API keys go into {}",
                provider.key_variable()
            ),
        ));
    }
    let name = if new.command.is_some() { "the output of the command" } else { "the secret" };
    match find_fault(bytes, name, provider) {
        Some(SecretFault { cause, severity: FaultSeverity::Unusable }) if new.exact => session.warn(&cause.sentence()),
        Some(SecretFault { cause, severity: FaultSeverity::Unusable }) => {
            let hint = match find_secret_in_text(bytes, provider) {
                Some(place) if place.starts_with("with") => format!("store it {place}"),
                Some(place) => format!("store only the secret in it: probably {place}"),
                None => {
                    "store the secret that the provider shows, or with --command a command that prints it".to_owned()
                }
            };
            let hint = format!("{hint}; --exact stores this unchanged");
            return Err(Error::failed(cause.sentence()).because("nothing was stored").hint(hint));
        }
        Some(SecretFault { cause, .. }) => session.warn(&cause.sentence()),
        None => {}
    }
    let prefix = provider.secret_prefix();
    if !prefix.is_empty() && !bytes.starts_with(prefix.as_bytes()) {
        session.warn(&format!(
            "secrets of {} usually begin with {prefix}; this one is stored unchanged",
            provider.title()
        ));
    }
    Ok(())
}
