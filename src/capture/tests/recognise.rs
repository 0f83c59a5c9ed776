//! What tells the forms apart.

use super::*;

#[test]
fn each_form_is_told_from_its_first_bytes() {
    for (start, form) in [
        ("POST /x HTTP/1.1\r\n", Form::Raw),
        ("\u{feff}\r\nPOST https://host/x HTTP/2\n", Form::Raw),
        ("POST /x", Form::Raw),
        (":method: POST\n:path: /x\n", Form::Raw),
        ("* Connected to localhost\n> POST /x HTTP/1.1\n", Form::Raw),
        ("> POST / HTTP/1.1\n", Form::Raw),
        ("{\"schema\":\"whtool.event/1\"}", Form::Lines),
        ("\u{feff} {\"request\":{}}", Form::Lines),
        ("{", Form::Lines),
        ("{\n  \"log\": {\n    \"version\"", Form::Har),
        ("\u{feff}{\"log\":{", Form::Har),
        ("{\"logs\":{", Form::Lines),
    ] {
        assert_eq!(recognise(start.as_bytes()), Some(form), "{start:?}");
    }
}

#[test]
fn what_is_no_capture_has_no_form() {
    for start in ["", " \n", "[1]", "curl https://host/x -d y", "see /etc/passwd", "HTTP/1.1 200 OK", "PK\u{3}\u{4}"] {
        assert_eq!(recognise(start.as_bytes()), None, "{start:?}");
    }
    assert_eq!(recognise(b"\xff\xfe{\0"), None);
}
