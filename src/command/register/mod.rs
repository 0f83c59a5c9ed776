//! `whtool register`: creates a webhook endpoint at the provider, and keeps the secret that is shown once.
//!
//! What can go wrong between sending and keeping is written down beforehand: the registry has an pending registration from
//! before the call until its end is known, and an answer is on disk before it is read.

mod env_file;
mod save;
pub(super) mod wanted;

use super::endpoints::format_local_time;
use crate::command::shared::api::{ApiArgs, ApiClient, ConfirmArgs};
use crate::command::shared::registry;
use crate::command::{Session, provider_values};
use crate::model::error::{CommandOutcome, Error, Kind, Result};
use crate::model::exchange::{Answer, SendFailure};
use crate::model::sanitize::escape_unsafe;
use crate::provider::Provider;
use crate::provider::api::{self, ResponseError};
use crate::provider::endpoints::{EndpointCall, EndpointFields, EndpointRequest};
use crate::render::json::line;
use crate::settings::registry::{PendingRegistration, RegisteredEndpoint};
use crate::world::FileVisibility;
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use wanted::UrlPolicy;

/// Create a webhook endpoint through the API, and keep its once-shown secret
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool register --url https://shop.example.com/webhooks/plexos
  whtool register --url https://shop.example.com/hooks --events 'payment.*'
  whtool register --url https://shop.example.com/hooks --env-file .env
  whtool register --url http://127.0.0.1:4848/ --allow-http  # at the emulator

The secret is in whtool's own store before a word is printed; listen, verify, sign and replay find it there.")]
pub(super) struct Register {
    /// Where the provider shall send events
    #[arg(long, value_name = "URL")]
    url: String,
    /// The events: names, globs such as payment.*, or all; a comma separates several
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "all")]
    events: Vec<String>,
    /// A label for the dashboard
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Whose endpoint it is
    #[arg(long, value_name = "NAME", value_parser = provider_values(), default_value = "plexos")]
    provider: &'static dyn Provider,
    /// Register although this URL is in the registry already
    #[arg(long)]
    again: bool,
    /// Take http and private addresses, too, for tests
    #[arg(long)]
    allow_http: bool,
    #[command(flatten)]
    consent: ConfirmArgs,
    /// Print the secret as well
    #[arg(long)]
    print_secret: bool,
    /// Put the secret into this file as PLEXOS_WEBHOOK_SECRET=…; its other lines stay
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// One JSON record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: ApiArgs,
}

/// What is to be registered, and where.
struct Registration {
    access: ApiClient,
    wanted: EndpointFields,
    url: String,
}

/// Registers.
pub(super) fn run(args: &Register, session: &Session<'_>) -> Result<CommandOutcome> {
    let plan = check_args(args, session)?;
    let EndpointCall { call, .. } = managed(args.provider, &EndpointRequest::Create(plan.wanted.clone()))?;
    plan.access.confirm_live_key(&call, "register an endpoint", args.consent.confirmation(), session)?;
    let pending = add_pending(&plan, session)?;
    let sent = match plan.access.send(&call, session) {
        Ok(sent) => sent,
        Err(error) => {
            if error.kind == Kind::Interrupted {
                session.tell(&save::unknown_result(&plan.access, &plan.url, "it was interrupted"));
            } else {
                save::remove_pending(&pending, session)?;
            }
            return Err(error);
        }
    };
    let (endpoint, secret) = match sent.answer {
        Ok(answer) => handle_response(&plan, &pending, &answer, session)?,
        Err(SendFailure::Cut { cause, start }) => handle_cut_response(&plan, &pending, &start, &cause, session)?,
        Err(failure @ SendFailure::Connect(_)) => {
            save::remove_pending(&pending, session)?;
            return Err(plan.access.connection_error(&failure, "nothing was registered"));
        }
        Err(failure) => return Err(save::unknown_result(&plan.access, &plan.url, &failure.to_string())),
    };
    print_result(args, &endpoint, &secret, session)?;
    Ok(CommandOutcome::Success)
}

/// The call, where the provider has one.
fn managed(provider: &dyn Provider, asked: &EndpointRequest) -> Result<EndpointCall> {
    provider.endpoint_call(asked).ok_or_else(|| by_hand(provider))
}

/// For a provider that has no such call.
pub(super) fn by_hand(provider: &dyn Provider) -> Error {
    let (title, dashboard, name) = (provider.title(), provider.api().dashboard, provider.name());
    Error::failed(format!("{title} has no call for webhook endpoints"))
        .because(format!(
            "its pages say that the URL is set in the dashboard, which also gives the signing secret ({dashboard})"
        ))
        .hint(format!("set the URL there, copy the secret, and keep it: whtool secret add {name}"))
}

/// Checks everything that can be checked before anything is sent.
fn check_args(args: &Register, session: &Session<'_>) -> Result<Registration> {
    if args.provider.endpoint_call(&EndpointRequest::Create(EndpointFields::default())).is_none() {
        return Err(by_hand(args.provider));
    }
    let url = wanted::check_url(&args.url, if args.allow_http { UrlPolicy::Any } else { UrlPolicy::PublicHttps })?;
    let events = wanted::select_events(args.provider, &args.events)?;
    let access = ApiClient::new(args.provider, &args.api, session)?;
    if !args.again {
        refuse_duplicate(&access, url.as_str(), session)?;
    }
    let wanted = EndpointFields {
        url: Some(url.to_string()),
        events: Some(events),
        description: args.description.clone(),
        status: None,
    };
    Ok(Registration { access, wanted, url: url.into() })
}

