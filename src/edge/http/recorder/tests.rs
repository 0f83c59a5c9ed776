use super::*;

const HEAD: &[u8] = b"X-Twice: 1\r\nhOsT: a\r\nx-twice:2\r\nX-Name: caf\xe9 \xc3\xa9\r\nContent-Length: 3\r\n";

fn request(body: &[u8]) -> Vec<u8> {
    [b"POST /a?b=%20c HTTP/1.1\r\n", HEAD, b"\r\n", body].concat()
}

fn heads(recorder: &Recorder) -> Vec<Head> {
    std::iter::from_fn(|| recorder.take()).map(|head| head.expect("the head is valid")).collect()
}

#[test]
fn a_head_is_copied_byte_for_byte_however_it_arrives() {
    let wire = request(b"a\nb");
    for size in 1..wire.len() {
        let recorder = Recorder::new();
        wire.chunks(size).for_each(|chunk| _ = recorder.feed(chunk));
        let heads = heads(&recorder);
        assert_eq!(heads.len(), 1);
        assert_eq!((heads[0].method.as_str(), heads[0].target.as_str()), ("POST", "/a?b=%20c"));
        assert_eq!(heads[0].headers.as_bytes(), HEAD);
        assert_eq!(heads[0].after, AfterRequest::Recorded);
    }
}

#[test]
fn pipelined_requests_are_taken_one_by_one() {
    let wire = [request(b"\r\n\n"), b"\r\nGET / HTTP/1.0\r\n\r\n".to_vec(), request(b"abc")].concat();
    for size in [1, 2, 7, 100, wire.len()] {
        let recorder = Recorder::new();
        wire.chunks(size).for_each(|chunk| _ = recorder.feed(chunk));
        let heads = heads(&recorder);
        assert_eq!(heads.iter().map(|head| head.method.as_str()).collect::<Vec<_>>(), ["POST", "GET", "POST"]);
        assert_eq!(heads[1].headers.as_bytes(), b"");
        assert_eq!(heads[2].headers.as_bytes(), HEAD);
    }
}

#[test]
fn lines_may_end_in_a_bare_line_feed() {
    let recorder = Recorder::new();
    recorder.feed(b"POST / HTTP/1.0\nA: 1\n\nGET /2 HTTP/1.0\n\n");
    let heads = heads(&recorder);
    assert_eq!(heads[0].headers.as_bytes(), b"A: 1\n");
    assert_eq!(heads[1].target, "/2");
}

