//! Damaged lists: whatever the bytes are, each row is counted once and no other text is looked up.

use super::*;

const SEEDS: [&[u8]; 12] = [
    b"reference,status,amount,created\npi_1,\"paid\n\",\"1.270,00\",28/11/2026 10:15 PM +01:00\n#2,x,(5),1795860930\nTotal,,1,\n",
    b"sep=;\nn\xba;Refer\xeancia;Valor (CVE)\n1;PLS-1;100$00\n",
    b" id   | note\n------+-----\n pi_1 | a+\n      | b.\n(1 row)\n",
    b"+------+\n| id   |\n+------+\n| a\nb |\n+------+\n",
    b"id    note\n----  ----\npi_1  x\n",
    b"-[ RECORD 1 ]-\nid | pi_1\n",
    b"*** 1. row ***\n id: pi_1\n",
    b"{\"data\":[{\"id\":\"pi_1\",\"a\":{\"b\":[1,-0.5e+9,null,\"\\u00e9\"]}}],\"n\":1}",
    b"{\"1\":{\"id\":\"pi_1\"},\"2\":{\"id\":\"pi_2\"}}",
    b"[[\"id\",\"amount\"],[\"pi_1\",1.5e3]]",
    b"\xff\xfer\0e\0f\0\n\0p\0i\0_\x001\0",
    b"# a\n1. pi_1\n- PLS-2\r\n='001'\n8.03E+09\n\xe2\x82\xac1\n",
];

/// Pieces that have a meaning in some format.
const PIECES: [&[u8]; 24] = [
    b"\n",
    b"\"",
    b",",
    b";",
    b"\t",
    b"|",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\",
    b"'",
    b"+",
    b".",
    b"-",
    b"=",
    b"\0",
    b"\xff",
    b"\xe2\x82\xac",
    b"(3 rows)\n",
    b"e+9",
    b"Total",
    b"\r",
];

#[test]
fn damaged_lists_are_read_or_refused_without_losing_a_row() {
    // A linear congruential generator: the same lists in each run.
    let mut state = 16_u64;
    let mut random = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    };
    for round in 0..4_000 {
        let mut bytes = SEEDS[round % SEEDS.len()].to_vec();
        for _ in 0..=random(4) {
            let at = random(bytes.len() + 1);
            match random(3) {
                0 => bytes.truncate(at.max(1)),
                1 => drop(bytes.splice(at..at, PIECES[random(PIECES.len())].iter().copied())),
                _ => drop(bytes.splice(at..(at + random(6)).min(bytes.len()), [])),
            }
        }
        let Ok(reader) = open(&bytes, &[], AmountFormat::Auto) else { continue };
        let counts = reader.counts().clone();
        let (orders, bad): (Vec<_>, Vec<_>) = reader.map(Result::unwrap).partition(Result::is_ok);
        assert_eq!((orders.len() as u64, bad.len() as u64), (counts.orders, counts.bad), "{bytes:?}");
        for order in orders.into_iter().flatten() {
            let reference = order.reference;
            assert!(!reference.contains([',', '"', '{', '\n', '\0', '@']), "{reference}: {bytes:?}");
        }
    }
}
