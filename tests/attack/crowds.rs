//! Many connections that hold on to something: places, descriptors, half a head, half a body.

use super::siege::Siege;
use super::target::{Client, Target, post, signed};

/// As many connections as are wanted and as this process may have beside those of other tests.
fn crowd_of(wanted: usize) -> usize {
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

fn held(siege: &Siege, count: usize, bytes: impl AsRef<[u8]>) -> Vec<Client> {
    (0..crowd_of(count))
        .map(|_| {
            let mut client = siege.target.client();
            client.send(bytes.as_ref());
            client
        })
        .collect()
}

#[test]
fn half_heads_that_are_held_are_dropped_and_delay_nobody() {
    Siege::of("2,000 half heads", |siege| {
        let mut held = held(siege, 2000, "POST / HTTP/1.1\r\nHos");
        siege.see_honest_served(100);
        assert!(held.iter_mut().all(|client| client.rest().is_empty()), "the deadline for a head closes them");
    });
}

#[test]
fn silent_connections_delay_nobody() {
    Siege::of("2,000 silent connections", |siege| {
        let held = held(siege, 2000, "");
        siege.see_honest_served(100);
        drop(held);
    });
}

#[test]
fn more_connections_than_places_cost_only_strangers_theirs() {
    Siege::of("6,000 connections", |siege| {
        let mut held = held(siege, 6000, "POST / HTTP/1.1\r\nHos");
        siege.see_honest_served(100);
        assert!(held[0].rest().is_empty());
    });
}

/// Known connections are not strangers, but they do not own the place either.
#[test]
fn a_crowd_that_was_answered_once_makes_room_too() {
    let target = Target::start_by("ulimit -n 256; exec \"$0\" \"$@\"", &[]);
    Siege::against("600 known connections that idle", target, |siege| {
        let mut known = held(siege, 600, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        siege.see_honest_served(50);
        // Answered or sent away: all of them had their turn.
        known.iter_mut().for_each(|client| drop(client.try_answer()));
        for _ in 0..300 {
            drop(siege.target.client());
        }
        siege.see_honest_served(50);
    });
}

#[test]
fn bodies_that_drip_delay_nobody() {
    Siege::of("300 bodies that drip", |siege| {
        let mut clients = held(siege, 300, post("Content-Length: 100\r\n", ""));
        for _ in 0..50 {
            clients.iter_mut().for_each(|client| drop(client.try_send("a")));
            siege.see_honest_served(1);
        }
    });
}

#[test]
fn large_bodies_that_stall_take_bounded_memory() {
    Siege::of("1,000 bodies of 1 MiB that stall", |siege| {
        let start = post("Content-Length: 1048576\r\n", vec![b'a'; 900_000]);
        let clients: Vec<_> = (0..crowd_of(1000))
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
            siege.see_honest_served(3);
        }
    });
}

#[test]
fn connections_that_vanish_leave_nothing_behind() {
    Siege::of("3,000 connections that vanish", |siege| {
        for number in 0..1000 {
            drop(siege.target.client());
            let mut client = siege.target.client();
            client.send(signed());
            if number % 4 == 0 {
                // With an answer that was not read, closing is a reset.
                client.stream().peek(&mut [0]).unwrap();
            }
            drop(client);
            siege.target.client().send("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
        }
    });
}

#[test]
fn fewer_descriptors_than_connections_end_nothing() {
    for limit in ["256", "24"] {
        let target = Target::start_by(&format!("ulimit -n {limit}; exec \"$0\" \"$@\""), &[]);
        let before = target.footprint().map(|footprint| footprint.descriptors);
        Siege::against(&format!("600 connections with {limit} descriptors"), target, |siege| {
            let held = held(siege, 600, "POST / HTTP/1.1\r\nHos");
            siege.see_honest_served(50);
            drop(held);
            siege.see_honest_served(50);
            let descriptors = || siege.target.footprint().map(|footprint| footprint.descriptors);
            // They are given back as the listener notices; the honest ones are the clock.
            let few = (0..1000).find(|_| {
                siege.see_honest_served(1);
                descriptors() <= before.map(|before| before + 4)
            });
            assert!(few.is_some(), "{:?} descriptors, {before:?} before", descriptors());
        });
    }
}

#[test]
fn a_client_that_never_reads_is_nobodys_burden() {
    Siege::of("8 clients that pipeline and never read", |siege| {
        let requests = [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], &signed()].concat().repeat(2000);
        let stuck: Vec<_> = (0..8)
            .map(|_| {
                let client = siege.target.client();
                client.stream().set_write_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
                let mut stream = client.stream();
                let sent = (0..40).take_while(|_| std::io::Write::write_all(&mut stream, &requests).is_ok()).count();
                assert!(sent < 40, "a client that reads nothing is not served without end");
                client
            })
            .collect();
        siege.see_honest_served(50);
        drop(stuck);
    });
}
