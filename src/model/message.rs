//! HTTP messages as whtool sees them: bytes.
//!
//! A head is kept exactly as it came, and read through spans into it, so that what is stored, shown, forwarded or signed
//! is never a reconstruction. Nothing here knows of sockets, providers or signatures.

use memchr::memchr;
use std::ops::Range;

/// Headers about one connection (RFC 9110 section 7.6.1), which end here.
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

/// Header lines in the order they came, repeats and all, with the very bytes they were written in.
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

/// A header cannot hold this name or value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HeaderError {
    /// The line has no colon.
    #[error("`{0}` has no colon: a header is written `Name: value`")]
    NoColon(String),
    /// The name has a character that no header name may have.
    #[error("`{0}` is not a header name{quotes}", quotes = of_quotes(.0))]
    Name(String),
    /// The value has a line break or a NUL in it.
    #[error("the value of `{0}` has a line break or a NUL in it")]
    Value(String),
}

/// Quotes that came along from where a header was copied.
fn of_quotes(name: &str) -> &'static str {
    if name.starts_with(['"', '\'', '`']) { ": leave out the quotes around the header" } else { "" }
}

impl Headers {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// No headers yet, and room for so many lines, of so many bytes together, line ends included.
    pub fn with_capacity(lines: usize, bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), fields: Vec::with_capacity(lines) }
    }

    /// Adds one header at the end, written `name: value`. Names must be tokens (RFC 9110 section 5.6.2); values are any
    /// bytes but CR, LF and NUL.
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

    /// Reads a block of header lines, ended by CRLF or LF, and keeps its bytes as they are. White space around a value is
    /// not part of the value. An empty line ends the block. A line without a colon is an error.
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
            let value = trimmed(&text, start + colon + 1..end);
            fields.push(Field { name: start..start + colon, value });
            start = end + 1;
        }
        Ok(Self { text, fields })
    }

    /// Name and value of each line, in order. The value may be any bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| {
            let name = std::str::from_utf8(&self.text[field.name.clone()]).expect("a header name is a token, so ASCII");
            (name, &self.text[field.value.clone()])
        })
    }

    /// The values of every line of this name, in order; case does not matter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let is_wanted = move |field: &&Field| self.text[field.name.clone()].eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(is_wanted).map(|field| &self.text[field.value.clone()])
    }

    /// The first value of this name, if there is one.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Name and value of each line that is not about one connection, in order: what a request or an answer keeps on its way.
    pub fn end_to_end(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let options: Vec<_> = self.all("connection").map(String::from_utf8_lossy).collect();
        let is_named = move |name: &str| {
            options.iter().flat_map(|option| option.split(',')).any(|other| other.trim().eq_ignore_ascii_case(name))
        };
        let ends_here = move |name: &str| HOP_BY_HOP.iter().any(|other| other.eq_ignore_ascii_case(name));
        self.iter().filter(move |(name, _)| !ends_here(name) && !is_named(name))
    }

    /// The header lines as they were written, line ends included, without the empty line that ends a head.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no line at all.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Whether a byte may stand in a header name or a method.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `range` without the white space at its ends.
fn trimmed(text: &[u8], mut range: Range<usize>) -> Range<usize> {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r');
    while range.start < range.end && blank(text[range.start]) {
        range.start += 1;
    }
    while range.start < range.end && blank(text[range.end - 1]) {
        range.end -= 1;
    }
    range
}

/// One request: method, target (path and query as sent), headers, body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `POST` and the like, as sent.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Every header line, as sent.
    pub headers: Headers,
    /// The body: bytes, whatever they are.
    pub body: Vec<u8>,
}

impl Request {
    /// A POST with no headers yet.
    pub fn post(target: &str, body: Vec<u8>) -> Self {
        Self { method: "POST".to_owned(), target: target.to_owned(), headers: Headers::new(), body }
    }

    /// The request as HTTP/1.1 puts it on the wire.
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
    fn a_block_keeps_its_bytes_order_case_and_repeats() {
        let text = b"X-A: 1\r\nx-b:2 \r\nX-a:\t3\r\n".to_vec();
        let headers = Headers::read(text.clone()).unwrap();
        assert_eq!(headers.as_bytes(), text);
        let pairs: Vec<_> = headers.iter().collect();
        assert_eq!(pairs, [("X-A", &b"1"[..]), ("x-b", b"2"), ("X-a", b"3")]);
        assert_eq!(headers.all("X-A").collect::<Vec<_>>(), [b"1", b"3"]);
    }

    #[test]
    fn values_are_bytes_not_text() {
        let headers = Headers::read(b"X-Name: caf\xe9\n".to_vec()).unwrap();
        assert_eq!(headers.get("x-name"), Some(&b"caf\xe9"[..]));
    }

    #[test]
    fn a_line_break_cannot_be_smuggled_into_a_header() {
        let mut headers = Headers::new();
        assert_eq!(headers.push("X-A", b"1\r\nX-B: 2"), Err(HeaderError::Value("X-A".to_owned())));
        assert_eq!(headers.push("X A", b"1"), Err(HeaderError::Name("X A".to_owned())));
        assert!(headers.is_empty());
    }

    #[test]
    fn a_line_without_a_colon_is_named() {
        assert_eq!(Headers::read(b"nonsense\r\n".to_vec()), Err(HeaderError::NoColon("nonsense".to_owned())));
    }

    #[test]
    fn a_request_goes_on_the_wire_as_it_is() {
        let mut request = Request::post("/a?b=c", b"\0{}\n".to_vec());
        request.headers.push("Host", b"x").unwrap();
        assert_eq!(request.to_wire(), b"POST /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n\0{}\n");
    }
}
