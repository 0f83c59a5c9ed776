//! Endpoints that were registered from here: which are consistent, and which are proved by a real delivery.
//!
//! Consistent is what can be seen from here: the secret is kept, the events are known, the address can be reached by a provider. Proved
//! is an endpoint of which a delivery came that its own secret verified.

use super::{Finding, Grade};
use crate::command::shared::captures::StoreArgs;
use crate::command::shared::registry;
use crate::command::{Session, endpoints};
use crate::model::address::is_loopback;
use crate::model::error::Result;
use crate::model::stored::DeliverySummary;
use crate::provider;
use crate::settings::registry::{RegisteredEndpoint, Registry};
use url::Url;

const AREA: &str = "endpoints";

/// Looks at every endpoint of the registry.
pub(super) fn look(store: &StoreArgs, session: &Session<'_>) -> Vec<Finding> {
    // `places` tells of a registry or a store that can't be read.
    of_registry(store, session).unwrap_or_default()
}

fn of_registry(store: &StoreArgs, session: &Session<'_>) -> Result<Vec<Finding>> {
    let registry = registry::read(session)?;
    let mut store = endpoints::open_existing_store(store, session)?;
    let mut findings = Vec::new();
    for endpoint in &registry.endpoints {
        let proof = endpoints::find_proof(endpoint, store.as_deref_mut())?;
        findings.push(of_endpoint(endpoint, proof.as_ref(), &registry));
    }
    findings.extend(registry.pending.iter().map(|one| {
        let what = format!("how registering {} ended is not known: it may exist, with a secret nobody has", one.url);
        Finding::new(AREA, Grade::Bad, &one.provider, what)
            .hint("look in the provider's dashboard, then `whtool register` again")
    }));
    if findings.is_empty() {
        findings.push(Finding::new(AREA, Grade::Note, "none", "no endpoint was registered from here"));
    }
    Ok(findings)
}

fn of_endpoint(endpoint: &RegisteredEndpoint, proof: Option<&DeliverySummary>, registry: &Registry) -> Finding {
    let finding = |grade, what: String| Finding::new(AREA, grade, &endpoint.id, what);
    if let Some(fault) = fault(endpoint, registry) {
        return finding(Grade::Bad, format!("not consistent: {fault}")).hint("register it anew, and delete this one");
    }
    match proof {
        Some(entry) => {
            let at = entry.arrived.strftime("%F %R UTC");
            finding(Grade::Good, format!("consistent, and proved by {} at {at}", entry.id))
        }
        None => {
            finding(Grade::Note, "consistent; not proved: no delivery has come that its secret verifies".to_owned())
                .hint(format!("let the provider send one to {}, and `whtool listen` receive it", endpoint.url))
        }
    }
}

/// Why an endpoint can't work as it stands in the registry.
fn fault(endpoint: &RegisteredEndpoint, registry: &Registry) -> Option<String> {
    let Some(provider) = provider::by_name(&endpoint.provider) else {
        return Some(format!("there is no provider {}", endpoint.provider));
    };
    let Some(secret) = &endpoint.secret else { return Some("its secret was never received".to_owned()) };
    if !registry.secrets.iter().any(|stored| &stored.name == secret) {
        return Some(format!("its secret {secret} is no longer kept"));
    }
    match Url::parse(&endpoint.url) {
        Err(_) => return Some("its address is no URL".to_owned()),
        Ok(url) if is_loopback(&url) && Url::parse(&endpoint.base).is_ok_and(|base| !is_loopback(&base)) => {
            return Some("its address is on this machine: no provider reaches that".to_owned());
        }
        Ok(_) => {}
    }
    let is_known =
        |event: &&String| event.contains('*') || provider.event_types().iter().any(|kind| kind.name == **event);
    let unknown = endpoint.events.iter().find(|event| !is_known(event))?;
    Some(format!("{} has no event {unknown}", provider.title()))
}
