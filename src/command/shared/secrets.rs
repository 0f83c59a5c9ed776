//! Loads signing secrets from flags, environment, the registry and the local test secret, in this
//! order.

use crate::command::shared::registry;
use crate::command::{Session, TextList, join_lists};
use crate::diagnose::keys::fault::find_fault;
use crate::diagnose::{Credentials, KeyCandidates};
use crate::model::error::{Error, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe;
use crate::model::secret::{SHORT_SECRET_BYTES, Secret, SecretOrigin};
use crate::model::secret_text::decode_text;
use crate::model::signature::Key;
use crate::provider::{self, Provider};
use crate::settings;
use crate::settings::option;
use crate::settings::registry::{Registry, SecretSource, StoredSecret};
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Flags that add signing secrets.
#[derive(Args, Clone, Default)]
pub(in crate::command) struct SecretArgs {
    /// File that contains the signing secret; `-` reads standard input
    #[arg(long, value_name = "FILE", help_heading = "Secrets")]
    secret_file: Vec<PathBuf>,
    /// Environment variable that contains the signing secret
    #[arg(long, value_name = "NAME", help_heading = "Secrets")]
    secret_env: Vec<TextList>,
    /// Signing secret (visible in the process list: prefer a file or the environment)
    #[arg(long, value_name = "SECRET", help_heading = "Secrets")]
    secret: Vec<String>,
}

impl SecretArgs {
    /// Returns the files that can be read again, without standard input.
    pub(in crate::command) fn files(&self) -> impl Iterator<Item = &Path> {
        self.secret_file.iter().map(PathBuf::as_path).filter(|path| *path != Path::new("-"))
    }

    /// Returns the variables that contain signing secrets or API keys.
    pub(in crate::command) fn variables(&self) -> Vec<&str> {
        provider::credential_variables()
            .into_iter()
            .chain([option::STORE_URL_VARIABLE])
            .chain(self.secret_env.iter().flat_map(TextList::elements))
            .collect()
    }
}

/// Returns the variables that no command of the user's inherits: API keys, and the URL of the store.
pub(in crate::command) fn hidden_from_commands() -> Vec<&'static str> {
    provider::key_variables().into_iter().chain([option::STORE_URL_VARIABLE]).collect()
}

/// Loaded signing secrets and API keys.
#[derive(Clone)]
pub(in crate::command) struct Secrets {
    /// Signing keys, in the order in which they are tried.
    pub keys: Vec<Key>,
    api_keys: Vec<(String, String)>,
    candidates: KeyCandidates,
}

/// Use of the local test secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::command) enum TestSecret {
    /// Use it if it exists.
    IfPresent,
    /// Create it if a provider has no other secret.
    Create,
}

impl Secrets {
    fn new(keys: Vec<Key>, api_keys: Vec<(String, String)>) -> Self {
        Self { keys, api_keys, candidates: KeyCandidates::default() }
    }

    pub(in crate::command) fn credentials(&self) -> Credentials<'_> {
        Credentials::with_candidates(&self.keys, &self.api_keys, self.candidates.clone())
    }

    /// Returns the bytes of every signing secret and API key, to check that no output contains
    /// them.
    pub(in crate::command) fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        let api_keys = self.api_keys.iter().map(|(_, key)| key.as_bytes());
        self.keys.iter().map(|key| key.secret.expose()).chain(api_keys)
    }

    /// Returns true for a copy of these, which has the same secrets and keys.
    pub(in crate::command) fn is_copy(&self, other: &Self) -> bool {
        self.candidates.is_shared_with(&other.candidates)
    }

    pub(in crate::command) fn with_keys(&self, keys: Vec<Key>) -> Self {
        Self::new(keys, self.api_keys.clone())
    }

    /// Replaces the stored secrets by those now in the registry.
    pub(in crate::command) fn with_stored(&self, registry: &Registry, session: &Session<'_>) -> Self {
        let others = self.keys.iter().filter(|key| !matches!(key.secret.origin, SecretOrigin::Stored(_))).cloned();
        let stored = stored_secrets(registry, session);
        // A secret whose command fails now, such as that of a locked keyring, keeps its last value.
        let is_loaded = |origin: &SecretOrigin| stored.iter().any(|secret| secret.origin == *origin);
        let is_registered = |origin: &SecretOrigin| {
            registry.secrets.iter().any(|stored| *origin == SecretOrigin::Stored(stored.name.clone()))
        };
        let from_before =
            self.keys.iter().filter(|key| is_registered(&key.secret.origin) && !is_loaded(&key.secret.origin));
        let keys = others.chain(stored.iter().cloned().map(Key::new)).chain(from_before.cloned()).collect();
        Self::new(keys, self.api_keys.clone())
    }

    /// Returns the key to sign with.
    pub(in crate::command) fn signing_key(&self, provider: &dyn Provider) -> Result<&Key> {
        self.keys.iter().find(|key| key.secret.provider == provider.name()).ok_or_else(|| {
            Error::credentials(format!("no signing secret for {}", provider.title())).hint(format!(
                "set {}, run `whtool secret add {}`, or use --secret-file",
                provider.secret_variable(),
                provider.name()
            ))
        })
    }
}

