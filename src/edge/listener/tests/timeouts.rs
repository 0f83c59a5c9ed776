//! Slow clients, deadlines, the connection limit, shutdown and interrupts.

use super::*;

#[test]
fn incomplete_heads_do_not_block_other_clients() {
    let mut listener = Setup::default().start();
    let held: Vec<Client> = (0..200)
        .map(|_| {
            let mut client = Client::connect(&listener);
            client.send("POST / HTTP/1.1\r\nHos");
            client
        })
        .collect();
    let mut client = Client::connect(&listener);
    client.send(post("good"));
    assert_eq!(client.answer().status, 200);
    received(&mut listener);
    drop(held);
}

#[test]
fn over_the_limit_the_oldest_connection_without_an_answer_is_evicted() {
    let mut listener = Setup { max_connections: 4, ..Setup::default() }.start();
    let mut answered = Client::connect(&listener);
    answered.send(post("good"));
    assert_eq!(answered.answer().status, 200);
    let mut new: Vec<Client> = (0..3).map(|_| Client::connect(&listener)).collect();
    let mut client = Client::connect(&listener);
    client.send(post("good"));
    assert_eq!(client.answer().status, 200);
    assert!(new[0].is_closed());
    answered.send(post("good"));
    assert_eq!(answered.answer().status, 200, "a connection that was answered stays");
    (0..3).for_each(|_| drop(received(&mut listener)));
}

#[test]
fn incomplete_bodies_do_not_block_other_clients() {
    let mut listener = Setup { max_connections: 4, ..Setup::default() }.start();
    let framings = ["Content-Length: 9\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n9\r\n"];
    let held: Vec<Client> = (0..8)
        .map(|number| {
            let mut client = Client::connect(&listener);
            client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{}goo", framings[number % 2]));
            client
        })
        .collect();
    let mut client = Client::connect(&listener);
    client.send(post("good"));
    assert_eq!(client.answer().status, 200);
    received(&mut listener);
    drop(held);
}

#[test]
fn a_head_that_is_not_complete_in_time_ends_the_connection() {
    let timeouts = Timeouts { head: Duration::from_millis(100), ..Timeouts::default() };
    let listener = Setup { timeouts, ..Setup::default() }.start();
    let mut half = Client::connect(&listener);
    half.send("POST / HTTP/1.1\r\nHost:");
    let mut silent = Client::connect(&listener);
    let mut second = Client::connect(&listener);
    second.send(post("bad"));
    second.answer();
    second.send("POST / HTTP/1.1\r\nHost:");
    assert!(half.is_closed());
    assert!(silent.is_closed());
    assert!(second.is_closed());
}

#[test]
fn an_answered_connection_may_idle_much_longer_than_a_head_may_take() {
    let timeouts = Timeouts { head: Duration::from_millis(100), ..Timeouts::default() };
    let mut listener = Setup { timeouts, ..Setup::default() }.start();
    let mut answered = Client::connect(&listener);
    answered.send(post("good"));
    answered.answer();
    for _ in 0..3 {
        // Each of these is closed after the time of a head, and measures it.
        assert!(Client::connect(&listener).is_closed());
    }
    answered.send(post("good"));
    assert_eq!(answered.answer().status, 200);
    (0..2).for_each(|_| drop(received(&mut listener)));
}

#[test]
fn an_answered_connection_is_closed_after_its_idle_time() {
    let timeouts = Timeouts { idle: Duration::from_millis(100), ..Timeouts::default() };
    let listener = Setup { timeouts, ..Setup::default() }.start();
    let mut idle = Client::connect(&listener);
    idle.send(post("bad"));
    idle.answer();
    assert!(idle.is_closed());
}

#[test]
fn idle_connections_do_not_keep_a_newcomer_out() {
    let mut listener = Setup { max_connections: 50, ..Setup::default() }.start();
    let answered: Vec<_> = (0..150)
        .map(|number| {
            let mut client = Client::connect(&listener);
            client.send(post("bad"));
            let answer = client.answer();
            let is_full = number >= 49;
            assert_eq!(answer.head.contains("keep-alive"), !is_full, "{number}: announced while slots are free");
            received(&mut listener);
            client
        })
        .collect();
    let mut client = Client::connect(&listener);
    client.send(post("good"));
    assert_eq!(client.answer().status, 200);
    drop(answered);
}

#[test]
fn a_body_that_is_not_complete_in_time_gets_408() {
    let timeouts = Timeouts { body: Duration::from_millis(100), ..Timeouts::default() };
    let mut listener = Setup { timeouts, ..Setup::default() }.start();
    let mut client = Client::connect(&listener);
    client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\ngood");
    assert_eq!(client.answer().status, 408);
    assert_eq!(rejected(&mut listener).refusal.status(), 408);
    assert!(client.is_closed());
}

