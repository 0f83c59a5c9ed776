//! One request and its answer, by way of reqwest: to other machines, and wherever there is TLS.
//!
//! Here header names go out in lower case, and repeats of one together.

use super::answer::{Incoming, broken, cause, method};
use super::clients::Terms;
use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::{Headers, Request};
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// Headers about one connection or about framing: the client writes its own.
const OF_THE_CONNECTION: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// Sends a request and reads the answer.
pub(super) async fn exchange(client: &Client, url: Url, request: Request, terms: Terms) -> Result<Answer, SendFailure> {
    let method = method(&request)?;
    let headers = headers(&request.headers)?;
    let request = client.request(method, url).headers(headers).body(request.body).timeout(terms.limit);
    let mut response = request.send().await.map_err(|error| failure(&error))?;
    let mut incoming = Incoming::new(response.status(), response.headers(), terms.most_of_body);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => incoming.add(&chunk),
            Ok(None) => return Ok(incoming.into_answer()),
            Err(error) => return Err(incoming.cut(failure(&error).to_string())),
        }
        if incoming.is_enough() {
            return Ok(incoming.into_answer());
        }
    }
}

/// The headers as reqwest wants them: in order, as bytes, without those that it writes itself.
fn headers(headers: &Headers) -> Result<HeaderMap, SendFailure> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, _)| !is_of_the_connection(name)) {
        let unfit = || SendFailure::Broken(format!("the header `{name}` can't be sent"));
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
        map.append(header, HeaderValue::from_bytes(value).map_err(|_| unfit())?);
    }
    Ok(map)
}

fn is_of_the_connection(name: &str) -> bool {
    OF_THE_CONNECTION.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn failure(error: &reqwest::Error) -> SendFailure {
    if error.is_connect() {
        SendFailure::Connect(cause(error))
    } else if error.is_timeout() {
        SendFailure::Timeout
    } else {
        broken(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_connection_are_left_to_the_client() {
        let mut given = Headers::new();
        for name in ["Host", "X-A", "content-LENGTH", "x-a", "Transfer-Encoding"] {
            given.push(name, b"caf\xe9").unwrap();
        }
        let map = headers(&given).unwrap();
        assert_eq!(map.len(), 2);
        assert!(map.get_all("x-a").iter().all(|value| value.as_bytes() == b"caf\xe9"));
    }
}
