//! HTTP requests and headers as bytes.
//!
//! A head is stored exactly as it was received and read through ranges into it, so that stored,
//! shown, forwarded and signed bytes are never a reconstruction.

use memchr::memchr;
use std::ops::Range;

/// Headers of one connection, which are not forwarded (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Header lines as received: order, case, repeats and bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    text: Vec<u8>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HeaderError {
    #[error("`{0}` has no colon: a header is written `Name: value`")]
    NoColon(String),
    #[error("`{0}` is not a header name{hint}", hint = quotes_hint(.0))]
    Name(String),
    #[error("the value of `{0}` contains a line break or a NUL")]
    Value(String),
}

/// Quotes are a common mistake when a header is copied from source code.
fn quotes_hint(name: &str) -> &'static str {
    if name.starts_with(['"', '\'', '`']) { ": remove the quotes around the header" } else { "" }
}

impl Headers {
    pub fn new() -> Self {
        Self::default()
    }

    /// Reserves memory for this many lines with this many bytes in total, line ends included.
    pub fn with_capacity(lines: usize, bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), fields: Vec::with_capacity(lines) }
    }

    /// Appends `name: value`. Names must be tokens (RFC 9110 section 5.6.2); values may be any
    /// bytes except CR, LF and NUL.
    pub fn push(&mut self, name: &str, value: &[u8]) -> Result<(), HeaderError> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(HeaderError::Name(name.to_owned()));
        }
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(HeaderError::Value(name.to_owned()));
        }
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        let name = start..self.text.len();
        self.text.extend_from_slice(b": ");
        let start = self.text.len();
        self.text.extend_from_slice(value);
        let value = start..self.text.len();
        self.text.extend_from_slice(b"\r\n");
        self.fields.push(Field { name, value });
        Ok(())
    }

    /// Parses header lines that end with CRLF or LF, keeping their bytes. Whitespace around a value
    /// is not part of it. An empty line ends the block. A line without a colon is an error.
    pub fn read(text: Vec<u8>) -> Result<Self, HeaderError> {
        let mut fields = Vec::with_capacity(16);
        let mut start = 0;
        while start < text.len() {
            let end = memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at);
            let line = &text[start..end];
            if line.is_empty() || line == b"\r" {
                break;
            }
            let colon = memchr(b':', line)
                .ok_or_else(|| HeaderError::NoColon(String::from_utf8_lossy(line).trim_end().to_owned()))?;
            let name = &line[..colon];
            if name.is_empty() || !name.iter().copied().all(is_token) {
                return Err(HeaderError::Name(String::from_utf8_lossy(name).into_owned()));
            }
            let value = trim(&text, start + colon + 1..end);
            fields.push(Field { name: start..start + colon, value });
            start = end + 1;
        }
        Ok(Self { text, fields })
    }

    /// Returns name and value of each line, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| {
            let name = std::str::from_utf8(&self.text[field.name.clone()]).expect("a header name is a token, so ASCII");
            (name, &self.text[field.value.clone()])
        })
    }

    /// Returns the values of every line with this name, in order. Case is ignored.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let has_name = move |field: &&Field| self.text[field.name.clone()].eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(has_name).map(|field| &self.text[field.value.clone()])
    }

    /// Returns the first value with this name.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Returns name and value of each line that a proxy passes on, in order.
    pub fn end_to_end(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let options: Vec<_> = self.all("connection").map(String::from_utf8_lossy).collect();
        let is_connection_option = move |name: &str| {
            options.iter().flat_map(|option| option.split(',')).any(|other| other.trim().eq_ignore_ascii_case(name))
        };
        self.iter().filter(move |(name, _)| !is_hop_by_hop(name) && !is_connection_option(name))
    }

    /// Returns the lines as received, with their line ends, without the empty line that ends a
    /// head.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Returns true for a header that applies to one connection and is not forwarded, whatever
/// `Connection` lists.
pub fn is_hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// True if a header name or method may contain this byte.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn trim(text: &[u8], mut range: Range<usize>) -> Range<usize> {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r');
    while range.start < range.end && blank(text[range.start]) {
        range.start += 1;
    }
    while range.start < range.end && blank(text[range.end - 1]) {
        range.end -= 1;
    }
    range
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Request {
    /// Creates a POST without headers.
    pub fn post(target: &str, body: Vec<u8>) -> Self {
        Self { method: "POST".to_owned(), target: target.to_owned(), headers: Headers::new(), body }
    }

    /// Serializes the request as HTTP/1.1.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut wire = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        wire.extend_from_slice(self.headers.as_bytes());
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(&self.body);
        wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_bytes_order_case_and_repeats() {
        let text = b"X-A: 1\r\nx-b:2 \r\nX-a:\t3\r\n".to_vec();
        let headers = Headers::read(text.clone()).unwrap();
        assert_eq!(headers.as_bytes(), text);
        let pairs: Vec<_> = headers.iter().collect();
        assert_eq!(pairs, [("X-A", &b"1"[..]), ("x-b", b"2"), ("X-a", b"3")]);
        assert_eq!(headers.all("X-A").collect::<Vec<_>>(), [b"1", b"3"]);
    }

    #[test]
    fn header_values_may_be_any_bytes() {
        let headers = Headers::read(b"X-Name: caf\xe9\n".to_vec()).unwrap();
        assert_eq!(headers.get("x-name"), Some(&b"caf\xe9"[..]));
    }

    #[test]
    fn a_header_cannot_contain_a_line_break() {
        let mut headers = Headers::new();
        assert_eq!(headers.push("X-A", b"1\r\nX-B: 2"), Err(HeaderError::Value("X-A".to_owned())));
        assert_eq!(headers.push("X A", b"1"), Err(HeaderError::Name("X A".to_owned())));
        assert!(headers.is_empty());
    }

    #[test]
    fn a_line_without_a_colon_is_an_error() {
        assert_eq!(Headers::read(b"nonsense\r\n".to_vec()), Err(HeaderError::NoColon("nonsense".to_owned())));
    }

    #[test]
    fn a_request_is_serialized_without_changes() {
        let mut request = Request::post("/a?b=c", b"\0{}\n".to_vec());
        request.headers.push("Host", b"x").unwrap();
        assert_eq!(request.to_wire(), b"POST /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n\0{}\n");
    }
}
