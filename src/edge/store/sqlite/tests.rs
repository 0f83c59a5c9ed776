//! Tests of the store through its writer and its reader.

mod group_commit;
mod limits;
mod summaries;

use super::*;
use crate::edge::store::{DueQuery, EntryState, NewDelivery};
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::event::Event;
use crate::model::follow::StoreCursor;
use crate::model::message::Request;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, Attempt, CaptureId, Query, ResumedDeliveries, Undelivered};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::model::verdict::Verdict;
use crate::world::Store;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::sync::Notify;

/// Most bytes of unverified captures.
const LIMIT: u64 = 64 << 20;

const APP: &str = "http://127.0.0.1:1/";

fn new_store_path() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    (folder, path)
}

/// Builds a delivery about this object, to be forwarded to these URLs.
fn new_delivery(body: &[u8], object: &str, urls: &[&str]) -> NewDelivery {
    let delivery = Delivery {
        request: Request::post("/", body.to_vec()),
        peer: None,
        arrived: Some(Timestamp::from_second(1_000).unwrap()),
    };
    let event = Event { subject: Some(object.to_owned()), ..Event::default() };
    NewDelivery {
        received: Arc::new(AnalyzedDelivery { delivery, provider: None, verdict: Verdict::Unsigned, event }),
        answer: AnswerState::Answered(Status(200)),
        passed_to: None,
        forwards: urls.iter().map(|url| (*url).to_owned()).collect(),
        wake: Arc::new(Notify::new()),
    }
}

fn due_query(urls: &[(&str, usize)]) -> DueQuery {
    let urls = urls.iter().map(|(url, most)| ((*url).to_owned(), *most)).collect();
    let now = Timestamp::from_second(2_000).unwrap();
    DueQuery { now, urls, in_flight: Vec::new(), lease: 1_000_000, per_object: false }
}

fn attempt(status: u16) -> Attempt {
    let outcome = Ok(crate::model::exchange::Answer::new(status, []));
    Attempt { at: Timestamp::UNIX_EPOCH, url: APP.to_owned(), took: Duration::ZERO, outcome }
}

fn raw(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

#[tokio::test]
async fn a_delivery_that_cannot_be_recorded_does_not_affect_others_in_its_commit() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    let trigger =
        "CREATE TRIGGER no BEFORE INSERT ON contents WHEN new.body = x'62' BEGIN SELECT RAISE(ABORT, 'no'); END";
    raw(&path).execute_batch(trigger).unwrap();
    // While the writer is blocked, deliveries gather for one commit.
    let (go, blocked) = channel::<()>();
    let blocking = writer.transact(move |_| Ok(blocked.recv().is_err()));
    let inserts = ["a", "b", "c"].map(|body| writer.insert(new_delivery(body.as_bytes(), "o", &[])));
    let [a, b, c] = inserts;
    let (blocked, a, b, c, ()) = tokio::join!(blocking, a, b, c, async { go.send(()).unwrap() });
    assert!(blocked.is_ok() && a.is_ok() && c.is_ok());
    assert_eq!(b.unwrap_err(), "no");
    let stored = open(&path).unwrap().list(&Query::default()).unwrap();
    assert_eq!(stored.len(), 2);
}

#[tokio::test]
async fn type_globs_have_two_wildcards_and_literal_brackets() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    for kind in ["payment.debited", "payment.[d]x"] {
        let mut delivery = new_delivery(b"{}", "o", &[]);
        Arc::get_mut(&mut delivery.received).unwrap().event.kind = Some(kind.to_owned());
        writer.insert(delivery).await.unwrap();
    }
    let mut store = open(&path).unwrap();
    for (glob, expected) in [("payment.[d]*", vec![2]), ("payment.?e*", vec![1]), ("payment.*", vec![1, 2])] {
        // All other filters use this matcher.
        let matcher = wildmatch::WildMatch::new(glob);
        let matching: Vec<_> =
            ["payment.debited", "payment.[d]x"].into_iter().filter(|kind| matcher.matches(kind)).collect();
        let found = store.list(&Query { kinds: vec![glob.to_owned()], ..Query::default() }).unwrap();
        assert_eq!(found.iter().map(|summary| summary.id.0).collect::<Vec<_>>(), expected, "{glob}");
        assert_eq!(matching.len(), expected.len(), "{glob}");
    }
}

#[tokio::test]
async fn since_includes_its_moment_and_until_does_not() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    let id = writer.insert(new_delivery(b"{}", "o", &[])).await.unwrap().id.unwrap();
    let mut store = open(&path).unwrap();
    let arrived = Timestamp::from_second(1_000).unwrap();
    let later = Timestamp::from_microsecond(1_000_000_001).unwrap();
    let mut found = |since, until| !store.list(&Query { since, until, ..Query::default() }).unwrap().is_empty();
    assert!(found(Some(arrived), None) && !found(Some(later), None));
    assert!(found(None, Some(later)) && !found(None, Some(arrived)));
    let page = |since| {
        let query = Query { since: Some(since), ..Query::default() };
        open(&path).unwrap().list_after(&query, &StoreCursor::default()).unwrap().unwrap().deliveries
    };
    assert_eq!(page(arrived).first().map(|summary| summary.id), Some(id));
    assert!(page(later).is_empty());
}

