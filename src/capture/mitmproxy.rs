//! Reads flows that mitmproxy saved: tnetstrings, `LENGTH:DATA` and a letter for the type.

use super::candidate::Candidate;
use super::request_json::is_method;
use super::{Capture, CaptureError, Location};
use crate::capture::note::{self, Note};
use crate::capture::request_json::RequestJsonError;
use crate::model::message::{Headers, Request};
use crate::model::timestamp::Timestamp;

/// The deepest nesting that is read.
const MAX_DEPTH: u8 = 16;

/// A value; texts and bytes are not distinguished.
#[derive(Debug, PartialEq)]
enum NetString<'f> {
    Bytes(&'f [u8]),
    Float(f64),
    List(Vec<NetString<'f>>),
    Map(Vec<(&'f [u8], NetString<'f>)>),
    Other,
}

impl<'f> NetString<'f> {
    /// Reads the value at the start. Returns also the rest.
    fn read(text: &'f [u8], depth: u8) -> Option<(Self, &'f [u8])> {
        let digits = text.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
        let length: usize = std::str::from_utf8(text.get(..digits)?).ok()?.parse().ok()?;
        let rest = text.get(digits..)?.strip_prefix(b":")?;
        let (data, rest) = rest.split_at_checked(length)?;
        let (kind, rest) = rest.split_first()?;
        let value = match kind {
            _ if depth > MAX_DEPTH => return None,
            b',' | b';' => Self::Bytes(data),
            b'^' => std::str::from_utf8(data).ok()?.parse().map_or(Self::Other, Self::Float),
            b']' => Self::List(read_all(data, depth)?),
            b'}' => {
                let mut items = read_all(data, depth)?.into_iter();
                let mut members = Vec::new();
                while let (Some(Self::Bytes(name)), Some(value)) = (items.next(), items.next()) {
                    members.push((name, value));
                }
                Self::Map(members)
            }
            b'#' | b'!' | b'~' => Self::Other,
            _ => return None,
        };
        Some((value, rest))
    }

    fn get(&self, name: &str) -> Option<&NetString<'f>> {
        let Self::Map(members) = self else { return None };
        members.iter().find(|(other, _)| *other == name.as_bytes()).map(|(_, value)| value)
    }

    fn bytes(&self) -> Option<&'f [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

fn read_all(mut data: &[u8], depth: u8) -> Option<Vec<NetString<'_>>> {
    let mut items = Vec::new();
    while !data.is_empty() {
        let (item, rest) = NetString::read(data, depth + 1)?;
        items.push(item);
        data = rest;
    }
    Some(items)
}

/// Checks whether a file starts with a map in this format.
pub(super) fn is_start(file: &[u8]) -> bool {
    let digits = file.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    let rest = file.get(digits..).unwrap_or_default();
    digits > 0 && matches!(rest, [b':', b'0'..=b'9', ..]) && NetString::read(file, 0).is_some()
}

/// Reads the request of every flow. A flow that is cut off ends the file.
pub(super) fn read(mut file: &[u8]) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    while !file.trim_ascii().is_empty() {
        let location = Location::Request(candidates.len() as u64 + 1);
        let Some((flow, rest)) = NetString::read(file, 0) else {
            candidates.push(Candidate::new(Err(CaptureError::Unfinished(location))));
            break;
        };
        file = rest;
        if let Some(request) = flow.get("request") {
            candidates.push(Candidate::new(read_request(request, location)));
        }
    }
    candidates
}

fn read_request(flow: &NetString<'_>, location: Location) -> Result<Capture, CaptureError> {
    let text =
        |name: &str| flow.get(name).and_then(NetString::bytes).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let method = text("method").unwrap_or_default();
    if !is_method(&method) {
        return Err(CaptureError::Request { location, source: RequestJsonError::Method(method) });
    }
    let (mut headers, mut notes) = (Headers::new(), Vec::new());
    if let Some(NetString::List(pairs)) = flow.get("headers") {
        for pair in pairs {
            let NetString::List(pair) = pair else { continue };
            let [Some(name), Some(value)] = [pair.first(), pair.get(1)].map(|part| part.and_then(NetString::bytes))
            else {
                continue;
            };
            let name = String::from_utf8_lossy(name).into_owned();
            if headers.push(&name, value).is_err() {
                notes.push(Note::HeaderSkipped(name));
            }
        }
    }
    let target = text("path").filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned()).replace(' ', "%20");
    let arrived = match flow.get("timestamp_start") {
        Some(NetString::Float(seconds)) => Timestamp::from_microsecond((seconds * 1e6) as i64).ok(),
        _ => None,
    };
    let Some(body) = flow.get("content").and_then(NetString::bytes) else {
        return Err(CaptureError::BodyNotInFile(location));
    };
    let request = Request { method, target, headers, body: body.to_vec() };
    notes.extend(note::length_differs(&request, None));
    Ok(Capture::new(location, request, arrived, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_are_read_and_broken_ones_are_refused() {
        // `mitmproxy.io.tnetstring.dumps({b"a": [b"b", 1, 1.5, True, None]})`
        let text = b"32:1:a,24:1:b,1:1#3:1.5^4:true!0:~]}";
        let (value, rest) = NetString::read(text, 0).unwrap();
        assert!(rest.is_empty());
        let Some(NetString::List(list)) = value.get("a") else { panic!("{value:?}") };
        assert_eq!(list[..3], [NetString::Bytes(b"b"), NetString::Other, NetString::Float(1.5)]);
        for broken in [&b"3:ab,"[..], b"99999999999999999999:a,", b"1:a", b"1:a?", b":a,", b"3:1:a]"] {
            assert!(NetString::read(broken, 0).is_none(), "{}", broken.escape_ascii());
        }
        let deep =
            (0..40).fold(b"0:]".to_vec(), |inner, _| [inner.len().to_string().as_bytes(), b":", &inner, b"]"].concat());
        assert!(NetString::read(&deep, 0).is_none());
    }
}
