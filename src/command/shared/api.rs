//! Access to a provider's API: base URL, API key, and sending calls.

use crate::command::shared::target;
use crate::command::{Session, confirm, parse_duration};
use crate::model::address::Reach;
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, SendFailure, SentRequest};
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::secret_text::{find_unprintable, trim_invisible};
use crate::model::shell::Shell;
use crate::model::target_fault::SendFlags;
use crate::model::timestamp::SignedDuration;
use crate::provider::api::ApiCall;
use crate::provider::{self, Provider};
use crate::settings;
use crate::settings::registry::Mode;
use crate::world::{CertificateCheck, SendOptions};
use clap::Args;
use std::path::PathBuf;
use url::Url;

/// Maximum size of a response, in bytes.
pub(in crate::command) const MAX_RESPONSE_BYTES: usize = 8 * 1024 * 1024;

/// Flags that advice about a failed call may name.
const API_FLAGS: SendFlags = SendFlags { insecure: None, timeout: Some("--request-timeout") };

/// Flags that choose base URL and API key.
#[derive(Args, Clone)]
pub(in crate::command) struct ApiArgs {
    /// Base URL of the API, such as that of the emulator [env: PLEXOS_API_URL, PLUSTIVE_API_URL]
    #[arg(long, value_name = "URL", help_heading = "API")]
    api_url: Option<Url>,
    /// File that contains the API key; `-` reads standard input
    #[arg(long, value_name = "FILE", help_heading = "API", conflicts_with = "key_env")]
    key_file: Option<PathBuf>,
    /// Environment variable that contains the API key (default: PLEXOS_PAY_SECRET_KEY or
    /// PLUSTIVE_API_KEY)
    #[arg(long, value_name = "NAME", help_heading = "API")]
    key_env: Option<String>,
    /// Timeout of one request to the API
    #[arg(long, alias = "api-timeout", value_name = "DURATION", default_value = "30s", value_parser = parse_duration, help_heading = "API")]
    request_timeout: SignedDuration,
}

impl ApiArgs {
    /// Builds the arguments for a command without these flags.
    pub(in crate::command) fn with_timeout(timeout: SignedDuration) -> Self {
        Self { api_url: None, key_file: None, key_env: None, request_timeout: timeout }
    }
}

/// Client of one provider's API.
#[derive(Clone)]
pub(in crate::command) struct ApiClient {
    pub provider: &'static dyn Provider,
    pub base: Url,
    /// This machine only, if the base URL is allowed because it is of this machine.
    pub reach: Reach,
    pub key: Secret,
    args: ApiArgs,
}

impl ApiArgs {
    /// Checks whether a base URL or a key was given, which belongs to one provider.
    pub(in crate::command) fn is_for_one_provider(&self) -> bool {
        self.api_url.is_some() || self.key_file.is_some() || self.key_env.is_some()
    }

    /// Returns the variables that may contain a key or secret, for commands that must not inherit
    /// them.
    pub(in crate::command) fn credential_variables(&self) -> Vec<&str> {
        provider::credential_variables().into_iter().chain(self.key_env.as_deref()).collect()
    }

    pub(in crate::command) fn send_options(&self, concurrency: usize) -> SendOptions {
        SendOptions {
            concurrency,
            per_second: None,
            timeout: self.request_timeout.unsigned_abs(),
            certificates: CertificateCheck::Verify,
            max_body: MAX_RESPONSE_BYTES,
        }
    }
}

impl ApiClient {
    /// Reads base URL and key from flags and environment.
    pub(in crate::command) fn new(
        provider: &'static dyn Provider,
        args: &ApiArgs,
        session: &Session<'_>,
    ) -> Result<Self> {
        let base = base_url(provider, args, session)?;
        let key = key(provider, args, session)?;
        // Over http, the key was allowed for this machine only, whatever the name leads to by now.
        let reach = if base.scheme() == "http" { Reach::ThisMachine } else { target::reach(&base, session) };
        Ok(Self { provider, base, reach, key, args: args.clone() })
    }

    /// Returns the mode of the key. A key without a known prefix is treated as live.
    pub(in crate::command) fn mode(&self) -> Mode {
        let test = self.provider.api().test_key_prefix;
        if test.is_some_and(|prefix| self.key.expose().starts_with(prefix.as_bytes())) {
            Mode::Test
        } else {
            Mode::Live
        }
    }

    /// Asks for confirmation before a live key changes anything, unless the API is on this machine.
    pub(in crate::command) fn confirm_live_key(
        &self,
        call: &ApiCall,
        what: &str,
        confirmation: Confirmation,
        session: &Session<'_>,
    ) -> Result<()> {
        if !call.is_write()
            || self.mode() == Mode::Test
            || self.reach == Reach::ThisMachine
            || confirmation == Confirmation::Given
        {
            return Ok(());
        }
        confirm(
            session,
            &format!("{what} with a live key of {}: this affects real payments", self.provider.title()),
            "live",
        )
    }

    pub(in crate::command) fn sending(&self, concurrency: usize) -> SendOptions {
        self.args.send_options(concurrency)
    }

    /// Sends one call, without retrying.
    pub(in crate::command) fn send(&self, call: &ApiCall, session: &Session<'_>) -> Result<SentRequest> {
        let outgoing = call.outgoing(0, self.provider.api(), (&self.base, self.reach), &self.key);
        let outgoing = outgoing.map_err(|error| Error::credentials("the API key can't be sent").because(error))?;
        let (mut next, mut result) = (Some(outgoing), None);
        session
            .world
            .send(&self.sending(1), &mut || NextRequest::from(next.take()), &mut |sent| result = Some(sent))?;
        result.ok_or_else(Error::interrupted)
    }