#[tokio::test]
async fn captures_are_numbered_from_1_and_no_number_is_reused() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    let first = writer.insert(new_delivery(b"1", "o", &[])).await.unwrap().id.unwrap();
    assert_eq!(first, CaptureId(1));
    drop(writer);
    let mut store = open(&path).unwrap();
    assert_eq!(store.load(first).unwrap().unwrap().require_body().unwrap().request.body, b"1");
    assert_eq!(store.prune(Timestamp::MAX, Undelivered::Remove).unwrap(), 1);
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    let second = writer.insert(new_delivery(b"2", "o", &[])).await.unwrap().id.unwrap();
    assert_eq!(second, CaptureId(2));
    assert!(store.load(first).unwrap().is_none() && store.load(second).unwrap().is_some());
}

#[tokio::test]
async fn each_url_has_its_own_slots_and_no_delivery_is_returned_twice() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    for _ in 0..5 {
        writer.insert(new_delivery(b"x", "o", &[APP, "http://b/"])).await.unwrap();
    }
    let found = writer.due(due_query(&[(APP, 2), ("http://b/", 1)])).await.unwrap().due;
    assert_eq!(found.iter().map(|due| due.url.as_str()).collect::<Vec<_>>(), [APP, APP, "http://b/"]);
    let rest = writer.due(due_query(&[(APP, 10)])).await.unwrap().due;
    assert_eq!(rest.len(), 3);
}

#[tokio::test]
async fn after_the_clock_was_set_back_a_retry_is_due_after_its_pause() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    writer.insert(new_delivery(b"x", "o", &[APP])).await.unwrap();
    let due = async |now| {
        let query = DueQuery { now: Timestamp::from_second(now).unwrap(), ..due_query(&[(APP, 1)]) };
        writer.due(query).await.unwrap().due
    };
    let first = due(2_000).await.remove(0);
    let retry_at = Timestamp::from_second(2_010).ok();
    writer.record_attempt(&first, attempt(500), EntryState::Retry, retry_at).await.unwrap();
    writer.set_back(&[APP.to_owned()], SignedDuration::from_secs(1_900)).await.unwrap();
    assert!(due(109).await.is_empty());
    assert_eq!(due(110).await.len(), 1);
    // The lease of that one, and a restart on a clock that was set back while nothing ran.
    let latest = Timestamp::from_second(50).unwrap();
    writer.resume(&[APP.to_owned()], Timestamp::MIN, latest).await.unwrap();
    assert_eq!(due(1).await.len(), 1);
}

#[tokio::test]
async fn a_delivery_older_than_the_limit_is_not_resumed() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    // It arrived at second 1000.
    writer.insert(new_delivery(b"x", "o", &[APP])).await.unwrap();
    let resume = async |oldest| {
        writer.resume(&[APP.to_owned()], Timestamp::from_second(oldest).unwrap(), Timestamp::MAX).await.unwrap()
    };
    assert_eq!(resume(1_000).await, ResumedDeliveries { pending: 1, too_old: 0 });
    assert_eq!(resume(1_001).await, ResumedDeliveries { pending: 0, too_old: 1 });
    assert!(writer.due(due_query(&[(APP, 1)])).await.unwrap().due.is_empty());
    assert_eq!(resume(1_000).await, ResumedDeliveries { pending: 1, too_old: 0 });
}

#[tokio::test]
async fn in_order_a_delivery_is_due_once_the_previous_one_about_its_object_is_finished() {
    let (_folder, path) = new_store_path();
    let (writer, _) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    for object in ["a", "a", "b", "a"] {
        writer.insert(new_delivery(object.as_bytes(), object, &[APP])).await.unwrap();
    }
    let in_order = || DueQuery { per_object: true, ..due_query(&[(APP, 10)]) };
    let due = async || writer.due(in_order()).await.unwrap().due;
    let mut first = due().await;
    assert_eq!(first.iter().map(|due| due.id.0).collect::<Vec<_>>(), [1, 3]);
    assert!(due().await.is_empty());
    let head = first.remove(0);
    writer.record_attempt(&head, attempt(200), EntryState::Delivered, None).await.unwrap();
    let second = due().await;
    assert_eq!(second.iter().map(|due| due.id.0).collect::<Vec<_>>(), [2]);
    // Parked entries are due again after a restart.
    let resumed = writer.resume(&[APP.to_owned()], Timestamp::MIN, Timestamp::MAX).await.unwrap();
    assert_eq!(resumed, ResumedDeliveries { pending: 3, too_old: 0 });
}
