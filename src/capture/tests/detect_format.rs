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
        ("PK\u{3}\u{4}", CaptureFormat::Zip),
        ("\n\r\r\n", CaptureFormat::Packets),
        ("32:1:a,24:1:b,1:1#3:1.5^4:true!0:~]}", CaptureFormat::Mitmproxy),
        ("<?xml version=\"1.0\"?>\n<items burpVersion=\"1\">", CaptureFormat::Burp),
        ("== Info: x\n=> Send header, 1 bytes (0x1)\n", CaptureFormat::CurlTrace),
        (
            "00000000: 504f 5354 202f 2048 5454 502f 312e 310d  x\n\
             00000010: 504f 5354 202f 2048 5454 502f 312e 310d  x",
            CaptureFormat::HexDump,
        ),
        ("10:30:00.1 IP a.1 > b.2: Flags [P.], seq 1:3, length 2\nab\n", CaptureFormat::PrintedPackets),
        ("id,headers,body\n", CaptureFormat::Table),
    ] {
        assert_eq!(detect_format(start.as_bytes()), Some(form), "{start:?}");
    }
}

#[test]
fn other_text_has_no_format() {
    for start in
        ["", " \n", "[1", "{", "curl is a tool", "name: value\nother: value", "see /etc/passwd", "HTTP/1.1 200 OK"]
    {
        assert_eq!(detect_format(start.as_bytes()), None, "{start:?}");
    }
    assert_eq!(detect_format(b"\xff\xfe{\0"), None);
}
