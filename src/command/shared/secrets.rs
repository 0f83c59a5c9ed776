//! The secrets that are known here, fetched from where they are.
//!
//! Flags come before the environment, that before whtool's own store, and the machine's own test secret comes last.

use crate::command::Session;
use crate::command::shared::registry;
use crate::diagnose::Credentials;
use crate::model::error::{Error, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe;
use crate::model::secret::{Secret, SecretOrigin, looks_like_placeholder};
use crate::model::signature::Key;
use crate::provider::{self, Provider};
use crate::settings;
use crate::settings::registry::{Registry, SecretSource, StoredSecret};
use clap::Args;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Signing secrets beside those of the environment.
#[derive(Args, Default)]
pub(in crate::command) struct SecretArgs {
    /// A file whose text is the signing secret; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = "Secrets")]
    secret_file: Vec<PathBuf>,
    /// Another environment variable that holds the signing secret
    #[arg(long, value_name = "NAME", help_heading = "Secrets")]
    secret_env: Vec<String>,
    /// The signing secret itself (others can see it in the process list: prefer a file or the environment)
    #[arg(long, value_name = "SECRET", help_heading = "Secrets")]
    secret: Vec<String>,
}

/// All that is known here.
#[derive(Clone)]
pub(in crate::command) struct Secrets {
    /// Keys in the order in which they are tried.
    pub keys: Vec<Key>,
    api_keys: Vec<(String, String)>,
}

/// What to do when nothing is configured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::command) enum TestSecret {
    /// Use the machine's test secret when there is one.
    IfPresent,
    /// Make it when a provider has no secret.
    Create,
}

impl Secrets {
    /// For finding out why something does not verify.
    pub(in crate::command) fn credentials(&self) -> Credentials<'_> {
        Credentials { keys: &self.keys, api_keys: &self.api_keys }
    }

    /// The bytes of every signing secret and API key: what must stand nowhere.
    pub(in crate::command) fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        let api_keys = self.api_keys.iter().map(|(_, key)| key.as_bytes());
        self.keys.iter().map(|key| key.secret.expose()).chain(api_keys)
    }

    /// The same with what whtool keeps now in place of what it kept.
    pub(in crate::command) fn with_stored(&self, registry: &Registry, session: &Session<'_>) -> Self {
        let others = self.keys.iter().filter(|key| !matches!(key.secret.origin, SecretOrigin::Stored(_))).cloned();
        let kept = stored_secrets(registry, session);
        // What a command does not print this time, a keyring that is locked again, still is what it was.
        let is_kept = |origin: &SecretOrigin| kept.iter().any(|secret| secret.origin == *origin);
        let is_there = |origin: &SecretOrigin| {
            registry.secrets.iter().any(|stored| *origin == SecretOrigin::Stored(stored.name.clone()))
        };
        let from_before = self.keys.iter().filter(|key| is_there(&key.secret.origin) && !is_kept(&key.secret.origin));
        let keys = others.chain(kept.iter().cloned().map(Key::new)).chain(from_before.cloned()).collect();
        Self { keys, api_keys: self.api_keys.clone() }
    }

    /// The key to sign with.
    pub(in crate::command) fn signing_key(&self, provider: &dyn Provider) -> Result<&Key> {
        self.keys.iter().find(|key| key.secret.provider == provider.name()).ok_or_else(|| {
            Error::credentials(format!("no signing secret of {} is known", provider.title())).hint(format!(
                "set {}, or keep it with `whtool secret add {}`, or use --secret-file",
                provider.secret_variable(),
                provider.name()
            ))
        })
    }
}

