//! Signing secrets and API keys: where they are, by name alone, and whether they look like what they should be.

use super::{Finding, Grade};
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

/// What is said of a secret that is none by its look.
const MADE_UP: &str = "looks like a placeholder, or like a secret that was cut off";

/// Looks at the secrets and keys of every provider.
pub(super) fn look(session: &Session<'_>) -> Vec<Finding> {
    // `places` tells of a registry that can't be read.
    let stored = registry::read(session).map(|registry| registry.secrets).unwrap_or_default();
    let mut findings = Vec::new();
    for &provider in provider::ALL {
        let start = findings.len();
        findings.extend(of_variable(provider, session));
        findings.extend(
            stored
                .iter()
                .filter(|stored| stored.provider == provider.name())
                .map(|stored| of_registry(provider, stored)),
        );
        if findings.len() == start {
            findings.push(missing(provider));
        }
        findings.push(api_key(provider, session));
    }
    findings
}

fn missing(provider: &dyn Provider) -> Finding {
    let what = format!("no signing secret of {}: only whtool's own test secret is known", provider.title());
    Finding::new(AREA, Grade::Note, provider.secret_variable(), what)
        .hint(format!("set it, or `whtool secret add {}`", provider.name()))
}

/// A secret that whtool keeps, or knows how to ask for.
fn of_registry(provider: &dyn Provider, stored: &StoredSecret) -> Finding {
    let (grade, place) = match stored.source() {
        SecretSource::Stored(bytes) if bytes.len() < SHORT_SECRET_BYTES => {
            (Grade::Note, format!("kept here, {}", too_short(&bytes)))
        }
        SecretSource::Stored(bytes) if looks_like_placeholder(&bytes) => (Grade::Note, format!("kept here, {MADE_UP}")),
        SecretSource::Stored(_) => (Grade::Good, "kept here".to_owned()),
        SecretSource::Command(_) => (Grade::Good, "not kept but asked for, by its command".to_owned()),
    };
    let retired = if stored.retired.is_some() { "; retired: it still verifies, until it is removed" } else { "" };
    let what = format!("a signing secret of {}, {place}{retired}", provider.title());
    let finding = Finding::new(AREA, grade, &stored.name, what);
    if grade == Grade::Good { finding } else { finding.hint(format!("`whtool secret rotate {}`", provider.name())) }
}

fn too_short(secret: &[u8]) -> String {
    format!("{} only: so short a one can be guessed, or is not whole", count(secret.len() as u64, "byte"))
}

/// What the variable of signing secrets holds.
fn of_variable(provider: &'static dyn Provider, session: &Session<'_>) -> Option<Finding> {
    let variable = provider.secret_variable();
    let value = session.world.env_var(variable)?;
    let secrets = settings::secrets_from_variable(provider.name(), variable, &value);
    let oddity = secrets.iter().find_map(|secret| oddity(secret.expose()));
    let short = secrets.iter().find(|secret| secret.expose().len() < SHORT_SECRET_BYTES);
    let made_up = secrets.iter().find(|secret| looks_like_placeholder(secret.expose()));
    Some(match (oddity, made_up.or(short)) {
        (Some(oddity), _) => Finding::new(AREA, Grade::Bad, variable, oddity).hint("set it anew, without that"),
        (None, Some(odd)) => {
            let fault = made_up.map_or_else(|| format!("has {}", too_short(odd.expose())), |_| MADE_UP.to_owned());
            let what = format!("set, and {} {fault}", odd.origin);
            Finding::new(AREA, Grade::Note, variable, what)
        }
        (None, None) => {
            let what = format!("set, {} of {}", count(secrets.len() as u64, "signing secret"), provider.title());
            Finding::new(AREA, Grade::Good, variable, what)
        }
    })
}

/// What a signing secret should not have.
fn oddity(secret: &[u8]) -> Option<String> {
    let prefixes = |provider: &&dyn Provider| [Some(provider.api().live_key_prefix), provider.api().test_key_prefix];
    let mut keys = provider::ALL.iter().flat_map(prefixes).flatten();
    if let Some(prefix) = keys.find(|prefix| secret.starts_with(prefix.as_bytes())) {
        return Some(format!("begins with {prefix}: that is an API key, not a signing secret"));
    }
    if secret.trim_ascii() != secret {
        return Some("has blanks or line breaks at an end; they are taken for a part of the secret".to_owned());
    }
    let is_quoted = |mark| secret.len() > 1 && secret.first() == Some(&mark) && secret.last() == Some(&mark);
    (is_quoted(b'"') || is_quoted(b'\'')).then(|| "is in quotes; they are taken for a part of the secret".to_owned())
}

/// What the variable of the API key holds.
fn api_key(provider: &'static dyn Provider, session: &Session<'_>) -> Finding {
    let (variable, api) = (provider.key_variable(), provider.api());
    let Some(value) = session.world.env_var(variable) else {
        let what = format!("not set: needed only for what asks {}", provider.title());
        return Finding::new(AREA, Grade::Note, variable, what);
    };
    let begins = |prefix: &str| value.trim().starts_with(prefix);
    let base = session.world.env_var(api.base_variable).and_then(|text| Url::parse(&text).ok());
    if begins(api.live_key_prefix) && base.as_ref().is_some_and(is_loopback) {
        let what = format!("set, and goes to this machine ({}): no money moves", api.base_variable);
        Finding::new(AREA, Grade::Good, variable, what)
    } else if begins(api.live_key_prefix) {
        Finding::new(AREA, Grade::Note, variable, "set, a live key: real money")
    } else if api.test_key_prefix.is_some_and(begins) {
        Finding::new(AREA, Grade::Good, variable, "set, a test key")
    } else {
        let what = format!(
            "set, and does not begin with {}",
            [Some(api.live_key_prefix), api.test_key_prefix].into_iter().flatten().collect::<Vec<_>>().join(" or ")
        );
        Finding::new(AREA, Grade::Bad, variable, what).hint(format!("take the key from {}", api.dashboard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_secret_is_told_and_a_secret_is_not() {
        for odd in ["sk_live_x", "pk_live_x", " x", "x\n", "\"x\"", "'x'"] {
            assert!(oddity(odd.as_bytes()).is_some(), "{odd:?}");
        }
        for fine in ["whsec_x", "x y", "\"", "x'"] {
            assert_eq!(oddity(fine.as_bytes()), None, "{fine:?}");
        }
    }
}
