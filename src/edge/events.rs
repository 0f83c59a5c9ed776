//! The channel on which the listener and the forwarder report events to their consumer.
//!
//! The consumer may be slower than the network: a terminal can be paused. Events about stored
//! deliveries are then dropped and counted, and the count is reported once the consumer is back.

use crate::model::delivery::RejectedRequest;
use crate::model::stored::Forwarded;
use crate::world::{AnsweredDelivery, DroppedEvents, ListenerEvent};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;

/// Number of queued events above which deliveries with a large body are dropped.
const LARGE_BODY_QUEUE: usize = 8;

/// An event, and the memory permit of its body, which is released when this is dropped.
pub(super) struct QueuedEvent {
    pub event: ListenerEvent,
    _memory: Option<OwnedSemaphorePermit>,
}

impl QueuedEvent {
    pub fn new(event: ListenerEvent, memory: Option<OwnedSemaphorePermit>) -> Self {
        Self { event, _memory: memory }
    }
}

/// The sending half of the channel.
pub(super) struct EventSender {
    queue: mpsc::Sender<QueuedEvent>,
    /// Longest wait for a consumer that is behind, for events about stored deliveries.
    patience: Duration,
    dropped_deliveries: AtomicU64,
    dropped_answers: AtomicU64,
    dropped_rejected: AtomicU64,
}

impl EventSender {
    pub fn new(queue: mpsc::Sender<QueuedEvent>, patience: Duration) -> Self {
        let (dropped_deliveries, dropped_answers, dropped_rejected) = Default::default();
        Self { queue, patience, dropped_deliveries, dropped_answers, dropped_rejected }
    }

    /// Sends a delivery that is not in the store, and waits this long while the queue is full.
    /// Returns `false` if the consumer did not take it.
    pub async fn send_unstored(&self, event: QueuedEvent, patience: Duration) -> bool {
        match self.queue.try_send(event) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(event)) => matches!(timeout(patience, self.queue.send(event)).await, Ok(Ok(()))),
        }
    }

    /// Sends a stored delivery. A consumer that stands still (a stopped terminal) delays one sender
    /// for a short while; further deliveries are dropped until it continues.
    pub async fn send_stored(&self, delivery: AnsweredDelivery, memory: Option<OwnedSemaphorePermit>) {
        if memory.is_some() && self.queue.max_capacity() - self.queue.capacity() > LARGE_BODY_QUEUE {
            // A large body must not hold its memory for a consumer that stands still.
            self.dropped_deliveries.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let event = QueuedEvent::new(ListenerEvent::Received(delivery), memory);
        self.send_or_count(event, &self.dropped_deliveries).await;
    }

    /// Sends the outcome of a forwarding attempt, which is in the store, too.
    pub async fn send_forwarded(&self, forwarded: Forwarded) {
        let event = QueuedEvent::new(ListenerEvent::Forwarded(forwarded), None);
        self.send_or_count(event, &self.dropped_answers).await;
    }

    /// Sends a rejected request, or counts it if the queue is full: anybody can cause these, so they
    /// must not delay anything.
    pub fn try_send_rejected(&self, rejected: RejectedRequest) {
        if self.queue.try_send(QueuedEvent::new(ListenerEvent::Rejected(rejected), None)).is_err() {
            self.dropped_rejected.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends a rare event, and waits for as long as the queue is full.
    pub async fn send(&self, event: ListenerEvent) {
        // Fails when there is no consumer any more.
        let _ = self.queue.send(QueuedEvent::new(event, None)).await;
    }

    /// Reports what was dropped since the last report.
    pub async fn report_dropped(&self) {
        if let Some(dropped) = self.take_dropped() {
            self.send(ListenerEvent::Dropped(dropped)).await;
        }
    }

    async fn send_or_count(&self, event: QueuedEvent, counter: &AtomicU64) {
        let dropped = self.take_dropped();
        if let Some(dropped) = dropped
            && self.queue.try_send(QueuedEvent::new(ListenerEvent::Dropped(dropped), None)).is_err()
        {
            self.dropped_deliveries.fetch_add(dropped.deliveries, Ordering::Relaxed);
            self.dropped_answers.fetch_add(dropped.app_answers, Ordering::Relaxed);
            self.dropped_rejected.fetch_add(dropped.rejected, Ordering::Relaxed);
            counter.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if let Err(TrySendError::Full(event)) = self.queue.try_send(event)
            && (dropped.is_some() || timeout(self.patience, self.queue.send(event)).await.is_err())
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take_dropped(&self) -> Option<DroppedEvents> {
        // Reading first is cheaper than swapping, and this runs for every delivery.
        let counters = [&self.dropped_deliveries, &self.dropped_answers, &self.dropped_rejected];
        if counters.iter().all(|counter| counter.load(Ordering::Relaxed) == 0) {
            return None;
        }
        let [deliveries, app_answers, rejected] = counters.map(|counter| counter.swap(0, Ordering::Relaxed));
        (deliveries + app_answers + rejected > 0).then_some(DroppedEvents { deliveries, app_answers, rejected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::{AnalyzedDelivery, Delivery};
    use crate::model::event::Event;
    use crate::model::message::Request;
    use crate::model::verdict::Verdict;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    fn delivery() -> AnsweredDelivery {
        let delivery = Delivery { request: Request::post("/", Vec::new()), peer: None, arrived: None };
        let received =
            AnalyzedDelivery { delivery, provider: None, verdict: Verdict::Unsigned, event: Event::default() };
        AnsweredDelivery {
            received: Arc::new(received),
            id: None,
            status: 401,
            is_scripted: false,
            store_error: None,
            store_note: None,
        }
    }

    #[tokio::test]
    async fn large_bodies_are_dropped_and_give_their_memory_back_once_nine_events_wait() {
        let memory = Arc::new(Semaphore::new(100));
        let permit = || Some(Arc::clone(&memory).try_acquire_owned().unwrap());
        let (queue, mut events) = mpsc::channel(100);
        let sender = EventSender::new(queue, Duration::from_secs(60));
        for _ in 0..20 {
            sender.send_stored(delivery(), permit()).await;
        }
        assert_eq!(events.len(), LARGE_BODY_QUEUE + 1);
        assert_eq!(memory.available_permits(), 100 - (LARGE_BODY_QUEUE + 1));
        // Small ones are queued all the same, after the report of what was dropped.
        sender.send_stored(delivery(), None).await;
        assert_eq!(events.len(), LARGE_BODY_QUEUE + 3);
        let received: Vec<_> = std::iter::from_fn(|| events.try_recv().ok()).map(|queued| queued.event).collect();
        let [.., report, last] = &received[..] else { panic!("{received:?}") };
        assert!(
            matches!(report, ListenerEvent::Dropped(DroppedEvents { deliveries: 11, app_answers: 0, rejected: 0 })),
            "{report:?}"
        );
        assert!(matches!(last, ListenerEvent::Received(_)), "{last:?}");
    }
}
