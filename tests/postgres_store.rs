//! What a listener stores in PostgreSQL: any bytes, from anybody, at any time.

use crate::postgres_failures::{StoreServer, deliver, status};
use crate::process::post;
use crate::store::{sign, signed};
use std::thread;

#[test]
fn what_one_sender_sends_does_not_affect_the_deliveries_of_others() {
    let Some(store) = StoreServer::start() else { return };
    store.server.run("ALTER TABLE whtool.contents ADD CHECK (position('refuse-me'::bytea IN body) = 0)");
    let listener = store.listen(&[]);
    let send = |number: usize| {
        let (mac, body) = if number.is_multiple_of(4) {
            let body = format!(r#"{{"event":"transaction.success","reference":"refuse-me-{number}"}}"#).into_bytes();
            (sign(&body), body)
        } else {
            signed(number)
        };
        status(&listener.exchange(&post(&mac, &body)))
    };
    let statuses: Vec<_> = thread::scope(|scope| {
        let senders: Vec<_> = (0..40).map(|number| scope.spawn(move || send(number))).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    for (number, status) in statuses.into_iter().enumerate() {
        assert_eq!(status, if number.is_multiple_of(4) { 503 } else { 200 }, "{number}");
    }
    assert_eq!(store.count(), 30);
}

#[test]
fn bytes_that_no_text_can_hold_are_stored_and_found_again() {
    let Some(store) = StoreServer::start() else { return };
    let listener = store.listen(&[]);
    let bodies: [&[u8]; 6] = [
        br#"{"event":"transaction.success","reference":"PLS-\u0000\u0001\u0000","status":"S\u0000"}"#,
        b"{\"event\":\"transaction.success\",\"reference\":\"PLS-\xff\xfe\"}",
        b"\0\x01\x02\xff",
        "{\"event\":\"transaction.success\",\"reference\":\"\u{fffe}\u{1f600}\u{202e}x\"}".as_bytes(),
        br#"{"event":"transaction.success","reference":"\ud800"}"#,
        b"",
    ];
    for body in bodies {
        let request = post(&sign(body), body);
        let head = String::from_utf8_lossy(&request).replace("/hooks", "/h%00\u{e9}?\\x00");
        let end = head.find("\r\n\r\n").unwrap();
        // A header with bytes that are not UTF-8.
        let request = [&head.as_bytes()[..end], b"\r\nX-Raw: \xe9\x80\t\xff", b"\r\n\r\n", body].concat();
        assert_eq!(status(&listener.exchange(&request)), 200, "{body:?}");
    }
    // Long texts are in no index whole.
    let long = format!(r#"{{"event":"{0}","reference":"{0}","status":"{0}"}}"#, "y\\u0000".repeat(20_000));
    assert_eq!(status(&listener.exchange(&post(&sign(long.as_bytes()), long.as_bytes()))), 200);
    let stored = store.server.run("SELECT encode(body, 'hex') FROM whtool.contents ORDER BY seq");
    let stored: Vec<_> = stored.split('\n').map(|body| hex::decode(body).unwrap()).collect();
    assert_eq!(stored, [&bodies[..], &[long.as_bytes()]].concat());
    let raw = "SELECT count(*) FROM whtool.contents WHERE position('\\xe98009ff'::bytea IN headers) > 0";
    assert_eq!(store.server.run(raw), bodies.len().to_string());
}

#[test]
fn what_strangers_send_takes_no_more_than_its_limit_and_verified_events_stay() {
    let Some(store) = StoreServer::start() else { return };
    let limit = ["--refused-limit", "256KiB"];
    let listeners = [store.listen(&limit), store.listen(&limit)];
    assert_eq!(deliver(&listeners[0], 1), 200);
    let send = |number: usize| {
        let body = format!("{number} {}", "x".repeat(number * 37 % 5_000));
        status(&listeners[number % 2].exchange(&post("forged", body.as_bytes())))
    };
    let statuses: Vec<_> = thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|sender| scope.spawn(move || (0..80).map(|step| send(8 * step + sender)).collect::<Vec<_>>()))
            .collect();
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
    let sums = "SELECT sum(head_bytes) <= 65536 * 1.5, sum(body_bytes) <= 196608 * 1.5, sum(head_bytes), sum(body_bytes), \
                (SELECT sum(head_bytes) || '|' || sum(body_bytes) FROM whtool.unverified_space) FROM whtool.deliveries";
    let sums = store.server.run(sums);
    let [heads, bodies, one, other, ledger] = sums.splitn(5, '|').collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((heads, bodies, ledger), ("t", "t", &*format!("{one}|{other}")), "{sums}");
    // The newest are whole; older ones have a hash of what was there, and the oldest are gone with everything.
    let rows = "SELECT count(*) FILTER (WHERE d.body_hash IS NULL AND length(c.body) = d.size) > 10, \
                count(*) FILTER (WHERE d.body_hash IS NOT NULL AND c.body = '') > 10, \
                count(*) = (SELECT count(*) FROM whtool.contents), count(*) < 300, \
                count(*) FILTER (WHERE (d.body_hash IS NULL) <> (length(c.body) = d.size)) \
                FROM whtool.deliveries d JOIN whtool.contents c USING (inbox, seq, arrived)";
    assert_eq!(store.server.run(rows), "t|t|t|t|0");
    assert_eq!(store.server.run("SELECT event_id FROM whtool.deliveries WHERE verdict = 'verified'"), "PLS-1");
    assert_eq!(deliver(&listeners[1], 2), 200);
}

#[test]
fn a_month_without_a_partition_is_stored_and_the_coming_months_have_theirs() {
    let Some(store) = StoreServer::start() else { return };
    let parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'whtool.deliveries'::regclass";
    let drop_all = "DO $$ DECLARE part regclass; BEGIN FOR part IN SELECT c.oid::regclass FROM pg_class c \
        WHERE c.relnamespace = 'whtool'::regnamespace AND c.relispartition AND c.relkind = 'r' AND c.relname !~ 'default$' \
        LOOP EXECUTE 'DROP TABLE ' || part; END LOOP; END $$";
    store.server.run(drop_all);
    assert_eq!(store.server.run(parts), "1");
    let listener = store.listen(&[]);
    assert_eq!(deliver(&listener, 1), 200);
    // Made by the listener in the background, with what the DEFAULT partition held.
    while store.server.run(parts) != "4" {}
    assert_eq!(store.server.run("SELECT count(*) FROM whtool.deliveries_default"), "0");
    assert_eq!((deliver(&listener, 2), store.count()), (200, 2));
}
