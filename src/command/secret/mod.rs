//! `whtool secret`: manages the signing secrets in the registry.

mod add;

use crate::command::shared::registry;
use crate::command::shared::secrets::{self, TestSecret};
use crate::command::{Session, confirm, provider_parser};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::mask::{Reveal, mask_secrets};
use crate::model::sanitize::{escape_unsafe, escape_unsafe_bytes};
use crate::model::secret::Secret;
use crate::model::timestamp::Timestamp;
use crate::model::width::{display_width, pad_right};
use crate::provider::{self, Provider};
use crate::render::json::line;
use crate::settings::registry::{Registry, SecretSource, StoredSecret};
use crate::world::Stream;
use add::{NewSecret, OtherSecrets, add};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// Manage signing secrets: list, add, show, rotate and remove them
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool secret add plustive   # prompts for it without echo
  pass plustive/webhook | whtool secret add plustive
  whtool secret add plexos --name production --file secret.txt
  whtool secret add plustive --command 'secret-tool lookup service plustive'
  whtool secret list
  whtool secret show plexos --reveal
  export PLEXOS_WEBHOOK_SECRET=$(whtool secret show plexos-test)
  whtool secret rotate plexos  # a new one signs, the old one still verifies
  whtool secret remove plexos-2

A provider can have several secrets, so that an old and a new one both verify. They are stored in one file with mode
0600 and printed only by `secret show --reveal`. The local test secrets, with which whtool signs while nothing else is
configured, are valid on this machine only and need no --reveal. To leave a secret in a keyring or password manager, store a command
that prints it: secret-tool, security, pass, op.")]
pub(super) struct ManageSecrets {
    #[command(subcommand)]
    command: Option<SecretCommand>,
}

#[derive(Subcommand)]
enum SecretCommand {
    List(ListSecrets),
    Add(AddSecret),
    Show(ShowSecret),
    Rotate(RotateSecret),
    Remove(RemoveSecret),
}

/// List the stored secrets by name, and the local test secrets
#[derive(Args, Default)]
struct ListSecrets {
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
}

/// Store a secret
#[derive(Args)]
struct AddSecret {
    /// Provider that signs with the secret
    #[arg(value_name = "PROVIDER", value_parser = provider_parser())]
    provider: &'static dyn Provider,
    #[command(flatten)]
    new: NewSecret,
}

/// Store a new secret for signing; the old ones still verify until they are removed
#[derive(Args)]
struct RotateSecret {
    /// Provider that signs with the secret
    #[arg(value_name = "PROVIDER", value_parser = provider_parser())]
    provider: &'static dyn Provider,
    #[command(flatten)]
    new: NewSecret,
}

/// Show a secret, masked unless --reveal is given. Local test secrets are not masked
#[derive(Args)]
struct ShowSecret {
    /// Name of the secret; optional if only one is stored. The local test secrets are plexos-test
    /// and plustive-test
    #[arg(value_name = "SECRET_NAME")]
    name: Option<String>,
}

/// Remove a secret permanently
#[derive(Args)]
struct RemoveSecret {
    /// Name of the secret
    #[arg(value_name = "SECRET_NAME")]
    name: String,
    /// Skip the confirmation
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: &ManageSecrets, session: &Session<'_>) -> Result<CommandOutcome> {
    match &args.command {
        None => list(&ListSecrets::default(), session),
        Some(SecretCommand::List(args)) => list(args, session),
        Some(SecretCommand::Add(args)) => add(args.provider, &args.new, OtherSecrets::Keep, session),
        Some(SecretCommand::Rotate(args)) => add(args.provider, &args.new, OtherSecrets::Retire, session),
        Some(SecretCommand::Show(args)) => show(args, session),
        Some(SecretCommand::Remove(args)) => remove(args, session),
    }
}

fn list(args: &ListSecrets, session: &Session<'_>) -> Result<CommandOutcome> {
    let registry = registry::read(session)?;
    let local = secrets::local_test_secrets(TestSecret::IfPresent, session)?;
    if registry.secrets.is_empty() {
        session.info("no secrets stored; `whtool secret add PROVIDER` adds one");
    }
    let names = registry.secrets.iter().map(|stored| stored.name.clone());
    let names: Vec<_> = names.chain(local.iter().map(|secret| local_name(secret.provider))).collect();
    let width = names.iter().map(|name| display_width(&escape_unsafe(name))).max().unwrap_or(0);
    let mut output = session.world.stdout();
    for stored in &registry.secrets {
        if args.json {
            output.write_all(&line(&record(stored, &registry)))?;
            continue;
        }
        let provider = session.out.name(&pad_right(&escape_unsafe(&stored.provider), 8));
        let name = session.out.strong(&pad_right(&escape_unsafe(&stored.name), width));
        let retired =
            stored.retired.map(|time| format!("  retired {}: still verifies, does not sign", format_date(time)));
        let command = match stored.source() {
            SecretSource::Command(command) => Some(format!("  printed by `{}`", escape_unsafe(&mask_secrets(command)))),
            SecretSource::Stored(_) => None,
        };
        let endpoint = endpoint_url(stored, &registry).map(|url| format!("  for {}", escape_unsafe(url)));
        let rest = [command, endpoint, retired].into_iter().flatten().collect::<String>();
        let row = format!("{provider}  {name}  added {}{}\n", format_date(stored.added), session.out.faint(&rest));
        output.write_all(session.wrap(&row).as_bytes())?;
    }
    for secret in &local {
        if args.json {
            output.write_all(&line(&local_record(secret)))?;
            continue;
        }
        let provider = session.out.name(&pad_right(secret.provider, 8));
        let name = session.out.strong(&pad_right(&local_name(secret.provider), width));
        let meaning = session.out.faint("local test secret: signs while nothing else is configured");
        output.write_all(session.wrap(&format!("{provider}  {name}  {meaning}\n")).as_bytes())?;
    }
    output.flush()?;
    drop(output);
    if !registry.secrets.is_empty() {
        session.info(&format!("stored in {}, which only you can read", registry::path(session)?.display()));
    }
    for provider in provider::ALL.iter().filter(|each| session.world.env_var(each.secret_variable()).is_some()) {
        session.info(&format!("{} is set and is tried before them", provider.secret_variable()));
    }
    Ok(CommandOutcome::Success)
}

