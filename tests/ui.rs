//! `whtool ui` as a process, over real sockets: who may call, what is answered, and the streams.

use crate::formats::check_records;
use crate::process::{self, Listener, PLEXOS_SECRET, whtool};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Longer than anything here takes unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The page's server in a process, with what it printed.
struct Page {
    child: Child,
    port: u16,
    link: String,
    token: String,
}

/// The answer to one request.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Page {
    fn start(home: &Path, words: &[&str]) -> Self {
        let words = [&["ui", "--json", "--port", "0"], words].concat();
        Self::spawn(whtool(home, &words).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["schema"], "whtool.ui/1");
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let port = text("url").rsplit(':').next().unwrap().parse().unwrap();
        Self { child, port, link: text("link"), token: text("token") }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request with these headers besides `Host` and `Connection`.
    fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let own = format!("127.0.0.1:{}", self.port);
        let has_host = headers.iter().any(|(name, _)| *name == "Host");
        let host = if has_host { String::new() } else { format!("Host: {own}\r\n") };
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let mut stream = self.connect();
        let request = format!(
            "{method} {target} HTTP/1.1\r\n{host}{lines}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        Answer { status: head[9..12].parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
    }

    /// Gets with the token.
    fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[("Authorization", &format!("Bearer {}", self.token))], "")
    }

    /// Opens the link, and returns the cookie.
    fn log_in(&self) -> String {
        let target = self.link.split_once(&self.port.to_string()).unwrap().1;
        let answer = self.send("GET", target, &[], "");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
        answer.header("set-cookie").unwrap().to_owned()
    }

    fn cookie(&self) -> String {
        self.log_in().split(';').next().unwrap().to_owned()
    }

    #[cfg(unix)]
    fn end(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A listener and the page of its store.
struct Site {
    home: TempDir,
    listener: Listener,
    page: Page,
}

impl Site {
    fn start(words: &[&str]) -> Self {
        let home = process::home();
        let listener = Listener::start(home.path(), &[]);
        let page = Page::start(home.path(), words);
        Self { home, listener, page }
    }

    /// Sends samples to the listener.
    fn receive(&self, words: &[&str]) {
        let words = [&["replay", "--to", &self.listener.url], words].concat();
        let output = whtool(self.home.path(), &words).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).output().unwrap();
        assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Paths that carry data.
const READS: [&str; 10] = [
    "/",
    "/events/1",
    "/events/1/raw",
    "/events/1/curl",
    "/overview",
    "/stream",
    "/api/v1/events",
    "/api/v1/events/1",
    "/api/v1/events/1/raw",
    "/api/v1/stream",
];

#[test]
fn only_this_server_s_own_addresses_are_hosts() {
    let home = process::home();
    let page = Page::start(home.path(), &[]);
    let (port, bearer) = (page.port, format!("Bearer {}", page.token));
    for target in READS {
        for host in [
            "evil.example".to_owned(),
            format!("evil.example:{port}"),
            format!("127.0.0.1.evil.example:{port}"),
            format!("localhost.:{port}"),
            format!("app.localhost:{port}"),
            format!("127.0.0.2:{port}"),
            format!("0.0.0.0:{port}"),
            "127.0.0.1".to_owned(),
            "localhost:1".to_owned(),
        ] {
            let answer = page.send("GET", target, &[("Host", &host), ("Authorization", &bearer)], "");
            assert_eq!(answer.status, 403, "{target} {host}: {}", answer.body);
        }
    }
    for host in [format!("localhost:{port}"), format!("LOCALHOST:{port}"), format!("[::1]:{port}")] {
        let answer = page.send("GET", "/api/v1/events", &[("Host", &host), ("Authorization", &bearer)], "");
        assert_eq!(answer.status, 200, "{host}");
    }
    // A target with a host takes precedence over the header.
    assert_eq!(page.get("http://evil.example/api/v1/events").status, 403);
}

#[test]
fn pages_of_other_origins_read_nothing_and_open_no_stream() {
    let home = process::home();
    let page = Page::start(home.path(), &[]);
    let (own, bearer) = (format!("http://127.0.0.1:{}", page.port), format!("Bearer {}", page.token));
    for target in READS {
        for (name, value) in [
            ("Origin", "http://evil.example"),
            ("Origin", "http://127.0.0.1:3000"),
            ("Origin", "null"),
            ("Origin", &own.replace("http:", "https:")),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
        ] {
            let answer = page.send("GET", target, &[(name, value), ("Authorization", &bearer)], "");
            assert_eq!(answer.status, 403, "{target} {name}: {value}");
        }
    }
    for (name, value) in [("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "none")] {
        let answer = page.send("GET", "/api/v1/events", &[(name, value), ("Authorization", &bearer)], "");
        assert_eq!(answer.status, 200, "{name}: {value}");
    }
}

#[test]
fn a_link_on_another_site_leads_to_the_view_in_two_steps() {
    let home = process::home();
    let page = Page::start(home.path(), &[]);
    let cookie = page.cookie();
    let from = |site: &str, mode: &str, target: &str| {
        let headers = [
            ("Cookie", cookie.as_str()),
            ("Sec-Fetch-Site", site),
            ("Sec-Fetch-Mode", mode),
            ("Sec-Fetch-Dest", "document"),
        ];
        page.send("GET", target, &headers, "")
    };
    let answer = from("cross-site", "navigate", "/?failed=1");
    assert_eq!((answer.status, answer.header("refresh")), (403, Some("0; url=/?failed=1")));
    assert_eq!(from("same-origin", "navigate", "/?failed=1").status, 200);
    assert_eq!(from("cross-site", "cors", "/?failed=1").header("refresh"), None);
    // An address that would lead elsewhere.
    let elsewhere = from("cross-site", "navigate", "//evil.example/");
    assert_eq!((elsewhere.status, elsewhere.header("refresh")), (403, None));
}

#[test]
#[cfg_attr(windows, ignore = "renames open files")]
fn another_store_in_the_same_place_is_noticed_by_every_thread() {
    let home = process::home();
    let listener = Listener::start(home.path(), &[]);
    let page = Page::start(home.path(), &[]);
    let site = Site { home, listener, page };
    site.receive(&["payment.debited"]);
    for _ in 0..24 {
        assert_eq!(site.page.get("/api/v1/events").json()["events"][0]["id"], "1");
    }
    let Site { home, listener, page } = site;
    let mut events = Events::open(&page, "/api/v1/stream", "");
    listener.end("INT");
    for file in ["captures.db", "captures.db-wal", "captures.db-shm"] {
        let path = home.path().join("data").join(file);
        let _ = std::fs::rename(&path, path.with_extension("old"));
    }
    while events.line() != "event: reset" {}
    for _ in 0..24 {
        assert_eq!(page.get("/api/v1/events").json()["events"], Value::Array(Vec::new()));
    }
}

#[test]
fn without_cookie_or_token_there_is_no_data() {
    let home = process::home();
    let page = Page::start(home.path(), &[]);
    let almost = page.token.replace(&page.token[..1], if page.token.starts_with('0') { "1" } else { "0" });
    for target in READS {
        assert_eq!(page.send("GET", target, &[], "").status, 401, "{target}");
        for (name, value) in [
            ("Authorization", format!("Bearer {almost}")),
            ("Authorization", format!("Basic {}", page.token)),
            ("Authorization", "Bearer ".to_owned()),
            ("Cookie", format!("whtool_{}=x", page.port)),
            ("Cookie", format!("whtool_{}=", page.port)),
            ("Cookie", format!("whtool_{}={}", page.port, page.token)),
        ] {
            assert_eq!(page.send("GET", target, &[(name, &value)], "").status, 401, "{target} {name}: {value}");
        }
    }
    assert_eq!(page.send("GET", "/api/v1/events", &[], "").header("www-authenticate"), Some("Bearer"));
    // The name of the scheme has any case.
    let bearer = format!("bEARER {}", page.token);
    assert_eq!(page.send("GET", "/api/v1/events", &[("Authorization", &bearer)], "").status, 200);
    // Style and script contain no data.
    assert_eq!(page.send("GET", "/assets/page.css", &[], "").status, 200);
}

#[test]
fn a_refused_capture_is_explained_with_the_secrets_of_now() {
    let site = Site::start(&[]);
    let secret = site.home.path().join("other.txt");
    std::fs::write(&secret, "whsec_of_an_endpoint_that_is_not_known_yet").unwrap();
    let secret = secret.to_str().unwrap();
    let other = ["--secret-file", secret];
    let words = [&["replay", "--to", &site.listener.url, "payment.debited"][..], &other].concat();
    assert_eq!(whtool(site.home.path(), &words).output().unwrap().status.code(), Some(1));
    let says_verified = || site.page.get("/events/1").body.contains("With the secrets of today: <b>verified");
    // The second answer is a remembered one.
    assert!(!says_verified() && !says_verified());
    let add = ["secret", "add", "plexos", "--file", secret];
    assert!(whtool(site.home.path(), &add).output().unwrap().status.success());
    assert!(says_verified());
}

#[test]
fn browsers_keep_style_and_script_until_they_change() {
    let site = Site::start(&[]);
    let list = site.page.get("/").body;
    for name in ["page.css", "page.js", "icon.svg"] {
        let (_, rest) = list.split_once(&format!("/assets/{name}?v=")).unwrap();
        let version = rest.split('"').next().unwrap();
        let caching = |version: &str| {
            let answer = site.page.get(&format!("/assets/{name}?v={version}"));
            (answer.status, answer.header("cache-control").map(str::to_owned))
        };
        assert_eq!(caching(version), (200, Some("private, max-age=31536000, immutable".to_owned())), "{name}");
        assert_eq!(caching("0"), (200, Some("no-store".to_owned())), "{name}");
    }
}

#[test]
fn a_link_lets_one_browser_in_once() {
    let home = process::home();
    let page = Page::start(home.path(), &[]);
    let target = page.link.split_once(&page.port.to_string()).unwrap().1.to_owned();
    // A look at the link does not use it up.
    assert_eq!(page.send("HEAD", &target, &[], "").status, 401);
    assert_eq!(page.send("GET", "/login?token=x", &[], "").status, 401);
    assert_eq!(page.send("GET", &target, &[("Sec-Fetch-Site", "cross-site")], "").status, 403);
    let cookie = page.log_in();
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(page.send("GET", &target, &[], "").status, 401);
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(page.send("GET", "/", &[("Cookie", cookie)], "").status, 200);
    assert_eq!(page.send("GET", "/", &[("Cookie", &format!("a=b; {cookie}; c=d"))], "").status, 200);
    assert_eq!(page.send("GET", &target, &[("Cookie", cookie)], "").status, 303);
}

#[test]
fn every_answer_has_the_headers_that_keep_pages_apart() {
    let site = Site::start(&[]);
    site.receive(&["payment.debited"]);
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for target in
        ["/", "/events/1", "/nothing", "/api/v1/events", "/api/v1/nothing", "/assets/page.js", "/events/1/raw"]
    {
        let answer = site.page.get(target);
        for (name, value) in [
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{target}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let raw = site.page.get("/events/1/raw");
    assert_eq!(raw.header("content-type"), Some("application/octet-stream"));
    assert_eq!(raw.header("content-disposition"), Some("attachment; filename=\"whtool-1.http\""));
    assert!(raw.body.starts_with("POST / HTTP/1.1\r\nHost: 127.0.0.1:"), "{}", raw.body);
}

#[test]
fn methods_paths_and_bodies_that_make_no_sense_get_their_status() {
    let site = Site::start(&[]);
    let page = &site.page;
    let bearer = format!("Bearer {}", page.token);
    let auth = ("Authorization", bearer.as_str());
    for (method, target, status, allow) in [
        ("POST", "/api/v1/events", 405, Some("GET, HEAD")),
        ("OPTIONS", "/api/v1/events", 405, Some("GET, HEAD")),
        ("DELETE", "/events/1", 405, Some("GET, HEAD")),
        ("GET", "/events/1/replay", 405, Some("POST")),
        ("PUT", "/check", 405, Some("GET, HEAD, POST")),
        ("GET", "/api/v1/nothing", 404, None),
        ("GET", "/events/", 404, None),
        ("GET", "/../etc/passwd", 404, None),
        ("GET", "/assets/../page.css", 404, None),
        ("GET", "/api/v1/events/1", 404, None),
        ("GET", "/api/v1/events?limit=0", 400, None),
        ("GET", "/api/v1/events?limit=1001", 400, None),
        ("GET", "/api/v1/events?x=1", 400, None),
        ("GET", "/api/v1/events?before=-1", 400, None),
        ("GET", "/api/v1/events?since=30", 400, None),
        ("GET", "/api/v1/stream?limit=1", 400, None),
        ("GET", "/api/v1/stream?after=x", 400, None),
        ("GET", "/api/v1/stream?after=-5", 400, None),
        ("HEAD", "/api/v1/events", 200, None),
        ("HEAD", "/api/v1/stream", 200, None),
    ] {
        let answer = page.send(method, target, &[auth], "");
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {target}: {}", answer.body);
        if method == "HEAD" {
            assert_eq!(answer.body, "");
        } else if target.starts_with("/api/") && status != 200 {
            assert_eq!(answer.json()["schema"], "whtool.error/1");
            assert_eq!(answer.json()["status"], status);
        }
    }
    let many = format!("/api/v1/events?type={}", vec!["a"; 3000].join(","));
    assert_eq!(page.get(&many).status, 400);
    let json = [auth, ("Content-Type", "application/json")];
    assert_eq!(page.send("POST", "/check", &json, "{}").status, 415);
    // The body is refused by its announced length.
    let mut stream = page.connect();
    let head = format!(
        "POST /check HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: {bearer}\r\nContent-Length: 99999999\r\n\r\n",
        page.port
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn a_change_needs_a_page_of_this_server_or_the_token() {
    let app = tiny_http::Server::http("127.0.0.1:0").unwrap();
    let port = app.server_addr().to_ip().unwrap().port();
    let (sender, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut request in app.incoming_requests() {
            let mut body = String::new();
            request.as_reader().read_to_string(&mut body).unwrap();
            sender.send(body).unwrap();
            let _ = request.respond(tiny_http::Response::from_string("fine").with_status_code(202));
        }
    });
    let site = Site::start(&["--to", &format!("http://127.0.0.1:{port}/hooks")]);
    site.receive(&["payment.debited"]);
    site.receive(&["payment.debited", "--tamper"]);
    let (page, cookie) = (&site.page, site.page.cookie());
    let own = format!("http://127.0.0.1:{}", page.port);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let post = |headers: &[(&str, &str)], target: &str, body: &str| {
        page.send("POST", target, &[&[form, ("Cookie", &cookie)], headers].concat(), body)
    };
    let resigned = "mode=resigned&to=0";
    for headers in [
        &[][..],
        &[("Origin", "null")],
        &[("Origin", "null"), ("Sec-Fetch-Site", "same-origin")],
        &[("Origin", "http://127.0.0.1:3000")],
        &[("Origin", &own), ("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "none")],
    ] {
        assert_eq!(post(headers, "/events/1/replay", resigned).status, 403, "{headers:?}");
    }
    assert!(asked.try_recv().is_err(), "nothing was sent");
    for headers in [&[("Origin", own.as_str())][..], &[("Sec-Fetch-Site", "same-origin")]] {
        let answer = post(headers, "/events/1/replay", resigned);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/events/1")), "{}", answer.body);
        assert!(asked.recv_timeout(PATIENCE).unwrap().contains("payment.debited"));
    }
    let bearer = format!("Bearer {}", page.token);
    let by_token = [form, ("Authorization", bearer.as_str())];
    assert_eq!(page.send("POST", "/events/1/replay", &by_token, resigned).status, 303);
    asked.recv_timeout(PATIENCE).unwrap();
    let own = [("Origin", own.as_str())];
    assert_eq!(post(&own, "/events/1/replay", "mode=edited&to=0&body=%7B%22id%22%3A%22x%22%7D").status, 303);
    assert_eq!(asked.recv_timeout(PATIENCE).unwrap(), "{\"id\":\"x\"}");
    // What no secret verifies is sent only as it is.
    assert_eq!(post(&own, "/events/2/replay", resigned).status, 400);
    assert_eq!(post(&own, "/events/2/replay", "mode=exact&to=0").status, 303);
    asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(post(&own, "/samples", "name=payment.created&to=0").status, 303);
    assert!(asked.recv_timeout(PATIENCE).unwrap().contains("payment.created"));
    for (target, body) in [
        ("/events/1/replay", "mode=resigned&to=1"),
        ("/events/1/replay", "mode=resigned&to=http://evil.example"),
        ("/events/1/replay", "mode=resigned"),
        ("/events/1/replay", "mode=other&to=0"),
        ("/samples", "name=nothing&to=0"),
        ("/check", "provider=x&to=0"),
    ] {
        assert_eq!(post(&own, target, body).status, 400, "{target} {body}");
    }
    let record = page.get("/api/v1/events/1").json();
    assert_eq!(record["app"], 202);
    assert_eq!(record["attempts"].as_array().unwrap().len(), 4);
}

#[test]
fn the_records_are_those_of_events_json() {
    let site = Site::start(&[]);
    site.receive(&["payment.debited", "payment.created", "--repeat", "3"]);
    site.receive(&["payment.debited", "--tamper"]);
    let lines = |words: &[&str]| -> Vec<Value> {
        let output = whtool(site.home.path(), words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for (query, flags) in [
        ("", &[][..]),
        ("?failed", &["--failed"]),
        ("?type=payment.created", &["--type", "payment.created"]),
        ("?verdict=mismatch&provider=plexos", &["--verdict", "mismatch", "--provider", "plexos"]),
        ("?grep=DEBITED&since=1h", &["--grep", "DEBITED", "--since", "1h"]),
    ] {
        let mut expected = lines(&[&["events", "--json"], flags].concat());
        expected.reverse();
        let page = site.page.get(&format!("/api/v1/events{query}")).json();
        assert!(!expected.is_empty());
        assert_eq!(page["events"], Value::from(expected), "{query}");
        assert_eq!(page["next"], Value::Null);
    }
    for target in ["/api/v1/events", "/api/v1/events/3", "/api/v1/events/99"] {
        check_records(site.page.get(target).body.as_bytes());
    }
    let shown = lines(&["events", "show", "3", "--as", "json"]);
    assert_eq!(site.page.get("/api/v1/events/3").json(), shown[0]);
    let id = shown[0]["event"]["id"].as_str().unwrap();
    assert_eq!(site.page.get(&format!("/api/v1/events/{id}")).json(), shown[0]);
    // Pages follow each other without gaps.
    let (mut next, mut ids) = ("/api/v1/events?limit=3".to_owned(), Vec::new());
    loop {
        let answer = site.page.get(&next);
        let page = answer.json();
        ids.extend(page["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        let Some(link) = page["next"].as_str() else { break };
        assert_eq!(answer.header("link").unwrap(), format!("<{link}>; rel=\"next\""));
        next = link.to_owned();
    }
    assert_eq!(ids, ["7", "6", "5", "4", "3", "2", "1"]);
}

/// An open stream.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(page: &Page, target: &str, headers: &str) -> Self {
        let mut stream = page.connect();
        let (port, token) = (page.port, &page.token);
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut events = Self(BufReader::new(stream));
        while events.line() != "retry: 1000" {}
        events
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
        line.trim_end().to_owned()
    }

    /// Returns the next record, and the place after it if it has one.
    fn next(&mut self) -> (Value, Option<String>) {
        let mut place = None;
        loop {
            let line = self.line();
            if let Some(id) = line.strip_prefix("id: ") {
                place = Some(id.to_owned());
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (serde_json::from_str(data).unwrap(), place);
            }
        }
    }
}

#[test]
fn a_stream_sends_what_arrives_and_resumes_where_it_ended() {
    let site = Site::start(&[]);
    site.receive(&["payment.created"]);
    let mut all = Events::open(&site.page, "/api/v1/stream", "");
    let mut debited = Events::open(&site.page, "/api/v1/stream?type=payment.debited", "");
    site.receive(&["payment.created"]);
    let (first, place) = all.next();
    assert_eq!((&first["id"], &first["schema"]), (&Value::from("2"), &Value::from("whtool.event/1")));
    let place = place.unwrap();
    site.receive(&["payment.debited"]);
    assert_eq!(debited.next().0["id"], "3");
    drop(all);
    let mut resumed = Events::open(&site.page, "/api/v1/stream", &format!("Last-Event-ID: {place}\r\n"));
    assert_eq!(resumed.next().0["id"], "3");
    let mut resumed = Events::open(&site.page, &format!("/api/v1/stream?after={place}"), "");
    assert_eq!(resumed.next().0["id"], "3");
}

#[cfg(unix)]
#[test]
fn streams_take_no_thread_and_end_with_the_server() {
    let site = Site::start(&[]);
    let mut streams: Vec<_> = (0..40).map(|_| Events::open(&site.page, "/stream", "")).collect();
    assert_eq!(site.page.get("/api/v1/events").status, 200);
    site.receive(&["payment.debited"]);
    streams.iter_mut().for_each(|stream| assert_eq!(stream.next().0["id"], "1"));
    #[cfg(target_os = "linux")]
    {
        let threads = std::fs::read_dir(format!("/proc/{}/task", site.page.child.id())).unwrap().count();
        assert!(threads < 40, "{threads} threads");
    }
    assert_eq!(site.page.end(), Some(130));
    let mut rest = Vec::new();
    streams.iter_mut().for_each(|stream| drop(stream.0.read_to_end(&mut rest)));
}

#[test]
fn a_store_that_does_not_exist_yet_is_waited_for() {
    let home = process::home();
    let page = Page::start(home.path(), &[]);
    assert_eq!(page.get("/api/v1/events").json()["events"], Value::Array(Vec::new()));
    assert_eq!(page.get("/").status, 200);
    let mut events = Events::open(&page, "/api/v1/stream", "");
    let listener = Listener::start(home.path(), &[]);
    let site = Site { home, listener, page };
    site.receive(&["payment.debited"]);
    assert_eq!(events.next().0["id"], "1");
    assert_eq!(site.page.get("/api/v1/events").json()["events"][0]["id"], "1");
}

#[test]
fn the_token_may_come_from_the_environment() {
    let home = process::home();
    let words = ["ui", "--json", "--port", "0"];
    let page = Page::spawn(whtool(home.path(), &words).env("WHTOOL_UI_TOKEN", "a-token-of-the-ci-run"));
    assert_eq!((page.token.as_str(), page.get("/api/v1/events").status), ("a-token-of-the-ci-run", 200));
    let short = whtool(home.path(), &words).env("WHTOOL_UI_TOKEN", "short").output().unwrap();
    assert_eq!(short.status.code(), Some(2));
}

#[test]
fn untrusted_text_stays_text() {
    let site = Site::start(&[]);
    let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}";
    site.receive(&["payment.debited", "--set", &format!("data.id={hostile}"), "--set", "id=\"><b>"]);
    let cookie = site.page.cookie();
    for target in ["/", "/events/1", "/events/1?part=raw", "/events/1?part=hex", "/?q=<script>x", "/events/<script>"] {
        let answer = site.page.send("GET", &target.replace('<', "%3C").replace('>', "%3E"), &[("Cookie", &cookie)], "");
        for markup in ["<script>alert", "<img src=x", "<b>", "<script>x", "\u{202e}"] {
            assert!(!answer.body.contains(markup), "{target}: {markup}");
        }
    }
}
