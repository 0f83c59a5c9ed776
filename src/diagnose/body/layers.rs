//! Removes the layers around a body, such as base64 in a JSON field, as deep as they go.
//!
//! To add a layer, add a row to `DECODERS`.

use super::containers::{self, Found};
use super::{bytes, compression, escapes, frames, query, text};
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::body as kinds;
use crate::json::Document;

/// A way in which the signed body may be wrapped in the received one.
struct Decoder {
    /// A description of the layer; `{}` stands for the place.
    layer: &'static str,
    /// What to do about it.
    fix: &'static str,
    decode: fn(&[u8]) -> Vec<Found>,
}

/// A body without the layers that were around it.
#[derive(Debug)]
pub(super) struct UnwrappedBody {
    pub bytes: Vec<u8>,
    /// The text may contain characters beyond ASCII, escaped or not.
    pub is_wide: bool,
    /// All serializers with the same layout write the same for it.
    pub is_plain: bool,
    layers: Vec<String>,
    fix: &'static str,
}

impl UnwrappedBody {
    pub(super) fn cause(&self) -> Cause {
        if self.layers == [JSON_STRING] {
            return Cause::new(&kinds::DOUBLE_ENCODED).with("what", "the text inside the string");
        }
        Cause::new(&kinds::WRAPPED).with("what", self.layers.join(", then ")).with("fix", self.fix)
    }
}

/// The largest number of layers that are removed.
const MAX_DEPTH: usize = 4;
/// The largest number of bodies that are found.
pub(super) const MAX_UNWRAPPED: usize = 24;

const JSON_STRING: &str = "a JSON string";
const DECOMPRESS: &str = "decompress the body before verifying it (Content-Encoding)";
const BASE64: &str = "decode base64 before verifying: Buffer.from(event.body, 'base64') if isBase64Encoded is set";
const RAW_FIELD: &str = "verify the text of that field, byte for byte, or the request before it was put there";
const NO_FILTER: &str = "verify the raw request body, before a framework or filter escapes it";
const NO_LOG: &str = "save the body as bytes, not as a log shows it";
const FORM: &str = "verify the decoded value of that field, or send the JSON as it is (Content-Type: application/json)";

static DECODERS: &[Decoder] = &[
    Decoder { layer: "compressed with gzip", fix: DECOMPRESS, decode: |body| one(compression::gunzip(body)) },
    Decoder { layer: "compressed with zlib", fix: DECOMPRESS, decode: |body| one(compression::inflate_zlib(body)) },
    Decoder {
        layer: JSON_STRING,
        fix: "do not serialize JSON twice: verify the text inside the string",
        decode: |body| one(frames::json_string(body)),
    },
    Decoder { layer: "the JSON field `{}`", fix: RAW_FIELD, decode: containers::json_fields },
    Decoder { layer: "base64", fix: BASE64, decode: |body| one(bytes::decode_base64(body)) },
    Decoder { layer: "hex", fix: "decode hex before verifying", decode: |body| one(bytes::decode_hex(body)) },
    Decoder { layer: "the form field `{}`", fix: FORM, decode: form_values },
    Decoder { layer: "the name of a form field", fix: FORM, decode: form_names },
    Decoder { layer: "form encoding", fix: FORM, decode: |body| one(decode_url(body, true)) },
    Decoder { layer: "percent-encoding", fix: FORM, decode: |body| one(decode_url(body, false)) },
    Decoder { layer: "HTML entities", fix: NO_FILTER, decode: |body| one(utf8(body).and_then(text::unescape_html)) },
    Decoder {
        layer: "a quoted literal, b'…' or '…'",
        fix: "use the bytes themselves, not a print of them: body.decode() instead of str(body) in Python",
        decode: |body| one(escapes::decode_python_literal(body)),
    },
    Decoder {
        layer: "backslash escapes, such as \\\"",
        fix: NO_FILTER,
        decode: |body| one(frames::escaped_quotes(body)),
    },
    Decoder {
        layer: "`\\x22` escapes as nginx logs them",
        fix: "nginx: log with escape=none, or use the body that the app gets",
        decode: |body| one(escapes::decode_hex_escapes(body)),
    },
    Decoder {
        layer: "a list of byte values",
        fix: "turn the numbers back into bytes: Buffer.from(body.data) in Node",
        decode: |body| one(bytes::decode_numbers(body)),
    },
    Decoder { layer: "Node's <Buffer …>", fix: NO_LOG, decode: |body| one(bytes::decode_inspected_buffer(body)) },
    Decoder {
        layer: "chunked framing",
        fix: "let an HTTP library read the body: it joins the chunks",
        decode: |body| one(frames::dechunk(body)),
    },
    Decoder {
        layer: "a part of a multipart body, `{}`",
        fix: "verify the content of that part only",
        decode: frames::multipart_parts,
    },
    Decoder {
        layer: "an event stream (data: …)",
        fix: "verify the text after `data: `",
        decode: |body| one(frames::event_stream(body)),
    },
    Decoder {
        layer: "JSONP, `{}(…)`",
        fix: "verify what is between the parentheses",
        decode: |body| frames::jsonp(body).into_iter().collect(),
    },
    Decoder {
        layer: "a quoted CSV field",
        fix: "read the CSV with a parser: it doubles the quotes inside a field",
        decode: |body| one(frames::csv_field(body)),
    },
    Decoder {
        layer: "quoted-printable encoding",
        fix: "decode the mail's quoted-printable text before verifying",
        decode: |body| one(escapes::decode_quoted_printable(body)),
    },
    Decoder {
        layer: "the payload of a JWS (JWT)",
        fix: "verify the decoded payload, or the JWS itself with its own signature",
        decode: |body| one(bytes::decode_jws(body)),
    },
    Decoder {
        layer: "UTF-16",
        fix: "save the body as UTF-8: PowerShell's > writes UTF-16",
        decode: |body| one(text::decode_utf16(body).map(String::into_bytes)),
    },
    Decoder { layer: "raw deflate", fix: DECOMPRESS, decode: |body| one(compression::inflate_raw(body)) },
    Decoder { layer: "compressed with Brotli", fix: DECOMPRESS, decode: |body| one(compression::decode_brotli(body)) },
    Decoder {
        layer: "other text, with {}",
        fix: "verify only the body, without what a log, queue or proxy puts around it",
        decode: containers::surrounded,
    },
];

