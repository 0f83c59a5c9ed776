//! Decompresses a body whose Content-Encoding nobody undid.

use std::io::Read;

/// The largest output, as a multiple of the input and in bytes: a hostile body cannot fill the
/// memory.
const MAX_FACTOR: u64 = 64;
const MIN_LIMIT: u64 = 64 << 10;
const MAX_LIMIT: u64 = 16 << 20;
/// The buffer of the Brotli decoder.
const BUFFER: usize = 4096;

pub(super) fn gunzip(body: &[u8]) -> Option<Vec<u8>> {
    body.starts_with(b"\x1f\x8b").then(|| read_all(flate2::read::MultiGzDecoder::new(body), body.len()))?
}

pub(super) fn inflate_zlib(body: &[u8]) -> Option<Vec<u8>> {
    let is_zlib = body.len() > 6 && body[0] & 0x0f == 8 && (usize::from(body[0]) << 8 | usize::from(body[1])) % 31 == 0;
    is_zlib.then(|| read_all(flate2::read::ZlibDecoder::new(body), body.len()))?
}

/// Reads a raw deflate stream, which some clients send as `deflate`.
pub(super) fn inflate_raw(body: &[u8]) -> Option<Vec<u8>> {
    is_binary(body).then(|| read_all(flate2::read::DeflateDecoder::new(body), body.len()))?
}

/// Brotli has no mark at its start, so every body that is no text is tried.
pub(super) fn decode_brotli(body: &[u8]) -> Option<Vec<u8>> {
    is_binary(body).then(|| read_all(brotli_decompressor::Decompressor::new(body, BUFFER), body.len()))?
}

fn is_binary(body: &[u8]) -> bool {
    body.len() > 4 && (body[0] < b' ' && !body[0].is_ascii_whitespace() || std::str::from_utf8(body).is_err())
}

/// Reads up to the limit. `None`: the stream is damaged, longer, or empty.
fn read_all(decoder: impl Read, length: usize) -> Option<Vec<u8>> {
    let limit = (length as u64 * MAX_FACTOR).clamp(MIN_LIMIT, MAX_LIMIT);
    let mut out = Vec::new();
    decoder.take(limit + 1).read_to_end(&mut out).ok()?;
    (!out.is_empty() && out.len() as u64 <= limit).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex).unwrap()
    }

    /// Made by `node -e 'console.log(require("zlib").NAME(Buffer.from("{\"a\":1}")).toString("hex"))'`.
    #[test]
    fn what_node_compresses_is_decompressed() {
        let body = Some(b"{\"a\":1}".to_vec());
        assert_eq!(gunzip(&bytes("1f8b0800000000000003ab564a54b232ac0500afac1b5607000000")), body);
        assert_eq!(inflate_zlib(&bytes("789cab564a54b232ac0500082a0209")), body);
        assert_eq!(inflate_raw(&bytes("ab564a54b232ac0500")), body);
        assert_eq!(decode_brotli(&bytes("0b03807b2261223a317d03")), body);
    }

    #[test]
    fn text_and_damaged_streams_are_not_decompressed() {
        let text = b"{\"a\":1}";
        for decode in [gunzip, inflate_zlib, inflate_raw, decode_brotli] {
            assert_eq!(decode(text), None);
        }
        assert_eq!(gunzip(&bytes("1f8b0800000000000003ab564a54b232ac0500afac1b57")), None);
    }
}
