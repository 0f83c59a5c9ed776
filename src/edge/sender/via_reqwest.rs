//! One request and its answer through reqwest: to other machines, and wherever there is TLS.
//!
//! reqwest sends header names in lower case, and repeats of one name together.

use super::answer::{PartialAnswer, broken, parse_method, root_cause};
use super::options::ExchangeOptions;
use crate::model::exchange::{Answer, SendFailure};
use crate::model::message::{Headers, Request, is_hop_by_hop};
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

pub(super) async fn exchange(
    client: &Client,
    url: Url,
    request: Request,
    options: ExchangeOptions,
) -> Result<Answer, SendFailure> {
    let method = parse_method(&request)?;
    let headers = header_map(&request.headers)?;
    let request = client.request(method, url).headers(headers).body(request.body).timeout(options.timeout);
    let mut response = request.send().await.map_err(|error| failure(&error))?;
    let mut answer = PartialAnswer::new(response.status(), response.headers(), options.max_body);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => answer.push(&chunk),
            Ok(None) => return Ok(answer.finish()),
            Err(error) => return Err(answer.fail(failure(&error).to_string())),
        }
        if answer.is_truncated() {
            return Ok(answer.finish());
        }
    }
}

/// Converts headers, without those that reqwest writes itself.
fn header_map(headers: &Headers) -> Result<HeaderMap, SendFailure> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, _)| !is_written_by_reqwest(name)) {
        let refused = || SendFailure::Broken(format!("the header `{name}` can't be sent"));
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        map.append(header, HeaderValue::from_bytes(value).map_err(|_| refused())?);
    }
    Ok(map)
}

fn is_written_by_reqwest(name: &str) -> bool {
    is_hop_by_hop(name) || name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case("content-length")
}

fn failure(error: &reqwest::Error) -> SendFailure {
    if error.is_connect() {
        SendFailure::Connect(root_cause(error))
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
    fn host_length_and_hop_by_hop_headers_are_left_to_reqwest() {
        let mut given = Headers::new();
        for name in ["Host", "X-A", "content-LENGTH", "x-a", "Transfer-Encoding"] {
            given.push(name, b"caf\xe9").unwrap();
        }
        let map = header_map(&given).unwrap();
        assert_eq!(map.len(), 2);
        assert!(map.get_all("x-a").iter().all(|value| value.as_bytes() == b"caf\xe9"));
    }
}
