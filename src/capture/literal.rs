//! Reads objects as programs print them: Node.js (`{ id: 'a' }`), Python (`{'id': None}`) and Ruby
//! (`{"id"=>nil}`), and strings in quotes.

use crate::json::text::write_string;

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 64;

/// Converts the object at the start of a text to JSON. Returns the JSON and the length of the
/// object. `None`: it is not one, or something in it was left out when it was printed.
pub(super) fn to_json(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut reader = LiteralReader { text, at: 0, out: Vec::new() };
    reader.value(0)?;
    Some((reader.out, reader.at))
}

struct LiteralReader<'t> {
    text: &'t [u8],
    at: usize,
    out: Vec<u8>,
}

impl<'t> LiteralReader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_ascii_start().len();
    }

    fn skip(&mut self, word: &[u8]) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.skip_space();
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.list(b"{", b"}", depth, true),
            b'[' if self.rest().starts_with(b"[Object") || self.rest().starts_with(b"[Array") => None,
            b'[' => self.list(b"[", b"]", depth, false),
            b'(' => self.list(b"(", b")", depth, false),
            b'"' | b'\'' | b'`' => self.string(),
            b'b' if matches!(self.text.get(self.at + 1), Some(b'"' | b'\'')) => {
                self.at += 1;
                self.string()
            }
            _ if self.skip(b"<Buffer ") => self.buffer(),
            _ if self.skip(b"[Object: null prototype] ") => self.value(depth),
            _ => self.word(),
        }
    }

    fn list(&mut self, open: &[u8], close: &[u8], depth: usize, is_object: bool) -> Option<()> {
        self.skip(open);
        self.out.push(if is_object { b'{' } else { b'[' });
        let mut is_first = true;
        loop {
            self.skip_space();
            if self.skip(close) {
                break;
            }
            if !is_first {
                self.out.push(b',');
            }
            is_first = false;
            if is_object {
                self.key()?;
            }
            self.value(depth + 1)?;
            self.skip_space();
            if !self.skip(b",") && !self.rest().starts_with(close) {
                return None;
            }
        }
        self.out.push(if is_object { b'}' } else { b']' });
        Some(())
    }

    /// Reads a key with its colon or arrow.
    fn key(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' | b'\'' => self.string()?,
            _ => {
                self.skip(b":");
                let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-');
                let length = self.rest().iter().take_while(|byte| is_name(byte)).count();
                let name =
                    std::str::from_utf8(self.rest().get(..length).filter(|name| !name.is_empty())?).ok()?.to_owned();
                self.at += length;
                write_string(&name, &mut self.out);
            }
        }
        self.skip_space();
        self.out.push(b':');
        (self.skip(b"=>") || self.skip(b":")).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        let quote = self.peek()?;
        let inner = self.text.get(self.at + 1..)?;
        let end = quoted_end(inner, quote)?;
        let text = unescape_bytes(inner.get(..end)?)?;
        self.at += end + 2;
        write_string(&String::from_utf8(text).ok()?, &mut self.out);
        Some(())
    }

    /// Reads the bytes of `<Buffer 7b 22>`, unless some were left out.
    fn buffer(&mut self) -> Option<()> {
        let length = self.rest().iter().position(|byte| *byte == b'>')?;
        let digits = std::str::from_utf8(self.rest().get(..length)?).ok()?;
        let bytes: Option<Vec<String>> = digits
            .split_whitespace()
            .map(|byte| u8::from_str_radix(byte, 16).ok().map(|byte| byte.to_string()))
            .collect();
        self.out.extend_from_slice(format!("[{}]", bytes?.join(",")).as_bytes());
        self.at += length + 1;
        Some(())
    }

    fn word(&mut self) -> Option<()> {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_');
        let length = self.rest().iter().take_while(|byte| is_word(byte)).count();
        let word = std::str::from_utf8(self.rest().get(..length)?).ok()?;
        let written = match word {
            "None" | "nil" | "undefined" | "null" => "null",
            "True" | "true" => "true",
            "False" | "false" => "false",
            number if crate::json::is_valid(number.as_bytes()) => number,
            _ => return None,
        };
        self.out.extend_from_slice(written.as_bytes());
        self.at += length;
        Some(())
    }
}

