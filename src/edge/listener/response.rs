//! The response to a provider: the listener's own, or the app's.

use super::super::http::response_body::ResponseBody;
use super::super::http::text_response::text_response;
use crate::model::stored::Attempt;
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};

pub(super) struct ProviderResponse {
    pub status: StatusCode,
    /// Headers and body of the app's answer. `None`: the listener's own text for the status.
    app_answer: Option<(HeaderMap, Bytes)>,
}

impl ProviderResponse {
    /// Makes the listener's own response.
    pub fn own(status: StatusCode) -> Self {
        Self { status, app_answer: None }
    }

    /// Passes the app's answer on, without hop-by-hop headers. 502 if there is no answer.
    pub fn from_app(attempt: &Attempt) -> Self {
        let status = attempt
            .status()
            .and_then(|status| StatusCode::from_u16(status.0).ok())
            .filter(|status| !status.is_informational());
        let (Ok(answer), Some(status)) = (&attempt.outcome, status) else { return Self::own(StatusCode::BAD_GATEWAY) };
        let mut headers = HeaderMap::with_capacity(answer.headers.len());
        for (name, value) in answer.headers.end_to_end() {
            // The client library accepted these headers, so neither conversion fails.
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
                && name != CONTENT_LENGTH
            {
                headers.append(name, value);
            }
        }
        Self { status, app_answer: Some((headers, Bytes::from(answer.body.clone()))) }
    }

    /// Converts it for hyper, which adds `Content-Length`, and `Date` where there is none.
    pub fn into_http(self) -> Response<ResponseBody> {
        let Some((headers, body)) = self.app_answer else { return text_response(self.status, own_text(self.status)) };
        let mut response = Response::new(ResponseBody::from(body));
        *response.headers_mut() = headers;
        *response.status_mut() = self.status;
        response
    }
}

/// Returns the listener's own text for a status. It says nothing about signatures.
fn own_text(status: StatusCode) -> &'static str {
    match status {
        StatusCode::OK => "ok",
        StatusCode::UNAUTHORIZED => "refused",
        StatusCode::SERVICE_UNAVAILABLE => "busy",
        StatusCode::BAD_GATEWAY => "no usable answer from the app",
        _ => "error",
    }
}
