//! Valid and invalid lines of JSON.

use super::*;

fn read(file: &[u8]) -> Vec<Result<Capture, CaptureError>> {
    read_json_lines(file, 1).collect()
}

#[test]
fn a_line_is_read_with_its_time_of_arrival() {
    let all = read(&line(&sample()));
    let [Ok(capture)] = all.as_slice() else { panic!("{all:?}") };
    let arrived = Some("2025-01-15T10:30:00Z".parse().unwrap());
    assert_eq!(capture.delivery, Delivery { request: sample(), peer: None, arrived });
    assert_eq!((capture.location, capture.notes.len()), (Location::Line(1), 0));
}

#[test]
fn other_records_and_empty_lines_are_skipped() {
    let good = String::from_utf8(line(&sample())).unwrap();
    let file = format!(
        "\u{feff}{{\"schema\":\"whtool.ready/1\",\"port\":4000}}\r\n\n \r\n{}\r\n\n{}",
        good.trim(),
        good.trim()
    );
    let locations: Vec<_> = read(file.as_bytes()).into_iter().map(|outcome| outcome.unwrap().location).collect();
    assert_eq!(locations, [Location::Line(4), Location::Line(6)]);
}

#[test]
fn an_invalid_line_is_an_error_and_does_not_hide_the_next() {
    let good = String::from_utf8(line(&sample())).unwrap();
    let broken = good.replace("14", "14\\r\\nX: y");
    let file = format!("nonsense\n{good}{}\n{{\"a\":1}}\n{broken}[]\n{good}", good.split_at(80).0);
    let all: Vec<_> = read_json_lines(file.as_bytes(), 11).collect();
    assert!(
        matches!(
            all.as_slice(),
            [
                Err(CaptureError::Json { location: Location::Line(11), .. }),
                Ok(Capture { location: Location::Line(12), .. }),
                Err(CaptureError::Unfinished(Location::Line(13))),
                Err(CaptureError::NoRequest(Location::Line(14))),
                Err(CaptureError::Request {
                    location: Location::Line(15),
                    source: RequestJsonError::Header(HeaderError::Value(_))
                }),
                Err(CaptureError::NoRequest(Location::Line(16))),
                Ok(Capture { location: Location::Line(17), .. }),
            ]
        ),
        "{all:#?}"
    );
}

#[test]
fn an_error_shows_the_column_but_not_the_line_of_the_parser() {
    let Some(Err(CaptureError::Json { source, .. })) = read_json_lines(b"{\"request\": nonsense}\n", 7).next() else {
        panic!("an error")
    };
    assert_eq!(source.to_string(), "unexpected byte (column 14)");
}

#[test]
fn invalid_utf_8_is_an_error_of_its_line() {
    let file = [&b"{\"request\":\"\xff\"}\n"[..], &line(&sample())].concat();
    let all = read(&file);
    assert!(matches!(all.as_slice(), [Err(CaptureError::Json { .. }), Ok(_)]), "{all:?}");
}

#[test]
fn an_invalid_time_of_arrival_is_noted() {
    let file = String::from_utf8(line(&sample())).unwrap().replace("2025-01-15T10:30:00Z", "yesterday");
    let all = read(file.as_bytes());
    let [Ok(capture)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(capture.delivery.arrived, None);
    assert_eq!(capture.notes, [Note::InvalidTime("yesterday".to_owned())]);
}

#[test]
fn line_numbers_continue_in_the_next_chunk() {
    let chunk = b"\n\n{\"schema\":\"x\"}\n";
    let mut lines = read_json_lines(chunk, 5);
    assert!(lines.next().is_none());
    assert_eq!(lines.next_line(), 5 + count_lines(chunk));
}
