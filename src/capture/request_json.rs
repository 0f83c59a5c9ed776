//! Writes a request as JSON (`listen --json`, `sign --as json`) and reads it back.
//!
//! ```json
//! {"method":"POST","target":"/x?y=1","headers":[["Name","value"]],"body":"text"}
//! ```
//!
//! A body that is not UTF-8 is written as `bodyBase64`, such a header value as `{"base64":"…"}`,
//! both in the standard alphabet with padding. Every byte survives the round trip, and so do order,
//! repeats and case of headers. The record around the request is read in `lines` and written in
//! `render::json`.

use crate::json::text::{Text, write_string};
use crate::model::message::{HeaderError, Headers, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Appends the request to `out` as one JSON object, without a line break.
pub fn write(request: &Request, out: &mut Vec<u8>) {
    write_head(&HeadJson { method: &request.method, target: &request.target, headers: &request.headers }, out);
    match std::str::from_utf8(&request.body) {
        Ok(text) => {
            out.extend_from_slice(b",\"body\":");
            write_string(text, out);
        }
        Err(_) => {
            out.extend_from_slice(b",\"bodyBase64\":");
            write_string(&STANDARD.encode(&request.body), out);
        }
    }
    out.push(b'}');
}

/// Appends the fields before the body, without the closing brace.
fn write_head(head: &HeadJson<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"method\":");
    write_string(head.method, out);
    out.extend_from_slice(b",\"target\":");
    write_string(head.target, out);
    out.extend_from_slice(b",\"headers\":[");
    for (index, (name, value)) in head.headers.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"[" } else { b",[" });
        write_string(name, out);
        out.push(b',');
        match std::str::from_utf8(value) {
            Ok(text) => write_string(text, out),
            Err(_) => {
                out.extend_from_slice(b"{\"base64\":");
                write_string(&STANDARD.encode(value), out);
                out.push(b'}');
            }
        }
        out.push(b']');
    }
    out.push(b']');
}

/// Serializes a request whose body is not known. Read back, it is an error.
#[derive(Clone, Copy, Debug)]
pub struct HeadJson<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub headers: &'a Headers,
}

impl Serialize for HeadJson<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut written = Vec::new();
        write_head(self, &mut written);
        written.push(b'}');
        serialize_raw(written, out)
    }
}

fn serialize_raw<S: Serializer>(written: Vec<u8>, out: S) -> Result<S::Ok, S::Error> {
    let written = String::from_utf8(written).map_err(S::Error::custom)?;
    RawValue::from_string(written).map_err(S::Error::custom)?.serialize(out)
}

/// Serializes a request in this format.
#[derive(Clone, Copy, Debug)]
pub struct RequestJson<'a>(pub &'a Request);

impl Serialize for RequestJson<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut written = Vec::new();
        write(self.0, &mut written);
        serialize_raw(written, out)
    }
}

/// An error in JSON that is well-formed but does not describe a request.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RequestJsonError {
    /// Not a token (RFC 9110, section 5.6.2).
    #[error("invalid method `{0}`")]
    Method(String),
    /// Empty, or contains whitespace or a control character.
    #[error("invalid request target `{0}`")]
    Target(String),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("the value of header `{name}` is not valid base64")]
    HeaderBase64 { name: String, source: base64::DecodeError },
    #[error("`bodyBase64` is not valid base64")]
    BodyBase64(#[source] base64::DecodeError),
    #[error("the request has neither `body` nor `bodyBase64`")]
    NoBody,
    #[error("the request has both `body` and `bodyBase64`")]
    TwoBodies,
}

/// The fields of a request in JSON, not yet validated.
#[derive(Debug, Deserialize)]
pub struct RequestFields<'a> {
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    target: Text<'a>,
    headers: ReadHeaders,
    #[serde(borrow)]
    body: Option<Text<'a>>,
    #[serde(borrow, rename = "bodyBase64")]
    body_base64: Option<Text<'a>>,
}

