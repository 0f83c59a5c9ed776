//! Tests of the limit on unverified captures, and of commits to files that another program changes.

#[cfg(unix)]
use super::super::file::log_path;
use super::{LIMIT, new_delivery, new_store_path};
use crate::edge::store::sqlite::{SqliteWriter, open};
use crate::edge::store::{Insertion, NewDelivery};
use crate::model::secret::SecretOrigin;
use crate::model::status::Status;
use crate::model::stored::{AnswerState, CaptureId, Query, QueueState, StoredCapture};
use crate::model::verdict::Verdict;
use crate::world::Store as _;
use std::path::Path;
use std::sync::Arc;

fn start(path: &Path, limit: u64) -> SqliteWriter {
    SqliteWriter::start(Some(path), limit).unwrap().0
}

/// Builds a delivery that was answered with this status.
fn delivery(body: &[u8], is_verified: bool, answer: u16) -> NewDelivery {
    let mut delivery = new_delivery(body, "o", &[]);
    if is_verified {
        let verdict = Verdict::Verified { secret: SecretOrigin::LocalTest };
        Arc::get_mut(&mut delivery.received).unwrap().verdict = verdict;
    }
    NewDelivery { answer: AnswerState::Answered(Status(answer)), ..delivery }
}

#[tokio::test]
async fn beyond_the_limit_the_oldest_refused_bodies_are_replaced_by_their_hashes() {
    let (_folder, path) = new_store_path();
    let writer = start(&path, 400_000);
    // `head -c 10000 /dev/zero | tr '\0' a | sha256sum`
    let hash = "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711";
    let body = vec![b'a'; 10_000];
    for number in 0..100 {
        let insertion = writer.insert(delivery(&body, number % 10 == 0, 401)).await.unwrap();
        assert_eq!(insertion, Insertion { id: Some(CaptureId(number + 1)), note: None });
    }
    let mut store = open(&path).unwrap();
    let (mut kept, mut omitted) = (0, 0);
    for summary in store.list(&Query::default()).unwrap() {
        match store.load(summary.id).unwrap().unwrap() {
            StoredCapture::Whole(stored) => {
                assert_eq!(stored.request.body, body);
                kept += u64::from(!summary.verdict.is_verified());
                assert!(summary.verdict.is_verified() || omitted == 66, "the oldest go first");
            }
            StoredCapture::WithoutBody(head) => {
                assert_eq!((head.body_hash.to_string().as_str(), summary.size), (hash, 10_000));
                assert!(!summary.verdict.is_verified(), "{summary:?}");
                omitted += 1;
            }
        }
    }
    // Three quarters of the limit are for bodies: 24 of three pages each, and each has lost one.
    assert_eq!((kept, omitted), (24, 66));
}

#[tokio::test]
async fn beyond_the_limit_the_oldest_small_requests_are_removed_and_their_numbers_are_not_reused() {
    let (_folder, path) = new_store_path();
    let writer = start(&path, 100_000);
    let honest = writer.insert(delivery(b"good", true, 200)).await.unwrap().id.unwrap();
    for _ in 0..500 {
        writer.insert(delivery(b"bad", false, 401)).await.unwrap();
    }
    let mut store = open(&path).unwrap();
    let listed = store.list(&Query::default()).unwrap();
    // A quarter of the limit is for heads and rows, of 513 bytes each.
    assert_eq!((listed.len(), listed[0].id, listed[1].id), (49, honest, CaptureId(454)));
    drop(writer);
    let writer = start(&path, 0);
    let nothing = writer.insert(delivery(b"bad", false, 401)).await.unwrap();
    let note = "not storing refused requests: they exceed --refused-limit";
    assert_eq!(nothing, Insertion { id: None, note: Some(note.to_owned()) });
    assert!(writer.insert(delivery(b"good", true, 200)).await.unwrap().id > Some(CaptureId(501)));
}

#[tokio::test]
async fn an_unverified_request_that_is_answered_with_200_is_stored_whole_or_not_acknowledged() {
    let (_folder, path) = new_store_path();
    let writer = start(&path, 40_000);
    let large = vec![b'a'; 50_000];
    let refused = writer.insert(delivery(&large, false, 401)).await.unwrap();
    assert!(refused.id.is_some() && refused.note.unwrap().contains("without their bodies"));
    let error = writer.insert(delivery(&large, false, 200)).await.unwrap_err();
    assert_eq!(error, "unverified requests are not stored: they exceed --refused-limit");
    assert_eq!(open(&path).unwrap().list(&Query::default()).unwrap().len(), 1);
}

