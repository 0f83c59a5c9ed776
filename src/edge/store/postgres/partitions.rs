//! Makes the partitions of the coming months, so that each delivery finds the one of its month.

use super::schema::ADD_MONTHS;
use super::session::PostgresSession;
use crate::model::error::Result;
use crate::world::PostgresStore;
use std::time::Duration;

/// Pause between two looks at the calendar.
const PAUSE: Duration = Duration::from_secs(6 * 3_600);

/// Pause after a failure. Until it works, the DEFAULT partitions take the deliveries.
const RETRY_PAUSE: Duration = Duration::from_secs(300);

/// Makes the partitions of this month and the next two, again and again.
pub(super) async fn keep_ahead(store: PostgresStore) {
    loop {
        let pause = if make(&store).await.is_ok() { PAUSE } else { RETRY_PAUSE };
        tokio::time::sleep(pause).await;
    }
}

/// Makes partitions on a connection of its own: it may wait for somebody who reads all tables. While
/// it waits, others wait for it, so it does not wait long.
async fn make(store: &PostgresStore) -> Result<()> {
    let session = PostgresSession::open_for_writing(store).await?;
    session.run(&format!("BEGIN; SET LOCAL lock_timeout = '1s'; {ADD_MONTHS} COMMIT")).await
}
