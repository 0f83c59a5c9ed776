//! Views of a capture that `events show` and `ui` share: verified with the secrets of today, as raw
//! HTTP, and as a target for curl.

use crate::command::shared::secrets::Secrets;
use crate::diagnose::{self, Finding, HashBudget};
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::error::{Error, Result};
use crate::model::message::{Headers, Request};
use crate::model::signature::DEFAULT_TOLERANCE;
use crate::model::stored::StoredDelivery;
use crate::model::timestamp::Timestamp;
use crate::render::bundle::{self, Bundle, Contents};
use crate::webhook::receive::{Rules, receive};
use url::Url;

/// Serializes a request. A body that arrived in chunks is stored decoded, so a `Content-Length`
/// replaces the `Transfer-Encoding`; then the second value is true.
pub(in crate::command) fn raw_http(mut request: Request) -> Result<(Vec<u8>, bool)> {
    let is_chunked = request.headers.get("transfer-encoding").is_some();
    if is_chunked {
        request.headers = with_content_length(&request.headers, request.body.len())?;
    }
    Ok((request.to_wire(), is_chunked))
}

fn with_content_length(headers: &Headers, length: usize) -> Result<Headers> {
    let mut length = Some(format!("Content-Length: {length}\r\n"));
    let mut copy = Vec::with_capacity(headers.as_bytes().len());
    let lines = headers.as_bytes().split_inclusive(|&byte| byte == b'\n');
    for (line, (name, _)) in lines.zip(headers.iter()) {
        match name.to_ascii_lowercase().as_str() {
            "transfer-encoding" => copy.extend(length.take().unwrap_or_default().into_bytes()),
            "content-length" | "trailer" => {}
            _ => copy.extend_from_slice(line),
        }
    }
    Headers::read(copy).map_err(|error| Error::failed("can't write the request").because(error))
}

/// Adds the request's path and query to a URL that has none.
pub(in crate::command) fn target_url(to: &Url, request: &Request) -> Url {
    if to.path() != "/" || to.query().is_some() || !request.target.starts_with('/') {
        return to.clone();
    }
    let (path, query) =
        request.target.split_once('?').map_or((request.target.as_str(), None), |(path, query)| (path, Some(query)));
    let mut url = to.clone();
    url.set_path(path);
    url.set_query(query);
    url
}

/// Verifies a capture with the current secrets, as of its arrival, and finds the causes of a
/// failure.
pub(in crate::command) fn verify_and_diagnose(
    stored: &StoredDelivery,
    secrets: &Secrets,
) -> (AnalyzedDelivery, Vec<Finding>) {
    let rules = Rules { keys: secrets.keys.clone(), tolerance: Some(DEFAULT_TOLERANCE) };
    let arrived = stored.summary.arrived;
    let delivery = Delivery { request: stored.request.clone(), peer: None, arrived: Some(arrived) };
    let received = receive(delivery, &rules, arrived);
    if stored.summary.verdict.is_verified() {
        return (received, Vec::new());
    }
    let mut budget = HashBudget::interactive(1, 1);
    let findings = diagnose::explain(&received, &secrets.credentials(), &mut budget);
    (received, findings)
}

/// Builds the file for a provider's support.
pub(in crate::command) fn support_bundle(
    stored: &StoredDelivery,
    (analyzed, findings): (&AnalyzedDelivery, &[Finding]),
    secrets: &Secrets,
    created: Timestamp,
) -> Bundle {
    bundle::build(&Contents {
        stored,
        analyzed,
        findings,
        version: env!("CARGO_PKG_VERSION"),
        created: created.to_string(),
        secrets: secrets.bytes().collect(),
    })
}
