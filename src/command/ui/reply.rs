//! Replies with the headers that every one of them has.

use super::access::Denial;
use crate::model::error::{Error, Kind};
use crate::model::exchange::ServerReply;
use crate::model::message::Headers;
use crate::world::{HandlerReply, ReplyStream};
use serde_json::json;

/// Allows the page its own style, script, pictures, forms and calls, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const COMMON: [(&str, &str); 5] = [
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const JSON: &str = "application/json";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
/// Bytes that a browser saves and never shows.
pub(super) const BYTES: &str = "application/octet-stream";

/// A request that gets no answer of its kind.
#[derive(Debug)]
pub(super) struct Failure {
    pub status: u16,
    pub text: String,
    pub hint: Option<String>,
}

impl Failure {
    pub(super) fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), hint: None }
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(400, text)
    }

    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::new(404, text)
    }

    /// Makes the answer for a program.
    pub(super) fn to_record(&self) -> ServerReply {
        let record = json!({"schema": "whtool.error/1", "status": self.status, "error": self.text, "hint": self.hint});
        with_body(self.status, JSON, format!("{record}\n"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind {
            Kind::Usage => 400,
            Kind::Credentials => 409,
            Kind::Failed | Kind::PipeClosed => 500,
            Kind::Interrupted => 503,
        };
        let cause = error.cause().map(|cause| format!(": {cause}")).unwrap_or_default();
        Self { status, text: format!("{}{cause}", error.message), hint: error.hint }
    }
}

impl From<Denial> for Failure {
    fn from(denial: Denial) -> Self {
        Self::new(denial.status(), denial.text())
    }
}

/// Makes a reply with a body of this type.
pub(super) fn with_body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> ServerReply {
    let mut headers = common_headers("no-store");
    push(&mut headers, "Content-Type", content_type);
    ServerReply { headers, body: body.into(), ..ServerReply::new(status) }
}

/// Makes a reply without data that a browser may keep, as its address will never mean another one.
pub(super) fn cacheable(content_type: &str, body: &str) -> ServerReply {
    let mut headers = common_headers("private, max-age=31536000, immutable");
    push(&mut headers, "Content-Type", content_type);
    ServerReply { headers, body: body.into(), ..ServerReply::new(200) }
}

/// Makes a reply that a browser saves under this name, which consists of letters, digits and dots.
pub(super) fn download(name: &str, body: impl Into<Vec<u8>>) -> ServerReply {
    let mut reply = with_body(200, BYTES, body);
    push(&mut reply.headers, "Content-Disposition", &format!("attachment; filename=\"{name}\""));
    reply
}

/// Sends a browser to another page, after a form for example.
pub(super) fn see_other(location: &str) -> ServerReply {
    let mut reply = with_body(303, TEXT, "see the other page\n");
    push(&mut reply.headers, "Location", location);
    reply
}

/// Makes a reply of server-sent events.
pub(super) fn events(parts: ReplyStream) -> HandlerReply {
    let mut headers = common_headers("no-store");
    push(&mut headers, "Content-Type", "text/event-stream; charset=utf-8");
    HandlerReply::Stream { headers, parts }
}

/// Adds a header of our own, whose characters are all valid.
pub(super) fn push(headers: &mut Headers, name: &str, value: &str) {
    let _ = headers.push(name, value.as_bytes());
}

fn common_headers(caching: &str) -> Headers {
    let mut headers = Headers::new();
    COMMON.iter().for_each(|(name, value)| push(&mut headers, name, value));
    push(&mut headers, "Cache-Control", caching);
    headers
}
