//! Managing webhook endpoints through a provider's API: requests and responses.

use super::api::{ApiCall, ResponseError};
use serde_json::Value;

/// Request to manage webhook endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointRequest {
    /// Creates an endpoint. Sent twice, it may create two.
    Create(EndpointFields),
    /// Lists one page of endpoints, after the one with this id.
    List { after: Option<String> },
    /// Returns the endpoint with this id.
    Get(String),
    /// Changes the given fields of the endpoint with this id.
    Update(String, EndpointFields),
    /// Deletes the endpoint with this id.
    Delete(String),
}

/// Fields of an endpoint to create or change. `None` is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointFields {
    pub url: Option<String>,
    /// Event types it subscribes to.
    pub events: Option<Vec<String>>,
    pub description: Option<String>,
    /// The provider's own word.
    pub status: Option<&'static str>,
}

/// API call that manages endpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointCall {
    pub call: ApiCall,
    pub support: CallSupport,
}

/// Certainty that a provider has a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallSupport {
    Documented,
    /// Derived from the provider's other calls; it may not exist.
    Undocumented,
}

/// Endpoint in a response of the provider. Only the id is always present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteEndpoint {
    pub id: String,
    pub url: Option<String>,
    pub events: Vec<String>,
    pub status: Option<String>,
    pub description: Option<String>,
    /// Time of creation as sent.
    pub created: Option<String>,
}

/// One page of a list of endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointPage {
    pub endpoints: Vec<RemoteEndpoint>,
    pub has_more: bool,
}

impl RemoteEndpoint {
    /// Reads an endpoint, ignoring unknown fields.
    pub fn parse(body: &Value) -> Result<Self, ResponseError> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let events = body.get("events").and_then(Value::as_array);
        let events = events.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self {
            id: text("id").filter(|id| !id.is_empty()).ok_or(ResponseError::Unexpected("id"))?,
            url: text("url"),
            events,
            status: text("status"),
            description: text("description"),
            created: text("createdAt"),
        })
    }
}

impl EndpointPage {
    /// Reads a page: `{ data, hasMore }` or a bare array.
    pub fn parse(body: &Value) -> Result<Self, ResponseError> {
        let items = body.as_array().or_else(|| body.get("data")?.as_array());
        let items = items.ok_or(ResponseError::Unexpected("data"))?;
        let endpoints = items.iter().map(RemoteEndpoint::parse).collect::<Result<Vec<_>, _>>()?;
        let has_more = body.get("hasMore").and_then(Value::as_bool) == Some(true) && !endpoints.is_empty();
        Ok(Self { endpoints, has_more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_is_a_page_or_a_bare_array() {
        let one = json!({"id": "we_1", "events": ["a"]});
        let endpoint =
            RemoteEndpoint { id: "we_1".to_owned(), events: vec!["a".to_owned()], ..RemoteEndpoint::default() };
        let page = |endpoints: &[&RemoteEndpoint], has_more| {
            Ok(EndpointPage { endpoints: endpoints.iter().copied().cloned().collect(), has_more })
        };
        assert_eq!(EndpointPage::parse(&json!([one])), page(&[&endpoint], false));
        assert_eq!(EndpointPage::parse(&json!({"data": [one], "hasMore": true})), page(&[&endpoint], true));
        assert_eq!(EndpointPage::parse(&json!({"data": [], "hasMore": true})), page(&[], false));
        assert_eq!(EndpointPage::parse(&json!({"x": 1})), Err(ResponseError::Unexpected("data")));
    }

    #[test]
    fn an_endpoint_without_an_id_is_an_error() {
        for body in [json!({}), json!({"id": ""}), json!({"id": 7}), json!(null)] {
            assert_eq!(RemoteEndpoint::parse(&body), Err(ResponseError::Unexpected("id")));
        }
    }
}
