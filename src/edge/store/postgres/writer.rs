//! Records what a listener receives.

use super::unsupported;
use crate::edge::store::Closed;
use crate::model::error::Result;
use crate::world::PostgresStore;

/// A handle of the connection that writes.
#[derive(Clone)]
pub(in crate::edge) enum PostgresWriter {}

impl PostgresWriter {
    pub fn start(store: &PostgresStore, _refused_limit: u64) -> Result<(Self, Closed)> {
        Err(unsupported(store))
    }
}
