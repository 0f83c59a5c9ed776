//! Checks where signing secrets and API keys are stored, and whether they look like one. They are
//! never printed.

use super::{DoctorFinding, Severity};
use crate::command::Session;
use crate::command::shared::registry;
use crate::model::address::is_loopback;
use crate::model::secret::{SHORT_SECRET_BYTES, looks_like_placeholder};
use crate::provider::{self, Provider};
use crate::render::text::count;
use crate::settings;
use crate::settings::registry::{SecretSource, StoredSecret};
use url::Url;

const AREA: &str = "secrets";

const PLACEHOLDER: &str = "looks like a placeholder or a truncated secret";

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
    let (severity, state) = match stored.source() {
        SecretSource::Stored(bytes) if bytes.len() < SHORT_SECRET_BYTES => {
            (Severity::Note, format!("stored, {}", too_short(&bytes)))
        }
        SecretSource::Stored(bytes) if looks_like_placeholder(&bytes) => {
            (Severity::Note, format!("stored, {PLACEHOLDER}"))
        }
        SecretSource::Stored(_) => (Severity::Ok, "stored".to_owned()),
        SecretSource::Command(_) => (Severity::Ok, "read from a command".to_owned()),
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

fn too_short(secret: &[u8]) -> String {
    format!("only {}: too short to be safe, or truncated", count(secret.len() as u64, "byte"))
}

/// Checks the environment variable for signing secrets.
fn check_variable(provider: &'static dyn Provider, session: &Session<'_>) -> Option<DoctorFinding> {
    let variable = provider.secret_variable();
    let value = session.world.env_var(variable)?;
    let secrets = settings::secrets_from_variable(provider.name(), variable, &value);
    let fault = secrets.iter().find_map(|secret| secret_fault(secret.expose()));
    let short = secrets.iter().find(|secret| secret.expose().len() < SHORT_SECRET_BYTES);
    let placeholder = secrets.iter().find(|secret| looks_like_placeholder(secret.expose()));
    Some(match (fault, placeholder.or(short)) {
        (Some(fault), _) => {
            DoctorFinding::new(AREA, Severity::Problem, variable, fault).hint("correct the value of the variable")
        }
        (None, Some(weak)) => {
            let fault =
                placeholder.map_or_else(|| format!("has {}", too_short(weak.expose())), |_| PLACEHOLDER.to_owned());
            let message = format!("set, but {} {fault}", weak.origin);
            DoctorFinding::new(AREA, Severity::Note, variable, message)
        }
        (None, None) => {
            let message = format!("set, {} for {}", count(secrets.len() as u64, "signing secret"), provider.title());
            DoctorFinding::new(AREA, Severity::Ok, variable, message)
        }
    })
}

/// Returns the reason why a text can't be a signing secret.
fn secret_fault(secret: &[u8]) -> Option<String> {
    let prefixes = |provider: &&dyn Provider| [Some(provider.api().live_key_prefix), provider.api().test_key_prefix];
    let mut keys = provider::ALL.iter().flat_map(prefixes).flatten();
    if let Some(prefix) = keys.find(|prefix| secret.starts_with(prefix.as_bytes())) {
        return Some(format!("starts with {prefix}: this is an API key, not a signing secret"));
    }
    if secret.trim_ascii() != secret {
        return Some("has spaces or line breaks at an end; they count as part of the secret".to_owned());
    }
    let is_quoted = |mark| secret.len() > 1 && secret.first() == Some(&mark) && secret.last() == Some(&mark);
    (is_quoted(b'"') || is_quoted(b'\'')).then(|| "is in quotes; they count as part of the secret".to_owned())
}

/// Checks the environment variable for the API key.
fn check_api_key(provider: &'static dyn Provider, session: &Session<'_>) -> DoctorFinding {
    let (variable, api) = (provider.key_variable(), provider.api());
    let Some(value) = session.world.env_var(variable) else {
        let message = format!("not set; only needed for commands that call {}", provider.title());
        return DoctorFinding::new(AREA, Severity::Note, variable, message);
    };
    let starts_with = |prefix: &str| value.trim().starts_with(prefix);
    let base = session.world.env_var(api.base_variable).and_then(|text| Url::parse(&text).ok());
    if starts_with(api.live_key_prefix) && base.as_ref().is_some_and(is_loopback) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_can_not_be_a_secret_are_noticed() {
        for odd in ["sk_live_x", "pk_live_x", " x", "x\n", "\"x\"", "'x'"] {
            assert!(secret_fault(odd.as_bytes()).is_some(), "{odd:?}");
        }
        for fine in ["whsec_x", "x y", "\"", "x'"] {
            assert_eq!(secret_fault(fine.as_bytes()), None, "{fine:?}");
        }
    }
}
