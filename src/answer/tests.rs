use super::redirect::{Redirect, RedirectReason};
use super::*;
use crate::model::message::Headers;
use url::Url;

fn line(body: &str) -> String {
    telling_line(&Answer::new(500, body))
}

#[test]
fn json_is_shown_in_one_line_with_its_spelling() {
    assert_eq!(
        line("{\n  \"detail\": \"no  such\",\n  \"amount\": 27000.00\n}\n"),
        r#"{"detail":"no  such","amount":27000.00}"#
    );
    assert_eq!(line("[ 1,\n 2 ]"), "[1,2]");
    assert_eq!(line("{oops\nmore}"), "{oops", "it is no JSON");
}

/// Printed by the interpreters themselves: `python3 a.py`, `node a.js`, `ruby a.rb`, `php a.php`,
/// `java A.java`, `go run a.go`.
#[test]
fn a_stack_trace_is_told_by_its_exception() {
    for (trace, expected) in [
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    {}['id']\nKeyError: 'id'\n",
            "KeyError: 'id'",
        ),
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 2\nKeyError: 'id'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 4\nValueError: bad payload\n",
            "ValueError: bad payload",
        ),
        (
            "/app/a.js:1\nfunction hook(){ throw new TypeError(\"boom\") }\n                 ^\n\nTypeError: boom\n    at hook (/app/a.js:1:24)\n    at Module._compile (node:internal/modules/cjs/loader:1521:14)\n",
            "TypeError: boom",
        ),
        ("Error: boom\n    at Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)", "Error: boom"),
        ("a.rb:1:in `hook': boom (RuntimeError)\n\tfrom a.rb:2:in `<main>'\n", "a.rb:1:in `hook': boom (RuntimeError)"),
        ("RuntimeError: boom\n\tapp.rb:3:in 'block in <main>'\n", "RuntimeError: boom"),
        (
            "\nFatal error: Uncaught RuntimeException: boom in /app/a.php:1\nStack trace:\n#0 /app/a.php(1): hook()\n#1 {main}\n  thrown in /app/a.php on line 1\n",
            "Fatal error: Uncaught RuntimeException: boom in /app/a.php:1",
        ),
        (
            "Exception in thread \"main\" java.lang.RuntimeException: outer\n\tat A.main(A.java:1)\nCaused by: java.lang.IllegalStateException: inner\n\tat A.main(A.java:1)\n\t... 12 more\n",
            "java.lang.IllegalStateException: inner",
        ),
        ("panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/a.go:2 +0x27\nexit status 2\n", "panic: boom"),
        ("\n\n  ok then \nmore", "ok then"),
        ("", ""),
    ] {
        assert_eq!(line(trace), expected);
    }
}

#[test]
fn a_page_is_told_by_its_title_or_its_message() {
    for (page, expected) in [
        // Express.
        (
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>Error: boom<br> &nbsp; &nbsp;at /app/a.js:3:9</pre>\n</body>\n</html>\n",
            "Error: boom",
        ),
        (
            "<!DOCTYPE html>\n<html><head><title>Error</title></head><body><pre>Cannot POST /hook</pre></body></html>",
            "Cannot POST /hook",
        ),
        // Django, in debug mode.
        (
            "<!DOCTYPE html>\n<html lang=\"en\"><head><title>KeyError\n          at /hook</title><style>a > b { c: \"d\" }</style></head><body><h1>KeyError\n       <span>at /hook</span></h1><pre class=\"exception_value\">&#x27;id&#x27;</pre><table></table></body></html>",
            "KeyError at /hook: 'id'",
        ),
        // Flask's debugger.
        (
            "<!doctype html>\n<html lang=en>\n  <head>\n    <title>ZeroDivisionError: division by zero\n // Werkzeug Debugger</title>\n    <script>var a = \"<b>\";</script></head><body><h1>ZeroDivisionError</h1></body></html>",
            "ZeroDivisionError: division by zero // Werkzeug Debugger",
        ),
        // Flask without debugger.
        (
            "<!doctype html>\n<html lang=en>\n<title>415 Unsupported Media Type</title>\n<h1>Unsupported Media Type</h1>\n<p>Did not attempt to load JSON data.</p>\n",
            "415 Unsupported Media Type Unsupported Media Type Did not attempt to load JSON data.",
        ),
        // Rails, in development.
        (
            "<!DOCTYPE html>\n<html><head><title>Action Controller: Exception caught</title></head><body><header><h1>RuntimeError in HooksController#create</h1></header><div class=\"exception-message\"><div class=\"message\">boom</div></div></body></html>",
            "boom",
        ),
        // Laravel.
        (
            "<!DOCTYPE html>\n<!--\nRuntimeException: boom in file /app/routes/web.php on line 3\n\n#0 /app\n-->\n<html><head><title>Laravel</title></head><body><script>x</script></body></html>",
            "RuntimeException: boom in file /app/routes/web.php on line 3",
        ),
        (
            "<!DOCTYPE html><html><head><title>Page Expired</title></head><body><div>419</div><div>Page Expired</div></body></html>",
            "Page Expired",
        ),
        // nginx.
        (
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n",
            "502 Bad Gateway nginx/1.24.0",
        ),
        // php -d display_errors=1.
        (
            "<br />\n<b>Fatal error</b>:  Uncaught RuntimeException: boom in /app/a.php:1\nStack trace:\n#0 /app/a.php(1): hook()\n#1 {main}\n  thrown in <b>/app/a.php</b> on line <b>1</b><br />\n",
            "Fatal error : Uncaught RuntimeException: boom in /app/a.php:1",
        ),
        ("<p>1 > 0 &amp; 2 < 3</p>", "1 > 0 & 2 < 3"),
        ("<html><body></body></html>", ""),
        ("<!doctype html><title>Log in</title><body><form></form>", "Log in"),
        ("<html><script>never closed", ""),
    ] {
        assert_eq!(line(page), expected);
    }
}

