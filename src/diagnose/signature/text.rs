//! Reads digests from any text in which people have them: hex, base64, bytes as numbers, the output
//! of a tool.

use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::{digest as digest_kinds, signature as kinds};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

/// A digest as one way of reading a text gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DigestText {
    /// Lower-case hex digits, perhaps not all of the digest.
    pub digits: String,
    /// The part of the text that was read.
    pub part: String,
    /// The faults in its notation that make a comparison with hex fail.
    pub faults: Vec<Cause>,
}

/// The number of hex digits from which a text can be a digest or the start of one.
pub(super) const MIN_DIGITS: usize = 16;
/// The most digits that are read: twice encoded SHA-512.
const MAX_DIGITS: usize = 512;

/// Lists the digests that a text may contain, the likeliest first.
pub(super) fn read(text: &str) -> Vec<DigestText> {
    let mut found = Vec::new();
    for reader in [hex_runs, base64_tokens, words, numbers, decimal, escaped_bytes] {
        for digest in reader(text) {
            found.extend(decode_again(&digest));
            found.push(digest);
        }
        if found.iter().any(|digest| digest.digits.len() == 64) {
            break;
        }
    }
    // Whole signatures come first: the others may be parts of one.
    found.sort_by_key(|digest| digest.digits.len() != 64);
    found
}

fn plain(digits: String, part: &str) -> DigestText {
    DigestText { digits: digits.to_ascii_lowercase(), part: part.to_owned(), faults: Vec::new() }
}

/// Finds runs of hex digits, and runs that belong together: `5b:dc:c1`, `<Buffer 5b dc c1>`,
/// `0x5b, 0xdc`, `\x5b\xdc`, a digest on two lines, the output of `hexdump -C` and `xxd`.
fn hex_runs(text: &str) -> Vec<DigestText> {
    let dump = without_dump_columns(text);
    // `...` ends what a Buffer shows of its bytes; a number follows.
    let text = &dump.as_deref().unwrap_or(text).replace("...", " end ").replace('…', " end ");
    let has_single_digits = text.contains(',');
    let (mut found, mut joined, mut tokens) = (Vec::new(), String::new(), 0);
    for token in text.split(|char: char| !char.is_ascii_alphanumeric()).chain(["end"]) {
        let run = ["0x", "0X", "x", "H"].iter().find_map(|prefix| token.strip_prefix(prefix)).unwrap_or(token);
        let others = run.bytes().filter(|byte| !byte.is_ascii_hexdigit()).count();
        // A whole signature with a typing error is still one.
        let allowed = if (60..=68).contains(&run.len()) { 3 } else { 0 };
        let is_hex = others <= allowed && !run.is_empty();
        if is_hex && (MIN_DIGITS..=MAX_DIGITS).contains(&run.len()) && !is_number(run) {
            let (half, other) = run.split_at(run.len() / 2);
            found.extend((half == other && run.len() == 128).then(|| plain(half.to_owned(), half)));
            found.push(plain(run.to_owned(), run));
        }
        if is_hex && run.len() < 60 && run.len().is_multiple_of(2) {
            joined.push_str(run);
            tokens += 1;
        } else if is_hex && run.len() == 1 && has_single_digits {
            joined.extend(["0", run]);
            tokens += 1;
        } else if !token.is_empty() {
            let has_letters = joined.bytes().any(|byte| byte.is_ascii_alphabetic());
            if tokens > 1 && has_letters && (MIN_DIGITS..=MAX_DIGITS).contains(&joined.len()) {
                found.push(plain(joined.clone(), text.trim()));
            }
            joined.clear();
            tokens = 0;
        }
    }
    found.sort_by_key(|digest| std::cmp::Reverse(digest.digits.len()));
    found
}

/// Returns true for an id or an integer. Hex of hex has decimal digits only, too.
fn is_number(run: &str) -> bool {
    run.bytes().all(|byte| byte.is_ascii_digit()) && is_integer_length(run.len())
}

/// Returns true if a number of so many decimal digits is an id, or a digest of 256 or 512 bits.
fn is_integer_length(digits: usize) -> bool {
    digits < 32 || (74..=78).contains(&digits) || (150..=155).contains(&digits)
}

