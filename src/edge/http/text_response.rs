//! Responses of the server itself: a status and one line of text.

use super::response_body::ResponseBody;
use crate::model::refusal::Refusal;
use crate::model::sanitize::truncate;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

/// Longest text, in columns; it may quote what the client sent.
const MAX_TEXT: usize = 300;

/// Makes a response with this status and line of text.
pub(in crate::edge) fn text_response(status: StatusCode, text: &str) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::from(format!("{text}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    match status {
        StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
        StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1"))),
        _ => {}
    }
    response
}

/// Makes the response to a refused request: it says why.
pub(in crate::edge) fn refusal_response(refusal: &Refusal) -> Response<ResponseBody> {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = text_response(status, &truncate(&refusal.to_string(), MAX_TEXT));
    if !refusal.keeps_connection() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
