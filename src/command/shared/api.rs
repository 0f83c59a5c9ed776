//! A provider's API as commands use it: which base URL and key hold, and one call with its answer.

use crate::command::{Session, confirm, span};
use crate::model::address::is_loopback;
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, SendFailure, SentRequest};
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::timestamp::SignedDuration;
use crate::provider::api::ApiCall;
use crate::provider::{self, Provider};
use crate::settings;
use crate::settings::registry::Mode;
use crate::world::{CertificateCheck, SendOptions};
use clap::Args;
use std::path::PathBuf;
use url::Url;

/// The longest answer that is read.
pub(in crate::command) const MAX_RESPONSE_BYTES: usize = 8 * 1024 * 1024;

/// Where the API is, and by which key it is asked.
#[derive(Args, Clone)]
pub(in crate::command) struct ApiArgs {
    /// Another base URL of the API, such as the emulator's [environment: PLEXOS_API_URL, PLUSTIVE_API_URL]
    #[arg(long, value_name = "URL", help_heading = "API")]
    api_url: Option<Url>,
    /// A file whose text is the API key; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = "API", conflicts_with = "key_env")]
    key_file: Option<PathBuf>,
    /// Another environment variable that holds the API key [default: PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY]
    #[arg(long, value_name = "NAME", help_heading = "API")]
    key_env: Option<String>,
    /// How long an answer may take
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span, help_heading = "API")]
    api_timeout: SignedDuration,
}

impl ApiArgs {
    /// As if no flag were given, with another patience.
    pub(in crate::command) fn with_timeout(timeout: SignedDuration) -> Self {
        Self { api_url: None, key_file: None, key_env: None, api_timeout: timeout }
    }
}

/// A way to a provider's API.
#[derive(Clone)]
pub(in crate::command) struct ApiClient {
    /// Whose API it is.
    pub provider: &'static dyn Provider,
    /// Its base URL.
    pub base: Url,
    /// The key.
    pub key: Secret,
    args: ApiArgs,
}

impl ApiArgs {
    /// Whether a base or a key was named, which can be one provider's only.
    pub(in crate::command) fn is_for_one_provider(&self) -> bool {
        self.api_url.is_some() || self.key_file.is_some() || self.key_env.is_some()
    }

    /// How calls are sent, so many at once.
    pub(in crate::command) fn send_options(&self, concurrency: usize) -> SendOptions {
        SendOptions {
            concurrency,
            per_second: None,
            timeout: self.api_timeout.unsigned_abs(),
            certificates: CertificateCheck::Verify,
            max_body: MAX_RESPONSE_BYTES,
        }
    }
}

impl ApiClient {
    /// The base URL and the key that hold.
    pub(in crate::command) fn new(
        provider: &'static dyn Provider,
        args: &ApiArgs,
        session: &Session<'_>,
    ) -> Result<Self> {
        let base = base_url(provider, args, session)?;
        let key = key(provider, args, session)?;
        Ok(Self { provider, base, key, args: args.clone() })
    }

    /// Whether the key moves real money. A key that does not say so is taken for one that does.
    pub(in crate::command) fn mode(&self) -> Mode {
        let test = self.provider.api().test_key_prefix;
        if test.is_some_and(|prefix| self.key.expose().starts_with(prefix.as_bytes())) {
            Mode::Test
        } else {
            Mode::Live
        }
    }

    /// Asks before something is changed with a key that moves real money; what is on this machine moves none.
    pub(in crate::command) fn confirm_live_key(
        &self,
        call: &ApiCall,
        what: &str,
        is_agreed: Confirmation,
        session: &Session<'_>,
    ) -> Result<()> {
        if !call.is_write() || self.mode() == Mode::Test || is_loopback(&self.base) || is_agreed == Confirmation::Given
        {
            return Ok(());
        }
        confirm(session, &format!("{what} with a live key of {}: this is real", self.provider.title()), "live")
    }

    /// How calls are sent, so many at once.
    pub(in crate::command) fn sending(&self, concurrency: usize) -> SendOptions {
        self.args.send_options(concurrency)
    }

