//! One request and its answer through reqwest: to other machines, and wherever there is TLS.
//!
//! reqwest sends header names in lower case, and repeats of one name together.

use super::answer::{PartialAnswer, parse_method};
use super::failure::{answer_failure, connect_failure};
use super::options::ExchangeOptions;
use crate::model::exchange::{self, Answer, SendFailure};
use crate::model::message::{Headers, Request, is_hop_by_hop};
use crate::model::target_fault::TargetFault;
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::{Position, Url};

pub(super) async fn exchange(
    client: &Client,
    url: Url,
    request: Request,
    options: ExchangeOptions,
) -> Result<Answer, SendFailure> {
    let method = parse_method(&request)?;
    let headers = header_map(&request.headers)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let url = with_target(&url, &request.target)?;
    let request = client.request(method, url).headers(headers).body(request.body).timeout(options.timeout);
    let mut response = request.send().await.map_err(|error| failure(&error, &host))?;
    let mut answer = PartialAnswer::new(response.status(), response.headers(), options.max_body);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => answer.push(&chunk),
            Ok(None) => return Ok(answer.finish()),
            Err(error) => return Err(answer.fail(failure(&error, &host).to_string())),
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

/// Returns the URL with this target. Fails if it would be sent in another spelling: a `Url` resolves
/// dot segments and escapes characters.
fn with_target(url: &Url, target: &str) -> Result<Url, SendFailure> {
    let exact = Url::parse(&exchange::address(url, target)).ok();
    let exact = exact.filter(|exact| &exact[Position::BeforePath..Position::AfterQuery] == target);
    exact.ok_or_else(|| SendFailure::Misconfigured(TargetFault::UnsendableTarget(target.to_owned())))
}

fn failure(error: &reqwest::Error, host: &str) -> SendFailure {
    if error.is_connect() {
        connect_failure(error, host)
    } else if error.is_timeout() {
        SendFailure::Timeout
    } else {
        answer_failure(error, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_a_url_would_rewrite_is_refused() {
        let url = Url::parse("https://me:secret@shop.test:1/not/used?x#y").unwrap();
        for target in ["/", "/hook?a=b", "/%2e", "/a;b//c", "//evil.test/x"] {
            let with = with_target(&url, target).map(|url| url.to_string());
            if target == "/%2e" {
                assert!(with.is_err(), "{target}");
            } else {
                assert_eq!(with, Ok(format!("https://me:secret@shop.test:1{target}")));
            }
        }
        for target in ["/../../admin", "/a/./b", "/a#b", "/a\"b", "/caf\u{e9}", "hook", "@evil.test/"] {
            assert!(with_target(&url, target).is_err(), "{target}");
        }
    }

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
