//! Reloads the stored secrets while a listener runs, so that an endpoint that is registered
//! meanwhile verifies at once.

use crate::command::Session;
use crate::command::shared::registry;
use crate::command::shared::secrets::Secrets;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::webhook::receive::{Rules, receive};
use crate::world::VerifyFn;
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
}

impl SecretReloader {
    pub(super) fn new(secrets: &Secrets, tolerance: SignedDuration, session: &Session<'_>) -> Self {
        let rules = Rules { keys: secrets.keys.clone(), tolerance: Some(tolerance) };
        let rules = Arc::new(RwLock::new(rules));
        let registry = registry::read_bytes(session).unwrap_or_default();
        Self { rules, secrets: secrets.clone(), registry, next_check: session.world.now() }
    }

    /// Returns a function that verifies with the current secrets.
    pub(super) fn verify_fn(&self) -> VerifyFn {
        let rules = Arc::clone(&self.rules);
        Arc::new(move |delivery, now| {
            let rules = rules.read().unwrap_or_else(PoisonError::into_inner);
            receive(delivery, &rules, now)
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
