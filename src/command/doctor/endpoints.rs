//! Checks the registered endpoints: their entries in the registry, and whether a real delivery
//! proves that they work.
//!
//! An entry is valid if its secret is stored, its events exist and its URL can be reached by the
//! provider. An endpoint is proved if a delivery was captured that its own secret verified.

use super::{DoctorFinding, Severity};
use crate::command::Session;
use crate::command::shared::endpoints::find_proof;
use crate::command::shared::registry;
use crate::command::shared::store_args::StoreArgs;
use crate::command::shared::target::is_this_machine;
use crate::model::error::Result;
use crate::model::stored::DeliverySummary;
use crate::provider;
use crate::settings::registry::{RegisteredEndpoint, Registry};
use url::Url;

const AREA: &str = "endpoints";

pub(super) fn check(store: &StoreArgs, session: &Session<'_>) -> Vec<DoctorFinding> {
    // `files` reports a registry or a store that can't be read.
    check_all(store, session).unwrap_or_default()
}

fn check_all(store: &StoreArgs, session: &Session<'_>) -> Result<Vec<DoctorFinding>> {
    let registry = registry::read(session)?;
    let mut store = store.open_if_exists(session)?;
    let mut findings = Vec::new();
    for endpoint in &registry.endpoints {
        let proof = find_proof(endpoint, store.as_deref_mut())?;
        findings.push(check_endpoint(endpoint, proof.as_ref(), &registry, session));
    }
    findings.extend(registry.pending.iter().map(|pending| {
        let message =
            format!("the registration of {} was interrupted: it may exist, but its secret is lost", pending.url);
        DoctorFinding::new(AREA, Severity::Problem, &pending.provider, message)
            .hint("check the provider's dashboard, then run `whtool register` again")
    }));
    if findings.is_empty() {
        findings.push(DoctorFinding::new(AREA, Severity::Note, "none", "no endpoint was registered with whtool"));
    }
    Ok(findings)
}

fn check_endpoint(
    endpoint: &RegisteredEndpoint,
    proof: Option<&DeliverySummary>,
    registry: &Registry,
    session: &Session<'_>,
) -> DoctorFinding {
    let finding = |severity, message: String| DoctorFinding::new(AREA, severity, &endpoint.id, message);
    if let Some(fault) = find_fault(endpoint, registry, session) {
        return finding(Severity::Problem, format!("broken: {fault}")).hint("register it again, and delete this one");
    }
    match proof {
        Some(delivery) => {
            let at = delivery.arrived.strftime("%F %R UTC");
            finding(Severity::Ok, format!("valid, proved by delivery {} at {at}", delivery.id))
        }
        None => finding(Severity::Note, "valid, not proved: no captured delivery is signed with its secret".to_owned())
            .hint(format!("let the provider send an event to {} while `whtool listen` runs", endpoint.url)),
    }
}

/// Returns the reason why an endpoint can't work.
fn find_fault(endpoint: &RegisteredEndpoint, registry: &Registry, session: &Session<'_>) -> Option<String> {
    let Some(provider) = provider::by_name(&endpoint.provider) else {
        return Some(format!("unknown provider {}", endpoint.provider));
    };
    let Some(secret) = &endpoint.secret else { return Some("its secret was never received".to_owned()) };
    if !registry.secrets.iter().any(|stored| &stored.name == secret) {
        return Some(format!("its secret {secret} is no longer stored"));
    }
    match Url::parse(&endpoint.url) {
        Err(_) => return Some("its URL is invalid".to_owned()),
        Ok(url)
            if is_this_machine(&url, session)
                && Url::parse(&endpoint.base).is_ok_and(|base| !is_this_machine(&base, session)) =>
        {
            return Some("its URL is on this machine, which the provider can't reach".to_owned());
        }
        Ok(_) => {}
    }
    let is_known =
        |event: &&String| event.contains('*') || provider.event_types().iter().any(|kind| kind.name == **event);
    let unknown = endpoint.events.iter().find(|event| !is_known(event))?;
    Some(format!("{} has no event {unknown}", provider.title()))
}