fn one(bytes: Option<Vec<u8>>) -> Vec<Found> {
    bytes.map(|bytes| Found::new(bytes, "")).into_iter().collect()
}

fn utf8(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body).ok()
}

/// Decodes a text that is no JSON as it is.
fn decode_url(body: &[u8], is_form: bool) -> Option<Vec<u8>> {
    query::decode(body, is_form).filter(|_| !crate::json::is_valid(body))
}

fn form_values(body: &[u8]) -> Vec<Found> {
    let fields = query::form_fields(body).into_iter().filter(|(name, _)| !name.is_empty());
    fields.map(|(name, value)| Found::new(value, name)).collect()
}

fn form_names(body: &[u8]) -> Vec<Found> {
    let fields = query::form_fields(body).into_iter().filter(|(name, _)| name.is_empty());
    fields.map(|(_, name)| Found::new(name, "")).collect()
}

/// Lists the bodies inside a body: those with the fewest layers first.
pub(super) fn unwrap(body: &[u8]) -> Vec<UnwrappedBody> {
    let mut found: Vec<UnwrappedBody> = Vec::new();
    let mut level = 0..0;
    for depth in 0..MAX_DEPTH {
        let end = found.len();
        let sources: Vec<Option<usize>> = if depth == 0 { vec![None] } else { level.clone().map(Some).collect() };
        for source in sources {
            add_inner_bodies(body, source, &mut found);
        }
        level = end..found.len();
    }
    found
}

/// Removes one layer of the received body (`None`) or of one that was found in it.
fn add_inner_bodies(body: &[u8], source: Option<usize>, found: &mut Vec<UnwrappedBody>) {
    for decoder in DECODERS {
        let outer = source.map_or(body, |index| &found[index].bytes);
        for inner in (decoder.decode)(outer) {
            let is_new = inner.bytes != body && !found.iter().any(|known| known.bytes == inner.bytes);
            if inner.bytes.is_empty() || !is_new || found.len() >= MAX_UNWRAPPED {
                continue;
            }
            let layer = decoder.layer.replace("{}", &inner.place);
            let (mut layers, fix) = match source {
                Some(index) => (found[index].layers.clone(), found[index].fix),
                None => (Vec::new(), decoder.fix),
            };
            layers.push(layer);
            let bytes = inner.bytes;
            let is_plain = Document::parse(&bytes).is_ok_and(|document| document.is_plain());
            let is_wide = !bytes.is_ascii() || bytes.contains(&b'\\');
            found.push(UnwrappedBody { bytes, is_wide, is_plain, layers, fix });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str =
        r#"{"id":"evt_1","type":"payment.debited","data":{"operatorPhone":"+2389001234"},"createdAt":"x"}"#;

    /// Returns the layers that are removed to get the body.
    fn layers(received: &[u8]) -> Option<String> {
        let found = unwrap(received).into_iter().find(|found| found.bytes == BODY.as_bytes())?;
        Some(found.layers.join(", then "))
    }

    #[test]
    fn a_bare_event_has_no_layers() {
        let found = unwrap(BODY.as_bytes());
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn layers_are_removed_one_after_the_other() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let string = serde_json::to_string(BODY).unwrap();
        let base64 = STANDARD.encode(BODY);
        for (received, expected) in [
            (base64.clone(), "base64"),
            (format!("{{\"body\":\"{base64}\",\"isBase64Encoded\":true}}"), "the JSON field `body`, then base64"),
            (string.clone(), "a JSON string"),
            (format!("payload={}", query::encode_form(BODY)), "the form field `payload`"),
            (format!("{}=", query::encode_form(BODY)), "the name of a form field"),
            (
                format!("{{\"Records\":[{{\"Sns\":{{\"Message\":{string}}}}}]}}"),
                "the JSON field `Records.0.Sns.Message`",
            ),
            (BODY.replace('"', "&quot;"), "HTML entities"),
            (BODY.replace('"', "\\\""), "backslash escapes, such as \\\""),
            (BODY.replace('"', "\\x22"), "`\\x22` escapes as nginx logs them"),
            (format!("b'{BODY}'"), "a quoted literal, b'…' or '…'"),
            (format!("[{BODY}]"), "the JSON field `0`"),
            (format!("INFO body={BODY}"), "other text, with `INFO body=` before it"),
        ] {
            assert_eq!(layers(received.as_bytes()).as_deref(), Some(expected), "{received}");
        }
    }

    #[test]
    fn hostile_bodies_cost_little() {
        for body in ["[".repeat(10_000), "{\"a\":".repeat(1_000), "%7B".repeat(10_000), "(".repeat(10_000)] {
            assert!(unwrap(body.as_bytes()).len() <= MAX_UNWRAPPED);
        }
    }
}
