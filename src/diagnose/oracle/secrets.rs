//! The secrets that a handler may use instead of the one that an event is signed with.

use super::kinds;
use super::parts::Part;
use crate::diagnose::candidate::Credentials;
use crate::diagnose::cause::Cause;
use crate::diagnose::keys;
use crate::model::signature::Key;
use crate::provider::Provider;

/// The signing key, and the secrets and API keys that a handler may use in its place.
pub struct HandlerSecrets {
    signing: Key,
    /// The first one is the signing key.
    keys: Vec<Part>,
}

impl HandlerSecrets {
    pub fn new(provider: &dyn Provider, signing: &Key, credentials: &Credentials<'_>) -> Self {
        let is_own = |key: &&Key| key.secret.provider == signing.secret.provider;
        let foreign = credentials.keys.iter().filter(|key| !is_own(key));
        let known: Vec<_> = [signing].into_iter().chain(foreign).cloned().collect();
        let candidates = keys::keys(provider, &Credentials::new(&known, credentials.api_keys)).into_iter();
        let mut keys: Vec<_> =
            candidates.map(|key| Part { bytes: key.bytes, causes: key.causes, is_rare: key.is_rare }).collect();
        let siblings = credentials.keys.iter().filter(is_own);
        let siblings = siblings.filter(|key| key.secret.expose() != signing.secret.expose());
        let siblings = siblings.map(|key| {
            let cause = Cause::new(&kinds::OTHER_SECRET).with("name", key.secret.origin.to_string());
            Part { bytes: key.secret.expose().to_vec(), causes: vec![cause], is_rare: false }
        });
        keys.splice(1..1, siblings);
        Self { signing: signing.clone(), keys }
    }

    /// Returns the secret that events are signed with.
    pub(super) fn signing_secret(&self) -> &[u8] {
        self.signing.secret.expose()
    }

    /// Returns the keys of a handler; the first one is correct.
    pub(super) fn keys(&self) -> &[Part] {
        &self.keys
    }
}
