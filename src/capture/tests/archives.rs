//! HTTP archives, from Chrome and from other tools.

use super::*;

fn read(file: &str) -> Vec<Result<Capture, CaptureError>> {
    read_file(file.as_bytes(), &Resources::NONE).unwrap().captures
}

/// Builds an archive with one entry.
fn entry(request: &str) -> String {
    format!(r#"{{"log":{{"version":"1.2","entries":[{{"request":{request}}}]}}}}"#)
}

#[test]
fn an_export_from_chrome_is_read_entry_by_entry() {
    let archive = read_file(HAR.as_bytes(), &Resources::NONE).unwrap();
    let [Ok(post)] = archive.captures.as_slice() else { panic!("{archive:#?}") };
    assert_eq!(archive.skipped, 2, "a page and a form are no webhooks");
    let request = &post.delivery.request;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/hooks/plexos?tenant=cv"));
    assert_eq!(request.body, r#"{"id":"evt_1","type":"payment.debited","name":"Évora"}"#.as_bytes());
    assert_eq!(request.headers.len(), 4, "without the pseudo-headers");
    assert_eq!(request.headers.get("x-plexos-timestamp"), Some(&b"1736937000"[..]));
    assert_eq!(post.delivery.arrived, Some("2025-01-15T10:30:00.123Z".parse().unwrap()));
    assert_eq!((post.location, post.notes.as_slice()), (Location::Entry(1), &[][..]));
}

#[test]
fn a_body_in_base64_is_decoded() {
    let with = |text: &str| {
        let data = format!(r#"{{"mimeType":"x","text":"{text}","encoding":"base64"}}"#);
        read(&entry(&format!(r#"{{"method":"POST","url":"http://h/","headers":[],"postData":{data}}}"#))).remove(0)
    };
    assert_eq!(with("/wD+").unwrap().delivery.request.body, b"\xff\x00\xfe");
    let plain = with("?").unwrap();
    assert_eq!((plain.delivery.request.body, plain.notes), (b"?".to_vec(), vec![Note::NotBase64]));
}

#[test]
fn a_body_of_another_length_is_noted() {
    let request = r#"{"method":"POST","url":"http://h/","headers":[{"name":"Content-Length","value":"3"}],
        "bodySize":9,"postData":{"mimeType":"x","text":"é"}}"#;
    let capture = read(&entry(request)).remove(0).unwrap();
    assert_eq!(capture.notes, [Note::LengthDiffers { declared: 3, actual: 2 }]);
}

#[test]
fn an_entry_that_is_not_a_request_is_an_error_of_its_entry() {
    let header = r#"[{"name":"X-Signature","value":"1"}]"#;
    let all = read(
        &r#"{"log":{"entries":[{}, {"request":{"method":"POST","url":"ftp://h/","headers":H}},
        {"request":{"method":"A B","url":"http://h/","headers":H}},
        {"request":{"method":"POST","url":"http://h/","headers":[
            {"name":"A","value":"b\nc"},{"name":"X-Signature","value":"1"}]}}]}}"#
            .replace('H', header),
    );
    let [Err(target), Err(method), Ok(capture)] = all.as_slice() else { panic!("{all:#?}") };
    assert!(matches!(
        target,
        CaptureError::Request { location: Location::Entry(2), source: RequestJsonError::Target(_) }
    ));
    assert!(matches!(
        method,
        CaptureError::Request { location: Location::Entry(3), source: RequestJsonError::Method(_) }
    ));
    assert_eq!(capture.notes, [Note::HeaderSkipped("A".to_owned())]);
}

#[test]
fn a_body_that_the_archive_omits_is_an_error() {
    for request in [
        r#"{"method":"POST","url":"http://h/","bodySize":3}"#,
        r#"{"method":"POST","url":"http://h/","headers":[{"name":"content-length","value":"3"}],"postData":{"text":null}}"#,
        r#"{"method":"POST","url":"http://h/","postData":{"text":"","params":[{"name":"a"}]}}"#,
    ] {
        let error = read(&entry(request)).remove(0).unwrap_err();
        assert!(matches!(error, CaptureError::BodyNotInFile(Location::Entry(1))), "{error:?}");
    }
    for data in ["null", "{}", r#"{"text":"","params":[]}"#, r#"{"params":null}"#] {
        let request = format!(r#"{{"method":"POST","url":"http://h/","bodySize":0,"postData":{data}}}"#);
        assert!(read(&entry(&request)).remove(0).is_ok(), "{data}");
    }
}
