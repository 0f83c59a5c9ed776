//! Reads HTTP archives (HAR 1.2), as browsers and proxies export them.
//!
//! An archive holds decoded text, not the bytes of a request, and sometimes the body is missing. A
//! note says so if the length shows that the body is not the one that was fields.

use super::{Capture, CaptureError, JsonError, Location, note, read_arrived, start_line, without_bom};
use crate::capture::request_json::{RequestJsonError, is_method, is_target};
use crate::json::text::Text;
use crate::model::message::{Headers, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Reads the request of every entry. An invalid entry is an error in its position; a file that is
/// not an archive is a single error.
pub fn read_har(file: &[u8]) -> Result<impl Iterator<Item = Result<Capture, CaptureError>>, CaptureError> {
    let archive: HarFile = serde_json::from_slice(without_bom(file)).map_err(CaptureError::Har)?;
    Ok((1..).zip(archive.log.entries).map(|(number, entry)| read_entry(entry.get(), Location::Entry(number))))
}

#[derive(Deserialize)]
struct HarFile<'a> {
    #[serde(borrow)]
    log: HarLog<'a>,
}

#[derive(Deserialize)]
struct HarLog<'a> {
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarEntry<'a> {
    #[serde(borrow)]
    started_date_time: Option<Text<'a>>,
    #[serde(borrow)]
    request: HarRequest<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest<'a> {
    method: String,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow, default)]
    headers: Vec<HarHeader<'a>>,
    #[serde(borrow)]
    post_data: Option<HarPostData<'a>>,
    /// In bytes; -1: unknown.
    body_size: Option<i64>,
}

#[derive(Deserialize)]
struct HarHeader<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

#[derive(Deserialize)]
struct HarPostData<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    encoding: Option<Text<'a>>,
    params: Option<Vec<IgnoredAny>>,
}

fn read_entry(json: &str, location: Location) -> Result<Capture, CaptureError> {
    let entry: HarEntry = serde_json::from_str(json)
        .map_err(|error| CaptureError::Json { location, source: JsonError::in_entry(error) })?;
    let fields = entry.request;
    let body = read_body(fields.post_data, location)?;
    let mut request = read_head(fields.method, &fields.url.0, &fields.headers)
        .map_err(|source| CaptureError::Request { location, source })?;
    request.body = body;
    let mut notes =
        Vec::from_iter(note::length_differs(&request, fields.body_size.and_then(|size| size.try_into().ok())));
    if request.body.is_empty() && notes.iter().any(|note| matches!(note, note::Note::LengthDiffers { .. })) {
        return Err(CaptureError::BodyNotInFile(location));
    }
    let arrived = read_arrived(entry.started_date_time.as_ref().map(|text| text.0.as_ref()), &mut notes);
    Ok(Capture::new(location, request, arrived, notes))
}

/// Reads the request without its body. Drops the pseudo-headers of HTTP/2, which repeat method and
/// URL.
fn read_head(method: String, url: &str, fields: &[HarHeader<'_>]) -> Result<Request, RequestJsonError> {
    if !is_method(&method) {
        return Err(RequestJsonError::Method(method));
    }
    let target = start_line::origin_form(url).filter(|target| is_target(target));
    let target = target.ok_or_else(|| RequestJsonError::Target(url.to_owned()))?;
    let mut headers = Headers::new();
    for field in fields.iter().filter(|field| !field.name.0.starts_with(':')) {
        headers.push(&field.name.0, field.value.0.as_bytes())?;
    }
    Ok(Request { method, target, headers, body: Vec::new() })
}

/// Reads the body. Parameters alone are not enough, because they do not show how they were encoded.
fn read_body(data: Option<HarPostData<'_>>, location: Location) -> Result<Vec<u8>, CaptureError> {
    let Some(data) = data else { return Ok(Vec::new()) };
    let text = data.text.map(|text| text.0.into_owned()).unwrap_or_default();
    if text.is_empty() && data.params.is_some_and(|params| !params.is_empty()) {
        return Err(CaptureError::BodyNotInFile(location));
    }
    match data.encoding {
        Some(encoding) if encoding.0.eq_ignore_ascii_case("base64") => STANDARD
            .decode(text)
            .map_err(|error| CaptureError::Request { location, source: RequestJsonError::BodyBase64(error) }),
        _ => Ok(text.into_bytes()),
    }
}
