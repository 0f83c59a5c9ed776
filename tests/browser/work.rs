//! What people do with the pages, by keyboard.

use super::server::{App, UiProcess, filled_home, multiply, send_samples};
use super::{assert_fits, signed_in};
use crate::process::{Listener, available};
use std::time::Instant;

#[test]
fn a_failing_delivery_is_found_explained_replayed_edited_and_compared_by_keyboard() {
    let (home, app) = (filled_home(), App::start(&[500, 200]));
    let ui = UiProcess::start(&home, &["--forward-to", &app.url]);
    let Some(mut browser) = signed_in(&ui) else { return };
    browser.wait("document.querySelectorAll('.events li').length === 7");
    // The script of `/` runs before the first key.
    browser.wait("!document.querySelector('#theme').hidden");
    browser.keys(&["/"]);
    browser.type_text("verdict:mismatch");
    browser.keys(&["Enter"]);
    browser.wait("location.search.includes('mismatch') && document.querySelectorAll('.events li').length === 2");
    browser.wait("!document.querySelector('#theme').hidden");
    assert!(browser.text(".chips").contains("verdict: mismatch"));
    browser.keys(&["j", "j", "Enter"]);
    browser.wait("document.querySelector('#detail')?.dataset.id === '5'");
    let cause = browser.text("#detail .cause");
    assert!(cause.contains("proved") && cause.contains("Fix"), "{cause}");
    // It was never verified, so it is sent as it is. The app answers, and the history shows it.
    browser.wait("!document.querySelector('#theme').hidden");
    browser.keys(&["r"]);
    browser.wait("document.querySelector('.timeline').innerText.includes('no amount in this order')");
    let history = browser.text(".timeline");
    assert!(history.contains("Sent unchanged to") && history.contains("500"), "{history}");
    assert_eq!(history.matches("Sent unchanged").count() + history.matches("Forwarded").count(), 1, "{history}");

    // A verified one is edited: a new signature, another body.
    browser.open(&format!("{}/events/1", ui.url.trim_end_matches('/')));
    browser.wait("!document.querySelector('#theme').hidden");
    browser.keys(&["e"]);
    browser.wait("document.querySelector('#body')");
    browser.eval("(() => { const field = document.querySelector('#body'); field.focus(); field.select(); })()");
    browser.type_text(r#"{"id":"evt_edited","type":"payment.debited","data":{"id":"pi_edited"}}"#);
    browser.keys(&["Ctrl+Enter"]);
    browser.wait("document.querySelector('.timeline')?.innerText.includes('Edited, re-signed and sent to')");
    assert!(app.bodies.lock().unwrap()[1].contains("pi_edited"));

    browser.open(&format!("{}/events/5", ui.url.trim_end_matches('/')));
    browser.wait("!document.querySelector('#theme').hidden");
    browser.keys(&["d"]);
    browser.wait("location.pathname.includes('/diff/')");
    browser.wait("/^Compare #[0-9]+ with #5$/.test(document.querySelector('h1')?.innerText)");
    assert_eq!(browser.faults(), [] as [&str; 0]);
}

#[test]
fn a_list_of_100_000_captures_is_walked_with_keys_and_stays_small_while_rows_arrive() {
    if !available("chromium") {
        return;
    }
    let home = filled_home();
    multiply(&home, 100_000);
    let ui = UiProcess::start(&home, &[]);
    let Some(mut browser) = signed_in(&ui) else { return };
    browser.wait("document.querySelectorAll('.events li').length === 100");
    browser.wait("document.querySelector('#live').textContent === 'live'");
    let started = Instant::now();
    browser.open(&ui.url);
    let paint = browser.eval(
        "new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime)).observe({type: 'paint', buffered: true}))",
    );
    eprintln!("first paint of a list of 100,000: {paint} ms, loaded after {:?}", started.elapsed());
    let Some(older) = browser.eval("document.querySelector('[rel=next]').href").as_str().map(str::to_owned) else {
        panic!()
    };
    browser.open(&older);
    assert_eq!(browser.eval("document.querySelector('.events li').dataset.id"), "99900");

    // Rows arrive from another process.
    browser.open(&ui.url);
    browser.wait("document.querySelector('#live').textContent === 'live'");
    let listener = Listener::start(home.path(), &[]);
    let replay = |times: &str| send_samples(&home, &listener, &["payment.debited", "--repeat", times]);
    replay("1");
    browser.wait("document.querySelector('.events li').dataset.id === '100001'");
    replay("250");
    browser.wait("document.querySelector('.events li').dataset.id === '100251'");
    let rows = browser.eval("document.querySelectorAll('.events li').length").as_u64().unwrap();
    assert!(rows <= 200, "{rows} rows");
    // What one reads does not move: new ones are counted.
    browser.eval("document.querySelector('#list').scrollTop = 700");
    let seen = "document.elementFromPoint(400, 300).closest('li').dataset.id";
    let before = browser.eval(seen);
    replay("3");
    browser.wait("document.querySelector('#news').textContent === '3 new' && document.title.startsWith('(3) ')");
    assert_eq!(browser.eval(seen), before);
    browser.eval("document.querySelector('#list').scrollTop = 0");
    browser.wait("document.querySelector('.events li').dataset.id === '100254' && !document.title.startsWith('(')");
    assert_eq!(browser.faults(), [] as [&str; 0]);
}

#[test]
fn pages_work_without_a_script_and_in_both_themes() {
    let (home, app) = (filled_home(), App::start(&[200]));
    let ui = UiProcess::start(&home, &["--forward-to", &app.url]);
    let Some(mut browser) = signed_in(&ui) else { return };
    let color = "getComputedStyle(document.body).backgroundColor";
    browser.media("prefers-color-scheme", "dark");
    let dark = browser.eval(color);
    browser.media("prefers-color-scheme", "light");
    assert_ne!(browser.eval(color), dark);
    browser.eval("document.querySelector('#theme').click()");
    assert_eq!(browser.eval(color), dark);
    browser.open(&ui.url);
    assert_eq!(browser.eval(color), dark, "the choice is kept");

    browser.call("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": true}));
    let base = ui.url.trim_end_matches('/').to_owned();
    assert_eq!(browser.open(&format!("{base}/events/1?part=raw")), 200);
    assert!(browser.text("#detail pre").contains("POST /"));
    // A button without a script: the form is sent, and the page of the capture comes back.
    let middle = browser.eval(
        "(() => { const box = document.querySelector('[value=exact]').getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()",
    );
    browser.click(&middle);
    assert!(browser.text(".timeline").contains("Sent unchanged"), "{}", browser.text("body"));
    for width in [390, 1280] {
        browser.resize(width, 800);
        for path in
            ["/", "/events/1", "/events/5?part=headers", "/events/5?framework=flask", "/events/5/diff/1", "/nothing"]
        {
            browser.open(&format!("{base}{path}"));
            assert_fits(&mut browser, path);
        }
    }
}
