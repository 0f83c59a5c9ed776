//! What a registration leaves on disk, so that nothing that the provider said is lost.

use super::Registration;
use crate::command::Session;
use crate::command::shared::api::ApiClient;
use crate::command::shared::registry;
use crate::model::error::{Error, Result};
use crate::model::exchange::Answer;
use crate::provider::api::{self, ResponseError};
use crate::provider::endpoints::RemoteEndpoint;
use crate::settings::registry::{PendingRegistration, RegisteredEndpoint, Registry, StoredSecret};
use serde_json::Value;
use std::path::PathBuf;

/// Puts endpoint and secret of an answer into the registry. Until they are there its bytes are in a file, as they are; where
/// something is missing, they stay. That one of the two can't be written is no reason not to write the other.
pub(super) fn save_response(
    plan: &Registration,
    pending: &PendingRegistration,
    answer: &Answer,
    session: &Session<'_>,
) -> Result<(RegisteredEndpoint, String)> {
    let raw = save_raw_response(answer, &pending.token, session);
    let (endpoint, secret) = store_endpoint(plan, pending, answer, &raw, session)?;
    // All that it holds is in the registry now.
    if let Ok(raw) = &raw
        && let Err(error) = session.world.remove_secret_file(raw)
    {
        session.tell(&error);
    }
    Ok((endpoint, secret))
}

fn save_raw_response(answer: &Answer, token: &str, session: &Session<'_>) -> Result<PathBuf> {
    let path = session.world.data_dir()?.join(format!("registration-{token}.answer"));
    session.world.create_secret_file(&path, &answer.body)?;
    Ok(path)
}

fn store_endpoint(
    plan: &Registration,
    pending: &PendingRegistration,
    answer: &Answer,
    raw: &Result<PathBuf>,
    session: &Session<'_>,
) -> Result<(RegisteredEndpoint, String)> {
    let read = api::parse_response(plan.access.provider, answer, session.world.now());
    let told = read.and_then(|body| {
        let secret = body.get("secret").and_then(Value::as_str).filter(|secret| !secret.is_empty()).map(str::to_owned);
        RemoteEndpoint::parse(&body).map(|told| (told, secret))
    });
    let (told, secret) = match told {
        Ok((told, Some(secret))) => (told, secret),
        Ok((told, None)) => {
            registry::update(session, |registry| add_endpoint(registry, plan, pending, &told, None, session))?;
            return Err(missing_secret(plan, &ResponseError::Unexpected("secret"), raw));
        }
        Err(unfit) => return Err(missing_secret(plan, &unfit, raw)),
    };
    let endpoint =
        registry::update(session, |registry| add_endpoint(registry, plan, pending, &told, Some(&secret), session));
    Ok((endpoint.map_err(|error| not_saved(plan, &told, error, raw))?, secret))
}

/// The endpoint is there, and the registry can't be written.
fn not_saved(plan: &Registration, told: &RemoteEndpoint, error: Error, raw: &Result<PathBuf>) -> Error {
    let error = Error::failed(format!("{} was made, and could not be put into the registry", told.id)).because(error);
    error.hint(match raw {
        Ok(raw) => format!("its secret is in {}: keep it with `whtool secret add`", raw.display()),
        Err(_) => {
            format!("its secret is lost: delete it in {} and register anew", plan.access.provider.api().dashboard)
        }
    })
}

fn add_endpoint(
    registry: &mut Registry,
    plan: &Registration,
    pending: &PendingRegistration,
    told: &RemoteEndpoint,
    secret: Option<&str>,
    session: &Session<'_>,
) -> Result<RegisteredEndpoint> {
    let (provider, now) = (plan.access.provider.name(), session.world.now());
    let name = secret.map(|secret| {
        let name = registry.unused_name(&told.id);
        registry.secrets.push(StoredSecret::new(&name, provider, now, secret.as_bytes()));
        name
    });
    let endpoint = RegisteredEndpoint {
        id: told.id.clone(),
        provider: provider.to_owned(),
        mode: plan.access.mode(),
        base: plan.access.base.to_string(),
        url: plan.url.clone(),
        events: if told.events.is_empty() {
            plan.wanted.events.clone().unwrap_or_default()
        } else {
            told.events.clone()
        },
        status: told.status.clone(),
        description: told.description.clone().or_else(|| plan.wanted.description.clone()),
        created: now,
        secret: name,
    };
    registry.endpoints.push(endpoint.clone());
    // Those before it that never ended are the person's business no longer: they have looked, or said --again.
    registry
        .pending
        .retain(|other| (&other.provider, &other.base, &other.url) != (&pending.provider, &pending.base, &pending.url));
    Ok(endpoint)
}

/// The registration came to nothing.
pub(super) fn remove_pending(pending: &PendingRegistration, session: &Session<'_>) -> Result<()> {
    registry::update(session, |registry| {
        registry.pending.retain(|other| other.token != pending.token);
        Ok(())
    })
}

/// The endpoint may be there, and its secret is not here.
pub(super) fn unknown_result(access: &ApiClient, url: &str, why: &str) -> Error {
    Error::failed(format!("nobody knows whether {url} was registered: don't just try again"))
        .because(format!("{why}; a second try could make a second endpoint, and a secret is shown once"))
        .hint(format!(
            "look in {} under webhooks (or `whtool endpoints --remote`); delete it there if it is there, then --again",
            access.provider.api().dashboard
        ))
}

/// The provider said yes, and not all that it should have said.
fn missing_secret(plan: &Registration, unfit: &ResponseError, raw: &Result<PathBuf>) -> Error {
    let why = unfit.to_error(plan.access.provider, "").cause().unwrap_or_default();
    let kept = match raw {
        Ok(raw) => format!("the whole answer is kept in {}", raw.display()),
        Err(error) => format!("the answer could not be kept ({})", error.message),
    };
    let api = plan.access.provider.api();
    if matches!(unfit, ResponseError::NotJson { .. }) {
        let title = plan.access.provider.title();
        return Error::failed(format!(
            "what answered is probably not {title}'s API: nobody knows whether anything was registered"
        ))
        .because(why)
        .hint(format!("is {} right? {kept}", api.base_variable));
    }
    Error::failed("the endpoint was probably made, but its secret did not come")
        .because(why)
        .hint(format!("{kept}; look in {}", api.dashboard))
}
