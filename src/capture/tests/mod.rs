//! Tests that hold for every reader: formats are detected and nothing panics.

use super::*;
use crate::capture::request_json;
use crate::model::message::Headers;
use proptest::prelude::*;

mod archives;
mod detect_format;
mod json_lines;
mod raw_requests;

const HAR: &str = include_str!("sample.har");

fn raw(file: &[u8]) -> Vec<Capture> {
    read_raw(file).map(|outcome| outcome.expect("a readable request")).collect()
}

/// Reads the only request of a file.
fn one(file: &[u8]) -> Capture {
    let mut all = raw(file);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn line(request: &Request) -> Vec<u8> {
    let mut line = br#"{"schema":"whtool.event/1","arrived":"2025-01-15T10:30:00Z","request":"#.to_vec();
    request_json::write(request, &mut line);
    line.extend_from_slice(b"}\n");
    line
}

fn sample() -> Request {
    let mut request = Request::post("/hook?a=1", b"{\"id\":\"evt_1\"}".to_vec());
    request.headers.push("Content-Length", b"14").unwrap();
    request.headers.push("X-Signature", b"00ff").unwrap();
    request
}

#[test]
fn a_request_is_built_from_parts_and_a_wrong_length_is_noted() {
    let headers = ["X-A: b: c ", "x-a:d", "Content-Length: 3"].map(str::to_owned);
    let capture = from_parts(b"{}".to_vec(), &headers).unwrap();
    let request = capture.delivery.request;
    let expected = [("X-A", &b"b: c"[..]), ("x-a", b"d"), ("Content-Length", b"3")];
    assert_eq!(request.headers.iter().collect::<Vec<_>>(), expected);
    assert_eq!(capture.notes, [Note::LengthDiffers { declared: 3, actual: 2 }]);
    let error = |header: &str| from_parts(Vec::new(), &[header.to_owned()]).unwrap_err();
    assert_eq!(error("nonsense"), HeaderError::NoColon("nonsense".to_owned()));
    assert_eq!(error("A: b\nc"), HeaderError::Value("A".to_owned()));
    assert_eq!(error("A B: c"), HeaderError::Name("A B".to_owned()));
}

#[test]
fn no_two_notes_share_a_code() {
    let notes = [
        Note::TrailingBytes(1),
        Note::BytesBeyondLength { declared: 1, actual: 2 },
        Note::Truncated { declared: 2, actual: 1 },
        Note::LengthDiffers { declared: 2, actual: 1 },
        Note::NoLength(1),
        Note::InvalidLength,
        Note::NotChunked,
        Note::InvalidTime("x".to_owned()),
        Note::ParsedBody,
        Note::NotBase64,
        Note::ReplacementCharacter,
        Note::Utf16,
        Note::DotsForBytes,
        Note::MissingPackets,
        Note::HeaderSkipped("x".to_owned()),
        Note::UnresolvedVariable("x".to_owned()),
        Note::LooseHeaders,
    ];
    let codes: std::collections::BTreeSet<_> = notes.iter().map(Note::code).collect();
    assert_eq!(codes.len(), notes.len());
    assert!(notes.iter().all(|note| !note.sentence().is_empty()));
}

/// Runs every reader over the bytes, to the end.
fn read_with_all(file: &[u8]) {
    detect_format(file);
    let outcomes = read_raw(file).chain(read_json_lines(file, 1));
    let errors = outcomes.filter_map(Result::err);
    let detected = match read_file(file, &Resources::NONE) {
        Ok(detected) => detected.captures,
        Err(unreadable) => {
            assert!(!unreadable.reason.is_empty() && !unreadable.advice_for("f").contains("{file}"));
            Vec::new()
        }
    };
    for error in errors.chain(detected.into_iter().filter_map(Result::err)) {
        assert!(!error.to_string().is_empty());
        assert!(std::error::Error::source(&error).is_none_or(|source| !source.to_string().is_empty()));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(file in prop::collection::vec(any::<u8>(), 0..400)) {
        read_with_all(&file);
    }

    #[test]
    fn no_http_tokens_make_a_reader_panic(words in prop::collection::vec(prop::sample::select(vec![
        "POST", " ", "/", "HTTP/1.1", "\r\n", "\n", "\r", ":", "Content-Length", "Transfer-Encoding: chunked", "1", "ffff", "0",
        "> ", "< ", "* ", "{", "}", "[", "]", "'", "\\", "$'", "curl ", "-H",
        "-d @x", "###", "{{a}}", "@a=b", "b'", "`", "^", "@{", ":method",
        ":path", "https://", "?", "#", "{\"request\":", "\"", "é", "\u{feff}", ";", "\0",
    ]), 0..60)) {
        read_with_all(words.concat().as_bytes());
    }

    #[test]
    fn no_damage_to_a_valid_file_makes_a_reader_panic(
        which in 0..4_usize,
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\nA: b\r\n\r\n";
        let files = [sample().to_wire().repeat(2), line(&sample()).repeat(2), HAR.as_bytes().to_vec(), chunked.repeat(2)];
        let mut file = files.into_iter().nth(which).unwrap();
        for (at, byte) in changes {
            *at.get_mut(&mut file) = byte;
        }
        file.truncate(cut.index(file.len() * 2));
        read_with_all(&file);
    }

    #[test]
    fn requests_are_read_back_from_wire_and_json_lines(
        target in "/[!-~]{0,30}",
        fields in prop::collection::vec(("[A-Za-z-]{1,12}", "[!-~]([ -~]{0,20}[!-~])?"), 0..6),
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..4),
    ) {
        let requests: Vec<_> = bodies.into_iter().map(|body| {
            let mut headers = Headers::new();
            for (name, value) in &fields {
                headers.push(name, value.as_bytes()).unwrap();
            }
            headers.push("Content-Length", body.len().to_string().as_bytes()).unwrap();
            Request { method: "POST".to_owned(), target: target.clone(), headers, body }
        }).collect();
        prop_assume!(fields.iter().all(|(name, _)| {
            !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("transfer-encoding")
        }));
        let wire: Vec<u8> = requests.iter().flat_map(Request::to_wire).collect();
        let lines: Vec<u8> = requests.iter().flat_map(line).collect();
        let requests_of = |captures: Vec<Capture>| captures.into_iter().map(|capture| capture.delivery.request).collect::<Vec<_>>();
        prop_assert_eq!(&requests_of(raw(&wire)), &requests);
        prop_assert_eq!(&requests_of(read_json_lines(&lines, 1).map(Result::unwrap).collect()), &requests);
    }
}
