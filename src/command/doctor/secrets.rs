//! Checks where signing secrets and API keys are stored, and whether they look like one. They are
//! never printed.

use super::{DoctorFinding, Severity};
use crate::command::Session;
use crate::command::shared::api::api_key_fault;
use crate::command::shared::registry;
use crate::command::shared::target::is_this_machine;
use crate::diagnose::keys::fault::{FaultSeverity, SecretFault, find_fault};
use crate::model::secret_text::trim_invisible;
use crate::provider::{self, Provider};
use crate::render::text::count;
use crate::settings;
use crate::settings::registry::{SecretSource, StoredSecret};
use url::Url;

const AREA: &str = "secrets";

pub(super) fn check(session: &Session<'_>) -> Vec<DoctorFinding> {
    // `files` reports a registry that can't be read.
    let stored = registry::read(session).map(|registry| registry.secrets).unwrap_or_default();
    let mut findings = Vec::new();
    for &provider in provider::ALL {
        let start = findings.len();
        findings.extend(check_variable(provider, session));
        findings.extend(
            stored
                .iter()
                .filter(|stored| stored.provider == provider.name())
                .map(|stored| check_stored(provider, stored)),
        );
        if findings.len() == start {
            findings.push(no_secret(provider));
        }
        findings.push(check_api_key(provider, session));
    }
    findings
}

fn no_secret(provider: &dyn Provider) -> DoctorFinding {
    let message = format!("no signing secret for {}; only the local test secret is used", provider.title());
    DoctorFinding::new(AREA, Severity::Note, provider.secret_variable(), message)
        .hint(format!("set the variable, or run `whtool secret add {}`", provider.name()))
}

/// Checks a secret in whtool's own store.
fn check_stored(provider: &dyn Provider, stored: &StoredSecret) -> DoctorFinding {
    let fault = match stored.source() {
        SecretSource::Stored(bytes) => find_fault(&bytes, "it", provider),
        SecretSource::Command(_) => None,
    };
    let (severity, state) = match (&fault, stored.source()) {
        (Some(fault), _) => (severity(fault), format!("stored, but {}", fault.cause.sentence())),
        (None, SecretSource::Stored(_)) => (Severity::Ok, "stored".to_owned()),
        (None, SecretSource::Command(_)) => (Severity::Ok, "read from a command".to_owned()),
    };
    let retired = if stored.retired.is_some() { "; retired: it still verifies until it is removed" } else { "" };
    let message = format!("signing secret for {}, {state}{retired}", provider.title());
    let finding = DoctorFinding::new(AREA, severity, &stored.name, message);
    if severity == Severity::Ok {
        finding
    } else {
        finding.hint(format!("replace it: whtool secret rotate {}", provider.name()))
    }
}

fn severity(fault: &SecretFault) -> Severity {
    match fault.severity {
        FaultSeverity::Unusable => Severity::Problem,
        FaultSeverity::Suspicious => Severity::Note,
    }
}

/// Checks the environment variable for signing secrets.
fn check_variable(provider: &'static dyn Provider, session: &Session<'_>) -> Option<DoctorFinding> {
    let variable = provider.secret_variable();
    let value = session.world.env_var(variable)?;
    let secrets = settings::secrets_from_variable(provider.name(), variable, &value);
    let faults = secrets.iter().filter_map(|each| find_fault(each.expose(), &each.origin.to_string(), provider));
    let worst = faults.min_by_key(|fault| fault.severity == FaultSeverity::Suspicious);
    Some(match worst {
        Some(fault) => {
            let message = format!("set, but {}", fault.cause.sentence());
            DoctorFinding::new(AREA, severity(&fault), variable, message).hint(fault.cause.fix())
        }
        None if secrets.is_empty() => {
            DoctorFinding::new(AREA, Severity::Problem, variable, "set, but empty").hint("set it to the signing secret")
        }
        None => {
            let message = format!("set, {} for {}", count(secrets.len() as u64, "signing secret"), provider.title());
            DoctorFinding::new(AREA, Severity::Ok, variable, message)
        }
    })
}

/// Checks the environment variable for the API key.
fn check_api_key(provider: &'static dyn Provider, session: &Session<'_>) -> DoctorFinding {
    let (variable, api) = (provider.key_variable(), provider.api());
    let Some(value) = session.world.env_var(variable) else {
        let message = format!("not set; only needed for commands that call {}", provider.title());
        return DoctorFinding::new(AREA, Severity::Note, variable, message);
    };
    if let Some(fault) = api_key_fault(trim_invisible(value.as_bytes()), provider) {
        return DoctorFinding::new(AREA, Severity::Problem, variable, format!("set, but it {fault}"))
            .hint(format!("copy the key from {}", api.dashboard));
    }
    let starts_with = |prefix: &str| value.trim().starts_with(prefix);
    let base = session.world.env_var(api.base_variable).and_then(|text| Url::parse(&text).ok());
    if starts_with(api.live_key_prefix) && base.as_ref().is_some_and(|base| is_this_machine(base, session)) {
        let message = format!("set, sent to this machine only ({}): no real money", api.base_variable);
        DoctorFinding::new(AREA, Severity::Ok, variable, message)
    } else if starts_with(api.live_key_prefix) {
        DoctorFinding::new(AREA, Severity::Note, variable, "set, a live key: real money")
    } else if api.test_key_prefix.is_some_and(starts_with) {
        DoctorFinding::new(AREA, Severity::Ok, variable, "set, a test key")
    } else {
        let message = format!(
            "set, but does not start with {}",
            [Some(api.live_key_prefix), api.test_key_prefix].into_iter().flatten().collect::<Vec<_>>().join(" or ")
        );
        DoctorFinding::new(AREA, Severity::Problem, variable, message)
            .hint(format!("copy the key from {}", api.dashboard))
    }
}
