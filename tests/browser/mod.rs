//! The pages of `whtool ui` in a real Chromium.

mod chromium;
mod hostile;
mod pictures;
mod reports;
mod server;
mod work;

use crate::process::available;
use chromium::Chromium;
use server::UiProcess;

/// Starts a browser that was let in. `None`: there is no Chromium, which is said.
fn signed_in(ui: &UiProcess) -> Option<Chromium> {
    let mut browser = available("chromium").then(|| Chromium::start(&[]))?;
    assert_eq!(browser.open(&ui.link), 200);
    assert_eq!(browser.eval("location.pathname"), "/");
    Some(browser)
}

/// Fails if the page needs to be scrolled sideways, or if text is drawn outside of its box.
fn assert_fits(browser: &mut Chromium, place: &str) {
    let outside = browser.eval(
        "(() => {
            document.querySelectorAll('details').forEach((part) => { part.open = true; });
            const width = document.documentElement.clientWidth;
            const scrolls = (part) => part && part !== document.body && (['auto', 'scroll', 'hidden'].includes(getComputedStyle(part).overflowX) || scrolls(part.parentElement));
            const wide = [...document.querySelectorAll('body *')].filter((part) => {
                const box = part.getBoundingClientRect();
                return box.width && part.checkVisibility() && (box.right > width + 1 || box.left < -1) && !scrolls(part.parentElement) && !part.closest('.skip, svg');
            });
            const name = (part) => part.tagName + '.' + part.className + ' ' + part.textContent.slice(0, 40);
            return document.documentElement.scrollWidth > width ? ['page ' + document.documentElement.scrollWidth, ...wide.map(name)] : wide.map(name);
        })()",
    );
    assert_eq!(outside.as_array().map(Vec::len), Some(0), "{place}: {outside:#}");
}
