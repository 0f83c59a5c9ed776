//! Streams of server-sent events: a record for each delivery that arrives, and again when the
//! answer or the state of the app changes.
//!
//! One thread reads the store for all streams, since other processes write to it, too. A stream
//! keeps its place in the store instead of a queue: a client that is slow gets the same records
//! later, and costs no memory.

use super::server::UiServer;
use crate::model::error::Result;
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::stored::{CaptureId, DeliverySummary, Query};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::render;
use crate::world::{ReplyStream, ReplyWriter, Store, reply_stream};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const MAX_STREAMS: usize = 64;

/// Most parts that wait for a client, and most records in one of them.
const MAX_PARTS: usize = 4;
const BATCH: u64 = 100;

/// Pause between two looks at the store while there are streams.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Time after which a silent stream gets a comment, so that a client which is gone is noticed.
const KEEP_ALIVE: SignedDuration = SignedDuration::from_secs(5);

/// The latest captures, whose answers may still come.
const WATCHED: u64 = 200;

/// Longest time between two looks at them: a store may not tell of every change.
const MAX_LOOK_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// Most captures that a stream remembers to send again.
const MAX_PENDING: usize = 1000;

/// Tells a browser how long to wait before it connects again, in milliseconds.
const GREETING: &[u8] = b"retry: 1000\n\n";

/// Tells a client that the store is another one.
const RESET: &[u8] = b"event: reset\ndata: {}\n\n";

#[derive(Default)]
pub(super) struct StreamHub {
    state: Mutex<HubState>,
    changed: Condvar,
}

#[derive(Default)]
struct HubState {
    streams: Vec<Stream>,
    is_stopped: bool,
    /// Captures that this process has changed, which may be old.
    touched: Vec<CaptureId>,
    /// Records about work of this process.
    jobs: Vec<Vec<u8>>,
}

/// A stream that a client asks for.
pub(super) struct StreamRequest {
    pub filter: Query,
    /// The place after everything that the client knows.
    pub cursor: StoreCursor,
    /// Whether it gets records about work of this process, too.
    pub has_jobs: bool,
}

struct Stream {
    request: StreamRequest,
    writer: ReplyWriter,
    /// True if there may be captures after its place.
    is_behind: bool,
    /// Captures to be sent again.
    pending: BTreeSet<CaptureId>,
    /// Time of the last part.
    written: Timestamp,
}

/// The store as the streams know it.
#[derive(Default)]
struct KnownStore {
    /// Answer and app of the latest captures.
    states: BTreeMap<CaptureId, (u16, Option<u16>)>,
    /// Time of the last look at them. `None`: nobody looked yet.
    looked: Option<Timestamp>,
}

