//! Makes the pictures of the documentation again, from the deliveries of two providers.
//!
//! `cargo test --test main pictures -- --ignored` writes `docs/ui/*.png`.

use super::chromium::Chromium;
use super::server::{App, UiProcess, send_samples, store};
use crate::process::{Listener, REFERENCE, REFERENCE_MAC, available, home, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rusqlite::Connection;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

#[test]
#[ignore = "writes the pictures of the documentation"]
fn pictures_of_the_pages() {
    // The app fails once, as apps do.
    let (home, app) = (home(), App::start(&[200, 200, 200, 200, 500, 200]));
    let mut listener = Listener::start(home.path(), &["--forward-to", &app.url, "--retry", "0"]);
    let samples =
        ["payment.created", "checkout.completed", "payment.debited", "plustive:transaction.success", "payment.debited"];
    for sample in samples {
        send_samples(&home, &listener, &[sample]);
        while listener.record()["schema"] != "whtool.forwarded/1" {}
    }
    let reference = String::from_utf8_lossy(REFERENCE);
    listener.exchange(&post(REFERENCE_MAC, reference.as_bytes()));
    listener.exchange(&post(REFERENCE_MAC, reference.replace("\":", "\": ").as_bytes()));
    for sample in ["plustive:transaction.completed.electricity", "payment.failed", "refund.succeeded"] {
        send_samples(&home, &listener, &[sample]);
    }
    send_samples(&home, &listener, &["payment.debited", "--repeat", "2"]);
    listener.end("TERM");
    spread(&home);
    let ui = UiProcess::start(&home, &["--forward-to", &app.url]);
    let mut browser = Chromium::start(&[]);
    browser.open(&ui.link);
    let base = ui.url.trim_end_matches('/').to_owned();
    let failing = browser.eval("[...document.querySelectorAll('.events li.fail')].at(-1).dataset.id");
    let detail = format!("/events/{}", failing.as_str().unwrap());
    for (name, path, width, theme) in [
        ("list", "/", 1280, "light"),
        ("event", detail.as_str(), 1280, "light"),
        ("event-dark", detail.as_str(), 1280, "dark"),
        ("list-phone", "/", 390, "light"),
        ("event-phone-dark", detail.as_str(), 390, "dark"),
    ] {
        browser.resize(width, if width < 600 { 844 } else { 800 });
        browser.media("prefers-color-scheme", theme);
        browser.open(&format!("{base}{path}"));
        browser.wait("document.querySelector('#live').textContent === 'live'");
        let picture = BASE64_STANDARD.decode(browser.screenshot()).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ui");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name).with_extension("png");
        std::fs::write(&file, picture).unwrap();
        // A quarter of the size, if it is installed.
        if available("pngquant") {
            Command::new("pngquant")
                .args(["--force", "--ext", ".png", "--skip-if-larger", "256"])
                .arg(&file)
                .status()
                .unwrap();
        }
    }
}

/// Lets the deliveries arrive over some minutes.
fn spread(home: &TempDir) {
    let connection = Connection::open(store(home)).unwrap();
    // The unit of the column is that of the store.
    let minutes = "UPDATE {table} SET {column} = {column} - (12 - {id}) * 83 * ({column} / unixepoch())";
    for (table, column, id) in [("deliveries", "arrived", "id"), ("attempts", "at", "delivery")] {
        let change = minutes.replace("{table}", table).replace("{column}", column).replace("{id}", id);
        connection.execute(&change, []).unwrap();
    }
}
