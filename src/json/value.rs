//! Parses the JSON object in a body, from which providers read an event.
//!
//! Strings without escapes are borrowed from the body and fields are searched linearly: an event
//! needs few of them, and parsing must cost little compared with checking the signature. Own code,
//! because of repeated fields the last must count and because a megabyte of empty objects must not
//! take hundreds of megabytes.

use super::text::Text;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Number;
use std::fmt;

/// The fields of an object, in the order of the text.
#[derive(Debug, Default)]
pub struct Payload<'b>(Vec<(Text<'b>, JsonValue<'b>)>);

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum JsonValue<'b> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text<'b>),
    List(Vec<JsonValue<'b>>),
    Object(Payload<'b>),
}

/// The reason why a body is not a payload.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The body is not JSON or is nested too deep.
    #[error("the body is not valid JSON")]
    Syntax(#[from] serde_json::Error),
    #[error("the body is JSON, but not an object")]
    NotAnObject,
}

impl<'b> Payload<'b> {
    pub fn parse(body: &'b [u8]) -> Result<Self, PayloadError> {
        // Checking UTF-8 once is much faster than for each string.
        let value = match std::str::from_utf8(body) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(body),
        };
        match value? {
            JsonValue::Object(fields) => Ok(fields),
            _ => Err(PayloadError::NotAnObject),
        }
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.0.as_ref())
    }

    /// Returns the field of this name, the last one if there are several.
    pub fn get(&self, name: &str) -> Option<&JsonValue<'b>> {
        self.0.iter().rfind(|(other, _)| other.0 == name).map(|(_, field)| field)
    }

    /// Returns the object in a field. `None`: the field is absent or holds something else.
    pub fn object(&self, name: &str) -> Option<&Payload<'b>> {
        match self.get(name)? {
            JsonValue::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// A field as text: strings as they are, numbers and booleans as JSON writes them, everything
    /// else as absent.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            JsonValue::Text(text) => Some(text.0.clone().into_owned()),
            field @ (JsonValue::Number(_) | JsonValue::Bool(_)) => Some(field.to_json()),
            _ => None,
        }
    }
}

impl JsonValue<'_> {
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("keys are strings and numbers finite")
    }
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.0.iter().map(|(name, field)| (name, field)))
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for JsonValue<'b> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(JsonValueVisitor)
    }
}

struct JsonValueVisitor;

impl<'de> Visitor<'de> for JsonValueVisitor {
    type Value = JsonValue<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<JsonValue<'de>, E> {
        Ok(JsonValue::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<JsonValue<'de>, E> {
        Ok(JsonValue::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<JsonValue<'de>, E> {
        Ok(JsonValue::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<JsonValue<'de>, E> {
        Ok(JsonValue::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<JsonValue<'de>, E> {
        Ok(Number::from_f64(number).map_or(JsonValue::Null, JsonValue::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<JsonValue<'de>, E> {
        Ok(JsonValue::Text(Text(text.into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonValue<'de>, E> {
        Ok(JsonValue::Text(Text(text.to_owned().into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<JsonValue<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = list.next_element()? {
            fields.push(field);
        }
        Ok(JsonValue::List(fields))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonValue<'de>, A::Error> {
        // `Vec::new` allocates nothing: preallocated objects would make a megabyte of `{}` take
        // hundreds.
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(JsonValue::Object(Payload(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn payload(text: &str) -> Payload<'_> {
        Payload::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn strings_numbers_and_booleans_are_read_as_text() {
        let payload = payload(r#"{"a":"x\n","b":10000,"c":true,"d":null,"e":[1],"f":{"g":-1.50}}"#);
        let text = |name| payload.text(name);
        assert_eq!([text("a"), text("b"), text("c")].map(Option::unwrap), ["x\n", "10000", "true"]);
        assert_eq!([text("d"), text("e"), text("f"), text("h")], [None, None, None, None]);
        assert_eq!(payload.object("f").unwrap().text("g").as_deref(), Some("-1.5"));
        assert!(payload.object("a").is_none());
    }

    #[test]
    fn values_are_written_as_json() {
        let text = r#"{"a":["x\n",{"b":null}],"c":{"d":1.5,"e":true}}"#;
        let payload = payload(text);
        assert_eq!(payload.get("a").unwrap().to_json(), r#"["x\n",{"b":null}]"#);
        assert_eq!(payload.get("c").unwrap().to_json(), r#"{"d":1.5,"e":true}"#);
    }

    #[test]
    fn empty_objects_allocate_nothing() {
        let payload = payload(r#"{"a":[{},{}]}"#);
        let Some(JsonValue::List(list)) = payload.get("a") else { panic!("it is a list") };
        assert!(list.iter().all(|field| matches!(field, JsonValue::Object(Payload(fields)) if fields.capacity() == 0)));
    }

    #[test]
    fn the_last_of_several_fields_of_one_name_wins() {
        assert_eq!(payload(r#"{"a":"1","b":"2","a":"3"}"#).text("a").as_deref(), Some("3"));
    }

    #[test]
    fn values_that_serde_json_refuses_are_refused() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for text in [r#"{"a":["\ud800"]}"#, r#"{"a":1e999}"#, r#"{"a":[01]}"#, "{", &deep] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<JsonValue>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_is_the_same_as_in_serde_json(number in any::<f64>(), whole in any::<i64>(), letters in any::<String>()) {
            let whole_value = serde_json::json!({"number": number, "whole": whole, "letters": letters});
            let text = whole_value.to_string();
            let payload = payload(&text);
            let expected = |name: &str| match serde_json::from_str::<Value>(&text).unwrap().get(name) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(Value::Null) | None => None,
                Some(value) => Some(value.to_string()),
            };
            for name in ["number", "whole", "letters"] {
                prop_assert_eq!(payload.text(name), expected(name));
            }
        }
    }
}
