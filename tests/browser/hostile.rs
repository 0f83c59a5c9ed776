//! Deliveries and web pages that attack the pages.

use super::chromium::Chromium;
use super::server::{UiProcess, filled_home};
use super::{assert_fits, signed_in};
use crate::process::{Listener, available, home};
use serde_json::json;

/// Texts that would do something in a page that believed them.
fn attacks() -> Vec<String> {
    let mut attacks: Vec<String> = [
        "<script>document.title='owned'</script>",
        "</title><script>document.title='owned'</script>",
        "\"><img src=http://evil.invalid/x onerror=document.title='owned'>",
        "'><svg onload=document.title='owned'><use href=http://evil.invalid/x>",
        "<style>@import 'http://evil.invalid/x'</style><link rel=stylesheet href=http://evil.invalid/x>",
        "<meta http-equiv=refresh content='0;url=http://evil.invalid/'><base href=http://evil.invalid/>",
        "<iframe src=http://evil.invalid/></iframe><object data=http://evil.invalid/>",
        "javascript:document.title='owned'",
        "\u{202e}drowssap\u{2066}\u{200b}\u{feff}",
        "<form action=http://evil.invalid/><button autofocus>x",
        "👩‍👩‍👧‍👦🏳️‍🌈🙂",
        "</textarea></pre></details><script>document.title='owned'</script>",
        "{{constructor.constructor('document.title=1')()}}",
    ]
    .map(str::to_owned)
    .into();
    attacks.push("x".repeat(10_000));
    attacks.push("م".repeat(3_000));
    attacks
}

