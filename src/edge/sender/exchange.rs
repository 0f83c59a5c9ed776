//! One request and its answer, by way of reqwest.

use crate::exchange::{Answer, Outgoing, SendFailure, Sent};
use crate::message::{Headers, Request};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response};
use std::error::Error as StdError;
use std::io;
use std::time::{Duration, Instant};

/// How much of an answer's body is kept.
const KEPT: usize = 4 * 1024;

/// How much of it is read, so that the connection can be used again; beyond it a new one is cheaper.
const READ: usize = 64 * 1024;

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
pub(super) async fn exchange(client: Client, outgoing: Outgoing, limit: Duration) -> Sent {
    let Outgoing { number, url, request } = outgoing;
    let start = Instant::now();
    let answer = answer(&client, url, request, limit).await;
    Sent { number, took: start.elapsed(), answer }
}

async fn answer(client: &Client, url: url::Url, request: Request, limit: Duration) -> Result<Answer, SendFailure> {
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| SendFailure::Broken(format!("`{}` is not a method", request.method)))?;
    let headers = headers(&request.headers)?;
    let request = client.request(method, url).headers(headers).body(request.body).timeout(limit);
    let mut response = request.send().await.map_err(|error| failure(&error))?;
    let start_of_body = start_of_body(&mut response).await.map_err(|error| failure(&error))?;
    Ok(Answer { status: response.status().as_u16(), start_of_body })
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

async fn start_of_body(response: &mut Response) -> reqwest::Result<Vec<u8>> {
    let (mut start, mut read) = (Vec::new(), 0);
    while let Some(chunk) = response.chunk().await? {
        let room = KEPT - start.len();
        start.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        read += chunk.len();
        if read > READ {
            break;
        }
    }
    Ok(start)
}

fn failure(error: &reqwest::Error) -> SendFailure {
    if error.is_connect() {
        SendFailure::Connect(cause(error))
    } else if error.is_timeout() {
        SendFailure::Timeout
    } else {
        SendFailure::Broken(cause(error))
    }
}

/// The lowest cause of an error, in few words.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut lowest = error;
    loop {
        let io = lowest.downcast_ref::<io::Error>();
        if let Some(io) = io.filter(|io| io.raw_os_error().is_some()) {
            return io.kind().to_string();
        }
        // An io::Error hides the error it was made of: its `source` is that error's source.
        let inner = io.and_then(io::Error::get_ref).map(|inner| inner as &(dyn StdError + 'static));
        match inner.or_else(|| lowest.source()) {
            Some(below) => lowest = below,
            None => return lowest.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_lowest_and_an_error_of_the_system_is_named_by_its_kind() {
        let missing = std::fs::File::open("/no/such/file").unwrap_err();
        assert_eq!(cause(&missing), "entity not found");
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, "invalid peer certificate"));
        assert_eq!(cause(&wrapped), "invalid peer certificate");
        assert_eq!(cause(&io::Error::from(io::ErrorKind::UnexpectedEof)), "unexpected end of file");
    }

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
