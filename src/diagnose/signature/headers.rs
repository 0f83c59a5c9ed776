//! Finds the signatures in a request's headers, in any header and notation.
//!
//! More lenient than verification (`provider::signature_header`): it finds what was meant.

use super::Target;
use super::text::{self, DigestText};
use crate::diagnose::cause::{Cause, CauseKind};
use crate::diagnose::kinds::signature as kinds;
use crate::model::message::Headers;
use crate::provider::Provider;

/// The largest number of signatures read from a request.
const LIMIT: usize = 8;
/// Values longer than this are no signature headers.
const MAX_VALUE: usize = 4096;

/// Finds the signatures in `provider`'s own header or, without any, in all other headers.
pub(in crate::diagnose) fn find(headers: &Headers, provider: &dyn Provider) -> Vec<Target> {
    let header = provider.signature_header();
    let own: Vec<_> = headers.all(header).flat_map(read_value).take(LIMIT).collect();
    if !own.is_empty() {
        return own;
    }
    let elsewhere = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(header)).flat_map(|(name, value)| {
        let found = read_value(value).into_iter().filter(|target| is_signature(name, target));
        found.map(move |mut target| {
            target.faults.insert(0, other_header(name, header, &kinds::OTHER_HEADER));
            target
        })
    });
    elsewhere.take(LIMIT).collect()
}

/// Returns the text of the provider's own signature header, or an empty one.
pub(in crate::diagnose) fn own_signature_text(headers: &Headers, provider: &dyn Provider) -> String {
    let value = headers.get(provider.signature_header()).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

/// Returns true for 64 digits in any header, and for fewer or more if its name says what it is.
fn is_signature(name: &str, target: &Target) -> bool {
    let name = name.to_ascii_lowercase();
    target.is_whole() || ["sig", "hmac", "hash", "digest"].iter().any(|word| name.contains(word))
}

/// Names the way in which servers and proxies rename headers, or says with `other` that it is
/// another header.
pub(in crate::diagnose) fn other_header(name: &str, expected: &'static str, other: &'static CauseKind) -> Cause {
    let cause = match renamed_by(name, expected) {
        Some(by) => Cause::new(&kinds::RENAMED_HEADER).with("by", by),
        None => Cause::new(other),
    };
    cause.with("name", name.to_owned()).with("header", expected)
}

/// A prefix of a header's name, and who writes it.
const RENAMERS: [(&str, &str); 4] = [
    ("http_", "CGI, WSGI, Rack and PHP's $_SERVER have it under this name"),
    ("x-amzn-remapped-", "Amazon API Gateway renames it"),
    ("x-original-", "a reverse proxy renames it"),
    ("x-forwarded-", "a reverse proxy renames it"),
];

/// Says who renames `expected` like this. `None`: it is another header.
fn renamed_by(name: &str, expected: &str) -> Option<&'static str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let (name, expected) = (plain(name), plain(expected));
    if name == expected {
        return Some("a server writes `_` for `-`");
    }
    let prefixes = RENAMERS.iter();
    prefixes.copied().find_map(|(prefix, by)| (name.strip_prefix(&plain(prefix))? == expected).then_some(by))
}

fn read_value(value: &[u8]) -> Vec<Target> {
    let Some(text) = std::str::from_utf8(value).ok().filter(|text| text.len() <= MAX_VALUE) else { return Vec::new() };
    let found = text::read(text).into_iter().take(LIMIT);
    found
        .map(|DigestText { digits, part, mut faults }| {
            faults.splice(0..0, text_around(text, &part));
            Target::new(&digits, faults)
        })
        .collect()
}

