//! A document laid out for people: one member a line, two spaces a level, every spelling kept.
//!
//! It yields pieces with their kinds; colours and the escaping of what is unsafe on a terminal are the renderer's.

use super::document::Document;
use super::token::{Token, TokenKind, Tokens};

/// A newline and the deepest indentation shown. Deeper levels share it, so that a hostile document of n bytes can't ask for
/// n² spaces.
const LINE: &str = "\n                                                                                ";
const UNIT: usize = 2;

/// The pieces of a document, in order; written one after another they are the laid out text, without a final newline.
#[derive(Debug, Clone)]
pub struct Indented<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    before: Option<TokenKind>,
    pending: Option<Token>,
}

/// Lays out `document`. Empty objects and arrays stay on one line.
pub fn indented<'a>(document: &Document<'a>) -> Indented<'a> {
    let text = document.text();
    Indented { text, tokens: Tokens::new(text.as_bytes()), before: None, pending: None }
}

impl<'a> Indented<'a> {
    /// The white space between the token before and this one.
    fn space(&self, kind: TokenKind) -> Option<&'static str> {
        use TokenKind::{CloseArray, CloseObject, Colon, Comma, OpenArray, OpenObject};
        match (self.before, kind) {
            (Some(OpenObject), CloseObject) | (Some(OpenArray), CloseArray) => None,
            (Some(OpenObject | OpenArray), OpenObject | OpenArray) | (Some(Comma), OpenObject | OpenArray) => {
                Some(line(self.tokens.depth() - 1))
            }
            (Some(OpenObject | OpenArray | Comma), _) | (_, CloseObject | CloseArray) => {
                Some(line(self.tokens.depth()))
            }
            (Some(Colon), _) => Some(" "),
            _ => None,
        }
    }

    fn piece(&mut self, token: Token) -> (TokenKind, &'a str) {
        self.before = Some(token.kind);
        (token.kind, self.text.get(token.start..token.end).unwrap_or_default())
    }
}

/// A newline and the indentation of `depth` levels.
fn line(depth: usize) -> &'static str {
    LINE.get(..=depth.saturating_mul(UNIT)).unwrap_or(LINE)
}

impl<'a> Iterator for Indented<'a> {
    type Item = (TokenKind, &'a str);

    fn next(&mut self) -> Option<(TokenKind, &'a str)> {
        if let Some(token) = self.pending.take() {
            return Some(self.piece(token));
        }
        let token = self.tokens.by_ref().filter_map(Result::ok).find(|token| token.kind != TokenKind::Space)?;
        match self.space(token.kind) {
            Some(space) => {
                self.pending = Some(token);
                Some((TokenKind::Space, space))
            }
            None => Some(self.piece(token)),
        }
    }
}
