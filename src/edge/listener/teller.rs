//! The way to the consumer, who may be slower than what happens: who waits for it, how long, and what is passed over and counted.

use super::room::Held;
use crate::model::delivery::RejectedRequest;
use crate::model::stored::Forwarded;
use crate::world::{AnsweredDelivery, DroppedEvents, ListenerEvent};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;

/// How many may wait to be shown before large ones are passed over.
const FEW: usize = 8;

/// What has happened, and the room that is held until it is taken.
pub(in crate::edge) struct News {
    /// What has happened.
    pub happening: ListenerEvent,
    /// Given back when this is dropped.
    _room: Option<Held>,
}

impl News {
    /// What has happened, without any room.
    pub fn of(happening: ListenerEvent) -> Self {
        Self::holding(happening, None)
    }

    /// What has happened, and the room it takes.
    pub fn holding(happening: ListenerEvent, room: Option<Held>) -> Self {
        Self { happening, _room: room }
    }
}

/// Tells the consumer what happens.
pub(in crate::edge) struct Teller {
    news: mpsc::Sender<News>,
    /// How long a kept delivery, or an answer of the app, waits for a consumer who is behind.
    patience: Duration,
    /// How many kept deliveries the consumer was too slow for.
    deliveries: AtomicU64,
    /// How many answers of the app it was too slow for.
    answers: AtomicU64,
}

impl Teller {
    /// Tells whoever holds the other end.
    pub fn new(news: mpsc::Sender<News>, patience: Duration) -> Self {
        Self { news, patience, deliveries: AtomicU64::new(0), answers: AtomicU64::new(0) }
    }

    /// Gives a delivery that is not kept to the consumer, waiting for so long when it is behind. `false`: it did not take it.
    pub async fn hand_over(&self, news: News, patience: Duration) -> bool {
        match self.news.try_send(news) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(news)) => matches!(timeout(patience, self.news.send(news)).await, Ok(Ok(()))),
        }
    }

    /// Gives a kept delivery to the consumer. It is safe already, so a consumer that stands still (a terminal that was stopped)
    /// costs one sender a short wait, and is passed over after that until it goes on.
    pub async fn show(&self, arrived: AnsweredDelivery, room: Option<Held>) {
        if room.is_some() && self.news.max_capacity() - self.news.capacity() > FEW {
            // A large body must not hold its room for a consumer that stands still.
            self.deliveries.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.tell(News::holding(ListenerEvent::Received(arrived), room), &self.deliveries).await;
    }

    /// Tells how the app answered; like a kept delivery, it can be read in the store later.
    pub async fn forwarded(&self, forwarded: Forwarded) {
        self.tell(News::of(ListenerEvent::Forwarded(forwarded)), &self.answers).await;
    }

    /// Tells of a request that was turned away, unless the consumer is behind: strangers must not block anything.
    pub fn turned_away(&self, turned_away: RejectedRequest) {
        let _ = self.news.try_send(News::of(ListenerEvent::Rejected(turned_away)));
    }

    /// Tells something rare. Nobody asks any more when this fails.
    pub async fn say(&self, happening: ListenerEvent) {
        let _ = self.news.send(News::of(happening)).await;
    }

    /// Says at the end how much was never shown.
    pub async fn tell_of_missed(&self) {
        if let Some(missed) = self.take_missed() {
            self.say(ListenerEvent::Dropped(missed)).await;
        }
    }

    async fn tell(&self, news: News, count: &AtomicU64) {
        let missed = self.take_missed();
        if let Some(missed) = missed
            && self.news.try_send(News::of(ListenerEvent::Dropped(missed))).is_err()
        {
            self.deliveries.fetch_add(missed.deliveries, Ordering::Relaxed);
            self.answers.fetch_add(missed.app_answers, Ordering::Relaxed);
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if let Err(TrySendError::Full(news)) = self.news.try_send(news)
            && (missed.is_some() || timeout(self.patience, self.news.send(news)).await.is_err())
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take_missed(&self) -> Option<DroppedEvents> {
        // Both are looked at before either is written: that happens with every delivery.
        if self.deliveries.load(Ordering::Relaxed) == 0 && self.answers.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let (deliveries, answers) =
            (self.deliveries.swap(0, Ordering::Relaxed), self.answers.swap(0, Ordering::Relaxed));
        (deliveries + answers > 0).then_some(DroppedEvents { deliveries, app_answers: answers })
    }
}
