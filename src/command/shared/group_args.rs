//! Selects the forwarding group of a store that a team shares.

use super::store_args::StoreArgs;
use crate::command::Session;
use crate::model::error::{Error, Result};
use crate::world::{PostgresStore, StoreLocation};
use clap::Args;
use std::str::FromStr;

/// Longest name of a group, in bytes.
const MAX_GROUP: usize = 128;

#[derive(Args, Clone, Default)]
pub(in crate::command) struct GroupArgs {
    /// Forwarding group of a PostgreSQL store: its members share the work, and each group gets all
    /// deliveries (default: user@host)
    #[arg(long, value_name = "NAME")]
    pub group: Option<GroupName>,
}

/// The name of a forwarding group, such as `staging` or `ana@laptop`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::command) struct GroupName(String);

impl FromStr for GroupName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = !text.is_empty() && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        match text.len() {
            0..=MAX_GROUP if is_name => Ok(Self(text.to_owned())),
            _ => Err(format!("a group has 1 to {MAX_GROUP} bytes, and no spaces")),
        }
    }
}

impl GroupArgs {
    /// Returns the place of a store, with this group.
    pub(in crate::command) fn location(&self, store: &StoreArgs, session: &Session<'_>) -> Result<StoreLocation> {
        match (store.location(session)?, &self.group) {
            (StoreLocation::Postgres(store), Some(group)) => {
                Ok(StoreLocation::Postgres(PostgresStore { group: group.0.clone(), ..store }))
            }
            (StoreLocation::Postgres(store), None) => Ok(StoreLocation::Postgres(store)),
            (_, Some(_)) => Err(Error::usage("--group needs a store that several listeners share")
                .because("the queue in a file belongs to this machine")
                .hint("pass --store postgres://…")),
            (location, None) => Ok(location),
        }
    }
}
