//! Queries return the same with and without summaries.

use super::*;
use crate::model::stored::{CopiedCapture, StoredCapture};
use crate::model::verdict::VerdictCode;
use crate::world::MissingStore;
use rusqlite::params;
use std::ops::RangeInclusive;
use std::time::Instant;

/// A hundred and twenty-eight letters, so that longer names share what is compared.
const LONG: &str = "LLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL\
                    LLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL";

/// Inserts captures of several hours, verdicts, providers and types, some of them odd.
fn fill(path: &Path, ids: RangeInclusive<i64>) {
    let (_, connection) = opening::open(path).unwrap();
    let transaction = connection.unchecked_transaction().unwrap();
    for id in ids {
        let name = match id % 50 {
            0 => None,
            1 => Some(String::new()),
            2 => Some(format!("a\0{id}")),
            3 => Some(format!("{LONG}{}", id % 4)),
            _ => Some(format!("evt_{}", id / 2)),
        };
        let kind = match id {
            1_500 => Some("odd.kind"),
            id if id % 9 == 0 => None,
            id if id % 10 == 0 => Some("0"),
            id if id % 11 == 0 => Some("pay\0x"),
            _ => Some("payment.debited"),
        };
        let verdict = if id % 40 == 0 { "mismatch" } else { "verified" };
        let arrived = if id % 70 == 0 { -1 } else { id * 60_000_000 - id % 3 * 3_600_000_000 };
        let columns =
            "id, arrived, provider, verdict, kind, event_id, subject, minor, currency, key, answered, app, size";
        let sql = format!("INSERT INTO deliveries ({columns}) VALUES (?1,?2,?3,?4,?5,?6,?7,'5','CVE',?6,?8,?9,2)");
        let provider = [None, Some("0"), Some("plexos")][usize::try_from(id % 3).unwrap()];
        let subject = format!("pi_{}", id / 700);
        let answers = (if id % 40 == 0 { 401 } else { 200 }, if id % 60 == 0 { Some(500) } else { None });
        let values = params![id, arrived, provider, verdict, kind, name, subject, answers.0, answers.1];
        transaction.execute(&sql, values).unwrap();
        let body = format!("{{{}}}", id % 100).into_bytes();
        transaction.execute("INSERT INTO contents VALUES (?1, 'POST', '/', x'', ?2)", params![id, body]).unwrap();
    }
    transaction.commit().unwrap();
}

fn queries() -> Vec<Query> {
    let hour = |hours: i64| Some(Timestamp::from_second(hours * 3_600 + 7).unwrap());
    let all = Query::default;
    let mut queries = vec![
        all(),
        Query { failed: true, ..all() },
        Query { failed: true, kinds: vec!["pay*".to_owned()], ..all() },
        Query { verdict: Some(VerdictCode::Mismatch), ..all() },
        Query { verdict: Some(VerdictCode::TooOld), ..all() },
        Query { since: hour(20), until: hour(22), ..all() },
        Query { until: Some(Timestamp::UNIX_EPOCH), ..all() },
        Query { grep: Some("{57}".to_owned()), ..all() },
        Query { grep: Some("{57}".to_owned()), verdict: Some(VerdictCode::Verified), ..all() },
        Query { ids: Some(900..=2_100), kinds: vec!["odd.kind".to_owned()], ..all() },
    ];
    queries.extend(["plexos", "0", "none"].map(|name| Query { provider: Some(name.to_owned()), ..all() }));
    let kinds = ["odd.kind", "0", "*", "pay?x", "pay*", "none"];
    queries.extend(kinds.map(|kind| Query { kinds: vec![kind.to_owned()], ..all() }));
    let long = format!("{LONG}1");
    let names = ["", "a", "a\x002", "a\x001002", "evt_7", "evt_900", "pi_1", "pi_0", "none", LONG, &long];
    queries.extend(names.map(|name| Query { reference: Some(name.to_owned()), ..all() }));
    let limited = queries.iter().map(|query| Query { limit: Some(20), ..query.clone() });
    queries.extend(limited.collect::<Vec<_>>());
    queries
}