impl RequestFields<'_> {
    /// Validates the fields. Fails at the first one that no request can have.
    pub fn into_request(self) -> Result<Request, RequestJsonError> {
        if !is_method(&self.method.0) {
            return Err(RequestJsonError::Method(self.method.0.into_owned()));
        }
        if !is_target(&self.target.0) {
            return Err(RequestJsonError::Target(self.target.0.into_owned()));
        }
        let body = match (self.body, self.body_base64) {
            (Some(text), None) => text.0.into_owned().into_bytes(),
            (None, Some(text)) => STANDARD.decode(text.0.as_bytes()).map_err(RequestJsonError::BodyBase64)?,
            (None, None) => return Err(RequestJsonError::NoBody),
            (Some(_), Some(_)) => return Err(RequestJsonError::TwoBodies),
        };
        let headers = self.headers.0?;
        Ok(Request { method: self.method.0.into_owned(), target: self.target.0.into_owned(), headers, body })
    }
}

/// Checks that a method is a token (RFC 9110, section 5.6.2).
pub fn is_method(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Checks that a request line can carry this target: not empty, no whitespace, no control
/// character.
pub fn is_target(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte > b' ' && byte != 0x7f)
}

/// Headers that were pushed while they were read. The first invalid one is the error.
#[derive(Debug)]
struct ReadHeaders(Result<Headers, RequestJsonError>);

impl<'de> Deserialize<'de> for ReadHeaders {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_seq(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = ReadHeaders;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of headers, each `[\"Name\",\"value\"]`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ReadHeaders, A::Error> {
        let mut headers = Headers::with_capacity(TYPICAL_HEADERS, TYPICAL_HEADER_BYTES);
        let mut error = None;
        while let Some(outcome) = list.next_element_seed(PairSeed(&mut headers))? {
            error = error.or(outcome.err());
        }
        Ok(ReadHeaders(error.map_or(Ok(headers), Err)))
    }
}

/// The headers of most webhooks fit in this capacity.
const TYPICAL_HEADERS: usize = 16;
const TYPICAL_HEADER_BYTES: usize = 640;

/// Reads one `["Name", value]` into the headers.
struct PairSeed<'h>(&'h mut Headers);

impl<'de> DeserializeSeed<'de> for PairSeed<'_> {
    type Value = Result<(), RequestJsonError>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PairSeed<'_> {
    type Value = Result<(), RequestJsonError>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a header, `[\"Name\",\"value\"]`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Self::Value, A::Error> {
        let name: Text = pair.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let value: HeaderValue = pair.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
        Ok(match value {
            HeaderValue::Text(text) => self.0.push(&name.0, text.0.as_bytes()).map_err(RequestJsonError::from),
            HeaderValue::Base64(text) => match STANDARD.decode(text.0.as_bytes()) {
                Ok(bytes) => self.0.push(&name.0, &bytes).map_err(RequestJsonError::from),
                Err(source) => Err(RequestJsonError::HeaderBase64 { name: name.0.into_owned(), source }),
            },
        })
    }
}

enum HeaderValue<'a> {
    Text(Text<'a>),
    Base64(Text<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for HeaderValue<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(HeaderValueVisitor)
    }
}

struct HeaderValueVisitor;

