//! Undoes what happened to a whole file: gzip, UTF-16, a byte order mark.

use super::unreadable::UnreadableFile;
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;

/// The largest file that is decompressed. Larger ones are refused, because a few kilobytes can
/// decompress to any size.
pub(super) const MAX_DECOMPRESSED: u64 = 256 << 20;

/// A file as its tool wrote it, before it was compressed or converted.
pub(super) struct DecodedFile<'f> {
    pub bytes: Cow<'f, [u8]>,
    /// The file was UTF-16, so a body in it is not the one that was sent, but its text in UTF-8.
    pub was_utf16: bool,
}

/// Decompresses gzip, converts UTF-16 to UTF-8 and strips a byte order mark.
pub(super) fn decode(file: &[u8]) -> Result<DecodedFile<'_>, UnreadableFile> {
    let unzipped = if file.starts_with(&[0x1f, 0x8b]) { Cow::Owned(gunzip(file)?) } else { Cow::Borrowed(file) };
    if let Some(text) = from_utf16(&unzipped) {
        return Ok(DecodedFile { bytes: Cow::Owned(text.into_bytes()), was_utf16: true });
    }
    let bytes = match unzipped {
        Cow::Borrowed(bytes) => Cow::Borrowed(super::without_bom(bytes)),
        Cow::Owned(bytes) => Cow::Owned(super::without_bom(&bytes).to_vec()),
    };
    Ok(DecodedFile { bytes, was_utf16: false })
}

/// Checks whether a file must be read whole before its format can be detected.
pub fn is_encoded(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b]) || is_utf16(start).is_some()
}

fn gunzip(file: &[u8]) -> Result<Vec<u8>, UnreadableFile> {
    let mut bytes = Vec::new();
    match MultiGzDecoder::new(file).take(MAX_DECOMPRESSED + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > MAX_DECOMPRESSED => {
            Err(UnreadableFile::new("it decompresses to more than 256 MiB", "decompress it and cut out the request"))
        }
        Ok(_) => Ok(bytes),
        Err(_) => Err(UnreadableFile::new(
            "it is compressed with gzip, but damaged or cut off",
            "copy the file again, in binary mode",
        )),
    }
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

/// Recognizes UTF-16 by its byte order mark, or by a zero in every second byte.
fn is_utf16(text: &[u8]) -> Option<ByteOrder> {
    let pairs = text.get(..text.len().min(512) & !1)?.chunks_exact(2);
    let has = |test: fn(&[u8]) -> bool| {
        pairs.len() >= 8 && pairs.clone().filter(|pair| test(pair)).count() * 10 >= pairs.len() * 9
    };
    match text {
        [0xff, 0xfe, ..] => Some(ByteOrder::Little),
        [0xfe, 0xff, ..] => Some(ByteOrder::Big),
        _ if has(|pair| matches!(pair, [b'\t' | b'\n' | b'\r' | b' '..=b'~', 0])) => Some(ByteOrder::Little),
        _ if has(|pair| matches!(pair, [0, b'\t' | b'\n' | b'\r' | b' '..=b'~'])) => Some(ByteOrder::Big),
        _ => None,
    }
}

fn from_utf16(text: &[u8]) -> Option<String> {
    let order = is_utf16(text)?;
    let units = text.chunks_exact(2).map(|pair| match order {
        ByteOrder::Little => u16::from_le_bytes([pair[0], pair[1]]),
        ByteOrder::Big => u16::from_be_bytes([pair[0], pair[1]]),
    });
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Some(text.trim_start_matches('\u{feff}').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn decoded(file: &[u8]) -> Result<Vec<u8>, String> {
        decode(file).map(|file| file.bytes.into_owned()).map_err(|error| error.reason.into_owned())
    }

    fn utf16(text: &str, bom: bool, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = bom.then_some(0xfeff);
        mark.into_iter().chain(text.encode_utf16()).flat_map(to_bytes).collect()
    }

    #[test]
    fn utf_16_is_converted_with_and_without_a_byte_order_mark() {
        let text = "POST / HTTP/1.1\r\n\r\n{\"name\":\"Évora\"}";
        for bom in [true, false] {
            for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                let file = decode(&utf16(text, bom, to_bytes)).map(|file| (file.bytes.into_owned(), file.was_utf16));
                assert_eq!(file.ok(), Some((text.as_bytes().to_vec(), true)));
            }
        }
    }

    #[test]
    fn bytes_that_only_look_a_little_like_utf_16_are_not_converted() {
        for file in [&b"P\0O\0S"[..], b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", b"POST / HTTP/1.1\r\n\r\na\0b\0c\0"] {
            assert_eq!(decoded(file).as_deref(), Ok(file));
        }
    }

    #[test]
    fn gzip_is_decompressed_and_damaged_gzip_is_named() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"\xef\xbb\xbfPOST / HTTP/1.1").unwrap();
        let file = encoder.finish().unwrap();
        assert_eq!(decoded(&file).unwrap(), b"POST / HTTP/1.1");
        assert_eq!(decoded(&file.repeat(2)).unwrap(), b"POST / HTTP/1.1\xef\xbb\xbfPOST / HTTP/1.1");
        let error = decoded(&file[..file.len() - 9]).unwrap_err();
        assert_eq!(error, "it is compressed with gzip, but damaged or cut off");
    }

    #[test]
    fn a_gzip_bomb_is_refused() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let block = vec![0; 1 << 20];
        (0..257).for_each(|_| encoder.write_all(&block).unwrap());
        assert_eq!(decoded(&encoder.finish().unwrap()).unwrap_err(), "it decompresses to more than 256 MiB");
    }
}