#[tokio::test]
async fn a_store_of_the_first_version_is_upgraded_and_its_refused_captures_count() {
    let (_folder, path) = new_store_path();
    drop(start(&path, LIMIT));
    let raw = rusqlite::Connection::open(&path).unwrap();
    // What versions 2 and 3 added is removed.
    raw.execute_batch(
        "DROP TRIGGER summary_extended; DROP TRIGGER summary_reduced; DROP TABLE summarized; DROP TABLE names; DROP TABLE counts;
         DROP INDEX deliveries_failed;
         DROP TRIGGER unverified_added; DROP TRIGGER unverified_changed; DROP TRIGGER unverified_removed;
         DROP TRIGGER removed; DROP TABLE unverified_space;
         DROP INDEX deliveries_unverified; DROP INDEX deliveries_unverified_body;
         ALTER TABLE deliveries DROP COLUMN head_bytes; ALTER TABLE deliveries DROP COLUMN body_bytes;
         ALTER TABLE deliveries DROP COLUMN body_hash; PRAGMA user_version = 1;
         INSERT INTO deliveries (id, arrived, verdict, answered, size)
         VALUES (1, 1, 'verified', 200, 3), (2, 2, 'mismatch', 401, 5000);
         INSERT INTO contents VALUES (1, 'POST', '/', x'', x'616161'), (2, 'POST', '/', x'', zeroblob(5000));",
    )
    .unwrap();
    drop(raw);
    assert_eq!(open(&path).unwrap().list(&Query::default()).unwrap().len(), 2);
    let raw = rusqlite::Connection::open(&path).unwrap();
    let space = "SELECT head_bytes, body_bytes FROM unverified_space";
    let space: (i64, i64) = raw.query_row(space, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(space, (513, 8192));
}

#[tokio::test]
async fn a_capture_tells_its_place_in_the_queue() {
    let (_folder, path) = new_store_path();
    let writer = start(&path, LIMIT);
    let url = "http://localhost:1/";
    for _ in 0..2 {
        let delivery = NewDelivery { forwards: vec![url.to_owned()], ..delivery(b"{}", true, 200) };
        writer.insert(delivery).await.unwrap();
    }
    let state = |id| match open(&path).unwrap().load(CaptureId(id)).unwrap().unwrap() {
        StoredCapture::Whole(stored) => (stored.queue[0].url.clone(), stored.queue[0].state, stored.queue[0].tries),
        StoredCapture::WithoutBody(_) => panic!("it has a body"),
    };
    assert!(matches!(state(1), (found, QueueState::Waiting(_), 0) if found == url));
    let raw = rusqlite::Connection::open(&path).unwrap();
    for (entry, expected) in [
        ("state = 'given up', tries = 3", QueueState::GivenUp),
        ("state = 'refused'", QueueState::Refused),
        ("state = 'done'", QueueState::Delivered),
    ] {
        raw.execute(&format!("UPDATE forwards SET {entry} WHERE delivery = 1"), []).unwrap();
        assert_eq!(state(1).1, expected);
    }
    raw.execute(&format!("UPDATE forwards SET due = {} WHERE delivery = 2", i64::MAX), []).unwrap();
    assert_eq!((state(1).2, state(2).1), (3, QueueState::Blocked));
}

/// Stores three deliveries, lets another program change the files, and checks that what is
/// acknowledged afterwards is there for a process that opens the store then.
#[cfg(unix)]
async fn check_after(change: impl Fn(&Path)) {
    let (folder, path) = new_store_path();
    let writer = start(&path, LIMIT);
    for body in [b"1", b"2", b"3"] {
        writer.insert(delivery(body, true, 200)).await.unwrap();
    }
    change(&path);
    let mut acknowledged = Vec::new();
    for body in [b"4", b"5", b"6", b"7"] {
        acknowledged.extend(writer.insert(delivery(body, true, 200)).await.ok().map(|stored| (stored.id, body)));
    }
    assert!(acknowledged.len() >= 3, "it recovers");
    // A copy of the files without the index is what remains after a crash.
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(log_path(&path), log_path(&copy)).unwrap();
    let mut store = open(&copy).unwrap();
    for (id, body) in acknowledged {
        let stored = store.load(id.unwrap()).unwrap().unwrap().require_body().unwrap();
        assert_eq!(stored.request.body, body, "{id:?}");
    }
}

#[cfg(unix)]
fn truncate(path: &Path, length: u64) {
    std::fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_acknowledged_after_the_log_was_truncated_is_in_the_store() {
    for length in [0, 1, 31, 4000, 5000, 20_000] {
        check_after(|path| truncate(&log_path(path), length)).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_acknowledged_after_the_store_was_emptied_is_in_the_store() {
    check_after(|path| truncate(path, 0)).await;
    check_after(|path| {
        truncate(path, 0);
        truncate(&log_path(path), 0);
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_acknowledged_after_the_log_was_overwritten_is_in_the_store() {
    check_after(|path| {
        let garbage = vec![b'x'; std::fs::read(log_path(path)).unwrap().len()];
        std::fs::write(log_path(path), garbage).unwrap();
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_of_a_store_behind_a_symbolic_link_is_watched() {
    let (folder, path) = new_store_path();
    let link = folder.path().join("link.db");
    drop(start(&path, LIMIT));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let writer = start(&link, LIMIT);
    writer.insert(delivery(b"1", true, 200)).await.unwrap();
    std::fs::remove_file(log_path(&path)).unwrap();
    writer.insert(delivery(b"2", true, 200)).await.unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(log_path(&path), log_path(&copy)).unwrap();
    assert_eq!(open(&copy).unwrap().list(&Query::default()).unwrap().len(), 2);
}
