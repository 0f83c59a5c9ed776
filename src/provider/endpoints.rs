//! Webhook endpoints at a provider: what can be asked for, and what comes back.

use super::api::{ApiCall, ResponseError};
use serde_json::Value;

/// What is asked of a provider about its webhook endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointRequest {
    /// A new endpoint. A repeat may make a second one.
    Create(EndpointFields),
    /// The endpoints, a page of them.
    List {
        /// The id of the last one of the page before.
        after: Option<String>,
    },
    /// One endpoint, by its id.
    Get(String),
    /// Another URL, other events or the like for the endpoint of this id.
    Update(String, EndpointFields),
    /// The end of the endpoint of this id.
    Delete(String),
}

/// An endpoint as it should be. Of an update, only what is given changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointFields {
    /// Where deliveries go.
    pub url: Option<String>,
    /// The types of events that are sent there.
    pub events: Option<Vec<String>>,
    /// A label.
    pub description: Option<String>,
    /// Whether it is delivered to, in the provider's word.
    pub status: Option<&'static str>,
}

/// A call about endpoints, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointCall {
    /// The call.
    pub call: ApiCall,
    /// Whether the provider documents it.
    pub support: CallSupport,
}

/// Whether a provider documents a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallSupport {
    /// On a page of its own.
    Documented,
    /// Nowhere: it is what the provider's other calls suggest.
    Undocumented,
}

/// An endpoint as a provider tells of it. Only the id is sure to be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteEndpoint {
    /// Its id.
    pub id: String,
    /// Where deliveries go.
    pub url: Option<String>,
    /// The types of events.
    pub events: Vec<String>,
    /// The provider's word for its state.
    pub status: Option<String>,
    /// The label.
    pub description: Option<String>,
    /// When it was made, as the provider writes it.
    pub created: Option<String>,
}

impl RemoteEndpoint {
    /// Reads one; other names than these are left aside.
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

    /// Reads a page of a list, `{ data, hasMore }` or a bare array, and says whether there is more.
    pub fn parse_page(body: &Value) -> Result<(Vec<Self>, More), ResponseError> {
        let items =
            body.as_array().or_else(|| body.get("data")?.as_array()).ok_or(ResponseError::Unexpected("data"))?;
        let page = items.iter().map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        let has_more = body.get("hasMore").and_then(Value::as_bool) == Some(true) && !page.is_empty();
        Ok((page, if has_more { More::Follows } else { More::None }))
    }
}

/// Whether a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// Another page follows.
    Follows,
    /// This is the end.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_may_be_a_page_or_bare() {
        let one = json!({"id": "we_1", "events": ["a"]});
        let told = RemoteEndpoint { id: "we_1".to_owned(), events: vec!["a".to_owned()], ..RemoteEndpoint::default() };
        assert_eq!(RemoteEndpoint::parse_page(&json!([one])), Ok((vec![told.clone()], More::None)));
        assert_eq!(
            RemoteEndpoint::parse_page(&json!({"data": [one], "hasMore": true})),
            Ok((vec![told], More::Follows))
        );
        assert_eq!(RemoteEndpoint::parse_page(&json!({"data": [], "hasMore": true})), Ok((vec![], More::None)));
        assert_eq!(RemoteEndpoint::parse_page(&json!({"x": 1})), Err(ResponseError::Unexpected("data")));
    }

    #[test]
    fn without_an_id_there_is_no_endpoint() {
        for body in [json!({}), json!({"id": ""}), json!({"id": 7}), json!(null)] {
            assert_eq!(RemoteEndpoint::parse(&body), Err(ResponseError::Unexpected("id")));
        }
    }
}
