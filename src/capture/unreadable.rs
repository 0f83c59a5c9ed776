//! Names what a file is if no request can be read from it, and what to do instead.

use super::object::FoundPayload;
use std::borrow::Cow;

/// The reason why no request could be read from a file, and advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableFile {
    pub reason: Cow<'static, str>,
    /// `{file}` stands for the name of the file.
    pub advice: Cow<'static, str>,
    /// Payloads without headers, which can be verified if the headers are given.
    pub payloads: Vec<FoundPayload>,
    /// The file has a format that can be named. Otherwise it may be a payload.
    pub names_format: bool,
}

impl UnreadableFile {
    pub(super) fn new(reason: impl Into<Cow<'static, str>>, advice: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), advice: advice.into(), payloads: Vec::new(), names_format: true }
    }

    /// Marks a file that may be a payload.
    pub(super) fn of_unknown_format(self) -> Self {
        Self { names_format: false, ..self }
    }

    /// Returns the advice for a file of this name.
    pub fn advice_for(&self, file: &str) -> String {
        self.advice.replace("{file}", file)
    }
}

/// First bytes of formats that hold no requests, and what they are.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "an image, sound or video"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"Rar!", "a RAR archive"),
    (b"snoop\0\0\0", "a capture of Solaris snoop"),
    (b"GMBU", "a capture of Microsoft Network Monitor"),
    (b"-----BEGIN", "a key or a certificate"),
];

/// Formats that begin with a tag or a word, in lower case.
const TEXTS: &[(&str, &str)] = &[
    ("<!doctype html", "an HTML page"),
    ("<html", "an HTML page"),
    ("<svg", "an SVG image"),
    ("<?php", "PHP source code"),
    ("<?xml", "an XML document without requests"),
    ("#!/", "a script without a curl command"),
    ("type: collection.insomnia", "an Insomnia export in YAML: export it as JSON (v4) or HAR"),
    ("http_interactions:", "a VCR cassette in YAML"),
];

/// Describes a file that has no requests.
pub(super) fn describe(file: &[u8]) -> UnreadableFile {
    let start = file.trim_ascii_start();
    let save = "save the request as your server received it: `whtool help formats` lists what can be read";
    if file.is_empty() {
        return UnreadableFile::new("the file is empty", "check the command that writes it").of_unknown_format();
    }
    if start.is_empty() {
        return UnreadableFile::new("the file holds only whitespace", "check the command that writes it");
    }
    if let Some((magic, what)) = MAGIC.iter().find(|(magic, _)| file.starts_with(magic)) {
        return match *magic {
            b"SQLite format 3\0" => UnreadableFile::new(
                format!("it is {what}"),
                "if it is a store of whtool: `whtool verify last --store {file}`",
            ),
            b"%PDF" | b"\x89PNG" | b"\xff\xd8\xff" => {
                UnreadableFile::new(format!("it is {what}"), "copy the request as text or as cURL, not as a picture")
            }
            _ => UnreadableFile::new(format!("it is {what}"), save),
        };
    }
    if let [0x16, 0x03, 0..=4, ..] = file {
        return UnreadableFile::new("it is encrypted (TLS)", "capture the request behind the server that ends TLS");
    }
    let lower = String::from_utf8_lossy(start.get(..64).unwrap_or(start)).to_ascii_lowercase();
    if let Some((_, what)) = TEXTS.iter().find(|(begin, _)| lower.starts_with(begin)) {
        return UnreadableFile::new(format!("it is {what}"), save);
    }
    if start.starts_with(b"HTTP/") {
        return UnreadableFile::new("it is an answer, not a request", save);
    }
    let reason = match std::str::from_utf8(file) {
        Ok(_) => "it is text, but no request was found in it",
        Err(_) => "its format is unknown",
    };
    UnreadableFile::new(reason, format!("`whtool help formats` lists what can be read; {}", bare_payload_advice()))
        .of_unknown_format()
}

/// Advice for a file that may be the body of a request.
pub(super) fn bare_payload_advice() -> &'static str {
    "to verify a bare payload: whtool verify --body {file} --header 'Name: value'"
}
