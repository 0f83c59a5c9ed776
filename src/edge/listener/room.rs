//! How much of large bodies is in memory at once, from their first bytes until the one who asks has taken them.
//!
//! Webhooks are small, and small bodies are not counted: they take no more than connections and queue have places. Room for a large one
//! is found before most of it is read, and its sender waits, so that a thousand of them take no more memory than a few.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies up to this size need no room, in bytes.
pub(super) const SMALL: usize = 16 * 1024;

/// What all large bodies may take together, in bytes, unless two of the largest need more.
const MOST: usize = 32 << 20;

/// What room is counted in, in bytes.
const BLOCK: usize = 16 * 1024;

/// The room for large bodies.
pub(super) struct Room(Arc<Semaphore>);

/// Room that is held for one body, until it is dropped.
pub(super) type Held = OwnedSemaphorePermit;

impl Room {
    /// Room for bodies of at most this size, in bytes.
    pub fn for_bodies_of(largest: usize) -> Self {
        let blocks = MOST.max(largest.saturating_mul(2)) / BLOCK;
        Self(Arc::new(Semaphore::new(blocks.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS))))
    }

    /// Room for so many bytes, as soon as there is some. `None`: never.
    pub async fn held_for(&self, bytes: usize) -> Option<Held> {
        let blocks = u32::try_from(bytes.div_ceil(BLOCK)).unwrap_or(u32::MAX);
        Arc::clone(&self.0).acquire_many_owned(blocks).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_found_for_two_of_the_largest_and_given_back() {
        for largest in [0, 1, 1 << 20, 1 << 30] {
            let room = Room::for_bodies_of(largest);
            for _ in 0..3 {
                let held = (room.held_for(largest).await, room.held_for(largest).await);
                assert!(held.0.is_some() && held.1.is_some());
            }
        }
    }
}