    /// Sends one call. It is never sent again.
    pub(in crate::command) fn send(&self, call: &ApiCall, session: &Session<'_>) -> Result<SentRequest> {
        let outgoing = call.outgoing(0, self.provider.api(), &self.base, &self.key);
        let outgoing = outgoing.map_err(|error| Error::credentials("the API key can't be sent").because(error))?;
        let (mut next, mut told) = (Some(outgoing), None);
        session.world.send(&self.sending(1), &mut || NextRequest::from(next.take()), &mut |sent| told = Some(sent))?;
        told.ok_or_else(Error::interrupted)
    }

    /// The error when there was no answer.
    pub(in crate::command) fn connection_error(&self, failure: &SendFailure, what: &str) -> Error {
        let variable = self.provider.api().base_variable;
        let place = self.base.host_str().unwrap_or_default();
        Error::failed(what)
            .because(format!("{place}: {failure}"))
            .hint(format!("see that {} is reachable; {variable} or --api-url names another", self.base))
    }
}

/// Whether the person has agreed beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Confirmation {
    /// By `--yes`.
    Given,
    /// Not yet.
    Needed,
}

/// Flags by which a person agrees beforehand.
#[derive(Args)]
pub(in crate::command) struct ConfirmArgs {
    /// Don't ask before using a live key
    #[arg(long)]
    yes: bool,
}

impl ConfirmArgs {
    /// What was said.
    pub(in crate::command) fn confirmation(&self) -> Confirmation {
        if self.yes { Confirmation::Given } else { Confirmation::Needed }
    }
}

/// The base URL. The key goes there, so it is https, or this machine.
pub(in crate::command) fn base_url(provider: &dyn Provider, args: &ApiArgs, session: &Session<'_>) -> Result<Url> {
    let api = provider.api();
    let named = session.world.env_var(api.base_variable);
    let url = match (&args.api_url, &named) {
        (Some(url), _) => url.clone(),
        (None, Some(text)) => Url::parse(text).map_err(|error| {
            Error::failed(format!("{} is no URL: `{text}`", api.base_variable))
                .because(error)
                .hint(format!("it should be like {}", api.base))
        })?,
        (None, None) => Url::parse(api.base).expect("a provider's base is a URL"),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !is_safe || url.host().is_none() {
        let place = url.host_str().unwrap_or_default();
        return Err(Error::usage(format!("the API key is not sent to {}://{place}", url.scheme()))
            .because("it would go there in the clear: only https, or http on this machine, will do")
            .hint(format!("give an https URL by --api-url or {}", api.base_variable)));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(Error::usage(format!(
            "the base URL of {}'s API has more than a host and a path",
            provider.title()
        ))
        .because("a name, a password, a query or a fragment has no place in it")
        .hint(format!("it should be like {}", api.base)));
    }
    Ok(url)
}

/// The key, without blanks around it.
fn key(provider: &'static dyn Provider, args: &ApiArgs, session: &Session<'_>) -> Result<Secret> {
    let (origin, bytes) = match (&args.key_file, &args.key_env) {
        (Some(path), _) => {
            let secret = settings::secret_from_file(provider.name(), &path.display().to_string(), session.read(path)?);
            session.warn_of_readers(path);
            (secret.origin.clone(), secret.expose().to_vec())
        }
        (None, named) => {
            let variable = named.as_deref().unwrap_or(provider.key_variable());
            let value = session.world.env_var(variable).ok_or_else(|| missing_key(provider, variable))?;
            (SecretOrigin::Environment { variable: variable.to_owned(), position: 0 }, value.into_bytes())
        }
    };
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return Err(Error::credentials(format!("the API key in {origin} is empty")));
    }
    let others = provider::ALL.iter().filter(|other| other.name() != provider.name());
    for other in others {
        let prefixes = [Some(other.api().live_key_prefix), other.api().test_key_prefix];
        if let Some(prefix) = prefixes.into_iter().flatten().find(|prefix| text.starts_with(prefix.as_bytes())) {
            let whose = format!("{origin} holds a key of {}: it begins with {prefix}", other.title());
            return Err(Error::credentials(whose).hint(format!("put {}'s key there", provider.title())));
        }
    }
    Ok(Secret::new(provider.name(), origin, text))
}

fn missing_key(provider: &dyn Provider, variable: &str) -> Error {
    Error::credentials(format!("no API key of {} is known", provider.title()))
        .because(format!("{variable} is not set"))
        .hint(format!("export {variable}=…, or give --key-file; the key is in {}", provider.api().dashboard))
}
