//! Detection of the format.

use super::*;

#[test]
fn each_format_is_detected_from_its_first_bytes() {
    for (start, form) in [
        ("POST /x HTTP/1.1\r\n", CaptureFormat::Raw),
        ("\u{feff}\r\nPOST https://host/x HTTP/2\n", CaptureFormat::Raw),
        ("POST /x", CaptureFormat::Raw),
        (":method: POST\n:path: /x\n", CaptureFormat::Raw),
        ("* Connected to localhost\n> POST /x HTTP/1.1\n", CaptureFormat::Raw),
        ("> POST / HTTP/1.1\n", CaptureFormat::Raw),
        ("{\"schema\":\"whtool.event/1\"}", CaptureFormat::JsonLines),
        ("\u{feff} {\"a\":{}}\n{\"a\":", CaptureFormat::JsonLines),
        ("{\n  \"log\": {}\n}", CaptureFormat::Json),
        ("\u{feff}{\"log\":{}}", CaptureFormat::Json),
        ("[1]", CaptureFormat::Json),
        ("curl https://host/x -d y", CaptureFormat::Curl),
        ("$ curl -X POST \\\n  https://host/x", CaptureFormat::Curl),
        ("# send it\ncurl https://host/x", CaptureFormat::Curl),
        ("### one\nPOST https://host/x\n", CaptureFormat::HttpFile),
        ("# one\nPOST https://host/x\n", CaptureFormat::HttpFile),
        ("@host = a\n\nPOST {{host}}/x\n", CaptureFormat::HttpFile),
        ("POST {{host}}/x HTTP/1.1\n", CaptureFormat::HttpFile),
        ("X-Plexos-Signature: 1\n\n{}", CaptureFormat::HeaderBlock),
        ("Host: a\nA: b\n", CaptureFormat::HeaderBlock),
    ] {
        assert_eq!(detect_format(start.as_bytes()), Some(form), "{start:?}");
    }
}

#[test]
fn other_text_has_no_format() {
    for start in [
        "",
        " \n",
        "[1",
        "{",
        "curl is a tool",
        "name: value\nother: value",
        "see /etc/passwd",
        "HTTP/1.1 200 OK",
        "PK\u{3}\u{4}",
    ] {
        assert_eq!(detect_format(start.as_bytes()), None, "{start:?}");
    }
    assert_eq!(detect_format(b"\xff\xfe{\0"), None);
}
