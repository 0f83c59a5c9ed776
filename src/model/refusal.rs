//! Reasons why one of whtool's own servers refuses a request before it is looked at.
//!
//! A reason says what is wrong with the HTTP, never whether a signature would match.

use crate::model::status::LOOP_DETECTED;
use std::fmt;

/// A fault of a request that has nothing to do with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A TLS handshake on a port that speaks plain HTTP.
    Tls,
    /// The preface of HTTP/2, or its version in the request line.
    Http2,
    /// Another version than HTTP/1.0 and HTTP/1.1.
    Version,
    /// The bytes are not a request of HTTP.
    NotHttp,
    InvalidTarget,
    InvalidHeader,
    /// A header line that continues the one before it.
    FoldedHeader,
    HeadTooLarge,
    TooManyHeaders,
    MissingHost,
    TwoHosts,
    InvalidHost,
    InvalidLength,
    TwoLengths,
    TransferCoding,
    MethodNotAllowed,
    /// The body is larger than this many bytes.
    BodyTooLarge(usize),
    BodyTimedOut,
    BodyCutShort,
    InvalidChunks,
    /// Too many large bodies arrive at once.
    NoMemory,
    /// This listener has forwarded the delivery before.
    Loop,
    /// A local server was addressed by a name that is not its own. Untrusted text.
    ForeignHost(String),
    /// A page of another origin sent the request to a local server. Untrusted text.
    ForeignOrigin(String),
    /// A page of another site sent the request to a local server.
    CrossSite,
}

impl Refusal {
    /// Returns the status with which the request is answered.
    pub fn status(&self) -> u16 {
        match self {
            Self::MethodNotAllowed => 405,
            Self::BodyTimedOut => 408,
            Self::BodyTooLarge(_) => 413,
            Self::HeadTooLarge | Self::TooManyHeaders => 431,
            Self::NoMemory => 503,
            Self::Loop => LOOP_DETECTED,
            Self::ForeignHost(_) | Self::ForeignOrigin(_) | Self::CrossSite => 403,
            _ => 400,
        }
    }

    /// Returns true if the rest of the connection can still be read as requests.
    pub fn keeps_connection(&self) -> bool {
        matches!(self, Self::MethodNotAllowed | Self::NoMemory)
    }
}

/// The reason for the client and for the terminal. Contains untrusted text.
impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Tls => "this port speaks plain HTTP, not TLS: use http://",
            Self::Http2 => "HTTP/2 is not spoken here: use HTTP/1.1",
            Self::Version => "only HTTP/1.1 and HTTP/1.0 are spoken here",
            Self::NotHttp => "not a request of HTTP/1.1",
            Self::InvalidTarget => "invalid path or URL in the request line",
            Self::InvalidHeader => "invalid header line",
            Self::FoldedHeader => "a header line is folded or has a blank before its colon",
            Self::HeadTooLarge => "the headers are larger than 16 KiB",
            Self::TooManyHeaders => "there are more than 100 header lines",
            Self::MissingHost => "there is no Host header",
            Self::TwoHosts => "there is more than one Host header",
            Self::InvalidHost => "the Host header is not a host and a port",
            Self::InvalidLength => "Content-Length is not a number",
            Self::TwoLengths => "there are two Content-Length headers that differ",
            Self::TransferCoding => "the only Transfer-Encoding accepted is chunked, in HTTP/1.1",
            Self::MethodNotAllowed => "only POST is accepted",
            Self::BodyTooLarge(limit) => return write!(out, "the body is larger than {}", size(*limit)),
            Self::BodyTimedOut => "the body did not arrive in time",
            Self::BodyCutShort => "the body ended before its announced end",
            Self::InvalidChunks => "the chunks of the body are invalid",
            Self::NoMemory => "busy: too many large bodies at once",
            Self::Loop => "a loop: this listener has forwarded the delivery before",
            Self::ForeignHost(host) => return write!(out, "Host `{host}` is not a name of this server"),
            Self::ForeignOrigin(origin) => return write!(out, "pages of another origin may not call it: {origin}"),
            Self::CrossSite => "pages of another site may not call it",
        };
        out.write_str(text)
    }
}

/// Formats a size as its flag accepts it.
fn size(bytes: usize) -> String {
    match bytes {
        bytes if bytes > 0 && bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes > 0 && bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} bytes"),
    }
}
