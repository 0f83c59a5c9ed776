//! Tests of commits that several deliveries share, and of the writer's end. Commits are counted in
//! the write-ahead log, whose format SQLite documents.

use super::super::file::log_path;
use super::{LIMIT, new_delivery, new_store_path};
use crate::edge::store::sqlite::{SqliteWriter, open};
use crate::model::stored::Query;
use crate::world::Store as _;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Counts the commits in a store's write-ahead log: a commit's last frame says how large the
/// database is after it. <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>
fn commits(path: &Path) -> usize {
    let log = std::fs::read(log_path(path)).unwrap();
    let page = u32::from_be_bytes(log[8..12].try_into().unwrap());
    let (header, frames) = log.split_at(32);
    let frames = frames.chunks_exact(24 + page as usize);
    // A frame with another salt is older than the log's last restart.
    frames.filter(|frame| frame[8..16] == header[16..24] && frame[4..8] != [0; 4]).count()
}

/// Keeps the writer's thread busy until something is sent.
async fn block(writer: &SqliteWriter) -> Sender<()> {
    let (go, blocked) = channel::<()>();
    let (started, has_started) = oneshot::channel();
    let blocking = writer.transact(move |_| {
        let _ = started.send(());
        Ok(blocked.recv().is_err())
    });
    tokio::select! {
        _ = blocking => panic!("it is blocked"),
        started = has_started => started.unwrap(),
    }
    go
}

#[tokio::test]
async fn deliveries_that_wait_together_share_one_commit() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    writer.insert(new_delivery(b"first", "o", &[])).await.unwrap();
    let before = commits(&path);
    let go = block(&writer).await;
    let mut clients = JoinSet::new();
    for _ in 0..32 {
        let writer = writer.clone();
        clients.spawn(async move { writer.insert(new_delivery(b"{}", "o", &[])).await.unwrap() });
    }
    // Lets every client submit its delivery.
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    clients.join_all().await;
    assert_eq!(commits(&path) - before, 1);
    assert_eq!(open(&path).unwrap().list(&Query::default()).unwrap().len(), 33);
}

#[tokio::test]
async fn many_clients_that_send_one_after_another_share_commits() {
    const CLIENTS: usize = 64;
    const EACH: usize = 40;
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    writer.insert(new_delivery(b"first", "o", &[])).await.unwrap();
    let before = commits(&path);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let writer = writer.clone();
        clients.spawn(async move {
            for _ in 0..EACH {
                writer.insert(new_delivery(b"{}", "o", &[])).await.unwrap();
            }
        });
    }
    clients.join_all().await;
    let commits = commits(&path) - before;
    // One for each round if nothing else runs; without the gathering pause, many times that.
    assert!(commits <= CLIENTS * EACH / 8, "{CLIENTS} clients with {EACH} each: {commits} commits");
}

#[tokio::test]
async fn a_delivery_whose_client_has_gone_is_recorded_when_the_writer_closes() {
    let (_folder, path) = new_store_path();
    let (writer, closed) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    let go = block(&writer).await;
    let mut insert = Box::pin(writer.insert(new_delivery(b"last", "o", &[])));
    let queued = std::future::poll_fn(|cx| Poll::Ready(insert.as_mut().poll(cx).is_pending())).await;
    assert!(queued, "it waits for the thread");
    drop(insert);
    drop(writer);
    go.send(()).unwrap();
    // Nothing is ever sent: the thread has ended when the channel is disconnected.
    assert_eq!(closed.recv_timeout(Duration::from_secs(30)), Err(RecvTimeoutError::Disconnected));
    assert_eq!(open(&path).unwrap().list(&Query::default()).unwrap().len(), 1);
}
