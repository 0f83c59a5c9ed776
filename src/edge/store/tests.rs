//! The store through its writer and its reader.

mod group_commit;

use super::*;
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::event::Event;
use crate::model::message::Request;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, AppState, Attempt, Query, Undelivered};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Verdict as Judged;
use crate::world::{Store, StoreLocation};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::sync::Notify;

const APP: &str = "http://127.0.0.1:1/";

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    (folder, path)
}

/// A delivery about this object, to be sent to these URLs.
fn append(body: &[u8], object: &str, urls: &[&str]) -> NewDelivery {
    let delivery = Delivery {
        request: Request::post("/", body.to_vec()),
        peer: None,
        arrived: Some(Timestamp::from_second(1_000).unwrap()),
    };
    let event = Event { subject: Some(object.to_owned()), ..Event::default() };
    NewDelivery {
        received: Arc::new(AnalyzedDelivery { delivery, provider: None, verdict: Judged::Unsigned, event }),
        answer: AnswerState::Answered(Status(200)),
        forwards: urls.iter().map(|url| (*url).to_owned()).collect(),
        wake: Arc::new(Notify::new()),
    }
}

fn selection(urls: &[(&str, usize)]) -> Selection {
    let urls = urls.iter().map(|(url, most)| ((*url).to_owned(), *most)).collect();
    let now = Timestamp::from_second(2_000).unwrap();
    Selection { now, urls, without: Vec::new(), lease: 1_000_000, per_object: false }
}

fn attempt(status: u16) -> Attempt {
    let outcome = Ok(crate::model::exchange::Answer::new(status, []));
    Attempt { at: Timestamp::UNIX_EPOCH, url: APP.to_owned(), took: Duration::ZERO, outcome }
}

