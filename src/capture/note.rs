//! Notes: what a reader had to guess about a captured request, or found odd in it.
//!
//! A note is no error: the request is there. It is what to think of first when its signature does not match.

use crate::model::message::{Headers, Request};

/// Something to know about how a request was read from its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// After the end of the body come this many bytes of blank, which are no part of it.
    TrailingBytes(u64),
    /// After the end of the body comes something that is no request; it was left out.
    BytesBeyondLength {
        /// What `Content-Length` or the chunks say, in bytes.
        announced: u64,
        /// The bytes of the body and of all that follows it in the file.
        present: u64,
    },
    /// The file ends before the body does.
    Truncated {
        /// What `Content-Length` says, in bytes.
        announced: u64,
        /// The bytes that are there.
        present: u64,
    },
    /// The body does not have the length that the request was sent with: the tool that saved it changed it.
    LengthDiffers {
        /// What `Content-Length`, or the archive, says, in bytes.
        announced: u64,
        /// The bytes that are there.
        present: u64,
    },
    /// Neither `Content-Length` nor chunks tell where the body ends, so it is the rest of the file: this many bytes.
    NoLength(u64),
    /// `Content-Length` is not a number, or two of them differ. It was not heeded.
    InvalidLength,
    /// `Transfer-Encoding` says chunked, and the body is not, or not whole: it was taken as it is.
    NotChunked,
    /// The time of arrival, as the file has it, is not RFC 3339. It was not heeded.
    InvalidTime(String),
}

impl Note {
    /// A stable code for machines.
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
        }
    }

    /// A sentence for people. It may hold text of strangers: make it harmless before it goes to a terminal.
    pub fn sentence(&self) -> String {
        match self {
            Self::TrailingBytes(count) => {
                format!("the file goes on after the body with {} of white space, which was ignored", bytes(*count))
            }
            Self::BytesBeyondLength { announced, present } => format!(
                "the body is said to have {}, and {present} are there: the rest was left out",
                bytes(*announced)
            ),
            Self::Truncated { announced, present } => {
                format!("the file ends early: Content-Length says {}, and {present} are there", bytes(*announced))
            }
            Self::LengthDiffers { announced, present } => {
                format!(
                    "the body was sent with {}, and the file has {present}: it was changed since",
                    bytes(*announced)
                )
            }
            Self::NoLength(count) => {
                format!("there is no Content-Length, so the rest of the file, {}, is the body", bytes(*count))
            }
            Self::InvalidLength => "the Content-Length can't be read, and was not heeded".to_owned(),
            Self::NotChunked => {
                "Transfer-Encoding says chunked, but the body is not a whole series of chunks: it was taken as it is"
                    .to_owned()
            }
            Self::InvalidTime(text) => {
                format!("the time of arrival `{text}` is not RFC 3339, and was not heeded")
            }
        }
    }
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

/// What the headers say of the body's length.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ContentLength {
    Absent,
    Unreadable,
    Bytes(u64),
}

/// Reads `Content-Length`, which may be repeated as long as the values agree.
pub(super) fn content_length(headers: &Headers) -> ContentLength {
    let mut length = ContentLength::Absent;
    for value in headers.all("content-length") {
        let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(number) = digits.and_then(|text| text.parse().ok()) else { return ContentLength::Unreadable };
        if !matches!(length, ContentLength::Absent) && length != ContentLength::Bytes(number) {
            return ContentLength::Unreadable;
        }
        length = ContentLength::Bytes(number);
    }
    length
}

/// The note for a body whose length is not the one in the headers, or else not the one that the file gives beside it.
pub(super) fn length_differs(request: &Request, beside: Option<u64>) -> Option<Note> {
    let present = length(&request.body);
    let announced = match content_length(&request.headers) {
        ContentLength::Bytes(number) => number,
        ContentLength::Absent => beside?,
        ContentLength::Unreadable => return Some(Note::InvalidLength),
    };
    (announced != present).then_some(Note::LengthDiffers { announced, present })
}

/// The number of bytes, as notes hold it.
pub(super) fn length(text: &[u8]) -> u64 {
    u64::try_from(text.len()).expect("no machine addresses more than 64 bits")
}
