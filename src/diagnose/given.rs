//! Signatures in a request's headers, wherever they stand and however they are written.
//!
//! Read far more leniently than for a verdict: this is only for finding out what somebody meant.

use super::Cause;
use crate::model::message::Headers;
use crate::model::signature::Mac;
use crate::provider::Provider;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A signature that stands in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Its bytes.
    pub mac: Mac,
    /// What is wrong with where or how it is written.
    pub faults: Vec<Cause>,
}

/// At most so many are looked at.
const MOST: usize = 8;

/// The signatures in `provider`'s own header, or, when there are none, those in any other header.
pub(super) fn find(headers: &Headers, provider: &dyn Provider) -> Vec<Given> {
    let header = provider.signature_header();
    let own: Vec<_> = headers.all(header).flat_map(in_value).take(MOST).collect();
    if !own.is_empty() {
        return own;
    }
    let elsewhere = headers.iter().flat_map(|(name, value)| {
        in_value(value).into_iter().map(move |mut given| {
            given.faults.insert(0, Cause::SignatureOtherHeader { name: name.to_owned(), header });
            given
        })
    });
    elsewhere.take(MOST).collect()
}

/// Every run of 64 hex digits, and every piece of base64 that decodes to 32 bytes.
fn in_value(value: &[u8]) -> Vec<Given> {
    let Ok(text) = std::str::from_utf8(value) else { return Vec::new() };
    let hex_runs = text.split(|letter: char| !letter.is_ascii_hexdigit()).filter_map(|run| {
        let mut mac = Mac::default();
        hex::decode_to_slice(run, &mut mac).ok()?;
        Some(Given { mac, faults: prefix_fault(text, run) })
    });
    let mut found: Vec<_> = hex_runs.take(MOST).collect();
    if found.is_empty() {
        found.extend(text.split([' ', ',', ';', ':', '"']).flat_map(base64_pieces));
    }
    found
}

/// A text, and what follows each `=` that is not padding: `v1=…`.
fn base64_pieces(text: &str) -> Option<Given> {
    let tail = text.split_once('=').map(|(_, rest)| rest).filter(|rest| rest.len() >= 43);
    let bytes = [Some(text), tail].into_iter().flatten().find_map(|piece| STANDARD.decode(piece).ok())?;
    let mac = Mac::try_from(bytes).ok()?;
    Some(Given { mac, faults: vec![Cause::SignatureBase64] })
}

fn prefix_fault(text: &str, run: &str) -> Vec<Cause> {
    match text.split_once(run) {
        Some((prefix, _)) if !prefix.is_empty() && !prefix.eq_ignore_ascii_case("sha256=") => {
            vec![Cause::SignaturePrefix { prefix: prefix.to_owned() }]
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
        in_value(value.as_bytes())
            .into_iter()
            .map(|given| {
                assert_eq!(given.mac.as_slice(), expected);
                given.faults.iter().map(Cause::code).collect()
            })
            .collect()
    }

    #[test]
    fn a_signature_is_found_however_it_is_wrapped() {
        assert_eq!(codes(HEX), [[""; 0]]);
        assert_eq!(codes(&HEX.to_uppercase()), [[""; 0]]);
        assert_eq!(codes(&format!("t=1736937000,v1={HEX}")), [["signature_prefix"]]);
        assert_eq!(codes(BASE64), [["signature_base64"]]);
        assert_eq!(codes(&format!("v1={BASE64}")), [["signature_base64"]]);
        assert_eq!(codes("Bearer nothing here").len(), 0);
        assert_eq!(codes(&HEX[1..]).len(), 0);
    }
}
