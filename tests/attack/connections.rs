//! Many connections that hold resources: slots, descriptors, incomplete heads and bodies.

use super::siege::Siege;
use super::target::{Client, Target, post, signed};

/// Returns the wanted number of connections, or as many as the descriptor limit allows next to
/// other tests.
fn connection_count(wanted: usize) -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let most = limit.maximum.unwrap_or(u64::MAX).min(20_000);
        if limit.current.is_some_and(|current| current < most) {
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum });
        }
        let current = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        wanted.min(usize::try_from(current / 4).unwrap_or(wanted))
    }
    #[cfg(not(unix))]
    wanted
}

fn hold_connections(siege: &Siege, count: usize, bytes: impl AsRef<[u8]>) -> Vec<Client> {
    (0..connection_count(count))
        .map(|_| {
            let mut client = siege.target.client();
            client.send(bytes.as_ref());
            client
        })
        .collect()
}

#[test]
fn incomplete_heads_are_closed_and_do_not_delay_honest_senders() {
    Siege::run("2,000 half heads", |siege| {
        let mut held = hold_connections(siege, 2000, "POST / HTTP/1.1\r\nHos");
        siege.wait_for_honest(100);
        assert!(held.iter_mut().all(|client| client.rest().is_empty()), "the deadline for a head closes them");
    });
}

#[test]
fn silent_connections_do_not_delay_honest_senders() {
    Siege::run("2,000 silent connections", |siege| {
        let held = hold_connections(siege, 2000, "");
        siege.wait_for_honest(100);
        drop(held);
    });
}

#[test]
fn connections_over_the_limit_evict_those_without_an_answer() {
    Siege::run("6,000 connections", |siege| {
        let mut held = hold_connections(siege, 6000, "POST / HTTP/1.1\r\nHos");
        siege.wait_for_honest(100);
        assert!(held[0].rest().is_empty());
    });
}

#[test]
fn idle_connections_that_were_answered_are_evicted_too() {
    let target = Target::start_by("ulimit -n 256; exec \"$0\" \"$@\"", &[]);
    Siege::against("600 known connections that idle", target, |siege| {
        let mut answered = hold_connections(siege, 600, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        siege.wait_for_honest(50);
        // Each was answered or evicted.
        answered.iter_mut().for_each(|client| drop(client.try_answer()));
        for _ in 0..300 {
            drop(siege.target.client());
        }
        siege.wait_for_honest(50);
    });
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out_and_stay_open_while_there_is_room() {
    Siege::run("1,000 answered connections that idle", |siege| {
        let mut answered = hold_connections(siege, 1000, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        answered.iter_mut().for_each(|client| assert_eq!(client.answer().status, 405));
        siege.wait_for_honest(100);
        for client in &mut answered {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(client.answer().status, 405, "it is still open");
        }
    });
}

#[test]
fn bodies_that_drip_do_not_delay_honest_senders() {
    Siege::run("300 bodies that drip", |siege| {
        let mut clients = hold_connections(siege, 300, post("Content-Length: 100\r\n", ""));
        for _ in 0..50 {
            clients.iter_mut().for_each(|client| drop(client.try_send("a")));
            siege.wait_for_honest(1);
        }
    });
}

#[test]
fn large_bodies_that_stall_take_limited_memory() {
    Siege::run("1,000 bodies of 1 MiB that stall", |siege| {
        let start = post("Content-Length: 1048576\r\n", vec![b'a'; 900_000]);
        let clients: Vec<_> = (0..connection_count(1000))
            .map(|_| {
                let client = siege.target.client();
                client.stream().set_nonblocking(true).unwrap();
                (client, 0)
            })
            .collect();
        let mut clients = clients;
        for _ in 0..20 {
            for (client, sent) in &mut clients {
                while let Ok(more) = std::io::Write::write(&mut client.stream(), &start[*sent..])
                    && more > 0
                {
                    *sent += more;
                }
            }
            siege.wait_for_honest(3);
        }
    });
}

#[test]
fn connections_that_vanish_leave_no_resources_behind() {
    Siege::run("3,000 connections that vanish", |siege| {
        for number in 0..1000 {
            drop(siege.target.client());
            let mut client = siege.target.client();
            client.send(signed());
            if number % 4 == 0 {
                // Closing with an unread answer sends a reset.
                client.stream().peek(&mut [0]).unwrap();
            }
            drop(client);
            siege.target.client().send("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
        }
    });
}

#[test]
fn a_low_descriptor_limit_does_not_stop_the_listener() {
    for limit in ["256", "24"] {
        let target = Target::start_by(&format!("ulimit -n {limit}; exec \"$0\" \"$@\""), &[]);
        let before = target.footprint().map(|footprint| footprint.descriptors);
        Siege::against(&format!("600 connections with {limit} descriptors"), target, |siege| {
            let held = hold_connections(siege, 600, "POST / HTTP/1.1\r\nHos");
            siege.wait_for_honest(50);
            drop(held);
            siege.wait_for_honest(50);
            let descriptors = || siege.target.footprint().map(|footprint| footprint.descriptors);
            // The listener closes them as it notices. Honest requests serve as the clock.
            let few = (0..1000).find(|_| {
                siege.wait_for_honest(1);
                descriptors() <= before.map(|before| before + 4)
            });
            assert!(few.is_some(), "{:?} descriptors, {before:?} before", descriptors());
        });
    }
}

#[test]
fn clients_that_never_read_do_not_delay_honest_senders() {
    Siege::run("8 clients that pipeline and never read", |siege| {
        let requests = [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], &signed()].concat().repeat(2000);
        let stuck: Vec<_> = (0..8)
            .map(|_| {
                let client = siege.target.client();
                client.stream().set_write_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
                let mut stream = client.stream();
                let sent = (0..40).take_while(|_| std::io::Write::write_all(&mut stream, &requests).is_ok()).count();
                assert!(sent < 40, "a client that never reads is not served for ever");
                client
            })
            .collect();
        siege.wait_for_honest(50);
        drop(stuck);
    });
}
