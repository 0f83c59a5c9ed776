//! Reloads the stored secrets while a listener runs, so that an endpoint that is registered
//! meanwhile verifies at once.

use crate::command::Session;
use crate::command::shared::registry;
use crate::command::shared::secrets::Secrets;
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::model::verdict::Verdict;
use crate::settings::registry::{Registry, SecretSource};
use crate::webhook::receive::{Rules, receive};
use crate::world::{SecretFileReader, VerifyFn};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Time between two looks at the registry.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

pub(super) struct SecretReloader {
    rules: Arc<RwLock<Rules>>,
    secrets: Secrets,
    /// Content of the registry when it was last read.
    registry: Option<Vec<u8>>,
    next_check: Timestamp,
    /// Reads the registry on another thread. `None`: there is no data folder.
    reader: Option<SecretFileReader>,
}

impl SecretReloader {
    pub(super) fn new(secrets: &Secrets, tolerance: SignedDuration, session: &Session<'_>) -> Self {
        let rules = Rules { keys: secrets.keys.clone(), tolerance: Some(tolerance) };
        let rules = Arc::new(RwLock::new(rules));
        let registry = registry::read_bytes(session).unwrap_or_default();
        let reader = registry::path(session).ok().map(|path| session.world.secret_file_reader(&path));
        Self { rules, secrets: secrets.clone(), registry, next_check: session.world.now(), reader }
    }

    /// Returns a function that verifies with the current secrets. Before it returns that a delivery
    /// is not verified, it reads the registry again: its secret may have been stored just now.
    pub(super) fn verify_fn(&self) -> VerifyFn {
        let (rules, reader) = (Arc::clone(&self.rules), self.reader.clone());
        Arc::new(move |delivery, now| {
            let received = receive(delivery, &rules.read().unwrap_or_else(PoisonError::into_inner), now);
            let may_lack_secret = matches!(received.verdict, Verdict::Mismatch | Verdict::NoSecret);
            let Some(reader) = reader.as_ref().filter(|_| may_lack_secret) else { return received };
            let mut rules = rules.read().unwrap_or_else(PoisonError::into_inner).clone();
            if !add_new_keys(&mut rules.keys, reader) {
                return received;
            }
            receive(received.delivery, &rules, now)
        })
    }

    /// Reads the registry if it is due. Returns the secrets if they have changed. A registry that
    /// can't be read changes nothing.
    pub(super) fn reload_if_due(&mut self, now: Timestamp, session: &Session<'_>) -> Option<Secrets> {
        if now < self.next_check {
            return None;
        }
        self.next_check = now.checked_add(SignedDuration::try_from(INTERVAL).ok()?).ok()?;
        let bytes = registry::read_bytes(session).ok()?;
        if bytes == self.registry {
            return None;
        }
        let registry = registry::read(session).ok()?;
        self.registry = bytes;
        let secrets = self.secrets.with_stored(&registry, session);
        let bytes_of = |secrets: &Secrets| secrets.bytes().map(<[u8]>::to_vec).collect::<Vec<_>>();
        if bytes_of(&secrets) == bytes_of(&self.secrets) {
            return None;
        }
        self.rules.write().unwrap_or_else(PoisonError::into_inner).keys.clone_from(&secrets.keys);
        self.secrets = secrets.clone();
        Some(secrets)
    }
}

/// Adds the keys of the registry that are missing. Returns false if there are none. Secrets that a
/// command prints are left to `reload_if_due`.
fn add_new_keys(keys: &mut Vec<Key>, reader: &SecretFileReader) -> bool {
    let Some(registry) = reader().ok().and_then(|bytes| Registry::parse(bytes.as_deref()).ok()) else { return false };
    let before = keys.len();
    for (provider, stored) in registry.signing_secrets() {
        let SecretSource::Stored(bytes) = stored.source() else { continue };
        let is_known = |key: &Key| key.secret.provider == provider && key.secret.expose() == bytes.as_slice();
        if !keys.iter().any(is_known) {
            keys.push(Key::new(Secret::new(provider, SecretOrigin::Stored(stored.name.clone()), bytes)));
        }
    }
    keys.len() > before
}