/// Returns the offset of the quote that ends a string. A backslash escapes the next byte.
pub(super) fn quoted_end(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text.get(at..).and_then(|rest| memchr::memchr2(b'\\', quote, rest))?;
        if text.get(at) == Some(&quote) {
            return Some(at);
        }
        at += 2;
    }
}

/// Undoes backslash escapes of a string of bytes: `\n`, `\x22`, `\u00e9`, `\'`. `None`: an escape is
/// incomplete.
pub(super) fn unescape_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        bytes.extend_from_slice(plain);
        let number = |from: usize, to: usize| {
            let digits = escape.get(from..to).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        let (byte, used) = match escape.get(1)? {
            b'n' => (b'\n', 2),
            b'r' => (b'\r', 2),
            b't' => (b'\t', 2),
            b'b' => (0x08, 2),
            b'f' => (0x0c, 2),
            b'x' => (u8::try_from(number(2, 4)?).ok()?, 4),
            b'u' => {
                let (code, used) = match (number(2, 6)?, escape.get(6..8), number(8, 12)) {
                    (high @ 0xd800..0xdc00, Some(b"\\u"), Some(low @ 0xdc00..0xe000)) => {
                        (0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12)
                    }
                    (code, ..) => (code, 6),
                };
                let letter = char::from_u32(code)?;
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                rest = escape.get(used..)?;
                continue;
            }
            other => (*other, 2),
        };
        bytes.push(byte);
        rest = escape.get(used..)?;
    }
    bytes.extend_from_slice(rest);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<String> {
        to_json(text.as_bytes()).map(|(json, _)| String::from_utf8(json).unwrap())
    }

    #[test]
    fn objects_of_node_python_and_ruby_become_json() {
        // `node -e "console.log({method:'POST',headers:{'x-a':'it\'s'},n:[1.5,null,undefined],raw:Buffer.from('{}')})"`
        let node = "{\n  method: 'POST',\n  headers: { 'x-a': \"it's\" },\n  n: [ 1.5, null, undefined ],\n  \
                    raw: <Buffer 7b 7d>\n}";
        let expected = r#"{"method":"POST","headers":{"x-a":"it's"},"n":[1.5,null,null],"raw":[123,125]}"#;
        assert_eq!(json(node).as_deref(), Some(expected));
        // `python3 -c "print({'a': None, 'b': [True, ('x', 1)], 'c': b'{}'})"`
        let python = "{'a': None, 'b': [True, ('x', 1)], 'c': b'{}'}";
        assert_eq!(json(python).as_deref(), Some(r#"{"a":null,"b":[true,["x",1]],"c":"{}"}"#));
        // `ruby -e "p({'a' => nil, b: 1})"`
        assert_eq!(json(r#"{"a"=>nil, :b=>1}"#).as_deref(), Some(r#"{"a":null,"b":1}"#));
        assert_eq!(json("{a:1,}").as_deref(), Some(r#"{"a":1}"#));
    }

    #[test]
    fn objects_that_were_printed_in_part_are_refused() {
        for text in
            ["{ data: [Object] }", "{ raw: <Buffer 7b 22 ... 40 more bytes> }", "{ a: ", "{ a: function }", "{a}"]
        {
            assert_eq!(json(text), None, "{text}");
        }
        assert_eq!(json(&"[".repeat(200)), None);
    }

    #[test]
    fn escapes_are_undone_byte_by_byte() {
        assert_eq!(unescape_bytes(br"\x22\xC3\x89\u00e9\ud83d\ude00\n\\").unwrap(), "\"Éé😀\n\\".as_bytes());
        assert_eq!((unescape_bytes(br"\x2"), unescape_bytes(b"\\"), unescape_bytes(br"\ud800")), (None, None, None));
    }
}
