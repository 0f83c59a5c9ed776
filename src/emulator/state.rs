//! The emulator's state, which `--state` saves across restarts.

use super::api::EmulatedApi;
use super::context::Context;
use super::faults::FaultRules;
use super::outbox::Outbox;
use super::plexos::PlexosState;
use super::plustive::PlustiveState;
use super::rng::SeededRng;
use super::settings::Settings;
use super::timers::Timers;
use crate::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    schema: String,
    pub rng: SeededRng,
    pub timers: Timers,
    pub outbox: Outbox,
    pub faults: FaultRules,
    pub plexos: PlexosState,
    pub plustive: PlustiveState,
}

const SCHEMA: &str = "whtool.emulator_state/1";

/// Recognizes a saved state by its first bytes.
pub fn is_state(start: &[u8]) -> bool {
    start.starts_with(format!("{{\"schema\":\"{SCHEMA}\",").as_bytes())
}

/// A state file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("it is not a state file of the emulator: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("its schema is `{0}`; this version reads {SCHEMA}")]
    Version(String),
}

impl State {
    pub fn new(seed: u64) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            rng: SeededRng::new(seed),
            timers: Timers::default(),
            outbox: Outbox::default(),
            faults: FaultRules::default(),
            plexos: PlexosState::default(),
            plustive: PlustiveState::default(),
        }
    }

    pub fn parse(saved: &[u8]) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct SchemaHeader {
            schema: String,
        }
        let header: SchemaHeader = serde_json::from_slice(saved)?;
        if header.schema != SCHEMA {
            return Err(StateError::Version(header.schema));
        }
        Ok(serde_json::from_slice(saved)?)
    }

    pub fn apis(&self) -> [&dyn EmulatedApi; 2] {
        [&self.plexos, &self.plustive]
    }

    /// Splits the state into the context and the providers that work in it.
    pub fn split<'a>(
        &'a mut self,
        settings: &'a Settings,
        now: Timestamp,
    ) -> (Context<'a>, [&'a mut dyn EmulatedApi; 2]) {
        let Self { rng, timers, outbox, faults, plexos, plustive, .. } = self;
        (Context { now, settings, rng, timers, outbox, faults }, [plexos, plustive])
    }

    /// Counts of each kind of object, with the seed.
    pub fn summary(&self) -> Value {
        let mut summary = json!({"seed": self.rng.seed()});
        for api in self.apis() {
            summary[api.name()] = api.summary();
        }
        summary["deliveries"] = json!(self.outbox.iter().count());
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_state_of_another_version_or_of_something_else_is_refused() {
        let message = |saved: &[u8]| State::parse(saved).err().map(|error| error.to_string()).unwrap();
        let other = br#"{"schema":"whtool.emulator_state/2"}"#;
        assert_eq!(
            message(other),
            "its schema is `whtool.emulator_state/2`; this version reads whtool.emulator_state/1"
        );
        for saved in [&b""[..], b"{}", b"[]", br#"{"schema":"whtool.emulator_state/1"}"#] {
            let text = message(saved);
            assert!(text.starts_with("it is not a state file of the emulator: "), "{text}");
        }
        let saved = serde_json::to_vec(&State::new(7)).unwrap();
        assert_eq!(State::parse(&saved).unwrap().rng.seed(), 7);
    }

    #[test]
    fn a_summary_has_the_seed_and_a_count_for_each_provider() {
        let summary = State::new(7).summary();
        assert_eq!((&summary["seed"], &summary["deliveries"]), (&json!(7), &json!(0)));
        assert!(summary["plexos"].is_object() && summary["plustive"].is_object(), "{summary}");
    }
}