/// Describes what stands in the header before and after the signature.
fn text_around(text: &str, part: &str) -> Option<Cause> {
    let (before, after) = text.split_once(part)?;
    let is_scheme = |text: &str| {
        let name = text.strip_suffix(['=', ':', ' ', ',']).unwrap_or(text);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=,".contains(&byte))
    };
    if (before.is_empty() || before.eq_ignore_ascii_case("sha256=")) && after.is_empty() {
        return None;
    }
    if after.is_empty() && is_scheme(before) {
        return Some(Cause::new(&kinds::PREFIX).with("prefix", before.to_owned()));
    }
    Some(Cause::new(&kinds::TEXT_AROUND).with("text", text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    const HEX: &str = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";
    /// `echo $HEX | xxd -r -p | base64`
    const BASE64: &str = "+x2fDBDcV6Ao1KJP8etsUfKiWoKthpoqwSniQ0bOXx4=";

    fn codes(value: &str) -> Vec<Vec<&'static str>> {
        let expected = hex::decode(HEX).unwrap();
        let found = read_value(value.as_bytes());
        found.iter().map(|target| target.compare(&expected).unwrap().iter().map(Cause::code).collect()).collect()
    }

    #[test]
    fn a_signature_is_found_in_any_notation() {
        assert_eq!(codes(HEX), [[""; 0]]);
        assert_eq!(codes(&HEX.to_uppercase()), [[""; 0]]);
        assert_eq!(codes(&format!("t=1736937000,v1={HEX}")), [["signature_prefix"]]);
        assert_eq!(codes(&format!("\"{HEX}\"")), [["signature_text_around"]]);
        assert_eq!(codes(&format!("[{HEX}]")), [["signature_text_around"]]);
        assert_eq!(codes(&format!("{HEX}, {HEX}")), [["signature_text_around"]; 2]);
        assert_eq!(codes(BASE64), [["signature_base64"]]);
        assert_eq!(codes(BASE64.trim_end_matches('=')), [["signature_base64"]]);
        assert_eq!(codes(&format!("v1={BASE64}")), [["signature_prefix", "signature_base64"]]);
        assert_eq!(codes(&HEX[1..]), [["signature_start_lost"]]);
        assert_eq!(codes("Bearer nothing here").len(), 0);
    }

    fn headers(lines: &str) -> Headers {
        Headers::read(lines.as_bytes().to_vec()).unwrap()
    }

    fn plexos() -> &'static dyn Provider {
        provider::by_name("plexos").unwrap()
    }

    #[test]
    fn other_headers_are_searched_only_if_the_own_one_has_no_signature() {
        let other = "0".repeat(64);
        let both = headers(&format!("X-Other: {other}\r\nX-Plexos-Signature: {HEX}\r\n"));
        let found = find(&both, plexos());
        assert_eq!(found, [Target::new(HEX, vec![])]);
        let renamed = find(&headers(&format!("X-Hub-Signature: sha256={HEX}\r\n")), plexos());
        let sentence = "the signature is in the header `X-Hub-Signature` instead of X-Plexos-Signature";
        assert_eq!(renamed[0].faults.iter().map(Cause::sentence).collect::<Vec<_>>(), [sentence]);
        assert_eq!(find(&headers("X-Plexos-Signature: none\r\n"), plexos()), []);
    }

    #[test]
    fn a_header_that_a_server_renames_is_recognized() {
        for name in ["HTTP_X_PLEXOS_SIGNATURE", "X_PLEXOS_SIGNATURE", "x-amzn-remapped-X-Plexos-Signature"] {
            let found = find(&headers(&format!("{name}: {HEX}\r\n")), plexos());
            assert_eq!(found[0].faults[0].code(), "header_renamed", "{name}");
        }
        let id = find(&headers(&format!("X-Request-Id: {}\r\n", &HEX[..32])), plexos());
        assert_eq!(id, []);
    }

    #[test]
    fn at_most_eight_signatures_are_read_from_one_header_or_from_all() {
        let line = |name: &str| format!("{name}: {}\r\n", [HEX; 6].join(" "));
        for name in ["X-Plexos-Signature", "X-Other"] {
            assert_eq!(find(&headers(&line(name).repeat(2)), plexos()).len(), 8, "{name}");
        }
    }
}
