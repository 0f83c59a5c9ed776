//! Webhook endpoints at Plexos Pay: <https://docs.pay.plexos.io/pages/api/webhooks/create>.
//!
//! Only creating one is documented. The other calls are what its lists (<https://docs.pay.plexos.io/api-reference/introduction>)
//! and its one documented update (<https://docs.pay.plexos.io/pages/api/products/update>) suggest.

use crate::provider::api::ApiCall;
use crate::provider::endpoints::{CallSupport, EndpointCall, EndpointFields, EndpointRequest};
use crate::provider::path_segment;
use serde_json::{Map, Value, json};

const PATH: &str = "/webhooks";

/// The call for what is asked.
pub(super) fn manage(asked: &EndpointRequest) -> EndpointCall {
    let guessed = |call| EndpointCall { call, support: CallSupport::Undocumented };
    let one = |id: &str| format!("{PATH}/{}", path_segment(id));
    match asked {
        EndpointRequest::Create(wanted) => {
            EndpointCall { call: ApiCall::with_body("POST", PATH, fields(wanted)), support: CallSupport::Documented }
        }
        EndpointRequest::List { after: None } => guessed(ApiCall::get(format!("{PATH}?limit=100"))),
        EndpointRequest::List { after: Some(id) } => {
            guessed(ApiCall::get(format!("{PATH}?limit=100&starting_after={}", path_segment(id))))
        }
        EndpointRequest::Get(id) => guessed(ApiCall::get(one(id))),
        EndpointRequest::Update(id, wanted) => guessed(ApiCall::with_body("PATCH", one(id), fields(wanted))),
        EndpointRequest::Delete(id) => guessed(ApiCall { method: "DELETE", ..ApiCall::get(one(id)) }),
    }
}

fn fields(wanted: &EndpointFields) -> Value {
    let EndpointFields { url, events, description, status } = wanted;
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
        let wanted = EndpointFields {
            url: Some("https://a.example/".to_owned()),
            events: Some(vec!["payment.debited".to_owned()]),
            description: Some("mine".to_owned()),
            status: None,
        };
        let EndpointCall { call, support: standing } = manage(&EndpointRequest::Create(wanted.clone()));
        assert_eq!((call.method, &*call.path, standing), ("POST", "/webhooks", CallSupport::Documented));
        let body = json!({"url": "https://a.example/", "events": ["payment.debited"], "description": "mine"});
        assert_eq!(call.body, Some(body));
        let id = || "we_1/../x".to_owned();
        for asked in [EndpointRequest::Get(id()), EndpointRequest::Update(id(), wanted), EndpointRequest::Delete(id())]
        {
            let EndpointCall { call, support: standing } = manage(&asked);
            assert_eq!((&*call.path, standing), ("/webhooks/we_1%2F..%2Fx", CallSupport::Undocumented));
        }
    }

    #[test]
    fn an_update_sends_only_what_changes() {
        let wanted = EndpointFields { status: Some("DISABLED"), ..EndpointFields::default() };
        let call = manage(&EndpointRequest::Update("we_1".to_owned(), wanted)).call;
        assert_eq!((call.method, call.body), ("PATCH", Some(json!({"status": "DISABLED"}))));
    }
}
