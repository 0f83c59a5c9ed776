//! Notes about assumptions and contradictions in how a captured request was read.
//!
//! A note is not an error: the request could be read. It is the first thing to look at when the
//! signature does not match.

use crate::model::message::{Headers, Request};

/// An assumption or a contradiction in how a request was read from its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// This many bytes of whitespace follow the body and were ignored.
    TrailingBytes(u64),
    /// Something that is not a request follows the body and was ignored. `declared`: the body by
    /// its `Content-Length` or chunks; `actual`: the body and everything after it.
    BytesBeyondLength { declared: u64, actual: u64 },
    /// The file ends before the body does.
    Truncated { declared: u64, actual: u64 },
    /// The body does not have the length in `Content-Length` or in the archive: the tool that saved
    /// it changed it.
    LengthDiffers { declared: u64, actual: u64 },
    /// Neither `Content-Length` nor chunks mark the end of the body, so it is the rest of the file:
    /// this many bytes.
    NoLength(u64),
    /// `Content-Length` is not a number, or two of them differ. It was ignored.
    InvalidLength,
    /// `Transfer-Encoding` says chunked, but the body is not a whole series of chunks. It was taken
    /// unchanged.
    NotChunked,
    /// The time of arrival in the file is not RFC 3339. It was ignored.
    InvalidTime(String),
    /// The file holds a parsed body. Its values were written without whitespace; its bytes are gone.
    ParsedBody,
    /// The file says that the body is base64, but it is not. It was taken unchanged.
    NotBase64,
    /// The body has U+FFFD, which tools write in place of bytes that are not UTF-8.
    ReplacementCharacter,
    /// The file was UTF-16, and the body is its text in UTF-8.
    Utf16,
    /// The tool writes a dot in place of bytes that it cannot show, and the body has dots.
    DotsForBytes,
    /// Packets of the request are missing in the capture.
    MissingPackets,
    /// A line of this name is not a valid header and was left out.
    HeaderSkipped(String),
    /// This variable is not set in the file; its name was taken unchanged.
    UnresolvedVariable(String),
    /// Headers and body were found at different places of a log.
    LooseHeaders,
}

impl Note {
    /// Returns a stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TrailingBytes(_) => "trailing_bytes",
            Self::BytesBeyondLength { .. } => "bytes_beyond_length",
            Self::Truncated { .. } => "truncated",
            Self::LengthDiffers { .. } => "length_differs",
            Self::NoLength(_) => "no_length",
            Self::InvalidLength => "length_unreadable",
            Self::NotChunked => "not_chunked",
            Self::InvalidTime(_) => "arrived_unreadable",
            Self::ParsedBody => "body_parsed",
            Self::NotBase64 => "not_base64",
            Self::ReplacementCharacter => "bytes_replaced",
            Self::Utf16 => "utf16",
            Self::DotsForBytes => "dots_for_bytes",
            Self::MissingPackets => "packets_missing",
            Self::HeaderSkipped(_) => "header_skipped",
            Self::UnresolvedVariable(_) => "variable_unresolved",
            Self::LooseHeaders => "loose_headers",
        }
    }

    /// Says why the file does not have the bytes of the body. `None`: as far as it shows, it has.
    pub fn lost_bytes(&self) -> Option<String> {
        match self {
            Self::ParsedBody => Some(
                "only the parsed body is left, and no serializer that whtool knows gives the signed bytes".to_owned(),
            ),
            Self::DotsForBytes => Some("its tool shows dots in place of bytes".to_owned()),
            Self::MissingPackets => Some("packets are missing".to_owned()),
            Self::UnresolvedVariable(name) => Some(format!("the variable `{name}` has no value in it")),
            _ => None,
        }
    }

    /// Describes the note in one sentence. It may contain untrusted text: escape it before it goes
    /// to a terminal.
    pub fn sentence(&self) -> String {
        match self {
            Self::TrailingBytes(count) => format!("{} of whitespace after the body ignored", bytes(*count)),
            Self::BytesBeyondLength { declared, actual } => {
                format!("the body should have {}, but the file has {actual}: the rest was ignored", bytes(*declared))
            }
            Self::Truncated { declared, actual } => {
                format!("the file is truncated: Content-Length is {declared}, but the body has {}", bytes(*actual))
            }
            Self::LengthDiffers { declared, actual } => format!(
                "the body was sent with {}, but the file has {actual}: it was changed when it was saved",
                bytes(*declared)
            ),
            Self::NoLength(count) => format!("no Content-Length: the rest of the file ({}) is the body", bytes(*count)),
            Self::InvalidLength => "invalid Content-Length ignored".to_owned(),
            Self::NotChunked => {
                "Transfer-Encoding is chunked, but the body is not in chunks: it was taken unchanged".to_owned()
            }
            Self::InvalidTime(text) => format!("arrival time `{text}` ignored: it is not RFC 3339"),
            Self::ParsedBody => {
                "the file holds the parsed body: the bytes that were signed are gone, so its values were written again \
                 without whitespace"
                    .to_owned()
            }
            Self::NotBase64 => {
                "the file says that the body is base64, but it is not: it was taken unchanged".to_owned()
            }
            Self::ReplacementCharacter => {
                "the body contains U+FFFD: a tool may have written it in place of bytes that are not UTF-8".to_owned()
            }
            Self::Utf16 => "the file was UTF-16: the body is its text in UTF-8".to_owned(),
            Self::DotsForBytes => {
                "this tool writes a dot for every byte that it cannot show: a dot in the body may be another byte"
                    .to_owned()
            }
            Self::MissingPackets => "packets are missing in the capture: the request is incomplete".to_owned(),
            Self::HeaderSkipped(name) => format!("`{name}` is not a valid header and was ignored"),
            Self::UnresolvedVariable(name) => {
                format!("the variable `{name}` has no value in the file: its name was taken unchanged")
            }
            Self::LooseHeaders => "headers and body were found at different places of the file".to_owned(),
        }
    }
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

/// The length of the body according to the headers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ContentLength {
    Absent,
    Invalid,
    Bytes(u64),
}

/// Reads `Content-Length`, which may be repeated as long as the values agree.
pub(super) fn content_length(headers: &Headers) -> ContentLength {
    let mut length = ContentLength::Absent;
    for value in headers.all("content-length") {
        let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(number) = digits.and_then(|text| text.parse().ok()) else { return ContentLength::Invalid };
        if !matches!(length, ContentLength::Absent) && length != ContentLength::Bytes(number) {
            return ContentLength::Invalid;
        }
        length = ContentLength::Bytes(number);
    }
    length
}

/// Compares the length of the body with its `Content-Length`, or else with `recorded`, the length
/// given elsewhere in the file.
pub(super) fn length_differs(request: &Request, recorded: Option<u64>) -> Option<Note> {
    let actual = length(&request.body);
    let declared = match content_length(&request.headers) {
        ContentLength::Bytes(number) => number,
        ContentLength::Absent => recorded?,
        ContentLength::Invalid => return Some(Note::InvalidLength),
    };
    (declared != actual).then_some(Note::LengthDiffers { declared, actual })
}

pub(super) fn length(text: &[u8]) -> u64 {
    u64::try_from(text.len()).expect("no machine addresses more than 64 bits")
}