/// Gathers the secrets of every provider.
pub(in crate::command) fn load(args: &SecretArgs, local: TestSecret, session: &Session<'_>) -> Result<Secrets> {
    if !args.secret.is_empty() {
        session.warn(
            "--secret can be seen in the process list and the shell's history: prefer --secret-file or the environment",
        );
    }
    let flags = secrets_from_flags(args, session)?;
    let mut secrets = Vec::new();
    // Where other secrets are at hand, those that are kept are not worth failing for.
    let kept = match registry::read(session) {
        Ok(registry) => stored_secrets(&registry, session),
        Err(error) if has_other_source(&flags, session) => {
            session.tell(&error);
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    for provider in provider::ALL {
        let name = provider.name();
        secrets.extend(flags.iter().map(|(origin, bytes)| Secret::new(name, origin.clone(), bytes.clone())));
        let variable = provider.secret_variable();
        let value = session.world.env_var(variable).unwrap_or_default();
        secrets.extend(settings::secrets_from_variable(name, variable, &value));
        secrets.extend(kept.iter().filter(|secret| secret.provider == name).cloned());
    }
    warn_about_placeholders(&secrets, session);
    let is_configured =
        |provider: &&dyn Provider| secrets.iter().any(|secret: &Secret| secret.provider == provider.name());
    let local = if provider::ALL.iter().all(is_configured) { TestSecret::IfPresent } else { local };
    // Where a secret is configured, the test secret is not worth failing for.
    let seed = match local_test_seed(local, session) {
        Err(_) if !secrets.is_empty() => None,
        outcome => outcome?,
    };
    if let Some(seed) = seed {
        secrets.extend(
            provider::ALL.iter().map(|each| settings::local_test_secret(each.name(), each.secret_prefix(), &seed)),
        );
    }
    let api_key = |provider: &&dyn Provider| {
        let name = provider.key_variable();
        Some((name.to_owned(), session.world.env_var(name)?))
    };
    let api_keys = provider::ALL.iter().filter_map(api_key).collect();
    Ok(Secrets { keys: secrets.into_iter().map(Key::new).collect(), api_keys })
}

/// Warns of what was copied from where a secret is not shown whole. Of those that are kept it was said when they were added.
fn warn_about_placeholders(secrets: &[Secret], session: &Session<'_>) {
    let is_given = |secret: &&Secret| !matches!(secret.origin, SecretOrigin::Stored(_));
    let odd = secrets.iter().filter(is_given).filter(|secret| looks_like_placeholder(secret.expose()));
    for name in odd.map(|secret| secret.origin.to_string()).collect::<BTreeSet<_>>() {
        session.warn(&format!("{} looks like a placeholder, or like a secret that was cut off", escape_unsafe(&name)));
    }
}

/// The secrets that whtool keeps. One whose command fails is told of, and the others serve.
fn stored_secrets(registry: &Registry, session: &Session<'_>) -> Vec<Secret> {
    let secret = |(provider, stored): (&'static str, &StoredSecret)| {
        let bytes = match stored.source() {
            SecretSource::Stored(bytes) => bytes,
            SecretSource::Command(command) => match read_from_command(provider, command, session) {
                Ok(bytes) => bytes,
                Err(error) => {
                    session.tell(&error);
                    return None;
                }
            },
        };
        Some(Secret::new(provider, SecretOrigin::Stored(stored.name.clone()), bytes))
    };
    registry.signing_secrets().filter_map(secret).collect()
}

/// The secret that a command prints, without the line break at its end.
pub(in crate::command) fn read_from_command(
    provider: &'static str,
    command: &str,
    session: &Session<'_>,
) -> Result<Vec<u8>> {
    let bytes = session.world.run_command(command, COMMAND_TIMEOUT).map_err(|error| {
        let message = mask_secrets(&error.message);
        error.with_message(message)
    })?;
    let secret = settings::secret_from_file(provider, command, bytes);
    if secret.expose().is_empty() {
        return Err(
            Error::failed(format!("`{}` printed no secret", mask_secrets(command))).hint("run it by hand and see")
        );
    }
    Ok(secret.expose().to_vec())
}

/// How long a keyring may take: a person may have to unlock it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Whether flags or the environment give a secret.
fn has_other_source(flags: &[(SecretOrigin, Vec<u8>)], session: &Session<'_>) -> bool {
    !flags.is_empty() || provider::ALL.iter().any(|each| session.world.env_var(each.secret_variable()).is_some())
}

/// The texts that the flags lead to.
fn secrets_from_flags(args: &SecretArgs, session: &Session<'_>) -> Result<Vec<(SecretOrigin, Vec<u8>)>> {
    let mut found = Vec::new();
    for path in &args.secret_file {
        let secret = settings::secret_from_file("", &path.display().to_string(), session.read(path)?);
        session.warn_of_readers(path);
        if secret.expose().is_empty() {
            return Err(Error::failed(format!("{} is empty", path.display())).hint("put the signing secret into it"));
        }
        found.push((secret.origin.clone(), secret.expose().to_vec()));
    }
    for name in &args.secret_env {
        let value = session.world.env_var(name);
        let value = value.ok_or_else(|| Error::credentials(format!("the environment variable {name} is not set")))?;
        found.push((SecretOrigin::Environment { variable: name.clone(), position: 0 }, value.into_bytes()));
    }
    found.extend(args.secret.iter().map(|secret| (SecretOrigin::Flag, secret.clone().into_bytes())));
    Ok(found)
}

/// The machine's own test keys, one for each provider; they are made when they are not there.
pub(in crate::command) fn local_test_keys(session: &Session<'_>) -> Result<Vec<Key>> {
    let seed = local_test_seed(TestSecret::Create, session)?.unwrap_or_default();
    let secret = |each: &&dyn Provider| settings::local_test_secret(each.name(), each.secret_prefix(), &seed);
    Ok(provider::ALL.iter().map(secret).map(Key::new).collect())
}

/// The seed of this machine's test secrets; `None`: there is none, and none was to be made. Two that make one at the same time end up with
/// the same: the file is created whole or not at all, and then read.
fn local_test_seed(local: TestSecret, session: &Session<'_>) -> Result<Option<Vec<u8>>> {
    let path = session.world.data_dir()?.join("local-test-seed");
    if local == TestSecret::Create && session.world.read_secret_file(&path)?.is_none() {
        let mut seed = [0; 32];
        session.world.fill_random(&mut seed);
        if session.world.create_secret_file(&path, hex::encode(seed).as_bytes())? {
            session.say(&format!("made test secrets for this machine, kept in {}", path.display()));
        }
    }
    session.world.read_secret_file(&path)
}
