//! Lays out a document for people: one member per line, two spaces per level, all spellings
//! unchanged.
//!
//! Yields tokens; the renderer colors them and escapes unsafe characters.

use super::document::Document;
use super::token::{Token, TokenKind, Tokens};

/// A newline and the deepest indentation. Deeper levels share it, so that a hostile document of n
/// bytes cannot demand n² spaces.
const LINE: &str = "\n                                                                                ";
const UNIT: usize = 2;

/// Iterates over the tokens of a laid out document, whitespace included, without a final newline.
#[derive(Debug, Clone)]
pub struct Indented<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    previous: Option<TokenKind>,
    pending: Option<Token>,
}

/// Lays out `document`. Empty objects and arrays stay on one line.
pub fn indented<'a>(document: &Document<'a>) -> Indented<'a> {
    let text = document.text();
    Indented { text, tokens: Tokens::new(text.as_bytes()), previous: None, pending: None }
}

impl<'a> Indented<'a> {
    /// Returns the whitespace before this token.
    fn space(&self, kind: TokenKind) -> Option<&'static str> {
        use TokenKind::{CloseArray, CloseObject, Colon, Comma, OpenArray, OpenObject};
        match (self.previous, kind) {
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

    fn emit(&mut self, token: Token) -> (TokenKind, &'a str) {
        self.previous = Some(token.kind);
        (token.kind, self.text.get(token.start..token.end).unwrap_or_default())
    }
}

/// Returns a newline and the indentation of `depth` levels.
fn line(depth: usize) -> &'static str {
    LINE.get(..=depth.saturating_mul(UNIT)).unwrap_or(LINE)
}

impl<'a> Iterator for Indented<'a> {
    type Item = (TokenKind, &'a str);

    fn next(&mut self) -> Option<(TokenKind, &'a str)> {
        if let Some(token) = self.pending.take() {
            return Some(self.emit(token));
        }
        let token = self.tokens.by_ref().filter_map(Result::ok).find(|token| token.kind != TokenKind::Space)?;
        match self.space(token.kind) {
            Some(space) => {
                self.pending = Some(token);
                Some((TokenKind::Space, space))
            }
            None => Some(self.emit(token)),
        }
    }
}