fn record(stored: &StoredSecret, registry: &Registry) -> Value {
    let command = if let SecretSource::Command(command) = stored.source() { Some(mask_secrets(command)) } else { None };
    json!({
        "schema": "whtool.secret/1", "name": stored.name, "provider": stored.provider, "added": stored.added.to_string(),
        "retired": stored.retired.map(|time| time.to_string()), "command": command, "endpointUrl": endpoint_url(stored, registry),
        "localTest": false,
    })
}

fn local_record(secret: &Secret) -> Value {
    json!({
        "schema": "whtool.secret/1", "name": local_name(secret.provider), "provider": secret.provider, "added": null,
        "retired": null, "command": null, "endpointUrl": null, "localTest": true,
    })
}

/// Returns the name of a provider's local test secret.
fn local_name(provider: &str) -> String {
    format!("{provider}-test")
}

fn endpoint_url<'l>(stored: &StoredSecret, registry: &'l Registry) -> Option<&'l str> {
    let is_used = |name: &Option<String>| name.as_deref() == Some(stored.name.as_str());
    registry.endpoints.iter().find(|endpoint| is_used(&endpoint.secret)).map(|endpoint| endpoint.url.as_str())
}

fn format_date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

fn show(args: &ShowSecret, session: &Session<'_>) -> Result<CommandOutcome> {
    let registry = registry::read(session)?;
    let stored = match (&args.name, &*registry.secrets) {
        (Some(name), _) => match find(&registry, name) {
            Ok(stored) => stored,
            Err(error) => return show_local(name, session)?.ok_or(error),
        },
        (None, [one]) => one,
        (None, []) => return Err(Error::failed("no secrets stored").hint("add one with `whtool secret add PROVIDER`")),
        (None, _) => {
            return Err(
                Error::usage("several secrets are stored").hint("name one of those that `whtool secret list` shows")
            );
        }
    };
    let bytes = match (stored.source(), session.reveal) {
        (SecretSource::Stored(bytes), _) => bytes,
        (SecretSource::Command(command), Reveal::Everything) => {
            let provider = provider::by_name(&stored.provider).map_or("", Provider::name);
            secrets::read_from_command(provider, command, session)?
        }
        (SecretSource::Command(_), Reveal::Masked) => Vec::new(),
    };
    let mut output = session.world.stdout();
    match session.reveal {
        // A pipe gets the exact bytes; for a terminal they are escaped.
        Reveal::Everything if session.world.is_terminal(Stream::Output) => {
            writeln!(output, "{}", escape_unsafe_bytes(&bytes))?;
        }
        Reveal::Everything => {
            output.write_all(&bytes)?;
            output.write_all(b"\n")?;
        }
        Reveal::Masked => {
            let (name, provider) = (escape_unsafe(&stored.name), escape_unsafe(&stored.provider));
            let what = match stored.source() {
                SecretSource::Stored(bytes) => format!("*** ({} bytes)", bytes.len()),
                SecretSource::Command(command) => format!("printed by `{}`", escape_unsafe(&mask_secrets(command))),
            };
            output.write_all(session.wrap(&format!("{provider}  {name}  {what}\n")).as_bytes())?;
        }
    }
    output.flush()?;
    if session.reveal == Reveal::Masked {
        session.info("use --reveal to show it");
    }
    Ok(CommandOutcome::Success)
}

/// Prints the local test secret of this name or provider, and creates it if necessary. It protects
/// nothing, so it is not masked. `None`: there is no such provider.
fn show_local(name: &str, session: &Session<'_>) -> Result<Option<CommandOutcome>> {
    let is_meant = |each: &&dyn Provider| each.name() == name || local_name(each.name()) == name;
    let Some(provider) = provider::ALL.iter().find(|each| is_meant(each)) else { return Ok(None) };
    let local = secrets::local_test_secrets(TestSecret::Create, session)?;
    let secret = local.iter().find(|secret| secret.provider == provider.name());
    if provider.name() == name {
        session.info(&format!("no secret of {} is stored: this is the local test secret", provider.title()));
    }
    let mut output = session.world.stdout();
    output.write_all(secret.map_or(b"".as_slice(), Secret::expose))?;
    output.write_all(b"\n")?;
    output.flush()?;
    Ok(Some(CommandOutcome::Success))
}

fn remove(args: &RemoveSecret, session: &Session<'_>) -> Result<CommandOutcome> {
    find(&registry::read(session)?, &args.name)?;
    if !args.yes {
        confirm(
            session,
            &format!("remove the secret {}: this cannot be undone", escape_unsafe(&args.name)),
            &args.name,
        )?;
    }
    registry::update(session, |registry| {
        find(registry, &args.name)?;
        registry.secrets.retain(|stored| stored.name != args.name);
        Ok(())
    })?;
    session.info(&format!("removed {}", escape_unsafe(&args.name)));
    Ok(CommandOutcome::Success)
}

fn find<'l>(registry: &'l Registry, name: &str) -> Result<&'l StoredSecret> {
    let found = registry.secrets.iter().find(|stored| stored.name == name);
    found.ok_or_else(|| {
        Error::failed(format!("no secret named `{name}`")).hint("list the stored secrets with `whtool secret list`")
    })
}
