//! Webhook endpoints at Plexos Pay: <https://docs.pay.plexos.io/pages/api/webhooks/create>.
//!
//! Only creating one is documented. The other calls follow its documented lists
//! (<https://docs.pay.plexos.io/api-reference/introduction>) and its one documented update
//! (<https://docs.pay.plexos.io/pages/api/products/update>).

use crate::provider::api::ApiCall;
use crate::provider::endpoints::{CallSupport, EndpointCall, EndpointFields, EndpointRequest};
use crate::provider::path_segment;
use serde_json::{Map, Value, json};

const PATH: &str = "/webhooks";

pub(super) fn endpoint_call(request: &EndpointRequest) -> EndpointCall {
    let undocumented = |call| EndpointCall { call, support: CallSupport::Undocumented };
    let one = |id: &str| format!("{PATH}/{}", path_segment(id));
    match request {
        EndpointRequest::Create(fields) => {
            EndpointCall { call: ApiCall::with_body("POST", PATH, to_json(fields)), support: CallSupport::Documented }
        }
        EndpointRequest::List { after: None } => undocumented(ApiCall::get(format!("{PATH}?limit=100"))),
        EndpointRequest::List { after: Some(id) } => {
            undocumented(ApiCall::get(format!("{PATH}?limit=100&starting_after={}", path_segment(id))))
        }
        EndpointRequest::Get(id) => undocumented(ApiCall::get(one(id))),
        EndpointRequest::Update(id, fields) => undocumented(ApiCall::with_body("PATCH", one(id), to_json(fields))),
        EndpointRequest::Delete(id) => undocumented(ApiCall { method: "DELETE", ..ApiCall::get(one(id)) }),
    }
}

fn to_json(fields: &EndpointFields) -> Value {
    let EndpointFields { url, events, description, status } = fields;
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
    fn only_creating_an_endpoint_is_documented() {
        let fields = EndpointFields {
            url: Some("https://a.example/".to_owned()),
            events: Some(vec!["payment.debited".to_owned()]),
            description: Some("mine".to_owned()),
            status: None,
        };
        let EndpointCall { call, support } = endpoint_call(&EndpointRequest::Create(fields.clone()));
        assert_eq!((call.method, &*call.path, support), ("POST", "/webhooks", CallSupport::Documented));
        let body = json!({"url": "https://a.example/", "events": ["payment.debited"], "description": "mine"});
        assert_eq!(call.body, Some(body));
        let id = || "we_1/../x".to_owned();
        for request in
            [EndpointRequest::Get(id()), EndpointRequest::Update(id(), fields), EndpointRequest::Delete(id())]
        {
            let EndpointCall { call, support } = endpoint_call(&request);
            assert_eq!((&*call.path, support), ("/webhooks/we_1%2F..%2Fx", CallSupport::Undocumented));
        }
    }

    #[test]
    fn an_update_sends_only_the_changed_fields() {
        let fields = EndpointFields { status: Some("DISABLED"), ..EndpointFields::default() };
        let call = endpoint_call(&EndpointRequest::Update("we_1".to_owned(), fields)).call;
        assert_eq!((call.method, call.body), ("PATCH", Some(json!({"status": "DISABLED"}))));
    }

    #[test]
    fn every_call_has_its_method_and_path_and_only_writes_have_a_body() {
        let id = || "we_1".to_owned();
        for (request, method, path, has_body) in [
            (EndpointRequest::Create(EndpointFields::default()), "POST", "/webhooks", true),
            (EndpointRequest::List { after: None }, "GET", "/webhooks?limit=100", false),
            (
                EndpointRequest::List { after: Some("a&b".to_owned()) },
                "GET",
                "/webhooks?limit=100&starting_after=a%26b",
                false,
            ),
            (EndpointRequest::Get(id()), "GET", "/webhooks/we_1", false),
            (EndpointRequest::Update(id(), EndpointFields::default()), "PATCH", "/webhooks/we_1", true),
            (EndpointRequest::Delete(id()), "DELETE", "/webhooks/we_1", false),
        ] {
            let call = endpoint_call(&request).call;
            assert_eq!((call.method, &*call.path, call.body.is_some()), (method, path, has_body));
        }
    }
}
