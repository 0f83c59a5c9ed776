//! Finds signatures and timestamps in a request's headers, in any header and notation.
//!
//! More lenient than verification (`provider::signature_header`): it finds what was meant.

use super::cause::Cause;
use super::kinds::signature as kinds;
use crate::model::message::Headers;
use crate::model::signature::Mac;
use crate::provider::{self, Provider};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A signature found in a request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeaderSignature {
    pub mac: Mac,
    /// Faults in its notation, or in the header it is in.
    pub faults: Vec<Cause>,
}

/// The largest number of signatures read from a request.
const LIMIT: usize = 8;

/// Finds the signatures in `provider`'s own header or, without any, in all other headers.
pub(super) fn find(headers: &Headers, provider: &dyn Provider) -> Vec<HeaderSignature> {
    let header = provider.signature_header();
    let own: Vec<_> = headers.all(header).flat_map(parse_value).take(LIMIT).collect();
    if !own.is_empty() {
        return own;
    }
    let elsewhere = headers.iter().flat_map(|(name, value)| {
        parse_value(value).into_iter().map(move |mut signature| {
            let fault = Cause::new(&kinds::OTHER_HEADER).with("name", name.to_owned()).with("header", header);
            signature.faults.insert(0, fault);
            signature
        })
    });
    elsewhere.take(LIMIT).collect()
}

/// Finds the first timestamp header of this provider or, when there is none, of any other.
pub(super) fn find_timestamp<'h>(headers: &'h Headers, provider: &dyn Provider) -> Option<&'h str> {
    let providers = [provider].into_iter().chain(provider::ALL.iter().copied());
    let value = providers.filter_map(|each| each.timestamp_header()).find_map(|name| headers.get(name))?;
    std::str::from_utf8(value).ok()
}

/// Parses runs of 64 hex digits or, when there are none, base64 that decodes to 32 bytes.
fn parse_value(value: &[u8]) -> Vec<HeaderSignature> {
    let Ok(text) = std::str::from_utf8(value) else { return Vec::new() };
    let hex_runs = text.split(|char: char| !char.is_ascii_hexdigit()).filter_map(|run| {
        let mut mac = Mac::default();
        hex::decode_to_slice(run, &mut mac).ok()?;
        Some(HeaderSignature { mac, faults: prefix_fault(text, run) })
    });
    let mut found: Vec<_> = hex_runs.take(LIMIT).collect();
    if found.is_empty() {
        found.extend(text.split([' ', ',', ';', ':', '"']).flat_map(parse_base64));
    }
    found
}

/// Parses base64, also after a scheme such as `v1=`.
fn parse_base64(text: &str) -> Option<HeaderSignature> {
    let tail = text.split_once('=').map(|(_, rest)| rest).filter(|rest| rest.len() >= 43);
    let bytes = [Some(text), tail].into_iter().flatten().find_map(|text| STANDARD.decode(text).ok())?;
    let mac = Mac::try_from(bytes).ok()?;
    Some(HeaderSignature { mac, faults: vec![Cause::new(&kinds::BASE64)] })
}

fn prefix_fault(text: &str, run: &str) -> Vec<Cause> {
    match text.split_once(run) {
        Some((prefix, _)) if !prefix.is_empty() && !prefix.eq_ignore_ascii_case("sha256=") => {
            vec![Cause::new(&kinds::PREFIX).with("prefix", prefix.to_owned())]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";
    /// `echo $HEX | xxd -r -p | base64`
    const BASE64: &str = "+x2fDBDcV6Ao1KJP8etsUfKiWoKthpoqwSniQ0bOXx4=";

    fn codes(value: &str) -> Vec<Vec<&'static str>> {
        let expected = hex::decode(HEX).unwrap();
        parse_value(value.as_bytes())
            .into_iter()
            .map(|signature| {
                assert_eq!(signature.mac.as_slice(), expected);
                signature.faults.iter().map(Cause::code).collect()
            })
            .collect()
    }

    #[test]
    fn a_signature_is_found_in_any_notation() {
        assert_eq!(codes(HEX), [[""; 0]]);
        assert_eq!(codes(&HEX.to_uppercase()), [[""; 0]]);
        assert_eq!(codes(&format!("t=1736937000,v1={HEX}")), [["signature_prefix"]]);
        assert_eq!(codes(BASE64), [["signature_base64"]]);
        assert_eq!(codes(&format!("v1={BASE64}")), [["signature_base64"]]);
        assert_eq!(codes("Bearer nothing here").len(), 0);
        assert_eq!(codes(&HEX[1..]).len(), 0);
    }

    fn headers(lines: &str) -> Headers {
        Headers::read(lines.as_bytes().to_vec()).unwrap()
    }

    fn provider(name: &str) -> &'static dyn Provider {
        provider::by_name(name).unwrap()
    }

    #[test]
    fn other_headers_are_searched_only_if_the_own_one_has_no_signature() {
        let other = "0".repeat(64);
        let both = headers(&format!("X-Other: {other}\r\nX-Plexos-Signature: {HEX}\r\n"));
        let found = find(&both, provider("plexos"));
        assert_eq!(found.len(), 1);
        assert_eq!((hex::encode(found[0].mac), found[0].faults.len()), (HEX.to_owned(), 0));
        let renamed = find(&headers(&format!("X-Hub-Signature: sha256={HEX}\r\n")), provider("plexos"));
        let sentence = "the signature is in the header `X-Hub-Signature` instead of X-Plexos-Signature";
        assert_eq!(renamed[0].faults.iter().map(Cause::sentence).collect::<Vec<_>>(), [sentence]);
        assert_eq!(find(&headers("X-Plexos-Signature: none\r\n"), provider("plexos")), []);
    }

    #[test]
    fn at_most_eight_signatures_are_read_from_one_header_or_from_all() {
        let line = |name: &str| format!("{name}: {}\r\n", [HEX; 6].join(" "));
        for name in ["X-Plexos-Signature", "X-Other"] {
            assert_eq!(find(&headers(&line(name).repeat(2)), provider("plexos")).len(), 8, "{name}");
        }
    }

    #[test]
    fn the_timestamp_of_the_own_header_comes_before_that_of_another_provider() {
        let own = headers("X-Plexos-Timestamp: 1736937000\r\nDate: x\r\n");
        assert_eq!(find_timestamp(&own, provider("plexos")), Some("1736937000"));
        assert_eq!(find_timestamp(&own, provider("plustive")), Some("1736937000"));
        assert_eq!(find_timestamp(&headers("Date: 1736937000\r\n"), provider("plexos")), None);
    }
}
