//! Splits command lines into words, as bash, the Windows command prompt and PowerShell do.

mod ansi;
mod cmd;

use ansi::unescape_ansi;
use cmd::{windows_words, without_carets};

/// The quoting rules that a command is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    Posix,
    /// `cmd.exe`, where `^` escapes.
    Cmd,
    /// Where a backtick escapes.
    PowerShell,
}

impl Quoting {
    /// Detects the shell by how a command continues its lines or escapes quotes.
    pub fn detect(command: &[u8]) -> Self {
        let contains = |word: &[u8]| memchr::memmem::find(command, word).is_some();
        let is_posix = contains(b"\\\n") || contains(b"$'");
        if !is_posix && (contains(b" ^\n") || contains(b" ^\r\n") || contains(b"^\"")) {
            Self::Cmd
        } else if !is_posix && (contains(b" `\n") || contains(b" `\r\n") || contains(b"`\"") || is_web_request(command))
        {
            Self::PowerShell
        } else {
            Self::Posix
        }
    }
}

/// Checks whether a command is one of PowerShell's own.
pub(super) fn is_web_request(command: &[u8]) -> bool {
    let names: [&[u8]; 4] = [b"invoke-webrequest", b"invoke-restmethod", b"iwr", b"irm"];
    let command = command.trim_ascii_start();
    let is_named = |name: &[u8]| {
        let (start, after) = command.split_at_checked(name.len())?;
        (start.eq_ignore_ascii_case(name) && after.first()?.is_ascii_whitespace()).then_some(())
    };
    names.iter().any(|name| is_named(name).is_some())
}

/// Words of one command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub words: Vec<Vec<u8>>,
    /// Variables that the shell would have replaced, such as `$TOKEN`.
    pub variables: Vec<String>,
    /// The word that ends a here-document, if the command reads one.
    pub here_document: Option<Vec<u8>>,
    /// The number of bytes of the command.
    pub length: usize,
}

/// Splits the command at the start of a text into words. It ends at a line end, `;`, `|` or `&`.
pub(super) fn split(text: &[u8], shell: Quoting) -> Command {
    match shell {
        Quoting::Posix => Splitter::new(text).posix(),
        Quoting::Cmd => {
            let (plain, length) = without_carets(text);
            Command { words: windows_words(&plain), length, ..Command::default() }
        }
        Quoting::PowerShell => Splitter::new(text).power_shell(),
    }
}

struct Splitter<'t> {
    text: &'t [u8],
    at: usize,
    word: Option<Vec<u8>>,
    command: Command,
}