/// Removes the offsets and the characters from the output of `hexdump -C` or `xxd`. `None`: it is
/// other text.
fn without_dump_columns(text: &str) -> Option<String> {
    let is_offset = |word: &str| {
        let digits = word.strip_suffix(':').unwrap_or(word);
        (7..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut found = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (offset, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        if !is_offset(offset) {
            return None;
        }
        let columns = rest.trim_start().split_once('|').map_or(rest.trim_start(), |(bytes, _)| bytes);
        let columns = if offset.ends_with(':') { columns.split("  ").next().unwrap_or_default() } else { columns };
        found.push_str(columns);
        found.push(' ');
    }
    (!found.trim().is_empty()).then_some(found)
}

/// Reads a text in which bytes are escaped and printable ones stand for themselves: Python's
/// `b'[\xdc\xc1F'`, Ruby's `"[\xDC\xC1F"`, `%5B%DC%C1F`.
fn escaped_bytes(text: &str) -> Vec<DigestText> {
    let text = text.trim();
    let inner = text.strip_prefix("bytearray(").and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let inner = inner.strip_prefix('b').unwrap_or(inner);
    let inner = ["'", "\""].iter().find_map(|quote| inner.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(inner);
    let bytes = if inner.contains("\\x") {
        unescape(inner)
    } else if inner.contains('%') {
        Some(percent_encoding::percent_decode_str(inner).collect())
    } else {
        None
    };
    match bytes {
        Some(bytes) if matches!(bytes.len(), 16 | 20 | 32 | 48 | 64) => vec![plain(hex::encode(bytes), text)],
        _ => Vec::new(),
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next()? {
            b'x' => bytes.extend(hex::decode([rest.next()?, rest.next()?]).ok()?),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'v' => bytes.push(11),
            b'f' => bytes.push(12),
            b'e' => bytes.push(27),
            b'0' => bytes.push(0),
            other => bytes.push(other),
        }
    }
    Some(bytes)
}

/// Reads the 32-bit words that CryptoJS prints: `{"words":[1541194054,…],"sigBytes":32}`.
fn words(text: &str) -> Vec<DigestText> {
    let Some((_, list)) = text.split_once("words") else { return Vec::new() };
    let list = list.split_once(']').map_or(list, |(list, _)| list);
    let numbers = list.split(|char: char| !(char.is_ascii_digit() || char == '-')).filter(|token| !token.is_empty());
    let words: Option<Vec<u32>> = numbers
        .map(|token| {
            let number: i64 = token.parse().ok()?;
            u32::try_from(number.rem_euclid(1 << 32)).ok()
        })
        .collect();
    match words {
        Some(words) if (4..=16).contains(&words.len()) => {
            let bytes: Vec<_> = words.into_iter().flat_map(u32::to_be_bytes).collect();
            vec![plain(hex::encode(bytes), text.trim())]
        }
        _ => Vec::new(),
    }
}

/// Reads bytes as decimal numbers, signed or not: `[91, -36, 193]`, `{"0":91,"1":220}`.
fn numbers(text: &str) -> Vec<DigestText> {
    let is_object = text.contains("\"0\"") || text.contains("'0':");
    let body = if memmem::find(text.as_bytes(), b"\"data\"").is_some() {
        text.split_once("\"data\"").map_or(text, |(_, data)| data)
    } else {
        // The number in `Uint8Array(32)` is no byte.
        text.split_once(['[', '{', '<']).map_or(text, |(_, bytes)| bytes)
    };
    let body = &body.replace("uy", "");
    let body = body.trim_end_matches(|char: char| !(char.is_ascii_digit() || "]}".contains(char)));
    if !body.chars().all(|char| char.is_ascii_digit() || char.is_whitespace() || "-,:;|[]{}()<>\"'".contains(char)) {
        return Vec::new();
    }
    let numbers: Vec<i32> = body
        .split(|char: char| !(char.is_ascii_digit() || char == '-'))
        .filter(|token| !token.is_empty())
        .map_while(|token| token.parse().ok())
        .collect();
    let values: Vec<_> = if is_object { numbers.iter().skip(1).step_by(2).copied().collect() } else { numbers };
    let bytes: Option<Vec<u8>> = values
        .iter()
        .map(|&value| (-128..=255).contains(&value).then(|| value.rem_euclid(256).to_le_bytes()[0]))
        .collect();
    match bytes {
        Some(bytes) if (MIN_DIGITS / 2..=64).contains(&bytes.len()) => vec![plain(hex::encode(bytes), text.trim())],
        _ => Vec::new(),
    }
}

/// Finds base64 of either alphabet, padded or not, also percent-encoded and after a scheme.
fn base64_tokens(text: &str) -> Vec<DigestText> {
    let text = text.replace("%2B", "+").replace("%2b", "+").replace("%2F", "/").replace("%2f", "/");
    let text = text.replace("%3D", "=").replace("%3d", "=").replace(['\n', '\r'], "");
    let is_base64 = |char: char| char.is_ascii_alphanumeric() || "+/-_".contains(char);
    let mut tokens: Vec<_> = text.split(|char| !is_base64(char)).filter(|token| token.len() >= 22).collect();
    tokens.retain(|token| !token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    tokens.sort_by_key(|token| std::cmp::Reverse(token.len()));
    tokens.into_iter().filter_map(|token| decode_base64(token, &text)).collect()
}

fn decode_base64(token: &str, text: &str) -> Option<DigestText> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = token.replace('-', "+").replace('_', "/");
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, config).decode(standard).ok()?;
    if !(MIN_DIGITS / 2..=MAX_DIGITS / 2).contains(&bytes.len()) {
        return None;
    }
    let padding = text.split_once(token).map_or(0, |(_, rest)| rest.len() - rest.trim_start_matches('=').len());
    let part = format!("{token}{}", "=".repeat(padding));
    Some(DigestText { digits: hex::encode(bytes), part, faults: vec![Cause::new(&kinds::BASE64)] })
}

/// Reads the digest as one decimal number, as a big integer prints it.
fn decimal(text: &str) -> Vec<DigestText> {
    let runs = text.split(|char: char| !char.is_ascii_digit());
    runs.filter(|run| run.len() > 32 && is_integer_length(run.len()))
        .map(|run| plain(decimal_to_hex(run), run))
        .collect()
}

fn decimal_to_hex(number: &str) -> String {
    let mut bytes: Vec<u8> = Vec::new();
    for digit in number.bytes() {
        let mut carry = u16::from(digit - b'0');
        for byte in &mut bytes {
            let [low, high] = (u16::from(*byte) * 10 + carry).to_le_bytes();
            *byte = low;
            carry = u16::from(high);
        }
        if carry > 0 {
            bytes.push(carry.to_le_bytes()[0]);
        }
    }
    bytes.reverse();
    hex::encode(bytes)
}

/// Reads the digest inside a digest that was encoded twice: hex of hex, base64 of hex, hex of
/// base64.
fn decode_again(digest: &DigestText) -> Vec<DigestText> {
    let bytes = hex::decode(&digest.digits).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(&bytes) else { return Vec::new() };
    if text.len() < MIN_DIGITS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Vec::new();
    }
    let inner = hex_runs(text).into_iter().chain(base64_tokens(text)).filter(|inner| inner.part.len() == text.len());
    inner
        .map(|inner| DigestText {
            faults: vec![Cause::new(&digest_kinds::ENCODED_TWICE)],
            part: digest.part.clone(),
            ..inner
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    const HEX: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    /// `echo $HEX | xxd -r -p | base64`
    const BASE64: &str = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
    /// `printf %s $HEX | xxd -p -c 64`
    const TWICE: &str = "35626463633134366266363037353465366130343234323630383935373563373561303033663038396432373339383339646563353862393634656333383433";
    /// `python3 -c "print(bytes.fromhex('$HEX'))"`
    const PYTHON: &str = r"b'[\xdc\xc1F\xbf`uNj\x04$&\x08\x95u\xc7Z\x00?\x08\x9d\'9\x83\x9d\xecX\xb9d\xec8C'";
    /// `python3 -c "print(list(bytes.fromhex('$HEX')))"`
    const LIST: &str = "[91, 220, 193, 70, 191, 96, 117, 78, 106, 4, 36, 38, 8, 149, 117, 199, 90, 0, 63, 8, 157, 39, 57, 131, 157, 236, 88, 185, 100, 236, 56, 67]";
    /// `python3 -c "print(int('$HEX', 16))"`
    const DECIMAL: &str = "41550509519724011495871338914359268745544789260865447409078544909066503469123";

    /// `echo $HEX | xxd -r -p | hexdump -C`
    const DUMP: &str = "00000000  5b dc c1 46 bf 60 75 4e  6a 04 24 26 08 95 75 c7  |[..F.`uNj.$&..u.|\n00000010  5a 00 3f 08 9d 27 39 83  9d ec 58 b9 64 ec 38 43  |Z.?..'9...X.d.8C|\n00000020";
    /// `echo $HEX | xxd -r -p | xxd`
    const XXD: &str = "00000000: 5bdc c146 bf60 754e 6a04 2426 0895 75c7  [..F.`uNj.$&..u.\n00000010: 5a00 3f08 9d27 3983 9dec 58b9 64ec 3843  Z.?..'9...X.d.8C";
    /// `node -p "JSON.stringify({words: [...Array(8).keys()].map(i =>
    /// Buffer.from('$HEX', 'hex').readInt32BE(i * 4)), sigBytes: 32})"`,
    /// as CryptoJS prints a WordArray.
    const WORDS: &str = r#"{"words":[1541194054,-1084197554,1778656294,144012743,1509965576,-1658373757,-1645455175,1693202499],"sigBytes":32}"#;
    /// `ruby -e "p ['$HEX'].pack('H*')"`
    const RUBY: &str = r#""[\xDC\xC1F\xBF`uNj\x04$&\b\x95u\xC7Z\x00?\b\x9D'9\x83\x9D\xECX\xB9d\xEC8C""#;

    fn first(text: &str) -> (String, Vec<&'static str>) {
        let found = read(text);
        let digest = found.first().unwrap_or_else(|| panic!("{text}"));
        (digest.digits.clone(), digest.faults.iter().map(Cause::code).collect())
    }

    #[test]
    fn a_digest_is_read_from_what_people_paste() {
        let pairs = |separator: &str| {
            let pairs: Vec<_> = HEX.as_bytes().chunks(2).map(|two| str::from_utf8(two).unwrap()).collect();
            pairs.join(separator)
        };
        let signed = LIST.replace("220", "-36").replace("193", "-63").replace("236", "-20");
        let object: Vec<_> =
            LIST[1..LIST.len() - 1].split(", ").enumerate().map(|(at, byte)| format!("\"{at}\":{byte}")).collect();
        for text in [
            HEX.to_owned(),
            HEX.to_uppercase(),
            format!("sha256={HEX}"),
            format!(" \"{HEX}\"\n"),
            format!("SHA2-256(stdin)= {HEX}"),
            format!("HMAC-SHA2-256(stdin)= {HEX}"),
            format!("{HEX} *-"),
            format!("b'{HEX}'"),
            format!("0x{HEX}"),
            format!("computed: {HEX} at 1736937000"),
            pairs(":"),
            pairs("-").to_uppercase(),
            format!("<Buffer {}>", pairs(" ")),
            format!("{}\n{}", &HEX[..32], &HEX[32..]),
            format!("{}\\\n  {}", &HEX[..40], &HEX[40..]),
            format!("[]byte{{0x{}}}", pairs(", 0x").replace("0x04", "0x4").replace("0x00", "0x0")),
            format!("[{}]", pairs(", ").replace(", 04", ", 4").replace(", 00", ", 0")),
            DUMP.to_owned(),
            XXD.to_owned(),
            WORDS.to_owned(),
            RUBY.to_owned(),
            format!("%{}", pairs("%")),
            format!("0x{}", pairs(", 0x")),
            format!("\\x{}", pairs("\\x")),
            PYTHON.to_owned(),
            format!("bytearray({PYTHON})"),
            format!("[|{}uy|]", LIST[1..LIST.len() - 1].replace(", ", "uy; ")),
            LIST.to_owned(),
            LIST.replace(',', ""),
            format!("Uint8Array(32) {LIST}"),
            format!("{{\"type\":\"Buffer\",\"data\":{LIST}}}"),
            format!("{{{}}}", object.join(",")),
            signed,
            DECIMAL.to_owned(),
        ] {
            assert_eq!(first(&text), (HEX.to_owned(), vec![]), "{text}");
        }
    }

    #[test]
    fn a_notation_that_no_comparison_with_hex_accepts_is_a_fault() {
        let url = BASE64.trim_end_matches('=').replace('+', "-").replace('/', "_");
        for text in [BASE64.to_owned(), url, format!("v1={BASE64}"), format!("v1,{BASE64}"), BASE64.replace('=', "%3D")]
        {
            assert_eq!(first(&text), (HEX.to_owned(), vec!["signature_base64"]), "{text}");
        }
        assert_eq!(first(TWICE), (HEX.to_owned(), vec!["digest_encoded_twice"]));
    }

    #[test]
    fn a_part_of_a_digest_is_read_as_it_is() {
        assert_eq!(first(&HEX[..63]).0, HEX[..63]);
        assert_eq!(first("<Buffer 5b dc c1 46 bf 60 75 4e 6a 04 ... 22 more bytes>").0, HEX[..20]);
    }

    #[test]
    fn other_text_is_no_digest() {
        for text in ["", "abc", "sha256=", "not a digest at all, but some words", "é=é", "1736937000", "undefined"] {
            assert_eq!(read(text), [], "{text}");
        }
    }
}
