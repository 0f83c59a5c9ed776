//! Rows of the store that hold the state: one per difference, delivery, unsent alert and trouble.

use super::state::{TroubleState, WatchState};
use super::{Change, Delivery, DeliveryKey, Difference, Trouble, WatchedReference};
use crate::model::stored::StateRow;
use serde::{Deserialize, Serialize};

/// Kinds of rows that `WatchState` is loaded from. Bodies are read only when they are sent again.
const DIFFERENCE: &str = "difference";
const DELIVERY: &str = "delivery";
const ALERT: &str = "alert";
const TROUBLE: &str = "trouble";
const NUMBER: &str = "number";
const BODY: &str = "body";

#[derive(Debug, thiserror::Error)]
pub enum SavedStateError {
    #[error("the row {kind} `{key}` can't be read: {error}")]
    Row { kind: String, key: String, error: serde_json::Error },
    #[error("there are rows of kind `{0}`, which a newer version of whtool wrote")]
    Kind(String),
}

#[derive(Serialize, Deserialize)]
struct SavedDifference {
    subject: WatchedReference,
    #[serde(flatten)]
    difference: Difference,
}

#[derive(Serialize, Deserialize)]
struct SavedTrouble {
    trouble: Trouble,
    #[serde(flatten)]
    state: TroubleState,
}

impl WatchState {
    /// The kinds of rows to load.
    pub const KINDS: [&'static str; 5] = [DIFFERENCE, DELIVERY, ALERT, TROUBLE, NUMBER];

    /// Restores a state from rows of these kinds.
    pub fn load(rows: impl IntoIterator<Item = StateRow>) -> Result<Self, SavedStateError> {
        let mut state = Self::default();
        for StateRow { kind, key, value } in rows {
            match state.load_row(&kind, &value.unwrap_or_default()) {
                Ok(true) => {}
                Ok(false) => return Err(SavedStateError::Kind(kind)),
                Err(error) => return Err(SavedStateError::Row { kind, key, error }),
            }
        }
        Ok(state)
    }

    fn load_row(&mut self, kind: &str, value: &[u8]) -> serde_json::Result<bool> {
        match kind {
            DIFFERENCE => {
                let SavedDifference { subject, difference } = serde_json::from_slice(value)?;
                self.differences.insert(subject, difference);
            }
            DELIVERY => {
                let delivery: Delivery = serde_json::from_slice(value)?;
                self.deliveries.insert(delivery.key.clone(), delivery);
            }
            ALERT => {
                let change: Change = serde_json::from_slice(value)?;
                self.unsent_alerts.insert(change.number, change);
            }
            TROUBLE => {
                let SavedTrouble { trouble, state } = serde_json::from_slice(value)?;
                self.troubles.insert(trouble, state);
            }
            NUMBER => self.next_number = serde_json::from_slice(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Returns the rows that changed since the last call. They must be written together, before
    /// anything that they describe is done.
    pub fn take_unsaved(&mut self) -> Vec<StateRow> {
        let names = std::mem::take(&mut self.unsaved);
        let bodies = std::mem::take(&mut self.unsaved_bodies);
        let bodies = bodies.into_iter().map(|(key, body)| {
            let (kind, key) = key.body_row();
            StateRow { kind: kind.to_owned(), key, value: Some(body) }
        });
        names.iter().map(|name| self.row(name)).chain(bodies).collect()
    }

    /// Returns the saved value of the row that changes with each report. `None`: nothing was reported
    /// yet.
    pub fn saved_number(&self) -> Option<Vec<u8>> {
        (self.next_number > 0).then(|| json(&self.next_number))
    }

    fn row(&self, name: &RowName) -> StateRow {
        let (kind, key, value) = match name {
            RowName::Difference(subject) => {
                let saved = |difference: &Difference| {
                    json(&SavedDifference { subject: subject.clone(), difference: difference.clone() })
                };
                let key = key(&[&subject.provider, &subject.reference]);
                (DIFFERENCE, key, self.differences.get(subject).map(saved))
            }
            RowName::Delivery(delivery) => (DELIVERY, delivery_key(delivery), self.deliveries.get(delivery).map(json)),
            RowName::Alert(number) => (ALERT, number.to_string(), self.unsent_alerts.get(number).map(json)),
            RowName::Trouble(trouble) => {
                let saved = |state: &TroubleState| json(&SavedTrouble { trouble: *trouble, state: state.clone() });
                (TROUBLE, trouble.code().to_owned(), self.troubles.get(trouble).map(saved))
            }
            RowName::NextNumber => (NUMBER, "next".to_owned(), Some(json(&self.next_number))),
        };
        StateRow { kind: kind.to_owned(), key, value }
    }
}

/// A row that has changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowName {
    Difference(WatchedReference),
    Delivery(DeliveryKey),
    Alert(u64),
    Trouble(Trouble),
    NextNumber,
}

impl DeliveryKey {
    /// Returns kind and key of the row with the body of a delivery.
    pub fn body_row(&self) -> (&'static str, String) {
        (BODY, delivery_key(self))
    }
}

fn delivery_key(delivery: &DeliveryKey) -> String {
    key(&[&delivery.provider, &delivery.reference, &delivery.status])
}

/// Joins the parts of a key. JSON keeps apart what another separator could confuse.
fn key(parts: &[&str]) -> String {
    serde_json::Value::from(parts.to_vec()).to_string()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
