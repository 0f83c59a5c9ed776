//! Lists of records, a page at a time.

use super::api::ResponseError;
use serde_json::Value;

/// A list of a provider's API, with whole records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordList {
    Payments,
    Refunds,
}

impl RecordList {
    /// Returns its name in prose.
    pub fn title(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Refunds => "refunds",
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordPage {
    pub records: Vec<Value>,
    pub has_more: bool,
}

impl RecordPage {
    /// Reads `{ data, hasMore }`. Both must be there: a page without `hasMore` could be the last
    /// one, or the first of many.
    pub fn parse(body: &Value) -> Result<Self, ResponseError> {
        let records = body.get("data").and_then(Value::as_array).ok_or(ResponseError::Unexpected("data"))?;
        let has_more = body.get("hasMore").and_then(Value::as_bool).ok_or(ResponseError::Unexpected("hasMore"))?;
        Ok(Self { records: records.clone(), has_more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_has_its_records_and_says_whether_more_follow() {
        let page = RecordPage::parse(&json!({"data": [{"id": "pi_1"}], "hasMore": true})).unwrap();
        assert_eq!((page.records, page.has_more), (vec![json!({"id": "pi_1"})], true));
        for (body, field) in [
            (json!({"data": []}), "hasMore"),
            (json!({"data": [], "hasMore": "no"}), "hasMore"),
            (json!({"hasMore": false}), "data"),
            (json!([]), "data"),
        ] {
            assert_eq!(RecordPage::parse(&body), Err(ResponseError::Unexpected(field)), "{body}");
        }
    }
}
