//! Requests to plain HTTP servers on this machine: their bytes, and how connections are reused.

use super::*;
use std::sync::mpsc;

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Opened,
    Request(String, Vec<u8>),
    Closed,
}

/// Starts a server that answers each request with `answer` of its number on the connection, until
/// that returns `None`.
fn recording_server(
    answer: impl Fn(usize) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> (SocketAddr, mpsc::Receiver<Seen>) {
    let (tell, seen) = mpsc::channel();
    let address = start_server(move |stream| {
        let _ = tell.send(Seen::Opened);
        let mut stream = BufReader::new(stream);
        for number in 0.. {
            let Some((head, body)) = read_request(&mut stream) else { break };
            let _ = tell.send(Seen::Request(head, body));
            let Some(answer) = answer(number) else { break };
            if stream.get_mut().write_all(&answer).is_err() {
                break;
            }
        }
        drop(stream);
        let _ = tell.send(Seen::Closed);
    });
    (address, seen)
}

fn headers(text: &str) -> Headers {
    Headers::read(text.chars().map(|letter| letter as u8).collect()).unwrap()
}

fn posts(address: SocketAddr, count: u64) -> Vec<OutgoingRequest> {
    (0..count).map(|number| outgoing(number, address, Request::post("/", b"x".to_vec()))).collect()
}

fn statuses(sent: &[SentRequest]) -> Vec<Option<u16>> {
    sent.iter().map(|one| one.answer.as_ref().ok().map(|answer| answer.status.0)).collect()
}

/// Counts the opened connections and the requests so far.
fn counts(seen: &mpsc::Receiver<Seen>) -> (usize, usize) {
    let seen: Vec<Seen> = seen.try_iter().collect();
    let count = |is: fn(&&Seen) -> bool| seen.iter().filter(is).count();
    (count(|one| matches!(one, Seen::Opened)), count(|one| matches!(one, Seen::Request(..))))
}

#[test]
fn a_head_is_sent_byte_for_byte_except_for_its_length() {
    let (address, seen) =
        recording_server(|_| Some(b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nfine".to_vec()));
    let text = "X-B: 1\r\nhOsT: elsewhere\r\nx-a:2\r\nContent-length: 9\r\nX-b:  caf\u{e9} \r\nX-A: 3\r\nx-B: 4\r\n";
    let request =
        Request { method: "Put".to_owned(), headers: headers(text), ..Request::post("/own", b"\0\xff\r\n".to_vec()) };
    let sent = send_requests(&OPTIONS, vec![outgoing(1, address, request)]);
    assert_eq!(status_and_body(sent[0].answer.clone()), Ok((202, b"fine".to_vec())));
    assert_eq!(seen.recv(), Ok(Seen::Opened));
    let head = format!("Put /hook?a=b HTTP/1.1\r\n{}\r\n", text.replace(": 9", ": 4"));
    assert_eq!(seen.recv(), Ok(Seen::Request(head, b"\0\xff\r\n".to_vec())));
}

#[test]
fn a_request_without_host_and_length_gets_them() {
    let (address, seen) = recording_server(|_| Some(NO_CONTENT.into()));
    let request = Request { headers: headers("A: 1\r\n"), ..Request::post("/", b"x".to_vec()) };
    assert_eq!(statuses(&send_requests(&OPTIONS, vec![outgoing(1, address, request)])), [Some(204)]);
    assert_eq!(seen.recv(), Ok(Seen::Opened));
    let head = format!("POST /hook?a=b HTTP/1.1\r\nHost: {address}\r\nA: 1\r\nContent-Length: 1\r\n\r\n");
    assert_eq!(seen.recv(), Ok(Seen::Request(head, b"x".to_vec())));
}

#[test]
fn a_large_body_arrives_whole() {
    let (address, seen) = recording_server(|_| Some(NO_CONTENT.into()));
    let body: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    send_requests(&OPTIONS, vec![outgoing(1, address, Request::post("/", body.clone()))]);
    let arrived = seen.iter().find_map(|one| if let Seen::Request(_, body) = one { Some(body) } else { None });
    assert!(arrived == Some(body));
}

#[test]
fn a_connection_is_reused_after_every_form_of_answer() {
    let forms = [
        NO_CONTENT.to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n".to_owned(),
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc"
            .to_owned(),
        format!("HTTP/1.1 500 No\r\nContent-Length: 9000\r\n\r\n{}", "a".repeat(9000)),
    ];
    let (address, seen) = recording_server(move |number| forms.get(number).map(|form| form.clone().into_bytes()));
    let sent = send_requests(&OPTIONS, posts(address, 5));
    assert_eq!(statuses(&sent), [Some(204), Some(200), Some(200), Some(404), Some(500)]);
    let bodies: Vec<&[u8]> = sent.iter().map(|one| &*one.answer.as_ref().unwrap().body).collect();
    assert_eq!(bodies, [&b""[..], b"", b"abc", b"abc", &[b'a'; 9000]]);
    assert_eq!(counts(&seen), (1, 5));
}

#[test]
fn an_answer_to_head_has_no_body() {
    let (address, seen) = recording_server(|_| Some(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec()));
    let head = || Request { method: "HEAD".to_owned(), ..Request::post("/", Vec::new()) };
    let sent = send_requests(&OPTIONS, vec![outgoing(0, address, head()), outgoing(1, address, head())]);
    assert_eq!(statuses(&sent), [Some(200), Some(200)]);
    assert_eq!(counts(&seen), (1, 2));
}

#[test]
fn there_are_no_more_connections_than_concurrent_requests() {
    let (address, seen) = recording_server(|_| Some(NO_CONTENT.into()));
    let sent = send_requests(&SendOptions { concurrency: 4, ..OPTIONS }, posts(address, 200));
    assert_eq!(statuses(&sent), [Some(204); 200]);
    let (opened, requests) = counts(&seen);
    assert!(opened <= 4 && requests == 200, "{opened} connections, {requests} requests");
}

#[test]
fn a_connection_to_another_server_replaces_an_idle_one() {
    let (first, seen) = recording_server(|_| Some(NO_CONTENT.into()));
    let second = server_with_answer(NO_CONTENT);
    let sent = send_requests(&OPTIONS, [posts(first, 1), posts(second, 1), posts(first, 1)].concat());
    assert_eq!(statuses(&sent), [Some(204); 3]);
    assert_eq!(seen.iter().nth(2), Some(Seen::Closed));
}

#[test]
fn a_connection_that_was_closed_while_idle_is_replaced() {
    let (tell, closed) = mpsc::channel();
    let address = start_server(move |stream| {
        let mut stream = BufReader::new(stream);
        read_request(&mut stream).unwrap();
        stream.get_mut().write_all(NO_CONTENT.as_bytes()).unwrap();
        drop(stream);
        let _ = tell.send(());
    });
    let (mut requests, mut sent) = (posts(address, 20).into_iter(), Vec::new());
    let mut next = || {
        let next = requests.next();
        if next.as_ref().is_some_and(|next| next.number > 0) {
            closed.recv().unwrap();
        }
        next.into()
    };
    send(&OPTIONS, Interrupt::from_sender(&watch::Sender::new(0)), &mut next, &mut |one| sent.push(one)).unwrap();
    assert_eq!(statuses(&sent), [Some(204); 20]);
}

#[test]
fn a_request_that_was_sent_but_not_answered_is_not_sent_again() {
    let (address, seen) = recording_server(|number| (number == 0).then(|| NO_CONTENT.into()));
    let sent = send_requests(&OPTIONS, posts(address, 2));
    assert_eq!(statuses(&sent), [Some(204), None]);
    assert_eq!(sent[1].answer, Err(SendFailure::Broken(CLOSED_UNANSWERED.to_owned())));
    assert_eq!(counts(&seen), (1, 2));
}

#[test]
fn connection_close_ends_the_connection() {
    let (address, seen) = recording_server(|_| Some(NO_CONTENT.into()));
    let last = || Request { headers: headers("Connection: close\r\n"), ..Request::post("/", Vec::new()) };
    let sent = send_requests(&OPTIONS, vec![outgoing(0, address, last()), outgoing(1, address, last())]);
    assert_eq!(statuses(&sent), [Some(204), Some(204)]);
    assert_eq!(counts(&seen), (2, 2));
}

#[test]
fn an_answer_before_the_end_of_the_body_is_read() {
    let address = start_server(|mut stream| {
        let mut start = [0; 100];
        stream.read_exact(&mut start).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    });
    let request = |number| outgoing(number, address, Request::post("/", vec![b'a'; 20_000_000]));
    let sent = send_requests(&OPTIONS, vec![request(0), request(1)]);
    assert_eq!(statuses(&sent), [Some(413), Some(413)]);
}

#[test]
fn an_answer_that_stalls_times_out_and_keeps_its_start() {
    let (hold, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let address = start_server(move |mut stream| {
        // hyper ignores an answer that arrives before the request.
        stream.read_exact(&mut [0; 20]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").unwrap();
        let _ = held.lock().unwrap().recv();
    });
    let options = SendOptions { timeout: Duration::from_millis(100), ..OPTIONS };
    let Err(SendFailure::Cut { start, .. }) = send_one(&options, address) else {
        panic!("expected a truncated answer")
    };
    assert_eq!(start.body, b"ab");
    drop(hold);
}

#[test]
fn an_invalid_method_is_not_sent() {
    for method in ["", "A B", "GET / HTTP/1.1\r\nX:", "CONNECT"] {
        let (address, seen) = recording_server(|_| Some(NO_CONTENT.into()));
        let request = Request { method: method.to_owned(), ..Request::post("/", Vec::new()) };
        let sent = send_requests(&OPTIONS, vec![outgoing(1, address, request)]);
        assert!(matches!(&sent[0].answer, Err(SendFailure::Broken(_))), "{sent:?}");
        assert_eq!(counts(&seen), (0, 0));
    }
}

#[test]
fn many_tasks_share_one_client() {
    let (address, seen) = recording_server(|_| Some(NO_CONTENT.into()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = HttpClient::default();
    let options =
        ExchangeOptions { timeout: OPTIONS.timeout, certificates: CertificateCheck::Verify, max_body: 65_536 };
    let mut tasks = JoinSet::new();
    for batch in 0..8 {
        let client = client.clone();
        let batch: Vec<OutgoingRequest> =
            posts(address, 50).into_iter().map(|one| OutgoingRequest { number: batch, ..one }).collect();
        tasks.spawn_on(
            async move {
                for outgoing in batch {
                    let sent = client.exchange(outgoing, options).await.unwrap();
                    assert_eq!(status_and_body(sent.answer), Ok((204, Vec::new())));
                }
            },
            runtime.handle(),
        );
    }
    runtime.block_on(tasks.join_all());
    let (opened, requests) = counts(&seen);
    assert!(opened <= 8 && requests == 400, "{opened} connections, {requests} requests");
}
