//! Saves the response to a registration, so that its secret is not lost whatever fails afterwards.

use super::Registration;
use crate::command::Session;
use crate::command::shared::api::ApiClient;
use crate::command::shared::registry;
use crate::model::error::{Error, Result};
use crate::model::exchange::Answer;
use crate::model::sanitize::escape_unsafe;
use crate::provider::api::{self, ResponseError};
use crate::provider::endpoints::RemoteEndpoint;
use crate::settings::registry::{PendingRegistration, RegisteredEndpoint, Registry, StoredSecret};
use crate::world::Stream;
use serde_json::Value;
use std::path::PathBuf;

/// Adds the endpoint and its secret to the registry. Until both are stored, the response is saved in
/// a file of its own; if that file can't be written, the registry still is, and the other way
/// round.
pub(super) fn save_response(
    registration: &Registration,
    pending: &PendingRegistration,
    answer: &Answer,
    session: &Session<'_>,
) -> Result<(RegisteredEndpoint, String)> {
    let file = write_raw_response(answer, &pending.token, session);
    let saved = store_endpoint(registration, pending, answer, &file, session)?;
    if let Ok(file) = &file
        && let Err(error) = session.world.remove_secret_file(file)
    {
        session.print_error(&error);
    }
    Ok(saved)
}

/// Space that is reserved for a response before the request is sent. The secret is in its beginning.
const RESERVED: usize = 64 * 1024;

fn response_path(token: &str, session: &Session<'_>) -> Result<PathBuf> {
    Ok(session.world.data_dir()?.join(format!("registration-{token}.answer")))
}

/// Reserves the file of the response, so that a disk that fills during the call can't lose its
/// secret.
pub(super) fn reserve_response(token: &str, session: &Session<'_>) -> Result<()> {
    session.world.reserve_secret_file(&response_path(token, session)?, RESERVED)
}

fn write_raw_response(answer: &Answer, token: &str, session: &Session<'_>) -> Result<PathBuf> {
    let path = response_path(token, session)?;
    session.world.fill_secret_file(&path, &answer.body)?;
    Ok(path)
}

fn store_endpoint(
    registration: &Registration,
    pending: &PendingRegistration,
    answer: &Answer,
    file: &Result<PathBuf>,
    session: &Session<'_>,
) -> Result<(RegisteredEndpoint, String)> {
    let body = api::parse_response(registration.client.provider, answer, session.world.now());
    let parsed = body.and_then(|body| {
        let secret = body.get("secret").and_then(Value::as_str).filter(|secret| !secret.is_empty()).map(str::to_owned);
        RemoteEndpoint::parse(&body).map(|endpoint| (endpoint, secret))
    });
    let (remote, secret) = parsed.map_err(|error| missing_secret(registration, &error, file))?;
    let stored = registry::update(session, |registry| {
        Ok(add_endpoint(registry, registration, pending, &remote, secret.as_deref(), session))
    });
    match (stored, secret) {
        (Ok(endpoint), Some(secret)) => Ok((endpoint, secret)),
        (Ok(_), None) => Err(missing_secret(registration, &ResponseError::Unexpected("secret"), file)),
        (Err(error), None) => Err(error),
        (Err(error), Some(secret)) => {
            if file.is_err() {
                print_unsaved(&secret, session);
            }
            Err(not_saved(registration, &remote, error, file))
        }
    }
}

/// Prints a secret that can be stored nowhere: it is shown only once, and to lose it is worse than
/// to find it in a log.
fn print_unsaved(secret: &str, session: &Session<'_>) {
    session.warn("the signing secret could not be stored anywhere, so it is printed here, once:");
    session.print_message(&escape_unsafe(secret));
    if !session.world.is_terminal(Stream::Error) {
        session.warn("a log that holds this output now holds the secret");
    }
}

