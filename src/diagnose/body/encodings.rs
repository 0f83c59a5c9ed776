//! Changes that write the same text in another encoding.

use super::change::BodyChange;
use super::text;
use crate::diagnose::kinds::body as kinds;
use crate::json::Language;

/// Encodings of the same text.
pub(super) static ENCODINGS: &[BodyChange] = &[
    BodyChange::new(&kinds::ENCODING, "UTF-8", |body| body.text().is_none().then(|| text::latin1_to_utf8(body.bytes))),
    BodyChange::new(&kinds::ENCODING, "Latin-1, or UTF-8 that was read as Latin-1", |body| {
        text::to_latin1(body.wide_text()?, false, None)
    }),
    BodyChange::new(&kinds::ENCODING, "UTF-8 encoded twice", |body| {
        body.wide_text().map(|_| text::latin1_to_utf8(body.bytes))
    }),
    BodyChange::new(&kinds::ENCODING, "UTF-16", |body| body.text().map(text::utf16_le)),
    BodyChange::new(&kinds::ENCODING, "UTF-16 with a byte order mark", |body| {
        body.text().map(|text| [b"\xfe\xff", &text::utf16_be(text)[..]].concat())
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "ASCII, with `?` for every other character", |body| {
        Some(text::question_marks(body.wide_text()?, |_| 1))
    }),
    BodyChange::new(&kinds::ENCODING, "ASCII, with `?` for every other byte", |body| {
        body.wide_text().map(|_| text::replace_bytes(body.bytes, "?"))
    }),
    BodyChange::new(&kinds::ENCODING, "ASCII, without the other characters", |body| {
        body.wide_text().map(|_| text::replace_bytes(body.bytes, ""))
    }),
    BodyChange::new(&kinds::ENCODING, "UTF-8, with U+FFFD for invalid bytes", |body| {
        body.text().is_none().then(|| String::from_utf8_lossy(body.bytes).into_owned().into_bytes())
    }),
    BodyChange::new(&kinds::ENCODING, "Windows-1252", |body| text::to_latin1(body.wide_text()?, true, None)),
    BodyChange::new(&kinds::ENCODING, "UTF-8 that was read as Windows-1252", |body| {
        body.wide_text().map(|_| text::cp1252_to_utf8(body.bytes))
    }),
    BodyChange::new(&kinds::ENCODING, "UTF-8, read as Windows-1252 here", |body| {
        text::to_latin1(body.wide_text()?, true, None).filter(|bytes| std::str::from_utf8(bytes).is_ok())
    }),
    BodyChange::new(&kinds::ENCODING, "Unicode with composed characters (NFC)", |body| {
        Some(icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(body.wide_text()?).into_owned().into())
    }),
    BodyChange::new(&kinds::ENCODING, "Unicode with decomposed characters (NFD)", |body| {
        Some(icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(body.wide_text()?).into_owned().into())
    }),
];

/// Encodings that are met less often.
pub(super) static RARE_ENCODINGS: &[BodyChange] = &[
    BodyChange::new(&kinds::ENCODING, "Latin-1, with `?` for characters that it lacks", |body| {
        text::to_latin1(body.wide_text()?, false, Some(b'?'))
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "Windows-1252, with `?` for characters that it lacks", |body| {
        text::to_latin1(body.wide_text()?, true, Some(b'?'))
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "ASCII, with `?` for every other UTF-16 unit", |body| {
        Some(text::question_marks(body.wide_text()?, char::len_utf16))
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "ASCII, with U+FFFD for every other byte", |body| {
        body.wide_text().map(|_| text::replace_bytes(body.bytes, "\u{fffd}"))
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "Latin-1 without the characters that it lacks", |body| {
        let text: String = body.wide_text()?.chars().filter(|char| u32::from(*char) < 256).collect();
        text::to_latin1(&text, false, None)
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "Node's 'latin1' (or 'binary'), the low byte of each character", |body| {
        body.wide_text().map(text::low_bytes)
    })
    .rare()
    .language(Language::JavaScript),
    BodyChange::new(&kinds::ENCODING, "Node's 'ascii', the low seven bits of each byte", |body| {
        body.wide_text().map(|_| body.bytes.iter().map(|byte| byte & 0x7f).collect())
    })
    .rare()
    .language(Language::JavaScript),
    BodyChange::new(&kinds::ENCODING, "UTF-16 with a byte order mark, little-endian", |body| {
        body.text().map(|text| [b"\xff\xfe", &text::utf16_le(text)[..]].concat())
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "UTF-16, big-endian", |body| body.text().map(text::utf16_be)).rare(),
    BodyChange::new(&kinds::ENCODING, "UTF-32", |body| {
        body.text().map(|text| text.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect())
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "UTF-32 with a byte order mark", |body| {
        let chars = || ['\u{feff}'].into_iter().chain(body.text().unwrap_or_default().chars());
        body.text().map(|_| chars().flat_map(|char| u32::from(char).to_le_bytes()).collect())
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "ASCII after decomposition, without accents", |body| {
        let text = icu_normalizer::DecomposingNormalizerBorrowed::new_nfkd().normalize(body.wide_text()?).into_owned();
        Some(text.chars().filter(char::is_ascii).collect::<String>().into())
    })
    .rare(),
    BodyChange::new(&kinds::ENCODING, "Unicode in compatibility form (NFKC)", |body| {
        Some(icu_normalizer::ComposingNormalizerBorrowed::new_nfkc().normalize(body.wide_text()?).into_owned().into())
    })
    .rare(),
];