#[test]
fn nothing_is_recorded_after_a_chunked_request() {
    let recorder = Recorder::new();
    recorder.feed(
        b"POST / HTTP/1.1\r\nHost: a\r\ntransfer-ENCODING: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    );
    let heads = heads(&recorder);
    assert_eq!(heads.len(), 1);
    assert_eq!(heads[0].after, AfterRequest::Lost);
    assert!(recorder.may_still_send());
}

#[test]
fn a_transfer_coding_overrides_a_length_before_and_after_it() {
    let (coding, length) = ("Transfer-Encoding: chunked\r\n", "Content-Length: 1\r\n");
    for lines in [[coding, length], [length, coding]] {
        let recorder = Recorder::new();
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{}\r\n", lines.concat());
        recorder.feed(format!("{head}5\r\n\nGET / HTTP/1.1\r\n\r\n").as_bytes());
        let heads = heads(&recorder);
        assert_eq!((heads.len(), heads[0].after), (1, AfterRequest::Lost));
    }
}

#[test]
fn an_endless_head_takes_no_more_memory_than_a_large_one() {
    let recorder = Recorder::new();
    recorder.feed(b"GET /a HTTP/1.1\r\nA: ");
    let fed: Vec<_> = (0..100).map(|_| recorder.feed(&[b'a'; 8192])).collect();
    assert_eq!(fed[..3], [Fed::Complete(0), Fed::Refused(0), Fed::Discarded]);
    let refused = RefusedHead { request: "GET /a".to_owned(), refusal: Refusal::HeadTooLarge };
    assert_eq!(recorder.take(), Some(Err(refused)));
    assert!(recorder.buffer().bytes.capacity() <= 2 * MAX_HEAD);
}

#[test]
fn taken_heads_hold_no_memory() {
    let recorder = Recorder::new();
    for _ in 0..10_000 {
        recorder.feed(&request(b"abc"));
        assert!(recorder.take().is_some());
    }
    assert!(recorder.buffer().bytes.capacity() <= 4096);
}

#[test]
fn a_connection_is_idle_until_its_request_is_complete_and_after_the_answer() {
    let recorder = Recorder::new();
    recorder.feed(&request(b"ab"));
    recorder.take();
    assert_eq!(recorder.idle().map(|idle| idle.was_answered), Some(false));
    recorder.request_complete();
    assert!(recorder.idle().is_none());
    recorder.answered();
    assert_eq!(recorder.idle().map(|idle| idle.was_answered), Some(true));
}

#[test]
fn hyper_sees_only_complete_heads_and_what_follows_them() {
    let recorder = Recorder::new();
    let wire = request(b"abc");
    let (start, rest) = wire.split_at(30);
    assert_eq!(recorder.feed(start), Fed::Complete(0));
    assert_eq!(recorder.feed(rest), Fed::Complete(rest.len()));
    assert_eq!(recorder.feed(&[&wire[..], start].concat()), Fed::Complete(wire.len()));
}

#[test]
fn a_refused_head_is_queued_after_those_before_it_however_it_arrives() {
    let refused = b"PUT /b HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nrest";
    let wire = [&request(b"abc")[..], refused].concat();
    for size in 1..=wire.len() {
        let recorder = Recorder::new();
        let fed: Vec<_> = wire.chunks(size).map(|chunk| recorder.feed(chunk)).collect();
        assert_eq!(fed.iter().filter(|fed| matches!(fed, Fed::Refused(_))).count(), 1, "{size}");
        assert_eq!(recorder.take().map(|head| head.map(|head| head.method)), Some(Ok("POST".to_owned())));
        let expected = RefusedHead { request: "PUT /b".to_owned(), refusal: Refusal::TwoHosts };
        assert_eq!(recorder.take(), Some(Err(expected)), "{size}");
        assert_eq!(recorder.take(), None);
        assert_eq!(recorder.feed(&request(b"abc")), Fed::Discarded);
        assert!(recorder.may_still_send());
    }
}

#[test]
fn another_protocol_is_refused_at_its_first_line() {
    for (bytes, refusal) in [
        (&b"\x16\x03\x01"[..], Refusal::Tls),
        (b"PRI * HTTP/2.0\r\n", Refusal::Http2),
        (b"EHLO a\r\n", Refusal::NotHttp),
        (b"GET / HTTP/1.2\n", Refusal::Version),
    ] {
        let recorder = Recorder::new();
        assert_eq!(recorder.feed(bytes), Fed::Refused(0));
        assert_eq!(recorder.take().unwrap().unwrap_err().refusal, refusal);
    }
}

#[test]
fn endless_line_ends_are_refused() {
    let recorder = Recorder::new();
    assert_eq!(recorder.feed(&[b'\n'; MAX_BLANK]), Fed::Complete(MAX_BLANK));
    assert_eq!(recorder.feed(b"\n"), Fed::Refused(0));
}

#[test]
fn a_connection_waits_for_a_head_then_for_another_request() {
    let wait = |recorder: &Recorder| recorder.head_wait().map(|(wait, _)| wait);
    let recorder = Recorder::new();
    assert_eq!(wait(&recorder), Some(HeadWait::Head), "a new connection gets no more time than a head");
    let began = recorder.head_wait();
    recorder.feed(b"POST ");
    assert_eq!(recorder.head_wait(), began, "the time counts from the start of the connection");
    recorder.feed(b"/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
    assert_eq!(wait(&recorder), None);
    recorder.feed(b"a");
    recorder.request_complete();
    assert_eq!(wait(&recorder), None);
    recorder.answered();
    let (next, since) = recorder.head_wait().unwrap();
    assert_eq!(next, HeadWait::NextRequest);
    recorder.feed(b"\r\n");
    assert_eq!(recorder.head_wait(), Some((HeadWait::NextRequest, since)), "line ends are no request");
    recorder.feed(b"P");
    let (next, began) = recorder.head_wait().unwrap();
    assert!(next == HeadWait::Head && began >= since);
}