    /// Builds the error for a call without a response.
    pub(in crate::command) fn connection_error(&self, failure: &SendFailure, what: &str) -> Error {
        let variable = self.provider.api().base_variable;
        let place = self.base.host_str().unwrap_or_default();
        Error::failed(what).because(format!("{place}: {failure}")).hint(
            failure
                .fix(&API_FLAGS)
                .filter(|_| matches!(failure, SendFailure::Misconfigured(_)))
                .unwrap_or_else(|| format!("check that {} is reachable, or set {variable} or --api-url", self.base)),
        )
    }
}

/// Answer to a confirmation, given in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Confirmation {
    /// `--yes` was given.
    Given,
    /// The user has to be asked.
    Needed,
}

/// Flag that skips the confirmation.
#[derive(Args)]
pub(in crate::command) struct ConfirmArgs {
    /// Skip the confirmation before using a live key
    #[arg(long)]
    yes: bool,
}

impl ConfirmArgs {
    pub(in crate::command) fn confirmation(&self) -> Confirmation {
        if self.yes { Confirmation::Given } else { Confirmation::Needed }
    }
}

/// Reads the base URL. The key is sent there, so it must be https or on this machine.
pub(in crate::command) fn base_url(provider: &dyn Provider, args: &ApiArgs, session: &Session<'_>) -> Result<Url> {
    let api = provider.api();
    let named = session.world.env_var(api.base_variable);
    let url = match (&args.api_url, &named) {
        (Some(url), _) => url.clone(),
        (None, Some(text)) => Url::parse(text).map_err(|error| {
            Error::failed(format!("{} is not a URL: `{text}`", api.base_variable))
                .because(error)
                .hint(format!("it must look like {}", api.base))
        })?,
        (None, None) => Url::parse(api.base).expect("a provider's base is a URL"),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && target::is_this_machine(&url, session));
    if !is_safe || url.host().is_none() {
        let place = url.host_str().unwrap_or_default();
        return Err(Error::usage(format!("the API key is not sent to {}://{place}", url.scheme()))
            .because("it would be sent unencrypted; only https, or http on this machine, is allowed")
            .hint(format!("set an https URL with --api-url or {}", api.base_variable)));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(Error::usage(format!("the base URL of {}'s API must be only a host and a path", provider.title()))
            .because("it contains a user name, a password, a query or a fragment")
            .hint(format!("it must look like {}", api.base)));
    }
    Ok(url)
}

/// Reads the key, and removes whitespace and invisible characters around it.
fn key(provider: &'static dyn Provider, args: &ApiArgs, session: &Session<'_>) -> Result<Secret> {
    let (origin, bytes) = match (&args.key_file, &args.key_env) {
        (Some(path), _) => {
            let secret = settings::secret_from_file(provider.name(), &path.display().to_string(), session.read(path)?);
            session.warn_if_readable_by_others(path);
            (secret.origin.clone(), secret.expose().to_vec())
        }
        (None, named) => {
            let variable = named.as_deref().unwrap_or(provider.key_variable());
            let value = session
                .world
                .env_var(variable)
                .ok_or_else(|| missing_key(provider, variable, session.world.shell()))?;
            (SecretOrigin::Environment { variable: variable.to_owned(), position: 0 }, value.into_bytes())
        }
    };
    let text = trim_invisible(&bytes);
    if text.is_empty() {
        return Err(Error::credentials(format!("the API key in {origin} is empty")));
    }
    if let Some(fault) = api_key_fault(text, provider) {
        return Err(Error::credentials(format!("the API key in {origin} {fault}"))
            .because("it can't be a key, so nothing was sent")
            .hint(format!("write only the key there; copy it from {}", provider.api().dashboard)));
    }
    let others = provider::ALL.iter().filter(|other| other.name() != provider.name());
    for other in others {
        let prefixes = [Some(other.api().live_key_prefix), other.api().test_key_prefix];
        if let Some(prefix) = prefixes.into_iter().flatten().find(|prefix| text.starts_with(prefix.as_bytes())) {
            let whose = format!("{origin} contains a key of {}: it begins with {prefix}", other.title());
            return Err(Error::credentials(whose).hint(format!("set it to {}'s key", provider.title())));
        }
    }
    Ok(Secret::new(provider.name(), origin, text))
}

/// Says why a text can't be an API key: it has characters that no key has, or the key is only a
/// part of it.
pub(in crate::command) fn api_key_fault(text: &[u8], provider: &dyn Provider) -> Option<String> {
    if let Some(odd) = find_unprintable(text) {
        return Some(format!("has {odd}"));
    }
    let odd = text.iter().position(|byte| b" \"'`{}[]<>=:;,#".contains(byte))?;
    let prefixes = [Some(provider.api().live_key_prefix), provider.api().test_key_prefix];
    let mut prefixes = prefixes.into_iter().flatten();
    let key = prefixes.find(|prefix| memchr::memmem::find(text, prefix.as_bytes()).is_some());
    let whole =
        key.map_or_else(String::new, |prefix| format!(": the key that begins with {prefix} is only a part of it"));
    Some(format!("has a `{}` at position {}{whole}", char::from(text[odd]), odd + 1))
}

fn missing_key(provider: &dyn Provider, variable: &str, shell: Shell) -> Error {
    let set = shell.set_variable(variable, "…");
    Error::credentials(format!("no API key for {}", provider.title()))
        .because(format!("{variable} is not set"))
        .hint(format!("{set}, or use --key-file; create a key in {}", provider.api().dashboard))
}