/// A second endpoint of the same URL means that every event comes twice, with two secrets.
fn refuse_duplicate(access: &ApiClient, url: &str, session: &Session<'_>) -> Result<()> {
    let (registry, provider) = (registry::read(session)?, access.provider.name());
    let base = access.base.as_str();
    if let Some(endpoint) = registry.find_by_url(provider, base, url) {
        return Err(Error::usage(format!("{url} is registered already, as {}", endpoint.id))
            .because("a second endpoint of the same URL means that every event comes twice")
            .hint(format!("`whtool endpoints show {}` shows it; --again registers it all the same", endpoint.id)));
    }
    let is_same = |one: &&PendingRegistration| one.provider == provider && one.base == base && one.url == url;
    if let Some(pending) = registry.pending.iter().find(is_same) {
        return Err(Error::usage(format!("nobody knows how the last registration of {url} ended"))
            .because(format!(
                "it was sent at {}, and no secret came of it: the endpoint may be there",
                format_local_time(pending.at, session)
            ))
            .hint(format!(
                "look at {}; then --again, or `whtool endpoints forget {url}`",
                access.provider.api().dashboard
            )));
    }
    Ok(())
}

/// Writes down what is about to be sent.
fn add_pending(plan: &Registration, session: &Session<'_>) -> Result<PendingRegistration> {
    let mut token = [0; 8];
    session.world.fill_random(&mut token);
    let pending = PendingRegistration {
        token: hex::encode(token),
        provider: plan.access.provider.name().to_owned(),
        base: plan.access.base.to_string(),
        url: plan.url.clone(),
        at: session.world.now(),
    };
    registry::update(session, |registry| {
        registry.pending.push(pending.clone());
        Ok(())
    })?;
    Ok(pending)
}

/// Keeps what an answer holds, on disk, and ends the registration.
fn handle_response(
    plan: &Registration,
    pending: &PendingRegistration,
    answer: &Answer,
    session: &Session<'_>,
) -> Result<(RegisteredEndpoint, String)> {
    let now = session.world.now();
    let read = match answer.status.0 {
        // Nothing was made, and nothing in the answer is worth keeping.
        300..500 if answer.status != 408 => {
            save::remove_pending(pending, session)?;
            api::parse_response(plan.access.provider, answer, now)
        }
        500.. | 408 => {
            let unfit = api::parse_response(plan.access.provider, answer, now).err();
            let why = unfit.and_then(|unfit| unfit.to_error(plan.access.provider, "").cause()).unwrap_or_default();
            return Err(save::unknown_result(&plan.access, &plan.url, &why));
        }
        _ => return save::save_response(plan, pending, answer, session),
    };
    let unfit = read.err().unwrap_or(ResponseError::Empty);
    Err(unfit.to_error(plan.access.provider, "nothing was registered"))
}

/// An answer that was cut off may still be whole enough, or hold the secret.
fn handle_cut_response(
    plan: &Registration,
    pending: &PendingRegistration,
    start: &Answer,
    cause: &str,
    session: &Session<'_>,
) -> Result<(RegisteredEndpoint, String)> {
    if !start.status.is_success() || start.body.is_empty() {
        return Err(save::unknown_result(&plan.access, &plan.url, &format!("the answer was cut off: {cause}")));
    }
    save::save_response(plan, pending, &Answer { is_whole: true, ..start.clone() }, session)
}

/// Says what there is now, and where its secret is.
fn print_result(args: &Register, endpoint: &RegisteredEndpoint, secret: &str, session: &Session<'_>) -> Result<()> {
    let registry = registry::path(session)?;
    let name = endpoint.secret.as_deref().unwrap_or_default();
    let mut output = session.world.stdout();
    if args.json {
        let mut record = super::endpoints::record(endpoint, None);
        record["secretFile"] = json!(registry.display().to_string());
        if args.print_secret {
            record["signingSecret"] = json!(secret);
        }
        output.write_all(&line(&record))?;
    } else {
        let place = registry.display();
        let told = format!("{}  its secret is in {place}, as {}", escape_unsafe(&endpoint.id), escape_unsafe(name));
        writeln!(output, "{}", session.fitted(&told))?;
        if args.print_secret {
            writeln!(output, "{}", escape_unsafe(secret))?;
        }
    }
    output.flush()?;
    drop(output);
    let events = endpoint.events.len();
    session.say(&format!(
        "registered {} for {events} events ({}): `whtool listen` verifies with its secret from now on",
        escape_unsafe(&endpoint.url),
        endpoint.mode.name()
    ));
    if let Some(path) = &args.env_file {
        write_env_file(path, args.provider, secret, session)?;
    }
    Ok(())
}

fn write_env_file(path: &Path, provider: &dyn Provider, secret: &str, session: &Session<'_>) -> Result<()> {
    let variable = provider.secret_variable();
    let note = format!("replaced {}", session.world.now().strftime("%Y-%m-%d"));
    let reach = session
        .world
        .update_file(path, &mut |old| Ok(env_file::with_variable(&old.unwrap_or_default(), variable, secret, &note)));
    let reach = reach.map_err(|error| {
        let hint =
            format!("the secret is kept all the same: whtool secret show --reveal, then write {variable}= yourself");
        error.hint(hint)
    })?;
    session.say(&format!("wrote {variable} to {}", path.display()));
    if reach == FileVisibility::Shared {
        session.warn(&format!("other users can read {}: chmod 600 {}", path.display(), path.display()));
    }
    Ok(())
}
