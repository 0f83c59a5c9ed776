//! How many deliveries share a commit, and the bell's end. Commits are counted in the write-ahead log, as SQLite documents its format.

use super::super::file::log_of;
use super::{append, place};
use crate::edge::store::{Writer, open};
use crate::model::stored::Query;
use crate::world::{Store as _, StoreLocation};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How many commits are in a store's write-ahead log: frames that say how large the database is after them are the last of one.
/// <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>
fn commits(path: &Path) -> usize {
    let log = std::fs::read(log_of(path)).unwrap();
    let page = u32::from_be_bytes(log[8..12].try_into().unwrap());
    let (header, frames) = log.split_at(32);
    let frames = frames.chunks_exact(24 + page as usize);
    // A frame with another salt is left over from before the log began anew.
    frames.filter(|frame| frame[8..16] == header[16..24] && frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn what_comes_together_is_committed_together() {
    let (_folder, path) = place();
    let (writer, _) = Writer::start(&StoreLocation::File(path.clone())).unwrap();
    writer.append(append(b"first", "o", &[])).await.unwrap();
    let before = commits(&path);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let writer = writer.clone();
        clients.spawn(async move {
            for _ in 0..EACH {
                writer.append(append(b"{}", "o", &[])).await.unwrap();
            }
        });
    }
    clients.join_all().await;
    let commits = commits(&path) - before;
    assert_eq!(open(&path).unwrap().list(&Query::default()).unwrap().len(), 1 + CLIENTS * EACH);
    // One for each round. A ring that comes late, when its orders are done, may split the next round, which is rare enough never to have
    // been seen. Where the first order of a round wakes the thread, many are split.
    assert!((EACH..=EACH + 2).contains(&commits), "{CLIENTS} clients with {EACH} each: {commits} commits");
}

const CLIENTS: usize = 64;
/// Each client sends the next when the one before it is on disk.
const EACH: usize = 80;

#[tokio::test]
async fn orders_that_nobody_waits_for_any_more_are_carried_out_when_the_last_ring_is_forgotten() {
    let (_folder, path) = place();
    let (writer, closed) = Writer::start(&StoreLocation::File(path.clone())).unwrap();
    let (go, held) = channel::<()>();
    let (begin, begun) = oneshot::channel();
    // While the writer's thread is held up by this, a delivery comes, its client goes, and the store is closed.
    let holding = writer.ask(move |_, _| {
        let _ = begin.send(());
        Ok(held.recv().is_err())
    });
    tokio::select! {
        _ = holding => panic!("it is held up"),
        begun = begun => begun.unwrap(),
    }
    tokio::select! {
        biased;
        _ = writer.append(append(b"last", "o", &[])) => panic!("it waits"),
        () = std::future::ready(()) => {}
    }
    // The bell is rung for the last time; that is forgotten when the thread sees that there is more to do.
    drop(writer);
    go.send(()).unwrap();
    // Nothing is ever sent: the thread has ended when the other end is gone.
    assert_eq!(closed.recv_timeout(Duration::from_secs(30)), Err(RecvTimeoutError::Disconnected));
    assert_eq!(open(&path).unwrap().list(&Query::default()).unwrap().len(), 1);
}
