//! Splits JSON into tokens and checks it against RFC 8259.
//!
//! The tokenizer keeps one byte for each open bracket and never recurses. It checks structure,
//! numbers, escapes and UTF-8, but decodes nothing: an escaped lone surrogate is valid.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    OpenObject,
    CloseObject,
    OpenArray,
    CloseArray,
    Colon,
    Comma,
    /// A string that names a member, quotes included.
    Key,
    /// A string that is a value, quotes included.
    String,
    Number,
    True,
    False,
    Null,
    Space,
}

/// A token and the range of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct SyntaxError {
    /// Offset of the wrong byte; the length of the text if it ends too early.
    pub offset: usize,
    pub kind: SyntaxErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxErrorKind {
    /// The text ends inside a value or has none.
    #[error("unexpected end of JSON")]
    EndsTooEarly,
    #[error("unexpected byte")]
    Unexpected,
    #[error("unescaped control character in a string")]
    ControlCharacter,
    #[error("invalid escape in a string")]
    Escape,
    #[error("invalid UTF-8 in a string")]
    NotUtf8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrClose,
    Key,
    KeyOrClose,
    Colon,
    CommaOrClose,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    Object,
    Array,
}

/// Iterates over the tokens of a text, whitespace included. An error is the last item.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    open: Vec<Bracket>,
    expect: Expect,
    failed: bool,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a [u8]) -> Tokens<'a> {
        Tokens { text, at: 0, open: Vec::new(), expect: Expect::Value, failed: false }
    }

    /// Returns the number of open brackets.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Returns the error for the current byte.
    fn unexpected(&self) -> SyntaxError {
        let fault = if self.at < self.text.len() { SyntaxErrorKind::Unexpected } else { SyntaxErrorKind::EndsTooEarly };
        SyntaxError { offset: self.at, kind: fault }
    }

    fn token(&mut self, first: u8) -> Result<TokenKind, SyntaxError> {
        use Expect::{Colon, CommaOrClose, Key, KeyOrClose, Nothing, Value, ValueOrClose};
        match (self.expect, first) {
            (_, b' ' | b'\t' | b'\n' | b'\r') => Ok(self.space()),
            (Value | ValueOrClose, b'{') => Ok(self.open(Bracket::Object, KeyOrClose, TokenKind::OpenObject)),
            (Value | ValueOrClose, b'[') => Ok(self.open(Bracket::Array, ValueOrClose, TokenKind::OpenArray)),
            (KeyOrClose, b'}') => Ok(self.close(TokenKind::CloseObject)),
            (ValueOrClose, b']') => Ok(self.close(TokenKind::CloseArray)),
            (Key | KeyOrClose, b'"') => self.string(Colon, TokenKind::Key),
            (Colon, b':') => Ok(self.single(Value, TokenKind::Colon)),
            (CommaOrClose, b',' | b'}' | b']') => self.comma_or_close(first),
            (Value | ValueOrClose, b'"') => self.string(self.after_value(), TokenKind::String),
            (Value | ValueOrClose, b'-' | b'0'..=b'9') => self.number(),
            (Value | ValueOrClose, b't') => self.literal(b"true", TokenKind::True),
            (Value | ValueOrClose, b'f') => self.literal(b"false", TokenKind::False),
            (Value | ValueOrClose, b'n') => self.literal(b"null", TokenKind::Null),
            (Value | ValueOrClose | Key | KeyOrClose | Colon | CommaOrClose | Nothing, _) => Err(self.unexpected()),
        }
    }

    fn after_value(&self) -> Expect {
        if self.open.is_empty() { Expect::Nothing } else { Expect::CommaOrClose }
    }

    fn single(&mut self, next: Expect, kind: TokenKind) -> TokenKind {
        self.at += 1;
        self.expect = next;
        kind
    }

    fn open(&mut self, bracket: Bracket, next: Expect, kind: TokenKind) -> TokenKind {
        self.open.push(bracket);
        self.single(next, kind)
    }

    fn close(&mut self, kind: TokenKind) -> TokenKind {
        self.open.pop();
        let next = self.after_value();
        self.single(next, kind)
    }

    fn comma_or_close(&mut self, first: u8) -> Result<TokenKind, SyntaxError> {
        match (self.open.last(), first) {
            (Some(Bracket::Object), b',') => Ok(self.single(Expect::Key, TokenKind::Comma)),
            (Some(Bracket::Array), b',') => Ok(self.single(Expect::Value, TokenKind::Comma)),
            (Some(Bracket::Object), b'}') => Ok(self.close(TokenKind::CloseObject)),
            (Some(Bracket::Array), b']') => Ok(self.close(TokenKind::CloseArray)),
            _ => Err(self.unexpected()),
        }
    }

    fn space(&mut self) -> TokenKind {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        TokenKind::Space
    }

    fn literal(&mut self, word: &[u8], kind: TokenKind) -> Result<TokenKind, SyntaxError> {
        for byte in word {
            if self.peek() != Some(*byte) {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        self.expect = self.after_value();
        Ok(kind)
    }

    fn number(&mut self) -> Result<TokenKind, SyntaxError> {
        self.skip(b"-");
        if !self.skip(b"0") {
            self.digits()?;
        }
        if self.skip(b".") {
            self.digits()?;
        }
        if self.skip(b"eE") {
            self.skip(b"+-");
            self.digits()?;
        }
        self.expect = self.after_value();
        Ok(TokenKind::Number)
    }

    /// Skips the next byte if it is one of `bytes`. Returns whether it was.
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| bytes.contains(&byte));
        self.at += usize::from(found);
        found
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected()) } else { Ok(()) }
    }

    fn string(&mut self, next: Expect, kind: TokenKind) -> Result<TokenKind, SyntaxError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) => return Err(SyntaxError { offset: self.at, kind: SyntaxErrorKind::ControlCharacter }),
                Some(_) => self.at += 1,
                None => return Err(self.unexpected()),
            }
        }
        self.at += 1;
        self.expect = next;
        let string = self.text.get(start..self.at).unwrap_or_default();
        match std::str::from_utf8(string) {
            Ok(_) => Ok(kind),
            Err(error) => Err(SyntaxError { offset: start + error.valid_up_to(), kind: SyntaxErrorKind::NotUtf8 }),
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let hex_digits = match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            Some(_) => return Err(SyntaxError { offset: self.at + 1, kind: SyntaxErrorKind::Escape }),
            None => return Err(SyntaxError { offset: self.text.len(), kind: SyntaxErrorKind::EndsTooEarly }),
        };
        self.at += 2;
        for _ in 0..hex_digits {
            match self.peek() {
                Some(byte) if byte.is_ascii_hexdigit() => self.at += 1,
                Some(_) => return Err(SyntaxError { offset: self.at, kind: SyntaxErrorKind::Escape }),
                None => return Err(self.unexpected()),
            }
        }
        Ok(())
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, SyntaxError>;

    fn next(&mut self) -> Option<Result<Token, SyntaxError>> {
        if self.failed {
            return None;
        }
        let start = self.at;
        let result = match self.peek() {
            Some(first) => self.token(first),
            None if self.expect == Expect::Nothing => return None,
            None => Err(self.unexpected()),
        };
        self.failed = result.is_err();
        Some(result.map(|kind| Token { kind, start, end: self.at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &[u8]) -> Option<(usize, SyntaxErrorKind)> {
        Tokens::new(text).find_map(Result::err).map(|error| (error.offset, error.kind))
    }

    #[test]
    fn tokens_span_the_whole_text() {
        let text = b"{\"a\" :[1,true]}\n";
        let tokens: Vec<(TokenKind, &[u8])> = Tokens::new(text)
            .map(|token| token.unwrap())
            .map(|token| (token.kind, &text[token.start..token.end]))
            .collect();
        let expected: [(TokenKind, &[u8]); 11] = [
            (TokenKind::OpenObject, b"{"),
            (TokenKind::Key, b"\"a\""),
            (TokenKind::Space, b" "),
            (TokenKind::Colon, b":"),
            (TokenKind::OpenArray, b"["),
            (TokenKind::Number, b"1"),
            (TokenKind::Comma, b","),
            (TokenKind::True, b"true"),
            (TokenKind::CloseArray, b"]"),
            (TokenKind::CloseObject, b"}"),
            (TokenKind::Space, b"\n"),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn an_error_has_the_offset_of_its_byte() {
        let cases: [(&[u8], usize, SyntaxErrorKind); 16] = [
            (b"", 0, SyntaxErrorKind::EndsTooEarly),
            (b"[1,", 3, SyntaxErrorKind::EndsTooEarly),
            (b"[1,]", 3, SyntaxErrorKind::Unexpected),
            (b"[1}", 2, SyntaxErrorKind::Unexpected),
            (b"{\"a\":1,}", 7, SyntaxErrorKind::Unexpected),
            (b"{a:1}", 1, SyntaxErrorKind::Unexpected),
            (b"[] []", 3, SyntaxErrorKind::Unexpected),
            (b"01", 1, SyntaxErrorKind::Unexpected),
            (b"1.", 2, SyntaxErrorKind::EndsTooEarly),
            (b"-x", 1, SyntaxErrorKind::Unexpected),
            (b"nul!", 3, SyntaxErrorKind::Unexpected),
            (b"\xef\xbb\xbf{}", 0, SyntaxErrorKind::Unexpected),
            (b"\"a\nb\"", 2, SyntaxErrorKind::ControlCharacter),
            (b"\"\\x\"", 2, SyntaxErrorKind::Escape),
            (b"\"\\u12g4\"", 5, SyntaxErrorKind::Escape),
            (b"\"ab\xff\"", 3, SyntaxErrorKind::NotUtf8),
        ];
        for (text, offset, expected) in cases {
            assert_eq!(error(text), Some((offset, expected)), "{}", String::from_utf8_lossy(text));
        }
    }
}