#[test]
fn a_client_that_never_reads_is_disconnected() {
    let timeouts = Timeouts { write: Duration::from_millis(100), ..Timeouts::default() };
    let listener = Setup { timeouts, ..Setup::default() }.start();
    let mut client = Client::connect(&listener);
    let requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
    let stream = client.0.get_mut();
    let sent = (0..10_000).try_for_each(|_| stream.write_all(requests.as_bytes()));
    let error = sent.unwrap_err().kind();
    assert!(matches!(error, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe), "{error}");
}

#[test]
fn a_full_event_queue_gets_503_with_retry_after() {
    let timeouts = Timeouts { queue: Duration::from_millis(100), ..Timeouts::default() };
    let mut listener = Setup { timeouts, ..Setup::default() }.start();
    let mut client = Client::connect(&listener);
    for _ in 0..EVENT_QUEUE {
        client.send(post("good"));
        assert_eq!(client.answer().status, 200);
    }
    client.send(post("good"));
    let answer = client.answer();
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 1\r\n"));
    (0..EVENT_QUEUE).for_each(|_| drop(received(&mut listener)));
    client.send(post("good"));
    assert_eq!(client.answer().status, 200);
}

#[test]
fn closing_finishes_open_requests_and_closes_idle_connections() {
    let mut listener = Setup::default().start();
    let mut idle = Client::connect(&listener);
    idle.send(post("bad"));
    idle.answer();
    received(&mut listener);
    let mut client = Client::connect(&listener);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.answer().status, 100);
    listener.close();
    assert!(idle.is_closed());
    client.send("good");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("connection: close\r\n"));
    assert!(TcpStream::connect(listener.address()).is_err());
    received(&mut listener);
    for _ in 0..2 {
        assert!(matches!(listener.next(None), ListenerEvent::Closed));
    }
}

#[test]
fn closing_has_a_time_limit() {
    let timeouts = Timeouts { close: Duration::from_millis(100), ..Timeouts::default() };
    let mut listener = Setup { timeouts, ..Setup::default() }.start();
    let mut client = Client::connect(&listener);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    client.answer();
    listener.close();
    assert!(matches!(listener.next(None), ListenerEvent::Closed));
}

#[test]
fn dropping_the_listener_closes_everything() {
    let listener = Setup::default().start();
    let address = listener.address();
    let mut client = Client::connect(&listener);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    client.answer();
    drop(listener);
    assert!(client.is_closed());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_panic_over_one_request_ends_only_its_connection() {
    let mut listener = Setup::default().start();
    let mut client = Client::connect(&listener);
    client.send("POST /panic HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert!(client.is_closed());
    let mut client = Client::connect(&listener);
    client.send(post("good"));
    assert_eq!(client.answer().status, 200);
    received(&mut listener);
    assert_nothing_more(listener);
}

#[test]
fn an_interrupt_is_reported_once_and_before_other_events() {
    let (mut listener, signals) = Setup::default().start_with(watch::Sender::new(0));
    let mut client = Client::connect(&listener);
    client.send(post("good"));
    client.answer();
    signals.send_modify(|count| *count += 1);
    assert!(matches!(listener.next(None), ListenerEvent::Interrupted));
    received(&mut listener);
    assert!(matches!(listener.next(Some(Duration::ZERO)), ListenerEvent::TimedOut));
}

#[test]
fn an_interrupt_ends_waiting() {
    let (mut listener, signals) = Setup::default().start_with(watch::Sender::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| signals.send_modify(|count| *count += 1));
        assert!(matches!(listener.next(None), ListenerEvent::Interrupted));
    });
}

#[test]
fn an_address_in_use_is_an_error_with_a_hint() {
    let listener = Setup::default().start();
    let options = ListenOptions {
        addresses: listener.address().to_string().parse::<BindHost>().unwrap().with_port(0),
        max_body: 1,
        ack_policy: AckPolicy::Verified,
        store: None,
        refused_limit: 64 << 20,
        forward: None,
        secret_sources: Vec::new(),
        answers: Vec::new(),
    };
    let interrupt = Interrupt::from_sender(&watch::Sender::new(0));
    let Err(error) = start(&options, Arc::new(verify), Timeouts::default(), interrupt) else { panic!("it started") };
    assert_eq!(error.message, format!("can't listen on {}", listener.address()));
    assert!(error.hint.is_some_and(|hint| hint.contains("--port 0") && hint.contains("another `whtool listen`")));
}