impl StreamHub {
    /// Adds a stream, in the place of the oldest one if there are too many: its client may be gone
    /// without notice. `None`: the server stops.
    pub(super) fn subscribe(&self, request: StreamRequest, now: Timestamp) -> Option<ReplyStream> {
        let mut state = self.state();
        state.streams.retain(|stream| !stream.writer.is_closed());
        if state.is_stopped {
            return None;
        }
        if state.streams.len() >= MAX_STREAMS {
            state.streams.remove(0);
        }
        let (writer, parts) = reply_stream(MAX_PARTS);
        writer.write(GREETING.to_vec());
        state.streams.push(Stream { request, writer, is_behind: true, pending: BTreeSet::new(), written: now });
        self.changed.notify_all();
        Some(parts)
    }

    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.is_stopped = true;
        state.streams.clear();
        self.changed.notify_all();
    }

    /// Sends a record about work of this process to the pages.
    pub(super) fn ring(&self, record: Vec<u8>) {
        let mut state = self.state();
        if !state.streams.is_empty() {
            state.jobs.push(record);
        }
        self.changed.notify_all();
    }

    /// Lets the streams look at a capture again.
    pub(super) fn touch(&self, id: CaptureId) {
        let mut state = self.state();
        if !state.streams.is_empty() {
            state.touched.push(id);
        }
        self.changed.notify_all();
    }

    /// Feeds the streams until `stop`.
    pub(super) fn feed(&self, server: &UiServer<'_>) {
        let (mut store, mut known) = (None, KnownStore::default());
        while self.wait() {
            if store.as_mut().is_some_and(|store: &mut Box<dyn Store>| !store.is_in_place()) {
                (store, known) = (None, KnownStore::default());
                self.reset(server.session.world.now());
            }
            if store.is_none() {
                match server.options.store.open_if_exists(server.session) {
                    Ok(Some(opened)) => store = Some(opened),
                    // The store that streams know may have been removed while it could not be read.
                    Ok(None) => self.reset(server.session.world.now()),
                    Err(_) => {}
                }
            }
            let now = server.session.world.now();
            self.send_jobs(now);
            let fed = store.as_mut().map_or(Ok(()), |store| self.feed_once(store.as_mut(), &mut known, now));
            if fed.is_err() {
                // The connection may be lost: the streams wait until there is another one.
                (store, known) = (None, KnownStore::default());
            }
            self.keep_alive(now);
        }
    }

    /// Waits for the next look at the store. Returns false at the end.
    fn wait(&self) -> bool {
        let mut state = self.state();
        while state.streams.is_empty() && !state.is_stopped {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let is_waiting = |state: &mut HubState| !state.is_stopped && state.touched.is_empty() && state.jobs.is_empty();
        let waited = self.changed.wait_timeout_while(state, POLL_INTERVAL, is_waiting);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_stopped
    }

    /// Tells every client that another store is in the place of the one they know.
    fn reset(&self, now: Timestamp) {
        let mut state = self.state();
        let knows_a_store = |stream: &&mut Stream| stream.request.cursor != StoreCursor::default();
        for stream in state.streams.iter_mut().filter(knows_a_store) {
            (stream.request.cursor, stream.is_behind) = (StoreCursor::default(), true);
            stream.pending.clear();
            stream.write(RESET.to_vec(), now);
        }
    }

    fn feed_once(&self, store: &mut dyn Store, known: &mut KnownStore, now: Timestamp) -> Result<()> {
        let has_new = store.wait_for_change(Duration::ZERO)?;
        let changed = self.changed_captures(store, (known, has_new), now)?;
        let mut state = self.state();
        for stream in &mut state.streams {
            stream.is_behind |= has_new;
            stream.send_new(store, now)?;
            stream.pending.extend(&changed);
            stream.send_again(store, now)?;
        }
        Ok(())
    }

    /// Sends the records about work of this process to the streams of pages.
    fn send_jobs(&self, now: Timestamp) {
        let mut state = self.state();
        let jobs = std::mem::take(&mut state.jobs);
        for stream in state.streams.iter_mut().filter(|stream| stream.request.has_jobs) {
            jobs.iter().for_each(|job| stream.write(message(None, job), now));
        }
    }

    /// Returns the captures whose answer or app has changed, and those that this process has changed.
    fn changed_captures(
        &self,
        store: &mut dyn Store,
        (known, has_new): (&mut KnownStore, bool),
        now: Timestamp,
    ) -> Result<Vec<CaptureId>> {
        let mut changed = std::mem::take(&mut self.state().touched);
        let is_due = known.looked.is_none_or(|looked| now.duration_since(looked) >= MAX_LOOK_PAUSE);
        if has_new || is_due {
            let latest = store.list(&Query { limit: Some(WATCHED), ..Query::default() })?;
            let state = |row: &DeliverySummary| (row.answer.code(), row.app.code());
            let is_changed =
                |row: &&DeliverySummary| known.states.get(&row.id).is_some_and(|known| *known != state(row));
            changed.extend(latest.iter().filter(is_changed).map(|row| row.id));
            known.states = latest.iter().map(|row| (row.id, state(row))).collect();
            known.looked = Some(now);
        }
        Ok(changed)
    }

    /// Writes to streams that were silent, and removes those whose clients are gone.
    fn keep_alive(&self, now: Timestamp) {
        let mut state = self.state();
        for stream in &mut state.streams {
            if now.duration_since(stream.written) >= KEEP_ALIVE {
                stream.write(b": keep-alive\n\n".to_vec(), now);
            }
        }
        state.streams.retain(|stream| !stream.writer.is_closed());
    }

    fn state(&self) -> MutexGuard<'_, HubState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// Sends the captures after the stream's place, as far as the client takes them.
    fn send_new(&mut self, store: &mut dyn Store, now: Timestamp) -> Result<()> {
        let query = Query { limit: Some(BATCH), ..self.request.filter.clone() };
        while self.is_behind && self.writer.has_room() {
            let page = store.list_after(&query, &self.request.cursor);
            let Ok(Some(DeliveryPage { deliveries, cursor })) = page else {
                // Another store is in its place, or the place is of none: the client has to read the
                // list again. If the store can't be read, this fails, too.
                self.request.cursor = store.list_newest(&Query { limit: Some(1), ..Query::default() })?.cursor;
                self.write(RESET.to_vec(), now);
                return Ok(());
            };
            if let Some((last, others)) = deliveries.split_last() {
                // Only the last record has the place: a client that has a part of them gets all again.
                let others = others.iter().flat_map(|row| message(None, &render::stored::entry(row)));
                let last = message(Some(&cursor), &render::stored::entry(last));
                self.write(others.chain(last).collect(), now);
            }
            self.request.cursor = cursor;
            self.is_behind = deliveries.len() as u64 >= BATCH;
        }
        Ok(())
    }

    /// Sends captures again, if they match.
    fn send_again(&mut self, store: &mut dyn Store, now: Timestamp) -> Result<()> {
        while self.writer.has_room() {
            let Some(id) = self.pending.pop_first() else { return Ok(()) };
            for row in store.list(&Query { ids: Some(id.0..=id.0), ..self.request.filter.clone() })? {
                self.write(message(None, &render::stored::entry(&row)), now);
            }
        }
        // A client that takes nothing is not remembered more than this.
        while self.pending.len() > MAX_PENDING {
            self.pending.pop_first();
        }
        Ok(())
    }

    /// Writes a part, if there is room. Comments and records about work need no other try.
    fn write(&mut self, part: Vec<u8>, now: Timestamp) {
        if self.writer.write(part) {
            self.written = now;
        }
    }
}

/// Formats a message. One without a place leaves the place of the client as it is.
fn message(place: Option<&StoreCursor>, record: &[u8]) -> Vec<u8> {
    let id = place.map(|StoreCursor(text)| format!("id: {text}\n")).unwrap_or_default();
    [id.as_bytes(), b"data: ", record, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_record_on_a_line_of_its_own() {
        assert_eq!(message(Some(&StoreCursor("7".to_owned())), b"{}\n"), b"id: 7\ndata: {}\n\n");
        assert_eq!(message(None, b"{}\n"), b"data: {}\n\n");
    }
}