fn not_saved(registration: &Registration, remote: &RemoteEndpoint, error: Error, file: &Result<PathBuf>) -> Error {
    let dashboard = registration.client.provider.api().dashboard;
    let failed = Error::failed(format!("the endpoint {} was created, but could not be saved", remote.id));
    failed.because(error).hint(match file {
        Ok(file) => format!("its secret is in {}: store it with `whtool secret add`", file.display()),
        Err(_) => format!(
            "its secret is printed above: store it with `whtool secret add`, or delete the endpoint in {dashboard}"
        ),
    })
}

fn add_endpoint(
    registry: &mut Registry,
    registration: &Registration,
    pending: &PendingRegistration,
    remote: &RemoteEndpoint,
    secret: Option<&str>,
    session: &Session<'_>,
) -> RegisteredEndpoint {
    let (client, fields) = (&registration.client, &registration.fields);
    let (provider, now) = (client.provider.name(), session.world.now());
    let name = secret.map(|secret| {
        let name = registry.unused_name(&remote.id);
        registry.secrets.push(StoredSecret::new(&name, provider, now, secret.as_bytes()));
        name
    });
    let endpoint = RegisteredEndpoint {
        id: remote.id.clone(),
        provider: provider.to_owned(),
        mode: client.mode(),
        base: client.base.to_string(),
        url: registration.url.clone(),
        events: if remote.events.is_empty() {
            fields.events.clone().unwrap_or_default()
        } else {
            remote.events.clone()
        },
        status: remote.status.clone(),
        description: remote.description.clone().or_else(|| fields.description.clone()),
        created: now,
        secret: name,
        temporary: registration.is_temporary,
    };
    registry.endpoints.push(endpoint.clone());
    // This also removes earlier attempts with an unknown result: the user gave --again for them.
    registry
        .pending
        .retain(|other| (&other.provider, &other.base, &other.url) != (&pending.provider, &pending.base, &pending.url));
    endpoint
}

/// Removes the file that was reserved for a response that did not come.
pub(super) fn remove_reserved(token: &str, session: &Session<'_>) {
    // It holds nothing.
    let _ = response_path(token, session).and_then(|path| session.world.remove_secret_file(&path));
}

/// Removes a registration that created nothing.
pub(super) fn remove_pending(pending: &PendingRegistration, session: &Session<'_>) -> Result<()> {
    remove_reserved(&pending.token, session);
    registry::update(session, |registry| {
        registry.pending.retain(|other| other.token != pending.token);
        Ok(())
    })
}

/// Builds the error for a registration that may have created an endpoint whose secret was not
/// received.
pub(super) fn unknown_result(client: &ApiClient, url: &str, why: &str) -> Error {
    Error::failed(format!("the endpoint for {url} may have been created: do not just retry"))
        .because(format!("{why}; a retry may create a second endpoint, and a secret is shown only once"))
        .hint(format!(
            "check the webhooks in {} (or `whtool endpoints --remote`), delete the endpoint if it exists, then use --again",
            client.provider.api().dashboard
        ))
}

/// Builds the error for a 2xx response without a usable endpoint or secret.
fn missing_secret(registration: &Registration, error: &ResponseError, file: &Result<PathBuf>) -> Error {
    let provider = registration.client.provider;
    let why = error.to_error(provider, "").cause().unwrap_or_default();
    let saved = match file {
        Ok(file) => format!("the response is saved in {}", file.display()),
        Err(error) => format!("the response could not be saved ({})", error.message),
    };
    let (api, title) = (provider.api(), provider.title());
    if matches!(error, ResponseError::NotJson { .. }) {
        return Error::failed(format!(
            "the response is not from {title}'s API; it is unknown if anything was registered"
        ))
        .because(why)
        .hint(format!("check {}; {saved}", api.base_variable));
    }
    Error::failed("the endpoint was probably created, but its secret was not received")
        .because(why)
        .hint(format!("{saved}; check {}", api.dashboard))
}
