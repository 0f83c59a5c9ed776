//! Webhook endpoints at Plexos Pay: <https://docs.pay.plexos.io/pages/api/webhooks/create>.
//!
//! Only creating one is documented. The other calls are what its lists (<https://docs.pay.plexos.io/api-reference/introduction>)
//! and its one documented update (<https://docs.pay.plexos.io/pages/api/products/update>) suggest.

use crate::provider::api::Call;
use crate::provider::management::{Managed, Management, Standing, Wanted};
use crate::provider::path_segment;
use serde_json::{Map, Value, json};

const PATH: &str = "/webhooks";

/// The call for what is asked.
pub(super) fn manage(asked: &Management) -> Managed {
    let guessed = |call| Managed { call, standing: Standing::Guessed };
    let one = |id: &str| format!("{PATH}/{}", path_segment(id));
    match asked {
        Management::Create(wanted) => {
            Managed { call: Call::sending("POST", PATH, fields(wanted)), standing: Standing::Documented }
        }
        Management::List { after: None } => guessed(Call::get(format!("{PATH}?limit=100"))),
        Management::List { after: Some(id) } => {
            guessed(Call::get(format!("{PATH}?limit=100&starting_after={}", path_segment(id))))
        }
        Management::Show(id) => guessed(Call::get(one(id))),
        Management::Update(id, wanted) => guessed(Call::sending("PATCH", one(id), fields(wanted))),
        Management::Delete(id) => guessed(Call { method: "DELETE", ..Call::get(one(id)) }),
    }
}

fn fields(wanted: &Wanted) -> Value {
    let Wanted { url, events, description, status } = wanted;
    let given = [
        ("url", url.as_ref().map(|url| json!(url))),
        ("events", events.as_ref().map(|events| json!(events))),
        ("description", description.as_ref().map(|text| json!(text))),
        ("status", status.map(|status| json!(status))),
    ];
    let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creating_sends_what_the_page_shows_and_is_the_only_documented_call() {
        let wanted = Wanted {
            url: Some("https://a.example/".to_owned()),
            events: Some(vec!["payment.debited".to_owned()]),
            description: Some("mine".to_owned()),
            status: None,
        };
        let Managed { call, standing } = manage(&Management::Create(wanted.clone()));
        assert_eq!((call.method, &*call.path, standing), ("POST", "/webhooks", Standing::Documented));
        let body = json!({"url": "https://a.example/", "events": ["payment.debited"], "description": "mine"});
        assert_eq!(call.body, Some(body));
        let id = || "we_1/../x".to_owned();
        for asked in [Management::Show(id()), Management::Update(id(), wanted), Management::Delete(id())] {
            let Managed { call, standing } = manage(&asked);
            assert_eq!((&*call.path, standing), ("/webhooks/we_1%2F..%2Fx", Standing::Guessed));
        }
    }

    #[test]
    fn an_update_sends_only_what_changes() {
        let wanted = Wanted { status: Some("DISABLED"), ..Wanted::default() };
        let call = manage(&Management::Update("we_1".to_owned(), wanted)).call;
        assert_eq!((call.method, call.body), ("PATCH", Some(json!({"status": "DISABLED"}))));
    }
}