/// Returns the answers of the store to all queries.
fn answers(path: &Path) -> Vec<String> {
    let mut store = open(path).unwrap();
    let mut answer = |query: &Query| {
        let counts = store.count_by_hour(query).unwrap();
        let mut whole = Vec::new();
        store
            .for_each(query, &mut |capture| {
                whole.push(capture);
                Ok(())
            })
            .unwrap();
        let mut summaries = Vec::new();
        let unlimited = Query { limit: None, ..query.clone() };
        store
            .for_each_summary(&unlimited, &mut |summary| {
                summaries.push(summary);
                Ok(())
            })
            .unwrap();
        let found = query.reference.as_ref().map(|name| store.find_by_reference(name).unwrap());
        let list = store.list(query).unwrap();
        format!(
            "{query:?} {list:?} {whole:?} {summaries:?} {counts:?} {:?} {found:?}",
            store.sum_amounts(query).unwrap()
        )
    };
    queries().iter().map(&mut answer).collect()
}

/// Returns the first capture without a summary.
fn until(path: &Path) -> i64 {
    raw(path).query_row("SELECT until FROM summarized", [], |row| row.get(0)).unwrap()
}

fn assert_same(one: &Path, other: &Path) {
    for (one, other) in answers(one).into_iter().zip(answers(other)) {
        let place = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
        let near = |text: &str| text.chars().skip(place.saturating_sub(80)).take(160).collect::<String>();
        assert!(one == other, "{}\n{}\n{}", &other[..240.min(other.len())], near(&one), near(&other));
    }
}

#[test]
fn every_query_returns_the_same_with_and_without_summaries() {
    let ((_one, plain), (_other, summarized)) = (new_store_path(), new_store_path());
    for path in [&plain, &summarized] {
        fill(path, 1..=2_700);
    }
    prepare(&summarized, MissingStore::Refuse).unwrap();
    assert_eq!((until(&plain), until(&summarized)), (0, 2_048));
    assert_same(&plain, &summarized);
    for path in [&plain, &summarized] {
        raw(path).execute("DELETE FROM deliveries WHERE id % 7 = 0 OR id < 300", []).unwrap();
    }
    assert_same(&plain, &summarized);
    let left = raw(&summarized).query_row("SELECT count(*) FROM names WHERE delivery < 300", [], |row| row.get(0));
    assert_eq!(left, Ok(0));
}

#[test]
fn a_copy_between_summarized_captures_is_found() {
    let ((_one, plain), (_other, summarized)) = (new_store_path(), new_store_path());
    for path in [&plain, &summarized] {
        fill(path, 1..=1_200);
    }
    let copy = match open(&plain).unwrap().load(CaptureId(500)).unwrap().unwrap() {
        StoredCapture::Whole(stored) => {
            CopiedCapture { key: stored.summary.event_id.clone(), capture: StoredCapture::Whole(stored) }
        }
        StoredCapture::WithoutBody(_) => panic!("it has a body"),
    };
    prepare(&summarized, MissingStore::Refuse).unwrap();
    raw(&summarized)
        .execute_batch("DELETE FROM deliveries WHERE id = 500; DELETE FROM contents WHERE delivery = 500")
        .unwrap();
    open(&summarized).unwrap().insert_copies(&[copy]).unwrap();
    assert_eq!(until(&summarized), 1_024);
    assert_same(&plain, &summarized);
}

#[tokio::test]
async fn an_idle_listener_summarizes_what_the_store_has() {
    let (_folder, path) = new_store_path();
    fill(&path, 1..=2_100);
    let (writer, _closed) = SqliteWriter::start(Some(&path), LIMIT).unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while until(&path) < 2_048 {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    let id = writer.insert(new_delivery(b"{}", "o", &[])).await.unwrap().id;
    assert_eq!(id, Some(CaptureId(2_101)));
}