impl<'de> Visitor<'de> for HeaderValueVisitor {
    type Value = HeaderValue<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a header value: a string or `{\"base64\":\"…\"}`")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<HeaderValue<'de>, E> {
        Ok(HeaderValue::Text(Text(Cow::Borrowed(text))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HeaderValue<'de>, E> {
        Ok(HeaderValue::Text(Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HeaderValue<'de>, A::Error> {
        #[derive(Deserialize)]
        struct Base64<'a> {
            #[serde(borrow)]
            base64: Text<'a>,
        }
        let read = Base64::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(HeaderValue::Base64(read.base64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(request: &Request) -> String {
        let mut out = Vec::new();
        write(request, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn read(json: &str) -> Result<Request, RequestJsonError> {
        serde_json::from_str::<RequestFields>(json).unwrap().into_request()
    }

    #[test]
    fn text_is_written_as_text_and_headers_in_order() {
        let mut request = Request::post("/x?y=1", b"{\"a\":\"\xc3\xa9\"}\n".to_vec());
        request.headers.push("X-B", b"2").unwrap();
        request.headers.push("x-a", b"1").unwrap();
        request.headers.push("X-B", b"").unwrap();
        let json = r#"{"method":"POST","target":"/x?y=1","headers":[["X-B","2"],["x-a","1"],["X-B",""]],"body":"{\"a\":\"é\"}\n"}"#;
        assert_eq!(written(&request), json);
        assert_eq!(read(json).unwrap(), request);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_written_in_base64() {
        let mut request = Request::post("/", b"\xff\x00\xfe".to_vec());
        request.headers.push("X-Name", b"caf\xe9").unwrap();
        let json = r#"{"method":"POST","target":"/","headers":[["X-Name",{"base64":"Y2Fm6Q=="}]],"bodyBase64":"/wD+"}"#;
        assert_eq!(written(&request), json);
        assert_eq!(read(json).unwrap(), request);
    }

    #[test]
    fn invalid_headers_and_bodies_are_refused_by_name() {
        let with = |headers: &str, rest: &str| {
            read(&format!(r#"{{"method":"POST","target":"/","headers":[{headers}]{rest}}}"#)).unwrap_err()
        };
        for value in [r"a\r\nX-B: 2", r"a\nb", r"a\u0000b"] {
            let refused = RequestJsonError::Header(HeaderError::Value("X-A".to_owned()));
            assert_eq!(with(&format!(r#"["X-A","{value}"],["X-B","1"]"#), r#","body":"""#), refused);
        }
        let encoded = STANDARD.encode("a\nb");
        assert_eq!(
            with(&format!(r#"["X-A",{{"base64":"{encoded}"}}]"#), r#","body":"""#),
            RequestJsonError::Header(HeaderError::Value("X-A".to_owned()))
        );
        assert_eq!(
            with(r#"["X A",""]"#, r#","body":"""#),
            RequestJsonError::Header(HeaderError::Name("X A".to_owned()))
        );
        assert!(matches!(with(r#"["A",{"base64":"?"}]"#, r#","body":"""#), RequestJsonError::HeaderBase64 { .. }));
        assert!(matches!(with("", r#","bodyBase64":"?""#), RequestJsonError::BodyBase64(_)));
        assert_eq!(with("", ""), RequestJsonError::NoBody);
        assert_eq!(with("", r#","body":"","bodyBase64":"""#), RequestJsonError::TwoBodies);
    }

    #[test]
    fn a_method_or_target_that_breaks_the_request_line_is_refused() {
        let with = |method: &str, target: &str| {
            read(&format!(r#"{{"method":"{method}","target":"{target}","headers":[],"body":""}}"#)).unwrap_err()
        };
        assert_eq!(with("PO ST", "/"), RequestJsonError::Method("PO ST".to_owned()));
        assert_eq!(with("", "/"), RequestJsonError::Method(String::new()));
        assert_eq!(with("POST", r"/ HTTP/1.1\r\nX: y"), RequestJsonError::Target("/ HTTP/1.1\r\nX: y".to_owned()));
        assert_eq!(with("POST", ""), RequestJsonError::Target(String::new()));
    }

    #[test]
    fn a_header_that_is_not_a_pair_is_an_error() {
        for header in [r#"["A"]"#, "[]", r#"["A","b","c"]"#, r#"["A",1]"#, r#""A: b""#, r#"["A",{}]"#] {
            let json = format!(r#"{{"method":"POST","target":"/","headers":[{header}],"body":""}}"#);
            assert!(serde_json::from_str::<RequestFields>(&json).is_err(), "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_written_request_is_read_back(
            method in "[A-Z!#$]{1,9}",
            target in "/[!-~é]{0,40}",
            headers in prop::collection::vec(("[A-Za-z0-9-]{1,20}", prop::collection::vec(any::<u8>(), 0..40)), 0..20),
            body in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), any::<String>().prop_map(String::into_bytes)],
        ) {
            let mut request = Request { method, target, headers: Headers::new(), body };
            for (name, value) in &headers {
                // Refused headers are tested in `message`.
                let _ = request.headers.push(name, value);
            }
            prop_assert_eq!(read(&written(&request)).unwrap(), request);
        }
    }
}