/// Loads the secrets of every provider.
pub(in crate::command) fn load(args: &SecretArgs, test_secret: TestSecret, session: &Session<'_>) -> Result<Secrets> {
    if !args.secret.is_empty() {
        session.warn(
            "--secret is visible in the process list and the shell history: prefer --secret-file or the environment",
        );
    }
    let flags = secrets_from_flags(args, session)?;
    let mut secrets = Vec::new();
    // An unreadable registry is no reason to fail if there are other secrets.
    let stored = match registry::read(session) {
        Ok(registry) => stored_secrets(&registry, session),
        Err(error) if has_other_source(&flags, session) => {
            session.print_error(&error);
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
        secrets.extend(stored.iter().filter(|secret| secret.provider == name).cloned());
    }
    warn_about_faults(&secrets, session);
    let is_configured =
        |provider: &&dyn Provider| secrets.iter().any(|secret: &Secret| secret.provider == provider.name());
    let test_secret = if provider::ALL.iter().all(is_configured) { TestSecret::IfPresent } else { test_secret };
    // The test secret is no reason to fail if there is another one.
    let local = match local_test_secrets(test_secret, session) {
        Err(_) if !secrets.is_empty() => Vec::new(),
        outcome => outcome?,
    };
    secrets.extend(local);
    let api_key = |provider: &&dyn Provider| {
        let name = provider.key_variable();
        Some((name.to_owned(), session.world.env_var(name)?))
    };
    let api_keys = provider::ALL.iter().filter_map(api_key).collect();
    Ok(Secrets::new(secrets.into_iter().map(Key::new).collect(), api_keys))
}

/// Warns about secrets that are visibly none, or damaged. Stored secrets were checked when they
/// were added.
fn warn_about_faults(secrets: &[Secret], session: &Session<'_>) {
    let is_given = |secret: &&Secret| !matches!(secret.origin, SecretOrigin::Stored(_));
    let mut named = BTreeSet::new();
    for secret in secrets.iter().filter(is_given).filter(|secret| secret.expose().len() >= SHORT_SECRET_BYTES) {
        let name = secret.origin.to_string();
        let provider = provider::by_name(secret.provider);
        let fault = provider.and_then(|provider| find_fault(secret.expose(), &name, provider));
        if let Some(fault) = fault.filter(|_| named.insert(name)) {
            session.warn(&escape_unsafe(&fault.cause.sentence()));
        }
    }
}

/// Returns the secrets in the registry. If the command of one fails, its error is printed and it is
/// skipped.
fn stored_secrets(registry: &Registry, session: &Session<'_>) -> Vec<Secret> {
    let secret = |(provider, stored): (&'static str, &StoredSecret)| {
        let bytes = match stored.source() {
            SecretSource::Stored(bytes) => bytes,
            SecretSource::Command(command) => match read_from_command(provider, command, session) {
                Ok(bytes) => bytes,
                Err(error) => {
                    session.print_error(&error);
                    return None;
                }
            },
        };
        Some(Secret::new(provider, SecretOrigin::Stored(stored.name.clone()), bytes))
    };
    registry.signing_secrets().filter_map(secret).collect()
}

/// Runs a command and returns the secret that it prints, without the final newline.
pub(in crate::command) fn read_from_command(
    provider: &'static str,
    command: &str,
    session: &Session<'_>,
) -> Result<Vec<u8>> {
    let bytes = session.world.run_command(command, COMMAND_TIMEOUT, &hidden_from_commands()).map_err(|error| {
        let message = mask_secrets(&error.message);
        error.with_message(message)
    })?;
    let secret = settings::secret_from_file(provider, command, bytes);
    if secret.expose().is_empty() {
        return Err(
            Error::failed(format!("`{}` printed nothing", mask_secrets(command))).hint("run it in a shell to see why")
        );
    }
    Ok(secret.expose().to_vec())
}

/// Time limit for a command: the user may have to unlock a keyring.
pub(in crate::command) const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Checks whether flags or the environment contain a secret.
fn has_other_source(flags: &[(SecretOrigin, Vec<u8>)], session: &Session<'_>) -> bool {
    !flags.is_empty() || provider::ALL.iter().any(|each| session.world.env_var(each.secret_variable()).is_some())
}

fn secrets_from_flags(args: &SecretArgs, session: &Session<'_>) -> Result<Vec<(SecretOrigin, Vec<u8>)>> {
    let mut found = Vec::new();
    for path in &args.secret_file {
        let bytes = session.read(path)?;
        if let Some((_, encoding)) = decode_text(&bytes) {
            let name = path.display().to_string();
            session.info(&format!(
                "{} is {}: decoded, which your app may not do",
                escape_unsafe(&name),
                encoding.name()
            ));
        }
        let secret = settings::secret_from_file("", &path.display().to_string(), bytes);
        session.warn_if_readable_by_others(path);
        if secret.expose().is_empty() {
            return Err(Error::failed(format!("{} is empty", path.display())).hint("write the signing secret to it"));
        }
        found.push((secret.origin.clone(), secret.expose().to_vec()));
    }
    for name in &join_lists(&args.secret_env) {
        let value = session.world.env_var(name);
        let value = value.ok_or_else(|| Error::credentials(format!("the environment variable {name} is not set")))?;
        found.push((SecretOrigin::Environment { variable: name.clone(), position: 0 }, value.into_bytes()));
    }
    found.extend(args.secret.iter().map(|secret| (SecretOrigin::Flag, secret.clone().into_bytes())));
    Ok(found)
}

/// Returns the local test keys, one per provider, and creates them if necessary.
pub(in crate::command) fn local_test_keys(session: &Session<'_>) -> Result<Vec<Key>> {
    Ok(local_test_secrets(TestSecret::Create, session)?.into_iter().map(Key::new).collect())
}

/// Returns the local test secrets, one per provider. Empty: there are none, and none were to be
/// created.
pub(in crate::command) fn local_test_secrets(test_secret: TestSecret, session: &Session<'_>) -> Result<Vec<Secret>> {
    let Some(seed) = local_test_seed(test_secret, session)? else { return Ok(Vec::new()) };
    let secret = |each: &&dyn Provider| settings::local_test_secret(each.name(), each.secret_prefix(), &seed);
    Ok(provider::ALL.iter().map(secret).collect())
}

/// Reads the seed of the local test secrets. `None`: there is none, and none was to be created. Two
/// processes that create it at once get the same seed, because an existing file is not replaced,
/// and is read afterwards.
fn local_test_seed(test_secret: TestSecret, session: &Session<'_>) -> Result<Option<Vec<u8>>> {
    let path = session.world.data_dir()?.join("local-test-seed");
    if test_secret == TestSecret::Create && session.world.read_secret_file(&path)?.is_none() {
        let mut seed = [0; 32];
        session.world.fill_random(&mut seed);
        if session.world.create_secret_file(&path, hex::encode(seed).as_bytes())? {
            session.info(&format!("created local test secrets in {}", path.display()));
        }
    }
    session.world.read_secret_file(&path)
}
