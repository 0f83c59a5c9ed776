//! Decodes the body of an answer that a server compressed although nobody asked for it.

use crate::model::exchange::Answer;
use std::borrow::Cow;
use std::io::Read;

/// Most bytes that are decoded: a hostile body must not fill the memory.
const MAX_DECODED: u64 = 256 * 1024;

/// Buffer of the Brotli decoder.
const BUFFER: usize = 4096;

/// Returns the body as text for people, without gzip, deflate and Brotli, the last of which was
/// applied first. A body that is cut off is decoded as far as possible. A damaged one, or one in
/// another coding, is returned as it is.
pub fn decoded_body(answer: &Answer) -> Cow<'_, [u8]> {
    let codings: Vec<_> =
        answer.headers.all("content-encoding").flat_map(|value| value.split(|&byte| byte == b',')).collect();
    let mut body = Cow::Borrowed(answer.body.as_slice());
    for coding in codings.into_iter().rev() {
        match decode(coding.trim_ascii(), &body) {
            Some(decoded) => body = Cow::Owned(decoded),
            None => return Cow::Borrowed(&answer.body),
        }
    }
    body
}

fn decode(coding: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    match coding.to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Some(body.to_vec()),
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