#[test]
fn xml_is_told_by_its_text_and_binary_by_its_length() {
    let xml = "<?xml version=\"1.0\"?>\n<error code=\"7\"><message>no such order</message></error>";
    assert_eq!(line(xml), "no such order");
    assert_eq!(line("a\0b"), "(3 bytes that are not text)");
}

#[test]
fn a_compressed_answer_is_read() {
    // `printf boom | gzip -n | xxd -p`
    let body = hex::decode("1f8b08000000000000034bcacfcf05000406862204000000").unwrap();
    let headers = Headers::read(b"Content-Encoding: gzip\r\n".to_vec()).unwrap();
    assert_eq!(telling_line(&Answer { headers, ..Answer::new(500, body) }), "boom");
}

#[test]
fn a_server_that_wants_tls_is_recognized() {
    for (status, body, is_refusal) in [
        (400, "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>", true),
        (400, "Client sent an HTTP request to an HTTPS server.\n", true),
        (400, "Reason: You're speaking plain HTTP to an SSL-enabled server port.", true),
        (200, "Client sent an HTTP request to an HTTPS server.\n", false),
        (400, "bad signature", false),
    ] {
        assert_eq!(https_fix(&Answer::new(status, body)).is_some(), is_refusal, "{body}");
    }
}

fn redirected(status: u16, asked: &str, location: &str) -> Redirect {
    let mut answer = Answer::new(status, "<html>Moved</html>");
    answer.headers.push("location", location.as_bytes()).unwrap();
    redirect(&answer, asked).unwrap()
}

#[test]
fn a_redirect_says_where_it_leads_and_what_differs() {
    use RedirectReason::{Https, Login, OtherHost, OtherPath, SameUrl, TrailingSlash, Www};
    let asked = "http://localhost:3000/hook";
    for (location, url, reason) in [
        ("/hook/", "http://localhost:3000/hook/", TrailingSlash),
        ("http://localhost:3000/hook/", "http://localhost:3000/hook/", TrailingSlash),
        ("https://localhost:3000/hook", "https://localhost:3000/hook", Https),
        ("https://localhost/hook", "https://localhost/hook", Https),
        ("/login?next=%2Fhook", "http://localhost:3000/login?next=%2Fhook", Login),
        ("https://sso.shop.test/auth/realms", "https://sso.shop.test/auth/realms", Login),
        ("hook", "http://localhost:3000/hook", SameUrl),
        ("?a=1", "http://localhost:3000/hook?a=1", OtherPath),
        ("//shop.test/hook", "http://shop.test/hook", OtherHost),
        ("../x", "http://localhost:3000/x", OtherPath),
    ] {
        let redirect = redirected(308, asked, location);
        assert_eq!((redirect.location.as_ref().map(Url::as_str), redirect.reason), (Some(url), reason), "{location}");
    }
    assert_eq!(redirected(301, "http://shop.test/hook", "http://www.shop.test/hook").reason, Www);
    assert_eq!(redirected(301, asked, "http://[").reason, RedirectReason::NoLocation);
    assert_eq!(redirected(308, asked, "/hook/").describe(), "to http://localhost:3000/hook/");
}

#[test]
fn only_a_redirect_is_one() {
    for (status, is_redirect) in
        [(200, false), (201, false), (301, true), (302, true), (304, false), (308, true), (400, false)]
    {
        assert_eq!(redirect(&Answer::new(status, ""), "http://localhost/").is_some(), is_redirect, "{status}");
    }
}
