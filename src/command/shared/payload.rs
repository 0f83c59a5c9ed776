//! Payloads from files: detects the provider, and explains what is wrong with the file.

use crate::capture;
use crate::command::shared::session::Session;
use crate::json::top_level_keys;
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::provider::{self, Provider};

/// Returns the requested provider, or the one that the payload belongs to by its keys.
pub(in crate::command) fn detect_provider(
    requested: Option<&'static dyn Provider>,
    start_of_body: &[u8],
    source: &str,
) -> Result<&'static dyn Provider> {
    let detected = || provider::by_payload_keys(&top_level_keys(start_of_body));
    requested.or_else(detected).ok_or_else(|| unknown_provider_error(start_of_body, source))
}

/// Describes a payload that belongs to no provider.
fn unknown_provider_error(start: &[u8], source: &str) -> Error {
    let names: Vec<_> = provider::ALL.iter().map(|provider| format!("--provider {}", provider.name())).collect();
    let add = format!("add {}", names.join(" or "));
    let error = Error::usage(format!("can't detect the provider of {source}"));
    let owner = |body: &[u8]| provider::by_payload_keys(&top_level_keys(body));
    match start {
        [] => error.because("it is empty").hint(format!("check the command that produces it, or {add}")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            error.because("it is UTF-16, but providers send UTF-8").hint("save it as UTF-8")
        }
        [0xef, 0xbb, 0xbf, rest @ ..] if !rest.trim_ascii().is_empty() => {
            let add = owner(rest).map_or(add, |provider| format!("add --provider {}", provider.name()));
            error
                .because("it begins with a byte order mark (EF BB BF), which JSON does not allow")
                .hint(format!("save it as UTF-8 without BOM, or {add} to sign it with the mark"))
        }
        _ if capture::detect_format(start) == Some(capture::CaptureFormat::Raw) => error
            .because("it is a whole HTTP request, not a payload")
            .hint(format!("check it with `whtool verify {source}`, or remove everything but the body")),
        _ if start.trim_ascii_start().first() != Some(&b'{') => error.because("it is not a JSON object").hint(add),
        _ => error
            .because("it has neither `type` and `data` (Plexos Pay) nor `event` and `reference` (Plustive)")
            .hint(add),
    }
}

/// Warns about an empty body, which usually comes from an unset variable or an empty file.
pub(in crate::command) fn warn_if_empty(body: &[u8], source: &str, session: &Session<'_>) {
    if body.is_empty() {
        session.warn(&format!("the body is empty: {} has no content", escape_unsafe(source)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cause and hint.
    fn explain(start: &[u8]) -> (String, String) {
        let error = unknown_provider_error(start, "p.json");
        assert_eq!((error.message.as_str(), error.status()), ("can't detect the provider of p.json", 2));
        (error.cause().unwrap(), error.hint.unwrap())
    }

    #[test]
    fn a_payload_of_no_provider_is_explained_by_what_it_is() {
        let add = "add --provider plexos or --provider plustive";
        for (start, cause, hint) in [
            (&b""[..], "it is empty", format!("check the command that produces it, or {add}")),
            (b"\xff\xfe{\0", "it is UTF-16, but providers send UTF-8", "save it as UTF-8".to_owned()),
            (b"\xfe\xff\0{", "it is UTF-16, but providers send UTF-8", "save it as UTF-8".to_owned()),
            (
                b"\xef\xbb\xbf{\"type\":\"a\",\"data\":{}}",
                "it begins with a byte order mark (EF BB BF), which JSON does not allow",
                "save it as UTF-8 without BOM, or add --provider plexos to sign it with the mark".to_owned(),
            ),
            (
                b"\xef\xbb\xbf{}",
                "it begins with a byte order mark (EF BB BF), which JSON does not allow",
                format!("save it as UTF-8 without BOM, or {add} to sign it with the mark"),
            ),
            (
                b"POST / HTTP/1.1\r\nHost: a\r\n\r\n{}",
                "it is a whole HTTP request, not a payload",
                "check it with `whtool verify p.json`, or remove everything but the body".to_owned(),
            ),
            (b"[]", "it is not a JSON object", add.to_owned()),
            (b"hello", "it is not a JSON object", add.to_owned()),
            (
                b" {\"type\":1}",
                "it has neither `type` and `data` (Plexos Pay) nor `event` and `reference` (Plustive)",
                add.to_owned(),
            ),
        ] {
            assert_eq!(explain(start), (cause.to_owned(), hint), "{}", String::from_utf8_lossy(start));
        }
    }

    #[test]
    fn a_provider_is_the_requested_one_or_that_of_the_keys() {
        let plustive = provider::by_name("plustive");
        let name = |requested, body: &[u8]| detect_provider(requested, body, "-").map(Provider::name).ok();
        assert_eq!(name(None, br#"{"type":"a","data":{}}"#), Some("plexos"));
        assert_eq!(name(None, br#"{"event":"a","reference":"b"}"#), Some("plustive"));
        assert_eq!(name(plustive, br#"{"type":"a","data":{}}"#), Some("plustive"));
        assert_eq!(name(plustive, b""), Some("plustive"));
        assert_eq!(name(None, b"{}"), None);
    }
}
