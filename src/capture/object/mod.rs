//! Reads a request that a tool described as a JSON object.
//!
//! Hundreds of tools write one, each with its own names. `fields` knows the names, `headers` and
//! `body` the forms of their values, and `scan` finds the objects at any depth of a document.

mod body;
mod fields;
mod headers;
mod scan;

pub(super) use body::decode_base64;
pub(super) use fields::has_request_names;
pub use scan::FoundPayload;
pub(super) use scan::{Numbering, Scanner, is_base64_text};

use super::candidate::Candidate;
use super::note::{self, ContentLength, Note, content_length};
use super::request_json::{RequestJsonError, is_method, is_target};
use super::{Capture, CaptureError, Location, Resources, raw, start_line};
use crate::json::{TokenKind, ValueView};
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use fields::{MAX_MEMBERS, RequestMembers, member, normalized};
use headers::JsonHeaders;
use sha2::{Digest, Sha256};

/// An object with more members than this is not the record around one request.
const MAX_OUTER_MEMBERS: usize = 40;

/// What a JSON object describes.
enum ObjectKind<'d> {
    Request(Box<RequestMembers<'d>>),
    /// An answer, which may look like a request: nothing in it is read.
    Response,
    Other,
}

/// Members that hold answers.
fn is_response_name(name: &str) -> bool {
    ["response", "responses", "res", "responseheaders", "responsebody", "reply"].contains(&normalized(name).as_str())
}

