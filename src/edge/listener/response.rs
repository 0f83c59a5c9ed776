//! Answers as they go to the socket: the app's own, or ours.

use super::super::recorder::Sequel as After;
use super::keeping::{Reply, Said};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

/// What goes to the socket; hyper adds the length, and the date where there is none.
pub(super) fn response(reply: Reply, sequel: After) -> Response<Full<Bytes>> {
    let (mut response, keeps) = match reply.said {
        Some(Said { headers, body }) => {
            let mut response = Response::new(Full::new(body));
            *response.headers_mut() = headers;
            (response, true)
        }
        None => our_own(reply.status),
    };
    *response.status_mut() = reply.status;
    if !keeps || sequel == After::Lost {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Our own words for a status, and whether the connection can be used again.
fn our_own(status: StatusCode) -> (Response<Full<Bytes>>, bool) {
    let (text, keeps) = match status {
        StatusCode::OK => ("ok\n", true),
        StatusCode::UNAUTHORIZED => ("refused\n", true),
        StatusCode::METHOD_NOT_ALLOWED => ("only POST is received here\n", true),
        StatusCode::SERVICE_UNAVAILABLE => ("busy\n", true),
        StatusCode::PAYLOAD_TOO_LARGE => ("too large\n", false),
        StatusCode::REQUEST_TIMEOUT => ("too slow\n", false),
        StatusCode::BAD_GATEWAY => ("the app gave no answer that can be passed on\n", true),
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
    (response, keeps)
}