/// Fills a store with deliveries that have an attack in every field.
fn hostile_home() -> tempfile::TempDir {
    let home = home();
    let mut listener = Listener::start(home.path(), &["--observe"]);
    for attack in attacks() {
        let bodies = [
            json!({
                "id": attack, "type": attack, "createdAt": attack,
                "data": {"id": attack, "amount": "123456789012345678901234567890", "currency": attack, "status": attack, &attack: [attack, {"a": attack}]},
            })
            .to_string(),
            json!({"event": attack, "reference": attack, "clientReference": attack, "status": attack, "amount": 1, "currency": attack}).to_string(),
            attack.clone(),
        ];
        // Other characters are refused in a path, and much longer heads, too.
        let is_safe = |letter: &char| letter.is_ascii_alphanumeric() || "'()*;:@&=+$,!-._~/".contains(*letter);
        let safe: String = attack.chars().filter(is_safe).take(1_500).collect();
        let header_text: String = attack.chars().take(2_000).collect();
        for (body, header) in bodies.iter().zip(["X-Plexos-Signature", "X-Plustive-Signature", "X-Other"]) {
            let head = format!(
                "POST /{safe}?{safe} HTTP/1.1\r\nHost: x\r\n{header}: {header_text}\r\nX-Attack: {header_text}\r\nX-Plexos-Timestamp: {safe}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let answer = listener.exchange(&[head.as_bytes(), body.as_bytes()].concat());
            assert!(answer.starts_with("HTTP/1.1 200"), "{}: {answer}", head.len());
            listener.record();
        }
    }
    listener.end("TERM");
    home
}

#[test]
fn no_field_of_a_delivery_runs_a_script_loads_anything_or_leaves_its_box() {
    if !available("chromium") {
        return;
    }
    let home = hostile_home();
    let ui = UiProcess::start(&home, &["--forward-to", "http://127.0.0.1:9/hooks"]);
    let Some(mut browser) = signed_in(&ui) else { return };
    let base = ui.url.trim_end_matches('/').to_owned();
    let ids = browser.eval("[...document.querySelectorAll('.events li')].map((row) => row.dataset.id)");
    let ids: Vec<String> = serde_json::from_value(ids).unwrap();
    assert!(ids.len() >= 40, "{} deliveries", ids.len());
    for width in [390, 1280] {
        browser.resize(width, 800);
        let mut pages = vec!["/".to_owned(), "/?type=%3Cscript%3E&q=%22%3E%3Csvg%20onload=alert(1)%3E".to_owned()];
        for (at, id) in ids.iter().enumerate() {
            pages.push(format!("/events/{id}"));
            // One part of each, so that every part gets attacks.
            let part = ["part=raw", "part=headers", "part=hex", "part=related", "edit=1"][at % 5];
            pages.push(format!("/events/{id}?{part}"));
            if at % 3 == 0 {
                pages.push(format!("/events/{id}/diff/{}", ids[(at + 1) % ids.len()]));
            }
        }
        for page in pages {
            browser.open(&format!("{base}{page}"));
            assert_fits(&mut browser, &format!("{page} at {width}"));
            assert_ne!(browser.eval("document.title"), "owned", "{page}");
        }
    }
    let foreign: Vec<_> = browser.requests().into_iter().filter(|url| !url.starts_with(&base)).collect();
    assert_eq!(foreign, ["about:blank"; 0]);
    assert_eq!(browser.faults(), [] as [&str; 0]);
}

#[test]
fn a_name_that_leads_to_this_machine_is_refused() {
    if !available("chromium") {
        return;
    }
    let home = filled_home();
    let ui = UiProcess::start(&home, &[]);
    let mut browser = Chromium::start(&["--host-resolver-rules=MAP evil.invalid 127.0.0.1"]);
    let port = ui.port();
    assert_eq!(browser.open(&format!("http://evil.invalid:{port}/")), 403);
    let link = ui.link.replace("127.0.0.1", "evil.invalid");
    assert_eq!(browser.open(&link), 403);
    assert!(!browser.text("body").contains("payment."));
}

#[test]
fn another_site_reads_nothing_sends_nothing_and_hears_nothing() {
    let home = filled_home();
    let ui = UiProcess::start(&home, &["--forward-to", "http://127.0.0.1:9/hooks"]);
    let Some(mut browser) = signed_in(&ui) else { return };
    let site = tiny_http::Server::http("127.0.0.1:0").unwrap();
    let address = format!("http://localhost:{}/", site.server_addr().to_ip().unwrap().port());
    let server = std::thread::spawn(move || {
        while let Ok(request) = site.recv() {
            let is_last = request.url() == "/end";
            let html = tiny_http::Header::from_bytes(&b"Content-Type"[..], &b"text/html"[..]).unwrap();
            let _ = request
                .respond(tiny_http::Response::from_string("<!doctype html><title>site</title>").with_header(html));
            if is_last {
                return;
            }
        }
    });
    assert_eq!(browser.open(&address), 200);
    let base = ui.url.trim_end_matches('/').to_owned();
    for path in ["/", "/events/1", "/api/v1/events", "/events/1/replay"] {
        let method = if path.ends_with("replay") { "POST" } else { "GET" };
        for mode in ["cors", "no-cors"] {
            let read = browser.eval(&format!(
                "fetch('{base}{path}', {{method: '{method}', mode: '{mode}', credentials: 'include', body: {body}}}).then((answer) => answer.text(), () => '')",
                body = if method == "POST" { "new URLSearchParams({mode: 'exact', to: '0'})" } else { "undefined" },
            ));
            assert_eq!(read, "", "{path} {mode}");
        }
    }
    for path in ["/stream", "/api/v1/stream"] {
        let heard = browser.eval(&format!(
            "new Promise((resolve) => {{ const stream = new EventSource('{base}{path}', {{withCredentials: true}});
             stream.onopen = () => resolve('open'); stream.onerror = () => resolve('refused'); }})"
        ));
        assert_eq!(heard, "refused", "{path}");
    }
    // A form that a person is tricked into sending.
    browser.eval(&format!(
        "(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = '{base}/events/1/replay';
         form.innerHTML = '<input name=mode value=exact><input name=to value=0>'; document.body.append(form); form.submit(); }})()"
    ));
    browser.wait(&format!("location.href.startsWith('{base}') && document.readyState === 'complete'"));
    assert!(!browser.text("body").contains("payment."), "{}", browser.text("body"));
    browser.open(&format!("{address}end"));
    server.join().unwrap();
    browser.open(&format!("{base}/events/1"));
    assert!(!browser.text(".timeline").contains("Sent"));
}