fn classify(object: ValueView<'_>) -> ObjectKind<'_> {
    let mut members = RequestMembers::of(object);
    if members.headers.is_none() {
        members.headers = flat_headers(object);
    }
    let has_headers = members
        .headers
        .is_some_and(|headers| !matches!(headers.kind(), TokenKind::Number | TokenKind::True | TokenKind::False));
    if has_headers && members.has_status && members.method.is_none() {
        return ObjectKind::Response;
    }
    let has_target = members.target.is_some() || members.has_http_method();
    let is_request = match has_headers {
        true => has_target || !members.bodies.is_empty(),
        false => {
            has_signed_attributes(&members)
                || (members.has_http_method()
                    && members.target.is_some_and(is_text)
                    && (!members.bodies.is_empty() || members.length.is_some()))
        }
    };
    if is_request { ObjectKind::Request(Box::new(members)) } else { ObjectKind::Other }
}

fn is_text(value: ValueView<'_>) -> bool {
    value.kind() == TokenKind::String
}

/// Returns the object itself if its own members are headers beside a `body`, as smee.io writes it.
fn flat_headers(object: ValueView<'_>) -> Option<ValueView<'_>> {
    member(object, "body")?;
    let is_header =
        |name: &str| name.contains('-') && is_method(name) && name.bytes().all(|byte| !byte.is_ascii_uppercase());
    let count = object.members().take(MAX_MEMBERS).filter(|(name, value)| is_header(name) && is_text(*value)).count();
    (count >= 2).then_some(object)
}

/// Checks whether attributes of a message in a queue carry a signature, so that they are headers.
fn has_signed_attributes(members: &RequestMembers<'_>) -> bool {
    let Some(attributes) = members.attributes.filter(|_| !members.bodies.is_empty()) else { return false };
    JsonHeaders::read(attributes).headers.iter().any(|(name, value)| super::candidate::is_signature(name, value))
}

/// Builds the request that an object describes. `outer` is the object around it, which may have its
/// method, target or time.
fn build(
    object: ValueView<'_>,
    members: &RequestMembers<'_>,
    outer: Option<ValueView<'_>>,
    location: Location,
    resources: &Resources<'_>,
) -> Candidate {
    if let Some(candidate) = raw_request(object, location) {
        return candidate;
    }
    let is_flat = members.headers.is_some_and(|headers| headers.index() == object.index());
    let read = match members.headers.or(members.attributes) {
        Some(_) if is_flat => flat(object),
        Some(headers) => JsonHeaders::read(headers),
        None => JsonHeaders::default(),
    };
    let (mut method, mut target) = (text_of(members.method).or(read.method), target_of(members).or(read.path));
    if let Some((first_method, first_target)) = first_line(members) {
        (method, target) = (method.or(Some(first_method)), target.or(Some(first_target)));
    }
    // A large object holds many requests, and nothing about this one.
    let outer = outer.filter(|outer| outer.members().nth(MAX_OUTER_MEMBERS).is_none());
    if let (true, Some(outer)) = (method.is_none() || target.is_none(), outer) {
        let around = RequestMembers::of(outer);
        method = method.or_else(|| around.has_http_method().then(|| text_of(around.method)).flatten());
        target = target.or_else(|| target_of(&around));
    }
    let mut notes = read.notes;
    let arrived = arrived(object, outer, &mut notes);
    let is_base64 = members.is_base64 || (members.headers.is_none() && body::is_encoded_message(&members.bodies));
    let mut body = body::read(&members.bodies, is_base64);
    if let Some(body) = &mut body
        && let Some(bytes) = body.file.as_ref().and_then(|name| resources.load(name))
    {
        body.bytes = bytes;
    }
    let is_parsed = body.as_ref().is_some_and(|body| body.is_parsed);
    let has_body = body.is_some();
    let is_missing = body.as_ref().is_some_and(|body| body.is_missing);
    if let Some(note) = body.as_ref().and_then(|body| body.note.clone()) {
        notes.insert(0, note);
    }
    let request = Request {
        method: method.unwrap_or_else(|| "POST".to_owned()).to_ascii_uppercase(),
        target: target.unwrap_or_else(|| "/".to_owned()),
        headers: read.headers,
        body: body.map(|body| body.bytes).unwrap_or_default(),
    };
    let is_webhook = super::candidate::is_webhook(&request);
    let is_masked = object
        .get("bodySha256")
        .and_then(ValueView::text)
        .is_some_and(|hash| hash != hex::encode(Sha256::digest(&request.body)));
    let outcome = if is_masked {
        Err(CaptureError::MaskedBody(location))
    } else if is_missing {
        Err(CaptureError::BodyNotInFile(location))
    } else {
        finish(request, members.length, is_parsed, has_body, notes, location)
    };
    let outcome = outcome.map(|(request, notes)| Capture::new(location, request, arrived, notes));
    Candidate { outcome, is_webhook }
}

/// Checks the parts, and that the body is there if there was one.
fn finish(
    mut request: Request,
    recorded: Option<u64>,
    is_parsed: bool,
    has_body: bool,
    mut notes: Vec<Note>,
    location: Location,
) -> Result<(Request, Vec<Note>), CaptureError> {
    let invalid = |source| Err(CaptureError::Request { location, source });
    if !is_method(&request.method) {
        return invalid(RequestJsonError::Method(request.method));
    }
    request.target = match start_line::origin_form(&request.target) {
        Some(target) => target,
        None if request.target.contains("://") && !request.target.contains("{{") => {
            return invalid(RequestJsonError::Target(request.target));
        }
        None => format!("/{}", request.target),
    };
    if !is_target(&request.target) {
        request.target =
            request.target.split(|letter: char| letter <= ' ' || letter == '\u{7f}').collect::<Vec<_>>().join("%20");
    }
    let declared = match content_length(&request.headers) {
        ContentLength::Bytes(declared) => Some(declared),
        _ => recorded,
    };
    if request.body.is_empty() && declared.is_some_and(|declared| declared > 0) && !(has_body && is_parsed) {
        return Err(CaptureError::BodyNotInFile(location));
    }
    if !is_parsed {
        notes.extend(note::length_differs(&request, recorded));
    }
    Ok((request, notes))
}

/// Reads the request from a member that holds all of it, as text or in base64. ngrok writes that.
fn raw_request(object: ValueView<'_>, location: Location) -> Option<Candidate> {
    let names = ["raw", "rawrequest", "request", "requestraw", "rawhttp", "httprequest"];
    object.members().take(MAX_MEMBERS).filter(|(name, _)| names.contains(&normalized(name).as_str())).find_map(
        |(_, value)| {
            let text = value.bytes()?;
            let is_head = |text: &[u8]| start_line::is_next_request_start(text);
            let bytes = if is_head(&text) {
                body::text_bytes(&text)
            } else {
                decode_base64(&text).filter(|text| is_head(text))?
            };
            let outcome = raw::read_raw(&bytes).next()?;
            let outcome = outcome.map(|capture| Capture { location, ..capture });
            Some(Candidate::new(outcome))
        },
    )
}

/// Reads the members of an object that are headers beside a body.
fn flat(object: ValueView<'_>) -> JsonHeaders {
    let mut read = JsonHeaders::default();
    for (name, value) in object.members().take(MAX_MEMBERS).filter(|(_, value)| is_text(*value)) {
        let is_header =
            name.contains('-') || ["host", "accept", "connection", "authorization", "via"].contains(&name.as_str());
        if let (true, Some(bytes)) = (is_header, value.bytes()) {
            let _ = read.headers.push(&name, bytes.trim_ascii());
        }
    }
    read
}

fn text_of(value: Option<ValueView<'_>>) -> Option<String> {
    value.and_then(ValueView::text).filter(|text| !text.is_empty())
}

/// Returns path and query. Postman writes the URL as an object with `raw`.
fn target_of(members: &RequestMembers<'_>) -> Option<String> {
    let target = members.target?;
    let text = text_of(Some(target)).or_else(|| text_of(target.get("raw"))).or_else(|| text_of(target.get("path")))?;
    let query = text_of(members.query).filter(|_| !text.contains('?'));
    Some(match query {
        Some(query) => format!("{text}?{}", query.trim_start_matches('?')),
        None => text,
    })
}

/// Returns method and target of a request line that is written beside the headers, as in Charles.
fn first_line(members: &RequestMembers<'_>) -> Option<(String, String)> {
    let line = text_of(members.headers?.get("firstLine"))?;
    start_line::read_request_line(line.as_bytes()).map(|line| (line.method, line.target))
}

/// Returns the time of arrival, from the object or the one around it: RFC 3339 or a Unix time.
fn arrived(object: ValueView<'_>, outer: Option<ValueView<'_>>, notes: &mut Vec<Note>) -> Option<Timestamp> {
    let names =
        ["arrived", "starteddatetime", "receivedat", "arrivedat", "createdat", "timestamp", "timeepoch", "time"];
    for object in [Some(object), outer].into_iter().flatten() {
        let context = member(object, "requestContext");
        for object in [Some(object), context].into_iter().flatten() {
            for (name, value) in
                object.members().take(MAX_MEMBERS).filter(|(name, _)| names.contains(&normalized(name).as_str()))
            {
                if let Some(time) = read_time(value) {
                    return Some(time);
                }
                if let Some(text) = value.text().filter(|_| ["arrived", "startedDateTime"].contains(&name.as_str())) {
                    notes.push(Note::InvalidTime(text));
                }
            }
        }
    }
    None
}

fn read_time(value: ValueView<'_>) -> Option<Timestamp> {
    if let Some(text) = value.text() {
        return text.parse().ok();
    }
    let number: i64 = value.spelling().parse().ok()?;
    match number {
        1_000_000_000..10_000_000_000 => Timestamp::from_second(number).ok(),
        1_000_000_000_000..10_000_000_000_000 => Timestamp::from_millisecond(number).ok(),
        _ => None,
    }
}
