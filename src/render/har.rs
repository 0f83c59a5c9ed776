//! Writes captures as an HTTP archive (HAR 1.2, <http://www.softwareishard.com/blog/har-12-spec/>),
//! one entry at a time, so that an archive can have any length.
//!
//! A body that is not UTF-8 is written in base64 with `encoding`, as browsers do. A header value
//! that is not UTF-8 is written as Latin-1, with a comment.

use super::json::escape_unsafe_json;
use crate::model::message::Request;
use crate::model::stored::StoredDelivery;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded;

/// Returns the part before the entries, which are separated by commas.
pub fn start() -> Vec<u8> {
    let creator = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
    format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[\n").into_bytes()
}

/// Returns the part after the entries.
pub fn end() -> &'static [u8] {
    b"\n]}}\n"
}

/// Writes one entry. The response has only a status, because the store keeps no more.
pub fn entry(stored: &StoredDelivery) -> Vec<u8> {
    let request = &stored.request;
    let has_odd_header = request.headers.iter().any(|(_, value)| std::str::from_utf8(value).is_err());
    let mut comment = format!("whtool capture {}: {}", stored.summary.id, stored.summary.verdict);
    if has_odd_header {
        comment.push_str("; header values that are not UTF-8 are written as Latin-1");
    }
    let entry = json!({
        "startedDateTime": stored.summary.arrived.to_string(),
        "time": 0,
        "request": sent(request),
        "response": {
            "status": stored.summary.answer.code(), "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
            "content": {"size": 0, "mimeType": "text/plain"}, "redirectURL": "", "headersSize": -1, "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": comment,
    });
    escape_unsafe_json(entry.to_string().into_bytes())
}

fn sent(request: &Request) -> Value {
    let headers: Vec<_> =
        request.headers.iter().map(|(name, value)| json!({"name": name, "value": letters(value)})).collect();
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let query: Vec<_> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, value)| json!({"name": name, "value": value})).collect();
    let head = request.method.len() + request.target.len() + " HTTP/1.1\r\n\r\n ".len();
    let mut sent = json!({
        "method": request.method, "url": url(request), "httpVersion": "HTTP/1.1", "cookies": [], "headers": headers,
        "queryString": query, "headersSize": head + request.headers.as_bytes().len(), "bodySize": request.body.len(),
    });
    if !request.body.is_empty() {
        sent["postData"] = body(request);
    }
    sent
}

fn body(request: &Request) -> Value {
    let kind = request.headers.get("Content-Type").map_or("application/octet-stream".into(), letters);
    match std::str::from_utf8(&request.body) {
        Ok(text) => json!({"mimeType": kind, "text": text}),
        Err(_) => json!({"mimeType": kind, "text": STANDARD.encode(&request.body), "encoding": "base64"}),
    }
}

fn letters(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

/// Builds the URL from the Host header and the target.
fn url(request: &Request) -> String {
    if !request.target.starts_with('/') {
        return request.target.clone();
    }
    let is_host = |host: &&str| {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        !host.is_empty() && host.bytes().all(part)
    };
    let host = request.headers.get("Host").and_then(|value| std::str::from_utf8(value).ok()).filter(is_host);
    format!("http://{}{}", host.unwrap_or("localhost"), request.target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stored::{AnswerState, AppState, CaptureId, DeliverySummary};
    use crate::model::timestamp::Timestamp;
    use crate::model::verdict::VerdictCode;

    fn har(target: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Value {
        let mut request = Request::post(target, body.to_vec());
        for (name, value) in headers {
            request.headers.push(name, value).unwrap();
        }
        let summary = DeliverySummary {
            id: CaptureId(7),
            arrived: Timestamp::from_second(1_736_937_000).unwrap(),
            peer: None,
            provider: None,
            verdict: VerdictCode::Mismatch,
            secret: None,
            is_test: false,
            kind: None,
            event_id: None,
            subject: None,
            status: None,
            money: None,
            answer: AnswerState::from_code(401),
            app: AppState::NotAsked,
            size: 0,
            omitted_body: None,
        };
        serde_json::from_slice(&entry(&StoredDelivery { summary, request, attempts: Vec::new(), queue: Vec::new() }))
            .unwrap()
    }

    #[test]
    fn an_archive_of_several_entries_is_valid_json() {
        let one = har("/", &[], b"").to_string().into_bytes();
        let archive: Value =
            serde_json::from_slice(&[start(), one.clone(), b",\n".to_vec(), one, end().to_vec()].concat()).unwrap();
        assert_eq!(
            (&archive["log"]["version"], archive["log"]["entries"].as_array().map(Vec::len)),
            (&json!("1.2"), Some(2))
        );
    }

    #[test]
    fn an_entry_has_the_request_and_the_status_of_its_answer() {
        let entry =
            har("/hooks?a=1&b=x%20y", &[("Host", b"shop.example:8080"), ("Content-Type", b"application/json")], b"{}");
        assert_eq!(entry["startedDateTime"], "2025-01-15T10:30:00Z");
        assert_eq!(
            (&entry["response"]["status"], &entry["comment"]),
            (&json!(401), &json!("whtool capture 7: mismatch"))
        );
        let request = &entry["request"];
        assert_eq!(request["url"], "http://shop.example:8080/hooks?a=1&b=x%20y");
        assert_eq!(request["queryString"], json!([{"name": "a", "value": "1"}, {"name": "b", "value": "x y"}]));
        assert_eq!(request["postData"], json!({"mimeType": "application/json", "text": "{}"}));
        // `printf 'POST /hooks?a=1&b=x%%20y HTTP/1.1\r\nHost: shop.example:8080\r\n\
        // Content-Type: application/json\r\n\r\n' | wc -c`, without the backslash and the line break
        assert_eq!((&request["headersSize"], &request["bodySize"]), (&json!(93), &json!(2)));
    }

    #[test]
    fn bytes_that_are_not_text_are_base64_or_latin_1_and_say_so() {
        let entry = har("/", &[("X-A", b"caf\xe9")], b"\xff\0");
        // `printf '\xff\0' | base64`
        let body = json!({"mimeType": "application/octet-stream", "text": "/wA=", "encoding": "base64"});
        assert_eq!(entry["request"]["postData"], body);
        assert_eq!(entry["request"]["headers"], json!([{"name": "X-A", "value": "café"}]));
        let comment = "whtool capture 7: mismatch; header values that are not UTF-8 are written as Latin-1";
        assert_eq!(entry["comment"], comment);
        assert_eq!(har("/", &[], b"")["request"].get("postData"), None);
    }

    #[test]
    fn a_host_that_is_none_does_not_get_into_the_url() {
        let url = |host: &[u8]| har("/x", &[("Host", host)], b"")["request"]["url"].clone();
        assert_eq!(url(b"[::1]:80"), "http://[::1]:80/x");
        for host in [&b""[..], b"a/b", b"a b", b"me@a", b"\xff"] {
            assert_eq!(url(host), "http://localhost/x", "{}", String::from_utf8_lossy(host));
        }
        assert_eq!(har("http://other.example/x", &[], b"")["request"]["url"], "http://other.example/x");
    }
}
