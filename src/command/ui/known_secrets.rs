//! The secrets of a running server: loaded at the start, and again when the registry has changed.

use crate::command::Session;
use crate::command::shared::registry;
use crate::command::shared::secrets::Secrets;
use std::sync::{Mutex, PoisonError};

pub(super) struct KnownSecrets(Mutex<State>);

struct State {
    secrets: Secrets,
    /// Content of the registry when it was last read.
    registry: Option<Vec<u8>>,
}

impl KnownSecrets {
    pub(super) fn new(secrets: Secrets, session: &Session<'_>) -> Self {
        Self(Mutex::new(State { secrets, registry: registry::read_bytes(session).unwrap_or_default() }))
    }

    /// Returns the secrets of now. A registry that can't be read changes nothing.
    pub(super) fn current(&self, session: &Session<'_>) -> Secrets {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(bytes) = registry::read_bytes(session)
            && bytes != state.registry
            && let Ok(registry) = registry::read(session)
        {
            state.secrets = state.secrets.with_stored(&registry, session);
            state.registry = bytes;
        }
        state.secrets.clone()
    }
}
