//! One command line of curl, wget or PowerShell, and the request that it sends.

use crate::capture::note::{self, Note};
use crate::capture::start_line::origin_form;
use crate::capture::{Capture, CaptureError, Location, Resources};
use crate::model::message::{Headers, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Short options of curl that take a value.
const SHORT_WITH_VALUE: &[u8] = b"AbcCdDeEFhHKmoPQrtTuUwxXYyz";

/// Long options of curl without a value. All others take one, or are unknown.
const LONG_FLAGS: &[&str] = &[
    "silent",
    "show-error",
    "verbose",
    "include",
    "globoff",
    "insecure",
    "location",
    "compressed",
    "fail",
    "get",
    "head",
    "http1.0",
    "http1.1",
    "http2",
    "http2-prior-knowledge",
    "http3",
    "no-buffer",
    "no-keepalive",
    "path-as-is",
    "ipv4",
    "ipv6",
    "location-trusted",
    "raw",
    "remote-name",
    "progress-bar",
    "fail-with-body",
    "no-progress-meter",
    "tcp-nodelay",
    "parallel",
    "basic",
    "digest",
    "anyauth",
    "ntlm",
    "negotiate",
    "disable",
    "tlsv1.2",
    "tlsv1.3",
    "quiet",
    "spider",
    "ssl-no-revoke",
    "trace-time",
    "junk-session-cookies",
];

/// Characters that `--data-urlencode` leaves.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of the body, from one option.
#[derive(Debug)]
enum CurlBodyPart {
    Text(Vec<u8>),
    /// `-d @file` drops line ends and NULs; the others do not.
    File {
        name: String,
        is_stripped: bool,
        encoded_as: Option<String>,
    },
    /// `-F` or `-T`: cannot be rebuilt.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct CurlCommand {
    method: Option<String>,
    url: Option<String>,
    /// Lines as given: `Name: value`, `Name;` or `Name:`.
    headers: Vec<Vec<u8>>,
    body: Vec<CurlBodyPart>,
    /// Parts of `--json` are joined without `&`.
    is_json: bool,
    is_get: bool,
}

impl CurlCommand {
    pub fn parse(words: Vec<Vec<u8>>) -> Self {
        let mut command = Self::default();
        let is_wget = words.first().is_some_and(|name| name == b"wget");
        let mut words = words.into_iter().skip(1);
        while let Some(word) = words.next() {
            if let Some(name) = word.strip_prefix(b"--").filter(|name| !name.is_empty()) {
                // wget writes `--header='Name: value'`.
                if let Some(at) = memchr::memchr(b'=', name).filter(|_| is_wget) {
                    let (name, value) = name.split_at(at);
                    command.set(&text(name), value.get(1..).unwrap_or_default().to_vec());
                    continue;
                }
                let name = String::from_utf8_lossy(name).into_owned();
                if LONG_FLAGS.contains(&name.as_str()) || name.starts_with("no-") {
                    command.set_flag(&name);
                } else if let Some(value) = words.next() {
                    // An option that is not listed, followed by the URL, takes no value.
                    let is_url = value.starts_with(b"http") && !["url", "referer", "proxy"].contains(&name.as_str());
                    command.set(if is_url && !is_data(&name) { "url" } else { &name }, value);
                }
            } else if word.len() > 1 && word.first() == Some(&b'-') {
                command.add_short(&word, &mut words);
            } else {
                command.url.get_or_insert_with(|| text(&word));
            }
        }
        command
    }

    /// Checks whether this is a command, and not a sentence about curl.
    pub fn is_complete(&self) -> bool {
        let is_address = |url: &String| url.contains(['/', ':', '.', '$']) || url.starts_with("localhost");
        !self.headers.is_empty() || !self.body.is_empty() || self.url.as_ref().is_some_and(is_address)
    }

    /// Reads `-sSd value`, `-XPOST` and the like.
    fn add_short(&mut self, word: &[u8], words: &mut impl Iterator<Item = Vec<u8>>) {
        for (at, letter) in word.iter().enumerate().skip(1) {
            if !SHORT_WITH_VALUE.contains(letter) {
                self.set_flag(match letter {
                    b'G' => "get",
                    b'I' => "head",
                    _ => "",
                });
                continue;
            }
            let attached = word.get(at + 1..).filter(|value| !value.is_empty()).map(<[u8]>::to_vec);
            let Some(value) = attached.or_else(|| words.next()) else { return };
            let name = match letter {
                b'X' => "request",
                b'H' => "header",
                b'd' => "data",
                b'A' => "user-agent",
                b'e' => "referer",
                b'b' => "cookie",
                b'u' => "user",
                b'F' => "form",
                b'T' => "upload-file",
                _ => "",
            };
            return self.set(name, value);
        }
    }

    fn set_flag(&mut self, name: &str) {
        match name {
            "get" => self.is_get = true,
            "head" => self.method = Some("HEAD".to_owned()),
            _ => {}
        }
    }

    fn set(&mut self, name: &str, value: Vec<u8>) {
        match name {
            // `method` and `body-data` are options of wget.
            "request" | "method" => self.method = Some(text(&value)),
            "url" => self.url = Some(text(&value)),
            "header" => self.headers.push(value),
            "user-agent" => self.headers.push([b"User-Agent: ", value.as_slice()].concat()),
            "referer" => self.headers.push([b"Referer: ", value.as_slice()].concat()),
            "cookie" if value.contains(&b'=') => self.headers.push([b"Cookie: ", value.as_slice()].concat()),
            "data" | "data-ascii" => self.add_data(value, true),
            "data-binary" => self.add_data(value, false),
            "body-file" | "post-file" => self.add_data([b"@", value.as_slice()].concat(), false),
            "data-raw" | "body-data" | "post-data" => self.body.push(CurlBodyPart::Text(value)),
            "data-urlencode" => self.add_encoded(&value),
            "json" => {
                self.is_json = true;
                self.add_data(value, false);
            }
            "form" | "form-string" | "upload-file" => self.body.push(CurlBodyPart::Unknown),
            "url-query" => {
                let mark = |url: &str| if url.contains('?') { '&' } else { '?' };
                self.url = self.url.take().map(|url| format!("{url}{}{}", mark(&url), text(&value)));
            }
            _ => {}
        }
    }

    fn add_data(&mut self, value: Vec<u8>, is_stripped: bool) {
        self.body.push(match value.strip_prefix(b"@") {
            Some(name) => CurlBodyPart::File { name: text(name), is_stripped, encoded_as: None },
            None => CurlBodyPart::Text(value),
        });
    }

    /// Reads `content`, `=content`, `name=content`, `@file` or `name@file`.
    fn add_encoded(&mut self, value: &[u8]) {
        let at = memchr::memchr2(b'=', b'@', value);
        let (name, rest) = value.split_at_checked(at.unwrap_or(0)).unwrap_or((b"", value));
        let prefix = if name.is_empty() { String::new() } else { format!("{}=", text(name)) };
        self.body.push(match rest {
            [b'@', file @ ..] => CurlBodyPart::File { name: text(file), is_stripped: false, encoded_as: Some(prefix) },
            [b'=', content @ ..] if at.is_some() => encoded(&prefix, content),
            content => encoded(&prefix, content),
        });
    }

    /// Reads the options of Invoke-WebRequest.
    pub fn from_power_shell(words: Vec<Vec<u8>>) -> Self {
        let mut command = Self::default();
        let mut words = words.into_iter().skip(1).peekable();
        while let Some(word) = words.next() {
            match text(&word).to_ascii_lowercase().as_str() {
                "-uri" => command.url = words.next().map(|url| text(&url)),
                "-method" => command.method = words.next().map(|method| text(&method).to_ascii_uppercase()),
                "-contenttype" => {
                    command.headers.extend(words.next().map(|kind| [b"Content-Type: ", kind.as_slice()].concat()));
                }
                "-useragent" => {
                    command.headers.extend(words.next().map(|agent| [b"User-Agent: ", agent.as_slice()].concat()))
                }
                "-headers" if words.next_if(|word| word == b"{").is_some() => {
                    while let Some(name) = words.next().filter(|word| word != b"}") {
                        let Some(value) = words.next() else { break };
                        command.headers.push([name.as_slice(), b": ", &value].concat());
                    }
                }
                "-body" => {
                    // `([System.Text.Encoding]::UTF8.GetBytes("…"))`: the text is the longest word.
                    let first = words.next().unwrap_or_default();
                    let value = if first == b"(" {
                        words
                            .by_ref()
                            .take_while(|word| !word.starts_with(b"-"))
                            .max_by_key(Vec::len)
                            .unwrap_or_default()
                    } else {
                        first
                    };
                    command.body.push(CurlBodyPart::Text(value));
                }
                "-infile" => command.body.extend(words.next().map(|name| CurlBodyPart::File {
                    name: text(&name),
                    is_stripped: false,
                    encoded_as: None,
                })),
                word if command.url.is_none() && word.starts_with("http") => command.url = Some(word.to_owned()),
                _ => {}
            }
        }
        command
    }

    pub fn into_capture(
        self,
        variables: Vec<String>,
        mut input: Option<Vec<u8>>,
        resources: &Resources<'_>,
        location: Location,
    ) -> Result<Capture, CaptureError> {
        let mut notes: Vec<Note> = variables.into_iter().map(Note::UnresolvedVariable).collect();
        let has_body = !self.body.is_empty() && !self.is_get;
        let mut body = Vec::new();
        for (index, part) in self.body.into_iter().enumerate().filter(|_| has_body) {
            if index > 0 && !self.is_json {
                body.push(b'&');
            }
            match part {
                CurlBodyPart::Text(text) => body.extend(text),
                CurlBodyPart::File { name, is_stripped, encoded_as } => {
                    let is_input = name == "-";
                    let loaded = if is_input { input.take() } else { resources.load(&name) };
                    let Some(mut bytes) = loaded else { return Err(CaptureError::FileOfBody { location, name }) };
                    if is_stripped {
                        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
                    }
                    match encoded_as {
                        Some(prefix) => {
                            body.extend(format!("{prefix}{}", percent_encode(&bytes, UNRESERVED)).into_bytes())
                        }
                        None => body.extend(bytes),
                    }
                }
                CurlBodyPart::Unknown => return Err(CaptureError::BodyNotInFile(location)),
            }
        }
        let mut headers = Headers::new();
        for line in &self.headers {
            push_header(&mut headers, line, &mut notes);
        }
        let defaults = [("Content-Type", "application/json"), ("Accept", "application/json")];
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let defaults: &[_] = if self.is_json { &defaults } else { &form };
        for (name, value) in defaults.iter().filter(|_| has_body) {
            if headers.get(name).is_none() {
                headers.push(name, value.as_bytes()).map_err(|source| CaptureError::Header { location, source })?;
            }
        }
        let method = self.method.unwrap_or_else(|| if has_body { "POST" } else { "GET" }.to_owned());
        let url = self.url.unwrap_or_default();
        let target =
            origin_form(&url).or_else(|| origin_form(&format!("http://{url}"))).unwrap_or_else(|| "/".to_owned());
        let target = target.replace(' ', "%20");
        let request = Request { method, target, headers, body };
        notes.extend(note::length_differs(&request, None));
        Ok(Capture::new(location, request, None, notes))
    }
}

fn is_data(name: &str) -> bool {
    name.starts_with("data") || ["json", "header", "form", "url-query"].contains(&name)
}

fn encoded(prefix: &str, content: &[u8]) -> CurlBodyPart {
    CurlBodyPart::Text(format!("{prefix}{}", percent_encode(content, UNRESERVED)).into_bytes())
}

/// Adds `Name: value` or `Name;`, which sends an empty value. `Name:` alone sends nothing.
fn push_header(headers: &mut Headers, line: &[u8], notes: &mut Vec<Note>) {
    let colon = memchr::memchr(b':', line);
    let (name, value) = match (colon, line.strip_suffix(b";")) {
        (Some(at), _) => line.split_at(at),
        (None, Some(name)) => (name, &b":"[..]),
        (None, None) => return,
    };
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    if value.is_empty() && colon.is_some() {
        return;
    }
    let name = text(name.trim_ascii());
    if headers.push(&name, value).is_err() {
        notes.push(Note::HeaderSkipped(name));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