fn raw(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

#[tokio::test]
async fn one_that_cannot_be_recorded_is_refused_and_those_beside_it_are_kept() {
    let (_folder, path) = place();
    let (writer, _) = StoreWriter::start(&StoreLocation::File(path.clone())).unwrap();
    let trigger =
        "CREATE TRIGGER no BEFORE INSERT ON contents WHEN new.body = x'62' BEGIN SELECT RAISE(ABORT, 'no'); END";
    raw(&path).execute_batch(trigger).unwrap();
    // While the writer is held up, what comes gathers for one commit.
    let (go, held) = channel::<()>();
    let holding = writer.transact(move |_, _| Ok(held.recv().is_err()));
    let appending = ["a", "b", "c"].map(|body| writer.insert(append(body.as_bytes(), "o", &[])));
    let [a, b, c] = appending;
    let (held, a, b, c, ()) = tokio::join!(holding, a, b, c, async { go.send(()).unwrap() });
    assert!(held.is_ok() && a.is_ok() && c.is_ok());
    assert_eq!(b.unwrap_err(), "no");
    let kept = open(&path).unwrap().list(&Query::default()).unwrap();
    assert_eq!(kept.len(), 2);
}

#[tokio::test]
async fn an_id_is_found_by_its_beginning_and_never_given_twice() {
    let (_folder, path) = place();
    let (writer, _) = StoreWriter::start(&StoreLocation::File(path.clone())).unwrap();
    let first = writer.insert(append(b"1", "o", &[])).await.unwrap();
    drop(writer);
    let mut store = open(&path).unwrap();
    assert_eq!(store.beginning_with(&first.id[..1]).unwrap(), [first.id.as_str()]);
    assert_eq!(store.load(&first.id).unwrap().unwrap().request.body, b"1");
    assert_eq!(store.prune(Timestamp::MAX, Undelivered::Remove).unwrap(), 1);
    let (writer, _) = StoreWriter::start(&StoreLocation::File(path)).unwrap();
    let second = writer.insert(append(b"2", "o", &[])).await.unwrap();
    assert_ne!(first.id, second.id);
    assert!(store.load(&first.id).unwrap().is_none() && store.load(&second.id).unwrap().is_some());
}

#[tokio::test]
async fn a_store_of_the_first_version_keeps_its_ids_and_what_waits_in_it() {
    let (_folder, path) = place();
    schema::open_as_of(&path, 1);
    raw(&path)
        .execute_batch(
            "INSERT INTO deliveries (seq, id, arrived, verdict, answered, app, size)
                 VALUES (7, '0123456789', 0, 'verified', 200, 200, 1), (8, '01bbbbbbbb', 0, 'verified', 200, 422, 1);
             INSERT INTO contents VALUES (7, 'POST', '/', x'', x'61'), (8, 'POST', '/', x'', x'62');
             INSERT INTO attempts (delivery, at, url, took, status, said) VALUES
                 (7, 0, 'http://a/', 0, 500, x''), (7, 0, 'http://b/', 0, 200, x''), (8, 0, 'http://a/hook', 0, 422, x'');
             INSERT INTO forwards (delivery, url, object, due, state) VALUES
                 (7, 'http://a/', 'o', 0, 'given up'), (8, 'http://a/', 'o', 0, 'given up');",
        )
        .unwrap();
    let mut store = open(&path).unwrap();
    assert_eq!(store.beginning_with("012").unwrap(), ["0123456789"]);
    let old = store.load("0123456789").unwrap().unwrap();
    assert_eq!((old.summary.app, old.request.body.as_slice()), (AppState::Answered(Status(500)), &b"a"[..]));
    let (writer, _) = StoreWriter::start(&StoreLocation::File(path)).unwrap();
    let new = writer.insert(append(b"c", "o", &[])).await.unwrap();
    assert_eq!(new.row, 9);
    assert_eq!(store.load(&new.id).unwrap().unwrap().request.body, b"c");
    let taken_up = writer.take_up(&["http://a/".to_owned()]).await.unwrap();
    assert_eq!(taken_up, 1, "what the app refused stays refused");
}

#[tokio::test]
async fn each_url_has_places_of_its_own_and_what_is_handed_out_is_not_handed_out_again() {
    let (_folder, path) = place();
    let (writer, _) = StoreWriter::start(&StoreLocation::File(path)).unwrap();
    for _ in 0..5 {
        writer.insert(append(b"x", "o", &[APP, "http://b/"])).await.unwrap();
    }
    let found = writer.due(selection(&[(APP, 2), ("http://b/", 1)])).await.unwrap().due;
    assert_eq!(found.iter().map(|due| due.url.as_str()).collect::<Vec<_>>(), [APP, APP, "http://b/"]);
    let rest = writer.due(selection(&[(APP, 10)])).await.unwrap().due;
    assert_eq!(rest.len(), 3);
}

#[tokio::test]
async fn in_order_the_next_about_an_object_is_due_when_the_one_before_it_is_over() {
    let (_folder, path) = place();
    let (writer, _) = StoreWriter::start(&StoreLocation::File(path)).unwrap();
    for object in ["a", "a", "b", "a"] {
        writer.insert(append(object.as_bytes(), object, &[APP])).await.unwrap();
    }
    let in_order = || Selection { per_object: true, ..selection(&[(APP, 10)]) };
    let due = async || writer.due(in_order()).await.unwrap().due;
    let mut first = due().await;
    assert_eq!(first.iter().map(|due| due.delivery).collect::<Vec<_>>(), [1, 3]);
    assert!(due().await.is_empty());
    let head = first.remove(0);
    writer.attempted(head.place, head.delivery, attempt(200), Verdict::Taken, None).await.unwrap();
    let second = due().await;
    assert_eq!(second.iter().map(|due| due.delivery).collect::<Vec<_>>(), [2]);
    // Those who are left alone by whoever held them up are found again at the next start.
    assert_eq!(writer.take_up(&[APP.to_owned()]).await.unwrap(), 3);
}
