//! The secrets that whtool keeps, looked at again while a listener runs: an endpoint that is registered meanwhile is known at once.

use crate::command::Session;
use crate::command::shared::registry;
use crate::command::shared::secrets::Secrets;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::webhook::receive::{Rules, receive};
use crate::world::VerifyFn;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long lies between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// What deliveries are judged by, and when the registry was last looked at.
pub(super) struct Watch {
    rules: Arc<RwLock<Rules>>,
    secrets: Secrets,
    /// The registry's bytes, as they were at the last look.
    seen: Option<Vec<u8>>,
    next: Timestamp,
}

impl Watch {
    /// Judges by these secrets, until others are kept.
    pub(super) fn new(secrets: &Secrets, tolerance: SignedDuration, session: &Session<'_>) -> Self {
        let rules = Rules { keys: secrets.keys.clone(), tolerance: Some(tolerance) };
        let rules = Arc::new(RwLock::new(rules));
        let seen = registry::read_bytes(session).unwrap_or_default();
        Self { rules, secrets: secrets.clone(), seen, next: session.world.now() }
    }

    /// What judges deliveries.
    pub(super) fn judge(&self) -> VerifyFn {
        let rules = Arc::clone(&self.rules);
        Arc::new(move |delivery, now| {
            let rules = rules.read().unwrap_or_else(PoisonError::into_inner);
            receive(delivery, &rules, now)
        })
    }

    /// Looks, when it is time. `Some`: other secrets hold from now on. A registry that can't be read changes nothing.
    pub(super) fn look(&mut self, now: Timestamp, session: &Session<'_>) -> Option<Secrets> {
        if now < self.next {
            return None;
        }
        self.next = now.checked_add(SignedDuration::try_from(PAUSE).ok()?).ok()?;
        let bytes = registry::read_bytes(session).ok()?;
        if bytes == self.seen {
            return None;
        }
        let registry = registry::read(session).ok()?;
        self.seen = bytes;
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
