//! Decompresses bodies for people to read: an app's answer that nobody asked to compress, and a
//! payload whose compressed bytes were signed. Verification and forwarding use the bytes as received.

use crate::model::exchange::Answer;
use crate::model::message::Headers;
use std::borrow::Cow;
use std::io::Read;

/// Most bytes that are decoded: a hostile body must not fill the memory.
const MAX_DECODED: u64 = 256 * 1024;

/// Buffer of the Brotli decoder.
const BUFFER: usize = 4096;

/// Returns the answer's body as [`decoded`] does.
pub fn decoded_body(answer: &Answer) -> Cow<'_, [u8]> {
    decoded(&answer.headers, &answer.body)
}

/// Returns a body without gzip, deflate and Brotli, the last of which was applied first. A body that
/// is cut off is decoded as far as possible. A damaged one, or one in another coding, is returned as
/// it is.
pub fn decoded<'b>(headers: &Headers, body: &'b [u8]) -> Cow<'b, [u8]> {
    let codings: Vec<_> = headers
        .all("content-encoding")
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(|coding| coding.trim_ascii().to_ascii_lowercase())
        .filter(|coding| !matches!(coding.as_slice(), b"" | b"identity"))
        .collect();
    let mut text = Cow::Borrowed(body);
    for coding in codings.into_iter().rev() {
        match decode(&coding, &text) {
            Some(decoded) => text = Cow::Owned(decoded),
            None => return Cow::Borrowed(body),
        }
    }
    text
}

/// Returns the name of a compression that is not decoded. It is recognized by the first bytes.
pub fn unread_compression(body: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 3] = [(b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2")];
    MAGIC.iter().find(|(magic, _)| body.starts_with(magic)).map(|(_, name)| *name)
}

fn decode(coding: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    match coding {
        b"gzip" | b"x-gzip" => read(flate2::read::MultiGzDecoder::new(body)),
        // Some servers send the raw stream instead of the zlib format.
        b"deflate" => {
            read(flate2::read::ZlibDecoder::new(body)).or_else(|| read(flate2::read::DeflateDecoder::new(body)))
        }
        b"br" => read(brotli_decompressor::Decompressor::new(body, BUFFER)),
        _ => None,
    }
}

/// Reads up to the limit, and keeps what comes before an error.
fn read(decoder: impl Read) -> Option<Vec<u8>> {
    let (mut limited, mut decoded, mut buffer) = (decoder.take(MAX_DECODED), Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = limited.read(&mut buffer) {
        decoded.extend_from_slice(buffer.get(..length).unwrap_or_default());
    }
    (!decoded.is_empty()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(coding: &str, hex: &str) -> Answer {
        let mut answer = Answer::new(500, hex::decode(hex).unwrap());
        answer.headers.push("Content-Encoding", coding.as_bytes()).unwrap();
        answer
    }

    /// Made by `node -e 'console.log(require("zlib").NAME(Buffer.from("{\"a\":1}")).toString("hex"))'`.
    #[test]
    fn what_node_compresses_is_decoded() {
        for (coding, hex) in [
            ("gzip", "1f8b0800000000000003ab564a54b232ac0500afac1b5607000000"),
            ("GZIP", "1f8b0800000000000003ab564a54b232ac0500afac1b5607000000"),
            ("deflate", "789cab564a54b232ac0500082a0209"),
            ("deflate", "ab564a54b232ac0500"),
            ("br", "0b03807b2261223a317d03"),
            ("identity", "7b2261223a317d"),
        ] {
            assert_eq!(decoded_body(&answer(coding, hex)).as_ref(), b"{\"a\":1}", "{coding}");
        }
    }

    #[test]
    fn a_body_that_can_not_be_decoded_stays_and_a_cut_one_is_decoded_in_part() {
        assert_eq!(decoded_body(&answer("gzip", "7b7d")).as_ref(), b"{}");
        assert_eq!(decoded_body(&answer("zstd", "7b7d")).as_ref(), b"{}");
        assert_eq!(decoded_body(&answer("zstd, gzip", "7b7d")).as_ref(), b"{}");
        // `python3 -c 'import gzip; print(gzip.compress(b"a" * 1000 + bytes(range(256)), mtime=0)[:200].hex())'`
        // begins with the compressed letters.
        let whole = answer("gzip", "1f8b0800000000000003ab564a54b232ac0500");
        assert_eq!(decoded_body(&whole).as_ref(), b"{\"a\":1}", "the checksum is missing");
    }

    /// `python3 -c 'import gzip; print(gzip.compress(bytes(1 << 20), mtime=0).hex())'`, of which the
    /// part that repeats is built here.
    #[test]
    fn a_bomb_is_decoded_up_to_the_limit() {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 10 << 20]).unwrap();
        let bomb = answer("gzip", &hex::encode(encoder.finish().unwrap()));
        assert_eq!(decoded_body(&bomb).len() as u64, MAX_DECODED);
    }
}
