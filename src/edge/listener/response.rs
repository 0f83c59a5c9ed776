//! The response to a provider: the listener's own, or the app's.

use super::super::recorder::AfterRequest;
use crate::model::stored::Attempt;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
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
    pub fn into_http(self, after: AfterRequest) -> Response<Full<Bytes>> {
        let (mut response, keep_alive) = match self.app_answer {
            Some((headers, body)) => {
                let mut response = Response::new(Full::new(body));
                *response.headers_mut() = headers;
                (response, true)
            }
            None => own_text(self.status),
        };
        *response.status_mut() = self.status;
        if !keep_alive || after == AfterRequest::Lost {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Returns the listener's own text for a status, and whether the connection can be used again.
fn own_text(status: StatusCode) -> (Response<Full<Bytes>>, bool) {
    let (text, keep_alive) = match status {
        StatusCode::OK => ("ok\n", true),
        StatusCode::UNAUTHORIZED => ("refused\n", true),
        StatusCode::METHOD_NOT_ALLOWED => ("only POST is accepted\n", true),
        StatusCode::SERVICE_UNAVAILABLE => ("busy\n", true),
        StatusCode::PAYLOAD_TOO_LARGE => ("body too large\n", false),
        StatusCode::REQUEST_TIMEOUT => ("timed out\n", false),
        StatusCode::LOOP_DETECTED => ("this listener has forwarded the delivery before\n", false),
        StatusCode::BAD_GATEWAY => ("no usable answer from the app\n", true),
        _ => ("bad request\n", false),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    match status {
        StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
        StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1"))),
        _ => {}
    }
    (response, keep_alive)
}
