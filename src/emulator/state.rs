//! What the emulator keeps across restarts.

use super::agenda::Agenda;
use super::chance::Chance;
use super::faults::Faults;
use super::post::Post;
use super::shelf::Item;
use super::{plexos, plustive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is kept across restarts.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub schema: String,
    pub chance: Chance,
    pub agenda: Agenda,
    pub post: Post,
    pub faults: Faults,
    pub plexos: plexos::Book,
    pub plustive: plustive::Book,
}

/// The shape of a state file.
pub(super) const SCHEMA: &str = "whtool.emulator_state/1";

/// What the wallet holds at first, in kobo: a million naira.
pub(super) const WALLET: i64 = 100_000_000;

/// A state that can't be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is not JSON, or not of the right shape.
    #[error("it is no state of the emulator: {0}")]
    Shape(#[from] serde_json::Error),
    /// It is of another version.
    #[error("it is of the shape `{0}`, and this is {SCHEMA}")]
    Version(String),
}

impl State {
    /// Nothing has happened yet.
    pub fn new(seed: u64) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            chance: Chance::new(seed),
            agenda: Agenda::default(),
            post: Post::default(),
            faults: Faults::default(),
            plexos: plexos::Book::default(),
            plustive: plustive::Book::new(WALLET),
        }
    }

    /// What was saved.
    pub fn read(saved: &[u8]) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let head: Head = serde_json::from_slice(saved)?;
        if head.schema != SCHEMA {
            return Err(StateError::Version(head.schema));
        }
        Ok(serde_json::from_slice(saved)?)
    }

    /// How many things of each kind there are.
    pub fn counts(&self) -> Value {
        let Self { plexos, plustive, post, .. } = self;
        json!({
            "seed": self.chance.seed(),
            "plexos": {
                "webhooks": plexos.endpoints.iter().map(Item::id).collect::<Vec<_>>(), "payments": plexos.payments.len(),
                "refunds": plexos.refunds.len(), "checkoutSessions": plexos.sessions.len(),
                "settlements": plexos.settlements.len(),
            },
            "plustive": {"balance": plustive.balance(), "transactions": plustive.len()},
            "deliveries": post.iter().count(),
        })
    }
}