impl<'t> Splitter<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, word: None, command: Command::default() }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn push(&mut self, bytes: &[u8]) {
        self.word.get_or_insert_default().extend_from_slice(bytes);
    }

    fn end_word(&mut self) {
        self.command.words.extend(self.word.take());
    }

    fn finish(mut self) -> Command {
        self.end_word();
        self.command.length = self.at.min(self.text.len());
        self.command
    }

    fn posix(mut self) -> Command {
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\n' | b';' | b'|' | b'&' | b')' => break,
                b' ' | b'\t' | b'\r' => self.end_word(),
                b'#' if self.word.is_none() => self.skip_line(),
                b'\\' => self.posix_escape(),
                b'\'' => {
                    let end = self.find(b'\'');
                    self.push_range(end);
                }
                b'"' => self.double_quoted(),
                b'$' if self.peek(0) == Some(b'\'') => self.ansi_quoted(),
                b'$' => self.variable(),
                b'<' if self.peek(0) == Some(b'<') && self.peek(1) != Some(b'<') => self.here_document(),
                _ => self.push(&[byte]),
            }
        }
        self.finish()
    }

    fn skip_line(&mut self) {
        self.at = self.find(b'\n');
    }

    /// Returns the offset of the next such byte, or the end of the text.
    fn find(&self, byte: u8) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        memchr::memchr(byte, rest).map_or(self.text.len(), |at| self.at + at)
    }

    /// Adds the text up to `end` and skips the byte there.
    fn push_range(&mut self, end: usize) {
        let text = self.text.get(self.at..end).unwrap_or_default();
        self.push(text);
        self.at = end + 1;
    }

    fn posix_escape(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (Some(b'\n'), _) => self.at += 1,
            (Some(b'\r'), Some(b'\n')) => self.at += 2,
            (Some(byte), _) => {
                self.push(&[byte]);
                self.at += 1;
            }
            (None, _) => {}
        }
    }

    fn double_quoted(&mut self) {
        self.push(b"");
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match (byte, self.peek(0)) {
                (b'"', _) => return,
                (b'\\', Some(next @ (b'"' | b'\\' | b'$' | b'`'))) => {
                    self.push(&[next]);
                    self.at += 1;
                }
                (b'\\', Some(b'\n')) => self.at += 1,
                (b'$', Some(_)) => self.variable(),
                _ => self.push(&[byte]),
            }
        }
    }

    /// Reads `$'…'`.
    fn ansi_quoted(&mut self) {
        self.at += 1;
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = super::literal::quoted_end(rest, b'\'').unwrap_or(rest.len());
        let quoted = rest.get(..end).unwrap_or_default();
        let text = unescape_ansi(quoted);
        self.push(&text);
        self.at += end + 1;
    }

    /// Keeps a variable as it is written, and remembers its name.
    fn variable(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let name: Vec<u8> = match rest {
            [b'{', inner @ ..] => inner.iter().copied().take_while(|byte| *byte != b'}').collect(),
            _ => rest.iter().copied().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').collect(),
        };
        if !name.is_empty() {
            self.command.variables.push(String::from_utf8_lossy(&name).into_owned());
        }
        self.push(b"$");
    }

    fn here_document(&mut self) {
        self.at += 1;
        self.at += usize::from(self.peek(0) == Some(b'-'));
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"|;&".contains(byte);
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let plain = word.iter().copied().filter(|byte| !b"'\"\\".contains(byte)).collect();
        self.command.here_document = Some(plain);
        self.at += length;
    }

    fn power_shell(mut self) -> Command {
        // Open brackets, in which line ends do not end the command.
        let mut depth = 0_usize;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'`' if matches!(self.peek(0), Some(b'\n')) => self.at += 1,
                b'`' if matches!((self.peek(0), self.peek(1)), (Some(b'\r'), Some(b'\n'))) => self.at += 2,
                b'\n' if depth == 0 => break,
                b'|' | b'#' if depth == 0 && self.word.is_none() => break,
                b'@' if matches!(self.peek(0), Some(b'{' | b'(')) => self.end_word(),
                b'{' | b'(' | b'[' => {
                    depth += 1;
                    self.end_word();
                    self.command.words.push(vec![byte]);
                }
                b'}' | b')' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.end_word();
                    self.command.words.push(vec![byte]);
                }
                b'=' | b';' if depth > 0 => self.end_word(),
                b' ' | b'\t' | b'\r' | b'\n' => self.end_word(),
                b'\'' => self.doubled_quotes(),
                b'"' => self.backtick_quoted(),
                _ => self.push(&[byte]),
            }
        }
        self.finish()
    }

    /// Reads `'it''s'`.
    fn doubled_quotes(&mut self) {
        loop {
            let end = self.find(b'\'');
            self.push_range(end);
            if self.peek(0) != Some(b'\'') {
                return;
            }
            self.push(b"'");
            self.at += 1;
        }
    }

    /// Reads `` "a`"b" ``, in which Chrome writes other characters as `$([char]233)`.
    fn backtick_quoted(&mut self) {
        self.push(b"");
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match (byte, self.peek(0)) {
                (b'"', Some(b'"')) => {
                    self.push(b"\"");
                    self.at += 1;
                }
                (b'"', _) => return,
                (b'`', Some(next)) => {
                    let plain = match next {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'0' => 0,
                        other => other,
                    };
                    self.push(&[plain]);
                    self.at += 1;
                }
                (b'$', _) => self.char_code(),
                _ => self.push(&[byte]),
            }
        }
    }

    fn char_code(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let code = rest.strip_prefix(b"([char]").and_then(|rest| {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(rest.get(..digits)?).ok()?.parse::<u32>().ok()?;
            Some((char::from_u32(number)?, b"([char]".len() + digits + 1))
        });
        match code {
            Some((letter, used)) => {
                self.push(letter.encode_utf8(&mut [0; 4]).as_bytes());
                self.at += used;
            }
            None => self.variable(),
        }
    }
}

#[cfg(test)]
mod tests;
