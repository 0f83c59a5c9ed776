//! The pages that ask others: the provider about payments, and the app about its handler.

use super::server::{App, UiProcess, filled_home};
use super::{assert_fits, signed_in};
use crate::reconcile::{Api, payment, transaction};

/// An API that knows every payment, and each as debited.
fn api() -> Api {
    Api::new(|last, _| if last.starts_with("PLS-") { transaction(last, "Success") } else { payment(last, "DEBITED") })
}

/// The variables with which the page asks this API.
fn variables(api: &Api) -> [(&str, &str); 4] {
    let url = api.url.as_str();
    let keys = [("PLEXOS_PAY_SECRET_KEY", "sk_test_abc"), ("PLUSTIVE_API_KEY", "pk_live_abc")];
    [("PLEXOS_API_URL", url), ("PLUSTIVE_API_URL", url), keys[0], keys[1]]
}

#[test]
fn captured_payments_are_compared_and_the_record_of_one_is_looked_up() {
    let (home, api) = (filled_home(), api());
    let ui = UiProcess::with_variables(&home, &[], &variables(&api));
    let Some(mut browser) = signed_in(&ui) else { return };
    let base = ui.url.trim_end_matches('/').to_owned();
    browser.open(&format!("{base}/overview"));
    // Seven deliveries, of which three are refused.
    let figures = "[...document.querySelectorAll('.figures b')].slice(0, 2).map((figure) => figure.innerText)";
    assert_eq!(browser.eval(figures), serde_json::json!(["7", "3"]));
    assert_eq!(api.asked(), [""; 0], "nothing is asked before a button is pressed");

    browser.open(&format!("{base}/reconcile"));
    browser.eval("document.querySelector('.start button').click()");
    browser.wait("document.querySelector('main header h1')");
    let asked = api.asked();
    let report = browser.eval("document.querySelector('main').textContent").to_string();
    for path in &asked {
        let reference = path.rsplit('/').next().unwrap();
        assert!(report.contains(reference), "{reference}: {report}");
    }
    // Three of Plexos, and one of Plustive.
    assert_eq!(asked.len(), 4, "{asked:?}");
    browser.resize(390, 800);
    assert_fits(&mut browser, "/reconcile");
    browser.resize(1280, 800);

    browser.open(&format!("{base}/events/2"));
    browser.wait("!document.querySelector('#theme').hidden");
    browser.eval("document.querySelector('form[action=\"/events/2/record\"] button').click()");
    browser.wait("!document.querySelector('form[action=\"/events/2/record\"]')");
    let detail = browser.text("#detail");
    let record = &detail[detail.find("Provider's record").unwrap()..];
    assert!(record.contains("DEBITED") && record.contains("10000"), "{record}");
    assert_eq!(browser.faults(), [] as [&str; 0]);
}

#[test]
fn a_handler_that_accepts_everything_fails_the_check_on_the_page() {
    let (home, app) = (filled_home(), App::start(&[200]));
    let ui = UiProcess::start(&home, &["--forward-to", &app.url]);
    let Some(mut browser) = signed_in(&ui) else { return };
    browser.open(&format!("{}/check", ui.url.trim_end_matches('/')));
    browser.eval("document.querySelector('.start button').click()");
    browser.wait("document.querySelector('main header h1')");
    assert_eq!(browser.text("main header h1"), "This handler has failures");
    assert!(browser.text("main").contains(&app.url));
    browser.resize(390, 800);
    assert_fits(&mut browser, "/check");
    assert_eq!(browser.faults(), [] as [&str; 0]);
}
